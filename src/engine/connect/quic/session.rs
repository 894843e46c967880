//! The QUIC handshake as quinn drives it, watched for the cipher suite, which quinn does not expose: the length of the
//! secrets gives its hash, and the confidentiality limit of a key gives its cipher (RFC 9001 section 6.6).

use std::any::Any;
use std::sync::Arc;

use quinn::crypto::{ClientConfig, ExportKeyingMaterialError, HeaderKey, KeyPair, Keys, PacketKey, Session};
use quinn::{ConnectError, ConnectionId, Side};
use quinn_proto::TransportError;
use quinn_proto::transport_parameters::TransportParameters;
use rustls::CipherSuite;

use crate::engine::tls::handshake::SharedHandshake;

/// An AES-GCM key is good for 2^23 packets, and a ChaCha20-Poly1305 key for more than a connection can have.
const AES_LIMIT: u64 = 1 << 23;

/// The length in bytes of a secret whose hash is SHA-384.
const SHA_384: usize = 48;

/// The type of a handshake message with certificates.
const CERTIFICATE: u8 = 11;

pub(super) struct WatchedConfig<C> {
    pub(super) inner: Arc<C>,
    pub(super) shown: SharedHandshake,
}

impl<C: ClientConfig> ClientConfig for WatchedConfig<C> {
    fn start_session(
        self: Arc<Self>,
        version: u32,
        server_name: &str,
        params: &TransportParameters,
    ) -> Result<Box<dyn Session>, ConnectError> {
        let inner = Arc::clone(&self.inner).start_session(version, server_name, params)?;
        Ok(Box::new(WatchedSession { inner, shown: self.shown.clone(), heads: MessageHeads::default() }))
    }
}

struct WatchedSession {
    inner: Box<dyn Session>,
    shown: SharedHandshake,
    heads: MessageHeads,
}

impl Session for WatchedSession {
    fn initial_keys(&self, dst_cid: &ConnectionId, side: Side) -> Keys {
        self.inner.initial_keys(dst_cid, side)
    }

    fn handshake_data(&self) -> Option<Box<dyn Any>> {
        self.inner.handshake_data()
    }

    fn peer_identity(&self) -> Option<Box<dyn Any>> {
        self.inner.peer_identity()
    }

    fn early_crypto(&self) -> Option<(Box<dyn HeaderKey>, Box<dyn PacketKey>)> {
        self.inner.early_crypto()
    }

    fn early_data_accepted(&self) -> Option<bool> {
        self.inner.early_data_accepted()
    }

    fn is_handshaking(&self) -> bool {
        self.inner.is_handshaking()
    }

    fn read_handshake(&mut self, buf: &[u8]) -> Result<bool, TransportError> {
        if let Some(size) = self.heads.too_large(buf) {
            self.shown.facts().too_large = Some(size);
        }
        self.inner.read_handshake(buf)
    }

    fn transport_parameters(&self) -> Result<Option<TransportParameters>, TransportError> {
        self.inner.transport_parameters()
    }

    fn write_handshake(&mut self, buf: &mut Vec<u8>) -> Option<Keys> {
        let keys = self.inner.write_handshake(buf)?;
        if !self.inner.is_handshaking() {
            let mut facts = self.shown.facts();
            let secret = facts.secret;
            facts.cipher = Some(suite(secret, keys.packet.local.confidentiality_limit()));
        }
        Some(keys)
    }

    fn next_1rtt_keys(&mut self) -> Option<KeyPair<Box<dyn PacketKey>>> {
        self.inner.next_1rtt_keys()
    }

    fn is_valid_retry(&self, orig_dst_cid: &ConnectionId, header: &[u8], payload: &[u8]) -> bool {
        self.inner.is_valid_retry(orig_dst_cid, header, payload)
    }

    fn export_keying_material(
        &self,
        output: &mut [u8],
        label: &[u8],
        context: &[u8],
    ) -> Result<(), ExportKeyingMaterialError> {
        self.inner.export_keying_material(output, label, context)
    }
}

/// Reads the heads of handshake messages, of which rustls does not tell the size (RFC 8446 section 4).
#[derive(Default)]
struct MessageHeads {
    /// The part of a head that has arrived: the type and three bytes of length.
    head: Vec<u8>,
    /// How many bytes of the message before are still to come.
    left: usize,
}

impl MessageHeads {
    /// The size of the certificates, if these bytes begin a message of them that is larger than rustls reads.
    fn too_large(&mut self, mut bytes: &[u8]) -> Option<u64> {
        let mut found = None;
        loop {
            let passed = self.left.min(bytes.len());
            self.left -= passed;
            let Some((first, rest)) = bytes.get(passed..).and_then(<[u8]>::split_first) else { return found };
            bytes = rest;
            self.head.push(*first);
            if let [kind, high, middle, low] = self.head[..] {
                self.head.clear();
                let size = u32::from_be_bytes([0, high, middle, low]);
                self.left = size as usize;
                if kind == CERTIFICATE && size > u32::from(u16::MAX) {
                    found = Some(u64::from(size));
                }
            }
        }
    }
}

/// The cipher suite, one of the three offered, by the bytes of its secrets and the packets that one key may protect.
const fn suite(secret: usize, limit: u64) -> CipherSuite {
    match (secret, limit) {
        (SHA_384, _) => CipherSuite::TLS13_AES_256_GCM_SHA384,
        (_, ..=AES_LIMIT) => CipherSuite::TLS13_AES_128_GCM_SHA256,
        _ => CipherSuite::TLS13_CHACHA20_POLY1305_SHA256,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_that_are_too_large_are_found_however_their_bytes_come() {
        let other = [&[8, 0, 0, 5][..], &[11; 5]].concat();
        for (size, found) in [([0, 0xff, 0xff], None), ([1, 0x20, 0], Some(0x1_2000))] {
            let bytes = [&other[..], &[CERTIFICATE], &size].concat();
            for step in 1..=bytes.len() {
                let mut heads = MessageHeads::default();
                let all: Vec<u64> = bytes.chunks(step).filter_map(|chunk| heads.too_large(chunk)).collect();
                assert_eq!(all, Vec::from_iter(found), "{size:?} in steps of {step}");
            }
        }
    }
}
