//! Journals in object storage: what several vantages ship can be read as if it were in one folder.
//! Tested with a folder always, and with emulators of S3 and of Azure if they are installed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use std::{fs, thread};

use jiff::Timestamp;
use uptick::journal;
use uptick::journal::{CompactRules, Compacted, Journal, Line, Objects, Options, Range, Sharing};
use uptick::model::Verdict;
use uptick::object_storage::Bucket;
use uptick::window::{CheckResult, Window};

use crate::support::emulators::Emulator;
use crate::support::server::{Server, answer};

const OPTIONS: Options = Options { sharing: Sharing::Lock, lock_timeout: Duration::from_secs(5) };
const PATIENCE: Duration = Duration::from_mins(1);

fn window(vantage: &str, hour: u64) -> Line {
    let name = |text: &str| Arc::<str>::from(text);
    let begin: Timestamp = "2025-03-10T00:00:00Z".parse().expect("an instant");
    let mut window = Window::empty(&name(vantage), &name("home"), &name("web"), false);
    window.from = begin + Duration::from_hours(hour);
    window.to = window.from + Duration::from_mins(1);
    window.counts.up = 1;
    window.strip.push(window.from, CheckResult::new(Verdict::Up, None));
    window.latency.total.record_micros(hour * 1000 + 1);
    Line::from(window)
}

fn open(url: &str, settings: &[(&str, &str)], patience: Duration) -> Objects {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let settings: Vec<(String, String)> = settings.iter().map(owned).collect();
    Objects::open(url, &settings, patience).expect("a store")
}

fn read(paths: &[PathBuf], range: Range) -> Vec<Line> {
    let mut lines: Vec<Line> =
        journal::read(paths, range).expect("the files are there").collect::<Result<_, _>>().expect("they are readable");
    lines.sort_by_key(|line| match line {
        Line::Window(window) => (window.vantage.to_string(), window.from),
        other => (String::new(), other.at()),
    });
    lines
}

/// Two vantages record and ship several times; then everything is read back, and a part of it.
#[track_caller]
fn ships_and_reads(objects: &Objects) {
    let folder = tempfile::tempdir().expect("a folder");
    let everything = folder.path().join("everything");
    let mut one_folder = Journal::open(&everything, OPTIONS).expect("a folder");
    for vantage in ["eu west/1", "us-east"] {
        let outbox = folder.path().join(format!("outbox-{}", vantage.len()));
        let mut journal = Journal::open(&outbox, OPTIONS).expect("a folder");
        for hours in [0..3, 20..50, 70..71] {
            let lines: Vec<Line> = hours.map(|hour| window(vantage, hour)).collect();
            journal.append(&lines).expect("room");
            one_folder.append(&lines).expect("room");
            let shipped = objects.ship(&outbox, vantage).expect("the outbox is readable");
            assert!(shipped.waiting_because.is_none(), "{shipped:?}");
            assert!(shipped.sent > 0 && shipped.waiting == 0, "{shipped:?}");
        }
        assert_eq!(objects.ship(&outbox, vantage).expect("readable").sent, 0, "nothing is shipped twice");
    }
    let cache = folder.path().join("cache");
    for range in [
        Range::ALL,
        Range {
            from: "2025-03-11T01:00:00Z".parse().expect("an instant"),
            to: "2025-03-11T09:00:00Z".parse().expect("an instant"),
        },
    ] {
        let files = objects.fetch(range, &cache).expect("the store answers");
        assert!(read(&files, range) == read(std::slice::from_ref(&everything), range));
    }
    let files = objects.fetch(Range::ALL, &cache).expect("the store answers");
    let before: Vec<_> = files.iter().map(|file| fs::metadata(file).expect("it is there").modified().ok()).collect();
    let files = objects.fetch(Range::ALL, &cache).expect("the store answers");
    let after: Vec<_> = files.iter().map(|file| fs::metadata(file).expect("it is there").modified().ok()).collect();
    assert_eq!(before, after, "an object is brought once");
}

#[test]
fn a_folder_serves_as_an_object_store() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("file://{}/", folder.path().join("store").display());
    fs::create_dir(folder.path().join("store")).expect("room");
    let objects = open(&url, &[], PATIENCE);
    ships_and_reads(&objects);
    compacts(&objects);
}

#[test]
fn readers_that_bring_the_same_objects_at_once_do_not_disturb_each_other() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, cache) = (folder.path().join("store"), folder.path().join("cache"));
    fs::create_dir(&store).expect("room");
    let url = format!("file://{}/", store.display());
    let objects = open(&url, &[], PATIENCE);
    for hour in 0..100 {
        ship_one(&objects, "here", hour);
    }
    let begin = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let objects = open(&url, &[], PATIENCE);
                begin.wait();
                let files = objects.fetch(Range::ALL, &cache).expect("the store answers");
                assert_eq!(read(&files, Range::ALL).len(), 100);
            });
        }
    });
    let names = fs::read_dir(&cache).expect("a folder").map(|entry| entry.expect("an entry").file_name());
    assert!(names.into_iter().all(|name| name.to_string_lossy().ends_with(".jsonl")), "nothing unfinished is left");
}

/// By vantage: the number of checks, the number of durations, and their sum.
fn sums(files: &[PathBuf]) -> BTreeMap<String, (u64, u64, u64)> {
    let mut sums: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
    for line in read(files, Range::ALL) {
        let Line::Window(window) = line else { panic!("{line:?}") };
        let (checks, times, micros) = sums.entry(window.vantage.to_string()).or_default();
        *checks += window.counts.scheduled();
        *times += window.latency.total.count();
        *micros += window.latency.total.sum_micros();
    }
    sums
}

/// Ships a window of one hour on 10 March 2025.
fn ship_one(objects: &Objects, vantage: &str, hour: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    Journal::open(folder.path(), OPTIONS).expect("a folder").append(&[window(vantage, hour)]).expect("room");
    assert_eq!(objects.ship(folder.path(), vantage).expect("readable").sent, 1);
}

/// The objects that [`ships_and_reads`] left in the store become one object per day and vantage,
/// and no count changes; then a part arrives late.
#[track_caller]
fn compacts(objects: &Objects) {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, fresh) = (folder.path().join("cache"), folder.path().join("fresh"));
    let files = |cache: &Path| objects.fetch(Range::ALL, cache).expect("the store answers");
    let (now, rules) = (Timestamp::now(), CompactRules::default());
    let counted = sums(&files(&cache));
    assert_eq!(files(&cache).len(), 10, "two vantages, three days, up to two parts a day");

    let done = objects.compact(now, &rules).expect("the store answers");
    assert_eq!((done.files, done.windows_before, done.windows_after), (10, 68, 6), "{done:?}");
    assert_eq!(sums(&files(&cache)), counted);
    assert_eq!((sums(&files(&fresh)), files(&fresh).len()), (counted.clone(), 6));
    assert_eq!(objects.compact(now, &rules).expect("the store answers"), Compacted::default(), "all is done");

    ship_one(objects, "us-east", 23);
    let late = sums(&files(&cache));
    assert_eq!((late["us-east"].0, &late["eu west/1"]), (counted["us-east"].0 + 1, &counted["eu west/1"]));
    let done = objects.compact(now, &rules).expect("the store answers");
    assert_eq!((done.files, done.windows_before, done.windows_after), (2, 2, 1), "{done:?}");
    assert_eq!(sums(&files(&cache)), late);

    let later = now + Duration::from_hours(2);
    assert_eq!(
        objects.compact(later, &rules).expect("the store answers"),
        Compacted::default(),
        "it removes, and no more"
    );
    assert_eq!(sums(&files(&cache)), late);
    assert_eq!((sums(&files(&folder.path().join("last"))), files(&cache).len()), (late, 6));
}

#[test]
fn a_damaged_file_of_the_cache_is_downloaded_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, cache) = (folder.path().join("store"), folder.path().join("cache"));
    fs::create_dir(&store).expect("room");
    let objects = open(&format!("file://{}/", store.display()), &[], PATIENCE);
    (0..4).for_each(|hour| ship_one(&objects, "here", hour));
    let now = "2025-04-01T00:00:00Z".parse().expect("an instant");
    objects.compact(now, &CompactRules::default()).expect("the store answers");
    ship_one(&objects, "here", 9);
    let whole = sums(&objects.fetch(Range::ALL, &cache).expect("the store answers"));
    assert_eq!(whole["here"].0, 5);
    let names = || fs::read_dir(&cache).expect("a folder").map(|entry| entry.expect("an entry").path());
    assert!(names().any(|file| file.extension().is_some_and(|extension| extension == "json")), "a manifest is cached");
    for file in names() {
        let length = fs::metadata(&file).expect("it is there").len();
        for damage in [vec![0; usize::try_from(length).expect("short")], vec![b'\n'; 3], Vec::new()] {
            fs::write(&file, &damage).expect("room");
            let files = objects.fetch(Range::ALL, &cache).expect("the store answers");
            assert_eq!(sums(&files), whole, "{}", file.display());
        }
    }
}

#[test]
fn a_compaction_that_died_on_the_way_is_gone_on_with() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, cache) = (folder.path().join("store"), folder.path().join("cache"));
    fs::create_dir(&store).expect("room");
    let objects = open(&format!("file://{}/", store.display()), &[], PATIENCE);
    let (now, rules) = (Timestamp::now(), CompactRules::default());
    (1..4).for_each(|hour| ship_one(&objects, "here", hour));
    let counted = sums(&objects.fetch(Range::ALL, &cache).expect("the store answers"));
    objects.compact(now, &rules).expect("the store answers");
    let names = || {
        let entries =
            fs::read_dir(store.join("2025-03-10")).expect("a day").map(|entry| entry.expect("readable").path());
        let mut names: Vec<PathBuf> = entries.collect();
        names.sort();
        names
    };
    let is_merged = |path: &&PathBuf| path.to_string_lossy().ends_with(".merged-1.jsonl");
    let merged = names().iter().find(is_merged).expect("a merged object").clone();

    // It died after writing the manifest: the parts count, and so does another one that came
    // meanwhile.
    fs::remove_file(&merged).expect("it is there");
    ship_one(&objects, "here", 5);
    let read = || sums(&objects.fetch(Range::ALL, &cache).expect("the store answers"));
    assert_eq!(read()["here"].0, counted["here"].0 + 1);
    objects.compact(now, &rules).expect("the store answers");
    assert!(merged.exists());
    assert_eq!(read()["here"].0, counted["here"].0 + 1);
    // It died while removing the parts: those that are left do not count.
    let manifest = fs::read_to_string(merged.with_extension("json")).expect("a manifest");
    let is_in_it = |path: &PathBuf| manifest.contains(path.file_name().expect("a name").to_str().expect("text"));
    fs::remove_file(names().into_iter().find(is_in_it).expect("a part")).expect("it is there");
    assert_eq!(read()["here"].0, counted["here"].0 + 1);
    // The late part leads to a second merge; two hours later only its object is left.
    objects.compact(now, &rules).expect("the store answers");
    objects.compact(now + Duration::from_hours(2), &rules).expect("the store answers");
    let left: Vec<String> =
        names().iter().map(|path| path.file_name().expect("a name").to_string_lossy().into_owned()).collect();
    assert_eq!(left.iter().filter(|name| name.strip_suffix(".jsonl").is_some()).count(), 1, "{left:?}");
    assert_eq!(read()["here"].0, counted["here"].0 + 1);
}

#[test]
fn a_file_that_was_shipped_before_we_died_is_not_shipped_twice() {
    let folder = tempfile::tempdir().expect("a folder");
    let (store, outbox, cache) =
        (folder.path().join("store"), folder.path().join("outbox"), folder.path().join("cache"));
    fs::create_dir(&store).expect("room");
    let objects = open(&format!("file://{}/", store.display()), &[], PATIENCE);
    let mut journal = Journal::open(&outbox, OPTIONS).expect("a folder");
    journal.append(&[window("here", 1)]).expect("room");
    objects.ship(&outbox, "here").expect("readable");
    let object = objects.fetch(Range::ALL, &cache).expect("the store answers").remove(0);
    let sealed = outbox.join("sealed").join(object.file_name().expect("a name"));
    fs::copy(&object, &sealed).expect("room");
    let shipped = objects.ship(&outbox, "here").expect("readable");
    assert_eq!((shipped.sent, shipped.waiting, sealed.exists()), (1, 0, false));
    assert_eq!(read(&objects.fetch(Range::ALL, &cache).expect("the store answers"), Range::ALL), [window("here", 1)]);

    // Another object with that name is not taken for the shipped one.
    fs::write(&sealed, "something else").expect("room");
    let shipped = objects.ship(&outbox, "here").expect("readable");
    assert_eq!((shipped.sent, shipped.waiting), (0, 1));
    assert!(shipped.waiting_because.expect("a reason").to_string().contains("another object"));
}

#[test]
fn a_store_that_is_away_costs_a_bounded_time_and_no_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let outbox = folder.path().join("outbox");
    let settings = [
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "not-so-secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT", "http://127.0.0.1:9"),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    let away = open("s3://bucket/prefix", &settings, Duration::from_secs(1));
    let mut journal = Journal::open(&outbox, OPTIONS).expect("a folder");
    for hour in [1, 30] {
        journal.append(&[window("here", hour)]).expect("room");
        let begin = Instant::now();
        let shipped = away.ship(&outbox, "here").expect("the outbox is readable");
        assert!(begin.elapsed() < Duration::from_secs(10), "one attempt, not one for each file");
        assert_eq!((shipped.sent, shipped.waiting), (0, if hour == 1 { 1 } else { 2 }));
        let because = shipped.waiting_because.expect("a reason").to_string();
        assert!(because.contains("s3://bucket/prefix/2025-03-10/"), "{because}");
        let is_said = because.contains("cannot be reached: ") || because.contains("no answer within");
        assert!(is_said && !because.contains("Generic"), "{because}");
        assert!(!because.contains("not-so-secret"), "{because}");
    }
    assert!(away.fetch(Range::ALL, &folder.path().join("cache")).is_err());

    let store = folder.path().join("store");
    fs::create_dir(&store).expect("room");
    let back = open(&format!("file://{}/", store.display()), &[], PATIENCE);
    assert_eq!(back.ship(&outbox, "here").expect("readable").sent, 2);
    let files = back.fetch(Range::ALL, &folder.path().join("cache")).expect("the store answers");
    assert_eq!(read(&files, Range::ALL), [window("here", 1), window("here", 30)]);
}

/// Captive portals, proxies and web servers answer every request with a page, which reads as an empty list.
#[test]
fn a_page_is_not_taken_for_an_empty_bucket() {
    let page = "<!doctype html><html><head><title>Sign in</title></head><body>please</body></html>";
    let pages = [
        answer(200, &[("content-type", "text/html")], page),
        answer(200, &[("etag", "\"1\""), ("last-modified", "Mon, 30 Nov 2026 10:00:00 GMT")], page),
    ];
    for page in pages {
        let server = Server::answers(page);
        let settings = [
            ("AWS_ACCESS_KEY_ID", "identifier"),
            ("AWS_SECRET_ACCESS_KEY", "password"),
            ("AWS_ENDPOINT", &server.url("")),
            ("AWS_ALLOW_HTTP", "true"),
        ];
        let folder = tempfile::tempdir().expect("a folder");
        let objects = open("s3://bucket/prefix", &settings, PATIENCE);
        let error = objects.fetch(Range::ALL, folder.path()).expect_err("no store").to_string();
        assert!(error.contains("cannot list s3://bucket/prefix: what answers is no object store"), "{error}");
        let owned = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let bucket = Bucket::open("s3://bucket/prefix", &owned, PATIENCE).expect("settings");
        let error = bucket.check().expect_err("no store").to_string();
        assert!(error.contains("what answers is no object store"), "{error}");
    }
}

#[test]
fn s3_serves_as_an_object_store() {
    let Some(emulator) = Emulator::s3("fleet") else { return };
    let settings = emulator.settings();
    let objects = open("s3://fleet/some/prefix", &settings, PATIENCE);
    ships_and_reads(&objects);
    compacts(&objects);
    let nowhere = open("s3://nowhere/prefix", &settings, PATIENCE);
    let folder = tempfile::tempdir().expect("a folder");
    let error = nowhere.fetch(Range::ALL, folder.path()).expect_err("no such bucket").to_string();
    assert!(error.contains("s3://nowhere/prefix") && error.contains("no such bucket"), "{error}");
}

#[test]
fn azure_serves_as_an_object_store() {
    let Some(emulator) = Emulator::azure("fleet") else { return };
    let settings = emulator.settings();
    let objects = open("az://fleet/some/prefix", &settings, PATIENCE);
    ships_and_reads(&objects);
    compacts(&objects);
}

#[test]
fn the_binary_records_to_a_store_and_reports_from_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    fs::create_dir(&store).expect("room");
    let url = format!("file://{}/", store.display());
    let probes = "[[probe]]\nname = \"home\"\nurl = \"http://127.0.0.1:9/\"\n";
    fs::write(folder.path().join("probes.toml"), probes).expect("room");
    let uptick = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uptick"));
        command.args(args).current_dir(folder.path()).env("XDG_CACHE_HOME", folder.path().join("cache"));
        command.env_remove("STATE_DIRECTORY").output().expect("uptick starts")
    };
    for vantage in ["east", "west"] {
        let check = uptick(&["check", "--record", "--journal", &url, "--vantage", vantage]);
        assert_eq!(check.status.code(), Some(1), "{}", String::from_utf8_lossy(&check.stderr));
    }
    let report = uptick(&["report", &url, "--since", "1h", "--format", "json"]);
    let answer: serde_json::Value = serde_json::from_slice(&report.stdout).expect("a report");
    let vantages: Vec<&str> =
        answer["vantages"].as_array().expect("vantages").iter().filter_map(|v| v["vantage"].as_str()).collect();
    assert_eq!(vantages, ["east", "west"], "{}", String::from_utf8_lossy(&report.stderr));

    let compared = uptick(&["check", "--baseline", &url, "--vantage", "east"]);
    let said = String::from_utf8_lossy(&compared.stdout);
    assert!(said.contains("not compared: home"), "{said}{}", String::from_utf8_lossy(&compared.stderr));

    fs::remove_dir_all(&store).expect("it is there");
    fs::write(&store, "no folder").expect("room");
    let check = uptick(&["check", "--record", "--journal", &url, "--vantage", "east", "http://127.0.0.1:9/"]);
    let said = String::from_utf8_lossy(&check.stderr);
    assert!(said.contains("results are kept on this disk"), "{said}");
}
