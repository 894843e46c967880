//! How exact a percentile is after its way through object storage: five vantages with 20,000
//! samples each and different distributions ship their journals, and one report on them is compared
//! with all samples pooled.

#![allow(clippy::unwrap_used, reason = "a set-up that fails is a failed test")]

use std::fs;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uptick::journal::{Journal, Line, Objects, Options};
use uptick::model::Verdict;
use uptick::window::{CheckResult, Window};

use crate::support::run::Run;
use crate::support::samples;
use crate::support::samples::exact;

/// The windows of a vantage, with a thousand checks per minute.
fn windows(vantage: &str, times: &[u64]) -> Vec<Line> {
    let names = [vantage, "home", "web"].map(Arc::from);
    let begin: Timestamp = "2025-03-10T09:00:00Z".parse().unwrap();
    let minutes = (0..).map(|minute| begin + Duration::from_mins(minute)).zip(times.chunks(1_000));
    let window = |(from, times): (Timestamp, &[u64])| {
        let mut window = Window::empty(&names[0], &names[1], &names[2], false);
        (window.from, window.to) = (from, from + Duration::from_mins(1));
        for (at, time) in (0..).map(|n| from + Duration::from_millis(n * 60)).zip(times) {
            window.counts.up += 1;
            window.strip.push(at, CheckResult::new(Verdict::Up, None));
            window.latency.total.record_micros(*time);
        }
        Line::from(window)
    };
    minutes.map(window).collect()
}

#[test]
fn a_p99_merged_from_a_store_is_within_a_thousandth_of_the_pooled_truth() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    fs::create_dir(&store).unwrap();
    let url = format!("file://{}/", store.display());
    let objects = Objects::open(&url, &[], Duration::from_secs(20)).unwrap();
    let mut pooled = Vec::new();
    for (vantage, times) in samples::fleet() {
        let outbox = folder.path().join(vantage);
        Journal::open(&outbox, Options::default()).unwrap().append(&windows(vantage, &times)).unwrap();
        assert!(objects.ship(&outbox, vantage).unwrap().sent > 0);
        pooled.extend(times);
    }
    pooled.sort_unstable();

    let span = ["--from=2025-03-10T09:00:00Z", "--to=2025-03-10T09:20:00Z", "--format=json"];
    let cache = folder.path().join("cache").display().to_string();
    let ran = Run::new(["report", &url].iter().chain(&span)).env("XDG_CACHE_HOME", &cache).run();
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{}", ran.stderr));
    let merged = &report["surfaces"][0]["latency_us"];
    assert_eq!(merged["count"], 100_000);
    let seconds = |of: &serde_json::Value, name: &str| of[name].as_f64().unwrap() / 1e6;
    // Written past the capture of the test harness, because these figures are meant to be read.
    let mut out = std::io::stderr();
    for (name, q) in [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)] {
        let (merged, truth) = (seconds(merged, name), exact(&pooled, q));
        let off = (merged / truth - 1.0) * 100.0;
        let _ = writeln!(out, "{name}: pooled {truth:.6} s, merged from the store {merged:.6} s, {off:+.3} %");
        assert!(off.abs() < 0.1, "{name}: {off:+.3} %");
    }
    let places = report["places"].as_array().unwrap();
    assert_eq!(places.len(), 5);
    let mean = places.iter().map(|place| seconds(&place["latency_us"], "p99")).sum::<f64>() / 5.0;
    let off = (mean / exact(&pooled, 0.99) - 1.0) * 100.0;
    let _ = writeln!(out, "p99 as the mean of five percentiles: {mean:.6} s, {off:+.1} %");
    assert!(off.abs() > 5.0, "the mean of percentiles is not what it is compared with here");
}
