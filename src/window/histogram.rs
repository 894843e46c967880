//! How long things took, so that it can be added up and asked for percentiles. This is the only
//! file that knows hdrhistogram, the format in which larger histograms travel.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::Serializer as _;
use hdrhistogram::serialization::V2DeflateSerializer;

use smallvec::SmallVec;

use crate::model::micros;

use super::buckets;
use super::buckets::Buckets;

/// The significant decimal digits kept of a value.
const DIGITS: u8 = 3;
/// The most a bucket can hold, in microseconds: one hour. More is held there; `max` and `sum`
/// stay exact.
const TOP: u32 = 3_600_000_000;
/// As long as there are at most this many samples, none of them longer than [`TOP`], they are
/// kept exactly.
const EXACT_LIMIT: usize = 16;

/// Times in microseconds, in buckets of three significant digits, with exact count, min, max and
/// sum. At most sixteen samples are kept exactly. Merging is adding: commutative, associative,
/// and the empty histogram is neutral.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    count: u64,
    min: u64,
    max: u64,
    sum: u64,
    samples: Samples,
}

/// Few samples are kept exactly, many in buckets.
#[derive(Clone, Debug, PartialEq)]
enum Samples {
    /// Sorted; at most [`EXACT_LIMIT`].
    Exact(SmallVec<[u32; 4]>),
    /// In buckets.
    Buckets(Buckets),
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
    pub fn record_micros(&mut self, time: u64) {
        self.min = if self.count == 0 { time } else { self.min.min(time) };
        self.max = self.max.max(time);
        self.sum = self.sum.saturating_add(time);
        self.count = self.count.saturating_add(1);
        match u32::try_from(time) {
            Ok(time) if time <= TOP => self.samples.add(time),
            _ => self.samples.bucketed().add(TOP, 1),
        }
    }

    /// Adds the samples of another.
    pub fn merge(&mut self, other: &Histogram) {
        if other.count == 0 {
            return;
        }
        self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
        self.max = self.max.max(other.max);
        self.sum = self.sum.saturating_add(other.sum);
        self.count = self.count.saturating_add(other.count);
        self.samples.merge(&other.samples);
    }

    /// How many samples.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.count == 0
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
    pub fn min_micros(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The longest time in microseconds.
    #[must_use]
    pub fn max_micros(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// All times added up in microseconds.
    #[must_use]
    pub const fn sum_micros(&self) -> u64 {
        self.sum
    }

    /// All times added up, exactly; held at 584,000 years.
    #[must_use]
    pub const fn sum(&self) -> Duration {
        Duration::from_micros(self.sum)
    }

    /// The time that a share `q` of the samples does not exceed, within a thousandth; none where
    /// there are too few samples for an upper bound of it to exist at 95 % confidence:
    /// n ≥ ln 0.05 / ln q, which is 5 for the median, 29 for 0.9, 59 for 0.95, 299 for 0.99.
    #[must_use]
    pub fn percentile(&self, q: f64) -> Option<Duration> {
        if self.count < samples_needed(q) { None } else { self.quantile(q) }
    }

    /// The time that a share `q` of the samples at hand does not exceed, however few they are;
    /// none where there is none. It says something about these samples and nothing about others.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Duration> {
        if self.count == 0 {
            return None;
        }
        let rank = rank(q, self.count);
        let mut seen = 0;
        let found = self.buckets().find(|(_, count)| {
            seen += count;
            seen >= rank
        });
        found.map(|(time, _)| time)
    }

    /// How many samples took at most `limit`, within a thousandth of it.
    #[must_use]
    pub fn count_within(&self, limit: Duration) -> u64 {
        self.buckets().take_while(|(time, _)| *time <= limit).map(|(_, count)| count).sum()
    }

    /// The samples from the shortest: the longest time of each bucket, and how many are in it.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        let (exact, bucketed) = match &self.samples {
            Samples::Exact(values) => (Some(values), None),
            Samples::Buckets(buckets) => (None, Some(buckets)),
        };
        let exact = exact.into_iter().flatten().map(|value| (u64::from(*value), 1));
        let bucketed = bucketed.into_iter().flat_map(Buckets::iter).map(|(low, count)| {
            // What is held at the top is as long as the longest; no bucket ends past that.
            let held = low >= buckets::lowest(TOP);
            (if held { self.max } else { u64::from(buckets::highest(low)).min(self.max) }, count)
        });
        exact.chain(bucketed).map(|(value, count)| (Duration::from_micros(value), count))
    }

    /// The samples from the shortest: the middle of each bucket, and how many are in it. Unlike in
    /// [`Histogram::buckets`], where a sample stands does not depend on the others, so that counts
    /// which only grow here only grow in every layout made of them.
    pub fn centres(&self) -> impl Iterator<Item = (Duration, u64)> {
        let (exact, bucketed) = match &self.samples {
            Samples::Exact(values) => (Some(values), None),
            Samples::Buckets(buckets) => (None, Some(buckets)),
        };
        let exact = exact.into_iter().flatten().map(|value| (*value, 1));
        let bucketed = bucketed.into_iter().flat_map(Buckets::iter);
        exact.chain(bucketed).map(|(value, count)| {
            let (low, high) = (buckets::lowest(value), buckets::highest(value));
            (Duration::from_micros(u64::from(low + (high - low) / 2)), count)
        })
    }

    /// The samples themselves in microseconds, sorted, where they are few enough to be kept.
    #[must_use]
    pub fn exact_micros(&self) -> Option<&[u32]> {
        match &self.samples {
            Samples::Exact(values) => Some(values),
            Samples::Buckets(_) => None,
        }
    }

    /// Reads a histogram from its text and the exact numbers beside it.
    ///
    /// # Errors
    /// [`HdrError`], where the text is not such a histogram or the numbers cannot belong to it.
    pub fn from_hdr_text(text: &str, min: u64, max: u64, sum: u64) -> Result<Histogram, HdrError> {
        let decoded = decode(text)?;
        let mut buckets = Buckets::default();
        let mut count = 0_u64;
        for value in decoded.iter_recorded() {
            let micros = u32::try_from(value.value_iterated_to()).unwrap_or(TOP).min(TOP);
            buckets.add(micros, value.count_at_value());
            count = count.checked_add(value.count_at_value()).ok_or(HdrError::Numbers)?;
        }
        if (count > 0 && min > max) || sum < max {
            return Err(HdrError::Numbers);
        }
        Ok(Histogram { count, min, max, sum, samples: Samples::Buckets(buckets) })
    }
}

impl Samples {
    fn add(&mut self, value: u32) {
        match self {
            Samples::Exact(values) if values.len() < EXACT_LIMIT => {
                values.insert(values.partition_point(|other| *other <= value), value);
            }
            Samples::Exact(_) => self.bucketed().add(value, 1),
            Samples::Buckets(buckets) => buckets.add(value, 1),
        }
    }

    fn merge(&mut self, other: &Samples) {
        match (&mut *self, other) {
            (Samples::Exact(mine), Samples::Exact(theirs)) if mine.len() + theirs.len() <= EXACT_LIMIT => {
                mine.extend_from_slice(theirs);
                mine.sort_unstable();
            }
            (_, Samples::Exact(theirs)) => {
                let buckets = self.bucketed();
                for value in theirs {
                    buckets.add(*value, 1);
                }
            }
            (_, Samples::Buckets(theirs)) => {
                self.bucketed().merge(theirs);
            }
        }
    }

    /// The same samples in buckets, from here on.
    fn bucketed(&mut self) -> &mut Buckets {
        if let Samples::Exact(values) = self {
            let mut buckets = Buckets::default();
            for value in values.iter() {
                buckets.add(*value, 1);
            }
            *self = Samples::Buckets(buckets);
        }
        match self {
            Samples::Buckets(buckets) => buckets,
            Samples::Exact(_) => unreachable!("the samples were put into buckets just now"),
        }
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

/// Why a text is not a histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HdrError {
    /// It is not base64 of a compressed V2 histogram.
    #[error("not a compressed HdrHistogram V2 in base64")]
    Format,
    /// It, or what it unfolds to, is larger than any of ours.
    #[error("the histogram is too large")]
    TooLarge,
    /// Count, min, max or sum cannot belong to it.
    #[error("the histogram's numbers contradict each other")]
    Numbers,
}

/// Writes histograms as text (V2, compressed, base64: `HISTFA…`) through one reused scratch of
/// 188 KiB: many histograms, one scratch.
pub struct HdrText {
    scratch: hdrhistogram::Histogram<u64>,
    serializer: V2DeflateSerializer,
    bytes: Vec<u8>,
}

impl Default for HdrText {
    fn default() -> Self {
        HdrText {
            scratch: hdrhistogram::Histogram::new_with_bounds(1, u64::from(TOP), DIGITS)
                .expect("1 to an hour at three digits are legal bounds"),
            serializer: V2DeflateSerializer::new(),
            bytes: Vec::new(),
        }
    }
}

impl HdrText {
    /// Appends the histogram's text to `out`.
    #[expect(clippy::missing_panics_doc, reason = "counts and bounds are legal, and memory takes every write")]
    pub fn write(&mut self, histogram: &Histogram, out: &mut String) {
        self.scratch.reset();
        self.bytes.clear();
        match &histogram.samples {
            Samples::Exact(values) => {
                for value in values {
                    self.scratch.saturating_record(u64::from(*value));
                }
            }
            Samples::Buckets(buckets) => {
                for (value, count) in buckets.iter() {
                    // The format's counts are signed.
                    self.scratch.saturating_record_n(u64::from(value), count.min(i64::MAX.cast_unsigned()));
                }
            }
        }
        self.serializer
            .serialize(&self.scratch, &mut self.bytes)
            .expect("a histogram within its bounds is written to memory");
        STANDARD.encode_string(&self.bytes, out);
    }
}

impl std::fmt::Debug for HdrText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HdrText").finish_non_exhaustive()
    }
}

/// The most bytes a histogram of ours can unfold to: 40 of header, and nine for each of the
/// 23,552 counts between 1 µs and an hour at three digits, with room for other writers' bounds.
const UNFOLDED_LIMIT: usize = 512 * 1024;
/// The cookie of an uncompressed V2 histogram.
const V2_COOKIE: [u8; 4] = 0x1c84_9313_u32.to_be_bytes();
/// The cookie of a compressed one: the text begins with `HISTFA`.
const V2_COMPRESSED_COOKIE: [u8; 4] = 0x1c84_9314_u32.to_be_bytes();

/// Unfolds a text within bounds before hdrhistogram sees it: its reader allocates what the
/// header claims.
fn decode(text: &str) -> Result<hdrhistogram::Histogram<u64>, HdrError> {
    use std::io::Read as _;

    if text.len() > UNFOLDED_LIMIT {
        return Err(HdrError::TooLarge);
    }
    let bytes = STANDARD.decode(text).map_err(|_| HdrError::Format)?;
    let compressed =
        bytes.strip_prefix(&V2_COMPRESSED_COOKIE).and_then(|rest| rest.get(4..)).ok_or(HdrError::Format)?;
    let mut unfolded = Vec::new();
    flate2::read::ZlibDecoder::new(compressed)
        .take(UNFOLDED_LIMIT as u64 + 1)
        .read_to_end(&mut unfolded)
        .map_err(|_| HdrError::Format)?;
    if unfolded.len() > UNFOLDED_LIMIT {
        return Err(HdrError::TooLarge);
    }
    let rest = unfolded.strip_prefix(&V2_COOKIE).ok_or(HdrError::Format)?;
    let payload_length = be_u32(rest, 0).ok_or(HdrError::Format)?;
    let digits = be_u32(rest, 8).ok_or(HdrError::Format)?;
    if payload_length as usize > unfolded.len() || digits > u32::from(DIGITS) {
        return Err(HdrError::TooLarge);
    }
    Deserializer::new().deserialize(&mut unfolded.as_slice()).map_err(|_| HdrError::Format)
}

fn be_u32(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn histogram(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.record_micros(*value);
        }
        histogram
    }

    #[test]
    fn a_percentile_of_too_few_samples_is_none() {
        for (q, needed) in [(0.5, 5), (0.9, 29), (0.95, 59), (0.99, 299), (0.999, 2995)] {
            let values: Vec<u64> = (1..=needed).collect();
            assert_eq!(histogram(&values[1..]).percentile(q), None, "{q}");
            assert!(histogram(&values).percentile(q).is_some(), "{q}");
        }
    }

    #[test]
    fn the_text_begins_as_the_format_says_and_reads_back() {
        let original = histogram(&(0..500).map(|n| n * 977).collect::<Vec<_>>());
        let mut text = String::new();
        HdrText::default().write(&original, &mut text);
        assert!(text.starts_with("HISTFA"), "{text}");
        let back = Histogram::from_hdr_text(&text, original.min, original.max, original.sum).expect("our own text");
        assert_eq!(back, original);
    }

    #[test]
    fn what_is_above_an_hour_is_held_and_the_maximum_is_exact() {
        let day = histogram(&[86_400_000_000; 20]);
        assert_eq!(day.max(), Some(Duration::from_hours(24)));
        assert_eq!(day.quantile(0.5), Some(Duration::from_hours(24)));
    }
}
