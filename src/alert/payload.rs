//! The content of a message as data: the document `uptick.alert/1`, with a summary in one sentence.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::change::Change;
use super::findings::{ExpiringCertificate, UnmetWarning};
use crate::format;
use crate::model::{AlertEvent, SafeText, timestamp};
use crate::report::document::slo::Burn;
use crate::report::{Incident, Report, SlowPeriod, State, VantageRow};

/// The name and version of the document that a webhook receives.
pub const SCHEMA: &str = "uptick.alert/1";

/// One message. Serialised, this is the document `uptick.alert/1`.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(super) struct Payload {
    /// `uptick.alert/1`
    pub(super) schema: &'static str,
    /// `open`, `wave`, `close`, `flapping`, `certificate-expiring`, `slo-burn`, `warning`, `cannot-judge`, `slow` or
    /// `slow-end`
    pub(super) event: &'static str,
    /// `critical`, `warning` or `resolved`
    pub(super) severity: &'static str,
    /// The receiver's name.
    pub(super) alert: String,
    /// When it is sent.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub(super) at: Timestamp,
    /// Identifies the subject of the message, such as an incident; the same from its start to its
    /// end.
    pub(super) key: String,
    /// Whether the same event was sent before and the incident is still open.
    pub(super) repeated: bool,
    /// The message in one sentence.
    pub(super) summary: SafeText,
    /// The surfaces that the message is about.
    pub(super) surfaces: Vec<SafeText>,
    /// The incident that the message is about; null if it is about none.
    pub(super) incident: Option<Incident>,
    /// The certificate that the message is about; null if it is about none.
    pub(super) certificate: Option<ExpiringCertificate>,
    /// The error budget that the message is about; null if it is about none.
    pub(super) slo: Option<BudgetBurn>,
    /// The period of slow responses that the message is about; null if it is about none.
    pub(super) slow: Option<SlowPeriod>,
    /// The unmet expectation of `warn` that the message is about; null if it is about none.
    pub(super) warning: Option<UnmetWarning>,
    /// The first line of the report that shows it.
    pub(super) verdict: String,
    /// What its sentences may quote: the names and labels of the report.
    #[serde(skip)]
    pub(super) names: Vec<SafeText>,
}

/// An error budget that burns too fast.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub(super) struct BudgetBurn {
    /// The objective: the share of checks that must be good, from 0 to 1.
    objective: f64,
    /// The share of the error budget that is used; more than 1 if it is overspent.
    budget_used: f64,
    /// The burn rate that fires.
    burn: Burn,
}

/// The JSON Schema of the document.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().for_serialize().into_generator();
    generator.root_schema_for::<Payload>().to_value()
}

impl Payload {
    /// The part that every message has; the rest depends on the kind of the change.
    fn about(alert: &str, change: &Change, report: &Report, now: Timestamp) -> Payload {
        Payload {
            schema: SCHEMA,
            event: change.event().name(),
            severity: "warning",
            alert: alert.to_owned(),
            at: now,
            key: change.key().to_owned(),
            repeated: false,
            summary: SafeText::default(),
            surfaces: Vec::new(),
            incident: None,
            certificate: None,
            slo: None,
            slow: None,
            warning: None,
            verdict: report.verdict.headline.clone(),
            names: names(report),
        }
    }
}

/// Everything in a report that a user has named.
fn names(report: &Report) -> Vec<SafeText> {
    let surfaces = report.surfaces.iter().flat_map(|row| std::iter::once(&row.surface).chain(&row.label));
    let probes = report.probes.iter().map(|row| &row.probe);
    let vantages = report.vantages.iter().map(|row| &row.vantage);
    surfaces.chain(probes).chain(vantages).cloned().collect()
}

/// The message about a change.
pub(super) fn payload(alert: &str, change: &Change, report: &Report, now: Timestamp) -> Payload {
    let mut payload = Payload::about(alert, change, report, now);
    match change {
        Change::Incident { event, repeated, incident, .. } => {
            payload.severity = match event {
                AlertEvent::Close => "resolved",
                AlertEvent::Flapping => "warning",
                _ => "critical",
            };
            payload.repeated = *repeated;
            payload.summary = SafeText::message(&of_incident(*event, *repeated, incident, report));
            payload.surfaces.clone_from(&incident.surfaces);
            payload.incident = Some(Incident::clone(incident));
        }
        Change::Certificate { expiring, .. } => {
            payload.summary = SafeText::message(&of_certificate(expiring));
            payload.surfaces = vec![SafeText::message(&expiring.surface)];
            payload.certificate = Some(expiring.clone());
        }
        Change::Warning { warning, .. } => {
            let summary = format!("warning of probe \"{}\": {}", warning.probe, warning.unmet);
            payload.summary = SafeText::message(&summary);
            payload.surfaces = vec![SafeText::message(&warning.surface)];
            payload.warning = Some(warning.clone());
        }
        Change::CannotJudge { vantage, .. } => {
            payload.summary = SafeText::message(&of_blind_vantage(&report.vantages[*vantage]));
        }
        Change::Slow { period, .. } => {
            if !period.is_open() {
                payload.severity = "resolved";
            }
            payload.surfaces = vec![period.surface.clone()];
            payload.summary = SafeText::message(&of_slow_period(period, report));
            payload.slow = Some(SlowPeriod::clone(period));
        }
        Change::Over { surfaces, summary, .. } => {
            payload.severity = "resolved";
            payload.surfaces.clone_from(surfaces);
            payload.summary = SafeText::message(summary);
        }
        Change::Burn { surface, burn, .. } => {
            let row = &report.surfaces[*surface];
            payload.surfaces = vec![row.surface.clone()];
            if let Some(slo) = row.slo.as_ref().and_then(|slo| slo.availability.as_ref()) {
                let burn = slo.burn[*burn].clone();
                payload.severity = if burn.severity == "page" { "critical" } else { "warning" };
                let label = row.label.as_ref().unwrap_or(&row.surface);
                payload.summary = SafeText::message(&of_burn(label, &burn, slo.budget_used));
                let (objective, budget_used) = (slo.objective, slo.budget_used);
                payload.slo = Some(BudgetBurn { objective, budget_used, burn });
            }
        }
    }
    payload
}

fn of_incident(event: AlertEvent, repeated: bool, incident: &Incident, report: &Report) -> String {
    let who = labels(incident, report);
    let (are, have) = if incident.surfaces.len() > 1 { ("are", "have") } else { ("is", "has") };
    let began = seconds(incident.start.by);
    let kind = incident.kind.as_ref().map(|kind| format!(", {}", kind.phrase()));
    let left_out = Some(incident.maintenance).filter(|n| *n > 0);
    let left_out = left_out.map(|n| format!(", {} in maintenance left out", format::counted(n, "check")));
    let recurring = incident.recurring.map(|recurring| format!(", {}", recurring.words())).unwrap_or_default();
    let kind = format!("{}{recurring}{}", kind.unwrap_or_default(), left_out.unwrap_or_default());
    // At least half of the checks, as in a report.
    let down = if incident.actual_failures * 2 >= incident.judged { "down" } else { "failing" };
    match event {
        AlertEvent::Close => {
            let from = format::plain_list(&incident.vantages);
            let Some(ended) = incident.end.map(|end| seconds(end.by)) else {
                let last_seen = incident.last_seen.map(seconds).unwrap_or_default();
                return format!(
                    "{who} {are} up from other vantages; no more records from {from}, where {who} failed from {began} until \
                     {last_seen}{kind}"
                );
            };
            let (failed, judged) = (format::count(incident.actual_failures), format::count(incident.judged));
            let least = Duration::try_from_secs_f64(incident.duration_s.min).unwrap_or_default();
            format!(
                "{who} {have} been up again since {ended}; outage from {began}, at least {}, {failed} of {judged} checks failed{kind}",
                format::duration(least)
            )
        }
        AlertEvent::Wave => {
            let wave = incident.waves.last().map_or_else(|| began.clone(), |wave| seconds(wave.start.by));
            let number = incident.waves.len();
            format!(
                "{who} {have} been {down} again since {wave}: wave {number} of the incident that began {began}{kind}"
            )
        }
        AlertEvent::Flapping => {
            format!("{who} {have} been flapping since {began}: {:.0} % state changes", incident.flap_percent)
        }
        _ => {
            let down =
                if repeated { format!("{are} still {down}, since") } else { format!("{have} been {down} since") };
            let from = format::plain_list(&incident.vantages);
            format!("{who} {down} {began} ({}), seen from {from}{kind}", incident.rule)
        }
    }
}

fn of_certificate(expiring: &ExpiringCertificate) -> String {
    let ExpiringCertificate { probe, not_after, days_left, .. } = expiring;
    match days_left {
        ..0 => format!("the certificate that probe \"{probe}\" sees expired {}", seconds(*not_after)),
        0 => format!("the certificate that probe \"{probe}\" sees expires today, {}", seconds(*not_after)),
        1 => format!("the certificate that probe \"{probe}\" sees expires in 1 day, {}", seconds(*not_after)),
        days => format!("the certificate that probe \"{probe}\" sees expires in {days} days, {}", seconds(*not_after)),
    }
}

fn of_blind_vantage(row: &VantageRow) -> String {
    let why = match row.control {
        Some(State::Down) => "its control targets fail too",
        _ => "its own checks cannot be made",
    };
    format!(
        "{} cannot judge: {why}; the state of its targets is unknown, last record {}",
        row.vantage,
        seconds(row.last_seen)
    )
}

fn of_slow_period(period: &SlowPeriod, report: &Report) -> String {
    let row = report.surfaces.iter().find(|row| row.surface == period.surface);
    let who = row.map_or(&period.surface, |row| row.label());
    let time = |us: u64| format::duration(Duration::from_micros(us));
    let (now, usual) = (time(period.p95_us), time(period.usual_p95_us));
    let seen_from = if period.vantages.is_empty() {
        String::new()
    } else {
        format!(", seen from {}", format::plain_list(&period.vantages))
    };
    let began = seconds(period.start.by);
    match period.end {
        Some(end) => format!(
            "answers of {who} are as fast as usual again since {}; from {began} on they took {now} instead of {usual} \
             (p95){seen_from}",
            seconds(end.by)
        ),
        None => format!("answers of {who} take {now} instead of {usual} (p95) since {began}{seen_from}"),
    }
}

fn of_burn(label: &SafeText, burn: &Burn, budget_used: f64) -> String {
    let rate = burn.long_burn.unwrap_or_default();
    let hours = burn.long_s / 3600;
    let used = format::budget(budget_used);
    format!("{label} burns its error budget {rate:.1} times as fast as promised over {hours} h; spent: {used}")
}

/// The labels of the surfaces, joined to a list.
fn labels(incident: &Incident, report: &Report) -> String {
    let label = |surface: &SafeText| {
        let row = report.surfaces.iter().find(|row| row.surface == *surface);
        row.and_then(|row| row.label.clone()).unwrap_or_else(|| surface.clone())
    };
    let labels: Vec<SafeText> = incident.surfaces.iter().map(label).collect();
    format::plain_list(&labels)
}

fn seconds(instant: Timestamp) -> String {
    format!("{instant:.0}")
}
