//! Counts the checks in a span of time by verdict, class and status code.

use std::collections::BTreeMap;

use crate::model::{FailureClass, Verdict};
use crate::report::fold::even_run::EvenRun;
use crate::report::fold::logged_check::LoggedCheck;
use crate::report::fold::probe_series::Series;
use crate::report::series::offline::Offline;
use crate::report::time_span::TimeSpan;
use crate::window::add_counts;

/// The checks in a span of time, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CheckCounts {
    pub(crate) judged: u64,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
    pub(crate) missed: u64,
    pub(crate) classes: BTreeMap<FailureClass, u64>,
    /// Failures by class and status code.
    pub(crate) codes: BTreeMap<(FailureClass, u16), u64>,
}

impl CheckCounts {
    pub(crate) fn add(&mut self, check: &LoggedCheck) {
        match check.verdict {
            Verdict::Missed => self.missed += 1,
            Verdict::Unknown => self.unknown += 1,
            Verdict::Up => self.judged += 1,
            Verdict::Down => {
                self.judged += 1;
                self.failed += 1;
            }
        }
        if let Some(class) = check.counted_class() {
            *self.classes.entry(class).or_default() += 1;
            if let Some(code) = check.code {
                *self.codes.entry((class, code.get())).or_default() += 1;
            }
        }
    }

    /// Adds the checks of a run in a span.
    fn add_run(&mut self, run: &EvenRun, offline: Option<&Offline>, span: TimeSpan) {
        if run.first.verdict == Verdict::Up {
            // Rejudging never changes an up check.
            self.judged += run.before(span.last.saturating_add(1)) - run.before(span.first);
        } else {
            let checks = run.checks().filter(|check| span.contains(check.at));
            checks.for_each(|check| self.add(&Offline::judged(offline, check)));
        }
    }

    pub(crate) fn merge(&mut self, other: &CheckCounts) {
        self.judged += other.judged;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.missed += other.missed;
        add_counts(&mut self.classes, &other.classes);
        add_counts(&mut self.codes, &other.codes);
    }
}

/// Counts the checks of a series in each span. The spans are in order and disjoint.
pub(crate) fn tally(series: &Series, offline: Option<&Offline>, spans: &[TimeSpan]) -> Vec<CheckCounts> {
    let mut counts = vec![CheckCounts::default(); spans.len()];
    let (Some(first), Some(last)) = (spans.first(), spans.last()) else { return counts };
    for run in series.runs_in(first.hull(*last)) {
        let reached = spans.partition_point(|span| span.last < run.first.at);
        let touched = spans.iter().zip(&mut counts).skip(reached).take_while(|(span, _)| span.first <= run.last_at);
        for (span, counts) in touched {
            counts.add_run(&run, offline, *span);
        }
    }
    counts
}
