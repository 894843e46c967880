//! The report as one HTML page: it has no script and loads nothing, and no text from outside can
//! become markup. It follows the order of the questions that people ask, can be printed, and has a
//! table for each chart.

pub(super) mod banner;
mod breakdowns;
mod chart;
mod classes;
mod curve;
mod expected;
mod failure_groups;
mod incidents;
mod latency;
mod method;
mod objectives;
mod ratios;
pub(super) mod scale;
mod strip;
pub(super) mod table;
mod waterfall;
pub(super) mod writer;

use std::io;
use std::io::Write;

use crate::format;
use crate::render::phrases;
use crate::report::{Report, SurfaceRow};
use chart::ChartView;
use writer::HtmlWriter;

/// The most surfaces with charts of their own: those that failed most.
const CHARTED: usize = 4;

/// The most periods of slow responses that are listed.
const SLOW_PERIODS: usize = 100;

/// Nothing may be loaded or run: the styles and everything else are in the page.
const HEAD: &str = concat!(
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'\">\n",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n",
    "<link rel=\"icon\" href=\"data:,\">\n",
);

pub(super) fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut page = HtmlWriter::default();
    page.raw(HEAD);
    page.element("title", &[], &title(report));
    page.raw(concat!("\n<style>\n", include_str!("html/page.css"), "</style>\n</head>\n<body>\n"));
    failure_groups::patterns(&mut page);
    banner::write(report, &mut page);
    page.raw("<main id=\"main\">\n");
    what_happened(report, &mut page);
    if report.series.is_empty() {
        page.raw("<p>No check in this window: nothing to draw, and nothing to conclude.</p>\n");
    } else {
        charts(report, &mut page);
    }
    words(report, &mut page);
    page.raw("</main>\n");
    footer(report, &mut page);
    page.raw("</body>\n</html>\n");
    out.write_all(page.finish().as_bytes())
}

fn title(report: &Report) -> String {
    let state = report.verdict.state;
    let surfaces = phrases::labels(report, &report.verdict.scope.surfaces);
    let of = if surfaces.is_empty() { String::new() } else { format!(": {surfaces}") };
    format!("{}{of} · uptick report", phrases::word(state))
}

/// The surfaces with charts of their own, in the order of the report.
fn charted(report: &Report) -> Vec<&SurfaceRow> {
    let mut surfaces: Vec<(usize, &SurfaceRow)> =
        report.surfaces.iter().enumerate().filter(|(_, row)| !row.control).collect();
    surfaces.sort_by_key(|(at, row)| (std::cmp::Reverse(row.figures.down), *at));
    surfaces.truncate(CHARTED);
    surfaces.sort_by_key(|(at, _)| *at);
    surfaces.into_iter().map(|(_, row)| row).collect()
}

fn charts(report: &Report, page: &mut HtmlWriter) {
    let surfaces = charted(report);
    let view = ChartView::opening(report);
    section("over-time", "Was it down, for whom, since when", "Each surface as seen from each vantage.", page);
    strip::write(view, page);
    page.close("section");
    section("usual", "Compared with usual", "What failed, beside what fails at this hour on other days.", page);
    expected::write(view, &surfaces, page);
    page.close("section");
    section(
        "kinds",
        "Which failures",
        "By the phase of a check in which it broke, in the order of the phases: DNS at the bottom, a wrong answer at the top.",
        page,
    );
    classes::write(view, &surfaces, page);
    page.close("section");
    section("surfaces", "Which surface is hit", "Two ways to count, which must not be mixed up.", page);
    ratios::write(report, page);
    breakdowns::surfaces(report, page);
    page.close("section");
    section(
        "latency",
        "How slow the answers were",
        "The latency of up checks: the darker, the more checks. Solid: median. Dashed: 95th percentile. Dotted: 99th, where there are enough checks.",
        page,
    );
    latency::write(view, &surfaces, page);
    page.raw("<h3>The slowest one in ten, in a hundred, in a thousand</h3><p class=\"lead\">A curve that lies higher is slower; its shade is the 95% interval of each percentile.</p>\n");
    curve::write(report, &surfaces, page);
    page.raw("<h3>Where the time goes</h3><p class=\"lead\">Median of each phase of up checks.</p>\n");
    waterfall::write(report, &surfaces, page);
    page.close("section");
}

/// The incidents, with which a page about an outage opens.
fn what_happened(report: &Report, page: &mut HtmlWriter) {
    if !report.incidents.is_empty() {
        section(
            "incidents",
            "Incidents",
            "Nearby outages are waves of one incident. Bounds are the checks before and after each change.",
            page,
        );
        incidents::write(report, page);
        page.close("section");
    } else if !report.verdict.signature.matched.is_empty() {
        section("reading", "What the evidence fits", "There is no incident, but the evidence fits these causes.", page);
        incidents::reading(&report.verdict.signature, page);
        page.close("section");
    }
}

fn words(report: &Report, page: &mut HtmlWriter) {
    if report.series.is_empty() {
        return method_and_data(report, page);
    }
    section(
        "breakdowns",
        "By vantage, probe and address",
        "With a handful of vantages a map would mislead; a table does not.",
        page,
    );
    breakdowns::vantages(report, page);
    breakdowns::probes(report, page);
    breakdowns::addresses(report, page);
    page.close("section");
    if report.probes.iter().any(|row| row.figures.warnings > 0) {
        section("warnings", "Warnings", "Rules of `warn` that did not hold; the checks were still up.", page);
        page.open("ul", &[("class", "plain")]);
        for row in report.probes.iter().filter(|row| row.figures.warnings > 0) {
            for warning in phrases::warnings(row) {
                page.element("li", &[], &format!("{}: {warning}", row.probe));
            }
        }
        page.close("ul");
        page.close("section");
    }
    if !report.slow_periods.is_empty() {
        section(
            "slow",
            "Slow answers",
            "When more than one in twenty took three times the usual 95th percentile.",
            page,
        );
        page.open("ul", &[("class", "plain")]);
        for period in report.slow_periods.iter().rev().take(SLOW_PERIODS) {
            let name = phrases::label(report, &period.surface);
            page.element("li", &[], &format!("{name}: {}", phrases::slow_period(report, period)));
        }
        page.close("ul");
        page.close("section");
    }
    if report.surfaces.iter().any(|row| row.slo.is_some()) {
        section(
            "objectives",
            "Objectives",
            "The objectives, and how fast the error budget burns (SRE workbook, chapter 5).",
            page,
        );
        objectives::write(report, page);
        page.close("section");
    }
    method_and_data(report, page);
}

fn method_and_data(report: &Report, page: &mut HtmlWriter) {
    section("method", "Method and limits", "How this was measured, what was not seen, and what it cannot say.", page);
    method::write(report, page);
    page.close("section");
    section("data", "Data", "", page);
    method::data(report, page);
    page.close("section");
}

/// Opens a section with its heading; the caller closes it.
fn section(id: &'static str, heading: &'static str, lead: &'static str, page: &mut HtmlWriter) {
    let heading_id = format!("{id}-heading");
    page.open("section", &[("id", id), ("aria-labelledby", &heading_id)]);
    page.element("h2", &[("id", &heading_id)], heading);
    if !lead.is_empty() {
        page.element("p", &[("class", "lead")], lead);
    }
    page.line();
}

fn footer(report: &Report, page: &mut HtmlWriter) {
    page.raw("<footer><p>");
    page.text(&format!(
        "{} {} · {} · made {} UTC · this page has no script, loads nothing, and can be mailed or kept as it is",
        report.tool.name,
        report.tool.version,
        phrases::span(report),
        format::date_time(report.generated_at)
    ));
    page.raw("</p></footer>\n");
}
