//! The facts of certificates, also of refused ones: the leaf, the path from it to a trusted one, and
//! the certificates that were sent besides.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::server::ParsedCertificate;
use sha2::{Digest, Sha256};
use x509_parser::extensions::GeneralName;
use x509_parser::parse_x509_certificate;
use x509_parser::prelude::{X509Certificate, X509Name};

use super::chain_rules::{differ_in_encoding, may_issue};
use crate::model::text::hexadecimal;
use crate::model::{CertificateFacts, CertificateRole, ChainCertificate, Redactor, SafeText};

/// How many of a certificate's names are kept.
const NAMES: usize = 5;

/// The longest name kept, in characters.
const NAME_LIMIT: usize = 120;

/// The most certificates of a chain that are kept: a server may send hundreds.
const CHAIN: usize = 16;

/// The most chains whose facts are remembered.
const KNOWN: usize = 1024;

/// Trusted certificates.
#[derive(Debug, Default)]
pub(crate) struct Anchors {
    certificates: Vec<CertificateDer<'static>>,
    /// The facts of chains, by their fingerprint: a server sends the same chain at each check.
    known: Mutex<HashMap<[u8; 32], (Redactor, ChainFacts)>>,
}

/// The facts of a chain.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ChainFacts {
    /// The leaf; none if it cannot be parsed or there is none.
    pub(crate) leaf: Option<CertificateFacts>,
    /// Every certificate that was sent, in that order, and then the trusted one at the end of the path
    /// if it was not sent.
    pub(crate) chain: Vec<ChainCertificate>,
}

impl Anchors {
    pub(crate) fn new(certificates: Vec<CertificateDer<'static>>) -> Anchors {
        Anchors { certificates, known: Mutex::default() }
    }

    /// The facts of a chain, redacted.
    pub(crate) fn facts(&self, chain: &[CertificateDer<'_>], redactor: &Redactor) -> ChainFacts {
        let mut digest = Sha256::new();
        for certificate in chain {
            digest.update(certificate.len().to_be_bytes());
            digest.update(certificate);
        }
        let fingerprint: [u8; 32] = digest.finalize().into();
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((with, facts)) = known().get(&fingerprint)
            && with.is_same(redactor)
        {
            return facts.clone();
        }
        let facts = ChainFacts { leaf: leaf_facts(chain, redactor), chain: chain_facts(chain, self, redactor) };
        let mut known = known();
        if known.len() >= KNOWN {
            known.clear();
        }
        known.insert(fingerprint, (redactor.clone(), facts.clone()));
        facts
    }

    /// Whether exactly this certificate is among the trusted ones.
    pub(crate) fn contain(&self, certificate: &CertificateDer<'_>) -> bool {
        self.certificates.iter().any(|anchor| anchor.as_ref() == certificate.as_ref())
    }

    /// The trusted certificate whose subject is this name; of several, the one that is valid longest.
    fn named(&self, issuer: &[u8]) -> Option<X509Certificate<'_>> {
        // Searching for the bytes of the name costs a hundredth of parsing a store of over a hundred certificates.
        let finder = memchr::memmem::Finder::new(issuer);
        let named =
            self.certificates.iter().filter(|anchor| finder.find(anchor).is_some()).filter_map(|anchor| parse(anchor));
        named.filter(|anchor| anchor.subject().as_raw() == issuer).max_by_key(not_after)
    }

    /// Whether a trusted certificate has this name in another encoding.
    pub(crate) fn name_differently(&self, issuer: &X509Name<'_>) -> bool {
        let mut anchors = self.certificates.iter().filter_map(|anchor| parse(anchor));
        anchors.any(|anchor| differ_in_encoding(anchor.subject(), issuer))
    }

    /// Whether more than half of the trusted certificates have expired, which means that the clock is
    /// wrong: an authority is replaced long before it expires.
    pub(crate) fn mostly_expired(&self, now: Timestamp) -> bool {
        let expired = self
            .certificates
            .iter()
            .filter_map(|anchor| parse(anchor))
            .filter(|anchor| not_after(anchor) < now)
            .count();
        self.certificates.len() >= MANY && expired * 2 > self.certificates.len()
    }
}

/// The smallest store in which the share of expired authorities means something.
const MANY: usize = 20;

/// The path from the leaf of a chain to a trusted certificate: indices in the chain, and the trusted
/// one if it is known by name.
struct Path<'a> {
    places: Vec<usize>,
    anchor: Option<X509Certificate<'a>>,
}

impl Path<'_> {
    /// Follows the issuers by name: a trusted one before one that was sent, and of several that were
    /// sent one that may issue certificates, and of these the one that is valid longest. This reproduces the path
    /// that was verified.
    fn of<'a>(chain: &[Option<X509Certificate<'_>>], anchors: &'a Anchors) -> Path<'a> {
        let mut path = Path { places: Vec::new(), anchor: None };
        let mut next = chain.first().is_some_and(Option::is_some).then_some(0);
        while let Some(place) = next {
            path.places.push(place);
            let Some(certificate) = &chain[place] else { break };
            let issuer = certificate.issuer().as_raw();
            path.anchor = anchors.named(issuer);
            if path.anchor.is_some() || issuer == certificate.subject().as_raw() {
                break;
            }
            let sent = chain.iter().enumerate().filter_map(|(place, sent)| Some((place, sent.as_ref()?)));
            let issuers = sent.filter(|(at, sent)| !path.places.contains(at) && sent.subject().as_raw() == issuer);
            next = issuers.max_by_key(|(_, sent)| (may_issue(sent), not_after(sent))).map(|(place, _)| place);
        }
        path
    }
}

/// Parses a certificate; none if it is not valid.
pub(crate) fn parse<'a>(certificate: &'a CertificateDer<'_>) -> Option<X509Certificate<'a>> {
    parse_x509_certificate(certificate).ok().map(|(_, certificate)| certificate)
}

/// The trusted certificate at the end of the path, if it is known.
pub(crate) fn anchor<'c>(chain: &[CertificateDer<'_>], anchors: &'c Anchors) -> Option<X509Certificate<'c>> {
    Path::of(&chain.iter().take(CHAIN).map(|each| parse(each)).collect::<Vec<_>>(), anchors).anchor
}

/// The certificates on the path from the leaf up, without the trusted one.
pub(crate) fn path<'c>(chain: &'c [CertificateDer<'_>], anchors: &Anchors) -> Vec<X509Certificate<'c>> {
    let mut parsed: Vec<Option<X509Certificate<'c>>> = chain.iter().take(CHAIN).map(|each| parse(each)).collect();
    let places = Path::of(&parsed, anchors).places;
    places.into_iter().filter_map(|place| parsed[place].take()).collect()
}

fn leaf_facts(chain: &[CertificateDer<'_>], redactor: &Redactor) -> Option<CertificateFacts> {
    let leaf = chain.first()?;
    let certificate = parse(leaf)?;
    let (names, names_total) = names(&certificate, redactor);
    Some(CertificateFacts {
        subject: subject(&certificate, redactor),
        issuer: redactor.clean(&certificate.issuer().to_string(), NAME_LIMIT),
        names,
        names_total,
        not_before: not_before(&certificate),
        not_after: not_after(&certificate),
        sha256: fingerprint(leaf),
        chain_length: chain.len(),
    })
}

fn chain_facts(chain: &[CertificateDer<'_>], anchors: &Anchors, redactor: &Redactor) -> Vec<ChainCertificate> {
    let parsed: Vec<Option<X509Certificate<'_>>> = chain.iter().take(CHAIN).map(|each| parse(each)).collect();
    let path = Path::of(&parsed, anchors);
    let role = |place, certificate: &CertificateDer<'_>| match place {
        0 => CertificateRole::Leaf,
        _ if anchors.contain(certificate) => CertificateRole::Anchor,
        place if path.places.contains(&place) => CertificateRole::Intermediate,
        _ => CertificateRole::Unused,
    };
    let mut facts: Vec<ChainCertificate> = Vec::with_capacity(chain.len() + 1);
    for (place, (certificate, sent)) in parsed.iter().zip(chain).enumerate() {
        if let Some(certificate) = certificate {
            facts.push(of_chain(certificate, fingerprint(sent), role(place, sent), redactor));
        }
    }
    if let Some(anchor) = &path.anchor {
        let fingerprint = fingerprint(anchor.as_raw());
        if !facts.iter().any(|facts| facts.sha256 == fingerprint) {
            facts.push(of_chain(anchor, fingerprint, CertificateRole::Anchor, redactor));
        }
    }
    facts
}

fn of_chain(
    certificate: &X509Certificate<'_>,
    sha256: String,
    role: CertificateRole,
    redactor: &Redactor,
) -> ChainCertificate {
    ChainCertificate {
        role,
        subject: subject(certificate, redactor),
        not_before: not_before(certificate),
        not_after: not_after(certificate),
        sha256,
    }
}

/// SHA-256 of a certificate, hexadecimal.
fn fingerprint(certificate: &[u8]) -> String {
    hexadecimal(&Sha256::digest(certificate))
}

fn subject(certificate: &X509Certificate<'_>, redactor: &Redactor) -> SafeText {
    redactor.clean(&certificate.subject().to_string(), NAME_LIMIT)
}

/// The instant from which a certificate is valid.
pub(crate) fn not_before(certificate: &X509Certificate<'_>) -> Timestamp {
    instant(certificate.validity().not_before.timestamp())
}

/// The instant until which a certificate is valid.
pub(crate) fn not_after(certificate: &X509Certificate<'_>) -> Timestamp {
    instant(certificate.validity().not_after.timestamp())
}

/// Whether the leaf names itself as its issuer.
pub(crate) fn is_self_signed(chain: &[CertificateDer<'_>]) -> bool {
    let leaf = chain.first().and_then(|leaf| parse(leaf));
    leaf.is_some_and(|certificate| certificate.subject().as_raw() == certificate.issuer().as_raw())
}

/// Verifies that a certificate is for a name. A trailing dot in a name of the certificate is ignored, as in browsers
/// and curl; the verifier would ignore the whole name.
///
/// # Errors
/// The certificate is not for the name, or cannot be parsed.
pub(crate) fn verify_name(leaf: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), rustls::Error> {
    let verdict = verify_server_name(&ParsedCertificate::try_from(leaf)?, name);
    match name {
        ServerName::DnsName(name) if verdict.is_err() && has_with_dot(leaf, name.as_ref()) => Ok(()),
        _ => verdict,
    }
}

fn has_with_dot(leaf: &CertificateDer<'_>, name: &str) -> bool {
    let names = parse(leaf).map(|leaf| all_names(&leaf)).unwrap_or_default();
    let name = name.strip_suffix('.').unwrap_or(name);
    // A wildcard stands for one label, and at least two labels must follow.
    let behind_first = name.split_once('.').map(|(_, rest)| rest).filter(|rest| rest.contains('.'));
    names.iter().filter_map(|own| own.strip_suffix('.')).any(|own| match own.strip_prefix("*.") {
        Some(rest) => behind_first.is_some_and(|behind| behind.eq_ignore_ascii_case(rest)),
        None => own.eq_ignore_ascii_case(name),
    })
}

/// Which names the leaf of a chain is for instead of this one, for a message.
pub(crate) fn other_names(chain: &[CertificateDer<'_>], name: &str) -> String {
    let leaf = chain.first().and_then(|leaf| parse(leaf));
    let names = leaf.as_ref().map(all_names).unwrap_or_default();
    let common = leaf.as_ref().and_then(|leaf| leaf.subject().iter_common_name().next()?.as_str().ok());
    match (names.len(), common) {
        (0, Some(common)) => {
            format!("but for no alternative name (SAN), and its common name `{common}` does not count")
        }
        (0, None) => "but for no name".to_owned(),
        _ if names.iter().any(|other| other == name) => "but for a host that is named like this address".to_owned(),
        (total, _) if total > NAMES => format!("but for {} and {} more", names[..NAMES].join(", "), total - NAMES),
        _ => format!("but for {}", names.join(", ")),
    }
}

/// Clamps dates outside the calendar to its ends.
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
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

    use super::*;

    fn params(name: &str, year: i32, is_ca: bool) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_after = rcgen::date_time_ymd(year, 1, 1);
        if is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        params
    }

    fn key() -> KeyPair {
        KeyPair::generate().expect("a key")
    }

    #[test]
    fn nonsense_is_no_certificate_and_dates_past_the_calendar_are_held() {
        let nonsense = [CertificateDer::from(vec![0x30, 0x82, 0xff, 0xff])];
        assert_eq!(Anchors::default().facts(&nonsense, &Redactor::default()), ChainFacts::default());
        assert!(!is_self_signed(&nonsense));
        assert_eq!(instant(i64::MAX), Timestamp::MAX);
        assert_eq!(instant(i64::MIN), Timestamp::MIN);
    }

    #[test]
    fn each_certificate_has_its_role_and_the_anchor_is_told_of_though_it_was_not_sent() {
        let root = CertifiedIssuer::self_signed(params("root", 2040, true), key()).expect("a root");
        let middle = CertifiedIssuer::signed_by(params("middle", 2030, true), key(), &root).expect("an intermediate");
        let old = CertifiedIssuer::self_signed(params("old root", 2020, true), key()).expect("another root");
        // The same authority, cross-signed by the old root: sent, and not needed.
        let crossed = params("root", 2020, true).signed_by(&key(), &old).expect("a cross-signed one");
        let leaf = params("leaf", 2027, false).signed_by(&key(), &middle).expect("a leaf");
        let chain = [leaf.der().clone(), middle.der().clone(), crossed.der().clone()];
        let anchors = Anchors::new(vec![old.der().clone(), root.der().clone()]);
        let facts = anchors.facts(&chain, &Redactor::default());
        let told: Vec<(CertificateRole, &str)> =
            facts.chain.iter().map(|facts| (facts.role, facts.subject.as_str())).collect();
        assert_eq!(
            told,
            [
                (CertificateRole::Leaf, "CN=leaf"),
                (CertificateRole::Intermediate, "CN=middle"),
                (CertificateRole::Unused, "CN=root"),
                (CertificateRole::Anchor, "CN=root"),
            ]
        );
        assert_eq!(path(&chain, &anchors).len(), 2);
    }

    #[test]
    fn a_chain_that_was_seen_before_is_not_shown_with_secrets_that_were_captured_since() {
        let leaf = CertifiedIssuer::self_signed(params("pa55word-and-more", 2030, true), key()).expect("a leaf");
        let (chain, anchors) = ([leaf.der().clone()], Anchors::default());
        let told = |redactor: &Redactor| anchors.facts(&chain, redactor).chain[0].subject.as_str().to_owned();
        assert_eq!(told(&Redactor::default()), "CN=pa55word-and-more");
        assert_eq!(told(&Redactor::default()), "CN=pa55word-and-more");
        let redactor = Redactor::new([crate::model::Secret::new("pa55word-and-more")]);
        assert!(!told(&redactor).contains("pa55word"));
        assert!(!told(&redactor).contains("pa55word"));
    }

    #[test]
    fn certificates_that_issue_each_other_end_the_path() {
        let one = CertifiedIssuer::self_signed(params("one", 2030, true), key()).expect("one");
        let two = CertifiedIssuer::signed_by(params("two", 2030, true), key(), &one).expect("two");
        let back = params("one", 2031, true).signed_by(&key(), &two).expect("one again");
        let leaf = params("leaf", 2030, false).signed_by(&key(), &two).expect("a leaf");
        let chain = [leaf.der().clone(), two.der().clone(), back.der().clone()];
        assert_eq!(path(&chain, &Anchors::default()).len(), 3);
    }

    #[test]
    fn a_clock_far_ahead_is_told_by_the_store() {
        let root = |year| CertifiedIssuer::self_signed(params("r", year, true), key()).expect("a root").der().clone();
        let store = Anchors::new((0..20).map(|n| root(2030 + n)).collect());
        let at = |year: i32| format!("{year}-06-01T00:00:00Z").parse::<Timestamp>().expect("an instant");
        assert!(!store.mostly_expired(at(2035)));
        assert!(store.mostly_expired(at(2045)));
        assert!(!Anchors::new(vec![root(2030)]).mostly_expired(at(2045)), "one says nothing");
    }
}
