//! Controls: reference targets. If none of them can be reached at the moment a probe fails, this vantage
//! itself is offline, and the verdict is `unknown` / `control_failed`.

use std::collections::HashSet;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::model::{Check, Failure, FailureClass, Outcome, Probe, SafeText, Verdict};

/// The control targets of a run and their last results.
#[derive(Clone)]
pub(crate) struct Controls {
    targets: Arc<[Target]>,
    /// Incremented when a control check ends.
    updates: watch::Sender<u64>,
}

struct Target {
    probe: Arc<Probe>,
    state: Mutex<ControlState>,
}

#[derive(Default)]
struct ControlState {
    /// The number of control checks that are running.
    under_way: u32,
    /// When the last control check ended, and whether it shows that this vantage is online.
    last: Option<(Instant, bool)>,
    /// How many counted checks in a row have not shown that.
    unreached: u32,
    /// When [`DEAD_AFTER`] of them were reached.
    dead_since: Option<Instant>,
    /// The probes that were up since then: what keeps this control from answering does not affect them.
    up_since: HashSet<String>,
}

/// After so many checks in a row without an answer, a control says nothing about probes that are up meanwhile.
const DEAD_AFTER: u32 = 3;

impl Controls {
    /// The controls among the probes of a run.
    #[must_use]
    pub(crate) fn among(probes: &[Arc<Probe>]) -> Controls {
        let targets = probes
            .iter()
            .filter(|probe| probe.control)
            .map(|probe| Target { probe: Arc::clone(probe), state: Mutex::default() })
            .collect();
        Controls { targets, updates: watch::Sender::new(0) }
    }

    /// Runs a check with a probe function, and changes a failure's verdict if no control can be
    /// reached either.
    ///
    /// A failed check needs the result of each control since its own start. It waits for control
    /// checks that are already running, as in a pass. Any other control is checked once more; that
    /// check is evidence and never counted. One control that gives any answer, even an error, is
    /// sufficient. A control that has been dead while the probe was up is not asked.
    pub(crate) async fn check<F>(&self, check: Check, probe: impl Fn(Check) -> F) -> Outcome
    where
        F: Future<Output = Outcome>,
    {
        if self.targets.is_empty() {
            return probe(check).await;
        }
        if let Some(target) = self.targets.iter().find(|target| target.probe.name == check.probe.name) {
            let outcome = self.observe(target, probe(check)).await;
            target.count(&outcome);
            return outcome;
        }
        let started = Instant::now();
        let outcome = probe(check).await;
        match outcome.verdict {
            Verdict::Up => self.targets.iter().for_each(|target| target.note_up(&outcome.probe, started)),
            Verdict::Down if !self.is_online(&outcome.probe, started, &probe).await => return offline(outcome),
            Verdict::Down | Verdict::Unknown | Verdict::Missed => {}
        }
        outcome
    }

    /// Awaits a control check and stores its result.
    async fn observe(&self, target: &Target, check: impl Future<Output = Outcome>) -> Outcome {
        let under_way = UnderWay::start(target, &self.updates);
        let outcome = check.await;
        under_way.end(shows_online(&outcome));
        outcome
    }

    /// Whether any control has answered since an instant, or none can tell for this probe. Returns as
    /// soon as one has, or when none of them has.
    async fn is_online<F>(&self, name: &str, since: Instant, probe: &impl Fn(Check) -> F) -> bool
    where
        F: Future<Output = Outcome>,
    {
        let asked: Vec<&Target> = self.targets.iter().filter(|target| target.can_tell(name)).collect();
        let mut updates = self.updates.subscribe();
        while !asked.is_empty() {
            updates.borrow_and_update();
            let answers: Vec<Option<bool>> = asked.iter().map(|target| target.answer_since(since)).collect();
            if answers.contains(&Some(true)) {
                return true;
            }
            let Some(silent) = answers.iter().position(Option::is_none) else { return false };
            if asked.iter().any(|target| target.is_under_way()) {
                // An error would mean that the sender was dropped, but `self` owns it.
                let _ = updates.changed().await;
                continue;
            }
            let target = asked[silent];
            let extra = Check { probe: Arc::clone(&target.probe), scheduled_at: Timestamp::now(), lag: Duration::ZERO };
            self.observe(target, probe(extra)).await;
        }
        true
    }
}

/// Whether a control check shows that this vantage is online: it was up, or failed after something had answered.
fn shows_online(outcome: &Outcome) -> bool {
    match outcome.verdict {
        Verdict::Up => true,
        Verdict::Down => outcome.class().is_some_and(|class| !class.may_be_offline()),
        Verdict::Unknown | Verdict::Missed => false,
    }
}

/// Counts a control check as running until it ends or is dropped, and then wakes those who wait for it.
struct UnderWay<'t> {
    target: &'t Target,
    updates: &'t watch::Sender<u64>,
}

impl<'t> UnderWay<'t> {
    fn start(target: &'t Target, updates: &'t watch::Sender<u64>) -> Self {
        target.with(|state| state.under_way += 1);
        UnderWay { target, updates }
    }

    fn end(self, shows_online: bool) {
        self.target.with(|state| state.last = Some((Instant::now(), shows_online)));
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.target.with(|state| state.under_way -= 1);
        self.updates.send_modify(|updates| *updates = updates.wrapping_add(1));
    }
}

impl Target {
    /// Counts a check that was due. Extra ones are not counted: a moment without a network makes many.
    fn count(&self, outcome: &Outcome) {
        self.with(|state| {
            if shows_online(outcome) {
                (state.unreached, state.dead_since) = (0, None);
                state.up_since.clear();
            } else if outcome.verdict == Verdict::Down {
                state.unreached = state.unreached.saturating_add(1);
                if state.unreached == DEAD_AFTER {
                    state.dead_since = Some(Instant::now());
                }
            }
        });
    }

    /// Notes that a probe was up, in a check that started at this instant.
    fn note_up(&self, probe: &str, started: Instant) {
        self.with(|state| {
            let is_dead = state.dead_since.is_some_and(|since| since <= started);
            if is_dead && !state.up_since.contains(probe) {
                state.up_since.insert(probe.to_owned());
            }
        });
    }

    /// Whether a failure of this control may have the same cause as one of the probe.
    fn can_tell(&self, probe: &str) -> bool {
        self.with(|state| !state.up_since.contains(probe))
    }

    /// Whether the last check since an instant shows that this vantage is online; `None` if there was none.
    fn answer_since(&self, since: Instant) -> Option<bool> {
        self.with(|state| state.last.filter(|(at, _)| *at >= since).map(|(_, shows_online)| shows_online))
    }

    fn is_under_way(&self) -> bool {
        self.with(|state| state.under_way > 0)
    }

    fn with<T>(&self, run: impl FnOnce(&mut ControlState) -> T) -> T {
        run(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The outcome of a failed check, changed to `control_failed`; the message includes the original
/// failure.
fn offline(mut outcome: Outcome) -> Outcome {
    if let Some(seen) = outcome.failure.take() {
        let message = format!(
            "no control can be reached either: this vantage itself is offline; seen: {} {}",
            seen.class, seen.message
        );
        let message = SafeText::message(&message);
        let failure = Failure { class: FailureClass::ControlFailed, own_class: Some(seen.class), message, ..seen };
        outcome.fail(failure);
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_control_check_that_is_given_up_wakes_who_waits_for_it() {
        let probe = |name: &str, control| {
            let probe = Probe::plain(name, "web", "http://127.0.0.1/", Duration::from_secs(30));
            Arc::new(Probe { control, ..probe })
        };
        let (site, control) = (probe("site", false), probe("control", true));
        let due = |probe: &Arc<Probe>| Check {
            probe: Arc::clone(probe),
            scheduled_at: Timestamp::now(),
            lag: Duration::ZERO,
        };
        let controls = Arc::new(Controls::among(&[Arc::clone(&site), Arc::clone(&control)]));
        let (asked, check) = (Arc::clone(&controls), due(&control));
        let hanging = tokio::spawn(async move { asked.check(check, |_| pending()).await });
        tokio::task::yield_now().await;
        let (asked, check) = (Arc::clone(&controls), due(&site));
        let waiting = tokio::spawn(async move {
            let refused = |check: Check| async move {
                let failure = Failure::new(FailureClass::ConnectRefused, None, SafeText::message("refused"));
                Outcome::without_measurement(&check, "test", check.scheduled_at, failure)
            };
            asked.check(check, refused).await
        });
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!waiting.is_finished());
        hanging.abort();
        let outcome =
            tokio::time::timeout(Duration::from_secs(10), waiting).await.expect("it is woken").expect("it ends");
        assert_eq!(outcome.verdict, Verdict::Unknown, "the control was asked once more, and failed too");
    }
}
