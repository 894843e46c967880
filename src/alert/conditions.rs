//! Conditions that last: certificates that expire, error budgets that burn, unmet warnings, vantages that cannot judge,
//! slow responses. Each is sent once, when it begins; if it begins again after its end, it is new. Its end is sent to
//! services that keep it open until then.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::change::Change;
use super::findings::{CheckFindings, ExpiringCertificate, UnmetWarning};
use super::receiver_state::ReceiverState;
use crate::model::{Alert, AlertEvent, SafeText};
use crate::report::{Report, SlowPeriod};

/// How the keys of each kind of condition begin.
const CERTIFICATE: &str = "certificate:";
const SLO: &str = "slo:";
const WARNING: &str = "warning:";
const CANNOT_JUDGE: &str = "cannot-judge:";
const SLOW: &str = "slow:";

/// The event of the end of each kind of condition.
const ENDS: [(&str, AlertEvent); 5] = [
    (CERTIFICATE, AlertEvent::CertificateExpiring),
    (SLO, AlertEvent::SloBurn),
    (WARNING, AlertEvent::Warning),
    (CANNOT_JUDGE, AlertEvent::CannotJudge),
    (SLOW, AlertEvent::SlowEnd),
];

/// What is known of a condition now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ConditionState {
    Holds,
    Over,
    /// It is not the time to send its start, and it is not over.
    Unsent,
}

/// The changes of conditions that are new for one receiver.
pub(super) fn changes(
    alert: &Alert,
    receiver: &mut ReceiverState,
    report: &Report,
    found: &CheckFindings,
    now: Timestamp,
) -> Vec<Change> {
    let listed = listed(alert, report, found);
    let keys: BTreeSet<&str> = listed.iter().map(|(change, _)| change.key()).collect();
    let over = receiver.conditions_over(&keys, now, |key, probe| !is_checked(key, probe, found));
    let mut changes: Vec<Change> = over.into_iter().filter_map(end).collect();
    if !alert.keeps_open() {
        changes.drain(..).for_each(|end| receiver.note(&end, now));
    }
    for (change, state) in listed {
        match (state, receiver.knows_condition(change.key())) {
            (ConditionState::Holds, true) => receiver.note(&change, now),
            (ConditionState::Holds, false) | (ConditionState::Over, true) => changes.push(change),
            (ConditionState::Over, false) | (ConditionState::Unsent, _) => {}
        }
    }
    changes
}

/// The end of the condition with this key.
fn end(key: String) -> Option<Change> {
    let (_, event) = ENDS.into_iter().find(|(kind, _)| key.starts_with(kind))?;
    let summary = format!("no longer holds: {key}");
    Some(Change::Over { event, key, surfaces: Vec::new(), summary })
}

/// Whether this run knows if a condition of a probe holds.
fn is_checked(key: &str, probe: &str, found: &CheckFindings) -> bool {
    if key.starts_with(CERTIFICATE) { found.expiring.contains_key(probe) } else { found.warnings.contains_key(probe) }
}

/// All conditions of the surfaces that a receiver is for.
fn listed(alert: &Alert, report: &Report, found: &CheckFindings) -> Vec<(Change, ConditionState)> {
    let expiring = found.expiring.values().flatten().filter(|expiring| alert.concerns(&expiring.surface));
    let warnings = found.warnings.values().flatten().filter(|warning| alert.concerns(&warning.surface));
    let holding = expiring
        .filter_map(certificate)
        .chain(burns(alert, report))
        .chain(warnings.map(warning))
        .chain(cannot_judge(report))
        .map(|change| (change, ConditionState::Holds));
    let slow = report.slow_periods.iter().filter(|period| alert.concerns(period.surface.as_str()));
    holding.chain(slow.map(|period| slow_period(period, report))).collect()
}

fn certificate(expiring: &ExpiringCertificate) -> Option<Change> {
    let threshold = expiring.threshold()?;
    let key = format!("{CERTIFICATE}{}:{}:{threshold}", expiring.probe, expiring.not_after);
    Some(Change::Certificate { key, expiring: expiring.clone() })
}

/// The vantages that cannot judge. They belong to no surface, so every receiver is notified of
/// them.
fn cannot_judge(report: &Report) -> impl Iterator<Item = Change> {
    let rows = report.vantages.iter().enumerate().filter(|(_, row)| row.cannot_judge);
    rows.map(|(vantage, row)| Change::CannotJudge { key: format!("{CANNOT_JUDGE}{}", row.vantage), vantage })
}

fn warning(warning: &UnmetWarning) -> Change {
    let key = format!("{WARNING}{}:{}:{}", warning.surface, warning.probe, warning.unmet.assertion);
    Change::Warning { key, warning: warning.clone() }
}

/// The error budgets that burn too fast.
fn burns(alert: &Alert, report: &Report) -> Vec<Change> {
    let mut burns = Vec::new();
    for (surface, row) in report.surfaces.iter().enumerate().filter(|(_, row)| !row.control) {
        let availability = row.slo.as_ref().and_then(|slo| slo.availability.as_ref());
        let rates = availability.map(|availability| availability.burn.as_slice()).unwrap_or_default();
        // The fastest burn rate that fires is enough.
        let firing = rates.iter().position(|burn| burn.firing).filter(|_| alert.concerns(row.surface.as_str()));
        burns.extend(firing.map(|burn| {
            let key = format!("{SLO}{}:{}", row.surface, rates[burn].severity);
            Change::Burn { key, surface, burn }
        }));
    }
    burns
}

/// A period in which responses are or were slow. A surface that fails is notified of as failing,
/// not as slow.
fn slow_period(period: &SlowPeriod, report: &Report) -> (Change, ConditionState) {
    let fails = |surface: &SafeText| {
        report.incidents.iter().any(|incident| incident.end.is_none() && incident.surfaces.contains(surface))
    };
    let state = if !period.is_open() {
        ConditionState::Over
    } else if fails(&period.surface) {
        ConditionState::Unsent
    } else {
        ConditionState::Holds
    };
    (Change::Slow { key: format!("{SLOW}{}", period.id), period: Box::new(period.clone()) }, state)
}
