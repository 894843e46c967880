//! How often a probe is asked, as its checks show it: at a steady interval, or in bursts, as when
//! cron starts a few passes each time.

/// Runs of checks, a run each so often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cadence {
    /// The usual interval between the starts of two runs, in milliseconds; above zero.
    pub(crate) every: i64,
    /// The checks of a usual run: 1 at a steady interval.
    pub(crate) checks: u64,
}

/// After so many cadences without a check there is no data.
pub(crate) const SILENT_AFTER: i64 = 5;

/// A pause is this many times as long as checks of one run are apart.
const PAUSE: i64 = 10;

/// What goes on for longer than this is no burst but a watch with gaps.
const LONGEST_BURST_MS: i64 = 300_000;

/// A run of checks with no pause between them.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    from: i64,
    to: i64,
    checks: u64,
}

impl Run {
    const fn lasts(&self) -> i64 {
        self.to - self.from
    }
}

impl Cadence {
    /// The rhythm of checks that are so far apart, in order, and how often in a row. Two runs that last no longer than `by_hand` each
    /// show a rhythm; longer ones with one pause between them are a watch with a gap in it. Absent below three checks.
    pub(crate) fn of<I: Iterator<Item = (i64, u64)>>(distances: impl Fn() -> I, by_hand: i64) -> Option<Cadence> {
        let mut sorted: Vec<(i64, u64)> = distances().filter(|(_, times)| *times > 0).collect();
        sorted.sort_unstable();
        let all: u64 = sorted.iter().map(|(_, times)| times).sum();
        if all < 2 {
            return None;
        }
        let (longest, _) = *sorted.last()?;
        // In bursts of two, every second distance is within a run.
        let pause = nth(&sorted, all / 4).max(1).saturating_mul(PAUSE);
        let bursts = (longest >= pause).then(|| bursts(distances(), pause, by_hand)).flatten();
        let steady = || {
            let median = nth(&sorted, all / 2);
            (median > 0).then_some(Cadence { every: median, checks: 1 })
        };
        bursts.or_else(steady)
    }

    /// The time that one check stands for, in milliseconds.
    #[expect(clippy::cast_precision_loss, reason = "times and counts stay far below 2^52")]
    pub(crate) fn per_check(self) -> f64 {
        self.every as f64 / self.checks as f64
    }

    /// Whether checks so far apart keep it: three times at least, and more often than not. Passes made by hand now and
    /// then do not.
    pub(crate) fn is_kept(self, distances: impl Iterator<Item = (i64, u64)>) -> bool {
        const FEWEST: u64 = 3;
        let (mut kept, mut pauses) = (0, 0);
        // Of a burst the distances within it say nothing.
        for (distance, times) in distances.filter(|(distance, _)| *distance >= self.every / 2) {
            pauses += times;
            kept += if distance <= self.every + self.every / 4 { times } else { 0 };
        }
        kept >= FEWEST && kept * 3 >= pauses * 2
    }

    /// The checks that are due in so many milliseconds.
    pub(crate) fn due_in(self, ms: i64) -> u64 {
        u64::try_from(ms.max(0) / self.every).unwrap_or_default().saturating_mul(self.checks)
    }
}

/// The value that so many do not exceed, of sorted ones and how often each is there.
fn nth(sorted: &[(i64, u64)], mut rank: u64) -> i64 {
    for (value, times) in sorted {
        match rank.checked_sub(*times) {
            Some(left) => rank = left,
            None => return *value,
        }
    }
    sorted.last().map_or(0, |(value, _)| *value)
}

/// The rhythm of runs with pauses between them, where most checks are made in bursts.
fn bursts(distances: impl Iterator<Item = (i64, u64)>, pause: i64, by_hand: i64) -> Option<Cadence> {
    let runs = runs(distances, pause);
    let mut begins: Vec<i64> = runs.windows(2).map(|pair| pair[1].from - pair[0].from).collect();
    let mut sizes: Vec<u64> = runs.iter().map(|run| run.checks).collect();
    let longest = runs.iter().map(Run::lasts).max()?;
    let every = if begins.is_empty() { return None } else { quantile(&mut begins, 2) };
    let is_burst = |run: &&Run| run.checks > 1 && run.lasts() <= LONGEST_BURST_MS.min(every / 2);
    let in_bursts: u64 = runs.iter().filter(is_burst).map(|run| run.checks).sum();
    let are_bursts = in_bursts * 2 > sizes.iter().sum();
    let is_gap = begins.len() == 1 && longest > by_hand;
    (are_bursts && !is_gap).then(|| Cadence { every, checks: quantile(&mut sizes, 2) })
}

/// The checks parted if there is a pause.
fn runs(distances: impl Iterator<Item = (i64, u64)>, pause: i64) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut run = Run { from: 0, to: 0, checks: 1 };
    for (distance, times) in distances {
        if distance < pause {
            run.to += distance * times.cast_signed();
            run.checks += times;
        } else {
            for _ in 0..times {
                let begin = run.to + distance;
                runs.push(std::mem::replace(&mut run, Run { from: begin, to: begin, checks: 1 }));
            }
        }
    }
    runs.push(run);
    runs
}

/// The value that a part of all does not reach: of 2 the median, of 4 the lower quartile. Not of nothing.
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
        assert_eq!(said(&[(MINUTE, 500), (90 * MINUTE, 1), (MINUTE, 40)]), Some(rhythm(MINUTE, 1)));
        let bursts = [(1_000, 4), (10 * MINUTE, 1)].repeat(20);
        assert_eq!(said(&bursts), Some(rhythm(10 * MINUTE + 4_000, 5)));
        assert_eq!(said(&[(MINUTE, 0), (MINUTE, 1)]), None);
    }

    const fn rhythm(every: i64, checks: u64) -> Cadence {
        Cadence { every, checks }
    }

    /// Runs of so many checks a second apart, each so often.
    fn burst(runs: i64, every: i64, checks: i64) -> Vec<i64> {
        (0..runs).flat_map(|run| (0..checks).map(move |check| run * every + check * 1_000)).collect()
    }

    #[test]
    fn a_steady_interval_is_its_own_rhythm() {
        assert_eq!(of(&burst(100, 30_000, 1)), Some(rhythm(30_000, 1)));
    }

    #[test]
    fn the_checks_of_a_burst_belong_to_one_tick() {
        for checks in [2, 3, 5, 20] {
            for runs in [2, 3, 50] {
                let found = of(&burst(runs, 10 * MINUTE, checks));
                assert_eq!(found, Some(rhythm(10 * MINUTE, u64::try_from(checks).expect("few"))), "{runs} of {checks}");
            }
        }
    }

    #[test]
    fn a_burst_that_is_cut_or_lost_changes_nothing() {
        let mut instants = burst(20, 10 * MINUTE, 5);
        instants.drain(..3);
        instants.retain(|at| !(10 * MINUTE * 7..10 * MINUTE * 9).contains(at));
        assert_eq!(of(&instants), Some(rhythm(10 * MINUTE, 5)));
    }

    #[test]
    fn a_gap_in_a_steady_interval_is_a_gap() {
        let mut instants = burst(300, MINUTE, 1);
        instants.retain(|at| !(100 * MINUTE..280 * MINUTE).contains(at));
        assert_eq!(of(&instants), Some(rhythm(MINUTE, 1)));
        // A laptop that is awake for eight hours a day.
        let week: Vec<i64> =
            (0..7).flat_map(|day| (0..480).map(move |minute| (day * 1_440 + minute) * MINUTE)).collect();
        assert_eq!(of(&week), Some(rhythm(MINUTE, 1)));
    }

    #[test]
    fn another_interval_than_the_day_before_is_no_burst() {
        let hours = |from: i64, to: i64, every: i64| {
            (0..(to - from) * 60 * MINUTE / every).map(move |tick| from * 60 * MINUTE + tick * every)
        };
        let faster: Vec<i64> = hours(0, 24, 5 * MINUTE).chain(hours(24, 33, MINUTE / 2)).collect();
        assert_eq!(of(&faster), Some(rhythm(MINUTE / 2, 1)));
        let slower: Vec<i64> = hours(0, 24, MINUTE / 2).chain(hours(24, 33, 5 * MINUTE)).collect();
        assert_eq!(of(&slower), Some(rhythm(MINUTE / 2, 1)));
    }

    #[test]
    fn jitter_and_a_second_writer_change_little() {
        let mut chance = Chance::new(3);
        let jitter = |chance: &mut Chance| i64::try_from(chance.below(20_000)).expect("small");
        let instants: Vec<i64> = (0..500).map(|tick| tick * MINUTE + jitter(&mut chance)).collect();
        let found = of(&instants).expect("a rhythm");
        assert!((found.every - MINUTE).abs() < 2_000 && found.checks == 1, "{found:?}");
        let two: Vec<i64> = (0..500).flat_map(|tick| [tick * MINUTE, tick * MINUTE + 2_000]).collect();
        assert_eq!(of(&two), Some(rhythm(MINUTE, 2)));
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
        assert_eq!(of(&[0, MINUTE, 2 * MINUTE]), Some(rhythm(MINUTE, 1)));
        assert_eq!(of(&[7; 20]), None);
    }

    #[test]
    fn what_is_due_and_what_a_check_stands_for_count_the_checks_of_a_run() {
        let five = Cadence { every: 10 * MINUTE, checks: 5 };
        assert_eq!((five.due_in(61 * MINUTE), five.due_in(-1)), (30, 0));
        assert!((five.per_check() - 120_000.0).abs() < 1e-9);
    }
}
