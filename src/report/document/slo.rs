//! What was promised, how much of the budget is spent, and how fast it burns.

use serde::Serialize;

use crate::format;

/// The objective of a surface, judged.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Slo {
    /// The availability promised, null where only latency was.
    pub availability: Option<AvailabilitySlo>,
    /// The latency promised, null where only availability was.
    pub latency: Option<LatencySlo>,
    /// Whether a burn rate fires or the latency is missed, judged on enough checks: `--fail-on slo`.
    pub burnt: bool,
}

/// "99.9 % over 30 days", judged.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct AvailabilitySlo {
    /// The promised share of good checks.
    pub objective: f64,
    /// The span it is promised over, in seconds.
    pub over_s: u64,
    /// Checks judged within that span, as far as the journal was read.
    pub judged: u64,
    /// Of these, failed.
    pub failed: u64,
    /// The share of that span for which there is data: less than 1 makes the budget used a lower bound.
    pub span_seen: f64,
    /// The share of the error budget of the whole span that is used. 1 is all of it, more is more than all.
    pub budget_used: f64,
    /// Whether checks enough were made to show the objective at all, had they all been up.
    pub provable: bool,
    /// The checks that takes.
    pub checks_needed: u64,
    /// The burn rates over the windows of the SRE workbook (chapter 5, table 5-8), the fastest first.
    pub burn: Vec<Burn>,
}

/// How fast the budget burns. 1 spends it in exactly the promised span.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Burn {
    /// What the workbook does when it fires: `page` or `ticket`.
    pub severity: &'static str,
    /// The long window, in seconds.
    pub long_s: u64,
    /// The short window, in seconds.
    pub short_s: u64,
    /// Both must burn faster than this.
    pub threshold: f64,
    /// The burn rate over the long window; null without a check in it.
    pub long_burn: Option<f64>,
    /// The burn rate over the short window.
    pub short_burn: Option<f64>,
    /// Checks judged in the long window.
    pub long_judged: u64,
    /// Of these, failed.
    pub long_failed: u64,
    /// The share of the long window for which there is data or a maintenance.
    pub long_seen: f64,
    /// Checks judged in the short window.
    pub short_judged: u64,
    /// Of these, failed.
    pub short_failed: u64,
    /// Whether it could be judged.
    pub judged: bool,
    /// Why not; null where it was.
    pub unjudged: Option<Unjudged>,
    /// Whether it fires.
    pub firing: bool,
}

/// Why a burn rate is not judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unjudged {
    /// There is data for less than nine tenths of the long window, or for nothing of the short one.
    TooLittleSeen,
    /// Fewer than five checks failed in the long window.
    TooFewFailures,
    /// The failures of the long window lie in fewer than three minutes.
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

/// "95 % under 800 ms", judged.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LatencySlo {
    /// The promised share of checks.
    pub objective: f64,
    /// That end sooner than this, in microseconds.
    pub under_us: u64,
    /// Up checks.
    pub checks: u64,
    /// Of these, as fast as promised.
    pub fast: u64,
    /// fast / checks; null without a check.
    pub ratio: Option<f64>,
    /// Wilson's 95 % interval of it.
    pub ci95: Option<[f64; 2]>,
    /// Whether it is missed for certain: the whole interval lies below the objective.
    pub missed: bool,
}
