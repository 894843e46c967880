//! Whether a run is worse than the recorded checks: latency by the Mann-Whitney test on whole
//! histograms, failures by Fisher's exact test. A difference must be both statistically significant
//! and large enough to matter.

use std::time::Duration;

use serde::Serialize;

use crate::model::SafeText;
use crate::report::statistics;
use crate::window::{Histogram, Window};

/// The significance level: a difference with a smaller p-value is considered real.
const SIGNIFICANT: f64 = 0.01;
/// The smallest ratio of the medians that matters.
const MATTERS: f64 = 1.1;
/// The fewest samples on each side that allow a comparison.
const LEAST: u64 = 8;

/// How one probe compares with its recorded checks.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Regression {
    /// The probe.
    pub probe: String,
    /// The result: worse, not worse, or why that cannot be judged.
    pub judgement: Judgement,
    /// The same as a sentence with its figures.
    pub sentence: SafeText,
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    /// Significantly slower, or failing significantly more.
    Worse,
    /// No difference that is both significant and large enough to matter.
    NotWorse,
    /// Too few samples on one side.
    TooFew,
    /// The baseline has no check of this probe.
    NotRecorded,
}

/// Compares the sum of a run's windows with the sum of the recorded ones; `None` if there are none.
#[must_use]
pub fn compare(run: &Window, recorded: Option<&Window>) -> Regression {
    let not_recorded = || (Judgement::NotRecorded, "the baseline has no check of this probe".to_owned());
    let (judgement, sentence) = recorded.map_or_else(not_recorded, |recorded| judge(run, recorded));
    Regression { probe: run.probe.to_string(), judgement, sentence: SafeText::message(&sentence) }
}

fn judge(run: &Window, recorded: &Window) -> (Judgement, String) {
    let (down, n) = (run.counts.down, run.counts.judged());
    let (recorded_down, recorded_n) = (recorded.counts.down, recorded.counts.judged());
    if n < LEAST || recorded_n < LEAST {
        let sentence = format!("{n} checks against {recorded_n} recorded: {LEAST} of each are needed to compare");
        return (Judgement::TooFew, sentence);
    }
    let fails_more = statistics::ratio(down, n) > statistics::ratio(recorded_down, recorded_n);
    let p = statistics::fisher(down, n, recorded_down, recorded_n);
    if fails_more && p < SIGNIFICANT {
        let sentence = format!("{down} of {n} checks failed, recorded {recorded_down} of {recorded_n} (p = {p:.2e})");
        return (Judgement::Worse, sentence);
    }
    latency(&run.latency.total, &recorded.latency.total)
}

fn latency(run: &Histogram, recorded: &Histogram) -> (Judgement, String) {
    let medians = run.quantile(0.5).zip(recorded.quantile(0.5));
    let Some((median, usual)) = medians.filter(|_| run.count() >= LEAST && recorded.count() >= LEAST) else {
        return (Judgement::TooFew, "too few good checks on one side to compare their latency".to_owned());
    };
    let p = chance_of_slower(run, recorded);
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let figures = format!(
        "median {:.1} ms of {}, recorded {:.1} ms of {} (p = {p:.2e})",
        ms(median),
        run.count(),
        ms(usual),
        recorded.count()
    );
    let slower = p < SIGNIFICANT && median.as_secs_f64() > MATTERS * usual.as_secs_f64();
    (if slower { Judgement::Worse } else { Judgement::NotWorse }, figures)
}

/// The probability that a run as slow as this one is a random sample of the recorded checks: the
/// one-sided Mann-Whitney test by its normal approximation, corrected for ties and continuity
/// (Mann, Whitney 1947; Lehmann, Nonparametrics, 1.5).
#[expect(clippy::cast_precision_loss, reason = "counts of checks stay far below 2^52")]
fn chance_of_slower(run: &Histogram, recorded: &Histogram) -> f64 {
    let (mut ours, mut theirs) = (run.buckets().peekable(), recorded.buckets().peekable());
    let (our_count, their_count) = (run.count() as f64, recorded.count() as f64);
    // The statistic counts the pairs in which ours is slower, ties as half; `below` is the number
    // of recorded checks that are faster than the current time.
    let (mut statistic, mut below, mut ties) = (0.0, 0.0, 0.0);
    loop {
        let next = match (ours.peek(), theirs.peek()) {
            (Some((our, _)), Some((their, _))) => *our.min(their),
            (Some((time, _)), None) | (None, Some((time, _))) => *time,
            (None, None) => break,
        };
        let at = |(time, _): &(Duration, u64)| *time == next;
        let our_here = ours.next_if(at).map_or(0.0, |(_, count)| count as f64);
        let their_here = theirs.next_if(at).map_or(0.0, |(_, count)| count as f64);
        statistic += our_here * (below + their_here / 2.0);
        below += their_here;
        ties += (our_here + their_here).powi(3) - (our_here + their_here);
    }
    let (pairs, all) = (our_count * their_count, our_count + their_count);
    let variance = pairs / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    normal_tail((statistic - pairs / 2.0 - 0.5) / variance.sqrt())
}

/// The probability that a standard normal variable is above `z` (Abramowitz, Stegun 26.2.17; error
/// below 7.5e-8).
fn normal_tail(z: f64) -> f64 {
    const COEFFICIENTS: [f64; 5] = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    if z < 0.0 {
        return 1.0 - normal_tail(-z);
    }
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let polynomial = COEFFICIENTS.iter().rev().fold(0.0, |sum, coefficient| (sum + coefficient) * t);
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    (density * polynomial).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::Timings;

    fn window(times_us: impl IntoIterator<Item = u64>, down: u64) -> Window {
        let mut window = Window::empty(&Arc::from("here"), &Arc::from("home"), &Arc::from("web"), false);
        for us in times_us {
            window.counts.up += 1;
            window.latency.record(&Timings { total: Duration::from_micros(us), ..Timings::default() });
        }
        window.counts.down = down;
        window
    }

    #[test]
    fn the_normal_tail_is_that_of_the_tables() {
        for (z, p) in [(0.0, 0.5), (1.0, 0.158_655), (1.644_854, 0.05), (2.326_348, 0.01), (-1.0, 0.841_345)] {
            assert!((normal_tail(z) - p).abs() < 1e-5, "{z}");
        }
    }

    #[test]
    fn the_test_agrees_with_scipy() {
        // scipy.stats.mannwhitneyu([19,22,16,29,24,31,27,33], [20,11,17,12,14,9,15,13], alternative="greater",
        // method="asymptotic") has a statistic of 61 and p = 0.0013808022089137366
        let run = window([19, 22, 16, 29, 24, 31, 27, 33], 0);
        let recorded = window([20, 11, 17, 12, 14, 9, 15, 13], 0);
        let p = chance_of_slower(&run.latency.total, &recorded.latency.total);
        assert!((p - 0.001_380_802_2).abs() < 1e-6, "{p}");
    }

    #[test]
    fn the_same_distribution_is_not_worse_and_a_slower_one_is() {
        let usual = || (0..200u64).map(|n| 100_000 + (n * 7_919) % 20_000);
        let recorded = window(usual(), 1);
        assert_eq!(compare(&window(usual().take(40), 0), Some(&recorded)).judgement, Judgement::NotWorse);
        let slower = compare(&window(usual().take(40).map(|us| us * 3 / 2), 0), Some(&recorded));
        assert_eq!(slower.judgement, Judgement::Worse, "{}", slower.sentence);
        let a_little = compare(&window(usual().take(200).map(|us| us * 105 / 100), 0), Some(&recorded));
        assert_eq!(a_little.judgement, Judgement::NotWorse, "5 % is significant and does not matter");
    }

    #[test]
    fn more_failures_are_worse_and_few_samples_say_nothing() {
        let recorded = window((0..300).map(|_| 100_000), 1);
        assert_eq!(compare(&window([100_000; 20], 5), Some(&recorded)).judgement, Judgement::Worse);
        assert_eq!(compare(&window([100_000; 3], 1), Some(&recorded)).judgement, Judgement::TooFew);
        assert_eq!(compare(&window([100_000; 20], 1), None).judgement, Judgement::NotRecorded);
    }
}
