//! The files of `report --format site`: each is parsed by a reader of its format, every link has a
//! target, and nothing is published that should stay inside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use html5gum::{DefaultEmitter, Token, Tokenizer};
use uptick::render::{ReportFormat, SiteSettings, TerminalStyle, site_files};
use uptick::report::Report;

use crate::hostile::PAYLOADS;
use crate::report::render;
use crate::support::strict;
use crate::{page, scenario};

type Files = BTreeMap<String, String>;

fn site(report: &Report) -> Files {
    site_with(report, &SiteSettings::default())
}

fn site_with(report: &Report, settings: &SiteSettings) -> Files {
    let files = site_files(report, settings);
    let count = files.len();
    let files: Files = files.into_iter().map(|file| (file.path, file.content)).collect();
    assert_eq!(files.len(), count, "each path is there once");
    files
}

/// The tags of a page in order, with their attributes. Asserts that they are properly nested.
fn elements(html: &str) -> Vec<(String, BTreeMap<String, String>)> {
    const VOID: [&str; 4] = ["meta", "link", "br", "wbr"];
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let (mut elements, mut open) = (Vec::new(), Vec::new());
    let mut emitter = DefaultEmitter::default();
    // The content of a style is text up to its end tag, as in a browser.
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(html, emitter).flatten() {
        match token {
            Token::StartTag(tag) => {
                let name = text(&tag.name);
                let attributes = tag.attributes.iter().map(|(name, value)| (text(name), text(value))).collect();
                if !tag.self_closing && !VOID.contains(&name.as_str()) {
                    open.push(name.clone());
                }
                elements.push((name, attributes));
            }
            Token::EndTag(tag) => assert_eq!(open.pop(), Some(text(&tag.name)), "closed in its turn"),
            Token::Error(error) => panic!("{error:?}"),
            _ => {}
        }
    }
    assert!(open.is_empty(), "{open:?}");
    elements
}

fn is_of(path: &str, kind: &str) -> bool {
    Path::new(path).extension().is_some_and(|extension| extension == kind)
}

fn pages(files: &Files) -> impl Iterator<Item = (&String, &String)> {
    files.iter().filter(|(path, _)| is_of(path, "html"))
}

/// The file that a link on a page leads to, and the anchor in it, if any.
fn target(page: &str, link: &str) -> (String, Option<String>) {
    let (path, place) = link.split_once('#').map_or((link, None), |(path, place)| (path, Some(place.to_owned())));
    let base = url::Url::parse("https://status.test/").expect("a URL").join(page).expect("a path");
    let url = base.join(path).expect("a link");
    assert_eq!(url.host_str(), Some("status.test"), "{link} stays within the site");
    (url.path().trim_start_matches('/').to_owned(), place)
}

#[test]
fn every_page_is_whole_and_every_link_leads_to_a_file_of_the_site() {
    for report in [scenario::march(), &scenario::quiet(), &scenario::nothing(), &scenario::hostile("a b")] {
        let files = site(report);
        let surfaces = report.surfaces.iter().filter(|row| !row.control).count();
        assert_eq!(pages(&files).count(), 2 + surfaces);
        let ids = |path: &str| -> BTreeSet<String> {
            elements(&files[path]).into_iter().filter_map(|(_, mut attributes)| attributes.remove("id")).collect()
        };
        for (path, html) in pages(&files) {
            assert!(html.starts_with("<!doctype html>\n<html lang=\"en\">"));
            let all: Vec<String> =
                elements(html).into_iter().filter_map(|(_, mut attributes)| attributes.remove("id")).collect();
            assert_eq!(all.len(), ids(path).len(), "{path}: an id is there once: {all:?}");
            for (name, attributes) in elements(html) {
                assert!(!attributes.keys().any(|key| key.starts_with("on")), "{path}: {name} {attributes:?}");
                assert!(
                    !["script", "img", "iframe", "form", "base", "object"].contains(&name.as_str()),
                    "{path}: {name}"
                );
                let Some(link) = attributes.get("href").filter(|link| *link != "data:,") else { continue };
                let (file, place) = target(path, link);
                assert!(files.contains_key(&file), "{path} links to {link}, which is not there");
                assert!(place.is_none_or(|place| ids(&file).contains(&place)), "{path} links to {link}");
            }
        }
    }
}

#[test]
fn a_page_says_how_each_surface_is_and_how_much_of_it_was_seen() {
    let files = site(scenario::march());
    let index = &files["index.html"];
    assert!(index.contains("<h1>X app is down; X web is degraded</h1>"), "{index}");
    for row in scenario::march().surfaces.iter().filter(|row| !row.control) {
        let coverage = format!("coverage {:.1}%", row.figures.coverage.ratio.expect("a share") * 100.0);
        assert!(index.contains(&coverage), "{coverage}");
        let page = &files[&format!("surface/{}.html", row.surface)];
        assert!(page.contains("<dt>failing since</dt>"), "{page}");
        assert!(page.contains("<caption>From each vantage</caption>") && page.contains("iad") && page.contains("lhr"));
    }
    assert!(site(&scenario::quiet())["index.html"].contains("<h1>All is up</h1>"));
    assert!(site(&scenario::nothing())["index.html"].contains("<h1>Nothing was checked</h1>"));
}

/// The classes of the cells of a picture, with their tooltips.
fn cells(html: &str) -> Vec<(String, String)> {
    let (_, rest) = html.split_once("class=\"cells\"").expect("a picture");
    let (picture, _) = rest.split_once("</svg>").expect("its end");
    let cell = |path: &str| {
        let (class, rest) = path.split_once('"').expect("a class");
        let says = rest.split_once("<title>").and_then(|(_, rest)| rest.split_once("</title>"));
        (class.to_owned(), says.map(|(says, _)| says.to_owned()).unwrap_or_default())
    };
    picture.split("<path class=\"").skip(1).map(cell).collect()
}

#[test]
fn what_was_not_seen_is_grey_and_says_so() {
    // From 01:00 to 07:30 the only vantage was suspended.
    let files = site(&scenario::quiet());
    let cells = cells(&files["surface/app.html"]);
    let kinds: Vec<&str> = cells.iter().map(|(class, _)| class.as_str()).collect();
    assert_eq!(kinds, ["up", "none", "up"], "{cells:?}");
    assert!(cells[1].1.starts_with("01:00") && cells[1].1.ends_with("to 07:30: no data"), "{cells:?}");
    let up: u64 = cells
        .iter()
        .filter_map(|(_, says)| says.split_once("none of ")?.1.split(' ').next()?.replace(',', "").parse::<u64>().ok())
        .sum::<u64>();
    let row = scenario::quiet().surfaces.into_iter().find(|row| row.surface.as_str() == "app").expect("the surface");
    assert_eq!(up, row.figures.up);
}

#[test]
fn nothing_inside_is_on_a_page_unless_it_is_asked_for() {
    let report = scenario::march();
    let inside =
        ["timeline api", "app config", "104.244.42", "http://", "https://", "curl", "cloudflare", "body lacks"];
    for (path, text) in site(report) {
        let text = text.replace("http://www.w3.org/", "");
        for word in inside {
            assert!(!text.contains(word), "{path} says {word}");
        }
    }
    let urls = [("timeline api".to_owned(), "https://api.x.com/2/timeline".to_owned())];
    let settings = SiteSettings { probe_urls: Some(urls.into()), ..SiteSettings::default() };
    let asked = site_with(report, &settings);
    assert!(
        asked["surface/app.html"].contains("<td>https://api.x.com/2/timeline</td>"),
        "{}",
        asked["surface/app.html"]
    );
    assert!(!asked["surface/web.html"].contains("timeline"));
    assert!(!asked["index.html"].contains("timeline"));
}

#[test]
fn hostile_text_leaves_the_structure_of_every_file_as_it_is() {
    let structure = |text: &str| -> Vec<Vec<String>> {
        let files = site_files(&scenario::hostile(text), &SiteSettings::default());
        let names = |content: &str| {
            let names = elements(content).into_iter().map(|(name, _)| name);
            names.filter(|name| name != "wbr").collect()
        };
        files.iter().filter(|file| is_of(&file.path, "html")).map(|file| names(&file.content)).collect()
    };
    let harmless = structure("plain");
    for payload in PAYLOADS {
        assert_eq!(structure(payload), harmless, "{payload:?}");
        for (path, text) in site(&scenario::hostile(payload)) {
            assert!(
                path.chars().all(|character| character.is_ascii_alphanumeric() || "/_.-".contains(character)),
                "{path}"
            );
            match path.rsplit_once('.').expect("an ending").1 {
                "svg" => drop(badge(&text)),
                "json" => drop(endpoint(&text)),
                "xml" => drop(entries(&text)),
                _ => strict::assert_visible(&text, &path),
            }
        }
    }
}

/// The entries of a feed: title, URL, and when each was updated.
fn entries(text: &str) -> Vec<(String, String, jiff::Timestamp)> {
    const ATOM: &str = "http://www.w3.org/2005/Atom";
    let feed = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let root = feed.root_element();
    assert!(root.has_tag_name((ATOM, "feed")));
    let one = |of: roxmltree::Node<'_, '_>, name: &'static str| -> String {
        let found: Vec<_> = of.children().filter(|child| child.has_tag_name((ATOM, name))).collect();
        assert_eq!(found.len(), 1, "RFC 4287 wants one {name}: {text}");
        found[0].text().unwrap_or_default().to_owned()
    };
    for name in ["id", "title", "author"] {
        one(root, name);
    }
    let changed: jiff::Timestamp = one(root, "updated").parse().expect("RFC 3339");
    let links = |of: roxmltree::Node<'_, '_>, rel: &str| -> Vec<String> {
        let links = of.children().filter(|child| child.has_tag_name((ATOM, "link")));
        let of_kind = links.filter(|link| link.attribute("rel") == Some(rel));
        of_kind.map(|link| link.attribute("href").expect("an address").to_owned()).collect()
    };
    assert_eq!((links(root, "self").len(), links(root, "alternate").len()), (1, 1));
    let mut names = BTreeSet::from([one(root, "id")]);
    let entries = root.children().filter(|child| child.has_tag_name((ATOM, "entry")));
    let entry = |entry| {
        assert!(names.insert(one(entry, "id")), "an id is there once");
        let at: jiff::Timestamp = one(entry, "updated").parse().expect("RFC 3339");
        assert!(one(entry, "published").parse::<jiff::Timestamp>().expect("RFC 3339") <= at && at <= changed);
        assert!(!one(entry, "summary").is_empty());
        (one(entry, "title"), links(entry, "alternate").remove(0), at)
    };
    entries.map(entry).collect()
}

#[test]
fn the_feed_has_an_entry_for_each_incident_whose_name_never_changes() {
    let report = scenario::march();
    let found = entries(&site(report)["feed.xml"]);
    assert_eq!(found.len(), report.incidents.len());
    assert!(found.iter().any(|(title, ..)| title.ends_with("failed: ongoing")), "{found:?}");
    let base = url::Url::parse("https://status.test/x/").ok();
    let absolute = site_with(report, &SiteSettings { base_url: base, ..SiteSettings::default() });
    for (_, link, _) in entries(&absolute["feed.xml"]) {
        assert!(link.starts_with("https://status.test/x/incidents.html#incident-"), "{link}");
    }
    assert_eq!(entries(&site(&scenario::nothing())["feed.xml"]), []);
}

/// The text of a badge, after parsing it as SVG: no script, no link, nothing from elsewhere.
fn badge(text: &str) -> String {
    let svg = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert!(svg.root_element().has_tag_name(("http://www.w3.org/2000/svg", "svg")));
    for node in svg.descendants().filter(roxmltree::Node::is_element) {
        let name = node.tag_name().name();
        assert!(["svg", "title", "clipPath", "rect", "g", "text"].contains(&name), "{name}");
        for attribute in node.attributes() {
            assert!(!attribute.name().starts_with("on") && !attribute.name().ends_with("href"), "{attribute:?}");
        }
    }
    svg.root_element().attribute("aria-label").expect("what it says").to_owned()
}

/// The content of a badge's endpoint: only keys that shields.io knows are allowed.
fn endpoint(text: &str) -> (String, String, String) {
    const KNOWN: [&str; 12] = [
        "schemaVersion",
        "label",
        "message",
        "color",
        "labelColor",
        "isError",
        "namedLogo",
        "logoSvg",
        "logoColor",
        "logoSize",
        "style",
        "cacheSeconds",
    ];
    let badge = strict::json(text);
    let keys = badge.as_object().expect("an object").keys();
    assert!(keys.clone().all(|key| KNOWN.contains(&key.as_str())), "{text}");
    assert_eq!(badge["schemaVersion"], 1);
    assert!(badge["cacheSeconds"].as_u64().is_some_and(|seconds| seconds >= 300), "{text}");
    let text = |key: &str| badge[key].as_str().expect("a text").to_owned();
    assert!(!text("message").is_empty());
    (text("label"), text("message"), text("color"))
}

#[test]
fn a_badge_says_the_same_as_a_picture_and_to_shields() {
    let files = site(scenario::march());
    let colors: Vec<String> = files
        .keys()
        .filter(|path| is_of(path, "svg"))
        .map(|path| {
            let (label, message, color) = endpoint(&files[&path.replace(".svg", ".json")]);
            assert_eq!(badge(&files[path]), format!("{label}: {message}"));
            assert!(files[path].contains(&color), "{color}");
            color
        })
        .collect();
    assert_eq!(colors.len(), 3, "one of all and one of each surface");
    let alone = render(ReportFormat::Badge, scenario::march(), TerminalStyle::default());
    assert_eq!(alone, files["badge.svg"]);
    assert_eq!(endpoint(&site(&scenario::nothing())["badge.json"]).1, "unknown");
    let up = endpoint(&site(&scenario::quiet())["badge/app.json"]);
    assert_eq!((up.0.as_str(), up.1.as_str()), ("app", "up 100%"));
}

#[test]
fn chromium_has_nothing_to_say_of_hostile_pages_and_asks_no_host() {
    let files = site(&scenario::hostile("\"><img src=http://evil.test/x onerror=\"document.title='ran'\">"));
    for (_, html) in pages(&files) {
        let Some(seen) = page::open(html, 400, false) else { return };
        assert_eq!(seen.console, "");
        assert!(!seen.requests.contains("//evil.test/x"));
    }
}

/// Writes the sites as files, to be looked at.
#[test]
#[ignore = "writes files; run it to look at the pages"]
fn write_the_sites() {
    let settings = SiteSettings::default();
    let month = scenario::long(30, 6, &["iad", "lhr"], std::time::Duration::from_mins(5));
    let hostile = scenario::hostile("<script>document.title='ran'</script>");
    for (name, report) in [
        ("march", scenario::march()),
        ("quiet", &scenario::quiet()),
        ("nothing", &scenario::nothing()),
        ("month", &month),
        ("hostile", &hostile),
    ] {
        for file in site_files(report, &settings) {
            let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("sites").join(name).join(&file.path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
            std::fs::write(path, file.content).expect("a file");
        }
    }
}
