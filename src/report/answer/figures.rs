//! The same figures for any group of series: a surface, a vantage, a probe, a place.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Counts, FailureClass};
use crate::report::document::answer::MainFailure;
use crate::report::document::coverage::Coverage;
use crate::report::document::latency::LatencySummary;
use crate::report::document::rows::{ClassRow, Figures};
use crate::report::fold::evidence::{ClassEvidence, Evidence, phase};
use crate::report::incident::main_failure;
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::series_tally::ClassSpan;
use crate::report::statistics::{number, ratio, rounded, wilson};
use crate::window::Histogram;

/// The figures of a group of series.
pub(crate) fn figures(group: &[&SeriesAnalysis<'_>], evidence: &Evidence) -> Figures {
    let (mut counts, mut flaky, mut warnings) = (Counts::default(), 0, 0);
    let (mut latency, mut failed_latency) = (Histogram::default(), Histogram::default());
    for one in group {
        counts.merge(&one.counts);
        flaky += one.series.flaky;
        warnings += one.series.warnings;
        latency.merge(&one.series.latency);
        failed_latency.merge(&one.series.failed_latency);
    }
    let (down, judged) = (counts.down, counts.judged());
    let classes = classes(group, evidence);
    Figures {
        checks: counts.scheduled(),
        up: counts.up,
        down,
        unknown: counts.unknown,
        missed: counts.missed,
        flaky,
        warnings,
        failed_ratio: ratio(down, judged).map(rounded),
        ci95: wilson(down, judged).map(|ends| ends.map(rounded)),
        availability: ratio(counts.up, judged).map(rounded),
        impact_minutes: impact_minutes(group),
        coverage: coverage(group),
        latency_us: LatencySummary::of(&latency),
        failed_latency_us: LatencySummary::of(&failed_latency),
        main_failure: main_failure(&classes),
        classes,
    }
}

/// How late the checks of a group began.
pub(crate) fn lag(group: &[&SeriesAnalysis<'_>]) -> LatencySummary {
    let mut lag = Histogram::default();
    for one in group {
        lag.merge(&one.series.lag);
    }
    LatencySummary::of(&lag)
}

/// The coverage of a group.
pub(crate) fn coverage(group: &[&SeriesAnalysis<'_>]) -> Coverage {
    let expected = group.iter().map(|one| one.coverage.expected).sum();
    let observed = group.iter().map(|one| one.coverage.observed).sum();
    Coverage { expected, observed, ratio: ratio(observed, expected).map(rounded) }
}

/// Equivalent minutes of full outage: each failed check counts for the time to the next check; of a
/// group, the mean over its series.
fn impact_minutes(group: &[&SeriesAnalysis<'_>]) -> f64 {
    if group.is_empty() {
        return 0.0;
    }
    let minutes = group.iter().map(|one| one.impact_minutes);
    rounded(minutes.sum::<f64>() / number(group.len() as u64))
}

fn classes(group: &[&SeriesAnalysis<'_>], evidence: &Evidence) -> BTreeMap<FailureClass, ClassRow> {
    let mut spans: BTreeMap<FailureClass, (ClassSpan, Option<ClassEvidence>)> = BTreeMap::new();
    for one in group {
        for (class, span) in &one.classes {
            let (all, seen) = spans.entry(*class).or_insert((ClassSpan { n: 0, ..*span }, None));
            all.n += span.n;
            all.first = all.first.min(span.first);
            all.last = all.last.max(span.last);
            match (seen.as_mut(), evidence.seen(&one.vantage, &one.surface, &one.probe, *class)) {
                (Some(seen), Some(more)) => seen.merge(more),
                (None, more) => *seen = more.cloned(),
                (Some(_), None) => {}
            }
        }
    }
    let total: u64 = spans.values().map(|(span, _)| span.n).sum();
    let row = |(class, (span, seen))| (class, class_row(class, span, seen, total, codes(group, class)));
    spans.into_iter().map(row).collect()
}

/// The failures of a class by status code; empty if the windows do not count codes.
fn codes(group: &[&SeriesAnalysis<'_>], class: FailureClass) -> BTreeMap<u16, u64> {
    let mut codes = BTreeMap::new();
    for ((_, code), n) in group.iter().flat_map(|one| one.codes.range((class, 0)..=(class, u16::MAX))) {
        *codes.entry(*code).or_default() += n;
    }
    codes
}

/// The main failure, from rows by class.
fn main_failure(rows: &BTreeMap<FailureClass, ClassRow>) -> Option<MainFailure> {
    let classes = rows.iter().map(|(class, row)| (*class, row.n)).collect();
    let of_class = |(class, row): (&FailureClass, &ClassRow)| {
        let class = *class;
        row.statuses.iter().map(move |(code, n)| ((class, *code), *n)).collect::<Vec<_>>()
    };
    let codes = rows.iter().filter(|(class, _)| **class == FailureClass::Status).flat_map(of_class).collect();
    main_failure::main_failure(&classes, &codes, &BTreeMap::new())
}

fn class_row(
    class: FailureClass,
    span: ClassSpan,
    seen: Option<ClassEvidence>,
    total: u64,
    codes: BTreeMap<u16, u64>,
) -> ClassRow {
    // Windows of version 1 do not count codes: use those of the kept evidence.
    let kept = || seen.as_ref().map(|seen| seen.statuses.clone()).unwrap_or_default();
    let statuses = if codes.is_empty() { kept() } else { codes };
    ClassRow {
        n: span.n,
        share: rounded(ratio(span.n, total).unwrap_or_default()),
        phase: phase(class, seen.as_ref()),
        first: Timestamp::from_millisecond(span.first.0).ok(),
        last: Timestamp::from_millisecond(span.last.0).ok(),
        statuses: statuses.into_iter().collect(),
        example: seen.map(|seen| seen.example),
    }
}
