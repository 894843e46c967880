//! Builds the answer from a finished fold, in a list of named steps.

pub(crate) mod charts;
mod claims;
pub(crate) mod compare;
mod confidence;
pub(crate) mod figures;
pub(crate) mod headline;
pub(crate) mod limits;
pub(crate) mod maintenance;
pub(crate) mod objectives;
pub(crate) mod recent;
pub(crate) mod rows;
mod scope;
pub(crate) mod sentence;
mod slow_periods;
pub(crate) mod span_counts;
pub(crate) mod surface_status;
mod unseen;
pub(crate) mod verdict;
pub(crate) mod verdict_input;

use jiff::Timestamp;

use self::verdict_input::VerdictInput;
use crate::model::UnixMillis;
use crate::report::context::ReportContext;
use crate::report::document::report::{Integrity, Report, SCHEMA, Span, Tool};
use crate::report::document::sample_bound::SampleBound;
use crate::report::fold::Fold;
use crate::report::incident::{description, incident_detection};
use crate::report::parallel;
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::report_range::ReportRange;

/// Builds the report. `now` is the instant at which it is made; `integrity` lists what was read,
/// and its counts of windows, history and failures are filled in here. Sorts the logs of the fold,
/// which may still read more and be answered again.
#[must_use]
pub fn answer(fold: &mut Fold, now: Timestamp, integrity: Integrity) -> Report {
    put_in_order(fold);
    let fold = &*fold;
    let range = range(fold, now);
    let mut context = ReportContext::new(fold, range);
    let detected = incident_detection::detect(&context);
    context.judge_surfaces(&detected.by_surface(&context));
    let slow_periods = slow_periods::slow_periods(&context, &detected);
    let surfaces = rows::surfaces(&context, &detected, &slow_periods);
    let comparisons = compare::compare(&surfaces);
    let incidents = description::describe(&context, &detected, comparisons.iter().any(|one| one.significant));
    let vantages = rows::vantages(&context, &detected);
    let targets: Vec<_> = context.of_targets().collect();
    let unseen = unseen::unseen(fold, &context.range);
    let coverage = unseen::with_unseen(figures::coverage(&targets), &unseen);
    let verdict = VerdictInput {
        context: &context,
        surfaces: &surfaces,
        vantages: &vantages,
        incidents: &incidents,
        detected: &detected,
        slow_periods: &slow_periods,
        coverage,
    }
    .answer();
    let (curves, waterfalls) = charts::shapes(&context, &detected);
    let limits = limits::limits(&context, &surfaces, &vantages, &coverage, &fold.maintenance);
    Report {
        schema: SCHEMA,
        generated_at: now,
        tool: Tool { name: "uptick", version: env!("CARGO_PKG_VERSION") },
        window: span(&range, fold),
        verdict,
        places: rows::places(&context, &detected),
        probes: rows::probes(&context, &detected),
        addresses: rows::addresses(&context),
        expectations: charts::expectations(&context),
        series: context.buckets().flat_map(|(series, buckets)| charts::points(series, buckets)).collect(),
        band_edges_us: charts::band_edges(),
        curves,
        waterfalls,
        changes: recent::changes(&context),
        no_data: rows::no_data(&context),
        lag_us: figures::lag(&context.analyses.iter().collect::<Vec<_>>()),
        coverage,
        maintenance: fold.maintenance,
        proof: proof(&targets),
        limits: [limits, unseen::sentences(&unseen)].concat(),
        unseen,
        availability_judged: true,
        conditions_met: None,
        integrity: with_counts(integrity, fold),
        surfaces,
        vantages,
        incidents,
        slow_periods,
        comparisons,
    }
}

/// The range in the document.
fn span(range: &ReportRange<'_>, fold: &Fold) -> Span {
    Span {
        from: range.from.timestamp(),
        to: range.to.timestamp(),
        bucket_s: u64::try_from(range.step / 1_000).unwrap_or_default(),
        zone: fold.question.zone.as_ref().and_then(|zone| zone.iana_name()).map(str::to_owned),
    }
}

/// `integrity` with the counts of the fold.
fn with_counts(integrity: Integrity, fold: &Fold) -> Integrity {
    Integrity { windows: fold.windows, history_windows: fold.history_windows, failures: fold.failures, ..integrity }
}

fn put_in_order(fold: &mut Fold) {
    parallel::map(fold.series.iter_mut().collect(), |series| {
        series.log.sort();
        series.lead_in.sort();
        series.maintenance.log.sort();
        // Not the checks in maintenance: a run covers all its time, but these may be a day apart.
        series.log.join_even();
        series.lead_in.join_even();
    });
}

/// What the checks of all targets together prove.
fn proof(targets: &[&SeriesAnalysis<'_>]) -> SampleBound {
    let judged = targets.iter().map(|one| one.counts.judged()).sum();
    SampleBound::new(judged, targets.iter().map(|one| one.counts.down).sum())
}

/// The range: as asked, or as far as the data reaches.
fn range(fold: &Fold, now: Timestamp) -> ReportRange<'_> {
    let asked = &fold.question;
    let now = UnixMillis::from(now);
    let last = fold.series.iter().filter_map(|series| series.log.last_at()).max();
    let from = asked.from.map(UnixMillis::from);
    let from = from.or((fold.extent.from != UnixMillis::MAX).then_some(fold.extent.from)).unwrap_or(now);
    let to = match asked.to {
        Some(to) => UnixMillis::from(to),
        // The last window may end after its last check, and after now.
        None => fold.extent.to.min(now).max(last.map_or(UnixMillis::MIN, |last| last + 1)),
    };
    ReportRange {
        rules: &asked.rules,
        from,
        to: to.max(from),
        from_is_asked: asked.from.is_some(),
        step: fold.extent.step,
        evidence_step: fold.extent.evidence_step,
        series: fold.series.iter().filter(|series| !series.control && series.is_in_range()).count(),
    }
}
