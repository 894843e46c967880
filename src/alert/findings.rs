//! Findings of checks that no report has: certificates that expire soon, and unmet expectations of
//! `warn`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Mismatch, Outcome, SafeText, timestamp};

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
    /// The certificates that expire soon, one per probe.
    pub expiring: Vec<ExpiringCertificate>,
    /// The expectations of `warn` that were not met at the last check of each probe.
    pub warnings: Vec<UnmetWarning>,
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

/// The certificates in these outcomes that have fewer than 14 days left, one per probe.
pub fn expiring<'o>(outcomes: impl IntoIterator<Item = &'o Outcome>, now: Timestamp) -> Vec<ExpiringCertificate> {
    let mut found: BTreeMap<&str, ExpiringCertificate> = BTreeMap::new();
    for outcome in outcomes {
        let Some(certificate) = outcome.tls.as_ref().and_then(|tls| tls.certificate.as_ref()) else { continue };
        let days_left = certificate.not_after.duration_since(now).as_secs().div_euclid(86_400);
        if threshold(days_left).is_some() {
            let expiring = ExpiringCertificate {
                probe: outcome.probe.clone(),
                surface: outcome.surface.clone(),
                subject: certificate.subject.clone(),
                not_after: certificate.not_after,
                days_left,
            };
            found.insert(&outcome.probe, expiring);
        }
    }
    found.into_values().collect()
}
