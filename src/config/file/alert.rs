//! `[[alert]]` and the heartbeat: who is notified when something changes.

use std::time::Duration;

use http::HeaderName;

use crate::config::missing::ValueUser;
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node, Table};
use crate::config::value::interpolate::TextUse;
use crate::config::value::layers::Layers;
use crate::config::value::{header, interpolate, layers, url, url_schemes};
use crate::model::{
    Alert, AlertEvent, AlertTarget, Surfaces, Value, WebhookTemplate, is_secret_name, message, suggest,
};

/// Where `PagerDuty` takes events, version 2.
const PAGERDUTY: &str = "https://events.pagerduty.com/v2/enqueue";
/// Default number of attempts after a failed one.
const RETRIES: u32 = 2;
/// Default timeout of one attempt.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Reads `[[alert]]`.
pub(crate) fn alerts(reader: &mut ConfigReader, root: &Table, surfaces: &Surfaces) -> Vec<Alert> {
    let mut alerts: Vec<Alert> = Vec::new();
    let Some(Node { item: Item::List(list), .. }) = root.get("alert") else { return alerts };
    for table in list.iter().filter_map(Node::as_table) {
        reader.owner = None;
        let name = layers::required(reader, table, "name", "the alert");
        let name = name.and_then(|node| layers::name(reader, "name", node));
        reader.owner = name.as_ref().map(|name| format!("alert \"{name}\""));
        reader.user = ValueUser::Alerts;
        if let (Some(node), Some(name)) = (table.get("name"), &name)
            && alerts.iter().any(|other| other.name == *name)
        {
            reader.problem(&node.span, message!("another alert is named \"{name}\""));
        }
        alerts.extend(alert(reader, table, name.unwrap_or_default(), surfaces));
        reader.user = ValueUser::File;
    }
    reader.user = ValueUser::File;
    reader.owner = None;
    alerts
}

fn alert(reader: &mut ConfigReader, table: &Table, name: String, known: &Surfaces) -> Option<Alert> {
    let mut surfaces = Vec::new();
    for node in table.get("surfaces").map(Node::one_or_more).unwrap_or_default() {
        let Some(surface) = layers::name(reader, "surfaces", node) else { continue };
        if !known.contains_key(&surface) {
            let message = message!("no probe belongs to the surface \"{surface}\"");
            match suggest::nearest(&surface, known.keys().map(String::as_str)) {
                Some(near) => reader.advise(&node.span, message, message!("did you mean \"{near}\"?")),
                None => reader.problem(&node.span, message),
            }
        }
        surfaces.push(surface);
    }
    let on = match table.get("on") {
        Some(node) => node.one_or_more().iter().filter_map(|node| event(reader, node)).collect(),
        None => vec![
            AlertEvent::Open,
            AlertEvent::Wave,
            AlertEvent::Close,
            AlertEvent::CannotJudge,
            AlertEvent::Slow,
            AlertEvent::SlowEnd,
        ],
    };
    let mut time = |key: &str, range| table.get(key).map(|node| layers::duration(reader, key, node, range));
    let timeout = time("timeout", Duration::from_millis(1)..=Duration::from_mins(1)).unwrap_or(Some(TIMEOUT));
    let repeat = time("repeat", Duration::from_mins(1)..=Duration::from_hours(31 * 24)).flatten();
    let retries = table.get("retries").and_then(layers::integer).unwrap_or(RETRIES);
    let target = target(reader, table)?;
    Some(Alert { name, on, surfaces, target, retries, timeout: timeout?, repeat })
}

fn event(reader: &mut ConfigReader, node: &Node) -> Option<AlertEvent> {
    let names = AlertEvent::ALL.map(AlertEvent::name);
    let word = layers::word(reader, "on", node, &names)?;
    AlertEvent::ALL.into_iter().find(|event| event.name() == word)
}

fn target(reader: &mut ConfigReader, table: &Table) -> Option<AlertTarget> {
    let of_webhook = ["template", "routing-key", "headers"];
    match Layers::new([table]).one_of(reader, &["webhook", "exec"]) {
        Some(entry) if entry.key == "exec" => {
            for key in of_webhook {
                if let Some(other) = table.entry(key) {
                    reader.problem(&other.key_span, message!("`{key}` cannot be used with `exec`"));
                }
            }
            exec(reader, &entry.node)
        }
        Some(entry) => webhook(reader, table, Some(&entry.node)),
        // PagerDuty needs no URL: there is only one.
        None if is_pagerduty(table) => webhook(reader, table, None),
        None => {
            reader.problem(&table.span, "the alert has neither `webhook` nor `exec`");
            None
        }
    }
}

fn is_pagerduty(table: &Table) -> bool {
    matches!(table.get("template"), Some(Node { item: Item::Text(text), .. }) if text == "pagerduty")
}

fn exec(reader: &mut ConfigReader, node: &Node) -> Option<AlertTarget> {
    let command: Option<Vec<Value>> =
        node.one_or_more().iter().map(|node| interpolate::fill(reader, node, TextUse::Text)).collect();
    let command = command?;
    if command.first().is_some_and(|program| program.parts.is_empty()) {
        reader.problem(&node.span, "`exec` names no program");
    }
    Some(AlertTarget::Exec { command })
}

fn webhook(reader: &mut ConfigReader, table: &Table, node: Option<&Node>) -> Option<AlertTarget> {
    let url = match node {
        Some(node) => address(reader, "webhook", node),
        None => Some(Value::plain(PAGERDUTY)),
    };
    let word =
        table.get("template").map(|node| layers::word(reader, "template", node, &["json", "slack", "pagerduty"]));
    let key = table.get("routing-key");
    let template = match word.unwrap_or(Some("json"))? {
        "pagerduty" => {
            let key = layers::required(reader, table, "routing-key", "an alert for PagerDuty")?;
            WebhookTemplate::PagerDuty(interpolate::fill(reader, key, TextUse::Secret("routing-key"))?)
        }
        word => {
            if let Some(node) = key {
                reader.problem(&node.span, "`routing-key` needs `template = \"pagerduty\"`");
            }
            if word == "slack" { WebhookTemplate::Slack } else { WebhookTemplate::Json }
        }
    };
    Some(AlertTarget::Webhook { url: url?, template, headers: headers(reader, table) })
}

fn headers(reader: &mut ConfigReader, table: &Table) -> Vec<(HeaderName, Value)> {
    let mut headers = Vec::new();
    for entry in table.get("headers").and_then(Node::as_table).map(|table| &table.entries).into_iter().flatten() {
        let Some(name) = header::name(reader, entry) else { continue };
        let usage = if is_secret_name(name.as_str()) { TextUse::Secret(name.as_str()) } else { TextUse::Text };
        let Some(value) = interpolate::fill(reader, &entry.node, usage) else { continue };
        if header::is_value(reader, &entry.node, &format!("the header {name}"), &value) {
            headers.push((name, value));
        }
    }
    headers
}

/// Reads a URL that anyone who knows it may use: if it comes from a variable it is a secret.
fn address(reader: &mut ConfigReader, key: &str, node: &Node) -> Option<Value> {
    let target = url::target(reader, key, node, url_schemes::WEB, TextUse::Variable)?;
    if target.auth.is_some() {
        reader.problem(&node.span, message!("`{key}` contains credentials: use `headers`, or a token in its path"));
    }
    Some(target.url)
}

/// Reads `settings.heartbeat`.
pub(crate) fn heartbeat(reader: &mut ConfigReader, root: &Table) -> Option<Value> {
    let node = root.get("settings")?.as_table()?.get("heartbeat")?;
    reader.user = ValueUser::Settings;
    let address = address(reader, "heartbeat", node);
    reader.user = ValueUser::File;
    address
}
