//! When nothing was heard of some series.

use std::collections::BTreeMap;

use crate::model::Verdict;
use crate::report::parallel;
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::cadence::SILENT_AFTER;
use crate::report::series::report_range::ReportRange;

/// The spans in which no check of these series was made, longer than [`SILENT_AFTER`] intervals.
pub(crate) fn silences(analyses: &[&SeriesAnalysis<'_>], range: &ReportRange<'_>) -> Vec<(i64, i64)> {
    let Some(interval) = analyses.iter().filter_map(|one| one.interval()).min() else { return Vec::new() };
    let limit = interval.saturating_mul(SILENT_AFTER);
    let of_each = parallel::map(analyses.to_vec(), |one| {
        let mut instants = InstantSlots::new(limit);
        for run in one.series.log.runs().filter(|run| run.first.verdict != Verdict::Missed) {
            // Of checks close together, some show as well that there is no silence.
            let [_, (longest, _)] = run.distances();
            let stride = usize::try_from(limit / longest.max(1)).unwrap_or_default().max(1);
            (0..run.count).step_by(stride).for_each(|n| instants.add(run.at(n)));
            instants.add(run.last_at);
        }
        for (first, last) in one.series.maintenance.spans(0) {
            let stride = usize::try_from(limit).unwrap_or_default().max(1);
            (first..last).step_by(stride).for_each(|at| instants.add(at));
            instants.add(last);
        }
        instants
    });
    let mut instants = InstantSlots::new(limit);
    of_each.into_iter().for_each(|other| instants.merge(other));
    instants.add(range.to);
    let has_past = analyses.iter().any(|one| !one.series.lead_in.is_empty());
    if has_past && range.from_is_asked {
        instants.add(range.from);
    }
    instants.gaps()
}

/// The first and last instant of each slot of time: a gap longer than a slot lies between two slots,
/// so that gaps are found without sorting.
struct InstantSlots {
    length: i64,
    slots: BTreeMap<i64, (i64, i64)>,
    /// The slot that was added to last.
    newest: Option<(i64, (i64, i64))>,
}

impl InstantSlots {
    fn new(length: i64) -> InstantSlots {
        InstantSlots { length: length.max(1), slots: BTreeMap::new(), newest: None }
    }

    fn add(&mut self, at: i64) {
        let slot = at.div_euclid(self.length);
        match &mut self.newest {
            Some((newest, ends)) if *newest == slot => *ends = (ends.0.min(at), ends.1.max(at)),
            _ => {
                self.flush();
                self.newest = Some((slot, (at, at)));
            }
        }
    }

    fn merge(&mut self, mut other: InstantSlots) {
        other.flush();
        for (_, (first, last)) in other.slots {
            self.add(first);
            self.add(last);
        }
    }

    fn flush(&mut self) {
        if let Some((slot, (first, last))) = self.newest.take() {
            let ends = self.slots.entry(slot).or_insert((first, last));
            *ends = (ends.0.min(first), ends.1.max(last));
        }
    }

    /// The gaps longer than a slot.
    fn gaps(mut self) -> Vec<(i64, i64)> {
        self.flush();
        let ends: Vec<(i64, i64)> = self.slots.into_values().collect();
        let between = ends.windows(2).map(|pair| (pair[0].1, pair[1].0));
        between.filter(|(before, after)| after - before > self.length).collect()
    }
}
