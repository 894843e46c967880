//! What a certificate says of itself, also one that was refused.

use jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::X509Certificate;

use crate::model::{CertificateFacts, Redactor, SafeText};

/// How many of a certificate's names are kept.
const NAMES: usize = 5;

/// The longest name kept, in characters.
const NAME_LIMIT: usize = 120;

/// The facts of the leaf of a chain; none where it cannot be parsed or there is none.
pub(super) fn facts(chain: &[CertificateDer<'_>], redactor: &Redactor) -> Option<CertificateFacts> {
    let leaf = chain.first()?;
    let (_, certificate) = parse_x509_certificate(leaf).ok()?;
    let validity = certificate.validity();
    let (names, names_total) = names(&certificate, redactor);
    Some(CertificateFacts {
        subject: redactor.clean(&certificate.subject().to_string(), NAME_LIMIT),
        issuer: redactor.clean(&certificate.issuer().to_string(), NAME_LIMIT),
        names,
        names_total,
        not_before: instant(validity.not_before.timestamp()),
        not_after: instant(validity.not_after.timestamp()),
        sha256: Sha256::digest(leaf).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}")),
        chain_length: chain.len(),
    })
}

/// Whether the leaf names itself as its issuer.
pub(super) fn is_self_signed(chain: &[CertificateDer<'_>]) -> bool {
    chain
        .first()
        .and_then(|leaf| parse_x509_certificate(leaf).ok())
        .is_some_and(|(_, certificate)| certificate.subject().as_raw() == certificate.issuer().as_raw())
}

/// The first few names of the leaf of a chain, for a message.
pub(super) fn names_text(chain: &[CertificateDer<'_>]) -> String {
    let parsed = chain.first().and_then(|leaf| parse_x509_certificate(leaf).ok());
    let names = parsed.map(|(_, certificate)| all_names(&certificate)).unwrap_or_default();
    match names.len() {
        0 => "no name".to_owned(),
        total if total > NAMES => format!("{} and {} more", names[..NAMES].join(", "), total - NAMES),
        _ => names.join(", "),
    }
}

/// Dates past the calendar are held at its ends.
fn instant(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap_or(if seconds < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

fn names(certificate: &X509Certificate<'_>, redactor: &Redactor) -> (Vec<SafeText>, usize) {
    let names = all_names(certificate);
    (names.iter().take(NAMES).map(|name| redactor.clean(name, NAME_LIMIT)).collect(), names.len())
}

fn all_names(certificate: &X509Certificate<'_>) -> Vec<String> {
    match certificate.subject_alternative_name() {
        Ok(Some(extension)) => extension.value.general_names.iter().filter_map(text_of).collect(),
        _ => Vec::new(),
    }
}

fn text_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) | GeneralName::URI(name) | GeneralName::RFC822Name(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| std::net::IpAddr::from(bytes).to_string()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonsense_is_no_certificate_and_dates_past_the_calendar_are_held() {
        let nonsense = [CertificateDer::from(vec![0x30, 0x82, 0xff, 0xff])];
        assert_eq!(facts(&nonsense, &Redactor::default()), None);
        assert!(!is_self_signed(&nonsense));
        assert_eq!(instant(i64::MAX), Timestamp::MAX);
        assert_eq!(instant(i64::MIN), Timestamp::MIN);
    }
}
