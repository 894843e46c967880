//! A line that shows the progress of a run.

use std::time::Instant;

use super::painter::View;
use super::screen::Screen;
use crate::model::{Counts, Outcome, Verdict};

/// The progress of a run.
pub(crate) struct PassLine {
    planned: Option<u64>,
    counts: Counts,
    last_failure: Option<String>,
    started: Instant,
}

impl PassLine {
    /// A line for this many checks; `None` if their number is unknown.
    #[must_use]
    pub(crate) fn new(planned: Option<u64>) -> PassLine {
        PassLine { planned, counts: Counts::default(), last_failure: None, started: Instant::now() }
    }

    /// Counts an outcome.
    pub(crate) fn record(&mut self, outcome: &Outcome) {
        self.counts.add(outcome.verdict, 1);
        if let Some(failure) = &outcome.failure {
            self.last_failure = Some(format!("{} {} {}", outcome.probe, outcome.verdict, failure.class));
        }
    }

    fn text(&self) -> String {
        let done = self.counts.scheduled();
        let mut text = match self.planned {
            Some(planned) => format!("{done} of {planned} checks"),
            None => format!("{done} checks"),
        };
        for (verdict, n) in
            [(Verdict::Up, self.counts.up), (Verdict::Down, self.counts.down), (Verdict::Unknown, self.counts.unknown)]
        {
            if n > 0 {
                text.push_str(&format!("  {n} {verdict}"));
            }
        }
        if let Some(failure) = &self.last_failure {
            text.push_str("  ");
            text.push_str(failure);
        }
        text
    }
}

impl View for PassLine {
    fn lines(&self, _: Screen) -> Vec<String> {
        vec![format!("{}  {} s", self.text(), self.started.elapsed().as_secs())]
    }
}
