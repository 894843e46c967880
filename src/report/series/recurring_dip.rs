//! A dip that recurs at the same minutes of an hour on most days, such as a nightly job that makes
//! checks fail for ten minutes. The failures expected then are not the mean of the hour.

use std::collections::BTreeMap;

use crate::model::UnixMillis;
use crate::report::fold::history::{HOUR_MS, Judged, SLOT_MS};
use crate::report::statistics::{number, ratio};

/// The number of five-minute slots in an hour.
const SLOTS: usize = 12;

/// Slots with fewer failures, over all days, are no dip.
const FEWEST: u64 = 10;

/// A slot of a dip has more than this many times the failures of the calmer half of the slots.
const TIMES: u64 = 4;

/// The least mean failed ratio at which reports say "as on 14 of 14 days".
const MENTIONED_FROM: f64 = 0.02;

/// Slots of an hour in which far more checks fail than in the others, on most days.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RecurringDip {
    slots: [bool; SLOTS],
    /// The failed ratio in these slots, and in the others.
    within: f64,
    without: f64,
}

/// The number of days on which a failed ratio recurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Recurrence {
    pub(crate) days: u64,
    pub(crate) of: u64,
}

impl RecurringDip {
    /// The dip of an hour of the day; `None` if there is none. `failing`: failures by slot; `days`:
    /// the start of that hour on earlier days, with its checks.
    pub(crate) fn of(failing: &BTreeMap<UnixMillis, u64>, days: &[(UnixMillis, Judged)]) -> Option<RecurringDip> {
        let (mut failed, mut on_days) = ([0_u64; SLOTS], [0_usize; SLOTS]);
        for (begin, _) in days {
            for (slot, n) in failing.range(*begin..*begin + HOUR_MS) {
                if let Some(at) = place(*slot) {
                    failed[at] += n;
                    on_days[at] += 1;
                }
            }
        }
        let mut sorted = failed;
        sorted.sort_unstable();
        let others = sorted.iter().take(SLOTS / 2).sum::<u64>() / (SLOTS as u64 / 2) + 1;
        let is_dip = |at: usize| failed[at] >= FEWEST && failed[at] > TIMES * others && on_days[at] * 2 > days.len();
        let slots: [bool; SLOTS] = std::array::from_fn(is_dip);
        let count = slots.iter().filter(|dip| **dip).count();
        if count == 0 || count == SLOTS {
            return None;
        }
        let judged = number(days.iter().map(|(_, judged)| judged.n).sum());
        let all: u64 = days.iter().map(|(_, judged)| judged.failed).sum();
        let within: u64 = failed.iter().zip(slots).filter(|(_, dip)| *dip).map(|(n, _)| n).sum();
        let checks = |slots: usize| (judged * number(slots as u64) / number(SLOTS as u64)).max(1.0);
        Some(RecurringDip {
            slots,
            within: (number(within) / checks(count)).min(1.0),
            without: (number(all.saturating_sub(within)) / checks(SLOTS - count)).min(1.0),
        })
    }

    /// Whether an instant lies in the dip, by its minute of the hour.
    pub(crate) fn covers(&self, at: UnixMillis) -> bool {
        place(at).is_some_and(|at| self.slots[at])
    }

    /// The expected failed ratio between two instants of one hour.
    pub(crate) fn ratio(&self, from: UnixMillis, to: UnixMillis) -> f64 {
        let hour = from.floor(HOUR_MS);
        let mut expected = 0.0;
        for (at, is_dip) in (0..).zip(self.slots) {
            let begin = hour + at * SLOT_MS;
            let length = (to.min(begin + SLOT_MS) - from.max(begin)).max(0);
            let share = if is_dip { self.within } else { self.without };
            expected += share * number(u64::try_from(length).unwrap_or_default());
        }
        expected / number(u64::try_from(to - from).unwrap_or_default().max(1))
    }
}

impl Recurrence {
    /// The number of days on which the failed ratio was at least half its mean, within the dip if
    /// there is one. `None` if the mean is too low to mention, or if these are not most days.
    pub(crate) fn of(
        failing: &BTreeMap<UnixMillis, u64>,
        days: &[(UnixMillis, Judged)],
        dip: Option<RecurringDip>,
    ) -> Option<Recurrence> {
        let found = |(begin, judged): &(UnixMillis, Judged)| match dip {
            Some(dip) => {
                let within = failing.range(*begin..*begin + HOUR_MS).filter(|(slot, _)| dip.covers(**slot));
                let slots = dip.slots.iter().filter(|dip| **dip).count() as u64;
                ratio(within.map(|(_, n)| n).sum(), judged.n * slots / SLOTS as u64).unwrap_or_default()
            }
            None => ratio(judged.failed, judged.n).unwrap_or_default(),
        };
        let shares: Vec<f64> = days.iter().map(found).collect();
        let mean = shares.iter().sum::<f64>() / number(shares.len().max(1) as u64);
        let as_usual = shares.iter().filter(|share| **share >= mean / 2.0).count() as u64;
        let of = shares.len() as u64;
        (mean >= MENTIONED_FROM && as_usual * 2 > of).then_some(Recurrence { days: as_usual, of })
    }
}

/// The index of an instant's slot within its hour.
fn place(at: UnixMillis) -> Option<usize> {
    usize::try_from(at.rem_euclid(HOUR_MS) / SLOT_MS).ok().filter(|place| *place < SLOTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hour(day: i64) -> UnixMillis {
        UnixMillis(day * 24 * HOUR_MS + 2 * HOUR_MS)
    }

    #[test]
    fn what_fails_evenly_or_on_few_days_is_no_dip() {
        let days: Vec<(UnixMillis, Judged)> = (0..14).map(|day| (hour(day), Judged { n: 1_200, failed: 24 })).collect();
        let even: BTreeMap<UnixMillis, u64> =
            (0..14).flat_map(|day| (0..12).map(move |slot| (hour(day) + slot * SLOT_MS, 2))).collect();
        assert_eq!(RecurringDip::of(&even, &days), None);
        let once: BTreeMap<UnixMillis, u64> = (0..3).map(|day| (hour(day) + SLOT_MS, 100)).collect();
        assert_eq!(RecurringDip::of(&once, &days), None);
        let nightly: BTreeMap<UnixMillis, u64> = (0..14).map(|day| (hour(day) + SLOT_MS, 24)).collect();
        let dip = RecurringDip::of(&nightly, &days).expect("a dip");
        assert!((dip.within - 0.24).abs() < 1e-9 && dip.without < 1e-9, "{dip:?}");
        assert!(dip.covers(hour(20) + SLOT_MS) && !dip.covers(hour(20)));
        assert_eq!(Recurrence::of(&nightly, &days, Some(dip)), Some(Recurrence { days: 14, of: 14 }));
    }
}
