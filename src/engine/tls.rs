//! TLS settings → a rustls configuration that offers nothing of an earlier session, and verifies.

use std::collections::HashMap;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, LazyLock, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::model::{HttpVersionPreference, Tls, TlsVersion};

use super::error::EngineError;

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

/// What the handshakes of a probe are made with.
#[derive(Debug)]
pub(super) struct TlsSettings {
    /// Without ALPN and without a client certificate.
    pub(super) base: ClientConfig,
    pub(super) verifier: Arc<dyn ServerCertVerifier>,
    /// Whether the verifier refuses anyone.
    pub(super) verifies: bool,
    pub(super) client_cert: Option<Arc<CertifiedKey>>,
}

/// The settings of all probes, read once.
#[derive(Debug, Default)]
pub(super) struct TlsConfigs(HashMap<Tls, Arc<TlsSettings>>);

impl TlsConfigs {
    /// Reads the certificate and key files of these settings. The system's root certificates cost
    /// milliseconds: they are read now only if `needs_system_roots`, and else when first needed.
    ///
    /// # Errors
    /// A certificate or key file that cannot be read or used.
    pub(super) fn read(
        all: impl IntoIterator<Item = Tls>,
        needs_system_roots: bool,
    ) -> Result<TlsConfigs, EngineError> {
        let roots = SystemRoots::default();
        let mut configs = TlsConfigs::default();
        for tls in all {
            if !configs.0.contains_key(&tls) {
                let settings = settings(&tls, &roots)?;
                configs.0.insert(tls, Arc::new(settings));
            }
        }
        if needs_system_roots {
            roots.load();
        }
        Ok(configs)
    }

    /// What handshakes with these settings are made with.
    pub(super) fn get(&self, tls: &Tls) -> Option<Arc<TlsSettings>> {
        self.0.get(tls).cloned()
    }
}

fn settings(tls: &Tls, roots: &SystemRoots) -> Result<TlsSettings, EngineError> {
    let trust = match (&tls.ca_file, &tls.crl_file) {
        _ if tls.insecure => Trust::Anyone,
        (None, None) => Trust::System(roots.clone()),
        (ca_file, crl_file) => Trust::These(private_verifier(ca_file.as_deref(), crl_file.as_deref())?),
    };
    let versions: &[&rustls::SupportedProtocolVersion] = match tls.min_version {
        TlsVersion::V1_2 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::V1_3 => &[&rustls::version::TLS13],
    };
    let verifier: Arc<dyn ServerCertVerifier> = Arc::new(trust);
    let mut base = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_protocol_versions(versions)
        .expect("the provider has suites for both versions")
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&verifier))
        .with_no_client_auth();
    // Every handshake is a full one: a resumed one skips the certificate and is faster.
    base.resumption = Resumption::disabled();
    Ok(TlsSettings { base, verifier, verifies: !tls.insecure, client_cert: client_cert(tls)? })
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

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verifier = match self {
            Trust::Anyone => return Ok(ServerCertVerified::assertion()),
            Trust::These(verifier) => verifier,
            Trust::System(roots) => roots.verifier(),
        };
        verifier.verify_server_cert(leaf, intermediates, name, ocsp, now)
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
}

/// ring, passed explicitly: no process-wide default is installed or relied on.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));
