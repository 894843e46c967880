//! Objectives: what was promised, how much of the error budget is used, and how fast it burns.

use serde::Serialize;

use crate::format;

/// The objectives of a surface, judged.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Slo {
    /// The availability objective; null if there is only one for latency.
    pub availability: Option<AvailabilitySlo>,
    /// The latency objective; null if there is only one for availability.
    pub latency: Option<LatencySlo>,
    /// Whether a burn rate fires, the budget is used up, or the latency objective is missed, each
    /// judged on enough checks: `--fail-on slo`.
    pub burnt: bool,
}

/// An availability objective such as "99.9 % over 30 days", judged.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct AvailabilitySlo {
    /// The promised share of good checks, 0 to 1.
    pub objective: f64,
    /// The span it is promised over, in seconds.
    pub over_s: u64,
    /// Checks judged in that span, as far as the journal was read.
    pub judged: u64,
    /// Of these, failed.
    pub failed: u64,
    /// The share of that span with data, 0 to 1; below 1, `budget_used` is a lower bound.
    pub span_seen: f64,
    /// The used share of the error budget of the whole span: 1 is all of it, more is overspent.
    pub budget_used: f64,
    /// Whether there are enough checks to show the objective if all had been up.
    pub provable: bool,
    /// The number of checks that takes.
    pub checks_needed: u64,
    /// The burn rates over the windows of the SRE workbook (chapter 5, table 5-8), the fastest
    /// first.
    pub burn: Vec<Burn>,
}

/// How fast the budget burns over two windows. A burn rate of 1 spends it in exactly the promised
/// span.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Burn {
    /// What to do if it fires, by the workbook: `page` or `ticket`.
    pub severity: &'static str,
    /// The long window, in seconds.
    pub long_s: u64,
    /// The short window, in seconds.
    pub short_s: u64,
    /// The burn rate that both windows must exceed for it to fire.
    pub threshold: f64,
    /// The burn rate over the long window; null without a check in it.
    pub long_burn: Option<f64>,
    /// The burn rate over the short window; null without a check in it.
    pub short_burn: Option<f64>,
    /// Checks judged in the long window.
    pub long_judged: u64,
    /// Of these, failed.
    pub long_failed: u64,
    /// The share of the long window with data or maintenance, 0 to 1.
    pub long_seen: f64,
    /// Checks judged in the short window.
    pub short_judged: u64,
    /// Of these, failed.
    pub short_failed: u64,
    /// Whether it could be judged.
    pub judged: bool,
    /// Why it could not be judged; null if it could.
    pub unjudged: Option<Unjudged>,
    /// Whether it fires.
    pub firing: bool,
}

/// Why a burn rate is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unjudged {
    /// There is data for less than nine tenths of the long window, or none for the short one.
    TooLittleSeen,
    /// Between one and four checks failed in the long window.
    TooFewFailures,
    /// The failures in the long window fall into fewer than three minutes.
    TooBrief,
}

impl Burn {
    /// Why it is not judged, in words: `data for 12% of it`.
    #[must_use]
    pub(crate) fn why_unjudged(&self) -> Option<String> {
        Some(match self.unjudged? {
            Unjudged::TooLittleSeen => format!("data for {} of it", format::ratio(self.long_seen)),
            Unjudged::TooFewFailures => format!("only {} failed", format::counted(self.long_failed, "check")),
            Unjudged::TooBrief => "failures in less than 3 minutes of it".to_owned(),
        })
    }
}

/// A latency objective such as "95 % under 800 ms", judged.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LatencySlo {
    /// The promised share of checks that take no longer than `under_us`, 0 to 1.
    pub objective: f64,
    /// The promised duration, in microseconds.
    pub under_us: u64,
    /// Up checks.
    pub checks: u64,
    /// Of these, the checks as fast as promised.
    pub fast: u64,
    /// fast / checks; null without a check.
    pub ratio: Option<f64>,
    /// Wilson's 95 % interval of `ratio`.
    pub ci95: Option<[f64; 2]>,
    /// Whether it is certainly missed: the whole interval lies below the objective.
    pub missed: bool,
}
