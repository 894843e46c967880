//! One TLS handshake and its facts, even if it fails: the version and the certificates are recorded
//! by objects that belong to this handshake alone.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{
    CipherSuite, ClientConfig, DigitallySignedStruct, DistinguishedName, InvalidMessage, KeyLog, ProtocolVersion,
    SignatureScheme,
};
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

use crate::engine::tls::certificate::Anchors;
use crate::engine::tls::{TlsSettings, Trust};
use crate::engine::transport::stream::Stream;

/// How many bytes of a handshake that is too large are counted: more than any client reads.
const COUNTED: u64 = 128 * 1024;

/// How long a server may be silent before its handshake messages count as complete.
const SILENCE: Duration = Duration::from_millis(200);

/// The facts of a handshake so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct HandshakeFacts {
    /// `"1.2"` or `"1.3"`, once the server has chosen.
    pub(crate) version: Option<&'static str>,
    /// The cipher suite, once the handshake has succeeded.
    pub(crate) cipher: Option<CipherSuite>,
    /// Whether HTTP/2 was agreed on (ALPN), once the handshake has succeeded.
    pub(crate) speaks_http2: bool,
    /// The length of the last secret in bytes, which depends on the cipher suite.
    #[cfg(feature = "http3")]
    pub(crate) secret: usize,
    /// The certificates that the server sent, leaf first, even if they were refused.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    /// The trusted certificates.
    pub(crate) anchors: Arc<Anchors>,
    /// Whether the certificates were accepted.
    pub(crate) verified: bool,
    /// Whether the server asked for a client certificate and there was none.
    pub(crate) client_cert_missing: bool,
    /// When the server's first message of TLS 1.3 was read, or the handshake of TLS 1.2 was over.
    pub(crate) answered: Option<Instant>,
    /// Why the certificates were refused.
    pub(crate) refused: Option<rustls::Error>,
    /// How many bytes of certificates there are, if they are more than rustls reads: counted over TCP, announced in QUIC.
    pub(crate) too_large: Option<u64>,
}

/// The facts of a handshake, shared between it and the trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedHandshake(Arc<Mutex<HandshakeFacts>>);

impl SharedHandshake {
    pub(crate) fn facts(&self) -> MutexGuard<'_, HandshakeFacts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes the handshake with the server of this name. `shown` has its facts at any time.
///
/// # Errors
/// rustls' error, inside an IO error, or that of the connection.
pub(crate) async fn shake_hands(
    settings: &TlsSettings,
    protocols: Vec<Vec<u8>>,
    name: ServerName<'static>,
    stream: Stream,
    shown: &SharedHandshake,
) -> io::Result<Stream> {
    let config = watched(settings, protocols, shown);
    let before = stream.received();
    let connecting = TlsConnector::from(Arc::new(config)).connect(name, stream).into_fallible();
    let stream = match Box::pin(connecting).await {
        Ok(stream) => stream,
        Err((error, mut stream)) => {
            if is_too_large(&error) {
                receive_rest(&mut stream, before + COUNTED).await;
                shown.facts().too_large = Some(stream.received() - before);
            }
            return Err(error);
        }
    };
    let (_, session) = stream.get_ref();
    let mut facts = shown.facts();
    facts.speaks_http2 = session.alpn_protocol() == Some(b"h2");
    facts.cipher = session.negotiated_cipher_suite().map(|suite| suite.suite());
    facts.version = match session.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => Some("1.3"),
        Some(ProtocolVersion::TLSv1_2) => Some("1.2"),
        _ => facts.version,
    };
    drop(facts);
    Ok(Stream::Tls(Box::new(stream)))
}

/// Whether rustls stopped reading a handshake because of its size: a message or what it buffers.
fn is_too_large(error: &io::Error) -> bool {
    match error.get_ref().and_then(|error| error.downcast_ref()) {
        Some(rustls::Error::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge | InvalidMessage::CertificatePayloadTooLarge,
        )) => true,
        Some(_) => false,
        // A full buffer is no error of TLS.
        None => error.kind() == io::ErrorKind::InvalidData,
    }
}

/// Receives what a server still sends, until it has sent this many bytes in all or is silent.
async fn receive_rest(stream: &mut Stream, most: u64) {
    let mut buffer = vec![0; 16 * 1024];
    while stream.received() < most {
        let read = tokio::time::timeout(SILENCE, stream.read(&mut buffer)).await;
        if !matches!(read, Ok(Ok(1..))) {
            return;
        }
    }
}

/// Whether HTTP/2 was agreed on.
pub(crate) fn is_http2(stream: &Stream) -> bool {
    match stream {
        Stream::Socket(_) | Stream::Ahead(_) => false,
        Stream::Tls(tls) => tls.get_ref().1.alpn_protocol() == Some(b"h2"),
    }
}

/// The settings with the recorders of one handshake.
pub(crate) fn watched(settings: &TlsSettings, protocols: Vec<Vec<u8>>, shown: &SharedHandshake) -> ClientConfig {
    let mut config = settings.base.clone();
    config.alpn_protocols = protocols;
    let trust = Arc::clone(&settings.trust);
    config.dangerous().set_certificate_verifier(Arc::new(ChainWitness { trust, shown: shown.clone() }));
    let certificate = settings.client_cert.clone();
    config.client_auth_cert_resolver = Arc::new(ClientCert { certificate, shown: shown.clone() });
    config.key_log = Arc::new(VersionWitness(shown.clone()));
    config
}

/// Records every chain, also one that is then refused.
#[derive(Debug)]
struct ChainWitness {
    trust: Arc<Trust>,
    shown: SharedHandshake,
}

impl ServerCertVerifier for ChainWitness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.trust.verify_server_cert(leaf, intermediates, name, ocsp, now);
        let mut facts = self.shown.facts();
        facts.chain = std::iter::once(leaf).chain(intermediates).map(|each| each.clone().into_owned()).collect();
        facts.anchors = self.trust.anchors();
        facts.verified = verdict.is_ok() && self.trust.refuses();
        // TLS 1.3 has logged its handshake secrets by now.
        facts.version.get_or_insert("1.2");
        facts.refused = verdict.as_ref().err().cloned();
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.trust.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.trust.supported_verify_schemes()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.trust.root_hint_subjects()
    }
}

/// Answers a server that asks for a client certificate, and records if there is none to send.
#[derive(Debug)]
struct ClientCert {
    certificate: Option<Arc<CertifiedKey>>,
    shown: SharedHandshake,
}

impl ResolvesClientCert for ClientCert {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        if self.certificate.is_none() {
            self.shown.facts().client_cert_missing = true;
        }
        self.certificate.clone()
    }

    fn has_certs(&self) -> bool {
        self.certificate.is_some()
    }
}

/// Learns the version from the kinds of secret that are logged. The secrets themselves are dropped.
#[derive(Debug)]
struct VersionWitness(SharedHandshake);

impl KeyLog for VersionWitness {
    #[cfg_attr(not(feature = "http3"), expect(unused_variables, reason = "QUIC alone has to ask for its length"))]
    fn log(&self, label: &str, _client_random: &[u8], secret: &[u8]) {
        let mut facts = self.0.facts();
        facts.version = Some(if label == "CLIENT_RANDOM" { "1.2" } else { "1.3" });
        #[cfg(feature = "http3")]
        {
            facts.secret = secret.len();
        }
        facts.answered.get_or_insert_with(Instant::now);
    }
}
