//! Reports by the binary, from journals of worlds whose past goes back for weeks.

use std::process::Command;

use serde_json::Value as Json;
use uptick::journal::{Journal, Line, Options};

use crate::generator::{DAY_MS, HOUR_MS, MINUTE_MS, Outage, World};

/// Six probes of two surfaces from two vantages, each checked every two minutes.
fn world(seed: u64, outages: Vec<Outage>) -> World {
    World { round: 2 * MINUTE_MS, probes: 6, vantages: 2, usual: 0.0005, outages, ..World::new(seed) }
}

/// The journal of a world.
struct Recorded {
    folder: tempfile::TempDir,
}

impl Recorded {
    fn of(world: &World, to: i64) -> Recorded {
        let folder = tempfile::tempdir().expect("a folder");
        let lines: Vec<Line> = world.windows(0, to).into_iter().map(Line::from).collect();
        Journal::open(folder.path(), Options::default()).expect("a journal").append(&lines).expect("room");
        Recorded { folder }
    }

    /// The report on the day before an instant, in a format.
    fn report(&self, to: i64, format: &str) -> String {
        let instant = |at: i64| World::at(at).to_string();
        let ran = Command::new(env!("CARGO_BIN_EXE_uptick"))
            .arg("report")
            .arg(self.folder.path())
            .args(["--from", &instant(to - DAY_MS), "--to", &instant(to), "--format", format])
            .current_dir(self.folder.path())
            .env_clear()
            .output()
            .expect("the binary");
        assert!(matches!(ran.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&ran.stderr));
        String::from_utf8(ran.stdout).expect("text")
    }

    /// The first line, and the only open incident.
    fn open(&self, to: i64) -> (String, Json) {
        let report: Json = serde_json::from_str(&self.report(to, "json")).expect("a document");
        let headline = report["verdict"]["headline"].as_str().expect("a first line").to_owned();
        assert_eq!(self.report(to, "brief").trim_end(), headline);
        let incidents = report["incidents"].as_array().expect("incidents").iter();
        let open: Vec<&Json> = incidents.filter(|incident| incident["end"].is_null()).collect();
        let [open] = open.as_slice() else { panic!("{headline}: {} are open", open.len()) };
        (headline, (*open).clone())
    }
}

#[test]
fn what_began_days_before_the_range_keeps_its_onset_and_what_is_older_than_the_journal_may_have_begun_earlier() {
    let onset = 30 * HOUR_MS;
    for share in [1.0, 0.33] {
        let recorded = Recorded::of(&world(1, vec![Outage::of_all(onset, i64::MAX, share)]), 8 * DAY_MS);
        for hours in [60, 110, 180] {
            let (headline, _) = recorded.open(hours * HOUR_MS);
            assert!(headline.contains(" since 2025-03-02 06:0"), "{share}, after {hours} h: {headline}");
            assert!(!headline.contains("or earlier"), "{headline}");
        }
    }
    let recorded = Recorded::of(&world(2, vec![Outage::of_all(i64::MIN, i64::MAX, 1.0)]), 4 * DAY_MS);
    let (headline, open) = recorded.open(90 * HOUR_MS);
    assert!(
        headline.contains(" since 2025-03-01 00:0") && headline.contains(" UTC or earlier (at least 3 d 18 h)"),
        "{headline}"
    );
    assert!(open["start"]["after"].is_null(), "{open}");
}

#[test]
fn a_dip_of_each_night_is_told_as_on_all_nights() {
    let dip = |day: i64| day * DAY_MS + 2 * HOUR_MS + 10 * MINUTE_MS;
    let nights = (0..15).map(|day| Outage::of_all(dip(day), dip(day) + 10 * MINUTE_MS, 0.5)).collect();
    let recorded = Recorded::of(&world(3, nights), 14 * DAY_MS + 6 * HOUR_MS);
    // The day that is reported on starts during the last of the earlier ones.
    let (headline, _) = recorded.open(dip(14) + 9 * MINUTE_MS);
    assert!(headline.contains("as on 13 of 13 nights"), "{headline}");
    let later = recorded.report(dip(14) + 2 * HOUR_MS, "brief");
    assert!(later.starts_with("UP ") && later.contains("as on 14 of 14 nights"), "{later}");
}

#[test]
fn what_fails_on_one_weekday_is_usual_on_that_and_on_no_other() {
    // 3 March 2025 is a Monday.
    let monday = |week: i64| (2 + 7 * week) * DAY_MS + 9 * HOUR_MS;
    let sunday = monday(4) - DAY_MS;
    let hours = (0..5).map(monday).chain([sunday]);
    let outages = hours.map(|from| Outage::of_all(from, from + HOUR_MS, 0.3)).collect();
    let recorded = Recorded::of(&world(4, outages), monday(4) + HOUR_MS);
    let share = |now: i64| {
        let (headline, open) = recorded.open(now);
        let number = |name: &str| open[name].as_f64().unwrap_or_else(|| panic!("{headline}: no {name}"));
        number("expected_failures") / number("actual_failures")
    };
    let (on_monday, on_sunday) = (share(monday(4) + 45 * MINUTE_MS), share(sunday + 45 * MINUTE_MS));
    assert!((0.6..1.5).contains(&on_monday), "{on_monday} of the failures are expected");
    assert!(on_sunday < 0.2, "{on_sunday} of the failures are expected");
}
