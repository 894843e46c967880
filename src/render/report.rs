//! The formats of `report`: layouts of a [`Report`], and the phrases they share.

pub(super) mod csv;
pub(super) mod human;
pub(super) mod json;
pub(super) mod markdown;
pub(super) mod prometheus;

use jiff::Timestamp;

use super::text;
use crate::model::{FailureClass, SafeText};
use crate::report::verdict::Kind;
use crate::report::{Bracket, Figures, Incident, Report, State, SurfaceRow};

/// How instants are written in one report: with the day where it spans several, with fractions of a
/// second where it is short.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    format: &'static str,
    /// How many characters of the fraction are left out.
    cut: usize,
}

impl Clock {
    pub(super) fn of(report: &Report) -> Clock {
        let window = &report.window;
        let one_day = window.from.as_second().div_euclid(86_400) == (window.to.as_second() - 1).div_euclid(86_400);
        let seconds = window.to.as_second() - window.from.as_second();
        match (one_day, seconds < 600) {
            (true, true) => Clock { format: "%H:%M:%S.%3f", cut: 2 },
            (true, false) => Clock { format: "%H:%M:%S", cut: 0 },
            (false, true) => Clock { format: "%m-%d %H:%M:%S.%3f", cut: 2 },
            (false, false) => Clock { format: "%m-%d %H:%M:%S", cut: 0 },
        }
    }

    /// `15:04:00`
    pub(super) fn at(self, instant: Timestamp) -> String {
        let mut text = instant.strftime(self.format).to_string();
        text.truncate(text.len() - self.cut);
        text
    }

    /// `15:04`, where the seconds are zero.
    pub(super) fn short(self, instant: Timestamp) -> String {
        let text = self.at(instant);
        let whole = text.trim_end_matches(".0");
        whole.strip_suffix(":00").unwrap_or(whole).to_owned()
    }

    /// `15:03:30..15:04:00`: after the one, by the other.
    pub(super) fn bracket(self, bracket: &Bracket) -> String {
        match bracket.after {
            Some(after) => format!("{}..{}", self.at(after), self.at(bracket.by)),
            None => format!("before {}", self.at(bracket.by)),
        }
    }

    /// `15:03:30..15:04:00 to 17:59:30..18:00:00`, `…, ongoing`.
    pub(super) fn stretch(self, start: &Bracket, end: Option<&Bracket>) -> String {
        match end {
            Some(end) => format!("{} to {}", self.bracket(start), self.bracket(end)),
            None => format!("{}, ongoing", self.bracket(start)),
        }
    }
}

/// A loud sentence where certificates were not verified.
pub(super) fn insecure_sentence(report: &Report) -> Option<String> {
    let insecure = report.probes.iter().filter(|row| row.insecure);
    text::insecure_sentence(&insecure.map(|row| row.probe.as_str()).collect::<Vec<_>>())
}

/// `2025-03-10 09:00:00 → 18:00:00 UTC`
pub(super) fn span(report: &Report) -> String {
    let (from, to) = (report.window.from, report.window.to);
    let one_day = from.as_second().div_euclid(86_400) == to.as_second().div_euclid(86_400);
    let to = if one_day { to.strftime("%H:%M:%S").to_string() } else { text::instant(to) };
    format!("{} → {to} UTC", text::instant(from))
}

/// The name of a surface for people, by its name.
pub(super) fn label<'r>(report: &'r Report, surface: &'r SafeText) -> &'r SafeText {
    let row = report.surfaces.iter().find(|row| row.surface == *surface);
    row.map_or(surface, SurfaceRow::label)
}

/// Several surfaces for people, by their names.
pub(super) fn labels(report: &Report, surfaces: &[SafeText]) -> String {
    list(&surfaces.iter().map(|surface| label(report, surface).clone()).collect::<Vec<_>>())
}

/// The same, and that it is the control targets, where its name does not say so.
pub(super) fn full_label(surface: &SurfaceRow) -> String {
    let name = surface.label();
    if surface.control && name.as_str() != "control" { format!("{name} (control)") } else { name.to_string() }
}

/// The word of a state where it must not be overlooked.
pub(super) const fn word(state: State) -> &'static str {
    match state {
        State::Up => "UP",
        State::Degraded => "DEGRADED",
        State::Flapping => "FLAPPING",
        State::Down => "DOWN",
        State::Unknown => "UNKNOWN",
    }
}

/// The mark of a state; each has a shape of its own.
pub(super) const fn mark(state: State) -> &'static str {
    match state {
        State::Up => "✓",
        State::Degraded => "▲",
        State::Flapping => "≈",
        State::Down => "✗",
        State::Unknown => "?",
    }
}

/// A probability of chance: `p < 0.001`, `p = 0.017`.
pub(super) fn chance(p: f64) -> String {
    if p < 0.001 { "p < 0.001".to_owned() } else { format!("p = {p:.3}") }
}

/// `30.1–33.2%`
pub(super) fn interval(ci95: Option<[f64; 2]>) -> String {
    ci95.map_or_else(
        || "-".to_owned(),
        |[low, high]| format!("{}–{}", text::ratio(low).trim_end_matches('%'), text::ratio(high)),
    )
}

/// A ratio that may be absent.
pub(super) fn ratio(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), text::ratio)
}

/// The dominant failure of a row: `connect_timeout 78%`, `status 522 41%`, `-`.
pub(super) fn main_failure(figures: &Figures) -> String {
    let Some((class, _)) = figures.main_class() else { return "-".to_owned() };
    let row = &figures.classes[&class];
    format!("{} {}", class_name(class, row.statuses.first().map(|(status, _)| *status)), text::ratio(row.share))
}

/// `status 522`, `connect_timeout`.
pub(super) fn class_name(class: FailureClass, status: Option<u16>) -> String {
    match (class, status) {
        (FailureClass::Status, Some(status)) => format!("status {status}"),
        (class, _) => class.to_string(),
    }
}

/// `connect_timeout in connect, 78% of 1,022 failures`.
pub(super) fn kind(kind: &Kind) -> String {
    let phase = kind.phase.map(|phase| format!(" in {phase}")).unwrap_or_default();
    let name = class_name(kind.class, kind.status);
    format!("{name}{phase}, {} of {}", text::ratio(kind.share), text::counted(kind.of, "failure"))
}

/// A length in seconds: `2 h 56 min`.
pub(super) fn seconds(seconds: f64) -> String {
    text::duration(std::time::Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default())
}

/// How long an incident lasted or lasts: `2 h 56 min to 2 h 57 min`.
pub(super) fn length(incident: &Incident) -> String {
    let least = seconds(incident.duration_s.min);
    match incident.duration_s.max.map(seconds) {
        Some(most) if most == least => least,
        Some(most) => format!("{least} to {most}"),
        None => format!("{least} or more"),
    }
}

/// Minutes of full outage: `170 min`, `4 min 12 s`, `8.3 s`.
pub(super) fn minutes(minutes: f64) -> String {
    if minutes >= 9.95 { format!("{minutes:.0} min") } else { seconds((minutes * 600.0).round() / 10.0) }
}

/// `iad, lhr, sjc`
pub(super) fn list(names: &[SafeText]) -> String {
    names.iter().map(SafeText::as_str).collect::<Vec<_>>().join(", ")
}

/// A word of the report's own data, `network_loss`, as words for people.
pub(super) fn plain_word(word: &str) -> String {
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

/// Several of them.
pub(super) fn plain(words: &[&'static str]) -> String {
    words.iter().map(|word| plain_word(word)).collect::<Vec<_>>().join(", ")
}

/// How much of an error budget is used: `41%`, `26 times over`.
pub(super) fn budget(used: f64) -> String {
    if used >= 9.95 {
        format!("{used:.0} times over")
    } else if used > 1.0 {
        format!("{used:.1} times over")
    } else {
        text::ratio(used)
    }
}

/// `2 incidents, 4 waves`, `no incident`.
pub(super) fn incidents_phrase(report: &Report) -> String {
    let waves: usize = report.incidents.iter().map(|incident| incident.waves.len()).sum();
    match report.incidents.len() {
        0 => "no incident".to_owned(),
        n => format!("{}, {}", text::counted(n as u64, "incident"), text::counted(waves as u64, "wave")),
    }
}
