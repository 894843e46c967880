//! Outages that began while another incident was open on the same probe from the same vantage: a
//! complete failure with a cause of its own does not count towards the partial failure around it.

use std::collections::BTreeMap;

use crate::model::{UnixMillis, Verdict};
use crate::report::context::ReportContext;
use crate::report::incident::waves::WaveMember;
use crate::report::series::outage::Outage;
use crate::report::time_span::TimeSpan;

/// The outages of probes by series, each with its incident, without the outages of pools.
#[derive(Clone, Debug, Default)]
pub(crate) struct NestedOutages {
    of_series: BTreeMap<usize, Vec<NestedOutage>>,
    /// When each incident began, and when it began at each of its series, in milliseconds since
    /// 1970.
    began: Vec<(UnixMillis, BTreeMap<usize, UnixMillis>)>,
}

#[derive(Clone, Copy, Debug)]
struct NestedOutage {
    incident: usize,
    /// From its first to its last failure for its cause.
    span: TimeSpan,
}

impl NestedOutages {
    /// The outages of some incidents, which are numbered in this order.
    pub(crate) fn of<'m>(incidents: impl Iterator<Item = impl Iterator<Item = &'m WaveMember>>) -> NestedOutages {
        let mut nested = NestedOutages::default();
        for (incident, members) in incidents.enumerate() {
            let (mut first, mut began) = (UnixMillis::MAX, BTreeMap::new());
            for member in members {
                let start = member.outage.start.by;
                first = start.min(first);
                let of_series = began.entry(member.series).or_insert(start);
                *of_series = start.min(*of_series);
                if !member.outage.is_pooled() {
                    let outage = NestedOutage { incident, span: member.hides };
                    nested.of_series.entry(member.series).or_default().push(outage);
                }
            }
            nested.began.push((first, began));
        }
        nested
    }

    /// The spans of a series in outages of other incidents that began after an incident did.
    pub(crate) fn in_incident(&self, incident: usize, series: usize) -> Vec<TimeSpan> {
        let Some((first, began)) = self.began.get(incident) else { return Vec::new() };
        let began = began.get(&series).unwrap_or(first);
        self.spans(series, |one| one.incident != incident && one.span.first > *began)
    }

    /// The spans of other outages of the same series that began after an outage did.
    pub(crate) fn in_outage(&self, member: &WaveMember) -> Vec<TimeSpan> {
        self.spans(member.series, |one| one.span.first > member.outage.start.by)
    }

    fn spans(&self, series: usize, is_meant: impl Fn(&NestedOutage) -> bool) -> Vec<TimeSpan> {
        let of_series = self.of_series.get(&series).into_iter().flatten();
        of_series.filter(|one| is_meant(one)).map(|one| one.span).collect()
    }
}

/// An outage of a series, with the span in which it hides others: to the last failure that has its main class. After it, a
/// series that fails for another cause as well may go on failing for that one. The outage of a pool hides none.
pub(crate) fn member(context: &ReportContext<'_>, series: usize, outage: Outage) -> WaveMember {
    let span = TimeSpan::new(outage.start.by, outage.end.map_or(UnixMillis::MAX, |_| outage.last_failed));
    WaveMember { series, outage, hides: if outage.is_pooled() { span } else { hiding(context, series, span) } }
}

fn hiding(context: &ReportContext<'_>, series: usize, span: TimeSpan) -> TimeSpan {
    let classes = context.count(series, &[span]).classes;
    let Some((main, _)) = classes.iter().max_by_key(|(_, n)| **n).filter(|_| classes.len() > 1) else { return span };
    let failures = context.judged(series, span).filter(|check| check.verdict == Verdict::Down);
    let of_main = failures.map(|check| (check.at, check.counted_class() == Some(*main)));
    let last = of_main.fold((None, false), |(last, _), (at, is_main)| (if is_main { Some(at) } else { last }, is_main));
    match last {
        (Some(last), false) => TimeSpan { last, ..span },
        _ => span,
    }
}
