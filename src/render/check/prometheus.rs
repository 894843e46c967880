//! Metrics of a pass for the textfile collector. The names are `blackbox_exporter`'s where they mean
//! the same; what it does not have begins with `uptick_`. A phase that did not happen is absent, and so
//! is the success of a check that could not be judged: it is neither 0 nor 1.

use std::io;
use std::io::Write;

use crate::check_report::{CheckReport, ProbeSummary};
use crate::metric;
use crate::metric::{Family, Series};
use crate::render::exposition::{Exposition, Labels};
use crate::report::LatencySummary;

/// What is told of everything that was counted: the histograms of phases and of lag would be most of
/// the file, which is read again every few seconds.
const SUMS: [&Family; 5] =
    [&metric::CHECKS, &metric::FAILURES, &metric::FLAKY, &metric::DURATION, &metric::FAILED_DURATION];

pub(super) fn write(pass: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    let mut all: Vec<Series<'_>> = pass.probes.iter().flat_map(|probe| series(pass, probe)).collect();
    metric::sort(&mut all);
    let mut text = String::new();
    metric::text::write(&all, &mut text);
    let mut text = Exposition::after(text);
    let shard = pass.shard.map(|shard| shard.to_string()).unwrap_or_default();
    if pass.probes.iter().all(|probe| probe.recorded.is_none()) {
        counted_in_run(pass, &shard, &mut text);
    }
    lag(pass, &shard, &mut text);
    run(pass, &shard, &mut text);
    out.write_all(text.finish().as_bytes())
}

/// The last check of a probe, where it could be judged, and what was counted of it by this and earlier runs. What
/// one run counts is no counter: in a file that the next run replaces it would begin anew each time.
fn series<'p>(pass: &'p CheckReport, probe: &'p ProbeSummary) -> impl Iterator<Item = Series<'p>> {
    let last = pass.last(&probe.probe).map(|last| metric::of_outcome(last, pass.shard)).unwrap_or_default();
    let sums = probe.recorded.iter().flat_map(|sum| {
        let zeros = metric::zero_failures(&sum.window, &sum.possible_failures, pass.shard);
        metric::of_window(&sum.window, pass.shard)
            .into_iter()
            .chain(zeros)
            .filter(|series| SUMS.contains(&series.family))
    });
    last.into_iter().chain(sums)
}

/// What this run alone counted, as gauges.
fn counted_in_run(pass: &CheckReport, shard: &str, text: &mut Exposition) {
    for probe in &pass.probes {
        let (counts, help) = (probe.counts, "Checks of this run by verdict.");
        for (verdict, n) in
            [("up", counts.up), ("down", counts.down), ("unknown", counts.unknown), ("missed", counts.missed)]
        {
            text.gauge("uptick_run_checks", help, &with(labels(pass, probe, shard), ("verdict", verdict)), n);
        }
    }
    for probe in &pass.probes {
        for (class, n) in &probe.failures {
            let help = "Checks of this run that were not up, by failure class.";
            text.gauge("uptick_run_failures", help, &with(labels(pass, probe, shard), ("class", class.name())), n);
        }
    }
    for probe in &pass.probes {
        let help = "Checks of this run that failed at first and passed on a later attempt.";
        text.gauge("uptick_run_flaky_checks", help, &labels(pass, probe, shard), probe.flaky);
    }
    for (name, help, of) in DURATIONS {
        for probe in &pass.probes {
            let LatencySummary { p50, p95, p99, max, .. } = of(probe);
            for (percentile, time) in [("50", p50), ("95", p95), ("99", p99), ("100", max)] {
                if let Some(time) = time {
                    text.gauge(
                        name,
                        help,
                        &with(labels(pass, probe, shard), ("percentile", percentile)),
                        time.as_secs_f64(),
                    );
                }
            }
        }
    }
}

/// The name of a family, its help, and where its figures stand.
type DurationFamily = (&'static str, &'static str, fn(&ProbeSummary) -> &LatencySummary);

/// How long the checks of this run took.
const DURATIONS: [DurationFamily; 2] = [
    (
        "uptick_run_check_duration_seconds",
        "How long the checks of this run took that were up, by percentile; absent where they are too few.",
        |probe| &probe.latency,
    ),
    (
        "uptick_run_failed_check_duration_seconds",
        "How long the checks of this run took that were down, by percentile; absent where they are too few.",
        |probe| &probe.failed_latency,
    ),
];

/// The labels of a probe's series; those of a control target name the shard, since each of them has it.
fn labels<'l>(pass: &'l CheckReport, probe: &'l ProbeSummary, shard: &'l str) -> Labels<'l> {
    let mut labels: Labels<'l> = vec![("probe", &probe.probe)];
    if probe.control && !shard.is_empty() {
        labels.push(("shard", shard));
    }
    let surface = if probe.control { "control" } else { probe.surface.as_str() };
    labels.extend([("surface", surface), ("vantage", pass.vantage.as_str())]);
    labels
}

/// The labels of the run's own series.
fn labels_of_run<'l>(pass: &'l CheckReport, shard: &'l str) -> Labels<'l> {
    let shard = (!shard.is_empty()).then_some(("shard", shard));
    shard.into_iter().chain([("vantage", pass.vantage.as_str())]).collect()
}

fn with<'l>(mut labels: Labels<'l>, more: (&'static str, &'l str)) -> Labels<'l> {
    labels.push(more);
    labels
}

fn lag(pass: &CheckReport, shard: &str, text: &mut Exposition) {
    for probe in &pass.probes {
        if let Some(lag) = probe.lag.max {
            let help = "The latest that a check of this run began after it was due.";
            text.gauge("uptick_check_lag_max_seconds", help, &labels(pass, probe, shard), lag.as_secs_f64());
        }
    }
}

/// The run itself, and what must not be overlooked.
fn run(pass: &CheckReport, shard: &str, text: &mut Exposition) {
    for probe in &pass.probes {
        let value = u8::from(probe.insecure);
        let help = "Whether the probe accepts ANY certificate: then up does not mean that the right server answered.";
        text.gauge("uptick_probe_insecure_tls", help, &labels(pass, probe, shard), value);
    }
    for probe in pass.probes.iter().filter(|probe| probe.warnings > 0) {
        let help = "Up checks of this run of which something that `warn` names did not hold.";
        text.gauge("uptick_run_warnings", help, &labels(pass, probe, shard), probe.warnings);
    }
    if pass.violations.is_some() || pass.regressions.is_some() {
        let help =
            "Whether the run fails: a condition of --fail-on is met, it is worse than the baseline, or it is down.";
        text.gauge("uptick_run_fails", help, &labels_of_run(pass, shard), u8::from(pass.fails()));
    }
    let vantage = labels_of_run(pass, shard);
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a date stay far below 2^52")]
    let began = pass.started_at.as_millisecond() as f64 / 1000.0;
    text.gauge("uptick_run_start_timestamp_seconds", "When the run began.", &vantage, began);
    let help = "How long the run took.";
    text.gauge("uptick_run_duration_seconds", help, &vantage, pass.elapsed.as_secs_f64());
}
