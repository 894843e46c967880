//! Detects that the prober itself is overloaded or was suspended: then a timeout says nothing about
//! the target.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::{Expect, Failure, FailureClass, Mismatch, Outcome, Phase, Probe, SafeText, Step, Timings};

/// The monitor's period. The prober's own delay is how much later it wakes up.
const TICK: Duration = Duration::from_millis(20);
/// The most delays that are kept: more than there are ticks in the longest check.
const MEMORY: usize = 8_192;
/// Delays up to this are normal.
const ORDINARY: Duration = Duration::from_millis(5);
/// After a delay this long a peer may have closed the connection, however long the probe's own
/// timeout is.
const LONG: Duration = Duration::from_millis(500);

/// Measures how late the prober's own timers fire.
#[derive(Clone, Debug, Default)]
pub(crate) struct Monitor {
    /// Delays that are not normal: when each was noticed, and how long it was.
    delays: Arc<Mutex<VecDeque<(Instant, Duration)>>>,
}

/// How the prober's own delay can cause a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    /// The peer did not wait for the prober.
    GivenUp,
    /// The prober's own timeout fired.
    TimeOut,
    /// A measured latency was too long.
    Slow,
}

impl Monitor {
    /// Measures forever: spawn it beside the run and abort it with it.
    pub(crate) async fn run(self) {
        loop {
            let wanted = Instant::now() + TICK;
            tokio::time::sleep_until(wanted).await;
            let late = wanted.elapsed();
            if late > ORDINARY {
                self.note(Instant::now(), late);
            }
        }
    }

    fn note(&self, at: Instant, late: Duration) {
        let mut delays = self.delays.lock().unwrap_or_else(PoisonError::into_inner);
        if delays.len() == MEMORY {
            delays.pop_front();
        }
        delays.push_back((at, late));
    }

    /// The longest delay noticed since an instant, and the sum of all of them.
    fn delays_since(&self, since: Instant) -> (Duration, Duration) {
        let delays = self.delays.lock().unwrap_or_else(PoisonError::into_inner);
        let noticed = delays.iter().rev().take_while(|(at, _)| *at >= since).map(|(_, late)| *late);
        noticed.fold((Duration::ZERO, Duration::ZERO), |(worst, sum), late| (worst.max(late), sum + late))
    }

    /// Takes the prober's own delay during a check of this probe into account. If the delay
    /// explains the failure, the check says nothing about the target and is `unknown` /
    /// `prober_overloaded`.
    pub(crate) async fn judge(&self, mut outcome: Outcome, began: Instant, probe: &Probe) -> Outcome {
        let is_latency = |warning: &Mismatch| warning.assertion.starts_with("latency");
        if outcome.warnings.iter().any(is_latency) {
            tokio::time::sleep(TICK).await;
            let late = self.delays_since(began).1;
            if explains_latency(late, probe, &outcome, |step| &step.warn) {
                // The prober's own delay may have caused a warning about the target's latency.
                outcome.warnings.retain(|warning| !is_latency(warning));
            }
        }
        let Some(cause) = cause(&outcome) else { return outcome };
        // If a delay ends at this very moment, the monitor gets the chance to notice it.
        tokio::time::sleep(TICK).await;
        let (worst, sum) = self.delays_since(began);
        let limit = probe.timeout;
        let explains = match cause {
            Cause::TimeOut => worst >= limit / 10,
            Cause::GivenUp => worst >= LONG.min(limit / 10),
            Cause::Slow => explains_latency(sum, probe, &outcome, |step| &step.expect),
        };
        if !explains {
            return outcome;
        }
        let class = outcome.class().unwrap_or(FailureClass::ProberOverloaded);
        let late = |by: Duration| format!("{class} while the prober itself was late by {} ms", by.as_millis());
        let message = match cause {
            // The limit that was passed is one of a latency.
            Cause::Slow => late(sum),
            Cause::TimeOut | Cause::GivenUp => format!("{} (timeout {} ms)", late(worst), limit.as_millis()),
        };
        let phase = outcome.failure.as_ref().and_then(|failure| failure.phase);
        let failure = Failure::new(FailureClass::ProberOverloaded, phase, SafeText::message(&message));
        outcome.fail(failure);
        outcome
    }
}

/// Whether a delay of `late` explains why steps of a check took longer than their limits allow.
fn explains_latency(late: Duration, probe: &Probe, outcome: &Outcome, limits: impl Fn(&Step) -> &Expect) -> bool {
    late >= outcome.timings.total / 10
        && !steps(probe, outcome).any(|(step, timings)| is_slow_without(late, limits(step), timings))
}

/// Whether a response would have been too slow even without this delay. As much again may have gone
/// unnoticed between the monitor's ticks, so twice the delay is subtracted.
fn is_slow_without(late: Duration, limits: &Expect, timings: &Timings) -> bool {
    let took = |phase: Option<Phase>| phase.map_or(timings.total, |phase| timings.phase(phase).unwrap_or_default());
    limits.latency.iter().any(|(phase, most)| took(*phase).saturating_sub(late.saturating_mul(2)) > *most)
}

/// The steps that were carried out, with their times.
fn steps<'a>(probe: &'a Probe, outcome: &'a Outcome) -> impl Iterator<Item = (&'a Step, &'a Timings)> {
    let alone = probe.steps.first().filter(|_| outcome.steps.is_empty()).map(|step| (step, &outcome.timings));
    let asked = outcome.steps.iter().filter(|step| step.asked).map(|step| &step.timings);
    alone.into_iter().chain(probe.steps.iter().zip(asked))
}

/// How the prober's own delay could have caused a failure; `None` if it cannot have.
fn cause(outcome: &Outcome) -> Option<Cause> {
    let failure = outcome.failure.as_ref()?;
    match failure.class {
        FailureClass::AssertionFailed => {
            let is_latency = |mismatch: &Mismatch| mismatch.assertion.starts_with("latency");
            let all = !failure.mismatches.is_empty() && failure.mismatches.iter().all(is_latency);
            all.then_some(Cause::Slow)
        }
        FailureClass::AssetFailed => {
            // If one file failed for another reason, that is enough for the page to be down.
            let failed = outcome.assets.iter().filter_map(|asset| asset.class);
            let causes: Option<Vec<Cause>> = failed.map(of_class).collect();
            causes?.into_iter().max()
        }
        FailureClass::Status if outcome.status == Some(408) => Some(Cause::GivenUp),
        class => of_class(class),
    }
}

const fn of_class(class: FailureClass) -> Option<Cause> {
    match class {
        FailureClass::DnsTimeout
        | FailureClass::ConnectTimeout
        | FailureClass::TlsHandshakeTimeout
        | FailureClass::ResponseTimeout
        | FailureClass::BodyTimeout
        | FailureClass::MessageTimeout => Some(Cause::TimeOut),
        FailureClass::ConnectionReset
        | FailureClass::EmptyReply
        | FailureClass::TlsHandshakeFailed
        | FailureClass::BodyTruncated
        | FailureClass::Http2Error => Some(Cause::GivenUp),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AssetOutcome, Check};

    fn failed(class: FailureClass) -> Outcome {
        let probe = Arc::new(Probe::plain("a", "web", "http://127.0.0.1/", Duration::from_secs(30)));
        let check = Check { probe, scheduled_at: jiff::Timestamp::UNIX_EPOCH, lag: Duration::ZERO };
        let failure = Failure::new(class, None, SafeText::message("it failed"));
        Outcome::without_measurement(&check, "test", check.scheduled_at, failure)
    }

    fn missed(assertions: &[&str], total: Duration) -> Outcome {
        let mut outcome = failed(FailureClass::AssertionFailed);
        outcome.timings = Timings { total, ..Timings::default() };
        let mismatch = |assertion: &&str| Mismatch {
            assertion: (*assertion).to_owned(),
            expected: SafeText::message("less"),
            actual: SafeText::message("more"),
        };
        outcome.failure.as_mut().expect("a failure").mismatches = assertions.iter().map(mismatch).collect();
        outcome
    }

    fn with_assets(classes: &[FailureClass]) -> Outcome {
        let mut outcome = failed(FailureClass::AssetFailed);
        let asset = |class: &FailureClass| AssetOutcome {
            url: SafeText::message("https://x.test/a.css"),
            class: Some(*class),
            status: None,
            content_type: None,
            bytes: 0,
            timings: Timings::default(),
        };
        outcome.assets = classes.iter().map(asset).collect();
        outcome
    }

    /// A probe with a timeout of two seconds and this limit on its latency.
    fn limited(most: Duration) -> Probe {
        let mut probe = Probe::plain("a", "web", "http://127.0.0.1/", Duration::from_secs(2));
        let expect = Expect { latency: vec![(None, most)], ..Expect::default() };
        probe.steps[0].expect = expect.into();
        probe
    }

    /// The class of an outcome of such a check, after the prober was late by `late`.
    async fn judged(outcome: Outcome, late: Duration) -> Option<FailureClass> {
        let monitor = Monitor::default();
        let began = Instant::now();
        if !late.is_zero() {
            monitor.note(Instant::now(), late);
        }
        monitor.judge(outcome, began, &limited(Duration::from_secs(1))).await.class()
    }

    #[tokio::test(start_paused = true)]
    async fn what_our_own_delay_explains_says_nothing() {
        let overloaded = Some(FailureClass::ProberOverloaded);
        let second = Duration::from_secs(1);
        let cases = [
            failed(FailureClass::ResponseTimeout),
            failed(FailureClass::ConnectionReset),
            failed(FailureClass::TlsHandshakeFailed),
            missed(&["latency.total", "latency.processing"], second),
            with_assets(&[FailureClass::BodyTimeout, FailureClass::ConnectionReset]),
        ];
        for outcome in cases {
            let class = outcome.class();
            assert_eq!(judged(outcome.clone(), Duration::ZERO).await, class);
            assert_eq!(judged(outcome, second).await, overloaded, "{class:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_it_does_not_explain_stands() {
        let cases = [
            failed(FailureClass::ConnectRefused),
            failed(FailureClass::DnsNotFound),
            failed(FailureClass::TlsCertExpired),
            failed(FailureClass::Status),
            missed(&["latency.total", "body-contains"], Duration::from_secs(1)),
            missed(&["body-contains"], Duration::from_secs(1)),
            with_assets(&[FailureClass::BodyTimeout, FailureClass::Status]),
        ];
        for outcome in cases {
            let class = outcome.class();
            assert_eq!(judged(outcome, Duration::from_secs(1)).await, class);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_latency_is_judged_by_all_delays_within_it() {
        let monitor = Monitor::default();
        let began = Instant::now();
        for _ in 0..4 {
            monitor.note(Instant::now(), Duration::from_millis(6));
        }
        let slow = |total| missed(&["latency.total"], Duration::from_millis(total));
        let most = |millis| limited(Duration::from_millis(millis));
        let explained = monitor.judge(slow(200), began, &most(190)).await;
        assert_eq!(explained.class(), Some(FailureClass::ProberOverloaded));
        let said = explained.failure.map(|failure| failure.message.to_string()).unwrap_or_default();
        assert_eq!(said, "assertion_failed while the prober itself was late by 24 ms");
        assert_eq!(monitor.judge(slow(300), began, &most(290)).await.class(), Some(FailureClass::AssertionFailed));
        let slow_all_the_same = monitor.judge(slow(200), began, &most(100)).await;
        assert_eq!(slow_all_the_same.class(), Some(FailureClass::AssertionFailed));
        tokio::time::advance(Duration::from_millis(1)).await;
        let later = Instant::now();
        assert_eq!(monitor.judge(slow(20), later, &most(10)).await.class(), Some(FailureClass::AssertionFailed));
    }
}
