//! The answer as metrics for the textfile collector: gauges over the range of the report.

use std::io;
use std::io::Write;
use std::time::Duration;

use crate::render::exposition::{Exposition, Labels};
use crate::report::{Figures, Report, State, SurfaceVantageRow};

pub(super) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut text = Exposition::default();
    states(report, &mut text);
    places(report, &mut text);
    incidents(report, &mut text);
    objectives(report, &mut text);
    insecure(report, &mut text);
    window(report, &mut text);
    out.write_all(text.finish().as_bytes())
}

fn states(report: &Report, text: &mut Exposition) {
    const STATES: [State; 5] = [State::Up, State::Degraded, State::Flapping, State::Down, State::Unknown];
    for row in &report.surfaces {
        for state in STATES {
            let mut labels: Labels<'_> = vec![("surface", row.surface.as_str()), ("state", state.name())];
            labels.extend(control_label(row.control));
            let help = "The state of a surface: 1 for the one it is in.";
            text.gauge("uptick_surface_state", help, &labels, u8::from(row.state == state));
        }
    }
}

/// What tells the control targets of a surface from its other probes.
fn control_label(control: bool) -> Option<(&'static str, &'static str)> {
    control.then_some(("control", "true"))
}

/// A value, and the label that distinguishes it from the others of its row.
type Sample = (Option<(&'static str, String)>, f64);

/// Each surface from each vantage.
fn places(report: &Report, text: &mut Exposition) {
    let labels = |row: &'_ SurfaceVantageRow| -> Vec<(&'static str, String)> {
        let control = control_label(row.control).map(|(name, value)| (name, value.to_owned()));
        let own = [("surface", row.surface.to_string()), ("vantage", row.vantage.to_string())];
        own.into_iter().chain(control).collect()
    };
    let mut each = |name, help, values: &dyn Fn(&Figures) -> Vec<Sample>| {
        for row in &report.places {
            for (more, value) in values(&row.figures) {
                let owned: Vec<(&'static str, String)> = labels(row).into_iter().chain(more).collect();
                let borrowed: Labels<'_> = owned.iter().map(|(name, value)| (*name, value.as_str())).collect();
                text.gauge(name, help, &borrowed, value);
            }
        }
    };
    each("uptick_window_checks", "Checks in the window of the report, by verdict.", &|figures| {
        let all =
            [("up", figures.up), ("down", figures.down), ("unknown", figures.unknown), ("missed", figures.missed)];
        all.into_iter().map(|(verdict, n)| (Some(("verdict", verdict.to_owned())), number(n))).collect()
    });
    each("uptick_window_failures", "Failed checks in the window of the report, by failure class.", &|figures| {
        figures.classes.iter().map(|(class, row)| (Some(("class", class.to_string())), number(row.n))).collect()
    });
    each(
        "uptick_window_failed_ratio",
        "The share of judged checks that failed in the window of the report.",
        &|figures| figures.failed_ratio.map(|ratio| (None, ratio)).into_iter().collect(),
    );
    each(
        "uptick_window_coverage_ratio",
        "The share of due checks that were made in the window of the report.",
        &|figures| figures.coverage.ratio.map(|ratio| (None, ratio)).into_iter().collect(),
    );
    each(
        "uptick_window_latency_seconds",
        "Latency of up checks in the window of the report, by quantile.",
        &|figures| {
            let latency = &figures.latency_us;
            let all = [
                ("0.5", latency.p50),
                ("0.9", latency.p90),
                ("0.95", latency.p95),
                ("0.99", latency.p99),
                ("1", latency.max),
            ];
            let some = all.into_iter().filter_map(|(q, time): (_, Option<Duration>)| Some((q, time?.as_secs_f64())));
            some.map(|(q, time)| (Some(("q", q.to_owned())), time)).collect()
        },
    );
}

fn incidents(report: &Report, text: &mut Exposition) {
    for row in report.surfaces.iter().filter(|row| !row.control) {
        let of_surface = report.incidents.iter().filter(|incident| incident.surfaces.contains(&row.surface));
        let open = of_surface.clone().filter(|incident| incident.end.is_none()).count() as u64;
        let labels: Labels<'_> = vec![("surface", row.surface.as_str())];
        text.gauge("uptick_open_incidents", "Ongoing incidents.", &labels, open);
    }
    for row in report.surfaces.iter().filter(|row| !row.control) {
        let labels: Labels<'_> = vec![("surface", row.surface.as_str())];
        let help = "Full-outage-equivalent time in the window of the report.";
        text.gauge("uptick_window_impact_seconds", help, &labels, row.figures.impact_minutes * 60.0);
    }
}

fn objectives(report: &Report, text: &mut Exposition) {
    let slos = || {
        report.surfaces.iter().filter_map(|row| Some((row.surface.as_str(), row.slo.as_ref()?.availability.as_ref()?)))
    };
    for (surface, slo) in slos() {
        text.gauge(
            "uptick_slo_objective_ratio",
            "The promised availability.",
            &vec![("surface", surface)],
            slo.objective,
        );
    }
    for (surface, slo) in slos() {
        let help = "The share of the error budget that is used; 1 is all of it.";
        text.gauge("uptick_slo_budget_used_ratio", help, &vec![("surface", surface)], slo.budget_used);
    }
    for (surface, slo) in slos() {
        for burn in &slo.burn {
            if let Some(rate) = burn.long_burn {
                let window = format!("{}s", burn.long_s);
                let labels: Labels<'_> = vec![("surface", surface), ("window", &window)];
                let help = "How fast the error budget burns; 1 spends it in exactly the promised span.";
                text.gauge("uptick_slo_burn_rate", help, &labels, rate);
            }
        }
    }
}

/// Facts that must not be overlooked.
fn insecure(report: &Report, text: &mut Exposition) {
    if let Some(met) = &report.conditions_met {
        let help = "Conditions of --fail-on that are met in the window of the report.";
        text.gauge("uptick_window_conditions_met", help, &Labels::new(), met.len() as u64);
    }
    for row in report.probes.iter().filter(|row| row.figures.warnings > 0) {
        let labels: Labels<'_> = vec![("probe", row.probe.as_str()), ("surface", row.surface.as_str())];
        let help = "Up checks in the window of the report that did not meet a rule of `warn`.";
        text.gauge("uptick_window_warnings", help, &labels, row.figures.warnings);
    }
    for row in report.probes.iter().filter(|row| row.insecure) {
        let labels: Labels<'_> = vec![("probe", row.probe.as_str()), ("surface", row.surface.as_str())];
        let help = "Whether the probe accepts ANY certificate: then up does not mean that the right server answered.";
        text.gauge("uptick_probe_insecure_tls", help, &labels, 1_u64);
    }
}

fn window(report: &Report, text: &mut Exposition) {
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a date stay far below 2^52")]
    let seconds = |at: jiff::Timestamp| at.as_millisecond() as f64 / 1000.0;
    for (edge, at) in [("from", report.window.from), ("to", report.window.to)] {
        let help = "The window of the report, in Unix time.";
        text.gauge("uptick_window_timestamp_seconds", help, &vec![("edge", edge)], seconds(at));
    }
    for row in &report.vantages {
        let labels: Labels<'_> = vec![("vantage", row.vantage.as_str())];
        let help = "When a vantage last reported anything, in Unix time.";
        text.gauge("uptick_vantage_last_seen_timestamp_seconds", help, &labels, seconds(row.last_seen));
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of checks stay far below 2^52")]
const fn number(n: u64) -> f64 {
    n as f64
}
