//! The page of one surface: its current state, over time, from each vantage, and what failed.

use std::collections::BTreeMap;

use super::super::html::banner::{self, fact};
use super::super::html::table;
use super::super::html::writer::HtmlWriter;
use super::by_surface::BySurface;
use super::history::HistoryCell;
use super::page::Place;
use super::settings::SiteSettings;
use super::{history, incidents, page};
use crate::format;
use crate::render::phrases;
use crate::report::{Incident, ProbeRow, Report, SurfaceRow, SurfaceVantageRow};

pub(super) fn page(report: &Report, row: &SurfaceRow, by_surface: &BySurface<'_>, settings: &SiteSettings) -> String {
    let label = row.label().as_str();
    page::page(report, Place::Surface, &format!("{label} is {} · Status", row.state), |page| {
        page.open("div", &[("class", "over")]);
        page.element("h1", &[], label);
        banner::state(row.state, page);
        page.close("div");
        page.open("p", &[("class", "lead")]);
        page.text("As of ");
        page::instant(report, report.window.to, page);
        page.close("p");
        page::insecure(by_surface.is_insecure(&row.surface), page);
        facts(report, row, page);
        over_time(report, row, &by_surface.history.cells(&row.surface), page);
        from_each_vantage(by_surface.places(&row.surface), page);
        what_failed(row, page);
        if let Some(urls) = &settings.probe_urls {
            probes(by_surface.probes(&row.surface), urls, page);
        }
        its_incidents(report, by_surface.incidents(&row.surface), page);
    })
}

fn facts(report: &Report, row: &SurfaceRow, page: &mut HtmlWriter) {
    let clock = phrases::instants(report);
    let figures = &row.figures;
    page.open("dl", &[("class", "facts")]);
    if let Some(since) = &row.recent.failing_since {
        fact("failing since", &clock.bracket_in_zone(since), "", page);
    }
    if let Some(since) = &row.recent.unknown_since {
        fact("unknown since", &clock.bracket_in_zone(since), "", page);
    }
    let judged = format::counted(figures.up + figures.down, "check");
    fact("uptime", &page::uptime(figures), &format!("{} of {judged} failed", format::count(figures.down)), page);
    let made = format!(
        "{} of {} checks made",
        format::count(figures.coverage.observed),
        format::count(figures.coverage.expected)
    );
    fact("coverage", &page::coverage(figures), &made, page);
    let latency = &figures.latency_us;
    if let Some(median) = latency.p50 {
        let slow = latency.p95.map(|p95| format!("95% within {}", format::duration(p95))).unwrap_or_default();
        fact("answers in", &format::duration(median), &slow, page);
    }
    page.close("dl");
    page.line();
}

fn over_time(report: &Report, row: &SurfaceRow, cells: &[HistoryCell], page: &mut HtmlWriter) {
    let clock = phrases::instants(report);
    page.raw("<section aria-labelledby=\"time\"><h2 id=\"time\">Over time</h2>\n");
    history::picture(row.label().as_str(), cells, &clock, page);
    page.open("p", &[("class", "ends")]);
    page.element("span", &[], &clock.short(report.window.from));
    page.element("span", &[], &clock.short(report.window.to));
    page.close("p");
    history::key(page);
    let headings =
        [format!("from ({})", phrases::zone(report)), "checks".to_owned(), "failed".to_owned(), "uptime".to_owned()];
    table::details("The numbers", page, |page| {
        table::write("Checks over time", &headings, page, |rows| {
            for cell in cells.iter().rev() {
                rows.row(numbers(cell, &clock.at(cell.from)));
            }
        });
    });
    page.raw("</section>\n");
}

fn numbers(cell: &HistoryCell, from: &str) -> [String; 4] {
    let up = crate::report::statistics::ratio(cell.judged - cell.failed.min(cell.judged), cell.judged);
    let uptime = match up {
        Some(up) => format::ratio_floor(up),
        None if cell.unknown > 0 => "not judged".to_owned(),
        None => "no data".to_owned(),
    };
    [from.to_owned(), format::count(cell.judged), format::count(cell.failed), uptime]
}

fn from_each_vantage(places: &[&SurfaceVantageRow], page: &mut HtmlWriter) {
    if places.is_empty() {
        return;
    }
    let headings = ["vantage", "now", "checks", "failed", "uptime", "coverage"].map(str::to_owned);
    let numeric = [false, false, true, true, true, true];
    table::columns("From each vantage", &headings, &numeric, page, |rows| {
        for place in places {
            let figures = &place.figures;
            rows.row([
                place.vantage.to_string(),
                place.state.to_string(),
                format::count(figures.up + figures.down),
                format::count(figures.down),
                page::uptime(figures),
                page::coverage(figures),
            ]);
        }
    });
}

fn what_failed(row: &SurfaceRow, page: &mut HtmlWriter) {
    let failures: Vec<_> = row.figures.classes.iter().filter(|(class, _)| !class.is_ours()).collect();
    if failures.is_empty() {
        return;
    }
    let all = failures.iter().map(|(_, found)| found.n).sum();
    let headings = ["what failed", "checks", "share of failures"].map(str::to_owned);
    table::write("What failed", &headings, page, |rows| {
        for (class, found) in failures {
            let code = match found.statuses.as_slice() {
                [(code, _)] => Some(*code),
                _ => None,
            };
            let share = crate::report::statistics::ratio(found.n, all);
            rows.row([format::failures(*class, code), format::count(found.n), format::ratio_cell(share)]);
        }
    });
}

/// The probes with their URLs: only if that was asked for.
fn probes(probes: &[&ProbeRow], urls: &BTreeMap<String, String>, page: &mut HtmlWriter) {
    let headings = ["probe", "asks", "now", "checks", "uptime"].map(str::to_owned);
    let numeric = [false, false, false, true, true];
    table::columns("Probes", &headings, &numeric, page, |rows| {
        for probe in probes.iter().filter(|probe| !probe.control) {
            let figures = &probe.figures;
            rows.row([
                probe.probe.to_string(),
                urls.get(probe.probe.as_str()).cloned().unwrap_or_else(|| "–".to_owned()),
                probe.state.to_string(),
                format::count(figures.up + figures.down),
                page::uptime(figures),
            ]);
        }
    });
}

fn its_incidents(report: &Report, found: &[&Incident], page: &mut HtmlWriter) {
    page.raw("<section aria-labelledby=\"incidents\"><h2 id=\"incidents\">Incidents</h2>\n");
    for incident in found.iter().rev() {
        incidents::one(report, incident, page);
    }
    if found.is_empty() {
        page.raw("<p>None in this time.</p>\n");
    }
    page.raw("</section>\n");
}
