//! `check --wait`: makes passes until every probe is up, before the pass that is judged. They are
//! not recorded: a deployment in progress is no outage.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::commands::process::signals::Signals;
use crate::commands::process::terminal::Terminal;
use crate::commands::run::check_pipeline::CheckPipeline;
use crate::model::{FailureClass, Probe, Verdict};
use crate::runner::Event;
use crate::{format, plan, runner};

/// The interval between the starts of two passes of `--wait`, unless `--every` sets it.
const WAIT_PAUSE: Duration = Duration::from_secs(1);

/// The most probes that are named.
const MOST: usize = 5;

/// By probe that is waited for: why and since when it is not up; `None` if it is up.
#[derive(Clone, Debug, Default)]
pub(crate) struct WaitState(Rc<RefCell<BTreeMap<String, Option<NotUp>>>>);

/// A probe that is not up.
#[derive(Clone, Debug)]
struct NotUp {
    since: Timestamp,
    class: Option<FailureClass>,
}

impl WaitState {
    /// Handles an event.
    pub(crate) fn on_event(&self, event: &Event) {
        if let Event::Outcome(outcome) = event
            && !outcome.control
        {
            let class = outcome.failure.as_ref().map(|failure| failure.class);
            self.note(&outcome.probe, outcome.verdict, outcome.started_at, class);
        }
    }

    fn note(&self, probe: &str, verdict: Verdict, started_at: Timestamp, class: Option<FailureClass>) {
        let mut probes = self.0.borrow_mut();
        let since = match probes.get(probe) {
            Some(Some(before)) => before.since,
            _ => started_at,
        };
        let state = (verdict != Verdict::Up).then_some(NotUp { since, class });
        probes.insert(probe.to_owned(), state);
    }

    /// Whether all of the given number of probes were up at their last check.
    pub(crate) fn all_up(&self, probes: usize) -> bool {
        let known = self.0.borrow();
        known.len() >= probes && known.values().all(Option::is_none)
    }

    /// What is not up, why and since when: `home since 06:20:01 (connect_refused)`, with the suffix
    /// `UTC` if `utc`. `None` if nothing is wrong.
    pub(crate) fn still_wrong(&self, utc: bool) -> Option<String> {
        let zone = format::zone(utc);
        let written = if utc { "%H:%M:%S UTC" } else { "%H:%M:%S" };
        let known = self.0.borrow();
        let mut wrong: Vec<(&String, &NotUp)> =
            known.iter().filter_map(|(name, state)| Some((name, state.as_ref()?))).collect();
        wrong.sort_by_key(|(_, state)| state.since);
        if wrong.is_empty() {
            return None;
        }
        let mut said: Vec<String> = wrong
            .iter()
            .take(MOST)
            .map(|(name, NotUp { since, class })| {
                let class = class.map(|class| format!(" ({})", class.name())).unwrap_or_default();
                format!("{name} since {}{class}", zone.to_datetime(*since).strftime(written))
            })
            .collect();
        if let Some(more) = wrong.len().checked_sub(MOST).filter(|more| *more > 0) {
            said.push(format!("and {}", format::counted(more as u64, "more probe")));
        }
        Some(said.join(", "))
    }
}

/// Makes passes until every probe is up or the time is over. No consumer receives their events.
pub(crate) async fn until_up<A>(
    probes: &[Arc<Probe>],
    wait: Duration,
    every: Option<Duration>,
    run: &runner::Settings<fn() -> Timestamp, A>,
    pipeline: &CheckPipeline,
    signals: &Signals,
    terminal: &Terminal,
) {
    let state = WaitState::default();
    let asked = probes.iter().filter(|probe| !probe.control).count();
    let end = tokio::time::Instant::now() + wait;
    loop {
        let started = tokio::time::Instant::now();
        let settings = runner::Settings {
            started,
            concurrency: run.concurrency,
            until: None,
            vantage: run.vantage.clone(),
            now: run.now,
            has_room: || true,
        };
        let pipeline = pipeline.clone();
        let check = move |check| pipeline.clone().check(check);
        let pass = plan::passes(probes.len(), Some(1), Duration::ZERO);
        runner::run(probes, pass, settings, check, signals.first(), |event| state.on_event(&event)).await;
        let next = started + every.unwrap_or(WAIT_PAUSE);
        if signals.came().is_some() || state.all_up(asked) || next.max(tokio::time::Instant::now()) >= end {
            break;
        }
        tokio::select! {
            _ = signals.first() => break,
            () = tokio::time::sleep_until(next) => {}
        }
    }
    if let Some(wrong) = state.still_wrong(terminal.answer.utc).filter(|_| signals.came().is_none()) {
        terminal.warn(&format!("not up after {}: {wrong}", format::duration(wait)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn note(state: &WaitState, probe: &str, verdict: Verdict, second: i64) {
        state.note(probe, verdict, Timestamp::from_second(second).unwrap(), None);
    }

    #[test]
    fn a_wait_is_over_when_every_probe_is_up_at_once() {
        let state = WaitState::default();
        assert!(!state.all_up(2));
        note(&state, "a", Verdict::Up, 1);
        note(&state, "b", Verdict::Down, 2);
        note(&state, "b", Verdict::Unknown, 9);
        assert!(!state.all_up(2));
        assert_eq!(state.still_wrong(true).unwrap(), "b since 00:00:02 UTC");
        note(&state, "b", Verdict::Up, 12);
        assert!(state.all_up(2) && state.still_wrong(true).is_none());
        note(&state, "a", Verdict::Down, 20);
        assert!(!state.all_up(2));
    }
}
