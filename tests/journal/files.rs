//! The journal as files: what is appended can be read back, whatever the disk and other writers do.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uptick::journal;
use uptick::journal::{Integrity, Journal, JournalError, Line, Options, Range, Sharing};
use uptick::model::Verdict;
use uptick::window::{CheckResult, Histogram, LatencyDetail, Window};

/// Uses a lock, whatever the file system of the test machine is.
const LOCKED: Options = Options { sharing: Sharing::Lock, lock_timeout: Duration::from_secs(30) };

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// A window of one check, which `number` makes unique.
fn window(from: Timestamp, number: u64) -> Line {
    let name = |text: &str| Arc::<str>::from(text);
    let mut window = Window::empty(&name("here"), &name(&format!("probe {number}")), &name("web"), false);
    window.from = from;
    window.to = from + Duration::from_mins(1);
    window.counts.up = 1;
    window.strip.push(from, CheckResult::new(Verdict::Up, None));
    window.latency.total.record_micros(number);
    Line::from(window)
}

fn windows(from: Timestamp, numbers: std::ops::Range<u64>) -> Vec<Line> {
    numbers.map(|number| window(from, number)).collect()
}

#[track_caller]
fn read(path: &Path) -> (Vec<Line>, Integrity) {
    read_range(path, Range::ALL)
}

#[track_caller]
fn read_range(path: &Path, range: Range) -> (Vec<Line>, Integrity) {
    let mut reader = journal::read(&[path.to_owned()], range).expect("the path is there");
    let lines: Vec<Line> = reader.by_ref().collect::<Result<_, _>>().expect("the files are readable");
    let add = |lines: &mut Vec<Line>, line: &Line| lines.push(line.clone());
    let added = journal::fold(&[path.to_owned()], range, LatencyDetail::Phases, Vec::new, add, Vec::extend);
    let (added, integrity) = added.expect("the path is there");
    assert!(sorted(&added) == sorted(&lines), "threads add up other lines");
    assert_eq!(integrity, *reader.integrity());
    (lines, integrity)
}

fn sorted(lines: &[Line]) -> Vec<String> {
    let mut texts: Vec<String> = lines.iter().map(|line| format!("{line:?}")).collect();
    texts.sort();
    texts
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

const MORNING: &str = "2025-03-10T09:31:00Z";

#[test]
fn what_is_appended_is_read_back_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("uptick-journal");
    let lines = windows(at(MORNING), 0..3);
    let mut journal = Journal::open(&folder, LOCKED).expect("a new folder");
    let recorded = journal.append(&lines).expect("room");
    assert_eq!((recorded.lines, recorded.spooled, recorded.healed), (3, 0, 0));
    let (found, integrity) = read(&folder);
    assert_eq!(found, lines);
    assert_eq!(integrity, Integrity { files: 1, lines: 3, ..Integrity::default() });
    assert!(folder.join("2025-03-10.jsonl").is_file());
}

#[test]
fn a_line_goes_to_the_file_of_its_utc_day_and_only_the_days_asked_for_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = Journal::open(folder.path(), LOCKED).expect("a folder");
    let days = ["2025-03-08T12:00:00Z", "2025-03-10T23:59:30Z", "2025-03-11T00:00:00Z", "2025-03-13T00:00:00Z"];
    for (number, day) in (0..).zip(days) {
        journal.append(&[window(at(day), number)]).expect("room");
    }
    let range = Range { from: at("2025-03-11T00:00:00Z"), to: at("2025-03-12T00:00:00Z") };
    let (found, integrity) = read_range(folder.path(), range);
    // The window that started before midnight overlaps the day.
    assert_eq!(found, [window(at(days[1]), 1), window(at(days[2]), 2)]);
    assert_eq!(integrity.files, 2);
}

#[test]
fn several_journals_and_single_files_are_read_as_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let (first, second) = (folder.path().join("a"), folder.path().join("b"));
    for (number, folder) in (0..).zip([&first, &second]) {
        let mut journal = Journal::open(folder, LOCKED).expect("a new folder");
        journal.append(&[window(at(MORNING), number)]).expect("room");
    }
    let reader = journal::read(&[first, second.join("2025-03-10.jsonl")], Range::ALL).expect("both are there");
    assert_eq!(reader.map(Result::unwrap).collect::<Vec<_>>(), windows(at(MORNING), 0..2));
}

#[test]
fn files_and_folders_are_for_their_owner_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path().join("deep").join("uptick-journal");
    Journal::open(&folder, LOCKED).expect("a new folder").append(&windows(at(MORNING), 0..1)).expect("room");
    let mode = |path: &Path| fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    let files = files_in(&folder);
    assert_eq!(files.len(), 2, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_torn_tail_is_healed_and_counted_and_costs_no_other_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = Journal::open(folder.path(), LOCKED).expect("a folder");
    journal.append(&windows(at(MORNING), 0..2)).expect("room");
    let file = folder.path().join("2025-03-10.jsonl");
    let text = fs::read(&file).expect("the file");
    fs::write(&file, &text[..text.len() - 40]).expect("room");
    let (found, integrity) = read(folder.path());
    assert_eq!(found, windows(at(MORNING), 0..1));
    assert_eq!((integrity.torn_tails, integrity.corrupt_lines), (1, 0));
    let recorded = journal.append(&windows(at(MORNING), 2..3)).expect("room");
    assert_eq!(recorded.healed, 1);
    let (found, integrity) = read(folder.path());
    assert_eq!(found, [window(at(MORNING), 0), window(at(MORNING), 2)]);
    assert_eq!((integrity.torn_tails, integrity.corrupt_lines), (0, 1));
}

#[test]
fn lines_go_to_the_spool_while_the_lock_does_not_come_and_are_moved_later() {
    let folder = tempfile::tempdir().expect("a folder");
    let impatient = Options { lock_timeout: Duration::from_millis(20), ..LOCKED };
    let mut journal = Journal::open(folder.path(), impatient).expect("a folder");
    let holder = fs::File::create(folder.path().join("lock")).expect("the lock file");
    holder.lock().expect("nobody holds it");
    let recorded = journal.append(&windows(at(MORNING), 0..2)).expect("the spool takes them");
    assert_eq!((recorded.lines, recorded.spooled), (2, 2));
    assert!(matches!(recorded.spooled_because, Some(JournalError::Locked(_))));
    let (found, integrity) = read(folder.path());
    assert_eq!((found, integrity.spooled_lines), (windows(at(MORNING), 0..2), 2));

    drop(holder);
    let recorded = journal.append(&windows(at(MORNING), 2..3)).expect("room");
    assert_eq!((recorded.lines, recorded.merged), (1, 2));
    let (found, integrity) = read(folder.path());
    assert_eq!((found, integrity.spooled_lines), (windows(at(MORNING), 0..3), 0));
    assert!(files_in(&folder.path().join("spool")).is_empty());
}

#[test]
fn lines_that_stand_in_the_spool_and_in_the_day_are_counted_once_and_moved_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = Journal::open(folder.path(), LOCKED).expect("a folder");
    journal.append(&windows(at(MORNING), 0..1)).expect("room");
    let day = folder.path().join("2025-03-10.jsonl");
    let before = fs::metadata(&day).expect("the file").len();
    journal.append(&windows(at(MORNING), 1..3)).expect("room");
    // As after a crash between writing the day's file and removing the spool file.
    let moved = fs::read(&day).expect("the file").split_off(usize::try_from(before).expect("it fits"));
    fs::create_dir(folder.path().join("spool")).expect("room");
    fs::write(folder.path().join(format!("spool/2025-03-10.{before}.cafe-0.jsonl")), moved).expect("room");

    let (found, integrity) = read(folder.path());
    assert_eq!(found.len(), 3);
    assert_eq!((integrity.duplicate_lines, integrity.spooled_lines), (2, 2));
    journal.append(&windows(at(MORNING), 3..4)).expect("room");
    let (found, integrity) = read(folder.path());
    assert_eq!((found, integrity.duplicate_lines), (windows(at(MORNING), 0..4), 0));
}

#[test]
fn a_file_per_run_needs_no_lock() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = Options { sharing: Sharing::FilePerRun, ..LOCKED };
    let mut first = Journal::open(folder.path(), options).expect("a folder");
    let mut second = Journal::open(folder.path(), options).expect("a folder");
    for number in 0..3 {
        first.append(&[window(at(MORNING), number)]).expect("room");
        second.append(&[window(at(MORNING), number + 3)]).expect("room");
    }
    assert_eq!(files_in(folder.path()).len(), 2);
    let (mut found, integrity) = read(folder.path());
    found.sort_by_key(|line| match line {
        Line::Window(window) => window.latency.total.sum(),
        _ => Duration::ZERO,
    });
    assert_eq!((found, integrity.files), (windows(at(MORNING), 0..6), 2));
}

#[test]
fn a_symbolic_link_in_the_place_of_a_file_is_not_followed() {
    let folder = tempfile::tempdir().expect("a folder");
    let elsewhere = folder.path().join("elsewhere");
    fs::write(&elsewhere, "precious").expect("room");
    let journal_folder = folder.path().join("uptick-journal");
    let mut journal = Journal::open(&journal_folder, LOCKED).expect("a folder");
    std::os::unix::fs::symlink(&elsewhere, journal_folder.join("2025-03-10.jsonl")).expect("room");
    let recorded = journal.append(&windows(at(MORNING), 0..1)).expect("the spool takes it");
    let because = recorded.spooled_because.expect("a reason").to_string();
    assert!(because.contains("2025-03-10.jsonl") && because.contains("a symbolic link"), "{because}");
    assert_eq!(fs::read_to_string(&elsewhere).expect("the file"), "precious");
}

#[test]
fn a_folder_that_is_a_file_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("room");
    let error = Journal::open(&file, LOCKED).expect_err("it is a file").to_string();
    assert!(error.contains(&file.display().to_string()), "{error}");
}

#[test]
fn a_journal_larger_than_a_piece_is_read_whole_and_in_order() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut journal = Journal::open(folder.path(), LOCKED).expect("a folder");
    let lines = windows(at(MORNING), 0..20_000);
    journal.append(&lines).expect("room");
    assert!(fs::metadata(folder.path().join("2025-03-10.jsonl")).expect("the file").len() > 3 << 20);
    let (found, integrity) = read(folder.path());
    assert!(found == lines);
    assert_eq!(integrity, Integrity { files: 1, lines: 20_000, ..Integrity::default() });
}

#[test]
fn who_wants_the_total_alone_gets_every_line_as_it_is_but_for_the_phases() {
    let folder = tempfile::tempdir().expect("a folder");
    let of_samples = |number: u64| {
        let Line::Window(mut window) = window(at("2025-03-10T00:00:00Z"), number) else { panic!("a window") };
        for sample in 0..number {
            // Few samples are written as they are, many as a histogram.
            window.latency.total.record_micros(sample);
            window.latency.tls.record_micros(sample + 1);
            window.lag.record_micros(sample + 2);
            window.failed_latency.record_micros(sample + 3);
        }
        window
    };
    let windows = [3, 30].map(of_samples);
    let mut journal = Journal::open(folder.path(), LOCKED).expect("a folder");
    journal.append(&windows.clone().map(Line::Window)).expect("room");
    let add = |lines: &mut Vec<Line>, line: &Line| lines.push(line.clone());
    let paths = [folder.path().to_owned()];
    let read = |detail| journal::fold(&paths, Range::ALL, detail, Vec::new, add, Vec::extend).expect("a journal").0;
    assert_eq!(read(LatencyDetail::Phases), windows.clone().map(Line::Window));
    let without_phases = windows.map(|mut window| {
        window.latency.tls = Histogram::default();
        Line::Window(window)
    });
    assert_eq!(read(LatencyDetail::Total), without_phases);
}

#[test]
fn a_journal_that_is_named_twice_counts_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal");
    let mut journal = Journal::open(&path, LOCKED).expect("a folder");
    let from = at("2025-03-10T00:00:00Z");
    journal.append(&windows(from, 0..3)).expect("room");
    // One line is in the spool as well, because the lock is held.
    let lock = fs::File::open(path.join("lock")).expect("the lock file");
    lock.lock().expect("nobody holds it");
    let mut other = Journal::open(&path, Options { lock_timeout: Duration::ZERO, ..LOCKED }).expect("a folder");
    other.append(&windows(from, 3..4)).expect("the spool takes it");
    let (link, hard) = (folder.path().join("link"), folder.path().join("hard.jsonl"));
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    let day = path.join("2025-03-10.jsonl");
    fs::hard_link(&day, &hard).expect("a second name");
    let spooled = fs::read_dir(path.join("spool")).expect("a folder").next().expect("a file").expect("an entry").path();
    for more in [path.clone(), path.join("."), link.clone(), link.join("2025-03-10.jsonl"), day, hard, spooled] {
        for paths in [[path.clone(), more.clone()], [more.clone(), path.clone()]] {
            let lines = journal::read(&paths, Range::ALL).expect("the paths are there");
            assert_eq!(lines.count(), 4, "{paths:?}");
            let folded = journal::fold(
                &paths,
                Range::ALL,
                LatencyDetail::Total,
                || 0,
                |count, _| *count += 1,
                |all, some| *all += some,
            );
            assert_eq!(folded.expect("the paths are there").0, 4, "{paths:?}");
        }
    }
}
