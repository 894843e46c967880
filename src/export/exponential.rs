//! A histogram in buckets that grow by the same factor: native to Prometheus, exponential to OpenTelemetry. No sample is
//! lost: the buckets add up to the count of the histogram. Values are seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::window::Histogram;

/// The finest schema that a histogram of three significant digits can fill: its buckets are
/// 0.27 % wide.
pub(crate) const FINEST_SCHEMA: i8 = 8;

/// What counts as zero in a native histogram, in seconds: 2^-128, as in client libraries. Of times in microseconds only
/// zero itself.
#[cfg(any(test, feature = "remote-write", feature = "prometheus-server"))]
pub(crate) const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

/// Buckets that grow by the same factor, 2^(2^-schema).
///
/// Bucket `i` holds the values above 2^((i-1)/2^schema) and up to 2^(i/2^schema), which is the
/// numbering of Prometheus; OpenTelemetry's index is one less.
/// <https://prometheus.io/docs/specs/native_histograms/>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exponential {
    /// How fine: 2^schema buckets an octave. OpenTelemetry calls it scale.
    pub(crate) schema: i8,
    /// How many values are zero.
    pub(crate) zeros: u64,
    /// The buckets that are not empty, from the lowest.
    pub(crate) buckets: BTreeMap<i32, u64>,
}

impl Exponential {
    /// The samples of a histogram in buckets of a schema, which is limited to between 0 and [`FINEST_SCHEMA`].
    #[must_use]
    pub(crate) fn of(histogram: &Histogram, schema: i8) -> Exponential {
        let mut exponential = Exponential { schema: schema.clamp(0, FINEST_SCHEMA), ..Exponential::default() };
        for (time, count) in histogram.centres() {
            if time.is_zero() {
                exponential.zeros += count;
            } else {
                *exponential.buckets.entry(index(time, exponential.schema)).or_default() += count;
            }
        }
        exponential
    }

    /// The same with the finest schema that needs at most `limit` buckets from the lowest to the highest. Every bucket
    /// of a coarser schema is two of the finer one, so nothing is estimated.
    #[cfg(any(test, feature = "otlp"))]
    #[must_use]
    pub(crate) fn within(mut self, limit: usize) -> Exponential {
        while self.width() > limit && self.schema > -4 {
            self.schema -= 1;
            let mut halved = BTreeMap::new();
            for (index, count) in self.buckets {
                *halved.entry((index + 1).div_euclid(2)).or_default() += count;
            }
            self.buckets = halved;
        }
        self
    }

    /// Number of all its samples.
    #[must_use]
    pub(crate) fn count(&self) -> u64 {
        self.zeros + self.buckets.values().sum::<u64>()
    }

    /// The runs of consecutive buckets, and the count of each bucket as its difference from the one before: the form
    /// that Prometheus takes.
    #[cfg(any(test, feature = "remote-write", feature = "prometheus-server"))]
    #[must_use]
    pub(crate) fn spans(&self) -> (Vec<BucketRun>, Vec<i64>) {
        let (mut spans, mut deltas) = (Vec::<BucketRun>::new(), Vec::new());
        let (mut next, mut before) = (0, 0);
        for (index, count) in &self.buckets {
            let gap = index - next;
            match spans.last_mut() {
                // A short gap is cheaper as empty buckets than as another span.
                Some(span) if gap <= SHORT_GAP => {
                    for _ in 0..gap {
                        deltas.push(-before);
                        before = 0;
                    }
                    span.length += 1 + gap.unsigned_abs();
                }
                _ => spans.push(BucketRun { offset: gap, length: 1 }),
            }
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            deltas.push(count - before);
            (next, before) = (index + 1, count);
        }
        (spans, deltas)
    }

    /// The lowest bucket and the count of each from there, without gaps: the form that OpenTelemetry takes, in its own
    /// numbering.
    #[cfg(any(test, feature = "otlp"))]
    #[must_use]
    pub(crate) fn dense(&self) -> (i32, Vec<u64>) {
        let (Some((first, _)), Some((last, _))) = (self.buckets.first_key_value(), self.buckets.last_key_value())
        else {
            return (0, Vec::new());
        };
        let counts = (*first..=*last).map(|index| self.buckets.get(&index).copied().unwrap_or_default());
        (first - 1, counts.collect())
    }

    /// Number of buckets from the lowest to the highest.
    #[cfg(any(test, feature = "otlp"))]
    fn width(&self) -> usize {
        match (self.buckets.first_key_value(), self.buckets.last_key_value()) {
            (Some((first, _)), Some((last, _))) => usize::try_from(last - first + 1).unwrap_or(usize::MAX),
            _ => 0,
        }
    }
}

/// The longest gap that is written as empty buckets.
#[cfg(any(test, feature = "remote-write", feature = "prometheus-server"))]
const SHORT_GAP: i32 = 2;

/// A run of consecutive buckets: how many are left out before it, and how many are in it. The offset of the first one
/// is counted from bucket 0.
#[cfg(any(test, feature = "remote-write", feature = "prometheus-server"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BucketRun {
    /// Buckets left out before it.
    pub(crate) offset: i32,
    /// Buckets in it.
    pub(crate) length: u32,
}

/// The bucket that a time above zero falls into.
#[expect(clippy::cast_possible_truncation, reason = "the logarithm of a time is small")]
fn index(time: Duration, schema: i8) -> i32 {
    let seconds = time.as_secs_f64();
    let guess = (seconds.log2() * f64::from(schema).exp2()).ceil() as i32;
    // A logarithm is rounded; the bounds around the value decide.
    if bound(guess - 1, schema) >= seconds {
        guess - 1
    } else if bound(guess, schema) < seconds {
        guess + 1
    } else {
        guess
    }
}

/// The upper bound of a bucket, in seconds.
fn bound(index: i32, schema: i8) -> f64 {
    (f64::from(index) / f64::from(schema).exp2()).exp2()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::classic;

    #[test]
    fn a_power_of_two_is_the_upper_bound_of_its_bucket() {
        for schema in 0..=FINEST_SCHEMA {
            let per_octave = 1 << schema;
            assert_eq!(index(Duration::from_secs(1), schema), 0, "schema {schema}");
            assert_eq!(index(Duration::from_secs(2), schema), per_octave, "schema {schema}");
            assert_eq!(index(Duration::from_millis(250), schema), -2 * per_octave, "schema {schema}");
            assert_eq!(index(Duration::from_micros(1_000_001), schema), 1, "schema {schema}");
        }
    }

    #[test]
    fn spans_leave_long_gaps_out_and_fill_short_ones() {
        let buckets = BTreeMap::from([(-3, 5), (-2, 7), (0, 1), (10, 4)]);
        let exponential = Exponential { schema: 5, zeros: 2, buckets };
        let (spans, deltas) = exponential.spans();
        assert_eq!(spans, [BucketRun { offset: -3, length: 4 }, BucketRun { offset: 9, length: 1 }]);
        assert_eq!(deltas, [5, 2, -7, 1, 3]);
        assert_eq!(exponential.count(), 19);
        assert_eq!(exponential.dense().0, -4);
    }

    /// Undoes spans and deltas.
    fn unfolded(spans: &[BucketRun], deltas: &[i64]) -> BTreeMap<i32, u64> {
        let (mut index, mut count, mut at) = (0, 0_i64, 0);
        let mut buckets = BTreeMap::new();
        for span in spans {
            index += span.offset;
            for _ in 0..span.length {
                count += deltas[at];
                at += 1;
                if count > 0 {
                    buckets.insert(index, count.unsigned_abs());
                }
                index += 1;
            }
        }
        assert_eq!(at, deltas.len());
        buckets
    }

    fn values() -> impl proptest::strategy::Strategy<Value = Vec<u64>> {
        let value = proptest::prop_oneof![0..3_u64, 1..5_000_u64, 1..60_000_000_u64, 1..7_200_000_000_u64];
        proptest::collection::vec(value, 0..200)
    }

    proptest::proptest! {
        #[test]
        fn no_sample_is_lost_in_any_layout(values in values(), schema in 0..=FINEST_SCHEMA, limit in 8_usize..200) {
            let histogram = Histogram::of_micros(&values);
            let exponential = Exponential::of(&histogram, schema);
            proptest::prop_assert_eq!(exponential.count(), histogram.count());
            let (spans, deltas) = exponential.spans();
            proptest::prop_assert_eq!(&unfolded(&spans, &deltas), &exponential.buckets);
            proptest::prop_assert_eq!(exponential.dense().1.iter().sum::<u64>() + exponential.zeros, histogram.count());
            let coarser = exponential.within(limit);
            proptest::prop_assert!(coarser.dense().1.len() <= limit);
            proptest::prop_assert_eq!(coarser.count(), histogram.count());
            let classic = classic(&histogram);
            proptest::prop_assert!(classic.is_sorted_by_key(|bucket| bucket.1));
            proptest::prop_assert!(classic.last().is_none_or(|bucket| bucket.1 <= histogram.count()));
        }

        #[test]
        fn no_bucket_of_any_layout_ever_shrinks(values in values(), more in values(), schema in 0..=FINEST_SCHEMA) {
            let before = Histogram::of_micros(&values);
            let mut after = before.clone();
            after.merge(&Histogram::of_micros(&more));
            let (native, grown) = (Exponential::of(&before, schema), Exponential::of(&after, schema));
            for (index, count) in &native.buckets {
                proptest::prop_assert!(grown.buckets.get(index) >= Some(count), "native bucket {}", index);
            }
            for (one, other) in classic(&before).iter().zip(classic(&after)) {
                proptest::prop_assert!(other.1 >= one.1, "up to {:?}", one.0);
            }
        }

        #[test]
        fn a_value_lies_between_the_bounds_of_its_bucket(micros in 1..3_600_000_000_u64, schema in 0..=FINEST_SCHEMA) {
            let time = Duration::from_micros(micros);
            let at = index(time, schema);
            proptest::prop_assert!(bound(at - 1, schema) < time.as_secs_f64());
            proptest::prop_assert!(time.as_secs_f64() <= bound(at, schema));
        }

        #[test]
        fn a_coarser_schema_is_what_it_would_have_been_from_the_start(values in values(), limit in 8_usize..200) {
            let histogram = Histogram::of_micros(&values);
            let narrowed = Exponential::of(&histogram, FINEST_SCHEMA).within(limit);
            if narrowed.schema >= 0 {
                proptest::prop_assert_eq!(&narrowed, &Exponential::of(&histogram, narrowed.schema));
            }
        }
    }
}
