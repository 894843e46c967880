//! Which surfaces have an open incident, by the rules of the configuration, as far as this run has
//! seen: what a watch says while it runs. The report knows more, such as earlier waves.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;

use crate::model::{IncidentRules, Outcome, Verdict};

/// The open incidents of a run.
#[derive(Debug)]
pub(crate) struct OpenIncidents {
    rules: IncidentRules,
    probes: BTreeMap<String, Recent>,
    /// By surface.
    open: BTreeMap<String, OpenIncident>,
}

/// An open incident of a surface.
#[derive(Debug)]
struct OpenIncident {
    since: Timestamp,
    /// How many probes have opened it and not recovered: counted, since a fleet has thousands.
    probes: usize,
}

/// The last checks of one probe.
#[derive(Debug, Default)]
struct Recent {
    surface: String,
    /// The last checks, of which those that failed say so; as many as the rules look at.
    failed: VecDeque<bool>,
    failures_in_a_row: u32,
    good_in_a_row: u32,
    failing_since: Option<Timestamp>,
    /// Whether it has opened an incident that it has not recovered from.
    is_open: bool,
}

/// What became of an incident with a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IncidentChange {
    /// One opened.
    Opened {
        /// On this surface.
        surface: String,
        /// The first failure.
        since: Timestamp,
    },
    /// One closed.
    Closed {
        /// On this surface.
        surface: String,
        /// The first failure.
        since: Timestamp,
    },
}

impl OpenIncidents {
    /// None yet.
    #[must_use]
    pub(crate) fn new(rules: IncidentRules) -> OpenIncidents {
        OpenIncidents { rules, probes: BTreeMap::new(), open: BTreeMap::new() }
    }

    /// The surfaces with an open incident, and since when.
    pub(crate) fn open(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        self.open.iter().map(|(surface, incident)| (surface.as_str(), incident.since))
    }

    /// Takes an outcome in. Checks that say nothing about the target, those of control targets and
    /// those in a maintenance neither open nor close anything.
    pub(crate) fn record(&mut self, outcome: &Outcome) -> Option<IncidentChange> {
        let judged = matches!(outcome.verdict, Verdict::Up | Verdict::Down);
        if !judged || outcome.control || outcome.maintenance {
            return None;
        }
        let rules = self.rules;
        let recent = self.probes.entry(outcome.probe.clone()).or_default();
        let was_open = recent.is_open;
        if !was_open {
            // A probe that is given another surface meanwhile closes what it has opened.
            recent.surface.clone_from(&outcome.surface);
        }
        recent.add(outcome.verdict == Verdict::Down, outcome.started_at, rules);
        let (is_open, surface) = (recent.is_open, recent.surface.clone());
        let since = recent.failing_since.unwrap_or(outcome.started_at);
        match (was_open, is_open) {
            (false, true) => self.open_one(surface, since),
            (true, false) => self.close_one(surface),
            _ => None,
        }
    }

    fn open_one(&mut self, surface: String, since: Timestamp) -> Option<IncidentChange> {
        if let Some(incident) = self.open.get_mut(&surface) {
            incident.probes += 1;
            return None;
        }
        self.open.insert(surface.clone(), OpenIncident { since, probes: 1 });
        Some(IncidentChange::Opened { surface, since })
    }

    fn close_one(&mut self, surface: String) -> Option<IncidentChange> {
        let incident = self.open.get_mut(&surface)?;
        incident.probes -= 1;
        if incident.probes > 0 {
            return None;
        }
        let since = incident.since;
        self.open.remove(&surface);
        Some(IncidentChange::Closed { surface, since })
    }
}

impl Recent {
    fn add(&mut self, is_failed: bool, at: Timestamp, rules: IncidentRules) {
        if self.failed.len() >= usize::try_from(rules.open_of.get()).unwrap_or(usize::MAX) {
            self.failed.pop_front();
        }
        self.failed.push_back(is_failed);
        if is_failed {
            self.failing_since.get_or_insert(at);
            self.failures_in_a_row += 1;
            self.good_in_a_row = 0;
            let failures = self.failed.iter().filter(|failed| **failed).count() as u64;
            self.is_open |=
                self.failures_in_a_row >= rules.open_after.get() || failures >= u64::from(rules.open_failures.get());
        } else {
            self.failures_in_a_row = 0;
            self.good_in_a_row += 1;
            if self.good_in_a_row >= rules.close_after.get() {
                *self = Recent { surface: std::mem::take(&mut self.surface), ..Recent::default() };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;
    use crate::model::{Check, Failure, FailureClass, Probe, SafeText};

    fn outcome(probe: &str, second: i64, is_up: bool) -> Outcome {
        let at = Timestamp::from_second(second).expect("an instant");
        let probe = Arc::new(Probe::plain(probe, "web", "http://x.test/", Duration::from_secs(10)));
        let check = Check { probe, scheduled_at: at, lag: Duration::ZERO };
        let failure = Failure::new(FailureClass::ConnectRefused, None, SafeText::message("no"));
        let down = Outcome::without_measurement(&check, "here", at, failure);
        if is_up { Outcome { verdict: Verdict::Up, failure: None, ..down } } else { down }
    }

    /// The seconds at which a row of checks, `u` or `d`, opens and closes an incident.
    fn changes(checks: &str) -> Vec<(i64, bool)> {
        let mut incidents = OpenIncidents::new(IncidentRules::default());
        let mut changes = Vec::new();
        for (second, check) in (0_i64..).zip(checks.chars()) {
            match incidents.record(&outcome("home", second, check == 'u')) {
                Some(IncidentChange::Opened { .. }) => changes.push((second, true)),
                Some(IncidentChange::Closed { .. }) => changes.push((second, false)),
                None => {}
            }
        }
        changes
    }

    #[test]
    fn three_failures_in_a_row_or_four_of_ten_open_and_three_good_checks_close() {
        assert_eq!(changes("uudduu"), []);
        assert_eq!(changes("uudddduduuu"), [(4, true), (10, false)]);
        assert_eq!(changes("duduudud"), [(7, true)]);
        assert_eq!(changes("duuuduuuduuud"), [], "what recovered counts no more");
    }

    #[test]
    fn an_incident_of_a_surface_is_open_while_one_of_its_probes_is() {
        let mut incidents = OpenIncidents::new(IncidentRules::default());
        for second in 0..4 {
            incidents.record(&outcome("a", second, false));
            incidents.record(&outcome("b", second, false));
        }
        let closing: Vec<_> = (4..8).filter_map(|second| incidents.record(&outcome("a", second, true))).collect();
        assert_eq!((closing.len(), incidents.open().count()), (0, 1));
        let closing: Vec<_> = (8..12).filter_map(|second| incidents.record(&outcome("b", second, true))).collect();
        assert_eq!((closing.len(), incidents.open().count()), (1, 0));
    }
}
