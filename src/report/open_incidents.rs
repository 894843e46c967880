//! The surfaces with an open incident during a run, detected check by check by the rules of the
//! report. The report knows more, such as other vantages and earlier waves.

#[cfg(test)]
mod tests;

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
