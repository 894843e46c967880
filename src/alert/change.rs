//! A change: one thing that a receiver may not know yet, with the key that names the thing from its start to its end.

use super::findings::{ExpiringCertificate, UnmetWarning};
use crate::model::AlertEvent;
use crate::report::{Incident, SlowPeriod};

/// Something that changed, or that still stands.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Of an incident: which event, its lasting key, and whether it was sent before.
    Incident { event: AlertEvent, key: String, repeated: bool, incident: Box<Incident> },
    /// A certificate has fewer days than a threshold.
    Certificate { key: String, expiring: ExpiringCertificate },
    /// The budget of a surface burns: its row and its rate in the report.
    Burn { key: String, surface: usize, burn: usize },
    /// Something that `warn` names does not hold.
    Warning { key: String, warning: UnmetWarning },
    /// A vantage cannot judge: its row in the report.
    CannotJudge { key: String, vantage: usize },
    /// Answers take far longer than usual, or do so no more.
    Slow { key: String, period: Box<SlowPeriod> },
}

impl Change {
    pub(super) fn event(&self) -> AlertEvent {
        match self {
            Change::Incident { event, .. } => *event,
            Change::Certificate { .. } => AlertEvent::CertificateExpiring,
            Change::Burn { .. } => AlertEvent::SloBurn,
            Change::Warning { .. } => AlertEvent::Warning,
            Change::CannotJudge { .. } => AlertEvent::CannotJudge,
            Change::Slow { period, .. } if period.is_open() => AlertEvent::Slow,
            Change::Slow { .. } => AlertEvent::SlowEnd,
        }
    }

    /// What names the thing it is about, the same from its start to its end.
    pub(super) fn key(&self) -> &str {
        match self {
            Change::Incident { key, .. }
            | Change::Certificate { key, .. }
            | Change::Burn { key, .. }
            | Change::Warning { key, .. }
            | Change::CannotJudge { key, .. }
            | Change::Slow { key, .. } => key,
        }
    }
}
