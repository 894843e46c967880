//! Why certificates are refused → a failure class and one sentence that names the certificate, and
//! whether it is the target's fault or something that this prober does not support.

mod sentence;
mod signature;
mod validity;

use jiff::Timestamp;
use rustls::CertificateError;
use x509_parser::prelude::X509Version;

use super::chain_rules::{differ_in_encoding, may_issue, may_serve, unjudged_constraint, violated_directory};
use super::names;
use super::presented_chain::PresentedChain;
use crate::engine::tls::certificate::{anchor, is_self_signed, not_after, not_before, other_names, parse};
use crate::model::{FailureClass, message};
use sentence::{day, invalid, name_of, refused, text, unsupported};

pub(crate) use sentence::Refusal;

impl PresentedChain<'_> {
    /// Turns an error of the verifier into a refusal.
    pub(super) fn refusal(&self, error: &CertificateError) -> Refusal {
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => validity::expired(self),
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                validity::not_yet_valid(self)
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                let others = other_names(self.chain, self.name);
                refused(
                    FailureClass::TlsCertNameMismatch,
                    message!("the certificate is not for {} {others}", self.name),
                )
            }
            CertificateError::Revoked => {
                refused(FailureClass::TlsCertRevoked, "the certificate is revoked: it is on the list of tls.crl-file")
            }
            CertificateError::UnknownIssuer => self.untrusted(),
            CertificateError::UnhandledCriticalExtension => self.critical_extension(),
            CertificateError::UnsupportedSignatureAlgorithmContext { signature_algorithm_id, .. } => {
                signature::signed_with(names::algorithm(signature_algorithm_id), signature_algorithm_id)
            }
            CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id,
                public_key_algorithm_id,
            } => signature::key_for(public_key_algorithm_id, signature_algorithm_id),
            CertificateError::BadSignature => signature::bad(self),
            CertificateError::BadEncoding => self.bad_encoding(),
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
                invalid("it is not meant for servers (extended key usage)")
            }
            CertificateError::UnknownRevocationStatus => invalid("its revocation status is not known"),
            CertificateError::InvalidOcspResponse => invalid("the OCSP response beside it is not valid"),
            CertificateError::Other(other) => match other.0.downcast_ref::<webpki::Error>() {
                Some(error) => self.by_rule(error),
                None => invalid("it is refused"),
            },
            _ => invalid("it is refused"),
        }
    }

    /// Why a chain that the verifier accepts is refused nevertheless, as in browsers and curl.
    pub(super) fn misuse(&self) -> Option<Refusal> {
        let (leaf, others) = self.chain.split_first()?;
        if !may_serve(&parse(leaf)?) {
            return Some(invalid("it is not meant for servers (key usage)"));
        }
        // Each handshake comes here, and to follow the path all trusted certificates are searched.
        if others.iter().filter_map(parse).all(|other| may_issue(&other)) {
            return None;
        }
        let path = self.path();
        let issuer = path.iter().skip(1).find(|issuer| !may_issue(issuer))?;
        Some(invalid(message!("its issuer {} may not issue certificates (key usage)", name_of(issuer))))
    }

    fn untrusted(&self) -> Refusal {
        let path = self.path();
        let Some(top) = path.last() else { return invalid("its encoding is not valid") };
        let issuer = text(&top.issuer().to_string());
        if let Some(why) = self.without_store {
            let message = message!(
                "the certificate's issuer {issuer} is not among the built-in authorities, and this host has none of its own: {why}"
            );
            return refused(FailureClass::ProberResources, message);
        }
        let mut sent = self.chain.iter().filter_map(|sent| parse(sent));
        if self.anchors.name_differently(top.issuer())
            || sent.any(|sent| differ_in_encoding(sent.subject(), top.issuer()))
        {
            return unsupported(message!(
                "the name of the issuer {issuer} has another encoding than that authority's own"
            ));
        }
        let message = match (top.subject().as_raw() == top.issuer().as_raw(), path.len(), self.chain.len()) {
            (true, 1, _) => "the certificate is self-signed".into(),
            (true, _, _) => message!("the authority {issuer} is not trusted"),
            (false, 1, 1) => message!(
                "the certificate's issuer {issuer} is unknown: a private authority, or an intermediate is missing: the server sent no other certificate"
            ),
            (false, ..) => message!(
                "the issuer {issuer} of {} is unknown: a private authority, or an intermediate is missing",
                name_of(top)
            ),
        };
        refused(FailureClass::TlsCertUntrusted, message)
    }

    fn critical_extension(&self) -> Refusal {
        for certificate in self.path() {
            let critical = certificate.extensions().iter().filter(|extension| extension.critical);
            let mut unknown =
                critical.map(|extension| extension.oid.to_id_string()).filter(|oid| !names::is_known(oid));
            let Some(oid) = unknown.next() else { continue };
            let owner = name_of(&certificate);
            return match names::extension(&oid) {
                Some((name, true)) => refused(
                    FailureClass::ProberUnsupported,
                    message!(
                        "the certificate {owner} has the critical extension {name} ({oid}), which this prober does not support"
                    ),
                ),
                Some((name, false)) => invalid(message!("{owner} has the critical extension {name} ({oid})")),
                None => invalid(message!("{owner} has the critical extension {oid}, which a client must understand")),
            };
        }
        invalid("it has a critical extension that is not understood")
    }

    /// An encoding that the verifier does not read: it knows no date before 1970.
    fn bad_encoding(&self) -> Refusal {
        let path = self.path();
        match path.iter().find(|certificate| not_before(certificate) < Timestamp::UNIX_EPOCH) {
            Some(_) if path.iter().any(|certificate| not_after(certificate) < self.now) => validity::expired(self),
            Some(old) => unsupported(message!(
                "the certificate {} is valid from {}, a date before 1970",
                name_of(old),
                day(not_before(old))
            )),
            None => invalid("its encoding is not valid"),
        }
    }

    fn name_constraints(&self) -> Refusal {
        let mut path = self.path();
        path.extend(anchor(self.chain, self.anchors));
        let mut issuers = path.iter().enumerate().skip(1);
        if let Some((issuer, named)) =
            issuers.find_map(|(place, issuer)| Some((issuer, violated_directory(issuer, &path[..place])?)))
        {
            let (issuer, named) = (name_of(issuer), name_of(named));
            return invalid(message!("its issuer {issuer} may not issue for the name {named} (name constraints)"));
        }
        match path.iter().skip(1).find_map(|issuer| Some((issuer, unjudged_constraint(issuer)?))) {
            Some((issuer, kind)) => {
                unsupported(message!("the certificate of {} has name constraints for {kind}", name_of(issuer)))
            }
            None => invalid("its issuer may not issue for this name (name constraints)"),
        }
    }

    /// A certificate of a version before names and purposes were part of it.
    fn version(&self) -> Refusal {
        let path = self.path();
        match path.iter().skip(1).find(|issuer| issuer.version() != X509Version::V3) {
            Some(issuer) => invalid(message!("its issuer {} is of X.509 version 1, and no authority", name_of(issuer))),
            None => invalid("it is of X.509 version 1, which has no names to check"),
        }
    }

    fn by_rule(&self, error: &webpki::Error) -> Refusal {
        match error {
            webpki::Error::CaUsedAsEndEntity if is_self_signed(self.chain) => self.untrusted(),
            webpki::Error::CaUsedAsEndEntity => {
                unsupported("the server's certificate is that of an authority (CA:TRUE)")
            }
            webpki::Error::UnsupportedCriticalExtension => self.critical_extension(),
            webpki::Error::EndEntityUsedAsCa => invalid("its issuer is not an authority (CA:FALSE)"),
            webpki::Error::NameConstraintViolation => self.name_constraints(),
            webpki::Error::PathLenConstraintViolated => {
                invalid("its chain is longer than an issuer allows (path length)")
            }
            webpki::Error::MaximumPathDepthExceeded
            | webpki::Error::MaximumPathBuildCallsExceeded
            | webpki::Error::MaximumSignatureChecksExceeded
            | webpki::Error::MaximumNameConstraintComparisonsExceeded => unsupported(
                "the certificate's chain is longer (seven intermediates or more) or more complex than is followed",
            ),
            webpki::Error::UnsupportedCertVersion => self.version(),
            webpki::Error::IssuerNotCrlSigner | webpki::Error::InvalidCrlSignatureForPublicKey => {
                invalid("the list of tls.crl-file is not its issuer's")
            }
            _ => invalid("it is refused"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair};
    use rustls::pki_types::CertificateDer;

    use super::*;
    use crate::engine::tls::certificate::Anchors;

    fn certificate(from: i32, until: i32) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["x.test".to_owned()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(from, 1, 1);
        params.not_after = rcgen::date_time_ymd(until, 1, 1);
        params.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").der().clone()
    }

    fn refusal(error: &CertificateError, chain: &[CertificateDer<'_>], anchors: &Anchors, now: &str) -> Refusal {
        let now = now.parse().expect("an instant");
        PresentedChain { chain, anchors, without_store: None, name: "x.test", now }.refusal(error)
    }

    #[test]
    fn a_clock_before_our_own_build_is_to_blame_and_not_the_certificate() {
        let chain = [certificate(2_026, 2_027)];
        let none = Anchors::default();
        let past = refusal(&CertificateError::NotValidYet, &chain, &none, "1970-01-01T00:10:00Z");
        assert_eq!(past.class, FailureClass::ProberClock);
        assert!(past.message.as_str().contains("1970-01-01"), "{past}");
        let chain = [certificate(2_090, 2_091)];
        let early = refusal(&CertificateError::NotValidYet, &chain, &none, "2080-01-01T00:00:00Z");
        assert_eq!(early.class, FailureClass::TlsCertNotYetValid);
        assert!(early.message.as_str().contains("2090-01-01"), "{early}");
    }

    #[test]
    fn a_clock_by_which_most_authorities_have_expired_is_to_blame() {
        let store = Anchors::new((0..20).map(|n| certificate(2_000, 2_040 + n)).collect());
        let chain = [certificate(2_026, 2_027)];
        let far = refusal(&CertificateError::Expired, &chain, &store, "2070-01-01T00:00:00Z");
        assert_eq!(far.class, FailureClass::ProberClock);
        let near = refusal(&CertificateError::Expired, &chain, &store, "2030-01-01T00:00:00Z");
        assert_eq!(near.class, FailureClass::TlsCertExpired);
        assert!(near.message.as_str().contains("2027-01-01"), "{near}");
    }

    #[test]
    fn without_a_store_an_unknown_issuer_says_nothing() {
        let chain = [certificate(2_000, 2_040)];
        let now = "2026-06-01T00:00:00Z".parse().expect("an instant");
        let anchors = Anchors::default();
        let presented = PresentedChain {
            chain: &chain,
            anchors: &anchors,
            without_store: Some("SSL_CERT_FILE is /x"),
            name: "x.test",
            now,
        };
        let refusal = presented.refusal(&CertificateError::UnknownIssuer);
        assert_eq!(refusal.class, FailureClass::ProberResources);
        assert!(refusal.message.as_str().contains("/x"), "{refusal}");
    }

    #[test]
    fn what_is_weak_is_the_targets_and_what_is_unknown_is_ours() {
        let unsupported = |oid: &[u8]| CertificateError::UnsupportedSignatureAlgorithmContext {
            signature_algorithm_id: oid.to_vec(),
            supported_algorithms: Vec::new(),
        };
        let none = Anchors::default();
        let refuse = |oid: &[u8]| refusal(&unsupported(oid), &[], &none, "2026-06-01T00:00:00Z");
        let sha1 = refuse(&[6, 9, 42, 134, 72, 134, 247, 13, 1, 1, 5, 5, 0]);
        assert_eq!(sha1.class, FailureClass::TlsCertInvalid);
        assert!(sha1.message.as_str().contains("SHA-1"), "{sha1}");
        let unknown = refuse(&[6, 3, 43, 101, 113]);
        assert_eq!(unknown.class, FailureClass::ProberUnsupported);
        assert!(unknown.message.as_str().contains("Ed448"), "{unknown}");
        assert!(refuse(&[6, 3, 0x88, 0x37, 3]).message.as_str().contains("2.999.3"));
    }
}
