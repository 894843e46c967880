//! How exact a percentile is after its way through Prometheus: five vantages with 20,000 samples
//! each and different distributions are merged there, and compared with all samples pooled.

use std::io::Write as _;

use uptick::export::cumulative::Cumulative;
use uptick::export::histogram_format::HistogramFormat;
use uptick::export::remote_write::RemoteWrite;

use crate::programs::Program;
use crate::prometheus::settings;
use crate::support::samples::{exact, window};
use crate::support::{PATIENCE, samples};

#[tokio::test(flavor = "multi_thread")]
async fn a_merged_p99_is_within_half_a_percent_of_the_pooled_truth() {
    let Some(prometheus) = Program::prometheus(&[]) else { return };
    let writer = RemoteWrite::start(&settings(&prometheus, HistogramFormat::default()), Cumulative::default).unwrap();
    let (mut pooled, mut p99s) = (Vec::new(), Vec::new());
    for (vantage, mut times) in samples::fleet() {
        writer.windows(&[window(vantage, "home", &times)]);
        times.sort_unstable();
        p99s.push(exact(&times, 0.99));
        pooled.extend(times);
    }
    assert!(writer.finish(PATIENCE).await.0.is_whole());
    pooled.sort_unstable();
    let count = "histogram_count(sum(uptick_check_duration_seconds{probe=\"home\"}))";
    prometheus.wait(|| prometheus.number(count) == 100_000.0, "all samples of five vantages");
    let mut out = std::io::stderr();
    for q in [0.5, 0.9, 0.99, 0.999] {
        let query = format!("histogram_quantile({q}, sum(uptick_check_duration_seconds{{probe=\"home\"}}))");
        let (merged, truth) = (prometheus.number(&query), exact(&pooled, q));
        let off = (merged / truth - 1.0) * 100.0;
        let _ = writeln!(out, "p{}: pooled {truth:.6} s, merged by Prometheus {merged:.6} s, {off:+.3} %", q * 100.0);
        assert!(off.abs() < 0.5 || q > 0.99, "p{q}: {off:+.3} %");
    }
    let mean = p99s.iter().sum::<f64>() / 5.0;
    let off = (mean / exact(&pooled, 0.99) - 1.0) * 100.0;
    let _ = writeln!(out, "p99 as the mean of five percentiles: {mean:.6} s, {off:+.1} %");
    assert!(off.abs() > 5.0, "the mean of percentiles is not what it is compared with here");
}
