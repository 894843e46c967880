//! Remote write to a real Prometheus, and the results of queries there.

use uptick::export::cumulative::Cumulative;
use uptick::export::histogram_format::HistogramFormat;
use uptick::export::remote_write::{RemoteWrite, Settings};
use uptick::model::NetworkRules;

use crate::programs::Program;
use crate::support::PATIENCE;
use crate::support::run::Run;
use crate::support::samples::window;
use crate::support::server::{Server, answer, ok, refusing_port};

pub(crate) fn settings(program: &Program, histograms: HistogramFormat) -> Settings {
    let url = format!("http://{}/api/v1/write", program.address).parse().unwrap();
    Settings { url, headers: None, histograms, state: None, network: NetworkRules::default(), shard: None }
}

#[tokio::test(flavor = "multi_thread")]
async fn native_histograms_and_counters_arrive_and_a_new_series_begins_with_zero() {
    let Some(prometheus) = Program::prometheus(&[]) else { return };
    let writer = RemoteWrite::start(&settings(&prometheus, HistogramFormat::default()), Cumulative::default).unwrap();
    let mut window = window("here", "home", &[1_000; 90]);
    window.latency.total.record_micros(0);
    window.counts.down = 3;
    window.failures.insert(uptick::model::FailureClass::ConnectRefused, 3);
    writer.windows(&[window]);
    let (stats, trouble) = writer.finish(PATIENCE).await;
    assert_eq!((stats.sent, stats.refused, stats.dropped, stats.last_error, trouble), (1, 0, 0, None, None));
    assert_eq!(prometheus.number("histogram_count(uptick_check_duration_seconds{probe=\"home\"})"), 91.0);
    let median = prometheus.number("histogram_quantile(0.5, uptick_check_duration_seconds)");
    assert!((median - 0.001).abs() < 0.000_03, "{median}");
    assert_eq!(
        prometheus.number("uptick_failures_total{class=\"connect_refused\",vantage=\"here\",surface=\"web\"}"),
        3.0
    );
    // The very first failures are an increase, because a zero precedes them.
    let first = prometheus.query("count_over_time(uptick_failures_total[5m])");
    assert_eq!(first[0]["value"][1], "2");
    let phases = prometheus.query("uptick_check_phase_duration_seconds");
    assert_eq!(phases.len(), 1, "a phase that did not happen is absent: {phases:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn classic_buckets_are_what_prometheus_calls_a_histogram() {
    let Some(prometheus) = Program::prometheus(&[]) else { return };
    let writer = RemoteWrite::start(&settings(&prometheus, HistogramFormat::Classic), Cumulative::default).unwrap();
    writer.windows(&[window("here", "home", &[3_000, 7_000, 200_000_000])]);
    assert!(writer.finish(PATIENCE).await.0.is_whole());
    for (le, count) in [("0.005", 1.0), ("0.01", 2.0), ("60", 2.0), ("+Inf", 3.0)] {
        let query = format!("uptick_check_duration_seconds_bucket{{le=\"{le}\"}}");
        assert_eq!(prometheus.number(&query), count, "{query}");
    }
}

const PROBES: &str = "[[probe]]\nname = \"home\"\nsurface = \"web\"\nurl = \"URL\"\n";

#[test]
fn two_runs_of_check_add_up_and_the_journal_is_sent_again_and_found() {
    let Some(prometheus) = Program::prometheus(&[]) else { return };
    let origin = Server::answers(ok("fine"));
    let config = PROBES.replace("URL", &origin.url("/"));
    let write = format!("--remote-write=http://{}/api/v1/write", prometheus.address);
    let folder = tempfile::tempdir().unwrap();
    let journal = format!("--journal={}", folder.path().join("journal").display());
    for passes in ["--count=2", "--count=3"] {
        let ran = Run::new(["check", "--record", passes, &journal, &write]).config(&config).run();
        assert!(!ran.expect_code(0).stderr.contains("warning"), "{}", ran.stderr);
    }
    assert_eq!(prometheus.number("uptick_checks_total{verdict=\"up\"}"), 5.0);
    assert_eq!(prometheus.number("histogram_count(uptick_check_duration_seconds)"), 5.0);
    assert_eq!(prometheus.number("probe_success"), 1.0);
    assert_eq!(prometheus.number("resets(uptick_checks_total{verdict=\"up\"}[5m])"), 0.0);

    // Another Prometheus, which has no data yet.
    let Some(fresh) = Program::prometheus(&[]) else { return };
    let write = format!("--remote-write=http://{}/api/v1/write", fresh.address);
    let place = folder.path().join("journal").display().to_string();
    let ran = Run::new(["export", &place, &write, "--verify", "--since=10m"]).run();
    assert!(ran.expect_code(0).stdout.contains("found there"), "{}", ran.stdout);
    assert_eq!(fresh.number("max_over_time(uptick_checks_total{verdict=\"up\"}[20m])"), 5.0);
}

/// Runs that record and send, one of them while the backend refuses everything; then the same
/// journal is sent by hand, several times and with different spans. Counters must stay what the
/// checks made them.
#[track_caller]
pub(crate) fn send_again_and_again(backend: &Program, histograms: &str) {
    let origin = Server::start(|conn| {
        conn.request();
        conn.send(if conn.number() % 4 == 0 { answer(503, &[], "") } else { ok("fine") });
    });
    let refusing = Server::answers(answer(400, &[], "not now"));
    let config = PROBES.replace("URL", &origin.url("/"));
    let write = format!("--remote-write=http://{}/api/v1/write", backend.address);
    let elsewhere = format!("--remote-write={}", refusing.url("/api/v1/write"));
    let histograms = format!("--histograms={histograms}");
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("journal").display().to_string();
    let journal = format!("--journal={place}");
    for write in [&write, &elsewhere, &write, &write] {
        Run::new(["check", "--record", "--count=5", &journal, write, &histograms]).config(&config).run();
    }
    // No counter or bucket ever decreases, and the totals are right.
    let whole = |when: &str| {
        let checks = "sum(max_over_time(uptick_checks_total[1h]) - min_over_time(uptick_checks_total[1h]))";
        // VictoriaMetrics shows new samples after a moment.
        backend.wait(|| backend.number(checks) >= 20.0, &format!("20 checks {when}"));
        assert_eq!(backend.number(checks), 20.0, "{when}");
        for name in [
            "uptick_checks_total",
            "uptick_failures_total",
            "uptick_check_duration_seconds_bucket",
            "uptick_check_duration_seconds_count",
            "uptick_failed_check_duration_seconds_sum",
        ] {
            assert_eq!(backend.number(&format!("max(resets({name}[1h]))")), 0.0, "{when}: {name}");
        }
        let down = "uptick_checks_total{verdict=\"down\"}[1h]";
        let increase = backend.number(&format!("increase({down})"));
        // Prometheus extrapolates by up to half the distance of two samples at each end: with three
        // samples, up to one and a half times. Counted twice, it would be ten.
        assert!((4.9..7.6).contains(&increase), "{when}: {increase}");
    };
    whole("after the runs");
    for since in ["1h", "1h", "3d", "20m"] {
        let ran = Run::new(["export", &place, &write, &histograms, "--verify", "--since", since]).run();
        assert!(ran.expect_code(0).stdout.contains("and found there"), "{}", ran.stdout);
        assert_eq!(ran.stderr, "");
        whole(&format!("after sending {since} again"));
    }
    let only = Run::new(["export", &place, &write, &histograms, "--verify-only"]).run();
    assert_eq!(only.expect_code(0).stdout, "found there: probes 1; nothing was sent\n");
}

#[test]
fn sending_a_journal_again_adds_nothing_to_what_runs_have_sent() {
    let Some(prometheus) = Program::prometheus_out_of_order() else { return };
    send_again_and_again(&prometheus, "classic");
}

#[test]
fn where_the_backend_takes_no_older_samples_it_can_be_asked_without_sending() {
    let Some(prometheus) = Program::prometheus(&[]) else { return };
    let origin = Server::answers(ok("fine"));
    let config = PROBES.replace("URL", &origin.url("/"));
    let write = format!("--remote-write=http://{}/api/v1/write", prometheus.address);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("journal").display().to_string();
    let journal = format!("--journal={place}");
    for _ in 0..2 {
        Run::new(["check", "--record", &journal, &write]).config(&config).run().expect_code(0);
    }
    let again = Run::new(["export", &place, &write]).run();
    assert!(again.expect_code(3).stderr.contains("out_of_order_time_window"), "{}", again.stderr);
    Run::new(["export", &place, &write, "--verify-only"]).run().expect_code(0);
    // A run that is not recorded has sent what no journal has.
    Run::new(["check", &journal, &write]).config(&config).run().expect_code(0);
    let fewer = Run::new(["export", &place, &write, "--verify-only"]).run();
    assert!(fewer.expect_code(3).stderr.contains("have sent 3 checks of probe \"home\", and the journal has 2"));
}

#[test]
fn a_run_that_cannot_deliver_says_so_and_keeps_its_verdict_and_its_journal() {
    let origin = Server::answers(ok("fine"));
    let write = format!("--remote-write=http://user:hunter22@127.0.0.1:{}/api/v1/write", refusing_port());
    let ran = Run::new(["check", "--record", &write]).config(&PROBES.replace("URL", &origin.url("/"))).run();
    ran.expect_code(0);
    assert!(ran.stderr.contains("remote write: 2 of 2 batches did not arrive"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("hunter22"), "{}", ran.stderr);
    let lines: Vec<_> =
        ran.files().into_iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "jsonl")).collect();
    assert_eq!(lines.len(), 1, "the journal has its line");
}
