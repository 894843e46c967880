//! `.hgrm`: the percentile distribution of one histogram as `HdrHistogram` prints it, in
//! milliseconds. `hdr-plot` and the plotters of that family read it.

use std::io;
use std::io::Write;
use std::time::Duration;

use crate::window::Histogram;

/// The lines for each halving of the distance to 100 %.
const TICKS: f64 = 5.0;

/// Writes the distribution of a histogram: value, percentile, how many samples are at most that
/// long, and one over what is left. An empty histogram has no line but the heads.
///
/// # Errors
/// What the writer says.
pub fn hgrm(histogram: &Histogram, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "{:>12} {:>14} {:>10} {:>14}\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)")?;
    let total = count(histogram.count());
    let (mut seen, mut level) = (0, 0.0);
    for (time, in_bucket) in histogram.buckets() {
        seen += in_bucket;
        let share = count(seen) / total;
        while level <= share && level < 1.0 {
            let rest = 1.0 / (1.0 - level);
            writeln!(out, "{:12.3} {level:2.12} {seen:10} {rest:14.2}", millis(time))?;
            level = next(level);
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

/// The next level that is printed: the distance to 1 is halved in [`TICKS`] steps.
fn next(level: f64) -> f64 {
    let halvings = (1.0 / (1.0 - level)).log2().floor() + 1.0;
    level + 1.0 / (halvings.exp2() * TICKS)
}

/// Mean and standard deviation in milliseconds: the mean exactly, the deviation by buckets.
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
