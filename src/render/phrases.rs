//! Phrases that the formats of `report` share.

use jiff::tz::TimeZone;

use crate::format::{self, InstantFormat};
use crate::model::{FailureClass, SafeText};
use crate::render::text;
use crate::report::{Figures, Incident, MainFailure, ProbeRow, Report, SlowPeriod, State, SurfaceRow};

/// The format of instants in a report.
pub(crate) fn instants(report: &Report) -> InstantFormat {
    InstantFormat::of_range(report.window.from, report.window.to, time_zone(report))
}

/// The time zone of a report's instants.
pub(crate) fn time_zone(report: &Report) -> TimeZone {
    report.window.zone.as_deref().and_then(|zone| TimeZone::get(zone).ok()).unwrap_or(TimeZone::UTC)
}

/// The name of that time zone: `UTC`, `Europe/Berlin`.
pub(crate) fn zone(report: &Report) -> &str {
    report.window.zone.as_deref().unwrap_or("UTC")
}

/// A conspicuous sentence if certificates were not verified.
pub(crate) fn insecure_sentence(report: &Report) -> Option<String> {
    let insecure = report.probes.iter().filter(|row| row.insecure);
    text::insecure_sentence(&insecure.map(|row| row.probe.as_str()).collect::<Vec<_>>())
}

/// `2025-03-10 09:00:00 to 18:00:00 UTC`
pub(crate) fn span(report: &Report) -> String {
    instants(report).range(report.window.from, report.window.to)
}

/// The label of a surface, by its name.
pub(crate) fn label<'r>(report: &'r Report, surface: &'r SafeText) -> &'r SafeText {
    let row = report.surfaces.iter().find(|row| row.surface == *surface);
    row.map_or(surface, SurfaceRow::label)
}

/// The labels of several surfaces, by their names.
pub(crate) fn labels(report: &Report, surfaces: &[SafeText]) -> String {
    format::plain_list(&surfaces.iter().map(|surface| label(report, surface).clone()).collect::<Vec<_>>())
}

/// The label of a surface, with `(control)` if it has control targets and its label does not say
/// so.
pub(crate) fn full_label(surface: &SurfaceRow) -> String {
    let name = surface.label();
    if surface.control && name.as_str() != "control" { format!("{name} (control)") } else { name.to_string() }
}

/// A state in capitals, so that it stands out.
pub(crate) const fn word(state: State) -> &'static str {
    match state {
        State::Up => "UP",
        State::Degraded => "DEGRADED",
        State::Flapping => "FLAPPING",
        State::Down => "DOWN",
        State::Unknown => "UNKNOWN",
    }
}

/// The mark of a state; each has its own shape.
pub(crate) const fn mark(state: State) -> &'static str {
    match state {
        State::Up => "✓",
        State::Degraded => "▲",
        State::Flapping => "≈",
        State::Down => "✗",
        State::Unknown => "?",
    }
}

/// A p-value: `p < 0.001`, `p = 0.017`.
pub(crate) fn chance(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}

/// An interval, or `-` without one.
pub(crate) fn interval(ci95: Option<[f64; 2]>) -> String {
    ci95.map_or_else(|| "-".to_owned(), format::interval)
}

/// The dominant failure of a row: `connect_timeout 78%`, `status 522 41%`, `-`.
pub(crate) fn main_failure(figures: &Figures) -> String {
    let Some(main) = &figures.main_failure else { return "-".to_owned() };
    format!("{} {}", class_name(main.class, main.status), format::ratio(main.share))
}

/// `status 522`, `connect_timeout`.
pub(crate) fn class_name(class: FailureClass, status: Option<u16>) -> String {
    match (class, status) {
        (FailureClass::Status, Some(status)) => format!("status {status}"),
        (class, _) => class.to_string(),
    }
}

/// The failures of a class with their codes: `status 503`, `status 503 (40), 502 (24)`.
pub(crate) fn class_with_codes(class: FailureClass, codes: &[(u16, u64)]) -> String {
    /// The most codes that are named.
    const NAMED: usize = 4;
    if let [(code, _)] = codes {
        return class_name(class, Some(*code));
    }
    if class != FailureClass::Status || codes.is_empty() {
        return class.to_string();
    }
    let mut codes = codes.to_vec();
    codes.sort_by_key(|(code, n)| (std::cmp::Reverse(*n), *code));
    let named = codes.iter().take(NAMED).map(|(code, n)| format!("{code} ({})", format::count(*n)));
    format!("{class} {}", named.collect::<Vec<_>>().join(", "))
}

/// `connect_timeout in connect, 78% of 1,022 failures`.
pub(crate) fn kind(kind: &MainFailure) -> String {
    let phase = kind.phase.map(|phase| format!(" in {phase}")).unwrap_or_default();
    let name = class_name(kind.class, kind.status);
    let others = kind
        .others
        .iter()
        .map(|other| format!("; {} {}", class_name(other.class, other.status), format::ratio(other.share)));
    let others: String = others.collect();
    let samples = kind.samples.map(|n| format!(" (codes from {})", format::counted(n, "kept sample")));
    let samples = samples.unwrap_or_default();
    format!("{name}{phase}, {} of {}{others}{samples}", format::ratio(kind.share), format::counted(kind.of, "failure"))
}

/// A duration in seconds: `2 h 56 min`.
pub(crate) fn seconds(seconds: f64) -> String {
    format::duration(std::time::Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default())
}

/// The duration of an incident: `2 h 56 min to 2 h 57 min`.
pub(crate) fn length(incident: &Incident) -> String {
    let least = seconds(incident.duration_s.min);
    match incident.duration_s.max.map(seconds) {
        Some(most) if most == least => least,
        Some(most) => format!("{least} to {most}"),
        None => format!("{least} or more"),
    }
}

/// From its start to its end: `15:03:30–15:04:00 to 17:59:30–18:00:00`, `15:03:30–15:04:00,
/// ongoing`, `15:03:30–15:04:00, failing when last seen 15:40:00`.
pub(crate) fn stretch(incident: &Incident, clock: &InstantFormat) -> String {
    match incident.last_seen {
        Some(at) => format!("{}, failing when last seen {}", clock.bracket(&incident.start), clock.at(at)),
        None => clock.stretch(&incident.start, incident.end.as_ref()),
    }
}

/// Whether an incident is ongoing, in a few words; empty if it is over.
pub(crate) const fn going(incident: &Incident) -> &'static str {
    match (&incident.end, &incident.last_seen) {
        (Some(_), _) => "",
        (None, None) => "ongoing",
        (None, Some(_)) => "failing when last seen",
    }
}

/// The checks that maintenance excludes from an incident: `24 checks in maintenance left out`.
/// `None` if there are none.
pub(crate) fn left_out(incident: &Incident) -> Option<String> {
    let n = incident.maintenance;
    (n > 0).then(|| format!("{} in maintenance left out", format::counted(n, "check")))
}

/// The conditions of `--fail-on` that are met: `p95 > 800ms: home: 1.20 s of 300 up checks`.
pub(crate) fn conditions_met(report: &Report) -> Vec<String> {
    let met = report.conditions_met.iter().flatten();
    met.map(|met| format!("{}: {}: {}", met.condition, met.of, met.found)).collect()
}

/// What is said of a report that does not fail, although its state is a failing one.
pub(crate) fn let_pass(report: &Report) -> Option<&'static str> {
    let passes = report.verdict.state.is_failing() && !report.availability_judged && conditions_met(report).is_empty();
    passes.then_some("what fails is within what --fail-on allows")
}

/// Each warning of a probe, with its checks: `12 of 60 checks, certificate-days: expected at least 30 days, got 12`.
pub(crate) fn warnings(row: &ProbeRow) -> Vec<String> {
    let figures = &row.figures;
    if figures.warnings == 0 {
        return Vec::new();
    }
    let checks = format!("{} of {}", format::count(figures.warnings), format::counted(figures.checks, "check"));
    if row.unmet_warnings.is_empty() {
        return vec![format!("{checks}, no evidence was kept")];
    }
    row.unmet_warnings.iter().map(|unmet| format!("{checks}, {unmet}")).collect()
}

/// `13:30–14:28 UTC in 2 waves, from iad: p95 2.1 s, usual 310 ms; 120 of 400 answers were slow`
pub(crate) fn slow_period(report: &Report, period: &SlowPeriod) -> String {
    let time = |us: u64| format::duration(std::time::Duration::from_micros(us));
    let waves = format::in_waves(period.waves.len());
    let from = if period.vantages.is_empty() || report.vantages.len() < 2 {
        String::new()
    } else {
        format!(", from {}", format::plain_list(&period.vantages))
    };
    format!(
        "{}{waves}{from}: p95 {}, usual {}; {} of {} took more than three times that",
        instants(report).stretch(&period.start, period.end.as_ref()),
        time(period.p95_us),
        time(period.usual_p95_us),
        format::count(period.slow),
        format::counted(period.answers, "answer"),
    )
}

/// What the latest checks of an incident are consistent with, if that differs from the whole
/// incident.
pub(crate) fn fits_now(incident: &Incident) -> Option<String> {
    let now = incident.signature_now.as_ref()?;
    let differs = now.consistent_with != incident.signature.consistent_with && !now.consistent_with.is_empty();
    differs.then(|| plain(&now.consistent_with))
}

/// Equivalent minutes of full outage: `170 min`, `4 min 12 s`, `8.3 s`.
pub(crate) fn minutes(minutes: f64) -> String {
    if minutes >= 9.95 { format!("{minutes:.0} min") } else { seconds((minutes * 600.0).round() / 10.0) }
}

/// An identifier of the report's data, `network_loss`, as words for people.
pub(crate) fn plain_word(word: &str) -> String {
    let words = word.split('_').map(|word| match word {
        "dns" => "DNS",
        "ddos" => "DDoS",
        "tls" => "TLS",
        "ip" => "IP",
        "ipv4" => "IPv4",
        "ipv6" => "IPv6",
        "cdn" => "CDN",
        "waf" => "WAF",
        other => other,
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Several identifiers as words.
pub(crate) fn plain(words: &[&'static str]) -> String {
    words.iter().map(|word| plain_word(word)).collect::<Vec<_>>().join(", ")
}

/// `2 incidents, 4 waves`, `no incident`.
pub(crate) fn incidents_phrase(report: &Report) -> String {
    let waves: usize = report.incidents.iter().map(|incident| incident.waves.len()).sum();
    match report.incidents.len() {
        0 => "no incident".to_owned(),
        n => format!("{}, {}", format::counted(n as u64, "incident"), format::counted(waves as u64, "wave")),
    }
}
