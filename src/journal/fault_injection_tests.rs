//! Makes every call to the disk fail once, in every way, and checks that no recorded line is lost,
//! that no line occurs twice, that every journal opens again, and that nothing panics.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::Verdict;
use crate::window::{CheckResult, Window};

use super::disk::Disk;
use super::disk::faults::Fault;
use super::{Journal, Line, Options, Range, Sharing};

const OPTIONS: Options = Options { sharing: Sharing::Lock, lock_timeout: Duration::from_millis(1) };

const ENOSPC: i32 = 28;
const EIO: i32 = 5;
const EACCES: i32 = 13;

const EVERY_FAULT: [Fault; 7] = [
    Fault::Errors(EIO),
    Fault::Error(ENOSPC),
    Fault::Error(EIO),
    Fault::Error(EACCES),
    Fault::Short(ENOSPC),
    Fault::Short(EIO),
    Fault::Death,
];

/// A window of one check; each number has its own probe. Numbers from 100 on belong to the next
/// day.
fn line(number: u64) -> Line {
    let name = |text: &str| Arc::<str>::from(text);
    let from: Timestamp =
        if number < 100 { "2025-03-10T23:59:00Z" } else { "2025-03-11T00:00:00Z" }.parse().expect("an instant");
    let mut window = Window::empty(&name("here"), &name(&number.to_string()), &name("web"), false);
    window.from = from;
    window.to = from + Duration::from_mins(1);
    window.counts.up = 1;
    window.strip.push(from, CheckResult::new(Verdict::Up, None));
    Line::from(window)
}

/// A journal with two lines, a torn tail, and two lines in the spool.
fn prepare(folder: &Path) {
    let mut journal = Journal::open(folder, OPTIONS).expect("a folder");
    journal.append(&[line(1), line(2)]).expect("room");
    let mut day = fs::OpenOptions::new().append(true).open(folder.join("2025-03-10.jsonl")).expect("the day's file");
    day.write_all(b"{\"v\":1,\"kind\":\"win").expect("room");
    let lock = fs::File::open(folder.join("lock")).expect("the lock file");
    lock.lock().expect("nobody holds it");
    let recorded = journal.append(&[line(3), line(101)]).expect("the spool takes them");
    assert_eq!(recorded.spooled, 2);
}

/// What every run tries to append.
fn batches() -> [Vec<Line>; 3] {
    [vec![line(4), line(5)], vec![line(6), line(102)], vec![line(7)]]
}

/// Appends on a disk with a fault, while another process holds the lock for the first `locked`
/// batches, which go to the spool. Returns the numbers of the lines that were reported as recorded.
fn run_beside(disk: &Disk, folder: &Path, locked: usize) -> Vec<u64> {
    let mut recorded = vec![1, 2, 3, 101];
    let Ok(mut journal) = Journal::open_on(disk.clone(), folder, OPTIONS) else { return recorded };
    let mut tried = Vec::new();
    let lock = fs::File::open(folder.join("lock")).expect("the lock file");
    lock.lock().expect("nobody holds it");
    for (number, batch) in batches().into_iter().enumerate() {
        if number == locked {
            lock.unlock().expect("we hold it");
        }
        tried.extend(numbers(&batch).into_keys());
        // `Ok` also covers the lines of earlier calls that had been waiting.
        if journal.append(&batch).is_ok() {
            recorded.append(&mut tried);
        }
    }
    recorded
}

/// How many times each line occurs.
fn numbers(lines: &[Line]) -> BTreeMap<u64, u64> {
    let mut numbers = BTreeMap::new();
    for line in lines {
        let Line::Window(window) = line else { panic!("{line:?}") };
        *numbers.entry(window.probe.parse().expect("a number")).or_default() += 1;
    }
    numbers
}

#[track_caller]
fn check(folder: &Path, recorded: &[u64], context: &str) {
    let mut reader = super::read(&[folder.to_owned()], Range::ALL).expect("the folder is there");
    let found: Vec<Line> = reader.by_ref().collect::<Result<_, _>>().expect("every file is readable");
    let found = numbers(&found);
    for number in recorded {
        assert_eq!(found.get(number), Some(&1), "{context}: line {number} in {found:?}");
    }
    assert!(found.values().all(|count| *count == 1), "{context}: {found:?}");
    assert!(reader.integrity().corrupt_lines <= 2, "{context}: {:?}", reader.integrity());
}

#[test]
fn whatever_call_fails_no_recorded_line_is_lost_and_none_is_doubled() {
    let some = [Fault::Errors(EIO), Fault::Short(ENOSPC), Fault::Death];
    for (locked, faults) in [(0, &EVERY_FAULT[..]), (2, &some)] {
        let calls = {
            let folder = tempfile::tempdir().expect("a folder");
            prepare(folder.path());
            let disk = Disk::default();
            run_beside(&disk, folder.path(), locked);
            disk.faults.calls().len()
        };
        assert!(calls > 20, "the run makes {calls} calls");
        for (fault, number) in faults.iter().flat_map(|fault| (0..=calls).map(move |number| (*fault, number))) {
            let context = format!("{fault:?} at call {number}, {locked} batches beside another writer");
            let folder = tempfile::tempdir().expect("a folder");
            prepare(folder.path());
            let disk = Disk::default();
            disk.faults.plan(number, fault);
            let recorded = run_beside(&disk, folder.path(), locked);
            check_after(folder.path(), recorded, &context);
        }
    }
}

/// Checks what a run with a fault has left, and that a later run on a healthy disk continues from
/// there.
fn check_after(folder: &Path, recorded: Vec<u64>, context: &str) {
    check(folder, &recorded, context);

    let mut journal = Journal::open(folder, OPTIONS).expect("it opens again");
    let last = journal.append(&[line(8), line(103)]).expect("the disk is well again");
    assert_eq!(last.spooled, 0, "{context}");
    let recorded: Vec<u64> = recorded.into_iter().chain([8, 103]).collect();
    check(folder, &recorded, context);
    let spool = fs::read_dir(folder.join("spool")).expect("the spool");
    let left: Vec<_> = spool.map(|entry| entry.expect("an entry").file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().ends_with(".unfinished")), "{context}: {left:?}");
}

#[test]
fn a_spool_file_whose_folder_cannot_be_synced_is_confirmed_later_and_not_written_again() {
    for moved_meanwhile in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = Disk::default();
        let mut journal = Journal::open_on(disk.clone(), folder.path(), OPTIONS).expect("a folder");
        journal.append(&[line(1)]).expect("room");
        let lock = fs::File::open(folder.path().join("lock")).expect("the lock file");
        lock.lock().expect("nobody holds it");
        journal.append(&[line(2)]).expect("the spool takes it");
        disk.faults.plan(usize::MAX, Fault::Error(EIO));
        journal.append(&[line(7)]).expect("the spool takes it");
        let calls = disk.faults.calls();
        assert_eq!(calls.last(), Some(&super::disk::Call::SyncFolder), "{calls:?}");
        disk.faults.plan(calls.len() - 1, Fault::Error(EIO));
        journal.append(&[line(3)]).expect_err("its name may not be on the disk");
        assert_eq!(journal.waiting_lines(), 1);
        if moved_meanwhile {
            lock.unlock().expect("we hold it");
            Journal::open(folder.path(), OPTIONS).expect("a folder").append(&[line(4)]).expect("room");
            lock.lock().expect("nobody holds it");
        }
        let recorded = journal.append(&[line(5)]).expect("the disk is well again");
        assert_eq!((recorded.lines, recorded.spooled), (2, if moved_meanwhile { 1 } else { 2 }));
        assert_eq!(journal.waiting_lines(), 0);
        lock.unlock().expect("we hold it");
        let all: &[u64] = if moved_meanwhile { &[1, 2, 3, 4, 5, 7] } else { &[1, 2, 3, 5, 7] };
        check(folder.path(), all, "spooled");
        journal.append(&[line(6)]).expect("room");
        check(folder.path(), all, "moved");
    }
}

#[test]
fn lines_that_found_no_place_are_recorded_when_the_disk_is_well_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::default();
    let mut journal = Journal::open_on(disk.clone(), folder.path(), OPTIONS).expect("a folder");
    // From the first write on the disk is dead, so both the day's file and the spool fail.
    disk.faults.plan(0, Fault::Death);
    let error = journal.append(&[line(1)]).expect_err("nothing can be written");
    assert!(error.to_string().contains(&folder.path().display().to_string()), "{error}");
    assert_eq!(journal.waiting_lines(), 1);
    disk.faults.plan(usize::MAX, Fault::Death);
    let recorded = journal.append(&[line(2)]).expect("the disk is well again");
    assert_eq!((recorded.lines, journal.waiting_lines()), (2, 0));
    check(folder.path(), &[1, 2], "");
}

#[test]
fn an_error_names_the_path_and_its_reason_in_words_of_ours() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::default();
    let mut journal = Journal::open_on(disk.clone(), folder.path(), OPTIONS).expect("a folder");
    disk.faults.plan(2, Fault::Short(ENOSPC));
    let recorded = journal.append(&[line(1)]).expect("the spool takes it");
    let because = recorded.spooled_because.expect("a reason").to_string();
    assert!(
        because.contains("2025-03-10.jsonl") && because.ends_with("2025-03-10.jsonl: the disk is full"),
        "{because}"
    );
}
