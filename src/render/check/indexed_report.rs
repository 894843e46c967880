//! The report of a run with two indexes: outcomes by probe, and probes by surface. A format that
//! needs those of each does not have to search all of them each time.

use std::collections::HashMap;
use std::ops::Deref;

use crate::check_report::{CheckReport, ProbeSummary, SurfaceSummary};
use crate::model::Outcome;

/// A report with its indexes.
pub(super) struct IndexedReport<'p> {
    report: &'p CheckReport,
    outcomes: HashMap<&'p str, Vec<&'p Outcome>>,
    /// Probes by surface: first those of targets, then those of control targets.
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

    /// The last outcome of a probe that has a failure; `None` if none has.
    pub(super) fn last_failure(&self, probe: &str) -> Option<&'p Outcome> {
        self.outcomes_of(probe).iter().rev().find(|outcome| outcome.failure.is_some()).copied()
    }

    /// The most informative outcome of a probe: its last failure, otherwise its last outcome.
    /// `None` if it has no outcomes.
    pub(super) fn most_informative(&self, probe: &str) -> Option<&'p Outcome> {
        self.last_failure(probe).or_else(|| self.last(probe))
    }

    /// The probes of a surface in the order of the probe file.
    pub(super) fn probes_of(&self, surface: &SurfaceSummary) -> &[&'p ProbeSummary] {
        self.probes[usize::from(surface.control)].get(surface.surface.as_str()).map_or(&[], Vec::as_slice)
    }
}

/// Gives access to all other parts of the report.
impl Deref for IndexedReport<'_> {
    type Target = CheckReport;

    fn deref(&self) -> &CheckReport {
        self.report
    }
}
