//! From outcomes, one after the other, to a [`Pass`].

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::LatencySummary;
use super::Pass;
use super::ProbeSummary;
use super::Proof;
use super::SCHEMA;
use super::kept::Kept;
use crate::model::Counts;
use crate::model::FailureClass;
use crate::model::Outcome;
use crate::model::Phase;
use crate::model::Probe;
use crate::model::SafeText;
use crate::model::Verdict;
use crate::model::text::MESSAGE_LIMIT;

/// The verdicts of a probe that [`ProbeSummary::recent`] holds at most.
pub const RECENT: usize = 120;

/// A pass in the making.
#[derive(Debug)]
pub struct PassFold {
    vantage: String,
    started_at: Timestamp,
    probes: Vec<Sums>,
    /// The place of each probe in `probes`.
    places: BTreeMap<String, usize>,
    kept: Kept,
}

impl PassFold {
    /// A pass of these probes that begins now. A probe that yields no outcome is in the answer too.
    #[must_use]
    pub fn new(vantage: &str, probes: &[Arc<Probe>], started_at: Timestamp) -> PassFold {
        let places = probes.iter().enumerate().map(|(place, probe)| (probe.name.clone(), place)).collect();
        let probes = probes.iter().map(|probe| Sums::new(Arc::clone(probe))).collect();
        PassFold { vantage: vantage.to_owned(), started_at, probes, places, kept: Kept::default() }
    }

    /// Adds an outcome. One of a probe that the pass does not know is left out: there is none.
    pub fn record(&mut self, outcome: Outcome) {
        let Some(place) = self.places.get(&outcome.probe) else { return };
        self.probes[*place].add(&outcome);
        self.kept.add(outcome);
    }

    /// The pass so far, `elapsed` after its begin.
    #[must_use]
    pub fn finish(self, elapsed: Duration, warnings: &[String]) -> Pass {
        let probes: Vec<ProbeSummary> = self.probes.into_iter().map(Sums::finish).collect();
        let total = |control: bool| {
            let mut counts = Counts::default();
            probes.iter().filter(|probe| probe.control == control).for_each(|probe| counts.merge(&probe.counts));
            counts
        };
        let (counts, controls) = (total(false), total(true));
        let judged = if counts.scheduled() == 0 { controls } else { counts };
        let (outcomes, outcomes_left_out) = self.kept.finish();
        Pass {
            schema: SCHEMA,
            verdict: judged.verdict(),
            counts,
            controls,
            vantage: self.vantage,
            started_at: self.started_at,
            elapsed,
            proof: Proof::new(counts.judged(), counts.down),
            probes,
            outcomes,
            outcomes_left_out,
            warnings: warnings.iter().map(|warning| SafeText::message(warning)).collect(),
        }
    }
}

/// The sums of one probe.
#[derive(Debug)]
struct Sums {
    probe: Arc<Probe>,
    counts: Counts,
    flaky: u64,
    failures: BTreeMap<FailureClass, u64>,
    latency: Samples,
    phases: BTreeMap<Phase, Samples>,
    failed_latency: Samples,
    lag: Samples,
    recent: VecDeque<Verdict>,
}

impl Sums {
    fn new(probe: Arc<Probe>) -> Sums {
        Sums {
            probe,
            counts: Counts::default(),
            flaky: 0,
            failures: BTreeMap::new(),
            latency: Samples::default(),
            phases: BTreeMap::new(),
            failed_latency: Samples::default(),
            lag: Samples::default(),
            recent: VecDeque::new(),
        }
    }

    fn add(&mut self, outcome: &Outcome) {
        self.counts.add(outcome.verdict, 1);
        self.flaky += u64::from(outcome.flaky);
        if let Some(class) = outcome.class() {
            *self.failures.entry(class).or_default() += 1;
        }
        match outcome.verdict {
            Verdict::Up => {
                self.latency.0.push(outcome.timings.total);
                for phase in Phase::ALL {
                    if let Some(time) = outcome.timings.phase(phase) {
                        self.phases.entry(phase).or_default().0.push(time);
                    }
                }
            }
            Verdict::Down => self.failed_latency.0.push(outcome.timings.total),
            Verdict::Unknown | Verdict::Missed => {}
        }
        if outcome.verdict != Verdict::Missed {
            self.lag.0.push(outcome.lag);
        }
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(outcome.verdict);
    }

    fn finish(self) -> ProbeSummary {
        let probe = &self.probe;
        ProbeSummary {
            probe: probe.name.clone(),
            surface: probe.surface.clone(),
            control: probe.control,
            url: SafeText::clean(&probe.shown_url(), MESSAGE_LIMIT),
            line: Some(probe.line).filter(|line| *line > 0),
            insecure: probe.transport.tls.insecure,
            verdict: self.counts.verdict(),
            counts: self.counts,
            flaky: self.flaky,
            failures: self.failures,
            latency: self.latency.summary(),
            phases: self.phases.into_iter().map(|(phase, samples)| (phase, samples.summary())).collect(),
            failed_latency: self.failed_latency.summary(),
            lag: self.lag.summary(),
            proof: Proof::new(self.counts.judged(), self.counts.down),
            recent: self.recent.into(),
        }
    }
}

/// Samples of a time, until windows take their place.
#[derive(Debug, Default)]
struct Samples(Vec<Duration>);

impl Samples {
    fn summary(mut self) -> LatencySummary {
        self.0.sort_unstable();
        let n = self.0.len();
        let percentile = |per_cent: usize, needs: usize| {
            let rank = (n * per_cent).div_ceil(100);
            (n >= needs).then(|| self.0[rank.max(1) - 1])
        };
        LatencySummary {
            count: n as u64,
            min: self.0.first().copied(),
            p50: percentile(50, 5),
            p90: percentile(90, 29),
            p95: percentile(95, 59),
            p99: percentile(99, 299),
            max: self.0.last().copied(),
            sum: self.0.iter().sum(),
        }
    }
}
