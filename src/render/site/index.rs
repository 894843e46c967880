//! The first page: the current state, each surface over time, and the last incidents.

use std::io;
use std::io::Write;

use super::super::html::banner;
use super::super::html::writer::HtmlWriter;
use super::history::History;
use super::page::Place;
use super::{history, incidents, names, page};
use crate::format;
use crate::render::phrases;
use crate::report::{Report, State, SurfaceRow};

/// The most closed incidents on the first page.
const LAST: usize = 5;

/// Writes only the first page, for a site that goes to one writer.
pub(crate) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    out.write_all(page(report, &History::of(report)).as_bytes())
}

pub(super) fn page(report: &Report, history: &History<'_>) -> String {
    let rows: Vec<&SurfaceRow> = page::surfaces(report).collect();
    let sentence = sentence(&rows);
    page::page(report, Place::Index, &format!("{sentence} · Status"), |page| {
        page.open("div", &[("class", banner_class(report.verdict.state))]);
        banner::state(report.verdict.state, page);
        page.element("h1", &[], &sentence);
        page.open("p", &[("class", "lead")]);
        page.text("As of ");
        page::instant(report, report.window.to, page);
        page.text(&format!(". {}", seen(report)));
        page.close("p");
        page::insecure(page::is_insecure(report, None), page);
        page.close("div");
        page.line();
        for row in &rows {
            surface(report, row, history, page);
        }
        if !rows.is_empty() {
            history::key(page);
        }
        recent_incidents(report, page);
    })
}

/// The current state as a sentence for users: `X app is down; X website is up`.
fn sentence(rows: &[&SurfaceRow]) -> String {
    let mut parts = Vec::new();
    for (state, one, many) in [
        (State::Down, "is down", "are down"),
        (State::Degraded, "is degraded", "are degraded"),
        (State::Flapping, "comes and goes", "come and go"),
        (State::Unknown, "cannot be judged", "cannot be judged"),
    ] {
        if let Some(names) = page::labels_in(rows, state) {
            let count = rows.iter().filter(|row| row.state == state).count();
            parts.push(format!("{names} {}", if count == 1 { one } else { many }));
        }
    }
    let up = rows.iter().filter(|row| row.state == State::Up).count();
    match (rows.len(), up) {
        (0, _) => "Nothing was checked".to_owned(),
        (1, 1) => format!("{} is up", rows.iter().map(|row| row.label().as_str()).collect::<String>()),
        (all, up) if all == up => "All is up".to_owned(),
        (_, 0) => parts.join("; "),
        (_, 1) => format!("{}; {} is up", parts.join("; "), page::labels_in(rows, State::Up).unwrap_or_default()),
        _ => format!("{}; the rest is up", parts.join("; ")),
    }
}

const fn banner_class(state: State) -> &'static str {
    match state {
        State::Up => "banner up",
        State::Degraded | State::Flapping => "banner odd",
        State::Down => "banner down",
        State::Unknown => "banner unknown",
    }
}

/// The basis of the state: `2,880 checks in the 1 d before it; coverage 99.2%`.
fn seen(report: &Report) -> String {
    let checks: u64 = page::surfaces(report).map(|row| row.figures.up + row.figures.down).sum();
    let seconds = report.window.to.as_second() - report.window.from.as_second();
    let span = format::milliseconds(seconds.saturating_mul(1_000));
    let coverage =
        report.coverage.ratio.map(|ratio| format!("; coverage {}", format::ratio(ratio))).unwrap_or_default();
    format!("{} in the {span} before it{coverage}.", format::counted(checks, "check"))
}

fn surface(report: &Report, row: &SurfaceRow, history: &History<'_>, page: &mut HtmlWriter) {
    let clock = phrases::instants(report);
    page.open("article", &[("class", "surface")]);
    page.open("div", &[("class", "over")]);
    page.open("h2", &[]);
    page.element("a", &[("href", &names::surface_page(&row.surface))], row.label().as_str());
    page.close("h2");
    banner::state(row.state, page);
    page.close("div");
    history::picture(row.label().as_str(), &history.cells(&row.surface), &clock, page);
    page.open("p", &[("class", "ends")]);
    page.element("span", &[], &clock.short(report.window.from));
    page.open("span", &[("class", "middle")]);
    page.element("strong", &[], &page::uptime(&row.figures));
    page.text(&format!(" up, coverage {}", page::coverage(&row.figures)));
    page.close("span");
    page.element("span", &[], &clock.short(report.window.to));
    page.close("p");
    page.close("article");
    page.line();
}

/// Every open incident, and the last closed ones.
fn recent_incidents(report: &Report, page: &mut HtmlWriter) {
    page.raw("<section aria-labelledby=\"incidents\"><h2 id=\"incidents\">Incidents</h2>\n");
    let (open, over): (Vec<_>, Vec<_>) = report.incidents.iter().rev().partition(|incident| incident.end.is_none());
    if report.incidents.is_empty() {
        page.raw("<p>None in this time.</p>\n");
    }
    for incident in open.iter().chain(over.iter().take(LAST)) {
        incidents::one(report, incident, page);
    }
    if over.len() > LAST {
        page.raw("<p><a href=\"incidents.html\">");
        page.text(&format!("All {} incidents", report.incidents.len()));
        page.raw("</a></p>\n");
    }
    page.raw("</section>\n");
}
