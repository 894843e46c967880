//! Spans of time: what some have in common, and what one has without others. A span is its first
//! and its last instant in milliseconds since 1970, both included.

/// Joins overlapping spans; the result is in order.
pub(crate) fn union(mut spans: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    spans.sort_unstable();
    let mut joined: Vec<(i64, i64)> = Vec::new();
    for (from, to) in spans {
        match joined.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

/// The intersection of two lists of spans. Each list is in order and disjoint, and so is the
/// result.
pub(crate) fn intersection(one: &[(i64, i64)], other: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut spans = Vec::new();
    let (mut a, mut b) = (0, 0);
    while let (Some(left), Some(right)) = (one.get(a), other.get(b)) {
        let span = (left.0.max(right.0), left.1.min(right.1));
        if span.0 <= span.1 {
            spans.push(span);
        }
        if left.1 <= right.1 { a += 1 } else { b += 1 }
    }
    spans
}

/// The parts of some spans that no other span covers, in the order of the spans.
pub(crate) fn without(spans: &[(i64, i64)], others: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let others = union(others.to_vec());
    spans.iter().flat_map(|span| without_disjoint(*span, &others)).collect()
}

/// The parts of a span that no other span covers. The others are in order and disjoint.
pub(crate) fn without_disjoint((mut from, to): (i64, i64), others: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let first = others.partition_point(|(_, other_to)| *other_to < from);
    let mut left = Vec::new();
    for (other_from, other_to) in others[first..].iter().take_while(|(other_from, _)| *other_from <= to) {
        if from < *other_from {
            left.push((from, other_from - 1));
        }
        if *other_to >= to {
            return left;
        }
        from = other_to + 1;
    }
    left.push((from, to));
    left
}

/// Whether an instant lies within one of some spans, which are in order and disjoint.
pub(crate) fn cover(spans: &[(i64, i64)], at: i64) -> bool {
    let next = spans.partition_point(|(_, to)| *to < at);
    spans.get(next).is_some_and(|(from, _)| *from <= at)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ALWAYS: (i64, i64) = (i64::MIN, i64::MAX);

    #[test]
    fn ends_are_part_of_a_span() {
        let spans = [(0, 10), (20, 30)];
        assert_eq!(without(&spans, &[(25, 27), (3, 5)]), [(0, 2), (6, 10), (20, 24), (28, 30)]);
        assert_eq!(without(&spans, &[(0, 10), (25, i64::MAX)]), [(20, 24)]);
        assert_eq!(without(&spans, &[ALWAYS]), []);
        assert_eq!(without(&[ALWAYS], &spans), [(i64::MIN, -1), (11, 19), (31, i64::MAX)]);
        assert_eq!(union(vec![(20, 30), (0, 5), (25, 40), (5, 9)]), [(0, 9), (20, 40)]);
        assert_eq!(intersection(&spans, &[(10, 25)]), [(10, 10), (20, 25)]);
    }

    fn spans() -> impl Strategy<Value = Vec<(i64, i64)>> {
        prop::collection::vec((0..40_i64, 0..8_i64).prop_map(|(from, length)| (from, from + length)), 0..6)
    }

    proptest! {
        #[test]
        fn spans_are_the_sets_of_their_instants(one in spans(), other in spans()) {
            let is_in = |spans: &[(i64, i64)], at: i64| spans.iter().any(|(from, to)| (*from..=*to).contains(&at));
            let (joined, others) = (union(one.clone()), union(other.clone()));
            let (common, left) = (intersection(&joined, &others), without(&one, &other));
            for at in -1..50 {
                prop_assert_eq!(cover(&joined, at), is_in(&one, at));
                prop_assert_eq!(cover(&common, at), is_in(&one, at) && is_in(&other, at));
                prop_assert_eq!(is_in(&left, at), is_in(&one, at) && !is_in(&other, at));
            }
        }
    }
}
