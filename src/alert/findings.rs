//! Findings of checks that no report has: certificates that expire soon, and unmet expectations of
//! `warn`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{CertificateFacts, Mismatch, Outcome, SafeText, timestamp};

/// Thresholds in days: an alert is sent each time the remaining days of a certificate fall below
/// one of them.
const DAYS: [i64; 4] = [1, 3, 7, 14];

/// An expectation of `warn` that was not met at the last check of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct UnmetWarning {
    /// The probe.
    pub probe: String,
    /// Its surface.
    pub surface: String,
    /// The expectation, and what was found instead.
    pub unmet: Mismatch,
}

/// Findings of checks that no report has.
#[derive(Clone, Debug, Default)]
pub struct CheckFindings {
    /// By probe whose certificate this run saw: the certificate, if it expires soon.
    pub expiring: BTreeMap<String, Option<ExpiringCertificate>>,
    /// By probe that was up in this run: the expectations of `warn` that its last such check did
    /// not meet.
    pub warnings: BTreeMap<String, Vec<UnmetWarning>>,
}

/// A certificate that expires soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ExpiringCertificate {
    /// The probe that saw it.
    pub probe: String,
    /// Its surface.
    pub surface: String,
    /// The subject of the certificate.
    pub subject: SafeText,
    /// The end of its validity.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub not_after: Timestamp,
    /// Whole days left; negative if it has expired.
    pub days_left: i64,
}

impl ExpiringCertificate {
    /// The lowest threshold that the remaining days are below; `None` if they are above all
    /// thresholds.
    pub(super) fn threshold(&self) -> Option<i64> {
        threshold(self.days_left)
    }
}

fn threshold(days_left: i64) -> Option<i64> {
    DAYS.into_iter().find(|days| days_left < *days)
}

/// The certificate that a check saw, if it has fewer than 14 days left.
#[must_use]
pub fn expiring(outcome: &Outcome, certificate: &CertificateFacts, now: Timestamp) -> Option<ExpiringCertificate> {
    let days_left = certificate.not_after.duration_since(now).as_secs().div_euclid(86_400);
    threshold(days_left)?;
    Some(ExpiringCertificate {
        probe: outcome.probe.clone(),
        surface: outcome.surface.clone(),
        subject: certificate.subject.clone(),
        not_after: certificate.not_after,
        days_left,
    })
}
