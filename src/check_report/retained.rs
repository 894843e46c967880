//! The outcomes that a report keeps, bounded: all of a small run; of a long one the first failures
//! of each class and the last outcome of each probe.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{FailureClass, Outcome, Verdict};

/// A run of up to this many checks keeps every outcome.
pub(crate) const ALL_UP_TO: usize = 2_000;

/// How many first failures a longer run keeps, per class and probe.
const FAILURES_OF_A_CLASS: u32 = 10;

/// The outcomes kept so far.
#[derive(Debug, Default)]
pub(crate) struct Retained {
    /// By number, in the order in which they ended.
    outcomes: BTreeMap<u64, Arc<Outcome>>,
    seen: u64,
    /// The number of failures kept by probe and class, and each probe's last outcome; `None` while
    /// the run is small.
    thinned: Option<Thinned>,
    /// Whether a long run drops a good outcome even if it is the probe's last.
    forgets_good: bool,
}

#[derive(Debug, Default)]
struct Thinned {
    failures: BTreeMap<(String, FailureClass), u32>,
    last: BTreeMap<String, (u64, Arc<Outcome>)>,
}

impl Retained {
    /// For a run that continues until somebody stops it: then the last good check of each of many
    /// probes is not worth keeping.
    pub(crate) fn forgetting_good() -> Retained {
        Retained { forgets_good: true, ..Retained::default() }
    }

    /// Keeps an outcome, or drops it if the run is long and the outcome is neither a first failure
    /// nor its probe's last.
    pub(crate) fn add(&mut self, outcome: Arc<Outcome>) {
        let number = self.seen;
        self.seen += 1;
        if self.thinned.is_none() && self.outcomes.len() >= ALL_UP_TO {
            self.thin();
        }
        match &mut self.thinned {
            None => {
                self.outcomes.insert(number, outcome);
            }
            Some(thinned) => {
                if thinned.wants(&outcome) {
                    self.outcomes.insert(number, Arc::clone(&outcome));
                }
                thinned.note(number, outcome, self.forgets_good);
            }
        }
    }

    /// Switches to the limits of a long run, and drops the outcomes beyond them.
    fn thin(&mut self) {
        let mut thinned = Thinned::default();
        for (number, outcome) in std::mem::take(&mut self.outcomes) {
            if thinned.wants(&outcome) {
                self.outcomes.insert(number, Arc::clone(&outcome));
            }
            thinned.note(number, outcome, self.forgets_good);
        }
        self.thinned = Some(thinned);
    }

    /// The outcomes kept, in the order in which they ended, and how many were left out.
    pub(crate) fn finish(mut self) -> (Vec<Outcome>, u64) {
        for (number, outcome) in self.thinned.into_iter().flat_map(|thinned| thinned.last.into_values()) {
            self.outcomes.entry(number).or_insert(outcome);
        }
        let outcomes: Vec<Outcome> = self.outcomes.into_values().map(Arc::unwrap_or_clone).collect();
        let left_out = self.seen - outcomes.len() as u64;
        (outcomes, left_out)
    }
}

impl Thinned {
    /// Keeps an outcome as the last of its probe. A good one with `forgets_good` is not kept, and
    /// replaces the last by none.
    fn note(&mut self, number: u64, outcome: Arc<Outcome>, forgets_good: bool) {
        if forgets_good && outcome.verdict == Verdict::Up {
            self.last.remove(&outcome.probe);
        } else {
            self.last.insert(outcome.probe.clone(), (number, outcome));
        }
    }

    /// Whether an outcome is one of the first failures of its class; it is counted if it is a
    /// failure.
    fn wants(&mut self, outcome: &Outcome) -> bool {
        let Some(class) = outcome.class() else { return false };
        let retained = self.failures.entry((outcome.probe.clone(), class)).or_default();
        *retained += 1;
        *retained <= FAILURES_OF_A_CLASS
    }
}
