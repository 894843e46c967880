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
use crate::report::document::rows::{AddressRow, ProbeRow, SurfaceRow, SurfaceVantageRow, VantageRow};
use crate::report::document::sample_bound::SampleBound;
use crate::report::document::slow_period::SlowPeriod;
use crate::report::document::unseen::Unseen;

/// The name and version of the document that `report --format json` prints.
pub const SCHEMA: &str = "uptick.report/1";

/// The complete answer. Serialized, this is the document `uptick.report/1`: instants in RFC 3339,
/// UTC, with milliseconds; durations in the unit that the name ends in; ratios from 0 to 1 with
/// their counts beside them; every list sorted; null if there is no value.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Report {
    /// `uptick.report/1`
    pub schema: &'static str,
    /// When the report was made.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub generated_at: Timestamp,
    /// The program that made it.
    pub tool: Tool,
    /// The range that the report covers.
    pub window: Span,
    /// The answer in short.
    pub verdict: Answer,
    /// What users see, one row per surface; control targets, if there are any, last.
    pub surfaces: Vec<SurfaceRow>,
    /// The vantages, one row each.
    pub vantages: Vec<VantageRow>,
    /// Each surface from each vantage.
    pub places: Vec<SurfaceVantageRow>,
    /// The probes, one row each.
    pub probes: Vec<ProbeRow>,
    /// The addresses that checks connected to, the most failures first; at most 100. An address
    /// without a failure is listed only if its surface has several. In a journal that does not
    /// count addresses, only failures with kept evidence are counted.
    pub addresses: Vec<AddressRow>,
    /// The incidents, in the order of their starts.
    pub incidents: Vec<Incident>,
    /// The periods in which answers took far longer than usual, by surface and start.
    pub slow_periods: Vec<SlowPeriod>,
    /// Outages that began or ended in the last 15 minutes, per probe and vantage, in order of time.
    pub changes: Vec<Change>,
    /// Whether one surface is worse than another, for each pair of surfaces; at most 20 are
    /// compared, those with the highest failed ratio.
    pub comparisons: Vec<Comparison>,
    /// Each surface from each vantage over time. Buckets without a check are omitted.
    pub series: Vec<Point>,
    /// The upper edges of the latency bands that the `bands` of `series` count in, in microseconds;
    /// the last band has no upper edge.
    pub band_edges_us: Vec<u64>,
    /// Each surface over time, all vantages together: actual and expected failures.
    pub expectations: Vec<Expectation>,
    /// Percentile curves: in incidents, outside them, and before the range.
    pub curves: Vec<Curve>,
    /// The median of each phase: in incidents, outside them, and before the range.
    pub waterfalls: Vec<Waterfall>,
    /// The spans of the range without data, by vantage.
    pub no_data: Vec<NoData>,
    /// What was planned but never recorded; omitted if nothing is missing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<Unseen>,
    /// How late checks began, which is the prober's delay.
    pub lag_us: LatencySummary,
    /// Which share of the due checks was made.
    pub coverage: Coverage,
    /// Checks in maintenance windows; in no other figure.
    pub maintenance: Counts,
    /// What a sample of this size can prove.
    pub proof: SampleBound,
    /// What was not observed, and what must not be concluded.
    pub limits: Vec<String>,
    /// Whether a failing state fails the report: false if `--fail-on` itself decides about checks
    /// that were down (`down`, `failed`, `slo` or `never`).
    pub availability_judged: bool,
    /// The conditions of `--fail-on` that are met; omitted if none were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conditions_met: Option<Vec<ConditionMet>>,
    /// What was read, and which lines could not be used.
    pub integrity: Integrity,
}

impl Report {
    /// The open incident that the verdict is about: the latest of those that began when it says.
    pub(crate) fn incident_told(&self) -> Option<&Incident> {
        let open = || self.incidents.iter().rev().filter(|incident| incident.end.is_none());
        open().find(|incident| Some(incident.start) == self.verdict.incident_since).or_else(|| open().next())
    }
}

/// A condition of `--fail-on` that is met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ConditionMet {
    /// The condition, as it is written on the command line.
    pub condition: String,
    /// The probe, or the surface for a budget.
    pub of: SafeText,
    /// The finding that meets it.
    pub found: SafeText,
}

/// The program that made a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Tool {
    /// `uptick`
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

/// The range that a report covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Span {
    /// The start, inclusive.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// The end, exclusive.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub to: Timestamp,
    /// The length of one bucket of the series, in seconds. Buckets begin at multiples of it since
    /// 1970.
    pub bucket_s: u64,
    /// The time zone of instants in texts; omitted if that is UTC. Instants in fields of their own
    /// are always in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
}

/// What was read, and which lines could not be used. The reader of the journals counts it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Integrity {
    /// Journals read.
    pub journals: u64,
    /// Lines read.
    pub lines: u64,
    /// Of these, windows in the range.
    pub windows: u64,
    /// Windows before the range, for the baseline and for objectives.
    pub history_windows: u64,
    /// Lines with the evidence of a failed check.
    pub failures: u64,
    /// Corrupt lines, which were skipped.
    pub corrupt_lines: u64,
    /// Lines of a newer version, which were skipped.
    pub newer_lines: u64,
    /// Incomplete last lines of files, left by a crash while writing, which were skipped.
    pub torn_tails: u64,
}
