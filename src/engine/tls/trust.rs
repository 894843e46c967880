//! Verifies the certificates of a server. A leaf that is itself trusted is accepted, and a refusal
//! names the certificate and what is wrong with it.

use std::sync::Arc;

use jiff::Timestamp;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, SignatureScheme};

use super::presented_chain::PresentedChain;
use super::refusal::Refusal;
use super::roots::{SystemRoots, TrustedRoots};
use crate::engine::tls::certificate::{Anchors, not_after, not_before, parse, verify_name};

/// Which certificates to accept, and the verifier for them.
#[derive(Debug)]
pub(crate) struct Trust {
    issuers: TrustedIssuers,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug)]
pub(super) enum TrustedIssuers {
    Any,
    Given(TrustedRoots),
    System(SystemRoots),
}

impl Trust {
    pub(super) fn new(issuers: TrustedIssuers, provider: &Arc<CryptoProvider>) -> Trust {
        Trust { issuers, provider: Arc::clone(provider) }
    }

    /// Whether certificates are verified at all.
    pub(crate) fn refuses(&self) -> bool {
        !matches!(self.issuers, TrustedIssuers::Any)
    }

    /// The trusted certificates; none if nothing is verified.
    pub(crate) fn anchors(&self) -> Arc<Anchors> {
        self.trusted().map(|trusted| Arc::clone(&trusted.anchors)).unwrap_or_default()
    }

    fn trusted(&self) -> Option<&TrustedRoots> {
        match &self.issuers {
            TrustedIssuers::Any => None,
            TrustedIssuers::Given(trusted) => Some(trusted),
            TrustedIssuers::System(roots) => Some(roots.trusted(&self.provider)),
        }
    }

    fn explained_key(&self, error: Error, certificate: &CertificateDer<'_>) -> Error {
        let anchors = self.anchors();
        let chain = std::slice::from_ref(certificate);
        let now = Timestamp::now();
        explained(error, &PresentedChain { chain, anchors: &anchors, without_store: None, name: "", now })
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trusted) = self.trusted() else { return Ok(ServerCertVerified::assertion()) };
        let at = timestamp(now);
        let chain: Vec<CertificateDer<'_>> =
            std::iter::once(leaf).chain(intermediates).map(|each| CertificateDer::from(each.as_ref())).collect();
        let shown = name.to_str();
        let presented = trusted.presented(&chain, &shown, at);
        if trusted.anchors.contain(leaf) {
            return pinned(leaf, name, at).map_err(|error| explained(error, &presented));
        }
        let verdict = trusted.verifier.verify_server_cert(leaf, intermediates, name, ocsp, now);
        match verdict {
            // The verifier checks names last, so the rest of such a certificate is valid.
            Err(error) if !is_of_name(&error) || verify_name(leaf, name).is_err() => Err(explained(error, &presented)),
            _ => presented.misuse().map_or(Ok(ServerCertVerified::assertion()), |refusal| Err(wrapped(refusal))),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
            .map_err(|error| self.explained_key(error, certificate))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
            .map_err(|error| self.explained_key(error, certificate))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Adds to the verifier's error which certificate it is about, inside rustls' own error.
fn explained(error: Error, presented: &PresentedChain<'_>) -> Error {
    let Error::InvalidCertificate(error) = &error else { return error };
    wrapped(presented.refusal(error))
}

/// A refusal inside rustls' own error.
fn wrapped(refusal: Refusal) -> Error {
    CertificateError::Other(OtherError(Arc::new(refusal))).into()
}

/// Verifies a certificate that is itself trusted, which needs no issuer: its dates and names must be
/// valid, and whether it is an authority does not matter.
fn pinned(leaf: &CertificateDer<'_>, name: &ServerName<'_>, now: Timestamp) -> Result<ServerCertVerified, Error> {
    let certificate = parse(leaf).ok_or(CertificateError::BadEncoding)?;
    if not_before(&certificate) > now {
        return Err(CertificateError::NotValidYet.into());
    }
    if not_after(&certificate) < now {
        return Err(CertificateError::Expired.into());
    }
    verify_name(leaf, name)?;
    Ok(ServerCertVerified::assertion())
}

fn is_of_name(error: &Error) -> bool {
    let Error::InvalidCertificate(error) = error else { return false };
    matches!(error, CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. })
}

fn timestamp(now: UnixTime) -> Timestamp {
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
}
