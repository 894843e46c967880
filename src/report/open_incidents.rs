//! The surfaces with an open incident during a run, detected check by check by the rules of the
//! report. The report knows more, such as other vantages and earlier waves.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use crate::format;
use crate::model::{IncidentRules, Outcome, Probe, UnixMillis, Verdict};
use crate::report::incident::cause::{self, Classes};
use crate::report::series::detector::OutageDetector;
use crate::report::series::pool::LivePool;
use crate::report::series::recovery;
use crate::report::statistics::number;
use crate::window::add_counts;

/// The open incidents of a run.
#[derive(Debug)]
pub(crate) struct OpenIncidents {
    rules: IncidentRules,
    /// The intervals of the probes in milliseconds, and the number of their surfaces.
    intervals: BTreeMap<String, i64>,
    pools: usize,
    probes: BTreeMap<String, WatchedProbe>,
    surfaces: BTreeMap<String, WatchedSurface>,
}

/// A probe, and the surface it counts for.
#[derive(Debug)]
struct WatchedProbe {
    surface: String,
    detector: OutageDetector,
}

/// A surface with its checks pooled.
#[derive(Debug)]
struct WatchedSurface {
    pool: LivePool,
    /// The number of checks of one probe during a partial failure.
    checks_of_probe: f64,
    /// The number of its probes with an open outage; kept up to date, since a fleet has thousands
    /// of probes.
    probes_open: usize,
    open: Option<OpenIncident>,
}

/// An open incident of a surface.
#[derive(Debug)]
struct OpenIncident {
    since: Timestamp,
    /// The probes that failed in it.
    probes: BTreeMap<String, FailingProbe>,
    /// The latest good checks in a row, of all these probes together.
    good_in_a_row: u32,
    causes: Causes,
}

/// What fails in an incident, and whether that has changed.
#[derive(Debug, Default)]
struct Causes {
    /// The failures of the cause that is known, and those since the last of its main class.
    known: Classes,
    newest: Classes,
    /// The failures of the cause that came last, in words, where it is another than the first.
    changed_to: Option<String>,
}

/// The checks of a probe from its first failure in an incident to its last, and the good ones
/// since.
#[derive(Clone, Copy, Debug, Default)]
struct FailingProbe {
    failed: u32,
    judged: u32,
    good_since: u32,
}

/// A change of an incident by one check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum IncidentChange {
    /// An incident opened.
    Opened {
        /// Its surface.
        surface: String,
        /// Its first failure.
        since: Timestamp,
    },
    /// One goes on, and fails for another cause.
    ChangedCause {
        /// On this surface.
        surface: String,
        /// What fails now, in words.
        failures: String,
    },
    /// One closed.
    Closed {
        /// Its surface.
        surface: String,
        /// Its first failure.
        since: Timestamp,
    },
}

impl OpenIncidents {
    /// Watches these probes; no incident is open yet.
    #[must_use]
    pub(crate) fn new(rules: IncidentRules, probes: &[Arc<Probe>]) -> OpenIncidents {
        let mut incidents = OpenIncidents {
            rules,
            intervals: BTreeMap::new(),
            pools: 0,
            probes: BTreeMap::new(),
            surfaces: BTreeMap::new(),
        };
        incidents.replace_probes(probes);
        incidents
    }

    /// Watches these probes from now on. Open incidents stay open, and end by the checks of the probes that are left;
    /// those of surfaces without a probe are forgotten.
    pub(crate) fn replace_probes(&mut self, probes: &[Arc<Probe>]) {
        let watched = || probes.iter().filter(|probe| !probe.control);
        let interval = |probe: &Probe| i64::try_from(probe.schedule.shortest().as_millis()).unwrap_or(i64::MAX);
        self.intervals = watched().map(|probe| (probe.name.clone(), interval(probe))).collect();
        let surfaces: BTreeSet<&str> = watched().map(|probe| probe.surface.as_str()).collect();
        self.pools = surfaces.len();
        let (intervals, of_surfaces) = (&self.intervals, &mut self.surfaces);
        self.probes.retain(|name, gone| {
            let stays = intervals.contains_key(name);
            if !stays
                && gone.detector.is_open()
                && let Some(surface) = of_surfaces.get_mut(&gone.surface)
            {
                surface.probes_open = surface.probes_open.saturating_sub(1);
            }
            stays
        });
        self.surfaces.retain(|surface, _| surfaces.contains(surface.as_str()));
        for open in self.surfaces.values_mut().filter_map(|surface| surface.open.as_mut()) {
            open.probes.retain(|name, _| intervals.contains_key(name));
        }
    }

    /// The surfaces with an open incident, since when, and what fails now where that is something else than at first.
    pub(crate) fn open(&self) -> impl Iterator<Item = (&str, Timestamp, Option<&str>)> {
        self.surfaces.iter().filter_map(|(surface, watched)| {
            let open = watched.open.as_ref()?;
            Some((surface.as_str(), open.since, open.causes.changed_to.as_deref()))
        })
    }

    /// Records an outcome. Checks that show nothing about the target, those of control targets, and
    /// those in maintenance neither open nor close an incident.
    pub(crate) fn record(&mut self, outcome: &Outcome) -> Option<IncidentChange> {
        let judged = matches!(outcome.verdict, Verdict::Up | Verdict::Down);
        if !judged || outcome.control || outcome.maintenance {
            return None;
        }
        let (at, failed) = (UnixMillis::from(outcome.scheduled_at), outcome.verdict == Verdict::Down);
        let series = self.intervals.len();
        let interval = self.intervals.get(&outcome.probe).copied();
        let rules = self.rules;
        // Look up before inserting: every check comes here, but each probe and surface is new only
        // once.
        if !self.probes.contains_key(&outcome.probe) {
            let detector = OutageDetector::new(&rules, interval, series);
            let watched = WatchedProbe { surface: outcome.surface.clone(), detector };
            self.probes.insert(outcome.probe.clone(), watched);
        }
        let probe = self.probes.get_mut(&outcome.probe)?;
        let was_open = probe.detector.is_open();
        if !was_open {
            // While its outage is open, a probe that moves to another surface still counts for the
            // old one.
            probe.surface.clone_from(&outcome.surface);
        }
        probe.detector.push(at, failed);
        let is_open = probe.detector.is_open();
        let name = &probe.surface;
        if !self.surfaces.contains_key(name) {
            let pool = LivePool::new(&self.rules, interval, self.pools);
            let checks_of_probe = recovery::checks_of_probe(interval.unwrap_or(1));
            let watched = WatchedSurface { pool, checks_of_probe, probes_open: 0, open: None };
            self.surfaces.insert(name.clone(), watched);
        }
        let surface = self.surfaces.get_mut(name)?;
        surface.probes_open = (surface.probes_open + usize::from(is_open)).saturating_sub(usize::from(was_open));
        if !is_open {
            surface.pool.push(at, failed);
        }
        let outage = probe.detector.outages().last().filter(|_| is_open).map(|outage| outage.start.by);
        let counted = probe.detector.failing();
        let change = surface.follow(&outcome.probe, failed, outage.unwrap_or(at), counted);
        let failures = surface.open.as_mut().and_then(|open| open.causes.see(outcome, rules.open_after.get()));
        let surface = name.clone();
        match change {
            Some((true, since)) => Some(IncidentChange::Opened { surface, since }),
            Some((false, since)) => Some(IncidentChange::Closed { surface, since }),
            None => failures.map(|failures| IncidentChange::ChangedCause { surface, failures }),
        }
    }
}

impl WatchedSurface {
    /// Adds a check of a probe. `outage`: the start of the probe's open outage, or else the check;
    /// `counted`: the failed and judged checks since. Returns whether an incident opened or closed,
    /// and its first failure.
    fn follow(
        &mut self,
        probe: &str,
        failed: bool,
        outage: UnixMillis,
        counted: (u64, u64),
    ) -> Option<(bool, Timestamp)> {
        let is_failing = self.probes_open > 0 || self.pool.rising_since().is_some();
        let Some(open) = &mut self.open else {
            if !is_failing {
                return None;
            }
            let since = self.pool.rising_since().map_or(outage, |onset| onset.min(outage)).timestamp();
            let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
            let first = FailingProbe { failed: count(counted.0), judged: count(counted.1), good_since: 0 };
            let probes = BTreeMap::from([(probe.to_owned(), first)]);
            self.open = Some(OpenIncident { since, probes, good_in_a_row: 0, causes: Causes::default() });
            return Some((true, since));
        };
        open.count(probe, failed);
        if is_failing || !open.is_over(self.checks_of_probe) {
            return None;
        }
        let since = open.since;
        self.open = None;
        Some((false, since))
    }
}

impl OpenIncident {
    fn count(&mut self, probe: &str, failed: bool) {
        if failed {
            let probe = self.probes.entry(probe.to_owned()).or_default();
            probe.failed += 1;
            probe.judged += probe.good_since + 1;
            probe.good_since = 0;
            self.good_in_a_row = 0;
        } else if let Some(probe) = self.probes.get_mut(probe) {
            probe.good_since += 1;
            self.good_in_a_row += 1;
        }
    }

    /// Whether the good checks since its last failure end it, once none of its probes has an open
    /// outage.
    fn is_over(&self, checks_of_probe: f64) -> bool {
        let (failed, judged) =
            self.probes.values().fold((0, 0), |sum, probe| (sum.0 + probe.failed, sum.1 + probe.judged));
        !recovery::is_partial(u64::from(failed), u64::from(judged)) || {
            let lasting = number(self.probes.len() as u64) * checks_of_probe;
            recovery::is_over(judged - failed, judged, self.good_in_a_row, lasting)
        }
    }
}

impl Causes {
    /// Takes in a check. Gives what fails now, in words, once so many failures are certainly of another cause.
    fn see(&mut self, outcome: &Outcome, fewest: u32) -> Option<String> {
        let class = outcome.failure.as_ref().filter(|_| outcome.verdict == Verdict::Down)?.class;
        let main = self.known.iter().max_by_key(|(_, n)| **n).map(|(class, _)| *class);
        if main.is_none_or(|main| main == class) {
            add_counts(&mut self.known, &std::mem::take(&mut self.newest));
            *self.known.entry(class).or_default() += 1;
            return None;
        }
        *self.newest.entry(class).or_default() += 1;
        let is_enough = self.newest.values().sum::<u64>() >= u64::from(fewest);
        if !is_enough || !cause::is_other(&self.known, &self.newest) {
            return None;
        }
        self.known = std::mem::take(&mut self.newest);
        self.changed_to = Some(format::failures(class, outcome.code()));
        self.changed_to.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Check, Failure, FailureClass, SafeText};

    /// Probes of a surface that are checked each second.
    fn probes(names: &[&str]) -> Vec<Arc<Probe>> {
        let probe = |name: &&str| Arc::new(Probe::plain(name, "web", "http://x.test/", Duration::from_secs(1)));
        names.iter().map(probe).collect()
    }

    fn outcome(probe: &Arc<Probe>, second: i64, is_up: bool) -> Outcome {
        let at = Timestamp::from_second(second).expect("an instant");
        let check = Check { probe: Arc::clone(probe), scheduled_at: at, lag: Duration::ZERO };
        let failure = Failure::new(FailureClass::ConnectRefused, None, SafeText::message("no"));
        let down = Outcome::without_measurement(&check, "here", at, failure);
        if is_up { Outcome { verdict: Verdict::Up, failure: None, ..down } } else { down }
    }

    /// The seconds at which a row of checks, `u` up or `d` down, opens and closes an incident.
    fn changes(checks: &str) -> Vec<(i64, bool)> {
        let probes = probes(&["home"]);
        let mut incidents = OpenIncidents::new(IncidentRules::default(), &probes);
        let mut changes = Vec::new();
        for (second, check) in (0_i64..).zip(checks.chars()) {
            match incidents.record(&outcome(&probes[0], second, check == 'u')) {
                Some(IncidentChange::Opened { .. }) => changes.push((second, true)),
                Some(IncidentChange::Closed { .. }) => changes.push((second, false)),
                Some(IncidentChange::ChangedCause { .. }) | None => {}
            }
        }
        changes
    }

    #[test]
    fn a_probe_that_is_no_longer_watched_holds_no_incident_open() {
        let (both, one) = (probes(&["home", "cart"]), probes(&["cart"]));
        let mut incidents = OpenIncidents::new(IncidentRules::default(), &both);
        let opened = (0..3).filter_map(|second| incidents.record(&outcome(&both[0], second, false))).count();
        assert_eq!(opened, 1);
        incidents.replace_probes(&one);
        let mut cart = |seconds: std::ops::Range<i64>, is_up: bool| -> Vec<bool> {
            let changes = seconds.filter_map(|second| incidents.record(&outcome(&one[0], second, is_up)));
            changes.map(|change| matches!(change, IncidentChange::Opened { .. })).collect()
        };
        assert_eq!(cart(3..6, true), [false], "the surface is up again");
        assert_eq!(cart(6..9, false), [true]);
        incidents.replace_probes(&[]);
        assert_eq!(incidents.open().count(), 0, "a surface without probes is forgotten");
    }

    #[test]
    fn an_incident_opens_and_closes_as_in_the_report() {
        assert_eq!(changes("uudduu"), []);
        assert_eq!(changes("uudddduuu"), [(4, true), (8, false)]);
        assert_eq!(changes("duduudud"), [(7, true)]);
        assert_eq!(changes("uudddduduuuuuuu"), [(4, true)], "three good checks are no end of a partial failure");
        assert_eq!(changes(&format!("uudddduduu{}", "u".repeat(20))), [(4, true), (17, false)]);
    }

    #[test]
    fn another_cause_within_an_incident_is_told_once_it_is_certain() {
        let probes = probes(&["home"]);
        let mut incidents = OpenIncidents::new(IncidentRules::default(), &probes);
        let mut told = Vec::new();
        for second in 0..90 {
            let mut found = outcome(&probes[0], second, second < 10);
            // One failure of another kind is no change, and what comes back is one.
            if (30..60).contains(&second) || second == 20 {
                found.fail(Failure::new(FailureClass::Status, None, SafeText::message("no")));
                found.status = Some(503);
            }
            if let Some(IncidentChange::ChangedCause { failures, .. }) = incidents.record(&found) {
                told.push((second, failures));
            }
        }
        let told: Vec<(i64, &str)> = told.iter().map(|(second, failures)| (*second, failures.as_str())).collect();
        assert!(matches!(told[..], [(31..40, "status 503"), (61..70, "refused connections")]), "{told:?}");
        let open: Vec<_> = incidents.open().map(|(surface, _, now)| (surface, now)).collect();
        assert_eq!(open, [("web", Some("refused connections"))]);
    }

    #[test]
    fn an_incident_of_a_surface_is_open_while_one_of_its_probes_is() {
        let probes = probes(&["a", "b"]);
        let mut incidents = OpenIncidents::new(IncidentRules::default(), &probes);
        for second in 0..4 {
            probes.iter().for_each(|probe| drop(incidents.record(&outcome(probe, second, false))));
        }
        let closing: Vec<_> =
            (4..8).filter_map(|second| incidents.record(&outcome(&probes[0], second, true))).collect();
        assert_eq!((closing.len(), incidents.open().count()), (0, 1));
        let closing: Vec<_> =
            (8..12).filter_map(|second| incidents.record(&outcome(&probes[1], second, true))).collect();
        assert_eq!((closing.len(), incidents.open().count()), (1, 0));
    }

    #[test]
    fn a_failure_of_one_in_twenty_checks_opens_one_though_no_probe_fails_twice_in_a_row() {
        let names: Vec<String> = (0..20).map(|n| format!("probe-{n}")).collect();
        let probes = probes(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let mut incidents = OpenIncidents::new(IncidentRules::default(), &probes);
        let mut opened = None;
        for second in 0..400_i64 {
            for (n, probe) in (0_i64..).zip(&probes) {
                let is_up = second < 200 || (second * 7 + n) % 20 >= 2;
                if let Some(IncidentChange::Opened { since, .. }) = incidents.record(&outcome(probe, second, is_up)) {
                    opened = opened.or(Some((since.as_second(), second)));
                }
            }
        }
        let (since, at) = opened.expect("an incident");
        assert!((200..205).contains(&since) && at < 230, "{since} {at}");
    }
}
