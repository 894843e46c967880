//! The question that a report answers.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::format::InstantFormat;
use crate::model::{IncidentRules, Surfaces, UnixMillis};
use crate::window::LatencyDetail;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The start of the range; `None`: the first window.
    pub from: Option<Timestamp>,
    /// The end of the range, exclusive, and the instant at which the state is judged; `None`: the
    /// last check.
    pub to: Option<Timestamp>,
    /// The length of a bucket of the series; `None`: chosen for a readable chart.
    pub bucket: Option<Duration>,
    /// The rules that make failures an incident.
    pub rules: IncidentRules,
    /// The surfaces with their labels and objectives.
    pub surfaces: Surfaces,
    /// By probe name, the address family (4 or 6), for probes that use one family alone.
    pub families: BTreeMap<String, u8>,
    /// By probe name, whether it uses HTTP/3, for hosts that are probed over both HTTP/3 and TCP.
    pub http3: BTreeMap<String, bool>,
    /// How long before `from` checks are read, so that an incident that began before it has a
    /// start; `None`: one day.
    pub lead_in: Option<Duration>,
    /// The time zone of instants in texts; `None`: UTC.
    pub zone: Option<TimeZone>,
    /// Whether the answer shows the phases of latency ([`Report::waterfalls`](crate::report::Report::waterfalls)).
    pub latency: LatencyDetail,
}

/// The default lead-in.
const LEAD_IN: Duration = Duration::from_hours(24);

impl Question {
    /// The lead-in: how long before `from` checks are read.
    pub(crate) fn lead_in(&self) -> Duration {
        self.lead_in.unwrap_or(LEAD_IN)
    }

    /// The start of the lead-in.
    pub(crate) fn lead_in_start(&self) -> UnixMillis {
        let lead_in = i64::try_from(self.lead_in().as_millis()).unwrap_or(i64::MAX);
        self.from.map_or(UnixMillis::MIN, |from| UnixMillis::from(from).saturating_sub(lead_in))
    }

    /// The format of instants in texts about the span between two others.
    pub(crate) fn instants(&self, from: Timestamp, to: Timestamp) -> InstantFormat {
        InstantFormat::of_range(from, to, self.zone.clone().unwrap_or(TimeZone::UTC))
    }
}
