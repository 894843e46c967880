//! TLS settings → a rustls configuration that offers nothing of an earlier session, keeps what
//! the handshake shows in the current [`Attempt`](super::marks::Attempt), and verifies.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, LazyLock, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{
    ClientSessionStore, ResolvesClientCert, Resumption, Tls12ClientSessionValue, Tls13ClientSessionValue,
    WebPkiServerVerifier,
};
use rustls::crypto::{CryptoProvider, hash};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    CipherSuite, CipherSuiteCommon, ClientConfig, DigitallySignedStruct, DistinguishedName, NamedGroup, RootCertStore,
    SignatureScheme, SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite,
};

use crate::model::{HttpVersionPreference, Tls, TlsVersion};

use super::error::EngineError;
use super::marks;

/// The system's root certificates, read when they are first needed.
#[derive(Clone, Debug, Default)]
pub(super) struct SystemRoots(Arc<OnceLock<Arc<WebPkiServerVerifier>>>);

impl SystemRoots {
    /// Reads the roots now, so that no handshake waits for it.
    pub(super) fn load(&self) {
        let _ = self.verifier();
    }

    fn verifier(&self) -> &Arc<WebPkiServerVerifier> {
        self.0.get_or_init(|| {
            WebPkiServerVerifier::builder_with_provider(Arc::new(system_roots()), Arc::clone(&PROVIDER))
                .build()
                .expect("the fallback roots are not empty")
        })
    }
}

fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    roots
}

/// The configuration for these settings, without ALPN.
///
/// # Errors
/// A certificate or key file that cannot be read or used.
pub(super) fn config(tls: &Tls, roots: &SystemRoots) -> Result<ClientConfig, EngineError> {
    let trust = match (&tls.ca_file, &tls.crl_file) {
        _ if tls.insecure => Trust::Anyone,
        (None, None) => Trust::System(roots.clone()),
        (ca_file, crl_file) => Trust::These(private_verifier(ca_file.as_deref(), crl_file.as_deref())?),
    };
    let versions: &[&rustls::SupportedProtocolVersion] = match tls.min_version {
        TlsVersion::V1_2 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::V1_3 => &[&rustls::version::TLS13],
    };
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_protocol_versions(versions)
        .expect("the provider has suites for both versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Witness(trust)))
        .with_client_cert_resolver(Arc::new(ClientCert(client_cert(tls)?)));
    config.resumption = Resumption::store(Arc::new(NoSessions));
    config.key_log = Arc::new(VersionMark);
    Ok(config)
}

/// The protocols offered in the handshake. Without them HTTP/2 would be silently gone.
pub(super) fn alpn(wish: HttpVersionPreference) -> Vec<Vec<u8>> {
    match wish {
        HttpVersionPreference::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        HttpVersionPreference::Http1 => vec![b"http/1.1".to_vec()],
        HttpVersionPreference::Http2 => vec![b"h2".to_vec()],
    }
}

fn unusable(file: &Path, reason: impl fmt::Display) -> EngineError {
    EngineError::File { path: file.to_owned(), reason: reason.to_string() }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, EngineError> {
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(file).map_err(|error| unusable(file, error))?.collect();
    let found = found.map_err(|error| unusable(file, error))?;
    if found.is_empty() { Err(unusable(file, "there is no certificate in it")) } else { Ok(found) }
}

/// A verifier of a probe's own authorities, its own revocation lists, or both. A list says
/// nothing of the certificates of other issuers, and these are not refused for that.
fn private_verifier(ca_file: Option<&Path>, crl_file: Option<&Path>) -> Result<Arc<WebPkiServerVerifier>, EngineError> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(file) => {
            for certificate in certificates(file)? {
                roots.add(certificate).map_err(|error| unusable(file, error))?;
            }
        }
        None => roots = system_roots(),
    }
    let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&PROVIDER));
    if let Some(file) = crl_file {
        builder = builder.with_crls(revocation_lists(file)?).allow_unknown_revocation_status();
    }
    let file = crl_file.or(ca_file).unwrap_or(Path::new("the system's roots"));
    builder.build().map_err(|error| unusable(file, error))
}

fn revocation_lists(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, EngineError> {
    let found: Result<Vec<_>, _> =
        CertificateRevocationListDer::pem_file_iter(file).map_err(|error| unusable(file, error))?.collect();
    let found = found.map_err(|error| unusable(file, error))?;
    if found.is_empty() { Err(unusable(file, "there is no revocation list in it")) } else { Ok(found) }
}

fn client_cert(tls: &Tls) -> Result<Option<Arc<CertifiedKey>>, EngineError> {
    let (Some(cert_file), Some(key_file)) = (&tls.client_cert, &tls.client_key) else { return Ok(None) };
    let chain = certificates(cert_file)?;
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| unusable(key_file, error))?;
    let key = PROVIDER.key_provider.load_private_key(key).map_err(|error| unusable(key_file, error))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        // Unknown means that the key type cannot be compared, not that the two differ.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(Some(Arc::new(certified)))
        }
        Err(error) => Err(unusable(key_file, format_args!("does not fit {}: {error}", cert_file.display()))),
    }
}

/// Whom to believe.
#[derive(Debug)]
enum Trust {
    Anyone,
    These(Arc<WebPkiServerVerifier>),
    System(SystemRoots),
}

/// Sees every chain, also one that is then refused, and asks the real verifier.
#[derive(Debug)]
struct Witness(Trust);

impl Witness {
    fn verify(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verifier = match &self.0 {
            Trust::Anyone => return Ok(ServerCertVerified::assertion()),
            Trust::These(verifier) => verifier,
            Trust::System(roots) => roots.verifier(),
        };
        verifier.verify_server_cert(leaf, intermediates, name, ocsp, now)
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let attempt = marks::current();
        let name = attempt.as_ref().and_then(|attempt| attempt.certificate_name.as_ref()).unwrap_or(name);
        let verdict = self.verify(leaf, intermediates, name, ocsp, now);
        if let Some(attempt) = attempt {
            let mut seen = attempt.seen();
            seen.chain = std::iter::once(leaf).chain(intermediates).map(|each| each.clone().into_owned()).collect();
            seen.verified = verdict.is_ok() && !matches!(self.0, Trust::Anyone);
            // TLS 1.3 has logged its handshake secrets by now.
            seen.tls_version.get_or_insert("1.2");
        }
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls12_signature(
            message,
            certificate,
            signature,
            &PROVIDER.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        rustls::crypto::verify_tls13_signature(
            message,
            certificate,
            signature,
            &PROVIDER.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        PROVIDER.signature_verification_algorithms.supported_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        None
    }
}

/// Answers a server that asks for a client certificate, and notes that it asked for one we lack.
#[derive(Debug)]
struct ClientCert(Option<Arc<CertifiedKey>>);

impl ResolvesClientCert for ClientCert {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        if self.0.is_none()
            && let Some(attempt) = marks::current()
        {
            attempt.seen().client_cert_missing = true;
        }
        self.0.clone()
    }

    fn has_certs(&self) -> bool {
        self.0.is_some()
    }
}

/// Remembers no session, so that every handshake is a full one. It is the first thing a
/// handshake asks, before any key is made: that is where connecting ends and TLS begins.
#[derive(Debug)]
struct NoSessions;

impl ClientSessionStore for NoSessions {
    fn set_kx_hint(&self, _: ServerName<'static>, _: NamedGroup) {}

    fn kx_hint(&self, _: &ServerName<'_>) -> Option<NamedGroup> {
        None
    }

    fn set_tls12_session(&self, _: ServerName<'static>, _: Tls12ClientSessionValue) {}

    fn tls12_session(&self, _: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        mark_tls();
        None
    }

    fn remove_tls12_session(&self, _: &ServerName<'static>) {}

    fn insert_tls13_ticket(&self, _: ServerName<'static>, _: Tls13ClientSessionValue) {}

    fn take_tls13_ticket(&self, _: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        mark_tls();
        None
    }
}

fn mark_tls() {
    if let Some(attempt) = marks::current() {
        attempt.begin_tls();
    }
}

/// Learns the version from which kinds of secret are logged. The secrets themselves are dropped.
#[derive(Debug)]
struct VersionMark;

impl rustls::KeyLog for VersionMark {
    fn log(&self, label: &str, _client_random: &[u8], _secret: &[u8]) {
        if let Some(attempt) = marks::current() {
            let version = if label == "CLIENT_RANDOM" { "1.2" } else { "1.3" };
            attempt.seen().tls_version = Some(version);
        }
    }
}

/// ring, passed explicitly: no process-wide default is installed or relied on. Its suites tell
/// which of them the server chose.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let mut provider = rustls::crypto::ring::default_provider();
    for suite in &mut provider.cipher_suites {
        *suite = watched(*suite);
    }
    Arc::new(provider)
});

/// The suite with a hash that tells when it is begun, which rustls does for the suite of the
/// server's hello and for no other. Suites are `'static` in rustls, hence the leak: once per
/// suite and process.
fn watched(suite: SupportedCipherSuite) -> SupportedCipherSuite {
    match suite {
        SupportedCipherSuite::Tls12(suite) => SupportedCipherSuite::Tls12(Box::leak(Box::new(Tls12CipherSuite {
            common: watched_hash(&suite.common),
            prf_provider: suite.prf_provider,
            kx: suite.kx,
            sign: suite.sign,
            aead_alg: suite.aead_alg,
        }))),
        SupportedCipherSuite::Tls13(suite) => SupportedCipherSuite::Tls13(Box::leak(Box::new(Tls13CipherSuite {
            common: watched_hash(&suite.common),
            hkdf_provider: suite.hkdf_provider,
            aead_alg: suite.aead_alg,
            quic: suite.quic,
        }))),
    }
}

fn watched_hash(common: &CipherSuiteCommon) -> CipherSuiteCommon {
    CipherSuiteCommon {
        suite: common.suite,
        hash_provider: Box::leak(Box::new(WatchedHash { suite: common.suite, hash: common.hash_provider })),
        confidentiality_limit: common.confidentiality_limit,
    }
}

struct WatchedHash {
    suite: CipherSuite,
    hash: &'static dyn hash::Hash,
}

impl hash::Hash for WatchedHash {
    fn start(&self) -> Box<dyn hash::Context> {
        if let Some(attempt) = marks::current() {
            attempt.seen().cipher = Some(self.suite);
        }
        self.hash.start()
    }

    fn hash(&self, data: &[u8]) -> hash::Output {
        self.hash.hash(data)
    }

    fn output_len(&self) -> usize {
        self.hash.output_len()
    }

    fn algorithm(&self) -> hash::HashAlgorithm {
        self.hash.algorithm()
    }

    fn fips(&self) -> bool {
        self.hash.fips()
    }
}
