//! Strict readers of every format that the program writes. Each fails on anything that a real
//! reader would take for a command, for markup, or for a line of another origin.

use std::collections::{BTreeMap, BTreeSet};

use pulldown_cmark::{Event, Options, Parser, Tag};

/// Whether a character affects the display instead of being displayed.
pub fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
            | '\u{fffe}' | '\u{ffff}')
}

/// Fails on any hidden character except line ends, and on commands of CI systems, which read every
/// format.
#[track_caller]
pub fn assert_visible(text: &str, what: &str) {
    let anywhere = regex::Regex::new(r"##[A-Za-z]*\[").unwrap();
    let at_the_start = regex::Regex::new(r"^\s*::[A-Za-z].*::").unwrap();
    for line in text.split('\n') {
        assert!(!anywhere.is_match(line), "{what}: a command in {line:?}");
        assert!(what == "GitHub" || !at_the_start.is_match(line), "{what}: a command begins {line:?}");
        if let Some(hidden) = line.chars().find(|&character| is_hidden(character)) {
            panic!("{what}: {hidden:?} in {line:?}");
        }
    }
}

/// Text for a terminal: nothing hidden except the program's own colours (SGR).
#[track_caller]
pub fn terminal(text: &str) {
    let sgr = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap();
    assert_visible(&sgr.replace_all(text, ""), "terminal");
}

/// One JSON document without hidden characters in its strings.
#[track_caller]
pub fn json(text: &str) -> serde_json::Value {
    let document = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_json_visible(&document);
    document
}

/// JSON Lines.
#[track_caller]
pub fn json_lines(text: &str) -> Vec<serde_json::Value> {
    assert!(text.is_empty() || text.ends_with('\n'), "the last line has an end");
    text.lines().map(json).collect()
}

#[track_caller]
fn assert_json_visible(value: &serde_json::Value) {
    match value {
        serde_json::Value::String(text) => {
            assert!(!text.chars().any(is_hidden), "a JSON string hides something: {text:?}");
        }
        serde_json::Value::Array(items) => items.iter().for_each(assert_json_visible),
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                assert!(!name.chars().any(is_hidden), "a JSON key hides something: {name:?}");
                assert_json_visible(value);
            }
        }
        _ => {}
    }
}

/// `JUnit` XML with known elements and attributes. Returns the number of test cases.
#[track_caller]
pub fn junit(text: &str) -> usize {
    const ELEMENTS: [&str; 10] = [
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "error",
        "skipped",
        "system-out",
        "system-err",
        "properties",
        "property",
    ];
    let document = roxmltree::Document::parse(text).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    for node in document.descendants() {
        if node.is_element() {
            assert!(ELEMENTS.contains(&node.tag_name().name()), "<{}> is not ours", node.tag_name().name());
            for attribute in node.attributes() {
                assert_visible(attribute.value(), attribute.name());
            }
        }
        assert!(!node.is_pi() && !node.is_comment(), "a comment or an instruction: {node:?}");
        if let Some(text) = node.text() {
            assert_visible(text, "JUnit text");
        }
    }
    document.descendants().filter(|node| node.has_tag_name("testcase")).count()
}

/// TAP 13. Returns the number of test points.
#[track_caller]
pub fn tap(text: &str) -> usize {
    assert_visible(text, "TAP");
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("TAP version 13"));
    let (mut points, mut planned, mut inside) = (0, None, false);
    let point = regex::Regex::new(r"^(not )?ok (\d+) - (.*)$").unwrap();
    for line in lines {
        if inside {
            assert!(line.starts_with("  "), "a diagnostic leaves its block: {line:?}");
            inside = line != "  ...";
        } else if line == "  ---" {
            inside = true;
        } else if let Some(plan) = line.strip_prefix("1..") {
            assert!(planned.is_none(), "a second plan: {line:?}");
            planned = plan.split(' ').next().and_then(|count| count.parse().ok());
        } else if let Some(found) = point.captures(line) {
            points += 1;
            assert_eq!(found[2].parse().ok(), Some(points), "out of order: {line:?}");
            assert!(!found[3].contains('\\'), "an escape that readers do not agree on: {line:?}");
            if let Some((_, directive)) = found[3].split_once('#') {
                assert!(directive.trim_start().starts_with("SKIP"), "a directive that is not ours: {line:?}");
                assert!(!directive.contains("pwn ") || line.contains("# SKIP"), "{line:?}");
            }
        } else {
            assert!(line.starts_with("# "), "not TAP: {line:?}");
        }
    }
    assert!(!inside, "a diagnostic does not end");
    assert_eq!(planned, Some(points), "the plan and the points differ");
    points
}

/// Commands of GitHub Actions. Returns the levels of the annotations.
#[track_caller]
pub fn github(text: &str) -> Vec<String> {
    assert_visible(text, "GitHub");
    let ours = regex::Regex::new(r"^::(error|warning|notice)(?: ([^:]*))?::(.*)$").unwrap();
    let mut levels = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("::") {
            let found = ours.captures(line).unwrap_or_else(|| panic!("not ours: {line:?}"));
            let properties = found.get(2).map_or("", |properties| properties.as_str());
            for property in properties.split(',').filter(|property| !property.is_empty()) {
                let (name, _) = property.split_once('=').unwrap_or_else(|| panic!("no property: {line:?}"));
                assert!(["file", "line", "col", "title"].contains(&name), "not ours: {property:?} in {line:?}");
            }
            levels.push(found[1].to_owned());
        } else {
            assert!(!line.contains("##["), "a command of the runner: {line:?}");
        }
    }
    levels
}

/// The output of a Nagios plugin: a line, performance data, more lines.
#[track_caller]
pub fn nagios(text: &str) {
    assert_visible(text, "Nagios");
    let first = text.lines().next().unwrap_or_default();
    let status =
        regex::Regex::new("^[A-Z]+ (OK|WARNING|CRITICAL|UNKNOWN)\\b|^(OK|WARNING|CRITICAL|UNKNOWN)\\b").unwrap();
    assert!(status.is_match(first), "no status: {first:?}");
    // The first bar starts the performance data; on the first line there may be only one.
    let data = regex::Regex::new(r"^('[^'=]+'|[^'= ]+)=(U|-?[0-9.]+)[a-zA-Z%]*(;[-0-9.:~@]*){0,4}$").unwrap();
    assert!(first.matches('|').count() <= 1, "two bars on a line: {first:?}");
    if let Some((_, performance)) = first.split_once('|') {
        for piece in words_outside_quotes(performance) {
            assert!(data.is_match(&piece), "no performance data: {piece:?} in {first:?}");
        }
    }
}

fn words_outside_quotes(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for character in text.chars() {
        quoted ^= character == '\'';
        if character == ' ' && !quoted {
            words.push(String::new());
        } else if let Some(word) = words.last_mut() {
            word.push(character);
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The text format of Prometheus: every sample has a type, and no series occurs twice. Returns the
/// names of the metrics.
#[track_caller]
pub fn prometheus(text: &str) -> BTreeSet<String> {
    assert_visible(text, "Prometheus");
    assert!(text.is_empty() || text.ends_with('\n'), "the last line has an end");
    let sample = regex::Regex::new(
        r#"^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\["\\n])*",?)*\})? (\S+)( -?[0-9]+)?$"#,
    )
    .unwrap();
    let mut types: BTreeMap<String, String> = BTreeMap::new();
    let mut series = BTreeSet::new();
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap_or_else(|| panic!("no type: {line:?}"));
            assert!(types.insert(name.to_owned(), kind.to_owned()).is_none(), "a second type: {line:?}");
        } else if !line.starts_with("# HELP ") {
            let found = sample.captures(line).unwrap_or_else(|| panic!("no sample: {line:?}"));
            assert!(found[3].parse::<f64>().is_ok() || ["+Inf", "-Inf", "NaN"].contains(&&found[3]), "{line:?}");
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| found[1].strip_suffix(end));
            let known = types.contains_key(&found[1]) || family.is_some_and(|family| types.contains_key(family));
            assert!(known, "no type is given for {line:?}");
            let labels = found.get(2).map_or("", |labels| labels.as_str());
            assert!(series.insert(format!("{}{labels}", &found[1])), "a series comes twice: {line:?}");
        }
    }
    types.into_keys().collect()
}

/// Markdown as GitHub renders it: no raw HTML, no link, no image, and no text that GitHub turns
/// into a link.
#[track_caller]
pub fn markdown(text: &str) {
    const OURS: [&str; 6] = ["<details>", "</details>", "<summary>", "</summary>", "<br>", "<details open>"];
    assert_visible(text, "Markdown");
    let tags = regex::Regex::new("<[^>]*>").unwrap();
    let mut code = false;
    let parser = Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH);
    for (event, place) in parser.into_offset_iter() {
        match event {
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(pulldown_cmark::TagEnd::CodeBlock) => code = false,
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                panic!("a link to {dest_url:?}");
            }
            Event::Html(html) | Event::InlineHtml(html) => {
                for tag in tags.find_iter(&html) {
                    assert!(OURS.contains(&tag.as_str()), "HTML that is not ours: {html:?}");
                }
            }
            Event::Text(_) if !code => {
                // GitHub makes links of these in the source text, before escapes are resolved.
                let written = text[place].to_lowercase();
                for begin in ["http://", "https://", "ftp://", "www.", "@"] {
                    assert!(!written.contains(begin), "becomes a link: {written:?}");
                }
            }
            _ => {}
        }
    }
}

/// CSV (RFC 4180) in which no cell is a formula. Returns its rows, the heading first.
#[track_caller]
pub fn csv(text: &str) -> Vec<Vec<String>> {
    assert_visible(&text.replace('\r', ""), "CSV");
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    let rows: Vec<Vec<String>> = reader
        .records()
        .map(|record| record.unwrap_or_else(|error| panic!("{error}")).iter().map(str::to_owned).collect())
        .collect();
    for cell in rows.iter().flatten() {
        let number = cell.parse::<f64>().is_ok();
        assert!(number || !cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "a formula: {cell:?}");
    }
    rows
}

/// An HTML page: known elements, no script, no event handler, no link except within the page or to
/// data. Returns its text.
#[track_caller]
pub fn html(page: &str) -> String {
    assert_visible(page, "HTML");
    let mut text = String::new();
    let mut emitter = html5gum::DefaultEmitter::default();
    // The content of a script is text up to its end tag, as in a browser.
    emitter.naively_switch_states(true);
    for token in html5gum::Tokenizer::new_with_emitter(page, emitter) {
        match token.unwrap() {
            html5gum::Token::StartTag(tag) => {
                let name = String::from_utf8_lossy(&tag.name).into_owned();
                let attributes: BTreeMap<String, String> = tag
                    .attributes
                    .iter()
                    .map(|(name, value)| {
                        (String::from_utf8_lossy(name).into_owned(), String::from_utf8_lossy(value).into_owned())
                    })
                    .collect();
                assert_element(&name, &attributes);
            }
            html5gum::Token::String(words) => text.push_str(&String::from_utf8_lossy(&words)),
            html5gum::Token::Error(error) => panic!("not well-formed: {error:?}"),
            _ => {}
        }
    }
    text
}

#[track_caller]
fn assert_element(name: &str, attributes: &BTreeMap<String, String>) {
    const NEVER: [&str; 8] = ["iframe", "object", "embed", "link", "base", "form", "img", "video"];
    // An empty icon: without it a browser requests one from the page's server.
    if name == "link" && attributes.len() == 2 && attributes.get("href").is_some_and(|href| href == "data:,") {
        return;
    }
    assert!(!NEVER.contains(&name), "<{name}> {attributes:?}");
    if name == "script" {
        let kind = attributes.get("type").map(String::as_str);
        assert_eq!(kind, Some("application/json"), "a script: {attributes:?}");
    }
    for (attribute, value) in attributes {
        assert!(!attribute.starts_with("on"), "a handler on <{name}>: {attribute}={value:?}");
        if ["href", "src", "action", "xlink:href", "formaction"].contains(&attribute.as_str()) {
            let fine = value.starts_with('#') || value.starts_with("data:application/json");
            assert!(fine, "<{name} {attribute}={value:?}>");
        }
    }
}
