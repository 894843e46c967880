//! Counts of values in buckets of three significant digits, laid out as `HdrHistogram` lays
//! them out: exact up to 2,047, then each octave in 1,024 equal parts.
//!
//! Few buckets are a sorted list, many are pages of counters: a window has few; the sum of a month has thousands and is
//! added to a million times.

use std::{fmt, mem};

use super::pages::{PAGE, Pages};

/// The number of values that have a bucket of their own, as a power of two. 2,048 is the
/// smallest power of two that keeps three significant digits.
const EXACT_BITS: u32 = 11;
/// The buckets of an octave.
const OCTAVE: usize = 1 << (EXACT_BITS - 1);
/// Maximum number of buckets that are kept as a list.
const LIST_LIMIT: usize = 64;
/// The pages that all buckets of 32-bit values take.
const PAGES: usize = (32 - EXACT_BITS as usize + 2) * OCTAVE / PAGE;

/// The largest value of a bucket, in microseconds: one hour. Larger values are capped at it.
pub(super) const TOP: u32 = 3_600_000_000;

/// The smallest value that shares a bucket with `value`.
#[must_use]
#[inline]
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
#[inline]
const fn shift(value: u32) -> u32 {
    (u32::BITS - value.leading_zeros()).saturating_sub(EXACT_BITS)
}

/// The number of a value's bucket. Above the exact buckets, each octave begins at a multiple of 1,024.
#[inline]
pub(super) const fn number(value: u32) -> usize {
    let shift = shift(value);
    (value >> shift) as usize + shift as usize * OCTAVE
}

/// The smallest value of a bucket, by its number; `u32::MAX` past the last bucket of 32 bits.
fn lowest_of(number: usize) -> u32 {
    let shift = (number / OCTAVE).saturating_sub(1);
    if number < PAGES * PAGE { u32::try_from((number - shift * OCTAVE) << shift).unwrap_or(u32::MAX) } else { u32::MAX }
}

/// How many values fell into each bucket.
#[derive(Clone)]
pub(super) enum Buckets {
    /// The numbers of buckets and their counts, sorted by number; no count is zero.
    List(Vec<(usize, u64)>),
    /// Counters by the bucket's number.
    Pages(Pages<u32>),
    /// The same, once a count exceeds 32 bits.
    WidePages(Pages<u64>),
}

impl Default for Buckets {
    fn default() -> Self {
        Buckets::List(Vec::new())
    }
}

impl Buckets {
    /// Counts `count` more of a value.
    #[inline]
    pub(super) fn add(&mut self, value: u32, count: u64) {
        self.add_to(number(value), count);
    }

    /// Counts `count` more in a bucket.
    #[inline]
    fn add_to(&mut self, bucket: usize, count: u64) {
        if let Buckets::Pages(pages) = self
            && pages.add(bucket, count)
        {
            return;
        }
        self.add_elsewhere(bucket, count);
    }

    /// Counts in a list, or in wide counters if 32 bits are too few.
    fn add_elsewhere(&mut self, bucket: usize, count: u64) {
        match self {
            Buckets::List(list) => {
                match list.binary_search_by_key(&bucket, |(number, _)| *number) {
                    Ok(at) => list[at].1 = list[at].1.saturating_add(count),
                    Err(at) => list.insert(at, (bucket, count)),
                }
                if list.len() > LIST_LIMIT {
                    self.turn();
                }
            }
            Buckets::Pages(_) | Buckets::WidePages(_) => {
                // A wide counter always has room.
                let _ = self.widened().add(bucket, count);
            }
        }
    }

    /// Counts `count` more in a bucket that is no lower than any before; buckets past that of [`TOP`] count as that one.
    /// Counts read in order stay a list, however long: it is added to another histogram and dropped.
    #[inline]
    pub(super) fn push(list: &mut Vec<(usize, u64)>, bucket: usize, count: u64) {
        let bucket = bucket.min(number(TOP));
        match list.last_mut().filter(|(last, _)| *last == bucket) {
            Some((_, sum)) => *sum = sum.saturating_add(count),
            None => list.push((bucket, count)),
        }
    }

    /// Adds the counts of another histogram.
    pub(super) fn merge(&mut self, other: &Buckets) {
        match (&mut *self, other) {
            (Buckets::Pages(mine), Buckets::List(list)) => {
                let done = mine.add_in_order(list);
                list[done..].iter().for_each(|(bucket, count)| self.add_to(*bucket, *count));
            }
            (_, Buckets::List(list)) => list.iter().for_each(|(bucket, count)| self.add_to(*bucket, *count)),
            (Buckets::List(_), _) => {
                let list = mem::replace(self, other.clone());
                self.merge(&list);
            }
            (Buckets::Pages(mine), Buckets::Pages(theirs)) if mine.has_room_for(theirs) => mine.merge(theirs),
            (_, Buckets::Pages(theirs)) => self.widened().merge(theirs),
            (_, Buckets::WidePages(theirs)) => self.widened().merge(theirs),
        }
    }

    /// The buckets that are not empty, from the lowest: the lowest value of each, and its count.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, u64)> {
        let (list, pages, wide) = match self {
            Buckets::List(list) => (list.as_slice(), None, None),
            Buckets::Pages(pages) => (&[][..], Some(pages), None),
            Buckets::WidePages(pages) => (&[][..], None, Some(pages)),
        };
        let counted = pages.into_iter().flat_map(Pages::counted).chain(wide.into_iter().flat_map(Pages::counted));
        list.iter().copied().chain(counted).map(|(number, count)| (lowest_of(number), count))
    }

    /// The sum of all counts; none if it exceeds 64 bits.
    pub(super) fn count(&self) -> Option<u64> {
        let add = |sum: u64, count: u64| sum.checked_add(count);
        match self {
            Buckets::List(list) => list.iter().map(|(_, count)| *count).try_fold(0, add),
            Buckets::Pages(_) | Buckets::WidePages(_) => self.iter().map(|(_, count)| count).try_fold(0, add),
        }
    }

    /// Turns the list into pages of counters.
    fn turn(&mut self) {
        let list = mem::replace(self, Buckets::Pages(Pages::default()));
        self.merge(&list);
    }

    /// Converts the counts to 64 bits each.
    fn widened(&mut self) -> &mut Pages<u64> {
        if !matches!(self, Buckets::WidePages(_)) {
            let before = mem::replace(self, Buckets::WidePages(Pages::default()));
            self.merge(&before);
        }
        match self {
            Buckets::WidePages(pages) => pages,
            Buckets::List(_) | Buckets::Pages(_) => unreachable!("the counters were widened just now"),
        }
    }
}

/// Equal counts are equal, however they are stored.
impl PartialEq for Buckets {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Buckets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bucket_is_narrower_than_a_thousandth_of_its_values(value: u32) {
            let (low, high) = (lowest(value), highest(value));
            prop_assert!(low <= value && value <= high);
            prop_assert!(u64::from(high - low) * 1000 < u64::from(low.max(1)) || low == high);
            prop_assert_eq!(lowest(low), lowest(high));
            prop_assert_eq!(lowest_of(number(value)), low);
            prop_assert!(number(value) < PAGES * PAGE);
        }

        #[test]
        fn what_is_read_in_order_counts_the_same(mut counted in prop::collection::vec((0_u32..200_000, 1_u64..9), 0..200), more: u32) {
            counted.sort_unstable();
            let (mut list, mut buckets) = (Vec::new(), Buckets::default());
            for (value, count) in counted {
                Buckets::push(&mut list, number(value), count);
                buckets.add(value, count);
            }
            let mut ordered = Buckets::List(list);
            prop_assert_eq!(&ordered, &buckets);
            ordered.add(more, 1);
            buckets.add(more, 1);
            prop_assert_eq!(ordered, buckets);
        }

        #[test]
        fn lists_and_pages_count_the_same(
            first in prop::collection::vec((0_u32..200_000, 1_u64..9), 0..200),
            second in prop::collection::vec((0_u32..200_000, 1_u64..9), 0..200),
        ) {
            let (mut buckets, mut others) = (Buckets::default(), Buckets::default());
            let mut counts = BTreeMap::new();
            for (value, count) in &first {
                buckets.add(*value, *count);
                *counts.entry(lowest(*value)).or_insert(0) += count;
            }
            for (value, count) in &second {
                others.add(*value, *count);
                *counts.entry(lowest(*value)).or_insert(0) += count;
            }
            buckets.merge(&others);
            prop_assert_eq!(buckets.iter().collect::<Vec<_>>(), counts.into_iter().collect::<Vec<_>>());
        }

        #[test]
        fn counts_beyond_32_bits_are_kept_wherever_they_come_from(
            first in prop::collection::vec((0_u32..4_000_000_000, 1_u64..1 << 33), 0..120),
            second in prop::collection::vec((0_u32..4_000_000_000, 1_u64..1 << 33), 0..120),
            narrow in 1_u64..9,
        ) {
            let (mut buckets, mut others) = (Buckets::default(), Buckets::default());
            let mut counts = BTreeMap::new();
            for (at, (value, count)) in first.iter().chain(&second).enumerate() {
                // Some parts stay within 32 bits.
                let count = if at % 7 < 5 { count % narrow + 1 } else { *count };
                if at < first.len() { buckets.add(*value, count) } else { others.add(*value, count) }
                *counts.entry(lowest(*value)).or_insert(0) += count;
            }
            buckets.merge(&others);
            prop_assert_eq!(buckets.iter().collect::<Vec<_>>(), counts.into_iter().collect::<Vec<_>>());
        }
    }
}
