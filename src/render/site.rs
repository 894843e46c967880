//! A status page for the public: static files that any web server or bucket can serve. No script
//! runs and nothing is loaded from elsewhere. Messages, addresses and names of probes are not
//! published unless they are asked for. Periods without data are grey, never up.

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
    /// Its path within the site, with `/` between folders.
    pub path: String,
    /// Its content.
    pub content: String,
}

/// The files of a site, in the order in which they should be written: a page comes after the files
/// that it links to.
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
