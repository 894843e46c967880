//! The certificates that a server presented, beside what they are verified against.

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::X509Certificate;

use crate::engine::tls::certificate::{Anchors, path};

/// A chain, and what it was verified against.
#[derive(Clone, Copy, Debug)]
pub(super) struct PresentedChain<'a> {
    /// What the server sent, leaf first.
    pub(super) chain: &'a [CertificateDer<'a>],
    /// The trusted certificates.
    pub(super) anchors: &'a Anchors,
    /// Why the host's own store could not be used, if the built-in roots replace it.
    pub(super) without_store: Option<&'a str>,
    /// The name that the certificate must match.
    pub(super) name: &'a str,
    /// The time by this host's clock.
    pub(super) now: Timestamp,
}

impl PresentedChain<'_> {
    /// The certificates from the leaf to the last issuer that was sent.
    pub(super) fn path(&self) -> Vec<X509Certificate<'_>> {
        path(self.chain, self.anchors)
    }
}
