//! The report of a run with its outcomes by probe and its probes by surface: a format that asks for those of each does
//! not look through all of them each time.

use std::collections::HashMap;
use std::ops::Deref;

use crate::check_report::{CheckReport, ProbeSummary, SurfaceSummary};
use crate::model::Outcome;

/// A report, and where things stand in it.
pub(super) struct IndexedReport<'p> {
    report: &'p CheckReport,
    outcomes: HashMap<&'p str, Vec<&'p Outcome>>,
    /// Those of targets, and those of control targets.
    probes: [HashMap<&'p str, Vec<&'p ProbeSummary>>; 2],
}

impl<'p> IndexedReport<'p> {
    pub(super) fn new(report: &'p CheckReport) -> IndexedReport<'p> {
        let mut outcomes: HashMap<&str, Vec<&Outcome>> = HashMap::new();
        for outcome in &report.outcomes {
            outcomes.entry(&outcome.probe).or_default().push(outcome);
        }
        let mut probes: [HashMap<&str, Vec<&ProbeSummary>>; 2] = Default::default();
        for probe in &report.probes {
            probes[usize::from(probe.control)].entry(&probe.surface).or_default().push(probe);
        }
        IndexedReport { report, outcomes, probes }
    }

    /// The outcomes of a probe in the order in which they ended.
    pub(super) fn outcomes_of(&self, probe: &str) -> &[&'p Outcome] {
        self.outcomes.get(probe).map_or(&[], Vec::as_slice)
    }

    /// The last outcome of a probe.
    pub(super) fn last(&self, probe: &str) -> Option<&'p Outcome> {
        self.outcomes_of(probe).last().copied()
    }

    /// The last outcome of a probe that has a failure.
    pub(super) fn last_failure(&self, probe: &str) -> Option<&'p Outcome> {
        self.outcomes_of(probe).iter().rev().find(|outcome| outcome.failure.is_some()).copied()
    }

    /// The outcome that says most of a probe: its last failure, else its last outcome.
    pub(super) fn telling(&self, probe: &str) -> Option<&'p Outcome> {
        self.last_failure(probe).or_else(|| self.last(probe))
    }

    /// The probes of a surface in the order of the probe file.
    pub(super) fn probes_of(&self, surface: &SurfaceSummary) -> &[&'p ProbeSummary] {
        self.probes[usize::from(surface.control)].get(surface.surface.as_str()).map_or(&[], Vec::as_slice)
    }
}

/// Everything else is asked of the report itself.
impl Deref for IndexedReport<'_> {
    type Target = CheckReport;

    fn deref(&self) -> &CheckReport {
        self.report
    }
}
