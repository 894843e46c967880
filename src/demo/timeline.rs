//! Converts the faults of a scenario to segments of one listener, in time of the run. They are
//! computed before the run starts.

use std::time::Duration;

use crate::demo::scenario::{Behaviour, Endpoint, Fault, Playback, Scenario};
use crate::model::{mixed, seeded_fnv1a};

/// The shortest slot into which a time with a share of unanswered connections is divided.
const SLOT: Duration = Duration::from_millis(250);

/// A part of the run in which a listener behaves the same.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Segment {
    /// Its end, since the start of the run.
    pub(super) until: Duration,
    /// Whether connection requests are answered.
    pub(super) open: bool,
    /// The shares of connections with each behaviour; the rest are healthy.
    pub(super) shares: Vec<(f64, Behaviour)>,
}

/// The segments of an endpoint seen from a vantage. It is healthy after the last one.
pub(super) fn segments(scenario: &Scenario, endpoint: &Endpoint, vantage: &str, playback: Playback) -> Vec<Segment> {
    let faults: Vec<_> = scenario.faults.iter().filter(|fault| fault.target.covers(endpoint, vantage)).collect();
    let mut marks: Vec<Duration> = faults.iter().flat_map(|fault| [fault.from, fault.until]).collect();
    marks.push(scenario.story);
    marks.retain(|mark| !mark.is_zero() && *mark <= scenario.story);
    marks.sort_unstable();
    marks.dedup();

    let stream = stream_of(scenario.seed, endpoint.name, vantage);
    let mut segments = Vec::new();
    let mut from = Duration::ZERO;
    for until in marks {
        let behaviour = faults.iter().rev().find(|fault| fault.from <= from && from < fault.until);
        let behaviour = behaviour.map_or(&Behaviour::Healthy, |fault| &fault.behaviour);
        let (begin, end) = (scaled(from, scenario.story, playback.run), scaled(until, scenario.story, playback.run));
        push_segments(&mut segments, behaviour, (begin, end), RandomSlots { stream, slot: slot(playback) });
        from = until;
    }
    segments
}

/// A stream of random numbers, and the length of the slot that each number decides about.
#[derive(Clone, Copy)]
struct RandomSlots {
    stream: u64,
    slot: Duration,
}

/// The length of a slot: proportional to the interval of checks, so that a slower playback stays the same, and never
/// shorter than [`SLOT`].
fn slot(playback: Playback) -> Duration {
    SLOT.max(playback.interval * 5 / 8)
}

fn push_segments(
    segments: &mut Vec<Segment>,
    behaviour: &Behaviour,
    (from, until): (Duration, Duration),
    chances: RandomSlots,
) {
    let (closed_share, shares) = match behaviour {
        Behaviour::Healthy | Behaviour::CertificateExpired => (0.0, Vec::new()),
        Behaviour::Unanswered => (1.0, Vec::new()),
        Behaviour::Mixed(shares) => split(shares),
        one => (0.0, vec![(1.0, one.clone())]),
    };
    if closed_share <= 0.0 || closed_share >= 1.0 {
        segments.push(Segment { until, open: closed_share <= 0.0, shares });
        return;
    }
    let mut at = from;
    while at < until {
        let slot = at.as_millis() / chances.slot.as_millis();
        let end = until.min(chances.slot * u32::try_from(slot + 1).unwrap_or(u32::MAX));
        let open = draw(chances.stream, u64::try_from(slot).unwrap_or(u64::MAX)) >= closed_share;
        segments.push(Segment { until: end, open, shares: shares.clone() });
        at = end;
    }
}

/// The share of time in which connections are not answered, and the shares of connections in the
/// rest of the time.
fn split(shares: &[(f64, Behaviour)]) -> (f64, Vec<(f64, Behaviour)>) {
    let closed: f64 = shares.iter().filter(|(_, kind)| *kind == Behaviour::Unanswered).map(|(share, _)| share).sum();
    let open = (1.0 - closed).max(f64::MIN_POSITIVE);
    let rest = shares.iter().filter(|(_, kind)| *kind != Behaviour::Unanswered);
    (closed, rest.map(|(share, kind)| (share / open, kind.clone())).collect())
}

/// When the certificate of an endpoint expires, in time of the run; `None` if it does not.
pub(super) fn expiry(scenario: &Scenario, endpoint: &Endpoint, vantage: &str, run: Duration) -> Option<Duration> {
    let expires =
        |fault: &&Fault| fault.behaviour == Behaviour::CertificateExpired && fault.target.covers(endpoint, vantage);
    let first = scenario.faults.iter().filter(expires).map(|fault| fault.from).min()?;
    Some(scaled(first, scenario.story, run))
}

/// Converts a time of the story to time of the run.
pub(super) fn scaled(time: Duration, story: Duration, run: Duration) -> Duration {
    run.mul_f64((time.as_secs_f64() / story.as_secs_f64()).clamp(0.0, 1.0))
}

/// The random stream of one listener. The same seed always gives the same scenario.
pub(super) fn stream_of(seed: u64, endpoint: &str, vantage: &str) -> u64 {
    seeded_fnv1a(seed, format!("{endpoint}\0{vantage}").as_bytes())
}

/// The n-th number of a stream, in [0, 1), by splitmix64.
pub(super) fn draw(stream: u64, n: u64) -> f64 {
    let random = mixed(stream.wrapping_add(n.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)));
    // The upper 32 bits as a fraction, which an f64 represents exactly.
    f64::from(u32::try_from(random >> 32).unwrap_or(0)) / 4_294_967_296.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::by_name;

    const RUN: Duration = Duration::from_secs(20);

    fn playback(times_slower: u32) -> Playback {
        let (interval, timeout) = (Duration::from_millis(400), Duration::from_millis(280));
        Playback { run: RUN * times_slower, interval: interval * times_slower, timeout }
    }

    #[test]
    fn the_same_seed_plays_the_same_story() {
        let scenario = by_name("x-2025-03-10").expect("a scenario");
        let play = || segments(&scenario, &scenario.endpoints[0], "iad", playback(1));
        assert_eq!(play(), play());
        assert!(play().iter().any(|segment| !segment.open));
        assert!(play().iter().any(|segment| segment.open));
        let slower: Vec<Segment> = segments(&scenario, &scenario.endpoints[0], "iad", playback(4));
        let told = |segment: &Segment, times: u128| ((segment.until.as_micros() + 2) / times / 4, segment.open);
        let faster: Vec<_> = slower.iter().map(|segment| told(segment, 4)).collect();
        assert_eq!(faster, play().iter().map(|segment| told(segment, 1)).collect::<Vec<_>>(), "the same story, slower");
    }

    #[test]
    fn stretches_follow_each_other_to_the_end() {
        for name in crate::demo::names() {
            let scenario = by_name(name).expect("a scenario");
            for endpoint in &scenario.endpoints {
                for vantage in &scenario.vantages {
                    let segments = segments(&scenario, endpoint, vantage, playback(1));
                    assert!(segments.is_sorted_by(|one, next| one.until < next.until), "{name}: {segments:?}");
                    assert_eq!(segments.last().map(|last| last.until), Some(RUN), "{name}");
                }
            }
        }
    }

    #[test]
    fn chance_keeps_its_shares() {
        let hits = (0..10_000).filter(|&n| draw(stream_of(7, "timeline", "iad"), n) < 0.3).count();
        assert!((2_800..3_200).contains(&hits), "{hits} of 10,000");
    }
}
