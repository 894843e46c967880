//! The signature table: `signatures.toml` beside this folder, read once a report.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::scene::Condition;
use crate::model::FailureClass;
use crate::report::evidence::{BodyKind, Fact, Pace};

const TABLE: &str = include_str!("../signatures.toml");

/// The least share of failures that shows a signature, unless its row says otherwise.
const SHARE: f64 = 0.1;

/// The table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table<'t> {
    #[serde(rename = "signature", borrow)]
    pub(super) signatures: Vec<Row<'t>>,
    #[serde(rename = "cause", borrow)]
    pub(super) causes: Vec<Cause<'t>>,
    /// Causes in words.
    #[serde(borrow)]
    pub(super) words: BTreeMap<&'t str, &'t str>,
}

/// One signature.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Row<'t> {
    pub(super) id: &'t str,
    pub(super) signature: &'t str,
    pub(super) likely: &'t str,
    #[serde(borrow)]
    pub(super) consistent_with: Vec<&'t str>,
    #[serde(default, borrow)]
    pub(super) cannot_distinguish: Vec<&'t str>,
    #[serde(default)]
    pub(super) classes: Vec<FailureClass>,
    #[serde(default)]
    pub(super) statuses: Vec<Statuses>,
    pub(super) edge: Option<bool>,
    pub(super) pace: Option<PaceWord>,
    pub(super) body: Option<BodyWord>,
    pub(super) sent_away: Option<bool>,
    /// Whether it shows in the answers that came, and so in no failure.
    #[serde(default)]
    pub(super) of_answers: bool,
    #[serde(default = "share")]
    pub(super) share: f64,
    #[serde(default)]
    pub(super) needs: Vec<Condition>,
    #[serde(default)]
    pub(super) unless: Vec<Condition>,
    #[serde(default)]
    pub(super) raises: Vec<Condition>,
    #[serde(default, borrow)]
    pub(super) refuted_by: Vec<&'t str>,
    #[serde(default, borrow)]
    pub(super) precedents: Vec<&'t str>,
}

/// A group of causes, and how it would show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Cause<'t> {
    pub(super) id: &'t str,
    pub(super) words: &'t str,
    #[serde(default)]
    pub(super) shows_as: Vec<FailureClass>,
    #[serde(default)]
    pub(super) statuses: Vec<Statuses>,
    /// Causes that belong to it.
    #[serde(default, borrow)]
    pub(super) part_of: Vec<&'t str>,
}

/// Status codes: one, or from one to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Statuses {
    from: u16,
    to: u16,
}

/// [`Pace`] as the table spells it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum PaceWord {
    Instant,
    RoundTimeout,
}

/// [`BodyKind`] as the table spells it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum BodyWord {
    Json,
    Challenge,
}

impl TryFrom<String> for Statuses {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Statuses, Self::Error> {
        let (from, to) = text.split_once('-').unwrap_or((&text, &text));
        Ok(Statuses { from: from.parse()?, to: to.parse()? })
    }
}

impl Statuses {
    pub(super) const fn holds(self, status: u16) -> bool {
        self.from <= status && status <= self.to
    }
}

impl Table<'static> {
    /// The table as it is in the repository.
    pub(super) fn read() -> Table<'static> {
        toml::from_str(TABLE).expect("the table in the repository is held to its shape by a test")
    }

    /// A cause in words; its name where it has none.
    pub(super) fn in_words(&self, cause: &str) -> String {
        let of_cause = || self.causes.iter().find(|row| row.id == cause).map(|row| row.words);
        self.words.get(cause).copied().or_else(of_cause).map_or_else(|| cause.replace('_', " "), ToOwned::to_owned)
    }
}

impl Row<'_> {
    /// Whether classes alone select it, so that all failures can be counted and not only those
    /// whose evidence was kept.
    pub(super) const fn is_of_classes(&self) -> bool {
        self.statuses.is_empty()
            && self.edge.is_none()
            && self.pace.is_none()
            && self.body.is_none()
            && self.sent_away.is_none()
    }

    /// Whether a failure shows it.
    pub(super) fn selects(&self, fact: &Fact) -> bool {
        self.classes.contains(&fact.class)
            && (self.statuses.is_empty()
                || fact.status.is_some_and(|status| self.statuses.iter().any(|range| range.holds(status))))
            && self.edge.is_none_or(|edge| edge == fact.edge.is_some())
            && self.pace.is_none_or(|pace| match pace {
                PaceWord::Instant => fact.pace == Pace::Instant,
                PaceWord::RoundTimeout => fact.pace == Pace::RoundTimeout,
            })
            && self.sent_away.is_none_or(|sent_away| sent_away == fact.sent_away)
            && self.body.is_none_or(|body| match body {
                BodyWord::Json => fact.body == BodyKind::Json,
                BodyWord::Challenge => fact.body == BodyKind::Challenge,
            })
    }
}

const fn share() -> f64 {
    SHARE
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_table_has_every_signature_with_what_would_refute_it() {
        let table = Table::read();
        let ids: BTreeSet<&str> = table.signatures.iter().map(|row| row.id).collect();
        for number in 1..=24 {
            assert!(ids.contains(format!("S{number}").as_str()), "S{number}");
        }
        assert_eq!(ids.len(), table.signatures.len(), "ids are unique");
        for row in &table.signatures {
            assert!(!row.refuted_by.is_empty(), "{}", row.id);
            assert!(!row.classes.is_empty() || !row.needs.is_empty(), "{} selects nothing", row.id);
            for cause in &row.consistent_with {
                assert!(table.words.contains_key(cause), "{cause} has no words");
            }
        }
    }

    #[test]
    fn the_table_names_no_culprit() {
        assert!(!TABLE.to_lowercase().contains("attack"));
    }

    #[test]
    fn status_ranges_include_their_ends() {
        let range = Statuses::try_from("520-527".to_owned()).expect("a range");
        assert!(range.holds(520) && range.holds(527) && !range.holds(519) && !range.holds(528));
        assert!(Statuses::try_from("429".to_owned()).is_ok_and(|one| one.holds(429)));
    }
}
