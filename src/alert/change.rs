//! A change: something that a receiver may not know yet. Its key identifies the subject, such as an
//! incident, from its start to its end.

use super::findings::{ExpiringCertificate, UnmetWarning};
use crate::model::{AlertEvent, SafeText};
use crate::report::{Incident, SlowPeriod};

/// Something that changed, or a condition that still holds.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// An incident opened, closed or changed. `repeated`: whether the event was sent before.
    Incident { event: AlertEvent, key: String, repeated: bool, incident: Box<Incident> },
    /// A certificate has fewer days left than a threshold.
    Certificate { key: String, expiring: ExpiringCertificate },
    /// The error budget of a surface burns too fast. `surface` is the row of the surface in the
    /// report, `burn` the index of its burn rate.
    Burn { key: String, surface: usize, burn: usize },
    /// An expectation of `warn` is not met.
    Warning { key: String, warning: UnmetWarning },
    /// A vantage cannot judge its targets. `vantage` is its row in the report.
    CannotJudge { key: String, vantage: usize },
    /// Responses take far longer than usual, or no longer do so.
    Slow { key: String, period: Box<SlowPeriod> },
    /// Something that was sent is over, and no report shows more of its end. `event` is the one that
    /// ends it, or the only one that there is of a condition.
    Over { event: AlertEvent, key: String, surfaces: Vec<SafeText>, summary: String },
}

impl Change {
    pub(super) fn event(&self) -> AlertEvent {
        match self {
            Change::Incident { event, .. } | Change::Over { event, .. } => *event,
            Change::Certificate { .. } => AlertEvent::CertificateExpiring,
            Change::Burn { .. } => AlertEvent::SloBurn,
            Change::Warning { .. } => AlertEvent::Warning,
            Change::CannotJudge { .. } => AlertEvent::CannotJudge,
            Change::Slow { period, .. } if period.is_open() => AlertEvent::Slow,
            Change::Slow { .. } => AlertEvent::SlowEnd,
        }
    }

    /// Identifies the subject of the change; the same from its start to its end.
    pub(super) fn key(&self) -> &str {
        match self {
            Change::Incident { key, .. }
            | Change::Certificate { key, .. }
            | Change::Burn { key, .. }
            | Change::Warning { key, .. }
            | Change::CannotJudge { key, .. }
            | Change::Slow { key, .. }
            | Change::Over { key, .. } => key,
        }
    }

    /// The probe whose checks show the condition; `None` if the report shows it.
    pub(super) fn probe(&self) -> Option<&str> {
        match self {
            Change::Certificate { expiring, .. } => Some(&expiring.probe),
            Change::Warning { warning, .. } => Some(&warning.probe),
            _ => None,
        }
    }
}
