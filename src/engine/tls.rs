//! TLS settings → a rustls configuration that resumes no session, and verifies certificates.

pub(super) mod certificate;
mod chain_rules;
mod curves;
mod files;
pub(super) mod handshake;
mod names;
mod other_clients;
mod presented_chain;
mod refusal;
mod roots;
mod trust;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io;
use std::sync::{Arc, LazyLock};

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use tokio::net::TcpStream;

use crate::engine::error::EngineError;
use crate::model::{HttpVersionPreference, Tls, TlsVersion};
use roots::SystemRoots;
use trust::TrustedIssuers;

pub(super) use other_clients::UnsupportedParameter;
pub(super) use refusal::Refusal;
pub(super) use roots::describe_host_roots;
pub(super) use trust::Trust;

/// The configuration for the handshakes of a probe.
#[derive(Debug)]
pub(super) struct TlsSettings {
    /// Without ALPN and without a client certificate.
    pub(super) base: ClientConfig,
    pub(super) trust: Arc<Trust>,
    pub(super) client_cert: Option<Arc<CertifiedKey>>,
}

/// The settings of all probes, read once.
#[derive(Debug, Default)]
pub(super) struct TlsConfigs {
    settings: HashMap<Tls, Arc<TlsSettings>>,
    warning: Option<String>,
}

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
            if let Entry::Vacant(vacant) = configs.settings.entry(tls) {
                let settings = settings(vacant.key(), &roots)?;
                vacant.insert(Arc::new(settings));
            }
        }
        if needs_system_roots {
            configs.warning = roots.warning(&PROVIDER);
        }
        Ok(configs)
    }

    pub(super) fn get(&self, tls: &Tls) -> Option<Arc<TlsSettings>> {
        self.settings.get(tls).cloned()
    }

    /// What is wrong with this host's root certificates, if they were needed.
    pub(super) fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }
}

fn settings(tls: &Tls, roots: &SystemRoots) -> Result<TlsSettings, EngineError> {
    let issuers = match (&tls.ca_file, &tls.crl_file) {
        _ if tls.insecure => TrustedIssuers::Any,
        (None, None) => TrustedIssuers::System(roots.clone()),
        (ca_file, crl_file) => {
            TrustedIssuers::Given(files::trusted(ca_file.as_deref(), crl_file.as_deref(), &PROVIDER)?)
        }
    };
    let versions: &[&rustls::SupportedProtocolVersion] = match tls.min_version {
        TlsVersion::V1_2 => &[&rustls::version::TLS13, &rustls::version::TLS12],
        TlsVersion::V1_3 => &[&rustls::version::TLS13],
    };
    let trust = Arc::new(Trust::new(issuers, &PROVIDER));
    let verifier: Arc<dyn ServerCertVerifier> = Arc::<Trust>::clone(&trust);
    let mut base = ClientConfig::builder_with_provider(Arc::clone(&PROVIDER))
        .with_protocol_versions(versions)
        .expect("the provider has suites for both versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    // Every handshake is a full one: a resumed one would skip the certificate and be faster.
    base.resumption = Resumption::disabled();
    Ok(TlsSettings { base, trust, client_cert: files::client_cert(tls, &PROVIDER)? })
}

/// What a server chooses that this prober does not support; none if it chooses nothing of that either. Each question is
/// asked over a connection of its own.
pub(super) async fn unknown<F: Future<Output = io::Result<TcpStream>>>(
    connect: impl Fn() -> F,
    name: &str,
) -> Option<UnsupportedParameter> {
    let mut random = [0; 32];
    PROVIDER.secure_random.fill(&mut random).ok()?;
    other_clients::choice(connect, name, random).await
}

/// Fills a buffer with unpredictable bytes.
pub(super) fn fill_random(bytes: &mut [u8]) {
    // Without system randomness no handshake would have got this far.
    let _ = PROVIDER.secure_random.fill(bytes);
}

/// The ALPN protocols of the handshake. Without them HTTP/2 would silently not be used.
pub(super) fn alpn(wish: HttpVersionPreference) -> Vec<Vec<u8>> {
    match wish {
        HttpVersionPreference::Auto => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        HttpVersionPreference::Http1 => vec![b"http/1.1".to_vec()],
        HttpVersionPreference::Http2 => vec![b"h2".to_vec()],
        HttpVersionPreference::Http3 => vec![b"h3".to_vec()],
    }
}

/// Passed explicitly: no process-wide default is installed or used.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(curves::provider()));
