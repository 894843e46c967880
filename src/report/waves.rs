//! Stretches of many probes and vantages joined: what overlaps is one wave of a surface, near
//! waves are one incident, and surfaces that fail at the same time share it.

use super::detector::Edge;
use super::detector::Stretch;

/// A stretch of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Member {
    /// Its place among the followed series.
    pub(super) series: usize,
    pub(super) stretch: Stretch,
}

/// Stretches that overlap, or nearly do.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Joined {
    pub(super) start: Edge,
    pub(super) end: Option<Edge>,
    pub(super) members: Vec<Member>,
}

impl Joined {
    /// The last instant that belongs to it: the last failure; without an end, as late as can be.
    pub(super) fn last(&self) -> i64 {
        match self.end {
            Some(end) => end.after.unwrap_or(end.by),
            None => i64::MAX,
        }
    }
}

/// Joins stretches that are no more than `slack` apart, in order of time.
pub(super) fn waves(mut members: Vec<Member>, slack: i64) -> Vec<Joined> {
    members.sort_by_key(|member| (member.stretch.start.by, member.series, member.stretch.detected_at));
    let mut waves: Vec<Joined> = Vec::new();
    for member in members {
        let stretch = member.stretch;
        match waves.last_mut() {
            Some(wave) if stretch.start.by <= wave.last().saturating_add(slack) => {
                wave.end = later(wave.end, stretch.end);
                wave.members.push(member);
            }
            _ => waves.push(Joined { start: stretch.start, end: stretch.end, members: vec![member] }),
        }
    }
    waves
}

/// Groups waves that are no more than `within` apart: each group is one incident.
pub(super) fn incidents(waves: Vec<Joined>, within: i64) -> Vec<Vec<Joined>> {
    let mut groups: Vec<Vec<Joined>> = Vec::new();
    for wave in waves {
        match groups.last_mut() {
            Some(group) if group.last().is_some_and(|last| wave.start.by <= last.last().saturating_add(within)) => {
                group.push(wave);
            }
            _ => groups.push(vec![wave]),
        }
    }
    groups
}

/// Joins the incidents of several surfaces that overlap in time; their waves are joined anew.
pub(super) fn across(mut incidents: Vec<Vec<Joined>>, slack: i64) -> Vec<Vec<Joined>> {
    incidents.sort_by_key(|incident| incident.first().map(|wave| wave.start.by));
    let mut joined: Vec<Vec<Joined>> = Vec::new();
    for incident in incidents {
        let Some(start) = incident.first().map(|wave| wave.start.by) else { continue };
        let last = joined.last().map(|other| other.iter().map(Joined::last).max().unwrap_or(i64::MIN));
        match joined.last_mut() {
            Some(other) if last.is_some_and(|last| start <= last.saturating_add(slack)) => other.extend(incident),
            _ => joined.push(incident),
        }
    }
    let members = |incident: Vec<Joined>| incident.into_iter().flat_map(|wave| wave.members).collect();
    joined.into_iter().map(|incident| waves(members(incident), slack)).collect()
}

/// The later end; what has no end is later than any.
fn later(one: Option<Edge>, other: Option<Edge>) -> Option<Edge> {
    let (one, other) = (one?, other?);
    Some(if other.by > one.by { other } else { one })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::IncidentRules;
    use crate::report::detector::Detector;

    /// Stretches of a series from a text of verdicts a second apart.
    fn members(series: usize, verdicts: &str) -> Vec<Member> {
        let mut detector = Detector::new(&IncidentRules::default(), Some(1));
        for (at, verdict) in (0..).zip(verdicts.chars()) {
            detector.push(at, verdict == 'x');
        }
        detector.stretches().map(|stretch| Member { series, stretch }).collect()
    }

    fn spans(waves: &[Joined]) -> Vec<(i64, Option<i64>)> {
        waves.iter().map(|wave| (wave.start.by, wave.end.map(|end| end.by))).collect()
    }

    #[test]
    fn stretches_that_overlap_are_one_wave() {
        let all = [members(0, "...xxxx............"), members(1, ".....xxxxxx.......")].concat();
        assert_eq!(spans(&waves(all, 2)), [(3, Some(11))]);
    }

    #[test]
    fn a_wave_ends_with_its_last_stretch_and_goes_on_while_one_does() {
        let all = [members(0, "...xxxx............"), members(1, ".....xxxxxx")].concat();
        assert_eq!(spans(&waves(all, 2)), [(3, None)]);
    }

    #[test]
    fn near_waves_are_one_incident_and_far_ones_are_not() {
        let verdicts = "xxx....................xxx....................................................xxx......";
        let waves = waves(members(0, verdicts), 2);
        assert_eq!(waves.len(), 3);
        let groups = incidents(waves, 30);
        assert_eq!(groups.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn surfaces_that_fail_at_the_same_time_share_an_incident() {
        let app = incidents(waves(members(0, "...xxxxxx....................."), 1), 5);
        let web = incidents(waves(members(1, ".....xxxxxxxx................."), 1), 5);
        let other = incidents(waves(members(2, "......................xxxx...."), 1), 5);
        let joined = across([web, app, other].concat(), 1);
        assert_eq!(
            joined.iter().map(|incident| spans(incident)).collect::<Vec<_>>(),
            [vec![(3, Some(13))], vec![(22, Some(26))]]
        );
    }
}
