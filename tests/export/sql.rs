//! `uptick export --parquet`, queried by `DuckDB`, Spark and `ClickHouse` through the views of
//! `examples/sql`: every figure equals that of `uptick report --format json` for the same journal,
//! raw and compacted.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;
use uptick::journal::{Journal, Line, Options};
use uptick::model::{Check, Evidence, Failure, FailureClass, Outcome, Phase, Probe, SafeText, Timings, Verdict};
use uptick::window::Collector;

use crate::programs::skip;
use crate::support::outcomes::ended;
use crate::support::run::{Ran, Run};
use crate::support::samples::Times;

pub(crate) const FROM: &str = "2025-03-09T00:00:00Z";
pub(crate) const TO: &str = "2025-03-11T00:00:00Z";
/// The number of checks: one every two minutes for two days.
const CHECKS: i64 = 2 * 24 * 30;
/// Names that a path, a quote or type inference could spoil.
pub(crate) const VANTAGES: [&str; 3] = ["fra", "07", "a/b c=%2F日"];

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The failure of the nth check, always the same: an outage of web on the second day, and a share
/// of app. `None` if it is up.
fn failure(surface: &str, n: i64) -> Option<FailureClass> {
    match surface {
        "web" if (900..960).contains(&n) => Some(FailureClass::ConnectTimeout),
        "app" if n % 97 == 5 => Some(FailureClass::Status),
        "app" if n % 211 == 7 => Some(FailureClass::ProberOverloaded),
        _ => None,
    }
}

fn outcome(vantage: &str, surface: &str, n: i64, micros: u64) -> Outcome {
    let name = format!("{surface}'s \"home\"");
    let probe = Probe::plain(&name, surface, "https://x.example/", Duration::from_mins(2));
    let due = at(FROM) + SignedDuration::from_millis(n * 120_000 + 3_412);
    let lag = Duration::from_micros(micros % 2_900);
    let check = Check { probe: Arc::new(probe), scheduled_at: due, lag };
    let class = failure(surface, n);
    let mut timings = Timings { total: Duration::from_micros(micros), ..Timings::default() };
    timings.add(Phase::Connect, Duration::from_micros(micros / 3));
    Outcome {
        timings,
        evidence: class.map(|_| Evidence { url: SafeText::message("https://x.example/"), ..Evidence::default() }),
        ..ended(&check, vantage, class, "it's \"no\"")
    }
}

pub(crate) fn recorded() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = Journal::open(folder.path(), Options::default()).unwrap();
    for (seed, vantage) in (1..).zip(VANTAGES) {
        let mut times = Times::new(seed, 40e3, 0.5);
        let mut collector = Collector::new(vantage, Duration::from_mins(10));
        let mut lines = Vec::new();
        for n in 0..CHECKS {
            for surface in ["app", "web"] {
                // Some take longer than an hour, where the buckets end.
                let micros = if n == 1_000 { 3_700_000_000 } else { times.next().unwrap() };
                lines.extend(collector.record(&outcome(vantage, surface, n, micros)).map(Line::from));
                lines.extend(collector.take_failures().into_iter().map(Line::from));
            }
        }
        lines.extend(collector.close_all().into_iter().map(Line::from));
        journal.append(&lines).unwrap();
    }
    folder
}

pub(crate) fn path(folder: &TempDir) -> String {
    folder.path().display().to_string()
}

/// Exports the two days to a folder.
pub(crate) fn export(journal: &TempDir, tables: &Path) -> Ran {
    let tables = tables.display().to_string();
    let ran = Run::new(["export", &path(journal), "--parquet", &tables, "--from", FROM, "--to", TO]).run();
    ran.expect_code(0);
    assert_eq!(ran.stderr, "");
    ran
}

/// The results of `DuckDB` for the tables. `None`, with a note on stderr, if it is not installed.
pub(crate) fn duckdb(tables: &Path, journal: Option<&Path>) -> Option<Value> {
    let known = Command::new("python3").args(["-c", "import duckdb"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        skip("Python's duckdb");
        return None;
    }
    let mut command = Command::new("python3");
    command.arg("tests/interoperability/sql.py").arg(tables).arg("examples/sql/views.sql").args(journal);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// The results of another engine for the tables, run from a virtual environment. `None`, with a
/// note on stderr, if the engine is not installed there.
fn asked(engine: &str, tables: &Path) -> Option<Value> {
    let python = "target/ci-engines/bin/python";
    let module = if engine == "spark" { "pyspark" } else { "chdb" };
    let known = Command::new(python).args(["-c", &format!("import {module}")]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        skip(&format!("{module} of .ci/engines.txt"));
        return None;
    }
    let views = format!("examples/sql/views.{engine}.sql");
    let output = Command::new(python)
        .arg("tests/interoperability/sql_engines.py")
        .arg(engine)
        .arg(tables)
        .arg(views)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{engine}: {}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

pub(crate) fn report(journal: &TempDir) -> Value {
    Run::new(["report", &path(journal), "--format", "json", "--from", FROM, "--to", TO]).run().json()
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().unwrap()
}

/// The failures of a surface by class, as counted in a report.
fn classes(surface: &Value) -> BTreeMap<String, u64> {
    let classes = surface["classes"].as_object().unwrap();
    classes.iter().map(|(class, row)| (class.clone(), row["n"].as_u64().unwrap())).collect()
}

/// The same, from the table of runs.
fn classes_in_sql(sql: &Value, surface: &Value) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for row in list(&sql["classes"]).iter().filter(|row| row["surface"] == *surface) {
        *sums.entry(row["class"].as_str().unwrap().to_owned()).or_default() += row["checks"].as_u64().unwrap();
    }
    sums
}

#[track_caller]
pub(crate) fn assert_same_figures(report: &Value, sql: &Value) {
    let (surfaces, rows) = (list(&report["surfaces"]), list(&sql["availability"]));
    assert_eq!(rows.len(), surfaces.len());
    for (surface, row) in surfaces.iter().zip(rows) {
        let name = &surface["surface"];
        assert_eq!(*name, row["surface"]);
        for key in ["checks", "up", "down", "unknown", "missed"] {
            assert_eq!(surface[key], row[key], "{name} {key}");
        }
        let number = |value: &Value| value.as_f64().unwrap();
        let ours = [&surface["failed_ratio"], &surface["ci95"][0], &surface["ci95"][1]].map(number);
        let theirs = ["failed_ratio", "failed_low", "failed_high"].map(|key| number(&row[key]));
        assert!(ours.iter().zip(theirs).all(|(ours, theirs)| (ours - theirs).abs() < 1e-6), "{ours:?} {theirs:?}");
        assert_eq!(classes(surface), classes_in_sql(sql, name), "{name}");
        for (latency, phase) in [("latency_us", "total"), ("failed_latency_us", "failed")] {
            let ours = &surface[latency];
            let found = list(&sql["percentiles"]).iter().find(|row| row["surface"] == *name && row["phase"] == phase);
            let theirs = found.unwrap_or_else(|| panic!("{name} {phase}"));
            assert_eq!(ours["count"], theirs["checks"]);
            for key in ["min", "p50", "p90", "p95", "p99", "max", "sum"] {
                assert_eq!(ours[key], theirs[format!("{key}_us")], "{name} {phase} {key}");
            }
        }
    }
}

#[test]
fn every_figure_of_the_tables_is_that_of_the_report_raw_and_compacted() {
    let journal = recorded();
    let tables = tempfile::tempdir().unwrap();
    export(&journal, tables.path());
    let whole = report(&journal);
    let Some(raw) = duckdb(tables.path(), Some(journal.path())) else { return };
    assert_same_figures(&whole, &raw);
    // Names are restored from their paths, and no vantage is taken for a number.
    let vantages: Vec<&str> = list(&raw["by_day"]).iter().map(|row| row["vantage"].as_str().unwrap()).collect();
    assert!(VANTAGES.iter().all(|vantage| vantages.contains(vantage)), "{vantages:?}");
    assert_eq!(list(&raw["by_day"]).len(), 2 * 2 * VANTAGES.len());
    // Each check has its own instant; the first is at 3.412 s past midnight.
    let first = at(FROM).as_millisecond() + 3_412;
    let checks = CHECKS * 2 * i64::try_from(VANTAGES.len()).unwrap();
    let last = first + (CHECKS - 1) * 120_000;
    assert_eq!(raw["each"], serde_json::json!([{"checks": checks, "first": first, "last": last}]));
    // The journal's lines themselves, without any export.
    let of_lines: Vec<[&Value; 2]> = list(&raw["lines"]).iter().map(|row| [&row["up"], &row["down"]]).collect();
    let of_tables: Vec<[&Value; 2]> = list(&raw["availability"]).iter().map(|row| [&row["up"], &row["down"]]).collect();
    assert_eq!(of_lines, of_tables);
    let failure = &list(&raw["failures"])[0];
    assert_eq!((&failure["message"], &failure["url"]), (&"it's \"no\"".into(), &"https://x.example/".into()));

    let compacting = ["compact", &path(&journal), "--hourly-after", "1d", "--daily-after", "9999d"];
    for options in [compacting, ["compact", &path(&journal), "--hourly-after", "1d", "--daily-after", "2d"]] {
        Run::new(options).run().expect_code(0);
        export(&journal, tables.path());
        let compacted = duckdb(tables.path(), None).unwrap();
        assert_same_figures(&whole, &compacted);
        for key in ["availability", "by_day", "classes", "percentiles", "budgets", "each"] {
            assert_eq!(raw[key], compacted[key], "{key}");
        }
    }
}

/// Spark needs 450 MB and a Java runtime, `ClickHouse` 180 MB: `.ci/run --full` has both.
#[test]
#[ignore = "asks Spark and ClickHouse, which .ci/run --full installs"]
fn spark_and_clickhouse_find_the_same_figures_raw_and_compacted() {
    let journal = recorded();
    let whole = report(&journal);
    let tables = tempfile::tempdir().unwrap();
    let compacting = ["compact", &path(&journal), "--hourly-after", "1d", "--daily-after", "2d"];
    for is_compacted in [false, true] {
        if is_compacted {
            Run::new(compacting).run().expect_code(0);
        }
        export(&journal, tables.path());
        let by_duckdb = duckdb(tables.path(), None);
        for engine in ["spark", "clickhouse"] {
            let Some(found) = asked(engine, tables.path()) else { continue };
            assert_same_figures(&whole, &found);
            let vantages: Vec<&str> =
                list(&found["by_day"]).iter().map(|row| row["vantage"].as_str().unwrap()).collect();
            assert!(VANTAGES.iter().all(|vantage| vantages.contains(vantage)), "{engine}: {vantages:?}");
            let Some(by_duckdb) = &by_duckdb else { continue };
            for key in ["each", "by_day", "classes"] {
                assert_eq!(found[key], by_duckdb[key], "{engine} {key}");
            }
            assert_eq!(list(&found["failures"]).len(), list(&by_duckdb["failures"]).len(), "{engine}");
        }
    }
}

/// Every file below a folder with its content.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.insert(entry.path(), fs::read(entry.path()).unwrap());
        }
    }
    found
}

#[test]
fn exporting_again_replaces_its_own_files_and_no_other() {
    let journal = recorded();
    let tables = tempfile::tempdir().unwrap();
    let said = export(&journal, tables.path());
    assert!(said.stdout.starts_with("written: windows "), "{}", said.stdout);
    let first = files(tables.path());
    assert_eq!(first.len(), 4 * 2 * VANTAGES.len());
    for path in first.keys() {
        let path = path.strip_prefix(tables.path()).unwrap().display().to_string();
        let is_plain = |character: char| character.is_ascii_alphanumeric() || "/=._-%".contains(character);
        assert!(
            path.ends_with("/uptick.parquet") && path.contains("/day=2025-03-") && path.chars().all(is_plain),
            "{path}"
        );
    }
    let others = tables.path().join("windows/day=2025-03-09/vantage=fra/mine.parquet");
    fs::write(&others, "mine").unwrap();
    export(&journal, tables.path());
    let mut second = files(tables.path());
    assert_eq!(second.remove(&others), Some(b"mine".to_vec()));
    assert_eq!(first, second, "the same journal gives the same bytes");
    // One hour of a day rewrites that whole day, and does not touch the other.
    fs::write(tables.path().join("windows/day=2025-03-09/vantage=fra/uptick.parquet"), "spoilt").unwrap();
    fs::write(tables.path().join("windows/day=2025-03-10/vantage=fra/uptick.parquet"), "spoilt").unwrap();
    let place = tables.path().display().to_string();
    let hour = ["--from", "2025-03-10T09:00:00Z", "--to", "2025-03-10T10:00:00Z"];
    Run::new(["export", &path(&journal), "--parquet", &place].iter().chain(&hour)).run().expect_code(0);
    let third = files(tables.path());
    let spoilt: Vec<_> = first.keys().filter(|path| first[*path] != third[*path]).collect();
    assert_eq!(spoilt.len(), 1, "{spoilt:?}");
    assert!(spoilt[0].display().to_string().contains("day=2025-03-09"));
}

#[test]
fn nothing_recorded_and_what_does_not_go_together_are_said() {
    let journal = recorded();
    let tables = tempfile::tempdir().unwrap();
    let place = tables.path().display().to_string();
    let none =
        Run::new(["export", &path(&journal), "--parquet", &place, "--from", "2024-01-01", "--to", "2024-01-02"]).run();
    assert!(none.expect_code(0).stderr.contains("no data recorded in this range"), "{}", none.stderr);
    assert!(files(tables.path()).is_empty());
    for more in [&["--csv"][..], &["--probe", "home"], &["-o", "x"], &["--remote-write", "http://127.0.0.1:9/"]] {
        let refused = Run::new(["export", &path(&journal), "--parquet", &place].iter().chain(more)).run();
        assert!(refused.expect_code(2).stderr.contains("cannot be used with"), "{}", refused.stderr);
    }
}

/// The size of one day of a hundred probes that are checked every thirty seconds: `docs/sql.md`
/// multiplies it.
#[test]
#[ignore = "measures: run it with --nocapture"]
fn what_a_day_takes() {
    const PROBES: u64 = 100;
    let journal = tempfile::tempdir().unwrap();
    let mut collector = Collector::new("fra", Duration::from_mins(1));
    let mut times = Times::new(7, 100e3, 0.4);
    let mut writer = Journal::open(journal.path(), Options::default()).unwrap();
    let probes: Vec<Arc<Probe>> = (0..PROBES)
        .map(|n| Arc::new(Probe::plain(&format!("probe-{n}"), "web", "https://x.example/", Duration::from_secs(30))))
        .collect();
    for n in 0..2_880 {
        let mut lines = Vec::new();
        for (probe, shift) in probes.iter().zip((0..).step_by(300)) {
            let due = at(FROM) + SignedDuration::from_millis(n * 30_000 + shift);
            let check = Check { probe: Arc::clone(probe), scheduled_at: due, lag: Duration::from_micros(80) };
            let failed = Failure::new(FailureClass::Status, None, SafeText::message("status 503, expected 2xx"));
            let is_up = n % 1_000 != 17;
            let mut timings = Timings::default();
            for (phase, part) in Phase::ALL.into_iter().zip([100, 10, 4, 2, 50]) {
                let time = Duration::from_micros(times.next().unwrap() / part);
                timings.add(phase, time);
                timings.total += time;
            }
            let outcome = Outcome {
                verdict: if is_up { Verdict::Up } else { Verdict::Down },
                failure: (!is_up).then(|| failed.clone()),
                timings,
                remote: "192.0.2.7:443".parse().ok(),
                ..Outcome::without_measurement(&check, "fra", due, failed.clone())
            };
            lines.extend(collector.record(&outcome).map(Line::from));
            lines.extend(collector.take_failures().into_iter().map(Line::from));
        }
        writer.append(&lines).unwrap();
    }
    writer.append(&collector.close_all().into_iter().map(Line::from).collect::<Vec<_>>()).unwrap();
    let measure = |what: &str| {
        let tables = tempfile::tempdir().unwrap();
        export(&journal, tables.path());
        let of = |files: &BTreeMap<PathBuf, Vec<u8>>| files.values().map(Vec::len).sum::<usize>();
        let journal = of(&files(journal.path()));
        let each = ["windows", "buckets", "runs", "failures"].map(|table| of(&files(&tables.path().join(table))));
        let [windows, buckets, runs, failures] = each;
        let _ = writeln!(
            std::io::stderr(),
            "{what}: journal {journal}, windows {windows}, buckets {buckets}, runs {runs}, failures {failures}"
        );
    };
    measure("raw");
    Run::new(["compact", &path(&journal), "--hourly-after", "1d", "--daily-after", "9999d"]).run().expect_code(0);
    measure("hourly");
    Run::new(["compact", &path(&journal), "--hourly-after", "1d", "--daily-after", "2d"]).run().expect_code(0);
    measure("daily");
}
