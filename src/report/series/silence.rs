//! Finds the spans in which no check of some series was made.

use crate::model::{UnixMillis, Verdict};
use crate::report::fold::planned_cron::PlannedCron;
use crate::report::parallel;
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::cadence::SILENT_AFTER;
use crate::report::series::report_range::ReportRange;
use crate::report::time_span::TimeSpan;

/// The spans without a check of any of these series that are longer than [`SILENT_AFTER`]
/// intervals. The pauses of a cron expression are none.
pub(crate) fn silences(analyses: &[&SeriesAnalysis<'_>], range: &ReportRange<'_>) -> Vec<TimeSpan> {
    let Some(interval) = analyses.iter().filter_map(|one| one.interval()).min() else { return Vec::new() };
    let limit = interval.saturating_mul(SILENT_AFTER);
    let of_each = parallel::map(analyses.to_vec(), |one| {
        let mut heard = CoveredSpans::new(limit);
        for run in one.series.log.runs().filter(|run| run.first.verdict != Verdict::Missed) {
            run.spans(limit).for_each(|span| heard.add(span));
        }
        heard.spans.extend(slow_span(one, range.to));
        // Those of the day before the range are known too.
        heard.spans.extend(one.series.maintenance.spans(limit).filter(|span| span.last >= range.from));
        if let Some((from, cron)) = one.cron() {
            heard.spans.extend(pauses(cron, from, &heard.spans, range.to));
        }
        heard.spans
    });
    let mut spans: Vec<TimeSpan> = of_each.into_iter().flatten().collect();
    spans.push(TimeSpan::new(range.to, range.to));
    let has_past = analyses.iter().any(|one| !one.series.lead_in.is_empty());
    if has_past && range.from_is_asked {
        spans.push(TimeSpan::new(range.from, range.from));
    }
    spans.sort_unstable();
    let mut heard = CoveredSpans::new(limit);
    spans.into_iter().for_each(|span| heard.add(span));
    heard.spans.windows(2).map(|pair| TimeSpan::new(pair[0].last, pair[1].first)).collect()
}

/// The time in which the checks of a series are rarer than is usual: from the check after which they are until it is
/// silent by its present interval.
fn slow_span(analysis: &SeriesAnalysis<'_>, to: UnixMillis) -> Option<TimeSpan> {
    let slowdown = analysis.slowdown?;
    let heard_until = analysis.last?.saturating_add(slowdown.cadence.every.saturating_mul(SILENT_AFTER));
    Some(TimeSpan::new(slowdown.since, if heard_until < to { analysis.last? } else { to }))
}

/// The spans between these, and after the last, in which a cron expression that holds from an instant on makes fewer
/// than [`SILENT_AFTER`] checks due.
fn pauses(cron: &PlannedCron, from: UnixMillis, heard: &[TimeSpan], to: UnixMillis) -> Vec<TimeSpan> {
    let nexts = heard.iter().skip(1).map(|span| span.first).chain([to]);
    let between = heard.iter().zip(nexts).map(|(span, next)| TimeSpan::new(span.last, next));
    let in_force = between.filter(|pause| pause.last > from);
    in_force.filter(|pause| !cron.is_due(pause.first, pause.last, SILENT_AFTER)).collect()
}

/// Spans of time without a silence in them.
struct CoveredSpans {
    /// Spans that are no further apart than this, in milliseconds, are joined.
    limit: i64,
    spans: Vec<TimeSpan>,
}

impl CoveredSpans {
    const fn new(limit: i64) -> CoveredSpans {
        CoveredSpans { limit, spans: Vec::new() }
    }

    /// Adds a span, which is joined to the previous one if it is near enough. Add spans in order.
    fn add(&mut self, span: TimeSpan) {
        match self.spans.last_mut() {
            Some(before) if before.first <= span.first && span.first.saturating_since(before.last) <= self.limit => {
                before.last = before.last.max(span.last);
            }
            _ => self.spans.push(span),
        }
    }
}
