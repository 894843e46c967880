//! What an hour of the day was like on earlier days: failures, latency, and which of those days were
//! days of an outage.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::model::{UnixMillis, micros};
use crate::report::fold::history::{HOUR_MS, Judged, PastSpan, SurfaceHistory};
use crate::report::statistics::{fisher, median, number, ratio};
use crate::window::Histogram;

/// Failing for this many hours on end is an outage, not a recurring dip.
const LASTING_HOURS: usize = 18;

/// An hour is failing if its failed ratio is above this.
const FAILING: f64 = 0.05;

/// With fewer checks, an hour has no usable 95th percentile.
const CHECKS_FOR_P95: u64 = 20;

/// One hour of an earlier day.
#[derive(Clone, Copy, Debug)]
pub(super) struct PastHour {
    pub(super) begin: UnixMillis,
    pub(super) judged: Judged,
    pub(super) p50_us: Option<f64>,
    pub(super) p95_us: Option<f64>,
}

impl PastHour {
    /// Its latencies are those of its day where its own are not known apart.
    pub(super) fn of(begin: UnixMillis, then: &PastSpan, of_day: Option<&Histogram>) -> PastHour {
        let latency = of_day.filter(|_| then.latency.count() == 0).unwrap_or(&then.latency);
        let p95 = if latency.count() >= CHECKS_FOR_P95 { latency.quantile(0.95) } else { None };
        PastHour {
            begin,
            judged: then.judged,
            p50_us: latency.percentile(0.5).map(micros_of),
            p95_us: p95.map(micros_of),
        }
    }
}

/// The hours of outages that lasted for most of a day or longer: an outage that ended does not
/// become usual, and neither does one that continues with most checks failing. A recurring dip is
/// shorter.
pub(super) fn lasting_outages(past: &SurfaceHistory, from: UnixMillis) -> BTreeSet<UnixMillis> {
    /// An outage that continues is left out of the baseline if its mean failed ratio is above this.
    const ALTOGETHER: f64 = 0.5;
    let mut lasting = BTreeSet::new();
    let mut add = |run: &[(UnixMillis, f64)]| {
        let goes_on = run.last().is_some_and(|(last, _)| from - *last < 2 * HOUR_MS);
        let mean = run.iter().map(|(_, share)| share).sum::<f64>() / number(run.len() as u64);
        if run.len() >= LASTING_HOURS && (!goes_on || mean > ALTOGETHER) {
            lasting.extend(run.iter().map(|(begin, _)| *begin));
        }
    };
    let mut run: Vec<(UnixMillis, f64)> = Vec::new();
    for (begin, then) in &past.hourly {
        let share = share(then.judged);
        if share <= FAILING || run.last().is_some_and(|(last, _)| *begin - *last > HOUR_MS) {
            add(&std::mem::take(&mut run));
        }
        if share > FAILING {
            run.push((*begin, share));
        }
    }
    add(&run);
    lasting
}

/// The days without those of an outage. Drops the worst day, at most half of the days, as long as
/// its failed ratio is both far higher than that of the other days and unlikely by chance;
/// correlated failures make bad days that chance alone does not. Always dropping the worst days
/// would make the baseline too good: by a quarter, if failures are rare.
pub(super) fn calm(days: &[PastHour]) -> Vec<PastHour> {
    /// If 28 days are alike, chance makes the worst one this unlikely in about one of 70 hours of
    /// the day.
    const UNLIKELY: f64 = 0.0005;
    /// Far higher is this many times as high plus this much.
    const TIMES: f64 = 3.0;
    const POINTS: f64 = 0.02;
    let mut days = days.to_vec();
    days.sort_by(|a, b| share(a.judged).total_cmp(&share(b.judged)));
    let stays = days.len().div_ceil(2);
    loop {
        let all = sum(&days);
        let Some(worst) = days.last().filter(|_| days.len() > stays).map(|worst| worst.judged) else {
            return days;
        };
        let others = Judged { n: all.n - worst.n, failed: all.failed - worst.failed };
        let is_outage = share(worst) > TIMES * share(others) + POINTS
            && fisher(worst.failed, worst.n, others.failed, others.n) < UNLIKELY;
        if !is_outage {
            return days;
        }
        days.pop();
    }
}

pub(super) fn sum(days: &[PastHour]) -> Judged {
    let mut all = Judged::default();
    days.iter().for_each(|day| all.add(day.judged));
    all
}

pub(super) fn median_p95(then: &[PastHour]) -> Option<u64> {
    median_us(&mut then.iter().filter_map(|one| one.p95_us).collect::<Vec<_>>())
}

pub(super) fn share(judged: Judged) -> f64 {
    ratio(judged.failed, judged.n).unwrap_or_default()
}

fn micros_of(time: Duration) -> f64 {
    number(micros::of(time))
}

pub(super) fn median_us(values: &mut [f64]) -> Option<u64> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive number of microseconds")]
    median(values).map(|value| value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::statistics::chance::Chance;

    /// The checks of the days that `calm` keeps.
    fn calm_sum(days: &[Judged]) -> Judged {
        let hour = |judged: &Judged| PastHour { begin: UnixMillis(0), judged: *judged, p50_us: None, p95_us: None };
        let days: Vec<PastHour> = days.iter().map(hour).collect();
        sum(&calm(&days))
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
                let found = calm_sum(&std::iter::repeat_with(day).take(28).collect::<Vec<_>>());
                sum += found.failed as f64 / found.n as f64;
            }
            let bias = sum / f64::from(rounds) / share - 1.0;
            assert!(bias.abs() < 0.05, "{share}: {bias:+.3}");
        }
    }

    #[test]
    fn an_outage_does_not_become_usual_and_a_nightly_dip_does() {
        let day = |failed| Judged { n: 120, failed };
        let found = calm_sum(&[1, 0, 2, 120, 1, 60, 0, 1, 15, 1].map(day));
        assert_eq!((found.failed, found.n), (6, 7 * 120), "three outages are left out");
        let nightly = calm_sum(&[day(30); 14]);
        assert_eq!(nightly.failed, 14 * 30);
    }
}
