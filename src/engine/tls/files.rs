//! The certificate and key files that a probe's TLS settings name.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::roots::{Roots, TrustedRoots};
use crate::engine::error::EngineError;
use crate::engine::tls::certificate::parse;
use crate::model::Tls;

/// The supported key types, for a message.
const KEYS: &str = "RSA of 2048 to 8192 bits, ECDSA on P-256, P-384 and P-521, and Ed25519";

/// Reads the certificates to trust and the revocation lists.
///
/// # Errors
/// A file that cannot be read or used.
pub(super) fn trusted(
    ca_file: Option<&Path>,
    crl_file: Option<&Path>,
    provider: &Arc<CryptoProvider>,
) -> Result<TrustedRoots, EngineError> {
    let roots = match ca_file {
        None => Roots::of_host(),
        Some(file) => {
            let mut roots = Roots::none();
            for trusted in certificates(file)? {
                if let Err(error) = roots.add(trusted.clone()) {
                    // A certificate that is not an authority can still be the server's own.
                    parse(&trusted).ok_or_else(|| unusable(file, error))?;
                    roots.add_pinned(trusted);
                }
            }
            roots
        }
    };
    let lists = crl_file.map(revocation_lists).transpose()?.unwrap_or_default();
    let file = crl_file.or(ca_file).unwrap_or(Path::new("the system's roots"));
    roots.into_trusted(lists, provider).map_err(|error| unusable(file, error))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, EngineError> {
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_file_iter(file).map_err(|error| unusable(file, error))?.collect();
    let found = found.map_err(|error| unusable(file, error))?;
    if found.is_empty() { Err(unusable(file, nothing_in(file, "certificate"))) } else { Ok(found) }
}

fn revocation_lists(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, EngineError> {
    let found: Result<Vec<_>, _> =
        CertificateRevocationListDer::pem_file_iter(file).map_err(|error| unusable(file, error))?.collect();
    let found = found.map_err(|error| unusable(file, error))?;
    if found.is_empty() { Err(unusable(file, nothing_in(file, "revocation list"))) } else { Ok(found) }
}

/// The client certificate of these settings; none if they have none.
///
/// # Errors
/// A file that cannot be read or used, or a key that does not fit its certificate.
pub(super) fn client_cert(tls: &Tls, provider: &CryptoProvider) -> Result<Option<Arc<CertifiedKey>>, EngineError> {
    let (Some(cert_file), Some(key_file)) = (&tls.client_cert, &tls.client_key) else { return Ok(None) };
    let chain = certificates(cert_file)?;
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| unreadable_key(key_file, &error))?;
    let key = provider
        .key_provider
        .load_private_key(key)
        .map_err(|_| unusable(key_file, format_args!("its type is not supported; supported are {KEYS}")))?;
    let certified = CertifiedKey::new(chain, key);
    match certified.keys_match() {
        // Unknown means that the key type cannot be compared, not that the two differ.
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
            Ok(Some(Arc::new(certified)))
        }
        Err(error) => Err(unusable(key_file, format_args!("does not fit {}: {error}", cert_file.display()))),
    }
}

/// Why a key could not be read: the content of the file tells more than the parser's error.
fn unreadable_key(file: &Path, error: &dyn fmt::Display) -> EngineError {
    let text = std::fs::read(file).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    if text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED") {
        let file_name = file.display();
        let advice = format!(
            "the key is encrypted, and there is no way to give a passphrase: decrypt it with `openssl pkey -in {file_name} -out KEY`"
        );
        return unusable(file, advice);
    }
    if text.contains("-----BEGIN OPENSSH PRIVATE KEY-----") {
        return unusable(file, "it is an SSH key, which TLS does not use");
    }
    if text.contains("-----BEGIN DSA PRIVATE KEY-----") {
        return unusable(file, format_args!("DSA keys are not supported; supported are {KEYS}"));
    }
    if text.contains("-----BEGIN") || text.is_empty() {
        unusable(file, error)
    } else {
        unusable(file, nothing_in(file, "private key"))
    }
}

/// The message for a file without the expected item.
fn nothing_in(file: &Path, what: &str) -> String {
    let starts_as_der = std::fs::read(file).is_ok_and(|bytes| bytes.starts_with(&[0x30]));
    if starts_as_der {
        return format!(
            "there is no {what} in PEM form in it: it looks like DER or PKCS #12, which `openssl` converts"
        );
    }
    format!("there is no {what} in it")
}

fn unusable(file: &Path, reason: impl fmt::Display) -> EngineError {
    EngineError::File { path: file.to_owned(), reason: reason.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(key: &[u8]) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        let (cert_file, key_file) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let params = rcgen::CertificateParams::new(vec!["x.test".to_owned()]).expect("a name");
        let own = rcgen::KeyPair::generate().expect("a key");
        std::fs::write(&cert_file, params.self_signed(&own).expect("a certificate").pem()).expect("written");
        std::fs::write(&key_file, key).expect("written");
        let tls = Tls { client_cert: Some(cert_file), client_key: Some(key_file), ..Tls::default() };
        client_cert(&tls, &super::super::curves::provider()).expect_err("no such key").to_string()
    }

    #[test]
    fn a_key_that_cannot_be_used_is_told_of_by_what_it_is() {
        let encrypted = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIFNTBf\n-----END ENCRYPTED PRIVATE KEY-----\n";
        assert!(refused(encrypted).contains("encrypted"));
        let old = b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,1\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
        assert!(refused(old).contains("encrypted"), "{}", refused(old));
        assert!(
            refused(b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n").contains("SSH")
        );
        assert!(refused(&[0x30, 0x82, 1, 1]).contains("DER"));
        assert!(refused(b"").contains("key.pem"));
    }
}
