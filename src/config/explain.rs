//! One probe as TOML, with every default and every inherited value filled in and secrets as
//! references: what `uptick validate --explain` prints. It is a probe file again.

mod answer;
mod request;
mod write;

use std::fmt::Write as _;
use std::path::Path;

use self::write::{Lines, Writer, key, list, quoted, table};
use super::Config;
use super::measure::{show_duration, show_latency_objective, show_objective};
use crate::model::{
    Addresses, Deny, HttpVersionWish, IpFamily, Maintenance, Probe, Quorum, Resolver, Schedule, Session, Step, Tls,
    Transport,
};

/// The probe as TOML, with what it needs of the rest of the file.
pub(super) fn explain(config: &Config, probe: &Probe) -> String {
    let writer = Writer { redactor: &config.redactor, folder: config.path.as_deref().and_then(Path::parent) };
    let mut lines = Lines(String::new());
    denied(&mut lines, probe.transport.deny);
    if let Some(session) = &probe.session {
        session_of(&mut lines, &writer, session);
    }
    surface(&mut lines, config, probe);
    let kind = if probe.control { "control" } else { "probe" };
    let _ = writeln!(lines.0, "[[{kind}]]");
    lines.set("name", &writer.text(&probe.name));
    lines.set("surface", &writer.text(&probe.surface));
    lines.set("tags", &list(probe.tags.iter().map(|tag| writer.text(tag))));
    timing(&mut lines, &writer, probe);
    transport(&mut lines, &writer, &probe.transport);
    match probe.steps.as_slice() {
        [Step { name: None, request, expect, .. }] => {
            request::request(&mut lines, &writer, request);
            answer::expect(&mut lines, &writer, expect);
        }
        steps => journey(&mut lines, &writer, kind, steps),
    }
    lines.0
}

fn denied(lines: &mut Lines, deny: Deny) {
    let words = [("private", deny.private), ("link-local", deny.link_local), ("metadata", deny.metadata)];
    let denied: Vec<String> = words.iter().filter(|(_, denied)| *denied).map(|(word, _)| quoted(word)).collect();
    if !denied.is_empty() {
        let _ = writeln!(lines.0, "[network]\ndeny = {}\n", list(denied.into_iter()));
    }
}

fn session_of(lines: &mut Lines, writer: &Writer, session: &Session) {
    let title = format!("session.{}", key(&session.name));
    let _ = writeln!(lines.0, "[{title}]");
    lines.set("lifetime", &quoted(&show_duration(session.lifetime)));
    lines.set("timeout", &quoted(&show_duration(session.timeout)));
    transport(lines, writer, &session.transport);
    journey(lines, writer, &title, &session.steps);
    lines.0.push('\n');
}

fn journey(lines: &mut Lines, writer: &Writer, of: &str, steps: &[Step]) {
    for step in steps {
        let _ = writeln!(lines.0, "\n[[{of}.step]]");
        if let Some(name) = &step.name {
            lines.set("name", &writer.text(name));
        }
        request::request(lines, writer, &step.request);
        for capture in &step.captures {
            request::capture(lines, writer, capture);
        }
        answer::expect(lines, writer, &step.expect);
    }
}

fn timing(lines: &mut Lines, writer: &Writer, probe: &Probe) {
    match &probe.schedule {
        Schedule::Every(interval) => lines.set("interval", &quoted(&show_duration(*interval))),
        Schedule::Cron(cron) => lines.set("schedule", &writer.text(cron.as_str())),
    }
    lines.set("timeout", &quoted(&show_duration(probe.timeout)));
    let delay = quoted(&show_duration(probe.retries.delay));
    lines.set("retries", &format!("{{ attempts = {}, delay = {delay} }}", probe.retries.attempts));
    if let Some(session) = &probe.session {
        lines.set("session", &writer.text(&session.name));
    }
    if !probe.maintenance.is_empty() {
        lines.set("maintenance", &list(probe.maintenance.iter().map(|window| maintenance(writer, window))));
    }
}

fn maintenance(writer: &Writer, window: &Maintenance) -> String {
    let fields = match window {
        Maintenance::Once { from, to } => [format!("from = {from}"), format!("to = {to}")],
        Maintenance::Repeated { begins, lasts } => [
            format!("schedule = {}", writer.text(begins.as_str())),
            format!("for = {}", quoted(&show_duration(*lasts))),
        ],
    };
    table(fields.into_iter())
}

/// What was promised for the probe's surface, as a comment.
fn surface(lines: &mut Lines, config: &Config, probe: &Probe) {
    let Some(surface) = config.surfaces.get(&probe.surface) else { return };
    if let Some(objective) = &surface.objective {
        let _ = writeln!(lines.0, "# its surface: objective = \"{}\"", show_objective(objective));
    }
    if let Some(objective) = &surface.latency_objective {
        let _ = writeln!(lines.0, "# its surface: latency-objective = \"{}\"", show_latency_objective(objective));
    }
}

fn transport(lines: &mut Lines, writer: &Writer, transport: &Transport) {
    tls(lines, writer, &transport.tls);
    let ip = match transport.ip {
        IpFamily::Any => "any",
        IpFamily::V4 => "v4",
        IpFamily::V6 => "v6",
    };
    lines.set("ip", &quoted(ip));
    match transport.addresses {
        Addresses::First => lines.set("addresses", "\"first\""),
        Addresses::All(quorum) => {
            lines.set("addresses", "\"all\"");
            let quorum = match quorum {
                Quorum::All => "\"all\"".to_owned(),
                Quorum::Majority => "\"majority\"".to_owned(),
                Quorum::AtLeast(least) => least.to_string(),
            };
            lines.set("addresses-up", &quorum);
        }
    }
    if let Some(address) = transport.address {
        lines.set("address", &quoted(&address.to_string()));
    }
    let resolver = match transport.resolver {
        Resolver::System => "system".to_owned(),
        Resolver::Udp(server) => format!("udp://{server}"),
    };
    lines.set("resolver", &quoted(&resolver));
    if let Some(proxy) = &transport.proxy {
        lines.set("proxy", &writer.value(proxy));
    }
    if let Some(address) = transport.source_address {
        lines.set("source-address", &quoted(&address.to_string()));
    }
    let version = match transport.http_version {
        HttpVersionWish::Auto => "auto",
        HttpVersionWish::Http1 => "1.1",
        HttpVersionWish::Http2 => "2",
    };
    lines.set("http-version", &quoted(version));
    lines.set("connection", &quoted(if transport.reuse { "reuse" } else { "fresh" }));
}

fn tls(lines: &mut Lines, writer: &Writer, tls: &Tls) {
    let files = [
        ("ca-file", &tls.ca_file),
        ("crl-file", &tls.crl_file),
        ("client-cert", &tls.client_cert),
        ("client-key", &tls.client_key),
    ];
    for (key, file) in files {
        if let Some(file) = file {
            lines.set(&format!("tls.{key}"), &writer.path(file));
        }
    }
    if let Some(name) = &tls.server_name {
        lines.set("tls.server-name", &writer.text(name));
    }
    lines.set("tls.min-version", &quoted(tls.min_version.name()));
    lines.set("tls.insecure", if tls.insecure { "true" } else { "false" });
}
