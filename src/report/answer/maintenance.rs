//! Phrases about surfaces that are or were in maintenance; the verdict leaves these checks out.

use crate::format;
use crate::model::{Counts, SafeText};
use crate::report::context::ReportContext;
use crate::report::series::analysis::SeriesAnalysis;

/// Maintenance continues if its last check is at most this many intervals, or this many
/// milliseconds, before the end of the range.
const RECENT: i64 = 2;
const RECENT_MS: i64 = 120_000;

/// One phrase per surface: `X app in maintenance (20 checks left out, 18 of them failed)`.
pub(super) fn phrases(context: &ReportContext<'_>, label: impl Fn(&SafeText) -> String) -> Vec<String> {
    context
        .surfaces()
        .filter_map(|(surface, entry)| phrase(context, &context.at(&entry.series), || label(surface)))
        .collect()
}

fn phrase(context: &ReportContext<'_>, series: &[&SeriesAnalysis<'_>], label: impl Fn() -> String) -> Option<String> {
    let mut counts = Counts::default();
    series.iter().for_each(|one| counts.merge(&one.series.maintenance.counts));
    let n = counts.scheduled();
    if n == 0 {
        return None;
    }
    let goes_on = series.iter().any(|one| {
        let interval = one.interval().unwrap_or_default().saturating_mul(RECENT).max(RECENT_MS);
        let last = one.series.maintenance.log.last_at();
        last.is_some_and(|last| one.last.is_none_or(|judged| judged < last) && context.range.to - last <= interval)
    });
    let failed = match counts.down {
        0 => String::new(),
        failed if failed == n => ", all failed".to_owned(),
        failed => format!(", {} of them failed", format::count(failed)),
    };
    let left_out = format!("{} left out{failed}", format::counted(n, "check"));
    let when = if goes_on { "in maintenance" } else { "was in maintenance" };
    Some(format!("{} {when} ({left_out})", label()))
}
