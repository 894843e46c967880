//! Splits outages of pools by cause. A pool counts failures but knows no classes, and chance makes
//! long pauses in a partial failure. If a surface fails again after a pause that chance hardly
//! makes, and certainly for another cause, that is an outage of its own. Without such a pause, an
//! outage stays one even if its classes change.

use std::collections::BTreeMap;

use crate::model::{FailureClass, SafeText, UnixMillis, Verdict};
use crate::report::context::ReportContext;
use crate::report::incident::cause::{self, Classes};
use crate::report::series::outage::{OpenRule, Outage, Transition};
use crate::report::statistics::ratio;
use crate::report::time_span::{self, TimeSpan};

/// Good checks in a row are no pause between two causes if chance makes them with at least this
/// probability.
const CHANCE: f64 = 0.001;

/// The number of failures after a pause that are examined for their cause.
const SAMPLE_SIZE: usize = 20;

/// A failure of a surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct SurfaceFailure {
    at: UnixMillis,
    series: usize,
    class: FailureClass,
}

/// A pause after which the failures have another cause.
#[derive(Clone, Copy, Debug)]
struct CauseChange {
    /// The last failure of the first cause, and the first of the second.
    before: SurfaceFailure,
    first: SurfaceFailure,
    /// The failure that shows the change, and the failed and judged checks of the second cause by
    /// then.
    shown_at: UnixMillis,
    failed: u64,
    judged: u64,
}

/// Splits the pooled outages of series where their surface pauses and then fails for another cause.
pub(super) fn split(context: &ReportContext<'_>, outages: &mut BTreeMap<usize, Vec<Outage>>) {
    let mut surfaces: BTreeMap<&SafeText, Vec<usize>> = BTreeMap::new();
    for series in outages.keys() {
        surfaces.entry(&context.analyses[*series].surface).or_default().push(*series);
    }
    for (surface, series) in surfaces {
        let spans = series.iter().flat_map(|at| &outages[at]).map(|outage| span(context, outage)).collect();
        for span in time_span::union(spans) {
            for change in changes(context, &series, span, context.slack(surface)) {
                for at in &series {
                    outages.entry(*at).and_modify(|outages| *outages = split_outages(context, *at, outages, change));
                }
            }
        }
    }
}

/// The first and the last failure of an outage.
fn span(context: &ReportContext<'_>, outage: &Outage) -> TimeSpan {
    TimeSpan::new(outage.start.by, outage.end.map_or(context.range.to, |_| outage.last_failed))
}

/// The changes of cause after a pause of at least `pause` milliseconds, in order of time.
fn changes(context: &ReportContext<'_>, series: &[usize], span: TimeSpan, pause: i64) -> Vec<CauseChange> {
    let failures = failures(context, series, span);
    let mut changes = Vec::new();
    let (mut begin, mut before) = (0, Classes::new());
    for at in 1..failures.len() {
        let last = failures[at - 1];
        *before.entry(last.class).or_default() += 1;
        // Compares classes first: that is cheap, and they hardly ever differ.
        let shown_by = if failures[at].at - last.at < pause { None } else { shown_by(&before, &failures[at..]) };
        let Some(shown_by) = shown_by else { continue };
        if is_pause(context, series, failures[begin].at, TimeSpan::new(last.at, failures[at].at)) {
            let (first, shown_at) = (failures[at], failures[at + shown_by - 1].at);
            let (failed, judged) = count(context, series, TimeSpan::new(first.at, shown_at));
            changes.push(CauseChange { before: last, first, shown_at, failed, judged });
            (begin, before) = (at, Classes::new());
        }
    }
    changes
}

/// How many of these failures it takes to show that they certainly have another cause than those
/// before; `None` if they do not show it.
fn shown_by(before: &Classes, failures: &[SurfaceFailure]) -> Option<usize> {
    let failures = &failures[..failures.len().min(SAMPLE_SIZE)];
    let mut classes = Classes::new();
    failures.iter().for_each(|failure| *classes.entry(failure.class).or_default() += 1);
    if !cause::is_other(before, &classes) {
        return None;
    }
    classes.clear();
    let shows = |failure: &SurfaceFailure| {
        *classes.entry(failure.class).or_default() += 1;
        cause::is_other(before, &classes)
    };
    failures.iter().position(shows).map(|at| at + 1)
}

/// Whether chance hardly makes the good checks from one failure to another, at the failed ratio since
/// an instant.
fn is_pause(context: &ReportContext<'_>, series: &[usize], since: UnixMillis, pause: TimeSpan) -> bool {
    let (failed, judged) = count(context, series, TimeSpan::new(since, pause.first));
    let (_, good) = count(context, series, TimeSpan::new(pause.first + 1, pause.last - 1));
    let good_share = 1.0 - ratio(failed, judged).unwrap_or_default();
    good_share.powi(i32::try_from(good).unwrap_or(i32::MAX)) < CHANCE
}

/// Failed and judged checks of some series in a span.
fn count(context: &ReportContext<'_>, series: &[usize], span: TimeSpan) -> (u64, u64) {
    let all = context.count_all(series, &[span]);
    (all.failed, all.judged)
}

/// The failures of some series in a span, in order of time; empty if all have one class.
fn failures(context: &ReportContext<'_>, series: &[usize], span: TimeSpan) -> Vec<SurfaceFailure> {
    if context.count_all(series, &[span]).classes.len() < 2 {
        return Vec::new();
    }
    let mut failures = Vec::new();
    for series in series.iter().copied() {
        let failed = context.judged(series, span).filter(|check| check.verdict == Verdict::Down);
        let of_series = failed.filter_map(|check| Some((check.at, check.counted_class()?)));
        failures.extend(of_series.map(|(at, class)| SurfaceFailure { at, series, class }));
    }
    failures.sort_unstable();
    failures
}

/// The outages of a series, each split where it spans a change of cause. Parts without a failure
/// are dropped.
fn split_outages(context: &ReportContext<'_>, series: usize, outages: &[Outage], change: CauseChange) -> Vec<Outage> {
    let good = |failure: SurfaceFailure, first: UnixMillis, last: UnixMillis| {
        let checks = context.judged(failure.series, TimeSpan { first, last });
        checks.filter(|check| check.verdict == Verdict::Up).map(|check| check.at).collect::<Vec<_>>()
    };
    let goes_on = |outage: &Outage| {
        let span = span(context, outage);
        span.first <= change.before.at && change.first.at <= span.last
    };
    let fails = |outage: &Outage| context.count(series, &[span(context, outage)]).failed > 0;
    let parts = outages.iter().flat_map(|outage| {
        if !goes_on(outage) {
            return vec![*outage];
        }
        let (last, first) = (change.before.at, change.first.at);
        let good_after = good(change.before, last + 1, first).first().copied().unwrap_or(last);
        let good_before = good(change.first, last, first - 1).last().copied().or(Some(last));
        let few = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        let (opened_with, judged) = (few(change.failed), few(change.judged));
        let rule = OpenRule::Pooled { failed: opened_with, judged };
        let detected_at = change.shown_at.max(outage.detected_at);
        let ended = Outage { last_failed: last, ..*outage }.ending(Transition { after: Some(last), by: good_after });
        let start = Transition { after: good_before, by: first };
        vec![ended, Outage { start, detected_at, rule, opened_with, ..*outage }]
    });
    parts.filter(fails).collect()
}
