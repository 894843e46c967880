//! The rows of the answer: the same figures per surface, probe, vantage and place.

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

/// How checks ended, and how long they took.
#[derive(Clone, Debug, Default, Serialize, schemars::JsonSchema)]
pub struct Figures {
    /// All checks that were due: up + down + unknown + missed.
    pub checks: u64,
    /// Found the target up.
    pub up: u64,
    /// Found it down.
    pub down: u64,
    /// Could not be judged.
    pub unknown: u64,
    /// Were due and not run.
    pub missed: u64,
    /// Of the up: failed first and passed on a later attempt.
    pub flaky: u64,
    /// Of the up: something that `warn` names did not hold.
    pub warnings: u64,
    /// down / (up + down); null where none was judged.
    pub failed_ratio: Option<f64>,
    /// Wilson's 95 % interval of it.
    pub ci95: Option<[f64; 2]>,
    /// up / (up + down): the availability per check.
    pub availability: Option<f64>,
    /// Full-outage-equivalent minutes: the sum over checks of failed ratio times the time a check stands for.
    pub impact_minutes: f64,
    /// How much of what was due was seen.
    pub coverage: Coverage,
    /// The total time of up checks.
    pub latency_us: LatencySummary,
    /// The total time of down checks.
    pub failed_latency_us: LatencySummary,
    /// The failures by class, in the order of the phases.
    pub classes: BTreeMap<FailureClass, ClassRow>,
    /// What mostly failed; null where nothing did.
    pub main_failure: Option<MainFailure>,
}

/// The failures of one class.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct ClassRow {
    /// How many.
    pub n: u64,
    /// Their share of the failures of the row.
    pub share: f64,
    /// The phase they broke in, as the evidence has it; null where it is not known or the answer came whole.
    pub phase: Option<Phase>,
    /// The first, as exactly as the evidence has it.
    #[serde(with = "optional")]
    #[schemars(with = "Option<String>")]
    pub first: Option<Timestamp>,
    /// The last.
    #[serde(with = "optional")]
    #[schemars(with = "Option<String>")]
    pub last: Option<Timestamp>,
    /// The first whose evidence was kept.
    pub example: Option<Example>,
    /// The codes of the failures with their counts; of a journal of version 1, of those whose evidence was kept.
    pub statuses: Vec<(u16, u64)>,
}

/// One failed check that stands for many: the first of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
pub struct Example {
    /// When it began.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Its probe.
    pub probe: SafeText,
    /// Where it was asked from.
    pub vantage: SafeText,
    /// What happened, in one sentence.
    pub message: SafeText,
    /// The status code, where an answer came.
    pub status: Option<u16>,
    /// The address spoken to.
    pub address: Option<SafeText>,
    /// What the answer said of its server.
    pub server: Option<SafeText>,
    /// A command that repeats the request, secrets as shell variables.
    pub curl: Option<SafeText>,
}

/// What users see as one thing.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct SurfaceRow {
    /// The name.
    pub surface: SafeText,
    /// The name shown to people, where there is one.
    pub label: Option<SafeText>,
    /// Whether it is the control targets: they say whether we were online, and count nowhere else.
    pub control: bool,
    /// Its state at the end of the window.
    pub state: State,
    /// Its latest checks: how it is now.
    pub recent: Recent,
    /// Probes of it.
    pub probes: u64,
    /// Its checks.
    #[serde(flatten)]
    pub figures: Figures,
    /// Its share of all failures, as a press report counts complaints. Null where nothing failed.
    pub share_of_failures: Option<f64>,
    /// The same share had every surface been asked as often: what the press figure should be.
    pub share_per_check: Option<f64>,
    /// (covered time - incident time) / covered time: the availability by time. Null where nothing was covered.
    pub time_up_ratio: Option<f64>,
    /// What is usual for it.
    pub baseline: Usual,
    /// What was promised for it, and how much of the budget is spent. Null where nothing was promised.
    pub slo: Option<Slo>,
}

impl SurfaceRow {
    /// Its name for people: the label, if it has one.
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
    /// Whether it is set aside: its control targets fail, so that it says nothing about the others.
    pub set_aside: bool,
    /// Whether it could not judge any probe for `open-after` checks of each in a row: offline itself, or without
    /// the means to probe.
    pub cannot_judge: bool,
    /// The state of its control targets; null where it has none.
    pub control: Option<State>,
    /// Its state over all surfaces.
    pub state: State,
    /// Its latest checks: how it is now.
    pub recent: Recent,
    /// The last instant it reported anything.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub last_seen: Timestamp,
    /// Its checks, those of control targets left out.
    #[serde(flatten)]
    pub figures: Figures,
    /// How late its checks began.
    pub lag_us: LatencySummary,
}

/// A surface from a vantage.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct PlaceRow {
    /// The surface.
    pub surface: SafeText,
    /// The vantage.
    pub vantage: SafeText,
    /// Whether it is the control targets.
    pub control: bool,
    /// Its state at the end of the window.
    pub state: State,
    /// Its latest checks: how it is now.
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
    /// Whether any of its checks accepted any certificate (`tls.insecure`): up does not mean that the
    /// right server answered. Absent: no.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub insecure: bool,
    /// Its state at the end of the window.
    pub state: State,
    /// Its latest checks: how it is now.
    pub recent: Recent,
    /// The time between two checks, or between the starts of two bursts of them, in milliseconds, as the journal
    /// shows it; null where there are too few.
    pub cadence_ms: Option<u64>,
    /// What `warn` names and did not hold, as it was found last. Absent: nothing of which evidence was kept.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unmet_warnings: Vec<Mismatch>,
    /// Its checks.
    #[serde(flatten)]
    pub figures: Figures,
    /// How late its checks began.
    pub lag_us: LatencySummary,
}

/// An address that checks spoke to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct AddressRow {
    /// The address, without its port.
    pub address: SafeText,
    /// 4 or 6.
    pub family: u8,
    /// The surface it was asked for.
    pub surface: SafeText,
    /// Checks that spoke to it and failed. In a journal that does not count them, failures whose evidence names it.
    pub failed: u64,
    /// Checks that spoke to it, up and down, of whole windows; null in a journal that does not count them.
    pub checks: Option<u64>,
}
