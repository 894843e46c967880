//! The cadence of a probe, derived from its checks: a steady interval, or bursts, as when cron
//! starts a few passes at a time.

use crate::model::UnixMillis;

/// Bursts of checks at a regular interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cadence {
    /// The usual interval between the starts of two bursts, in milliseconds; above zero.
    pub(crate) every: i64,
    /// The checks in a usual burst: 1 at a steady interval.
    pub(crate) checks: u64,
}

/// A series that has no check for more than this many intervals is silent.
pub(crate) const SILENT_AFTER: i64 = 5;

/// A distance is a pause between bursts if it is at least this many times the lower quartile of all
/// distances.
const PAUSE: i64 = 10;

/// A burst that lasts longer than this, in milliseconds, is no burst but a `watch` with gaps.
const LONGEST_BURST_MS: i64 = 300_000;

/// A burst of checks with no pause between them.
#[derive(Clone, Copy, Debug, Default)]
struct Burst {
    from: UnixMillis,
    to: UnixMillis,
    checks: u64,
}

impl Burst {
    fn lasts(&self) -> i64 {
        self.to - self.from
    }
}

impl Cadence {
    /// The cadence of checks, given the distances between neighbours in order and how often each
    /// occurs in a row. Two bursts that last at most `tolerance` milliseconds each are enough to show
    /// a cadence; longer ones with a single pause between them are a `watch` with a gap. `None` if
    /// there are fewer than three checks, or if half of the distances are zero.
    pub(crate) fn of<I: Iterator<Item = (i64, u64)>>(distances: impl Fn() -> I, tolerance: i64) -> Option<Cadence> {
        let mut sorted: Vec<(i64, u64)> = distances().filter(|(_, times)| *times > 0).collect();
        sorted.sort_unstable();
        let all: u64 = sorted.iter().map(|(_, times)| times).sum();
        if all < 2 {
            return None;
        }
        let (longest, _) = *sorted.last()?;
        // In bursts of two, every other distance is within a burst.
        let pause = nth(&sorted, all / 4).max(1).saturating_mul(PAUSE);
        let bursts = (longest >= pause).then(|| bursts(distances(), pause, tolerance)).flatten();
        let steady = || {
            let median = nth(&sorted, all / 2);
            (median > 0).then_some(Cadence { every: median, checks: 1 })
        };
        bursts.or_else(steady)
    }

    /// One check at a steady interval, in milliseconds.
    pub(crate) fn steady(every: i64) -> Cadence {
        Cadence { every: every.max(1), checks: 1 }
    }

    /// The time that one check covers, in milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "times and counts stay far below 2^52")]
    pub(crate) fn per_check(self) -> f64 {
        self.every as f64 / self.checks as f64
    }

    /// Whether checks at these distances keep the cadence: at least three times, and in at least
    /// two thirds of the cases. Occasional passes by hand do not.
    pub(crate) fn is_kept(self, distances: impl Iterator<Item = (i64, u64)>) -> bool {
        const FEWEST: u64 = 3;
        let (mut kept, mut pauses) = (0, 0);
        // Distances within a burst do not count.
        for (distance, times) in distances.filter(|(distance, _)| *distance >= self.every / 2) {
            pauses += times;
            kept += if distance <= self.every + self.every / 4 { times } else { 0 };
        }
        kept >= FEWEST && kept * 3 >= pauses * 2
    }

    /// The number of checks due in `ms` milliseconds.
    pub(crate) fn due_in(self, ms: i64) -> u64 {
        u64::try_from(ms.max(0) / self.every).unwrap_or_default().saturating_mul(self.checks)
    }
}

/// The value at an index of a sorted list, given as values and how often each occurs.
fn nth(sorted: &[(i64, u64)], mut rank: u64) -> i64 {
    for (value, times) in sorted {
        match rank.checked_sub(*times) {
            Some(left) => rank = left,
            None => return *value,
        }
    }
    sorted.last().map_or(0, |(value, _)| *value)
}

/// The cadence of bursts; `None` if most checks are not made in bursts, or if the pause is only a
/// gap.
fn bursts(distances: impl Iterator<Item = (i64, u64)>, pause: i64, tolerance: i64) -> Option<Cadence> {
    let runs = runs(distances, pause);
    let mut begins: Vec<i64> = runs.windows(2).map(|pair| pair[1].from - pair[0].from).collect();
    let mut sizes: Vec<u64> = runs.iter().map(|run| run.checks).collect();
    let longest = runs.iter().map(Burst::lasts).max()?;
    let every = if begins.is_empty() { return None } else { quantile(&mut begins, 2) };
    let is_burst = |run: &&Burst| run.checks > 1 && run.lasts() <= LONGEST_BURST_MS.min(every / 2);
    let in_bursts: u64 = runs.iter().filter(is_burst).map(|run| run.checks).sum();
    let are_bursts = in_bursts * 2 > sizes.iter().sum();
    let is_gap = begins.len() == 1 && longest > tolerance;
    (are_bursts && !is_gap).then(|| Cadence { every, checks: quantile(&mut sizes, 2) })
}

/// Divides checks into bursts at each pause.
fn runs(distances: impl Iterator<Item = (i64, u64)>, pause: i64) -> Vec<Burst> {
    let mut runs = Vec::new();
    let mut run = Burst { from: UnixMillis(0), to: UnixMillis(0), checks: 1 };
    for (distance, times) in distances {
        if distance < pause {
            run.to += distance * times.cast_signed();
            run.checks += times;
        } else {
            for _ in 0..times {
                let begin = run.to + distance;
                runs.push(std::mem::replace(&mut run, Burst { from: begin, to: begin, checks: 1 }));
            }
        }
    }
    runs.push(run);
    runs
}

/// The element at `len / part` of the sorted values: for 2 the median, for 4 the lower quartile.
/// `values` must not be empty.
fn quantile<T: Ord + Copy>(values: &mut [T], part: usize) -> T {
    let at = values.len() / part;
    *values.select_nth_unstable(at).1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::statistics::chance::Chance;

    const MINUTE: i64 = 60_000;

    fn of(instants: &[i64]) -> Option<Cadence> {
        Cadence::of(|| instants.windows(2).map(|pair| (pair[1] - pair[0], 1)), MINUTE)
    }

    #[test]
    fn what_comes_many_times_in_a_row_may_be_said_at_once() {
        let said = |distances: &[(i64, u64)]| Cadence::of(|| distances.iter().copied(), MINUTE);
        assert_eq!(said(&[(MINUTE, 500), (90 * MINUTE, 1), (MINUTE, 40)]), Some(cadence(MINUTE, 1)));
        let bursts = [(1_000, 4), (10 * MINUTE, 1)].repeat(20);
        assert_eq!(said(&bursts), Some(cadence(10 * MINUTE + 4_000, 5)));
        assert_eq!(said(&[(MINUTE, 0), (MINUTE, 1)]), None);
    }

    const fn cadence(every: i64, checks: u64) -> Cadence {
        Cadence { every, checks }
    }

    /// `runs` bursts, one each `every` milliseconds, of `checks` checks that are a second apart.
    fn burst(runs: i64, every: i64, checks: i64) -> Vec<i64> {
        (0..runs).flat_map(|run| (0..checks).map(move |check| run * every + check * 1_000)).collect()
    }

    #[test]
    fn a_steady_interval_is_its_own_rhythm() {
        assert_eq!(of(&burst(100, 30_000, 1)), Some(cadence(30_000, 1)));
    }

    #[test]
    fn the_checks_of_a_burst_belong_to_one_tick() {
        for checks in [2, 3, 5, 20] {
            for runs in [2, 3, 50] {
                let found = of(&burst(runs, 10 * MINUTE, checks));
                assert_eq!(
                    found,
                    Some(cadence(10 * MINUTE, u64::try_from(checks).expect("few"))),
                    "{runs} of {checks}"
                );
            }
        }
    }

    #[test]
    fn a_burst_that_is_cut_or_lost_changes_nothing() {
        let mut instants = burst(20, 10 * MINUTE, 5);
        instants.drain(..3);
        instants.retain(|at| !(10 * MINUTE * 7..10 * MINUTE * 9).contains(at));
        assert_eq!(of(&instants), Some(cadence(10 * MINUTE, 5)));
    }

    #[test]
    fn a_gap_in_a_steady_interval_is_a_gap() {
        let mut instants = burst(300, MINUTE, 1);
        instants.retain(|at| !(100 * MINUTE..280 * MINUTE).contains(at));
        assert_eq!(of(&instants), Some(cadence(MINUTE, 1)));
        // A laptop that is awake eight hours a day.
        let week: Vec<i64> =
            (0..7).flat_map(|day| (0..480).map(move |minute| (day * 1_440 + minute) * MINUTE)).collect();
        assert_eq!(of(&week), Some(cadence(MINUTE, 1)));
    }

    #[test]
    fn another_interval_than_the_day_before_is_no_burst() {
        let hours = |from: i64, to: i64, every: i64| {
            (0..(to - from) * 60 * MINUTE / every).map(move |tick| from * 60 * MINUTE + tick * every)
        };
        let faster: Vec<i64> = hours(0, 24, 5 * MINUTE).chain(hours(24, 33, MINUTE / 2)).collect();
        assert_eq!(of(&faster), Some(cadence(MINUTE / 2, 1)));
        let slower: Vec<i64> = hours(0, 24, MINUTE / 2).chain(hours(24, 33, 5 * MINUTE)).collect();
        assert_eq!(of(&slower), Some(cadence(MINUTE / 2, 1)));
    }

    #[test]
    fn jitter_and_a_second_writer_change_little() {
        let mut chance = Chance::new(3);
        let jitter = |chance: &mut Chance| i64::try_from(chance.below(20_000)).expect("small");
        let instants: Vec<i64> = (0..500).map(|tick| tick * MINUTE + jitter(&mut chance)).collect();
        let found = of(&instants).expect("a rhythm");
        assert!((found.every - MINUTE).abs() < 2_000 && found.checks == 1, "{found:?}");
        let two: Vec<i64> = (0..500).flat_map(|tick| [tick * MINUTE, tick * MINUTE + 2_000]).collect();
        assert_eq!(of(&two), Some(cadence(MINUTE, 2)));
    }

    #[test]
    fn cron_keeps_a_rhythm_and_passes_by_hand_do_not() {
        let is_kept = |instants: &[i64]| {
            let distances = || instants.windows(2).map(|pair| (pair[1] - pair[0], 1));
            Cadence::of(distances, MINUTE).is_some_and(|cadence| cadence.is_kept(distances()))
        };
        let mut chance = Chance::new(5);
        let late = |chance: &mut Chance| i64::try_from(chance.below(8_000)).expect("small");
        let cron: Vec<i64> = (0..40).filter(|n| n % 9 != 4).map(|n| n * 5 * MINUTE + late(&mut chance)).collect();
        assert!(is_kept(&cron) && is_kept(&burst(20, 10 * MINUTE, 5)) && is_kept(&burst(100, 30_000, 1)));
        let by_hand: Vec<i64> = [0, 3, 47, 49, 50, 170, 171, 400, 402, 660]
            .iter()
            .flat_map(|minute| (0..20).map(move |check| minute * MINUTE + check * 700))
            .collect();
        assert!(!is_kept(&by_hand) && !is_kept(&burst(2, 10 * MINUTE, 5)));
    }

    #[test]
    fn few_checks_have_no_rhythm_and_checks_at_one_instant_neither() {
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[0, MINUTE]), None);
        assert_eq!(of(&[0, MINUTE, 2 * MINUTE]), Some(cadence(MINUTE, 1)));
        assert_eq!(of(&[7; 20]), None);
    }

    #[test]
    fn what_is_due_and_what_a_check_stands_for_count_the_checks_of_a_run() {
        let five = Cadence { every: 10 * MINUTE, checks: 5 };
        assert_eq!((five.due_in(61 * MINUTE), five.due_in(-1)), (30, 0));
        assert!((five.per_check() - 120_000.0).abs() < 1e-9);
    }
}
