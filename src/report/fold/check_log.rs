//! The verdicts of one probe from one vantage in order of time, packed into about three bytes per
//! check, so that a month of many probes fits into memory. Checks are added in any order and read
//! in order.

use std::iter::Peekable;

use crate::model::UnixMillis;
use crate::report::fold::even_run::EvenRun;
use crate::report::fold::logged_check::{LoggedCheck, began, is_distance, pack, unpack};
use crate::report::fold::packed_checks::PackedChecks;
use crate::report::time_span::TimeSpan;
use crate::window::Run;

/// The fewest evenly spaced single checks that become a run.
const EVEN_RUN: usize = 8;
/// The most single checks that wait to be packed.
const WAITING: usize = 256;

/// Checks, in order of time after [`CheckLog::sort`].
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckLog {
    /// Single checks, as `pack` makes them: in order once they are sorted.
    singles: PackedChecks,
    /// Those that were added last.
    waiting: Vec<u64>,
    /// Runs of equal checks, of which only the ends have instants.
    runs: Vec<PackedRun>,
    /// The duration of the longest run, in milliseconds; set when the runs are sorted.
    longest: i64,
}

/// Two or more equal checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct PackedRun {
    first: u64,
    last_at: UnixMillis,
    count: u64,
}

impl CheckLog {
    /// Adds the checks of a strip's run.
    pub(crate) fn add(&mut self, run: &Run) {
        let first = pack(&LoggedCheck {
            at: UnixMillis::from(run.from),
            verdict: run.verdict,
            class: run.own_class.or(run.class),
            code: run.code,
            is_set_aside: run.own_class.is_some(),
        });
        if run.count == 1 {
            self.waiting.push(first);
            if self.waiting.len() >= WAITING {
                self.pack_waiting();
            }
        } else if run.count > 1 {
            self.runs.push(PackedRun { first, last_at: UnixMillis::from(run.to), count: run.count });
        }
    }

    /// Adds the checks of another log.
    pub(crate) fn merge(&mut self, other: CheckLog) {
        if self.is_empty() {
            *self = other;
            return;
        }
        self.singles.append(other.singles);
        self.waiting.extend(other.waiting);
        self.runs.extend(other.runs);
    }

    fn pack_waiting(&mut self) {
        self.waiting.sort_unstable();
        self.singles.add(&self.waiting);
        self.waiting.clear();
    }

    /// Whether it has no checks.
    pub(crate) fn is_empty(&self) -> bool {
        self.singles.is_empty() && self.waiting.is_empty() && self.runs.is_empty()
    }

    /// Sorts the checks: the result does not depend on the order in which they were added.
    pub(crate) fn sort(&mut self) {
        let mut singles: Vec<u64> = self.singles.iter().chain(std::mem::take(&mut self.waiting)).collect();
        sort_stretches(&mut singles);
        self.keep(&singles);
        self.sort_runs();
    }

    /// Keeps these single checks, which are in order, and no others.
    fn keep(&mut self, singles: &[u64]) {
        self.singles = PackedChecks::default();
        self.singles.add(singles);
    }

    fn sort_runs(&mut self) {
        sort_stretches(&mut self.runs);
        self.longest = self.runs.iter().map(|run| run.last_at - began(run.first)).max().unwrap_or_default();
    }

    /// Packs evenly spaced single checks, as `watch` makes them, into runs, without losing an
    /// instant. The log must be sorted. Single checks within the span of a run stay single.
    pub(crate) fn join_even(&mut self) {
        let all: Vec<u64> = self.singles.iter().collect();
        let (mut rest, mut singles, mut runs) = (all.as_slice(), Vec::new(), Vec::new());
        while let Some(first) = rest.first() {
            let (mut apart, mut beside) = (rest, &[][..]);
            if let Some(run) = self.packed_runs(TimeSpan::new(began(*first), UnixMillis::MAX)).next() {
                let before = rest.partition_point(|packed| began(*packed) < began(run.first));
                let until = rest.partition_point(|packed| began(*packed) <= run.last_at);
                (apart, beside) = (&rest[..before], &rest[before..until]);
            }
            rest = &rest[apart.len() + beside.len()..];
            join_even(apart, &mut singles, &mut runs);
            singles.extend(beside);
        }
        self.keep(&singles);
        self.runs.extend(runs);
        self.sort_runs();
        // A log is complete now, and there are many.
        self.runs.shrink_to_fit();
    }

    /// The runs that overlap a span.
    fn packed_runs(&self, span: TimeSpan) -> impl Iterator<Item = &PackedRun> {
        let earliest = span.first.saturating_sub(self.longest);
        let first = self.runs.partition_point(|run| began(run.first) < earliest);
        let begun = self.runs[first..].iter().take_while(move |run| began(run.first) <= span.last);
        begun.filter(move |run| run.last_at >= span.first)
    }

    /// The checks in a span, in order of time.
    pub(crate) fn checks_in(&self, span: TimeSpan) -> impl Iterator<Item = LoggedCheck> {
        self.runs_in(span).flat_map(EvenRun::checks).filter(move |check| span.contains(check.at))
    }

    /// All checks in order of time. Those inside a thinned run are spread evenly over it.
    pub(crate) fn iter(&self) -> impl Iterator<Item = LoggedCheck> {
        self.runs().flat_map(EvenRun::checks)
    }

    /// The same checks as runs, thinned runs in one piece unless another check falls into them: a
    /// month can have hundreds of millions of checks, but only thousands of runs.
    pub(crate) fn runs(&self) -> impl Iterator<Item = EvenRun> {
        self.runs_in(TimeSpan::ALWAYS)
    }

    /// The runs that overlap a span.
    pub(crate) fn runs_in(&self, span: TimeSpan) -> impl Iterator<Item = EvenRun> {
        let singles = self.singles.from(span.first).take_while(move |packed| began(*packed) <= span.last);
        let mut singles = singles.map(unpack).peekable();
        let mut runs = self.packed_runs(span).map(PackedRun::run).peekable();
        // The runs into which other checks fall: their remaining checks.
        let mut parted: Vec<Peekable<Box<dyn Iterator<Item = LoggedCheck>>>> = Vec::new();
        std::iter::from_fn(move || {
            loop {
                parted.retain_mut(|checks| checks.peek().is_some());
                let single = singles.peek().map_or(UnixMillis::MAX, |single| single.at);
                let begins = runs.peek().map_or(UnixMillis::MAX, |run| run.first.at);
                let of_parted = parted.iter_mut().filter_map(|checks| Some((checks.peek()?.at, checks)));
                if let Some((at, checks)) = of_parted.min_by_key(|(at, _)| *at)
                    && at < single
                    && at <= begins
                {
                    return checks.next().map(EvenRun::one);
                }
                if single <= begins {
                    return singles.next().map(EvenRun::one);
                }
                let run = runs.next()?;
                let is_before = |at: UnixMillis| run.last_at < at;
                if parted.is_empty() && is_before(single) && runs.peek().is_none_or(|next| is_before(next.first.at)) {
                    return Some(run);
                }
                let checks: Box<dyn Iterator<Item = LoggedCheck>> = Box::new(run.checks());
                parted.push(checks.peekable());
            }
        })
    }

    /// The instant of the last check; `None` if there is no check.
    pub(crate) fn last_at(&self) -> Option<UnixMillis> {
        self.singles.last_at().max(self.runs.iter().map(|run| run.last_at).max())
    }
}

/// Sorts items that consist of a few long sorted stretches, as journals do: the standard sort finds
/// and merges these.
fn sort_stretches<T: Ord>(items: &mut [T]) {
    items.sort();
}

/// Divides packed checks into runs and singles.
fn join_even(mut packed: &[u64], singles: &mut Vec<u64>, runs: &mut Vec<PackedRun>) {
    while let Some(first) = packed.first() {
        let mut length = even_length(packed);
        // Checks at the same instant are ordered by result: none of them may begin or end a run.
        if packed.get(length).is_some_and(|next| began(*next) == began(packed[length - 1])) {
            length -= 1;
        }
        if length < EVEN_RUN {
            singles.push(*first);
            packed = &packed[1..];
        } else {
            runs.push(PackedRun { first: *first, last_at: began(packed[length - 1]), count: length as u64 });
            packed = &packed[length..];
        }
    }
}

/// The number of packed checks, counted from the first, that have the same result and are evenly
/// spaced.
fn even_length(packed: &[u64]) -> usize {
    let distance = |pair: &[u64]| pair[1] - pair[0];
    let mut distances = packed.windows(2).map(distance);
    match distances.next() {
        Some(first) if is_distance(first) => 2 + distances.take_while(|next| *next == first).count(),
        _ => 1,
    }
}

impl PackedRun {
    fn run(&self) -> EvenRun {
        EvenRun { first: unpack(self.first), last_at: self.last_at, count: self.count }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{FailureClass, Verdict};

    fn run(from: i64, to: i64, verdict: Verdict, class: Option<FailureClass>, count: u64) -> Run {
        Run {
            from: UnixMillis(from).timestamp(),
            to: UnixMillis(to).timestamp(),
            verdict,
            class,
            code: None,
            own_class: None,
            count,
        }
    }

    fn span(first: i64, last: i64) -> TimeSpan {
        TimeSpan::new(UnixMillis(first), UnixMillis(last))
    }

    #[test]
    fn a_thinned_run_is_spread_evenly_between_its_ends() {
        let mut ticks = CheckLog::default();
        ticks.add(&run(1_000, 4_000, Verdict::Up, None, 4));
        ticks.add(&run(2_500, 2_500, Verdict::Down, Some(FailureClass::Status), 1));
        ticks.sort();
        let at: Vec<i64> = ticks.iter().map(|tick| tick.at.0).collect();
        assert_eq!(at, [1_000, 2_000, 2_500, 3_000, 4_000]);
    }

    #[test]
    fn a_span_has_the_checks_at_its_ends() {
        let mut ticks = CheckLog::default();
        for at in [1_000, 2_000, 3_000, 4_000] {
            ticks.add(&run(at, at, Verdict::Up, None, 1));
        }
        ticks.add(&run(1_500, 3_500, Verdict::Up, None, 3));
        ticks.sort();
        let at: Vec<i64> = ticks.checks_in(span(2_000, 3_500)).map(|tick| tick.at.0).collect();
        assert_eq!(at, [2_000, 2_500, 3_000, 3_500]);
        assert_eq!(ticks.checks_in(span(9_000, 8_000)).count(), 0);
    }

    proptest! {
        #[test]
        fn runs_that_are_whole_are_the_same_checks(
            singles in prop::collection::vec(0i64..3_000, 0..20),
            spans in prop::collection::vec((0i64..500, 0i64..400, 2u64..40), 0..6),
            overlap: bool,
            at in 0i64..3_500,
            length in 0i64..1_500,
        ) {
            let mut ticks = CheckLog::default();
            for at in &singles {
                ticks.add(&run(*at, *at, Verdict::Down, None, 1));
            }
            let mut end = 0;
            for (pause, length, count) in spans {
                ticks.add(&run(end + pause, end + pause + length, Verdict::Up, None, count));
                end = if overlap { end + pause + length / 2 } else { end + pause + length + 1 };
            }
            ticks.sort();
            ticks.join_even();
            let mut flat = Vec::new();
            for run in ticks.runs() {
                let at_each: Vec<UnixMillis> = run.checks().map(|tick| tick.at).collect();
                prop_assert_eq!(&at_each, &(0..run.count).map(|n| run.at(n)).collect::<Vec<_>>());
                prop_assert_eq!(run.before(UnixMillis(at)), at_each.iter().filter(|tick| tick.0 < at).count() as u64);
                let longer = at_each.windows(2).filter(|pair| pair[1] - pair[0] == run.distances()[1].0).count();
                prop_assert_eq!(run.distances()[0].1 + run.distances()[1].1, run.count - 1);
                prop_assert_eq!(run.distances()[1].1, longer as u64);
                flat.extend(run.checks());
            }
            let singles = ticks.singles.iter().map(unpack);
            let mut apart: Vec<_> = singles.chain(ticks.runs.iter().flat_map(|run| run.run().checks())).collect();
            apart.sort_by_key(|tick| tick.at);
            prop_assert!(flat.is_sorted_by_key(|tick| tick.at));
            let instants = |ticks: &[LoggedCheck]| {
                let mut each: Vec<_> = ticks.iter().map(|tick| (tick.at, tick.verdict as u8)).collect();
                each.sort_unstable();
                each
            };
            prop_assert_eq!(instants(&flat), instants(&apart));
            let span = span(at, at + length);
            let within: Vec<_> = flat.iter().copied().filter(|tick| span.contains(tick.at)).collect();
            prop_assert_eq!(ticks.checks_in(span).collect::<Vec<_>>(), within);
            let reached: u64 =
                ticks.runs_in(span).map(|run| run.before(span.last + 1) - run.before(span.first)).sum();
            prop_assert_eq!(reached, ticks.checks_in(span).count() as u64);
            prop_assert_eq!(ticks.last_at(), flat.last().map(|tick| tick.at));
        }

        #[test]
        fn checks_at_even_distances_are_kept_as_one_run(
            steps in prop::collection::vec((prop_oneof![9 => Just(10_i64), 1 => 0_i64..30, 1 => Just(0)], 0..9), 0..80),
            length in 0_i64..100,
        ) {
            let mut log = CheckLog::default();
            let mut at = 0;
            for (step, found) in steps {
                at += step;
                let verdict = if found == 0 { Verdict::Down } else { Verdict::Up };
                log.add(&run(at, at, verdict, None, 1));
            }
            log.add(&run(200, 200 + length, Verdict::Missed, None, 4));
            log.sort();
            let apart = log.clone();
            log.join_even();
            prop_assert_eq!(log.iter().collect::<Vec<_>>(), apart.iter().collect::<Vec<_>>());
            // One more than a run needs, because the last may be at the same instant as another
            // check.
            let even = EVEN_RUN + 1;
            let is_beside = |these: &[u64]| log.packed_runs(TimeSpan::new(began(these[0]), began(these[even - 1]))).count() > 0;
            let singles: Vec<u64> = log.singles.iter().collect();
            let mut left = singles.windows(even).filter(|these| even_length(these) == even);
            prop_assert!(left.all(is_beside));
        }

        #[test]
        fn the_order_of_adding_does_not_matter(mut instants in prop::collection::vec((0i64..10_000, 0usize..3), 0..50)) {
            let verdicts = [Verdict::Up, Verdict::Down, Verdict::Unknown];
            let read = |instants: &[(i64, usize)]| {
                let mut ticks = CheckLog::default();
                for (at, verdict) in instants {
                    ticks.add(&run(*at, *at, verdicts[*verdict], None, 1));
                }
                ticks.sort();
                ticks.iter().collect::<Vec<_>>()
            };
            let one = read(&instants);
            instants.reverse();
            prop_assert_eq!(one, read(&instants));
        }
    }
}
