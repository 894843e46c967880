//! The origin's certificate authority. It is created when the origin starts, trusted only by its
//! probes, and removed when it ends.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::demo::error::OriginError;

const DAY: Duration = Duration::from_hours(24);

/// An authority that has been valid for one day and stays so for thirty.
pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Result<Authority, OriginError> {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "uptick demo authority");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.not_before = (SystemTime::now() - DAY).into();
        params.not_after = (SystemTime::now() + 30 * DAY).into();
        Ok(Authority { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)? })
    }

    /// Its certificate, for clients that trust it.
    pub(super) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A TLS configuration with a certificate for a name that expires at an instant, in whole
    /// seconds.
    pub(super) fn config(&self, name: &str, until: SystemTime) -> Result<Arc<ServerConfig>, OriginError> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = (SystemTime::now() - DAY).into();
        params.not_after = until.into();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        Ok(Arc::new(config))
    }

    /// An expiry later than the end of any run.
    pub(super) fn far() -> SystemTime {
        SystemTime::now() + 20 * DAY
    }
}
