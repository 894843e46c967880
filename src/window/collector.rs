//! Outcomes in, closed windows out. While a window is open its samples wait, not histograms.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::Timestamp;

use crate::model::FailureClass;
use crate::model::Outcome;
use crate::model::Probe;
use crate::model::Timings;
use crate::model::Verdict;

use super::Window;

/// A window that reaches this many checks closes early and another of the same span is opened:
/// they add up, and no line of the journal grows without bounds.
const CHECKS_LIMIT: usize = 8_192;

/// Gathers outcomes into windows of one span, aligned to the epoch.
#[derive(Debug)]
pub struct Collector {
    vantage: Arc<str>,
    span: SignedDuration,
    open: BTreeMap<Arc<str>, Open>,
}

/// The open window of one probe.
#[derive(Debug)]
struct Open {
    surface: Arc<str>,
    control: bool,
    from: Timestamp,
    samples: Vec<Sample>,
}

/// What a window needs of one check.
#[derive(Debug)]
struct Sample {
    at: Timestamp,
    verdict: Verdict,
    class: Option<FailureClass>,
    flaky: bool,
    timings: Timings,
    lag: Duration,
}

impl Collector {
    /// A collector with nothing in it. A span below a millisecond is held at one.
    #[must_use]
    pub fn new(vantage: &str, span: Duration) -> Collector {
        let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        Collector { vantage: vantage.into(), span: span.max(SignedDuration::from_millis(1)), open: BTreeMap::new() }
    }

    /// Adds the outcome of a check. Returns the window that it closed: a probe has one open
    /// window, and a check that was due in another span closes it.
    pub fn record(&mut self, outcome: &Outcome) -> Option<Window> {
        let sample = Sample {
            at: if outcome.verdict == Verdict::Missed { outcome.scheduled_at } else { outcome.started_at },
            verdict: outcome.verdict,
            class: outcome.class(),
            flaky: outcome.flaky,
            timings: outcome.timings,
            lag: outcome.lag,
        };
        self.add(&outcome.probe, &outcome.surface, outcome.control, outcome.scheduled_at, sample)
    }

    /// Counts a check that was due and not run. Returns the window that it closed.
    pub fn record_missed(&mut self, probe: &Probe, scheduled_at: Timestamp) -> Option<Window> {
        let sample = Sample {
            at: scheduled_at,
            verdict: Verdict::Missed,
            class: None,
            flaky: false,
            timings: Timings::default(),
            lag: Duration::ZERO,
        };
        self.add(&probe.name, &probe.surface, probe.control, scheduled_at, sample)
    }

    /// Closes the windows whose span has ended at `now`, in the order of the probes' names. A
    /// check that ends later than its span opens another window of it, and the two add up.
    pub fn close_ended(&mut self, now: Timestamp) -> Vec<Window> {
        let ended = |open: &Open| now.duration_since(open.from) >= self.span;
        let mut closed = Vec::new();
        for (probe, open) in self.open.extract_if(.., |_, open| ended(open)) {
            closed.push(close(&self.vantage, &probe, self.span, &open));
        }
        closed
    }

    /// Closes every window, in the order of the probes' names.
    pub fn close_all(&mut self) -> Vec<Window> {
        std::mem::take(&mut self.open)
            .into_iter()
            .map(|(probe, open)| close(&self.vantage, &probe, self.span, &open))
            .collect()
    }

    fn add(&mut self, probe: &str, surface: &str, control: bool, due: Timestamp, sample: Sample) -> Option<Window> {
        let from = slot(due, self.span);
        if let Some((name, open)) = self.open.get_key_value(probe) {
            let fits = open.from == from
                && *open.surface == *surface
                && open.control == control
                && open.samples.len() < CHECKS_LIMIT;
            if !fits {
                let name = Arc::clone(name);
                let open = self.open.remove(&name)?;
                let closed = close(&self.vantage, &name, self.span, &open);
                self.open.insert(name, Open::new(surface, control, from, sample));
                return Some(closed);
            }
        }
        match self.open.get_mut(probe) {
            Some(open) => open.samples.push(sample),
            None => {
                self.open.insert(probe.into(), Open::new(surface, control, from, sample));
            }
        }
        None
    }
}

impl Open {
    fn new(surface: &str, control: bool, from: Timestamp, sample: Sample) -> Open {
        Open { surface: surface.into(), control, from, samples: vec![sample] }
    }
}

/// The beginning of the span that an instant lies in.
fn slot(at: Timestamp, span: SignedDuration) -> Timestamp {
    let into = at.as_millisecond().rem_euclid(i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
    Timestamp::from_millisecond(at.as_millisecond() - into).unwrap_or(at)
}

fn close(vantage: &Arc<str>, probe: &Arc<str>, span: SignedDuration, open: &Open) -> Window {
    let mut window = Window::empty(vantage, probe, &open.surface, open.control);
    window.from = open.from;
    window.to = open.from.saturating_add(span).unwrap_or(Timestamp::MAX);
    for sample in &open.samples {
        window.counts.add(sample.verdict, 1);
        window.flaky += u64::from(sample.flaky);
        if let Some(class) = sample.class {
            *window.failures.entry(class).or_default() += 1;
        }
        window.strip.push(to_millisecond(sample.at), sample.verdict, sample.class);
        match sample.verdict {
            Verdict::Up => window.latency.record(&sample.timings),
            Verdict::Down => window.failed_latency.record(sample.timings.total),
            Verdict::Unknown | Verdict::Missed => {}
        }
        if sample.verdict != Verdict::Missed {
            window.lag.record(sample.lag);
        }
    }
    window
}

/// The instant as the journal writes it.
fn to_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}
