//! The report calls a dip that recurs at the same minutes of each night usual, and nothing else.

use jiff::Timestamp;

use super::recorded_journal::{Line, PlayedCheck, RecordedJournal, at, failed, question, usual_ms};
use crate::model::FailureClass;
use crate::report::document::report::Report;
use crate::report::statistics::chance::Chance;

/// The report, at instant `to` of a night, after two weeks in which the ratio `usual` of all checks
/// failed from 02:10 to 02:20. In that night the ratio is `to_night`.
fn nights(seed: u64, usual: f64, to_night: f64, to: &str) -> Report {
    let mut stage = RecordedJournal::default();
    let night = at("2025-01-15T00:00:00Z");
    let mut chance = Chance::new(seed);
    for vantage in ["iad", "lhr"] {
        for probe in ["home", "api"] {
            stage.play(Line::new(vantage, "web", probe, 60), "2025-01-01T00:00:00Z", to, |now: Timestamp| {
                let minute = now.as_second().rem_euclid(86_400) / 60;
                // It is checked in these hours only.
                if !(60..240).contains(&minute) {
                    return PlayedCheck::Asleep;
                }
                let share = if now < night { usual } else { to_night };
                if (130..140).contains(&minute) && chance.happens(share) {
                    failed(FailureClass::ResponseTimeout, 5_000)
                } else {
                    PlayedCheck::Up(usual_ms(&mut chance))
                }
            });
        }
    }
    stage.report(question("2025-01-14T12:00:00Z", to))
}

#[test]
fn a_nightly_dip_is_told_as_on_all_nights_while_it_lasts_and_afterwards() {
    for seed in 1..=3 {
        let report = nights(seed, 0.5, 0.5, "2025-01-15T02:18:00Z");
        let text = &report.verdict.headline;
        assert!(report.verdict.state.is_failing() && text.contains("as on 14 of 14 nights"), "{text}");
        let open = report.incidents.last().expect("an incident");
        let expected = open.expected_failures.expect("a baseline");
        let failed = crate::report::statistics::number(open.actual_failures);
        assert!((expected / failed - 1.0).abs() < 0.4, "{expected} expected, {failed} failed");
        let later = nights(seed, 0.5, 0.5, "2025-01-15T03:40:00Z");
        assert!(later.verdict.headline.contains("as on 14 of 14 nights"), "{}", later.verdict.headline);
    }
}

#[test]
fn more_than_the_nightly_dip_and_a_dip_at_another_time_are_not_as_usual() {
    for seed in 1..=3 {
        let worse = nights(seed, 0.2, 1.0, "2025-01-15T02:19:00Z");
        assert!(!worse.verdict.headline.contains("as on"), "{}", worse.verdict.headline);
        let first = nights(seed, 0.0, 0.6, "2025-01-15T02:18:00Z");
        assert!(!first.verdict.headline.contains("as on"), "{}", first.verdict.headline);
    }
}
