//! Metrics of a pass for the textfile collector. The names are `blackbox_exporter`'s where they mean
//! the same; what it does not have begins with `uptick_`. A phase that did not happen is absent, and so
//! is the success of a check that could not be judged: it is neither 0 nor 1.

use std::io;
use std::io::Write;

use crate::check_report::{CheckReport, ProbeSummary};
use crate::metric;
use crate::metric::{Family, Series};
use crate::render::exposition::{Exposition, Labels};

/// What is told of everything the run counted: the histograms of phases and of lag would be most of
/// the file, which is read again every few seconds.
const SUMS: [&Family; 5] =
    [&metric::CHECKS, &metric::FAILURES, &metric::FLAKY, &metric::DURATION, &metric::FAILED_DURATION];

pub(super) fn write(pass: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    let mut all: Vec<Series<'_>> = pass.probes.iter().flat_map(|probe| series(pass, probe)).collect();
    metric::sort(&mut all);
    let mut text = String::new();
    metric::text::write(&all, &mut text);
    let mut text = Exposition::after(text);
    lag(pass, &mut text);
    run(pass, &mut text);
    out.write_all(text.finish().as_bytes())
}

/// The last check of a probe, where it could be judged, and the sums of all.
fn series<'p>(pass: &'p CheckReport, probe: &'p ProbeSummary) -> impl Iterator<Item = Series<'p>> {
    let last = pass.last(&probe.probe).map(metric::of_outcome).unwrap_or_default();
    let sums = metric::of_window(&probe.window).into_iter().filter(|series| SUMS.contains(&series.family));
    last.into_iter().chain(sums)
}

/// The labels of a probe's series.
fn labels<'l>(pass: &'l CheckReport, probe: &'l ProbeSummary) -> Labels<'l> {
    let surface = if probe.control { "control" } else { probe.surface.as_str() };
    vec![("probe", &probe.probe), ("surface", surface), ("vantage", &pass.vantage)]
}

fn lag(pass: &CheckReport, text: &mut Exposition) {
    for probe in &pass.probes {
        if let Some(lag) = probe.lag.max {
            let help = "The latest that a check of this run began after it was due.";
            text.gauge("uptick_check_lag_max_seconds", help, &labels(pass, probe), lag.as_secs_f64());
        }
    }
}

/// The run itself, and what must not be overlooked.
fn run(pass: &CheckReport, text: &mut Exposition) {
    for probe in &pass.probes {
        let value = u8::from(probe.insecure);
        let help = "Whether the probe accepts ANY certificate: then up does not mean that the right server answered.";
        text.gauge("uptick_probe_insecure_tls", help, &labels(pass, probe), value);
    }
    for probe in pass.probes.iter().filter(|probe| probe.warnings > 0) {
        let help = "Up checks of this run of which something that `warn` names did not hold.";
        text.gauge("uptick_run_warnings", help, &labels(pass, probe), probe.warnings);
    }
    if pass.violations.is_some() || pass.regressions.is_some() {
        let help =
            "Whether the run fails: a condition of --fail-on is met, it is worse than the baseline, or it is down.";
        text.gauge("uptick_run_fails", help, &vec![("vantage", &*pass.vantage)], u8::from(pass.fails()));
    }
    let vantage: Labels<'_> = vec![("vantage", &pass.vantage)];
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a date stay far below 2^52")]
    let began = pass.started_at.as_millisecond() as f64 / 1000.0;
    text.gauge("uptick_run_start_timestamp_seconds", "When the run began; counters count from here.", &vantage, began);
    let help = "How long the run took.";
    text.gauge("uptick_run_duration_seconds", help, &vantage, pass.elapsed.as_secs_f64());
}
