//! The outcomes that a report keeps, bounded: all of a small run; of a long one first failures of
//! each class, and the last outcome of each probe.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::model::{FailureClass, Outcome, Verdict};

/// A run of up to this many checks keeps every outcome.
pub(crate) const ALL_UP_TO: usize = 2_000;

/// How many first failures a longer run keeps, per class and probe.
const FAILURES_OF_A_CLASS: u32 = 10;

/// How many first failures a longer run keeps in total: it may run for years. The oldest ones of the
/// class with the most of them go first.
const FAILURES: usize = 2_000;

/// The outcomes kept so far.
#[derive(Debug, Default)]
pub(crate) struct Retained {
    /// By number, in the order in which they ended.
    outcomes: BTreeMap<u64, Arc<Outcome>>,
    seen: u64,
    /// What is kept of a long run; `None` while the run is small.
    thinned: Option<Thinned>,
    /// Whether a long run drops a good outcome even if it is the probe's last.
    forgets_good: bool,
}

#[derive(Debug, Default)]
struct Thinned {
    failures: BTreeMap<(String, FailureClass), u32>,
    /// The numbers of the failures kept, by class.
    kept: BTreeMap<FailureClass, VecDeque<u64>>,
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
                thinned.keep_first(number, &outcome, &mut self.outcomes);
                thinned.note(number, outcome, self.forgets_good);
            }
        }
    }

    /// Switches to the limits of a long run, and drops the outcomes beyond them.
    fn thin(&mut self) {
        let mut thinned = Thinned::default();
        for (number, outcome) in std::mem::take(&mut self.outcomes) {
            thinned.keep_first(number, &outcome, &mut self.outcomes);
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

    /// Keeps an outcome in `outcomes` if it is one of the first failures of its class and probe.
    /// Beyond [`FAILURES`] another goes.
    fn keep_first(&mut self, number: u64, outcome: &Arc<Outcome>, outcomes: &mut BTreeMap<u64, Arc<Outcome>>) {
        let Some(class) = outcome.class() else { return };
        let retained = self.failures.entry((outcome.probe.clone(), class)).or_default();
        *retained = retained.saturating_add(1);
        if *retained > FAILURES_OF_A_CLASS {
            return;
        }
        outcomes.insert(number, Arc::clone(outcome));
        self.kept.entry(class).or_default().push_back(number);
        if outcomes.len() > FAILURES
            && let Some(most) = self.kept.values_mut().max_by_key(|numbers| numbers.len())
            && let Some(oldest) = most.pop_front()
        {
            outcomes.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::model::{Check, Failure, Probe, SafeText};

    fn outcome(probe: usize, class: FailureClass) -> Arc<Outcome> {
        let probe = Arc::new(Probe::plain(&format!("p{probe}"), "web", "http://x.test/", Duration::from_secs(10)));
        let check = Check { probe, scheduled_at: Timestamp::UNIX_EPOCH, lag: Duration::ZERO };
        let failure = Failure::new(class, None, SafeText::message("no"));
        Arc::new(Outcome::without_measurement(&check, "here", Timestamp::UNIX_EPOCH, failure))
    }

    #[test]
    fn what_a_long_run_keeps_does_not_grow_with_its_probes_and_classes() {
        let mut retained = Retained::forgetting_good();
        retained.add(outcome(0, FailureClass::TlsCertExpired));
        for class in [FailureClass::ConnectRefused, FailureClass::ConnectTimeout, FailureClass::Status] {
            for _ in 0..FAILURES_OF_A_CLASS {
                (0..300).for_each(|probe| retained.add(outcome(probe, class)));
            }
        }
        retained.add(outcome(1, FailureClass::DnsTimeout));
        assert_eq!(retained.outcomes.len(), FAILURES);
        let (outcomes, left_out) = retained.finish();
        assert_eq!(outcomes.len() as u64 + left_out, 9_002);
        assert!(outcomes.len() <= FAILURES + 300);
        for class in [FailureClass::TlsCertExpired, FailureClass::ConnectRefused, FailureClass::DnsTimeout] {
            assert!(outcomes.iter().any(|outcome| outcome.class() == Some(class)), "{class:?} is rare");
        }
    }
}
