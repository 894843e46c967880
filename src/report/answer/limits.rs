//! The limits of a report: what was not observed, and what must not be concluded. Part of every
//! report.

use std::collections::BTreeMap;

use crate::format;
use crate::model::{Counts, SafeText};
use crate::report::context::ReportContext;
use crate::report::document::coverage::Coverage;
use crate::report::document::rows::{SurfaceRow, VantageRow};
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::offline::ControlAnswers;
use crate::report::statistics::checks_to_show;
use crate::report::time_span::TimeSpan;
use crate::window::add_counts;

/// The limits of a report, one sentence each.
pub(super) fn limits(
    context: &ReportContext<'_>,
    surfaces: &[SurfaceRow],
    vantages: &[VantageRow],
    coverage: &Coverage,
    maintenance: &Counts,
) -> Vec<String> {
    let mut limits = Vec::new();
    limits.extend(place(vantages));
    limits.extend(aside(vantages));
    limits.extend(control(context));
    limits.extend(bad_controls(context));
    limits.extend(between(context));
    limits.extend(unseen(coverage));
    limits.extend(unjudged(surfaces));
    limits.extend(planned(maintenance));
    limits.extend(cut_windows(context));
    limits.extend(surfaces.iter().filter_map(percentiles));
    limits.extend(baseline(surfaces));
    limits.extend(evidence(context, surfaces));
    if surfaces.iter().any(|row| row.figures.down > 0) {
        limits.push("From outside no one can say who or why: causes are classes that fit the evidence.".to_owned());
    }
    limits
}

fn place(vantages: &[VantageRow]) -> Option<String> {
    match vantages {
        [one] => Some(format!("Seen from one vantage, {}: nothing can be said about other places.", one.vantage)),
        _ => None,
    }
}

fn aside(vantages: &[VantageRow]) -> Vec<String> {
    let aside = vantages.iter().filter(|row| row.set_aside);
    aside
        .map(|row| format!("{} is set aside: it could not reach its control targets, or could not judge.", row.vantage))
        .collect()
}

fn control(context: &ReportContext<'_>) -> Option<String> {
    let none = context.control_surfaces().len() == 0 && !context.analyses.is_empty();
    none.then(|| "No control target: an outage of our own network would look like one of theirs.".to_owned())
}

/// Control targets that prove nothing from some vantage: none of their recent checks was up. One
/// that does not answer while hardly any other target does may be right: it shows that the vantage
/// is offline.
fn bad_controls(context: &ReportContext<'_>) -> Vec<String> {
    let mut bad: BTreeMap<(&SafeText, bool), BTreeMap<_, u64>> = BTreeMap::new();
    for one in context.analyses.iter().filter(|one| one.series.control && !context.is_set_aside(&one.vantage)) {
        let found = ControlAnswers::of(one.series, &one.recent);
        let is_never_right = found.good == 0 && found.judged >= u64::from(context.range.rules.open_after.get());
        let is_bad = is_never_right && (found.answered > 0 || context.is_certainly_online(&one.vantage));
        if is_bad && !one.silent {
            let failures = bad.entry((&one.probe, found.answered > 0)).or_default();
            add_counts(failures, &found.failures);
        }
    }
    let sentence = |((probe, is_answered), failures): ((&SafeText, bool), BTreeMap<_, u64>)| {
        let (class, code) = failures.into_iter().max_by_key(|(_, n)| *n)?.0;
        let failures = format::failures(class, code);
        Some(if is_answered {
            format!(
                "Control target {probe} never meets its expectations ({failures}): its answers prove only that this \
                 vantage is online. Change its `expect`, or use another target."
            )
        } else {
            format!(
                "Control target {probe} never answers ({failures}) while other targets do: it proves nothing. Use \
                 another target."
            )
        })
    };
    bad.into_iter().filter_map(sentence).collect()
}

fn between(context: &ReportContext<'_>) -> Option<String> {
    let longest = context.of_targets().filter_map(SeriesAnalysis::interval).max()?;
    Some(format!("What lasts less than the {} between two checks can go unseen.", format::milliseconds(longest)))
}

fn unseen(coverage: &Coverage) -> Option<String> {
    let unseen = coverage.expected - coverage.observed;
    (unseen > 0).then(|| {
        format!(
            "{} of {} {} not made: no data, neither up nor down.",
            format::count(unseen),
            format::counted(coverage.expected, "due check"),
            if unseen == 1 { "was" } else { "were" }
        )
    })
}

fn planned(maintenance: &Counts) -> Option<String> {
    let n = maintenance.scheduled();
    (n > 0).then(|| {
        format!(
            "{} fell into maintenance: they count in no verdict, alert, share or budget.",
            format::counted(n, "check")
        )
    })
}

/// If the range cuts a window, percentiles cover more than the range.
fn cut_windows(context: &ReportContext<'_>) -> Option<String> {
    let TimeSpan { first, last } = context.fold.latency_span?;
    let beyond = (context.range.from - first).max(0) + (last - context.range.to).max(0);
    if beyond * 100 < context.range.to - context.range.from {
        return None;
    }
    let (from, to) = (first.min(context.range.from).timestamp(), last.max(context.range.to).timestamp());
    let range = context.fold.question.instants(from, to).range(from, to);
    Some(format!("Latencies are of whole recorded windows: {range}. Counts are exact."))
}

fn unjudged(surfaces: &[SurfaceRow]) -> Option<String> {
    let unknown: u64 = surfaces.iter().map(|row| row.figures.unknown).sum();
    (unknown > 0).then(|| {
        format!("{} could not be judged: the prober or its network was at fault.", format::counted(unknown, "check"))
    })
}

fn percentiles(row: &SurfaceRow) -> Option<String> {
    let count = row.figures.latency_us.count;
    let missing = [("p50", 0.5), ("p90", 0.9), ("p95", 0.95), ("p99", 0.99)]
        .into_iter()
        .find(|(_, q)| count < checks_to_show(*q));
    let (percentile, q) = missing.filter(|_| count > 0)?;
    Some(format!(
        "{percentile} of {} cannot be told from {}: that takes {}.",
        row.label(),
        format::counted(count, "up check"),
        format::count(checks_to_show(q))
    ))
}

fn baseline(surfaces: &[SurfaceRow]) -> Option<String> {
    let missing = surfaces.iter().find(|row| !row.control && row.baseline.method.is_none())?;
    let usual = &missing.baseline;
    Some(format!(
        "No baseline yet: {} before this time, {} needed.",
        format::counted(usual.days, "day"),
        usual.days_needed
    ))
}

fn evidence(context: &ReportContext<'_>, surfaces: &[SurfaceRow]) -> Option<String> {
    let failed: u64 = surfaces.iter().map(|row| row.figures.down).sum();
    let retained = context.fold.evidence.facts(context.range.span()).map(|(_, n)| n).sum::<u64>().min(failed);
    (retained < failed).then(|| {
        format!(
            "Evidence of {} of {} was kept: status codes and addresses are counted over these.",
            format::count(retained),
            format::counted(failed, "failure")
        )
    })
}
