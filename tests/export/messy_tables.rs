//! `uptick export --parquet` over journals as they become: outages, maintenance, missed and unknown checks, codes,
//! uneven schedules, names that a path or an engine could spoil, windows across midnight; raw, hourly and daily.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tempfile::TempDir;
use uptick::journal::{Journal, Line, Options};
use uptick::model::{Check, Evidence, FailureClass, Maintenance, Outcome, Phase, Probe, SafeText, Schedule, Timings};
use uptick::window::{Collector, Window};

use crate::sql::{FROM, TO, assert_same_figures, at, duckdb, export, files, path, report};
use crate::support::outcomes::ended;
use crate::support::run::Run;
use crate::support::samples::Times;

/// Names that a path, a query or type inference could spoil.
const VANTAGES: [&str; 6] = ["null", "1e5", "../..", "é=ü&%41", "a b'\"?*", "07"];
const SURFACES: [&str; 3] = ["app", "it's \"web\"", "日 \\ %2F"];

/// Numbers that look random and are always the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn probe(dice: &mut Dice, name: &str, surface: &str) -> Probe {
    let interval =
        Duration::from_millis([60_000, 61_337, 120_000, 300_000, 3_600_000][usize::try_from(dice.below(5)).unwrap()]);
    let mut probe = Probe::plain(name, surface, "https://x.example/", interval);
    let begins = at(FROM) + SignedDuration::from_secs(i64::try_from(dice.below(40 * 3_600)).unwrap());
    let lasts = SignedDuration::from_secs(i64::try_from(dice.below(5 * 3_600)).unwrap());
    probe.maintenance = vec![Maintenance::Once { from: begins, to: begins + lasts }];
    probe
}

/// The class of a failure within an outage, or of one by itself.
fn class(dice: &mut Dice, is_outage: bool) -> Option<FailureClass> {
    if !is_outage && dice.below(40) > 0 {
        return None;
    }
    Some(FailureClass::ALL[usize::try_from(dice.below(FailureClass::ALL.len() as u64)).unwrap()])
}

fn outcome(
    dice: &mut Dice,
    probe: &Arc<Probe>,
    vantage: &str,
    due: Timestamp,
    class: Option<FailureClass>,
    micros: u64,
) -> Outcome {
    let check = Check { probe: Arc::clone(probe), scheduled_at: due, lag: Duration::from_micros(dice.below(3_000)) };
    let mut timings = Timings::default();
    for phase in Phase::ALL {
        if dice.below(3) > 0 {
            timings.add(phase, Duration::from_micros(micros / (1 + dice.below(9))));
        }
    }
    timings.total = Duration::from_micros(micros);
    let status = 500 + u16::try_from(dice.below(20)).unwrap();
    let failed = ended(&check, vantage, class, "it's \"no\"");
    Outcome {
        timings,
        flaky: class.is_none() && dice.below(50) == 0,
        status: if class == Some(FailureClass::Status) { Some(status) } else { failed.status },
        evidence: class.map(|_| Evidence { url: SafeText::message("https://x.example/"), ..Evidence::default() }),
        ..failed
    }
}

/// The lines of one probe at a vantage.
fn lines(dice: &mut Dice, vantage: &str, probe: &Arc<Probe>, seed: u64) -> Vec<Line> {
    let span = [10, 60, 420, 3_600, 86_400][usize::try_from(dice.below(5)).unwrap()];
    let mut collector = Collector::new(vantage, Duration::from_secs(span));
    let (mut times, mut lines) = (Times::new(seed, 40e3, 0.9), Vec::new());
    let Schedule::Every(interval) = probe.schedule else { unreachable!() };
    let interval = i64::try_from(interval.as_millis()).unwrap();
    let (is_uneven, outage, silence) = (dice.below(3) == 0, dice.below(1_000), dice.below(1_000));
    // A window that crosses midnight belongs to the day on which it starts: none starts before the first day.
    let mut due = at(FROM) + SignedDuration::from_millis(600_412);
    while due < at(TO) {
        let place = u64::try_from(due.duration_since(at(FROM)).as_mins().max(0)).unwrap() * 1_000 / 2_880;
        let window: Option<Window> = if (silence..silence + 30).contains(&place) {
            None
        } else if dice.below(60) == 0 {
            collector.record_missed(probe, due)
        } else {
            let class = class(dice, (outage..outage + 40).contains(&place));
            let micros = match dice.below(500) {
                0 => 0,
                1 => 3_700_000_000,
                2 => 1,
                _ => times.next().unwrap(),
            };
            collector.record(&outcome(dice, probe, vantage, due, class, micros))
        };
        lines.extend(window.map(Line::from));
        lines.extend(collector.take_failures().into_iter().map(Line::from));
        let step = if is_uneven {
            interval / 2 + i64::try_from(dice.below(u64::try_from(interval).unwrap())).unwrap()
        } else {
            interval
        };
        due += SignedDuration::from_millis(step);
    }
    lines.extend(collector.close_all().into_iter().map(Line::from));
    lines
}

fn recorded(seed: u64) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(seed * 0x9e37_79b9 + 1);
    let mut journal = Journal::open(folder.path(), Options::default()).unwrap();
    for (n, vantage) in VANTAGES.into_iter().enumerate() {
        for surface in SURFACES {
            let probe = Arc::new(probe(&mut dice, &format!("{surface}/{}", n % 3), surface));
            journal.append(&lines(&mut dice, vantage, &probe, seed + n as u64)).unwrap();
        }
    }
    folder
}

#[test]
fn figures_of_messy_journals_are_those_of_the_report_raw_hourly_and_daily() {
    for seed in 1..=2 {
        let journal = recorded(seed);
        let tables = tempfile::tempdir().unwrap();
        for compacting in [None, Some("9999d"), Some("2d")] {
            if let Some(daily) = compacting {
                let options = ["compact", &path(&journal), "--hourly-after", "1d", "--daily-after", daily];
                Run::new(options).run().expect_code(0);
            }
            export(&journal, tables.path());
            let Some(sql) = duckdb(tables.path(), None) else { return };
            assert_same_figures(&report(&journal), &sql);
        }
        let first = files(tables.path());
        export(&journal, tables.path());
        assert!(first == files(tables.path()), "exporting again gives the same bytes");
    }
}

#[test]
fn a_vantage_of_the_name_that_hive_reserves_is_not_read_as_null() {
    let journal = tempfile::tempdir().unwrap();
    let probe = Arc::new(Probe::plain("home", "web", "https://x.example/", Duration::from_mins(1)));
    let mut collector = Collector::new("__HIVE_DEFAULT_PARTITION__", Duration::from_mins(1));
    collector.record_missed(&probe, at(FROM));
    let lines: Vec<Line> = collector.close_all().into_iter().map(Line::from).collect();
    Journal::open(journal.path(), Options::default()).unwrap().append(&lines).unwrap();
    let tables = tempfile::tempdir().unwrap();
    Run::new(["export", &path(&journal), "--parquet", &path(&tables), "--from", FROM, "--to", TO]).run().expect_code(0);
    let day = fs::read_dir(tables.path().join("windows")).unwrap().next().unwrap().unwrap();
    let folder = fs::read_dir(day.path()).unwrap().next().unwrap().unwrap().file_name();
    assert_eq!(folder.to_str(), Some("vantage=%5F_HIVE_DEFAULT_PARTITION__"));
}

#[test]
fn a_vantage_whose_name_no_folder_can_have_is_named() {
    let journal = tempfile::tempdir().unwrap();
    let probe = Arc::new(Probe::plain("home", "web", "https://x.example/", Duration::from_mins(1)));
    let mut collector = Collector::new(&"日".repeat(100), Duration::from_mins(1));
    collector.record_missed(&probe, at(FROM));
    let lines: Vec<Line> = collector.close_all().into_iter().map(Line::from).collect();
    Journal::open(journal.path(), Options::default()).unwrap().append(&lines).unwrap();
    let tables = path(&tempfile::tempdir().unwrap());
    let ran = Run::new(["export", &path(&journal), "--parquet", &tables, "--from", FROM, "--to", TO]).run();
    let said = &ran.expect_code(3).stderr;
    assert!(said.contains("the name of its folder vantage=%E6%97%A5") && said.contains("too long"), "{said}");
}
