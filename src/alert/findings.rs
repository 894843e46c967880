//! What checks find that no report shows: certificates that expire soon, and expectations of `warn` that do not hold.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Mismatch, Outcome, SafeText, timestamp};

/// A certificate is notified of when it has fewer days than each of these, the first once, then again.
const DAYS: [i64; 4] = [1, 3, 7, 14];

/// Something that `warn` names and that did not hold at the last check of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct UnmetWarning {
    /// The probe.
    pub probe: String,
    /// Its surface.
    pub surface: String,
    /// What did not hold.
    pub unmet: Mismatch,
}

/// What checks found that no report tells of.
#[derive(Clone, Debug, Default)]
pub struct CheckFindings {
    /// The certificates that expire soon, one for each probe.
    pub expiring: Vec<ExpiringCertificate>,
    /// What `warn` names and did not hold at the last check of each probe.
    pub warnings: Vec<UnmetWarning>,
}

/// A certificate that expires soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ExpiringCertificate {
    /// The probe that saw it.
    pub probe: String,
    /// Its surface.
    pub surface: String,
    /// Whose it is.
    pub subject: SafeText,
    /// It is valid until here.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub not_after: Timestamp,
    /// Whole days left; negative where it has expired.
    pub days_left: i64,
}

impl ExpiringCertificate {
    /// The fewest days among the thresholds that it is below; none while it has more than all of them.
    pub(super) fn threshold(&self) -> Option<i64> {
        threshold(self.days_left)
    }
}

fn threshold(days_left: i64) -> Option<i64> {
    DAYS.into_iter().find(|days| days_left < *days)
}

/// The certificates among some outcomes that have fewer than 14 days, one for each probe.
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
