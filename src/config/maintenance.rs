//! Maintenance windows and schedules: the times of a probe.

use std::time::Duration;

use jiff::Timestamp;

use super::reader::Reader;
use super::tree::{Item, Node, Table};
use super::{interpolate, layers};
use crate::model::{Cron, Maintenance};

/// Reads the windows at a node.
pub(super) fn windows(reader: &mut Reader, node: &Node) -> Vec<Maintenance> {
    node.one_or_more().iter().filter_map(|node| window(reader, node.as_table()?)).collect()
}

fn window(reader: &mut Reader, table: &Table) -> Option<Maintenance> {
    match (table.get("from"), table.get("to"), table.get("schedule"), table.get("for")) {
        (Some(from), Some(end), None, None) => {
            let (from, to) = (instant(reader, "from", from), instant(reader, "to", end));
            let (from, to) = (from?, to?);
            if from >= to {
                reader.problem(&end.place, "`to` is not after `from`");
            }
            Some(Maintenance::Once { from, to })
        }
        (None, None, Some(schedule), Some(lasts)) => {
            let begins = cron(reader, schedule);
            let lasts = layers::duration(reader, "for", lasts, Duration::from_secs(1)..=Duration::from_hours(31 * 24));
            Some(Maintenance::Repeated { begins: begins?, lasts: lasts? })
        }
        _ => {
            reader.problem(&table.place, "a maintenance window has `from` and `to`, or `schedule` and `for`");
            None
        }
    }
}

/// An instant: a date with its time and its offset.
fn instant(reader: &mut Reader, key: &str, node: &Node) -> Option<Timestamp> {
    let text = match &node.item {
        Item::Date(date) => date.clone(),
        _ => interpolate::plain(reader, node)?,
    };
    let zoned = || text.parse::<jiff::ZonedDateTime>().ok().map(|zoned| zoned.timestamp());
    let instant = text.parse::<Timestamp>().ok().or_else(zoned);
    if instant.is_none() {
        let message = format!("`{key}` is not a date with its time and its offset");
        reader.advise(&node.place, message, "write it as 2026-12-01T22:00:00+01:00, or with Z for UTC");
    }
    instant
}

/// A cron expression with its time zone.
pub(super) fn cron(reader: &mut Reader, node: &Node) -> Option<Cron> {
    let text = interpolate::plain(reader, node)?;
    match Cron::new(&text) {
        Ok(cron) => Some(cron),
        Err(why) => {
            let message = format!("`schedule` is not a cron expression: {why}");
            reader.advise(&node.place, message, "write it as \"*/5 * * * * Europe/Berlin\"");
            None
        }
    }
}
