//! Counts the checks of a surface in the last seconds of the range, for budgets and burn rates: how
//! many failed, how much of that time has data, and in how many minutes checks failed.

use crate::model::{SafeText, UnixMillis, Verdict};
use crate::report::context::ReportContext;
use crate::report::fold::history::{DAY_MS, HOUR_MS, Judged};
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::offline::Offline;
use crate::report::statistics::number;
use crate::report::time_span::TimeSpan;

/// Milliseconds per minute.
const MINUTE_MS: i64 = 60_000;

/// The checks in the last seconds of the range, without those in maintenance.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SpanCounts {
    pub(crate) judged: Judged,
    /// The share of that time with data or maintenance, 0 to 1.
    pub(crate) seen: f64,
    /// The number of minutes in which a check failed; `None` if checks are counted by the hour.
    pub(crate) failing_minutes: Option<u64>,
}

/// Counts the judged checks of a surface in the last `seconds` of the range: check by check up to a
/// day, by the hour beyond.
pub(crate) fn span_counts(
    context: &ReportContext<'_>,
    surface: &SafeText,
    group: &[&SeriesAnalysis<'_>],
    seconds: u64,
) -> SpanCounts {
    let length = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX).max(1);
    let (from, to) = (context.range.to.saturating_sub(length), context.range.to);
    // A check covers the time up to the second check after it.
    let reach = group.iter().filter_map(|one| one.interval()).min().unwrap_or_default().saturating_mul(2);
    let (judged, failing_minutes, seen) = if length > DAY_MS {
        let (judged, hours) = by_the_hour(context, surface, from, to);
        (judged, None, covered(hours.into_iter(), (from, to), reach.max(HOUR_MS)))
    } else {
        let minutes = by_the_minute(group, (from, to), reach);
        let failing = minutes.iter().filter(|(_, counts)| counts.judged.failed > 0).count();
        let mut judged = Judged::default();
        minutes.iter().for_each(|(_, counts)| judged.add(counts.judged));
        let seen = minutes.iter().map(|(minute, _)| *minute);
        (judged, Some(failing as u64), covered(seen, (from, to), reach.max(MINUTE_MS)))
    };
    let share = |ms: i64| number(u64::try_from(ms).unwrap_or_default());
    SpanCounts { judged, seen: share(seen) / share(length), failing_minutes }
}

/// The checks, whole hours of them, and the hours with data, in order.
fn by_the_hour(
    context: &ReportContext<'_>,
    surface: &SafeText,
    from: UnixMillis,
    to: UnixMillis,
) -> (Judged, Vec<UnixMillis>) {
    let mut judged = Judged::default();
    let Some(past) = context.fold.history.past(surface.as_str()) else { return (judged, Vec::new()) };
    let first = from.floor(HOUR_MS);
    past.hours.range(first..to).for_each(|(_, hour)| judged.add(*hour));
    (judged, past.seen.range(first..to).copied().collect())
}

/// The checks in one minute.
#[derive(Clone, Copy, Debug, Default)]
struct MinuteCounts {
    judged: Judged,
    is_seen: bool,
}

/// The minutes with data, in order, with those shortly before the span whose checks reach into it.
fn by_the_minute(
    group: &[&SeriesAnalysis<'_>],
    (from, to): (UnixMillis, UnixMillis),
    reach: i64,
) -> Vec<(UnixMillis, MinuteCounts)> {
    let earliest = from.saturating_sub(reach);
    let begin = earliest.floor(MINUTE_MS);
    let length = usize::try_from((to - begin) / MINUTE_MS + 1).unwrap_or_default();
    let mut minutes = vec![MinuteCounts::default(); length];
    let place = |at: UnixMillis| usize::try_from((at - begin).div_euclid(MINUTE_MS)).ok();
    for one in group {
        for check in one.series.checks_in(TimeSpan::new(earliest, to)) {
            let verdict = Offline::judged(one.offline(), check).verdict;
            let Some(minute) = place(check.at).and_then(|place| minutes.get_mut(place)) else { continue };
            let is_judged = matches!(verdict, Verdict::Up | Verdict::Down);
            minute.is_seen |= is_judged;
            if check.at >= from {
                minute.judged.add(Judged { n: u64::from(is_judged), failed: u64::from(verdict == Verdict::Down) });
            }
        }
        for span in one.series.maintenance.spans(reach) {
            let (begins, ends) = (place(span.first.max(earliest)), place(span.last.min(to)));
            if let (Some(begins), Some(ends)) = (begins, ends) {
                minutes.iter_mut().take(ends + 1).skip(begins).for_each(|minute| minute.is_seen = true);
            }
        }
    }
    let numbered = (0..).map(|n| begin + n * MINUTE_MS).zip(minutes);
    numbered.filter(|(_, minute)| minute.is_seen).collect()
}

/// The milliseconds of a span that lie within `reach` after some instants, which are in order.
fn covered(instants: impl Iterator<Item = UnixMillis>, (from, to): (UnixMillis, UnixMillis), reach: i64) -> i64 {
    let (mut covered, mut until) = (0, from);
    for at in instants {
        let (begin, end) = (at.max(until), at.saturating_add(reach).min(to));
        covered += (end - begin).max(0);
        until = until.max(end);
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::{UnixMillis, covered};

    #[test]
    fn what_lies_within_reach_of_a_check_is_covered_once() {
        let of = |instants: &[i64], reach| {
            covered(instants.iter().copied().map(UnixMillis), (UnixMillis(100), UnixMillis(200)), reach)
        };
        assert_eq!(of(&[], 50), 0);
        assert_eq!(of(&[100, 110, 120], 20), 40);
        assert_eq!(of(&[90, 195], 20), 15);
        assert_eq!(of(&[100], 1_000), 100);
        assert_eq!(of(&[0], 10), 0);
    }
}
