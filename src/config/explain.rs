//! One probe as TOML, with every default and every inherited value filled in and secrets as references: what
//! `uptick validate --explain` prints. It is itself a valid probe file.

use std::fmt::Write as _;
use std::path::Path;

use crate::config::loaded::Config;
use crate::config::probe::{expect, journey, maintenance, protocol_keys, request, transport};
use crate::config::value::toml_text::{TomlLines, TomlWriter, list, quoted};
use crate::model::quantity::{show_duration, show_latency_objective, show_objective};
use crate::model::{DeniedNetworks, Probe, Schedule, Step};

/// The probe as TOML, with the parts of the file that it needs.
pub(crate) fn explain(config: &Config, probe: &Probe) -> String {
    let writer = TomlWriter { redactor: &config.redactor, folder: config.path.as_deref().and_then(Path::parent) };
    let mut lines = TomlLines(String::new());
    denied(&mut lines, probe.transport.deny);
    if let Some(session) = &probe.session {
        journey::explain_session(&mut lines, &writer, session);
    }
    surface(&mut lines, config, probe);
    let kind = if probe.control { "control" } else { "probe" };
    let _ = writeln!(lines.0, "[[{kind}]]");
    lines.set("name", &writer.text(&probe.name));
    lines.set("surface", &writer.text(&probe.surface));
    lines.set("tags", &list(probe.tags.iter().map(|tag| writer.text(tag))));
    timing(&mut lines, &writer, probe);
    let mut own = TomlLines(String::new());
    transport::explain(&mut own, &writer, &probe.transport);
    match probe.steps.as_slice() {
        [Step { name: None, request, expect, warn, .. }] => {
            request::explain(&mut own, &writer, request);
            expect::explain(&mut own, &writer, "expect", expect);
            expect::explain(&mut own, &writer, "warn", warn);
            lines.0.push_str(&protocol_keys::lines_of(&own.0, request.protocol));
        }
        steps => {
            lines.0.push_str(&own.0);
            journey::explain(&mut lines, &writer, kind, steps);
        }
    }
    lines.0
}

fn denied(lines: &mut TomlLines, deny: DeniedNetworks) {
    let words = [("private", deny.private), ("link-local", deny.link_local), ("metadata", deny.metadata)];
    let denied: Vec<String> = words.iter().filter(|(_, denied)| *denied).map(|(word, _)| quoted(word)).collect();
    if !denied.is_empty() {
        let _ = writeln!(lines.0, "[network]\ndeny = {}\n", list(denied.into_iter()));
    }
}

fn timing(lines: &mut TomlLines, writer: &TomlWriter, probe: &Probe) {
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
        lines.set("maintenance", &list(probe.maintenance.iter().map(|window| maintenance::explain(writer, window))));
    }
}

/// The objectives of the probe's surface, as a comment.
fn surface(lines: &mut TomlLines, config: &Config, probe: &Probe) {
    let Some(surface) = config.surfaces.get(&probe.surface) else { return };
    if let Some(objective) = &surface.objective {
        let _ = writeln!(lines.0, "# its surface: objective = \"{}\"", show_objective(objective));
    }
    if let Some(objective) = &surface.latency_objective {
        let _ = writeln!(lines.0, "# its surface: latency-objective = \"{}\"", show_latency_objective(objective));
    }
}
