//! Windows as files for other tools, read back by one of them.

use std::fs;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use uptick::export;
use uptick::model::FailureClass;
use uptick::model::Verdict;
use uptick::window::Window;

/// Two windows of a probe: twenty checks up, then one down.
fn windows() -> Vec<Window> {
    let name = |text: &str| Arc::<str>::from(text);
    let begin: Timestamp = "2025-03-10T09:31:00Z".parse().expect("an instant");
    let empty = Window::empty(&name("local"), &name("home, really"), &name("web"), false);
    let (mut first, mut second) = (empty.clone(), empty);
    (first.from, first.to) = (begin, begin + Duration::from_mins(1));
    (second.from, second.to) = (first.to, first.to + Duration::from_mins(1));
    for n in 0..40 {
        first.counts.up += 1;
        first.strip.push(begin + Duration::from_secs(n), Verdict::Up, None);
        first.latency.total.record_micros(90_000 + n * 1_013);
        first.lag.record_micros(n);
    }
    second.counts.down = 1;
    second.failures.insert(FailureClass::Status, 1);
    second.strip.push(second.from, Verdict::Down, Some(FailureClass::Status));
    second.failed_latency.record_micros(1_500);
    vec![first, second]
}

/// What the independent reader says of one histogram: tag, begin, length, count and buckets.
type Read = (String, f64, f64, u64, Vec<(u64, u64)>);

#[test]
fn a_table_has_a_row_for_each_window() {
    let mut out = Vec::new();
    export::csv(&windows(), &mut out).expect("memory takes it");
    let text = String::from_utf8(out).expect("text");
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
}

#[test]
fn python_reads_the_interval_log_as_it_was_meant() {
    let installed = Command::new("python3").args(["-c", "import hdrh"]).stderr(Stdio::null()).status();
    if !installed.is_ok_and(|status| status.success()) {
        eprintln!("skipped: Python's hdrhistogram is not installed, so no tool read the interval log");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("windows.hlog");
    let windows = windows();
    export::hlog(&windows, &mut fs::File::create(&file).expect("room")).expect("room");
    let output = Command::new("python3").arg("tests/independent/hlog.py").arg(&file).output().expect("python3 starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read: Vec<Read> = serde_json::from_slice(&output.stdout).expect("the script writes JSON");
    let tags: Vec<&str> = read.iter().map(|(tag, ..)| tag.as_str()).collect();
    assert_eq!(tags, ["local/web/home__really/total", "local/web/home__really/lag", "local/web/home__really/failed"]);
    let (_, start, end, count, buckets) = &read[0];
    assert!((start - 1_741_599_060.0).abs() < 0.001 && (end - start - 60.0).abs() < 0.001, "{start} {end}");
    assert_eq!(*count, 40);
    let ours: Vec<u64> =
        windows[0].latency.total.buckets().map(|(time, _)| u64::try_from(time.as_micros()).expect("it fits")).collect();
    let theirs: Vec<u64> = buckets.iter().map(|(value, _)| *value).collect();
    assert_eq!(theirs[..39], ours[..39]);
}
