//! What a watch keeps across reloads of its configuration: its consumers, and whether the clock
//! jumped.

use std::sync::Arc;

use jiff::Timestamp;

use crate::commands::run::events::EventDispatcher;
use crate::commands::run::run_outputs::RunOutputs;
use crate::commands::run::watch_screen::WatchScreen;
use crate::model::{Probe, Schedule};
use crate::runner::Event;

/// The state of a watch.
pub(crate) struct WatchState {
    events: EventDispatcher<(RunOutputs, WatchScreen)>,
    /// Whether the clock jumped since the last tick.
    clock_jumped: bool,
    /// Whether any probe has a schedule by the wall clock (cron).
    by_wall_clock: bool,
}

impl WatchState {
    /// Starts with these probes.
    #[must_use]
    pub(crate) fn new(events: EventDispatcher<(RunOutputs, WatchScreen)>, probes: &[Arc<Probe>]) -> WatchState {
        WatchState { events, clock_jumped: false, by_wall_clock: by_wall_clock(probes) }
    }

    /// A function that returns whether there is room for the result of another check.
    pub(crate) fn admission(&self) -> impl Fn() -> bool + use<> {
        self.events.consumers.0.admission()
    }

    /// Handles an event of a run of these probes.
    pub(crate) fn on_event(&mut self, probes: &[Arc<Probe>], event: Event) {
        self.clock_jumped |= matches!(event, Event::Gap(_));
        self.events.on_event(probes, event);
    }

    /// Continues with the probes of another configuration.
    pub(crate) fn reload(&mut self, probes: &[Arc<Probe>]) {
        self.by_wall_clock = by_wall_clock(probes);
        self.events.probes_changed(probes);
    }

    /// Closes the windows whose span has ended, and prints any problems. Returns whether schedules
    /// must be computed again: the clock has jumped since the last tick, and a probe follows the
    /// wall clock.
    pub(crate) fn tick(&mut self, now: Timestamp) -> bool {
        self.events.close_ended(now);
        let (outputs, screen) = &mut self.events.consumers;
        for trouble in outputs.trouble() {
            screen.say(&format!("warning: {trouble}"));
        }
        screen.sum_up_if_due();
        std::mem::take(&mut self.clock_jumped) && self.by_wall_clock
    }

    /// Prints a message, above the board if there is one.
    pub(crate) fn say(&self, text: &str) {
        self.events.consumers.1.say(text);
    }

    /// Leaves the board on the screen as it is.
    pub(crate) fn freeze(&self) {
        self.events.consumers.1.freeze();
    }

    /// Closes every window, and returns the consumers to be finished.
    pub(crate) fn finish(self) -> (RunOutputs, WatchScreen) {
        self.events.finish()
    }
}

fn by_wall_clock(probes: &[Arc<Probe>]) -> bool {
    probes.iter().any(|probe| matches!(probe.schedule, Schedule::Cron(_)))
}
