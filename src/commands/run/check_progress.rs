//! The progress of a check on a terminal, and which checks a run waits for when it stops.

use crate::commands::process::signals::GRACE;
use crate::commands::process::terminal::Terminal;
use crate::commands::run::events::{Consumer, RunEvent};
use crate::model::Probe;
use crate::progress::{Painter, PassLine};

/// The most probes that are named.
const NAMED: usize = 5;

/// Shows the progress of a check.
pub(crate) struct CheckProgress {
    line: Painter<PassLine>,
    quiet: bool,
}

impl CheckProgress {
    /// `planned`: the number of checks, or `None` if it is unknown. With `prints_passes` each pass is
    /// printed as it ends, and there is no progress line.
    pub(crate) fn new(planned: Option<u64>, prints_passes: bool, terminal: &Terminal) -> CheckProgress {
        let is_drawn = terminal.progress && !prints_passes;
        CheckProgress { line: Painter::new(PassLine::new(planned), is_drawn), quiet: terminal.quiet }
    }

    /// Removes the line.
    pub(crate) fn finish(self) {
        self.line.finish();
    }
}

impl Consumer for CheckProgress {
    fn consume(&mut self, event: &RunEvent<'_>) {
        match event {
            RunEvent::Outcome(outcome) => self.line.update(|line| line.record(outcome)),
            RunEvent::Stopping(running) if !self.quiet => self.line.say(&stopping(running)),
            _ => {}
        }
    }
}

/// A message about the checks that a run waits for when it stops.
pub(crate) fn stopping(running: &[&Probe]) -> String {
    let names: Vec<&str> = running.iter().take(NAMED).map(|probe| probe.name.as_str()).collect();
    let more = if running.len() > NAMED { format!(" and {} more", running.len() - NAMED) } else { String::new() };
    let (names, seconds) = (names.join(", "), GRACE.as_secs());
    format!("note: stopping: waiting at most {seconds} s for {names}{more}; Ctrl-C again stops at once")
}
