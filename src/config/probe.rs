//! One `[[probe]]` or `[[control]]` over the defaults.

use std::time::Duration;

use super::expect;
use super::layers;
use super::layers::Layers;
use super::measure::show_duration;
use super::reader::Reader;
use super::request;
use super::transport;
use super::tree::Item;
use super::tree::Node;
use super::tree::Table;
use crate::model::Expect;
use crate::model::Probe;
use crate::model::Request;
use crate::model::Retries;
use crate::model::Schedule;
use crate::model::Step;
use crate::model::TextRule;
use crate::model::Value;

/// The time between two checks unless the file says otherwise.
pub(super) const INTERVAL: Duration = Duration::from_secs(30);
/// The most time of a check unless the file says otherwise.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);
/// The wait before an attempt that follows a failed one.
pub(super) const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The surface of a probe that names none.
pub(super) const SURFACE: &str = "default";
/// The surface of a control target that names none.
pub(super) const CONTROL_SURFACE: &str = "control";

/// Reads one probe. Problems are reported as the probe's; one with problems may be absent,
/// and its name may be known all the same.
pub(super) fn probe(
    reader: &mut Reader,
    own: &Table,
    defaults: Option<&Table>,
    control: bool,
) -> (Option<String>, Option<Probe>) {
    let kind = if control { "control" } else { "probe" };
    reader.owner = None;
    let name = request::required(reader, own, "name", kind).and_then(|node| layers::name(reader, "name", node));
    reader.owner = name.as_ref().map(|name| format!("{kind} \"{name}\""));
    let layers = Layers::new(std::iter::once(own).chain(defaults));
    let probe = named_probe(reader, own, &layers, name.clone().unwrap_or_default(), control);
    reader.owner = None;
    (name, probe)
}

fn named_probe(reader: &mut Reader, own: &Table, layers: &Layers, name: String, control: bool) -> Option<Probe> {
    request::required(reader, own, "url", if control { "the control" } else { "the probe" });
    let surface = layers.get("surface").map(|node| layers::name(reader, "surface", node));
    let tags = layers.get("tags").map(Node::one_or_more).unwrap_or_default();
    let tags: Vec<String> = tags.iter().filter_map(|node| layers::name(reader, "tags", node)).collect();
    let (schedule, timeout) = timing(reader, layers);
    let retries = retries(reader, layers);
    let request = request::request(reader, own, layers);
    let expect = expect::expect(reader, &layers.inner("expect"));
    let transport = transport::transport(reader, layers);
    let request = request?;
    judge(reader, layers, &request, &expect, timeout);
    let default_surface = if control { CONTROL_SURFACE } else { SURFACE };
    Some(Probe {
        name,
        surface: surface.unwrap_or_else(|| Some(default_surface.to_owned()))?,
        tags,
        control,
        line: reader.line_of(&own.place),
        schedule,
        timeout,
        steps: vec![Step { expect, ..Step::of(request) }],
        transport,
        retries,
        session: None,
        maintenance: Vec::new(),
    })
}

/// Reads the defaults alone, so that what is wrong with them is said once and as theirs.
pub(super) fn defaults(reader: &mut Reader, defaults: &Table) {
    let warnings = reader.warnings.len();
    reader.owner = Some("[defaults]".to_owned());
    let layers = Layers::new([defaults]);
    for key in ["surface", "tags"] {
        for node in layers.get(key).map(Node::one_or_more).unwrap_or_default() {
            layers::name(reader, key, node);
        }
    }
    timing(reader, &layers);
    retries(reader, &layers);
    request::request(reader, defaults, &layers);
    expect::expect(reader, &layers.inner("expect"));
    transport::transport(reader, &layers);
    reader.owner = None;
    reader.warnings.truncate(warnings);
}

/// The interval and the timeout, which must fit into it.
fn timing(reader: &mut Reader, layers: &Layers) -> (Schedule, Duration) {
    let (interval_node, timeout_node) = (layers.get("interval"), layers.get("timeout"));
    let interval_range = Duration::from_millis(10)..=Duration::from_hours(31 * 24);
    let timeout_range = Duration::from_millis(1)..=Duration::from_hours(1);
    let interval = match interval_node {
        Some(node) => layers::duration(reader, "interval", node, interval_range),
        None => Some(INTERVAL),
    };
    let timeout = match timeout_node {
        Some(node) => layers::duration(reader, "timeout", node, timeout_range),
        None => Some(TIMEOUT.min(interval.unwrap_or(TIMEOUT))),
    };
    if let (Some(interval), Some(timeout)) = (interval, timeout)
        && interval < timeout
        && let Some(node) = layers.own("interval").or(layers.own("timeout")).or(interval_node).or(timeout_node)
    {
        let message =
            format!("interval {} is shorter than timeout {}", show_duration(interval), show_duration(timeout));
        reader.advise(&node.place, message, "raise `interval` or lower `timeout`");
    }
    (Schedule::Every(interval.unwrap_or(INTERVAL)), timeout.unwrap_or(TIMEOUT))
}

fn retries(reader: &mut Reader, layers: &Layers) -> Retries {
    let mut retries = Retries { attempts: 0, delay: RETRY_DELAY };
    let Some(node) = layers.get("retries") else { return retries };
    if let Item::Integer(_) = node.item {
        retries.attempts = layers::integer(node).unwrap_or(0);
        return retries;
    }
    let table = layers.inner("retries");
    retries.attempts = table.get("attempts").and_then(layers::integer).unwrap_or(0);
    if let Some(node) = table.get("delay") {
        let range = Duration::ZERO..=Duration::from_hours(1);
        retries.delay = layers::duration(reader, "delay", node, range).unwrap_or(RETRY_DELAY);
    }
    retries
}

/// What is legal key by key and can never hold together.
fn judge(reader: &mut Reader, layers: &Layers, request: &Request, expect: &Expect, timeout: Duration) {
    let inner = layers.inner("expect");
    if request.method == http::Method::HEAD {
        let needs_body = ["body-contains", "body-matches", "json", "min-bytes", "sha256"];
        if let Some((key, node)) = needs_body.iter().find_map(|key| Some((key, inner.get(key)?))) {
            reader.problem(&node.place, format!("`expect.{key}` can never hold: the answer to HEAD has no body"));
        }
    }
    if let (Some(least), Some(node)) = (expect.min_bytes, inner.get("min-bytes"))
        && least > request.body_limit
    {
        reader.advise(&node.place, "`min-bytes` is past `body-limit`: it can never hold", "raise `body-limit`");
    }
    if let (Some(most), Some(_)) = (expect.max_bytes, inner.get("max-bytes"))
        && most > request.body_limit
    {
        reader.warn("`max-bytes` is past `body-limit`, so `body-limit` is what holds");
    }
    for (phase, limit) in &expect.latency {
        if *limit >= timeout {
            let key = phase.map_or("total", crate::model::Phase::name);
            reader.warn(&format!("`expect.latency.{key}` is not shorter than `timeout`, which ends the check first"));
        }
    }
    let is_redirect =
        |set: &crate::model::StatusSet| [301, 302, 303, 307, 308].iter().any(|code| set.0 == (*code..=*code));
    if request.redirects > 0 && expect.status.iter().all(is_redirect) && !expect.status.is_empty() {
        reader.warn("redirects are followed, so their status is not the answer; set `redirects = \"none\"`");
    }
    let both = |rule: &TextRule| match rule {
        TextRule::Contains(wanted) => {
            expect.body.iter().any(|other| matches!(other, TextRule::Lacks(lacked) if same(wanted, lacked)))
        }
        _ => false,
    };
    if expect.body.iter().any(both)
        && let Some(node) = inner.get("body-lacks")
    {
        reader.problem(&node.place, "`body-lacks` names a text that `body-contains` asks for: no body has both");
    }
}

fn same(a: &Value, b: &Value) -> bool {
    a == b
}
