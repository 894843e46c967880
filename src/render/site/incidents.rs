//! The incidents of the range, the last first, with what may be published: when, what, how bad.

use super::super::html::banner::fact;
use super::super::html::writer::HtmlWriter;
use super::page;
use super::page::Place;
use crate::format::{self, InstantFormat};
use crate::render::phrases;
use crate::report::{Incident, Report};

/// The most waves that are listed individually.
const WAVES: usize = 20;

pub(super) fn page(report: &Report) -> String {
    page::page(report, Place::Incidents, "Incidents", |page| {
        page.raw("<h1>Incidents</h1>\n");
        page.element("p", &[("class", "lead")], &phrases::span(report));
        if report.incidents.is_empty() {
            page.raw("<p>None in this time.</p>\n");
        }
        for incident in report.incidents.iter().rev() {
            one(report, incident, page);
        }
    })
}

/// One incident as a card. Its id is an anchor for links from the feed.
pub(super) fn one(report: &Report, incident: &Incident, page: &mut HtmlWriter) {
    let clock = phrases::instants(report);
    let class = if incident.end.is_none() { "incident open" } else { "incident" };
    page.open("article", &[("class", class), ("id", &anchor(incident))]);
    page.element("h3", &[], &title(report, incident));
    page.element("p", &[], &when(incident, &clock));
    page.open("dl", &[("class", "facts")]);
    fact(if incident.end.is_none() { "lasting" } else { "lasted" }, &phrases::length(incident), "", page);
    let failed =
        format!("{} of {}", format::count(incident.actual_failures), format::counted(incident.judged, "check"));
    let share = format::ratio_cell(crate::report::statistics::ratio(incident.actual_failures, incident.judged));
    fact("failed", &share, &failed, page);
    fact("seen from", &format::counted(incident.vantages.len() as u64, "vantage"), "", page);
    if let Some(kind) = &incident.kind {
        fact("what", &kind.phrase(), "", page);
    }
    page.close("dl");
    if incident.waves.len() > 1 {
        page.open("ol", &[("class", "waves"), ("aria-label", "Waves")]);
        for wave in incident.waves.iter().take(WAVES) {
            let failed = format!("{} of {} failed", format::count(wave.failed), format::counted(wave.judged, "check"));
            page.element("li", &[], &format!("{}: {failed}", clock.stretch(&wave.start, wave.end.as_ref())));
        }
        page.close("ol");
        if incident.waves.len() > WAVES {
            page.element("p", &[], &format!("and {} more waves", incident.waves.len() - WAVES));
        }
    }
    page.close("article");
    page.line();
}

/// From when to when: `15:03:30–15:04:00 UTC to 17:59:30–18:00:00`, `15:03:30–15:04:00 UTC,
/// ongoing`.
pub(super) fn when(incident: &Incident, clock: &InstantFormat) -> String {
    let start = clock.bracket_in_zone(&incident.start);
    match (&incident.end, incident.last_seen) {
        (Some(end), _) => clock.stretch_in_zone(&incident.start, end),
        (None, Some(at)) => format!("{start}, failing when last seen {}", clock.at(at)),
        (None, None) => format!("{start}, ongoing"),
    }
}

/// What happened, in a few words: `X app and X website failed`.
pub(super) fn title(report: &Report, incident: &Incident) -> String {
    let going = match phrases::going(incident) {
        "" => String::new(),
        going => format!(": {going}"),
    };
    format!("{} failed{going}", page::names(report, &incident.surfaces))
}

/// The anchor of an incident within a page.
pub(super) fn anchor(incident: &Incident) -> String {
    format!("incident-{}", incident.id)
}
