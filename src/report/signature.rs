//! What a failure looks like, and what it is therefore consistent with. It says a class of causes,
//! never a culprit.

pub(super) mod scene;
mod table;

use std::collections::BTreeSet;

use serde::Serialize;

use self::scene::Scene;
use self::table::{Cause, Row, Table};
use super::edge::Edge;
use super::statistics::{ratio, rounded};

/// What the evidence of an incident reads as.
#[derive(Clone, Debug, Default, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Reading {
    /// The rows of the table whose evidence is there, the strongest first.
    pub matched: Vec<Match>,
    /// Classes of causes that the evidence fits.
    pub consistent_with: Vec<&'static str>,
    /// Classes of causes that the evidence speaks against.
    pub not_consistent_with: Vec<&'static str>,
    /// Causes that look the same from outside.
    pub cannot_distinguish: Vec<&'static str>,
    /// The extra checks that were made to tell causes apart, and what they found.
    pub extra_checks: Vec<String>,
}

/// A row of the signature table whose evidence is there.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Match {
    /// `S1` to `S24`.
    pub id: &'static str,
    /// What it looks like.
    pub signature: &'static str,
    /// The class of causes it points to.
    pub likely: &'static str,
    /// The failures that show it,
    pub n: u64,
    /// of these: all failures of the incident, or those whose evidence was kept where the row asks for more than a class.
    pub of: u64,
    /// n / of
    pub share: Option<f64>,
    /// What was seen, in words.
    pub evidence: Vec<String>,
    /// What would speak against it.
    pub refuted_by: Vec<&'static str>,
    /// Incidents of the past that looked like this.
    pub precedents: Vec<&'static str>,
}

/// Fewer failures rule no cause out.
const RULED_OUT_AFTER: u64 = 5;

/// Below this share of the failures a cause does not show.
const TRACE: f64 = 0.02;

/// Matches the table against what an incident looks like.
pub(super) fn read(scene: &Scene) -> Reading {
    let table = Table::read();
    let mut matched: Vec<(&Row<'static>, Match)> =
        table.signatures.iter().filter_map(|row| Some((row, matches(row, scene)?))).collect();
    // The strongest first; rows of equal share in the order of the table.
    matched.sort_by(|(_, a), (_, b)| b.share.unwrap_or_default().total_cmp(&a.share.unwrap_or_default()));
    let consistent_with = united(matched.iter().flat_map(|(row, _)| &row.consistent_with));
    let cannot_distinguish = united(matched.iter().flat_map(|(row, _)| &row.cannot_distinguish));
    let ruled_out = |cause: &&Cause<'_>| is_ruled_out(cause, &consistent_with, scene);
    let not_consistent_with = table.causes.iter().filter(ruled_out).map(|cause| cause.id).collect();
    Reading {
        matched: matched.into_iter().map(|(_, found)| found).collect(),
        consistent_with,
        not_consistent_with,
        cannot_distinguish,
        extra_checks: scene.extra.words(),
    }
}

/// The causes of a reading in words, in its order: consistent with, and not.
pub(super) fn in_words(reading: &Reading) -> (Vec<String>, Vec<String>) {
    let table = Table::read();
    let words = |causes: &[&str]| causes.iter().map(|cause| table.in_words(cause)).collect();
    (words(&reading.consistent_with), words(&reading.not_consistent_with))
}

/// The rows of the table by their names.
#[cfg(test)]
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    Table::read().signatures.into_iter().map(|row| row.id)
}

/// The causes that a row of the table points to.
#[cfg(test)]
pub(super) fn causes(id: &str) -> Vec<&'static str> {
    let rows = Table::read().signatures.into_iter().filter(|row| row.id == id);
    rows.flat_map(|row| row.consistent_with).collect()
}

fn matches(row: &Row<'static>, scene: &Scene) -> Option<Match> {
    let selects_all = row.classes.is_empty();
    let (n, of) = if row.of_answers {
        (0, 0)
    } else if selects_all {
        (scene.failures(), scene.failures())
    } else if row.is_of_classes() {
        (scene.of_classes(|class| row.classes.contains(&class)), scene.failures())
    } else {
        (scene.showing(|fact| row.selects(fact)), scene.kept())
    };
    let share = ratio(n, of);
    let enough = selects_all || share.is_some_and(|share| n > 0 && share >= row.share);
    let needed = row.needs.iter().all(|condition| condition.holds(scene) == Some(true));
    let refuted = row.unless.iter().any(|condition| condition.holds(scene) == Some(true));
    if !enough || !needed || refuted {
        return None;
    }
    let conditions = row.needs.iter().chain(&row.raises);
    let holding = conditions.filter(|condition| condition.holds(scene) == Some(true));
    let evidence = answered_by(row, scene).into_iter().chain(holding.map(|condition| condition.words(scene)));
    Some(Match {
        id: row.id,
        signature: row.signature,
        likely: row.likely,
        n,
        of,
        share: share.map(rounded),
        evidence: evidence.collect(),
        refuted_by: row.refuted_by.clone(),
        precedents: row.precedents.clone(),
    })
}

/// The content networks that signed the failures, where the row asks for one.
fn answered_by(row: &Row<'_>, scene: &Scene) -> Option<String> {
    let signed = scene.facts.keys().filter(|fact| row.edge == Some(true) && row.selects(fact));
    let networks: BTreeSet<&str> = signed.filter_map(|fact| fact.edge).map(Edge::name).collect();
    let names: Vec<&str> = networks.into_iter().collect();
    (!names.is_empty()).then(|| format!("answered by {}", names.join(", ")))
}

/// Whether enough failed without a trace of a cause.
fn is_ruled_out(cause: &Cause<'_>, consistent_with: &[&str], scene: &Scene) -> bool {
    let seen = scene.of_classes(|class| cause.shows_as.contains(&class));
    let status = |status: u16| cause.statuses.iter().any(|range| range.holds(status));
    let shown = scene.showing(|fact| fact.status.is_some_and(status));
    let is_trace = |n: u64, of: u64| ratio(n, of).is_none_or(|share| share < TRACE);
    let is_matched = consistent_with.iter().any(|id| *id == cause.id || cause.part_of.contains(id));
    scene.failures() >= RULED_OUT_AFTER
        && !is_matched
        && is_trace(seen, scene.failures())
        && is_trace(shown, scene.kept())
}

/// Each once, in the order of the first.
fn united<'r>(all: impl Iterator<Item = &'r &'static str>) -> Vec<&'static str> {
    let mut once: Vec<&'static str> = Vec::new();
    for one in all {
        if !once.contains(one) {
            once.push(one);
        }
    }
    once
}
