//! What a journal holds, sent to a backend that has not seen it: the sums of everything up to
//! each step, at the instant of the step. Two that replay the same journal send the same.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::export::buckets::HistogramFormat;
use crate::export::cumulative::Cumulative;
use crate::export::delivery_stats::DeliveryStats;
use crate::export::endpoint::{Answer, Endpoint};
use crate::export::error::ExportError;
use crate::export::protobuf_messages::write::TimeSeries;
use crate::metric;
use crate::metric::Identity;
use crate::window::Window;

use super::request::{self, Settings};
use super::samples;
use super::state::Change;

/// Steps of one replay, at most.
const STEPS: i64 = 1_440;
/// The shortest step.
const SHORTEST_STEP: SignedDuration = SignedDuration::from_mins(1);
/// Samples in one request, at most, unless one series alone has more.
const SAMPLES_PER_REQUEST: usize = 5_000;

/// Windows on their way to a backend.
#[derive(Debug)]
pub struct Replay {
    since: Timestamp,
    step: SignedDuration,
    /// What was before.
    base: Cumulative,
    /// What came in each step, by the end of the step.
    steps: BTreeMap<Timestamp, Cumulative>,
}

impl Replay {
    /// A replay of what came after an instant, up to another.
    #[must_use]
    pub fn new(since: Timestamp, until: Timestamp) -> Replay {
        let steps = i32::try_from(STEPS).unwrap_or(i32::MAX);
        let step = (until.duration_since(since) / steps).max(SHORTEST_STEP);
        Replay { since, step, base: Cumulative::default(), steps: BTreeMap::new() }
    }

    /// Adds a window. Their order does not matter.
    pub fn add(&mut self, window: &Window) {
        if window.to <= self.since {
            self.base.add(window);
            return;
        }
        let past = window.to.duration_since(self.since).as_millis();
        let step = self.step.as_millis();
        let end = i64::try_from(past.div_euclid(step) + i128::from(past.rem_euclid(step) > 0)).unwrap_or(i64::MAX);
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let end = SignedDuration::from_millis(end.saturating_mul(step));
        let end = self.since.checked_add(end).unwrap_or(Timestamp::MAX);
        self.steps.entry(end).or_default().add(window);
    }

    /// Sends all of it, for at most this long. Samples are never later than `now`.
    ///
    /// # Errors
    /// [`ExportError`], where the address or the headers cannot be used.
    pub async fn send(self, settings: &Settings, now: Timestamp, patience: Duration) -> Result<Sent, ExportError> {
        let endpoint = request::endpoint(settings)?;
        let (all, last) = self.series(settings.histograms, now);
        let mut bodies = Vec::new();
        let mut gathered: Vec<TimeSeries> = Vec::new();
        let mut samples = 0;
        for series in all {
            let more = series.samples.len() + series.histograms.len();
            if samples + more > SAMPLES_PER_REQUEST && !gathered.is_empty() {
                bodies.push(request::body(std::mem::take(&mut gathered)));
                samples = 0;
            }
            samples += more;
            gathered.push(series);
        }
        if !gathered.is_empty() {
            bodies.push(request::body(gathered));
        }
        let stats = deliver(&endpoint, bodies, patience).await;
        Ok(Sent { stats, last })
    }

    /// Every series with all its samples, and the sums at the end.
    fn series(mut self, histograms: HistogramFormat, now: Timestamp) -> (Vec<TimeSeries>, Vec<Last>) {
        let mut all: BTreeMap<Vec<(String, String)>, TimeSeries> = BTreeMap::new();
        let mut last: BTreeMap<Identity, Last> = BTreeMap::new();
        for (end, pending) in &self.steps {
            let at_ms = (*end).min(now).as_millisecond();
            for window in pending.windows() {
                let identity = metric::identity_of(window);
                let before = self.base.get(&identity).cloned();
                self.base.add(window);
                let Some(after) = self.base.get(&identity).cloned() else { continue };
                last.insert(identity, Last { sum: after.clone(), at_ms });
                for series in samples::of_change(&Change { before, after }, histograms, at_ms) {
                    let known = all
                        .entry(samples::key(&series.labels))
                        .or_insert_with(|| TimeSeries { labels: series.labels.clone(), ..TimeSeries::default() });
                    known.samples.extend(series.samples);
                    known.histograms.extend(series.histograms);
                }
            }
        }
        (all.into_values().collect(), last.into_values().collect())
    }
}

/// What was sent, and what became of it.
#[derive(Debug)]
pub struct Sent {
    /// What became of the requests.
    pub stats: DeliveryStats,
    /// The last sum of each probe.
    pub last: Vec<Last>,
}

/// The last that was sent of one probe.
#[derive(Clone, Debug)]
pub struct Last {
    /// All its checks.
    pub sum: Window,
    /// The instant of the samples, in milliseconds.
    pub at_ms: i64,
}

/// Sends requests one after another until each is taken or refused, or the time is up.
async fn deliver(endpoint: &Endpoint, bodies: Vec<Vec<u8>>, patience: Duration) -> DeliveryStats {
    let deadline = Instant::now() + patience;
    let mut stats = DeliveryStats::default();
    let mut pause = Duration::from_millis(500);
    let mut bodies = bodies.into_iter().peekable();
    while let Some(body) = bodies.peek() {
        match tokio::time::timeout_at(deadline, endpoint.post(body.clone(), request::worth_retrying)).await {
            Ok(Answer::Accepted(_)) => {
                stats.sent += 1;
                bodies.next();
            }
            Ok(Answer::Refused(why)) => {
                stats.refused += 1;
                stats.last_error = Some(why);
                bodies.next();
            }
            Ok(Answer::Retry(after, why)) => {
                stats.retries += 1;
                stats.last_error = Some(why);
                let pause_now = after.unwrap_or(pause);
                pause *= 2;
                if Instant::now() + pause_now >= deadline {
                    break;
                }
                tokio::time::sleep(pause_now).await;
            }
            Err(_) => break,
        }
    }
    stats.dropped += bodies.count() as u64;
    stats
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn window(minute: i64, up: u64) -> Window {
        let names = ["here", "home", "web"].map(Arc::from);
        let mut window = Window::empty(&names[0], &names[1], &names[2], false);
        window.from = Timestamp::from_second(minute * 60).expect("an instant");
        window.to = Timestamp::from_second((minute + 1) * 60).expect("an instant");
        window.counts.up = up;
        for _ in 0..up {
            window.latency.total.record_micros(1_000);
        }
        window
    }

    fn values(series: &[TimeSeries], name: &str) -> Vec<(i64, f64)> {
        let named = |series: &&TimeSeries| {
            series.labels.iter().any(|label| label.value == name)
                && series.labels.iter().all(|label| label.name != "verdict" || label.value == "up")
        };
        let found = series.iter().find(named).expect("the series");
        let histograms = found
            .histograms
            .iter()
            .map(|histogram| (histogram.timestamp_ms, 0.0 + f64::from(u32::try_from(histogram.count).unwrap())));
        found.samples.iter().map(|sample| (sample.timestamp_ms, sample.value)).chain(histograms).collect()
    }

    #[test]
    fn each_step_says_all_that_came_before_it_and_a_new_series_begins_with_zero() {
        let minute = |n: i64| Timestamp::from_second(n * 60).expect("an instant");
        let mut replay = Replay::new(minute(10), minute(20));
        for (at, up) in [(12, 3), (11, 2), (12, 5)] {
            replay.add(&window(at, up));
        }
        let (series, last) = replay.series(HistogramFormat::default(), minute(20));
        let expected = [(719_999, 0.0), (720_000, 2.0), (780_000, 10.0)];
        assert_eq!(values(&series, "uptick_checks_total"), expected);
        assert_eq!(values(&series, "uptick_check_duration_seconds"), expected);
        assert_eq!((last.len(), last[0].sum.counts.up, last[0].at_ms), (1, 10, 780_000));
    }

    #[test]
    fn what_was_before_counts_and_is_not_sent() {
        let minute = |n: i64| Timestamp::from_second(n * 60).expect("an instant");
        let mut replay = Replay::new(minute(10), minute(20));
        replay.add(&window(3, 7));
        replay.add(&window(15, 1));
        let (series, _) = replay.series(HistogramFormat::Classic, minute(20));
        assert_eq!(values(&series, "uptick_checks_total"), [(960_000, 8.0)]);
    }
}
