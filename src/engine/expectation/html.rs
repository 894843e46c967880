//! What a page contains: the text of an element, and the files it links to. The only file that
//! parses HTML; no document outlives a call.

use html5ever::ParseOpts;
use html5ever::driver::parse_document;
use html5ever::tendril::TendrilSink;
use scraper::{ElementRef, Html, HtmlTreeSink};
use url::Url;

use crate::model::Selector;

/// The most links examined, however many are wanted: a page may have a million.
const LINKS: usize = 10_000;

/// How deep elements may nest, as in browsers.
const DEPTH: usize = 512;

/// The most elements and texts of a page.
const NODES: usize = 100_000;

/// The most attributes of one element: the parser compares each with those before it.
const ATTRIBUTES: usize = 1_000;

/// How many bytes of a page are parsed between two checks of its size.
const AT_A_TIME: usize = 1024;

/// Why a page is not parsed to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HtmlError {
    #[error("the page nests elements deeper than {DEPTH}")]
    Depth,
    #[error("the page has more than {NODES} elements and texts")]
    Size,
    #[error("the page has an element with more than {ATTRIBUTES} attributes")]
    Attributes,
}

/// Parses a page, and checks its size and depth on the way: nesting and attributes cost far more
/// time than their length suggests.
fn parse(page: &str) -> Result<Html, HtmlError> {
    if most_attributes(page.as_bytes()) > ATTRIBUTES {
        return Err(HtmlError::Attributes);
    }
    let mut parser = parse_document(HtmlTreeSink::new(Html::new_document()), ParseOpts::default());
    let mut rest = page;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(AT_A_TIME.min(rest.len())).max(1));
        parser.process(piece.into());
        rest = after;
        let document = parser.tokenizer.sink.sink.0.borrow();
        if document.tree.values().len() > NODES {
            return Err(HtmlError::Size);
        }
        if document.tree.nodes().next_back().is_some_and(|node| node.ancestors().nth(DEPTH).is_some()) {
            return Err(HtmlError::Depth);
        }
    }
    Ok(parser.finish())
}

/// The number of words in the tag with the most words, an upper bound on its attributes. The content
/// of scripts, styles and comments is skipped.
fn most_attributes(page: &[u8]) -> usize {
    const RAW: [&[u8]; 6] = [b"script", b"style", b"title", b"textarea", b"xmp", b"iframe"];
    let (mut most, mut rest) = (0, page);
    while let Some(at) = memchr::memchr(b'<', rest) {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix(b"!--") {
            rest = memchr::memmem::find(comment, b"-->").map_or(b"", |end| &comment[end + 3..]);
            continue;
        }
        if !rest.first().is_some_and(u8::is_ascii_alphabetic) {
            continue;
        }
        let name = &rest[..rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len())];
        let (words, end) = words_of_tag(rest);
        most = most.max(words);
        rest = &rest[end..];
        if let Some(raw) = RAW.iter().find(|raw| raw.eq_ignore_ascii_case(name)) {
            rest = after_raw_text(rest, raw);
        }
    }
    most
}

/// How many words a tag has, a quoted text counted as one, and where the tag ends.
fn words_of_tag(tag: &[u8]) -> (usize, usize) {
    let (mut words, mut in_word, mut quote) = (0, false, None);
    for (at, byte) in tag.iter().enumerate() {
        match (quote, byte) {
            (Some(open), close) if open == close => quote = None,
            (None, b'>') => return (words, at),
            (None, b'"' | b'\'') => {
                quote = Some(byte);
                in_word = false;
            }
            (None, b'/') => in_word = false,
            (None, byte) if byte.is_ascii_whitespace() => in_word = false,
            (None, _) if !in_word => {
                words += 1;
                in_word = true;
            }
            _ => {}
        }
    }
    (words, tag.len())
}

/// What follows the closing tag of an element whose content is raw text.
fn after_raw_text<'p>(page: &'p [u8], name: &[u8]) -> &'p [u8] {
    let mut ends = memchr::memmem::find_iter(page, b"</");
    let closes = |at: &usize| page[at + 2..].get(..name.len()).is_some_and(|found| found.eq_ignore_ascii_case(name));
    ends.find(closes).map_or(b"", |at| &page[at + 2..])
}

/// The text of the first element that a selector finds, or of one of its attributes.
///
/// # Errors
/// The page is too large to parse.
pub(crate) fn first(page: &str, selector: &Selector, attribute: Option<&str>) -> Result<Option<String>, HtmlError> {
    let document = parse(page)?;
    let element = elements(&document, selector).next();
    Ok(element.and_then(|element| match attribute {
        Some(attribute) => element.value().attr(attribute).map(str::to_owned),
        None => Some(element.text().collect::<String>().trim().to_owned()),
    }))
}

/// The http and https URLs that the elements of a selector link to, without duplicates, in the order
/// of the page and without fragments: at most `limit` of those that `admits` accepts.
///
/// # Errors
/// The page is too large to parse.
pub(crate) fn links(
    page: &str,
    selector: &Selector,
    url: &Url,
    limit: usize,
    admits: impl Fn(&Url) -> bool,
) -> Result<Vec<Url>, HtmlError> {
    let document = parse(page)?;
    let base = base(&document, url);
    let mut links: Vec<Url> = Vec::new();
    let targets = elements(&document, selector).flat_map(|element| targets(&element)).take(LINKS);
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
    Ok(links)
}

/// The elements that a selector finds, except inside a `template`, whose content a browser neither shows nor
/// loads.
fn elements<'p>(document: &'p Html, selector: &'p Selector) -> impl Iterator<Item = ElementRef<'p>> {
    let found = document.select(selector.parsed());
    found.filter(|element| {
        let mut around = element.ancestors().filter_map(|node| node.value().as_element());
        !around.any(|element| element.name() == "template")
    })
}

/// The base of relative links: the page's `<base>`, or its URL.
fn base(document: &Html, url: &Url) -> Url {
    let Ok(selector) = scraper::Selector::parse("base[href]") else { return url.clone() };
    let declared = document.select(&selector).next().and_then(|element| element.value().attr("href"));
    declared.and_then(|href| url.join(href.trim()).ok()).unwrap_or_else(|| url.clone())
}

/// The targets of one element. A browser loads one candidate of a `srcset`; all are the same picture,
/// so the first stands for it.
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
        links(PAGE, &selector, &url, limit, admits).expect("links").iter().map(Url::to_string).collect()
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
        assert_eq!(first(PAGE, &selector, Some("content")), Ok(Some(" tok ".to_owned())));
        assert_eq!(first(PAGE, &selector, None), Ok(Some("hello".to_owned())));
        assert_eq!(first(PAGE, &selector, Some("none")), Ok(None));
    }

    #[test]
    fn a_page_of_many_links_gives_each_once() {
        let page = "<img src=x>".repeat(20_000);
        let selector = Selector::new("img").expect("a selector");
        let url = Url::parse("https://a.test/").expect("a URL");
        assert_eq!(links(&page, &selector, &url, 20, |_| true).map(|links| links.len()), Ok(1));
    }

    #[test]
    fn a_page_that_would_take_minutes_is_given_up() {
        let selector = Selector::new("img").expect("a selector");
        let nested = |depth: usize| "<div>".repeat(depth);
        let attributes = |count: usize| (0..count).map(|at| format!(" a{at}=1")).collect::<String>();
        for (page, wanted) in [
            (nested(400), Ok(None)),
            (nested(20_000), Err(HtmlError::Depth)),
            (nested(200_000), Err(HtmlError::Depth)),
            ("<svg>".repeat(20_000), Err(HtmlError::Depth)),
            ("<p>x".repeat(100_000), Err(HtmlError::Size)),
            ((0..20_000).map(|at| format!("<p><b id={at}>")).collect(), Err(HtmlError::Size)),
            (format!("<p{}>", attributes(900)), Ok(None)),
            (format!("<p{}>", attributes(100_000)), Err(HtmlError::Attributes)),
            (format!("<p{}", attributes(100_000).replace(' ', "/")), Err(HtmlError::Attributes)),
            (format!("<p{}>", "\"a\"b".repeat(5_000)), Err(HtmlError::Attributes)),
            (format!("<script>if (a <b) {{ {} }}</script>", "x ".repeat(100_000)), Ok(None)),
            (format!("<!-- <b {} -->", "x ".repeat(100_000)), Ok(None)),
            (format!("<img alt=\"{}\">", "x ".repeat(100_000)), Ok(Some(String::new()))),
            ("ä".repeat(5_000), Ok(None)),
        ] {
            assert_eq!(first(&page, &selector, None), wanted, "{}", page.get(..60).unwrap_or_default());
        }
    }
}
