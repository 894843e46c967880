//! Turns windows into the complete answer, as data: was it down, for whom, since when, what kind of
//! failure, and how sure are we? A [`Report`] is that answer; every output format lays it out and
//! none adds to it. The module knows no format, no file and no clock.
//!
//! | layer | what it does |
//! |---|---|
//! | [`statistics`] | intervals, tests, and what a sample can prove |
//! | [`document`] | the answer as plain data: what formats lay out |
//! | [`fold`] | adds up lines, in any order and in bounded memory |
//! | `series` | the checks of one probe from one vantage: outages, flapping, cadence, baseline |
//! | `context` | all series, analyzed and indexed by surface, vantage and probe |
//! | `incident` | outages joined to incidents, with their facts and the matching signatures |
//! | `answer` | state, scope, confidence, the sentence |
//! | `open_incidents` | the same rules, check by check, during a run |
//!
//! A file imports only from the layers above its own in this table, or from its own folder.

mod answer;
mod context;
pub mod document;
pub mod fold;
mod incident;
mod open_incidents;
mod parallel;
mod series;
pub mod statistics;
mod time_span;

pub use answer::answer;
pub use document::answer::{Answer, Claim, ClaimKind, Confidence, Extent, FailureShare, MainFailure, State};
pub use document::charts::{Curve, Expectation, Point, Population, Waterfall};
pub use document::comparison::Comparison;
pub use document::coverage::{Coverage, NoData};
pub use document::incident::{Incident, Recurring, SurfaceSpan, Wave};
pub use document::latency::LatencySummary;
pub use document::reading::Reading;
pub use document::recent::{Change, ChangeKind, Recent, Trend};
pub use document::report::{ConditionMet, Integrity, Report, SCHEMA, Span, Tool};
pub use document::rows::{AddressRow, ClassRow, Example, Figures, ProbeRow, SurfaceRow, SurfaceVantageRow, VantageRow};
pub use document::sample_bound::SampleBound;
pub use document::slo::Slo;
pub use document::slow_period::{SlowPeriod, SlowWave};
pub use document::unseen::Unseen;
pub use document::usual::Usual;
pub use fold::{Fold, Question, TooManySeries};
pub(crate) use open_incidents::{IncidentChange, OpenIncidents};
pub use series::judgement;
pub use series::single_series;

#[cfg(test)]
mod tests;
