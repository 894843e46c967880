//! Finds the spans in which no check of some series was made.

use crate::model::Verdict;
use crate::report::parallel;
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::cadence::SILENT_AFTER;
use crate::report::series::report_range::ReportRange;

/// The spans without a check of any of these series that are longer than [`SILENT_AFTER`]
/// intervals.
pub(crate) fn silences(analyses: &[&SeriesAnalysis<'_>], range: &ReportRange<'_>) -> Vec<(i64, i64)> {
    let Some(interval) = analyses.iter().filter_map(|one| one.interval()).min() else { return Vec::new() };
    let limit = interval.saturating_mul(SILENT_AFTER);
    let of_each = parallel::map(analyses.to_vec(), |one| {
        let mut heard = CoveredSpans::new(limit);
        for run in one.series.log.runs().filter(|run| run.first.verdict != Verdict::Missed) {
            run.spans(limit).for_each(|(first, last)| heard.add(first, last));
        }
        // Those of the day before the range are known too.
        heard.spans.extend(one.series.maintenance.spans(limit).filter(|(_, last)| *last >= range.from));
        heard.spans
    });
    let mut spans: Vec<(i64, i64)> = of_each.into_iter().flatten().collect();
    spans.push((range.to, range.to));
    let has_past = analyses.iter().any(|one| !one.series.lead_in.is_empty());
    if has_past && range.from_is_asked {
        spans.push((range.from, range.from));
    }
    spans.sort_unstable();
    let mut heard = CoveredSpans::new(limit);
    spans.into_iter().for_each(|(first, last)| heard.add(first, last));
    heard.spans.windows(2).map(|pair| (pair[0].1, pair[1].0)).collect()
}

/// Spans of time without a silence in them.
struct CoveredSpans {
    /// Spans that are no further apart than this, in milliseconds, are joined.
    limit: i64,
    /// The first and the last instant of each span, in milliseconds since 1970.
    spans: Vec<(i64, i64)>,
}

impl CoveredSpans {
    const fn new(limit: i64) -> CoveredSpans {
        CoveredSpans { limit, spans: Vec::new() }
    }

    /// Adds a span, which is joined to the previous one if it is near enough. Add spans in order.
    fn add(&mut self, first: i64, last: i64) {
        match self.spans.last_mut() {
            Some(span) if span.0 <= first && first.saturating_sub(span.1) <= self.limit => span.1 = span.1.max(last),
            _ => self.spans.push((first, last)),
        }
    }
}
