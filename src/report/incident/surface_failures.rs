//! Counts the failures of a surface between two instants, by class: exact for any instants, however
//! coarse the windows are.

use std::collections::BTreeMap;

use crate::model::{FailureClass, SafeText, UnixMillis, Verdict};
use crate::report::context::ReportContext;
use crate::report::fold::even_run::EvenRun;
use crate::report::series::offline::Offline;

/// The failures of the surfaces asked for so far; each surface is read once.
pub(super) struct SurfaceFailures<'c, 'f> {
    context: &'c ReportContext<'f>,
    /// When each failed check was due, in order; by surface and class.
    surfaces: BTreeMap<SafeText, BTreeMap<FailureClass, Vec<UnixMillis>>>,
}

impl<'c, 'f> SurfaceFailures<'c, 'f> {
    pub(super) const fn new(context: &'c ReportContext<'f>) -> SurfaceFailures<'c, 'f> {
        SurfaceFailures { context, surfaces: BTreeMap::new() }
    }

    /// The failures of a surface between two instants, the end excluded.
    pub(super) fn between(
        &mut self,
        surface: &SafeText,
        from: UnixMillis,
        to: UnixMillis,
    ) -> BTreeMap<FailureClass, u64> {
        let context = self.context;
        let by_class = self.surfaces.entry(surface.clone()).or_insert_with(|| failures(context, surface));
        let before = |instants: &[UnixMillis], at: UnixMillis| instants.partition_point(|instant| *instant < at);
        let counts = by_class.iter().map(|(class, instants)| {
            let n = before(instants, to).saturating_sub(before(instants, from));
            (*class, u64::try_from(n).unwrap_or(u64::MAX))
        });
        counts.filter(|(_, n)| *n > 0).collect()
    }
}

/// The failures of a surface, with those of the lead-in.
fn failures(context: &ReportContext<'_>, surface: &SafeText) -> BTreeMap<FailureClass, Vec<UnixMillis>> {
    let mut by_class: BTreeMap<FailureClass, Vec<UnixMillis>> = BTreeMap::new();
    for at in context.series_of(surface) {
        let one = &context.analyses[*at];
        // A run of up checks may contain a month of checks; skip it.
        let may_have_failed =
            one.series.runs().filter(|run| run.first.verdict == Verdict::Down || run.first.is_set_aside);
        let checks = may_have_failed.flat_map(EvenRun::checks).map(|check| Offline::judged(one.offline(), check));
        for check in checks.filter(|check| check.verdict == Verdict::Down) {
            if let Some(class) = check.counted_class() {
                by_class.entry(class).or_default().push(check.at);
            }
        }
    }
    by_class.values_mut().for_each(|instants| instants.sort_unstable());
    by_class
}
