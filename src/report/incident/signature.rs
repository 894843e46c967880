//! What a failure looks like, and what it is therefore consistent with. It says a class of causes,
//! never a culprit.

pub(crate) mod incident_facts;
mod table;

use crate::report::document::reading::{Match, Reading};
use std::collections::BTreeSet;

use crate::model::FailureClass;

use crate::report::fold::cdn::Cdn;
use crate::report::incident::signature::incident_facts::IncidentFacts;
use crate::report::incident::signature::table::{Cause, Row, Table};
use crate::report::statistics::{ratio, rounded};

/// Fewer failures rule no cause out.
const RULED_OUT_AFTER: u64 = 5;

/// Below this share of the failures a cause does not show.
const TRACE: f64 = 0.02;

/// What cannot be told apart where no row fits.
const UNDETERMINED: [&str; 3] = ["the_target_itself", "what_stands_before_it", "the_way_to_it"];

/// Matches the table against what an incident looks like.
pub(crate) fn read(facts: &IncidentFacts) -> Reading {
    let table = Table::read();
    let mut matched: Vec<(&Row<'static>, Match)> =
        table.signatures.iter().filter_map(|row| Some((row, matches(row, facts)?))).collect();
    // The strongest first; rows of equal share in the order of the table.
    matched.sort_by(|(_, a), (_, b)| b.share.unwrap_or_default().total_cmp(&a.share.unwrap_or_default()));
    let consistent_with = united(matched.iter().flat_map(|(row, _)| &row.consistent_with));
    let cannot_distinguish = united(matched.iter().flat_map(|(row, _)| &row.cannot_distinguish));
    // From outside, what fits no row can be anything.
    let cannot_distinguish =
        if matched.is_empty() && facts.failures() > 0 { UNDETERMINED.to_vec() } else { cannot_distinguish };
    let ruled_out = |cause: &&Cause<'_>| is_ruled_out(cause, &consistent_with, facts);
    let not_consistent_with = table.causes.iter().filter(ruled_out).map(|cause| cause.id).collect();
    Reading {
        matched: matched.into_iter().map(|(_, found)| found).collect(),
        consistent_with,
        not_consistent_with,
        cannot_distinguish,
        extra_checks: facts.extra.words(),
    }
}

/// The causes of a reading in words, in its order: consistent with, and not.
pub(crate) fn in_words(reading: &Reading) -> (Vec<String>, Vec<String>) {
    let table = Table::read();
    let words = |causes: &[&str]| causes.iter().map(|cause| table.in_words(cause)).collect();
    (words(&reading.consistent_with), words(&reading.not_consistent_with))
}

/// The rows of the table by their names.
#[cfg(test)]
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    Table::read().signatures.into_iter().map(|row| row.id)
}

/// The causes that a row of the table points to.
#[cfg(test)]
pub(crate) fn causes(id: &str) -> Vec<&'static str> {
    let rows = Table::read().signatures.into_iter().filter(|row| row.id == id);
    rows.flat_map(|row| row.consistent_with).collect()
}

fn matches(row: &Row<'static>, facts: &IncidentFacts) -> Option<Match> {
    let selects_all = row.classes.is_empty();
    let (n, of) = if row.of_answers {
        (0, 0)
    } else if selects_all {
        (facts.failures(), facts.failures())
    } else if row.is_of_classes() {
        (facts.of_classes(|class| row.classes.contains(&class)), facts.failures())
    } else if row.is_of_codes() && facts.counts_codes() {
        (facts.of_codes(|class, code| row.selects_code(class, code)), facts.failures())
    } else {
        (facts.showing(|fact| row.selects(fact)), facts.retained())
    };
    let share = ratio(n, of);
    let enough = selects_all || share.is_some_and(|share| n > 0 && share >= row.share);
    let needed = row.needs.iter().all(|condition| condition.holds(facts) == Some(true));
    let refuted = row.unless.iter().any(|condition| condition.holds(facts) == Some(true));
    if !enough || !needed || refuted {
        return None;
    }
    let conditions = row.needs.iter().chain(&row.raises);
    let holding = conditions.filter(|condition| condition.holds(facts) == Some(true));
    let evidence = answered_by(row, facts).into_iter().chain(holding.map(|condition| condition.words(facts)));
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
fn answered_by(row: &Row<'_>, facts: &IncidentFacts) -> Option<String> {
    let signed = facts.facts.keys().filter(|fact| row.edge == Some(true) && row.selects(fact));
    let networks: BTreeSet<&str> = signed.filter_map(|fact| fact.edge).map(Cdn::name).collect();
    let names: Vec<&str> = networks.into_iter().collect();
    (!names.is_empty()).then(|| format!("answered by {}", names.join(", ")))
}

/// Whether enough failed without a trace of a cause.
fn is_ruled_out(cause: &Cause<'_>, consistent_with: &[&str], facts: &IncidentFacts) -> bool {
    let seen = facts.of_classes(|class| cause.shows_as.contains(&class));
    let status = |status: u16| cause.statuses.iter().any(|range| range.holds(status));
    let shown = facts.showing(|fact| fact.status.is_some_and(status));
    let coded = facts.of_codes(|class, code| class == FailureClass::Status && status(code));
    let certificates = facts.showing(|fact| fact.certificate);
    let is_of_certificates = cause.id == "certificate" && certificates > 0;
    let is_trace = |n: u64, of: u64| ratio(n, of).is_none_or(|share| share < TRACE);
    let is_matched = consistent_with.iter().any(|id| *id == cause.id || cause.part_of.contains(id));
    facts.failures() >= RULED_OUT_AFTER
        && !is_matched
        && !is_of_certificates
        && is_trace(coded, facts.failures())
        && is_trace(seen, facts.failures())
        && is_trace(shown, facts.retained())
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
