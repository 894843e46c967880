//! What the verdict is based on: the analyzed series and the rows of the report.

use crate::report::context::ReportContext;
use crate::report::document::coverage::Coverage;
use crate::report::document::incident::Incident;
use crate::report::document::rows::{SurfaceRow, VantageRow};
use crate::report::document::slow_period::SlowPeriod;
use crate::report::incident::incident_detection::DetectedIncidents;

/// What the verdict is based on.
pub(crate) struct VerdictInput<'c, 'f> {
    pub(crate) context: &'c ReportContext<'f>,
    pub(crate) surfaces: &'c [SurfaceRow],
    pub(crate) vantages: &'c [VantageRow],
    pub(crate) incidents: &'c [Incident],
    pub(crate) detected: &'c DetectedIncidents,
    pub(crate) slow_periods: &'c [SlowPeriod],
    pub(crate) coverage: Coverage,
}

impl VerdictInput<'_, '_> {
    /// The surfaces that the verdict covers: all except control targets, or these if there are no
    /// others.
    pub(crate) fn watched(&self) -> impl Iterator<Item = &SurfaceRow> {
        let only_controls = self.surfaces.iter().all(|row| row.control);
        self.surfaces.iter().filter(move |row| only_controls || !row.control)
    }

    /// Failed and judged checks of these surfaces.
    pub(crate) fn failed_of_judged(&self) -> (u64, u64) {
        let counts = |row: &SurfaceRow| (row.figures.down, row.figures.up + row.figures.down);
        self.watched().map(counts).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}
