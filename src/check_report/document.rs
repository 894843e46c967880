//! The answer of `uptick check` as data. Every format of `check` is a layout of this document, so
//! that they cannot contradict each other. This module knows neither formats nor the clock.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::check_report::condition::Violation;
use crate::check_report::regression::{Judgement, Regression};
use crate::model::{Counts, FailureClass, Mismatch, Outcome, Phase, SafeText, Shard, Verdict, micros, timestamp};
use crate::report::State;
use crate::report::document::latency::LatencySummary;
use crate::report::document::sample_bound::SampleBound;
use crate::window::{Histogram, Window};

/// The name and version of the document that `check --format json` prints.
pub const SCHEMA: &str = "uptick.check/1";

/// The answer of `check`. Serialised, this is the document `uptick.check/1`.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct CheckReport {
    /// `uptick.check/1`
    pub schema: &'static str,
    /// Of one pass: `down` if a check found its target down, otherwise `unknown` if a check could
    /// not be judged, otherwise `up`. Of several passes: `down` if `state` is failing. Control
    /// targets are ignored, unless nothing else was checked.
    pub verdict: Verdict,
    /// The state at the end of the run, judged as in a report: degraded if the recent share of
    /// failures is more than allowed.
    pub state: State,
    /// The checks of the probes, without those of control targets.
    pub counts: Counts,
    /// The checks of the control targets.
    pub controls: Counts,
    /// The checks of the probes that were due within a maintenance window: the verdict ignores
    /// them. Omitted if there were none.
    #[serde(skip_serializing_if = "is_none")]
    pub maintenance: Counts,
    /// The vantage that made the checks.
    pub vantage: String,
    /// Which shard of the vantage's probes was checked; `None` without shards.
    #[serde(skip)]
    pub shard: Option<Shard>,
    /// The start of the run.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// Microseconds from the start of the run to its end.
    #[serde(rename = "elapsed_us", with = "micros")]
    #[schemars(with = "u64")]
    pub elapsed: Duration,
    /// One summary per surface, in the order of the probe file, with control targets separate and
    /// last.
    pub surfaces: Vec<SurfaceSummary>,
    /// One summary per probe, in the order of the probe file.
    pub probes: Vec<ProbeSummary>,
    /// What a sample of this size can prove, and what it cannot.
    pub proof: SampleBound,
    /// The outcomes in the order in which they ended. A small run has all of them; see
    /// `outcomes_left_out`.
    pub outcomes: Vec<Outcome>,
    /// The number of outcomes that were counted but not kept: a long run keeps only the first
    /// failures of each class and the last outcome of each probe.
    pub outcomes_left_out: u64,
    /// Whether a check that was down fails the run: false if `--fail-on` itself decides about such
    /// checks (`down`, `failed` or `never`).
    pub availability_judged: bool,
    /// The conditions of `--fail-on` that are met; omitted if none were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub violations: Option<Vec<Violation>>,
    /// How each probe compares with the journal of `--baseline`; omitted if none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regressions: Option<Vec<Regression>>,
    /// Warnings about the run itself.
    pub warnings: Vec<SafeText>,
}

/// What one probe found in the run.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct ProbeSummary {
    /// The probe's name.
    pub probe: String,
    /// Its surface.
    pub surface: String,
    /// Whether it is a control target.
    pub control: bool,
    /// The URL of its first request, with secrets as `${NAME}`.
    pub url: SafeText,
    /// The absolute path of the file that defines it; `None` for a URL of the command line.
    #[serde(skip)]
    pub file: Option<Arc<Path>>,
    /// The line of its probe file where its table starts, from 1; null for a URL of the command
    /// line.
    pub line: Option<usize>,
    /// Whether it accepts any certificate.
    pub insecure: bool,
    /// The verdict on all its checks.
    pub verdict: Verdict,
    /// Its state at the end of the run.
    pub state: State,
    /// How its checks ended.
    pub counts: Counts,
    /// Checks that failed first and passed on a later attempt.
    pub flaky: u64,
    /// Checks that were up but did not meet an expectation of `warn`.
    pub warnings: u64,
    /// The expectations of `warn` that were not met, each as last found.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmet_warnings: Vec<Mismatch>,
    /// Its failures by class.
    pub failures: BTreeMap<FailureClass, u64>,
    /// The total time of its up checks.
    #[serde(rename = "latency_us")]
    pub latency: LatencySummary,
    /// All its checks added up. In JSON: the time of each phase of its up checks; a phase that
    /// never happened is omitted.
    #[serde(rename = "phases_us", serialize_with = "phases")]
    #[schemars(with = "BTreeMap<Phase, LatencySummary>")]
    pub window: Window,
    /// The total time of its down checks.
    #[serde(rename = "failed_latency_us")]
    pub failed_latency: LatencySummary,
    /// How late its checks started, because of delays in the prober.
    #[serde(rename = "lag_us")]
    pub lag: LatencySummary,
    /// What the sample of its own checks can prove.
    pub proof: SampleBound,
    /// Its checks in this and earlier runs; `None` if nothing is recorded or no output needs it.
    #[serde(skip)]
    pub recorded: Option<Box<RecordedSum>>,
    /// The total time that `warn.latency` allows a probe of one request; `None` without such a
    /// limit.
    #[serde(skip)]
    pub latency_warning: Option<Duration>,
    /// The total time that `expect.latency` allows a probe of one request; `None` without such a
    /// limit.
    #[serde(skip)]
    pub latency_limit: Option<Duration>,
}

/// The checks of a probe in all recorded runs, for counters that must only increase.
#[derive(Clone, Debug)]
pub struct RecordedSum {
    /// All checks added up.
    pub window: Window,
    /// The classes that its checks can fail with.
    pub possible_failures: Vec<FailureClass>,
}

/// The time of each phase of a window's up checks.
fn phases<S: Serializer>(window: &Window, serializer: S) -> Result<S::Ok, S::Error> {
    let happened = Phase::ALL.into_iter().filter(|phase| !window.latency.phase(*phase).is_empty());
    serializer.collect_map(happened.map(|phase| (phase, LatencySummary::of(window.latency.phase(phase)))))
}

/// What the probes of one surface found in the run.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct SurfaceSummary {
    /// The surface's name.
    pub surface: String,
    /// Whether its probes are control targets.
    pub control: bool,
    /// The verdict on all its checks.
    pub verdict: Verdict,
    /// Its state at the end of the run.
    pub state: State,
    /// How many probes it has.
    pub probes: u64,
    /// Probes whose verdict is `down`.
    pub probes_down: u64,
    /// Probes whose verdict is `unknown`.
    pub probes_unknown: u64,
    /// How the checks ended.
    pub counts: Counts,
    /// Checks that failed first and passed on a later attempt.
    pub flaky: u64,
    /// Checks that were up but did not meet an expectation of `warn`.
    pub warnings: u64,
    /// The failures by class.
    pub failures: BTreeMap<FailureClass, u64>,
    /// The total time of the up checks of all its probes.
    #[serde(rename = "latency_us")]
    pub latency: LatencySummary,
    /// What the sample of all its probes can prove.
    pub proof: SampleBound,
    /// The total time of the up checks as a histogram.
    #[serde(skip)]
    pub total: Histogram,
}

fn is_none(counts: &Counts) -> bool {
    *counts == Counts::default()
}

impl CheckReport {
    /// Whether the run fails: a check was down, unless `--fail-on` itself decides about that; a
    /// condition is met; or a probe is worse than the baseline.
    #[must_use]
    pub fn fails(&self) -> bool {
        let worse = |regression: &Regression| regression.judgement == Judgement::Worse;
        self.is_down()
            || self.violations.iter().flatten().next().is_some()
            || self.regressions.iter().flatten().any(worse)
    }

    /// Whether a check was down and therefore the run fails.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.availability_judged && self.verdict == Verdict::Down
    }

    /// Checks of probes, except control targets, that were up but did not meet an expectation of
    /// `warn`.
    #[must_use]
    pub fn warned(&self) -> u64 {
        self.probes.iter().filter(|probe| !probe.control).map(|probe| probe.warnings).sum()
    }

    /// Failed checks of probes, except control targets, whose verdict is up nevertheless: of
    /// several checks a few failed by chance.
    #[must_use]
    pub(crate) fn blips(&self) -> u64 {
        let up = self.probes.iter().filter(|probe| !probe.control && probe.verdict == Verdict::Up);
        up.map(|probe| probe.counts.down).sum()
    }

    /// Checks of probes, except control targets, that failed first and passed on a later attempt.
    #[must_use]
    pub fn flaky(&self) -> u64 {
        self.probes.iter().filter(|probe| !probe.control).map(|probe| probe.flaky).sum()
    }
}

impl ProbeSummary {
    /// The verdicts of its checks, ordered by time.
    #[must_use]
    pub fn verdicts(&self) -> Vec<Verdict> {
        let of_run = |run: crate::window::Run| {
            std::iter::repeat_n(run.verdict, usize::try_from(run.count).unwrap_or(usize::MAX))
        };
        self.window.strip.runs().flat_map(of_run).collect()
    }
}
