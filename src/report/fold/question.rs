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
    /// The time zone of instants in texts; absent: UTC.
    pub zone: Option<TimeZone>,
}

impl Question {
    /// How instants between two others are written in texts.
    pub(crate) fn instants(&self, from: Timestamp, to: Timestamp) -> InstantFormat {
        InstantFormat::of_range(from, to, self.zone.clone().unwrap_or(TimeZone::UTC))
    }
}
