//! Rules for the certificates of a server.

use rustls::pki_types::ServerName;
use url::Url;

use crate::engine::expectation::judge::{Judge, ReceivedResponse};
use crate::engine::tls::certificate::verify_name;
use crate::model::{CertificateFacts, CertificateRole, MessageText, SafeText, TlsFacts, Value, message};

impl Judge<'_> {
    /// Requires this many days of every certificate on the path, at every hop: the first that expires
    /// stops a visitor.
    pub(crate) fn certificate_days(&mut self, days: u32, received: &ReceivedResponse<'_>) {
        let expected = message!("at least {days} days");
        let Some(last) = received.tls.filter(|tls| tls.certificate.is_some()) else {
            self.miss("certificate-days", expected, "no certificate");
            return;
        };
        let hops = received.hops.iter().filter_map(|hop| Some((host_of(hop.url.as_str()), hop.tls.as_ref()?)));
        let all = hops.chain([(host_of(received.url.as_str()), last)]);
        let certificates = all.flat_map(|(host, tls)| tls.chain.iter().map(move |of_chain| (host.clone(), of_chain)));
        let first = certificates
            .filter(|(_, certificate)| certificate.role.is_on_path())
            .min_by_key(|(_, certificate)| certificate.not_after);
        let Some((host, certificate)) = first else { return };
        let left = certificate.not_after.duration_since(received.now).as_secs().div_euclid(24 * 60 * 60);
        if left < i64::from(days) {
            let what = match certificate.role {
                CertificateRole::Leaf => "the certificate",
                CertificateRole::Intermediate => "the intermediate",
                CertificateRole::Anchor => "the trusted authority",
                CertificateRole::Unused => "a certificate",
            };
            let actual =
                message!("{left} days left of ").then(what).then(message!(" {} of {host}", certificate.subject));
            self.miss("certificate-days", expected, actual);
        }
    }

    pub(crate) fn certificate_issuer(&mut self, wanted: &[Value], tls: Option<&TlsFacts>) {
        let issuer = tls.and_then(|tls| Some(&tls.certificate.as_ref()?.issuer));
        for text in wanted {
            if !issuer.is_some_and(|issuer| issuer.as_str().contains(&self.fill(text))) {
                self.miss(
                    "certificate-issuer",
                    message!("contains {text}"),
                    issuer.map_or("no certificate".into(), MessageText::from),
                );
            }
        }
    }

    /// Whether the certificate is valid for these names, by the same rules as for the URL's host.
    pub(crate) fn certificate_names(&mut self, wanted: &[Value], received: &ReceivedResponse<'_>) {
        for name in wanted {
            let server = ServerName::try_from(self.fill(name)).ok();
            if received.leaf.as_ref().zip(server).is_some_and(|(leaf, name)| verify_name(leaf, &name).is_ok()) {
                continue;
            }
            let certificate = received.tls.and_then(|tls| tls.certificate.as_ref());
            let actual = certificate.map_or_else(|| "no certificate".into(), names_of);
            self.miss("certificate-names", name.to_string(), actual);
        }
    }
}

fn names_of(certificate: &CertificateFacts) -> MessageText {
    let shown: Vec<&str> = certificate.names.iter().map(SafeText::as_str).collect();
    match certificate.names_total - shown.len().min(certificate.names_total) {
        0 => shown.join(", ").into(),
        more => message!("{} and {more} more", shown.join(", ")),
    }
}

/// The host of a URL, for a message.
fn host_of(url: &str) -> String {
    Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| url.to_owned())
}
