//! What the pages of a site show beside the report.

use std::collections::BTreeMap;

use url::Url;

/// What the pages show beside the report.
#[derive(Clone, Debug, Default)]
pub struct SiteSettings {
    /// Where the site is served: the links of its feed begin with this. Without it they are relative.
    pub base_url: Option<Url>,
    /// What each probe asks, by its name. Without it no page names a probe or a URL.
    pub probe_urls: Option<BTreeMap<String, String>>,
}
