//! Spans of time: what some have in common, and what one has without others.

use crate::model::UnixMillis;

/// A span of time. An empty one has its last instant before its first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TimeSpan {
    /// Its first instant.
    pub(crate) first: UnixMillis,
    /// Its last instant, which is part of it.
    pub(crate) last: UnixMillis,
}

impl TimeSpan {
    pub(crate) const ALWAYS: TimeSpan = TimeSpan::new(UnixMillis::MIN, UnixMillis::MAX);

    pub(crate) const fn new(first: UnixMillis, last: UnixMillis) -> TimeSpan {
        TimeSpan { first, last }
    }

    pub(crate) fn contains(self, at: UnixMillis) -> bool {
        (self.first..=self.last).contains(&at)
    }

    /// Its length in milliseconds.
    pub(crate) const fn length(self) -> i64 {
        if self.is_empty() { 0 } else { self.last.saturating_since(self.first).saturating_add(1) }
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.last.0 < self.first.0
    }

    /// The instants that two spans have in common.
    pub(crate) fn intersection(self, other: TimeSpan) -> TimeSpan {
        TimeSpan { first: self.first.max(other.first), last: self.last.min(other.last) }
    }

    /// The shortest span that covers two.
    pub(crate) fn hull(self, other: TimeSpan) -> TimeSpan {
        TimeSpan { first: self.first.min(other.first), last: self.last.max(other.last) }
    }
}

/// Joins overlapping spans; the result is in order.
pub(crate) fn union(mut spans: Vec<TimeSpan>) -> Vec<TimeSpan> {
    spans.sort_unstable();
    let mut joined: Vec<TimeSpan> = Vec::new();
    for span in spans {
        match joined.last_mut() {
            Some(before) if span.first <= before.last => *before = before.hull(span),
            _ => joined.push(span),
        }
    }
    joined
}

/// The intersection of two lists of spans. Each list is in order and disjoint, and so is the
/// result.
pub(crate) fn intersection(one: &[TimeSpan], other: &[TimeSpan]) -> Vec<TimeSpan> {
    let mut common = Vec::new();
    let (mut a, mut b) = (0, 0);
    while let (Some(left), Some(right)) = (one.get(a), other.get(b)) {
        let both = left.intersection(*right);
        if !both.is_empty() {
            common.push(both);
        }
        if left.last <= right.last { a += 1 } else { b += 1 }
    }
    common
}

/// The parts of some spans that no other span covers, in the order of the spans.
pub(crate) fn without(spans: &[TimeSpan], others: &[TimeSpan]) -> Vec<TimeSpan> {
    let others = union(others.to_vec());
    spans.iter().flat_map(|span| without_disjoint(*span, &others)).collect()
}

/// The parts of a span that no other span covers. The others are in order and disjoint.
pub(crate) fn without_disjoint(mut span: TimeSpan, others: &[TimeSpan]) -> Vec<TimeSpan> {
    let reached = others.partition_point(|other| other.last < span.first);
    let mut left = Vec::new();
    for other in others[reached..].iter().take_while(|other| other.first <= span.last) {
        if span.first < other.first {
            left.push(TimeSpan::new(span.first, other.first - 1));
        }
        if other.last >= span.last {
            return left;
        }
        span.first = other.last + 1;
    }
    left.push(span);
    left
}

/// Whether an instant lies within one of some spans, which are in order and disjoint.
pub(crate) fn cover(spans: &[TimeSpan], at: UnixMillis) -> bool {
    let next = spans.partition_point(|span| span.last < at);
    spans.get(next).is_some_and(|span| span.contains(at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn span(first: i64, last: i64) -> TimeSpan {
        TimeSpan::new(UnixMillis(first), UnixMillis(last))
    }

    fn of(pairs: &[(i64, i64)]) -> Vec<TimeSpan> {
        pairs.iter().map(|(first, last)| span(*first, *last)).collect()
    }

    #[test]
    fn ends_are_part_of_a_span() {
        let spans = of(&[(0, 10), (20, 30)]);
        assert_eq!(without(&spans, &of(&[(25, 27), (3, 5)])), of(&[(0, 2), (6, 10), (20, 24), (28, 30)]));
        assert_eq!(without(&spans, &of(&[(0, 10), (25, i64::MAX)])), of(&[(20, 24)]));
        assert_eq!(without(&spans, &[TimeSpan::ALWAYS]), []);
        assert_eq!(without(&[TimeSpan::ALWAYS], &spans), of(&[(i64::MIN, -1), (11, 19), (31, i64::MAX)]));
        assert_eq!(union(of(&[(20, 30), (0, 5), (25, 40), (5, 9)])), of(&[(0, 9), (20, 40)]));
        assert_eq!(intersection(&spans, &of(&[(10, 25)])), of(&[(10, 10), (20, 25)]));
    }

    fn spans() -> impl Strategy<Value = Vec<TimeSpan>> {
        prop::collection::vec((0..40_i64, 0..8_i64).prop_map(|(first, length)| span(first, first + length)), 0..6)
    }

    proptest! {
        #[test]
        fn spans_are_the_sets_of_their_instants(one in spans(), other in spans()) {
            let is_in = |spans: &[TimeSpan], at: UnixMillis| spans.iter().any(|span| span.contains(at));
            let (joined, others) = (union(one.clone()), union(other.clone()));
            let (common, left) = (intersection(&joined, &others), without(&one, &other));
            for at in (-1..50).map(UnixMillis) {
                prop_assert_eq!(cover(&joined, at), is_in(&one, at));
                prop_assert_eq!(cover(&common, at), is_in(&one, at) && is_in(&other, at));
                prop_assert_eq!(is_in(&left, at), is_in(&one, at) && !is_in(&other, at));
            }
        }
    }
}
