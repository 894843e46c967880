//! Outcomes in, closed windows out. An open window keeps samples, not histograms.

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Check, Failure, Phase, SafeText};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    fn outcome(probe: &str, second: i64, class: Option<FailureClass>) -> Outcome {
        let probe = Arc::new(Probe::plain(probe, "web", "http://x.test/", Duration::from_secs(10)));
        let check = Check { probe, scheduled_at: at(second), lag: Duration::from_micros(120) };
        let failure = |class| Failure::new(class, Some(Phase::Connect), SafeText::message("no"));
        let failed = failure(class.unwrap_or(FailureClass::ConnectRefused));
        Outcome {
            verdict: class.map_or(Verdict::Up, FailureClass::verdict),
            failure: class.map(failure),
            timings: Timings {
                connect: Some(Duration::from_micros(95)),
                total: Duration::from_micros(400),
                ..Timings::default()
            },
            ..Outcome::without_measurement(&check, "here", at(second), failed)
        }
    }

    #[test]
    fn a_check_of_the_next_span_closes_the_window() {
        let mut collector = Collector::new("here", Duration::from_mins(1));
        for second in [0, 10, 50] {
            assert_eq!(collector.record(&outcome("home", second, None)), None);
        }
        let closed = collector.record(&outcome("home", 60, None)).expect("a window");
        assert_eq!((closed.from, closed.to, closed.counts.up), (at(0), at(60), 3));
        assert_eq!(closed.latency.total.count(), 3);
        assert_eq!(closed.latency.tls.count(), 0);
        assert_eq!(closed.lag.count(), 3);
        let rest = collector.close_all();
        assert_eq!((rest.len(), rest[0].from, rest[0].counts.up), (1, at(60), 1));
        assert!(collector.close_all().is_empty());
    }

    #[test]
    fn the_time_it_took_to_fail_is_kept_apart() {
        let mut collector = Collector::new("here", Duration::from_mins(1));
        let _ = collector.record(&outcome("home", 0, Some(FailureClass::ConnectRefused)));
        let _ = collector.record(&outcome("home", 1, Some(FailureClass::Interrupted)));
        let window = collector.close_all().remove(0);
        assert_eq!((window.counts.down, window.counts.unknown), (1, 1));
        assert_eq!((window.latency.total.count(), window.failed_latency.count()), (0, 1));
        assert_eq!(window.failures[&FailureClass::Interrupted], 1);
    }

    #[test]
    fn only_windows_whose_span_has_ended_are_closed() {
        let mut collector = Collector::new("here", Duration::from_mins(1));
        let _ = collector.record(&outcome("a", 59, None));
        let _ = collector.record(&outcome("b", 60, None));
        assert!(collector.close_ended(at(59)).is_empty());
        let closed: Vec<_> = collector.close_ended(at(60)).iter().map(|window| window.probe.to_string()).collect();
        assert_eq!(closed, ["a"]);
        assert_eq!(collector.close_all().len(), 1);
    }

    #[test]
    fn very_many_windows_are_closed_in_parts_and_each_once() {
        let mut collector = Collector::new("here", Duration::from_mins(1));
        let probes = CLOSED_AT_ONCE * 2 + 1;
        for probe in 0..probes {
            let _ = collector.record(&outcome(&format!("p{probe}"), 0, None));
        }
        let mut closed: Vec<Window> = Vec::new();
        let mut parts = Vec::new();
        loop {
            let part = collector.close_ended(at(60));
            if part.is_empty() {
                break;
            }
            parts.push(part.len());
            closed.extend(part);
        }
        assert_eq!(parts, [CLOSED_AT_ONCE, CLOSED_AT_ONCE, 1]);
        let names: std::collections::BTreeSet<_> = closed.iter().map(|window| &window.probe).collect();
        assert_eq!(names.len(), probes);
    }

    #[test]
    fn the_first_failures_of_each_class_keep_their_evidence_and_all_are_counted() {
        let mut collector = Collector::new("here", Duration::from_mins(1));
        for second in 0..10 {
            let _ = collector.record(&outcome("home", second, Some(FailureClass::ConnectRefused)));
            let _ = collector.record(&outcome("home", second, Some(FailureClass::Status)));
        }
        assert_eq!(collector.take_failures().len(), 2 * EVIDENCE_PER_CLASS);
        assert!(collector.take_failures().is_empty());
        assert_eq!(collector.close_all()[0].counts.down, 20);
    }

    #[test]
    fn ten_thousand_probes_with_open_windows_take_few_megabytes() {
        // Six checks each; a vector's capacity is at most twice its length.
        let bytes = 10_000 * (size_of::<Open>() + 2 * 6 * size_of::<Sample>());
        assert!(bytes < 24 << 20, "{bytes} bytes");
    }

    #[test]
    fn a_window_with_very_many_checks_closes_early() {
        let mut collector = Collector::new("here", Duration::from_mins(1));
        let closed: Vec<_> = (0..=CHECKS_LIMIT).filter_map(|_| collector.record(&outcome("home", 0, None))).collect();
        assert_eq!(closed.len(), 1);
        assert_eq!(closed[0].counts.up, u64::try_from(CHECKS_LIMIT).expect("it fits"));
        assert_eq!(collector.close_all()[0].counts.up, 1);
    }
    #[test]
    fn a_window_with_very_many_codes_closes_early() {
        let mut collector = Collector::new("here", Duration::from_hours(24));
        let coded =
            |n: u16| Outcome { grpc_status: Some(n), ..outcome("home", n.into(), Some(FailureClass::GrpcStatus)) };
        let mut closed: Vec<_> = (1..=8_000).filter_map(|n| collector.record(&coded(n))).collect();
        closed.extend(collector.close_all());
        assert!(closed.iter().all(|window| window.codes.len() <= 100));
        assert_eq!(closed.iter().map(|window| window.counts.down).sum::<u64>(), 8_000);
    }
}
