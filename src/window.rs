//! Outcomes added up: a [`Window`] is a mergeable summary of one probe's checks over a span of
//! time. Windows form a commutative monoid, so runs, machines and years need no coordination:
//! merging is adding. This module knows no file and no clock.

#[cfg(test)]
pub(crate) mod arbitrary;
mod buckets;
mod collector;
mod hdr;
mod histogram;
mod latency;
mod strip;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Counts, FailureClass, Verdict};

pub use collector::Collector;
pub use hdr::{HdrError, HdrText};
pub use histogram::Histogram;
pub use latency::Latency;
pub use strip::{Run, Strip, StripError};

/// A summary of one probe's checks, as seen from one vantage, over a span of time.
///
/// Two windows with the same key (vantage, probe, surface) merge into one; [`Window::empty`] of
/// that key is the neutral element.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// Where we asked from.
    pub vantage: Arc<str>,
    /// The probe's name.
    pub probe: Arc<str>,
    /// The probe's surface.
    pub surface: Arc<str>,
    /// Whether the probe is a control target.
    pub control: bool,
    /// Whether its checks were due within a maintenance window: recorded, and not counted against
    /// the objective.
    pub maintenance: bool,
    /// Whether any of its checks accepted any certificate (`tls.insecure`). Not a part of the key.
    pub insecure: bool,
    /// The span begins here. A check belongs to the span in which it was due.
    pub from: Timestamp,
    /// The span ends before this.
    pub to: Timestamp,
    /// How many checks ended how.
    pub counts: Counts,
    /// How many of those that were up failed at first.
    pub flaky: u64,
    /// How many checks failed with each class, `down` and `unknown` alike.
    pub failures: BTreeMap<FailureClass, u64>,
    /// The verdicts in order.
    pub strip: Strip,
    /// How long the checks took that were up.
    pub latency: Latency,
    /// How long it took to fail: the total of the checks that were down.
    pub failed_latency: Histogram,
    /// How late the checks began that were run.
    pub lag: Histogram,
}

impl Window {
    /// The neutral element of a key: no check, and a span that any other span replaces.
    #[must_use]
    pub fn empty(vantage: &Arc<str>, probe: &Arc<str>, surface: &Arc<str>, control: bool) -> Window {
        Window {
            vantage: Arc::clone(vantage),
            probe: Arc::clone(probe),
            surface: Arc::clone(surface),
            control,
            maintenance: false,
            insecure: false,
            from: Timestamp::MAX,
            to: Timestamp::MIN,
            counts: Counts::default(),
            flaky: 0,
            failures: BTreeMap::new(),
            strip: Strip::default(),
            latency: Latency::default(),
            failed_latency: Histogram::default(),
            lag: Histogram::default(),
        }
    }

    /// Whether the window is of the same vantage, probe and surface, in or out of maintenance
    /// alike, so that the two may merge.
    #[must_use]
    pub fn same_key(&self, other: &Window) -> bool {
        self.vantage == other.vantage
            && self.probe == other.probe
            && self.surface == other.surface
            && self.control == other.control
            && self.maintenance == other.maintenance
    }

    /// Adds the checks of another window. Commutative and associative among windows of one key;
    /// across keys the numbers still add up, and the labels stay those of `self`.
    pub fn merge(&mut self, other: &Window) {
        self.from = self.from.min(other.from);
        self.to = self.to.max(other.to);
        self.counts.merge(&other.counts);
        self.flaky += other.flaky;
        self.insecure |= other.insecure;
        for (class, count) in &other.failures {
            *self.failures.entry(*class).or_default() += count;
        }
        self.strip.merge(&other.strip);
        self.latency.merge(&other.latency);
        self.failed_latency.merge(&other.failed_latency);
        self.lag.merge(&other.lag);
    }

    /// When a check with this verdict was first seen; none where there was none.
    #[must_use]
    pub fn first(&self, verdict: Verdict) -> Option<Timestamp> {
        self.strip.first(verdict)
    }

    /// When a check with this verdict was last seen; none where there was none.
    #[must_use]
    pub fn last(&self, verdict: Verdict) -> Option<Timestamp> {
        self.strip.last(verdict)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn merged(first: &Window, second: &Window) -> Window {
        let mut sum = first.clone();
        sum.merge(second);
        sum
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn merging_is_commutative_and_associative_and_the_empty_window_is_neutral(
            a in arbitrary::window(),
            b in arbitrary::window(),
            c in arbitrary::window(),
        ) {
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            let empty = Window::empty(&a.vantage, &a.probe, &a.surface, a.control);
            prop_assert_eq!(&merged(&a, &empty), &a);
            prop_assert_eq!(&merged(&empty, &a), &a);
        }

        #[test]
        fn a_merged_percentile_is_that_of_the_union_within_one_bucket(
            parts in prop::collection::vec(prop::collection::vec(0_u64..5_000_000_000, 0..200), 1..6),
            q in 0.01_f64..1.0,
        ) {
            let mut merged = Histogram::default();
            let mut union = Vec::new();
            for part in parts {
                let mut histogram = Histogram::default();
                for value in part {
                    histogram.record_micros(value);
                    union.push(value);
                }
                merged.merge(&histogram);
            }
            union.sort_unstable();
            let Some(found) = merged.quantile(q) else {
                prop_assert!(union.is_empty());
                return Ok(());
            };
            #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "hundreds")]
            let rank = ((q * union.len() as f64 - 1e-9).ceil() as usize).max(1);
            let exact = union[rank - 1];
            let found = u64::try_from(found.as_micros()).expect("it fits");
            // What is in the last bucket, which ends at an hour, is shown as the maximum.
            prop_assert!(found >= exact, "{found} {exact}");
            prop_assert!(found - exact <= exact / 1000 || exact >= 3_598_000_000, "{found} {exact}");
            prop_assert_eq!(merged.min_micros(), union.first().copied());
            prop_assert_eq!(merged.max_micros(), union.last().copied());
            prop_assert_eq!(merged.sum_micros(), union.iter().sum::<u64>());
        }
    }
}
