//! Compaction changes no counts, and a failing disk damages no file.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::journal;
use crate::journal::disk::faults::Fault;
use crate::journal::{Journal, LINE_LIMIT, Line, Options, Range, Sharing};
use crate::model::{Check, Counts, Failure, FailureClass, Outcome, Probe, SafeText, Verdict};
use crate::window::{Collector, Strip, Window, test_windows};

const OPTIONS: Options = Options { sharing: Sharing::Lock, lock_timeout: Duration::from_secs(5) };
/// Midnight of 2025-01-01 in minutes since the epoch.
const MIDNIGHT: i64 = 28_928_160;

fn later(days: i64) -> Timestamp {
    Timestamp::from_second((MIDNIGHT + days * 1440) * 60).expect("an instant")
}

/// Outcomes of two probes in some ten-minute spans of a day, ordered by time.
fn outcomes() -> impl Strategy<Value = Vec<Outcome>> {
    let stretch = (0_i64..144, any::<bool>())
        .prop_flat_map(|(stretch, other)| (test_windows::outcome(MIDNIGHT + stretch * 10), Just(other)))
        .prop_map(|(outcome, other)| if other { Outcome { probe: "other".to_owned(), ..outcome } } else { outcome });
    prop::collection::vec(stretch, 1..120).prop_map(|mut outcomes| {
        outcomes.sort_by_key(|outcome| outcome.scheduled_at);
        outcomes
    })
}

fn record(folder: &Path, outcomes: &[Outcome]) {
    let mut collector = Collector::new("here", Duration::from_mins(1));
    let mut windows: Vec<Window> = Vec::new();
    for outcome in outcomes {
        windows.extend(collector.record(outcome));
    }
    windows.extend(collector.close_all());
    let failures = collector.take_failures();
    let lines: Vec<Line> = windows.into_iter().map(Line::from).chain(failures.into_iter().map(Line::from)).collect();
    Journal::open(folder, OPTIONS).expect("a folder").append(&lines).expect("room");
}

/// The content of a journal, summed up.
struct Summary {
    /// The windows of each probe, added up.
    sums: BTreeMap<String, Window>,
    /// The first and the last evidence of each class.
    evidence: BTreeMap<(String, FailureClass), (Outcome, Outcome)>,
    /// The number of windows.
    windows: usize,
}

fn summary(folder: &Path) -> Summary {
    let (mut sums, mut evidence, mut windows) = (BTreeMap::<String, Window>::new(), BTreeMap::new(), 0);
    for line in journal::read(&[folder.to_owned()], Range::ALL).expect("a journal") {
        match line.expect("a readable file") {
            Line::Window(window) => {
                windows += 1;
                let empty = Window::empty(&window.vantage, &window.probe, &window.surface, window.control);
                sums.entry(window.probe.to_string()).or_insert(empty).merge(&window);
            }
            Line::Failure(outcome) => {
                let key = (outcome.probe.clone(), outcome.class().expect("a failure"));
                let (first, last) =
                    evidence.entry(key).or_insert_with(|| (Outcome::clone(&outcome), Outcome::clone(&outcome)));
                if outcome.scheduled_at < first.scheduled_at {
                    *first = Outcome::clone(&outcome);
                }
                if outcome.scheduled_at >= last.scheduled_at {
                    *last = *outcome;
                }
            }
            Line::Gap(_) | Line::Plan(_) => {}
        }
    }
    for sum in sums.values_mut() {
        sum.strip = sum.strip.expanded();
    }
    Summary { sums, evidence, windows }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn sums_do_not_change_when_windows_become_coarser(outcomes in outcomes()) {
        let folder = tempfile::tempdir().expect("a folder");
        record(folder.path(), &outcomes);
        let Summary { sums, evidence, windows } = summary(folder.path());
        for days in [1, 8, 61, 400] {
            compact_on(&Disk::default(), folder.path(), later(days), &CompactRules::default()).expect("room");
            let after = summary(folder.path());
            prop_assert!(after.windows <= windows);
            // Coarse spans reach from the first to the last of their windows.
            prop_assert_eq!(&after.sums, &sums);
            for (key, (first, last)) in &evidence {
                let (first_after, last_after) = &after.evidence[key];
                prop_assert_eq!(first_after.scheduled_at, first.scheduled_at);
                prop_assert_eq!(last_after.scheduled_at, last.scheduled_at);
            }
        }
        prop_assert!(summary(folder.path()).windows <= 2, "one window a day and probe");
    }
}

/// The checks that were due in a range, of all probes together, as a journal has them.
fn counted(folder: &Path, from: Timestamp, to: Timestamp) -> Window {
    let mut sum = Window::empty(&"here".into(), &"all".into(), &"web".into(), false);
    for line in journal::read(&[folder.to_owned()], Range { from, to }).expect("a journal") {
        if let Line::Window(window) = line.expect("a readable file")
            && let Some(part) = window.cut(from, to)
        {
            sum.merge(&part);
        }
    }
    sum
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn any_range_has_the_checks_that_were_due_in_it_whatever_the_span_of_the_windows(
        outcomes in outcomes(),
        cuts in [0_i64..86_400_000, 0_i64..40_000_000, 0_i64..40_000_000],
    ) {
        let at = |cut: i64| Timestamp::from_millisecond(MIDNIGHT * 60_000 + cut).expect("an instant");
        let [a, b, c] = [cuts[0], cuts[0] + cuts[1], cuts[0] + cuts[1] + cuts[2]].map(at);
        let folder = tempfile::tempdir().expect("a folder");
        record(folder.path(), &outcomes);
        for days in [1, 8, 61] {
            compact_on(&Disk::default(), folder.path(), later(days), &CompactRules::default()).expect("room");
            for (from, to) in [(a, b), (b, c), (a, c)] {
                let due = outcomes.iter().filter(|outcome| from <= outcome.scheduled_at && outcome.scheduled_at < to);
                let (mut truth, mut failures, mut codes) = (Counts::default(), BTreeMap::new(), BTreeMap::new());
                for outcome in due {
                    truth.add(outcome.verdict, 1);
                    if let Some(class) = outcome.class() {
                        *failures.entry(class).or_insert(0) += 1;
                        if let Some(code) = outcome.code().filter(|_| class == FailureClass::Status) {
                            *codes.entry((class, code)).or_insert(0) += 1;
                        }
                    }
                }
                let found = counted(folder.path(), from, to);
                prop_assert_eq!(found.counts, truth, "after {} days", days);
                prop_assert_eq!(&found.failures, &failures);
                let of_status = |((class, code), n): (&(FailureClass, u16), &u64)| {
                    (*class == FailureClass::Status).then_some(((*class, *code), *n))
                };
                let found_codes: BTreeMap<_, u64> = found.codes.iter().filter_map(of_status).collect();
                prop_assert_eq!(&found_codes, &codes);
            }
            let (mut sum, whole) = (counted(folder.path(), a, b), counted(folder.path(), a, c));
            sum.merge(&counted(folder.path(), b, c));
            prop_assert_eq!(sum.counts, whole.counts);
            prop_assert_eq!(sum.failures, whole.failures);
        }
    }
}

/// Two hours of one probe, a check a minute, down for a while.
fn two_hours(folder: &Path) {
    let outcomes: Vec<Outcome> = (0..120).map(|minute| steady(minute, (40..44).contains(&minute))).collect();
    record(folder, &outcomes);
}

fn steady(minute: i64, down: bool) -> Outcome {
    let at = Timestamp::from_second((MIDNIGHT + minute) * 60).expect("an instant");
    let probe = Arc::new(Probe::plain("home", "web", "http://x.test/", Duration::from_mins(1)));
    let check = Check { probe, scheduled_at: at, lag: Duration::ZERO };
    let failure = Failure::new(FailureClass::ConnectRefused, None, SafeText::message("refused"));
    let failed = Outcome::without_measurement(&check, "here", at, failure);
    if down { failed } else { Outcome { verdict: Verdict::Up, failure: None, ..failed } }
}

#[test]
fn a_day_becomes_hours_and_then_a_day_and_a_young_one_stays() {
    let folder = tempfile::tempdir().expect("a folder");
    two_hours(folder.path());
    let compact =
        |days| compact_on(&Disk::default(), folder.path(), later(days), &CompactRules::default()).expect("room");
    assert_eq!(compact(7), Compacted::default());
    let hourly = compact(8);
    assert_eq!((hourly.files, hourly.windows_before, hourly.windows_after), (1, 120, 2));
    assert!(hourly.bytes_after < hourly.bytes_before / 10);
    assert_eq!(compact(9), Compacted::default());
    assert_eq!(compact(61).windows_after, 1);
    let mut lines = journal::read(&[folder.path().to_owned()], Range::ALL).expect("a journal");
    let Some(Ok(Line::Window(window))) = lines.next() else { panic!("a window") };
    let runs: Vec<_> = window.strip.runs().map(|run| (run.verdict.name(), run.count)).collect();
    assert_eq!(runs, [("up", 40), ("down", 4), ("up", 76)]);
}

#[test]
fn lines_of_a_newer_version_are_not_touched() {
    let folder = tempfile::tempdir().expect("a folder");
    two_hours(folder.path());
    let file = folder.path().join("2025-01-01.jsonl");
    let body = "{\"v\":3,\"kind\":\"window\"";
    let newer = format!("{body},\"crc\":\"{:08x}\"}}\n", crc32fast::hash(body.as_bytes()));
    let text = fs::read_to_string(&file).expect("the day") + &newer;
    fs::write(&file, &text).expect("room");
    let compacted =
        compact_on(&Disk::default(), folder.path(), later(100), &CompactRules::default()).expect("readable");
    assert_eq!((compacted.files, compacted.skipped), (0, 1));
    assert_eq!(fs::read_to_string(&file).expect("the day"), text);
}

#[test]
fn what_looks_like_a_line_within_an_overlong_one_is_not_made_one() {
    let folder = tempfile::tempdir().expect("a folder");
    two_hours(folder.path());
    let file = folder.path().join("2025-01-01.jsonl");
    let day = fs::read_to_string(&file).expect("the day");
    let first = day.lines().next().expect("a line");
    fs::write(&file, format!("{day}{}{first}\n", "x".repeat(LINE_LIMIT + 1))).expect("room");
    let before = summary(folder.path());
    compact_on(&Disk::default(), folder.path(), later(8), &CompactRules::default()).expect("readable");
    let mut lines = journal::read(&[folder.path().to_owned()], Range::ALL).expect("a journal");
    assert_eq!(lines.by_ref().filter_map(Result::ok).count(), summary(folder.path()).windows + 4);
    assert_eq!(lines.integrity().corrupt_lines, 1);
    assert_eq!(summary(folder.path()).sums, before.sums);
}

#[test]
fn whatever_call_fails_the_day_is_as_it_was_or_as_it_shall_be() {
    for (fault, number) in (0..12).flat_map(|number| {
        [Fault::Error(28), Fault::Errors(5), Fault::Short(28), Fault::Death].map(|fault| (fault, number))
    }) {
        let folder = tempfile::tempdir().expect("a folder");
        two_hours(folder.path());
        let Summary { sums, .. } = summary(folder.path());
        let disk = Disk::default();
        disk.faults.plan(number, fault);
        let result = compact_on(&disk, folder.path(), later(8), &CompactRules::default());
        let after = summary(folder.path());
        assert!([120, 2].contains(&after.windows), "{fault:?} at call {number}: {} windows", after.windows);
        assert_eq!(after.sums, sums, "{fault:?} at call {number}");
        if let Err(error) = result {
            assert!(error.to_string().contains('/'), "{error}");
        }
        compact_on(&Disk::default(), folder.path(), later(8), &CompactRules::default()).expect("well again");
        assert_eq!(summary(folder.path()).windows, 2, "{fault:?} at call {number}");
        let left = fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(left, 2, "the lock and the day");
    }
}

#[test]
fn a_target_that_fails_with_ever_new_codes_is_compacted_like_any_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let failure = || Failure::new(FailureClass::GrpcStatus, None, SafeText::message("no"));
    let coded = |n: u16| {
        let at = Timestamp::from_second(MIDNIGHT * 60 + i64::from(n) * 10).expect("an instant");
        Outcome { scheduled_at: at, grpc_status: Some(n), failure: Some(failure()), ..steady(0, true) }
    };
    record(folder.path(), &(1..=8_600).map(coded).collect::<Vec<_>>());
    let before = summary(folder.path());
    for days in [8, 61] {
        compact_on(&Disk::default(), folder.path(), later(days), &CompactRules::default()).expect("short lines");
        let after = summary(folder.path());
        assert_eq!(after.sums, before.sums);
        assert!(after.windows < before.windows / 10, "{} windows", after.windows);
    }
}

#[test]
fn checks_that_are_merged_stay_below_what_readers_accept() {
    let folder = tempfile::tempdir().expect("a folder");
    let many = |minute: i64| {
        let from = Timestamp::from_second((MIDNIGHT + minute) * 60).expect("an instant");
        let mut window = Window::empty(&"here".into(), &"home".into(), &"web".into(), false);
        (window.from, window.to) = (from, from + Duration::from_mins(1));
        let kinds = &[];
        window.strip = Strip::from_text("*400000+59000U", from, kinds).expect("a strip");
        window.counts.up = 400_000;
        Line::from(window)
    };
    let lines: Vec<Line> = (0..6).map(many).collect();
    Journal::open(folder.path(), OPTIONS).expect("a folder").append(&lines).expect("room");
    compact_on(&Disk::default(), folder.path(), later(8), &CompactRules::default()).expect("readable lines");
    let after = summary(folder.path());
    assert_eq!((after.windows, after.sums["home"].counts.up), (3, 2_400_000));
}

#[test]
fn a_day_that_cannot_be_compacted_stops_no_other() {
    let is_compacted = |fault: Option<usize>| {
        let folder = tempfile::tempdir().expect("a folder");
        two_hours(folder.path());
        record(folder.path(), &(1440..1560).map(|minute| steady(minute, false)).collect::<Vec<_>>());
        let disk = Disk::default();
        if let Some(call) = fault {
            disk.faults.plan(call, Fault::Error(28));
        }
        let result = compact_on(&disk, folder.path(), later(9), &CompactRules::default());
        let lines = |day: &str| fs::read_to_string(folder.path().join(day)).expect("a day").lines().count();
        (result.is_ok(), lines("2025-01-01.jsonl") < 10, lines("2025-01-02.jsonl") < 10)
    };
    assert_eq!(is_compacted(None), (true, true, true));
    let results: Vec<_> = (0..12).map(|call| is_compacted(Some(call))).collect();
    assert!(results.contains(&(false, false, true)), "{results:?}");
}
