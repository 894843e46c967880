//! What the pages of a site show in addition to the report.

use std::collections::BTreeMap;

use url::Url;

/// What the pages show in addition to the report.
#[derive(Clone, Debug, Default)]
pub struct SiteSettings {
    /// Where the site is served: the links of its feed start with this. `None` makes them relative.
    pub base_url: Option<Url>,
    /// The URL of each probe, by its name. If `None`, no page names a probe or a URL.
    pub probe_urls: Option<BTreeMap<String, String>>,
}
