//! `uptick export` to files, each read back by the tools that it is for.

#![allow(clippy::unwrap_used, reason = "a set-up that fails is a failed test")]

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;
use uptick::journal::{Journal, Line, Options};
use uptick::model::{FailureClass, Verdict};
use uptick::window::{CheckResult, Histogram, Window};

use crate::support::run::Run;

/// Two windows of a probe: forty checks up, then one down.
fn windows(vantage: &str, probe: &str) -> [Window; 2] {
    let name = |text: &str| Arc::<str>::from(text);
    let begin: Timestamp = "2025-03-10T09:31:00Z".parse().unwrap();
    let empty = Window::empty(&name(vantage), &name(probe), &name("web"), false);
    let (mut first, mut second) = (empty.clone(), empty);
    (first.from, first.to) = (begin, begin + Duration::from_mins(1));
    (second.from, second.to) = (first.to, first.to + Duration::from_mins(1));
    for n in 0..40 {
        first.counts.up += 1;
        first.strip.push(begin + Duration::from_secs(n), CheckResult::new(Verdict::Up, None));
        first.latency.total.record_micros(90_000 + n * 1_013);
        first.lag.record_micros(n);
    }
    second.counts.down = 1;
    second.failures.insert(FailureClass::Status, 1);
    second.strip.push(second.from, CheckResult::new(Verdict::Down, Some(FailureClass::Status)));
    second.failed_latency.record_micros(1_500);
    [first, second]
}

const NAME: &str = "home, really";

fn journal(windows: &[Window]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<Line> = windows.iter().map(|window| Line::Window(Box::new(window.clone()))).collect();
    Journal::open(folder.path(), Options::default()).unwrap().append(&lines).unwrap();
    folder
}

/// Exports this quarter of an hour to a file.
fn export(journal: &TempDir, options: &[&str]) -> (TempDir, String) {
    let place = journal.path().display().to_string();
    let span = ["--from", "2025-03-10T09:30:00Z", "--to", "2025-03-10T09:45:00Z", "-o", "out"];
    let ran = Run::new(["export", &place].iter().chain(&span).chain(options)).run();
    assert_eq!(ran.expect_code(0).stdout, "", "it went into the file");
    assert_eq!(ran.stderr, "");
    let text = fs::read_to_string(ran.folder.path().join("out")).unwrap();
    (ran.folder, text)
}

/// The output of a script for a file. `None`, with a note on stderr, if a module that it needs is
/// missing.
pub(crate) fn python(needed: &str, script: &str, arguments: &[&str], folder: &Path) -> Option<String> {
    let run = |arguments: &[&str]| Command::new("python3").args(arguments).arg(folder.join("out")).output();
    if !run(&["-c", &format!("import {needed}")]).is_ok_and(|output| output.status.success()) {
        // Written past the capture of the test harness, so that a skip is visible.
        let _ = writeln!(std::io::stderr(), "skipped: Python's {needed} is not installed");
        return None;
    }
    let script = format!("tests/interoperability/{script}");
    let output = Command::new("python3").arg(&script).arg(folder.join("out")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_table_has_a_row_for_each_window_and_two_readers_agree_on_it() {
    let (folder, text) = export(&journal(&windows("local", NAME)), &["--csv"]);
    let rows: Vec<&str> = text.split("\r\n").collect();
    assert_eq!(rows.len(), 4, "a head, two rows, and nothing after the last line's end");
    assert!(rows[0].starts_with("vantage,probe,surface,control,from,to,scheduled,"));
    assert_eq!(
        rows[1],
        "local,\"home, really\",web,false,2025-03-10T09:31:00.000Z,2025-03-10T09:32:00.000Z,40,40,0,0,0,0,,\
         40,90000,109247,125503,,129507,4390140,,39"
    );
    assert_eq!(
        rows[2],
        "local,\"home, really\",web,false,2025-03-10T09:32:00.000Z,2025-03-10T09:33:00.000Z,1,0,1,0,0,0,status=1,\
         0,,,,,,,1500,"
    );
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let head = reader.headers().unwrap().clone();
    let theirs: Vec<Vec<(String, String)>> = reader
        .records()
        .map(|row| head.iter().map(str::to_owned).zip(row.unwrap().iter().map(str::to_owned)).collect())
        .collect();
    assert_eq!(theirs[0][1], ("probe".to_owned(), NAME.to_owned()));
    let Some(python) = python("csv", "table.py", &[], folder.path()) else { return };
    let python: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&python).unwrap();
    assert_eq!(python.len(), theirs.len());
    for (row, theirs) in python.iter().zip(&theirs) {
        assert_eq!(row.len(), theirs.len());
        assert!(theirs.iter().all(|(column, value)| row[column] == value.as_str()), "{row:?} {theirs:?}");
    }
}

/// A histogram as the independent reader sees it: tag, start, end, count and buckets.
type Read = (String, f64, f64, u64, Vec<(u64, u64)>);

#[test]
fn python_reads_the_interval_log_as_it_was_meant() {
    let windows = windows("local", NAME);
    let (folder, _) = export(&journal(&windows), &["--hlog"]);
    let Some(read) = python("hdrh", "hlog.py", &[], folder.path()) else { return };
    let read: Vec<Read> = serde_json::from_str(&read).unwrap();
    let tags: Vec<&str> = read.iter().map(|(tag, ..)| tag.as_str()).collect();
    assert_eq!(tags, ["local/web/home__really/total", "local/web/home__really/lag", "local/web/home__really/failed"]);
    let (_, start, end, count, buckets) = &read[0];
    assert!((start - 1_741_599_060.0).abs() < 0.001 && (end - start - 60.0).abs() < 0.001, "{start} {end}");
    assert_eq!(*count, 40);
    let ours: Vec<u64> =
        windows[0].latency.total.buckets().map(|(time, _)| u64::try_from(time.as_micros()).unwrap()).collect();
    let theirs: Vec<u64> = buckets.iter().map(|(value, _)| *value).collect();
    assert_eq!(theirs[..39], ours[..39]);
}

/// The lines of a distribution, as strictly as a plotter may parse them: value, percentile, count
/// and 1/(1-percentile); and the numbers of its footer by name.
fn distribution(text: &str) -> (Vec<[f64; 4]>, Vec<(String, f64)>) {
    let mut lines = text.lines();
    let head: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(head, ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]);
    assert_eq!(lines.next(), Some(""));
    let (mut rows, mut foot) = (Vec::new(), Vec::new());
    for line in lines {
        if let Some(pairs) = line.strip_prefix("#[").and_then(|line| line.strip_suffix(']')) {
            for (name, value) in pairs.split(',').map(|pair| pair.split_once('=').unwrap()) {
                foot.push((name.trim().to_owned(), value.trim().parse().unwrap()));
            }
        } else {
            assert!(foot.is_empty(), "a row after the foot: {line}");
            let row: Vec<f64> = line.split_whitespace().map(|field| field.parse().unwrap()).collect();
            rows.push(row.try_into().unwrap());
        }
    }
    (rows, foot)
}

#[test]
fn a_distribution_says_what_hdr_histogram_itself_makes_of_the_log() {
    let journal = journal(&[windows("fra", NAME), windows("syd", NAME)].concat());
    let (folder, text) = export(&journal, &["--hgrm"]);
    let (rows, foot) = distribution(&text);
    let names: Vec<&str> = foot.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["Mean", "StdDeviation", "Max", "Total count", "Buckets", "SubBuckets"]);
    assert!(rows.is_sorted_by(|one, next| one[0] <= next[0] && one[1] < next[1] && one[2] <= next[2]), "{text}");
    assert!(rows.len() > 20, "{text}");
    let [max, all, count, rest] = *rows.last().unwrap();
    assert!((max - 129.507).abs() < 0.0005 && all >= 1.0 && (count - 80.0).abs() < 0.1 && rest.is_infinite(), "{text}");

    let (log, _) = export(&journal, &["--hlog"]);
    let distribution = folder.path().join("out").display().to_string();
    let Some(theirs) = python("hdrh", "hgrm.py", &[&distribution, "/total"], log.path()) else { return };
    let (their_rows, mean, deviation, count): (Vec<(f64, f64)>, f64, f64, f64) = serde_json::from_str(&theirs).unwrap();
    // Mean and maximum are exact here, but computed from buckets there: within 1/1000.
    let near = |one: f64, other: f64| (one / other - 1.0).abs() < 0.001;
    assert_eq!(rows.len(), their_rows.len());
    for (ours, (time, within)) in rows.iter().zip(their_rows) {
        assert!(near(ours[0], time) && (ours[2] - within).abs() < 0.1, "{ours:?} {time} {within}");
    }
    for (at, theirs) in [(0, mean), (1, deviation), (3, count)] {
        assert!(near(foot[at].1, theirs), "{:?} {theirs}", foot[at]);
    }
}

#[test]
fn a_distribution_is_of_one_probe() {
    let journal = journal(&[windows("local", "home"), windows("local", "shop")].concat());
    let place = journal.path().display().to_string();
    let arguments = ["export", &place, "--hgrm", "--from", "2025-03-10", "--to", "2025-03-11"];
    let ran = Run::new(arguments).run();
    assert_eq!(
        ran.expect_code(2).stderr,
        "error: --hgrm is of one probe; choose it with --probe: \"home\", \"shop\"\n"
    );
    let chosen = Run::new(arguments.iter().chain(&["--probe", "shop"])).run();
    assert!(chosen.expect_code(0).stdout.contains("Total count    =           40]"), "{}", chosen.stdout);
}

#[test]
fn there_is_one_place_to_export_to_and_it_is_said_before_anything_is_read() {
    let nowhere = Run::new(["export", "missing"]).run();
    assert!(nowhere.expect_code(2).stderr.starts_with("error: say what to export to"), "{}", nowhere.stderr);
    for both in [["--csv", "--hlog"], ["--csv", "--remote-write=http://127.0.0.1:9/"], ["--csv", "--verify"]] {
        let ran = Run::new(["export"].iter().chain(&both)).run();
        assert!(ran.expect_code(2).stderr.contains("cannot be used with"), "{both:?} {}", ran.stderr);
    }
    // A variable that is always set does not count as a second target.
    let (journal, from) = (journal(&windows("local", NAME)), "--from=2025-03-10");
    let arguments = ["export", "--csv", from, &journal.path().display().to_string()];
    let ran = Run::new(arguments).env("UPTICK_REMOTE_WRITE", "http://127.0.0.1:9/").run();
    assert_eq!(ran.expect_code(0).stdout.lines().count(), 3);
    let late = Run::new(["export", "--csv", &journal.path().display().to_string()]).run();
    assert!(late.expect_code(0).stderr.contains("no data recorded in this range"), "{}", late.stderr);
}

#[test]
fn a_file_is_whole_or_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").display().to_string();
    let ran = Run::new(["export", "--csv", "-o", &out, "/nonexistent/journal"]).run();
    assert!(ran.expect_code(3).stderr.contains("/nonexistent/journal"), "{}", ran.stderr);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A data point as the independent reader sees it; see the script.
#[cfg(feature = "otlp")]
type Point = (
    usize,
    String,
    String,
    String,
    String,
    u8,
    std::collections::BTreeMap<String, String>,
    i128,
    i128,
    serde_json::Value,
);

#[cfg(feature = "otlp")]
#[test]
fn opentelemetrys_own_messages_are_what_a_line_holds() {
    let windows = windows("local", NAME);
    let (folder, text) = export(&journal(&windows), &["--otlp-json"]);
    assert_eq!(text.lines().count(), 2, "a request for each window");
    let Some(read) = python("opentelemetry.proto", "otlp_json.py", &[], folder.path()) else { return };
    let points: Vec<Point> = serde_json::from_str(&read).unwrap();
    let of = |line: usize, name: &str, label: Option<(&str, &str)>| -> serde_json::Value {
        let labelled = |point: &&Point| label.is_none_or(|(name, value)| point.6[name] == value);
        let mut found = points.iter().filter(|point| point.0 == line && point.2 == name).filter(labelled);
        let point = found.next().unwrap_or_else(|| panic!("no {name} in {points:#?}"));
        assert!(found.next().is_none(), "{name} {label:?} is there twice");
        let (from, to) = (windows[line].from.as_nanosecond(), windows[line].to.as_nanosecond());
        assert_eq!((point.1.as_str(), point.5, point.7, point.8), ("uptick", 1, from, to), "{point:?}");
        assert_eq!((point.6["probe"].as_str(), point.6["vantage"].as_str()), (NAME, "local"));
        point.9.clone()
    };
    assert_eq!(of(0, "uptick.checks", Some(("verdict", "up"))), 40);
    assert_eq!(of(1, "uptick.checks", Some(("verdict", "down"))), 1);
    assert_eq!(of(1, "uptick.failures", Some(("class", "status"))), 1);
    for (line, name, histogram) in [
        (0, "uptick.check.duration", &windows[0].latency.total),
        (0, "uptick.check.lag", &windows[0].lag),
        (1, "uptick.failed_check.duration", &windows[1].failed_latency),
        (1, "uptick.check.duration", &Histogram::default()),
    ] {
        let (count, sum, min, max, median): (u64, f64, f64, f64, Option<(f64, f64)>) =
            serde_json::from_value(of(line, name, None)).unwrap();
        let seconds = |time: Option<Duration>| time.unwrap_or_default().as_secs_f64();
        let near = |one: f64, other: f64| (one - other).abs() < 1e-9;
        assert_eq!(count, histogram.count(), "{name}");
        assert!(near(sum, histogram.sum().as_secs_f64()), "{name}");
        assert!(near(min, seconds(histogram.min())) && near(max, seconds(histogram.max())), "{name}");
        let Some((above, up_to)) = median else { continue };
        let ours = seconds(histogram.quantile(0.5));
        assert!(above * 0.999 < ours && ours < up_to * 1.001, "{name}: {ours} is not within {median:?}");
    }
    let unit =
        |name: &str| points.iter().find(|point| point.2 == name).map(|point| (point.3.as_str(), point.4.as_str()));
    assert_eq!(unit("uptick.check.duration"), Some(("s", "exponential_histogram")));
    assert_eq!(unit("uptick.checks"), Some(("{check}", "sum")));
}
