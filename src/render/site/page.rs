//! Parts that every page of a site has: its head, links to the other pages, and what it was made
//! from.

use super::super::html::writer::HtmlWriter;
use crate::format;
use crate::model::SafeText;
use crate::render::phrases;
use crate::report::{Figures, Report, State, SurfaceRow};

/// Nothing may be loaded or run except the styles in the page.
const HEAD: &str = concat!(
    "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'\">\n",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"referrer\" content=\"no-referrer\">\n",
    "<meta name=\"generator\" content=\"uptick\">\n<link rel=\"icon\" href=\"data:,\">\n",
);

/// The position of a page within the site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Index,
    Incidents,
    Surface,
}

impl Place {
    /// The relative path from a page to the top of the site.
    const fn up(self) -> &'static str {
        match self {
            Place::Index | Place::Incidents => "",
            Place::Surface => "../",
        }
    }

    /// A link from this page to a file of the site.
    pub(super) fn link(self, file: &str) -> String {
        format!("{}{file}", self.up())
    }
}

/// A whole page around its contents.
pub(super) fn page(report: &Report, place: Place, title: &str, contents: impl FnOnce(&mut HtmlWriter)) -> String {
    let mut page = HtmlWriter::default();
    page.raw(HEAD);
    page.element("title", &[], title);
    page.line();
    page.open(
        "link",
        &[
            ("rel", "alternate"),
            ("type", "application/atom+xml"),
            ("title", "Incidents"),
            ("href", &place.link("feed.xml")),
        ],
    );
    page.raw(concat!("\n<style>\n", include_str!("site.css"), "</style>\n</head>\n<body>\n"));
    page.raw("<header><a class=\"skip\" href=\"#main\">Skip to the state</a><nav aria-label=\"Pages\"><ul>");
    for (other, name, file) in
        [(Place::Index, "Status", "index.html"), (Place::Incidents, "Incidents", "incidents.html")]
    {
        page.open("li", &[]);
        let current: &[(&str, &str)] = if other == place { &[("aria-current", "page")] } else { &[] };
        let href = place.link(file);
        let attributes: Vec<(&str, &str)> = [("href", href.as_str())].iter().chain(current).copied().collect();
        page.element("a", &attributes, name);
        page.close("li");
    }
    page.open("li", &[]);
    page.element("a", &[("href", &place.link("feed.xml"))], "Feed");
    page.raw("</li></ul></nav></header>\n<main id=\"main\">\n");
    contents(&mut page);
    page.raw("</main>\n");
    footer(report, &mut page);
    page.raw("</body>\n</html>\n");
    page.finish()
}

fn footer(report: &Report, page: &mut HtmlWriter) {
    page.raw("<footer><p>");
    let vantages = format::counted(report.vantages.len() as u64, "vantage");
    page.text(&format!(
        "Measured from outside by scheduled checks, from {vantages}. Uptime is the share of checks that were up; \
         coverage is the share of the checks due that were made. What was not seen is grey: neither up nor down. \
         Times are {}.",
        phrases::zone(report)
    ));
    page.raw("</p><p>");
    page.text(&format!("Made by {} {} at ", report.tool.name, report.tool.version));
    instant(report, report.generated_at, page);
    page.raw("</p></footer>\n");
}

/// An instant with its zone, also machine-readable.
pub(super) fn instant(report: &Report, at: jiff::Timestamp, page: &mut HtmlWriter) {
    let zoned = at.to_zoned_datetime(phrases::time_zone(report));
    page.element(
        "time",
        &[("datetime", &crate::model::timestamp::text(at))],
        &zoned.strftime("%Y-%m-%d %H:%M:%S %Z").to_string(),
    );
}

/// The share of checks that were up, never rounded up; a dash if none was judged.
pub(super) fn uptime(figures: &Figures) -> String {
    figures.availability.map_or_else(|| "–".to_owned(), format::ratio_floor)
}

/// The share of due checks that were made.
pub(super) fn coverage(figures: &Figures) -> String {
    figures.coverage.ratio.map_or_else(|| "–".to_owned(), format::ratio)
}

/// Whether any probe of a surface accepts any certificate; of any surface if `only` is `None`.
pub(super) fn is_insecure(report: &Report, only: Option<&SafeText>) -> bool {
    report.probes.iter().any(|probe| probe.insecure && only.is_none_or(|surface| *surface == probe.surface))
}

/// Writes a warning if any check accepted any certificate.
pub(super) fn insecure(is_insecure: bool, page: &mut HtmlWriter) {
    if is_insecure {
        page.raw(
            "<p><strong>Insecure TLS: some checks accept any certificate. Up does not mean that the right server \
             answered.</strong></p>\n",
        );
    }
}

/// The labels of surfaces, as a list: `X app and X website`.
pub(super) fn names(report: &Report, surfaces: &[SafeText]) -> String {
    let names: Vec<&str> = surfaces.iter().map(|surface| phrases::label(report, surface).as_str()).collect();
    format::list(&names)
}

/// The surfaces that are published: all except those of control targets.
pub(super) fn surfaces(report: &Report) -> impl Iterator<Item = &SurfaceRow> {
    report.surfaces.iter().filter(|row| !row.control)
}

/// The labels of the surfaces in a state; `None` if there are none.
pub(super) fn labels_in(rows: &[&SurfaceRow], state: State) -> Option<String> {
    let names: Vec<&str> = rows.iter().filter(|row| row.state == state).map(|row| row.label().as_str()).collect();
    (!names.is_empty()).then(|| format::list(&names))
}
