//! The baseline: what is usual in an hour of the day, from the same hour of earlier days in the
//! journal; from the same hour of the same weekday, if that differs and there are enough weeks; and
//! within the hour, what recurs at the same minutes.

use crate::model::UnixMillis;
use crate::report::document::usual::Usual;
use crate::report::fold::history::{DAY_MS, DAYS, HOUR_MS, Judged, SurfaceHistory};
use crate::report::series::past_hour::{PastHour, calm, lasting_outages, median_p95, median_us, share, sum};
use crate::report::series::recurring_dip::{Recurrence, RecurringDip};
use crate::report::statistics::{fisher, number, rounded};

/// The method, as reports print it.
const METHOD: &str = "the same hour of earlier days, of the same weekday where that differs: median latency, failed ratio \
                      without the days of an outage, and what recurs within the hour";

/// Fewer earlier days make no baseline.
const DAYS_NEEDED: u64 = 5;

/// Fewer weeks make no baseline of a weekday.
const WEEKS_NEEDED: usize = 3;

/// The baseline of a surface for each hour of the day and of the week, UTC.
#[derive(Clone, Debug, Default)]
pub(crate) struct Baseline {
    hours: [Option<HourBaseline>; 24],
    /// By day since 1970 modulo seven; only where the weekday differs from the others.
    weekdays: [[Option<HourBaseline>; 24]; 7],
    days: u64,
}

/// The baseline of one hour of the day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct HourBaseline {
    pub(crate) failed_ratio: f64,
    pub(crate) p50_us: Option<u64>,
    pub(crate) p95_us: Option<u64>,
    /// A dip that recurs within the hour.
    dip: Option<RecurringDip>,
    /// The number of days on which as much failed.
    recurs: Option<Recurrence>,
}

impl Baseline {
    /// The baseline from what is known before `from`.
    pub(crate) fn new(past: Option<&SurfaceHistory>, from: UnixMillis) -> Baseline {
        let mut usual = Baseline::default();
        let Some(past) = past else { return usual };
        let lasting = lasting_outages(past, from);
        for (hour, slot) in (0..).zip(&mut usual.hours) {
            let then: Vec<PastHour> = (0..=DAYS)
                .map(|day| from.floor(DAY_MS) - day * DAY_MS + hour * HOUR_MS)
                .filter(|begin| *begin + HOUR_MS <= from && !lasting.contains(begin))
                .filter_map(|begin| {
                    let then = past.hourly.get(&begin)?;
                    let of_day = past.daily.get(&begin.floor(DAY_MS));
                    (then.judged.n > 0).then(|| PastHour::of(begin, then, of_day))
                })
                .collect();
            usual.days = usual.days.max(then.len() as u64);
            if then.len() as u64 >= DAYS_NEEDED {
                *slot = usual_hour(past, &then);
            }
            for (weekday, of_week) in (0..).zip(&mut usual.weekdays) {
                if let Some(of_hour) = usize::try_from(hour).ok().and_then(|hour| of_week.get_mut(hour)) {
                    *of_hour = weekday_hour(past, &then, weekday);
                }
            }
        }
        usual
    }

    /// The baseline of a bucket, given its start and length in milliseconds; `None` if there is
    /// none for these hours.
    pub(crate) fn at(&self, begin: UnixMillis, length: i64) -> Option<HourBaseline> {
        let end = begin + length.max(1);
        let first = begin.div_euclid(HOUR_MS);
        let last = (end - 1).div_euclid(HOUR_MS).min(first + 23);
        let hours = (first..=last).filter_map(|hour| {
            let usual = self.of_hour(hour)?;
            let (from, to) = (begin.max(UnixMillis(hour * HOUR_MS)), end.min(UnixMillis((hour + 1) * HOUR_MS)));
            let failed_ratio = usual.dip.map_or(usual.failed_ratio, |dip| dip.ratio(from, to));
            Some(HourBaseline { failed_ratio, ..usual })
        });
        joined(&hours.collect::<Vec<_>>())
    }

    /// The number of earlier days on which as much failed at this time of the day; `None` if that
    /// is not usual.
    pub(crate) fn recurs_at(&self, at: UnixMillis) -> Option<Recurrence> {
        let usual = self.of_hour(at.div_euclid(HOUR_MS))?;
        if usual.dip.is_some_and(|dip| !dip.covers(at)) { None } else { usual.recurs }
    }

    /// The baseline of an hour, by its number since 1970.
    fn of_hour(&self, hour: i64) -> Option<HourBaseline> {
        let of_day = usize::try_from(hour.rem_euclid(24)).ok()?;
        let weekday = usize::try_from(hour.div_euclid(24).rem_euclid(7)).ok()?;
        let of_weekday = self.weekdays.get(weekday).and_then(|hours| *hours.get(of_day)?);
        of_weekday.or_else(|| *self.hours.get(of_day)?)
    }

    /// The baseline over some buckets, given their starts and judged checks.
    pub(crate) fn over(&self, buckets: impl Iterator<Item = (UnixMillis, u64)>, length: i64) -> Usual {
        let none = Usual { days: self.days, days_needed: DAYS_NEEDED, ..Usual::default() };
        let (mut expected, mut judged, mut hours) = (0.0, 0, Vec::new());
        for (begin, n) in buckets {
            let Some(usual) = self.at(begin, length) else { return none };
            expected += usual.failed_ratio * number(n);
            judged += n;
            hours.push(usual);
        }
        let Some(usual) = joined(&hours) else { return none };
        Usual {
            method: Some(METHOD),
            failed_ratio: Some(rounded(if judged == 0 { usual.failed_ratio } else { expected / number(judged) })),
            expected_failures: Some(rounded(expected)),
            p50_us: usual.p50_us,
            p95_us: usual.p95_us,
            ..none
        }
    }
}

/// The baseline of an hour, from that hour on earlier days.
fn usual_hour(past: &SurfaceHistory, then: &[PastHour]) -> Option<HourBaseline> {
    let calm_days = calm(then);
    let sum = sum(&calm_days);
    if then.is_empty() || sum.n == 0 {
        return None;
    }
    let mut p50s: Vec<f64> = then.iter().filter_map(|one| one.p50_us).collect();
    let days: Vec<(UnixMillis, Judged)> = calm_days.iter().map(|one| (one.begin, one.judged)).collect();
    let dip = RecurringDip::of(&past.failing, &days);
    Some(HourBaseline {
        failed_ratio: share(sum),
        p50_us: median_us(&mut p50s),
        p95_us: median_p95(then),
        dip,
        recurs: Recurrence::of(&past.failing, &days, dip),
    })
}

/// The baseline of an hour on one weekday, if it differs from that on the others.
fn weekday_hour(past: &SurfaceHistory, then: &[PastHour], weekday: i64) -> Option<HourBaseline> {
    /// Failures differ if chance makes such a difference with a lower probability than this;
    const UNLIKELY: f64 = 0.001;
    /// latencies differ if one is at least this many times the other.
    const TIMES: u64 = 2;
    let is_of = |one: &PastHour| one.begin.div_euclid(DAY_MS).rem_euclid(7) == weekday;
    let (mine, others): (Vec<PastHour>, Vec<PastHour>) = then.iter().copied().partition(is_of);
    if mine.len() < WEEKS_NEEDED || others.len() < WEEKS_NEEDED {
        return None;
    }
    let (on_it, on_others) = (sum(&calm(&mine)), sum(&calm(&others)));
    let fails = || fisher(on_it.failed, on_it.n, on_others.failed, on_others.n) < UNLIKELY;
    let is_slow = median_p95(&mine)
        .zip(median_p95(&others))
        .is_some_and(|(mine, others)| mine >= others.saturating_mul(TIMES) || others >= mine.saturating_mul(TIMES));
    if is_slow || fails() { usual_hour(past, &mine) } else { None }
}

/// The baseline over several hours: the mean of the failed ratios, the median of the latencies.
fn joined(hours: &[HourBaseline]) -> Option<HourBaseline> {
    if let [one] = hours {
        return Some(*one);
    }
    if hours.is_empty() {
        return None;
    }
    let mean = hours.iter().map(|hour| hour.failed_ratio).sum::<f64>() / number(hours.len() as u64);
    let of = |latency: fn(&HourBaseline) -> Option<u64>| {
        median_us(&mut hours.iter().filter_map(latency).map(number).collect::<Vec<_>>())
    };
    Some(HourBaseline {
        failed_ratio: mean,
        p50_us: of(|hour| hour.p50_us),
        p95_us: of(|hour| hour.p95_us),
        dip: None,
        recurs: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fold::history::PastSpan;

    const DAY_100: UnixMillis = UnixMillis(100 * DAY_MS);

    /// A past of `days` days before day 100, each hour with the same checks.
    fn past(days: i64, then: impl Fn(i64) -> (u64, u64, u64)) -> SurfaceHistory {
        let mut past = SurfaceHistory::default();
        for day in 100 - days..100 {
            for hour in 0..24 {
                let (n, failed, latency) = then(day);
                let mut slot = PastSpan { judged: Judged { n, failed }, ..PastSpan::default() };
                (0..n - failed).for_each(|_| slot.latency.record_micros(latency));
                past.hourly.insert(UnixMillis(day * DAY_MS + hour * HOUR_MS), slot);
            }
        }
        past
    }

    #[test]
    fn four_days_are_no_baseline_and_five_are() {
        let four = Baseline::new(Some(&past(4, |_| (60, 0, 1000))), DAY_100);
        assert_eq!(four.at(DAY_100, HOUR_MS), None);
        let none = four.over(std::iter::once((DAY_100, 60)), HOUR_MS);
        assert_eq!((none.days, none.method, none.expected_failures), (4, None, None));
        let five = Baseline::new(Some(&past(5, |_| (60, 0, 1000))), DAY_100);
        let usual = five.over(std::iter::once((DAY_100, 60)), HOUR_MS);
        assert_eq!((usual.days, usual.expected_failures, usual.p50_us), (5, Some(0.0), Some(1000)));
    }

    #[test]
    fn one_bad_day_is_not_usual() {
        let usual = Baseline::new(Some(&past(10, |day| if day == 95 { (60, 60, 0) } else { (60, 1, 2000) })), DAY_100);
        let hour = usual.at(DAY_100, HOUR_MS).expect("a baseline");
        assert!((hour.failed_ratio - 1.0 / 60.0).abs() < 1e-9, "{hour:?}");
        assert_eq!(hour.p95_us, Some(2000));
    }

    #[test]
    fn the_hours_of_the_window_itself_are_not_usual() {
        let usual = Baseline::new(Some(&past(6, |_| (60, 0, 1000))), DAY_100 - DAY_MS);
        assert_eq!(usual.days, 5);
    }

    /// A past of 28 days before day 100, with `n` checks in each hour, of which `failed(day, hour)`
    /// fail.
    fn past_of(n: u64, failed: impl Fn(i64, i64) -> u64) -> SurfaceHistory {
        let mut past = SurfaceHistory::default();
        for day in 72..100 {
            for hour in 0..24 {
                let judged = Judged { n, failed: failed(day, hour) };
                past.hourly
                    .insert(UnixMillis(day * DAY_MS + hour * HOUR_MS), PastSpan { judged, ..PastSpan::default() });
            }
        }
        past
    }

    fn ratio_at(usual: &Baseline, day: i64, hour: i64) -> f64 {
        usual.at(UnixMillis(day * DAY_MS + hour * HOUR_MS), HOUR_MS).expect("a baseline").failed_ratio
    }

    #[test]
    fn an_outage_of_many_days_that_ended_does_not_become_usual() {
        let usual = Baseline::new(Some(&past_of(100, |day, _| if day < 88 { 100 } else { 1 })), DAY_100);
        assert!((ratio_at(&usual, 100, 5) - 0.01).abs() < 1e-9, "{}", ratio_at(&usual, 100, 5));
        // A failure of eight hours each night recurs.
        let nightly = Baseline::new(Some(&past_of(100, |_, hour| if hour < 8 { 30 } else { 0 })), DAY_100);
        assert!((ratio_at(&nightly, 100, 5) - 0.3).abs() < 1e-9);
        assert_eq!(nightly.recurs_at(DAY_100 + 5 * HOUR_MS), Some(Recurrence { days: 28, of: 28 }));
        assert_eq!(nightly.recurs_at(DAY_100 + 12 * HOUR_MS), None);
    }

    #[test]
    fn what_is_usual_on_one_weekday_is_not_usual_on_the_others() {
        // In four weeks, on each day whose number modulo 7 is 3, a quarter fails at nine.
        let past = past_of(200, |day, hour| if day % 7 == 3 && hour == 9 { 50 } else { 1 });
        let usual = Baseline::new(Some(&past), DAY_100);
        assert!((ratio_at(&usual, 101, 9) - 0.25).abs() < 1e-9, "{}", ratio_at(&usual, 101, 9));
        for (day, hour) in [(100, 9), (102, 9), (101, 10)] {
            assert!(ratio_at(&usual, day, hour) < 0.01, "{day} {hour}");
        }
        assert_eq!(usual.recurs_at(DAY_100 + DAY_MS + 9 * HOUR_MS), Some(Recurrence { days: 4, of: 4 }));
    }

    #[test]
    fn what_is_expected_follows_a_dip_within_the_hour() {
        let mut past = past_of(600, |_, hour| if hour == 2 { 50 } else { 0 });
        // At ten past two, for five minutes, all checks fail.
        for day in 72..100 {
            past.failing.insert(UnixMillis(day * DAY_MS + 2 * HOUR_MS + 600_000), 50);
        }
        let usual = Baseline::new(Some(&past), DAY_100);
        let at = |minute: i64, length: i64| {
            let begin = DAY_100 + 2 * HOUR_MS + minute * 60_000;
            usual.at(begin, length * 60_000).expect("a baseline").failed_ratio
        };
        assert!((at(10, 5) - 1.0).abs() < 1e-9 && at(15, 15) < 1e-9, "{} {}", at(10, 5), at(15, 15));
        assert!((at(0, 60) - 50.0 / 600.0).abs() < 1e-9, "{}", at(0, 60));
        assert!((at(5, 10) - 0.5).abs() < 1e-9, "{}", at(5, 10));
        let begin = DAY_100 + 2 * HOUR_MS;
        assert_eq!(usual.recurs_at(begin + 12 * 60_000), Some(Recurrence { days: 28, of: 28 }));
        assert_eq!(usual.recurs_at(begin + 30 * 60_000), None);
    }
}
