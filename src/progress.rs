//! The live view on a terminal: the only code that knows indicatif. It draws on stderr and knows
//! neither the answer nor its formats.

mod board;
mod row;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::model::{Counts, Outcome, Verdict};

pub use board::Board;

/// One line that says how far a run of passes is.
pub struct Line {
    bar: ProgressBar,
    planned: Option<u64>,
    counts: Counts,
    last_failure: Option<String>,
}

impl Line {
    /// A line for this many checks, where their number is known. Not `visible`, it draws nothing.
    #[must_use]
    pub fn new(planned: Option<u64>, visible: bool) -> Line {
        let bar = ProgressBar::with_draw_target(planned, target(visible));
        // The template is a constant, so an error here is impossible; the default serves as well.
        let style = ProgressStyle::with_template("{spinner:.cyan} {wide_msg} {elapsed:.dim}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(std::time::Duration::from_millis(100));
        let line = Line { bar, planned, counts: Counts::default(), last_failure: None };
        line.draw();
        line
    }

    /// Counts an outcome and says so.
    pub fn record(&mut self, outcome: &Outcome) {
        self.counts.add(outcome.verdict, 1);
        if let Some(failure) = &outcome.failure {
            self.last_failure = Some(format!("{} {} {}", outcome.probe, outcome.verdict, failure.class));
        }
        self.draw();
    }

    /// Says something above the line.
    pub fn say(&self, text: &str) {
        self.bar.suspend(|| {
            use std::io::Write as _;
            // Where nobody listens any more, that is no reason to stop.
            let _ = writeln!(std::io::stderr(), "{text}");
        });
    }

    /// Takes the line away.
    pub fn finish(self) {
        self.bar.finish_and_clear();
    }

    fn draw(&self) {
        self.bar.set_message(self.text());
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

fn target(visible: bool) -> ProgressDrawTarget {
    if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() }
}
