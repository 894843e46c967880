//! The answer in short: state, for whom, since when, what kind, how sure.

use std::fmt;

use serde::Serialize;

use crate::format;
use crate::model::{Bracket, FailureClass, Phase, SafeText};
use crate::report::document::reading::Reading;

/// The answer in short.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Answer {
    /// The state at the end of the window.
    pub state: State,
    /// For whom.
    pub scope: Scope,
    /// Since when; null where it is up or unknown.
    pub since: Option<Bracket>,
    /// Since when the incident goes on that the wave of `since` is of; null where it is up or unknown.
    pub incident_since: Option<Bracket>,
    /// Until when, where the last incident of the window is over.
    pub until: Option<Bracket>,
    /// What kind of failure dominates; null where nothing failed.
    pub kind: Option<MainFailure>,
    /// How sure we are.
    pub confidence: Confidence,
    /// Why, one reason a line.
    pub reasons: Vec<String>,
    /// How sure we are of each thing that is said.
    pub claims: Vec<Claim>,
    /// What the evidence reads as: of the last incident, or of what shows without one.
    pub signature: Reading,
    /// The answer as one says it aloud, in one line.
    pub headline: String,
    /// All of it in one sentence, with intervals.
    pub sentence: String,
}

/// How sure we are of one thing that is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Claim {
    /// What is claimed.
    pub claim: ClaimKind,
    /// How sure we are of it.
    pub confidence: Confidence,
    /// Why.
    pub reason: String,
}

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClaimKind {
    /// The state.
    State,
    /// For whom.
    Scope,
    /// Since when.
    Since,
    /// What the evidence reads as.
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

/// A state as a user sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No incident is open.
    Up,
    /// An incident is open and less than half of the checks fail, or answers take far longer than usual.
    Degraded,
    /// It comes and goes.
    Flapping,
    /// An incident is open and half of the checks or more fail.
    Down,
    /// There is no data to judge by, or we were offline ourselves.
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

    /// Whether users are hurt: degraded, flapping or down.
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

/// For whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Scope {
    /// The surfaces that are in the state of the verdict.
    pub surfaces: Vec<SafeText>,
    /// The vantages that see it so.
    pub vantages: Vec<SafeText>,
    /// Vantages whose word counts: those with data and with control targets that answer.
    pub vantages_judged: u64,
    /// How far it reaches.
    pub extent: Extent,
}

/// How far it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Seen from at least two vantages and at least half of them.
    Global,
    /// Seen from fewer, and the others see it up.
    Local,
    /// Seen from fewer, and for the others it cannot be told yet.
    Unclear,
    /// There is one vantage alone: nothing can be said of other places.
    SingleVantage,
    /// Nothing fails.
    None,
}

/// What kind of failure dominates.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct MainFailure {
    /// The failure class.
    pub class: FailureClass,
    /// The phase it breaks in, where it has one.
    pub phase: Option<Phase>,
    /// Its share of the failures.
    pub share: f64,
    /// Failures of this class.
    pub n: u64,
    /// All failures.
    pub of: u64,
    /// The status code that these failures came with, where the class is `status`. Failures with other codes are
    /// among the others.
    pub status: Option<u16>,
    /// What else failed, at least a tenth of the failures each, the most first.
    pub others: Vec<FailureShare>,
    /// Where the journal does not count codes, the failures whose evidence was kept, over which codes are estimated.
    pub samples: Option<u64>,
    /// Whether it is about a certificate: refused, or not as expected.
    pub certificate: bool,
}

/// Failures of one kind beside the main one.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct FailureShare {
    /// The failure class.
    pub class: FailureClass,
    /// The status code, where the class is `status` and it is known.
    pub status: Option<u16>,
    /// Failures of this kind.
    pub n: u64,
    /// Their share of the failures.
    pub share: f64,
}

impl MainFailure {
    /// Whether no kind is more than half of the failures.
    #[must_use]
    pub(crate) const fn is_mix(&self) -> bool {
        self.n * 2 <= self.of
    }

    /// `connect timeouts`, `mostly status 503`, `a mix of connect timeouts, status 522 and connection resets`.
    #[must_use]
    pub fn spoken(&self) -> String {
        /// From this share on the others are not worth a word.
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

/// How sure we are. Documented at [`Answer::reasons`]' rule in the module that judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Two or more of the conditions are not met.
    Low,
    /// One is not met.
    Medium,
    /// Vantages on at least two networks agree, control targets answer, the interval is narrow, coverage is good.
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
