//! Incidents, as documents contain them.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Bracket, SafeText, optional_timestamp as optional, timestamp};
use crate::report::document::answer::MainFailure;
use crate::report::document::reading::Reading;

/// An outage of one or more surfaces; outages close to each other are waves of one incident.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Incident {
    /// An id that stays the same from open to close: the start of the outage that was detected
    /// first, and a checksum of that start and its surface.
    pub id: String,
    /// The surfaces it affects.
    pub surfaces: Vec<SafeText>,
    /// When each of them failed, in the order of `surfaces`.
    pub surface_spans: Vec<SurfaceSpan>,
    /// The vantages that saw it.
    pub vantages: Vec<SafeText>,
    /// The probes that saw it.
    pub probes: Vec<SafeText>,
    /// When it began: between the last good check and the first failed check of the run that opened
    /// it.
    pub start: Bracket,
    /// When it ended; null while it continues, and if its probes went silent while failing.
    pub end: Option<Bracket>,
    /// The last check of its probes if they went silent while failing; null otherwise.
    #[serde(with = "optional")]
    #[schemars(with = "Option<String>")]
    pub last_seen: Option<Timestamp>,
    /// The check at which it was detected.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub detected_at: Timestamp,
    /// The rule that opened it: `3 in a row`, `4 of 10`, or `12 of 180 pooled` for 12 failures in
    /// 180 checks of several series.
    pub rule: String,
    /// How long it lasted, or has lasted so far, gaps between waves included: least and most, in
    /// seconds.
    pub duration_s: DurationRange,
    /// Its waves, in order.
    pub waves: Vec<Wave>,
    /// Equivalent minutes of full outage of each surface, in the order of `surfaces`.
    pub impact_minutes: Vec<SurfaceImpact>,
    /// Failures in its waves.
    pub actual_failures: u64,
    /// Checks judged in its waves.
    pub judged: u64,
    /// Checks of its surfaces that were due in maintenance during the incident; they are in no
    /// other figure.
    pub maintenance: u64,
    /// Failures to expect in its waves from the baseline; null without a baseline.
    pub expected_failures: Option<f64>,
    /// On how many of the earlier days as much failed at this time of the day; null if more fails
    /// now than then, or if nothing recurs.
    pub recurring: Option<Recurring>,
    /// The main kind of failure; null if nothing failed.
    pub kind: Option<MainFailure>,
    /// The highest percentage of state changes in the incident, 0 to 100, as Nagios computes it.
    pub flap_percent: f64,
    /// Whether it is flapping, so that its single waves mean little.
    pub flapping: bool,
    /// Always `undetermined`: from outside, nobody can tell who is responsible or why.
    pub attribution: &'static str,
    /// The signatures that its evidence matches.
    pub signature: Reading,
    /// The same for its latest checks, of 15 minutes or more; null if the incident is over, if it
    /// began within them, or if too few of them failed.
    pub signature_now: Option<Reading>,
}

impl Incident {
    /// The worst incident that is over: the one with the most equivalent minutes of full outage of
    /// one surface.
    pub(crate) fn worst(incidents: &[Incident]) -> Option<&Incident> {
        let minutes = |one: &Incident| one.impact_minutes.iter().map(|impact| impact.minutes).fold(0.0, f64::max);
        let over = incidents.iter().filter(|incident| incident.end.is_some());
        over.max_by(|one, other| minutes(one).total_cmp(&minutes(other)))
    }

    /// Of the incidents whose probes went silent while failing, the one that was seen last, and
    /// when.
    pub(crate) fn unseen(incidents: &[Incident]) -> Option<(&Incident, Timestamp)> {
        let unseen = incidents.iter().filter_map(|incident| Some((incident, incident.last_seen?)));
        unseen.max_by_key(|(_, last_seen)| *last_seen)
    }
}

/// On how many earlier days as much failed at this time of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Recurring {
    /// Days on which as much failed.
    pub days: u64,
    /// Earlier days with data for this hour.
    pub of: u64,
    /// Whether the incident began at night (22:00 to 06:00 UTC).
    pub at_night: bool,
}

impl Recurring {
    /// `as on 14 of 14 nights`
    #[must_use]
    pub fn words(&self) -> String {
        let days = if self.at_night { "nights" } else { "days" };
        format!("as on {} of {} {days}", self.days, self.of)
    }
}

/// When one surface of an incident failed: from the start of its first outage to the end of its
/// last.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SurfaceSpan {
    /// The surface.
    pub surface: SafeText,
    /// When it began.
    pub start: Bracket,
    /// When it ended; null while it continues.
    pub end: Option<Bracket>,
}

/// A duration between two bounds, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct DurationRange {
    /// The least.
    pub min: f64,
    /// The most; null if the start was not seen.
    pub max: Option<f64>,
}

/// The failures of a surface as equivalent minutes of full outage.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SurfaceImpact {
    /// The surface.
    pub surface: SafeText,
    /// The minutes.
    pub minutes: f64,
}

/// One wave of an incident.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Wave {
    /// When it began.
    pub start: Bracket,
    /// When it ended; null while it continues.
    pub end: Option<Bracket>,
    /// Checks judged in it.
    pub judged: u64,
    /// Of these, failed.
    pub failed: u64,
    /// The worst bucket; null if no bucket of the wave has three judged checks.
    pub peak: Option<Peak>,
}

/// The bucket of a wave with the highest failed ratio.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Peak {
    /// The start of the bucket.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Checks judged in it.
    pub judged: u64,
    /// Of these, failed.
    pub failed: u64,
    /// failed / judged
    pub ratio: f64,
}
