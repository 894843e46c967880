//! The series of a probe and of its last check, as `blackbox_exporter` has them.

use std::borrow::Cow;
use std::sync::Arc;

use super::family::{self, Family};
use super::series::{Identity, Series, Subject, Value, info};
use crate::model::{
    CertificateRole, Mismatch, Outcome, Phase, Probe, Protocol, SafeText, Shard, TlsFacts, Verdict, ip_version,
};

/// What a probe checks, for joins: `… * on (probe) group_left (url) uptick_probe_info`.
#[must_use]
pub fn of_probe(probe: &Probe, vantage: &str, shard: Option<Shard>) -> Series<'static> {
    let subject = Subject { vantage, probe: &probe.name, surface: &probe.surface, control: probe.control };
    let of = Arc::new(Identity::new(subject, shard));
    info(&family::PROBE_INFO, &of, &[("url", &probe.shown_url()), ("tags", &probe.tags.join(","))])
}

/// The series of a probe's last check, as `blackbox_exporter` has them. A check that could not be judged has none: its
/// success is neither 0 nor 1.
#[must_use]
pub(crate) fn of_outcome(outcome: &Outcome, shard: Option<Shard>) -> Vec<Series<'static>> {
    let success = match outcome.verdict {
        Verdict::Up => 1.0,
        Verdict::Down => 0.0,
        Verdict::Unknown | Verdict::Missed => return Vec::new(),
    };
    let Outcome { vantage, probe, surface, control, .. } = outcome;
    let of = Arc::new(Identity::new(Subject { vantage, probe, surface, control: *control }, shard));
    let gauge =
        |family, value| Series { family, of: Arc::clone(&of), more_labels: Vec::new(), value: Value::Number(value) };
    let mut all = vec![
        gauge(&family::SUCCESS, success),
        gauge(&family::LAST_DURATION, outcome.timings.total.as_secs_f64()),
        gauge(&family::LAST_CHECK, seconds(outcome.started_at)),
        gauge(&family::REDIRECTS, small(outcome.redirects.iter().filter(|hop| is_redirect(hop.status)).count())),
    ];
    let version = outcome.http_version.and_then(|version| version.name().parse().ok());
    let answered = outcome.status.map(|_| ());
    let is_regex = outcome.failure.iter().flat_map(|failure| &failure.mismatches).any(is_of_text);
    let body = usize::try_from(outcome.body_bytes).unwrap_or(usize::MAX);
    let protocol = protocol_of(outcome);
    let sections = outcome.dns.as_ref().and_then(|dns| dns.sections);
    for (family, value) in [
        (&family::STATUS, outcome.status.map(f64::from)),
        (&family::HTTP_VERSION, version),
        (&family::SSL, answered.map(|()| f64::from(u8::from(outcome.tls.is_some())))),
        (&family::CONTENT_LENGTH, answered.map(|()| outcome.content_length.map_or(-1.0, bytes))),
        (&family::BODY_LENGTH, answered.map(|()| small(body))),
        (&family::FAILED_DUE_TO_REGEX, answered.map(|()| f64::from(u8::from(is_regex)))),
        (&family::IP_PROTOCOL, outcome.remote.map(|remote| f64::from(ip_version(remote.ip())))),
        (&family::CERT_EXPIRY, outcome.tls.as_ref().and_then(earliest_expiry)),
        (&family::CHAIN_EXPIRY, outcome.tls.as_ref().and_then(chain_expiry)),
        (&family::DNS_TIME, outcome.timings.resolve.map(|time| time.as_secs_f64())),
        (&family::DNS_QUERY_SUCCEEDED, (protocol == Protocol::Dns).then(|| f64::from(u8::from(outcome.dns.is_some())))),
        (&family::DNS_ANSWER_RRS, sections.map(|sections| f64::from(sections.answer))),
        (&family::DNS_AUTHORITY_RRS, sections.map(|sections| f64::from(sections.authority))),
        (&family::DNS_ADDITIONAL_RRS, sections.map(|sections| f64::from(sections.additional))),
        (&family::DNS_SERIAL, outcome.dns.as_ref().and_then(|dns| dns.serial).map(f64::from)),
        (&family::GRPC_STATUS, outcome.grpc_status.map(f64::from)),
        (&family::GRPC_SERVING, (protocol == Protocol::Grpc).then_some(success)),
    ] {
        all.extend(value.map(|value| gauge(family, value)));
    }
    for phase in Phase::ALL {
        if let Some(time) = outcome.timings.phase(phase) {
            let more_labels = vec![("phase", Cow::Borrowed(phase.name()))];
            all.push(Series { more_labels, ..gauge(phase_family(protocol), time.as_secs_f64()) });
        }
    }
    if let Some(tls) = &outcome.tls {
        all.extend(of_connection(tls, &of));
    }
    all
}

/// The TLS version and cipher of the last connection, and the server's certificate.
fn of_connection(tls: &TlsFacts, of: &Arc<Identity>) -> impl Iterator<Item = Series<'static>> {
    let version =
        tls.version.as_ref().map(|version| info(&family::TLS_VERSION, of, &[("version", &format!("TLS {version}"))]));
    let cipher = tls.cipher.as_ref().map(|cipher| info(&family::TLS_CIPHER, of, &[("cipher", cipher)]));
    let certificate = tls.certificate.as_ref().map(|certificate| {
        let names = certificate.names.iter().map(SafeText::as_str).collect::<Vec<_>>().join(",");
        let labels = [
            ("fingerprint_sha256", certificate.sha256.as_str()),
            ("issuer", certificate.issuer.as_str()),
            ("subject", certificate.subject.as_str()),
            ("subjectalternative", &names),
        ];
        info(&family::CHAIN_INFO, of, &labels)
    });
    [version, cipher, certificate].into_iter().flatten()
}

/// The earliest expiry of the certificates that the server sent.
fn earliest_expiry(tls: &TlsFacts) -> Option<f64> {
    let sent = tls.chain.iter().filter(|certificate| certificate.role != CertificateRole::Anchor);
    let leaf = tls.certificate.iter().map(|certificate| certificate.not_after);
    sent.map(|certificate| certificate.not_after).chain(leaf).min().map(seconds)
}

/// The earliest expiry on the leaf's path of trust; none if it is not trusted.
fn chain_expiry(tls: &TlsFacts) -> Option<f64> {
    let on_path = tls.chain.iter().filter(|certificate| certificate.role.is_on_path());
    on_path.map(|certificate| certificate.not_after).min().filter(|_| tls.verified).map(seconds)
}

/// Whether a rule is about the text of a body or of a header, which `blackbox_exporter` calls regex.
fn is_of_text(unmet: &Mismatch) -> bool {
    ["body-", "header"].iter().any(|start| unmet.assertion.starts_with(start))
}

/// The protocol of the last check, as its answer shows it, or else its URL.
fn protocol_of(outcome: &Outcome) -> Protocol {
    match (&outcome.dns, outcome.grpc_status, &outcome.evidence) {
        (Some(_), _, _) => Protocol::Dns,
        (None, Some(_), _) => Protocol::Grpc,
        (None, None, Some(evidence)) => Protocol::of_url(evidence.url.as_str()),
        (None, None, None) => Protocol::Http,
    }
}

/// The family of the last check's phases: `blackbox_exporter` has one for each kind of check.
fn phase_family(protocol: Protocol) -> &'static Family {
    match protocol {
        Protocol::Dns => &family::DNS_PHASE_DURATION,
        Protocol::Grpc => &family::GRPC_PHASE_DURATION,
        _ => &family::LAST_PHASE_DURATION,
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a date stay far below 2^52")]
fn seconds(instant: jiff::Timestamp) -> f64 {
    instant.as_millisecond() as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a length that a header names is shown as it can be")]
fn bytes(length: u64) -> f64 {
    length as f64
}

/// Whether a round led elsewhere: one that asks for a Digest answer is sent again to the same URL.
const fn is_redirect(status: u16) -> bool {
    matches!(status, 300..400)
}

#[expect(clippy::cast_precision_loss, reason = "redirects and bodies are limited far below 2^52")]
fn small(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Check, DnsFacts, DnsSections, Evidence, Failure, FailureClass, Hop};

    /// The metrics of the last check of a probe that is down, with or without a DNS answer.
    fn names_of(url: &str, dns: Option<DnsFacts>) -> Vec<(&'static str, f64)> {
        let probe = Arc::new(Probe::plain("zone", "web", url, Probe::INTERVAL));
        let check = Check { probe, scheduled_at: jiff::Timestamp::UNIX_EPOCH, lag: Duration::ZERO };
        let failure = Failure::new(FailureClass::DnsTimeout, Some(Phase::Processing), SafeText::message("silent"));
        let mut outcome = Outcome::without_measurement(&check, "here", check.scheduled_at, failure);
        outcome.timings.processing = Some(Duration::from_secs(1));
        outcome.evidence = Some(Evidence { url: SafeText::clean(url, 100), ..Evidence::default() });
        outcome.dns = dns;
        let number = |series: Series<'_>| match series.value {
            Value::Number(number) => Some((series.family.name, number)),
            _ => None,
        };
        of_outcome(&outcome, None).into_iter().filter_map(number).collect()
    }

    #[test]
    fn a_challenge_that_was_answered_is_no_redirect() {
        let probe = Arc::new(Probe::plain("home", "web", "http://x.test/", Probe::INTERVAL));
        let check = Check { probe, scheduled_at: jiff::Timestamp::UNIX_EPOCH, lag: Duration::ZERO };
        let failure = Failure::new(FailureClass::Status, None, SafeText::message("500"));
        let mut outcome = Outcome::without_measurement(&check, "here", check.scheduled_at, failure);
        let hop = |status| Hop {
            url: SafeText::clean("http://x.test/", 100),
            status,
            location: SafeText::default(),
            method: "GET".to_owned(),
            remote: None,
            timings: crate::model::Timings::default(),
            tls: None,
        };
        outcome.redirects = vec![hop(401), hop(302)];
        let all = of_outcome(&outcome, None);
        let redirects =
            all.iter().find(|series| series.family.name == "probe_http_redirects").map(|series| &series.value);
        assert!(matches!(redirects, Some(Value::Number(number)) if (*number - 1.0).abs() < f64::EPSILON));
    }

    #[test]
    fn the_sections_of_an_answer_are_counted_as_blackbox_exporter_counts_them() {
        let facts = DnsFacts {
            rcode: "NOERROR".to_owned(),
            authoritative: true,
            records_total: 1,
            records: Vec::new(),
            ttl_seconds: None,
            sections: Some(DnsSections { answer: 2, authority: 3, additional: 4 }),
            serial: Some(u32::MAX),
        };
        let named = names_of("dns:///x.test?type=SOA", Some(facts));
        for (name, number) in [
            ("probe_dns_query_succeeded", 1.0),
            ("probe_dns_answer_rrs", 2.0),
            ("probe_dns_authority_rrs", 3.0),
            ("probe_dns_additional_rrs", 4.0),
            ("probe_dns_serial", 4_294_967_295.0),
            ("probe_dns_duration_seconds", 1.0),
        ] {
            assert!(named.contains(&(name, number)), "{name}: {named:?}");
        }
    }

    #[test]
    fn a_check_without_an_answer_stays_in_the_families_of_its_protocol() {
        let silent = names_of("dns:///x.test", None);
        assert!(silent.contains(&("probe_dns_query_succeeded", 0.0)), "{silent:?}");
        assert!(silent.contains(&("probe_dns_duration_seconds", 1.0)), "{silent:?}");
        assert!(!silent.iter().any(|(name, _)| name.ends_with("_rrs") || *name == "probe_dns_serial"), "{silent:?}");
        let refused = names_of("grpcs://x.test:443", None);
        assert!(refused.contains(&("probe_grpc_healthcheck_response", 0.0)), "{refused:?}");
        assert!(refused.contains(&("probe_grpc_duration_seconds", 1.0)), "{refused:?}");
        let page = names_of("https://x.test/", None);
        assert!(page.contains(&("probe_http_duration_seconds", 1.0)), "{page:?}");
        assert!(!page.iter().any(|(name, _)| name.contains("dns_") || name.contains("grpc")), "{page:?}");
    }
}
