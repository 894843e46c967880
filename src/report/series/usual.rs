//! What is usual: the same hour of the day on earlier days, from the journal's own history.

use crate::report::document::usual::Usual;
use std::time::Duration;

use crate::model::micros;
use crate::report::fold::bucket;
use crate::report::fold::history::{DAY_MS, DAYS, HOUR_MS, Judged, PastSpan, SurfaceHistory};
use crate::report::statistics::{fisher, median, number, ratio, rounded};

/// How it is computed, in words.
const METHOD: &str = "the same hour of earlier days: median latency, failed ratio without the days of an outage";

/// Fewer earlier days say nothing of what is usual.
const DAYS_NEEDED: u64 = 5;

/// Fewer checks in an hour have no 95th percentile worth a median.
const CHECKS_FOR_P95: u64 = 20;

/// What is usual for a surface in each hour of the day, UTC.
#[derive(Clone, Debug, Default)]
pub(crate) struct UsualHours {
    hours: [Option<UsualHour>; 24],
    days: u64,
}

/// What is usual in one hour of the day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct UsualHour {
    pub(crate) failed_ratio: f64,
    pub(crate) p50_us: Option<u64>,
    pub(crate) p95_us: Option<u64>,
}

impl UsualHours {
    /// What is usual before `from`, in milliseconds since 1970, by what is known of the past.
    pub(crate) fn new(past: Option<&SurfaceHistory>, from: i64) -> UsualHours {
        let mut usual = UsualHours::default();
        let Some(past) = past else { return usual };
        for (hour, slot) in (0..).zip(&mut usual.hours) {
            let then: Vec<&PastSpan> = (0..=DAYS)
                .map(|day| bucket::floor(from, DAY_MS) - day * DAY_MS + hour * HOUR_MS)
                .filter(|begin| begin + HOUR_MS <= from)
                .filter_map(|begin| past.hourly.get(&begin).or_else(|| past.daily.get(&bucket::floor(begin, DAY_MS))))
                .filter(|then| then.judged.n > 0)
                .collect();
            usual.days = usual.days.max(then.len() as u64);
            *slot = usual_hour(&then);
        }
        usual
    }

    /// What is usual in a bucket that begins at an instant and is so long.
    pub(crate) fn at(&self, begin: i64, length: i64) -> Option<UsualHour> {
        let first = begin.div_euclid(HOUR_MS);
        let last = (begin + length - 1).div_euclid(HOUR_MS).min(first + 23);
        let hours = (first..=last).filter_map(|hour| self.hours[usize::try_from(hour.rem_euclid(24)).ok()?]);
        joined(&hours.collect::<Vec<_>>())
    }

    /// What is usual over some buckets with their judged checks.
    pub(crate) fn over(&self, buckets: impl Iterator<Item = (i64, u64)>, length: i64) -> Usual {
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

/// What is usual in an hour of the day by what was then.
fn usual_hour(then: &[&PastSpan]) -> Option<UsualHour> {
    if (then.len() as u64) < DAYS_NEEDED {
        return None;
    }
    let calm = calm(then.iter().map(|then| then.judged).collect());
    let mut p50s: Vec<f64> = then.iter().filter_map(|then| then.latency.percentile(0.5)).map(micros_of).collect();
    let mut p95s: Vec<f64> = then
        .iter()
        .filter(|then| then.latency.count() >= CHECKS_FOR_P95)
        .filter_map(|then| then.latency.quantile(0.95))
        .map(micros_of)
        .collect();
    Some(UsualHour { failed_ratio: share(calm), p50_us: median_us(&mut p50s), p95_us: median_us(&mut p95s) })
}

/// The days of an hour without those of an outage: of the worst half, the worst day goes while its failures are more
/// than chance puts there beside the days that stay, and far more: noise that fails many checks together makes days
/// that chance alone does not. To drop the worst days whatever they are would make what is usual better than it is: by
/// a quarter, where failures are rare.
fn calm(mut days: Vec<Judged>) -> Judged {
    /// So unlikely by chance is the worst of 28 days where each is like the others once in some 70 hours of the day.
    const UNLIKELY: f64 = 0.0005;
    /// Far more is so many times as much and so many points.
    const TIMES: f64 = 3.0;
    const POINTS: f64 = 0.02;
    days.sort_by(|a, b| share(*a).total_cmp(&share(*b)));
    let stays = days.len().div_ceil(2);
    loop {
        let mut all = Judged::default();
        days.iter().for_each(|day| all.add(*day));
        let Some(worst) = days.last().filter(|_| days.len() > stays) else { return all };
        let others = Judged { n: all.n - worst.n, failed: all.failed - worst.failed };
        let is_outage = share(*worst) > TIMES * share(others) + POINTS
            && fisher(worst.failed, worst.n, others.failed, others.n) < UNLIKELY;
        if !is_outage {
            return all;
        }
        days.pop();
    }
}

/// What is usual over several hours: means of the ratio, medians of the latency.
fn joined(hours: &[UsualHour]) -> Option<UsualHour> {
    if hours.is_empty() {
        return None;
    }
    let mean = hours.iter().map(|hour| hour.failed_ratio).sum::<f64>() / number(hours.len() as u64);
    let of = |latency: fn(&UsualHour) -> Option<u64>| {
        median_us(&mut hours.iter().filter_map(latency).map(number).collect::<Vec<_>>())
    };
    Some(UsualHour { failed_ratio: mean, p50_us: of(|hour| hour.p50_us), p95_us: of(|hour| hour.p95_us) })
}

fn share(judged: Judged) -> f64 {
    ratio(judged.failed, judged.n).unwrap_or_default()
}

fn micros_of(time: Duration) -> f64 {
    number(micros::of(time))
}

fn median_us(values: &mut [f64]) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of microseconds")]
    median(values).map(|value| value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::statistics::chance::Chance;

    /// A past of so many days before day 100, each hour of it like the next.
    fn past(days: i64, then: impl Fn(i64) -> (u64, u64, u64)) -> SurfaceHistory {
        let mut past = SurfaceHistory::default();
        for day in 100 - days..100 {
            for hour in 0..24 {
                let (n, failed, latency) = then(day);
                let mut slot = PastSpan { judged: Judged { n, failed }, ..PastSpan::default() };
                (0..n - failed).for_each(|_| slot.latency.record_micros(latency));
                past.hourly.insert(day * DAY_MS + hour * HOUR_MS, slot);
            }
        }
        past
    }

    #[test]
    fn four_days_are_no_baseline_and_five_are() {
        let four = UsualHours::new(Some(&past(4, |_| (60, 0, 1000))), 100 * DAY_MS);
        assert_eq!(four.at(100 * DAY_MS, HOUR_MS), None);
        let none = four.over(std::iter::once((100 * DAY_MS, 60)), HOUR_MS);
        assert_eq!((none.days, none.method, none.expected_failures), (4, None, None));
        let five = UsualHours::new(Some(&past(5, |_| (60, 0, 1000))), 100 * DAY_MS);
        let usual = five.over(std::iter::once((100 * DAY_MS, 60)), HOUR_MS);
        assert_eq!((usual.days, usual.expected_failures, usual.p50_us), (5, Some(0.0), Some(1000)));
    }

    #[test]
    fn one_bad_day_is_not_usual() {
        let usual =
            UsualHours::new(Some(&past(10, |day| if day == 95 { (60, 60, 0) } else { (60, 1, 2000) })), 100 * DAY_MS);
        let hour = usual.at(100 * DAY_MS, HOUR_MS).expect("a baseline");
        assert!((hour.failed_ratio - 1.0 / 60.0).abs() < 1e-9, "{hour:?}");
        assert_eq!(hour.p95_us, Some(2000));
    }

    #[test]
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    fn the_usual_share_is_not_better_than_it_is() {
        for share in [0.005, 0.02, 0.05] {
            let (mut sum, rounds) = (0.0, 300);
            let mut chance = Chance::new(7);
            for _ in 0..rounds {
                let day = || {
                    let failed = (0..120).filter(|_| chance.happens(share)).count() as u64;
                    Judged { n: 120, failed }
                };
                let found = calm(std::iter::repeat_with(day).take(28).collect());
                sum += found.failed as f64 / found.n as f64;
            }
            let bias = sum / f64::from(rounds) / share - 1.0;
            assert!(bias.abs() < 0.05, "{share}: {bias:+.3}");
        }
    }

    #[test]
    fn an_outage_does_not_become_usual_and_a_nightly_dip_does() {
        let day = |failed| Judged { n: 120, failed };
        let found = calm([1, 0, 2, 120, 1, 60, 0, 1, 15, 1].into_iter().map(day).collect());
        assert_eq!((found.failed, found.n), (6, 7 * 120), "three outages are left out");
        let nightly = calm(vec![day(30); 14]);
        assert_eq!(nightly.failed, 14 * 30);
    }

    #[test]
    fn the_hours_of_the_window_itself_are_not_usual() {
        let usual = UsualHours::new(Some(&past(6, |_| (60, 0, 1000))), 99 * DAY_MS);
        assert_eq!(usual.days, 5);
    }
}
