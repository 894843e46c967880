//! What a report is asked.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::format::InstantFormat;
use crate::model::{IncidentRules, Surfaces};

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The answer is about the time from here on; absent: from the first window on.
    pub from: Option<Timestamp>,
    /// The answer is about the time before this, and is judged at it; absent: up to the last check, judged there.
    pub to: Option<Timestamp>,
    /// The length of a bucket of the series; absent: what makes a readable chart.
    pub bucket: Option<Duration>,
    /// When a stretch of failures is an incident.
    pub rules: IncidentRules,
    /// The surfaces with their labels and objectives.
    pub surfaces: Surfaces,
    /// The address family, 4 or 6, of the probes that are asked over one alone, by name.
    pub families: BTreeMap<String, u8>,
    /// Whether HTTP/3 is spoken, of the probes of hosts that are asked over HTTP/3 and over TCP, by name.
    pub http3: BTreeMap<String, bool>,
    /// How long before `from` checks are followed, so that an incident that began before it has a start; absent: a day.
    pub lead_in: Option<Duration>,
    /// The time zone of instants in texts; absent: UTC.
    pub zone: Option<TimeZone>,
}

/// How long before the time that is asked about checks are followed, if nothing else is said.
const LEAD_IN: Duration = Duration::from_hours(24);

impl Question {
    /// How long before `from` checks are followed.
    pub(crate) fn lead_in(&self) -> Duration {
        self.lead_in.unwrap_or(LEAD_IN)
    }

    /// From which instant on checks are followed, in milliseconds since 1970.
    pub(crate) fn followed_from(&self) -> i64 {
        let lead_in = i64::try_from(self.lead_in().as_millis()).unwrap_or(i64::MAX);
        self.from.map_or(i64::MIN, |from| from.as_millisecond().saturating_sub(lead_in))
    }

    /// How instants between two others are written in texts.
    pub(crate) fn instants(&self, from: Timestamp, to: Timestamp) -> InstantFormat {
        InstantFormat::of_range(from, to, self.zone.clone().unwrap_or(TimeZone::UTC))
    }
}
