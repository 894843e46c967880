//! The series of a window: counters and histograms of its checks.

use std::borrow::Cow;
use std::sync::Arc;

use super::family::{CHECKS, DURATION, FAILED_DURATION, FAILURES, FLAKY, Family, LAG, PHASE_DURATION};
use super::series::{Identity, Series, Subject, Value};
use crate::model::{FailureClass, Phase, Shard, Verdict};
use crate::window::Window;

/// The identity of a window that a prober, or a shard, has recorded.
#[must_use]
pub(crate) fn identity_of(window: &Window, shard: Option<Shard>) -> Identity {
    let Window { vantage, probe, surface, control, .. } = window;
    Identity::new(Subject { vantage, probe, surface, control: *control }, shard)
}

/// The series of a window. A phase that never happened has none.
#[must_use]
pub(crate) fn of_window<'w>(window: &'w Window, shard: Option<Shard>) -> Vec<Series<'w>> {
    let of = Arc::new(identity_of(window, shard));
    let mut all = Vec::new();
    let mut add = |family: &'static Family, label: Option<(&'static str, &'static str)>, value: Value<'w>| {
        let more_labels = label.map(|(name, value)| (name, Cow::Borrowed(value))).into_iter().collect();
        all.push(Series { family, of: Arc::clone(&of), more_labels, value });
    };
    let counts = window.counts;
    for (verdict, count) in [
        (Verdict::Up, counts.up),
        (Verdict::Down, counts.down),
        (Verdict::Unknown, counts.unknown),
        (Verdict::Missed, counts.missed),
    ] {
        add(&CHECKS, Some(("verdict", verdict.name())), Value::Count(count));
    }
    for (class, count) in &window.failures {
        add(&FAILURES, Some(("class", FailureClass::name(*class))), Value::Count(*count));
    }
    add(&FLAKY, None, Value::Count(window.flaky));
    add(&DURATION, None, Value::Histogram(&window.latency.total));
    for phase in Phase::ALL {
        let histogram = window.latency.phase(phase);
        if !histogram.is_empty() {
            add(&PHASE_DURATION, Some(("phase", phase.name())), Value::Histogram(histogram));
        }
    }
    add(&FAILED_DURATION, None, Value::Histogram(&window.failed_latency));
    add(&LAG, None, Value::Histogram(&window.lag));
    all
}

/// A zero for each class that a probe can fail with and has not yet: otherwise the first failure would start its series
/// at 1, which shows no increase.
#[must_use]
pub(crate) fn zero_failures(window: &Window, possible: &[FailureClass], shard: Option<Shard>) -> Vec<Series<'static>> {
    let of = Arc::new(identity_of(window, shard));
    let missing = possible.iter().filter(|class| !window.failures.contains_key(class));
    let zero = |class: &FailureClass| Series {
        family: &FAILURES,
        of: Arc::clone(&of),
        more_labels: vec![("class", Cow::Borrowed(class.name()))],
        value: Value::Count(0),
    };
    missing.map(zero).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_that_never_happened_has_no_series() {
        let names = ["here", "home", "web"].map(Arc::from);
        let mut window = Window::empty(&names[0], &names[1], &names[2], false);
        window.latency.connect.record_micros(95);
        let phases: Vec<_> = of_window(&window, None)
            .into_iter()
            .filter(|series| series.family == &PHASE_DURATION)
            .map(|series| series.more_labels)
            .collect();
        assert_eq!(phases, [vec![("phase", Cow::Borrowed("connect"))]]);
    }

    #[test]
    fn a_shard_is_a_label_where_every_shard_has_the_series() {
        let shard = Shard::new(1, 4).ok();
        let names = ["here", "internet", "web"].map(Arc::from);
        for (control, expected) in [(true, "1/4"), (false, "")] {
            let window = Window::empty(&names[0], &names[1], &names[2], control);
            let series = of_window(&window, shard).remove(0);
            let of = series.labels().find(|(name, _)| *name == "shard").map(|(_, value)| value);
            assert_eq!(of.unwrap_or_default(), expected);
        }
        assert_eq!(Identity::of_prober("here", shard).shard, "1/4");
    }

    #[test]
    fn what_can_fail_and_has_not_is_zero() {
        let names = ["here", "home", "web"].map(Arc::from);
        let mut window = Window::empty(&names[0], &names[1], &names[2], false);
        window.failures.insert(FailureClass::Status, 3);
        let possible = [FailureClass::Status, FailureClass::ConnectRefused];
        let zeros = zero_failures(&window, &possible, None);
        let classes: Vec<_> = zeros.iter().flat_map(|series| series.more_labels.clone()).collect();
        assert_eq!(classes, [("class", Cow::Borrowed("connect_refused"))]);
    }
}
