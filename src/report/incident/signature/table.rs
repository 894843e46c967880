//! The signature table: `signatures.toml` beside this folder, compiled in and parsed on first use.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::FailureClass;
use crate::report::fold::evidence::{BodyKind, FailureFact, Pace};
use crate::report::incident::signature::incident_facts::Criterion;

const TABLE: &str = include_str!("../signatures.toml");

/// The least share of the failures that must show a signature, unless its row sets another.
const SHARE: f64 = 0.1;

/// The signature table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Table<'t> {
    #[serde(rename = "signature", borrow)]
    pub(crate) signatures: Vec<Row<'t>>,
    #[serde(rename = "cause", borrow)]
    pub(crate) causes: Vec<Cause<'t>>,
    /// The names of causes in words.
    #[serde(borrow)]
    pub(crate) words: BTreeMap<&'t str, &'t str>,
}

/// One signature.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Row<'t> {
    pub(crate) id: &'t str,
    pub(crate) signature: &'t str,
    pub(crate) likely: &'t str,
    #[serde(borrow)]
    pub(crate) consistent_with: Vec<&'t str>,
    #[serde(default, borrow)]
    pub(crate) cannot_distinguish: Vec<&'t str>,
    #[serde(default)]
    pub(crate) classes: Vec<FailureClass>,
    #[serde(default)]
    pub(crate) statuses: Vec<Statuses>,
    pub(crate) edge: Option<bool>,
    pub(crate) pace: Option<PaceWord>,
    pub(crate) body: Option<BodyWord>,
    pub(crate) sent_away: Option<bool>,
    /// Whether an unmet expectation of the certificate is required.
    pub(crate) certificate: Option<bool>,
    /// Whether it shows in answers that came, and therefore in no failure.
    #[serde(default)]
    pub(crate) of_answers: bool,
    #[serde(default = "share")]
    pub(crate) share: f64,
    #[serde(default)]
    pub(crate) needs: Vec<Criterion>,
    #[serde(default)]
    pub(crate) unless: Vec<Criterion>,
    #[serde(default)]
    pub(crate) raises: Vec<Criterion>,
    #[serde(default, borrow)]
    pub(crate) refuted_by: Vec<&'t str>,
    #[serde(default, borrow)]
    pub(crate) precedents: Vec<&'t str>,
}

/// A group of causes, and how it would show.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Cause<'t> {
    pub(crate) id: &'t str,
    pub(crate) words: &'t str,
    #[serde(default)]
    pub(crate) shows_as: Vec<FailureClass>,
    #[serde(default)]
    pub(crate) statuses: Vec<Statuses>,
    /// The ids in `consistent-with` that belong to this group.
    #[serde(default, borrow)]
    pub(crate) part_of: Vec<&'t str>,
}

/// A range of status codes, ends included; or a single code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Statuses {
    from: u16,
    to: u16,
}

/// [`Pace`] as the table spells it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PaceWord {
    Instant,
    RoundTimeout,
}

/// [`BodyKind`] as the table spells it.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BodyWord {
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
    pub(crate) const fn holds(self, status: u16) -> bool {
        self.from <= status && status <= self.to
    }
}

impl Table<'static> {
    /// The table that is compiled in.
    pub(crate) fn get() -> &'static Table<'static> {
        static PARSED: LazyLock<Table<'static>> =
            LazyLock::new(|| toml::from_str(TABLE).expect("a test holds the table in the repository to its shape"));
        &PARSED
    }

    /// A cause in words; its id with spaces if the table has no words for it.
    pub(crate) fn in_words(&self, cause: &str) -> String {
        let of_cause = || self.causes.iter().find(|row| row.id == cause).map(|row| row.words);
        self.words.get(cause).copied().or_else(of_cause).map_or_else(|| cause.replace('_', " "), ToOwned::to_owned)
    }
}

impl Row<'_> {
    /// Whether classes alone select it, so that all failures count and not only those whose
    /// evidence was kept.
    pub(crate) const fn is_of_classes(&self) -> bool {
        self.statuses.is_empty()
            && self.edge.is_none()
            && self.pace.is_none()
            && self.body.is_none()
            && self.sent_away.is_none()
            && self.certificate.is_none()
    }

    /// Whether class and status code select it, which windows count.
    pub(crate) const fn is_of_codes(&self) -> bool {
        !self.statuses.is_empty()
            && self.edge.is_none()
            && self.pace.is_none()
            && self.body.is_none()
            && self.sent_away.is_none()
            && self.certificate.is_none()
    }

    /// Whether failures with this class and status code show it.
    pub(crate) fn selects_code(&self, class: FailureClass, code: u16) -> bool {
        self.classes.contains(&class) && self.statuses.iter().any(|range| range.holds(code))
    }

    /// Whether a failure shows it.
    pub(crate) fn selects(&self, fact: &FailureFact) -> bool {
        self.classes.contains(&fact.class)
            && (self.statuses.is_empty()
                || fact.status.is_some_and(|status| self.statuses.iter().any(|range| range.holds(status))))
            && self.edge.is_none_or(|edge| edge == fact.cdn.is_some())
            && self.pace.is_none_or(|pace| match pace {
                PaceWord::Instant => fact.pace == Pace::Instant,
                PaceWord::RoundTimeout => fact.pace == Pace::RoundTimeout,
            })
            && self.sent_away.is_none_or(|sent_away| sent_away == fact.sent_away)
            && self.certificate.is_none_or(|certificate| certificate == fact.certificate)
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
        let table = Table::get();
        let ids: BTreeSet<&str> = table.signatures.iter().map(|row| row.id).collect();
        for number in 1..=25 {
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
