//! A [`Window`]: a mergeable summary of one probe's checks over a span of time.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Counts, FailureClass, Verdict};

use super::check_result::CheckResult;
use super::histogram::Histogram;
use super::latency::Latency;
use super::remotes::Remotes;
use super::strip::Strip;

/// A summary of one probe's checks, as seen from one vantage, over a span of time.
///
/// Two windows with the same key (vantage, probe, surface) merge into one; [`Window::empty`] of
/// that key is the neutral element.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The vantage that the checks were made from.
    pub vantage: Arc<str>,
    /// The probe's name.
    pub probe: Arc<str>,
    /// The probe's surface.
    pub surface: Arc<str>,
    /// Whether the probe is a control target.
    pub control: bool,
    /// Whether its checks were due within a maintenance window: they are recorded, but do not count against the
    /// objective.
    pub maintenance: bool,
    /// Whether any of its checks accepted any certificate (`tls.insecure`). Not part of the key.
    pub insecure: bool,
    /// Start of the span. A check belongs to the span in which it was due.
    pub from: Timestamp,
    /// The span ends before this.
    pub to: Timestamp,
    /// How many checks ended how.
    pub counts: Counts,
    /// How many up checks failed on an earlier attempt.
    pub flaky: u64,
    /// How many checks did not meet a `warn.*` of their probe. They are up.
    pub warnings: u64,
    /// How many checks failed with each class, `down` and `unknown` alike.
    pub failures: BTreeMap<FailureClass, u64>,
    /// How many failures came with each code, by class: `status` with 503, with 500.
    pub codes: BTreeMap<(FailureClass, u16), u64>,
    /// The own failures of the checks that are counted as `control_failed`, by class and code, so that a later report
    /// can judge them again.
    pub set_aside: BTreeMap<(FailureClass, Option<u16>), u64>,
    /// The verdicts in order.
    pub strip: Strip,
    /// How the judged checks that connected to a remote address ended, by address.
    pub remotes: Remotes,
    /// How long checks that were up took.
    pub latency: Latency,
    /// How long failing took: the total of the checks that were down.
    pub failed_latency: Histogram,
    /// How late the checks started that were run.
    pub lag: Histogram,
}

impl Window {
    /// The neutral element of a key: no checks, and a span that any other span replaces.
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
            warnings: 0,
            failures: BTreeMap::new(),
            codes: BTreeMap::new(),
            set_aside: BTreeMap::new(),
            strip: Strip::default(),
            remotes: Remotes::default(),
            latency: Latency::default(),
            failed_latency: Histogram::default(),
            lag: Histogram::default(),
        }
    }

    /// Whether the window has the same vantage, probe, surface and maintenance state, so that the two may merge.
    #[cfg(test)]
    pub(crate) fn same_key(&self, other: &Window) -> bool {
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
        self.warnings += other.warnings;
        self.insecure |= other.insecure;
        add_counts(&mut self.failures, &other.failures);
        add_counts(&mut self.codes, &other.codes);
        add_counts(&mut self.set_aside, &other.set_aside);
        self.strip.merge(&other.strip);
        self.remotes.merge(&other.remotes);
        self.latency.merge(&other.latency);
        self.failed_latency.merge(&other.failed_latency);
        self.lag.merge(&other.lag);
    }

    /// The checks that were due in `[from, to)`: counts, classes, codes, warnings and the strip are theirs exactly;
    /// histograms and remote addresses cannot be cut and stay those of the whole window. None if no check was due in
    /// that time. Every check belongs to the window's span, even one of format version 1 whose instant in the strip,
    /// its start, is past the end of the span.
    #[must_use]
    pub fn cut(&self, from: Timestamp, to: Timestamp) -> Option<Cow<'_, Window>> {
        if self.counts.scheduled() == 0 || self.to <= from || self.from >= to {
            return None;
        }
        if from <= self.from && self.to <= to {
            return Some(Cow::Borrowed(self));
        }
        let lower = if from <= self.from { Timestamp::MIN } else { from };
        let upper = if self.to <= to { Timestamp::MAX } else { to };
        let strip = self.strip.cut(lower, upper);
        if strip.is_empty() {
            return None;
        }
        let mut part = Window {
            from: self.from.max(from),
            to: self.to.min(to),
            counts: Counts::default(),
            flaky: 0,
            warnings: 0,
            failures: BTreeMap::new(),
            codes: BTreeMap::new(),
            set_aside: BTreeMap::new(),
            strip: Strip::default(),
            ..self.clone()
        };
        for (result, count) in strip.results() {
            part.count(result, count);
        }
        part.flaky += self.unplaced_flaky(lower, upper);
        part.strip = strip;
        Some(Cow::Owned(part))
    }

    /// Counts checks with a result, everywhere but in the strip and the histograms.
    pub(super) fn count(&mut self, result: CheckResult, count: u64) {
        self.counts.add(result.verdict, count);
        self.flaky += if result.flaky { count } else { 0 };
        self.warnings += if result.warned { count } else { 0 };
        let Some(class) = result.class else { return };
        *self.failures.entry(class).or_default() += count;
        let code = result.code.map(NonZero::get);
        if let Some(own_class) = result.own_class {
            *self.set_aside.entry((own_class, code)).or_default() += count;
        } else if let Some(code) = code {
            *self.codes.entry((class, code)).or_default() += count;
        }
    }

    /// How many flaky checks belong to a part of the time. The strip of a version 1 line does not say which they were:
    /// then the first ones that were up count as flaky, so that parts add up to the whole.
    fn unplaced_flaky(&self, from: Timestamp, to: Timestamp) -> u64 {
        let placed = self.strip.results().filter(|(result, _)| result.flaky).map(|(_, count)| count).sum();
        let unplaced = self.flaky.saturating_sub(placed);
        if unplaced == 0 {
            return 0;
        }
        let up_before = |at| self.strip.cut(Timestamp::MIN, at).counts().up.min(unplaced);
        up_before(to) - up_before(from)
    }

    /// When a check with this verdict was first seen; none if there was none.
    #[must_use]
    pub fn first(&self, verdict: Verdict) -> Option<Timestamp> {
        self.strip.first(verdict)
    }

    /// When a check with this verdict was last seen; none if there was none.
    #[must_use]
    pub fn last(&self, verdict: Verdict) -> Option<Timestamp> {
        self.strip.last(verdict)
    }
}

/// Adds counts by a key.
pub(crate) fn add_counts<K: Ord + Copy>(sum: &mut BTreeMap<K, u64>, more: &BTreeMap<K, u64>) {
    for (key, count) in more {
        *sum.entry(*key).or_default() += count;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::test_windows;
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
            a in test_windows::window(),
            b in test_windows::window(),
            c in test_windows::window(),
        ) {
            prop_assert_eq!(merged(&a, &b), merged(&b, &a));
            prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
            let empty = Window::empty(&a.vantage, &a.probe, &a.surface, a.control);
            prop_assert_eq!(&merged(&a, &empty), &a);
            prop_assert_eq!(&merged(&empty, &a), &a);
        }

        #[test]
        fn parts_of_any_range_add_up_and_are_what_was_due_in_it(
            outcomes in prop::collection::vec(test_windows::outcome(test_windows::MINUTE), 1..60),
            joined in any::<bool>(),
            cuts in [-20_000_i64..620_000, 0_i64..400_000, 0_i64..400_000],
        ) {
            let window = test_windows::window_of(&outcomes, joined);
            let at = |cut: i64| Timestamp::from_millisecond(test_windows::MINUTE * 60_000 + cut).expect("an instant");
            let [a, b, c] = [cuts[0], cuts[0] + cuts[1], cuts[0] + cuts[1] + cuts[2]].map(at);
            let part = |from, to| {
                let mut sum = Window::empty(&window.vantage, &window.probe, &window.surface, false);
                if let Some(cut) = window.cut(from, to) {
                    sum.merge(&cut);
                }
                sum
            };
            let due = |from, to| outcomes.iter().filter(move |outcome| from <= outcome.scheduled_at && outcome.scheduled_at < to);
            for (from, to) in [(a, b), (b, c), (a, c)] {
                let found = part(from, to);
                let truth = test_windows::window_of(&due(from, to).cloned().collect::<Vec<_>>(), joined);
                prop_assert_eq!(found.counts, truth.counts);
                prop_assert_eq!((found.flaky, found.warnings), (truth.flaky, truth.warnings));
                prop_assert_eq!(&found.failures, &truth.failures);
                prop_assert_eq!((&found.codes, &found.set_aside), (&truth.codes, &truth.set_aside));
            }
            let (mut sum, whole) = (part(a, b), part(a, c));
            sum.merge(&part(b, c));
            prop_assert_eq!(sum.counts, whole.counts);
            prop_assert_eq!((&sum.failures, &sum.codes, &sum.set_aside), (&whole.failures, &whole.codes, &whole.set_aside));
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
            // Samples in the last bucket, which ends at an hour, are shown as the maximum.
            prop_assert!(found >= exact, "{found} {exact}");
            prop_assert!(found - exact <= exact / 1000 || exact >= 3_598_000_000, "{found} {exact}");
            prop_assert_eq!(merged.min_micros(), union.first().copied());
            prop_assert_eq!(merged.max_micros(), union.last().copied());
            prop_assert_eq!(merged.sum_micros(), union.iter().sum::<u64>());
        }
    }
}
