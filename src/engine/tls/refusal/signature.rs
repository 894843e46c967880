//! Signatures that do not verify, or whose algorithm or key is weak or not supported.

use x509_parser::public_key::PublicKey;

use super::sentence::{Refusal, invalid, name_of, unsupported};
use crate::engine::tls::certificate::anchor;
use crate::engine::tls::names;
use crate::engine::tls::presented_chain::PresentedChain;
use crate::model::message;

/// RSA keys shorter than this, in bits, are refused by OpenSSL at level 2, the default of distributions. Longer ones are
/// accepted by other clients.
const WEAK_RSA: usize = 1_968;

/// A signature that does not verify, possibly because the key has an unsupported size.
pub(super) fn bad(presented: &PresentedChain<'_>) -> Refusal {
    for certificate in presented.path().into_iter().chain(anchor(presented.chain, presented.anchors)) {
        let Ok(PublicKey::RSA(key)) = certificate.public_key().parsed() else { continue };
        let (bits, owner) = (key.key_size(), name_of(&certificate));
        if bits < WEAK_RSA {
            return invalid(message!("the RSA key of {owner} has {bits} bits, which is too weak"));
        }
        if !(2_048..=8_192).contains(&bits) {
            return unsupported(message!("the RSA key of {owner} has {bits} bits"));
        }
    }
    invalid("its signature does not verify")
}

pub(super) fn signed_with(algorithm: Option<(&str, bool)>, id: &[u8]) -> Refusal {
    match algorithm {
        Some((name, true)) => invalid(message!("it is signed with {name}, which is too weak")),
        Some((name, false)) => unsupported(message!("a certificate is signed with {name}")),
        None => unsupported(message!("a certificate is signed with the algorithm {}", names::oid(id))),
    }
}

/// A key that cannot be used with a signature algorithm.
pub(super) fn key_for(key: &[u8], signature: &[u8]) -> Refusal {
    if let Some((name, true)) = names::algorithm(signature) {
        return signed_with(Some((name, true)), signature);
    }
    let key = names::key(key);
    let signature = names::algorithm(signature).map_or_else(|| names::oid(signature), |(name, _)| name.to_owned());
    unsupported(message!("a certificate is signed with a key of the type {key} ({signature})"))
}
