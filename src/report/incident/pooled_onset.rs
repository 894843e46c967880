//! Detects partial failures that no single series shows: rises of the failed ratio of pools
//! (everything, each surface, each vantage, each surface from each vantage). They become outages of
//! the series that take part in them.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{SafeText, UnixMillis, Verdict};
use crate::report::context::ReportContext;
use crate::report::incident::pooled_causes;
use crate::report::parallel;
use crate::report::series::cusum::{Rise, USUAL_AT_LEAST};
use crate::report::series::failure_log::FailureLog;
use crate::report::series::outage::{Count, OpenRule, Outage, Transition};
use crate::report::series::{judgement, pool};
use crate::report::statistics::{SIGNIFICANT, fisher, ratio, wilson};
use crate::report::time_span::TimeSpan;

/// A rise in one of the pools.
struct PoolRise {
    /// The series of the pool, in order.
    series: Vec<usize>,
    rise: Rise,
}

/// The outages of the pools by series: of each, those that it takes part in.
pub(crate) fn outages(context: &ReportContext<'_>) -> Vec<(usize, Outage)> {
    let mut rises = rises(context);
    rises.sort_by_key(|one| (one.rise.detected_at, one.series.len(), one.rise.onset));
    let mut outages: BTreeMap<usize, Vec<Outage>> = BTreeMap::new();
    for PoolRise { series, rise } in &rises {
        let start = Transition { after: None, by: rise.onset };
        let first =
            series.iter().copied().find(|at| failures(context, *at).failed().binary_search(&rise.onset).is_ok());
        let start = Transition { after: first.and_then(|first| good_before(context, first, rise.onset)), ..start };
        let (failed, judged) = rise.detected_with;
        for at in participants(context, series, rise, &rises) {
            let last_failed = rise.last_failed.or_else(|| failures(context, at).failed().last().copied());
            let last_failed = last_failed.unwrap_or(rise.detected_at);
            let outage = Outage {
                start,
                end: rise
                    .last_failed
                    .map(|last| Transition { after: Some(last), by: good_after(context, series, last) }),
                last_failed,
                detected_at: rise.detected_at,
                rule: OpenRule::Pooled { failed, judged },
                opened_with: failed,
                flap_percent: 0.0,
                flapped: 0,
                before: Count::default(),
                counted: Count::default(),
            };
            join(outages.entry(at).or_default(), outage);
        }
    }
    pooled_causes::split(context, &mut outages);
    let members = outages.into_iter();
    members.flat_map(|(series, outages)| outages.into_iter().map(move |outage| (series, outage))).collect()
}

/// Adds an outage of a series to the known ones. If it overlaps one, that keeps its start, as the
/// pool that detected it first found it, and gets the later end.
fn join(known: &mut Vec<Outage>, outage: Outage) {
    let overlaps = |one: &&mut Outage| {
        one.end.is_none_or(|end| outage.start.by <= end.by) && outage.end.is_none_or(|end| one.start.by <= end.by)
    };
    match known.iter_mut().find(overlaps) {
        Some(one) => {
            one.last_failed = one.last_failed.max(outage.last_failed);
            one.end = Transition::later_end(one.end, outage.end);
        }
        None => known.push(outage),
    }
}

fn failures<'c>(context: &'c ReportContext<'_>, series: usize) -> &'c FailureLog {
    &context.analyses[series].failures
}

/// The rises of all pools.
fn rises(context: &ReportContext<'_>) -> Vec<PoolRise> {
    let pools: Vec<Vec<usize>> = pools(context).into_iter().collect();
    let number = pools.len();
    let found = parallel::map(pools, |series| {
        let logs: Vec<&FailureLog> = series.iter().map(|at| failures(context, *at)).collect();
        let rises = pool::rises(context.range.rules, &logs, round(context, &series), number);
        rises.into_iter().map(|rise| PoolRise { series: series.clone(), rise }).collect::<Vec<_>>()
    });
    found.into_iter().flatten().collect()
}

/// The pools without duplicates: with one vantage, a surface and the surface from that vantage are
/// the same.
fn pools(context: &ReportContext<'_>) -> BTreeSet<Vec<usize>> {
    let mut pools: BTreeMap<(Option<&SafeText>, Option<&SafeText>), Vec<usize>> = BTreeMap::new();
    for (at, one) in context.analyses.iter().enumerate().filter(|(_, one)| !one.series.control) {
        let (surface, vantage) = (Some(&one.surface), Some(&one.vantage));
        for pool in [(None, None), (surface, None), (None, vantage), (surface, vantage)] {
            pools.entry(pool).or_default().push(at);
        }
    }
    pools.into_values().collect()
}

/// The length of a round of a pool in milliseconds.
fn round(context: &ReportContext<'_>, series: &[usize]) -> i64 {
    /// The length if no interval is known.
    const UNKNOWN: i64 = 60_000;
    judgement::round(series.iter().filter_map(|at| context.analyses[*at].interval())).unwrap_or(UNKNOWN)
}

/// The series of a pool that have a part in a rise: those that failed in it, of the surfaces that were not fine from
/// their vantage. What was fine until a pool rose that has not all of these has its onset there.
fn participants(context: &ReportContext<'_>, series: &[usize], rise: &Rise, rises: &[PoolRise]) -> Vec<usize> {
    let to = rise.last_failed.map_or(context.range.to, |last| last.saturating_add(1));
    let mut places: BTreeMap<(&SafeText, &SafeText), Vec<usize>> = BTreeMap::new();
    for at in series {
        let one = &context.analyses[*at];
        places.entry((&one.surface, &one.vantage)).or_default().push(*at);
    }
    let count = |place: &[usize], to: UnixMillis| {
        let each = place.iter().map(|at| failures(context, *at).count(rise.onset, to));
        each.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    };
    // Of a few checks a share says little: what surely fails counts.
    let raised = places.values().map(|place| count(place, to)).filter(|counts| is_raised(*counts));
    let most = raised.max_by(|one, other| share(*one).total_cmp(&share(*other))).unwrap_or_default();
    let is_fine = |place: &[usize], to: UnixMillis| is_fine(count(place, to), most);
    let has_a_part = |place: &&Vec<usize>| {
        let rises_later = |other: &PoolRise| {
            let onset = other.rise.onset;
            let has = |at: &usize| other.series.binary_search(at).is_ok();
            let is_later = rise.detected_at < onset && onset < to;
            is_later && place.iter().all(has) && !series.iter().all(has) && is_fine(place, onset)
        };
        !is_fine(place, to) && !rises.iter().any(rises_later)
    };
    let of_places = places.values().filter(has_a_part).flatten().copied();
    of_places.filter(|at| failures(context, *at).count(rise.onset, to).0 > 0).collect()
}

fn share((failed, judged): (u64, u64)) -> f64 {
    ratio(failed, judged).unwrap_or_default()
}

/// Whether more of these checks fail than is usual anywhere, for certain. One or two failures show nothing.
fn is_raised((failed, judged): (u64, u64)) -> bool {
    judgement::is_excessive(failed, judged, USUAL_AT_LEAST)
}

/// Whether the checks of a place fail less than those of the one that fails most: the upper end of the interval of their
/// share lies below half of its share, or the difference is significant and the place by itself shows no raised share.
fn is_fine(place: (u64, u64), most: (u64, u64)) -> bool {
    let is_low = wilson(place.0, place.1).is_some_and(|[_, high]| high < share(most) / 2.0);
    is_low || (!is_raised(place) && fisher(most.0, most.1, place.0, place.1) <= SIGNIFICANT)
}

/// How far from an instant to look for a neighbouring check, in intervals.
const INTERVALS: i64 = 10;

/// The last good check of a series before an instant; `None` if there is none nearby.
fn good_before(context: &ReportContext<'_>, series: usize, at: UnixMillis) -> Option<UnixMillis> {
    let back = context.analyses[series].interval()?.saturating_mul(INTERVALS);
    good(context, series, TimeSpan::new(at.saturating_sub(back), at - 1)).max()
}

/// The first good check of some series after an instant; that instant if there is none nearby.
fn good_after(context: &ReportContext<'_>, series: &[usize], at: UnixMillis) -> UnixMillis {
    let after = |one: &usize| {
        let ahead = context.analyses[*one].interval()?.saturating_mul(INTERVALS);
        good(context, *one, TimeSpan::new(at + 1, at.saturating_add(ahead))).min()
    };
    series.iter().filter_map(after).min().unwrap_or(at)
}

fn good(context: &ReportContext<'_>, series: usize, span: TimeSpan) -> impl Iterator<Item = UnixMillis> {
    let judged = context.judged(series, span);
    judged.filter(|check| check.verdict == Verdict::Up).map(|check| check.at)
}
