//! ECDSA that ring lacks and real servers use: on P-521, and with SHA-512 on P-256 and P-384. It is far
//! slower than ring, and used only for certificates and keys of these kinds.

use std::sync::Arc;

use rustls::crypto::{
    ActiveKeyExchange, CryptoProvider, KeyProvider, SharedSecret, SupportedKxGroup, WebPkiSupportedAlgorithms,
};
use rustls::pki_types::{AlgorithmIdentifier, InvalidSignature, PrivateKeyDer, SignatureVerificationAlgorithm, alg_id};
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, NamedGroup, PeerMisbehaved, SignatureAlgorithm, SignatureScheme};
use sha2::{Digest, Sha256, Sha384, Sha512};

type Algorithm = &'static dyn SignatureVerificationAlgorithm;

/// A signature scheme with the algorithms that it may mean.
type Mapping = (SignatureScheme, &'static [Algorithm]);

/// ring, extended by the curves it lacks.
pub(super) fn provider() -> CryptoProvider {
    let ring = rustls::crypto::ring::default_provider();
    CryptoProvider {
        signature_verification_algorithms: with_more(ring.signature_verification_algorithms),
        key_provider: &Keys,
        kx_groups: ring.kx_groups.iter().copied().chain([&P521Group as &dyn SupportedKxGroup]).collect(),
        ..ring
    }
}

/// The algorithms of ring and of this file. rustls requires them to be `'static`: they are leaked once per process.
fn with_more(ring: WebPkiSupportedAlgorithms) -> WebPkiSupportedAlgorithms {
    let ours = [P521_SHA512, P521_SHA384, P521_SHA256, P384_SHA512, P256_SHA512];
    let all: Vec<Algorithm> = ring.all.iter().copied().chain(ours).collect();
    // In TLS 1.3 a scheme fixes the curve, and its first algorithm is used; in TLS 1.2 it fixes only the hash.
    let more = |(scheme, algorithms): &Mapping| {
        let more = match *scheme {
            SignatureScheme::ECDSA_NISTP384_SHA384 => P521_SHA384,
            SignatureScheme::ECDSA_NISTP256_SHA256 => P521_SHA256,
            _ => return (*scheme, *algorithms),
        };
        let all: Vec<Algorithm> = algorithms.iter().copied().chain([more]).collect();
        (*scheme, &*Vec::leak(all))
    };
    let mut mapping: Vec<Mapping> = ring.mapping.iter().map(more).collect();
    mapping.push((SignatureScheme::ECDSA_NISTP521_SHA512, &[P521_SHA512, P384_SHA512, P256_SHA512]));
    WebPkiSupportedAlgorithms { all: Vec::leak(all), mapping: Vec::leak(mapping) }
}

const P521_SHA512: Algorithm =
    &Ecdsa { curve: Curve::P521, hash: |bytes| Sha512::digest(bytes).to_vec(), signature: alg_id::ECDSA_SHA512 };
const P521_SHA384: Algorithm =
    &Ecdsa { curve: Curve::P521, hash: |bytes| Sha384::digest(bytes).to_vec(), signature: alg_id::ECDSA_SHA384 };
const P521_SHA256: Algorithm =
    &Ecdsa { curve: Curve::P521, hash: |bytes| Sha256::digest(bytes).to_vec(), signature: alg_id::ECDSA_SHA256 };
const P384_SHA512: Algorithm =
    &Ecdsa { curve: Curve::P384, hash: |bytes| Sha512::digest(bytes).to_vec(), signature: alg_id::ECDSA_SHA512 };
const P256_SHA512: Algorithm =
    &Ecdsa { curve: Curve::P256, hash: |bytes| Sha512::digest(bytes).to_vec(), signature: alg_id::ECDSA_SHA512 };

#[derive(Clone, Copy, Debug)]
enum Curve {
    P256,
    P384,
    P521,
}

/// ECDSA with one curve and one hash.
#[derive(Debug)]
struct Ecdsa {
    curve: Curve,
    hash: fn(&[u8]) -> Vec<u8>,
    signature: AlgorithmIdentifier,
}

impl SignatureVerificationAlgorithm for Ecdsa {
    fn verify_signature(&self, key: &[u8], message: &[u8], signature: &[u8]) -> Result<(), InvalidSignature> {
        let digest = (self.hash)(message);
        let is_good = match self.curve {
            Curve::P256 => p256(key, &digest, signature),
            Curve::P384 => p384(key, &digest, signature),
            Curve::P521 => p521(key, &digest, signature),
        };
        is_good.ok_or(InvalidSignature)
    }

    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        match self.curve {
            Curve::P256 => alg_id::ECDSA_P256,
            Curve::P384 => alg_id::ECDSA_P384,
            Curve::P521 => alg_id::ECDSA_P521,
        }
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }
}

fn p256(key: &[u8], digest: &[u8], signature: &[u8]) -> Option<()> {
    use p256::ecdsa::signature::hazmat::PrehashVerifier;
    use p256::ecdsa::{DerSignature, VerifyingKey};
    let key = VerifyingKey::from_sec1_bytes(key).ok()?;
    key.verify_prehash(digest, &DerSignature::from_bytes(signature).ok()?).ok()
}

fn p384(key: &[u8], digest: &[u8], signature: &[u8]) -> Option<()> {
    use p384::ecdsa::signature::hazmat::PrehashVerifier;
    use p384::ecdsa::{DerSignature, VerifyingKey};
    let key = VerifyingKey::from_sec1_bytes(key).ok()?;
    key.verify_prehash(digest, &DerSignature::from_bytes(signature).ok()?).ok()
}

/// The width of P-521 in bytes. A hash is a number, so leading zeros change nothing, and the crate
/// refuses one that is shorter than half the width.
const P521_WIDTH: usize = 66;

fn p521(key: &[u8], digest: &[u8], signature: &[u8]) -> Option<()> {
    use p521::ecdsa::signature::hazmat::PrehashVerifier;
    use p521::ecdsa::{DerSignature, VerifyingKey};
    let key = VerifyingKey::from_sec1_bytes(key).ok()?;
    key.verify_prehash(&widened(digest), &DerSignature::from_bytes(signature).ok()?).ok()
}

fn widened(digest: &[u8]) -> [u8; P521_WIDTH] {
    let mut wide = [0; P521_WIDTH];
    wide[P521_WIDTH - digest.len()..].copy_from_slice(digest);
    wide
}

/// Loads the keys that ring supports, and those on P-521.
#[derive(Debug)]
struct Keys;

impl KeyProvider for Keys {
    fn load_private_key(&self, key: PrivateKeyDer<'static>) -> Result<Arc<dyn SigningKey>, Error> {
        match rustls::crypto::ring::sign::any_supported_type(&key) {
            Ok(known) => Ok(known),
            Err(error) => P521Key::load(&key).map(|key| Arc::new(key) as Arc<dyn SigningKey>).ok_or(error),
        }
    }
}

/// A private key on P-521.
struct P521Key(Arc<p521::ecdsa::SigningKey>);

impl P521Key {
    fn load(key: &PrivateKeyDer<'_>) -> Option<P521Key> {
        use p521::pkcs8::DecodePrivateKey;
        let secret = match key {
            PrivateKeyDer::Pkcs8(key) => p521::SecretKey::from_pkcs8_der(key.secret_pkcs8_der()).ok()?,
            PrivateKeyDer::Sec1(key) => p521::SecretKey::from_sec1_der(key.secret_sec1_der()).ok()?,
            _ => return None,
        };
        Some(P521Key(Arc::new(p521::ecdsa::SigningKey::from(&secret))))
    }
}

impl std::fmt::Debug for P521Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("P521Key")
    }
}

impl SigningKey for P521Key {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let scheme = SignatureScheme::ECDSA_NISTP521_SHA512;
        offered.contains(&scheme).then(|| Box::new(P521Key(Arc::clone(&self.0))) as Box<dyn Signer>)
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::ECDSA
    }
}

impl Signer for P521Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        use p521::ecdsa::signature::hazmat::PrehashSigner;
        let signature: Result<p521::ecdsa::Signature, _> = self.0.sign_prehash(&widened(&Sha512::digest(message)));
        let signature = signature.map_err(|error| Error::General(error.to_string()))?;
        Ok(signature.to_der().as_bytes().to_vec())
    }

    fn scheme(&self) -> SignatureScheme {
        SignatureScheme::ECDSA_NISTP521_SHA512
    }
}

/// Key exchange on P-521: some servers support no other curve, and in TLS 1.2 a server uses a
/// certificate on a curve only if the client offers the curve here.
#[derive(Debug)]
struct P521Group;

impl SupportedKxGroup for P521Group {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let secret = random_secret()?;
        let public = secret.public_key().to_sec1_bytes();
        Ok(Box::new(P521Exchange { secret, public }))
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}

/// A random secret below the order of the curve, found in a few tries.
fn random_secret() -> Result<p521::SecretKey, Error> {
    let random = rustls::crypto::ring::default_provider().secure_random;
    for _ in 0..64 {
        let mut bytes = [0; P521_WIDTH];
        random.fill(&mut bytes)?;
        bytes[0] &= 1;
        if let Ok(secret) = p521::SecretKey::from_slice(&bytes) {
            return Ok(secret);
        }
    }
    Err(Error::FailedToGetRandomBytes)
}

struct P521Exchange {
    secret: p521::SecretKey,
    public: Box<[u8]>,
}

impl ActiveKeyExchange for P521Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let peer = p521::PublicKey::from_sec1_bytes(peer).map_err(|_| PeerMisbehaved::InvalidKeyShare)?;
        let shared = p521::ecdh::diffie_hellman(self.secret.to_nonzero_scalar(), peer.as_affine());
        Ok(SharedSecret::from(&shared.raw_secret_bytes()[..]))
    }

    fn pub_key(&self) -> &[u8] {
        &self.public
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::secp521r1
    }
}
