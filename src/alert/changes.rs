//! The changes for one receiver: compares a report with what the receiver was sent before. It sends
//! nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::change::Change;
use super::conditions;
use super::findings::CheckFindings;
use super::receiver_state::{KnownIncident, ReceiverState};
use crate::format;
use crate::model::{Alert, AlertEvent, SafeText};
use crate::report::{Incident, Report, State};

/// An incident closes if its vantage has recorded nothing for this long and other vantages see its
/// surfaces up.
const UNHEARD_AFTER: SignedDuration = SignedDuration::from_hours(2);
/// The number of further failures that make a new wave of an incident: one or two more are normal.
const NEW_WAVE_AFTER: u64 = 3;

/// All changes that are new for one receiver: the ends of incidents that no report has any more,
/// then incidents in the order of the report, then conditions.
pub(super) fn changes(
    alert: &Alert,
    receiver: &mut ReceiverState,
    report: &Report,
    found: &CheckFindings,
    now: Timestamp,
) -> Vec<Change> {
    receiver.forget(now);
    receiver.date_sightings();
    let looked_at = *receiver.looked_at.get_or_insert(now);
    let mut changes = of_vanished_incidents(receiver, report);
    let ids: BTreeSet<&str> = report.incidents.iter().map(|incident| incident.id.as_str()).collect();
    for incident in &report.incidents {
        if incident.surfaces.iter().any(|surface| alert.concerns(surface.as_str())) {
            let is_lost = is_lost(report, incident, now);
            if let Some(known) = receiver.known(incident, &ids, now) {
                known.id.clone_from(&incident.id);
                known.seen_at = Some(now);
                changes.extend(of_known_incident(known, incident, alert.repeat, is_lost, now));
            } else {
                changes.extend(of_unknown_incident(incident, looked_at, is_lost));
            }
        }
    }
    changes.extend(of_absorbed_incidents(receiver, report, &ids, now));
    changes.extend(conditions::changes(alert, receiver, report, found, now));
    changes
}

/// Whether the vantage of an incident has long been silent while other vantages see its surfaces
/// up: then nobody can tell when it ended.
fn is_lost(report: &Report, incident: &Incident, now: Timestamp) -> bool {
    let is_up = |surface: &SafeText| {
        let row = report.surfaces.iter().find(|row| row.surface == *surface && !row.control);
        row.is_some_and(|row| row.state == State::Up)
    };
    let is_unheard = incident.last_seen.is_some_and(|last_seen| now.duration_since(last_seen) >= UNHEARD_AFTER);
    is_unheard && incident.surfaces.iter().all(is_up)
}

/// The change about an incident that the receiver does not know. `None` if the incident ended
/// before the first comparison, or before the last one of which all was delivered: that is history.
fn of_unknown_incident(incident: &Incident, looked_at: Timestamp, is_lost: bool) -> Option<Change> {
    let ended = incident.end.map(|end| end.by);
    let event = match ended {
        None if is_lost => return None,
        None => AlertEvent::Open,
        Some(ended) if ended > looked_at => AlertEvent::Close,
        Some(_) => return None,
    };
    Some(change(event, &incident.id, incident))
}

/// The changes about an incident that the receiver knows, including a repetition that is due.
fn of_known_incident(
    known: &KnownIncident,
    incident: &Incident,
    repeat: Option<Duration>,
    is_lost: bool,
    now: Timestamp,
) -> Vec<Change> {
    let is_ongoing = incident.end.is_none() && !is_lost;
    let is_due =
        |repeat: Duration| now.duration_since(known.told_at) >= SignedDuration::try_from(repeat).unwrap_or_default();
    let incident = &known.with_its_start(incident);
    let mut changes = Vec::new();
    // With more data one known wave may turn out to be two: that is not new.
    let news_at = known.news_at.unwrap_or(known.told_at);
    let is_new_wave =
        incident.waves.last().is_some_and(|wave| wave.start.by > news_at && wave.failed >= NEW_WAVE_AFTER);
    let fails_again = known.end.is_some() && incident.actual_failures >= known.failed.saturating_add(NEW_WAVE_AFTER);
    if is_ongoing && (incident.waves.len() > known.waves && is_new_wave || fails_again) {
        changes.push(change(AlertEvent::Wave, &known.key, incident));
    } else if is_ongoing && known.end.is_none() && repeat.is_some_and(is_due) {
        let (event, key) = (AlertEvent::Open, known.key.clone());
        changes.push(Change::Incident { event, key, repeated: true, incident: Box::new(incident.clone()) });
    }
    if is_ongoing && incident.flapping && !known.flapping {
        changes.push(change(AlertEvent::Flapping, &known.key, incident));
    }
    if !is_ongoing && known.end.is_none() {
        changes.push(change(AlertEvent::Close, &known.key, incident));
    }
    changes
}

/// Closes incidents that were sent as open but have since become part of another incident, once
/// that one has ended, so that the receiver learns of their end. `ids`: of all incidents in the
/// report.
fn of_absorbed_incidents(
    receiver: &ReceiverState,
    report: &Report,
    ids: &BTreeSet<&str>,
    now: Timestamp,
) -> Vec<Change> {
    let is_absorbed = |known: &&KnownIncident| {
        known.end.is_none() && !ids.contains(known.key.as_str()) && !ids.contains(known.id.as_str())
    };
    let closed = |known: &KnownIncident| {
        let overlapping = report.incidents.iter().filter(|incident| known.overlaps(incident, now));
        let ends: Option<Vec<_>> = overlapping.map(|incident| Some((incident.end?.by, incident))).collect();
        let (_, last) = ends?.into_iter().max_by_key(|(end, _)| *end)?;
        Some(change(AlertEvent::Close, &known.key, last))
    };
    receiver.incidents.iter().filter(is_absorbed).filter_map(closed).collect()
}

/// Closes open incidents that no report has had since before the range of this one: nobody records
/// them any more, and what begins now is another incident.
fn of_vanished_incidents(receiver: &ReceiverState, report: &Report) -> Vec<Change> {
    let open = receiver.incidents.iter().filter(|known| known.end.is_none());
    let over = open.filter_map(|known| {
        let seen_at = known.seen_at.filter(|seen_at| *seen_at < report.window.from)?;
        let surfaces: Vec<SafeText> = known.surfaces.iter().map(|surface| SafeText::message(surface)).collect();
        let (who, start) = (format::plain_list(&surfaces), known.start);
        let summary =
            format!("the outage of {who} from {start:.0} counts as over: nothing is known of it since {seen_at:.0}");
        Some(Change::Over { event: AlertEvent::Close, key: known.key.clone(), surfaces, summary })
    });
    over.collect()
}

fn change(event: AlertEvent, key: &str, incident: &Incident) -> Change {
    Change::Incident { event, key: key.to_owned(), repeated: false, incident: Box::new(incident.clone()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Bracket;
    use crate::report::document::incident::DurationRange;
    use crate::report::{Reading, Wave};

    fn incident(end: Option<Timestamp>, failed: u64) -> Incident {
        let start = Bracket { after: None, by: Timestamp::UNIX_EPOCH };
        let end = end.map(|by| Bracket { after: None, by });
        Incident {
            id: "1".to_owned(),
            surfaces: vec![SafeText::message("web")],
            surface_spans: Vec::new(),
            vantages: Vec::new(),
            probes: Vec::new(),
            start,
            end,
            last_seen: None,
            detected_at: Timestamp::UNIX_EPOCH,
            rule: String::new(),
            duration_s: DurationRange { min: 0.0, max: None },
            waves: vec![Wave { start, end, judged: 100, failed, peak: None }],
            impact_minutes: Vec::new(),
            actual_failures: failed,
            judged: 100,
            maintenance: 0,
            expected_failures: None,
            recurring: None,
            kind: None,
            flap_percent: 0.0,
            flapping: false,
            attribution: "undetermined",
            signature: Reading::default(),
            signature_now: None,
        }
    }

    #[test]
    fn a_closed_incident_is_notified_of_again_from_three_failures_on_and_not_repeated_before() {
        let repeat = Some(Duration::from_mins(10));
        let mut receiver = ReceiverState::default();
        let over = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(9);
        for (minute, seen, expected) in [
            (0, incident(None, 3), Some((AlertEvent::Open, false))),
            (5, incident(None, 8), None),
            (10, incident(Some(over), 10), Some((AlertEvent::Close, false))),
            (30, incident(None, 12), None),
            (31, incident(None, 13), Some((AlertEvent::Wave, false))),
            (41, incident(None, 20), Some((AlertEvent::Open, true))),
        ] {
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute);
            let changes = match receiver.incidents.last() {
                Some(known) => of_known_incident(known, &seen, repeat, false, now),
                None => of_unknown_incident(&seen, Timestamp::UNIX_EPOCH, false).into_iter().collect(),
            };
            let found = changes.iter().map(|change| match change {
                Change::Incident { event, repeated, .. } => (*event, *repeated),
                other => panic!("{other:?}"),
            });
            assert_eq!(found.collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>(), "minute {minute}");
            changes.iter().for_each(|change| receiver.note(change, now));
        }
    }

    #[test]
    fn a_wave_that_was_not_delivered_is_sent_again_though_flapping_was() {
        let mut receiver = ReceiverState::default();
        let at = |minute| Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute);
        for (minute, seen) in [(0, incident(None, 3)), (5, incident(Some(at(2)), 3))] {
            receiver
                .note(&change(if minute == 0 { AlertEvent::Open } else { AlertEvent::Close }, "1", &seen), at(minute));
        }
        let flapping = Incident { flapping: true, ..incident(None, 13) };
        let events = |receiver: &ReceiverState| {
            let changes = of_known_incident(&receiver.incidents[0], &flapping, None, false, at(10));
            changes.iter().map(Change::event).collect::<Vec<_>>()
        };
        assert_eq!(events(&receiver), [AlertEvent::Wave, AlertEvent::Flapping]);
        receiver.note(&change(AlertEvent::Flapping, "1", &flapping), at(10));
        assert_eq!(events(&receiver), [AlertEvent::Wave]);
        receiver.note(&change(AlertEvent::Wave, "1", &flapping), at(10));
        assert_eq!(events(&receiver), []);
    }
}
