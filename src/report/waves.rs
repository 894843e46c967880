//! Stretches of many probes and vantages joined: what overlaps is one wave of a surface, near
//! waves are one incident, and surfaces that fail at the same time share it.

use super::statistics::ratio;
use super::stretch::{Edge, Stretch};

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

/// A judged check of a wave, of any of its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Judged {
    pub(super) at: i64,
    pub(super) series: usize,
    pub(super) failed: bool,
}

/// Failures of a wave without a pause among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cluster {
    first: Judged,
    newest: Judged,
    failures: u64,
}

/// When a wave is divided.
#[derive(Clone, Copy, Debug)]
pub(super) struct Division {
    /// A pause is at least so long, in milliseconds,
    pub(super) pause: i64,
    /// and a wave has at least so many failures: strays are none.
    pub(super) failures: u64,
}

/// Divides a wave where it paused: where all its series together had so many good checks in a row
/// that at its failed ratio chance would not make them. One series that hardly fails must not
/// bridge what is a pause for all others.
pub(super) fn divide(wave: Joined, checks: &[Judged], division: Division) -> Vec<Joined> {
    let clusters = clusters(checks, division.pause);
    let is_last = |at: usize| at + 1 == clusters.len();
    let numbered = clusters.iter().enumerate();
    let is_wave = |(at, cluster): &(usize, &Cluster)| {
        cluster.failures >= division.failures || (is_last(*at) && wave.end.is_none())
    };
    let mut parts: Vec<Joined> = numbered
        .filter(is_wave)
        .map(|(at, cluster)| Joined {
            start: if at == 0 { wave.start } else { start_of(cluster, checks) },
            end: if is_last(at) { wave.end } else { Some(end_of(cluster, checks)) },
            members: Vec::new(),
        })
        .collect();
    match parts.first_mut() {
        // What the members say is counted once, with the first part.
        Some(first) => first.members = wave.members,
        None => parts.push(wave),
    }
    parts
}

fn clusters(checks: &[Judged], pause: i64) -> Vec<Cluster> {
    /// What happens less often than this is not chance.
    const CHANCE: f64 = 0.001;
    let failed = checks.iter().filter(|judged| judged.failed).count() as u64;
    let good_share = 1.0 - ratio(failed, checks.len() as u64).unwrap_or(1.0);
    let mut clusters: Vec<Cluster> = Vec::new();
    let mut good = 0;
    for judged in checks {
        if !judged.failed {
            good += 1;
            continue;
        }
        match clusters.last_mut() {
            Some(cluster) if judged.at - cluster.newest.at < pause || good_share.powi(good) >= CHANCE => {
                cluster.newest = *judged;
                cluster.failures += 1;
            }
            _ => clusters.push(Cluster { first: *judged, newest: *judged, failures: 1 }),
        }
        good = 0;
    }
    clusters
}

/// From the last good check of the series that fails first.
fn start_of(cluster: &Cluster, checks: &[Judged]) -> Edge {
    let first = cluster.first;
    let good = |judged: &&Judged| judged.series == first.series && judged.at < first.at && !judged.failed;
    Edge { after: checks.iter().rev().find(good).map(|judged| judged.at), by: first.at }
}

/// To the next good check of the series that fails last.
fn end_of(cluster: &Cluster, checks: &[Judged]) -> Edge {
    let newest = cluster.newest;
    let good = |judged: &&Judged| judged.series == newest.series && judged.at > newest.at && !judged.failed;
    Edge { after: Some(newest.at), by: checks.iter().find(good).map_or(newest.at, |judged| judged.at) }
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

    /// Judged checks of series from texts of verdicts ten apart, each series one later than the last.
    fn judged(series: &[&str]) -> Vec<Judged> {
        let mut all: Vec<Judged> = (0..)
            .zip(series)
            .flat_map(|(series, verdicts)| {
                (0..).zip(verdicts.chars()).map(move |(n, verdict)| {
                    let offset = i64::try_from(series).expect("small");
                    Judged { at: n * 10 + offset, series, failed: verdict == 'x' }
                })
            })
            .collect();
        all.sort();
        all
    }

    #[test]
    fn a_wave_is_divided_where_all_its_series_pause() {
        let wave = Joined { start: Edge { after: None, by: 0 }, end: None, members: Vec::new() };
        let checks = judged(&["xxxx.x.......xxx.xx", "x.xx.........x.xxxx", ".x..x..........x..x"]);
        let division = Division { pause: 30, failures: 3 };
        let parts = divide(wave.clone(), &checks, division);
        assert_eq!(spans(&parts), [(0, Some(60)), (130, None)]);
        assert_eq!(parts[1].start.after, Some(120), "the last good check of the series that fails first");
        let brown_out = judged(&["x.x..xx.x......x.x..x.xx..x.x"]);
        assert_eq!(divide(wave.clone(), &brown_out, division).len(), 1);
        let stray = judged(&["xxxx.x........................xxx.xx", "x.xx..............x...........xxxxxx"]);
        assert_eq!(spans(&divide(wave, &stray, division)), [(0, Some(60)), (300, None)]);
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
