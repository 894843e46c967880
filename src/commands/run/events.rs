//! The events of a run, for consumers that do not know each other.
//!
//! The runner emits an event for each check. Here checks are added up into windows, once, and both
//! are passed on to all consumers: the answer, the journal, exporters, alerts, the screen. No
//! consumer may block: one that writes to a disk or a network has a queue and a thread of its own.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{Gap, Outcome, Probe};
use crate::runner::Event;
use crate::window::{Collector, Window};

/// Something that happened in a run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RunEvent<'e> {
    /// The probes changed: from now on these are checked. Not emitted for the first ones.
    ProbesChanged(&'e [Arc<Probe>]),
    /// A check ended.
    Outcome(&'e Arc<Outcome>),
    /// A check was due but not run.
    Missed {
        /// The probe.
        probe: &'e Probe,
        /// When it was due.
        scheduled_at: Timestamp,
    },
    /// The wall clock and the monotonic clock diverged: the machine slept, or its clock was set.
    Gap(&'e Gap),
    /// Windows closed. `failures` is the evidence recorded since the previous event of this kind.
    WindowsClosed {
        /// One window per probe and span.
        windows: &'e [Window],
        /// The first few failures of each class.
        failures: &'e [Outcome],
    },
    /// Every probe was checked once, and the next pass is about to start.
    PassEnded,
    /// No more checks start; the checks of these probes are still running.
    Stopping(&'e [&'e Probe]),
}

/// A consumer of events. It must not block.
pub(crate) trait Consumer {
    /// Handles an event.
    fn consume(&mut self, event: &RunEvent<'_>);
}

impl<C: Consumer> Consumer for Option<C> {
    fn consume(&mut self, event: &RunEvent<'_>) {
        if let Some(consumer) = self {
            consumer.consume(event);
        }
    }
}

/// Adds checks up into windows, and passes both on to the consumers.
pub(crate) struct EventDispatcher<C> {
    collector: Collector,
    pub(crate) consumers: C,
}

impl<C: Consumer> EventDispatcher<C> {
    /// A dispatcher for these consumers, with windows of `span` from `vantage`.
    pub(crate) fn new(vantage: &str, span: Duration, consumers: C) -> EventDispatcher<C> {
        EventDispatcher { collector: Collector::new(vantage, span), consumers }
    }

    /// Passes on an event of a runner of these probes.
    pub(crate) fn on_event(&mut self, probes: &[Arc<Probe>], event: Event) {
        match event {
            Event::Outcome(outcome) => {
                let closed = self.collector.record(&outcome);
                self.consumers.consume(&RunEvent::Outcome(&outcome));
                self.windows_closed(closed.as_slice());
            }
            Event::Missed { probe, scheduled_at } => {
                let closed = self.collector.record_missed(&probes[probe], scheduled_at);
                self.consumers.consume(&RunEvent::Missed { probe: &probes[probe], scheduled_at });
                self.windows_closed(closed.as_slice());
            }
            Event::Gap(gap) => self.consumers.consume(&RunEvent::Gap(&gap)),
            Event::PassEnded => self.consumers.consume(&RunEvent::PassEnded),
            Event::Stopping { running } => {
                let running: Vec<&Probe> = running.into_iter().map(|probe| &*probes[probe]).collect();
                self.consumers.consume(&RunEvent::Stopping(&running));
            }
        }
    }

    /// Announces that from now on the probes of another configuration are checked.
    pub(crate) fn probes_changed(&mut self, probes: &[Arc<Probe>]) {
        self.consumers.consume(&RunEvent::ProbesChanged(probes));
    }

    /// Closes windows whose span has ended. If there are very many, the next call closes the rest.
    pub(crate) fn close_ended(&mut self, now: Timestamp) {
        let closed = self.collector.close_ended(now);
        self.windows_closed(&closed);
    }

    /// Closes every window and returns the consumers, each to be finished in its own way.
    pub(crate) fn finish(mut self) -> C {
        loop {
            let closed = self.collector.close_some();
            if closed.is_empty() {
                return self.consumers;
            }
            self.windows_closed(&closed);
        }
    }

    fn windows_closed(&mut self, windows: &[Window]) {
        if !windows.is_empty() {
            let failures = self.collector.take_failures();
            self.consumers.consume(&RunEvent::WindowsClosed { windows, failures: &failures });
        }
    }
}

impl<A: Consumer, B: Consumer> Consumer for (A, B) {
    fn consume(&mut self, event: &RunEvent<'_>) {
        self.0.consume(event);
        self.1.consume(event);
    }
}
