//! Matches what a failure looks like with the causes that it is consistent with: classes of causes,
//! never a culprit.

pub(crate) mod incident_facts;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::format;
use crate::model::FailureClass;
use crate::report::document::reading::{Match, Reading};
use crate::report::fold::cdn::Cdn;
use crate::report::fold::evidence::Validity;
use crate::report::incident::signature::incident_facts::IncidentFacts;
use crate::report::incident::signature::table::{Cause, Row, Table};
use crate::report::statistics::{ratio, rounded};

/// With fewer failures no cause is ruled out.
const RULED_OUT_AFTER: u64 = 5;

/// The causes that cannot be distinguished if no row matches.
const UNDETERMINED: [&str; 3] = ["the_target_itself", "what_stands_before_it", "the_way_to_it"];

/// Matches the signature table with the facts of an incident.
pub(crate) fn read(facts: &IncidentFacts) -> Reading {
    let table = Table::get();
    let mut matched: Vec<(&Row<'static>, Match)> =
        table.signatures.iter().filter_map(|row| Some((row, matches(row, facts)?))).collect();
    // The strongest first; rows with equal shares in the order of the table.
    matched.sort_by(|(_, a), (_, b)| b.share.unwrap_or_default().total_cmp(&a.share.unwrap_or_default()));
    let consistent_with = deduplicated(matched.iter().flat_map(|(row, _)| &row.consistent_with));
    let cannot_distinguish = deduplicated(matched.iter().flat_map(|(row, _)| &row.cannot_distinguish));
    // From outside, failures that match no row can have any cause.
    let cannot_distinguish =
        if matched.is_empty() && facts.failures() > 0 { UNDETERMINED.to_vec() } else { cannot_distinguish };
    let ruled_out = |cause: &&Cause<'_>| is_ruled_out(cause, &consistent_with, facts);
    let not_consistent_with = table.causes.iter().filter(ruled_out).map(|cause| cause.id).collect();
    Reading {
        matched: matched.into_iter().map(|(_, found)| found).collect(),
        consistent_with,
        not_consistent_with,
        cannot_distinguish,
        family: facts.failed_family(),
        extra_checks: facts.extra.words(),
    }
}

/// The causes of a reading in words, in its order: those it is consistent with, and those it is
/// not.
pub(crate) fn in_words(reading: &Reading) -> (Vec<String>, Vec<String>) {
    let table = Table::get();
    let words = |causes: &[&str]| causes.iter().map(|cause| table.in_words(cause)).collect();
    (words(&reading.consistent_with), words(&reading.not_consistent_with))
}

/// The ids of the table's rows.
#[cfg(test)]
pub(crate) fn ids() -> impl Iterator<Item = &'static str> {
    Table::get().signatures.iter().map(|row| row.id)
}

/// The causes that a row of the table points to.
#[cfg(test)]
pub(crate) fn causes(id: &str) -> Vec<&'static str> {
    let rows = Table::get().signatures.iter().filter(|row| row.id == id);
    rows.flat_map(|row| row.consistent_with.iter().copied()).collect()
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
    let evidence = evidence.chain(refused_certificates(row, facts));
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

/// The CDNs that answered these failures, if the row asks for one.
fn answered_by(row: &Row<'_>, facts: &IncidentFacts) -> Option<String> {
    let signed = facts.facts.keys().filter(|fact| row.edge == Some(true) && row.selects(fact));
    let networks: BTreeSet<&str> = signed.filter_map(|fact| fact.cdn).map(Cdn::name).collect();
    let names: Vec<&str> = networks.into_iter().collect();
    (!names.is_empty()).then(|| format!("answered by {}", names.join(", ")))
}

/// The certificates that were refused, by validity, with the vantages that refused them. If others
/// accept the certificate, the validity shows whether the vantage's clock is wrong or the
/// certificate is a different one.
fn refused_certificates(row: &Row<'_>, facts: &IncidentFacts) -> Vec<String> {
    /// The most certificates that are named.
    const NAMED: usize = 3;
    let mut refused: BTreeMap<Validity, BTreeSet<&str>> = BTreeMap::new();
    for fact in facts.facts.keys().filter(|fact| row.selects(fact)) {
        if let Some(validity) = fact.refused {
            refused.entry(validity).or_default().insert(fact.vantage.as_str());
        }
    }
    let day = |second: i64| Timestamp::from_second(second).ok().map(format::date);
    let named = refused.into_iter().take(NAMED).filter_map(|(validity, vantages)| {
        let (from, to) = (day(validity.from)?, day(validity.to)?);
        let vantages: Vec<&str> = vantages.into_iter().collect();
        Some(format!("refused at {}: a certificate that is valid from {from} to {to}", vantages.join(", ")))
    });
    named.collect()
}

/// Whether a cause is ruled out: enough checks failed, and none of the failures shows it.
fn is_ruled_out(cause: &Cause<'_>, consistent_with: &[&str], facts: &IncidentFacts) -> bool {
    let is_matched = consistent_with.iter().any(|id| *id == cause.id || cause.part_of.contains(id));
    facts.failures() >= RULED_OUT_AFTER && !is_matched && !shows(cause, facts) && !may_be_unseen(cause, facts)
}

/// Whether any failure shows a cause: one is enough to keep it.
fn shows(cause: &Cause<'_>, facts: &IncidentFacts) -> bool {
    let status = |status: u16| cause.statuses.iter().any(|range| range.holds(status));
    let is_asked = match cause.id {
        "dns" => facts.extra.resolver_fails > 0,
        "network" => facts.extra.tcp_closed > 0 || facts.extra.last_good_failed > 0,
        "certificate" => facts.showing(|fact| fact.certificate) > 0,
        _ => false,
    };
    is_asked
        || facts.of_classes(|class| cause.shows_as.contains(&class)) > 0
        || facts.of_codes(|class, code| class == FailureClass::Status && status(code)) > 0
        || facts.showing(|fact| fact.status.is_some_and(status)) > 0
}

/// Whether a cause may be behind failures of which no evidence was kept.
fn may_be_unseen(cause: &Cause<'_>, facts: &IncidentFacts) -> bool {
    let is_unseen = |wanted: FailureClass| {
        facts.of_classes(|class| class == wanted) > 0 && facts.showing(|fact| fact.class == wanted) == 0
    };
    match cause.id {
        "certificate" => is_unseen(FailureClass::AssertionFailed),
        _ => !cause.statuses.is_empty() && !facts.counts_codes() && is_unseen(FailureClass::Status),
    }
}

/// Each item once, in the order of its first occurrence.
fn deduplicated<'r>(all: impl Iterator<Item = &'r &'static str>) -> Vec<&'static str> {
    let mut once: Vec<&'static str> = Vec::new();
    for one in all {
        if !once.contains(one) {
            once.push(one);
        }
    }
    once
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_the_evidence_shows_is_excluded() {
        for cause in &Table::get().causes {
            let facts = |class: FailureClass, code: Option<u16>| IncidentFacts {
                classes: [(FailureClass::RedirectLimit, 900), (class, 1)].into(),
                codes: code.map(|code| ((class, code), 1)).into_iter().collect(),
                judged: 1_000,
                ..IncidentFacts::default()
            };
            for class in &cause.shows_as {
                let reading = read(&facts(*class, None));
                assert!(!reading.not_consistent_with.contains(&cause.id), "{} shows {class}", cause.id);
            }
            if !cause.statuses.is_empty() {
                let code = (400..600).find(|code| cause.statuses.iter().any(|range| range.holds(*code)));
                let reading = read(&facts(FailureClass::Status, code));
                assert!(!reading.not_consistent_with.contains(&cause.id), "{} shows {code:?}", cause.id);
                let reading = read(&facts(FailureClass::Status, None));
                assert!(!reading.not_consistent_with.contains(&cause.id), "of {} no code is known", cause.id);
            }
            let reading = read(&facts(FailureClass::AssetFailed, None));
            assert!(reading.not_consistent_with.contains(&cause.id), "{} does not show at all", cause.id);
        }
    }
}
