//! What probers planned to run, from the plan lines of journals, so that a probe that never ran and
//! a shard that never started are noticed. Plans come in any order, and a prober repeats its plan
//! each day.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{PlannedProbe, RecordedPlan, Shard, UnixMillis};
use crate::report::fold::history::HOUR_MS;
use crate::report::fold::planned_cron::PlannedCron;

/// The plans of all probers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plans {
    of_prober: BTreeMap<ProberKey, ProberPlan>,
}

/// A prober: a vantage, or one shard of it.
type ProberKey = (String, Option<Shard>);

/// What one prober planned to run.
#[derive(Clone, Debug)]
pub(crate) struct ProberPlan {
    /// The instants of its first and its latest plan line.
    first: UnixMillis,
    latest: UnixMillis,
    probes: BTreeMap<String, PlannedSpan>,
}

/// A probe, with the first and the last plan line that list it.
#[derive(Clone, Debug)]
pub(crate) struct PlannedSpan {
    pub(crate) probe: PlannedProbe,
    pub(crate) first: UnixMillis,
    last: UnixMillis,
    /// By hour, the last plan line that says how often. A prober that starts again and again writes a plan each time.
    lines: BTreeMap<UnixMillis, ScheduleLine>,
}

/// How often a plan line has a probe checked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct ScheduleLine {
    from: UnixMillis,
    /// Its interval in milliseconds.
    every: Option<i64>,
    /// Its cron expression, if it has no interval.
    schedule: Option<String>,
}

/// How often a probe is planned from an instant on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlannedPhase {
    /// The instant from which it holds.
    pub(crate) from: UnixMillis,
    pub(crate) schedule: PhaseSchedule,
}

/// When checks are due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PhaseSchedule {
    /// At an interval, in milliseconds.
    Every(i64),
    /// At the times of a cron expression.
    Cron(Arc<PlannedCron>),
}

impl PhaseSchedule {
    /// The shortest interval between two checks, in milliseconds.
    pub(crate) fn every(&self) -> i64 {
        match self {
            PhaseSchedule::Every(every) => *every,
            PhaseSchedule::Cron(cron) => cron.shortest(),
        }
    }
}

/// When the checks of a probe are planned: its phases in order of time.
pub(crate) type PlannedSchedule = Vec<PlannedPhase>;

impl Plans {
    /// Adds a plan line.
    pub(crate) fn add(&mut self, plan: &RecordedPlan) {
        let from = UnixMillis::from(plan.from);
        let probes = plan.probes.iter().map(|probe| (probe.probe.clone(), PlannedSpan::new(probe, from)));
        let prober = ProberPlan { first: from, latest: from, probes: probes.collect() };
        self.merge_prober((plan.vantage.clone(), plan.shard), prober);
    }

    /// Adds the plans of other lines.
    pub(crate) fn merge(&mut self, other: Plans) {
        for (key, prober) in other.of_prober {
            self.merge_prober(key, prober);
        }
    }

    fn merge_prober(&mut self, key: ProberKey, prober: ProberPlan) {
        let Some(known) = self.of_prober.get_mut(&key) else {
            self.of_prober.insert(key, prober);
            return;
        };
        known.first = known.first.min(prober.first);
        known.latest = known.latest.max(prober.latest);
        for (name, span) in prober.probes {
            match known.probes.get_mut(&name) {
                None => drop(known.probes.insert(name, span)),
                Some(before) => {
                    before.merge(span);
                }
            }
        }
    }

    /// Whether several probers share the probes of a vantage.
    pub(crate) fn is_sharded(&self, vantage: &str) -> bool {
        self.of_prober.keys().any(|(of, shard)| of == vantage && shard.is_some_and(|shard| shard.of > 1))
    }

    /// By vantage, the plans of its probers whose latest line is from `since` or later. Only those
    /// with the same number of shards as the newest plan, so that changing the number leaves no
    /// stale shard.
    pub(crate) fn in_force(&self, since: UnixMillis) -> BTreeMap<&str, Vec<(Option<Shard>, &ProberPlan)>> {
        let mut of_vantage: BTreeMap<&str, Vec<(Option<Shard>, &ProberPlan)>> = BTreeMap::new();
        for ((vantage, shard), plan) in self.of_prober.iter().filter(|(_, plan)| plan.latest >= since) {
            of_vantage.entry(vantage).or_default().push((*shard, plan));
        }
        for plans in of_vantage.values_mut() {
            let newest = plans.iter().max_by_key(|(_, plan)| plan.latest).and_then(|(shard, _)| shard.map(|s| s.of));
            plans.retain(|(shard, _)| shard.map(|shard| shard.of) == newest);
        }
        of_vantage
    }

    /// Whether the latest plans of a vantage list a probe; `None` if it has no plan.
    pub(crate) fn lists(&self, vantage: &str, probe: &str) -> Option<bool> {
        let mut plans = self.of_prober.iter().filter(|((of, _), _)| of == vantage).map(|(_, plan)| plan).peekable();
        plans.peek()?;
        Some(plans.any(|plan| plan.probes.get(probe).is_some_and(|span| span.last == plan.latest)))
    }

    /// The vantages and probes of all plans whose latest line is from `since` or later, with their schedules at `from`
    /// and after it.
    pub(crate) fn planned(&self, since: UnixMillis, from: UnixMillis) -> BTreeMap<(&str, &str), PlannedSchedule> {
        let mut planned: BTreeMap<(&str, &str), PlannedSchedule> = BTreeMap::new();
        // Many probes have the same expression.
        let mut crons: BTreeMap<&str, Option<Arc<PlannedCron>>> = BTreeMap::new();
        for ((vantage, _), plan) in self.of_prober.iter().filter(|(_, plan)| plan.latest >= since) {
            for (probe, span) in &plan.probes {
                let mut cron_of = |expression| {
                    crons.entry(expression).or_insert_with(|| PlannedCron::new(expression).map(Arc::new)).clone()
                };
                let phases = span.lines.values().filter_map(|line| {
                    let schedule = match line.every {
                        Some(every) => PhaseSchedule::Every(every),
                        None => PhaseSchedule::Cron(cron_of(line.schedule.as_deref()?)?),
                    };
                    Some(PlannedPhase { from: line.from, schedule })
                });
                planned.entry((vantage, probe)).or_default().extend(phases);
            }
        }
        for phases in planned.values_mut() {
            phases.sort_by_key(|phase| (phase.from, phase.schedule.every()));
            let before = phases.partition_point(|phase| phase.from <= from);
            phases.drain(..before.saturating_sub(1));
            phases.dedup_by(|next, phase| next.schedule == phase.schedule);
        }
        planned
    }
}

impl PlannedSpan {
    fn new(probe: &PlannedProbe, from: UnixMillis) -> PlannedSpan {
        let every = probe.interval_ms.and_then(|interval| i64::try_from(interval).ok()).filter(|every| *every > 0);
        let hour = from.floor(HOUR_MS);
        let schedule = if every.is_none() { probe.schedule.clone() } else { None };
        let says = every.is_some() || schedule.is_some();
        let lines = says.then_some((hour, ScheduleLine { from, every, schedule })).into_iter().collect();
        PlannedSpan { probe: probe.clone(), first: from, last: from, lines }
    }

    fn merge(&mut self, other: PlannedSpan) {
        for (hour, line) in other.lines {
            match self.lines.get_mut(&hour) {
                Some(latest) if *latest >= line => {}
                Some(latest) => *latest = line,
                None => drop(self.lines.insert(hour, line)),
            }
        }
        self.first = self.first.min(other.first);
        if other.last > self.last {
            (self.last, self.probe) = (other.last, other.probe);
        }
    }
}

impl ProberPlan {
    /// The instant of its first plan line.
    pub(crate) const fn first(&self) -> UnixMillis {
        self.first
    }

    /// The probes of the latest plan.
    pub(crate) fn probes(&self) -> impl Iterator<Item = &PlannedSpan> {
        self.probes.values().filter(|span| span.last == self.latest)
    }
}
