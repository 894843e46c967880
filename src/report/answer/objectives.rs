//! Judges objectives: how much of the error budget is used, and how fast it burns.

use crate::model::{LatencyObjective, Objective, Surface, micros};
use crate::report::answer::span_counts::SpanCounts;
use crate::report::document::slo::{AvailabilitySlo, Burn, LatencySlo, Slo, Unjudged};
use crate::report::statistics::{checks_to_show, ratio, rounded, wilson};
use crate::window::Histogram;

/// The windows of the SRE workbook, table 5-8: severity, long and short window in seconds, burn
/// rate.
const WINDOWS: [(&str, u64, u64, f64); 3] =
    [("page", 3_600, 300, 14.4), ("page", 21_600, 1_800, 6.0), ("ticket", 259_200, 21_600, 1.0)];

/// A burn rate is not judged on fewer failures in the long window: at one check a minute, one
/// failure an hour burns a budget of 99.9 % at 16.7 times its rate.
const FAILURES_NEEDED: u64 = 5;

/// Nor on failures within fewer minutes: an outage of half a minute, checked every second, is no
/// trend.
const MINUTES_NEEDED: u64 = 3;

/// Nor if less of the long window than this was observed.
const SEEN_NEEDED: f64 = 0.9;

/// Counts the judged checks of a surface in the last seconds of the range, given their number.
pub(crate) trait RecentCounts: Fn(u64) -> SpanCounts {}
impl<F: Fn(u64) -> SpanCounts> RecentCounts for F {}

/// Judges the objectives of a surface; `None` if it has none.
pub(crate) fn judge(surface: &Surface, recent: &impl RecentCounts, latency: &Histogram) -> Option<Slo> {
    let availability = surface.objective.as_ref().map(|objective| judge_availability(objective, recent));
    let latency = surface.latency_objective.as_ref().map(|objective| judge_latency(objective, latency));
    if availability.is_none() && latency.is_none() {
        return None;
    }
    let burning = availability.as_ref().is_some_and(|slo| slo.burn.iter().any(|burn| burn.firing));
    let spent = availability.as_ref().is_some_and(|slo| slo.budget_used >= 1.0 && slo.failed >= FAILURES_NEEDED);
    let burnt = burning || spent || latency.as_ref().is_some_and(|slo| slo.missed);
    Some(Slo { availability, latency, burnt })
}

fn judge_availability(objective: &Objective, recent: &impl RecentCounts) -> AvailabilitySlo {
    let over_s = objective.over.as_secs();
    let SpanCounts { judged, seen, .. } = recent(over_s);
    let budget = 1.0 - objective.ratio;
    // The budget is that of the whole span: time without data counts as good.
    let used = ratio(judged.failed, judged.n).unwrap_or_default() / budget * seen;
    AvailabilitySlo {
        objective: objective.ratio,
        over_s,
        judged: judged.n,
        failed: judged.failed,
        span_seen: rounded(seen),
        budget_used: rounded(used),
        provable: judged.n >= checks_to_show(objective.ratio),
        checks_needed: checks_to_show(objective.ratio),
        burn: WINDOWS.into_iter().map(|window| burn(window, budget, recent)).collect(),
    }
}

fn burn(
    (severity, long_s, short_s, threshold): (&'static str, u64, u64, f64),
    budget: f64,
    recent: &impl RecentCounts,
) -> Burn {
    let (long, short) = (recent(long_s), recent(short_s));
    let rate = |counts: SpanCounts| ratio(counts.judged.failed, counts.judged.n).map(|ratio| ratio / budget);
    let unjudged = unjudged(long, short);
    let exceeds = |counts: SpanCounts| rate(counts).is_some_and(|rate| rate > threshold);
    Burn {
        severity,
        long_s,
        short_s,
        threshold,
        long_burn: rate(long).map(rounded),
        short_burn: rate(short).map(rounded),
        long_judged: long.judged.n,
        long_failed: long.judged.failed,
        long_seen: rounded(long.seen),
        short_judged: short.judged.n,
        short_failed: short.judged.failed,
        judged: unjudged.is_none(),
        unjudged,
        firing: unjudged.is_none() && short.judged.failed > 0 && exceeds(long) && exceeds(short),
    }
}

/// Why a burn rate is not judged; `None` if it is.
fn unjudged(long: SpanCounts, short: SpanCounts) -> Option<Unjudged> {
    if long.seen < SEEN_NEEDED || short.judged.n == 0 {
        return Some(Unjudged::TooLittleSeen);
    }
    match long.judged.failed {
        0 => None,
        failed if failed < FAILURES_NEEDED => Some(Unjudged::TooFewFailures),
        _ if long.failing_minutes.is_some_and(|minutes| minutes < MINUTES_NEEDED) => Some(Unjudged::TooBrief),
        _ => None,
    }
}

fn judge_latency(objective: &LatencyObjective, latency: &Histogram) -> LatencySlo {
    let (checks, fast) = (latency.count(), latency.count_within(objective.under));
    let ci95 = wilson(fast, checks);
    LatencySlo {
        objective: objective.ratio,
        under_us: micros::of(objective.under),
        checks,
        fast,
        ratio: ratio(fast, checks).map(rounded),
        ci95: ci95.map(|ends| ends.map(rounded)),
        missed: ci95.is_some_and(|[_, high]| high < objective.ratio),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::fold::history::Judged;

    fn promised(ratio: f64) -> Surface {
        Surface { objective: Some(Objective { ratio, over: Duration::from_hours(720) }), ..Surface::default() }
    }

    fn seen(n: u64, failed: u64) -> SpanCounts {
        SpanCounts { judged: Judged { n, failed }, seen: 1.0, failing_minutes: Some(failed) }
    }

    /// One check a minute, of which `failed_in_hour` failed in the last hour, and none before.
    fn minutes(failed_in_hour: u64) -> impl RecentCounts {
        move |seconds| seen(seconds / 60, failed_in_hour.min(seconds / 60))
    }

    fn first_burn(objective: f64, recent: &impl RecentCounts) -> Burn {
        let slo = judge(&promised(objective), recent, &Histogram::default()).expect("an objective");
        slo.availability.expect("availability").burn.swap_remove(0)
    }

    #[test]
    fn one_failure_an_hour_does_not_page_for_three_nines() {
        let slo = judge(&promised(0.999), &minutes(1), &Histogram::default()).expect("an objective");
        let page = &slo.availability.expect("availability").burn[0];
        assert!(page.long_burn.is_some_and(|burn| (burn - 16.67).abs() < 0.01), "{page:?}");
        assert!(!page.judged && !page.firing);
        assert!(!slo.burnt);
    }

    #[test]
    fn what_is_too_short_too_rare_or_too_brief_is_not_judged_and_says_why() {
        let all_fail = |seen: f64, failed: u64, minutes: u64| {
            move |_| SpanCounts { judged: Judged { n: failed, failed }, seen, failing_minutes: Some(minutes) }
        };
        for (recent, expected) in [
            // Half a minute of data.
            (all_fail(0.008, 30, 1), Some(Unjudged::TooLittleSeen)),
            // 50 of 60 minutes of data.
            (all_fail(0.83, 100, 50), Some(Unjudged::TooLittleSeen)),
            (all_fail(0.0, 0, 0), Some(Unjudged::TooLittleSeen)),
            (all_fail(1.0, 3, 3), Some(Unjudged::TooFewFailures)),
            (all_fail(1.0, 4, 4), Some(Unjudged::TooFewFailures)),
            // Half a minute of failures, checked every second.
            (all_fail(1.0, 30, 2), Some(Unjudged::TooBrief)),
            (all_fail(0.95, 5, 3), None),
        ] {
            let burn = first_burn(0.9999, &recent);
            assert_eq!((burn.unjudged, burn.judged), (expected, expected.is_none()));
            assert_eq!(burn.firing, expected.is_none(), "{burn:?}");
        }
    }

    #[test]
    fn nine_of_sixty_page_for_two_nines_and_eight_do_not() {
        for (failed, fires) in [(8, false), (9, true)] {
            let slo = judge(&promised(0.99), &minutes(failed), &Histogram::default()).expect("an objective");
            assert_eq!(slo.availability.expect("availability").burn[0].firing, fires, "{failed}");
        }
    }

    #[test]
    fn a_fast_burn_that_is_over_does_not_fire() {
        let over = |seconds: u64| {
            let failed = if seconds >= 3_600 { 30 } else { 0 };
            seen(seconds / 60, failed)
        };
        let slo = judge(&promised(0.99), &over, &Histogram::default()).expect("an objective");
        assert!(slo.availability.expect("availability").burn.iter().all(|burn| !burn.firing || burn.short_failed > 0));
    }

    #[test]
    fn the_budget_is_that_of_the_whole_span() {
        // A tenth of the span observed, and 1 % of it failed: a tenth of a budget of 1 %.
        let recent = |_| SpanCounts { seen: 0.1, ..seen(1000, 10) };
        let slo = judge(&promised(0.99), &recent, &Histogram::default()).expect("an objective");
        assert!(slo.availability.is_some_and(|slo| (slo.budget_used - 0.1).abs() < 1e-9));
    }

    #[test]
    fn latency_is_missed_only_for_certain() {
        let promise = Surface {
            latency_objective: Some(LatencyObjective { ratio: 0.95, under: Duration::from_millis(800) }),
            ..Surface::default()
        };
        let judged = |fast: u64, slow: u64| {
            let mut latency = Histogram::default();
            (0..fast).for_each(|_| latency.record_micros(100_000));
            (0..slow).for_each(|_| latency.record_micros(2_000_000));
            judge(&promise, &minutes(0), &latency).expect("an objective").latency.expect("latency")
        };
        assert!(!judged(9, 1).missed, "one of ten may be chance");
        assert!(judged(80, 20).missed);
        assert_eq!(judged(80, 20).fast, 80);
    }
}
