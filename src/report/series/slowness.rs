//! Whether answers are slower than usual: as a whole, or only the slowest of them.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::micros;
use crate::report::fold::bucket;
use crate::report::fold::history::{HOUR_MS, SurfaceHistory};
use crate::report::series::usual::UsualHours;
use crate::report::statistics::wilson;
use crate::window::{Histogram, Latency};

/// Whether answers take far longer than usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slow {
    /// More than one in twenty takes three times the usual 95th percentile, for certain.
    pub(crate) certain: bool,
    /// The median is as usual all the same.
    pub(crate) median_as_usual: bool,
    /// The 95th percentile of the latest answers at hand.
    pub(crate) p95_us: u64,
    /// The usual one.
    pub(crate) usual_p95_us: u64,
}

/// Whether the slowest answers are slower than usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tail {
    /// More than one in a hundred takes twice the usual 99th percentile, for certain.
    pub(crate) certain: bool,
    /// The median is as usual all the same.
    pub(crate) median_as_usual: bool,
    /// The 99th percentile of the latest answers at hand.
    pub(crate) p99_us: u64,
    /// That of all answers before the window.
    pub(crate) usual_p99_us: u64,
}

/// What tells whether a surface answers slower than usual.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SurfaceLatency<'a> {
    /// By the start of the bucket, in milliseconds since 1970; all vantages together.
    pub(crate) latency: &'a BTreeMap<i64, Latency>,
    pub(crate) usual: &'a UsualHours,
    pub(crate) past: Option<&'a SurfaceHistory>,
    /// The length of a bucket in milliseconds.
    pub(crate) step: i64,
}

impl SurfaceLatency<'_> {
    /// Whether the latest answers of a surface up to an instant take far longer than usual: looks
    /// back over the buckets that hold the last ten answers. Absent without a baseline or answers.
    pub(crate) fn slow(&self, up_to: i64) -> Option<Slow> {
        /// So many answers are looked at, at least.
        const ANSWERS: u64 = 10;
        let usual = self.usual.at(up_to, 1)?;
        let usual_p95_us = usual.p95_us?;
        let latest = self.latest(up_to, ANSWERS, 0);
        if latest.count() < ANSWERS {
            return None;
        }
        let certain = is_slow(slow_of(&latest, usual_p95_us), latest.count());
        let p95 = latest.quantile(0.95)?;
        Some(Slow {
            certain,
            median_as_usual: is_usual_median(&latest, usual.p50_us)?,
            p95_us: micros::of(p95),
            usual_p95_us,
        })
    }

    /// The latency of the buckets of a surface up to an instant that hold so many answers: of ten, or of so
    /// many milliseconds where that is longer.
    fn latest(&self, up_to: i64, answers: u64, span: i64) -> Histogram {
        let mut latest = Histogram::default();
        // Old answers say nothing of now.
        let oldest = bucket::floor(up_to, self.step) - span.max(10 * self.step);
        for (_, latency) in self.latency.range(oldest..=up_to.max(oldest)).rev() {
            if latest.count() >= answers {
                break;
            }
            latest.merge(&latency.total);
        }
        latest
    }

    /// Whether the slowest of the latest answers of a surface up to an instant are slower than usual: a few in
    /// a hundred, which leave every other percentile as it is. Absent without a baseline or enough answers.
    pub(crate) fn tail(&self, up_to: i64) -> Option<Tail> {
        /// So many answers are looked at, at least.
        const ANSWERS: u64 = 100;
        /// This many times the usual 99th percentile is slow.
        const TIMES: u32 = 2;
        /// One in a hundred may exceed a 99th percentile.
        const SHARE: f64 = 0.01;
        /// Fewer are chance.
        const FEWEST: u64 = 3;
        let usual = self.usual.at(up_to, 1)?;
        let usual_p99 = self.past?.latency.total.percentile(0.99)?;
        let latest = self.latest(up_to, ANSWERS, 2 * HOUR_MS);
        if latest.count() < ANSWERS {
            return None;
        }
        let slow = latest.count() - latest.count_within(usual_p99 * TIMES);
        Some(Tail {
            certain: slow >= FEWEST && wilson(slow, latest.count()).is_some_and(|[low, _]| low > SHARE),
            median_as_usual: is_usual_median(&latest, usual.p50_us)?,
            p99_us: micros::of(latest.quantile(0.99)?),
            usual_p99_us: micros::of(usual_p99),
        })
    }

    /// Whether the slowest answers of a surface are slower than usual while the median is not; absent without
    /// a baseline or enough answers.
    pub(crate) fn has_slow_tail(&self, up_to: i64) -> Option<bool> {
        let slow = self.slow(up_to).map(|slow| slow.certain && slow.median_as_usual);
        let tail = self.tail(up_to).map(|tail| tail.certain && tail.median_as_usual);
        match (slow, tail) {
            (None, None) => None,
            (slow, tail) => Some(slow == Some(true) || tail == Some(true)),
        }
    }
}

/// The answers that take more than three times the usual 95th percentile.
pub(crate) fn slow_of(answers: &Histogram, usual_p95_us: u64) -> u64 {
    const TIMES: u64 = 3;
    answers.count() - answers.count_within(Duration::from_micros(usual_p95_us.saturating_mul(TIMES)))
}

/// Whether so many slow answers are more than one in twenty, which may exceed a 95th percentile, for certain.
pub(crate) fn is_slow(slow: u64, answers: u64) -> bool {
    const SHARE: f64 = 0.05;
    wilson(slow, answers).is_some_and(|[low, _]| low > SHARE)
}

/// Whether the median is at most half as long again as usual.
fn is_usual_median(latest: &Histogram, usual_p50_us: Option<u64>) -> Option<bool> {
    Some(latest.quantile(0.5)? <= Duration::from_micros(usual_p50_us?) * 3 / 2)
}
