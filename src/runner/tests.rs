//! The runner with paused time and scripted checks.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use super::*;
use crate::model::{Counts, Cron, Schedule, Verdict};
use crate::plan;

fn probes(intervals: &[(&str, u64)]) -> Vec<Arc<Probe>> {
    let probe = |name: &str, ms: u64| Probe::plain(name, "web", "http://127.0.0.1/", Duration::from_millis(ms));
    intervals.iter().map(|(name, ms)| Arc::new(probe(name, *ms))).collect()
}

fn down(check: &Check, class: FailureClass) -> Outcome {
    let failure = Failure::new(class, None, SafeText::message("scripted"));
    Outcome::without_measurement(check, "test", check.scheduled_at, failure)
}

fn up(check: &Check) -> Outcome {
    Outcome { verdict: Verdict::Up, failure: None, ..down(check, FailureClass::Status) }
}

async fn up_after(check: Check, ms: u64) -> Outcome {
    tokio::time::sleep(Duration::from_millis(ms)).await;
    up(&check)
}

/// A wall clock that follows tokio's paused clock, and can be set by hand.
#[derive(Clone)]
struct Wall {
    started: Instant,
    offset_s: Arc<AtomicI64>,
}

impl Wall {
    fn new() -> Wall {
        Wall { started: Instant::now(), offset_s: Arc::default() }
    }

    fn now(&self) -> Timestamp {
        let epoch: Timestamp = "2025-03-10T09:00:00Z".parse().unwrap();
        epoch + self.started.elapsed() + jiff::SignedDuration::from_secs(self.offset_s.load(Ordering::Relaxed))
    }
}

/// Counts the events of a run, by probe.
#[derive(Default)]
struct Seen {
    counts: BTreeMap<String, Counts>,
    outcomes: Vec<Outcome>,
    gaps: Vec<Gap>,
    passes: u64,
    missed_at: Vec<Timestamp>,
    stopping: Vec<usize>,
}

impl Seen {
    fn take(&mut self, probes: &[Arc<Probe>], event: Event) {
        match event {
            Event::Outcome(outcome) => {
                self.counts.entry(outcome.probe.clone()).or_default().add(outcome.verdict, 1);
                self.outcomes.push(Arc::unwrap_or_clone(outcome));
            }
            Event::Missed { probe, scheduled_at } => {
                self.missed_at.push(scheduled_at);
                self.counts.entry(probes[probe].name.clone()).or_default().add(Verdict::Missed, 1);
            }
            Event::Gap(gap) => self.gaps.push(gap),
            Event::PassEnded => self.passes += 1,
            Event::Stopping { running } => self.stopping = running,
        }
    }

    fn total(&self) -> Counts {
        self.counts.values().fold(Counts::default(), |mut total, counts| {
            total.merge(counts);
            total
        })
    }
}

/// The limits of a scripted run.
struct Bounds {
    concurrency: usize,
    until_ms: Option<u64>,
    stop_ms: Option<u64>,
    room_until_ms: Option<u64>,
}

const FREE: Bounds = Bounds { concurrency: 64, until_ms: None, stop_ms: None, room_until_ms: None };

async fn play<P, F>(
    probes: &[Arc<Probe>],
    plan: impl Iterator<Item = Due>,
    bounds: Bounds,
    wall: &Wall,
    probe: P,
) -> (Completion, Seen)
where
    P: Fn(Check) -> F + Clone + Send + 'static,
    F: Future<Output = Outcome> + Send + 'static,
{
    let mut seen = Seen::default();
    let (wall, begin) = (wall.clone(), Instant::now());
    let settings = Settings {
        started: Instant::now(),
        concurrency: bounds.concurrency,
        until: bounds.until_ms.map(Duration::from_millis),
        vantage: "test".to_owned(),
        now: move || wall.now(),
        has_room: move || bounds.room_until_ms.is_none_or(|ms| begin.elapsed() < Duration::from_millis(ms)),
    };
    #[expect(clippy::async_yields_async, reason = "the stop starts the grace, which is waited for apart")]
    let stop = async move {
        match bounds.stop_ms {
            Some(ms) => tokio::time::sleep(Duration::from_millis(ms)).await,
            None => std::future::pending().await,
        }
        tokio::time::sleep(Duration::from_secs(2))
    };
    let ended = run(probes, plan, settings, probe, stop, |event| seen.take(probes, event)).await;
    (ended, seen)
}

fn intervals(probes: &[Arc<Probe>]) -> plan::Intervals {
    plan::Intervals::new(probes, Timestamp::UNIX_EPOCH, 0.0, 0)
}

#[tokio::test(start_paused = true)]
async fn checks_begin_when_they_are_due_and_do_not_drift() {
    let probes = probes(&[("a", 100), ("b", 250)]);
    let bounds = Bounds { until_ms: Some(100_000), ..FREE };
    let (ended, seen) = play(&probes, intervals(&probes), bounds, &Wall::new(), |check| up_after(check, 30)).await;
    assert_eq!(ended, Completion::Done);
    assert_eq!(seen.counts["a"], Counts { up: 1_000, ..Counts::default() });
    assert_eq!(seen.counts["b"], Counts { up: 400, ..Counts::default() });
    assert!(seen.outcomes.iter().all(|outcome| outcome.lag <= Duration::from_millis(1)));
    let of_a: Vec<Timestamp> = seen.outcomes.iter().filter(|o| o.probe == "a").map(|o| o.scheduled_at).collect();
    let drift = of_a[999].duration_since(of_a[0]).unsigned_abs().abs_diff(Duration::from_millis(99_900));
    assert!(drift <= Duration::from_millis(2), "{drift:?}");
}

#[tokio::test(start_paused = true)]
async fn a_full_house_shows_as_lag_and_not_as_lost_checks() {
    let probes = probes(&[("a", 1_000), ("b", 1_000), ("c", 1_000)]);
    let bounds = Bounds { concurrency: 1, ..FREE };
    let plan = plan::passes(3, Some(1), Duration::ZERO);
    let (_, seen) = play(&probes, plan, bounds, &Wall::new(), |check| up_after(check, 200)).await;
    let mut lags: Vec<u128> = seen.outcomes.iter().map(|outcome| outcome.lag.as_millis()).collect();
    lags.sort_unstable();
    assert_eq!(seen.total(), Counts { up: 3, ..Counts::default() });
    assert!(lags[0] <= 1 && (200..=202).contains(&lags[1]) && (400..=403).contains(&lags[2]), "{lags:?}");
}

#[tokio::test(start_paused = true)]
async fn a_check_slower_than_its_interval_never_overlaps_itself_and_the_missed_are_counted() {
    let probes = probes(&[("slow", 100)]);
    let at_once = Arc::new(AtomicUsize::new(0));
    let probe = move |check: Check| {
        let at_once = Arc::clone(&at_once);
        async move {
            assert_eq!(at_once.fetch_add(1, Ordering::Relaxed), 0, "the check overlaps itself");
            let outcome = up_after(check, 250).await;
            at_once.fetch_sub(1, Ordering::Relaxed);
            outcome
        }
    };
    let bounds = Bounds { until_ms: Some(30_000), ..FREE };
    let (_, seen) = play(&probes, intervals(&probes), bounds, &Wall::new(), probe).await;
    assert_eq!(seen.counts["slow"], Counts { up: 100, missed: 200, ..Counts::default() }, "every third slot is run");
}

#[tokio::test(start_paused = true)]
async fn without_room_for_what_they_find_checks_are_missed_and_counted() {
    let probes = probes(&[("a", 100)]);
    let bounds = Bounds { until_ms: Some(10_000), room_until_ms: Some(5_000), ..FREE };
    let (_, seen) = play(&probes, intervals(&probes), bounds, &Wall::new(), |check| up_after(check, 10)).await;
    assert_eq!(seen.counts["a"], Counts { up: 50, missed: 50, ..Counts::default() });
    // Passes without a pause do not spin.
    let bounds = Bounds { until_ms: Some(10_000), room_until_ms: Some(5_000), ..FREE };
    let plan = plan::passes(1, None, Duration::ZERO);
    let wall = Wall::new();
    let began = wall.now();
    let (_, seen) = play(&probes, plan, bounds, &wall, |check| up_after(check, 1_000)).await;
    let counts = seen.counts["a"];
    assert!((4..=6).contains(&counts.up) && (4..=6).contains(&counts.missed), "{counts:?}");
    let earliest = seen.missed_at.iter().min().unwrap().duration_since(began).as_secs();
    assert!(earliest >= 4, "a pass is due when the one before has ended, and not at the start: {earliest} s");
}

#[tokio::test(start_paused = true)]
async fn a_stopped_process_wakes_without_a_burst() {
    let probes = probes(&[("a", 100)]);
    let begun = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&begun);
    let probe = move |check: Check| {
        let noted = Arc::clone(&noted);
        async move {
            noted.lock().unwrap().push(Instant::now());
            let nth = noted.lock().unwrap().len();
            if nth == 10 {
                // What a process sees after SIGSTOP: time has passed and nothing ran.
                tokio::time::advance(Duration::from_secs(3)).await;
            }
            up(&check)
        }
    };
    let bounds = Bounds { until_ms: Some(10_000), ..FREE };
    let (_, seen) = play(&probes, intervals(&probes), bounds, &Wall::new(), probe).await;
    let counts = seen.counts["a"];
    assert_eq!(counts.scheduled(), 100);
    assert!((29..=30).contains(&counts.missed), "{counts:?}");
    let begun = begun.lock().unwrap();
    assert!(begun.windows(2).all(|pair| pair[1] > pair[0] + Duration::from_millis(1)), "two starts at once");
}

#[tokio::test(start_paused = true)]
async fn told_to_stop_it_starts_nothing_new_and_interrupts_what_does_not_end() {
    let probes = probes(&[("quick", 1_000), ("stuck", 100_000)]);
    let probe = |check: Check| {
        let time = if check.probe.name == "stuck" { 100_000 } else { 10 };
        up_after(check, time)
    };
    let bounds = Bounds { stop_ms: Some(50), ..FREE };
    let before = Instant::now();
    let plan = plan::passes(2, Some(5), Duration::from_secs(1));
    let (ended, seen) = play(&probes, plan, bounds, &Wall::new(), probe).await;
    assert_eq!(ended, Completion::Stopped);
    assert!(before.elapsed() < Duration::from_millis(2_100));
    assert_eq!(seen.counts["quick"], Counts { up: 1, ..Counts::default() });
    assert_eq!(seen.counts["stuck"], Counts { unknown: 1, ..Counts::default() });
    assert_eq!(seen.outcomes[1].class(), Some(FailureClass::Interrupted));
    assert_eq!((seen.stopping, seen.passes), (vec![1], 0), "what is waited for is said, and no pass has ended");
}

#[tokio::test(start_paused = true)]
async fn a_check_that_panics_is_still_accounted_for() {
    let probes = probes(&[("a", 1_000), ("b", 1_000)]);
    let probe = |check: Check| async move {
        assert_ne!(check.probe.name, "b", "scripted");
        up(&check)
    };
    let plan = plan::passes(2, Some(3), Duration::ZERO);
    let (_, seen) = play(&probes, plan, FREE, &Wall::new(), probe).await;
    assert_eq!(seen.counts["a"], Counts { up: 3, ..Counts::default() });
    assert_eq!(seen.counts["b"], Counts { unknown: 3, ..Counts::default() });
}

#[tokio::test(start_paused = true)]
async fn a_pass_begins_when_the_one_before_has_ended_and_never_after_the_end() {
    let probes = probes(&[("a", 60_000), ("b", 60_000)]);
    let probe = |check: Check| {
        let time = if check.probe.name == "a" { 400 } else { 100 };
        up_after(check, time)
    };
    let bounds = Bounds { until_ms: Some(1_000), ..FREE };
    let (_, seen) = play(&probes, plan::passes(2, None, Duration::ZERO), bounds, &Wall::new(), probe).await;
    assert_eq!(seen.total(), Counts { up: 6, ..Counts::default() }, "passes at 0, 400 and 800 ms");
    assert_eq!(seen.passes, 3);
    assert!(seen.outcomes.iter().all(|outcome| outcome.lag <= Duration::from_millis(3)));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_makes_one_gap_and_loses_no_check() {
    for hours in [-1, 24] {
        let probes = probes(&[("a", 1_000)]);
        let wall = Wall::new();
        let checks = Arc::new(AtomicUsize::new(0));
        let offset_s = Arc::clone(&wall.offset_s);
        let probe = move |check: Check| {
            if checks.fetch_add(1, Ordering::Relaxed) == 5 {
                offset_s.store(hours * 3_600, Ordering::Relaxed);
            }
            async move { up(&check) }
        };
        let bounds = Bounds { until_ms: Some(20_000), ..FREE };
        let (_, seen) = play(&probes, intervals(&probes), bounds, &wall, probe).await;
        assert_eq!(seen.total(), Counts { up: 20, ..Counts::default() });
        assert_eq!(seen.gaps.len(), 1, "{:?}", seen.gaps);
        let step = seen.gaps[0].to.duration_since(seen.gaps[0].from).as_secs();
        assert!((step - hours * 3_600).abs() <= 2, "{step}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_is_noticed_long_before_the_next_check_of_a_day() {
    let mut probe = Probe::clone(&probes(&[("daily", 1_000)])[0]);
    probe.schedule = Schedule::Cron(Cron::new("0 3 * * *").unwrap());
    let (probes, wall) = ([Arc::new(probe)], Wall::new());
    let offset_s = Arc::clone(&wall.offset_s);
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_mins(10)).await;
        offset_s.store(90, Ordering::Relaxed);
    });
    let bounds = Bounds { until_ms: Some(4 * 3_600_000), ..FREE };
    let (_, seen) = play(&probes, intervals(&probes), bounds, &wall, |check| up_after(check, 10)).await;
    assert_eq!(seen.gaps.len(), 1, "{:?}", seen.gaps);
    let gap = seen.gaps[0].to.duration_since(seen.gaps[0].from).as_secs();
    assert!((60..=150).contains(&gap), "{gap}");
}

/// One pass in which the site fails and the controls have the given results, in order of time.
async fn pass_with_controls(said: &'static [bool]) -> Vec<Outcome> {
    let mut probes = probes(&[("site", 1_000)]);
    for n in 0..said.len() {
        let mut control = Probe::plain(&format!("control-{n}"), "control", "http://127.0.0.1/", Duration::from_secs(9));
        control.control = true;
        probes.push(Arc::new(control));
    }
    let controls = Controls::among(&probes);
    let scripted = move |check: Check| async move {
        let control = check.probe.name.strip_prefix("control-").map(|n| n.parse::<usize>().unwrap());
        let outcome = up_after(check.clone(), control.map_or(10, |n| 100 * (n as u64 + 1))).await;
        if control.is_some_and(|n| said[n]) { outcome } else { down(&check, FailureClass::ConnectTimeout) }
    };
    let probe = move |check: Check| {
        let controls = controls.clone();
        async move { controls.check(check, scripted).await }
    };
    let plan = plan::passes(probes.len(), Some(1), Duration::ZERO);
    let (_, mut seen) = play(&probes, plan, FREE, &Wall::new(), probe).await;
    assert_eq!(seen.outcomes.len(), probes.len(), "every control is counted once");
    seen.outcomes.sort_by(|a, b| b.probe.cmp(&a.probe));
    seen.outcomes
}

#[tokio::test(start_paused = true)]
async fn when_every_control_fails_too_the_verdict_is_unknown() {
    let outcomes = pass_with_controls(&[false, false]).await;
    assert_eq!((outcomes[0].verdict, outcomes[0].class()), (Verdict::Unknown, Some(FailureClass::ControlFailed)));
    assert_eq!(outcomes[1].verdict, Verdict::Down);
}

#[tokio::test(start_paused = true)]
async fn one_control_that_answers_settles_that_the_target_is_down() {
    let outcomes = pass_with_controls(&[false, true]).await;
    assert_eq!((outcomes[0].verdict, outcomes[0].class()), (Verdict::Down, Some(FailureClass::ConnectTimeout)));
    let outcomes = pass_with_controls(&[]).await;
    assert_eq!(outcomes[0].verdict, Verdict::Down, "without controls a failure is a failure");
}

/// The verdicts on a probe over rounds, of `up` or a class for the control and for the probe.
async fn rounds_with_a_control(rounds: &[(Option<FailureClass>, Option<FailureClass>)]) -> Vec<Verdict> {
    let site = probes(&[("site", 1_000)]).remove(0);
    let mut control = Probe::plain("control", "control", "http://127.0.0.1/", Duration::from_secs(1));
    control.control = true;
    let control = Arc::new(control);
    let controls = Controls::among(&[Arc::clone(&site), Arc::clone(&control)]);
    let mut verdicts = Vec::new();
    for (of_control, of_site) in rounds {
        let scripted = |check: Check| async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            match if check.probe.control { of_control } else { of_site } {
                Some(class) => down(&check, *class),
                None => up(&check),
            }
        };
        let check = |probe: &Arc<Probe>| Check {
            probe: Arc::clone(probe),
            scheduled_at: Timestamp::UNIX_EPOCH,
            lag: Duration::ZERO,
        };
        controls.check(check(&control), scripted).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        verdicts.push(controls.check(check(&site), scripted).await.verdict);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    verdicts
}

#[tokio::test(start_paused = true)]
async fn any_answer_of_a_control_proves_that_the_vantage_is_online() {
    for class in [FailureClass::Status, FailureClass::TlsCertExpired, FailureClass::BodyTruncated] {
        assert_eq!(rounds_with_a_control(&[(Some(class), Some(FailureClass::ConnectTimeout))]).await, [Verdict::Down]);
    }
    for class in [FailureClass::DnsNotFound, FailureClass::ConnectRefused, FailureClass::ResponseTimeout] {
        assert_eq!(rounds_with_a_control(&[(Some(class), Some(FailureClass::Status))]).await, [Verdict::Unknown]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_control_that_was_dead_while_a_probe_was_up_does_not_hide_its_outage() {
    use Verdict::{Down, Unknown, Up};
    let (dead, fails) = (Some(FailureClass::ConnectTimeout), Some(FailureClass::ConnectTimeout));
    let verdicts =
        rounds_with_a_control(&[(dead, None), (dead, None), (dead, None), (dead, fails), (dead, fails)]).await;
    assert_eq!(verdicts, [Up, Up, Up, Down, Down]);
    // What fails together with the control has not been up without it.
    let verdicts =
        rounds_with_a_control(&[(None, None), (dead, fails), (dead, fails), (dead, fails), (dead, fails)]).await;
    assert_eq!(verdicts, [Up, Unknown, Unknown, Unknown, Unknown]);
    // Once it answers again it can tell again.
    let verdicts =
        rounds_with_a_control(&[(dead, None), (dead, None), (dead, None), (None, None), (dead, fails)]).await;
    assert_eq!(verdicts, [Up, Up, Up, Up, Unknown]);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_of_a_prober_that_was_stopped_says_nothing() {
    let probes = probes(&[("a", 1_000)]);
    let check = Check { probe: Arc::clone(&probes[0]), scheduled_at: Wall::new().now(), lag: Duration::ZERO };
    let monitor = Monitor::default();
    let began = Instant::now();
    let watching = tokio::spawn(monitor.clone().run());
    tokio::task::yield_now().await;
    let healthy = monitor.judge(down(&check, FailureClass::ResponseTimeout), began, &probes[0]).await;
    assert_eq!(healthy.class(), Some(FailureClass::ResponseTimeout));
    tokio::time::advance(Duration::from_secs(3)).await;
    let stopped = monitor.judge(down(&check, FailureClass::ResponseTimeout), began, &probes[0]).await;
    assert_eq!((stopped.verdict, stopped.class()), (Verdict::Unknown, Some(FailureClass::ProberOverloaded)));
    let refused = monitor.judge(down(&check, FailureClass::ConnectRefused), began, &probes[0]).await;
    assert_eq!(refused.class(), Some(FailureClass::ConnectRefused), "a refusal is no matter of time");
    watching.abort();
}
