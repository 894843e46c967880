//! Which stretches of down-ness there are, when they began and ended, and which belong together.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{SafeText, Verdict};
use crate::report::context::ReportContext;
use crate::report::incident::waves;
use crate::report::incident::waves::{DetectedWave, WaveDivision, WaveMember};
use crate::report::series::outage::{Outage, Transition};

/// The incidents of a report in the making: joined, and not yet counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct DetectedIncidents {
    /// In the order of their start.
    pub(crate) incidents: Vec<Vec<DetectedWave>>,
    /// The waves of each surface by itself.
    pub(crate) of_surface: BTreeMap<SafeText, Vec<DetectedWave>>,
}

/// Joins the stretches of all series that are not control targets.
pub(crate) fn detect(context: &ReportContext<'_>) -> DetectedIncidents {
    let mut of_surface: BTreeMap<SafeText, Vec<WaveMember>> = BTreeMap::new();
    for (series, one) in context.analyses.iter().enumerate().filter(|(_, one)| !one.series.control) {
        for outage in one.detector.outages() {
            let outage = ended(outage, context, series);
            if outage.end.is_none_or(|end| end.by > context.range.from) {
                of_surface.entry(one.surface.clone()).or_default().push(WaveMember { series, outage });
            }
        }
    }
    let within = i64::try_from(context.range.rules.join_within.as_millis()).unwrap_or(i64::MAX);
    let of_surface: BTreeMap<SafeText, Vec<DetectedWave>> = of_surface
        .into_iter()
        .map(|(surface, members)| {
            let slack = context.slack(&surface);
            let waves = waves::waves(members, slack).into_iter().flat_map(|wave| divided(context, wave, slack));
            (surface, waves.collect())
        })
        .collect();
    let incidents = of_surface.values().flat_map(|of_surface| waves::incidents(of_surface.clone(), within)).collect();
    let slack = of_surface.keys().map(|surface| context.slack(surface)).max().unwrap_or_default();
    let incidents = waves::across(incidents, slack)
        .into_iter()
        .map(|incident| incident.into_iter().flat_map(|wave| divided(context, wave, slack)).collect());
    DetectedIncidents { incidents: incidents.collect(), of_surface }
}

/// A wave divided where it paused.
fn divided(context: &ReportContext<'_>, wave: DetectedWave, pause: i64) -> Vec<DetectedWave> {
    let series: BTreeSet<usize> = wave.members.iter().map(|member| member.series).collect();
    let (from, to) = (wave.start.after.unwrap_or(wave.start.by), wave.last().min(context.range.to));
    let mut checks = Vec::new();
    for at in series {
        let one = &context.analyses[at];
        let offline = context.offline_of(&one.series.vantage);
        for check in one.series.lead_in.between(from, to).chain(one.series.log.between(from, to)) {
            let failed = check.verdict == Verdict::Down && !offline.is_some_and(|offline| offline.covers(check.at));
            if failed || check.verdict == Verdict::Up {
                checks.push(waves::PooledCheck { at: check.at, series: at, failed });
            }
        }
    }
    checks.sort_unstable();
    let failures = u64::from(context.range.rules.open_after.get());
    waves::divide(wave, &checks, WaveDivision { pause, failures })
}

/// A stretch of a probe that has long been silent is over: it was taken away, or nobody knows.
fn ended(outage: Outage, context: &ReportContext<'_>, series: usize) -> Outage {
    let one = &context.analyses[series];
    let within = i64::try_from(context.range.rules.join_within.as_millis()).unwrap_or(i64::MAX);
    let last = one.last.unwrap_or(outage.last_failed);
    let gone = one.silent && context.range.to - last > within;
    if outage.end.is_none() && gone {
        let end = Transition { after: Some(outage.last_failed), by: last.max(outage.last_failed) };
        return outage.ending(end);
    }
    outage
}
