//! The lines of a journal: windows, failures, gaps in which nothing was measured, and plans.

use jiff::Timestamp;

use crate::model::{Gap, Outcome, RecordedPlan};
use crate::window::Window;

/// One line of a journal.
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// A summary of one probe's checks over a span of time.
    Window(Box<Window>),
    /// The evidence of one failed check.
    Failure(Box<Outcome>),
    /// A span of time in which the prober did not run or its clock jumped.
    Gap(Gap),
    /// Which probes were to run from an instant on.
    Plan(RecordedPlan),
}

impl Line {
    /// The instant that decides on which day's file a line belongs to.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Line::Window(window) => window.from,
            Line::Failure(outcome) => outcome.scheduled_at,
            Line::Gap(gap) => gap.from.min(gap.to),
            Line::Plan(plan) => plan.from,
        }
    }
}

impl From<Window> for Line {
    fn from(window: Window) -> Line {
        Line::Window(Box::new(window))
    }
}

impl From<Outcome> for Line {
    fn from(outcome: Outcome) -> Line {
        Line::Failure(Box::new(outcome))
    }
}

impl From<Gap> for Line {
    fn from(gap: Gap) -> Line {
        Line::Gap(gap)
    }
}

impl From<RecordedPlan> for Line {
    fn from(plan: RecordedPlan) -> Line {
        Line::Plan(plan)
    }
}

/// A span of time to read. It includes windows and gaps that overlap it, and plans made before its
/// end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first instant, inclusive.
    pub from: Timestamp,
    /// The end, exclusive.
    pub to: Timestamp,
}

impl Range {
    /// All time.
    pub const ALL: Range = Range { from: Timestamp::MIN, to: Timestamp::MAX };

    /// Whether a line belongs to the range.
    #[must_use]
    #[inline]
    pub fn contains(&self, line: &Line) -> bool {
        match line {
            Line::Window(window) => self.overlaps(window.from, window.to),
            Line::Failure(outcome) => self.from <= outcome.scheduled_at && outcome.scheduled_at < self.to,
            Line::Gap(gap) => self.overlaps(gap.from.min(gap.to), gap.from.max(gap.to)),
            Line::Plan(plan) => plan.from < self.to,
        }
    }

    /// Whether a span of time overlaps the range.
    #[must_use]
    #[inline]
    pub(crate) fn overlaps(&self, from: Timestamp, to: Timestamp) -> bool {
        from < self.to && (to > self.from || from >= self.from)
    }
}
