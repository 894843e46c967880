//! The exported metrics as data: families, and the series of a window or an outcome. The names are those of
//! `blackbox_exporter` where the meaning is the same; others begin with `uptick_`. Everything written for Prometheus,
//! by scrape, by remote write or to a file, comes from this table.

mod classic;
pub mod open_metrics;
pub mod text;

use std::borrow::Cow;
use std::sync::Arc;

use crate::model::{
    CertificateRole, FailureClass, Mismatch, Outcome, Phase, Probe, Protocol, SafeText, Shard, TlsFacts, Verdict,
    ip_version,
};
use crate::window::{Histogram, Window};

pub use classic::classic;

/// A family of metrics.
#[derive(Debug, PartialEq, Eq)]
pub struct Family {
    /// Its name in Prometheus.
    pub name: &'static str,
    /// Its name in OpenTelemetry, which keeps the unit apart.
    pub otel_name: &'static str,
    /// Its unit, as OpenTelemetry writes it (UCUM).
    pub unit: &'static str,
    /// Its meaning, in one sentence.
    pub help: &'static str,
    /// Its metric type.
    pub kind: MetricKind,
}

/// The metric type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Goes up and down.
    Gauge,
    /// Only goes up.
    Counter,
    /// Counts values in buckets.
    Histogram,
}

/// One series of a family, with its current value.
#[derive(Clone, Debug)]
pub struct Series<'w> {
    /// Its family.
    pub family: &'static Family,
    /// The probe and vantage it is about.
    pub of: Arc<Identity>,
    /// The labels it has beyond those of its identity.
    pub more_labels: Vec<(&'static str, Cow<'static, str>)>,
    /// Its value.
    pub value: Value<'w>,
}

/// The value of a series.
#[derive(Clone, Copy, Debug)]
pub enum Value<'w> {
    /// Of a gauge.
    Number(f64),
    /// Of a counter.
    Count(u64),
    /// Of a histogram.
    Histogram(&'w Histogram),
}

/// The labels that every series of a probe has. They are clean and bounded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The probe's name.
    pub probe: String,
    /// Its surface, or `control` for a control target.
    pub surface: String,
    /// The vantage that the checks are made from.
    pub vantage: String,
    /// The shard of the vantage, if every shard has such a series: for a control target, which all of them check, and
    /// for the prober itself. Other probes belong to one shard, and keep their series when shards are added.
    pub shard: String,
}

/// The probe and vantage of a series, named so that no call can mix them up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) vantage: &'a str,
    pub(crate) probe: &'a str,
    pub(crate) surface: &'a str,
    pub(crate) control: bool,
}

impl Identity {
    /// The labels of a probe, for a vantage or a shard of it.
    pub(crate) fn new(subject: Subject<'_>, shard: Option<Shard>) -> Identity {
        let Subject { vantage, probe, surface, control } = subject;
        let surface = if control { "control" } else { surface };
        let shard = shard.filter(|_| control).map(|shard| shard.to_string()).unwrap_or_default();
        Identity { probe: label(probe), surface: label(surface), vantage: label(vantage), shard }
    }

    /// The labels of a series about the prober itself.
    #[must_use]
    pub fn of_prober(vantage: &str, shard: Option<Shard>) -> Identity {
        let shard = shard.map(|shard| shard.to_string()).unwrap_or_default();
        Identity { probe: String::new(), surface: String::new(), vantage: label(vantage), shard }
    }

    /// The labels in the order of their names. Empty labels are left out.
    pub fn labels(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all =
            [("probe", &self.probe), ("shard", &self.shard), ("surface", &self.surface), ("vantage", &self.vantage)];
        all.into_iter().map(|(name, value)| (name, value.as_str())).filter(|(_, value)| !value.is_empty())
    }
}

impl Series<'_> {
    /// All labels, in the order of their names. Empty labels are left out.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        let more = self.more_labels.iter().map(|(name, value)| (*name, value.as_ref()));
        let mut all: Vec<(&str, &str)> = self.of.labels().chain(more.filter(|(_, value)| !value.is_empty())).collect();
        all.sort_unstable();
        all.into_iter()
    }
}

/// Maximum length of a label value, in characters.
const LABEL_LIMIT: usize = 200;

/// A text as a label value: one clean line. A text that is too long keeps its beginning and gets a checksum of the
/// whole, so that two of them do not become one series.
fn label(text: &str) -> String {
    let clean = SafeText::clean(text, LABEL_LIMIT);
    if clean.as_str().chars().count() <= LABEL_LIMIT {
        return clean.as_str().to_owned();
    }
    let checksum = format!("…{:08x}", crc32fast::hash(text.as_bytes()));
    let kept = LABEL_LIMIT - checksum.chars().count();
    clean.as_str().chars().take(kept).collect::<String>() + &checksum
}

/// The identity of a window that a prober, or a shard, has recorded.
#[must_use]
pub(crate) fn identity_of(window: &Window, shard: Option<Shard>) -> Identity {
    let Window { vantage, probe, surface, control, .. } = window;
    Identity::new(Subject { vantage, probe, surface, control: *control }, shard)
}

/// The series of a window. A phase that never happened has none.
#[must_use]
pub(crate) fn of_window<'w>(window: &'w Window, shard: Option<Shard>) -> Vec<Series<'w>> {
    let of = Arc::new(identity_of(window, shard));
    let mut all = Vec::new();
    let mut add = |family: &'static Family, label: Option<(&'static str, &'static str)>, value: Value<'w>| {
        let more_labels = label.map(|(name, value)| (name, Cow::Borrowed(value))).into_iter().collect();
        all.push(Series { family, of: Arc::clone(&of), more_labels, value });
    };
    let counts = window.counts;
    for (verdict, count) in [
        (Verdict::Up, counts.up),
        (Verdict::Down, counts.down),
        (Verdict::Unknown, counts.unknown),
        (Verdict::Missed, counts.missed),
    ] {
        add(&CHECKS, Some(("verdict", verdict.name())), Value::Count(count));
    }
    for (class, count) in &window.failures {
        add(&FAILURES, Some(("class", FailureClass::name(*class))), Value::Count(*count));
    }
    add(&FLAKY, None, Value::Count(window.flaky));
    add(&DURATION, None, Value::Histogram(&window.latency.total));
    for phase in Phase::ALL {
        let histogram = window.latency.phase(phase);
        if !histogram.is_empty() {
            add(&PHASE_DURATION, Some(("phase", phase.name())), Value::Histogram(histogram));
        }
    }
    add(&FAILED_DURATION, None, Value::Histogram(&window.failed_latency));
    add(&LAG, None, Value::Histogram(&window.lag));
    all
}

/// A zero for each class that a probe can fail with and has not yet: otherwise the first failure would start its series
/// at 1, which shows no increase.
#[must_use]
pub(crate) fn zero_failures(window: &Window, possible: &[FailureClass], shard: Option<Shard>) -> Vec<Series<'static>> {
    let of = Arc::new(identity_of(window, shard));
    let missing = possible.iter().filter(|class| !window.failures.contains_key(class));
    let zero = |class: &FailureClass| Series {
        family: &FAILURES,
        of: Arc::clone(&of),
        more_labels: vec![("class", Cow::Borrowed(class.name()))],
        value: Value::Count(0),
    };
    missing.map(zero).collect()
}

/// What a probe checks, for joins: `… * on (probe) group_left (url) uptick_probe_info`.
#[must_use]
pub fn of_probe(probe: &Probe, vantage: &str, shard: Option<Shard>) -> Series<'static> {
    let subject = Subject { vantage, probe: &probe.name, surface: &probe.surface, control: probe.control };
    let of = Arc::new(Identity::new(subject, shard));
    info(&PROBE_INFO, &of, &[("url", &probe.shown_url()), ("tags", &probe.tags.join(","))])
}

/// A series whose information is in its labels: its value is always 1.
fn info(family: &'static Family, of: &Arc<Identity>, labels: &[(&'static str, &str)]) -> Series<'static> {
    let more_labels = labels.iter().map(|(name, value)| (*name, Cow::Owned(label(value)))).collect();
    Series { family, of: Arc::clone(of), more_labels, value: Value::Number(1.0) }
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
        gauge(&SUCCESS, success),
        gauge(&LAST_DURATION, outcome.timings.total.as_secs_f64()),
        gauge(&LAST_CHECK, seconds(outcome.started_at)),
        gauge(&REDIRECTS, small(outcome.redirects.len())),
    ];
    let version = outcome.http_version.and_then(|version| version.name().parse().ok());
    let answered = outcome.status.map(|_| ());
    let is_regex = outcome.failure.iter().flat_map(|failure| &failure.mismatches).any(is_of_text);
    let body = usize::try_from(outcome.body_bytes).unwrap_or(usize::MAX);
    let protocol = protocol_of(outcome);
    let sections = outcome.dns.as_ref().and_then(|dns| dns.sections);
    for (family, value) in [
        (&STATUS, outcome.status.map(f64::from)),
        (&HTTP_VERSION, version),
        (&SSL, answered.map(|()| f64::from(u8::from(outcome.tls.is_some())))),
        (&CONTENT_LENGTH, answered.map(|()| outcome.content_length.map_or(-1.0, bytes))),
        (&BODY_LENGTH, answered.map(|()| small(body))),
        (&FAILED_DUE_TO_REGEX, answered.map(|()| f64::from(u8::from(is_regex)))),
        (&IP_PROTOCOL, outcome.remote.map(|remote| f64::from(ip_version(remote.ip())))),
        (&CERT_EXPIRY, outcome.tls.as_ref().and_then(earliest_expiry)),
        (&CHAIN_EXPIRY, outcome.tls.as_ref().and_then(chain_expiry)),
        (&DNS_TIME, outcome.timings.resolve.map(|time| time.as_secs_f64())),
        (&DNS_QUERY_SUCCEEDED, (protocol == Protocol::Dns).then(|| f64::from(u8::from(outcome.dns.is_some())))),
        (&DNS_ANSWER_RRS, sections.map(|sections| f64::from(sections.answer))),
        (&DNS_AUTHORITY_RRS, sections.map(|sections| f64::from(sections.authority))),
        (&DNS_ADDITIONAL_RRS, sections.map(|sections| f64::from(sections.additional))),
        (&DNS_SERIAL, outcome.dns.as_ref().and_then(|dns| dns.serial).map(f64::from)),
        (&GRPC_STATUS, outcome.grpc_status.map(f64::from)),
        (&GRPC_SERVING, (protocol == Protocol::Grpc).then_some(success)),
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
    let version = tls.version.as_ref().map(|version| info(&TLS_VERSION, of, &[("version", &format!("TLS {version}"))]));
    let cipher = tls.cipher.as_ref().map(|cipher| info(&TLS_CIPHER, of, &[("cipher", cipher)]));
    let certificate = tls.certificate.as_ref().map(|certificate| {
        let names = certificate.names.iter().map(SafeText::as_str).collect::<Vec<_>>().join(",");
        let labels = [
            ("fingerprint_sha256", certificate.sha256.as_str()),
            ("issuer", certificate.issuer.as_str()),
            ("subject", certificate.subject.as_str()),
            ("subjectalternative", &names),
        ];
        info(&CHAIN_INFO, of, &labels)
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
        Protocol::Dns => &DNS_PHASE_DURATION,
        Protocol::Grpc => &GRPC_PHASE_DURATION,
        _ => &LAST_PHASE_DURATION,
    }
}

/// Sorts series into the order of their families; within a family their order stays.
pub fn sort(all: &mut [Series<'_>]) {
    all.sort_by_key(|series| ALL.iter().position(|family| *family == series.family));
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a date stay far below 2^52")]
fn seconds(instant: jiff::Timestamp) -> f64 {
    instant.as_millisecond() as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "a length that a header names is shown as it can be")]
fn bytes(length: u64) -> f64 {
    length as f64
}

#[expect(clippy::cast_precision_loss, reason = "redirects and bodies are limited far below 2^52")]
fn small(count: usize) -> f64 {
    count as f64
}

macro_rules! families {
    ($($constant:ident $kind:ident $name:literal $otel_name:literal $unit:literal $help:literal;)+) => {
        $(
            #[doc = $help]
            pub static $constant: Family =
                Family { name: $name, otel_name: $otel_name, unit: $unit, help: $help, kind: MetricKind::$kind };
        )+

        /// Every family, in output order.
        pub static ALL: &[&Family] = &[$(&$constant,)+];
    };
}

families! {
    SUCCESS Gauge "probe_success" "probe.success" "" "Whether the last check was up.";
    LAST_DURATION Gauge "probe_duration_seconds" "probe.duration" "s" "How long the last check took.";
    LAST_PHASE_DURATION Gauge "probe_http_duration_seconds" "probe.http.duration" "s" "How long each phase of the last check took, over all redirects.";
    DNS_PHASE_DURATION Gauge "probe_dns_duration_seconds" "probe.dns.duration" "s" "How long each phase of the last DNS query took.";
    DNS_QUERY_SUCCEEDED Gauge "probe_dns_query_succeeded" "probe.dns.query_succeeded" "" "Whether a name server answered the last query.";
    DNS_ANSWER_RRS Gauge "probe_dns_answer_rrs" "probe.dns.answer_rrs" "{record}" "How many records the answer section of the last answer held, aliases included.";
    DNS_AUTHORITY_RRS Gauge "probe_dns_authority_rrs" "probe.dns.authority_rrs" "{record}" "How many records the authority section of the last answer held.";
    DNS_ADDITIONAL_RRS Gauge "probe_dns_additional_rrs" "probe.dns.additional_rrs" "{record}" "How many records the additional section of the last answer held, without the OPT record.";
    DNS_SERIAL Gauge "probe_dns_serial" "probe.dns.serial" "" "The serial number of the zone, where its SOA record was asked for.";
    GRPC_PHASE_DURATION Gauge "probe_grpc_duration_seconds" "probe.grpc.duration" "s" "How long each phase of the last gRPC call took.";
    GRPC_STATUS Gauge "probe_grpc_status_code" "probe.grpc.status_code" "" "The status that the last gRPC call ended with.";
    GRPC_SERVING Gauge "probe_grpc_healthcheck_response" "probe.grpc.healthcheck_response" "" "Whether the last gRPC health check was as expected.";
    DNS_TIME Gauge "probe_dns_lookup_time_seconds" "probe.dns.lookup_time" "s" "How long name lookups took.";
    STATUS Gauge "probe_http_status_code" "probe.http.status_code" "" "The status code of the last answer.";
    HTTP_VERSION Gauge "probe_http_version" "probe.http.version" "" "The HTTP version of the last answer.";
    REDIRECTS Gauge "probe_http_redirects" "probe.http.redirects" "{redirect}" "How many redirects were followed.";
    SSL Gauge "probe_http_ssl" "probe.http.ssl" "" "Whether the last connection was encrypted.";
    CONTENT_LENGTH Gauge "probe_http_content_length" "probe.http.content_length" "" "The content length that the last response named, in bytes; -1 where it named none.";
    BODY_LENGTH Gauge "probe_http_uncompressed_body_length" "probe.http.uncompressed_body_length" "" "How many bytes of the last body were read, after decoding.";
    FAILED_DUE_TO_REGEX Gauge "probe_failed_due_to_regex" "probe.failed_due_to_regex" "" "Whether a rule about the text of the last body or of a header did not hold.";
    IP_PROTOCOL Gauge "probe_ip_protocol" "probe.ip.protocol" "" "The IP version of the last connection, 4 or 6.";
    CERT_EXPIRY Gauge "probe_ssl_earliest_cert_expiry" "probe.ssl.earliest_cert_expiry" "" "When the first certificate that the server sent expires, in Unix time.";
    CHAIN_EXPIRY Gauge "probe_ssl_last_chain_expiry_timestamp_seconds" "probe.ssl.last_chain_expiry_timestamp" "s" "When the first certificate of the trusted chain expires, in Unix time.";
    CHAIN_INFO Gauge "probe_ssl_last_chain_info" "probe.ssl.last_chain_info" "" "The server's certificate.";
    TLS_VERSION Gauge "probe_tls_version_info" "probe.tls.version_info" "" "The TLS version of the last connection.";
    TLS_CIPHER Gauge "probe_tls_cipher_info" "probe.tls.cipher_info" "" "The cipher suite of the last connection.";
    PROBE_INFO Gauge "uptick_probe_info" "uptick.probe_info" "" "What a probe asks: its URL, and its tags joined by commas.";
    LAST_CHECK Gauge "uptick_last_check_timestamp_seconds" "uptick.last_check_timestamp" "s" "When the last check that could be judged started, in Unix time.";
    CHECKS Counter "uptick_checks_total" "uptick.checks" "{check}" "Checks by verdict: up, down, unknown (the prober or its network is at fault), missed (due and not run).";
    FAILURES Counter "uptick_failures_total" "uptick.failures" "{check}" "Checks that were not up, by failure class.";
    FLAKY Counter "uptick_flaky_checks_total" "uptick.flaky_checks" "{check}" "Checks that failed at first and passed on a later attempt.";
    DURATION Histogram "uptick_check_duration_seconds" "uptick.check.duration" "s" "How long checks that were up took.";
    PHASE_DURATION Histogram "uptick_check_phase_duration_seconds" "uptick.check.phase.duration" "s" "How long each phase took, in checks that were up.";
    FAILED_DURATION Histogram "uptick_failed_check_duration_seconds" "uptick.failed_check.duration" "s" "How long checks that were down took.";
    LAG Histogram "uptick_check_lag_seconds" "uptick.check.lag" "s" "How long after they were due checks started: the prober's own delay.";
    REMOTE_WRITE_BATCHES Counter "uptick_remote_write_batches_total" "uptick.remote_write.batches" "{batch}" "Batches of remote write by result: sent, dropped, refused; and retried attempts.";
    OTLP_BATCHES Counter "uptick_otlp_batches_total" "uptick.otlp.batches" "{batch}" "Batches of OTLP by result: sent, dropped, refused; and retried attempts.";
    BUILD Gauge "uptick_build_info" "uptick.build_info" "" "The running version.";
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::model::{Check, DnsFacts, DnsSections, Evidence, Failure};

    #[test]
    fn a_long_label_is_cut_and_stays_its_own() {
        let (one, other) = ("a".repeat(300), "a".repeat(301));
        assert_eq!(label(&one).chars().count(), LABEL_LIMIT);
        assert_ne!(label(&one), label(&other));
        assert_eq!(label("home\n\u{1b}[31m"), "home\\n\\u{1b}[31m");
    }

    #[test]
    fn names_follow_the_conventions() {
        for family in ALL {
            assert_eq!(family.name.ends_with("_total"), family.kind == MetricKind::Counter, "{}", family.name);
            assert_eq!(family.name.ends_with("_seconds"), family.unit == "s", "{}", family.name);
        }
    }

    #[test]
    fn a_phase_that_never_happened_has_no_series() {
        let names = ["here", "home", "web"].map(Arc::from);
        let mut window = Window::empty(&names[0], &names[1], &names[2], false);
        window.latency.connect.record_micros(95);
        let phases: Vec<_> = of_window(&window, None)
            .into_iter()
            .filter(|series| series.family == &PHASE_DURATION)
            .map(|series| series.more_labels)
            .collect();
        assert_eq!(phases, [vec![("phase", Cow::Borrowed("connect"))]]);
    }

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

    /// How a collector translates a name, per
    /// <https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/>: dots become underscores,
    /// and units and types become suffixes.
    fn translated(family: &Family) -> String {
        let unit = match (family.unit, family.kind) {
            ("s", _) => "_seconds",
            ("By", _) => "_bytes",
            ("1", MetricKind::Gauge) => "_ratio",
            _ => "",
        };
        let total = if family.kind == MetricKind::Counter { "_total" } else { "" };
        let name = family.otel_name.replace('.', "_");
        format!("{}{unit}{total}", name.strip_suffix(unit).unwrap_or(&name))
    }

    #[test]
    fn a_name_survives_the_way_through_opentelemetry() {
        for family in ALL {
            assert_eq!(translated(family), family.name);
        }
    }

    #[test]
    fn a_shard_is_a_label_where_every_shard_has_the_series() {
        let shard = Shard::new(1, 4).ok();
        let names = ["here", "internet", "web"].map(Arc::from);
        for (control, expected) in [(true, "1/4"), (false, "")] {
            let window = Window::empty(&names[0], &names[1], &names[2], control);
            let series = of_window(&window, shard).remove(0);
            let of = series.labels().find(|(name, _)| *name == "shard").map(|(_, value)| value);
            assert_eq!(of.unwrap_or_default(), expected);
        }
        assert_eq!(Identity::of_prober("here", shard).shard, "1/4");
    }

    #[test]
    fn what_can_fail_and_has_not_is_zero() {
        let names = ["here", "home", "web"].map(Arc::from);
        let mut window = Window::empty(&names[0], &names[1], &names[2], false);
        window.failures.insert(FailureClass::Status, 3);
        let possible = [FailureClass::Status, FailureClass::ConnectRefused];
        let zeros = zero_failures(&window, &possible, None);
        let classes: Vec<_> = zeros.iter().flat_map(|series| series.more_labels.clone()).collect();
        assert_eq!(classes, [("class", Cow::Borrowed("connect_refused"))]);
    }
}
