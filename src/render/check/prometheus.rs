//! Metrics of a pass for the textfile collector. The names are `blackbox_exporter`'s where they mean
//! the same; what it does not have begins with `uptick_`. A phase that did not happen is absent, and so
//! is the success of a check that could not be judged: it is neither 0 nor 1.

use std::io;
use std::io::Write;

use crate::model::Outcome;
use crate::model::Phase;
use crate::model::Verdict;
use crate::render::exposition::Exposition;
use crate::render::exposition::Labels;
use crate::report::pass::Pass;
use crate::report::pass::ProbeSummary;

pub(in crate::render) fn write(pass: &Pass, out: &mut impl Write) -> io::Result<()> {
    let mut text = Exposition::default();
    last_checks(pass, &mut text);
    sums(pass, &mut text);
    run(pass, &mut text);
    out.write_all(text.finish().as_bytes())
}

/// The labels of a probe's series, and more.
fn labels<'l>(pass: &'l Pass, probe: &'l ProbeSummary, more: Option<(&'static str, &'l str)>) -> Labels<'l> {
    let surface = if probe.control { "control" } else { probe.surface.as_str() };
    let mut labels: Labels<'l> = vec![("probe", &probe.probe), ("surface", surface), ("vantage", &pass.vantage)];
    labels.extend(more);
    labels
}

/// The last check of each probe that could be judged, as blackbox has it.
fn last_checks(pass: &Pass, text: &mut Exposition) {
    let judged = |probe: &ProbeSummary| {
        pass.last(&probe.probe).filter(|outcome| matches!(outcome.verdict, Verdict::Up | Verdict::Down))
    };
    let all: Vec<(&ProbeSummary, &Outcome)> =
        pass.probes.iter().filter_map(|probe| Some((probe, judged(probe)?))).collect();
    let mut gauge = |name, help, value: &dyn Fn(&Outcome) -> Option<f64>| {
        for (probe, outcome) in &all {
            if let Some(value) = value(outcome) {
                text.gauge(name, help, &labels(pass, probe, None), value);
            }
        }
    };
    gauge("probe_success", "Whether the last check was up.", &|outcome| {
        Some(if outcome.verdict == Verdict::Up { 1.0 } else { 0.0 })
    });
    gauge("probe_duration_seconds", "How long the last check took.", &|outcome| {
        Some(outcome.timings.total.as_secs_f64())
    });
    gauge("probe_dns_lookup_time_seconds", "How long looking names up took.", &|outcome| {
        outcome.timings.resolve.map(|time| time.as_secs_f64())
    });
    gauge("probe_http_status_code", "The status code of the last answer.", &|outcome| outcome.status.map(f64::from));
    gauge("probe_http_version", "The HTTP version of the last answer.", &|outcome| {
        outcome.http_version.and_then(|version| version.name().parse().ok())
    });
    gauge("probe_http_redirects", "How many redirects were followed.", &|outcome| {
        u32::try_from(outcome.redirects.len()).ok().map(f64::from)
    });
    gauge("probe_http_ssl", "Whether the last connection was encrypted.", &|outcome| {
        outcome.status.map(|_| f64::from(u8::from(outcome.tls.is_some())))
    });
    gauge("probe_http_uncompressed_body_length", "How many bytes of the last body were read, decoded.", &|outcome| {
        #[expect(clippy::cast_precision_loss, reason = "a body is read up to a limit far below 2^52")]
        let bytes = outcome.body_bytes as f64;
        outcome.status.map(|_| bytes)
    });
    gauge("probe_ip_protocol", "The IP version of the last connection, 4 or 6.", &|outcome| {
        outcome.remote.map(|remote| if remote.is_ipv4() { 4.0 } else { 6.0 })
    });
    gauge("probe_ssl_earliest_cert_expiry", "When the server's certificate expires, in Unix time.", &|outcome| {
        let certificate = outcome.tls.as_ref()?.certificate.as_ref()?;
        #[expect(clippy::cast_precision_loss, reason = "seconds of a date stay far below 2^52")]
        let second = certificate.not_after.as_second() as f64;
        Some(second)
    });
    for (probe, outcome) in &all {
        if let Some(version) = outcome.tls.as_ref().and_then(|tls| tls.version.as_ref()) {
            let version = format!("TLS {version}");
            let labels = labels(pass, probe, Some(("version", &version)));
            text.gauge("probe_tls_version_info", "The TLS version of the last connection.", &labels, 1);
        }
    }
    for (probe, outcome) in &all {
        for phase in Phase::ALL {
            if let Some(time) = outcome.timings.phase(phase) {
                let labels = labels(pass, probe, Some(("phase", phase.name())));
                let help = "How long each phase of the last check took.";
                text.gauge("probe_http_duration_seconds", help, &labels, time.as_secs_f64());
            }
        }
    }
}

/// What blackbox does not have: everything the run counted.
fn sums(pass: &Pass, text: &mut Exposition) {
    for probe in &pass.probes {
        let counts = probe.counts;
        let all = [
            (Verdict::Up, counts.up),
            (Verdict::Down, counts.down),
            (Verdict::Unknown, counts.unknown),
            (Verdict::Missed, counts.missed),
        ];
        for (verdict, n) in all {
            let labels = labels(pass, probe, Some(("verdict", verdict.name())));
            text.counter("uptick_checks_total", "Checks of this run by verdict.", &labels, n);
        }
    }
    for probe in &pass.probes {
        for (class, n) in &probe.failures {
            let labels = labels(pass, probe, Some(("class", class.name())));
            text.counter(
                "uptick_failures_total",
                "Checks of this run that were not up, by failure class.",
                &labels,
                *n,
            );
        }
    }
    for probe in &pass.probes {
        let help = "Checks of this run that failed at first and passed on a later attempt.";
        text.counter("uptick_flaky_checks_total", help, &labels(pass, probe, None), probe.flaky);
    }
    for probe in &pass.probes {
        let help = "How long the checks of this run took that were up.";
        text.histogram("uptick_check_duration_seconds", help, &labels(pass, probe, None), &probe.window.latency.total);
    }
    for probe in &pass.probes {
        let help = "How long the checks of this run took that were down.";
        text.histogram(
            "uptick_failed_check_duration_seconds",
            help,
            &labels(pass, probe, None),
            &probe.window.failed_latency,
        );
    }
    for probe in &pass.probes {
        if let Some(lag) = probe.lag.max {
            let help = "The latest that a check of this run began after it was due.";
            text.gauge("uptick_check_lag_max_seconds", help, &labels(pass, probe, None), lag.as_secs_f64());
        }
    }
}

/// The run itself, and what must not be overlooked.
fn run(pass: &Pass, text: &mut Exposition) {
    for probe in &pass.probes {
        let value = u8::from(probe.insecure);
        let help = "Whether the probe accepts ANY certificate: then up does not mean that the right server answered.";
        text.gauge("uptick_probe_insecure_tls", help, &labels(pass, probe, None), value);
    }
    let vantage: Labels<'_> = vec![("vantage", &pass.vantage)];
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a date stay far below 2^52")]
    let began = pass.started_at.as_millisecond() as f64 / 1000.0;
    text.gauge("uptick_run_start_timestamp_seconds", "When the run began; counters count from here.", &vantage, began);
    let help = "How long the run took.";
    text.gauge("uptick_run_duration_seconds", help, &vantage, pass.elapsed.as_secs_f64());
}
