//! The names of the algorithms and extensions in certificates that a client may not support.

/// The object identifier at the start of an algorithm identifier's contents, in dotted form.
pub(super) fn oid(identifier: &[u8]) -> String {
    let (first, _) = split(identifier);
    first.unwrap_or_else(|| "without a name".to_owned())
}

/// An object identifier, and the bytes after it.
fn split(bytes: &[u8]) -> (Option<String>, &[u8]) {
    let [0x06, length, rest @ ..] = bytes else { return (None, &[]) };
    let length = usize::from(*length);
    if length == 0 || length > 127 || rest.len() < length {
        return (None, &[]);
    }
    let (content, rest) = rest.split_at(length);
    let mut arcs: Vec<u64> = Vec::new();
    let mut arc = 0u64;
    for byte in content {
        arc = (arc << 7) | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            arcs.push(arc);
            arc = 0;
        }
    }
    let Some((first, others)) = arcs.split_first() else { return (None, rest) };
    let root = (first / 40).min(2);
    let mut text = format!("{root}.{}", first - root * 40);
    for arc in others {
        text.push_str(&format!(".{arc}"));
    }
    (Some(text), rest)
}

/// The name of a signature algorithm, and whether it is too weak to be trusted; none if it is
/// unknown.
pub(super) fn algorithm(identifier: &[u8]) -> Option<(&'static str, bool)> {
    const WEAK: bool = true;
    Some(match oid(identifier).as_str() {
        "1.2.840.113549.1.1.2" => ("RSA with MD2", WEAK),
        "1.2.840.113549.1.1.3" => ("RSA with MD4", WEAK),
        "1.2.840.113549.1.1.4" => ("RSA with MD5", WEAK),
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => ("RSA with SHA-1", WEAK),
        "1.2.840.10045.4.1" => ("ECDSA with SHA-1", WEAK),
        "1.2.840.10040.4.3" => ("DSA with SHA-1", WEAK),
        "1.2.840.113549.1.1.10" if is_sha1_pss(identifier) => ("RSA-PSS with SHA-1", WEAK),
        "1.2.840.113549.1.1.10" => ("RSA-PSS with these parameters", !WEAK),
        "1.2.840.113549.1.1.11" => ("RSA with SHA-256", !WEAK),
        "1.2.840.113549.1.1.12" => ("RSA with SHA-384", !WEAK),
        "1.2.840.113549.1.1.13" => ("RSA with SHA-512", !WEAK),
        "1.2.840.113549.1.1.14" => ("RSA with SHA-224", !WEAK),
        "1.2.840.113549.1.1.15" => ("RSA with SHA-512/224", !WEAK),
        "1.2.840.113549.1.1.16" => ("RSA with SHA-512/256", !WEAK),
        "1.2.840.10045.4.3.1" => ("ECDSA with SHA-224", !WEAK),
        "1.2.840.10045.4.3.2" => ("ECDSA with SHA-256", !WEAK),
        "1.2.840.10045.4.3.3" => ("ECDSA with SHA-384", !WEAK),
        "1.2.840.10045.4.3.4" => ("ECDSA with SHA-512", !WEAK),
        "2.16.840.1.101.3.4.3.2" => ("DSA with SHA-256", !WEAK),
        "2.16.840.1.101.3.4.3.10" => ("ECDSA with SHA3-256", !WEAK),
        "2.16.840.1.101.3.4.3.14" => ("RSA with SHA3-256", !WEAK),
        "2.16.840.1.101.3.4.3.17" => ("ML-DSA-44", !WEAK),
        "2.16.840.1.101.3.4.3.18" => ("ML-DSA-65", !WEAK),
        "2.16.840.1.101.3.4.3.19" => ("ML-DSA-87", !WEAK),
        "1.3.101.112" => ("Ed25519", !WEAK),
        "1.3.101.113" => ("Ed448", !WEAK),
        "1.2.156.10197.1.501" => ("SM2 with SM3", !WEAK),
        "1.2.643.7.1.1.3.2" => ("GOST R 34.10-2012 (256 bits)", !WEAK),
        "1.2.643.7.1.1.3.3" => ("GOST R 34.10-2012 (512 bits)", !WEAK),
        _ => return None,
    })
}

/// Whether the parameters of RSA-PSS name SHA-1, which is also meant where they name no hash (RFC 4055 section 3.1).
fn is_sha1_pss(identifier: &[u8]) -> bool {
    const SHA1: &str = "1.3.14.3.2.26";
    match split(identifier).1 {
        [0x30, _, 0xa0, _, 0x30, _, hash @ ..] => oid(hash) == SHA1,
        parameters => parameters.first() == Some(&0x30),
    }
}

/// The type of a key: its algorithm, and its curve if it has one.
pub(super) fn key(identifier: &[u8]) -> String {
    let (algorithm, parameters) = split(identifier);
    let Some(algorithm) = algorithm else { return "without a name".to_owned() };
    match algorithm.as_str() {
        "1.2.840.113549.1.1.1" => "RSA".to_owned(),
        "1.2.840.113549.1.1.10" => "RSA-PSS".to_owned(),
        "1.2.840.10040.4.1" => "DSA".to_owned(),
        "1.3.101.112" => "Ed25519".to_owned(),
        "1.3.101.113" => "Ed448".to_owned(),
        "1.2.840.10045.2.1" => match split(parameters).0.as_deref() {
            Some("1.2.840.10045.3.1.1") => "EC P-192".to_owned(),
            Some("1.3.132.0.33") => "EC P-224".to_owned(),
            Some("1.2.840.10045.3.1.7") => "EC P-256".to_owned(),
            Some("1.3.132.0.34") => "EC P-384".to_owned(),
            Some("1.3.132.0.35") => "EC P-521".to_owned(),
            Some("1.3.132.0.10") => "EC secp256k1".to_owned(),
            Some("1.3.36.3.3.2.8.1.1.7") => "EC brainpoolP256r1".to_owned(),
            Some("1.3.36.3.3.2.8.1.1.11") => "EC brainpoolP384r1".to_owned(),
            Some("1.3.36.3.3.2.8.1.1.13") => "EC brainpoolP512r1".to_owned(),
            Some("1.2.156.10197.1.301") => "EC SM2".to_owned(),
            Some(curve) => format!("EC on the curve {curve}"),
            None => "EC with explicit parameters".to_owned(),
        },
        _ => algorithm,
    }
}

/// Whether the verifier understands a critical extension.
pub(super) fn is_known(oid: &str) -> bool {
    matches!(oid, "2.5.29.15" | "2.5.29.17" | "2.5.29.19" | "2.5.29.30" | "2.5.29.31" | "2.5.29.37")
}

/// The name of an extension that the verifier does not understand, and whether other clients do;
/// none if it is unknown.
pub(super) fn extension(oid: &str) -> Option<(&'static str, bool)> {
    const ELSEWHERE: bool = true;
    Some(match oid {
        "2.5.29.14" => ("subject key identifier", ELSEWHERE),
        "2.5.29.32" => ("certificate policies", ELSEWHERE),
        "2.5.29.33" => ("policy mappings", ELSEWHERE),
        "2.5.29.35" => ("authority key identifier", ELSEWHERE),
        "2.5.29.36" => ("policy constraints", ELSEWHERE),
        "2.5.29.54" => ("inhibit any policy", ELSEWHERE),
        "1.3.6.1.5.5.7.1.7" => ("IP address blocks", ELSEWHERE),
        "1.3.6.1.5.5.7.1.8" => ("AS numbers", ELSEWHERE),
        "1.3.6.1.5.5.7.1.14" => ("proxy certificate", ELSEWHERE),
        "2.16.840.1.113730.1.1" => ("Netscape certificate type", ELSEWHERE),
        "2.5.29.9" => ("subject directory attributes", !ELSEWHERE),
        "2.5.29.16" => ("private key usage period", !ELSEWHERE),
        "2.5.29.18" => ("issuer alternative name", !ELSEWHERE),
        "1.3.6.1.5.5.7.1.1" => ("authority information access", !ELSEWHERE),
        "1.3.6.1.5.5.7.1.24" => ("TLS feature (must-staple)", !ELSEWHERE),
        "1.3.6.1.4.1.11129.2.4.3" => ("poison: it is a precertificate of certificate transparency", !ELSEWHERE),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_read_whatever_they_are() {
        let p521 = [6, 7, 42, 134, 72, 206, 61, 2, 1, 6, 5, 43, 129, 4, 0, 35];
        assert_eq!(key(&p521), "EC P-521");
        assert_eq!(oid(&[6, 8, 42, 134, 72, 206, 61, 4, 3, 3]), "1.2.840.10045.4.3.3");
        assert_eq!(algorithm(&[6, 3, 43, 101, 113]), Some(("Ed448", false)));
        assert_eq!(algorithm(&[6, 9, 42, 134, 72, 134, 247, 13, 1, 1, 5, 5, 0]), Some(("RSA with SHA-1", true)));
        assert_eq!(oid(&[6, 3, 0x88, 0x37, 3]), "2.999.3");
        for odd in [&[][..], &[6], &[6, 5, 1], &[6, 0], &[6, 1, 0x80], &[4, 1, 1]] {
            assert_eq!(oid(odd), "without a name", "{odd:?}");
            assert_eq!(algorithm(odd), None);
        }
    }
}
