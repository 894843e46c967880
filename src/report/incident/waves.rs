//! Joins outages of many series to waves, and divides a wave where all its series paused.

use std::collections::BTreeSet;

use crate::model::UnixMillis;
use crate::report::series::outage::{Outage, Transition};
use crate::report::series::recovery;
use crate::report::statistics::{number, ratio};
use crate::report::time_span::{self, TimeSpan};

/// An outage of one series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct WaveMember {
    /// The index of the series in the analyses.
    pub(crate) series: usize,
    pub(crate) outage: Outage,
    /// The span in which its cause hides other causes from the series.
    pub(crate) hides: TimeSpan,
}

impl WaveMember {
    /// Its last failure; `i64::MAX` while it continues.
    pub(crate) fn last(&self) -> UnixMillis {
        self.outage.end.map_or(UnixMillis::MAX, |_| self.outage.last_failed)
    }
}

/// Outages that overlap, or nearly do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DetectedWave {
    pub(crate) start: Transition,
    pub(crate) end: Option<Transition>,
    pub(crate) members: Vec<WaveMember>,
}

impl DetectedWave {
    /// Its last failure; `i64::MAX` while it continues.
    pub(crate) fn last(&self) -> UnixMillis {
        match self.end {
            Some(end) => end.after.unwrap_or(end.by),
            None => UnixMillis::MAX,
        }
    }

    /// Whether it contains an outage of a pool.
    pub(crate) fn is_pooled(&self) -> bool {
        self.members.iter().any(|member| member.outage.is_pooled())
    }
}

/// Joins outages that are at most `slack` milliseconds apart, in order of time. `hidden`: the spans in which a series
/// fails for the cause of another incident. They are no pause: whether it fails for this one as well does not show.
pub(crate) fn waves(
    mut members: Vec<WaveMember>,
    slack: i64,
    hidden: impl Fn(usize) -> Vec<TimeSpan>,
) -> Vec<DetectedWave> {
    let pauses = |last: UnixMillis, member: &WaveMember| {
        let between = TimeSpan::new(last.saturating_add(1), member.outage.start.by.saturating_sub(1));
        let seen = || time_span::without(&[between], &hidden(member.series)).into_iter().map(TimeSpan::length);
        member.outage.start.by > last.saturating_add(slack) && seen().sum::<i64>() >= slack
    };
    members.sort_by_key(|member| (member.outage.start.by, member.series, member.outage.detected_at));
    let mut waves: Vec<DetectedWave> = Vec::new();
    for member in members {
        let outage = member.outage;
        match waves.last_mut() {
            Some(wave) if !pauses(wave.last(), &member) => {
                wave.end = Transition::later_end(wave.end, outage.end);
                wave.members.push(member);
            }
            _ => waves.push(DetectedWave { start: outage.start, end: outage.end, members: vec![member] }),
        }
    }
    waves
}

/// A judged check of a wave, from any of its series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PooledCheck {
    pub(crate) at: UnixMillis,
    pub(crate) series: usize,
    pub(crate) failed: bool,
}

/// Failures of a wave without a pause between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct FailureCluster {
    first: PooledCheck,
    newest: PooledCheck,
    failures: u64,
}

/// The rules for dividing a wave.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WaveDivision {
    /// A pause is at least this long, in milliseconds,
    pub(crate) pause: i64,
    /// and a wave has at least this many failures: single ones are no wave.
    pub(crate) failures: u64,
    /// Good checks in a row are no pause if chance makes them with at least this probability.
    pub(crate) chance: f64,
}

/// Divides a wave where it paused: where all its series together had so many good checks in a row
/// that chance, at the wave's failed ratio, would not make them. A series that rarely fails must
/// not bridge a pause of all others. A wave that continues does so in its last part, also after
/// single failures: these neither end it nor begin another one. `good_after`: the first good check
/// of the same series after a check.
pub(crate) fn divide(
    wave: DetectedWave,
    checks: &[PooledCheck],
    division: WaveDivision,
    good_after: impl Fn(PooledCheck) -> Option<UnixMillis>,
) -> Vec<DetectedWave> {
    let clusters = clusters(checks, division);
    let is_last = |at: usize| at + 1 == clusters.len();
    let numbered = clusters.iter().enumerate();
    let mut parts: Vec<DetectedWave> = numbered
        .filter(|(_, cluster)| cluster.failures >= division.failures)
        .map(|(at, cluster)| DetectedWave {
            start: if at == 0 { wave.start } else { start_of(cluster, checks) },
            end: if is_last(at) { wave.end } else { Some(end_after(cluster.newest, &good_after)) },
            members: Vec::new(),
        })
        .collect();
    if let Some(last) = parts.last_mut().filter(|_| wave.end.is_none()) {
        last.end = None;
    }
    match parts.first_mut() {
        // All members go to the first part, so that they count once.
        Some(first) => first.members = wave.members,
        None => parts.push(wave),
    }
    parts
}

fn clusters(checks: &[PooledCheck], division: WaveDivision) -> Vec<FailureCluster> {
    let failed = checks.iter().filter(|judged| judged.failed).count() as u64;
    let good_share = 1.0 - ratio(failed, checks.len() as u64).unwrap_or(1.0);
    let mut clusters: Vec<FailureCluster> = Vec::new();
    let mut good = 0;
    for judged in checks {
        if !judged.failed {
            good += 1;
            continue;
        }
        match clusters.last_mut() {
            Some(cluster)
                if judged.at - cluster.newest.at < division.pause || good_share.powi(good) >= division.chance =>
            {
                cluster.newest = *judged;
                cluster.failures += 1;
            }
            _ => clusters.push(FailureCluster { first: *judged, newest: *judged, failures: 1 }),
        }
        good = 0;
    }
    clusters
}

/// Joins the waves of a partial failure that only chance separated, and prolongs the last one if
/// the good checks after its last failure may be chance: too few in a row, over all series of the
/// surfaces, for the failed ratio so far. The waves are in order of time. `checks_of_probe`: the
/// checks of one probe during a partial failure.
pub(crate) fn bridge(
    waves: Vec<DetectedWave>,
    checks: &[PooledCheck],
    pause: i64,
    checks_of_probe: f64,
    good_after: impl Fn(PooledCheck) -> Option<UnixMillis>,
) -> Vec<DetectedWave> {
    let mut bridged: Vec<DetectedWave> = Vec::new();
    for wave in waves {
        match bridged.last_mut() {
            Some(last) if last.last() >= wave.start.by => {
                if last.end.is_some() {
                    last.end = Transition::later_end(last.end, wave.end);
                }
                last.members.extend(wave.members);
            }
            _ => bridged.push(wave),
        }
        if let Some(last) = bridged.last_mut() {
            last.end = extended(last, checks, pause, checks_of_probe, &good_after);
        }
    }
    bridged
}

/// The end of a wave, after the first pause that chance would not make at its failed ratio; `None`
/// if there is no such pause. A series counts from its first failure in the wave: its earlier
/// checks say nothing about the failure.
fn extended(
    wave: &DetectedWave,
    checks: &[PooledCheck],
    pause: i64,
    checks_of_probe: f64,
    good_after: impl Fn(PooledCheck) -> Option<UnixMillis>,
) -> Option<Transition> {
    let end = wave.end?;
    let last = wave.last();
    let mut failing = BTreeSet::new();
    let (mut good, mut judged) = (0_u32, 0_u32);
    let (mut newest, mut run) = (None, 0_u32);
    let mut newest_at = last;
    for check in checks.iter().filter(|check| check.at >= wave.start.by) {
        if check.failed {
            failing.insert(check.series);
        } else if !failing.contains(&check.series) {
            continue;
        }
        judged = judged.saturating_add(1);
        good = good.saturating_add(u32::from(!check.failed));
        if check.at <= last {
            continue;
        }
        if check.failed {
            (newest, newest_at, run) = (Some(*check), check.at, 0);
            continue;
        }
        run = run.saturating_add(1);
        let lasting = number(failing.len() as u64) * checks_of_probe;
        if recovery::is_over(good - run, judged - run, run, lasting) && check.at - newest_at >= pause {
            return Some(newest.map_or(end, |newest| end_after(newest, good_after)));
        }
    }
    None
}

/// The start: after the last good check of the series that fails first.
fn start_of(cluster: &FailureCluster, checks: &[PooledCheck]) -> Transition {
    let first = cluster.first;
    let good = |judged: &&PooledCheck| judged.series == first.series && judged.at < first.at && !judged.failed;
    Transition { after: checks.iter().rev().find(good).map(|judged| judged.at), by: first.at }
}

/// The end after the last failure: by the next good check of its series.
fn end_after(newest: PooledCheck, good_after: impl Fn(PooledCheck) -> Option<UnixMillis>) -> Transition {
    Transition { after: Some(newest.at), by: good_after(newest).unwrap_or(newest.at) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::IncidentRules;
    use crate::report::series::detector::OutageDetector;

    /// Outages of a series, from a text of verdicts a second apart.
    fn members(series: usize, verdicts: &str) -> Vec<WaveMember> {
        let mut detector = OutageDetector::new(&IncidentRules::default(), Some(1), 1);
        for (at, verdict) in (0..).zip(verdicts.chars()) {
            detector.push(UnixMillis(at), verdict == 'x');
        }
        let hides = TimeSpan::new(UnixMillis(0), UnixMillis(0));
        detector.outages().map(|outage| WaveMember { series, outage, hides }).collect()
    }

    fn spans(waves: &[DetectedWave]) -> Vec<(i64, Option<i64>)> {
        waves.iter().map(|wave| (wave.start.by.0, wave.end.map(|end| end.by.0))).collect()
    }

    #[test]
    fn outages_that_overlap_are_one_wave() {
        let all = [members(0, "...xxxx............"), members(1, ".....xxxxxx.......")].concat();
        assert_eq!(spans(&waves(all, 2, |_| Vec::new())), [(3, Some(11))]);
    }

    #[test]
    fn a_wave_ends_with_its_last_stretch_and_goes_on_while_one_does() {
        let all = [members(0, "...xxxx............"), members(1, ".....xxxxxx")].concat();
        assert_eq!(spans(&waves(all, 2, |_| Vec::new())), [(3, None)]);
    }

    #[test]
    fn a_cause_that_hides_another_is_no_pause_of_it() {
        let all = || members(0, "...xxxx.....................xxxx.......");
        let hidden = |from, to| move |_: usize| vec![TimeSpan::new(UnixMillis(from), UnixMillis(to))];
        assert_eq!(waves(all(), 2, |_| Vec::new()).len(), 2);
        assert_eq!(spans(&waves(all(), 2, hidden(7, 26))), [(3, Some(32))]);
        assert_eq!(waves(all(), 2, hidden(10, 26)).len(), 2, "it was seen for three checks that it was over");
    }

    /// Judged checks of series, from texts of verdicts ten apart; each series is offset by one from
    /// the previous.
    fn judged(series: &[&str]) -> Vec<PooledCheck> {
        let mut all: Vec<PooledCheck> = (0..)
            .zip(series)
            .flat_map(|(series, verdicts)| {
                (0..).zip(verdicts.chars()).map(move |(n, verdict)| {
                    let offset = i64::try_from(series).expect("small");
                    PooledCheck { at: UnixMillis(n * 10 + offset), series, failed: verdict == 'x' }
                })
            })
            .collect();
        all.sort();
        all
    }

    #[test]
    fn a_wave_is_divided_where_all_its_series_pause() {
        let wave =
            DetectedWave { start: Transition { after: None, by: UnixMillis(0) }, end: None, members: Vec::new() };
        let checks = judged(&["xxxx.x.......xxx.xx", "x.xx.........x.xxxx", ".x..x..........x..x"]);
        let parts = divided(wave.clone(), &checks);
        assert_eq!(spans(&parts), [(0, Some(60)), (130, None)]);
        assert_eq!(parts[1].start.after, Some(UnixMillis(120)), "the last good check of the series that fails first");
        let brown_out = judged(&["x.x..xx.x......x.x..x.xx..x.x"]);
        assert_eq!(divided(wave.clone(), &brown_out).len(), 1);
        let stray = judged(&["xxxx.x........................xxx.xx", "x.xx..............x...........xxxxxx"]);
        assert_eq!(spans(&divided(wave, &stray)), [(0, Some(60)), (300, None)]);
    }

    /// Divides a wave at pauses of 30 milliseconds, given all checks of its series.
    fn divided(wave: DetectedWave, checks: &[PooledCheck]) -> Vec<DetectedWave> {
        let to = wave.end.map_or(UnixMillis::MAX, |end| end.by);
        let known: Vec<PooledCheck> = checks.iter().copied().filter(|check| check.at <= to).collect();
        let is_later = |check: &PooledCheck, than: PooledCheck| check.series == than.series && check.at > than.at;
        let good = |than| checks.iter().find(|check| is_later(check, than) && !check.failed).map(|check| check.at);
        divide(wave, &known, WaveDivision { pause: 30, failures: 3, chance: 0.001 }, good)
    }

    #[test]
    fn a_single_failure_after_a_pause_neither_prolongs_a_wave_nor_begins_one() {
        let wave =
            |end| DetectedWave { start: Transition { after: None, by: UnixMillis(0) }, end, members: Vec::new() };
        // A check of the second series follows only after the stray failure of the first.
        let mut checks = judged(&["xxxx..................x........", "xxxxx.........................."]);
        checks.retain(|check| check.series == 0 || !(50..260).contains(&check.at.0));
        assert_eq!(spans(&divided(wave(None), &checks)), [(0, None)], "it goes on as before");
        let end = Transition { after: Some(UnixMillis(220)), by: UnixMillis(230) };
        let parts = divided(wave(Some(end)), &checks);
        let expected = Transition { after: Some(UnixMillis(41)), by: UnixMillis(261) };
        assert_eq!(parts.iter().map(|part| part.end).collect::<Vec<_>>(), [Some(expected)]);
    }
}
