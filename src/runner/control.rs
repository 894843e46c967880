//! Controls: reference targets. If all of them fail at the moment a probe fails, this vantage
//! itself is offline, and the verdict is `unknown` / `control_failed`.

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

#[derive(Clone, Copy, Default)]
struct ControlState {
    /// The number of control checks that are running.
    under_way: u32,
    /// When the last control check ended, and whether it was up.
    last: Option<(Instant, bool)>,
}

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

    /// Runs a check with a probe function, and changes a failure's verdict if all controls fail
    /// too.
    ///
    /// A failed check needs the result of each control since its own start. It waits for control
    /// checks that are already running, as in a pass. Any other control is checked once more; that
    /// check is evidence and never counted. One control that is up is sufficient.
    pub(crate) async fn check<F>(&self, check: Check, probe: impl Fn(Check) -> F) -> Outcome
    where
        F: Future<Output = Outcome>,
    {
        if self.targets.is_empty() {
            return probe(check).await;
        }
        if let Some(target) = self.targets.iter().find(|target| target.probe.name == check.probe.name) {
            return self.observe(target, probe(check)).await;
        }
        let started = Instant::now();
        let outcome = probe(check).await;
        if outcome.verdict != Verdict::Down || self.any_is_up(started, &probe).await {
            return outcome;
        }
        offline(outcome)
    }

    /// Awaits a control check and stores its result.
    async fn observe(&self, target: &Target, check: impl Future<Output = Outcome>) -> Outcome {
        let under_way = UnderWay::start(target);
        let outcome = check.await;
        under_way.end(outcome.verdict == Verdict::Up);
        self.updates.send_modify(|updates| *updates = updates.wrapping_add(1));
        outcome
    }

    /// Whether any control was up since an instant. Returns as soon as one was, or when all have
    /// failed.
    async fn any_is_up<F>(&self, since: Instant, probe: &impl Fn(Check) -> F) -> bool
    where
        F: Future<Output = Outcome>,
    {
        let mut updates = self.updates.subscribe();
        loop {
            updates.borrow_and_update();
            let states: Vec<ControlState> = self.targets.iter().map(Target::state).collect();
            let said = |state: &ControlState| state.last.filter(|(at, _)| *at >= since).map(|(_, up)| up);
            if states.iter().filter_map(said).any(|up| up) {
                return true;
            }
            let Some(silent) = states.iter().position(|state| said(state).is_none()) else { return false };
            if states.iter().any(|state| state.under_way > 0) {
                // An error would mean that the sender was dropped, but `self` owns it.
                let _ = updates.changed().await;
                continue;
            }
            let target = &self.targets[silent];
            let extra = Check { probe: Arc::clone(&target.probe), scheduled_at: Timestamp::now(), lag: Duration::ZERO };
            self.observe(target, probe(extra)).await;
        }
    }
}

/// Counts a control check as running until it ends or is dropped.
struct UnderWay<'t>(&'t Target);

impl<'t> UnderWay<'t> {
    fn start(target: &'t Target) -> Self {
        target.change(|state| state.under_way += 1);
        UnderWay(target)
    }

    fn end(self, up: bool) {
        self.0.change(|state| state.last = Some((Instant::now(), up)));
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.change(|state| state.under_way -= 1);
    }
}

impl Target {
    fn state(&self) -> ControlState {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut ControlState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The outcome of a failed check, changed to `control_failed`; the message includes the original
/// failure.
fn offline(mut outcome: Outcome) -> Outcome {
    if let Some(seen) = outcome.failure.take() {
        let message =
            format!("every control failed too: this vantage itself is offline; seen: {} {}", seen.class, seen.message);
        let message = SafeText::message(&message);
        let failure = Failure { class: FailureClass::ControlFailed, own_class: Some(seen.class), message, ..seen };
        outcome.fail(failure);
    }
    outcome
}
