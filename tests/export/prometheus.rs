//! Remote write into a real Prometheus, and what it makes of it.

use uptick::export::buckets::HistogramFormat;
use uptick::export::cumulative::Cumulative;
use uptick::export::remote_write::{RemoteWrite, Settings};
use uptick::model::NetworkRules;

use crate::programs::Program;
use crate::support::PATIENCE;
use crate::support::run::Run;
use crate::support::samples::window;
use crate::support::server::{Server, closed_port, ok};

pub(crate) fn settings(program: &Program, histograms: HistogramFormat) -> Settings {
    let url = format!("http://{}/api/v1/write", program.address).parse().unwrap();
    Settings { url, headers: None, histograms, state: None, network: NetworkRules::default() }
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
    // The very first failures are an increase: before them stands a zero.
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

    // Another Prometheus, which has seen nothing of it.
    let Some(fresh) = Program::prometheus(&[]) else { return };
    let write = format!("--remote-write=http://{}/api/v1/write", fresh.address);
    let place = folder.path().join("journal").display().to_string();
    let ran = Run::new(["export", &place, &write, "--verify", "--since=10m"]).run();
    assert!(ran.expect_code(0).stdout.contains("found there"), "{}", ran.stdout);
    assert_eq!(fresh.number("max_over_time(uptick_checks_total{verdict=\"up\"}[20m])"), 5.0);
}

#[test]
fn a_run_that_cannot_deliver_says_so_and_keeps_its_verdict_and_its_journal() {
    let origin = Server::answers(ok("fine"));
    let write = format!("--remote-write=http://user:hunter22@127.0.0.1:{}/api/v1/write", closed_port());
    let ran = Run::new(["check", "--record", &write]).config(&PROBES.replace("URL", &origin.url("/"))).run();
    ran.expect_code(0);
    assert!(ran.stderr.contains("remote write: 2 of 2 batches did not arrive"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("hunter22"), "{}", ran.stderr);
    let lines: Vec<_> =
        ran.files().into_iter().filter(|(path, _)| path.extension().is_some_and(|e| e == "jsonl")).collect();
    assert_eq!(lines.len(), 1, "the journal has its line");
}
