//! Slow periods: when answers took far longer than usual, from which vantages, and in how many
//! waves. They are reported as incidents of failures are.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::{Bracket, SafeText, UnixMillis, micros, timestamp};
use crate::report::context::ReportContext;
use crate::report::document::slow_period::{SlowPeriod, SlowWave};
use crate::report::incident::incident_detection::DetectedIncidents;
use crate::report::series::outage::Transition;
use crate::report::series::slowness::{self, SurfaceLatency};
use crate::report::statistics::{number, ratio};
use crate::window::{Histogram, Latency};

/// Fewer slow answers are chance.
const FEWEST: u64 = 5;

/// Consecutive buckets with slow answers: the starts of the first and the last, in milliseconds
/// since 1970.
struct SlowSpan {
    first: UnixMillis,
    last: UnixMillis,
    /// Whether a bucket before the first is known not to be slow.
    begins: bool,
    /// Whether a bucket after the last is known not to be slow.
    ends: bool,
}

/// The slow periods of all surfaces, by surface and start, without those within an incident, which
/// is reported already.
pub(super) fn slow_periods(context: &ReportContext<'_>, detected: &DetectedIncidents) -> Vec<SlowPeriod> {
    let within = i64::try_from(context.range.rules.join_within.as_millis()).unwrap_or(i64::MAX);
    let mut periods = Vec::new();
    for (surface, entry) in context.surfaces() {
        let Some(latency) = context.latency_of(surface) else { continue };
        let intervals = entry.series.iter().filter_map(|at| context.analyses[*at].interval());
        let least = intervals.min().unwrap_or_default() * i64::from(context.range.rules.open_after.get());
        let mut groups: Vec<Vec<SlowSpan>> = Vec::new();
        for span in spans(&latency, context.range.to) {
            let is_soon = |last: &SlowSpan| span.first <= (last.last + latency.step).saturating_add(within);
            match groups.last_mut() {
                Some(group) if group.last().is_some_and(is_soon) => group.push(span),
                _ => groups.push(vec![span]),
            }
        }
        let of_group = |group: &Vec<SlowSpan>| period(context, surface, &latency, group, least);
        let incidents = detected.times_of(context, surface);
        let is_apart = |period: &SlowPeriod| !incidents.iter().any(|times| lies_in(period, *times, latency.step));
        periods.extend(groups.iter().filter_map(of_group).filter(is_apart));
    }
    periods
}

/// Since when a surface fails that does so because of slow answers and not of an incident.
pub(super) fn slow_since(surface: &SafeText, periods: &[SlowPeriod]) -> Option<Bracket> {
    let open = periods.iter().rev().find(|period| period.surface == *surface && period.is_open());
    Some(open?.waves.last()?.start)
}

/// Whether a period lies between the start of an incident and its end, give or take the length of a bucket.
fn lies_in(period: &SlowPeriod, (start, end): (Transition, Option<Transition>), step: i64) -> bool {
    let ms = |bracket: Bracket| UnixMillis::from(bracket.by);
    let ends = match (period.end, end) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(ends), Some(end)) => ms(ends) <= end.by + step,
    };
    ms(period.start) >= start.by - step && ends
}

fn spans(latency: &SurfaceLatency<'_>, to: UnixMillis) -> Vec<SlowSpan> {
    let mut spans: Vec<SlowSpan> = Vec::new();
    let (mut is_open, mut was_fine) = (false, false);
    for begin in latency.latency.range(..to).map(|(begin, _)| *begin) {
        match latency.slow(to.min(begin + latency.step - 1)).map(|slow| slow.certain) {
            Some(true) => {
                match spans.last_mut().filter(|_| is_open) {
                    Some(span) => span.last = begin,
                    None => spans.push(SlowSpan { first: begin, last: begin, begins: was_fine, ends: false }),
                }
                is_open = true;
            }
            Some(false) => {
                if let Some(span) = spans.last_mut().filter(|_| is_open) {
                    span.ends = true;
                }
                (is_open, was_fine) = (false, true);
            }
            // Too few answers to judge.
            None => {}
        }
    }
    spans
}

/// The number of slow answers in a bucket, and of all its answers.
fn count(latency: &SurfaceLatency<'_>, begin: UnixMillis) -> (u64, u64) {
    let usual = latency.usual.at(begin, latency.step).and_then(|usual| usual.p95_us);
    let found = latency.latency.get(&begin).zip(usual);
    found.map_or((0, 0), |(latency, usual)| (slowness::slow_of(&latency.total, usual), latency.total.count()))
}

fn period(
    context: &ReportContext<'_>,
    surface: &SafeText,
    latency: &SurfaceLatency<'_>,
    group: &[SlowSpan],
    least: i64,
) -> Option<SlowPeriod> {
    let (first, last) = (group.first()?, group.last()?);
    let highest = buckets(latency.latency, group).map(|(begin, _)| share(latency, begin)).fold(0.0, f64::max);
    let waves: Vec<SlowWave> = group.iter().map(|span| wave(latency, span, highest)).collect();
    let (mut all, mut slow, mut answers) = (Histogram::default(), 0, 0);
    for (begin, found) in buckets(latency.latency, group) {
        let (of_bucket, n) = count(latency, begin);
        slow += of_bucket;
        answers += n;
        all.merge(&found.total);
    }
    let until = context.range.to.min(last.last + latency.step);
    if slow < FEWEST || until - first.first < least {
        return None;
    }
    let begin = timestamp::text(first.first.timestamp());
    let checksum = crc32fast::hash(format!("slow {begin} {surface}").as_bytes());
    Some(SlowPeriod {
        id: format!("{}-{checksum:08x}", &begin.replace([':', '-', '.'], "")[..15]),
        surface: surface.clone(),
        vantages: vantages(context, surface, group),
        start: waves.first()?.start,
        end: waves.last()?.end,
        waves,
        answers,
        slow,
        p95_us: all.quantile(0.95).map(micros::of)?,
        usual_p95_us: latency.usual.at(first.first, latency.step)?.p95_us?,
    })
}

/// The buckets of some spans.
fn buckets<'l>(
    latency: &'l BTreeMap<UnixMillis, Latency>,
    group: &'l [SlowSpan],
) -> impl Iterator<Item = (UnixMillis, &'l Latency)> {
    group.iter().flat_map(|span| latency.range(span.first..=span.last)).map(|(begin, found)| (*begin, found))
}

/// When a span began and ended. The slow part of its first and last bucket is in proportion to the
/// share of slow answers there, relative to the highest share of the period.
fn wave(latency: &SurfaceLatency<'_>, span: &SlowSpan, highest: f64) -> SlowWave {
    let slow_for = |begin: UnixMillis| {
        let of_bucket = if highest > 0.0 { (share(latency, begin) / highest).min(1.0) } else { 1.0 };
        let length = Duration::from_millis(u64::try_from(latency.step).unwrap_or_default());
        i64::try_from(length.mul_f64(of_bucket).as_millis()).unwrap_or(latency.step)
    };
    let begin = span.first + latency.step - slow_for(span.first);
    let end = span.last + slow_for(span.last);
    SlowWave {
        start: Bracket { after: span.begins.then(|| span.first.timestamp()), by: begin.timestamp() },
        end: span.ends.then(|| Bracket { after: Some(end.timestamp()), by: (span.last + latency.step).timestamp() }),
    }
}

/// The share of slow answers in a bucket.
fn share(latency: &SurfaceLatency<'_>, begin: UnixMillis) -> f64 {
    let (slow, all) = count(latency, begin);
    ratio(slow, all).unwrap_or_default()
}

/// The vantages whose own answers were slow in some spans.
fn vantages(context: &ReportContext<'_>, surface: &SafeText, group: &[SlowSpan]) -> Vec<SafeText> {
    let Some(entry) = context.surface(surface, false) else { return Vec::new() };
    let is_slow = |vantage: &&SafeText| {
        let Some(latency) = context.place_latency(surface, vantage) else { return false };
        let (slow, all) = buckets(latency.latency, group).fold((0, 0), |sum, (begin, _)| {
            let (slow, all) = count(&latency, begin);
            (sum.0 + slow, sum.1 + all)
        });
        slowness::is_slow(slow, all)
    };
    entry.places.keys().filter(is_slow).cloned().collect()
}

/// How severe a period was: its number of slow answers, times how much slower than usual its 95th
/// percentile was.
pub(super) fn weight(period: &SlowPeriod) -> f64 {
    number(period.slow) * number(period.p95_us) / number(period.usual_p95_us.max(1))
}
