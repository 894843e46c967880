//! `.hlog`: `HdrHistogram`'s interval log, version 1.3, one line per window and kind of time. The tools of that family
//! read it: `HistogramLogAnalyzer`, the Java, Python and JavaScript readers.

use std::io;
use std::io::Write;

use jiff::Timestamp;

use crate::model::Phase;
use crate::window::{HdrText, Histogram, Window};

use super::WindowFile;

/// The divisor of an interval's maximum: our times are microseconds, and the log's readers show milliseconds.
const MAX_DIVISOR: f64 = 1000.0;

/// An interval log. The tag of a line names vantage, surface, probe and the kind of time: `Tag=local/web/home/total`,
/// then each phase, `failed` and `lag`. Values are microseconds; instants are seconds since the epoch.
#[derive(Debug, Default)]
pub(crate) struct Hlog {
    hdr: HdrText,
}

impl Hlog {
    /// Writes the header of a log that begins at an instant.
    ///
    /// # Errors
    /// The writer's error.
    pub(crate) fn begin(start: Timestamp, out: &mut dyn Write) -> io::Result<Hlog> {
        // The readers reject times before the epoch.
        let start = start.max(Timestamp::UNIX_EPOCH);
        writeln!(out, "#[Histogram log format version 1.3]")?;
        writeln!(out, "#[BaseTime: 0.000 (seconds since epoch)]")?;
        writeln!(out, "#[StartTime: {:.3} (seconds since epoch), {start:.3}]", seconds(start))?;
        writeln!(out, "#[MaxValueDivisor: {MAX_DIVISOR:.1}]")?;
        writeln!(out, "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\"")?;
        Ok(Hlog::default())
    }
}

impl WindowFile for Hlog {
    fn window(&mut self, window: &Window, out: &mut dyn Write) -> io::Result<()> {
        let phases = Phase::ALL.map(|phase| (phase.name(), window.latency.phase(phase)));
        let all = [("total", &window.latency.total)].into_iter().chain(phases);
        for (name, histogram) in all.chain([("failed", &window.failed_latency), ("lag", &window.lag)]) {
            write_line(window, name, histogram, &mut self.hdr, out)?;
        }
        Ok(())
    }
}

fn write_line(
    window: &Window,
    name: &str,
    histogram: &Histogram,
    hdr: &mut HdrText,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(max) = histogram.max() else { return Ok(()) };
    let [vantage, surface, probe] = [&window.vantage, &window.surface, &window.probe].map(|name| tag(name));
    let length = window.to.duration_since(window.from).as_secs_f64();
    let max = max.as_secs_f64() * 1_000_000.0 / MAX_DIVISOR;
    let mut text = String::new();
    hdr.write(histogram, &mut text);
    writeln!(out, "Tag={vantage}/{surface}/{probe}/{name},{:.3},{length:.3},{max:.3},{text}", seconds(window.from))
}

fn seconds(at: Timestamp) -> f64 {
    at.as_duration().as_secs_f64()
}

/// A name as part of a tag: commas, blanks and slashes would end it.
fn tag(name: &str) -> String {
    name.chars().map(|c| if c.is_whitespace() || c.is_control() || ",/=#\"".contains(c) { '_' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_leave_its_tag() {
        assert_eq!(tag("a,b c/d\n#e=é"), "a_b_c_d__e_é");
    }
}
