//! Histograms of durations, which can be merged and give percentiles.

use std::time::Duration;

use smallvec::SmallVec;

use crate::model::micros;

use super::buckets::{self, Buckets, TOP};

/// Up to this many samples are kept exactly, if none of them is longer than [`TOP`].
const EXACT_LIMIT: usize = 16;

/// Times in microseconds, in buckets of three significant digits, with exact count, min, max and
/// sum. At most sixteen samples are kept exactly. Merging is adding: commutative, associative,
/// and the empty histogram is neutral.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    samples: Samples,
}

/// Few samples are kept exactly, many in buckets. A window has nine histograms of few samples, and a large run has many
/// windows: fields that only buckets need are on the heap.
#[derive(Clone, Debug, PartialEq)]
enum Samples {
    /// Sorted; at most [`EXACT_LIMIT`], none above [`TOP`].
    Exact(SmallVec<[u32; 4]>),
    /// In buckets.
    Buckets(Box<Bucketed>),
}

/// Samples in buckets, and the exact numbers that buckets lose.
#[derive(Clone, Debug, PartialEq)]
struct Bucketed {
    count: u64,
    min: u64,
    max: u64,
    sum: u64,
    buckets: Buckets,
}

impl Default for Samples {
    fn default() -> Self {
        Samples::Exact(SmallVec::new())
    }
}

impl Histogram {
    /// Adds one time.
    pub fn record(&mut self, time: Duration) {
        self.record_micros(micros::of(time));
    }

    /// Adds one time in microseconds.
    #[inline]
    pub fn record_micros(&mut self, time: u64) {
        let exact = u32::try_from(time).ok().filter(|time| *time <= TOP);
        match (&mut self.samples, exact) {
            (Samples::Exact(values), Some(value)) if values.len() < EXACT_LIMIT => {
                values.insert(values.partition_point(|other| *other <= value), value);
            }
            _ => self.samples.bucketed().add(time),
        }
    }

    /// Adds the samples of another.
    pub fn merge(&mut self, other: &Histogram) {
        if !other.is_empty() {
            self.samples.merge(&other.samples);
        }
    }

    /// How many samples.
    #[must_use]
    pub fn count(&self) -> u64 {
        match &self.samples {
            Samples::Exact(values) => values.len() as u64,
            Samples::Buckets(bucketed) => bucketed.count,
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// The shortest time, exactly.
    #[must_use]
    pub fn min(&self) -> Option<Duration> {
        self.min_micros().map(Duration::from_micros)
    }

    /// The longest time, exactly.
    #[must_use]
    pub fn max(&self) -> Option<Duration> {
        self.max_micros().map(Duration::from_micros)
    }

    /// The shortest time in microseconds.
    #[must_use]
    pub(crate) fn min_micros(&self) -> Option<u64> {
        match &self.samples {
            Samples::Exact(values) => values.first().copied().map(u64::from),
            Samples::Buckets(bucketed) => (bucketed.count > 0).then_some(bucketed.min),
        }
    }

    /// The longest time in microseconds.
    #[must_use]
    pub fn max_micros(&self) -> Option<u64> {
        match &self.samples {
            Samples::Exact(values) => values.last().copied().map(u64::from),
            Samples::Buckets(bucketed) => (bucketed.count > 0).then_some(bucketed.max),
        }
    }

    /// The sum of all times in microseconds.
    #[must_use]
    pub fn sum_micros(&self) -> u64 {
        match &self.samples {
            Samples::Exact(values) => values.iter().copied().map(u64::from).sum(),
            Samples::Buckets(bucketed) => bucketed.sum,
        }
    }

    /// The sum of all times, exactly; capped at 584,000 years.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.sum_micros())
    }

    /// The time that a share `q` of the samples does not exceed, within a thousandth; none if there are too few samples
    /// for an upper bound of it at 95 % confidence: n ≥ ln 0.05 / ln q, which is 5 for the median, 29 for 0.9, 59 for
    /// 0.95, 299 for 0.99.
    #[must_use]
    pub fn percentile(&self, q: f64) -> Option<Duration> {
        if self.count() < samples_needed(q) { None } else { self.quantile(q) }
    }

    /// The time that a share `q` of these samples does not exceed, however few they are; none if there are none. It
    /// describes these samples only and does not generalise to others.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        if self.is_empty() {
            return None;
        }
        let rank = rank(q, self.count());
        let mut seen = 0;
        let found = self.buckets().find(|(_, count)| {
            seen += count;
            seen >= rank
        });
        found.map(|(time, _)| time)
    }

    /// How many samples took at most `limit`, within a thousandth of it.
    #[must_use]
    pub(crate) fn count_within(&self, limit: Duration) -> u64 {
        self.buckets().take_while(|(time, _)| *time <= limit).map(|(_, count)| count).sum()
    }

    /// The buckets from the shortest time: the longest time of each, and how many samples are in it.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        let (exact, bucketed) = self.samples.parts();
        let exact = exact.iter().map(|value| (u64::from(*value), 1));
        let longest = bucketed.map_or(0, |bucketed| bucketed.max);
        let bucketed = bucketed.into_iter().flat_map(|bucketed| bucketed.buckets.iter());
        let bucketed = bucketed.map(move |(low, count)| {
            // Samples capped at the top count as long as the longest; no bucket ends past that.
            let held = low >= buckets::lowest(TOP);
            (if held { longest } else { u64::from(buckets::highest(low)).min(longest) }, count)
        });
        exact.chain(bucketed).map(|(value, count)| (Duration::from_micros(value), count))
    }

    /// The buckets from the shortest time: the middle of each, and how many samples are in it. Unlike in
    /// [`Histogram::buckets`], the position of a sample does not depend on the others, so that counts that only grow
    /// here only grow in every layout derived from them.
    pub(crate) fn centres(&self) -> impl Iterator<Item = (Duration, u64)> {
        self.values().map(|(value, count)| {
            let (low, high) = (buckets::lowest(value), buckets::highest(value));
            (Duration::from_micros(u64::from(low + (high - low) / 2)), count)
        })
    }

    /// The buckets from the shortest time: the upper bound of each in microseconds, and how many samples are in it;
    /// none for the last, which has no upper bound. Buckets with equal bounds are the same in every histogram, and the
    /// same bucket may occur several times.
    #[cfg(feature = "parquet")]
    pub(crate) fn bounds(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        self.values().map(|(value, count)| {
            let is_last = buckets::lowest(value) >= buckets::lowest(TOP);
            ((!is_last).then(|| u64::from(buckets::highest(value))), count)
        })
    }

    /// A value of each bucket in microseconds, from the lowest, and how many samples are in it.
    pub(super) fn values(&self) -> impl Iterator<Item = (u32, u64)> {
        let (exact, bucketed) = self.samples.parts();
        let exact = exact.iter().map(|value| (*value, 1));
        exact.chain(bucketed.into_iter().flat_map(|bucketed| bucketed.buckets.iter()))
    }

    /// The samples themselves in microseconds, sorted, if they are few enough to be kept exactly.
    #[must_use]
    pub fn exact_micros(&self) -> Option<&[u32]> {
        match &self.samples {
            Samples::Exact(values) => Some(values),
            Samples::Buckets(_) => None,
        }
    }

    /// A histogram from its buckets and exact numbers; none if the numbers do not fit the buckets.
    pub(super) fn of_buckets(buckets: Buckets, [min, max, sum]: [u64; 3]) -> Option<Histogram> {
        let count = buckets.count()?;
        let fits = (count == 0 || min <= max) && sum >= max;
        let bucketed = Bucketed { count, min, max, sum, buckets };
        fits.then(|| Histogram { samples: Samples::Buckets(Box::new(bucketed)) })
    }
}

impl Samples {
    /// The samples if they are kept exactly, otherwise those in buckets.
    fn parts(&self) -> (&[u32], Option<&Bucketed>) {
        match self {
            Samples::Exact(values) => (values, None),
            Samples::Buckets(bucketed) => (&[], Some(bucketed)),
        }
    }

    fn merge(&mut self, other: &Samples) {
        match (&mut *self, other) {
            (Samples::Exact(mine), Samples::Exact(theirs)) if mine.len() + theirs.len() <= EXACT_LIMIT => {
                mine.extend_from_slice(theirs);
                mine.sort_unstable();
            }
            (_, Samples::Exact(theirs)) => {
                let bucketed = self.bucketed();
                theirs.iter().for_each(|value| bucketed.add(u64::from(*value)));
            }
            (_, Samples::Buckets(theirs)) => self.bucketed().merge(theirs),
        }
    }

    /// Converts the samples to buckets.
    fn bucketed(&mut self) -> &mut Bucketed {
        if let Samples::Exact(values) = self {
            let mut bucketed = Box::<Bucketed>::default();
            values.iter().for_each(|value| bucketed.add(u64::from(*value)));
            *self = Samples::Buckets(bucketed);
        }
        match self {
            Samples::Buckets(bucketed) => bucketed,
            Samples::Exact(_) => unreachable!("the samples were put into buckets just now"),
        }
    }
}

impl Default for Bucketed {
    fn default() -> Self {
        Bucketed { count: 0, min: u64::MAX, max: 0, sum: 0, buckets: Buckets::default() }
    }
}

impl Bucketed {
    /// Adds one time in microseconds.
    fn add(&mut self, time: u64) {
        self.min = self.min.min(time);
        self.max = self.max.max(time);
        self.sum = self.sum.saturating_add(time);
        self.count = self.count.saturating_add(1);
        self.buckets.add(u32::try_from(time).map_or(TOP, |time| time.min(TOP)), 1);
    }

    /// Adds the samples of another that has any.
    fn merge(&mut self, other: &Bucketed) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum = self.sum.saturating_add(other.sum);
        self.count = self.count.saturating_add(other.count);
        self.buckets.merge(&other.buckets);
    }
}

/// The fewest samples for which an upper bound of the `q` quantile exists at 95 % confidence:
/// the chance that all of n samples lie below it is qⁿ, and that must be at most 0.05.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive number; `as` holds what is too large at the largest"
)]
fn samples_needed(q: f64) -> u64 {
    if q <= 0.0 {
        return 1;
    }
    if q >= 1.0 {
        return u64::MAX;
    }
    (0.05_f64.ln() / q.ln()).ceil() as u64
}

/// The rank, from 1, of the sample at `q` among `count` (nearest rank).
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "ranks stay far below 2^52, and the result is clamped"
)]
fn rank(q: f64, count: u64) -> u64 {
    // The small step back keeps 0.9 × 10 from becoming rank 10.
    ((q * count as f64 - 1e-9).ceil().max(1.0) as u64).min(count)
}

#[cfg(test)]
impl Histogram {
    /// The histogram of some values in microseconds.
    pub(crate) fn of_micros(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|value| histogram.record_micros(*value));
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::window::HdrText;

    #[test]
    fn a_percentile_of_too_few_samples_is_none() {
        for (q, needed) in [(0.5, 5), (0.9, 29), (0.95, 59), (0.99, 299), (0.999, 2995)] {
            let values: Vec<u64> = (1..=needed).collect();
            assert_eq!(Histogram::of_micros(&values[1..]).percentile(q), None, "{q}");
            assert!(Histogram::of_micros(&values).percentile(q).is_some(), "{q}");
        }
    }

    #[test]
    fn the_text_begins_as_the_format_says_and_reads_back() {
        let original = Histogram::of_micros(&(0..500).map(|n| n * 977).collect::<Vec<_>>());
        let mut text = String::new();
        HdrText::default().write(&original, &mut text);
        assert!(text.starts_with("HISTFA"), "{text}");
        let back = Histogram::from_hdr_text(
            &text,
            original.min_micros().unwrap(),
            original.max_micros().unwrap(),
            original.sum_micros(),
        )
        .expect("our own text");
        assert_eq!(back, original);
    }

    #[test]
    fn what_is_above_an_hour_is_held_and_the_maximum_is_exact() {
        let day = Histogram::of_micros(&[86_400_000_000; 20]);
        assert_eq!(day.max(), Some(Duration::from_hours(24)));
        assert_eq!(day.quantile(0.5), Some(Duration::from_hours(24)));
    }
}
