//! The files that a page links to, and which of them are loaded.

use std::fmt;
use std::sync::Arc;

use scraper::error::SelectorErrorKind;

/// `expect.assets`: files that the page links to must load too. Each must answer 200 to 299 after redirects; otherwise
/// the check fails with `asset_failed`.
#[derive(Clone, Debug)]
pub struct Assets {
    /// The elements whose links are loaded: by `src`, `srcset`, `href`, `data` or `poster`.
    pub select: Selector,
    /// Maximum number of files loaded, in page order.
    pub limit: u32,
    /// Hosts that files are loaded from, besides the page's own.
    pub hosts: Vec<HostPattern>,
    /// Maximum number of bytes read of each file.
    pub body_limit: u64,
    /// Minimum number of files that the page must link to: a page without its images is not up.
    pub at_least: u32,
}

impl Assets {
    /// Default of `limit`.
    pub const LIMIT: u32 = 20;
    /// Default of `body_limit`: 1 MiB.
    pub const BODY_LIMIT: u64 = 1 << 20;

    /// Whether a file on `host` is loaded for a page on `page_host`.
    #[must_use]
    pub(crate) fn admits(&self, host: &str, page_host: &str) -> bool {
        host.eq_ignore_ascii_case(page_host) || self.hosts.iter().any(|pattern| pattern.matches(host))
    }
}

/// A CSS selector, with the text it was written as.
#[derive(Clone)]
pub struct Selector {
    source: String,
    selector: Arc<scraper::Selector>,
}

impl Selector {
    /// Parses a selector.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(source: &str) -> Result<Selector, String> {
        let selector = scraper::Selector::parse(source).map_err(|error| why_no_selector(&error).to_owned())?;
        Ok(Selector { source: source.to_owned(), selector: Arc::new(selector) })
    }

    /// The selector as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.source
    }

    /// The selector as the HTML parser knows it.
    #[must_use]
    pub fn parsed(&self) -> &scraper::Selector {
        &self.selector
    }
}

/// Describes a selector error for the author of the selector.
const fn why_no_selector(error: &SelectorErrorKind) -> &'static str {
    match error {
        SelectorErrorKind::EndOfLine => "it ends before it is complete",
        SelectorErrorKind::UnexpectedToken => "it has an unexpected character",
        SelectorErrorKind::TooManyNestedBlocks => "its brackets are nested too deep",
        SelectorErrorKind::ExpectedColonOnPseudoElement | SelectorErrorKind::ExpectedIdentityOnPseudoElement => {
            "a pseudo-element is written as `::` and its name"
        }
        _ => "it has a part that is not CSS",
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Selector").field(&self.source).finish()
    }
}

/// A host name, or all names under one: `*.example.com`; `*` is every host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostPattern(String);

impl HostPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(text: &str) -> Result<HostPattern, String> {
        let name = text.strip_prefix("*.").unwrap_or(text);
        let is_name = |name: &str| !name.is_empty() && !name.contains(['/', ':', '*', '@', ' ', '?', '#']);
        if text == "*" || name.parse::<std::net::Ipv6Addr>().is_ok() || is_name(name) {
            Ok(HostPattern(text.trim_matches(['[', ']']).to_ascii_lowercase()))
        } else {
            Err("it is not a host name, `*.` and a name, or `*`".to_owned())
        }
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern matches a host. `*.example.com` matches `a.example.com` but not `example.com`.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        let host = host.trim_matches(['[', ']']).trim_end_matches('.').to_ascii_lowercase();
        match self.0.strip_prefix('*') {
            Some("") => true,
            Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
            None => host == self.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_pattern_means_a_name_or_the_names_under_it() {
        let matches = |pattern: &str, host: &str| HostPattern::new(pattern).unwrap().matches(host);
        assert!(matches("cdn.test", "CDN.test."));
        assert!(matches("*.cdn.test", "a.cdn.test"));
        assert!(!matches("*.cdn.test", "cdn.test"));
        assert!(!matches("*.cdn.test", "evilcdn.test"));
        assert!(matches("*", "anything.test"));
        assert!(matches("::1", "[::1]"));
        assert!(HostPattern::new("https://cdn.test").is_err());
        assert!(HostPattern::new("a.*.test").is_err());
    }

    #[test]
    fn a_selector_is_read_or_told_why_not() {
        assert!(Selector::new("img, script, link[rel=stylesheet]").is_ok());
        assert!(!Selector::new("img[").unwrap_err().contains('\n'));
    }

    #[test]
    fn a_probe_may_be_shared_between_threads() {
        fn is_shared<T: Send + Sync>() {}
        is_shared::<crate::model::Probe>();
    }
}
