//! A histogram in the buckets of `VictoriaMetrics`: eighteen a decade, each named by its bounds. Values are seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::micros;
use crate::window::Histogram;

/// The buckets of `VictoriaMetrics` that are not empty: eighteen a decade, each named by its bounds as
/// `1.000e-01...1.136e-01`.
/// <https://github.com/VictoriaMetrics/metrics/blob/master/histogram.go>
#[must_use]
pub(crate) fn vm_ranges(histogram: &Histogram) -> Vec<(String, u64)> {
    let mut found: BTreeMap<i32, u64> = BTreeMap::new();
    for (time, count) in histogram.centres() {
        *found.entry(index(time)).or_default() += count;
    }
    found.into_iter().map(|(index, count)| (name(index), count)).collect()
}

/// Buckets of a decade.
const PER_DECADE: i32 = 18;
/// The exponent of the lowest decade: it begins at a nanosecond.
const LOWEST_DECADE: i32 = -9;
/// The bucket of zero, below the first.
const ZERO: i32 = -1;

#[expect(clippy::cast_possible_truncation, reason = "the logarithm of a time is small")]
fn index(time: Duration) -> i32 {
    if time.is_zero() {
        return ZERO;
    }
    // Exact powers of ten belong to the bucket below them: its upper bound is inclusive.
    let decades = micros_log10(time) - f64::from(LOWEST_DECADE);
    let position = decades * f64::from(PER_DECADE);
    let floor = position.floor();
    if (position - floor).abs() < f64::EPSILON { floor as i32 - 1 } else { floor as i32 }
}

/// The decimal logarithm of a time in seconds; exact if the time is a power of ten.
fn micros_log10(time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a time below 285 years is exact")]
    let micros = micros::of(time) as f64;
    micros.log10() - 6.0
}

fn name(index: i32) -> String {
    if index == ZERO {
        return "0...1.000e-09".to_owned();
    }
    let edge = |index: i32| 10_f64.powf(f64::from(LOWEST_DECADE) + f64::from(index) / f64::from(PER_DECADE));
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

    #[test]
    fn ranges_are_named_as_victoria_metrics_names_them() {
        let found = vm_ranges(&Histogram::of_micros(&[0, 1, 1_000, 1_001]));
        let names: Vec<&str> = found.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["0...1.000e-09", "8.799e-07...1.000e-06", "8.799e-04...1.000e-03", "1.000e-03...1.136e-03"]);
    }

    fn values() -> impl proptest::strategy::Strategy<Value = Vec<u64>> {
        let value = proptest::prop_oneof![0..3_u64, 1..5_000_u64, 1..60_000_000_u64, 1..7_200_000_000_u64];
        proptest::collection::vec(value, 0..200)
    }

    proptest::proptest! {
        #[test]
        fn no_sample_is_lost_and_no_bucket_ever_shrinks(values in values(), more in values()) {
            let before = Histogram::of_micros(&values);
            proptest::prop_assert_eq!(vm_ranges(&before).iter().map(|range| range.1).sum::<u64>(), before.count());
            let mut after = before.clone();
            after.merge(&Histogram::of_micros(&more));
            let grown: BTreeMap<String, u64> = vm_ranges(&after).into_iter().collect();
            for (range, count) in vm_ranges(&before) {
                proptest::prop_assert!(grown.get(&range) >= Some(&count), "range {}", range);
            }
        }
    }
}
