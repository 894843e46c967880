//! Outcomes in, closed windows out. An open window keeps samples, not histograms.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::model::{FailureClass, Outcome, Probe, Timings, Verdict};

use super::{CheckResult, RemoteCounts, Window};

/// A window that reaches this many checks closes early and another of the same span opens: they merge, and no line of
/// the journal grows without bounds.
const CHECKS_LIMIT: usize = 8_192;

/// A window that reaches this many kinds of failures closes early too: the higher the number of a kind, the more letters
/// it has in the strip.
const KINDS_LIMIT: usize = 100;

/// Minimum number of windows closed in one call: all of them end at the same instant, and nothing else happens while
/// they are closed and handed on. [`Collector::close_ended`] closes more if too many are open to be closed within
/// [`CLOSED_WITHIN`] calls.
const CLOSED_AT_ONCE: usize = 1_024;

/// Number of calls within which all windows are closed: ten seconds of a watch.
const CLOSED_WITHIN: usize = 50;

/// How many failures of one class keep their evidence, per window.
const EVIDENCE_PER_CLASS: usize = 3;

/// Maximum number of failures that wait with their evidence until they are taken. All are counted.
const EVIDENCE_WAITING: usize = 512;

/// Interval at which the evidence of a lasting warning is kept again.
const WARNINGS_EACH: SignedDuration = SignedDuration::from_hours(1);

/// Collects outcomes into windows of one span, aligned to the epoch.
#[derive(Clone, Debug)]
pub struct Collector {
    vantage: Arc<str>,
    span: SignedDuration,
    open: BTreeMap<Arc<str>, Open>,
    failures: Vec<Outcome>,
    /// The warnings whose evidence was kept last, by probe, and when.
    warned: BTreeMap<String, (Timestamp, Vec<String>)>,
}

/// The open window of one probe.
#[derive(Clone, Debug)]
struct Open {
    surface: Arc<str>,
    control: bool,
    maintenance: bool,
    from: Timestamp,
    samples: Vec<Sample>,
    /// The codes that failures came with, by their own class.
    codes: BTreeSet<(FailureClass, NonZero<u16>)>,
}

/// What a window needs of one check.
#[derive(Clone, Debug)]
struct Sample {
    due: Timestamp,
    result: CheckResult,
    remote: Option<IpAddr>,
    maintenance: bool,
    insecure: bool,
    timings: Timings,
    lag: Duration,
}

impl Collector {
    /// An empty collector. The span is limited to between a millisecond and a day: a line of the journal is found by
    /// the day it begins on.
    #[must_use]
    pub fn new(vantage: &str, span: Duration) -> Collector {
        let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        Collector {
            vantage: vantage.into(),
            span: span.clamp(SignedDuration::from_millis(1), SignedDuration::from_hours(24)),
            open: BTreeMap::new(),
            failures: Vec::new(),
            warned: BTreeMap::new(),
        }
    }

    /// Adds the outcome of a check. Returns the window that it closed: a probe has one open window, and a check due in
    /// another span closes it.
    pub fn record(&mut self, outcome: &Outcome) -> Option<Window> {
        let sample = Sample {
            due: outcome.scheduled_at,
            result: CheckResult {
                verdict: outcome.verdict,
                class: outcome.class(),
                code: outcome.code().and_then(NonZero::new),
                own_class: outcome.failure.as_ref().and_then(|failure| failure.own_class),
                flaky: outcome.flaky && outcome.verdict == Verdict::Up,
                warned: !outcome.warnings.is_empty() && outcome.verdict == Verdict::Up,
            },
            remote: outcome.remote.map(|remote| remote.ip().to_canonical()),
            maintenance: outcome.maintenance,
            insecure: outcome.insecure,
            timings: outcome.timings,
            lag: outcome.lag,
        };
        let closed = self.add(&outcome.probe, &outcome.surface, outcome.control, outcome.scheduled_at, sample);
        if let Some(class) = outcome.class()
            && self.failures.len() < EVIDENCE_WAITING
            && (has_diagnosis(outcome)
                || self.open.get(&*outcome.probe).is_some_and(|open| open.count(class) <= EVIDENCE_PER_CLASS))
        {
            // The journal keeps the evidence; exchanges are only for whoever runs the check.
            self.failures.push(Outcome { exchanges: Vec::new(), ..outcome.clone() });
        }
        if outcome.verdict == Verdict::Up && self.failures.len() < EVIDENCE_WAITING && self.is_new_warning(outcome) {
            self.failures.push(Outcome { exchanges: Vec::new(), ..outcome.clone() });
        }
        closed
    }

    /// Whether other `warn` rules fail than before, or the same have failed for another hour: a certificate that
    /// expires soon causes a warning at every check.
    fn is_new_warning(&mut self, outcome: &Outcome) -> bool {
        if outcome.warnings.is_empty() {
            self.warned.remove(&outcome.probe);
            return false;
        }
        let rules: Vec<String> = outcome.warnings.iter().map(|unmet| unmet.assertion.clone()).collect();
        let due = outcome.scheduled_at;
        let known = self.warned.get(&outcome.probe);
        let is_known = known.is_some_and(|(told, known)| *known == rules && due.duration_since(*told) < WARNINGS_EACH);
        if !is_known {
            self.warned.insert(outcome.probe.clone(), (due, rules));
        }
        !is_known
    }

    /// Takes the failures whose evidence is worth keeping: the first few of each class in each
    /// window. Failures that are not taken in time are counted in their window all the same.
    pub fn take_failures(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.failures)
    }

    /// Counts a check that was due and was not run. Returns the window that it closed.
    pub fn record_missed(&mut self, probe: &Probe, scheduled_at: Timestamp) -> Option<Window> {
        let sample = Sample {
            due: scheduled_at,
            result: CheckResult::new(Verdict::Missed, None),
            remote: None,
            maintenance: probe.is_in_maintenance(scheduled_at),
            insecure: probe.is_insecure(),
            timings: Timings::default(),
            lag: Duration::ZERO,
        };
        self.add(&probe.name, &probe.surface, probe.control, scheduled_at, sample)
    }

    /// Closes the next few windows whose span has ended at `now`, in the order of the probes' names; later calls close
    /// the rest. A check that ends after its span opens another window of that span, and the two merge.
    pub fn close_ended(&mut self, now: Timestamp) -> Vec<Window> {
        let span = self.span;
        self.close_next(|open| now.duration_since(open.from) >= span)
    }

    /// Closes the next few windows, ended or not; returns none if none is open.
    pub(crate) fn close_some(&mut self) -> Vec<Window> {
        self.close_next(|_| true)
    }

    /// Closes every window, in the order of the probes' names.
    pub fn close_all(&mut self) -> Vec<Window> {
        std::mem::take(&mut self.open)
            .into_iter()
            .map(|(probe, open)| close(&self.vantage, &probe, self.span, &open))
            .collect()
    }

    fn close_next(&mut self, is_meant: impl Fn(&Open) -> bool) -> Vec<Window> {
        let most = CLOSED_AT_ONCE.max(self.open.len() / CLOSED_WITHIN);
        let ended = self.open.extract_if(.., |_, open| is_meant(open)).take(most);
        ended.map(|(probe, open)| close(&self.vantage, &probe, self.span, &open)).collect()
    }

    fn add(&mut self, probe: &str, surface: &str, control: bool, due: Timestamp, sample: Sample) -> Option<Window> {
        let from = slot(due, self.span);
        if let Some((name, open)) = self.open.get_key_value(probe) {
            let fits = open.from == from
                && *open.surface == *surface
                && open.control == control
                && open.maintenance == sample.maintenance
                && open.samples.len() < CHECKS_LIMIT
                && open.codes.len() < KINDS_LIMIT;
            if !fits {
                let name = Arc::clone(name);
                let open = self.open.remove(&name)?;
                let closed = close(&self.vantage, &name, self.span, &open);
                self.open.insert(name, Open::new(surface, control, from, sample));
                return Some(closed);
            }
        }
        match self.open.get_mut(probe) {
            Some(open) => open.push(sample),
            None => {
                self.open.insert(probe.into(), Open::new(surface, control, from, sample));
            }
        }
        None
    }
}

impl Open {
    fn new(surface: &str, control: bool, from: Timestamp, sample: Sample) -> Open {
        let (surface, maintenance) = (surface.into(), sample.maintenance);
        let codes = sample.result.own_code().into_iter().collect();
        Open { surface, control, maintenance, from, samples: vec![sample], codes }
    }

    /// Adds a check. By default a vector grows to four at the first check and doubles from there, room that many probes
    /// with few checks never use.
    fn push(&mut self, sample: Sample) {
        if self.samples.len() == self.samples.capacity() {
            self.samples.reserve_exact(1 + self.samples.len() / 2);
        }
        self.codes.extend(sample.result.own_code());
        self.samples.push(sample);
    }

    fn count(&self, class: FailureClass) -> usize {
        self.samples.iter().filter(|sample| sample.result.class == Some(class)).count()
    }
}

/// Whether extra checks were made: they are rare, and all are kept.
fn has_diagnosis(outcome: &Outcome) -> bool {
    outcome.evidence.as_ref().is_some_and(|evidence| evidence.diagnosis.is_some())
}

/// The start of the span that an instant lies in.
fn slot(at: Timestamp, span: SignedDuration) -> Timestamp {
    let into = at.as_millisecond().rem_euclid(i64::try_from(span.as_millis()).unwrap_or(i64::MAX));
    Timestamp::from_millisecond(at.as_millisecond() - into).unwrap_or(at)
}

fn close(vantage: &Arc<str>, probe: &Arc<str>, span: SignedDuration, open: &Open) -> Window {
    let mut window = Window::empty(vantage, probe, &open.surface, open.control);
    window.maintenance = open.maintenance;
    window.from = open.from;
    window.to = open.from.saturating_add(span).unwrap_or(Timestamp::MAX);
    for sample in &open.samples {
        window.count(sample.result, 1);
        window.insecure |= sample.insecure;
        window.strip.push(to_millisecond(sample.due), sample.result);
        let mut at_remote = RemoteCounts::default();
        match sample.result.verdict {
            Verdict::Up => {
                window.latency.record(&sample.timings);
                at_remote.up = 1;
            }
            Verdict::Down => {
                window.failed_latency.record(sample.timings.total);
                at_remote.down = 1;
            }
            Verdict::Unknown | Verdict::Missed => {}
        }
        if let Some(remote) = sample.remote {
            window.remotes.add(remote, at_remote);
        }
        if sample.result.verdict != Verdict::Missed {
            window.lag.record(sample.lag);
        }
    }
    window.strip.join_even();
    window
}

/// The instant as the journal writes it.
fn to_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}
