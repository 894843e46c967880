//! One histogram in the bucket layouts of other systems: native (Prometheus), exponential (OpenTelemetry) and `vmrange`
//! (`VictoriaMetrics`). Pure functions that lose no sample: the buckets add up to the count of the histogram. Values
//! are seconds.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use crate::model::micros;
use crate::window::Histogram;

/// The finest schema that a histogram of three significant digits can fill: its buckets are
/// 0.27 % wide.
pub(crate) const FINEST_SCHEMA: i8 = 8;

/// The default schema: 32 buckets an octave, each 2.2 % wide.
pub(crate) const DEFAULT_SCHEMA: i8 = 5;

/// What counts as zero in a native histogram, in seconds: 2^-128, as in client libraries. Of times in microseconds only
/// zero itself.
pub(crate) const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

/// How histograms are written for Prometheus and compatible systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistogramFormat {
    /// As native histograms of this schema, 0 to 8: Prometheus 2.40 and later with the feature enabled, Mimir, Thanos,
    /// Grafana Cloud.
    Native(i8),
    /// As classic buckets, cumulative, with `le`.
    Classic,
    /// As `VictoriaMetrics` buckets, with `vmrange`.
    VmRange,
}

impl Default for HistogramFormat {
    fn default() -> Self {
        HistogramFormat::Native(DEFAULT_SCHEMA)
    }
}

impl HistogramFormat {
    /// The schema of native histograms; the default for other formats.
    #[must_use]
    pub const fn schema(self) -> i8 {
        match self {
            HistogramFormat::Native(schema) => schema,
            HistogramFormat::Classic | HistogramFormat::VmRange => DEFAULT_SCHEMA,
        }
    }
}

/// Why a text is not the name of a histogram format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistogramFormatError {
    /// The schema after `native:` is not one.
    #[error("`{0}` is not a schema; write a number from 0 to {FINEST_SCHEMA}")]
    Schema(String),
    /// The word is not known.
    #[error("unknown format of histograms `{0}`; write native, native:8, classic or vmrange")]
    Unknown(String),
}

/// `native`, `native:8`, `classic` or `vmrange`
impl FromStr for HistogramFormat {
    type Err = HistogramFormatError;

    fn from_str(text: &str) -> Result<HistogramFormat, HistogramFormatError> {
        let schema = |text: &str| text.parse().ok().filter(|schema| (0..=FINEST_SCHEMA).contains(schema));
        match text.split_once(':') {
            None if text == "native" => Ok(HistogramFormat::default()),
            None if text == "classic" => Ok(HistogramFormat::Classic),
            None if text == "vmrange" => Ok(HistogramFormat::VmRange),
            Some(("native", digits)) => schema(digits)
                .map(HistogramFormat::Native)
                .ok_or_else(|| HistogramFormatError::Schema(digits.to_owned())),
            _ => Err(HistogramFormatError::Unknown(text.to_owned())),
        }
    }
}

/// Buckets that grow by the same factor, 2^(2^-schema).
///
/// Bucket `i` holds the values above 2^((i-1)/2^schema) and up to 2^(i/2^schema), which is the
/// numbering of Prometheus; OpenTelemetry's index is one less.
/// <https://prometheus.io/docs/specs/native_histograms/>
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exponential {
    /// How fine: 2^schema buckets an octave. OpenTelemetry calls it scale.
    pub schema: i8,
    /// How many values are zero.
    pub zeros: u64,
    /// The buckets that are not empty, from the lowest.
    pub buckets: BTreeMap<i32, u64>,
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
    #[must_use]
    pub(crate) fn spans(&self) -> (Vec<Span>, Vec<i64>) {
        let (mut spans, mut deltas) = (Vec::<Span>::new(), Vec::new());
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
                _ => spans.push(Span { offset: gap, length: 1 }),
            }
            let count = i64::try_from(*count).unwrap_or(i64::MAX);
            deltas.push(count - before);
            (next, before) = (index + 1, count);
        }
        (spans, deltas)
    }

    /// The lowest bucket and the count of each from there, without gaps: the form that OpenTelemetry takes, in its own
    /// numbering.
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
    fn width(&self) -> usize {
        match (self.buckets.first_key_value(), self.buckets.last_key_value()) {
            (Some((first, _)), Some((last, _))) => usize::try_from(last - first + 1).unwrap_or(usize::MAX),
            _ => 0,
        }
    }
}

/// The longest gap that is written as empty buckets.
const SHORT_GAP: i32 = 2;

/// A run of consecutive buckets: how many are left out before it, and how many are in it. The offset of the first one
/// is counted from bucket 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Buckets left out before it.
    pub offset: i32,
    /// Buckets in it.
    pub length: u32,
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

/// The buckets of `VictoriaMetrics` that are not empty: eighteen a decade, each named by its bounds as
/// `1.000e-01...1.136e-01`.
/// <https://github.com/VictoriaMetrics/metrics/blob/master/histogram.go>
#[must_use]
pub(crate) fn vmranges(histogram: &Histogram) -> Vec<(String, u64)> {
    let mut found: BTreeMap<i32, u64> = BTreeMap::new();
    for (time, count) in histogram.centres() {
        *found.entry(vm_index(time)).or_default() += count;
    }
    found.into_iter().map(|(index, count)| (vm_name(index), count)).collect()
}

/// Buckets of a decade.
const VM_PER_DECADE: i32 = 18;
/// The exponent of the lowest decade: it begins at a nanosecond.
const VM_LOWEST_DECADE: i32 = -9;
/// The bucket of zero, below the first.
const VM_ZERO: i32 = -1;

#[expect(clippy::cast_possible_truncation, reason = "the logarithm of a time is small")]
fn vm_index(time: Duration) -> i32 {
    if time.is_zero() {
        return VM_ZERO;
    }
    // Exact powers of ten belong to the bucket below them: its upper bound is inclusive.
    let decades = micros_log10(time) - f64::from(VM_LOWEST_DECADE);
    let position = decades * f64::from(VM_PER_DECADE);
    let floor = position.floor();
    if (position - floor).abs() < f64::EPSILON { floor as i32 - 1 } else { floor as i32 }
}

/// The decimal logarithm of a time in seconds; exact if the time is a power of ten.
fn micros_log10(time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a time below 285 years is exact")]
    let micros = micros::of(time) as f64;
    micros.log10() - 6.0
}

fn vm_name(index: i32) -> String {
    if index == VM_ZERO {
        return "0...1.000e-09".to_owned();
    }
    let edge = |index: i32| 10_f64.powf(f64::from(VM_LOWEST_DECADE) + f64::from(index) / f64::from(VM_PER_DECADE));
    format!("{}...{}", scientific(edge(index)), scientific(edge(index + 1)))
}

/// Three decimals and an exponent of two digits, as C's and Go's `%.3e`.
fn scientific(value: f64) -> String {
    let text = format!("{value:.3e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::classic;

    fn histogram(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.record_micros(*value);
        }
        histogram
    }

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
        assert_eq!(spans, [Span { offset: -3, length: 4 }, Span { offset: 9, length: 1 }]);
        assert_eq!(deltas, [5, 2, -7, 1, 3]);
        assert_eq!(exponential.count(), 19);
        assert_eq!(exponential.dense().0, -4);
    }

    #[test]
    fn ranges_are_named_as_victoria_metrics_names_them() {
        let found = vmranges(&histogram(&[0, 1, 1_000, 1_001]));
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["0...1.000e-09", "8.799e-07...1.000e-06", "8.799e-04...1.000e-03", "1.000e-03...1.136e-03"]);
    }

    /// Undoes spans and deltas.
    fn unfolded(spans: &[Span], deltas: &[i64]) -> BTreeMap<i32, u64> {
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
            let histogram = histogram(&values);
            let exponential = Exponential::of(&histogram, schema);
            proptest::prop_assert_eq!(exponential.count(), histogram.count());
            let (spans, deltas) = exponential.spans();
            proptest::prop_assert_eq!(&unfolded(&spans, &deltas), &exponential.buckets);
            proptest::prop_assert_eq!(exponential.dense().1.iter().sum::<u64>() + exponential.zeros, histogram.count());
            let coarser = exponential.within(limit);
            proptest::prop_assert!(coarser.dense().1.len() <= limit);
            proptest::prop_assert_eq!(coarser.count(), histogram.count());
            proptest::prop_assert_eq!(vmranges(&histogram).iter().map(|range| range.1).sum::<u64>(), histogram.count());
            let classic = classic(&histogram);
            proptest::prop_assert!(classic.is_sorted_by_key(|bucket| bucket.1));
            proptest::prop_assert!(classic.last().is_none_or(|bucket| bucket.1 <= histogram.count()));
        }

        #[test]
        fn no_bucket_of_any_layout_ever_shrinks(values in values(), more in values(), schema in 0..=FINEST_SCHEMA) {
            let before = histogram(&values);
            let mut after = before.clone();
            after.merge(&histogram(&more));
            let (native, grown) = (Exponential::of(&before, schema), Exponential::of(&after, schema));
            for (index, count) in &native.buckets {
                proptest::prop_assert!(grown.buckets.get(index) >= Some(count), "native bucket {}", index);
            }
            for (one, other) in classic(&before).iter().zip(classic(&after)) {
                proptest::prop_assert!(other.1 >= one.1, "up to {:?}", one.0);
            }
            let grown: BTreeMap<String, u64> = vmranges(&after).into_iter().collect();
            for (range, count) in vmranges(&before) {
                proptest::prop_assert!(grown.get(&range) >= Some(&count), "range {}", range);
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
            let histogram = histogram(&values);
            let narrowed = Exponential::of(&histogram, FINEST_SCHEMA).within(limit);
            if narrowed.schema >= 0 {
                proptest::prop_assert_eq!(&narrowed, &Exponential::of(&histogram, narrowed.schema));
            }
        }
    }
}
