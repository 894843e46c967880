//! The verdicts of a window in order, with their instants: what "three in a row" and the onset
//! of an outage are judged by.

mod text;

use jiff::Timestamp;
use smallvec::SmallVec;

use crate::model::{Counts, FailureClass, Verdict};

pub use text::StripError;

/// A run of checks with the same verdict and class: one check, as long as the strip has not
/// been thinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// When the first of them began (a missed check: when it was due), to the millisecond.
    pub from: Timestamp,
    /// When the last of them began.
    pub to: Timestamp,
    /// What was found, each time.
    pub verdict: Verdict,
    /// The class of the failure, where there was one.
    pub class: Option<FailureClass>,
    /// How many checks.
    pub count: u64,
}

/// The verdicts in order of time. Merging interleaves; thinning joins neighbours that are the
/// same, so that what stays is what is around every change of state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strip {
    /// In order.
    entries: SmallVec<[Entry; 2]>,
}

/// A run as it is kept: there are millions of them. The order of the fields is the order of the
/// strip: any total order would do, so that merging is commutative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    from_ms: i64,
    to_ms: i64,
    verdict: Verdict,
    class: Option<FailureClass>,
    count: u32,
}

impl Strip {
    /// Adds one check.
    pub fn push(&mut self, at: Timestamp, verdict: Verdict, class: Option<FailureClass>) {
        let at_ms = at.as_millisecond();
        self.insert(Entry { from_ms: at_ms, to_ms: at_ms, verdict, class, count: 1 });
    }

    /// The runs in order of time.
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = Run> + ExactSizeIterator {
        self.entries.iter().map(Entry::run)
    }

    /// Whether there is no check in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How many checks ended how.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for entry in &self.entries {
            counts.add(entry.verdict, u64::from(entry.count));
        }
        counts
    }

    /// Adds the checks of another strip, interleaved by time.
    pub fn merge(&mut self, other: &Strip) {
        let in_order = match (self.entries.last(), other.entries.first()) {
            (Some(last), Some(first)) => last <= first,
            _ => true,
        };
        self.entries.extend_from_slice(&other.entries);
        if !in_order {
            // The sort is stable and finds the two sorted stretches: a merge in linear time.
            self.entries.sort();
        }
    }

    /// Joins neighbours with the same verdict and class. How many there were in a row, and the
    /// instants around every change of state, stay; the instants in between go.
    pub fn thin(&mut self) {
        self.thin_within(Timestamp::MIN, Timestamp::MAX);
    }

    /// The same for the checks in a span of time. A check that began late, past the end of its
    /// window, stays by itself: the checks of the next window are not all behind it.
    pub fn thin_within(&mut self, from: Timestamp, to: Timestamp) {
        let (from_ms, to_ms) = (from.as_millisecond(), to.as_millisecond());
        let within = |entry: &Entry| from_ms <= entry.from_ms && entry.to_ms < to_ms;
        self.entries.dedup_by(|next, entry| {
            let same = next.verdict == entry.verdict && next.class == entry.class;
            match entry.count.checked_add(next.count) {
                Some(count) if same && within(entry) && within(next) => {
                    entry.to_ms = entry.to_ms.max(next.to_ms);
                    entry.count = count;
                    true
                }
                _ => false,
            }
        });
    }

    /// When a check with this verdict was first seen.
    #[must_use]
    pub fn first(&self, verdict: Verdict) -> Option<Timestamp> {
        self.entries.iter().find(|entry| entry.verdict == verdict).map(|entry| instant(entry.from_ms))
    }

    /// When a check with this verdict was last seen.
    #[must_use]
    pub fn last(&self, verdict: Verdict) -> Option<Timestamp> {
        self.entries.iter().filter(|entry| entry.verdict == verdict).map(|entry| entry.to_ms).max().map(instant)
    }

    fn insert(&mut self, entry: Entry) {
        let at = self.entries.partition_point(|other| *other <= entry);
        self.entries.insert(at, entry);
    }
}

impl Entry {
    fn run(&self) -> Run {
        Run {
            from: instant(self.from_ms),
            to: instant(self.to_ms),
            verdict: self.verdict,
            class: self.class,
            count: u64::from(self.count),
        }
    }
}

/// The instant of a millisecond; every one in a strip was an instant once.
fn instant(millisecond: i64) -> Timestamp {
    Timestamp::from_millisecond(millisecond).unwrap_or(if millisecond < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    #[test]
    fn thinning_keeps_what_is_around_every_change() {
        let mut strip = Strip::default();
        for (second, verdict) in [
            (1, Verdict::Up),
            (2, Verdict::Up),
            (3, Verdict::Up),
            (4, Verdict::Down),
            (5, Verdict::Down),
            (6, Verdict::Up),
        ] {
            strip.push(at(second), verdict, None);
        }
        let counts = strip.counts();
        strip.thin();
        let kept: Vec<_> = strip.runs().map(|run| (run.from, run.to, run.verdict, run.count)).collect();
        assert_eq!(
            kept,
            [(at(1), at(3), Verdict::Up, 3), (at(4), at(5), Verdict::Down, 2), (at(6), at(6), Verdict::Up, 1)]
        );
        assert_eq!(strip.counts(), counts);
    }

    #[test]
    fn merging_interleaves_by_time() {
        let (mut evens, mut odds) = (Strip::default(), Strip::default());
        for second in [2, 4, 6] {
            evens.push(at(second), Verdict::Up, None);
            odds.push(at(second + 1), Verdict::Down, Some(FailureClass::Status));
        }
        evens.merge(&odds);
        let instants: Vec<_> = evens.runs().map(|run| run.from.as_second()).collect();
        assert_eq!(instants, [2, 3, 4, 5, 6, 7]);
    }
}
