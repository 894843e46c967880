//! Which stretches of down-ness there are, when they began and ended, and which belong together.

use std::collections::{BTreeMap, BTreeSet};

use super::desk::Desk;
use super::stretch::{Edge, Stretch};
use super::waves;
use super::waves::{Division, Joined, Member};
use crate::model::{SafeText, Verdict};

/// The incidents of a report in the making: joined, and not yet counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    /// In the order of their start.
    pub(super) incidents: Vec<Vec<Joined>>,
    /// The waves of each surface by itself.
    pub(super) of_surface: BTreeMap<SafeText, Vec<Joined>>,
}

/// Joins the stretches of all series that are not control targets.
pub(super) fn find(desk: &Desk<'_>) -> Found {
    let mut of_surface: BTreeMap<SafeText, Vec<Member>> = BTreeMap::new();
    for (series, one) in desk.followed.iter().enumerate().filter(|(_, one)| !one.series.control) {
        for stretch in one.detector.stretches() {
            let stretch = ended(stretch, desk, series);
            if stretch.end.is_none_or(|end| end.by > desk.frame.from) {
                of_surface.entry(one.surface.clone()).or_default().push(Member { series, stretch });
            }
        }
    }
    let within = i64::try_from(desk.frame.rules.join_within.as_millis()).unwrap_or(i64::MAX);
    let of_surface: BTreeMap<SafeText, Vec<Joined>> = of_surface
        .into_iter()
        .map(|(surface, members)| {
            let slack = desk.slack(&surface);
            let waves = waves::waves(members, slack).into_iter().flat_map(|wave| divided(desk, wave, slack));
            (surface, waves.collect())
        })
        .collect();
    let incidents = of_surface.values().flat_map(|of_surface| waves::incidents(of_surface.clone(), within)).collect();
    let slack = of_surface.keys().map(|surface| desk.slack(surface)).max().unwrap_or_default();
    let incidents = waves::across(incidents, slack)
        .into_iter()
        .map(|incident| incident.into_iter().flat_map(|wave| divided(desk, wave, slack)).collect());
    Found { incidents: incidents.collect(), of_surface }
}

/// A wave divided where it paused.
fn divided(desk: &Desk<'_>, wave: Joined, pause: i64) -> Vec<Joined> {
    let series: BTreeSet<usize> = wave.members.iter().map(|member| member.series).collect();
    let (from, to) = (wave.start.after.unwrap_or(wave.start.by), wave.last().min(desk.frame.to));
    let mut checks = Vec::new();
    for at in series {
        let one = &desk.followed[at];
        let offline = desk.offline_of(&one.series.vantage);
        for tick in one.series.lead.between(from, to).chain(one.series.ticks.between(from, to)) {
            let failed = tick.verdict == Verdict::Down && !offline.is_some_and(|offline| offline.covers(tick.at));
            if failed || tick.verdict == Verdict::Up {
                checks.push(waves::Judged { at: tick.at, series: at, failed });
            }
        }
    }
    checks.sort_unstable();
    let failures = u64::from(desk.frame.rules.open_after.get());
    waves::divide(wave, &checks, Division { pause, failures })
}

/// A stretch of a probe that has long been silent is over: it was taken away, or nobody knows.
fn ended(stretch: Stretch, desk: &Desk<'_>, series: usize) -> Stretch {
    let one = &desk.followed[series];
    let within = i64::try_from(desk.frame.rules.join_within.as_millis()).unwrap_or(i64::MAX);
    let last = one.last.unwrap_or(stretch.last_failed);
    let gone = one.silent && desk.frame.to - last > within;
    if stretch.end.is_none() && gone {
        let end = Edge { after: Some(stretch.last_failed), by: last.max(stretch.last_failed) };
        return stretch.ending(end);
    }
    stretch
}
