//! A pass: the live answer of `uptick check` as data. Every format of `check` is a layout of
//! this, so that none can disagree with another. It knows no format and no clock.

use crate::report::State;
use crate::report::document::latency::LatencySummary;
use crate::report::document::sample_bound::SampleBound;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::check_report::condition::Violation;
use crate::check_report::regression::{Judgement, Regression};
use crate::model::{Counts, FailureClass, Mismatch, Outcome, Phase, SafeText, Shard, Verdict, micros, timestamp};
use crate::window::{Histogram, Window};

/// The name and version of the document that `check --format json` prints.
pub const SCHEMA: &str = "uptick.check/1";

/// The live answer of `check`. Serialised, this is the document `uptick.check/1`.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct CheckReport {
    /// `uptick.check/1`
    pub schema: &'static str,
    /// Of one pass: down when a check found its target down, else unknown when one could not be judged, else up.
    /// Of several: down when its state is failing. Control targets have no say in it, unless nothing else was asked.
    pub verdict: Verdict,
    /// How it stands at its end, judged as a report judges: degraded where the recent share of failures is more than
    /// is allowed.
    pub state: State,
    /// The checks of the probes, without those of control targets.
    pub counts: Counts,
    /// The checks of the control targets.
    pub controls: Counts,
    /// Of the checks of the probes, those that were due within a maintenance window: they have no
    /// say in the verdict. Absent where there were none.
    #[serde(skip_serializing_if = "is_none")]
    pub maintenance: Counts,
    /// The vantage that made the checks.
    pub vantage: String,
    /// Which part of the vantage's probes was asked, where there are several.
    #[serde(skip)]
    pub shard: Option<Shard>,
    /// When the pass began.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub started_at: Timestamp,
    /// Microseconds from its begin to its end.
    #[serde(rename = "elapsed_us", with = "micros")]
    #[schemars(with = "u64")]
    pub elapsed: Duration,
    /// One summary a surface in the order of the probe file, the control targets apart and last.
    pub surfaces: Vec<SurfaceSummary>,
    /// One summary a probe, in the order of the probe file.
    pub probes: Vec<ProbeSummary>,
    /// What a sample of this size can prove, and what it cannot.
    pub proof: SampleBound,
    /// The outcomes in the order in which they ended. All of them in a small run; see `outcomes_left_out`.
    pub outcomes: Vec<Outcome>,
    /// Outcomes that were counted and not kept: a long run keeps failures and the last of each probe.
    pub outcomes_left_out: u64,
    /// Whether a check that was down fails the run: not where `--fail-on` names what is to become of these itself
    /// (`down`, `failed` or `never`).
    pub availability_judged: bool,
    /// The conditions of `--fail-on` that are met; absent where none were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub violations: Option<Vec<Violation>>,
    /// How each probe compares with the journal of `--baseline`; absent where none was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regressions: Option<Vec<Regression>>,
    /// What the reader should know about the run itself.
    pub warnings: Vec<SafeText>,
}

/// What one probe found in a pass.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct ProbeSummary {
    /// The probe's name.
    pub probe: String,
    /// Its surface.
    pub surface: String,
    /// Whether it is a control target.
    pub control: bool,
    /// The URL it asks first, secrets as `${NAME}`.
    pub url: SafeText,
    /// The file that defines it, as an absolute path.
    #[serde(skip)]
    pub file: Option<Arc<Path>>,
    /// The line of its probe file where its table starts, from 1; null for a URL of the command line.
    pub line: Option<usize>,
    /// Whether it accepts any certificate.
    pub insecure: bool,
    /// The verdict on all its checks.
    pub verdict: Verdict,
    /// How it stands at the end.
    pub state: State,
    /// How its checks ended.
    pub counts: Counts,
    /// Checks that failed first and passed on a later attempt.
    pub flaky: u64,
    /// Up checks of which something that `warn` names did not hold.
    pub warnings: u64,
    /// What did not hold, as it was found last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmet_warnings: Vec<Mismatch>,
    /// Its failures by class.
    pub failures: BTreeMap<FailureClass, u64>,
    /// The total time of its up checks.
    #[serde(rename = "latency_us")]
    pub latency: LatencySummary,
    /// All its checks added up, for what needs histograms or the order of verdicts. In JSON: the time of each phase of
    /// its up checks; a phase that never happened is absent.
    #[serde(rename = "phases_us", serialize_with = "phases")]
    #[schemars(with = "BTreeMap<Phase, LatencySummary>")]
    pub window: Window,
    /// The total time of its down checks.
    #[serde(rename = "failed_latency_us")]
    pub failed_latency: LatencySummary,
    /// How late its checks began: the prober's doing.
    #[serde(rename = "lag_us")]
    pub lag: LatencySummary,
    /// What its own sample can prove.
    pub proof: SampleBound,
    /// What was counted of it by this and earlier runs; none where nothing is recorded, or nobody asked.
    #[serde(skip)]
    pub recorded: Option<Box<RecordedSum>>,
    /// The time in all that `warn.latency` allows a probe of one request.
    #[serde(skip)]
    pub latency_warning: Option<Duration>,
    /// The time in all that `expect.latency` allows it.
    #[serde(skip)]
    pub latency_limit: Option<Duration>,
}

/// What was counted of a probe by all recorded runs, for counters that only grow.
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

/// What the probes of one surface found in a pass.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct SurfaceSummary {
    /// The surface's name.
    pub surface: String,
    /// Whether these are control targets.
    pub control: bool,
    /// The verdict on all its checks.
    pub verdict: Verdict,
    /// How it stands at the end.
    pub state: State,
    /// How many probes it has.
    pub probes: u64,
    /// Of these, down by their verdict.
    pub probes_down: u64,
    /// Of these, unknown by their verdict.
    pub probes_unknown: u64,
    /// How the checks ended.
    pub counts: Counts,
    /// Checks that failed first and passed on a later attempt.
    pub flaky: u64,
    /// Up checks of which something that `warn` names did not hold.
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
    /// Whether the run fails: where a check was down, unless `--fail-on` says itself what is to become of
    /// availability; where a condition is met; where it is worse than the baseline.
    #[must_use]
    pub fn fails(&self) -> bool {
        let worse = |regression: &Regression| regression.judgement == Judgement::Worse;
        self.is_down()
            || self.violations.iter().flatten().next().is_some()
            || self.regressions.iter().flatten().any(worse)
    }

    /// Whether a check was down, and that fails the run.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.availability_judged && self.verdict == Verdict::Down
    }

    /// Checks of probes, controls apart, of which something that `warn` names did not hold.
    #[must_use]
    pub fn warned(&self) -> u64 {
        self.probes.iter().filter(|probe| !probe.control).map(|probe| probe.warnings).sum()
    }

    /// Failed checks of probes, controls apart, that are up all the same: of several checks some failed by chance.
    #[must_use]
    pub(crate) fn blips(&self) -> u64 {
        let up = self.probes.iter().filter(|probe| !probe.control && probe.verdict == Verdict::Up);
        up.map(|probe| probe.counts.down).sum()
    }

    /// Checks of probes, controls apart, that failed first and passed on a later attempt.
    #[must_use]
    pub fn flaky(&self) -> u64 {
        self.probes.iter().filter(|probe| !probe.control).map(|probe| probe.flaky).sum()
    }
}

impl ProbeSummary {
    /// The verdicts of its checks in order of time.
    #[must_use]
    pub fn verdicts(&self) -> Vec<Verdict> {
        let of_run = |run: crate::window::Run| {
            std::iter::repeat_n(run.verdict, usize::try_from(run.count).unwrap_or(usize::MAX))
        };
        self.window.strip.runs().flat_map(of_run).collect()
    }
}
