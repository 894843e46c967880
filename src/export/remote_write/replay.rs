//! Sends the contents of a journal to a backend: at each step the sum of everything so far, with the timestamp of that
//! step. A window's timestamp depends on the window alone, and runs use the same rule. So anyone may send a journal any
//! number of times: all samples lie on one curve, and a backend that already has some of them sees no extra increase.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::export::cumulative::Total;
use crate::export::delivery_stats::DeliveryStats;
use crate::export::endpoint::{Answer, Endpoint};
use crate::export::error::ExportError;
use crate::export::histogram_format::HistogramFormat;
use crate::export::kept_sums::{Change, STAMPS_APART};
use crate::export::protobuf_messages::write::TimeSeries;
use crate::export::push::{FIRST_PAUSE, LONGEST_PAUSE, web_page};
use crate::metric;
use crate::metric::Identity;
use crate::model::{Shard, UnixMillis};
use crate::window::Window;

use super::request::{self, Settings};
use super::samples;
use super::samples::Form;

/// Maximum number of samples per series in one replay.
const STEPS: i64 = 1_440;
/// The shortest step, in milliseconds.
const SHORTEST_STEP: i64 = 60_000;
/// Up to this many milliseconds, a window that follows a later one belongs to a run that ended late; beyond, to another
/// journal.
const LATE: i64 = 3_600_000;
/// Maximum number of samples in one request, unless one series alone has more.
const SAMPLES_PER_REQUEST: usize = 5_000;

/// The windows to send to a backend.
#[derive(Debug)]
pub(crate) struct Replay {
    since: UnixMillis,
    step_ms: i64,
    histories: BTreeMap<Identity, History>,
}

/// The windows of one series.
#[derive(Debug, Default)]
struct History {
    /// The shard that recorded them.
    shard: Option<Shard>,
    /// The timestamp of the window that was added last, or of a later one before it.
    latest: Option<UnixMillis>,
    /// The sum before the replay.
    base: Option<Total>,
    /// The windows of each step, by the number of the step since 1970.
    steps: BTreeMap<i64, Step>,
}

#[derive(Debug)]
struct Step {
    total: Total,
    /// Windows beyond the first that share the latest timestamp.
    more_at_last: i64,
}

impl Replay {
    /// A replay of the windows after one instant, up to another.
    #[must_use]
    pub(crate) fn new(since: Timestamp, until: Timestamp) -> Replay {
        let span = i64::try_from(until.duration_since(since).as_millis()).unwrap_or(i64::MAX);
        Replay {
            since: UnixMillis::from(since),
            step_ms: (span / STEPS).max(SHORTEST_STEP),
            histories: BTreeMap::new(),
        }
    }

    /// Adds a window that a prober, or a shard, recorded. Windows of one journal must come in its order.
    pub(crate) fn add(&mut self, window: &Window, shard: Option<Shard>) {
        let history = self.histories.entry(metric::identity_of(window, shard)).or_default();
        history.shard = shard;
        let mut total = Total::of(window);
        total.last = match history.latest {
            Some(latest) if (latest - LATE..latest).contains(&total.last) => latest,
            _ => total.last,
        };
        history.latest = Some(total.last);
        if total.last <= self.since {
            match &mut history.base {
                Some(base) => base.merge(&total),
                None => history.base = Some(total),
            }
            return;
        }
        match history.steps.get_mut(&total.last.div_euclid(self.step_ms)) {
            Some(step) => step.add(&total),
            None => drop(history.steps.insert(total.last.div_euclid(self.step_ms), Step { total, more_at_last: 0 })),
        }
    }

    /// The last sum of each probe, which a backend has once everything was sent.
    #[must_use]
    pub(crate) fn last(&self) -> Vec<Last> {
        self.histories.values().filter_map(History::last).collect()
    }

    /// Sends everything, for at most this long.
    ///
    /// # Errors
    /// [`ExportError`], if the address or the headers cannot be used.
    pub(crate) async fn send(self, settings: &Settings, patience: Duration) -> Result<DeliveryStats, ExportError> {
        let endpoint = request::endpoint(settings)?;
        let mut bodies = Vec::new();
        let mut gathered: Vec<TimeSeries> = Vec::new();
        let mut samples = 0;
        for series in self.series(settings.histograms) {
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
        Ok(deliver(&endpoint, bodies, patience).await)
    }

    /// Every series with all its samples.
    fn series(self, histograms: HistogramFormat) -> Vec<TimeSeries> {
        let mut all: BTreeMap<Vec<(String, String)>, TimeSeries> = BTreeMap::new();
        for history in self.histories.into_values() {
            let form = Form { histograms, shard: history.shard };
            for change in history.changes() {
                for series in samples::of_change(&change, form) {
                    let known = all
                        .entry(samples::key(&series.labels))
                        .or_insert_with(|| TimeSeries { labels: series.labels.clone(), ..TimeSeries::default() });
                    known.samples.extend(series.samples);
                    known.histograms.extend(series.histograms);
                }
            }
        }
        all.into_values().collect()
    }
}

impl Step {
    fn add(&mut self, total: &Total) {
        self.more_at_last = match total.last - self.total.last {
            0 => self.more_at_last + 1,
            1.. => 0,
            _ => self.more_at_last,
        };
        self.total.merge(total);
    }

    /// The timestamp of its samples: a run that adds to a sum already sent sends it a little later.
    fn at(&self) -> UnixMillis {
        self.total.last + self.more_at_last * STAMPS_APART
    }
}

impl History {
    /// The sum after each step.
    fn changes(self) -> impl Iterator<Item = Change> {
        let mut sum = self.base;
        self.steps.into_values().map(move |step| {
            let at = step.at();
            let before = sum.as_ref().map(|total| total.sum.clone());
            // A compacted window includes what a run sent since its beginning.
            let zero_at = UnixMillis::from(step.total.sum.from).min(step.total.first) - 1;
            match &mut sum {
                Some(sum) => sum.merge(&step.total),
                None => sum = Some(step.total.clone()),
            }
            let after = sum.as_ref().map_or(step.total.sum, |total| total.sum.clone());
            Change { before, after, at, zero_at }
        })
    }

    fn last(&self) -> Option<Last> {
        let at = self.steps.values().next_back()?.at();
        let mut steps = self.steps.values().map(|step| &step.total);
        let mut sum = match &self.base {
            Some(base) => base.clone(),
            None => steps.next()?.clone(),
        };
        steps.for_each(|step| sum.merge(step));
        Some(Last { sum: sum.sum, shard: self.shard, at })
    }
}

/// The last sum of one probe.
#[derive(Clone, Debug)]
pub struct Last {
    /// All its checks.
    pub sum: Window,
    /// The shard that made them.
    pub shard: Option<Shard>,
    /// The timestamp of the samples, in milliseconds.
    pub at: UnixMillis,
}

/// Sends requests one after another until each is accepted or rejected, or time is up.
async fn deliver(endpoint: &Endpoint, bodies: Vec<Vec<u8>>, patience: Duration) -> DeliveryStats {
    let deadline = Instant::now() + patience;
    let mut stats = DeliveryStats::default();
    let mut pause = FIRST_PAUSE;
    let mut bodies = bodies.into_iter().peekable();
    while let Some(body) = bodies.peek() {
        match tokio::time::timeout_at(deadline, endpoint.post(body.clone(), request::worth_retrying)).await {
            Ok(Answer::Accepted(answer)) => {
                match web_page(&answer) {
                    None => stats.accept(),
                    Some(why) => stats.refuse(endpoint.message(why)),
                }
                (pause, _) = (FIRST_PAUSE, bodies.next());
            }
            Ok(Answer::Refused(why)) => {
                stats.refuse(why);
                (pause, _) = (FIRST_PAUSE, bodies.next());
            }
            Ok(Answer::Retry(after, why)) => {
                stats.retry(why);
                let pause_now = after.unwrap_or_default().max(pause);
                pause = (pause * 2).min(LONGEST_PAUSE);
                if Instant::now() + pause_now >= deadline {
                    break;
                }
                tokio::time::sleep(pause_now).await;
            }
            Err(_) => break,
        }
    }
    stats.drop(bodies.count() as u64);
    stats
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use jiff::SignedDuration;

    use super::*;
    use crate::model::{FailureClass, Verdict};
    use crate::window::CheckResult;

    /// A window of a minute whose last check was due at second 30.
    fn window(minute: i64, up: u64) -> Window {
        let names = ["here", "home", "web"].map(Arc::from);
        let mut window = Window::empty(&names[0], &names[1], &names[2], false);
        window.from = Timestamp::from_second(minute * 60).expect("an instant");
        window.to = Timestamp::from_second((minute + 1) * 60).expect("an instant");
        for n in 0..up {
            let due = window.from + SignedDuration::from_millis(30_000 - i64::try_from(n).expect("few"));
            window.counts.up += 1;
            window.strip.push(due, CheckResult::new(Verdict::Up, None));
            window.latency.total.record_micros(1_000);
        }
        window
    }

    fn minute(n: i64) -> Timestamp {
        Timestamp::from_second(n * 60).expect("an instant")
    }

    fn replay(since: i64, until: i64, windows: &[Window]) -> Replay {
        let mut replay = Replay::new(minute(since), minute(until));
        windows.iter().for_each(|window| replay.add(window, None));
        replay
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
    fn each_sample_says_all_that_came_before_it_and_a_new_series_begins_with_zero() {
        let replay = replay(10, 20, &[window(11, 2), window(12, 3), window(12, 5)]);
        let last = replay.last();
        let series = replay.series(HistogramFormat::default());
        let expected = [(659_999, 0.0), (690_000, 2.0), (750_002, 10.0)];
        assert_eq!(values(&series, "uptick_checks_total"), expected);
        assert_eq!(values(&series, "uptick_check_duration_seconds"), expected);
        assert_eq!((last.len(), last[0].sum.counts.up, last[0].at), (1, 10, UnixMillis(750_002)));
    }

    #[test]
    fn what_was_before_counts_and_is_not_sent() {
        let replay = replay(10, 20, &[window(3, 7), window(15, 1)]);
        assert_eq!(replay.last()[0].sum.counts.up, 8);
        assert_eq!(values(&replay.series(HistogramFormat::Classic), "uptick_checks_total"), [(930_000, 8.0)]);
    }

    /// All samples of a series, from any replays and any runs, lie on one curve that never falls.
    #[test]
    fn replays_of_different_spans_and_what_runs_have_sent_lie_on_one_curve() {
        let mut windows: Vec<Window> =
            (0..3_000).map(|n| window(n, 1 + u64::from(n.unsigned_abs() % 5 == 0))).collect();
        for at in [7_usize, 800, 2_900] {
            windows[at].counts.down += 2;
            windows[at].failures.insert(FailureClass::Status, 2);
            // A run that hung: the journal has it after the next one.
            windows.swap(at, at + 1);
        }
        let mut all: BTreeMap<_, Vec<(i64, f64)>> = BTreeMap::new();
        let mut note = |series: Vec<TimeSeries>| {
            for series in series {
                let samples = series.samples.iter().map(|sample| (sample.timestamp_ms, sample.value));
                all.entry(samples::key(&series.labels)).or_default().extend(samples);
            }
        };
        for (since, until) in [(-10, 3_000), (-10, 40), (0, 3_001), (1_000, 3_000), (2_500, 2_990), (-900_000, 3_000)] {
            let known: Vec<Window> = windows.iter().filter(|window| window.from < minute(until)).cloned().collect();
            note(replay(since, until, &known).series(HistogramFormat::Classic));
        }
        let mut runs = crate::export::kept_sums::KeptSums::new(None, Default::default);
        for window in &windows {
            let mut pending = crate::export::cumulative::Cumulative::default();
            pending.add(window);
            let changes = runs.add(&pending);
            note(
                changes
                    .iter()
                    .flat_map(|change| {
                        samples::of_change(change, Form { histograms: HistogramFormat::Classic, shard: None })
                    })
                    .collect(),
            );
        }
        let mut hours: BTreeMap<i64, Window> = BTreeMap::new();
        for window in &windows {
            let hour = window.from.as_second().div_euclid(3_600);
            match hours.get_mut(&hour) {
                Some(sum) => sum.merge(window),
                None => drop(hours.insert(hour, window.clone())),
            }
        }
        note(replay(-10, 3_000, &hours.into_values().collect::<Vec<_>>()).series(HistogramFormat::Classic));
        assert!(all.len() > 10, "{}", all.len());
        for (labels, samples) in &mut all {
            samples.sort_by(|one, other| one.partial_cmp(other).expect("numbers"));
            let falls =
                samples.windows(2).find(|pair| pair[1].1 < pair[0].1 || (pair[0].0 == pair[1].0 && pair[0] != pair[1]));
            assert_eq!(falls, None, "{labels:?}");
        }
    }
}
