//! Journeys: the steps of a probe or of a session, and what they capture.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use crate::config::missing::ValueUser;
use crate::config::probe::{body, expect, http3, protocol_keys, request, transport};
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node, Table, TableEntry};
use crate::config::table_schema::{Key, TableSchema, ValueType, key};
use crate::config::value::layers::Layers;
use crate::config::value::toml_text::{TomlLines, TomlWriter, key as bare_key, quoted, table};
use crate::config::value::{interpolate, layers, matcher, segments};
use crate::model::quantity::show_duration;
use crate::model::{Capture, CaptureFrom, DeniedNetworks, Probe, Session, Step, message};

pub(crate) const STEP: TableSchema =
    TableSchema { title: "[[probe.step]]", groups: &[STEP_KEYS, request::REQUEST_KEYS], required: &["url"] };

pub(crate) const SESSION: TableSchema = TableSchema {
    title: "[session.NAME]",
    groups: &[SESSION_KEYS, request::REQUEST_KEYS, transport::TRANSPORT_KEYS],
    required: &["step"],
};

/// Keys of a step alone.
const STEP_KEYS: &[Key] = &[
    key("name", ValueType::Text, "its number", "The step's name in messages."),
    key("url", ValueType::Text, "", "The URL."),
    key(
        "capture",
        ValueType::Map(&ValueType::Table(&CAPTURE)),
        "",
        "Values taken out of the answer, by name: `{{name}}` in later steps.",
    ),
];

/// Keys of a session alone.
const SESSION_KEYS: &[Key] = &[
    key("step", ValueType::List(&ValueType::Table(&STEP)), "", "The requests, in order, as in a probe's journey."),
    key("lifetime", ValueType::Duration, "\"10m\"", "How long its captures and cookies are valid, from 1s to 1d."),
    key("timeout", ValueType::Duration, "\"10s\"", "Maximum time it may take, from 1ms to 1h."),
];

pub(crate) const CAPTURE: TableSchema = TableSchema {
    title: "capture.NAME",
    groups: &[&[
        key("json", ValueType::Text, "", "The first node that this JSON path finds."),
        key("matches", ValueType::Text, "", "The first group of this pattern's first match in the body."),
        key("header", ValueType::Text, "", "The value of this header."),
        key("cookie", ValueType::Text, "", "The value of this cookie."),
        key("select", ValueType::Text, "", "The text of the first element that this CSS selector finds."),
        key("attribute", ValueType::Text, "", "With `select`: this attribute instead of the text."),
    ]],
    required: &[],
};

/// Maximum number of steps in a journey.
const MOST_STEPS: usize = 100;
/// Default lifetime of a session.
pub(crate) const LIFETIME: Duration = Duration::from_mins(10);

/// Sessions by name.
pub(crate) type Sessions = BTreeMap<String, Arc<Session>>;

/// Reads the steps at a node. The nearest of the layers is the probe or the session itself: its `expect` applies to the
/// last step, everything else to all.
pub(crate) fn steps(reader: &mut ConfigReader, own: &Table, layers: &Layers, node: &Node) -> Option<Vec<Step>> {
    for key in ["url", "method"].into_iter().chain(body::KEYS) {
        if let Some(entry) = own.entry(key) {
            reader.problem(&entry.key_span, message!("`{key}` belongs in a step: this is a journey"));
        }
    }
    let Item::List(list) = &node.item else { return None };
    if list.len() > MOST_STEPS {
        reader.problem(&node.span, message!("the journey has {} steps; at most {MOST_STEPS} are allowed", list.len()));
        return None;
    }
    let owner = reader.owner.clone();
    let mut steps: Vec<Option<Step>> = Vec::with_capacity(list.len());
    for (at, node) in list.iter().enumerate() {
        let Some(table) = node.as_table() else { continue };
        let step = step(reader, table, layers, at + 1, at + 1 == list.len());
        if let Some(Step { name: Some(name), .. }) = &step
            && steps.iter().flatten().any(|other| other.name.as_ref() == Some(name))
        {
            reader.problem(&table.span, message!("another step is named \"{name}\""));
        }
        steps.push(step);
        reader.owner.clone_from(&owner);
    }
    steps.into_iter().collect()
}

fn step(reader: &mut ConfigReader, table: &Table, layers: &Layers, number: usize, is_last: bool) -> Option<Step> {
    let name = match table.get("name") {
        Some(node) => layers::name(reader, "name", node),
        None => Some(format!("step {number}")),
    };
    if let (Some(owner), Some(name)) = (&mut reader.owner, &name) {
        owner.push_str(&format!(", step \"{name}\""));
    }
    layers::required(reader, table, "url", "the step");
    let request = request::request(reader, table, &layers.under(table));
    let expectations = if is_last { layers.under(table) } else { layers.below().under(table) };
    let (expect, warn) = (expect::expect(reader, &expectations), expect::warn(reader, &expectations));
    let captures = captures(reader, table);
    if let Some(table) = table.get("capture").and_then(Node::as_table) {
        reader.captures.extend(table.entries.iter().map(|entry| entry.key.clone()));
    }
    let request = request?;
    let expect = protocol_keys::only_of(expect, request.protocol).into();
    let warn = protocol_keys::warnings_of(warn, request.protocol);
    Some(Step { name: Some(name?), request, expect, warn, captures })
}

fn captures(reader: &mut ConfigReader, table: &Table) -> Vec<Capture> {
    let Some(captures) = table.get("capture").and_then(Node::as_table) else { return Vec::new() };
    captures.entries.iter().filter_map(|entry| capture(reader, entry)).collect()
}

fn capture(reader: &mut ConfigReader, entry: &TableEntry) -> Option<Capture> {
    if !segments::is_name(&entry.key) {
        let message = message!("`{}` is not the name of a capture: it has letters, digits, `_` and `-`", entry.key);
        reader.problem(&entry.key_span, message);
    }
    let table = entry.node.as_table()?;
    let inner = Layers::new([table]);
    let Some(from) = inner.one_of(reader, &["json", "matches", "header", "cookie", "select"]) else {
        let message = "the capture has no source: add `json`, `matches`, `header`, `cookie` or `select`";
        reader.problem(&entry.node.span, message);
        return None;
    };
    if let (Some(attribute), true) = (table.entry("attribute"), from.key != "select") {
        reader.problem(&attribute.key_span, "`attribute` needs `select`");
    }
    let from = match from.key.as_str() {
        "json" => matcher::json_path(reader, "json", &from.node).map(CaptureFrom::Json),
        "matches" => matcher::pattern(reader, "matches", &from.node).map(CaptureFrom::Matches),
        "header" => header(reader, &from.node).map(CaptureFrom::Header),
        "cookie" => layers::name(reader, "cookie", &from.node).map(CaptureFrom::Cookie),
        _ => {
            let attribute = table.get("attribute").and_then(|node| layers::name(reader, "attribute", node));
            matcher::selector(reader, "select", &from.node).map(|selector| CaptureFrom::Select { selector, attribute })
        }
    };
    Some(Capture { name: entry.key.clone(), from: from? })
}

fn header(reader: &mut ConfigReader, node: &Node) -> Option<http::HeaderName> {
    let text = interpolate::plain(reader, node)?;
    let name = http::HeaderName::from_bytes(text.as_bytes()).ok();
    if name.is_none() {
        reader.problem(&node.span, "`header` is not the name of a header: it has letters, digits and hyphens");
    }
    name
}

/// Reads `[session.*]` of one file.
pub(crate) fn sessions(
    reader: &mut ConfigReader,
    root: &Table,
    defaults: &Layers,
    deny: DeniedNetworks,
    sessions: &mut Sessions,
) {
    for entry in root.get("session").and_then(Node::as_table).map(|table| &table.entries).into_iter().flatten() {
        let Some(own) = entry.node.as_table() else { continue };
        reader.owner = Some(format!("session \"{}\"", entry.key));
        reader.user = ValueUser::Session(entry.key.clone());
        reader.captures.clear();
        if entry.key.trim().is_empty() || !crate::model::text::is_shown_as_it_is(&entry.key) {
            reader.problem(
                &entry.key_span,
                "the name of a session is empty, or contains a control character or a command of a CI system",
            );
        }
        let session = session(reader, &entry.key, own, &defaults.under(own), deny);
        let taken = session.and_then(|session| sessions.insert(entry.key.clone(), Arc::new(session)));
        if taken.is_some() {
            reader.problem(&entry.key_span, message!("another file has a session \"{}\"", entry.key));
        }
    }
    reader.user = ValueUser::File;
    reader.owner = None;
    reader.captures.clear();
}

fn session(
    reader: &mut ConfigReader,
    name: &str,
    own: &Table,
    layers: &Layers,
    deny: DeniedNetworks,
) -> Option<Session> {
    let mut time = |key: &str, range, default| match own.get(key) {
        Some(node) => layers::duration(reader, key, node, range),
        None => Some(default),
    };
    let lifetime = time("lifetime", Duration::from_secs(1)..=Duration::from_hours(24), LIFETIME);
    let timeout = time("timeout", Duration::from_millis(1)..=Duration::from_hours(1), Probe::TIMEOUT);
    let transport = transport::transport(reader, layers, deny);
    let node = layers::required(reader, own, "step", "the session");
    let steps = node.and_then(|node| steps(reader, own, layers, node));
    let steps = steps?;
    http3::check(reader, layers, &steps, &transport);
    Some(Session { name: name.to_owned(), lifetime: lifetime?, timeout: timeout?, steps, transport })
}

/// Where a captured value comes from, as TOML.
fn explain_capture(lines: &mut TomlLines, writer: &TomlWriter, capture: &Capture) {
    let mut fields = Vec::new();
    match &capture.from {
        CaptureFrom::Json(path) => fields.push(format!("json = {}", writer.text(path.as_str()))),
        CaptureFrom::Matches(pattern) => fields.push(format!("matches = {}", writer.text(pattern.as_str()))),
        CaptureFrom::Header(name) => fields.push(format!("header = {}", quoted(name.as_str()))),
        CaptureFrom::Cookie(name) => fields.push(format!("cookie = {}", writer.text(name))),
        CaptureFrom::Select { selector, attribute } => {
            fields.push(format!("select = {}", writer.text(selector.as_str())));
            fields.extend(attribute.as_ref().map(|attribute| format!("attribute = {}", writer.text(attribute))));
        }
    }
    lines.set(&format!("capture.{}", bare_key(&capture.name)), &table(fields.into_iter()));
}

/// A session, as TOML.
pub(crate) fn explain_session(lines: &mut TomlLines, writer: &TomlWriter, session: &Session) {
    let title = format!("session.{}", bare_key(&session.name));
    let _ = writeln!(lines.0, "[{title}]");
    lines.set("lifetime", &quoted(&show_duration(session.lifetime)));
    lines.set("timeout", &quoted(&show_duration(session.timeout)));
    transport::explain(lines, writer, &session.transport);
    explain(lines, writer, &title, &session.steps);
    lines.0.push('\n');
}

/// The steps, as TOML.
pub(crate) fn explain(lines: &mut TomlLines, writer: &TomlWriter, of: &str, steps: &[Step]) {
    for step in steps {
        let _ = writeln!(lines.0, "\n[[{of}.step]]");
        if let Some(name) = &step.name {
            lines.set("name", &writer.text(name));
        }
        let mut own = TomlLines(String::new());
        request::explain(&mut own, writer, &step.request);
        for capture in &step.captures {
            explain_capture(&mut own, writer, capture);
        }
        expect::explain(&mut own, writer, "expect", &step.expect);
        expect::explain(&mut own, writer, "warn", &step.warn);
        lines.0.push_str(&protocol_keys::lines_of(&own.0, step.request.protocol));
    }
}
