//! When a probe is due, how long it may take, and how often it is tried.

use std::time::Duration;

use crate::config::probe::maintenance;
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::Item;
use crate::config::table_schema::{TableSchema, ValueType, key};
use crate::config::value::layers;
use crate::config::value::layers::Layers;
use crate::model::quantity::show_duration;
use crate::model::{Probe, Retries, Schedule, message};

pub(crate) const RETRIES: TableSchema = TableSchema {
    title: "retries",
    groups: &[&[
        key("attempts", ValueType::Integer(0, 10), "0", "Attempts after the first."),
        key("delay", ValueType::Duration, "\"1s\"", "The wait before each, up to 1h."),
    ]],
    required: &[],
};

/// When a probe is due, and how long it may take.
pub(crate) struct Timing {
    pub(crate) schedule: Schedule,
    pub(crate) timeout: Duration,
    pub(crate) retries: Retries,
}

/// The schedule and the timeout, which must fit into it. A URL of the command line with a longer timeout takes that as
/// its interval.
pub(crate) fn read(reader: &mut ConfigReader, layers: &Layers, is_ad_hoc: bool) -> Timing {
    let retries = retries(reader, layers);
    let when = layers.one_of(reader, &["interval", "schedule"]);
    let schedule = match when {
        Some(entry) if entry.key == "schedule" => maintenance::cron(reader, &entry.node).map(Schedule::Cron),
        Some(entry) => {
            let range = Duration::from_millis(10)..=Duration::from_hours(31 * 24);
            layers::duration(reader, "interval", &entry.node, range).map(Schedule::Every)
        }
        None => Some(Schedule::Every(Probe::INTERVAL)),
    };
    let shortest = schedule.as_ref().map_or(Duration::MAX, Schedule::shortest);
    let timeout = match layers.get("timeout") {
        Some(node) => layers::duration(reader, "timeout", node, Duration::from_millis(1)..=Duration::from_hours(1)),
        None => Some(Probe::TIMEOUT.min(shortest)),
    };
    if let Some(timeout) = timeout
        && shortest < timeout
        && is_ad_hoc
        && layers.own("interval").or(layers.own("schedule")).is_none()
    {
        return Timing { schedule: Schedule::Every(timeout), timeout, retries };
    }
    if let Some(timeout) = timeout
        && shortest < timeout
        && let Some(node) = layers
            .own("interval")
            .or(layers.own("schedule"))
            .or(layers.own("timeout"))
            .or(when.map(|when| &when.node))
            .or(layers.get("timeout"))
    {
        let key = when.map_or("interval", |entry| entry.key.as_str());
        let (shortest, timeout) = (show_duration(shortest), show_duration(timeout));
        let message = message!("{key} {shortest} is shorter than timeout {timeout}");
        let help = if key == "interval" { "raise `interval` or lower `timeout`" } else { "lower `timeout`" };
        reader.advise(&node.span, message, help);
    }
    Timing {
        schedule: schedule.unwrap_or(Schedule::Every(Probe::INTERVAL)),
        timeout: timeout.unwrap_or(Probe::TIMEOUT),
        retries,
    }
}

fn retries(reader: &mut ConfigReader, layers: &Layers) -> Retries {
    let mut retries = Retries { attempts: 0, delay: Retries::DELAY };
    let Some(node) = layers.get("retries") else { return retries };
    if let Item::Integer(_) = node.item {
        retries.attempts = layers::integer(node).unwrap_or(0);
        return retries;
    }
    let table = layers.inner("retries");
    retries.attempts = table.get("attempts").and_then(layers::integer).unwrap_or(0);
    if let Some(node) = table.get("delay") {
        let range = Duration::ZERO..=Duration::from_hours(1);
        retries.delay = layers::duration(reader, "delay", node, range).unwrap_or(Retries::DELAY);
    }
    retries
}

/// A check that may outlast its interval misses the next one, which is counted.
pub(crate) fn warn_of_length(reader: &mut ConfigReader, probe: &Probe) {
    let (longest, interval) = (probe.longest(), probe.schedule.shortest());
    if longest > interval {
        let (longest, interval) = (show_duration(longest), show_duration(interval));
        reader.warn(&format!(
            "one check may take {longest}, longer than its interval of {interval}: checks due in between are missed"
        ));
    }
}
