//! One probe on the board: its state, its last results as a strip, its latency, its lateness and
//! when it is due next.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use jiff::Timestamp;

use crate::model::{Outcome, Probe, Verdict};
use crate::plan;

/// Results in the strip.
const STRIP: usize = 30;
/// Latencies that the percentiles are of: the last so many good checks.
const SAMPLES: usize = 300;

/// What the board knows of one probe.
pub(super) struct Row {
    probe: Arc<Probe>,
    width: usize,
    colour: bool,
    strip: VecDeque<Verdict>,
    samples: VecDeque<Duration>,
    lag: Duration,
    reason: String,
}

impl Row {
    pub(super) fn new(probe: Arc<Probe>, width: usize, colour: bool) -> Row {
        Row {
            probe,
            width,
            colour,
            strip: VecDeque::new(),
            samples: VecDeque::new(),
            lag: Duration::ZERO,
            reason: String::new(),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.probe.name
    }

    pub(super) fn surface(&self) -> &str {
        &self.probe.surface
    }

    /// The last verdict.
    pub(super) fn last(&self) -> Option<Verdict> {
        self.strip.back().copied()
    }

    pub(super) fn record(&mut self, outcome: &Outcome) {
        push(&mut self.strip, outcome.verdict, STRIP);
        if outcome.verdict == Verdict::Up {
            push(&mut self.samples, outcome.timings.total, SAMPLES);
        }
        self.lag = outcome.lag;
        self.reason = outcome.class().map(|class| class.to_string()).unwrap_or_default();
    }

    pub(super) fn record_missed(&mut self) {
        push(&mut self.strip, Verdict::Missed, STRIP);
    }

    /// The heading over the columns, as wide as those of `row`.
    pub(super) fn header(row: Option<&Row>) -> String {
        let width = row.map_or(0, |row| row.width);
        format!(
            "  {:7} {:width$} {:STRIP$} {:>8} {:>8} {:>7} {:>6}",
            "", "probe", "last checks", "p50", "p95", "late", "next"
        )
    }

    /// The line, `elapsed` after the run began.
    pub(super) fn line(&self, elapsed: Duration) -> String {
        let state = self.last().map_or("-", Verdict::name);
        let mut name: String = self.probe.name.chars().take(self.width).collect();
        if self.probe.name.chars().count() > self.width {
            name.pop();
            name.push('…');
        }
        let strip: String = self.strip.iter().map(|verdict| self.painted(*verdict, sign(*verdict))).collect();
        let blank = " ".repeat(STRIP - self.strip.len());
        let insecure = if self.probe.is_insecure() { " INSECURE" } else { "" };
        format!(
            "  {} {name:width$} {strip}{blank} {:>8} {:>8} {:>7} {:>6}{insecure} {}",
            self.last().map_or_else(|| format!("{state:7}"), |verdict| self.painted(verdict, &format!("{state:7}"))),
            self.percentile(50, 1),
            self.percentile(95, 59),
            short(self.lag),
            short(plan::until_next(&self.probe, elapsed, Timestamp::now()).unwrap_or_default()),
            self.reason,
            width = self.width,
        )
    }

    fn painted(&self, verdict: Verdict, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let style: Style = match verdict {
            Verdict::Up => AnsiColor::Green.on_default(),
            Verdict::Down => AnsiColor::Red.on_default().bold(),
            Verdict::Unknown => AnsiColor::Yellow.on_default(),
            Verdict::Missed => Style::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }

    /// A percentile of the last good checks, or `-` where there are fewer than `least`.
    fn percentile(&self, percent: usize, least: usize) -> String {
        if self.samples.len() < least {
            return "-".to_owned();
        }
        let mut sorted: Vec<Duration> = self.samples.iter().copied().collect();
        sorted.sort_unstable();
        short(sorted[(sorted.len() * percent).div_ceil(100).saturating_sub(1)])
    }
}

fn push<T>(ring: &mut VecDeque<T>, value: T, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(value);
}

/// One sign a verdict, told apart without colour.
const fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Up => "·",
        Verdict::Down => "X",
        Verdict::Unknown => "?",
        Verdict::Missed => "-",
    }
}

/// A duration in at most six characters: `310us`, `4.2ms`, `1.31s`, `12m`.
fn short(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0 => "0".to_owned(),
        1..1_000 => format!("{micros}us"),
        1_000..100_000 => format!("{:.1}ms", time.as_secs_f64() * 1e3),
        100_000..1_000_000 => format!("{}ms", time.as_millis()),
        1_000_000..100_000_000 => format!("{:.1}s", time.as_secs_f64()),
        _ => format!("{}m", time.as_secs() / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Check, Failure, FailureClass, SafeText};

    #[test]
    fn a_row_says_state_strip_latency_and_reason() {
        let probe = Arc::new(Probe::plain("home", "web", "http://127.0.0.1/", Duration::from_secs(10)));
        let mut row = Row::new(Arc::clone(&probe), 6, false);
        let check = Check { probe, scheduled_at: Timestamp::UNIX_EPOCH, lag: Duration::from_micros(120) };
        let failure = Failure::new(FailureClass::ConnectRefused, None, SafeText::default());
        let down = Outcome::without_measurement(&check, "here", Timestamp::UNIX_EPOCH, failure);
        let mut up = Outcome { verdict: Verdict::Up, failure: None, ..down.clone() };
        up.timings.total = Duration::from_micros(4_200);
        row.record(&up);
        row.record_missed();
        row.record(&down);
        let line = row.line(Duration::ZERO);
        assert!(line.starts_with("  down    home   ·-X "), "{line}");
        assert!(line.contains("4.2ms        -   120us"), "{line}");
        assert!(line.ends_with("connect_refused"), "{line}");
    }

    #[test]
    fn a_row_says_that_any_certificate_is_accepted() {
        let mut probe = Probe::plain("home", "web", "https://x.test/", Duration::from_secs(10));
        assert!(!Row::new(Arc::new(probe.clone()), 6, false).line(Duration::ZERO).contains("INSECURE"));
        probe.transport.tls.insecure = true;
        assert!(Row::new(Arc::new(probe), 6, false).line(Duration::ZERO).contains(" INSECURE "));
    }

    #[test]
    fn durations_are_short() {
        for (micros, text) in
            [(310, "310us"), (4_200, "4.2ms"), (131_000, "131ms"), (1_310_000, "1.3s"), (720_000_000, "12m")]
        {
            assert_eq!(short(Duration::from_micros(micros)), text);
        }
    }
}
