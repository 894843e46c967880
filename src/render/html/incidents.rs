//! Incidents with their waves, their bounds, and what the evidence is consistent with.

use super::table;
use super::writer::HtmlWriter;
use crate::format::{self, InstantFormat};
use crate::render::phrases;
use crate::render::phrases::instants;
use crate::report::{Incident, Reading, Report};

/// The most incidents that are shown in full, the last ones; and the most waves of one.
const SHOWN: usize = 20;
const WAVES: usize = 60;

pub(super) fn write(report: &Report, page: &mut HtmlWriter) {
    let left_out = report.incidents.len().saturating_sub(SHOWN);
    if left_out > 0 {
        page.element("p", &[("class", "note")], &format!("{left_out} earlier incidents are in the data."));
    }
    for (number, incident) in report.incidents.iter().enumerate().skip(left_out) {
        one(report, number + 1, incident, page);
    }
}

fn one(report: &Report, number: usize, incident: &Incident, page: &mut HtmlWriter) {
    let clock = instants(report);
    page.open("article", &[("class", "card"), ("id", &format!("incident-{number}"))]);
    let going = if incident.end.is_none() { format!(" · {}", phrases::going(incident)) } else { String::new() };
    page.element("h3", &[], &format!("Incident {number}: {}{going}", phrases::labels(report, &incident.surfaces)));
    page.open("dl", &[("class", "facts")]);
    fact(&format!("began between ({})", phrases::zone(report)), &clock.bracket(&incident.start), page);
    let end = incident.end.as_ref().map_or_else(
        || match incident.last_seen {
            Some(at) => format!("failing when last seen {}", clock.at(at)),
            None => "ongoing".to_owned(),
        },
        |end| clock.bracket(end),
    );
    fact(&format!("ended between ({})", phrases::zone(report)), &end, page);
    fact("lasted", &phrases::length(incident), page);
    let failed = format!("{} of {}", format::count(incident.actual_failures), format::count(incident.judged));
    let expected = incident.expected_failures.map(|n| format!(" ({n:.1} expected)")).unwrap_or_default();
    fact("failed checks", &format!("{failed}{expected}"), page);
    if let Some(left_out) = phrases::left_out(incident) {
        fact("maintenance", &left_out, page);
    }
    for impact in &incident.impact_minutes {
        fact(
            &format!("impact on {}", phrases::label(report, &impact.surface)),
            &phrases::minutes(impact.minutes),
            page,
        );
    }
    fact("seen from", &format::plain_list(&incident.vantages), page);
    fact("opened by", &format!("{} at {}", incident.rule, clock.at(incident.detected_at)), page);
    let flapping = if incident.flapping { "flapping, " } else { "" };
    fact("changes of state", &format!("{flapping}{:.0}% (Nagios)", incident.flap_percent), page);
    page.close("dl");
    if incident.waves.len() > 1 {
        waves(incident, &clock, page);
    }
    reading(&incident.signature, page);
    if let Some(now) = phrases::fits_now(incident) {
        page.element("p", &[], &format!("Its latest checks are consistent with {now}."));
    }
    page.element(
        "p",
        &[("class", "note")],
        &format!("Probes: {}. Name: {}.", format::plain_list(&incident.probes), incident.id),
    );
    page.close("article");
    page.line();
}

fn fact(name: &str, value: &str, page: &mut HtmlWriter) {
    page.open("div", &[]);
    page.element("dt", &[], name);
    page.open("dd", &[]);
    page.breakable(value);
    page.close("dd");
    page.close("div");
}

fn waves(incident: &Incident, clock: &InstantFormat, page: &mut HtmlWriter) {
    let headings = ["wave", "began between", "ended between", "checks", "failed", "ratio", "worst"].map(str::to_owned);
    let numeric = [false, false, false, true, true, true, false];
    table::columns("Waves", &headings, &numeric, page, |rows| {
        for (number, wave) in incident.waves.iter().enumerate().take(WAVES) {
            let peak = wave.peak.map(|peak| format!("{} at {}", format::ratio(peak.ratio), clock.at(peak.at)));
            rows.row([
                (number + 1).to_string(),
                clock.bracket(&wave.start),
                wave.end.as_ref().map_or_else(|| "ongoing".to_owned(), |end| clock.bracket(end)),
                format::count(wave.judged),
                format::count(wave.failed),
                format::ratio_cell(crate::report::statistics::ratio(wave.failed, wave.judged)),
                peak.unwrap_or_else(|| "–".to_owned()),
            ]);
        }
    });
    if incident.waves.len() > WAVES {
        page.element(
            "p",
            &[("class", "note")],
            &format!("{} more waves are in the data.", incident.waves.len() - WAVES),
        );
    }
}

/// What the evidence is consistent with, what it contradicts, and what looks the same from outside.
pub(super) fn reading(reading: &Reading, page: &mut HtmlWriter) {
    if reading.matched.is_empty() && reading.cannot_distinguish.is_empty() {
        return;
    }
    page.open("div", &[("class", "three")]);
    for (name, words) in [
        ("Consistent with", &reading.consistent_with),
        ("Not consistent with", &reading.not_consistent_with),
        ("Cannot be told apart from outside", &reading.cannot_distinguish),
    ] {
        page.open("div", &[]);
        page.element("h4", &[], name);
        page.open("ul", &[]);
        for word in words {
            page.element("li", &[], &phrases::plain_word(word));
        }
        if words.is_empty() {
            page.raw("<li>nothing</li>");
        }
        page.close("ul");
        page.close("div");
    }
    page.close("div");
    if !reading.matched.is_empty() {
        table::details("What this reading rests on", page, |page| matches(reading, page));
    }
    if !reading.extra_checks.is_empty() {
        table::details("Extra checks that were made to tell causes apart", page, |page| {
            page.open("ul", &[("class", "plain")]);
            for check in &reading.extra_checks {
                page.element("li", &[], check);
            }
            page.close("ul");
        });
    }
}

fn matches(reading: &Reading, page: &mut HtmlWriter) {
    let headings = ["row", "pattern", "points to", "failures", "seen", "evidence against", "precedents"];
    let headings = headings.map(str::to_owned);
    let numeric = [false, false, false, true, false, false, false];
    table::columns("Rows of the signature table that the evidence matches", &headings, &numeric, page, |rows| {
        for row in &reading.matched {
            rows.row([
                row.id.to_owned(),
                row.signature.to_owned(),
                phrases::plain_word(row.likely),
                format::count(row.n),
                row.evidence.join("; "),
                row.refuted_by.join("; "),
                row.precedents.join("; "),
            ]);
        }
    });
}
