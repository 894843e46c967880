//! The state of one receiver: the incidents that it was notified of, and the conditions that still
//! hold.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::change::Change;
use crate::model::AlertEvent;
use crate::report::Incident;

/// The most probes that are kept of a known incident.
const PROBES: usize = 64;
/// An incident is forgotten this long after its end, and a condition this long after it was last
/// seen to hold.
const FORGET_AFTER: Duration = Duration::from_hours(7 * 24);

/// What one receiver was notified of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ReceiverState {
    /// When a report was last compared with it and all that was new was delivered; until then, when
    /// a report was first compared with it.
    pub(super) looked_at: Option<Timestamp>,
    /// The incidents that the receiver knows.
    pub(super) incidents: Vec<KnownIncident>,
    /// The conditions that still hold and were sent, such as an error budget that burns or a
    /// certificate that expires: by key, the instant at which it was last seen to hold.
    standing: BTreeMap<String, Timestamp>,
    /// By key of a condition that the checks of a probe show: the probe. Empty in states of earlier
    /// versions.
    probes: BTreeMap<String, String>,
}

/// An incident that a receiver knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownIncident {
    /// The id of the incident in its first notification; it stays the same if the incident spreads.
    pub(super) key: String,
    /// Its id in the last report that had it. Empty in states of earlier versions.
    #[serde(default)]
    pub(super) id: String,
    /// When a report last had it. `None` in states of earlier versions.
    #[serde(default)]
    pub(super) seen_at: Option<Timestamp>,
    pub(super) surfaces: BTreeSet<String>,
    /// Its probes, at most [`PROBES`]. Empty in states of earlier versions.
    #[serde(default)]
    pub(super) probes: BTreeSet<String>,
    pub(super) start: Timestamp,
    /// `None` while the incident is open.
    pub(super) end: Option<Timestamp>,
    pub(super) waves: usize,
    pub(super) flapping: bool,
    /// When the last notification was sent.
    pub(super) told_at: Timestamp,
    /// When the last notification was sent, repetitions aside. `None` in states of earlier
    /// versions.
    #[serde(default)]
    pub(super) news_at: Option<Timestamp>,
    /// How many of its checks had failed at the last notification. 0 in states of earlier versions.
    #[serde(default)]
    pub(super) failed: u64,
}

impl ReceiverState {
    /// Finds the known incident that an incident of the report corresponds to: by its id, otherwise
    /// by the same probes at the same time, since the id of an incident may change as more data
    /// comes in. Overlap in time alone is not enough: a failure beside an open incident is new. A
    /// known incident that is another one of the report is not matched by overlap; `ids` are the
    /// ids of all incidents in the report.
    pub(super) fn known(
        &mut self,
        incident: &Incident,
        ids: &BTreeSet<&str>,
        now: Timestamp,
    ) -> Option<&mut KnownIncident> {
        let is_it = |known: &KnownIncident| known.key == incident.id || known.id == incident.id;
        let is_another = |known: &KnownIncident| ids.contains(known.key.as_str()) || ids.contains(known.id.as_str());
        let by_name = self.incidents.iter().rposition(is_it);
        let overlaps = |known: &KnownIncident| !is_another(known) && known.overlaps(incident, now);
        let at = by_name.or_else(|| self.incidents.iter().rposition(overlaps))?;
        self.incidents.get_mut(at)
    }

    /// The keys of the conditions that are over. Those that are not `listed` are, except for a while
    /// those of a probe of which this run knows nothing: `is_unchecked`, by key and probe.
    pub(super) fn conditions_over(
        &self,
        listed: &BTreeSet<&str>,
        now: Timestamp,
        is_unchecked: impl Fn(&str, &str) -> bool,
    ) -> Vec<String> {
        let is_recent = |seen: Timestamp| now.duration_since(seen).unsigned_abs() <= FORGET_AFTER;
        let waits = |key: &String| self.probes.get(key).is_some_and(|probe| is_unchecked(key, probe));
        let unlisted = self.standing.iter().filter(|(key, _)| !listed.contains(key.as_str()));
        unlisted.filter(|(key, seen)| !is_recent(**seen) || !waits(key)).map(|(key, _)| key.clone()).collect()
    }

    /// Whether a condition was sent, or is not wanted, and is not over.
    pub(super) fn knows_condition(&self, key: &str) -> bool {
        self.standing.contains_key(key)
    }

    /// Records that the receiver was notified of a change, or does not want to be.
    pub(super) fn note(&mut self, change: &Change, now: Timestamp) {
        let Change::Incident { key, incident, event, repeated } = change else {
            match change.event() {
                AlertEvent::Close => self.note_vanished(change.key(), now),
                _ => self.note_condition(change, now),
            }
            return;
        };
        let surfaces = incident.surfaces.iter().map(|surface| surface.as_str().to_owned());
        // An incident that closes without an end belongs to a vantage that no longer records.
        let last_seen = incident.last_seen.filter(|_| *event == AlertEvent::Close);
        let end = incident.end.map(|end| end.by).or(last_seen);
        let at = self.incidents.iter().position(|known| known.key == *key).unwrap_or(self.incidents.len());
        if at == self.incidents.len() {
            let (key, start) = (key.clone(), incident.start.by);
            self.incidents.push(KnownIncident {
                key,
                id: incident.id.clone(),
                seen_at: Some(now),
                surfaces: BTreeSet::new(),
                probes: BTreeSet::new(),
                start,
                end,
                waves: 0,
                flapping: false,
                told_at: now,
                news_at: None,
                failed: 0,
            });
        }
        let known = &mut self.incidents[at];
        known.surfaces.extend(surfaces);
        let probes = incident.probes.iter().map(|probe| probe.as_str().to_owned());
        known.probes.extend(probes.take(PROBES.saturating_sub(known.probes.len())));
        known.start = known.start.min(incident.start.by);
        if *event == AlertEvent::Flapping {
            known.flapping = true;
            // The event says nothing about waves and ends: if such a change was not delivered, it
            // is still to be sent.
            return;
        }
        (known.end, known.waves) = (end, incident.waves.len());
        known.failed = incident.actual_failures;
        known.told_at = now;
        if !repeated {
            known.news_at = Some(now);
        }
    }

    fn note_vanished(&mut self, key: &str, now: Timestamp) {
        for known in self.incidents.iter_mut().filter(|known| known.key == key) {
            (known.end, known.told_at) = (known.seen_at.or(Some(now)), now);
        }
    }

    fn note_condition(&mut self, change: &Change, now: Timestamp) {
        let key = change.key();
        if matches!(change, Change::Over { .. }) || change.event() == AlertEvent::SlowEnd {
            self.standing.remove(key);
            self.probes.remove(key);
            return;
        }
        self.standing.insert(key.to_owned(), now);
        if let Some(probe) = change.probe() {
            self.probes.insert(key.to_owned(), probe.to_owned());
        }
    }

    /// In a state of an earlier version, the last comparison stands for the last report that had an
    /// incident.
    pub(super) fn date_sightings(&mut self) {
        for known in &mut self.incidents {
            known.seen_at = known.seen_at.or(self.looked_at);
        }
    }

    pub(super) fn forget(&mut self, now: Timestamp) {
        let is_old = |end: Timestamp| now.duration_since(end).unsigned_abs() > FORGET_AFTER;
        self.incidents.retain(|known| !known.end.is_some_and(is_old));
    }
}

impl KnownIncident {
    /// The incident with the start that was known before: the report covers only the last day, and
    /// may not reach back to it.
    pub(super) fn with_its_start(&self, incident: &Incident) -> Incident {
        let mut incident = incident.clone();
        if self.start < incident.start.by && incident.start.after.is_none() {
            let earlier = incident.start.by.duration_since(self.start);
            incident.duration_s.min += earlier.as_secs_f64();
            incident.start.by = self.start;
        }
        incident
    }

    /// Whether it may be an incident of the report, which a later report may date otherwise. An
    /// open one lasts until a report last had it: after that nothing is known of it.
    pub(super) fn overlaps(&self, incident: &Incident, now: Timestamp) -> bool {
        let shares = incident.surfaces.iter().any(|surface| self.surfaces.contains(surface.as_str()));
        let ends = self.end.or(self.seen_at).unwrap_or(now);
        let incident_ends = incident.end.map_or(now, |end| end.by);
        let is_of_probes =
            self.probes.is_empty() || incident.probes.iter().any(|probe| self.probes.contains(probe.as_str()));
        shares && is_of_probes && incident.start.by <= ends && self.start <= incident_ends
    }
}
