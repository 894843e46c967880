//! Remote write to a real `VictoriaMetrics`: what it keeps, and that data which it silently drops
//! is noticed.

use uptick::export::cumulative::Cumulative;
use uptick::export::histogram_format::HistogramFormat;
use uptick::export::remote_write::RemoteWrite;

use crate::programs::Program;
use crate::prometheus::{send_again_and_again, settings};
use crate::support::PATIENCE;
use crate::support::run::Run;
use crate::support::samples::window;
use crate::support::server::{Server, ok};

#[tokio::test(flavor = "multi_thread")]
async fn vmrange_buckets_arrive_and_yield_percentiles() {
    let Some(victoria) = Program::victoria_metrics() else { return };
    let writer = RemoteWrite::start(&settings(&victoria, HistogramFormat::VmRange), Cumulative::default).unwrap();
    let times: Vec<u64> = (1..=1_000).map(|n| n * 100).collect();
    writer.windows(&[window("here", "home", &times)]);
    assert!(writer.finish(PATIENCE).await.0.is_whole());
    assert_eq!(victoria.number("uptick_check_duration_seconds_count"), 1_000.0);
    assert_eq!(victoria.number("sum(uptick_check_duration_seconds_bucket)"), 1_000.0);
    let median = victoria.number("histogram_quantile(0.5, sum(uptick_check_duration_seconds_bucket) by (vmrange))");
    assert!((median - 0.05).abs() < 0.003, "{median}");
}

#[test]
fn native_histograms_that_it_drops_in_silence_are_noticed() {
    let Some(victoria) = Program::victoria_metrics() else { return };
    let origin = Server::answers(ok("fine"));
    let config = format!("[[probe]]\nname = \"home\"\nsurface = \"web\"\nurl = \"{}\"\n", origin.url("/"));
    let ran = Run::new(["check", "--record"]).config(&config).run();
    ran.expect_code(0);
    let journal = ran.folder.path().join("uptick-journal").display().to_string();
    let write = format!("--remote-write=http://{}/api/v1/write", victoria.address);
    let native = Run::new(["export", &journal, &write, "--verify"]).run();
    assert!(native.expect_code(3).stderr.contains("DROPPED the native histogram"), "{}", native.stderr);
    let vmrange = Run::new(["export", &journal, &write, "--verify", "--histograms=vmrange"]).run();
    assert!(vmrange.expect_code(0).stdout.contains("found there"), "{}", vmrange.stdout);
}

#[test]
fn sending_a_journal_again_adds_nothing_to_what_runs_have_sent() {
    let Some(victoria) = Program::victoria_metrics() else { return };
    send_again_and_again(&victoria, "vmrange");
}
