//! Incidents, as documents have them.

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Bracket, SafeText, optional_timestamp as optional, timestamp};
use crate::report::document::answer::MainFailure;
use crate::report::document::reading::Reading;

/// An outage of one or more surfaces; outages close to each other are waves of one incident.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Incident {
    /// A name that stays the same from open to close: the start of the outage that was found first, and a checksum
    /// of that start and its surface.
    pub id: String,
    /// The surfaces it is of.
    pub surfaces: Vec<SafeText>,
    /// When each of them failed, in the order of `surfaces`.
    pub surface_spans: Vec<SurfaceSpan>,
    /// The vantages that saw it.
    pub vantages: Vec<SafeText>,
    /// The probes that saw it.
    pub probes: Vec<SafeText>,
    /// It began in here: from the last good check to the first failed one of the run that opened it.
    pub start: Bracket,
    /// It ended in here; null while it goes on, and where nothing was heard any more.
    pub end: Option<Bracket>,
    /// The last check of its probes where nothing was heard any more: it was failing when it was last seen. Null else.
    #[serde(with = "optional")]
    #[schemars(with = "Option<String>")]
    pub last_seen: Option<Timestamp>,
    /// The check that made it certain.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub detected_at: Timestamp,
    /// The rule that opened it: `3 in a row`, `4 of 10`, or `12 of 180 pooled` where so many checks of many series failed.
    pub rule: String,
    /// How long it lasted or lasts, gaps between waves included: the least and the most it can be, in seconds.
    pub duration_s: DurationRange,
    /// Its waves, in order.
    pub waves: Vec<Wave>,
    /// Full-outage-equivalent minutes of each surface, in the order of `surfaces`.
    pub impact_minutes: Vec<SurfaceImpact>,
    /// Failures in its waves.
    pub actual_failures: u64,
    /// Checks judged in its waves.
    pub judged: u64,
    /// Checks of its surfaces that were due within maintenance while it lasted: in none of its figures.
    pub maintenance: u64,
    /// Failures to expect in that time from what is usual; null without a baseline.
    pub expected_failures: Option<f64>,
    /// On how many of the earlier days as much failed at this time of the day; null where more fails than then, or
    /// nothing recurs.
    pub recurring: Option<Recurring>,
    /// The dominant failure.
    pub kind: Option<MainFailure>,
    /// Nagios' percentage of state changes, the highest in the incident.
    pub flap_percent: f64,
    /// Whether it comes and goes so often that its waves say little each.
    pub flapping: bool,
    /// `undetermined`: from outside, no one can say who or why.
    pub attribution: &'static str,
    /// What the evidence reads as.
    pub signature: Reading,
    /// The same of its latest checks, of a quarter of an hour; null where it is over or no older.
    pub signature_now: Option<Reading>,
}

impl Incident {
    /// The worst of the incidents that are over: that with the most minutes of full outage of one surface.
    pub(crate) fn worst(incidents: &[Incident]) -> Option<&Incident> {
        let minutes = |one: &Incident| one.impact_minutes.iter().map(|impact| impact.minutes).fold(0.0, f64::max);
        let over = incidents.iter().filter(|incident| incident.end.is_some());
        over.max_by(|one, other| minutes(one).total_cmp(&minutes(other)))
    }

    /// Of the incidents that were failing when they were last seen, that which was seen last, and when.
    pub(crate) fn unseen(incidents: &[Incident]) -> Option<(&Incident, Timestamp)> {
        let unseen = incidents.iter().filter_map(|incident| Some((incident, incident.last_seen?)));
        unseen.max_by_key(|(_, last_seen)| *last_seen)
    }
}

/// On how many of the earlier days something was so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Recurring {
    /// Days on which it was,
    pub days: u64,
    /// of so many.
    pub of: u64,
    /// Whether it comes at night (22:00 to 06:00 UTC).
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

/// When one surface of an incident failed: from its first outage in it to the end of its last.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SurfaceSpan {
    /// The surface.
    pub surface: SafeText,
    /// It began in here.
    pub start: Bracket,
    /// It ended in here; null while it goes on.
    pub end: Option<Bracket>,
}

/// A length of time between two bounds, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct DurationRange {
    /// The least.
    pub min: f64,
    /// The most; null where the start was not seen.
    pub max: Option<f64>,
}

/// Minutes of full outage that a surface's failures add up to.
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
    /// It began in here.
    pub start: Bracket,
    /// It ended in here; null while it goes on.
    pub end: Option<Bracket>,
    /// Checks judged in it.
    pub judged: u64,
    /// Of these, failed.
    pub failed: u64,
    /// When the most failed; null where the wave is shorter than can be told.
    pub peak: Option<Peak>,
}

/// The worst moment of a wave.
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
