//! Counts of values in buckets of three significant digits, laid out as `HdrHistogram` lays
//! them out: exact up to 2,047, then each octave in 1,024 equal parts.

/// The number of values that have a bucket of their own, as a power of two. 2,048 is the
/// smallest power of two that keeps three significant digits.
const EXACT_BITS: u32 = 11;

/// The smallest value that shares a bucket with `value`.
#[must_use]
pub(super) const fn lowest(value: u32) -> u32 {
    let shift = shift(value);
    (value >> shift) << shift
}

/// The largest value that shares a bucket with `value`.
#[must_use]
pub(super) const fn highest(value: u32) -> u32 {
    lowest(value) + ((1 << shift(value)) - 1)
}

/// The width of a value's bucket, as a power of two.
const fn shift(value: u32) -> u32 {
    (u32::BITS - value.leading_zeros()).saturating_sub(EXACT_BITS)
}

/// How many values fell into each bucket. A bucket is named by its lowest value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Buckets {
    /// Sorted by bucket; no count is zero.
    counts: Vec<(u32, u64)>,
}

impl Buckets {
    /// Counts `count` more of a value.
    pub(super) fn add(&mut self, value: u32, count: u64) {
        let bucket = lowest(value);
        match self.counts.binary_search_by_key(&bucket, |(lowest, _)| *lowest) {
            Ok(at) => self.counts[at].1 = self.counts[at].1.saturating_add(count),
            Err(at) => self.counts.insert(at, (bucket, count)),
        }
    }

    /// The buckets that hold anything, from the lowest: the lowest value of each, and its count.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        self.counts.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_bucket_is_narrower_than_a_thousandth_of_its_values(value in 1u32..=3_600_000_000) {
            let (low, high) = (lowest(value), highest(value));
            proptest::prop_assert!(low <= value && value <= high);
            proptest::prop_assert!(u64::from(high - low) * 1000 < u64::from(low.max(1)) || low == high);
            proptest::prop_assert_eq!(lowest(low), lowest(high));
        }
    }
}
