//! Metrics of a run for the textfile collector. They have the names of `blackbox_exporter` if they
//! mean the same; all others start with `uptick_`. A phase that did not happen is left out, and so
//! is the success of a check that could not be judged: it is neither 0 nor 1.

use std::io;
use std::io::Write;

use super::indexed_report::IndexedReport;
use crate::check_report::{CheckReport, ProbeSummary};
use crate::metric;
use crate::metric::{Family, Identity, Series, Subject};
use crate::render::exposition::{Exposition, Labels};
use crate::report::LatencySummary;

/// The counters over all recorded runs that are written. The histograms of phases and of lag would
/// be most of the file, which is read again every few seconds.
const SUMS: [&Family; 5] =
    [&metric::CHECKS, &metric::FAILURES, &metric::FLAKY, &metric::DURATION, &metric::FAILED_DURATION];

pub(super) fn write(pass: &IndexedReport<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut all: Vec<Series<'_>> = pass.probes.iter().flat_map(|probe| series(pass, probe)).collect();
    metric::sort(&mut all);
    let mut text = String::new();
    metric::text::write(&all, &mut text);
    let mut text = Exposition::after(text);
    let identity = |summary: &ProbeSummary| {
        let ProbeSummary { probe, surface, control, .. } = summary;
        Identity::new(Subject { vantage: &pass.vantage, probe, surface, control: *control }, pass.shard)
    };
    let identities: Vec<Identity> = pass.probes.iter().map(identity).collect();
    let probes: Vec<LabelledProbe<'_>> =
        pass.probes.iter().zip(&identities).map(|(probe, of)| (probe, of.labels().collect())).collect();
    if pass.probes.iter().all(|probe| probe.recorded.is_none()) {
        counted_in_run(&probes, &mut text);
    }
    lag(&probes, &mut text);
    run(pass, &probes, &mut text);
    out.write_all(text.finish().as_bytes())
}

/// The last check of a probe, if it could be judged, and its totals in this and earlier runs. The
/// counts of a single run are not written as counters: the next run replaces the file, so they
/// would restart each time.
fn series<'p>(pass: &'p IndexedReport<'_>, probe: &'p ProbeSummary) -> impl Iterator<Item = Series<'p>> {
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

/// The counts of this run alone, as gauges.
fn counted_in_run(probes: &[LabelledProbe<'_>], text: &mut Exposition) {
    for (probe, labels) in probes {
        let (counts, help) = (probe.counts, "Checks of this run by verdict.");
        for (verdict, n) in
            [("up", counts.up), ("down", counts.down), ("unknown", counts.unknown), ("missed", counts.missed)]
        {
            text.gauge("uptick_run_checks", help, &with(labels, ("verdict", verdict)), n);
        }
    }
    for (probe, labels) in probes {
        for (class, n) in &probe.failures {
            let help = "Checks of this run that were not up, by failure class.";
            text.gauge("uptick_run_failures", help, &with(labels, ("class", class.name())), n);
        }
    }
    for (probe, labels) in probes {
        let help = "Checks of this run that failed at first and passed on a later attempt.";
        text.gauge("uptick_run_flaky_checks", help, labels, probe.flaky);
    }
    for (name, help, of) in DURATIONS {
        for (probe, labels) in probes {
            let LatencySummary { p50, p95, p99, max, .. } = of(probe);
            for (percentile, time) in [("50", p50), ("95", p95), ("99", p99), ("100", max)] {
                if let Some(time) = time {
                    text.gauge(name, help, &with(labels, ("percentile", percentile)), time.as_secs_f64());
                }
            }
        }
    }
}

/// A probe with the labels of its series.
type LabelledProbe<'p> = (&'p ProbeSummary, Labels<'p>);

/// The name of a family, its help, and how to get its figures.
type DurationFamily = (&'static str, &'static str, fn(&ProbeSummary) -> &LatencySummary);

/// How long the checks of this run took.
const DURATIONS: [DurationFamily; 2] = [
    (
        "uptick_run_check_duration_seconds",
        "How long this run's checks that were up took, by percentile; absent where there are too few.",
        |probe| &probe.latency,
    ),
    (
        "uptick_run_failed_check_duration_seconds",
        "How long this run's checks that were down took, by percentile; absent where there are too few.",
        |probe| &probe.failed_latency,
    ),
];

fn with<'l>(labels: &Labels<'l>, more: (&'static str, &'l str)) -> Labels<'l> {
    labels.iter().copied().chain([more]).collect()
}

fn lag(probes: &[LabelledProbe<'_>], text: &mut Exposition) {
    for (probe, labels) in probes {
        if let Some(lag) = probe.lag.max {
            let help = "How long after it was due the latest check of this run started.";
            text.gauge("uptick_check_lag_max_seconds", help, labels, lag.as_secs_f64());
        }
    }
}

/// The run itself, and facts that must not be overlooked.
fn run(pass: &CheckReport, probes: &[LabelledProbe<'_>], text: &mut Exposition) {
    for (probe, labels) in probes {
        let value = u8::from(probe.insecure);
        let help = "Whether the probe accepts ANY certificate: then up does not mean that the right server answered.";
        text.gauge("uptick_probe_insecure_tls", help, labels, value);
    }
    for (probe, labels) in probes.iter().filter(|(probe, _)| probe.warnings > 0) {
        let help = "Up checks of this run that did not meet a rule of `warn`.";
        text.gauge("uptick_run_warnings", help, labels, probe.warnings);
    }
    let prober = Identity::of_prober(&pass.vantage, pass.shard);
    let of_run: Labels<'_> = prober.labels().collect();
    if pass.violations.is_some() || pass.regressions.is_some() {
        let help =
            "Whether the run fails: a condition of --fail-on is met, it is worse than the baseline, or it is down.";
        text.gauge("uptick_run_fails", help, &of_run, u8::from(pass.fails()));
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a date stay far below 2^52")]
    let began = pass.started_at.as_millisecond() as f64 / 1000.0;
    text.gauge("uptick_run_start_timestamp_seconds", "When the run began.", &of_run, began);
    let help = "How long the run took.";
    text.gauge("uptick_run_duration_seconds", help, &of_run, pass.elapsed.as_secs_f64());
}
