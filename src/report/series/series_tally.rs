//! What one pass over the checks of a series counts: by bucket of time, by class and by status
//! code.

use std::collections::BTreeMap;

use crate::model::{Counts, FailureClass, UnixMillis, Verdict};
use crate::report::fold::even_run::EvenRun;
use crate::report::fold::logged_check::LoggedCheck;
use crate::report::series::check_counts::CheckCounts;

/// The failures of one class: their number, the first and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClassSpan {
    pub(crate) n: u64,
    pub(crate) first: UnixMillis,
    pub(crate) last: UnixMillis,
}

/// The counts of one pass over the checks in the range.
#[derive(Debug, Default)]
pub(crate) struct SeriesTally {
    /// The start of the current bucket, and its checks.
    bucket: UnixMillis,
    counts: CheckCounts,
    /// The checks of earlier buckets, by the start of the bucket.
    pub(crate) buckets: BTreeMap<UnixMillis, CheckCounts>,
    pub(crate) classes: BTreeMap<FailureClass, ClassSpan>,
    pub(crate) codes: BTreeMap<(FailureClass, u16), u64>,
    pub(crate) first: Option<UnixMillis>,
    pub(crate) last: Option<UnixMillis>,
    /// Failures that rejudging set aside, and those that it counts after all.
    set_aside: u64,
    held: u64,
}

impl SeriesTally {
    pub(crate) fn rejudge(&mut self, before: Verdict, judged: Verdict) {
        self.set_aside += u64::from(before == Verdict::Down && judged == Verdict::Unknown);
        self.held += u64::from(before == Verdict::Unknown && judged == Verdict::Down);
    }

    /// The counts of the windows after rejudging.
    pub(crate) fn rejudged(&self, counts: Counts) -> Counts {
        Counts {
            down: (counts.down + self.held).saturating_sub(self.set_aside),
            unknown: (counts.unknown + self.set_aside).saturating_sub(self.held),
            ..counts
        }
    }

    pub(crate) fn add(&mut self, check: &LoggedCheck, step: i64) {
        let bucket = check.at.floor(step);
        if bucket != self.bucket {
            self.flush();
            self.bucket = bucket;
        }
        self.counts.add(check);
        self.first = self.first.or(Some(check.at));
        if check.verdict != Verdict::Missed {
            self.last = Some(check.at);
        }
        if let Some(class) = check.counted_class() {
            let span = self.classes.entry(class).or_insert(ClassSpan { n: 0, first: check.at, last: check.at });
            span.n += 1;
            span.last = check.at;
            if let Some(code) = check.code {
                *self.codes.entry((class, code.get())).or_default() += 1;
            }
        }
    }

    /// Adds the good checks of a run, bucket by bucket.
    pub(crate) fn add_good(&mut self, run: &EvenRun, step: i64) {
        let (mut bucket, mut counted) = (run.first.at.floor(step), 0);
        while counted < run.count {
            if bucket != self.bucket {
                self.flush();
                self.bucket = bucket;
            }
            bucket += step;
            let before = run.before(bucket);
            self.counts.judged += before - counted;
            counted = before;
        }
        self.first = self.first.or(Some(run.first.at));
        self.last = Some(run.last_at);
    }

    pub(crate) fn flush(&mut self) {
        if self.counts != CheckCounts::default() {
            self.buckets.entry(self.bucket).or_default().merge(&std::mem::take(&mut self.counts));
        }
    }
}
