//! One probe on the board: its state, its last results as a strip, and why it fails or how fast it
//! is.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use super::screen::{fit, width};
use crate::format::StripCell;
use crate::model::{FailureClass, Outcome, Probe, Verdict};

/// The most results that are kept for the strip.
const STRIP: usize = 60;
/// The most latencies that are kept for percentiles: those of the last good checks.
const SAMPLES: usize = 300;
/// A check that started at least this late shows its lag.
const LATE: Duration = Duration::from_millis(100);

/// The state of one probe on the board.
pub(super) struct Row {
    probe: Arc<Probe>,
    strip: VecDeque<Verdict>,
    samples: VecDeque<Duration>,
    lag: Duration,
    /// Why the last check was not up; empty if it was.
    reason: String,
    /// The number of checks that were not up since the last one that was.
    failures: u64,
    /// The expectations of `warn` that the last `up` check did not meet.
    warned: Vec<String>,
}

/// The widths of the columns of a board.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Columns {
    pub(super) name: usize,
    pub(super) strip: usize,
    pub(super) colour: bool,
}

impl Columns {
    /// The columns for rows with these names on a screen of this width; half of it is for what
    /// follows the strip.
    pub(super) fn of<'n>(names: impl Iterator<Item = &'n str>, screen: usize, colour: bool) -> Columns {
        let longest = names.map(width).max().unwrap_or(0);
        let name = longest.clamp(5, (screen / 3).clamp(8, 40));
        let strip = (screen / 2).saturating_sub(name + 12).clamp(5, STRIP);
        Columns { name, strip, colour }
    }
}

impl Row {
    pub(super) fn new(probe: Arc<Probe>) -> Row {
        Row {
            probe,
            strip: VecDeque::new(),
            samples: VecDeque::new(),
            lag: Duration::ZERO,
            reason: String::new(),
            failures: 0,
            warned: Vec::new(),
        }
    }

    /// The row with the reloaded probe; it keeps its checks.
    pub(super) fn with_probe(self, probe: Arc<Probe>) -> Row {
        Row { probe, ..self }
    }

    pub(super) fn probe(&self) -> &Probe {
        &self.probe
    }

    /// The last verdict.
    pub(super) fn last(&self) -> Option<Verdict> {
        self.strip.back().copied()
    }

    /// Whether one of the checks in the strip was not up.
    pub(super) fn has_failed(&self) -> bool {
        self.strip.iter().any(|verdict| *verdict != Verdict::Up)
    }

    /// Whether the last check was up with a warning.
    pub(super) fn is_warned(&self) -> bool {
        self.last() == Some(Verdict::Up) && !self.warned.is_empty()
    }

    pub(super) fn record(&mut self, outcome: &Outcome) {
        push(&mut self.strip, outcome.verdict, STRIP);
        self.lag = outcome.lag;
        if outcome.verdict == Verdict::Up {
            push(&mut self.samples, outcome.timings.total, SAMPLES);
            self.reason.clear();
            self.failures = 0;
            self.warned = outcome.warnings.iter().map(|unmet| unmet.assertion.clone()).collect();
        } else {
            self.reason = match (outcome.class(), outcome.status) {
                (Some(FailureClass::Status), Some(code)) => format!("status {code}"),
                (class, _) => class.map(|class| class.to_string()).unwrap_or_default(),
            };
            self.failures += 1;
        }
    }

    pub(super) fn record_missed(&mut self) {
        push(&mut self.strip, Verdict::Missed, STRIP);
    }

    /// The heading above the columns.
    pub(super) fn header(columns: Columns) -> String {
        let strip = if columns.strip < "last checks".len() { "last" } else { "last checks" };
        format!("  {:8}{} {} {}", "", fit("probe", columns.name), fit(strip, columns.strip), "time, or why not")
    }

    pub(super) fn line(&self, columns: Columns) -> String {
        let state = self.last().map_or("-", Verdict::name);
        let paint = |verdict, text: &str| if columns.colour { painted(verdict, text) } else { text.to_owned() };
        let shown = self.strip.len().min(columns.strip);
        let strip: String =
            self.strip.iter().skip(self.strip.len() - shown).map(|verdict| paint(*verdict, sign(*verdict))).collect();
        let state = fit(state, 7);
        format!(
            "  {} {} {strip}{} {}",
            self.last().map_or_else(|| state.clone(), |verdict| paint(verdict, &state)),
            fit(&self.probe.name, columns.name),
            " ".repeat(columns.strip - shown),
            self.facts(),
        )
    }

    /// Why it fails or how fast it is, then other remarks.
    fn facts(&self) -> String {
        let mut facts = match self.last() {
            None | Some(Verdict::Missed) if self.samples.is_empty() && self.reason.is_empty() => String::new(),
            _ if !self.reason.is_empty() && self.failures > 1 => format!("{}, {} in a row", self.reason, self.failures),
            _ if !self.reason.is_empty() => self.reason.clone(),
            _ => {
                let p95 =
                    if self.samples.len() < 59 { String::new() } else { format!("  p95 {}", self.percentile(95)) };
                let p50 = if self.samples.len() == 1 { "" } else { "p50 " };
                format!("{p50}{}{p95}", self.percentile(50))
            }
        };
        if self.is_warned() {
            facts.push_str(&format!("  warning: {}", self.warned.join(", ")));
        }
        if self.lag >= LATE {
            facts.push_str(&format!("  started {} late", short_duration(self.lag)));
        }
        if self.probe.is_insecure() {
            facts.push_str("  INSECURE");
        }
        facts
    }

    /// A percentile of the last good checks; there must be at least one.
    fn percentile(&self, percent: usize) -> String {
        let mut sorted: Vec<Duration> = self.samples.iter().copied().collect();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(rank).copied().map(short_duration).unwrap_or_default()
    }
}

fn painted(verdict: Verdict, text: &str) -> String {
    let style: Style = match verdict {
        Verdict::Up => AnsiColor::Green.on_default(),
        Verdict::Down => AnsiColor::Red.on_default().bold(),
        Verdict::Unknown => AnsiColor::Yellow.on_default(),
        Verdict::Missed => Style::new().dimmed(),
    };
    format!("{style}{text}{style:#}")
}

fn push<T>(ring: &mut VecDeque<T>, value: T, most: usize) {
    if ring.len() == most {
        ring.pop_front();
    }
    ring.push_back(value);
}

/// The sign of one check, as in all strips.
const fn sign(verdict: Verdict) -> &'static str {
    let cell = match verdict {
        Verdict::Up => StripCell::of(1, 0, 0),
        Verdict::Down => StripCell::of(1, 1, 0),
        Verdict::Unknown => StripCell::of(0, 0, 1),
        Verdict::Missed => StripCell::of(0, 0, 0),
    };
    cell.sign()
}

/// A duration in at most six characters: `310µs`, `4.2ms`, `1.31s`, `12m`.
pub(super) fn short_duration(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0 => "0".to_owned(),
        1..1_000 => format!("{micros}µs"),
        1_000..100_000 => format!("{:.1}ms", time.as_secs_f64() * 1e3),
        100_000..1_000_000 => format!("{}ms", time.as_millis()),
        1_000_000..100_000_000 => format!("{:.1}s", time.as_secs_f64()),
        100_000_000..7_200_000_000 => format!("{}m", time.as_secs() / 60),
        _ => format!("{}h", time.as_secs() / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::model::{Check, Failure, Mismatch, SafeText};

    const COLUMNS: Columns = Columns { name: 6, strip: 5, colour: false };

    #[test]
    fn a_row_says_state_strip_and_reason_before_our_own_lateness() {
        let probe = Arc::new(Probe::plain("home", "web", "http://127.0.0.1/", Duration::from_secs(10)));
        let mut row = Row::new(Arc::clone(&probe));
        let check = Check { probe, scheduled_at: Timestamp::UNIX_EPOCH, lag: Duration::from_millis(120) };
        let failure = Failure::new(FailureClass::ConnectRefused, None, SafeText::default());
        let down = Outcome::without_measurement(&check, "here", Timestamp::UNIX_EPOCH, failure);
        let mut up = Outcome { verdict: Verdict::Up, failure: None, ..down.clone() };
        up.timings.total = Duration::from_micros(4_200);
        row.record(&up);
        assert_eq!(row.line(COLUMNS), "  up      home   ▂     4.2ms  started 120ms late");
        row.record_missed();
        row.record(&down);
        assert_eq!(row.line(COLUMNS), "  down    home   ▂·█   connect_refused  started 120ms late");
        row.record(&down);
        assert_eq!(row.line(COLUMNS), "  down    home   ▂·██  connect_refused, 2 in a row  started 120ms late");
        let answered = Failure::new(FailureClass::Status, None, SafeText::default());
        let answered = Outcome { status: Some(503), failure: Some(answered), lag: Duration::ZERO, ..down };
        row.record(&answered);
        assert_eq!(row.line(COLUMNS), "  down    home   ▂·███ status 503, 3 in a row");
        assert!(row.has_failed());
    }

    #[test]
    fn a_row_that_is_up_says_what_it_warns_of_until_that_holds_again() {
        let probe = Arc::new(Probe::plain("home", "web", "https://x.test/", Duration::from_secs(10)));
        let mut row = Row::new(Arc::clone(&probe));
        let check = Check { probe, scheduled_at: Timestamp::UNIX_EPOCH, lag: Duration::ZERO };
        let failure = Failure::new(FailureClass::ConnectRefused, None, SafeText::default());
        let down = Outcome::without_measurement(&check, "here", Timestamp::UNIX_EPOCH, failure);
        let up = Outcome { verdict: Verdict::Up, failure: None, ..down.clone() };
        let text = || SafeText::message("7");
        let unmet = Mismatch { assertion: "certificate-days".to_owned(), expected: text(), actual: text() };
        row.record(&Outcome { warnings: vec![unmet], ..up.clone() });
        assert!(row.is_warned() && row.line(COLUMNS).ends_with("  warning: certificate-days"), "{}", row.line(COLUMNS));
        row.record(&down);
        assert!(!row.is_warned() && !row.line(COLUMNS).contains("warning"), "{}", row.line(COLUMNS));
        row.record(&up);
        assert!(!row.is_warned());
    }

    #[test]
    fn a_row_says_that_any_certificate_is_accepted() {
        let mut probe = Probe::plain("home", "web", "https://x.test/", Duration::from_secs(10));
        assert!(!Row::new(Arc::new(probe.clone())).line(COLUMNS).contains("INSECURE"));
        probe.transport.tls.insecure = true;
        assert!(Row::new(Arc::new(probe)).line(COLUMNS).contains(" INSECURE"));
    }

    #[test]
    fn durations_are_short() {
        for (micros, text) in [
            (310, "310µs"),
            (4_200, "4.2ms"),
            (131_000, "131ms"),
            (1_310_000, "1.3s"),
            (720_000_000, "12m"),
            (7_200_000_000, "2h"),
        ] {
            assert_eq!(short_duration(Duration::from_micros(micros)), text);
        }
    }
}
