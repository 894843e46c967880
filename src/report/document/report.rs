//! The document `uptick.report/1`.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Counts, SafeText, timestamp};
use crate::report::document::answer::Answer;
use crate::report::document::charts::{Curve, Expectation, Point, Waterfall};
use crate::report::document::comparison::Comparison;
use crate::report::document::coverage::{Coverage, NoData};
use crate::report::document::incident::Incident;
use crate::report::document::latency::LatencySummary;
use crate::report::document::recent::Change;
use crate::report::document::rows::{AddressRow, PlaceRow, ProbeRow, SurfaceRow, VantageRow};
use crate::report::document::sample_bound::SampleBound;
use crate::report::document::slow_period::SlowPeriod;
use crate::report::document::unseen::Unseen;

/// The name and version of the document that `report --format json` prints.
pub const SCHEMA: &str = "uptick.report/1";

/// The complete answer. Serialised, this is the document `uptick.report/1`: instants RFC 3339 in
/// UTC with milliseconds, durations in the unit their name ends in, ratios from 0 to 1 with their
/// counts beside them, every list sorted, null where there is nothing to say.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Report {
    /// `uptick.report/1`
    pub schema: &'static str,
    /// The instant it is judged at.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub generated_at: Timestamp,
    /// Who made it.
    pub tool: Tool,
    /// The span of time it is about.
    pub window: Span,
    /// The answer in short.
    pub verdict: Answer,
    /// What users see, one row a surface; the control targets, where there are any, last.
    pub surfaces: Vec<SurfaceRow>,
    /// The vantages, one row each.
    pub vantages: Vec<VantageRow>,
    /// Each surface from each vantage.
    pub places: Vec<PlaceRow>,
    /// One row a probe.
    pub probes: Vec<ProbeRow>,
    /// The addresses that failed checks spoke to, the most failures first. Counted over the
    /// failures whose evidence was kept, not over all.
    pub addresses: Vec<AddressRow>,
    /// The incidents, in the order of their starts.
    pub incidents: Vec<Incident>,
    /// The periods in which answers took far longer than usual, by surface and start.
    pub slow_periods: Vec<SlowPeriod>,
    /// What changed in the last 15 minutes, per probe and vantage, in the order of time.
    pub changes: Vec<Change>,
    /// Whether one surface is worse than another, for each pair.
    pub comparisons: Vec<Comparison>,
    /// Each surface from each vantage over time. Buckets without a check are absent.
    pub series: Vec<Point>,
    /// The upper edges of the latency bands that [`Point::bands`] counts in, in microseconds; the
    /// last band has no upper edge.
    pub band_edges_us: Vec<u64>,
    /// Each surface over time, all vantages together: actual against expected.
    pub expectations: Vec<Expectation>,
    /// Percentile curves, incident against usual.
    pub curves: Vec<Curve>,
    /// Median time of each phase, incident against usual.
    pub waterfalls: Vec<Waterfall>,
    /// The times of the window without data, by vantage.
    pub no_data: Vec<NoData>,
    /// What was planned and not seen at all; absent where all was.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<Unseen>,
    /// How late checks began: the prober's doing.
    pub lag_us: LatencySummary,
    /// How much of what was due was seen.
    pub coverage: Coverage,
    /// Checks within maintenance windows: in no other figure.
    pub maintenance: Counts,
    /// What a sample of this size can prove.
    pub proof: SampleBound,
    /// What we did not see, and what must not be concluded.
    pub limits: Vec<String>,
    /// The conditions of `--fail-on` that are met; absent where none were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions_met: Option<Vec<ConditionMet>>,
    /// What was read, and what of it could not be used.
    pub integrity: Integrity,
}

/// A condition of `--fail-on` that is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ConditionMet {
    /// The condition, as it is written on the command line.
    pub condition: String,
    /// The probe, or the surface of a budget.
    pub of: SafeText,
    /// What was found.
    pub found: SafeText,
}

/// Who made a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Tool {
    /// `uptick`
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// The span of time a report is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Span {
    /// It begins here.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// It ends before this.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub to: Timestamp,
    /// The length of one bucket of the series, in seconds. Buckets begin at multiples of it since 1970.
    pub bucket_s: u64,
    /// The time zone in which texts have their instants; absent: UTC. Instants of their own are UTC always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// What was read, and what of it could not be used. The reader of the journals counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Integrity {
    /// Journals read.
    pub journals: u64,
    /// Lines read.
    pub lines: u64,
    /// Of these, windows in the span of the report.
    pub windows: u64,
    /// Windows before it, which say what is usual.
    pub history_windows: u64,
    /// Lines with the evidence of a failed check.
    pub failures: u64,
    /// Lines that are not what was written: skipped.
    pub corrupt_lines: u64,
    /// Lines of a newer version: skipped.
    pub newer_lines: u64,
    /// Torn ends of files, left by a crash while a line was written: skipped.
    pub torn_tails: u64,
}
