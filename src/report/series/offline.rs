//! When a vantage was offline itself: all its control targets failed. What it found then says
//! nothing about others.

use crate::model::Verdict;
use crate::report::fold::check_log::EvenRun;
use crate::report::fold::probe_series::Series;

/// Spans of time in which a vantage was offline, in milliseconds since 1970, in order; the ends
/// are the good checks around the failed ones and not part of the span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offline {
    spans: Vec<(i64, i64)>,
}

impl Offline {
    /// The spans in which all of these control series of one vantage failed.
    pub(crate) fn of<'s>(controls: impl Iterator<Item = &'s Series>) -> Offline {
        let spans = controls.map(failing).reduce(|one, other| both(&one, &other));
        Offline { spans: spans.unwrap_or_default() }
    }

    /// Whether the vantage was offline then.
    pub(crate) fn covers(&self, at: i64) -> bool {
        let next = self.spans.partition_point(|(_, to)| *to <= at);
        self.spans.get(next).is_some_and(|(from, to)| *from < at && at < *to)
    }

    /// Whether it was never offline from the first to the last of some checks.
    pub(crate) fn is_clear(&self, checks: &EvenRun) -> bool {
        let next = self.spans.partition_point(|(_, to)| *to <= checks.first.at);
        self.spans.get(next).is_none_or(|(from, _)| *from >= checks.last_at)
    }

    /// Whether it was offline at the end, as far as anyone knows.
    pub(crate) fn goes_on(&self) -> bool {
        self.spans.last().is_some_and(|(_, to)| *to == i64::MAX)
    }
}

/// The spans between the good checks around failed ones.
fn failing(series: &Series) -> Vec<(i64, i64)> {
    let mut spans = Vec::new();
    let (mut last_good, mut failing_since) = (i64::MIN, None);
    for check in series.lead_in.iter().chain(series.log.iter()) {
        match check.verdict {
            Verdict::Up => {
                if let Some(since) = failing_since.take() {
                    spans.push((since, check.at));
                }
                last_good = check.at;
            }
            Verdict::Down => failing_since = failing_since.or(Some(last_good)),
            Verdict::Unknown | Verdict::Missed => {}
        }
    }
    spans.extend(failing_since.map(|since| (since, i64::MAX)));
    spans
}

/// The spans that are in both. Each is in order and disjoint, and so is the result.
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
    fn the_good_checks_around_are_not_offline() {
        let offline = Offline { spans: vec![(10, 20), (40, i64::MAX)] };
        let covered: Vec<i64> = (0..60).filter(|at| offline.covers(*at)).collect();
        assert_eq!(covered, (11..20).chain(41..60).collect::<Vec<_>>());
        assert!(offline.goes_on());
    }
}
