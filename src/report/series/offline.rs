//! Detects when a vantage itself was offline: all its control targets failed because of the
//! network, and no other check there was up. Its results from then say nothing about the targets.

use std::collections::BTreeMap;
use std::num::NonZero;

use crate::model::{FailureClass, Verdict};
use crate::report::fold::even_run::EvenRun;
use crate::report::fold::logged_check::LoggedCheck;
use crate::report::fold::probe_series::Series;
use crate::report::series::judgement::JudgedCheck;

/// The spans of time in which a vantage was offline, in milliseconds since 1970, in order. The ends
/// are the good checks around the failed ones and are not part of the span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offline {
    spans: Vec<(i64, i64)>,
    /// The spans in which no control target answered, whatever other checks found.
    unanswered: Vec<(i64, i64)>,
}

impl Offline {
    /// The spans in which all these control series of one vantage failed because of the network,
    /// and no other series of the vantage was up.
    pub(crate) fn of(controls: &[&Series], targets: &[&Series]) -> Offline {
        let checks: Vec<_> = controls.iter().map(|control| checks_of(control, targets)).collect();
        let is_online = |disproved: Option<u32>| disproved.is_none_or(|disproved| (1..DEAD_AFTER).contains(&disproved));
        Offline {
            spans: both(
                &in_all(checks.iter().map(|checks| failing(checks, is_online))),
                &between(&in_all(checks.iter().map(|checks| dead(checks)))),
            ),
            unanswered: in_all(checks.iter().map(|checks| failing(checks, |disproved| disproved.is_none()))),
        }
    }

    /// Whether the vantage was offline at an instant.
    pub(crate) fn covers(&self, at: i64) -> bool {
        lies_in(&self.spans, at)
    }

    /// Rejudges a check with all that is known of its vantage. A failure while the vantage was
    /// offline does not count against the target. A failure that the prober set aside does count if
    /// a control target answered after all. Otherwise, and for a vantage without control targets,
    /// the prober's verdict stands.
    pub(crate) fn judged(offline: Option<&Offline>, check: LoggedCheck) -> LoggedCheck {
        let Some(offline) = offline else { return check };
        match (check.verdict, offline.covers(check.at)) {
            (Verdict::Down, true) => LoggedCheck { verdict: Verdict::Unknown, is_set_aside: true, ..check },
            (Verdict::Unknown, false) if check.is_set_aside && !lies_in(&offline.unanswered, check.at) => {
                let verdict = check.class.map_or(Verdict::Unknown, FailureClass::verdict);
                LoggedCheck { verdict, is_set_aside: false, ..check }
            }
            _ => check,
        }
    }

    /// Whether the vantage was online from the first to the last of some checks.
    pub(crate) fn is_clear(&self, checks: &EvenRun) -> bool {
        let next = self.spans.partition_point(|(_, to)| *to <= checks.first.at);
        self.spans.get(next).is_none_or(|(from, _)| *from >= checks.last_at)
    }

    /// Whether the vantage was offline at the end of the data.
    pub(crate) fn is_open(&self) -> bool {
        self.spans.last().is_some_and(|(_, to)| *to == i64::MAX)
    }
}

/// Whether an instant lies within a span, ends excluded.
fn lies_in(spans: &[(i64, i64)], at: i64) -> bool {
    let next = spans.partition_point(|(_, to)| *to <= at);
    spans.get(next).is_some_and(|(from, to)| *from < at && at < *to)
}

/// A control target of which so many failures in a row were disproved is dead, until it answers.
const DEAD_AFTER: u32 = 3;

/// When a check of a control target was due, and how many failures in a row up to it were disproved; `None` if it shows
/// by itself that the vantage was online.
type ControlCheck = (i64, Option<u32>);

/// The judged checks of a control target.
fn checks_of(series: &Series, targets: &[&Series]) -> Vec<ControlCheck> {
    let checks: Vec<LoggedCheck> = series.lead_in.iter().chain(series.log.iter()).filter(is_judged).collect();
    let mut disproved = 0;
    let of_each = checks.iter().enumerate().map(|(n, check)| {
        let before = n.checked_sub(1).map(|n| checks[n].at);
        let after = checks.get(n + 1).map(|next| next.at);
        if !may_be_offline(check) {
            disproved = 0;
            return (check.at, None);
        }
        let is_disproved = other_checks_show_online(check.at, before, after, targets, disproved > 0);
        disproved = if is_disproved { disproved + 1 } else { 0 };
        (check.at, Some(disproved))
    });
    of_each.collect()
}

/// The spans around the checks of a control target that do not show the vantage online, between those that do.
fn failing(checks: &[ControlCheck], is_online: impl Fn(Option<u32>) -> bool) -> Vec<(i64, i64)> {
    let (mut last_good, mut failing_since) = (i64::MIN, None);
    let mut spans = Vec::new();
    for (at, disproved) in checks {
        if is_online(*disproved) {
            spans.extend(failing_since.take().map(|since| (since, *at)));
            last_good = *at;
        } else {
            failing_since = failing_since.or(Some(last_good));
        }
    }
    spans.extend(failing_since.map(|since| (since, i64::MAX)));
    spans
}

/// The spans in which a control target was dead: it failed again and again while other targets were good. What it
/// fails until it answers says nothing of the vantage.
fn dead(checks: &[ControlCheck]) -> Vec<(i64, i64)> {
    let (mut spans, mut since, mut last) = (Vec::new(), None, i64::MIN);
    for (at, disproved) in checks {
        match disproved {
            None => spans.extend(since.take().map(|since| (since, *at))),
            Some(disproved) if *disproved >= DEAD_AFTER => since = since.or(Some(last)),
            Some(_) => {}
        }
        last = *at;
    }
    spans.extend(since.map(|since| (since, i64::MAX)));
    spans
}

/// The time that lies in the spans of every control target.
fn in_all(spans: impl Iterator<Item = Vec<(i64, i64)>>) -> Vec<(i64, i64)> {
    spans.reduce(|one, other| both(&one, &other)).unwrap_or_default()
}

/// The time outside of some spans, which are in order and disjoint.
fn between(spans: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut from = i64::MIN;
    let mut between: Vec<(i64, i64)> =
        spans.iter().map(|span| (std::mem::replace(&mut from, span.1), span.0)).collect();
    between.push((from, i64::MAX));
    between.retain(|(from, to)| from < to);
    between
}

fn is_judged(check: &LoggedCheck) -> bool {
    matches!(check.verdict, Verdict::Up | Verdict::Down)
}

/// Whether a check of a control target suggests that the vantage is offline. Any answer proves that
/// it is online: only failures to resolve or connect, and timeouts, can be the vantage's own.
fn may_be_offline(check: &LoggedCheck) -> bool {
    check.verdict == Verdict::Down && check.class.is_none_or(FailureClass::may_be_offline)
}

/// The results of the latest checks of control targets.
#[derive(Clone, Debug, Default)]
pub(crate) struct ControlAnswers {
    /// Judged checks, and those of them that were up.
    pub(crate) judged: u64,
    pub(crate) good: u64,
    /// Checks that got any answer.
    pub(crate) answered: u64,
    /// The failures, by class and status code.
    pub(crate) failures: BTreeMap<(FailureClass, Option<u16>), u64>,
}

impl ControlAnswers {
    /// Those of one control target in the span of its latest checks.
    pub(crate) fn of(series: &Series, latest: &[JudgedCheck]) -> ControlAnswers {
        let mut found = ControlAnswers::default();
        let (Some(first), Some(last)) = (latest.first(), latest.last()) else { return found };
        for check in series.between(first.at, last.at).filter(is_judged) {
            found.judged += 1;
            found.good += u64::from(check.verdict == Verdict::Up);
            found.answered += u64::from(!may_be_offline(&check));
            if let Some(class) = check.class.filter(|_| check.verdict == Verdict::Down) {
                *found.failures.entry((class, check.code.map(NonZero::get))).or_default() += 1;
            }
        }
        found
    }
}

/// Whether the vantage was online although a check of a control target failed: other checks were up
/// both before and after it, within the distance to its neighbours. If it is the last check, the
/// result for the check before it stands.
fn other_checks_show_online(
    at: i64,
    before: Option<i64>,
    after: Option<i64>,
    targets: &[&Series],
    was_disproved: bool,
) -> bool {
    let Some(interval) = before.map(|before| at - before).or_else(|| after.map(|after| after - at)) else {
        return false;
    };
    let is_good = |from: i64, to: i64| targets.iter().any(|target| has_up(target, from, to));
    let was_good = is_good(before.unwrap_or(at - interval), at);
    was_good && (is_good(at, after.unwrap_or(at + interval)) || (was_disproved && after.is_none()))
}

/// Whether a series has an up check between two instants, ends included.
fn has_up(series: &Series, from: i64, to: i64) -> bool {
    series.between(from, to).any(|check| check.verdict == Verdict::Up)
}

/// The intersection of two lists of spans. Each list is in order and disjoint, and so is the
/// result.
fn both(one: &[(i64, i64)], other: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut spans = Vec::new();
    let (mut a, mut b) = (0, 0);
    while let (Some(left), Some(right)) = (one.get(a), other.get(b)) {
        let span = (left.0.max(right.0), left.1.min(right.1));
        if span.0 < span.1 {
            spans.push(span);
        }
        if left.1 <= right.1 { a += 1 } else { b += 1 }
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offline_is_when_every_control_target_fails() {
        assert_eq!(both(&[(0, 10), (20, 30)], &[(5, 25)]), [(5, 10), (20, 25)]);
        assert_eq!(both(&[(0, 10)], &[(10, 20)]), []);
    }

    #[test]
    fn what_is_between_spans_is_all_the_rest() {
        assert_eq!(between(&[]), [(i64::MIN, i64::MAX)]);
        assert_eq!(between(&[(i64::MIN, 3), (5, 9)]), [(3, 5), (9, i64::MAX)]);
        assert_eq!(between(&[(5, i64::MAX)]), [(i64::MIN, 5)]);
    }

    #[test]
    fn the_good_checks_around_are_not_offline() {
        let offline = Offline { spans: vec![(10, 20), (40, i64::MAX)], unanswered: Vec::new() };
        let covered: Vec<i64> = (0..60).filter(|at| offline.covers(*at)).collect();
        assert_eq!(covered, (11..20).chain(41..60).collect::<Vec<_>>());
        assert!(offline.is_open());
    }
}
