//! What a watch keeps over every configuration that it runs: its consumers, and whether the clock jumped.

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
    /// Whether a probe is due by the wall clock.
    by_wall_clock: bool,
}

impl WatchState {
    /// Starts with these probes.
    #[must_use]
    pub(crate) fn new(events: EventDispatcher<(RunOutputs, WatchScreen)>, probes: &[Arc<Probe>]) -> WatchState {
        WatchState { events, clock_jumped: false, by_wall_clock: by_wall_clock(probes) }
    }

    /// Tells whether there is room for the result of another check.
    pub(crate) fn admission(&self) -> impl Fn() -> bool + use<> {
        self.events.consumers.0.admission()
    }

    /// Handles an event of a run of these probes.
    pub(crate) fn on_event(&mut self, probes: &[Arc<Probe>], event: Event) {
        self.clock_jumped |= matches!(event, Event::Gap(_));
        self.events.on_event(probes, event);
    }

    /// Continues with another configuration's probes.
    pub(crate) fn reload(&mut self, probes: &[Arc<Probe>]) {
        self.by_wall_clock = by_wall_clock(probes);
        self.events.probes_changed(probes);
    }

    /// Closes the windows whose span has ended, and prints any trouble. Returns whether the
    /// clock has jumped since the last tick and a probe follows it, whose schedule then has to be computed again.
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

    /// Closes every window, and gives the consumers back to be finished.
    pub(crate) fn finish(self) -> (RunOutputs, WatchScreen) {
        self.events.finish()
    }
}

fn by_wall_clock(probes: &[Arc<Probe>]) -> bool {
    probes.iter().any(|probe| matches!(probe.schedule, Schedule::Cron(_)))
}
