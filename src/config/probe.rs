//! One `[[probe]]` or `[[control]]` over the defaults.

pub(crate) mod assets;
pub(crate) mod auth;
mod authority;
pub(crate) mod body;
mod body_secrets;
pub(crate) mod dns;
pub(crate) mod expect;
pub(crate) mod header_rules;
pub(crate) mod http3;
pub(crate) mod journey;
pub(crate) mod json_rules;
pub(crate) mod maintenance;
pub(crate) mod matrix;
pub(crate) mod protocol_keys;
pub(crate) mod request;
pub(crate) mod timing;
pub(crate) mod tls;
pub(crate) mod transport;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crate::config::missing::ValueUser;
use crate::config::probe::journey::Sessions;
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Node, Table};
use crate::config::table_schema::{Key, TableSchema, ValueType, key};
use crate::config::value::layers;
use crate::config::value::layers::Layers;
use crate::model::{DeniedNetworks, Expect, Probe, Request, Session, Step, TextRule, message, suggest};

pub(crate) const PROBE: TableSchema = TableSchema {
    title: "[[probe]]",
    groups: &[IDENTITY_KEYS, TIMING_KEYS, request::REQUEST_KEYS, transport::TRANSPORT_KEYS],
    required: &["name"],
};

pub(crate) const CONTROL: TableSchema = TableSchema { title: "[[control]]", ..PROBE };

pub(crate) const DEFAULTS: TableSchema = TableSchema {
    title: "[defaults]",
    groups: &[TIMING_KEYS, request::REQUEST_KEYS, transport::TRANSPORT_KEYS],
    required: &[],
};

/// Keys that identify a probe, and keys that only a probe may have.
const IDENTITY_KEYS: &[Key] = &[
    key("name", ValueType::Text, "", "The name, unique in the file: the key of every record."),
    key(
        "url",
        ValueType::Text,
        "",
        "The URL; its scheme says what is asked: http, https, ws, wss, grpc, grpcs, tls, tcp or dns.",
    ),
    key(
        "step",
        ValueType::List(&ValueType::Table(&journey::STEP)),
        "",
        "Instead of a URL, a journey: requests in order, cookies kept, values captured.",
    ),
    key(
        "matrix",
        ValueType::Map(&ValueType::List(&ValueType::Scalar)),
        "",
        "One probe for every combination of these values: `{region}` stands for the one of `matrix.region`.",
    ),
];

/// Keys of a probe as a whole.
const TIMING_KEYS: &[Key] = &[
    key("surface", ValueType::Text, "\"default\"", "What users see as one thing: the unit of objective and summary."),
    key("tags", ValueType::Some(&ValueType::Text), "[]", "Labels to select probes by."),
    key("interval", ValueType::Duration, "\"30s\"", "Interval between the starts of two checks, from 10ms to 31d."),
    key(
        "schedule",
        ValueType::Text,
        "",
        "Instead of an interval, a cron expression and a time zone: `\"*/5 * * * * Europe/Berlin\"`; UTC where none is said.",
    ),
    key(
        "timeout",
        ValueType::Duration,
        "\"10s\", or the interval where that is shorter",
        "Maximum time of one attempt, all steps and redirects together, from 1ms to 1h.",
    ),
    key(
        "retries",
        ValueType::Either(&[ValueType::Table(&timing::RETRIES), ValueType::Integer(0, 10)]),
        "0",
        "Attempts after a failed one; each is recorded, and the first result is kept.",
    ),
    key("session", ValueType::Text, "", "The session whose captures and cookies it uses."),
    key(
        "maintenance",
        ValueType::List(&ValueType::Table(&maintenance::MAINTENANCE)),
        "",
        "When failures are expected: checks run and are recorded, and no verdict, alert or budget counts them.",
    ),
];

/// The surface of a URL from the command line.
const AD_HOC_SURFACE: &str = "web";

/// What probes share: the sessions of all files, and the networks that must not be connected to.
pub(crate) struct ProbeContext {
    pub(crate) sessions: Sessions,
    /// The names of all sessions, including those with problems.
    pub(crate) declared: BTreeSet<String>,
    pub(crate) deny: DeniedNetworks,
}

/// Reads one probe. Problems are reported as the probe's; a probe with problems may be absent, and its name may be
/// known all the same.
pub(crate) fn probe(
    reader: &mut ConfigReader,
    own: &Table,
    defaults: &Layers,
    shared: &ProbeContext,
    control: bool,
) -> (Option<String>, Option<Probe>) {
    let kind = if control { "control" } else { "probe" };
    reader.owner = None;
    let name = layers::required(reader, own, "name", kind).and_then(|node| layers::name(reader, "name", node));
    reader.owner = name.as_ref().map(|name| format!("{kind} \"{name}\""));
    reader.user = name.clone().map_or(ValueUser::File, ValueUser::Probe);
    let layers = &defaults.under(own);
    let probe = named_probe(reader, own, layers, shared, name.clone().unwrap_or_default(), control);
    let probe = match (probe, &name) {
        (None, Some(name)) if reader.lacks_values() => Some(nameable(reader, own, layers, name, control)),
        (probe, _) => probe,
    };
    reader.user = ValueUser::File;
    reader.owner = None;
    reader.captures.clear();
    reader.captures_anything = false;
    (name, probe)
}

/// A probe that cannot run, since one of its values is missing: known by name, surface and tags.
fn nameable(reader: &mut ConfigReader, own: &Table, layers: &Layers, name: &str, control: bool) -> Probe {
    let usual = if control { Probe::CONTROL_SURFACE } else { Probe::SURFACE };
    let surface = layers.get("surface").and_then(|node| layers::name(reader, "surface", node));
    let tags = layers.get("tags").map(|node| layers::names(reader, "tags", node));
    Probe {
        tags: tags.unwrap_or_default(),
        control,
        file: reader.file_of(&own.span),
        line: reader.line_of(&own.span),
        ..Probe::plain(name, surface.as_deref().unwrap_or(usual), "", Probe::INTERVAL)
    }
}

/// Reads the probe of a URL from the command line, which has no name yet.
pub(crate) fn of_url(
    reader: &mut ConfigReader,
    own: &Table,
    defaults: &Layers,
    shared: &ProbeContext,
) -> Option<Probe> {
    let probe = named_probe(reader, own, &defaults.under(own), shared, String::new(), false);
    reader.captures.clear();
    reader.captures_anything = false;
    probe
}

fn named_probe(
    reader: &mut ConfigReader,
    own: &Table,
    layers: &Layers,
    shared: &ProbeContext,
    name: String,
    control: bool,
) -> Option<Probe> {
    let surface = layers.get("surface").map(|node| layers::name(reader, "surface", node));
    let tags = layers.get("tags").map(|node| layers::names(reader, "tags", node)).unwrap_or_default();
    let timing = timing::read(reader, layers, own.span.is_argument());
    let session = layers.get("session").and_then(|node| session(reader, node, shared));
    reader.captures = session.iter().flat_map(|session| captures_of(session)).collect();
    let steps = steps(reader, own, layers, timing.timeout);
    let mut transport = transport::transport(reader, layers, shared.deny);
    if let Some(steps) = &steps {
        http3::leave_to_others(layers, steps, &mut transport);
    }
    if *reader.last_transport != transport {
        reader.last_transport = transport.into();
    }
    let transport = reader.last_transport.clone();
    let default_surface = match () {
        () if control => Probe::CONTROL_SURFACE,
        () if own.span.is_argument() => AD_HOC_SURFACE,
        () => Probe::SURFACE,
    };
    let steps = steps?;
    http3::check(reader, layers, &steps, &transport);
    let probe = Probe {
        name,
        surface: surface.unwrap_or_else(|| Some(default_surface.to_owned()))?,
        tags,
        control,
        file: reader.file_of(&own.span),
        line: reader.line_of(&own.span),
        schedule: timing.schedule,
        timeout: timing.timeout,
        steps,
        transport,
        retries: timing.retries,
        session,
        maintenance: layers.get("maintenance").map(|node| maintenance::windows(reader, node)).unwrap_or_default(),
    };
    if !own.span.is_argument() {
        timing::warn_of_length(reader, &probe);
    }
    Some(probe)
}

/// The one request of a probe, or the steps of its journey.
fn steps(reader: &mut ConfigReader, own: &Table, layers: &Layers, timeout: Duration) -> Option<Vec<Step>> {
    if let Some(node) = own.get("step") {
        let steps = journey::steps(reader, own, layers, node)?;
        let last = steps.last()?;
        judge(reader, ("expect", &layers.inner("expect")), &last.request, &last.expect, timeout);
        judge(reader, ("warn", &layers.inner("warn")), &last.request, &last.warn, timeout);
        return Some(steps);
    }
    if own.get("url").is_none() {
        reader.problem(&own.span, "the probe has no `url`");
    }
    let request = request::request(reader, own, layers);
    let (expect, warn) = (expect::expect(reader, layers), expect::warn(reader, layers));
    let request = request?;
    let expect = protocol_keys::only_of(expect, request.protocol);
    let expect = expect::shared(reader, layers, request.protocol, expect);
    let warn = protocol_keys::warnings_of(warn, request.protocol);
    judge(reader, ("expect", &layers.inner("expect")), &request, &expect, timeout);
    judge(reader, ("warn", &layers.inner("warn")), &request, &warn, timeout);
    Some(vec![Step { expect, warn, ..Step::of(request) }])
}

fn session(reader: &mut ConfigReader, node: &Node, shared: &ProbeContext) -> Option<Arc<Session>> {
    let sessions = &shared.sessions;
    let name = layers::name(reader, "session", node)?;
    reader.lacks_what_session_lacks(&name);
    if let Some(session) = sessions.get(&name) {
        return Some(Arc::clone(session));
    }
    if shared.declared.contains(&name) {
        // Its own problems are reported; what it captures is not known.
        reader.captures_anything = true;
        return None;
    }
    let message = message!("no session is named \"{name}\"");
    match suggest::nearest(&name, sessions.keys().map(String::as_str)) {
        Some(near) => reader.advise(&node.span, message, message!("did you mean \"{near}\"?")),
        None => reader.advise(&node.span, message, message!("describe it as [session.{name}]")),
    }
    None
}

/// The names that a session captures.
fn captures_of(session: &Session) -> impl Iterator<Item = String> {
    session.steps.iter().flat_map(|step| step.captures.iter().map(|capture| capture.name.clone()))
}

/// Reads the defaults alone, so that their problems are reported once and as theirs.
pub(crate) fn defaults(reader: &mut ConfigReader, layers: &Layers, shared: &ProbeContext) {
    let warnings = reader.warnings.len();
    reader.owner = Some("[defaults]".to_owned());
    reader.user = ValueUser::Defaults;
    for key in ["surface", "tags"] {
        for node in layers.get(key).map(Node::one_or_more).unwrap_or_default() {
            layers::name(reader, key, node);
        }
    }
    timing::read(reader, layers, false);
    if let Some(node) = layers.get("maintenance") {
        maintenance::windows(reader, node);
    }
    request::defaults(reader, layers);
    expect::expect(reader, layers);
    expect::warn(reader, layers);
    transport::transport(reader, layers, shared.deny);
    reader.user = ValueUser::File;
    reader.owner = None;
    reader.warnings.truncate(warnings);
}

/// Reports what is valid key by key but can never hold together, in the table of that name.
fn judge(
    reader: &mut ConfigReader,
    (table, inner): (&str, &Layers),
    request: &Request,
    expect: &Expect,
    timeout: Duration,
) {
    if request.method == http::Method::HEAD {
        let needs_body = ["body-contains", "body-matches", "json", "json-schema", "assets", "min-bytes", "sha256"];
        if let Some((key, node)) = needs_body.iter().find_map(|key| Some((key, inner.get(key)?))) {
            reader.problem(&node.span, message!("`{table}.{key}` can never hold: the answer to HEAD has no body"));
        }
    }
    if let (Some(least), Some(node)) = (expect.min_bytes, inner.get("min-bytes"))
        && least > request.body_limit
    {
        reader.advise(&node.span, "`min-bytes` is larger than `body-limit`: it can never hold", "raise `body-limit`");
    }
    if let (Some(most), Some(_)) = (expect.max_bytes, inner.get("max-bytes"))
        && most > request.body_limit
    {
        reader.warn("`max-bytes` is larger than `body-limit`, so `body-limit` decides");
    }
    for (phase, limit) in &expect.latency {
        if *limit >= timeout {
            let key = phase.map_or("total", crate::model::Phase::name);
            reader.warn(&format!("`{table}.latency.{key}` is not shorter than `timeout`, which ends the check first"));
        }
    }
    let is_redirect =
        |set: &crate::model::StatusSet| [301, 302, 303, 307, 308].iter().any(|code| set.0 == (*code..=*code));
    if request.redirects > 0 && expect.status.iter().all(is_redirect) && !expect.status.is_empty() {
        reader.warn("redirects are followed, so their status is not the answer; set `redirects = \"none\"`");
    }
    let both = |rule: &TextRule| match rule {
        TextRule::Contains(wanted) => {
            expect.body.iter().any(|other| matches!(other, TextRule::Lacks(lacked) if wanted == lacked))
        }
        _ => false,
    };
    if expect.body.iter().any(both)
        && let Some(node) = inner.get("body-lacks")
    {
        reader.problem(&node.span, "`body-lacks` names a text that `body-contains` asks for: no body has both");
    }
}
