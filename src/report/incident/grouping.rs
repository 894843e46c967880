//! Decides which outages belong together. A *burst* is a set of outages whose onsets follow each
//! other closely; those that do not begin together with it must have its cause. A *group* is one or
//! more bursts and becomes an incident.
//!
//! Overlap in time alone joins nothing: a probe that has failed since Tuesday must not absorb what
//! breaks today. A burst joins a group only if it shares a surface with the group, begins soon
//! enough, has similar failures, and if its series were not fine while the group was failing.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{SafeText, UnixMillis};
use crate::report::context::ReportContext;
use crate::report::incident::cause::{self, Classes};
use crate::report::incident::nested_outages::NestedOutages;
use crate::report::incident::waves::WaveMember;
use crate::report::statistics::{fisher, number, ratio, wilson};
use crate::report::time_span::{self, TimeSpan};
use crate::window::add_counts;

/// Fewer checks of some series cannot show that they were fine.
const FEWEST: u64 = 4;

/// A series was not fine if its failed ratio was certainly above this.
const ALLOWED: f64 = 0.01;

/// The same probes may begin to fail from different vantages within this time, in milliseconds:
/// names are cached, and clocks differ.
const SPREADS_WITHIN_MS: i64 = 15 * 60_000;

/// Outages that belong together.
#[derive(Clone, Debug, Default)]
struct Group {
    members: Vec<WaveMember>,
    surfaces: BTreeSet<SafeText>,
    series: BTreeSet<usize>,
    /// Whether its cause was seen before: what joins it must have the same cause.
    goes_on: bool,
    /// The starts of its first and of its newest outage.
    begin: UnixMillis,
    newest: UnixMillis,
    /// The last failure of its outages; `i64::MAX` while one continues.
    last: UnixMillis,
    /// The classes of its failures: in total, by vantage and by probe.
    classes: Classes,
    of_vantage: BTreeMap<SafeText, Classes>,
    of_probe: BTreeMap<SafeText, Classes>,
}

impl Group {
    fn add(&mut self, context: &ReportContext<'_>, member: WaveMember, classes: &Classes) {
        let outage = &member.outage;
        let last = member.last();
        self.newest = if self.members.is_empty() { outage.start.by } else { self.newest.max(outage.start.by) };
        self.last = if self.members.is_empty() { last } else { self.last.max(last) };
        let one = &context.analyses[member.series];
        self.surfaces.insert(one.surface.clone());
        self.series.insert(member.series);
        add_counts(&mut self.classes, classes);
        add_counts(self.of_vantage.entry(one.vantage.clone()).or_default(), classes);
        add_counts(self.of_probe.entry(one.probe.clone()).or_default(), classes);
        self.members.push(member);
    }

    fn merge(&mut self, other: Group) {
        self.newest = self.newest.max(other.newest);
        self.last = self.last.max(other.last);
        self.surfaces.extend(other.surfaces);
        self.series.extend(other.series);
        add_counts(&mut self.classes, &other.classes);
        self.members.extend(other.members);
    }

    /// Whether an outage has another cause than the group: compared with all its failures, with
    /// those from the same vantage, and with those of the same probe.
    fn is_of_other_cause(&self, context: &ReportContext<'_>, member: &WaveMember, classes: &Classes) -> bool {
        let one = &context.analyses[member.series];
        let differs = |known: Option<&Classes>| known.is_none_or(|known| cause::is_other(known, classes));
        cause::is_other(&self.classes, classes)
            && differs(self.of_vantage.get(&one.vantage))
            && differs(self.of_probe.get(&one.probe))
    }
}

/// Groups the outages; the groups are in order of their onsets.
pub(crate) fn groups(context: &ReportContext<'_>, mut members: Vec<WaveMember>) -> Vec<Vec<WaveMember>> {
    members.sort_by_key(|member| (member.outage.start.by, member.series));
    let (members, covered) = without_covered(context, members);
    let within = i64::try_from(context.range.rules.join_within.as_millis()).unwrap_or(i64::MAX);
    let mut groups: Vec<Group> = Vec::new();
    for burst in bursts(context, members, within) {
        match groups.iter_mut().rev().find(|group| belongs(context, group, &burst, within)) {
            Some(group) => group.merge(burst),
            None => groups.push(burst),
        }
    }
    let mut group_of = HashMap::new();
    for (at, group) in groups.iter().enumerate() {
        for member in group.members.iter().filter(|member| member.outage.is_pooled()) {
            group_of.entry((member.series, member.outage.start.by)).or_insert(at);
        }
    }
    for (member, by) in covered {
        if let Some(at) = group_of.get(&(by.series, by.outage.start.by)) {
            groups[*at].members.push(member);
        }
    }
    groups.into_iter().map(|group| group.members).collect()
}

/// An outage, and that of a pool which covers it.
type CoveredOutage = (WaveMember, WaveMember);

/// Some outages without those that begin while their surface fails with a pool from the same vantage, for the same cause
/// or for one that takes the place of the first: of a partial failure each probe fails a few times in a row again and
/// again, and that is no onset of anything.
fn without_covered(context: &ReportContext<'_>, members: Vec<WaveMember>) -> (Vec<WaveMember>, Vec<CoveredOutage>) {
    let nested = NestedOutages::of(std::iter::once(members.iter()));
    let surface_of = |member: &WaveMember| &context.analyses[member.series].surface;
    let place_of = |member: &WaveMember| (surface_of(member), &context.analyses[member.series].vantage);
    let mut pooled: BTreeMap<(&SafeText, &SafeText), Vec<WaveMember>> = BTreeMap::new();
    // What a surface fails of with a pool, all its series together: of one there are few failures.
    let mut causes: BTreeMap<(&SafeText, UnixMillis), (Classes, Vec<usize>)> = BTreeMap::new();
    for member in members.iter().filter(|member| member.outage.is_pooled()) {
        pooled.entry(place_of(member)).or_default().push(*member);
        let (cause, series) = causes.entry((surface_of(member), member.outage.start.by)).or_default();
        add_counts(cause, &classes_of(context, &nested, member));
        series.push(member.series);
    }
    let (mut others, mut covered) = (Vec::new(), Vec::new());
    for member in members {
        let onset = member.outage.start.by;
        let covers = |by: &&WaveMember| {
            let goes_on = by.outage.start.by < onset && onset <= by.last();
            let cause = causes.get(&(surface_of(by), by.outage.start.by));
            let is_of_it = |(cause, series): &(Classes, Vec<usize>)| {
                cause::is_same(cause, &classes_of(context, &nested, &member))
                    || takes_its_place(context, series, by.outage.start.by, &member)
            };
            goes_on && cause.is_some_and(is_of_it)
        };
        let pooled = pooled.get(&place_of(&member)).filter(|_| !member.outage.is_pooled());
        match pooled.and_then(|pooled| pooled.iter().find(covers)) {
            Some(by) => covered.push((member, *by)),
            None => others.push(member),
        }
    }
    (others, covered)
}

/// Whether the cause of an outage has taken the place of the one of which some series failed in part since an instant:
/// that is seen no more, and no more of their checks fail. What hides the first cause, or comes beside it, adds to it.
fn takes_its_place(context: &ReportContext<'_>, series: &[usize], since: UnixMillis, member: &WaveMember) -> bool {
    let onset = member.outage.start.by;
    let before = context.count_all(series, &[TimeSpan::new(since, onset - 1)]);
    let after = context.count_all(series, &[TimeSpan::new(onset, member.last().min(context.range.to))]);
    let is_gone = !cause::is_same(&before.classes, &after.classes);
    let is_more = ratio(after.failed, after.judged) > ratio(before.failed, before.judged);
    // Each of the series may begin to fail a few times in a row by chance.
    let certain = cause::CHANCE / number(series.len() as u64);
    is_gone && !(is_more && fisher(after.failed, after.judged, before.failed, before.judged) <= certain)
}

/// Outages, in the order of their onsets, parted where the next onset is further away than as many checks
/// as open an outage, and where what began with the burst had another cause.
fn bursts(context: &ReportContext<'_>, members: Vec<WaveMember>, within: i64) -> Vec<Group> {
    /// The number of latest bursts to look at: a cause that persists has bursts again and again.
    const LOOKED_AT: usize = 100;
    let nested = NestedOutages::of(std::iter::once(members.iter()));
    let mut bursts: Vec<Group> = Vec::new();
    for member in members {
        let near = near(context, &member);
        let classes = classes_of(context, &nested, &member);
        let onset = member.outage.start.by;
        let follows = |burst: &&mut Group| {
            let begins_with_it = !burst.goes_on && onset <= burst.begin.saturating_add(near);
            onset <= burst.newest.saturating_add(near)
                && (begins_with_it || !burst.is_of_other_cause(context, &member, &classes))
        };
        if let Some(burst) = bursts.last_mut().filter(follows) {
            burst.add(context, member, &classes);
            continue;
        }
        let surface = &context.analyses[member.series].surface;
        let is_before = |earlier: &Group| {
            earlier.surfaces.contains(surface)
                && onset <= earlier.last.saturating_add(within)
                && cause::is_same(&earlier.classes, &classes)
        };
        let goes_on = bursts.iter().rev().take(LOOKED_AT).any(is_before);
        let mut burst = Group { goes_on, begin: onset, ..Group::default() };
        burst.add(context, member, &classes);
        bursts.push(burst);
    }
    bursts
}

/// How far apart two onsets of one cause can be observed, in milliseconds.
fn near(context: &ReportContext<'_>, member: &WaveMember) -> i64 {
    let interval = context.analyses[member.series].interval().unwrap_or_default();
    interval.saturating_mul(i64::from(context.range.rules.open_after.get()))
}

fn belongs(context: &ReportContext<'_>, group: &Group, burst: &Group, within: i64) -> bool {
    let is_soon = burst.begin <= group.last.saturating_add(within);
    let is_of_surface = burst.surfaces.iter().any(|surface| group.surfaces.contains(surface));
    is_soon && is_of_surface && cause::is_same(&group.classes, &burst.classes) && {
        let spans = spans(group, burst.begin);
        let (failed, judged) = count(context, &group.series, &spans);
        let share = ratio(failed, judged).unwrap_or(1.0);
        let spreads = burst.begin <= group.newest.saturating_add(SPREADS_WITHIN_MS);
        let probes: BTreeSet<(&SafeText, &SafeText)> =
            group.series.iter().filter(|_| spreads).map(|at| probe_of(context, *at)).collect();
        let others = burst
            .series
            .iter()
            .filter(|series| !group.series.contains(series) && !probes.contains(&probe_of(context, **series)));
        // Of one series there are few checks.
        let mut places: BTreeMap<(&SafeText, &SafeText), BTreeSet<usize>> = BTreeMap::new();
        for series in others {
            let one = &context.analyses[*series];
            places.entry((&one.surface, &one.vantage)).or_default().insert(*series);
        }
        let were_fine = |series: &&BTreeSet<usize>| were_fine(context, series, &spans, share);
        let fine: usize = places.values().filter(were_fine).map(BTreeSet::len).sum();
        fine * 2 <= burst.series.len()
    }
}

fn probe_of<'c>(context: &'c ReportContext<'_>, series: usize) -> (&'c SafeText, &'c SafeText) {
    let one = &context.analyses[series];
    (&one.surface, &one.probe)
}

/// The spans of a group's outages before an instant; overlapping ones are joined.
fn spans(group: &Group, before: UnixMillis) -> Vec<TimeSpan> {
    let spans = group.members.iter().map(|member| TimeSpan::new(member.outage.start.by, member.last().min(before - 1)));
    time_span::union(spans.filter(|span| !span.is_empty()).collect())
}

/// Whether series were fine while a group was failing, all together: their share of failures is low for certain.
fn were_fine(context: &ReportContext<'_>, series: &BTreeSet<usize>, spans: &[TimeSpan], share: f64) -> bool {
    let (failed, judged) = count(context, series, spans);
    let Some([low, high]) = wilson(failed, judged) else { return false };
    // The failed ratio within the series' own outages is higher than that of the whole incident; so
    // the lower the ratio of the group, the stricter this bound.
    judged >= FEWEST && low <= ALLOWED && high < share * share / 2.0
}

/// Failed and judged checks of some series in some spans.
fn count(context: &ReportContext<'_>, series: &BTreeSet<usize>, spans: &[TimeSpan]) -> (u64, u64) {
    let all = context.count_all(series, spans);
    (all.failed, all.judged)
}

/// The failures of an outage by class, without those in outages within it that have a cause of
/// their own.
fn classes_of(context: &ReportContext<'_>, nested: &NestedOutages, member: &WaveMember) -> Classes {
    let span = TimeSpan::new(member.outage.start.by, member.last().min(context.range.to));
    let spans = time_span::without(&[span], &nested.in_outage(member));
    context.count(member.series, &spans).classes
}
