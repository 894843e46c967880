//! The answer in short: state, scope, start, kind of failure, confidence.

use std::fmt;

use serde::Serialize;

use crate::format;
use crate::model::{Bracket, FailureClass, Phase, SafeText};
use crate::report::document::reading::Reading;

/// The answer in short.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Answer {
    /// The state at the end of the range.
    pub state: State,
    /// For which surfaces and vantages it holds.
    pub scope: Scope,
    /// When the current wave began, of failures or of slow answers; of what flaps and is up at the moment, when its
    /// incident began. Null if none is open.
    pub since: Option<Bracket>,
    /// When the incident or slow period began to which that wave belongs; null if none is open.
    pub incident_since: Option<Bracket>,
    /// When the last incident of the range ended; null if there was none, if it continues, or if
    /// `state` is a failing one.
    pub until: Option<Bracket>,
    /// The main kind of failure, now or else in the last incident; null if nothing failed.
    pub kind: Option<MainFailure>,
    /// How sure we are.
    pub confidence: Confidence,
    /// The reasons for the confidence, one per condition.
    pub reasons: Vec<String>,
    /// How sure we are of each claim.
    pub claims: Vec<Claim>,
    /// The signatures that the evidence matches: that of the incident that `since` and `kind` are
    /// about, else of the last one or, without one, of the whole range.
    pub signature: Reading,
    /// The answer in one spoken line.
    pub headline: String,
    /// The answer in one sentence, with intervals.
    pub sentence: String,
}

/// One claim of the answer and how sure we are of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Claim {
    /// What is claimed.
    pub claim: ClaimKind,
    /// How sure we are of it.
    pub confidence: Confidence,
    /// The reason for the confidence.
    pub reason: String,
}

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// The state.
    State,
    /// For which surfaces and vantages it holds.
    Scope,
    /// When it began.
    Since,
    /// The class of causes that the evidence matches.
    Cause,
}

impl ClaimKind {
    /// The name used in every output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ClaimKind::State => "state",
            ClaimKind::Scope => "scope",
            ClaimKind::Since => "since",
            ClaimKind::Cause => "cause",
        }
    }
}

/// The state as users see it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// None of the failing states, and there is data.
    Up,
    /// An incident is open but it is not down; or recent checks fail more than is allowed; or
    /// answers take far longer than usual.
    Degraded,
    /// It comes and goes.
    Flapping,
    /// An incident is open on nearly all probes, and at least half of their checks since it began
    /// failed, or each of the last few; from at least half of the vantages, and from two if there
    /// are two.
    Down,
    /// There is too little data to judge by, or the vantage itself was offline.
    #[default]
    Unknown,
}

impl State {
    /// The name used in every output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Up => "up",
            State::Degraded => "degraded",
            State::Flapping => "flapping",
            State::Down => "down",
            State::Unknown => "unknown",
        }
    }

    /// Whether users are affected: degraded, flapping or down.
    #[must_use]
    pub const fn is_failing(self) -> bool {
        matches!(self, State::Degraded | State::Flapping | State::Down)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// For which surfaces and vantages the state holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Scope {
    /// The surfaces in the state of the verdict; all of them if that is up or unknown.
    pub surfaces: Vec<SafeText>,
    /// The vantages from which they fail.
    pub vantages: Vec<SafeText>,
    /// The number of vantages whose checks count: those with data at the end of the range that are
    /// not set aside.
    pub vantages_judged: u64,
    /// How widely the failure is seen.
    pub extent: Extent,
}

/// How widely a failure is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Seen from at least two vantages and at least half of them.
    Global,
    /// Seen from fewer; the others see it up.
    Local,
    /// Seen from fewer; for the others it is not certain yet.
    Unclear,
    /// There is only one vantage: nothing is known about other places.
    SingleVantage,
    /// Nothing fails.
    None,
}

/// The main kind of failure.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct MainFailure {
    /// The failure class.
    pub class: FailureClass,
    /// The phase in which it occurs; null if the class does not imply one.
    pub phase: Option<Phase>,
    /// Its share of the failures, 0 to 1.
    pub share: f64,
    /// Failures of this class.
    pub n: u64,
    /// All failures.
    pub of: u64,
    /// The status code of these failures, if the class is `status`; failures with other codes are
    /// among `others`.
    pub status: Option<u16>,
    /// What else failed: kinds with at least a tenth of the failures, the most frequent first.
    pub others: Vec<FailureShare>,
    /// The number of failures with kept evidence, from which codes are estimated because the
    /// journal does not count them; null if it counts them.
    pub samples: Option<u64>,
    /// Whether it concerns a certificate: refused, or not as expected.
    pub certificate: bool,
}

/// Failures of another kind beside the main one.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct FailureShare {
    /// The failure class.
    pub class: FailureClass,
    /// The status code, if the class is `status` and the code is known.
    pub status: Option<u16>,
    /// Failures of this kind.
    pub n: u64,
    /// Their share of the failures, 0 to 1.
    pub share: f64,
}

impl MainFailure {
    /// Whether the main kind is no more than half of the failures.
    #[must_use]
    pub(crate) const fn is_mix(&self) -> bool {
        self.n * 2 <= self.of
    }

    /// `connect timeouts`, `mostly status 503`, `a mix of connect timeouts, status 522 and
    /// connection resets`.
    #[must_use]
    pub fn phrase(&self) -> String {
        /// From this share on, the other kinds are not mentioned.
        const NEARLY_ALL: f64 = 0.9;
        let name = if self.class == FailureClass::AssertionFailed && self.certificate {
            "certificate not as expected".to_owned()
        } else {
            format::failures(self.class, self.status)
        };
        if self.share >= NEARLY_ALL {
            name
        } else if self.is_mix() {
            let others = self.others.iter().map(|other| format::failures(other.class, other.status));
            let parts: Vec<String> = [name].into_iter().chain(others).take(3).collect();
            if parts.len() < 2 {
                return format!("a mix with {}", parts.join(""));
            }
            format!("a mix of {}", format::list(&parts.iter().map(String::as_str).collect::<Vec<_>>()))
        } else {
            format!("mostly {name}")
        }
    }
}

/// How sure we are: how many of four conditions are not met. The conditions: at least two vantages
/// show how widely it is seen; control targets answer; the interval of the failed ratio is at most
/// ten points to either side; at least 90 % of the due checks were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Two or more conditions are not met.
    Low,
    /// One condition is not met.
    Medium,
    /// All conditions are met.
    High,
}

impl Confidence {
    /// The name used in every output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
