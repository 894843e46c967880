//! The verdicts of a window in order, with their instants: what "three in a row" and the onset
//! of an outage are judged by.

use jiff::Timestamp;

use crate::model::FailureClass;
use crate::model::Verdict;

/// A run of checks with the same verdict and class: one check, as long as the strip has not
/// been thinned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    /// When the first of them began (a missed check: when it was due), to the millisecond.
    pub from: Timestamp,
    /// When the last of them began.
    pub to: Timestamp,
    /// What was found, each time.
    pub verdict: Verdict,
    /// The class of the failure, where there was one.
    pub class: Option<FailureClass>,
    /// How many checks.
    pub count: u64,
}

/// Why a text is not a strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a strip of verdicts")]
pub struct StripError;

/// The verdicts in order of time. Merging interleaves; thinning joins neighbours that are the
/// same, so that what stays is what is around every change of state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strip {
    /// In order.
    runs: Vec<Run>,
}

impl Strip {
    /// Adds one check.
    pub fn push(&mut self, at: Timestamp, verdict: Verdict, class: Option<FailureClass>) {
        self.push_run(Run { from: at, to: at, verdict, class, count: 1 });
    }

    /// Adds a run of checks.
    pub fn push_run(&mut self, run: Run) {
        let at = self.runs.partition_point(|other| *other <= run);
        self.runs.insert(at, run);
    }

    /// The runs in order of time.
    #[must_use]
    pub fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Whether there is no check in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Adds the checks of another strip, interleaved by time.
    pub fn merge(&mut self, other: &Strip) {
        let sorted = match (self.runs.last(), other.runs.first()) {
            (Some(last), Some(first)) => last <= first,
            _ => true,
        };
        self.runs.extend_from_slice(&other.runs);
        if !sorted {
            self.runs.sort();
        }
    }

    /// Joins neighbours with the same verdict and class. How many there were in a row, and the
    /// instants around every change of state, stay; the instants in between go.
    pub fn thin(&mut self) {
        self.runs.dedup_by(|next, run| {
            let same = next.verdict == run.verdict && next.class == run.class;
            if same {
                run.to = run.to.max(next.to);
                run.count += next.count;
            }
            same
        });
    }

    /// When a check with this verdict was first seen.
    #[must_use]
    pub fn first(&self, verdict: Verdict) -> Option<Timestamp> {
        self.runs.iter().find(|run| run.verdict == verdict).map(|run| run.from)
    }

    /// When a check with this verdict was last seen.
    #[must_use]
    pub fn last(&self, verdict: Verdict) -> Option<Timestamp> {
        self.runs.iter().filter(|run| run.verdict == verdict).map(|run| run.to).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("an instant")
    }

    #[test]
    fn thinning_keeps_what_is_around_every_change() {
        let mut strip = Strip::default();
        for (second, verdict) in [
            (1, Verdict::Up),
            (2, Verdict::Up),
            (3, Verdict::Up),
            (4, Verdict::Down),
            (5, Verdict::Down),
            (6, Verdict::Up),
        ] {
            strip.push(at(second), verdict, None);
        }
        strip.thin();
        let kept: Vec<_> = strip.runs().iter().map(|run| (run.from, run.to, run.verdict, run.count)).collect();
        assert_eq!(
            kept,
            [(at(1), at(3), Verdict::Up, 3), (at(4), at(5), Verdict::Down, 2), (at(6), at(6), Verdict::Up, 1)]
        );
    }
}
