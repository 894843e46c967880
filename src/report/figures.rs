//! The same figures for any group of series: a surface, a vantage, a probe, a place.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Coverage;
use super::evidence::{Evidence, Seen};
use super::follow::{Followed, Spell};
use super::pass::LatencySummary;
use super::row::{ClassRow, Figures};
use super::statistics::{number, ratio, rounded, wilson};
use crate::model::{ClassGroup, Counts, FailureClass, Phase};
use crate::window::Histogram;

/// The figures of a group of series.
pub(super) fn figures(group: &[&Followed<'_>], evidence: &Evidence) -> Figures {
    let (mut counts, mut flaky) = (Counts::default(), 0);
    let (mut latency, mut failed_latency) = (Histogram::default(), Histogram::default());
    for one in group {
        counts.merge(&one.series.counts);
        flaky += one.series.flaky;
        latency.merge(&one.series.latency);
        failed_latency.merge(&one.series.failed_latency);
    }
    let (down, judged) = (counts.down, counts.judged());
    Figures {
        checks: counts.scheduled(),
        up: counts.up,
        down,
        unknown: counts.unknown,
        missed: counts.missed,
        flaky,
        failed_ratio: ratio(down, judged).map(rounded),
        ci95: wilson(down, judged).map(|ends| ends.map(rounded)),
        availability: ratio(counts.up, judged).map(rounded),
        impact_minutes: impact_minutes(group),
        coverage: coverage(group),
        latency_us: LatencySummary::of(&latency),
        failed_latency_us: LatencySummary::of(&failed_latency),
        classes: classes(group, evidence),
    }
}

/// How late the checks of a group began.
pub(super) fn lag(group: &[&Followed<'_>]) -> LatencySummary {
    let mut lag = Histogram::default();
    for one in group {
        lag.merge(&one.series.lag);
    }
    LatencySummary::of(&lag)
}

/// How much of what was due for a group was seen.
pub(super) fn coverage(group: &[&Followed<'_>]) -> Coverage {
    let expected = group.iter().map(|one| one.coverage.expected).sum();
    let observed = group.iter().map(|one| one.coverage.observed).sum();
    Coverage { expected, observed, ratio: ratio(observed, expected).map(rounded) }
}

/// Full-outage-equivalent minutes: a failed check stands for the time to the next one; a group
/// is out by the mean of its series.
fn impact_minutes(group: &[&Followed<'_>]) -> f64 {
    if group.is_empty() {
        return 0.0;
    }
    let minutes = group.iter().map(|one| one.minutes(one.series.counts.down));
    rounded(minutes.sum::<f64>() / number(group.len() as u64))
}

fn classes(group: &[&Followed<'_>], evidence: &Evidence) -> BTreeMap<FailureClass, ClassRow> {
    let mut spells: BTreeMap<FailureClass, (Spell, Option<Seen>)> = BTreeMap::new();
    for one in group {
        for (class, spell) in &one.classes {
            let (all, seen) = spells.entry(*class).or_insert((Spell { n: 0, ..*spell }, None));
            all.n += spell.n;
            all.first = all.first.min(spell.first);
            all.last = all.last.max(spell.last);
            match (seen.as_mut(), evidence.seen(&one.vantage, &one.surface, &one.probe, *class)) {
                (Some(seen), Some(more)) => seen.merge(more),
                (None, more) => *seen = more.cloned(),
                (Some(_), None) => {}
            }
        }
    }
    let total: u64 = spells.values().map(|(spell, _)| spell.n).sum();
    spells.into_iter().map(|(class, (spell, seen))| (class, class_row(class, spell, seen, total))).collect()
}

fn class_row(class: FailureClass, spell: Spell, seen: Option<Seen>, total: u64) -> ClassRow {
    ClassRow {
        n: spell.n,
        share: rounded(ratio(spell.n, total).unwrap_or_default()),
        phase: phase(class, seen.as_ref()),
        first: Timestamp::from_millisecond(spell.first).ok(),
        last: Timestamp::from_millisecond(spell.last).ok(),
        statuses: seen.iter().flat_map(|seen| seen.statuses.iter().map(|(status, n)| (*status, *n))).collect(),
        example: seen.map(|seen| seen.example),
    }
}

/// The phase a class breaks in: its own, or where it can be any, the one the evidence names most often.
pub(super) fn phase(class: FailureClass, seen: Option<&Seen>) -> Option<Phase> {
    match class.group() {
        ClassGroup::Resolve => Some(Phase::Resolve),
        ClassGroup::Connect => Some(Phase::Connect),
        ClassGroup::Tls => Some(Phase::Tls),
        ClassGroup::Processing => Some(Phase::Processing),
        ClassGroup::Transfer => Some(Phase::Transfer),
        ClassGroup::AnyConnected => {
            // Of equally many the earlier phase.
            let phases = &seen?.phases;
            phases.iter().rev().max_by_key(|(_, n)| **n).map(|(phase, _)| *phase)
        }
        ClassGroup::Answer | ClassGroup::Ours => None,
    }
}
