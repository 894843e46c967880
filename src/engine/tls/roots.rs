//! The trusted certificates: the host's own, the built-in ones if it has none, or those of a probe's
//! `tls.ca-file`.

use std::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;
use rustls::RootCertStore;
use rustls::client::{VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer};

use super::presented_chain::PresentedChain;
use crate::engine::tls::certificate::Anchors;

/// The most errors of a store that a message lists.
const ERRORS: usize = 3;

/// Trusted certificates, and the verifier that checks chains against them.
#[derive(Debug)]
pub(super) struct TrustedRoots {
    pub(super) anchors: Arc<Anchors>,
    pub(super) verifier: Arc<WebPkiServerVerifier>,
    /// Why the host's own store could not be used, if the built-in roots replace it.
    pub(super) without_store: Option<String>,
}

impl TrustedRoots {
    /// A chain that is verified against these certificates.
    pub(super) fn presented<'a>(
        &'a self,
        chain: &'a [CertificateDer<'a>],
        name: &'a str,
        now: Timestamp,
    ) -> PresentedChain<'a> {
        PresentedChain { chain, anchors: &self.anchors, without_store: self.without_store.as_deref(), name, now }
    }
}

/// Trusted certificates, before a verifier is built from them.
#[derive(Debug)]
pub(super) struct Roots {
    store: RootCertStore,
    certificates: Vec<CertificateDer<'static>>,
    /// What is wrong with the host's own store.
    trouble: Option<String>,
    are_built_in: bool,
}

impl Roots {
    /// None yet.
    pub(super) fn none() -> Roots {
        Roots { store: RootCertStore::empty(), certificates: Vec::new(), trouble: None, are_built_in: false }
    }

    /// Trusts one more certificate.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn add(&mut self, certificate: CertificateDer<'static>) -> Result<(), rustls::Error> {
        self.store.add(certificate.clone())?;
        self.certificates.push(certificate);
        Ok(())
    }

    /// Trusts one more certificate to which no path can be built: it is accepted only as the server's
    /// own.
    pub(super) fn add_pinned(&mut self, certificate: CertificateDer<'static>) {
        self.certificates.push(certificate);
    }

    /// The host's own roots, from `SSL_CERT_FILE` and `SSL_CERT_DIR` if these are set; the built-in
    /// ones if the host has none at all.
    pub(super) fn of_host() -> Roots {
        let found = rustls_native_certs::load_native_certs();
        let mut roots = Roots::none();
        for certificate in found.certs {
            // One that cannot be parsed does not rule out the others.
            let _ = roots.add(certificate);
        }
        let places: Vec<String> = ["SSL_CERT_FILE", "SSL_CERT_DIR"]
            .into_iter()
            .filter_map(|name| Some(format!("{name} is {}", std::env::var_os(name)?.display())))
            .collect();
        let is_named = !places.is_empty();
        if roots.store.is_empty() || (is_named && !found.errors.is_empty()) {
            let mut trouble =
                if is_named { places.join(", ") } else { "no root certificates are installed".to_owned() };
            for error in found.errors.iter().take(ERRORS) {
                let _ = write!(trouble, ": {error}");
            }
            roots.trouble = Some(trouble);
        }
        if roots.store.is_empty() {
            roots.store.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            roots.are_built_in = true;
        }
        roots
    }

    /// A warning about the host's own store; none if nothing is wrong with it.
    fn warning(&self) -> Option<String> {
        let trouble = self.trouble.as_ref()?;
        Some(if self.are_built_in {
            format!(
                "this host has no root certificates ({trouble}): the built-in ones are used, and private authorities are unknown"
            )
        } else {
            format!("not all root certificates could be read: {trouble}")
        })
    }

    /// Builds a verifier for chains. A certificate is not refused because no revocation list covers
    /// its issuer.
    ///
    /// # Errors
    /// There is no certificate to build a path to, or a list cannot be used.
    pub(super) fn into_trusted(
        self,
        lists: Vec<CertificateRevocationListDer<'static>>,
        provider: &Arc<CryptoProvider>,
    ) -> Result<TrustedRoots, VerifierBuilderError> {
        let mut builder = WebPkiServerVerifier::builder_with_provider(Arc::new(self.store), Arc::clone(provider));
        if !lists.is_empty() {
            builder = builder.with_crls(lists).allow_unknown_revocation_status();
        }
        let without_store = self.trouble.filter(|_| self.are_built_in);
        Ok(TrustedRoots {
            anchors: Arc::new(Anchors::new(self.certificates)),
            verifier: builder.build()?,
            without_store,
        })
    }
}

/// How many root certificates this host trusts, and where they come from.
pub(crate) fn describe_host_roots() -> String {
    let roots = Roots::of_host();
    let count = roots.store.len();
    match roots.warning() {
        Some(warning) => format!("{count}; {warning}"),
        None => format!("{count} of this host"),
    }
}

/// The host's own root certificates, read when they are first needed.
#[derive(Clone, Debug, Default)]
pub(super) struct SystemRoots(Arc<OnceLock<(TrustedRoots, Option<String>)>>);

impl SystemRoots {
    pub(super) fn trusted(&self, provider: &Arc<CryptoProvider>) -> &TrustedRoots {
        &self.read(provider).0
    }

    /// Reads the roots now, and returns what is wrong with them.
    pub(super) fn warning(&self, provider: &Arc<CryptoProvider>) -> Option<String> {
        self.read(provider).1.clone()
    }

    fn read(&self, provider: &Arc<CryptoProvider>) -> &(TrustedRoots, Option<String>) {
        self.0.get_or_init(|| {
            let roots = Roots::of_host();
            let warning = roots.warning();
            let trusted = roots.into_trusted(Vec::new(), provider).expect("the built-in roots are not empty");
            (trusted, warning)
        })
    }
}
