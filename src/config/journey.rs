//! Journeys: the steps of a probe or of a session, and what they capture.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::layers::Layers;
use super::reader::Reader;
use super::tree::{Entry, Item, Node, Table};
use super::{expect, interpolate, layers, request, transport};
use crate::model::{Capture, CaptureFrom, Deny, Selector, Session, Step};

/// The most steps of a journey.
const MOST_STEPS: usize = 100;
/// How long a session is good for unless the file says otherwise.
pub(super) const LIFETIME: Duration = Duration::from_mins(10);

/// Sessions by name.
pub(super) type Sessions = BTreeMap<String, Arc<Session>>;

/// Reads the steps at a node. The nearest of the layers is the probe or the session itself: its
/// `expect` is for the last step, everything else of it is for all.
pub(super) fn steps(reader: &mut Reader, own: &Table, layers: &Layers, node: &Node) -> Option<Vec<Step>> {
    for key in ["url", "method"].into_iter().chain(super::body::KEYS) {
        if let Some(entry) = own.entry(key) {
            reader.problem(&entry.key_place, format!("`{key}` belongs in a step: this is a journey"));
        }
    }
    let Item::List(list) = &node.item else { return None };
    if list.len() > MOST_STEPS {
        reader.problem(&node.place, format!("the journey has {} steps, and may have {MOST_STEPS}", list.len()));
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
            reader.problem(&table.place, format!("another step is named \"{name}\""));
        }
        steps.push(step);
        reader.owner.clone_from(&owner);
    }
    steps.into_iter().collect()
}

fn step(reader: &mut Reader, table: &Table, layers: &Layers, number: usize, is_last: bool) -> Option<Step> {
    let name = match table.get("name") {
        Some(node) => layers::name(reader, "name", node),
        None => Some(format!("step {number}")),
    };
    if let (Some(owner), Some(name)) = (&mut reader.owner, &name) {
        owner.push_str(&format!(", step \"{name}\""));
    }
    request::required(reader, table, "url", "the step");
    let request = request::request(reader, table, &layers.under(table));
    let expectations = if is_last { layers.under(table) } else { layers.below().under(table) };
    let expect = expect::expect(reader, &expectations.inner("expect"));
    let captures = captures(reader, table);
    if let Some(table) = table.get("capture").and_then(Node::as_table) {
        reader.captures.extend(table.entries.iter().map(|entry| entry.key.clone()));
    }
    Some(Step { name: Some(name?), request: request?, expect, captures })
}

fn captures(reader: &mut Reader, table: &Table) -> Vec<Capture> {
    let Some(captures) = table.get("capture").and_then(Node::as_table) else { return Vec::new() };
    captures.entries.iter().filter_map(|entry| capture(reader, entry)).collect()
}

fn capture(reader: &mut Reader, entry: &Entry) -> Option<Capture> {
    if !interpolate::is_name(&entry.key) {
        let message = format!("`{}` is not the name of a capture: it has letters, digits, `_` and `-`", entry.key);
        reader.problem(&entry.key_place, message);
    }
    let table = entry.node.as_table()?;
    let inner = Layers::new([table]);
    let Some(from) = inner.one_of(reader, &["json", "matches", "header", "cookie", "select"]) else {
        let message = "this says not where the value stands: give it `json`, `matches`, `header`, `cookie` or `select`";
        reader.problem(&entry.node.place, message);
        return None;
    };
    if let (Some(attribute), true) = (table.entry("attribute"), from.key != "select") {
        reader.problem(&attribute.key_place, "`attribute` means nothing without `select`");
    }
    let from = match from.key.as_str() {
        "json" => expect::json_path(reader, "json", &from.node).map(CaptureFrom::Json),
        "matches" => expect::pattern(reader, "matches", &from.node).map(CaptureFrom::Matches),
        "header" => header(reader, &from.node).map(CaptureFrom::Header),
        "cookie" => layers::name(reader, "cookie", &from.node).map(CaptureFrom::Cookie),
        _ => {
            let attribute = table.get("attribute").and_then(|node| layers::name(reader, "attribute", node));
            selector(reader, "select", &from.node).map(|selector| CaptureFrom::Select { selector, attribute })
        }
    };
    Some(Capture { name: entry.key.clone(), from: from? })
}

fn header(reader: &mut Reader, node: &Node) -> Option<http::HeaderName> {
    let text = interpolate::plain(reader, node)?;
    let name = http::HeaderName::from_bytes(text.as_bytes()).ok();
    if name.is_none() {
        reader.problem(&node.place, "`header` is not the name of a header: it has letters, digits and hyphens");
    }
    name
}

/// A CSS selector.
pub(super) fn selector(reader: &mut Reader, key: &str, node: &Node) -> Option<Selector> {
    let text = interpolate::plain(reader, node)?;
    match Selector::new(&text) {
        Ok(selector) => Some(selector),
        Err(why) => {
            reader.problem(&node.place, format!("`{key}` is not a CSS selector: {why}"));
            None
        }
    }
}

/// Reads `[session.*]` of one file.
pub(super) fn sessions(reader: &mut Reader, root: &Table, defaults: &Layers, deny: Deny, sessions: &mut Sessions) {
    for entry in root.get("session").and_then(Node::as_table).map(|table| &table.entries).into_iter().flatten() {
        let Some(own) = entry.node.as_table() else { continue };
        reader.owner = Some(format!("session \"{}\"", entry.key));
        reader.captures.clear();
        if entry.key.trim().is_empty() || entry.key.chars().any(crate::model::text::is_hidden) {
            reader.problem(&entry.key_place, "the name of a session is empty or has a control character in it");
        }
        let session = session(reader, &entry.key, own, &defaults.under(own), deny);
        let taken = session.and_then(|session| sessions.insert(entry.key.clone(), Arc::new(session)));
        if taken.is_some() {
            reader.problem(&entry.key_place, format!("another file has a session \"{}\"", entry.key));
        }
    }
    reader.owner = None;
    reader.captures.clear();
}

fn session(reader: &mut Reader, name: &str, own: &Table, layers: &Layers, deny: Deny) -> Option<Session> {
    let mut time = |key: &str, range, default| match own.get(key) {
        Some(node) => layers::duration(reader, key, node, range),
        None => Some(default),
    };
    let lifetime = time("lifetime", Duration::from_secs(1)..=Duration::from_hours(24), LIFETIME);
    let timeout = time("timeout", Duration::from_millis(1)..=Duration::from_hours(1), super::probe::TIMEOUT);
    let transport = transport::transport(reader, layers, deny);
    let node = request::required(reader, own, "step", "the session");
    let steps = node.and_then(|node| steps(reader, own, layers, node));
    Some(Session { name: name.to_owned(), lifetime: lifetime?, timeout: timeout?, steps: steps?, transport })
}
