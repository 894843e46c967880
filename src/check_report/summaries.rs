//! Summarizes what a run found on each surface and on each probe.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use crate::check_report::document::{ProbeSummary, SurfaceSummary};
use crate::check_report::judging::RunStates;
use crate::model::text::MESSAGE_LIMIT;
use crate::model::{Counts, Expect, Mismatch, Probe, SafeText, Step, Verdict};
use crate::report::State;
use crate::report::document::latency::LatencySummary;
use crate::report::document::sample_bound::SampleBound;
use crate::window::{Histogram, Window};

/// Whether the surface consists of control targets, its name, and the windows of its probes with
/// their verdicts.
type OfSurface<'p> = ((bool, &'p str), Vec<(&'p Window, Verdict)>);

/// One summary per surface, in the order of the probe file, with control targets separate and last.
pub(super) fn surfaces(
    probes: &[(Arc<Probe>, Window)],
    verdicts: &[Verdict],
    states: &RunStates,
) -> Vec<SurfaceSummary> {
    let mut places: HashMap<(bool, &str), usize> = HashMap::new();
    let mut of_surfaces: Vec<OfSurface<'_>> = Vec::new();
    for ((probe, window), verdict) in probes.iter().zip(verdicts) {
        let key = (probe.control, probe.surface.as_str());
        let place = *places.entry(key).or_insert(of_surfaces.len());
        if place == of_surfaces.len() {
            of_surfaces.push((key, Vec::new()));
        }
        of_surfaces[place].1.push((window, *verdict));
    }
    of_surfaces.sort_by_key(|((control, _), _)| *control);
    of_surfaces
        .into_iter()
        .map(|((control, surface), windows)| {
            let state = states.surfaces.get(&(control, surface.to_owned())).copied().unwrap_or_default();
            surface_of(surface, control, &windows, state)
        })
        .collect()
}

fn surface_of(surface: &str, control: bool, windows: &[(&Window, Verdict)], state: State) -> SurfaceSummary {
    let (mut counts, mut flaky, mut warnings, mut failures) = (Counts::default(), 0, 0, BTreeMap::new());
    let mut latency = Histogram::default();
    for (window, _) in windows {
        counts.merge(&window.counts);
        flaky += window.flaky;
        warnings += window.warnings;
        latency.merge(&window.latency.total);
        for (class, n) in &window.failures {
            *failures.entry(*class).or_default() += n;
        }
    }
    let probes_of = |wanted| windows.iter().filter(|(_, verdict)| *verdict == wanted).count() as u64;
    let is_down = probes_of(Verdict::Down) > 0;
    SurfaceSummary {
        surface: surface.to_owned(),
        control,
        verdict: if is_down { Verdict::Down } else { Counts { down: 0, ..counts }.verdict() },
        state,
        probes: windows.len() as u64,
        probes_down: probes_of(Verdict::Down),
        probes_unknown: probes_of(Verdict::Unknown),
        counts,
        flaky,
        warnings,
        failures,
        latency: LatencySummary::of(&latency),
        proof: SampleBound::new(counts.judged(), counts.down),
        total: latency,
    }
}

/// The checks of all surfaces of targets, or of control targets if `control`.
pub(super) fn counted(surfaces: &[SurfaceSummary], control: bool) -> Counts {
    let mut counts = Counts::default();
    surfaces.iter().filter(|surface| surface.control == control).for_each(|surface| counts.merge(&surface.counts));
    counts
}

/// The summary of a probe, except for its verdict and state.
pub(super) fn probe_of(probe: &Probe, window: Window, unmet_warnings: Vec<Mismatch>) -> ProbeSummary {
    ProbeSummary {
        probe: probe.name.clone(),
        surface: probe.surface.clone(),
        control: probe.control,
        url: SafeText::clean(&probe.shown_url(), MESSAGE_LIMIT),
        file: probe.file.clone(),
        line: Some(probe.line).filter(|line| *line > 0),
        insecure: probe.is_insecure(),
        verdict: window.counts.verdict(),
        state: State::Unknown,
        counts: window.counts,
        flaky: window.flaky,
        warnings: window.warnings,
        unmet_warnings,
        failures: window.failures.clone(),
        latency: LatencySummary::of(&window.latency.total),
        failed_latency: LatencySummary::of(&window.failed_latency),
        lag: LatencySummary::of(&window.lag),
        proof: SampleBound::new(window.counts.judged(), window.counts.down),
        window,
        recorded: None,
        latency_warning: total_allowed(probe, |step| &step.warn),
        latency_limit: total_allowed(probe, |step| &step.expect),
    }
}

/// The shortest limit on the total time, for a probe of one request; `None` for several requests,
/// or without such a limit.
fn total_allowed(probe: &Probe, rules: impl Fn(&Step) -> &Expect) -> Option<Duration> {
    let [step] = probe.steps.as_slice() else { return None };
    rules(step).latency.iter().filter(|(phase, _)| phase.is_none()).map(|(_, limit)| *limit).min()
}
