//! Indexes the analyses of a report by surface and vantage, with their checks added up.

use std::collections::BTreeMap;

use crate::model::{SafeText, UnixMillis};
use crate::report::document::answer::State;
use crate::report::fold::Fold;
use crate::report::fold::evidence::name;
use crate::report::parallel;
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::baseline::Baseline;
use crate::report::series::check_counts::CheckCounts;
use crate::report::series::state::StateThresholds;
use crate::window::Latency;

/// The analyses of a report by surface and by vantage.
#[derive(Debug, Default)]
pub(super) struct SeriesIndex {
    /// The surfaces that users see, and those that consist of control targets.
    pub(super) surfaces: SurfaceIndex,
    pub(super) control_surfaces: SurfaceIndex,
    pub(super) vantages: BTreeMap<SafeText, VantageEntry>,
}

/// Surfaces by name.
pub(super) type SurfaceIndex = BTreeMap<SafeText, SurfaceEntry>;

/// The series of a surface, as indexes among the analyses, with their checks added up.
#[derive(Debug, Default)]
pub(crate) struct SurfaceEntry {
    /// All its series.
    pub(crate) series: Vec<usize>,
    /// Its series by vantage.
    pub(crate) places: BTreeMap<SafeText, Vec<usize>>,
    /// Its series by probe.
    pub(crate) probes: BTreeMap<SafeText, Vec<usize>>,
    /// Checks per bucket, all vantages together.
    pub(crate) buckets: BTreeMap<UnixMillis, CheckCounts>,
    /// The latency of up checks per bucket, all vantages together.
    pub(crate) latency: BTreeMap<UnixMillis, Latency>,
    /// The index of its latency series from each vantage.
    pub(super) latency_places: BTreeMap<SafeText, usize>,
    /// The baseline.
    pub(crate) usual: Baseline,
    /// The state from each vantage, and of the surface.
    pub(super) place_states: BTreeMap<SafeText, State>,
    pub(super) state: State,
    /// What its checks are judged against.
    pub(crate) standing: StateThresholds,
}

/// The series of a vantage, as indexes among the analyses, and whether its checks count.
#[derive(Debug, Default)]
pub(crate) struct VantageEntry {
    /// Its series, and those of its control targets.
    pub(crate) series: Vec<usize>,
    pub(crate) control_series: Vec<usize>,
    /// The state of its control targets: down only if none of them answers; `None` if it has none.
    pub(crate) control: Option<State>,
    /// Whether at the end of the range it was offline by its control targets, or none of its latest
    /// checks could be judged.
    pub(crate) is_set_aside: bool,
    /// Whether it reported anything at the end of the range.
    pub(super) has_recent_data: bool,
}

impl SeriesIndex {
    /// Indexes the analyses. `buckets`: the checks per bucket of each latency series; `from`: the
    /// start of the range, which ends the baseline.
    pub(super) fn of(
        fold: &Fold,
        analyses: &[SeriesAnalysis<'_>],
        buckets: &[BTreeMap<UnixMillis, CheckCounts>],
        from: UnixMillis,
    ) -> SeriesIndex {
        let mut index = SeriesIndex::default();
        for (at, one) in analyses.iter().enumerate() {
            let surfaces = if one.series.control { &mut index.control_surfaces } else { &mut index.surfaces };
            let surface = surfaces.entry(one.surface.clone()).or_default();
            surface.series.push(at);
            surface.places.entry(one.vantage.clone()).or_default().push(at);
            surface.probes.entry(one.probe.clone()).or_default().push(at);
            let vantage = index.vantages.entry(one.vantage.clone()).or_default();
            if one.series.control { &mut vantage.control_series } else { &mut vantage.series }.push(at);
        }
        for (at, (series, buckets)) in fold.latency_series.iter().zip(buckets).enumerate() {
            let surfaces = if series.control { &mut index.control_surfaces } else { &mut index.surfaces };
            let Some(surface) = surfaces.get_mut(&name(&series.surface)) else { continue };
            surface.latency_places.insert(name(&series.vantage), at);
            merge_buckets(&mut surface.buckets, buckets);
            for (begin, latency) in &series.latency {
                surface.latency.entry(*begin).or_default().merge(latency);
            }
        }
        let history = &fold.history;
        let entries: Vec<_> = index.surfaces.iter_mut().chain(&mut index.control_surfaces).collect();
        parallel::map(entries, |(surface, entry)| entry.usual = Baseline::new(history.past(surface.as_str()), from));
        index
    }
}

/// Adds counts per bucket to others.
pub(super) fn merge_buckets(into: &mut BTreeMap<UnixMillis, CheckCounts>, more: &BTreeMap<UnixMillis, CheckCounts>) {
    for (begin, counts) in more {
        into.entry(*begin).or_default().merge(counts);
    }
}
