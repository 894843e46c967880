//! Maintenance windows and cron schedules of a probe.

use std::time::Duration;

use jiff::Timestamp;

use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Node, Table};
use crate::config::table_schema::{TableSchema, ValueType, key};
use crate::config::value::toml_text::{TomlWriter, quoted, table};
use crate::config::value::{interpolate, layers};
use crate::model::quantity::show_duration;
use crate::model::{Cron, Maintenance, message};

pub(crate) const MAINTENANCE: TableSchema = TableSchema {
    title: "maintenance",
    groups: &[&[
        key("from", ValueType::Instant, "", "Start: `2026-12-01T22:00:00+01:00`."),
        key("to", ValueType::Instant, "", "End, exclusive."),
        key("schedule", ValueType::Text, "", "Instead of `from` and `to`: a cron expression for each start."),
        key("for", ValueType::Duration, "", "With `schedule`: its length, up to 31d."),
    ]],
    required: &[],
};

/// Reads the windows at a node.
pub(crate) fn windows(reader: &mut ConfigReader, node: &Node) -> Vec<Maintenance> {
    node.one_or_more().iter().filter_map(|node| window(reader, node.as_table()?)).collect()
}

fn window(reader: &mut ConfigReader, table: &Table) -> Option<Maintenance> {
    match (table.get("from"), table.get("to"), table.get("schedule"), table.get("for")) {
        (Some(from), Some(end), None, None) => {
            let (from, to) = (instant(reader, "from", from), instant(reader, "to", end));
            let (from, to) = (from?, to?);
            if from >= to {
                reader.problem(&end.span, "`to` is not after `from`");
            }
            Some(Maintenance::Once { from, to })
        }
        (None, None, Some(schedule), Some(lasts)) => {
            let begins = cron(reader, schedule);
            let lasts = layers::duration(reader, "for", lasts, Duration::from_secs(1)..=Duration::from_hours(31 * 24));
            Some(Maintenance::Repeated { begins: begins?, lasts: lasts? })
        }
        _ => {
            reader.problem(&table.span, "a maintenance window has `from` and `to`, or `schedule` and `for`");
            None
        }
    }
}

/// An instant: a date with its time and its offset.
fn instant(reader: &mut ConfigReader, key: &str, node: &Node) -> Option<Timestamp> {
    let text = match &node.item {
        Item::Date(date) => date.clone(),
        _ => interpolate::plain(reader, node)?,
    };
    let zoned = || text.parse::<jiff::ZonedDateTime>().ok().map(|zoned| zoned.timestamp());
    let instant = text.parse::<Timestamp>().ok().or_else(zoned);
    if instant.is_none() {
        let message = message!("`{key}` is not a date with its time and its offset");
        reader.advise(&node.span, message, "write it as 2026-12-01T22:00:00+01:00, or with Z for UTC");
    }
    instant
}

/// A cron expression with its time zone.
pub(crate) fn cron(reader: &mut ConfigReader, node: &Node) -> Option<Cron> {
    let text = interpolate::plain(reader, node)?;
    match Cron::new(&text) {
        Ok(cron) => Some(cron),
        Err(why) => {
            let message = message!("`schedule` is not a cron expression: {why}");
            reader.advise(&node.span, message, "write it as \"*/5 * * * * Europe/Berlin\"");
            None
        }
    }
}

/// One window, as TOML.
pub(crate) fn explain(writer: &TomlWriter, window: &Maintenance) -> String {
    let fields = match window {
        Maintenance::Once { from, to } => [format!("from = {from}"), format!("to = {to}")],
        Maintenance::Repeated { begins, lasts } => [
            format!("schedule = {}", writer.text(begins.as_str())),
            format!("for = {}", quoted(&show_duration(*lasts))),
        ],
    };
    table(fields.into_iter())
}
