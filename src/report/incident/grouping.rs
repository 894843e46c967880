//! Which outages belong together. A *burst* is a set of outages whose onsets follow one another
//! closely; a *group* is one or more bursts, and becomes an incident.
//!
//! Overlap in time alone joins nothing: a probe that has failed since Tuesday must not swallow what
//! breaks today. A burst joins a group only where it is of a surface of the group, soon enough, fails
//! alike, and where its series were not fine while the group was failing.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{FailureClass, SafeText};
use crate::report::context::ReportContext;
use crate::report::incident::waves::WaveMember;
use crate::report::series::analysis::{Cell, tally};
use crate::report::statistics::{number, ratio, wilson};

/// Two mixes of failure classes are the same cause when they have this share in common.
const SAME_CAUSE: f64 = 0.25;

/// Fewer checks of a series cannot show that it was fine.
const FEWEST: u64 = 4;

/// Where nothing else is known, a series that fails more often than this is not fine.
const ALLOWED: f64 = 0.01;

/// The same probes fail from one vantage after another within this time: names are cached, and clocks differ.
const SPREADS_WITHIN_MS: i64 = 15 * 60_000;

/// Outages that belong together.
#[derive(Clone, Debug, Default)]
struct Group {
    members: Vec<WaveMember>,
    surfaces: BTreeSet<SafeText>,
    series: BTreeSet<usize>,
    /// When the newest of its outages began.
    newest: i64,
    /// When the last of them ended; as late as can be while one goes on.
    last: i64,
    classes: BTreeMap<FailureClass, u64>,
}

impl Group {
    fn add(&mut self, context: &ReportContext<'_>, member: WaveMember) {
        let outage = &member.outage;
        let last = last_of(&member);
        self.newest = if self.members.is_empty() { outage.start.by } else { self.newest.max(outage.start.by) };
        self.last = if self.members.is_empty() { last } else { self.last.max(last) };
        self.surfaces.insert(context.analyses[member.series].surface.clone());
        self.series.insert(member.series);
        for (class, n) in classes_of(context, &member) {
            *self.classes.entry(class).or_default() += n;
        }
        self.members.push(member);
    }

    fn merge(&mut self, other: Group) {
        self.newest = self.newest.max(other.newest);
        self.last = self.last.max(other.last);
        self.surfaces.extend(other.surfaces);
        self.series.extend(other.series);
        for (class, n) in other.classes {
            *self.classes.entry(class).or_default() += n;
        }
        self.members.extend(other.members);
    }

    fn start(&self) -> i64 {
        self.members.iter().map(|member| member.outage.start.by).min().unwrap_or_default()
    }
}

/// The outages grouped, in the order of the groups' onsets.
pub(crate) fn groups(context: &ReportContext<'_>, mut members: Vec<WaveMember>) -> Vec<Vec<WaveMember>> {
    members.sort_by_key(|member| (member.outage.start.by, member.series));
    let within = i64::try_from(context.range.rules.join_within.as_millis()).unwrap_or(i64::MAX);
    let mut groups: Vec<Group> = Vec::new();
    for burst in bursts(context, members) {
        match groups.iter_mut().rev().find(|group| belongs(context, group, &burst, within)) {
            Some(group) => group.merge(burst),
            None => groups.push(burst),
        }
    }
    groups.into_iter().map(|group| group.members).collect()
}

/// Outages, in the order of their onsets, parted where the next onset is further away than as many checks
/// as open an outage.
fn bursts(context: &ReportContext<'_>, members: Vec<WaveMember>) -> Vec<Group> {
    let mut bursts: Vec<Group> = Vec::new();
    for member in members {
        let near = near(context, &member);
        match bursts.last_mut() {
            Some(burst) if member.outage.start.by <= burst.newest.saturating_add(near) => burst.add(context, member),
            _ => {
                let mut burst = Group::default();
                burst.add(context, member);
                bursts.push(burst);
            }
        }
    }
    bursts
}

/// How far apart two onsets of one cause may be seen, in milliseconds.
fn near(context: &ReportContext<'_>, member: &WaveMember) -> i64 {
    let interval = context.analyses[member.series].interval().unwrap_or_default();
    interval.saturating_mul(i64::from(context.range.rules.open_after.get()))
}

fn belongs(context: &ReportContext<'_>, group: &Group, burst: &Group, within: i64) -> bool {
    let is_soon = burst.start() <= group.last.saturating_add(within);
    let is_of_surface = burst.surfaces.iter().any(|surface| group.surfaces.contains(surface));
    is_soon && is_of_surface && is_same_cause(&group.classes, &burst.classes) && {
        let spans = spans(group, burst.start());
        let (failed, judged) = count(context, &group.series, &spans);
        let share = ratio(failed, judged).unwrap_or(1.0);
        let spreads = burst.start() <= group.newest.saturating_add(SPREADS_WITHIN_MS);
        let probes: BTreeSet<(&SafeText, &SafeText)> =
            group.series.iter().filter(|_| spreads).map(|at| probe_of(context, *at)).collect();
        let was_fine = |series: &&usize| {
            !probes.contains(&probe_of(context, **series)) && was_fine(context, group, **series, &spans, share)
        };
        burst.series.iter().filter(was_fine).count() * 2 <= burst.series.len()
    }
}

fn probe_of<'c>(context: &'c ReportContext<'_>, series: usize) -> (&'c SafeText, &'c SafeText) {
    let one = &context.analyses[series];
    (&one.surface, &one.probe)
}

/// The spans in which the outages of a group's members overlap or follow closely, before an instant.
fn spans(group: &Group, before: i64) -> Vec<(i64, i64)> {
    let mut ends: Vec<(i64, i64)> =
        group.members.iter().map(|member| (member.outage.start.by, last_of(member).min(before - 1))).collect();
    ends.retain(|(from, to)| from <= to);
    ends.sort_unstable();
    let mut spans: Vec<(i64, i64)> = Vec::new();
    for (from, to) in ends {
        match spans.last_mut() {
            Some(span) if from <= span.1 => span.1 = span.1.max(to),
            _ => spans.push((from, to)),
        }
    }
    spans
}

/// Whether a series was fine while a group was failing: its share of failures is low for certain.
fn was_fine(context: &ReportContext<'_>, group: &Group, series: usize, spans: &[(i64, i64)], share: f64) -> bool {
    if group.series.contains(&series) {
        return false;
    }
    let (failed, judged) = count(context, &BTreeSet::from([series]), spans);
    let Some([low, high]) = wilson(failed, judged) else { return false };
    // The share in its outages is higher than that of the incident: the less of a group fails, the more it takes.
    judged >= FEWEST && low <= ALLOWED && high < share * share / 2.0
}

/// Failed and judged checks of some series in some spans.
fn count(context: &ReportContext<'_>, series: &BTreeSet<usize>, spans: &[(i64, i64)]) -> (u64, u64) {
    let mut all = Cell::default();
    for at in series {
        let one = &context.analyses[*at];
        tally(one.series, context.offline_of(&one.series.vantage), spans).iter().for_each(|cell| all.merge(cell));
    }
    (all.failed, all.judged)
}

fn classes_of(context: &ReportContext<'_>, member: &WaveMember) -> BTreeMap<FailureClass, u64> {
    let one = &context.analyses[member.series];
    let span = (member.outage.start.by, last_of(member).min(context.range.to));
    let mut cells = tally(one.series, context.offline_of(&one.series.vantage), &[span]);
    cells.pop().map(|cell| cell.classes).unwrap_or_default()
}

/// Whether two mixes of classes have enough in common.
fn is_same_cause(one: &BTreeMap<FailureClass, u64>, other: &BTreeMap<FailureClass, u64>) -> bool {
    let (of_one, of_other): (u64, u64) = (one.values().sum(), other.values().sum());
    if of_one == 0 || of_other == 0 {
        return true;
    }
    let share = |n: u64, of: u64| number(n) / number(of);
    let common: f64 =
        one.iter().filter_map(|(class, n)| Some(share(*n, of_one).min(share(*other.get(class)?, of_other)))).sum();
    common >= SAME_CAUSE
}

fn last_of(member: &WaveMember) -> i64 {
    member.outage.end.map_or(i64::MAX, |_| member.outage.last_failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_the_same_when_a_quarter_of_the_failures_are_alike() {
        let mix = |counts: &[(FailureClass, u64)]| counts.iter().copied().collect::<BTreeMap<_, _>>();
        let (status, reset) = (FailureClass::Status, FailureClass::ConnectionReset);
        assert!(is_same_cause(&mix(&[(status, 10)]), &mix(&[(status, 3), (reset, 7)])));
        assert!(!is_same_cause(&mix(&[(status, 10)]), &mix(&[(reset, 7)])));
        assert!(!is_same_cause(&mix(&[(status, 10)]), &mix(&[(status, 1), (reset, 9)])));
        assert!(is_same_cause(&mix(&[]), &mix(&[(status, 1)])), "what is not known excludes nothing");
    }
}
