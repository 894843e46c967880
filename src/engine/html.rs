//! What a page says of itself: the text of an element, and the files it links to. The only file
//! that reads HTML; nothing of it outlives a call.

use scraper::{ElementRef, Html};
use url::Url;

use crate::model::Selector;

/// The most links looked at, however many are wanted: a page may have a million.
const LINKS: usize = 10_000;

/// The text of the first element that a selector finds, or of one of its attributes.
pub(super) fn first(page: &str, selector: &Selector, attribute: Option<&str>) -> Option<String> {
    let document = Html::parse_document(page);
    let element = document.select(selector.parsed()).next()?;
    match attribute {
        Some(attribute) => element.value().attr(attribute).map(str::to_owned),
        None => Some(element.text().collect::<String>().trim().to_owned()),
    }
}

/// The http and https URLs that the elements of a selector link to, each once, in the order of
/// the page and without fragments: at most `limit` of those that `admits` lets pass.
pub(super) fn links(
    page: &str,
    selector: &Selector,
    url: &Url,
    limit: usize,
    admits: impl Fn(&Url) -> bool,
) -> Vec<Url> {
    let document = Html::parse_document(page);
    let base = base(&document, url);
    let mut links: Vec<Url> = Vec::new();
    let targets = document.select(selector.parsed()).flat_map(|element| targets(&element)).take(LINKS);
    for target in targets {
        if links.len() >= limit {
            break;
        }
        let Ok(mut link) = base.join(target.trim()) else { continue };
        link.set_fragment(None);
        let _ = link.set_username("");
        let _ = link.set_password(None);
        if matches!(link.scheme(), "http" | "https") && admits(&link) && !links.contains(&link) {
            links.push(link);
        }
    }
    links
}

/// What relative links are relative to: the page's `<base>`, or the page.
fn base(document: &Html, url: &Url) -> Url {
    let Ok(selector) = scraper::Selector::parse("base[href]") else { return url.clone() };
    let declared = document.select(&selector).next().and_then(|element| element.value().attr("href"));
    declared.and_then(|href| url.join(href.trim()).ok()).unwrap_or_else(|| url.clone())
}

/// The targets of one element. Of the candidates of a `srcset` a browser loads one; they are
/// the same picture, and the first stands for it.
fn targets(element: &ElementRef<'_>) -> Vec<String> {
    let value = element.value();
    let mut targets: Vec<String> =
        ["src", "href", "data", "poster"].iter().filter_map(|name| value.attr(name)).map(str::to_owned).collect();
    targets.extend(value.attr("srcset").and_then(first_candidate));
    targets.retain(|target| !target.trim().is_empty());
    targets
}

/// The URL of the first candidate of a `srcset`: `a.png 1x, b.png 2x`. A comma may be part of it.
fn first_candidate(srcset: &str) -> Option<String> {
    let candidate = srcset.trim_start_matches(|c: char| c.is_whitespace() || c == ',').split_whitespace().next()?;
    Some(candidate.trim_end_matches(',').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><base href="/static/"><img src=a.png><img src="//cdn.test/b.png#x">
        <img srcset="c.png 1x, d.png 2x"><script src="https://other.test/e.js"></script><img src="data:image/png,x">
        <link rel=stylesheet href=/f.css><img src=a.png><a name="csrf" content=" tok ">  hello  </a>"#;

    fn links_of(limit: usize) -> Vec<String> {
        let selector = Selector::new("img, script, link[rel=stylesheet]").expect("a selector");
        let url = Url::parse("https://a.test/page/").expect("a URL");
        let admits = |link: &Url| link.host_str() != Some("other.test");
        links(PAGE, &selector, &url, limit, admits).iter().map(Url::to_string).collect()
    }

    #[test]
    fn links_are_found_in_every_spelling() {
        let found = [
            "https://a.test/static/a.png",
            "https://cdn.test/b.png",
            "https://a.test/static/c.png",
            "https://a.test/f.css",
        ];
        assert_eq!(links_of(20), found);
        assert_eq!(links_of(2), found[..2]);
    }

    #[test]
    fn an_element_s_text_and_attributes_are_found() {
        let selector = Selector::new("a[name=csrf]").expect("a selector");
        assert_eq!(first(PAGE, &selector, Some("content")).as_deref(), Some(" tok "));
        assert_eq!(first(PAGE, &selector, None).as_deref(), Some("hello"));
        assert_eq!(first(PAGE, &selector, Some("none")), None);
    }

    #[test]
    fn a_page_of_a_million_links_is_bounded() {
        let page = "<img src=x>".repeat(100_000);
        let selector = Selector::new("img").expect("a selector");
        let url = Url::parse("https://a.test/").expect("a URL");
        assert_eq!(links(&page, &selector, &url, 20, |_| true).len(), 1);
    }
}
