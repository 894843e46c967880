//! `scheduled = up + down + unknown + missed`, whatever ends a run.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::live::{ENDS_SOON, RunInProgress, recorded};
use crate::origin::{hanging, healthy, probe, refusing};
use crate::support::run::Run;

pub(crate) const REPEATS: u64 = 36;
const SIDE_BY_SIDE: usize = 4;

/// A small seeded random generator: the same signals at the same times on every machine.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        // splitmix64 (Steele, Lea, Flood 2014).
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

#[test]
fn every_check_that_was_due_is_accounted_for_under_random_signals() {
    let sums = run_all();
    assert!(sums.iter().all(|count| *count > 0), "the runs met every verdict: {sums:?}");
}

/// Makes all runs, asserts for each that its counts add up, and returns the sums of what they
/// recorded.
pub(crate) fn run_all() -> [u64; 5] {
    let (good, stuck) = (healthy(), hanging());
    let config = "[settings]\nwindow = \"1s\"\nconcurrency = 3\n\
                  [defaults]\ninterval = \"60ms\"\ntimeout = \"50ms\"\n"
        .to_owned()
        + &probe("good", &good.url("/"), &[])
        + &probe("gone", &refusing(), &[])
        + &probe("stuck", &stuck.url("/"), &[])
        + &probe("slow", &stuck.url("/"), &["interval = \"5s\"", "timeout = \"4s\""]);
    let next = AtomicU64::new(0);
    let sums = Mutex::new([0; 5]);
    // A run mostly waits, so several run at once.
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= REPEATS {
                        return;
                    }
                    let recorded = one_run(seed, &config);
                    let mut sums = sums.lock().unwrap();
                    sums.iter_mut().zip(recorded).for_each(|(sum, recorded)| *sum += recorded);
                }
            });
        }
    });
    sums.into_inner().unwrap()
}

/// Starts a run, disturbs it with signals, ends it, and returns what it recorded.
fn one_run(seed: u64, config: &str) -> [u64; 5] {
    let mut dice = Dice(seed);
    let watch = dice.below(2) == 0;
    let arguments: &[&str] =
        if watch { &["watch", "-q"] } else { &["check", "--record", "-q", "--count", "1000", "--every", "70ms"] };
    let mut live =
        RunInProgress::start(Run::new(arguments).config(config).through(["env", "--default-signal=HUP", "setsid"]));
    live.listens();
    thread::sleep(Duration::from_millis(20 + dice.below(400)));
    for _ in 0..dice.below(3) {
        match dice.below(3) {
            0 if watch => live.signal("HUP"),
            1 => {
                live.signal("STOP");
                thread::sleep(Duration::from_millis(dice.below(200)));
                live.signal("CONT");
            }
            _ => thread::sleep(Duration::from_millis(dice.below(100))),
        }
    }
    assert!(live.is_running(), "seed {seed} ended early");
    let (signal, code) = if dice.below(2) == 0 { ("INT", 130) } else { ("TERM", 143) };
    live.signal(signal);
    let ended = live.end();
    assert_eq!(ended.code, code, "seed {seed}: {}", ended.stderr);
    assert!(ended.after < ENDS_SOON, "seed {seed}: {:?}", ended.after);
    let recorded = recorded(ended.run.folder());
    let [scheduled, up, down, unknown, missed] = recorded;
    assert_eq!(scheduled, up + down + unknown + missed, "seed {seed}");
    recorded
}
