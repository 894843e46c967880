//! Windows as a table of comma-separated values (RFC 4180), one row each.

use std::io;
use std::io::Write;

use crate::format;
use crate::model::timestamp;
use crate::window::{Histogram, Window};

use super::WindowFile;

/// The columns. A percentile of too few samples is empty, as is every time without samples.
const COLUMNS: [&str; 22] = [
    "vantage",
    "probe",
    "surface",
    "control",
    "from",
    "to",
    "scheduled",
    "up",
    "down",
    "unknown",
    "missed",
    "flaky",
    "failures",
    "latency_count",
    "latency_min_us",
    "latency_p50_us",
    "latency_p90_us",
    "latency_p99_us",
    "latency_max_us",
    "latency_sum_us",
    "failed_max_us",
    "lag_max_us",
];

/// A table of windows with a header row. `failures` is `class=count;class=count`.
#[derive(Debug)]
pub struct Csv(());

impl Csv {
    /// Writes the header row.
    ///
    /// # Errors
    /// The writer's error.
    pub fn begin(out: &mut dyn Write) -> io::Result<Csv> {
        line(COLUMNS, out)?;
        Ok(Csv(()))
    }
}

impl WindowFile for Csv {
    fn window(&mut self, window: &Window, out: &mut dyn Write) -> io::Result<()> {
        line(row(window), out)
    }
}

fn row(window: &Window) -> Vec<String> {
    let failures: Vec<String> = window.failures.iter().map(|(class, count)| format!("{class}={count}")).collect();
    let latency = &window.latency.total;
    let percentile = |q| micros(latency.percentile(q).map(crate::model::micros::of));
    vec![
        format::spreadsheet_text(&window.vantage),
        format::spreadsheet_text(&window.probe),
        format::spreadsheet_text(&window.surface),
        window.control.to_string(),
        timestamp::text(window.from),
        timestamp::text(window.to),
        window.counts.scheduled().to_string(),
        window.counts.up.to_string(),
        window.counts.down.to_string(),
        window.counts.unknown.to_string(),
        window.counts.missed.to_string(),
        window.flaky.to_string(),
        format::spreadsheet_text(&failures.join(";")),
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

fn line<T: AsRef<[u8]>>(cells: impl IntoIterator<Item = T>, out: &mut dyn Write) -> io::Result<()> {
    let mut table =
        csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).buffer_capacity(1 << 10).from_writer(out);
    table.write_record(cells)?;
    table.flush()
}
