//! Certificates made at test time, server configurations, and handshakes written by hand for
//! messages that no proper TLS library would send.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, SupportedProtocolVersion};
use tempfile::TempDir;

/// One day.
pub const DAY: Duration = Duration::from_hours(24);

/// A certificate authority, with its certificate in a file for `ca-file`.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    /// Makes a self-signed one.
    pub fn new() -> Authority {
        Authority::named("uptick test authority")
    }

    /// Makes one with this name.
    pub fn named(name: &str) -> Authority {
        Authority::named_with(name, |_| {})
    }

    /// Makes one with this name and changed parameters.
    pub fn named_with(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Authority {
        let mut params = authority_params(name);
        change(&mut params);
        Authority::keep(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Makes an intermediate authority, signed by this one.
    pub fn intermediate(&self) -> Authority {
        self.intermediate_with(|_| {})
    }

    /// Makes an intermediate authority with changed parameters, signed by this one.
    pub fn intermediate_with(&self, change: impl FnOnce(&mut CertificateParams)) -> Authority {
        let mut params = authority_params("uptick test intermediate");
        change(&mut params);
        Authority::keep(CertifiedIssuer::signed_by(params, KeyPair::generate().unwrap(), &self.issuer).unwrap())
    }

    fn keep(issuer: CertifiedIssuer<'static, KeyPair>) -> Authority {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Authority { issuer, folder }
    }

    /// Its certificate as a PEM file.
    pub fn ca_file(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// Its certificate.
    pub fn certificate(&self) -> CertificateDer<'static> {
        self.issuer.der().clone()
    }

    /// A certificate for these names, valid from yesterday for thirty days.
    pub fn leaf(&self, names: &[&str]) -> Leaf {
        self.sign(&leaf_params(names))
    }

    /// A certificate with the given parameters.
    pub fn sign(&self, params: &CertificateParams) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Leaf { chain: vec![certificate.der().clone()], key }
    }

    /// A certificate for a public key without its private key.
    pub fn sign_key(&self, params: &CertificateParams, key: &impl rcgen::PublicKeyData) -> CertificateDer<'static> {
        params.signed_by(key, &self.issuer).unwrap().der().clone()
    }

    /// A client certificate and its key as PEM files: `(certificate, key)`.
    pub fn client_files(&self) -> (PathBuf, PathBuf) {
        let mut params = leaf_params(&["client.test"]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let files = (self.folder.path().join("client.pem"), self.folder.path().join("client.key"));
        std::fs::write(&files.0, certificate.pem()).unwrap();
        std::fs::write(&files.1, key.serialize_pem()).unwrap();
        files
    }

    /// A revocation list that names a serial number, as a PEM file.
    pub fn revoke(&self, serial: u64) -> PathBuf {
        let revoked = rcgen::RevokedCertParams {
            serial_number: rcgen::SerialNumber::from(serial),
            revocation_time: before(DAY).into(),
            reason_code: Some(rcgen::RevocationReason::KeyCompromise),
            invalidity_date: None,
        };
        let list = rcgen::CertificateRevocationListParams {
            this_update: before(DAY).into(),
            next_update: after(30 * DAY).into(),
            crl_number: rcgen::SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: vec![revoked],
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        let file = self.folder.path().join("crl.pem");
        std::fs::write(&file, list.signed_by(&self.issuer).unwrap().pem().unwrap()).unwrap();
        file
    }
}

/// A certificate chain and the key of its first certificate.
pub struct Leaf {
    /// What the server sends, leaf first.
    pub chain: Vec<CertificateDer<'static>>,
    key: KeyPair,
}

impl Leaf {
    /// A certificate signed by its own key.
    pub fn self_signed(params: &CertificateParams) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Leaf { chain: vec![certificate.der().clone()], key }
    }

    /// A certificate and its key that were made in advance: files of `tests/support/certificates`.
    pub fn made_elsewhere(name: &str) -> (Leaf, PathBuf) {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/certificates"));
        let key = KeyPair::try_from(std::fs::read(folder.join(format!("{name}.key.der"))).unwrap()).unwrap();
        let certificate = std::fs::read(folder.join(format!("{name}.der"))).unwrap();
        let leaf = Leaf { chain: vec![CertificateDer::from(certificate)], key };
        (leaf, folder.join(format!("{name}-ca.pem")))
    }

    /// Its own certificate as a PEM file, to be trusted directly.
    pub fn pem_file(&self) -> (PathBuf, TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("leaf.pem");
        std::fs::write(&file, pem(&self.chain[0])).unwrap();
        (file, folder)
    }

    /// Its chain and its key as PEM files in a folder.
    pub fn pem_files(&self, folder: &std::path::Path) -> (PathBuf, PathBuf) {
        let files = (folder.join("chain.pem"), folder.join("key.pem"));
        let chain: Vec<String> = self.chain.iter().map(pem).collect();
        std::fs::write(&files.0, chain.concat()).unwrap();
        std::fs::write(&files.1, self.key.serialize_pem()).unwrap();
        files
    }

    /// Adds certificates to the chain.
    pub fn and(mut self, more: impl IntoIterator<Item = CertificateDer<'static>>) -> Leaf {
        self.chain.extend(more);
        self
    }

    /// A server with this certificate, TLS 1.2 and 1.3.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.config_with(rustls::ALL_VERSIONS, |_| {})
    }

    /// A server with this certificate and a changed configuration.
    pub fn config_with(
        &self,
        versions: &[&'static SupportedProtocolVersion],
        change: impl FnOnce(&mut ServerConfig),
    ) -> Arc<ServerConfig> {
        self.config_by(provider(), versions, change)
    }

    /// The same with another cryptography provider.
    pub fn config_by(
        &self,
        provider: Arc<rustls::crypto::CryptoProvider>,
        versions: &[&'static SupportedProtocolVersion],
        change: impl FnOnce(&mut ServerConfig),
    ) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(self.unexamined());
        change(&mut config);
        Arc::new(config)
    }

    /// A server that requires a client certificate of this authority.
    pub fn config_for_clients_of(
        &self,
        authority: &Authority,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        self.config_for_clients(authority, versions, false)
    }

    /// A server that asks for a client certificate, but also accepts clients without one.
    pub fn config_that_asks_clients_of(
        &self,
        authority: &Authority,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Arc<ServerConfig> {
        self.config_for_clients(authority, versions, true)
    }

    fn config_for_clients(
        &self,
        authority: &Authority,
        versions: &[&'static SupportedProtocolVersion],
        takes_strangers: bool,
    ) -> Arc<ServerConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(authority.certificate()).unwrap();
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        let verifier = if takes_strangers { verifier.allow_unauthenticated() } else { verifier };
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap())
            .with_single_cert(self.chain.clone(), self.key_der())
            .unwrap();
        Arc::new(config)
    }

    /// The certificate without validation: rustls would refuse to serve some that the tests need.
    fn unexamined(&self) -> Arc<rustls::sign::SingleCertAndKey> {
        let key = provider().key_provider.load_private_key(self.key_der()).unwrap();
        Arc::new(rustls::sign::CertifiedKey::new(self.chain.clone(), key).into())
    }

    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.serialize_der()))
    }
}

/// A certificate as PEM.
fn pem(certificate: &CertificateDer<'_>) -> String {
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, certificate);
    let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// The cryptography provider of the test servers.
pub fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// The parameters of a certificate for these names, valid from yesterday for thirty days.
pub fn leaf_params(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "uptick test leaf");
    params.not_before = before(DAY).into();
    params.not_after = after(30 * DAY).into();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}

fn authority_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = before(DAY).into();
    params.not_after = after(365 * DAY).into();
    params
}

/// The instant this long ago.
pub fn before(time: Duration) -> SystemTime {
    SystemTime::now() - time
}

/// The instant this long from now.
pub fn after(time: Duration) -> SystemTime {
    SystemTime::now() + time
}

/// A public RSA key of 1024 bits. Nobody has its private key, and nobody needs it: a client checks
/// the certificate before the signature.
pub struct WeakRsaKey(Vec<u8>);

impl WeakRsaKey {
    /// Any odd modulus of so many bits, a multiple of eight and at least 1024, will do.
    pub fn new(bits: u16) -> WeakRsaKey {
        let integer = |tag: u8, bytes: &[u8]| {
            let length = u16::try_from(bytes.len()).unwrap().to_be_bytes();
            [&[tag, 0x82][..], &length, bytes].concat()
        };
        let mut modulus = vec![0];
        modulus.extend((0..bits / 8).map(|n| n.to_le_bytes()[0].wrapping_mul(37) | 0x81));
        let key = [integer(0x02, &modulus), vec![0x02, 0x03, 0x01, 0x00, 0x01]].concat();
        WeakRsaKey(integer(0x30, &key))
    }
}

impl rcgen::PublicKeyData for WeakRsaKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_RSA_SHA256
    }
}

/// A fatal TLS alert as a record (RFC 8446 section 6).
pub fn fatal_alert(description: u8) -> Vec<u8> {
    vec![21, 3, 3, 0, 2, 2, description]
}

/// A `HelloRetryRequest` that asks for a key of this group (RFC 8446 section 4.1.4).
pub fn retry_with_group(group: u16) -> Vec<u8> {
    const RANDOM: [u8; 32] = [
        0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2,
        0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
    ];
    let extensions = [&[0, 43, 0, 2, 3, 4, 0, 51, 0, 2][..], &group.to_be_bytes()].concat();
    [&[2, 0, 0, 52, 3, 3][..], &RANDOM, &[0, 0x13, 0x01, 0, 0, 12], &extensions].concat()
}

/// The first flight of a TLS 1.2 server that has these certificates but cannot sign: `ServerHello`,
/// `Certificate`, a `ServerKeyExchange` with an invalid signature, `ServerHelloDone` (RFC 5246
/// section 7.4, RFC 8422 section 5.4).
pub fn unsigned_flight(chain: &[CertificateDer<'_>]) -> Vec<u8> {
    let mut hello = vec![3, 3];
    hello.extend([7u8; 32]);
    // No session, TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, no compression, and the extended
    // master secret and uncompressed points as the only extensions.
    hello.extend([0, 0xc0, 0x2f, 0]);
    hello.extend([0, 10, 0, 23, 0, 0, 0, 11, 0, 2, 1, 0]);

    let mut certificates = Vec::new();
    for certificate in chain {
        certificates.extend(length_24(certificate.len()));
        certificates.extend_from_slice(certificate);
    }
    let certificates = [&length_24(certificates.len())[..], &certificates].concat();

    // Curve P-256 and its base point, then rsa_pkcs1_sha256 and 128 bytes that are not a signature.
    let mut exchange = vec![3, 0, 23, 65, 4];
    exchange.extend(BASE_POINT);
    exchange.extend([4, 1, 0, 128]);
    exchange.extend([0x5a; 128]);

    let mut flight = Vec::new();
    for (kind, body) in [(2u8, hello), (11, certificates), (12, exchange), (14, Vec::new())] {
        flight.push(kind);
        flight.extend(length_24(body.len()));
        flight.extend(body);
    }
    flight.chunks(16_384).flat_map(|piece| record(22, piece)).collect()
}

/// A TLS record.
pub fn record(kind: u8, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind, 3, 3, length[0], length[1]], payload].concat()
}

fn length_24(length: usize) -> [u8; 3] {
    let bytes = u32::try_from(length).unwrap().to_be_bytes();
    [bytes[1], bytes[2], bytes[3]]
}

/// The base point of P-256, x and y (FIPS 186-4, D.1.2.3).
const BASE_POINT: [u8; 64] = [
    0x6b, 0x17, 0xd1, 0xf2, 0xe1, 0x2c, 0x42, 0x47, 0xf8, 0xbc, 0xe6, 0xe5, 0x63, 0xa4, 0x40, 0xf2, 0x77, 0x03, 0x7d,
    0x81, 0x2d, 0xeb, 0x33, 0xa0, 0xf4, 0xa1, 0x39, 0x45, 0xd8, 0x98, 0xc2, 0x96, 0x4f, 0xe3, 0x42, 0xe2, 0xfe, 0x1a,
    0x7f, 0x9b, 0x8e, 0xe7, 0xeb, 0x4a, 0x7c, 0x0f, 0x9e, 0x16, 0x2b, 0xce, 0x33, 0x57, 0x6b, 0x31, 0x5e, 0xce, 0xcb,
    0xb6, 0x40, 0x68, 0x37, 0xbf, 0x51, 0xf5,
];
