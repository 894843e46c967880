//! The families of metrics: their names, units, types and meanings, in output order.

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
    use super::*;

    #[test]
    fn names_follow_the_conventions() {
        for family in ALL {
            assert_eq!(family.name.ends_with("_total"), family.kind == MetricKind::Counter, "{}", family.name);
            assert_eq!(family.name.ends_with("_seconds"), family.unit == "s", "{}", family.name);
        }
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
}
