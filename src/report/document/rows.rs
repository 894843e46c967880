//! The rows of the answer: the same figures per surface, probe, vantage and place (a surface from a
//! vantage).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{FailureClass, Mismatch, Phase, SafeText, optional_timestamp as optional, timestamp};
use crate::report::document::answer::{MainFailure, State};
use crate::report::document::coverage::Coverage;
use crate::report::document::latency::LatencySummary;
use crate::report::document::recent::Recent;
use crate::report::document::slo::Slo;
use crate::report::document::usual::Usual;
use crate::window::Histogram;

/// The results and durations of checks.
#[derive(Clone, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Figures {
    /// All due checks that are recorded: up + down + unknown + missed.
    pub checks: u64,
    /// Checks that found the target up.
    pub up: u64,
    /// Checks that found it down.
    pub down: u64,
    /// Checks that could not be judged.
    pub unknown: u64,
    /// Checks that were due but not run.
    pub missed: u64,
    /// Of `up`, the checks that passed on a later attempt only.
    pub flaky: u64,
    /// Of `up`, the checks for which something that `warn` names did not hold.
    pub warnings: u64,
    /// down / (up + down); null if none was judged.
    pub failed_ratio: Option<f64>,
    /// Wilson's 95 % interval of `failed_ratio`.
    pub ci95: Option<[f64; 2]>,
    /// up / (up + down): the availability per check; null if none was judged.
    pub availability: Option<f64>,
    /// Equivalent minutes of full outage: each failed check counts for the time to the next check;
    /// the mean over the series of the row.
    pub impact_minutes: f64,
    /// Which share of the due checks was made.
    pub coverage: Coverage,
    /// The total time of up checks, in microseconds.
    pub latency_us: LatencySummary,
    /// The total time of down checks, in microseconds.
    pub failed_latency_us: LatencySummary,
    /// The failures by class, in the order of the phases.
    pub classes: BTreeMap<FailureClass, ClassRow>,
    /// The main kind of failure; null if nothing failed.
    pub main_failure: Option<MainFailure>,
}

/// The failures of one class.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ClassRow {
    /// The number of failures.
    pub n: u64,
    /// Their share of the failures of the row, 0 to 1.
    pub share: f64,
    /// The phase they occurred in: that of the class, or the most frequent in the kept evidence;
    /// null if neither is known, or if an answer came.
    pub phase: Option<Phase>,
    /// When the first of them was due.
    #[serde(with = "optional")]
    #[schemars(with = "Option<String>")]
    pub first: Option<Timestamp>,
    /// When the last of them was due.
    #[serde(with = "optional")]
    #[schemars(with = "Option<String>")]
    pub last: Option<Timestamp>,
    /// The first failure with kept evidence; null if there is none.
    pub example: Option<Example>,
    /// The status codes of the failures, with counts; in a journal of version 1, of those with kept
    /// evidence.
    pub statuses: Vec<(u16, u64)>,
}

/// One failed check as an example: the first with kept evidence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
pub struct Example {
    /// When it began.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Its probe.
    pub probe: SafeText,
    /// The vantage it ran at.
    pub vantage: SafeText,
    /// What happened, in one sentence.
    pub message: SafeText,
    /// The status code, if an answer came.
    pub status: Option<u16>,
    /// The address and port it connected to.
    pub address: Option<SafeText>,
    /// The `Server` header of the answer.
    pub server: Option<SafeText>,
    /// A `curl` command that repeats the request, with secrets as shell variables.
    pub curl: Option<SafeText>,
}

/// A surface: what users see as one thing.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct SurfaceRow {
    /// The name.
    pub surface: SafeText,
    /// The display name, if there is one.
    pub label: Option<SafeText>,
    /// Whether it consists of control targets: these show whether the vantages were online, and
    /// count nowhere else.
    pub control: bool,
    /// Its state at the end of the range.
    pub state: State,
    /// Its latest checks.
    pub recent: Recent,
    /// The number of its probes.
    pub probes: u64,
    /// Its checks.
    #[serde(flatten)]
    pub figures: Figures,
    /// Its share of all failures, 0 to 1, which is how outage sites rank services; null if nothing
    /// failed.
    pub share_of_failures: Option<f64>,
    /// The same share if every surface had the same number of checks: the fairer figure; null if
    /// nothing failed.
    pub share_per_check: Option<f64>,
    /// (covered time - incident time) / covered time: the availability by time; null if nothing was
    /// covered.
    pub time_up_ratio: Option<f64>,
    /// Its baseline.
    pub baseline: Usual,
    /// Its objectives, and how much of the budget is used; null if it has none.
    pub slo: Option<Slo>,
}

impl SurfaceRow {
    /// The display name: the label, or else the name.
    #[must_use]
    pub fn label(&self) -> &SafeText {
        self.label.as_ref().unwrap_or(&self.surface)
    }
}

/// A vantage.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct VantageRow {
    /// The name.
    pub vantage: SafeText,
    /// Whether it is set aside: its control targets fail, or it could not judge, so that its checks
    /// show nothing about the targets.
    pub set_aside: bool,
    /// Whether, for each of its probes, the last `open-after` checks could not be judged: the
    /// vantage is offline or cannot probe.
    pub cannot_judge: bool,
    /// The state of its control targets; null if it has none.
    pub control: Option<State>,
    /// Its state over all surfaces: the worst.
    pub state: State,
    /// Its latest checks.
    pub recent: Recent,
    /// When it last reported anything.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub last_seen: Timestamp,
    /// Its checks, without those of control targets.
    #[serde(flatten)]
    pub figures: Figures,
    /// How late its checks began.
    pub lag_us: LatencySummary,
}

/// A surface from a vantage.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct SurfaceVantageRow {
    /// The surface.
    pub surface: SafeText,
    /// The vantage.
    pub vantage: SafeText,
    /// Whether it consists of control targets.
    pub control: bool,
    /// Its state at the end of the range.
    pub state: State,
    /// Its latest checks.
    pub recent: Recent,
    /// Its checks.
    #[serde(flatten)]
    pub figures: Figures,
}

/// One probe, from all vantages.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct ProbeRow {
    /// The probe.
    pub probe: SafeText,
    /// Its surface.
    pub surface: SafeText,
    /// Whether it is a control target.
    pub control: bool,
    /// Whether any of its checks accepted any certificate (`tls.insecure`): up does not mean that
    /// the right server answered. Omitted if not.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// Its state at the end of the range.
    pub state: State,
    /// Its latest checks.
    pub recent: Recent,
    /// The interval between two checks, or between the starts of two bursts, in milliseconds, as
    /// the journal shows it; null if there are too few checks.
    pub cadence_ms: Option<u64>,
    /// Expectations under `warn` that did not hold, each as last found. Omitted if no evidence of
    /// any was kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmet_warnings: Vec<Mismatch>,
    /// Its checks.
    #[serde(flatten)]
    pub figures: Figures,
    /// How late its checks began.
    pub lag_us: LatencySummary,
    /// How long its up checks took, for conditions. In no document.
    #[serde(skip)]
    pub(crate) latency: Histogram,
}

/// An address that checks connected to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct AddressRow {
    /// The address, without its port.
    pub address: SafeText,
    /// 4 or 6.
    pub family: u8,
    /// The surface it belongs to.
    pub surface: SafeText,
    /// Failed checks that connected to it. In a journal that does not count them: failures whose
    /// evidence names it.
    pub failed: u64,
    /// Checks that connected to it, up and down, of whole windows; null in a journal that does not
    /// count them.
    pub checks: Option<u64>,
}
