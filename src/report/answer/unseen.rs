//! What was planned but never recorded: probes that never ran, shards that never started.

use std::collections::{BTreeMap, BTreeSet};

use crate::format;
use crate::model::{PlannedProbe, SafeText, Shard};
use crate::report::context::PLAN_EXPIRY_MS;
use crate::report::document::coverage::Coverage;
use crate::report::document::unseen::Unseen;
use crate::report::fold::Fold;
use crate::report::fold::evidence::name;
use crate::report::fold::plans::{PlannedSpan, ProberPlan};
use crate::report::fold::probe_series::Series;
use crate::report::series::report_range::ReportRange;
use crate::report::statistics::{ratio, rounded};

/// The journal contains a result only after its window has closed: probes and shards that were
/// planned within this time before the end of the range, in milliseconds, are not reported.
const SETTLED_AFTER_MS: i64 = 5 * 60_000;

/// The most names that are shown.
const NAMES: usize = 10;

/// The most shards of a vantage that are listed.
const SHARDS: usize = 100;

/// What was planned for the range but never recorded in it.
pub(super) fn unseen(fold: &Fold, range: &ReportRange<'_>) -> Vec<Unseen> {
    let is_seen = |series: &&Series| series.is_in_range() || series.maintenance.counts.scheduled() > 0;
    let seen: BTreeSet<(&str, &str)> =
        fold.series.iter().filter(is_seen).map(|series| (&*series.vantage, &*series.probe)).collect();
    let mut all = Vec::new();
    for (vantage, plans) in fold.plans.in_force(range.from - PLAN_EXPIRY_MS) {
        for (shard, plan) in &plans {
            let missing = |span: &&PlannedSpan| !seen.contains(&(vantage, &*span.probe.probe));
            all.extend(never_ran(vantage, *shard, plan.probes().filter(missing), range));
        }
        all.extend(never_started(vantage, &plans, range));
    }
    all
}

/// The probes of a prober that were due but have no record.
fn never_ran<'p>(
    vantage: &str,
    shard: Option<Shard>,
    missing: impl Iterator<Item = &'p PlannedSpan>,
    range: &ReportRange<'_>,
) -> Option<Unseen> {
    let mut names: Vec<&str> = Vec::new();
    let mut due = 0;
    let is_settled = |span: &&PlannedSpan| span.first <= range.to - SETTLED_AFTER_MS;
    for span in missing.filter(is_settled).filter(|span| !span.probe.control) {
        let checks = due_in(&span.probe, range.to - range.from.max(span.first));
        if checks > 0 {
            due += checks;
            names.push(&span.probe.probe);
        }
    }
    (!names.is_empty()).then(|| Unseen {
        vantage: name(vantage),
        shard: shard.map(|shard| shard.to_string()),
        never_started: false,
        probes: names.len() as u64,
        names: names.iter().take(NAMES).map(|one| name(one)).collect(),
        due,
        more_shards: 0,
    })
}

/// The number of checks due in `ms` milliseconds. A schedule without a fixed interval counts as
/// daily; a probe that is started from outside is never known to be due.
fn due_in(probe: &PlannedProbe, ms: i64) -> u64 {
    const DAY_MS: u64 = 86_400_000;
    let interval = probe.interval_ms.or(probe.schedule.as_ref().map(|_| DAY_MS));
    interval.map_or(0, |interval| u64::try_from(ms).unwrap_or_default() / interval.max(1))
}

/// The shards that never reported a plan.
fn never_started(vantage: &str, plans: &[(Option<Shard>, &ProberPlan)], range: &ReportRange<'_>) -> Vec<Unseen> {
    if plans.iter().all(|(_, plan)| plan.first() > range.to - SETTLED_AFTER_MS) {
        return Vec::new();
    }
    let started: BTreeSet<u32> = plans.iter().filter_map(|(shard, _)| Some(shard.as_ref()?.index)).collect();
    let Some(of) = plans.iter().find_map(|(shard, _)| Some(shard.as_ref()?.of)) else { return Vec::new() };
    let missing = (0..of).filter(|index| !started.contains(index));
    let mut absent: Vec<Unseen> = missing
        .take(SHARDS)
        .map(|index| Unseen {
            vantage: name(vantage),
            shard: Some(Shard { index, of }.to_string()),
            never_started: true,
            probes: 0,
            names: Vec::new(),
            due: 0,
            more_shards: 0,
        })
        .collect();
    if let Some(last) = absent.last_mut() {
        let listed = started.range(..of).count() + SHARDS;
        last.more_shards = u64::from(of).saturating_sub(listed as u64);
    }
    absent
}

/// The coverage, including the checks of probes that never ran.
pub(super) fn with_unseen(coverage: Coverage, unseen: &[Unseen]) -> Coverage {
    let due: u64 = unseen.iter().map(|one| one.due).sum();
    if due == 0 {
        return coverage;
    }
    let expected = coverage.expected + due;
    Coverage { expected, ratio: ratio(coverage.observed, expected).map(rounded), ..coverage }
}

/// A sentence for each prober whose probes never ran, and for each vantage whose shards never
/// started.
pub(super) fn sentences(unseen: &[Unseen]) -> Vec<String> {
    let (absent, silent): (Vec<&Unseen>, Vec<&Unseen>) = unseen.iter().partition(|one| one.never_started);
    let mut shards: BTreeMap<&SafeText, Vec<&Unseen>> = BTreeMap::new();
    for one in absent {
        shards.entry(&one.vantage).or_default().push(one);
    }
    silent.into_iter().map(never_ran_sentence).chain(shards.into_iter().map(never_started_sentence)).collect()
}

fn never_ran_sentence(one: &Unseen) -> String {
    let shard = one.shard.as_ref().map(|shard| format!("shard {shard} of ")).unwrap_or_default();
    let names = one.names.iter().map(SafeText::as_str).collect::<Vec<_>>().join(", ");
    let more = one.probes - one.names.len() as u64;
    let more = if more > 0 { format!(" and {} more", format::count(more)) } else { String::new() };
    let probes = format::counted(one.probes, "probe");
    format!("{probes} of {shard}{} never ran: {names}{more}: no data, neither up nor down.", one.vantage)
}

fn never_started_sentence((vantage, shards): (&SafeText, Vec<&Unseen>)) -> String {
    let names = shards.iter().filter_map(|one| one.shard.as_deref()).take(NAMES).collect::<Vec<_>>().join(", ");
    let more = shards.len().saturating_sub(NAMES) as u64 + shards.iter().map(|one| one.more_shards).sum::<u64>();
    let more = if more > 0 { format!(" and {} more", format::count(more)) } else { String::new() };
    let (shard, is) = if shards.len() == 1 { ("shard", "its") } else { ("shards", "their") };
    format!(
        "These journals have nothing of {shard} {names}{more} of {vantage}: {is} probes are no data, neither up nor down."
    )
}
