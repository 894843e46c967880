//! Properties that hold for the report of any journal.

use proptest::prelude::*;

use super::recorded_journal::{Line, PlayedCheck, RecordedJournal, at, failed, json, question, status, usual_ms};
use crate::model::FailureClass;
use crate::report::answer::answer;
use crate::report::document::report::{Integrity, Report};
use crate::report::fold::{Fold, Question};
use crate::report::statistics::chance::Chance;

/// A few probes from two vantages with failures of every kind, generated from a seed.
fn any_day(seed: u64) -> RecordedJournal {
    let classes = [FailureClass::ConnectTimeout, FailureClass::Status, FailureClass::Interrupted];
    let mut chance = Chance::new(seed);
    let mut stage = RecordedJournal::default();
    for (vantage, surface, probe) in
        [("a", "app", "one"), ("a", "web", "two"), ("b", "app", "one"), ("b", "app", "three")]
    {
        let (mut failing, line) = (false, Line::new(vantage, surface, probe, 60));
        stage.play(line, "2025-01-01T08:00:00Z", "2025-01-01T12:00:00Z", |_| {
            if chance.happens(0.05) {
                failing = !failing;
            }
            if failing && chance.happens(0.8) {
                let class = classes[usize::try_from(chance.below(3)).expect("small")];
                if class == FailureClass::Status { status(503, 5, &[], "busy") } else { failed(class, 100) }
            } else if chance.happens(0.02) {
                PlayedCheck::Missed
            } else if chance.happens(0.01) {
                PlayedCheck::Asleep
            } else {
                PlayedCheck::Up(usual_ms(&mut chance))
            }
        });
    }
    stage
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_order_of_lines_does_not_matter(seed: u64) {
        let asked = || question("2025-01-01T09:00:00Z", "2025-01-01T12:00:00Z");
        let mut stage = any_day(seed);
        let in_order = json(&stage.report(asked()));
        let mut chance = Chance::new(seed ^ 1);
        shuffle(&mut stage.windows, &mut chance);
        shuffle(&mut stage.failures, &mut chance);
        prop_assert_eq!(in_order, json(&stage.report(asked())));
    }

    #[test]
    fn folds_that_share_the_lines_out_make_the_same_report(seed: u64, folds in 1usize..5, is_asked: bool) {
        let mut stage = any_day(seed);
        let mut chance = Chance::new(seed ^ 2);
        // Some windows span an hour: their length affects the buckets of the fold that reads them.
        for at in (0..stage.windows.len()).rev() {
            if chance.happens(0.2) {
                let window = stage.windows.swap_remove(at);
                match stage.windows.iter_mut().find(|other| other.same_key(&window) && other.from < window.from) {
                    Some(earlier) => earlier.merge(&window),
                    None => stage.windows.push(window),
                }
            }
        }
        let asked = || if is_asked { question("2025-01-01T09:00:00Z", "2025-01-01T12:00:00Z") } else { Question::default() };
        let mut parts = vec![Fold::new(asked()); folds];
        let mut part = || usize::try_from(chance.below(folds as u64)).expect("an index");
        stage.windows.iter().for_each(|window| parts[part()].window(window));
        stage.failures.iter().for_each(|failure| parts[part()].failure(failure));
        let mut whole = parts.pop().expect("at least one");
        for part in parts {
            whole.merge(part);
        }
        let now = asked().to.unwrap_or_else(|| at("2030-01-01T00:00:00Z"));
        prop_assert_eq!(json(&stage.report(asked())), json(&answer(&mut whole, now, Integrity::default())));
    }

    #[test]
    fn windows_merged_before_make_the_same_report(seed: u64) {
        same_when_merged(seed)?;
    }

    #[test]
    fn every_count_adds_up(seed: u64) {
        let report = any_day(seed).report(Question::default());
        let figures = report.surfaces.iter().map(|row| &row.figures).chain(report.probes.iter().map(|row| &row.figures));
        for row in figures {
            prop_assert_eq!(row.checks, row.up + row.down + row.unknown + row.missed);
            prop_assert_eq!(row.down + row.unknown, row.classes.values().map(|class| class.n).sum::<u64>());
        }
        let rows: u64 = report.surfaces.iter().map(|row| row.figures.checks).sum();
        prop_assert_eq!(rows, report.vantages.iter().map(|row| row.figures.checks).sum::<u64>());
        let points: u64 = report.series.iter().map(|point| point.n + point.unknown + point.missed).sum();
        prop_assert_eq!(rows, points);
    }
}

/// Asserts that figures, incidents and verdict do not change if all windows of each series are
/// merged into one.
fn same_when_merged(seed: u64) -> Result<(), TestCaseError> {
    let mut stage = any_day(seed);
    let apart = stage.report(Question::default());
    let mut merged: Vec<crate::window::Window> = Vec::new();
    for window in &stage.windows {
        match merged.iter_mut().find(|other| other.same_key(window)) {
            Some(other) => other.merge(window),
            None => merged.push(window.clone()),
        }
    }
    stage.windows = merged;
    let together = stage.report(Question::default());
    prop_assert_eq!(&apart.verdict.state, &together.verdict.state);
    prop_assert_eq!(&apart.verdict.since, &together.verdict.since);
    let figures = |report: &Report| {
        serde_json::to_string(&(&report.surfaces, &report.vantages, &report.probes, &report.places, report.coverage))
            .expect("rows")
    };
    prop_assert_eq!(figures(&apart), figures(&together));
    let waves = |report: &Report| {
        report
            .incidents
            .iter()
            .map(|incident| (incident.start, incident.end, incident.actual_failures, incident.waves.len()))
            .collect::<Vec<_>>()
    };
    prop_assert_eq!(waves(&apart), waves(&together));
    let causes = |report: &Report| {
        let of_each =
            report.incidents.iter().map(|incident| (&incident.kind, &incident.signature, &incident.signature_now));
        serde_json::to_string(&(of_each.collect::<Vec<_>>(), &report.verdict)).expect("causes")
    };
    prop_assert_eq!(causes(&apart), causes(&together));
    Ok(())
}

#[test]
fn what_failed_of_the_surface_before_is_the_same_in_merged_windows() {
    // A regression: these failures were once counted by buckets, which are as long as the windows.
    same_when_merged(12_908_391_132_824_016_215).unwrap();
}

fn shuffle<T>(items: &mut [T], chance: &mut Chance) {
    for at in (1..items.len()).rev() {
        let other = usize::try_from(chance.below(at as u64 + 1)).expect("an index");
        items.swap(at, other);
    }
}
