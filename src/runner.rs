//! Runs the checks of a plan with any probe function and bounded concurrency, until the plan is
//! done or the run is stopped, and emits events. It knows neither what a check does nor who
//! consumes the events: tests pass scripted functions.

mod clock;
mod control;
mod limits;
mod overload;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::model::{Check, Failure, FailureClass, Gap, Outcome, Probe, SafeText};
use crate::plan::Due;
use clock::{Clock, GapDetector, back};

pub(crate) use control::Controls;
pub(crate) use limits::{Descriptors, Limits};
pub(crate) use overload::Monitor;

/// The least time between two passes while there is no room for their results.
const PAUSE_WITHOUT_ROOM: Duration = Duration::from_secs(1);

/// An event of a run.
#[derive(Clone, Debug)]
pub enum Event {
    /// A check ended or was interrupted.
    Outcome(Arc<Outcome>),
    /// A check was due but was not run.
    Missed {
        /// The probe, as an index into the probes of the run.
        probe: usize,
        /// When it was due.
        scheduled_at: Timestamp,
    },
    /// The wall clock and the monotonic clock diverged: the machine slept, or its clock was set.
    Gap(Gap),
    /// All checks of a pass have ended. Emitted when the next pass starts, or at the end of the
    /// run.
    PassEnded,
    /// The run was told to stop, and some checks are still running.
    Stopping {
        /// The probes of these checks, as indexes into the probes of the run.
        running: Vec<usize>,
    },
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// All checks of the plan have ended, or the time of the run is over.
    Done,
    /// The run was told to stop.
    Stopped,
}

/// The settings of a run, and its clock.
pub struct Settings<W, A> {
    /// The instant at which the plan's time starts; it is in the past if a run takes over from
    /// another.
    pub started: Instant,
    /// The most concurrent checks.
    pub concurrency: usize,
    /// No check starts later than this after `started`; `None` is unlimited.
    pub until: Option<Duration>,
    /// The vantage.
    pub vantage: String,
    /// The wall clock.
    pub now: W,
    /// Whether there is room for the result of another check. Without room a check that is due is
    /// missed.
    pub has_room: A,
}

/// Runs the checks of a plan, until it is done or `stop` resolves. `stop` resolves to another
/// future; when that resolves, checks that are still running are interrupted.
///
/// Checks of one probe never overlap. A check that is due while the previous one is still running,
/// or whose slot passes before it gets a permit, is [`Event::Missed`]. A check's lag is the time
/// from when it was due to its start; its own clock starts only then.
///
/// `on_event` is called between checks and must not block.
pub async fn run<P, F, S, G, W, A>(
    probes: &[Arc<Probe>],
    plan: impl Iterator<Item = Due>,
    settings: Settings<W, A>,
    probe: P,
    stop: S,
    on_event: impl FnMut(Event),
) -> Completion
where
    P: Fn(Check) -> F + Clone + Send + 'static,
    F: Future<Output = Outcome> + Send + 'static,
    S: Future<Output = G>,
    G: Future<Output = ()>,
    W: Fn() -> Timestamp + Clone + Send + 'static,
    A: Fn() -> bool,
{
    let clock = Clock { started: settings.started, now: settings.now.clone() };
    let run = Run {
        probes,
        permits: Arc::new(Semaphore::new(settings.concurrency)),
        running: JoinSet::new(),
        in_flight: vec![None; probes.len()],
        clock,
        settings,
        probe,
        on_event,
        is_in_pass: false,
        next_pass: Instant::now(),
    };
    run.drive(plan, stop).await
}

/// The result of a task that runs a check.
enum TaskResult {
    Outcome(usize, Arc<Outcome>),
    /// The check's slot passed before it got a permit.
    Expired(usize, Duration),
}

/// A check that is running or waiting for a permit.
#[derive(Clone, Copy)]
struct InFlight {
    /// When it was due, since the start of the run.
    at: Duration,
    task: tokio::task::Id,
}

struct Run<'r, P, W, A, E> {
    probes: &'r [Arc<Probe>],
    permits: Arc<Semaphore>,
    running: JoinSet<TaskResult>,
    /// By probe: its check that is running or waiting for a permit.
    in_flight: Vec<Option<InFlight>>,
    clock: Clock<W>,
    settings: Settings<W, A>,
    probe: P,
    on_event: E,
    /// Whether checks of a pass have started and its end has not been emitted yet.
    is_in_pass: bool,
    /// No pass starts before this. Otherwise passes that miss all their checks would spin.
    next_pass: Instant,
}

impl<P, F, W, A, E> Run<'_, P, W, A, E>
where
    P: Fn(Check) -> F + Clone + Send + 'static,
    F: Future<Output = Outcome> + Send + 'static,
    W: Fn() -> Timestamp + Clone + Send + 'static,
    A: Fn() -> bool,
    E: FnMut(Event),
{
    async fn drive<G>(mut self, plan: impl Iterator<Item = Due>, stop: impl Future<Output = G>) -> Completion
    where
        G: Future<Output = ()>,
    {
        tokio::pin!(stop);
        let mut watch = GapDetector::new(&self.clock, self.probes);
        let mut plan = plan.peekable();
        loop {
            let due = plan.peek().copied().filter(|due| self.settings.until.is_none_or(|until| due.at < until));
            let Some(due) = due else { break };
            let blocked = due.after_all && !self.running.is_empty();
            let at = self.clock.started + due.at;
            let at = if due.after_all { at.max(self.next_pass) } else { at };
            tokio::select! {
                biased;
                grace = &mut stop => {
                    self.wind_down(grace).await;
                    return Completion::Stopped;
                }
                Some(back) = self.running.join_next() => self.take(back),
                () = reached(at), if !blocked => {
                    plan.next();
                    self.look_for_gap(&mut watch);
                    if due.after_all {
                        self.end_pass();
                        if self.is_over() {
                            break;
                        }
                        self.is_in_pass = true;
                    }
                    self.start(due);
                }
                // With daily schedules alone, nothing else would notice for a day.
                () = tokio::time::sleep_until(watch.next) => self.look_for_gap(&mut watch),
            }
        }
        loop {
            tokio::select! {
                biased;
                grace = &mut stop => {
                    self.wind_down(grace).await;
                    return Completion::Stopped;
                }
                back = self.running.join_next() => {
                    let Some(back) = back else {
                        self.end_pass();
                        return Completion::Done;
                    };
                    self.take(back);
                }
            }
        }
    }

    fn look_for_gap(&mut self, watch: &mut GapDetector) {
        if let Some((from, to)) = watch.check(&self.clock) {
            (self.on_event)(Event::Gap(Gap::between(&self.settings.vantage, from, to)));
        }
    }

    fn is_over(&self) -> bool {
        self.settings.until.is_some_and(|until| self.clock.started.elapsed() >= until)
    }

    fn end_pass(&mut self) {
        if std::mem::take(&mut self.is_in_pass) {
            (self.on_event)(Event::PassEnded);
        }
    }

    /// Starts a check, or emits it as missed.
    fn start(&mut self, due: Due) {
        // A pass that waited for the previous one is due when that has ended, not earlier.
        let at = if due.expires.is_none() { due.at.max(self.clock.started.elapsed()) } else { due.at };
        let late = due.expires.is_some_and(|expires| self.clock.started.elapsed() >= expires);
        let has_room = (self.settings.has_room)();
        if !has_room && due.expires.is_none() {
            self.next_pass = Instant::now() + PAUSE_WITHOUT_ROOM;
        }
        if late || self.in_flight[due.probe].is_some() || !has_room {
            self.miss(due.probe, at);
            return;
        }
        let clock = self.clock.clone();
        let permits = Arc::clone(&self.permits);
        let probe = self.probe.clone();
        let asked = Arc::clone(&self.probes[due.probe]);
        let task = self.running.spawn(async move {
            let room = permits.acquire_owned();
            let permit = match due.expires {
                Some(expires) => match tokio::time::timeout_at(clock.started + expires, room).await {
                    Ok(permit) => permit,
                    Err(_) => return TaskResult::Expired(due.probe, at),
                },
                None => room.await,
            };
            let lag = clock.started.elapsed().saturating_sub(at);
            let check = Check { probe: asked, scheduled_at: back((clock.now)(), lag), lag };
            let outcome = probe(check).await;
            drop(permit);
            TaskResult::Outcome(due.probe, Arc::new(outcome))
        });
        self.in_flight[due.probe] = Some(InFlight { at, task: task.id() });
    }

    fn miss(&mut self, probe: usize, at: Duration) {
        let scheduled_at = self.clock.wall(at);
        (self.on_event)(Event::Missed { probe, scheduled_at });
    }

    fn take(&mut self, back: Result<TaskResult, tokio::task::JoinError>) {
        match back {
            Ok(TaskResult::Outcome(probe, outcome)) => {
                self.in_flight[probe] = None;
                (self.on_event)(Event::Outcome(outcome));
            }
            Ok(TaskResult::Expired(probe, at)) => {
                self.in_flight[probe] = None;
                self.miss(probe, at);
            }
            // A check that panicked is a bug in uptick. The run continues, and the check gets an
            // outcome.
            Err(lost) => {
                if let Some(probe) =
                    self.in_flight.iter().position(|check| check.is_some_and(|check| check.task == lost.id()))
                {
                    self.end_without_result(
                        probe,
                        FailureClass::ProberResources,
                        "the check panicked, which is a bug in uptick: standard error says where",
                    );
                }
            }
        }
    }

    /// Waits for running checks until `grace` resolves, then interrupts the rest.
    async fn wind_down(&mut self, grace: impl Future<Output = ()>) {
        let under_way = |(probe, check): (usize, &Option<InFlight>)| check.map(|_| probe);
        let running: Vec<usize> = self.in_flight.iter().enumerate().filter_map(under_way).collect();
        if !running.is_empty() {
            (self.on_event)(Event::Stopping { running });
        }
        tokio::pin!(grace);
        loop {
            tokio::select! {
                biased;
                back = self.running.join_next() => match back {
                    Some(back) => self.take(back),
                    None => break,
                },
                () = &mut grace => break,
            }
        }
        self.running.abort_all();
        for probe in 0..self.in_flight.len() {
            self.end_without_result(
                probe,
                FailureClass::Interrupted,
                "the run was interrupted before the check could end",
            );
        }
    }

    /// Emits an outcome for a check that was started but has no result.
    fn end_without_result(&mut self, probe: usize, class: FailureClass, message: &str) {
        let Some(InFlight { at, .. }) = self.in_flight[probe].take() else { return };
        let scheduled_at = self.clock.wall(at);
        let check = Check { probe: Arc::clone(&self.probes[probe]), scheduled_at, lag: Duration::ZERO };
        let failure = Failure::new(class, None, SafeText::message(message));
        let outcome = Outcome::without_measurement(&check, &self.settings.vantage, scheduled_at, failure);
        (self.on_event)(Event::Outcome(Arc::new(outcome)));
    }
}

/// Waits until an instant. An instant in the past is not slept for, since the timer has a
/// resolution of one millisecond and would wake up late. If many instants in a row are in the past,
/// other tasks get their turn in between.
async fn reached(at: Instant) {
    if at > Instant::now() {
        tokio::time::sleep_until(at).await;
    } else {
        tokio::task::coop::consume_budget().await;
    }
}

#[cfg(test)]
mod tests;
