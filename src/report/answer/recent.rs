//! The latest checks of a group of series, their trend, and the outages that have just begun or
//! ended.

use crate::model::{Bracket, UnixMillis};
use crate::report::context::ReportContext;
use crate::report::document::answer::State;
use crate::report::document::recent::{Change, ChangeKind, Recent, Trend};
use crate::report::incident::incident_detection::DetectedIncidents;
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::judgement;
use crate::report::series::judgement::JudgedCheck;
use crate::report::series::outage::Transition;
use crate::report::statistics::{SIGNIFICANT, fisher, ratio, rounded};

/// Outages that began or ended within this time before the end of the range are changes; in
/// milliseconds.
const CHANGED_WITHIN_MS: i64 = 15 * 60_000;

/// The latest checks of a group of series in a state; if a wave is open, only those since it began. `wave`: its start.
pub(crate) fn recent(
    context: &ReportContext<'_>,
    detected: &DetectedIncidents,
    series: &[usize],
    state: State,
    wave: Option<UnixMillis>,
) -> Recent {
    let group = context.at(series);
    let checks = group.iter().flat_map(|one| one.recent.iter().copied()).collect();
    let checks = judgement::pooled(checks, context.range.to, None);
    let since = checks.partition_point(|check| wave.is_some_and(|wave| check.at < wave));
    let (failed, judged) = judgement::counted(&checks[since..]);
    Recent {
        judged,
        failed,
        failed_ratio: ratio(failed, judged).map(rounded),
        trend: trend(&checks[since..]),
        last_failure: checks.iter().rev().find(|check| check.failed).map(|check| check.at.timestamp()),
        failing_since: match state {
            State::Flapping => detected.latest_since(series).map(Transition::bracket),
            State::Down | State::Degraded => failing_since(&group, detected.open_since(series), &checks),
            State::Up | State::Unknown => None,
        },
        unknown_since: unknown_since(context, &group).filter(|_| state == State::Unknown),
    }
}

/// The start of the open outage of a group that fails, its own or that of an incident that it is part of. What fails
/// more than is allowed without an incident has failed since its first failure, or for longer.
fn failing_since(
    group: &[&SeriesAnalysis<'_>],
    incident: Option<Transition>,
    checks: &[JudgedCheck],
) -> Option<Bracket> {
    let open = group.iter().flat_map(|one| one.detector.outages()).filter(|outage| outage.end.is_none());
    let start = open.map(|outage| outage.start).chain(incident).min_by_key(|start| start.by);
    let first = || checks.iter().find(|check| check.failed).map(|check| Transition { after: None, by: check.at });
    Some(start.or_else(first)?.bracket())
}

/// Since when nothing is known of a group: after the last of its checks that showed something.
fn unknown_since(context: &ReportContext<'_>, group: &[&SeriesAnalysis<'_>]) -> Option<Bracket> {
    let unknown = group.iter().filter(|one| one.is_unknown() || context.is_set_aside(&one.vantage));
    let all: Vec<Transition> = unknown.filter_map(|one| one.unknown_since()).collect();
    let after = all.iter().filter_map(|since| since.after).max();
    let by = all.iter().map(|since| since.by).filter(|by| Some(*by) > after).min().unwrap_or(context.range.to);
    (!all.is_empty()).then(|| Transition { after, by: by.min(context.range.to) }.bracket())
}

fn trend(checks: &[JudgedCheck]) -> Trend {
    let (early, late) = checks.split_at(checks.len() / 2);
    let ((early_failed, early), (late_failed, late)) = (judgement::counted(early), judgement::counted(late));
    let share = |failed, judged| ratio(failed, judged).unwrap_or_default();
    let (before, now) = (share(early_failed, early), share(late_failed, late));
    if early_failed + late_failed == 0 {
        Trend::None
    } else if now > before && fisher(late_failed, late, early_failed, early) <= SIGNIFICANT {
        Trend::Worsening
    } else if now < before && fisher(early_failed, early, late_failed, late) <= SIGNIFICANT {
        Trend::Recovering
    } else {
        Trend::Steady
    }
}

/// The outages that began or ended in the last 15 minutes, in order of time.
pub(crate) fn changes(context: &ReportContext<'_>) -> Vec<Change> {
    let since = context.range.to - CHANGED_WITHIN_MS;
    let mut changes = Vec::new();
    for one in context.of_targets().filter(|one| !context.is_set_aside(&one.vantage)) {
        let change = |change, at| Change {
            change,
            at,
            surface: one.surface.clone(),
            probe: one.probe.clone(),
            vantage: one.vantage.clone(),
        };
        for outage in one.detector.outages() {
            let end = outage.end.filter(|end| end.by >= since);
            changes.extend((outage.start.by >= since).then(|| change(ChangeKind::Began, outage.start.bracket())));
            changes.extend(end.map(|end| change(ChangeKind::Ended, end.bracket())));
        }
    }
    let key = |one: &Change| (one.at.by, one.surface.clone(), one.probe.clone(), one.vantage.clone(), one.change);
    changes.sort_by_key(key);
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(verdicts: &str) -> Trend {
        let checks =
            (0..).zip(verdicts.chars()).map(|(at, verdict)| JudgedCheck { at: UnixMillis(at), failed: verdict == 'x' });
        trend(&checks.collect::<Vec<_>>())
    }

    #[test]
    fn a_trend_is_a_difference_that_chance_does_not_give() {
        assert_eq!(of("...................."), Trend::None);
        assert_eq!(of("..........xxxxxxxxxx"), Trend::Worsening);
        assert_eq!(of("xxxxxxxxxx.........."), Trend::Recovering);
        assert_eq!(of("x.x.x.x.x.x.x.x.x.x."), Trend::Steady);
        assert_eq!(of("...................x"), Trend::Steady, "one failure is no trend");
    }
}
