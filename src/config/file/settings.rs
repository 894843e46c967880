//! The tables beside the probes: settings, surfaces, incident rules.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::config::loaded::Settings;
use crate::config::missing::ValueUser;
use crate::config::probe::transport;
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Node, Table};
use crate::config::value::{interpolate, layers};
use crate::model::quantity::QuantityError;
use crate::model::{IncidentRules, Surface, Surfaces, message, quantity};

/// Reads `[settings]`.
pub(crate) fn settings(reader: &mut ConfigReader, root: &Table) -> Settings {
    let mut settings = Settings::default();
    let Some(table) = root.get("settings").and_then(Node::as_table) else { return settings };
    reader.user = ValueUser::Settings;
    if let Some(vantage) = table.get("vantage").and_then(|node| layers::name(reader, "vantage", node)) {
        settings.vantage = vantage;
    }
    if let Some(concurrency) = table.get("concurrency").and_then(layers::integer) {
        settings.concurrency = concurrency;
    }
    let range = Duration::from_secs(1)..=Duration::from_hours(24);
    if let Some(window) = table.get("window").and_then(|node| layers::duration(reader, "window", node, range)) {
        settings.window = window;
    }
    settings.second_resolver =
        table.get("second-resolver").and_then(|node| transport::resolver(reader, "second-resolver", node));
    reader.user = ValueUser::File;
    settings
}

/// Reads `[surface.*]` of one file.
pub(crate) fn surfaces(reader: &mut ConfigReader, root: &Table, surfaces: &mut Surfaces) {
    for entry in root.get("surface").and_then(Node::as_table).map(|table| &table.entries).into_iter().flatten() {
        let Some(table) = entry.node.as_table() else { continue };
        reader.owner = Some(format!("surface \"{}\"", entry.key));
        if entry.key.trim().is_empty() || !crate::model::text::is_shown_as_it_is(&entry.key) {
            reader.problem(
                &entry.key_span,
                "the name of a surface is empty, or contains a control character or a command of a CI system",
            );
        }
        let surface = surface(reader, table);
        if surfaces.insert(entry.key.clone(), surface).is_some() {
            reader.problem(&entry.key_span, "another file describes this surface");
        }
    }
    reader.owner = None;
}

fn surface(reader: &mut ConfigReader, table: &Table) -> Surface {
    Surface {
        label: table.get("label").and_then(|node| layers::name(reader, "label", node)),
        objective: promise(reader, table, "objective", "99.9% over 30d", quantity::objective),
        latency_objective: promise(reader, table, "latency-objective", "95% under 800ms", quantity::latency_objective),
    }
}

fn promise<T>(
    reader: &mut ConfigReader,
    table: &Table,
    key: &str,
    example: &str,
    read: fn(&str) -> Result<T, QuantityError>,
) -> Option<T> {
    let node = table.get(key)?;
    match read(&interpolate::plain(reader, node)?) {
        Ok(promise) => Some(promise),
        Err(why) => {
            reader.advise(
                &node.span,
                message!("`{key}` is not an objective: {why}"),
                message!("write it as \"{example}\""),
            );
            None
        }
    }
}

/// Reads `[incident]`.
pub(crate) fn incident(reader: &mut ConfigReader, root: &Table) -> IncidentRules {
    let mut rules = IncidentRules::default();
    let Some(table) = root.get("incident").and_then(Node::as_table) else { return rules };
    let count = |key: &str| table.get(key).and_then(layers::integer::<u32>).and_then(NonZeroU32::new);
    rules.open_is_set = table.get("open-after").or(table.get("open-ratio")).is_some();
    rules.open_after = count("open-after").unwrap_or(rules.open_after);
    rules.close_after = count("close-after").unwrap_or(rules.close_after);
    if let Some(node) = table.get("open-ratio")
        && let Some(text) = interpolate::plain(reader, node)
    {
        match quantity::count_of(&text) {
            Ok((_, of)) if of.get() > 1_000 => {
                reader.problem(&node.span, "`open-ratio` looks back over more than 1000 checks");
            }
            Ok((failures, of)) => (rules.open_failures, rules.open_of) = (failures, of),
            Err(why) => {
                reader.advise(&node.span, message!("`open-ratio` is not a ratio: {why}"), "write it as \"4 of 10\"");
            }
        }
    }
    if let Some(node) = table.get("join-within") {
        let range = Duration::ZERO..=Duration::from_hours(31 * 24);
        rules.join_within = layers::duration(reader, "join-within", node, range).unwrap_or(rules.join_within);
    }
    rules
}
