//! The checks of a window in order, with the instants at which they were due. They determine "three in a row", the
//! onset of an outage and a range within a window.

use jiff::Timestamp;
use smallvec::SmallVec;

use super::check_result::CheckResult;
use super::strip_run::{Entry, Run, instant};
use crate::model::{Counts, UnixMillis, Verdict};

/// Minimum number of equally spaced checks that are written as one run: two take less space as single checks.
const EVEN_RUN: usize = 3;

/// The most checks of a strip that is read: more than ten per second for a whole day. A run of any length takes few
/// bytes, and its checks may be looked at one by one.
pub(crate) const CHECKS_LIMIT: u64 = 1_000_000;

/// The checks in order of time. Merging interleaves them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strip {
    /// In order.
    pub(super) entries: SmallVec<[Entry; 2]>,
}

impl Strip {
    /// Adds one check.
    pub fn push(&mut self, at: Timestamp, result: CheckResult) {
        let entry = Entry { from_ms: at.as_millisecond(), span_ms: 0, result, count: 1 };
        let at = self.entries.partition_point(|other| *other <= entry);
        self.entries.insert(at, entry);
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
            counts.add(entry.result.verdict, u64::from(entry.count));
        }
        counts
    }

    /// Each result that occurs, and how often; a result may occur several times.
    pub(super) fn results(&self) -> impl Iterator<Item = (CheckResult, u64)> {
        self.entries.iter().map(|entry| (entry.result, u64::from(entry.count)))
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

    /// Joins neighbours with the same result at equal distances into one run. Nothing is lost: the instant of each of
    /// them follows from the run.
    pub fn join_even(&mut self) {
        let mut joined: SmallVec<[Entry; 2]> = SmallVec::new();
        let mut rest = self.entries.as_slice();
        while let Some(first) = rest.first() {
            let (length, run) = even_run(first, &rest[1..]);
            if run.count as usize >= EVEN_RUN {
                joined.push(run);
            } else {
                joined.extend_from_slice(&rest[..length]);
            }
            rest = &rest[length..];
        }
        self.entries = joined;
    }

    /// Joins neighbours with the same result, whatever their distances: the number of checks in a row and the instants
    /// around every change of state stay, the instants in between are lost. For views that must be small.
    pub fn thin(&mut self) {
        self.entries.dedup_by(|next, entry| {
            let end = entry.end_ms().max(next.end_ms());
            let joined = (entry.count.checked_add(next.count), u32::try_from(end - entry.from_ms));
            let (Some(count), Ok(span)) = joined else { return false };
            let same = next.result == entry.result;
            if same {
                (entry.count, entry.span_ms) = (count, span);
            }
            same
        });
    }

    /// The checks that were due from an instant on and before another.
    #[must_use]
    pub fn cut(&self, from: Timestamp, to: Timestamp) -> Strip {
        let (from_ms, to_ms) = (ceil_millisecond(from), ceil_millisecond(to));
        Strip { entries: self.entries.iter().filter_map(|entry| entry.cut(from_ms, to_ms)).collect() }
    }

    /// How many checks with which verdict were due in each step of time, a step named by its start; a step may come
    /// several times.
    pub(crate) fn by_step(&self, step_ms: i64) -> impl Iterator<Item = (UnixMillis, Verdict, u64)> {
        let of_entry = move |entry: &Entry| {
            let (entry, mut next) = (*entry, 0);
            std::iter::from_fn(move || {
                let begin = (next < entry.count).then(|| entry.at(next).div_euclid(step_ms) * step_ms)?;
                let first = next;
                next = entry.before(begin + step_ms).max(first + 1);
                Some((UnixMillis(begin), entry.result.verdict, u64::from(next - first)))
            })
        };
        self.entries.iter().flat_map(of_entry)
    }

    /// The same with one run for each check.
    #[cfg(test)]
    pub(crate) fn expanded(&self) -> Strip {
        let each = |entry: &Entry| {
            let entry = *entry;
            (0..entry.count).map(move |n| Entry { from_ms: entry.at(n), span_ms: 0, count: 1, ..entry })
        };
        let mut entries: SmallVec<[Entry; 2]> = self.entries.iter().flat_map(each).collect();
        entries.sort();
        Strip { entries }
    }

    /// When a check with this verdict was first due.
    #[must_use]
    pub fn first(&self, verdict: Verdict) -> Option<Timestamp> {
        self.entries.iter().find(|entry| entry.result.verdict == verdict).map(|entry| instant(entry.from_ms))
    }

    /// When a check with this verdict was last due.
    #[must_use]
    pub fn last(&self, verdict: Verdict) -> Option<Timestamp> {
        self.entries.iter().filter(|entry| entry.result.verdict == verdict).map(Entry::end_ms).max().map(instant)
    }
}

/// The longest run that begins with `first` and continues in `rest`, and how many entries it takes.
fn even_run(first: &Entry, rest: &[Entry]) -> (usize, Entry) {
    let mut run = *first;
    let mut length = 1;
    for next in rest {
        let Some(joined) = run.joined(next) else { break };
        run = joined;
        length += 1;
    }
    // Two checks always have one distance; the second may belong to a longer run that follows.
    if run.count == 2 && length == 2 { (1, *first) } else { (length, run) }
}

/// The first whole millisecond that is not before an instant.
fn ceil_millisecond(at: Timestamp) -> i64 {
    let floor = at.as_nanosecond().div_euclid(1_000_000);
    let more = at.as_nanosecond().rem_euclid(1_000_000) > 0;
    i64::try_from(floor).unwrap_or(if floor < 0 { i64::MIN } else { i64::MAX }).saturating_add(i64::from(more))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    /// The instants of all checks of a strip, by the rule of [`Run`].
    fn instants(strip: &Strip) -> Vec<(i64, CheckResult)> {
        strip.expanded().entries.iter().map(|entry| (entry.from_ms, entry.result)).collect()
    }

    fn strip_of(checks: &[(i64, bool)]) -> Strip {
        let mut strip = Strip::default();
        for (at, up) in checks {
            let verdict = if *up { Verdict::Up } else { Verdict::Down };
            strip.push(instant(*at), CheckResult::new(verdict, None));
        }
        strip
    }

    #[test]
    fn thinning_keeps_what_is_around_every_change() {
        let checks = [(1, true), (2, true), (4, true), (5, false), (9, false), (10, true)];
        let mut strip = strip_of(&checks.map(|(second, up)| (second * 1000, up)));
        let counts = strip.counts();
        strip.thin();
        let kept: Vec<_> = strip.runs().map(|run| (run.from, run.to, run.verdict, run.count)).collect();
        assert_eq!(
            kept,
            [(at(1), at(4), Verdict::Up, 3), (at(5), at(9), Verdict::Down, 2), (at(10), at(10), Verdict::Up, 1)]
        );
        assert_eq!(strip.counts(), counts);
    }

    #[test]
    fn merging_interleaves_by_time() {
        let mut evens = strip_of(&[(2000, true), (4000, true), (6000, true)]);
        let odds = strip_of(&[(3000, false), (5000, false), (7000, false)]);
        evens.merge(&odds);
        let instants: Vec<_> = evens.runs().map(|run| run.from.as_second()).collect();
        assert_eq!(instants, [2, 3, 4, 5, 6, 7]);
    }

    #[test]
    fn checks_at_equal_distances_are_one_run_whatever_came_before_them() {
        let mut strip = strip_of(&[(0, true), (7, true), (17, true), (27, true), (37, false), (47, true)]);
        strip.join_even();
        let runs: Vec<_> =
            strip.runs().map(|run| (run.from.as_millisecond(), run.to.as_millisecond(), run.count)).collect();
        assert_eq!(runs, [(0, 0, 1), (7, 27, 3), (37, 37, 1), (47, 47, 1)]);
    }

    proptest! {
        #[test]
        fn joining_loses_no_instant(
            steps in prop::collection::vec((prop_oneof![3 => Just(10_i64), 1 => 0_i64..30], any::<bool>()), 0..60),
            again in any::<bool>(),
        ) {
            let mut now = 1_000;
            let checks: Vec<_> = steps.iter().map(|(step, up)| { now += step; (now, *up || step % 3 > 0) }).collect();
            let whole = strip_of(&checks);
            let mut joined = whole.clone();
            joined.join_even();
            if again {
                joined.join_even();
            }
            prop_assert_eq!(instants(&joined), instants(&whole));
            prop_assert!(joined.entries.len() <= whole.entries.len());
            prop_assert_eq!(joined.counts(), whole.counts());
        }

        #[test]
        fn steps_part_the_checks_by_their_instants(
            steps in prop::collection::vec((prop_oneof![3 => Just(10_i64), 1 => 0_i64..30], any::<bool>()), 1..60),
            thinned in any::<bool>(),
            step in 1_i64..200,
        ) {
            let mut now = -300;
            let checks: Vec<_> = steps.iter().map(|(step, up)| { now += step; (now, *up) }).collect();
            let mut strip = strip_of(&checks);
            if thinned { strip.thin() } else { strip.join_even() }
            let mut found = std::collections::BTreeMap::<_, u64>::new();
            let mut expected = found.clone();
            strip.by_step(step).for_each(|(begin, verdict, n)| *found.entry((begin.0, verdict)).or_default() += n);
            for (at, result) in instants(&strip) {
                *expected.entry((at.div_euclid(step) * step, result.verdict)).or_default() += 1;
            }
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn cutting_parts_the_checks_by_their_instants(
            steps in prop::collection::vec((prop_oneof![3 => Just(10_i64), 1 => 0_i64..30], any::<bool>()), 1..60),
            thinned in any::<bool>(),
            a in 900_i64..2_000,
            b in 0_i64..600,
            c in 0_i64..600,
        ) {
            let mut now = 1_000;
            let checks: Vec<_> = steps.iter().map(|(step, up)| { now += step; (now, *up) }).collect();
            let mut strip = strip_of(&checks);
            if thinned { strip.thin() } else { strip.join_even() }
            let (b, c) = (a + b, a + b + c);
            let cut = |from, to| strip.cut(instant(from), instant(to));
            let all = instants(&strip);
            let within = |from, to| all.iter().filter(|(at, _)| from <= *at && *at < to).count() as u64;
            for (from, to) in [(a, b), (b, c), (a, c)] {
                prop_assert_eq!(cut(from, to).counts().scheduled(), within(from, to));
            }
            let mut sum = cut(a, b).counts();
            sum.merge(&cut(b, c).counts());
            prop_assert_eq!(sum, cut(a, c).counts());
        }
    }
}
