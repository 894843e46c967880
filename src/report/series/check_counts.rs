//! How many checks of a stretch of time could be judged, and how they failed.

use std::collections::BTreeMap;

use crate::model::{FailureClass, Verdict};
use crate::report::fold::check_log::LoggedCheck;
use crate::report::fold::probe_series::Series;
use crate::report::series::offline::Offline;
use crate::window::add_counts;

/// Checks of a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct CheckCounts {
    pub(crate) judged: u64,
    pub(crate) failed: u64,
    pub(crate) unknown: u64,
    pub(crate) missed: u64,
    pub(crate) classes: BTreeMap<FailureClass, u64>,
    /// How many of them came with each code.
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

    pub(crate) fn merge(&mut self, other: &CheckCounts) {
        self.judged += other.judged;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.missed += other.missed;
        add_counts(&mut self.classes, &other.classes);
        add_counts(&mut self.codes, &other.codes);
    }
}

/// Counts the checks of a series in each of some spans, in order and disjoint, ends included.
pub(crate) fn tally(series: &Series, offline: Option<&Offline>, spans: &[(i64, i64)]) -> Vec<CheckCounts> {
    let mut counts = vec![CheckCounts::default(); spans.len()];
    let (Some((from, _)), Some((_, to))) = (spans.first(), spans.last()) else { return counts };
    let mut at = 0;
    for check in series.between(*from, *to) {
        while at < spans.len() && spans[at].1 < check.at {
            at += 1;
        }
        match spans.get(at) {
            Some((from, _)) if *from <= check.at => {
                counts[at].add(&Offline::judged(offline, check));
            }
            Some(_) => {}
            None => break,
        }
    }
    counts
}
