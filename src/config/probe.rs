//! One `[[probe]]` or `[[control]]` over the defaults.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::journey::Sessions;
use super::layers::Layers;
use super::measure::show_duration;
use super::reader::Reader;
use super::shape::nearest;
use super::tree::{Item, Node, Table};
use super::{expect, journey, layers, maintenance, request, transport};
use crate::model::{Deny, Expect, Probe, Request, Retries, Schedule, Session, Step, TextRule, Value};

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

/// What probes share: the sessions of all files, and the networks that may not be asked.
pub(super) struct Shared {
    pub(super) sessions: Sessions,
    /// The names of all sessions, also of those with problems.
    pub(super) declared: BTreeSet<String>,
    pub(super) deny: Deny,
}

/// Reads one probe. Problems are reported as the probe's; one with problems may be absent,
/// and its name may be known all the same.
pub(super) fn probe(
    reader: &mut Reader,
    own: &Table,
    defaults: &Layers,
    shared: &Shared,
    control: bool,
) -> (Option<String>, Option<Probe>) {
    let kind = if control { "control" } else { "probe" };
    reader.owner = None;
    let name = request::required(reader, own, "name", kind).and_then(|node| layers::name(reader, "name", node));
    reader.owner = name.as_ref().map(|name| format!("{kind} \"{name}\""));
    let probe = named_probe(reader, own, &defaults.under(own), shared, name.clone().unwrap_or_default(), control);
    reader.owner = None;
    reader.captures.clear();
    reader.captures_anything = false;
    (name, probe)
}

fn named_probe(
    reader: &mut Reader,
    own: &Table,
    layers: &Layers,
    shared: &Shared,
    name: String,
    control: bool,
) -> Option<Probe> {
    let surface = layers.get("surface").map(|node| layers::name(reader, "surface", node));
    let tags = layers.get("tags").map(Node::one_or_more).unwrap_or_default();
    let tags: Vec<String> = tags.iter().filter_map(|node| layers::name(reader, "tags", node)).collect();
    let timing = timing(reader, layers);
    let session = layers.get("session").and_then(|node| session(reader, node, shared));
    reader.captures = session.iter().flat_map(|session| captures_of(session)).collect();
    let steps = steps(reader, own, layers, timing.timeout);
    let transport = transport::transport(reader, layers, shared.deny);
    let default_surface = if control { CONTROL_SURFACE } else { SURFACE };
    let probe = Probe {
        name,
        surface: surface.unwrap_or_else(|| Some(default_surface.to_owned()))?,
        tags,
        control,
        line: reader.line_of(&own.place),
        schedule: timing.schedule,
        timeout: timing.timeout,
        steps: steps?,
        transport,
        retries: timing.retries,
        session,
        maintenance: layers.get("maintenance").map(|node| maintenance::windows(reader, node)).unwrap_or_default(),
    };
    warn_of_length(reader, &probe);
    Some(probe)
}

/// The one request of a probe, or the steps of its journey.
fn steps(reader: &mut Reader, own: &Table, layers: &Layers, timeout: Duration) -> Option<Vec<Step>> {
    if let Some(node) = own.get("step") {
        let steps = journey::steps(reader, own, layers, node)?;
        let last = steps.last()?;
        judge(reader, &layers.inner("expect"), &last.request, &last.expect, timeout);
        return Some(steps);
    }
    if own.get("url").is_none() {
        reader.problem(&own.place, "the probe has no `url`");
    }
    let request = request::request(reader, own, layers);
    let expect = expect::expect(reader, &layers.inner("expect"));
    let request = request?;
    judge(reader, &layers.inner("expect"), &request, &expect, timeout);
    Some(vec![Step { expect, ..Step::of(request) }])
}

fn session(reader: &mut Reader, node: &Node, shared: &Shared) -> Option<Arc<Session>> {
    let sessions = &shared.sessions;
    let name = layers::name(reader, "session", node)?;
    if let Some(session) = sessions.get(&name) {
        return Some(Arc::clone(session));
    }
    if shared.declared.contains(&name) {
        // Its own problems are told; what it captures is not known.
        reader.captures_anything = true;
        return None;
    }
    let message = format!("there is no session \"{name}\"");
    match nearest(&name, sessions.keys().map(String::as_str)) {
        Some(near) => reader.advise(&node.place, message, format!("did you mean \"{near}\"?")),
        None => reader.advise(&node.place, message, format!("describe it as [session.{name}]")),
    }
    None
}

/// The names that a session captures.
fn captures_of(session: &Session) -> impl Iterator<Item = String> {
    session.steps.iter().flat_map(|step| step.captures.iter().map(|capture| capture.name.clone()))
}

/// Reads the defaults alone, so that what is wrong with them is said once and as theirs.
pub(super) fn defaults(reader: &mut Reader, layers: &Layers, shared: &Shared) {
    let warnings = reader.warnings.len();
    reader.owner = Some("[defaults]".to_owned());
    for key in ["surface", "tags"] {
        for node in layers.get(key).map(Node::one_or_more).unwrap_or_default() {
            layers::name(reader, key, node);
        }
    }
    timing(reader, layers);
    if let Some(node) = layers.get("maintenance") {
        maintenance::windows(reader, node);
    }
    request::defaults(reader, layers);
    expect::expect(reader, &layers.inner("expect"));
    transport::transport(reader, layers, shared.deny);
    reader.owner = None;
    reader.warnings.truncate(warnings);
}

/// When a probe is due, and how long it may take.
struct Timing {
    schedule: Schedule,
    timeout: Duration,
    retries: Retries,
}

/// The schedule and the timeout, which must fit into it.
fn timing(reader: &mut Reader, layers: &Layers) -> Timing {
    let retries = retries(reader, layers);
    let when = layers.one_of(reader, &["interval", "schedule"]);
    let schedule = match when {
        Some(entry) if entry.key == "schedule" => maintenance::cron(reader, &entry.node).map(Schedule::Cron),
        Some(entry) => {
            let range = Duration::from_millis(10)..=Duration::from_hours(31 * 24);
            layers::duration(reader, "interval", &entry.node, range).map(Schedule::Every)
        }
        None => Some(Schedule::Every(INTERVAL)),
    };
    let shortest = schedule.as_ref().map_or(Duration::MAX, Schedule::shortest);
    let timeout = match layers.get("timeout") {
        Some(node) => layers::duration(reader, "timeout", node, Duration::from_millis(1)..=Duration::from_hours(1)),
        None => Some(TIMEOUT.min(shortest)),
    };
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
        let message = format!("{key} {shortest} is shorter than timeout {timeout}");
        let help = if key == "interval" { "raise `interval` or lower `timeout`" } else { "lower `timeout`" };
        reader.advise(&node.place, message, help);
    }
    Timing { schedule: schedule.unwrap_or(Schedule::Every(INTERVAL)), timeout: timeout.unwrap_or(TIMEOUT), retries }
}

/// A check that may outlast its interval misses the next one, which is counted.
fn warn_of_length(reader: &mut Reader, probe: &Probe) {
    let (longest, interval) = (probe.longest(), probe.schedule.shortest());
    if longest > interval {
        let (longest, interval) = (show_duration(longest), show_duration(interval));
        reader.warn(&format!(
            "one check may take {longest}, longer than the {interval} between two: what is due meanwhile is missed"
        ));
    }
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
fn judge(reader: &mut Reader, inner: &Layers, request: &Request, expect: &Expect, timeout: Duration) {
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
