//! `.hgrm`: the percentile distribution of one histogram as `HdrHistogram` prints it, in
//! milliseconds. `hdr-plot` and the plotters of that family read it.

use std::io;
use std::io::Write;
use std::time::Duration;

use crate::window::Histogram;

/// Lines for each halving of the distance to 100 %.
const TICKS: u32 = 5;

/// Writes the distribution of a histogram: value, percentile, number of samples up to that value, and one divided by
/// the remaining share. An empty histogram has only header lines.
///
/// # Errors
/// The writer's error.
pub fn hgrm(histogram: &Histogram, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    let (mut seen, mut tick) = (0, 0);
    for (time, in_bucket) in histogram.buckets() {
        seen += in_bucket;
        loop {
            let (left, whole) = level(tick);
            let is_within = u128::from(seen) * whole >= u128::from(histogram.count()) * (whole - left);
            if !is_within {
                break;
            }
            let (share, rest) = (ratio(whole - left, whole), ratio(whole, left));
            writeln!(out, "{:12.3} {share:2.12} {seen:10} {rest:14.2}", millis(time))?;
            tick += 1;
            if seen == histogram.count() {
                break;
            }
        }
    }
    if let Some(max) = histogram.max() {
        writeln!(out, "{:12.3} {:2.12} {:10}            inf", millis(max), 1.0, histogram.count())?;
    }
    let (mean, deviation) = moments(histogram);
    writeln!(out, "#[Mean    = {mean:12.3}, StdDeviation   = {deviation:12.3}]")?;
    let max = histogram.max().map_or(0.0, millis);
    writeln!(out, "#[Max     = {max:12.3}, Total count    = {:12}]", histogram.count())?;
    writeln!(out, "#[Buckets = {:12}, SubBuckets     = {:12}]", 22, 2048)
}

/// The share above the level of a tick, as numerator and denominator: the distance to 100 % is halved in [`TICKS`]
/// steps. As integers, since sums of steps drift away from the exact levels.
const fn level(tick: u32) -> (u128, u128) {
    let halvings = tick / TICKS;
    ((2 * TICKS - tick % TICKS) as u128, ((2 * TICKS) as u128) << halvings)
}

#[expect(clippy::cast_precision_loss, reason = "a quotient of counts is no more exact than they are")]
const fn ratio(part: u128, whole: u128) -> f64 {
    part as f64 / whole as f64
}

/// Mean and standard deviation in milliseconds: the mean is exact, the deviation is computed from buckets.
fn moments(histogram: &Histogram) -> (f64, f64) {
    if histogram.is_empty() {
        return (0.0, 0.0);
    }
    let mean = millis(histogram.sum()) / count(histogram.count());
    let squares: f64 = histogram.buckets().map(|(time, n)| (millis(time) - mean).powi(2) * count(n)).sum();
    (mean, (squares / count(histogram.count())).sqrt())
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
const fn count(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_levels_close_in_on_all_and_the_last_line_is_all() {
        let mut histogram = Histogram::default();
        for n in 1..=1000 {
            histogram.record_micros(n * 1000);
        }
        let mut out = Vec::new();
        hgrm(&histogram, &mut out).expect("memory takes it");
        let text = String::from_utf8(out).expect("text");
        let rows: Vec<Vec<f64>> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split_whitespace().filter_map(|field| field.parse().ok()).collect())
            .filter(|row: &Vec<f64>| row.len() == 4)
            .collect();
        assert!(rows.len() > 20, "{text}");
        assert!(rows.iter().is_sorted_by(|a, b| a[0] <= b[0] && a[1] < b[1] && a[2] <= b[2]), "{text}");
        let median = rows.iter().find(|row| row[1] >= 0.5).expect("a median");
        assert!((median[0] - 500.0).abs() < 1.0, "{median:?}");
        let last = rows.last().expect("a row");
        assert!((last[0] - 1000.0).abs() < 0.001 && (last[2] - 1000.0).abs() < 0.1, "{last:?}");
    }

    #[test]
    fn an_empty_histogram_is_no_division_by_zero() {
        let mut out = Vec::new();
        hgrm(&Histogram::default(), &mut out).expect("memory takes it");
        let text = String::from_utf8(out).expect("text");
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}
