//! Decides whether answers are slower than usual: all of them, or only the slowest.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{UnixMillis, micros};
use crate::report::fold::history::{HOUR_MS, SurfaceHistory};
use crate::report::series::baseline::Baseline;
use crate::report::statistics::wilson;
use crate::window::{Histogram, Latency};

/// Whether answers take far longer than usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Slow {
    /// Whether more than one in twenty certainly takes three times the usual 95th percentile.
    pub(crate) certain: bool,
    /// Whether the median is as usual nevertheless.
    pub(crate) median_as_usual: bool,
    /// The 95th percentile of the latest answers, in microseconds.
    pub(crate) p95_us: u64,
    /// The usual 95th percentile, in microseconds.
    pub(crate) usual_p95_us: u64,
}

/// Whether the slowest answers are slower than usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tail {
    /// Whether more than one in a hundred certainly takes twice the usual 99th percentile.
    pub(crate) certain: bool,
    /// Whether the median is as usual nevertheless.
    pub(crate) median_as_usual: bool,
    /// The 99th percentile of the latest answers, in microseconds.
    pub(crate) p99_us: u64,
    /// The 99th percentile of all answers before the range, in microseconds.
    pub(crate) usual_p99_us: u64,
}

/// The latency of a surface, now and before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SurfaceLatency<'a> {
    /// By the start of the bucket; all vantages together.
    pub(crate) latency: &'a BTreeMap<UnixMillis, Latency>,
    pub(crate) usual: &'a Baseline,
    pub(crate) past: Option<&'a SurfaceHistory>,
    /// The length of a bucket in milliseconds.
    pub(crate) step: i64,
}

impl SurfaceLatency<'_> {
    /// Whether the latest answers up to an instant take far longer than usual. Looks at the latest
    /// buckets that hold at least ten answers. `None` without a baseline, or with fewer answers.
    pub(crate) fn slow(&self, up_to: UnixMillis) -> Option<Slow> {
        /// At least this many answers are looked at.
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

    /// The latency of the latest buckets up to an instant that hold at least `answers` answers.
    /// Looks back no further than ten buckets, or `span` milliseconds if that is longer.
    fn latest(&self, up_to: UnixMillis, answers: u64, span: i64) -> Histogram {
        let mut latest = Histogram::default();
        // Older answers say nothing about now.
        let oldest = up_to.floor(self.step) - span.max(10 * self.step);
        for (_, latency) in self.latency.range(oldest..=up_to.max(oldest)).rev() {
            if latest.count() >= answers {
                break;
            }
            latest.merge(&latency.total);
        }
        latest
    }

    /// Whether the slowest of the latest answers up to an instant are slower than usual: a few in a
    /// hundred, which leave every other percentile unchanged. `None` without a baseline, or with
    /// fewer than a hundred answers.
    pub(crate) fn tail(&self, up_to: UnixMillis) -> Option<Tail> {
        /// At least this many answers are looked at.
        const ANSWERS: u64 = 100;
        /// An answer is slow if it takes more than this many times the usual 99th percentile.
        const TIMES: u32 = 2;
        /// The share of answers that may exceed a 99th percentile.
        const SHARE: f64 = 0.01;
        /// Fewer slow answers are chance.
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

    /// Whether the slowest answers are slower than usual while the median is not. `None` without a
    /// baseline or enough answers.
    pub(crate) fn has_slow_tail(&self, up_to: UnixMillis) -> Option<bool> {
        let slow = self.slow(up_to).map(|slow| slow.certain && slow.median_as_usual);
        let tail = self.tail(up_to).map(|tail| tail.certain && tail.median_as_usual);
        match (slow, tail) {
            (None, None) => None,
            (slow, tail) => Some(slow == Some(true) || tail == Some(true)),
        }
    }
}

/// The number of answers that take more than three times the usual 95th percentile.
pub(crate) fn slow_of(answers: &Histogram, usual_p95_us: u64) -> u64 {
    const TIMES: u64 = 3;
    answers.count() - answers.count_within(Duration::from_micros(usual_p95_us.saturating_mul(TIMES)))
}

/// Whether certainly more than one in twenty answers is slow, which is the share that may exceed a
/// 95th percentile.
pub(crate) fn is_slow(slow: u64, answers: u64) -> bool {
    const SHARE: f64 = 0.05;
    wilson(slow, answers).is_some_and(|[low, _]| low > SHARE)
}

/// Whether the median is at most one and a half times the usual one; `None` without either.
fn is_usual_median(latest: &Histogram, usual_p50_us: Option<u64>) -> Option<bool> {
    Some(latest.quantile(0.5)? <= Duration::from_micros(usual_p50_us?) * 3 / 2)
}
