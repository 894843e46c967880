//! The verdicts of one probe from one vantage in order of time, packed: eight bytes a check, so
//! that a month of many probes fits into memory. Adding is in any order; reading is in order.

use crate::model::FailureClass;
use crate::model::Verdict;
use crate::window::Run;

/// Bits of a packed tick that hold verdict and class; the rest is the instant.
const CODE_BITS: u32 = 16;
/// The verdict's place in the code: the class takes the bits below.
const VERDICT_SHIFT: u32 = 8;

/// One check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tick {
    /// When it began, in milliseconds since 1970.
    pub(super) at: i64,
    /// What was found.
    pub(super) verdict: Verdict,
    /// The class of its failure.
    pub(super) class: Option<FailureClass>,
}

/// Checks in order of time, once [`Ticks::sort`] was called.
#[derive(Clone, Debug, Default)]
pub(super) struct Ticks {
    /// Instant and code.
    singles: Vec<u64>,
    /// Thinned runs: stretches of equal checks of which only the ends have instants.
    runs: Vec<Packed>,
}

/// A run of more than one check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Packed {
    first: u64,
    last_at: i64,
    count: u64,
}

impl Ticks {
    /// Adds the checks of a run.
    pub(super) fn add(&mut self, run: &Run) {
        let first = pack(run.from.as_millisecond(), run.verdict, run.class);
        if run.count == 1 {
            self.singles.push(first);
        } else if run.count > 1 {
            self.runs.push(Packed { first, last_at: run.to.as_millisecond(), count: run.count });
        }
    }

    /// Puts the checks in order: the same order whatever the order of adding was.
    pub(super) fn sort(&mut self) {
        self.singles.sort_unstable();
        self.runs.sort_unstable();
    }

    /// The checks between two instants, ends included, in order.
    pub(super) fn between(&self, from: i64, to: i64) -> impl Iterator<Item = Tick> {
        // What is packed sorts by its instant first.
        let before = |at: i64| self.singles.partition_point(|packed| unpack(*packed).at < at);
        let singles = &self.singles[before(from)..before(to.saturating_add(1)).max(before(from))];
        let thinned = self.runs.iter().filter(move |run| unpack(run.first).at <= to && run.last_at >= from);
        let thinned = thinned.flat_map(Packed::ticks).filter(move |tick| from <= tick.at && tick.at <= to);
        merged(singles.iter().map(|packed| unpack(*packed)), thinned)
    }

    /// The checks in order. Those in the middle of a thinned run are spread evenly over it.
    pub(super) fn iter(&self) -> impl Iterator<Item = Tick> {
        merged(self.singles.iter().map(|packed| unpack(*packed)), self.runs.iter().flat_map(Packed::ticks))
    }
}

/// Two rows of checks as one, in order.
fn merged(one: impl Iterator<Item = Tick>, other: impl Iterator<Item = Tick>) -> impl Iterator<Item = Tick> {
    let (mut one, mut other) = (one.peekable(), other.peekable());
    std::iter::from_fn(move || match (one.peek(), other.peek()) {
        (Some(first), Some(second)) if first.at <= second.at => one.next(),
        (_, Some(_)) => other.next(),
        (_, None) => one.next(),
    })
}

impl Packed {
    fn ticks(&self) -> impl Iterator<Item = Tick> + use<> {
        let first = unpack(self.first);
        let (count, length) = (self.count, i128::from((self.last_at - first.at).max(0)));
        (0..count).map(move |n| {
            let into = length * i128::from(n) / i128::from(count - 1);
            Tick { at: first.at + i64::try_from(into).unwrap_or_default(), ..first }
        })
    }
}

/// The place of a verdict in the code.
const fn verdict_code(verdict: Verdict) -> u64 {
    match verdict {
        Verdict::Up => 0,
        Verdict::Down => 1,
        Verdict::Unknown => 2,
        Verdict::Missed => 3,
    }
}

/// Instants before 1970 are held there.
fn pack(at: i64, verdict: Verdict, class: Option<FailureClass>) -> u64 {
    let class = class.map_or(0, |class| class as u64 + 1);
    at.max(0).cast_unsigned() << CODE_BITS | verdict_code(verdict) << VERDICT_SHIFT | class
}

fn unpack(packed: u64) -> Tick {
    const VERDICTS: [Verdict; 4] = [Verdict::Up, Verdict::Down, Verdict::Unknown, Verdict::Missed];
    let verdict = VERDICTS[(packed >> VERDICT_SHIFT & 3) as usize];
    let class = (packed & 0xff).checked_sub(1).and_then(|class| FailureClass::ALL.get(usize::try_from(class).ok()?));
    Tick { at: (packed >> CODE_BITS).cast_signed(), verdict, class: class.copied() }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;

    fn run(from: i64, to: i64, verdict: Verdict, class: Option<FailureClass>, count: u64) -> Run {
        let at = |ms| Timestamp::from_millisecond(ms).expect("an instant");
        Run { from: at(from), to: at(to), verdict, class, count }
    }

    #[test]
    fn every_verdict_and_class_comes_back() {
        for verdict in [Verdict::Up, Verdict::Down, Verdict::Unknown, Verdict::Missed] {
            for class in FailureClass::ALL.iter().map(|class| Some(*class)).chain([None]) {
                let tick = unpack(pack(1_741_600_860_250, verdict, class));
                assert_eq!(tick, Tick { at: 1_741_600_860_250, verdict, class });
            }
        }
    }

    #[test]
    fn a_thinned_run_is_spread_evenly_between_its_ends() {
        let mut ticks = Ticks::default();
        ticks.add(&run(1_000, 4_000, Verdict::Up, None, 4));
        ticks.add(&run(2_500, 2_500, Verdict::Down, Some(FailureClass::Status), 1));
        ticks.sort();
        let at: Vec<i64> = ticks.iter().map(|tick| tick.at).collect();
        assert_eq!(at, [1_000, 2_000, 2_500, 3_000, 4_000]);
    }

    #[test]
    fn a_span_has_the_checks_at_its_ends() {
        let mut ticks = Ticks::default();
        for at in [1_000, 2_000, 3_000, 4_000] {
            ticks.add(&run(at, at, Verdict::Up, None, 1));
        }
        ticks.add(&run(1_500, 3_500, Verdict::Up, None, 3));
        ticks.sort();
        let at: Vec<i64> = ticks.between(2_000, 3_500).map(|tick| tick.at).collect();
        assert_eq!(at, [2_000, 2_500, 3_000, 3_500]);
        assert_eq!(ticks.between(9_000, 8_000).count(), 0);
    }

    proptest! {
        #[test]
        fn the_order_of_adding_does_not_matter(mut instants in prop::collection::vec((0i64..10_000, 0usize..3), 0..50)) {
            let verdicts = [Verdict::Up, Verdict::Down, Verdict::Unknown];
            let read = |instants: &[(i64, usize)]| {
                let mut ticks = Ticks::default();
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
