//! Texts for people call a surface by its label, documents for programs by its name.

use super::recorded_journal::{Line, PlayedCheck, RecordedJournal, failed, json, question};
use super::within;
use crate::model::{FailureClass, Surface};
use crate::report::document::report::Report;

/// The report on an app that fails until a time, `HH:MM`, and a web that does not, with labels.
fn labelled(app: &str, until: &str) -> Report {
    let mut stage = RecordedJournal::default();
    let (from, to) = ("2025-01-01T09:00:00Z", "2025-01-01T10:00:00Z");
    stage.play(Line::new("here", "app", "api", 60), from, to, |now| {
        if within(now, &[("09:30", until)]) { failed(FailureClass::ConnectRefused, 1) } else { PlayedCheck::Up(50) }
    });
    stage.play(Line::new("here", "web", "home", 60), from, to, |_| PlayedCheck::Up(50));
    let mut question = question(from, to);
    for (surface, label) in [("app", app), ("web", "X website")] {
        question.surfaces.insert(surface.to_owned(), Surface { label: Some(label.to_owned()), ..Surface::default() });
    }
    stage.report(question)
}

#[test]
fn a_sentence_says_the_label_and_documents_keep_the_name() {
    let report = labelled("X app", "10:00");
    let sentence = &report.verdict.sentence;
    assert!(sentence.starts_with("X app is down from here"), "{sentence}");
    assert!(sentence.contains("; X website up;"), "{sentence}");
    assert_eq!(report.comparisons[0].reading, "X app is worse than X website");
    assert_eq!(report.comparisons[0].a.as_str(), "app");
    assert_eq!(report.incidents[0].surfaces[0].as_str(), "app");
    assert_eq!(report.verdict.scope.surfaces[0].as_str(), "app");
    assert!(report.limits.iter().any(|limit| limit.contains(" of X app cannot be told")), "{:?}", report.limits);
}

#[test]
fn what_is_over_is_told_of_the_label_too() {
    let sentence = labelled("X app", "09:50").verdict.sentence;
    assert!(
        sentence.starts_with("X app and X website are up: 20 of 120 checks failed; X app was failing"),
        "{sentence}"
    );
}

#[test]
fn a_label_is_cleaned_before_it_is_said() {
    let report = labelled("X\u{1b}[31m\u{202e} app\n", "10:00");
    let sentence = &report.verdict.sentence;
    assert!(!sentence.chars().any(|character| character.is_control() || character == '\u{202e}'), "{sentence:?}");
    assert!(json(&report).contains("\"surface\":\"app\""));
}
