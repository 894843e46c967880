//! A status page for people outside: static files that any web server or bucket serves as they are. No script runs
//! and nothing is loaded from elsewhere. Messages, addresses and names of probes stay inside unless they are asked
//! for; what was not seen is grey, and never up.

mod badge;
mod by_surface;
mod feed;
mod history;
mod incidents;
mod index;
mod names;
mod page;
mod settings;
mod surface;

use crate::report::Report;

use by_surface::BySurface;

pub(super) use badge::write as write_badge;
pub(super) use index::write as write_index;
pub use settings::SiteSettings;

/// One file of a site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteFile {
    /// Where it is within the site, with `/` between folders.
    pub path: String,
    /// What is in it.
    pub content: String,
}

/// The files of a site, in the order in which they are best written: a page comes after what it links to.
#[must_use]
pub fn site_files(report: &Report, settings: &SiteSettings) -> Vec<SiteFile> {
    let by_surface = BySurface::of(report);
    let mut files = Vec::new();
    let mut add = |path: String, content: String| files.push(SiteFile { path, content });
    for row in page::surfaces(report) {
        let name = names::file_name(row.surface.as_str());
        let badge = badge::Badge::of_surface(row, by_surface.is_insecure(&row.surface));
        add(format!("badge/{name}.svg"), badge.svg());
        add(format!("badge/{name}.json"), badge.json());
        add(names::surface_page(&row.surface), surface::page(report, row, &by_surface, settings));
    }
    let badge = badge::Badge::of_report(report);
    add("badge.svg".to_owned(), badge.svg());
    add("badge.json".to_owned(), badge.json());
    add("incidents.html".to_owned(), incidents::page(report));
    add("feed.xml".to_owned(), feed::feed(report, settings));
    add("index.html".to_owned(), index::page(report, &by_surface.history));
    files
}
