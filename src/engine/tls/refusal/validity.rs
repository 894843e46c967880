//! Certificates outside their dates, and clocks that only make them seem so.

use std::time::Duration;

use jiff::Timestamp;
use x509_parser::prelude::X509Certificate;

use super::sentence::{Refusal, day, name_of, refused};
use crate::engine::tls::certificate::{not_after, not_before};
use crate::engine::tls::presented_chain::PresentedChain;
use crate::model::{FailureClass, message};

/// A clock before this time is wrong, because the code existed then. `SOURCE_DATE_EPOCH` replaces it
/// if the build sets that; the time of the build itself would make builds irreproducible.
const RELEASED: &str = "2026-01-01T00:00:00Z";

pub(super) fn expired(presented: &PresentedChain<'_>) -> Refusal {
    if presented.anchors.mostly_expired(presented.now) {
        let message = message!(
            "this host's clock says {}: by it most of the trusted authorities have expired",
            day(presented.now)
        );
        return refused(FailureClass::ProberClock, message);
    }
    let path = presented.path();
    let ends = |certificate: &&X509Certificate<'_>| not_after(certificate) < presented.now;
    let message = match path.iter().enumerate().find(|(_, certificate)| ends(certificate)) {
        Some((0, leaf)) => {
            message!("the certificate has expired: it was valid until {}", day(not_after(leaf)))
        }
        Some((_, issuer)) => {
            let leaf = not_after(&path[0]);
            message!(
                "the intermediate certificate {} has expired: it was valid until {}; the server's own is valid until {}",
                name_of(issuer),
                day(not_after(issuer)),
                day(leaf)
            )
        }
        None => "a certificate of the chain has expired".into(),
    };
    refused(FailureClass::TlsCertExpired, message)
}

pub(super) fn not_yet_valid(presented: &PresentedChain<'_>) -> Refusal {
    let built = built();
    if presented.now < built {
        let message = message!(
            "this host's clock says {}, which is before this prober was built ({}): no certificate can be judged",
            day(presented.now),
            day(built)
        );
        return refused(FailureClass::ProberClock, message);
    }
    let path = presented.path();
    let begins = |certificate: &&X509Certificate<'_>| not_before(certificate) > presented.now;
    let message = match path.iter().enumerate().find(|(_, certificate)| begins(certificate)) {
        Some((0, leaf)) => {
            message!("the certificate is not valid yet: it is valid from {}", day(not_before(leaf)))
        }
        Some((_, issuer)) => message!(
            "the intermediate certificate {} is not valid yet: it is valid from {}",
            name_of(issuer),
            day(not_before(issuer))
        ),
        None => "a certificate of the chain is not valid yet".into(),
    };
    refused(FailureClass::TlsCertNotYetValid, message)
}

/// The earliest time that a correct clock can show.
fn built() -> Timestamp {
    let epoch = option_env!("SOURCE_DATE_EPOCH").and_then(|seconds| seconds.parse().ok());
    let built = epoch.and_then(|seconds: u64| Timestamp::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).ok());
    built.or_else(|| RELEASED.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH)
}
