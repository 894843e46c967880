//! Windows as a table of comma-separated values (RFC 4180), one row each.

use std::io;
use std::io::Write;

use crate::model::timestamp;
use crate::window::{Histogram, Window};

use super::WindowFile;

/// The columns. A percentile of too few samples is empty, as is every time of no sample.
const COLUMNS: &str = "vantage,probe,surface,control,from,to,scheduled,up,down,unknown,missed,flaky,failures,\
    latency_count,latency_min_us,latency_p50_us,latency_p90_us,latency_p99_us,latency_max_us,latency_sum_us,\
    failed_max_us,lag_max_us";

/// A table of windows with a head. `failures` is `class=count;class=count`.
#[derive(Debug)]
pub struct Csv(());

impl Csv {
    /// Writes the head.
    ///
    /// # Errors
    /// What the writer says.
    pub fn begin(out: &mut dyn Write) -> io::Result<Csv> {
        write!(out, "{COLUMNS}\r\n")?;
        Ok(Csv(()))
    }
}

impl WindowFile for Csv {
    fn window(&mut self, window: &Window, out: &mut dyn Write) -> io::Result<()> {
        write!(out, "{}\r\n", row(window).join(","))
    }
}

fn row(window: &Window) -> Vec<String> {
    let failures: Vec<String> = window.failures.iter().map(|(class, count)| format!("{class}={count}")).collect();
    let latency = &window.latency.total;
    let percentile = |q| micros(latency.percentile(q).map(crate::model::micros::of));
    vec![
        field(&window.vantage),
        field(&window.probe),
        field(&window.surface),
        window.control.to_string(),
        timestamp::text(window.from),
        timestamp::text(window.to),
        window.counts.scheduled().to_string(),
        window.counts.up.to_string(),
        window.counts.down.to_string(),
        window.counts.unknown.to_string(),
        window.counts.missed.to_string(),
        window.flaky.to_string(),
        field(&failures.join(";")),
        latency.count().to_string(),
        micros(latency.min_micros()),
        percentile(0.5),
        percentile(0.9),
        percentile(0.99),
        micros(latency.max_micros()),
        if latency.is_empty() { String::new() } else { latency.sum_micros().to_string() },
        longest(&window.failed_latency),
        longest(&window.lag),
    ]
}

fn longest(histogram: &Histogram) -> String {
    micros(histogram.max_micros())
}

fn micros(time: Option<u64>) -> String {
    time.map_or_else(String::new, |time| time.to_string())
}

/// A text as a field: quoted where it must be, and never taken for a formula by a spreadsheet.
fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_quoted_and_never_a_formula() {
        for (text, expected) in [("home", "home"), ("a,\"b\"", "\"a,\"\"b\"\"\""), ("=1+1", "'=1+1"), ("", "")] {
            assert_eq!(field(text), expected);
        }
    }
}
