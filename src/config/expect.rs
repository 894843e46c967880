//! What must hold of an answer.

use std::time::Duration;

use super::interpolate::Use;
use super::layers::Layers;
use super::reader::Reader;
use super::tree::{Entry, Item, Node, Table};
use super::{assets, interpolate, layers, request, url};
use crate::model::{
    Expect, HeaderExpectation, HeaderRule, HttpVersion, JsonExpectation, JsonPath, JsonRule, Pattern, Phase, StatusSet,
    TextRule, TlsVersion, Value,
};

/// The largest size of a body that can be expected: the largest that is read.
const LARGEST_BODY: u64 = 1 << 30;

/// Reads the expectations; what the layers do not say keeps its default.
pub(super) fn expect(reader: &mut Reader, layers: &Layers) -> Expect {
    let mut expect = Expect::default();
    if let Some(node) = layers.get("status") {
        expect.status = node.one_or_more().iter().filter_map(|node| status(reader, node)).collect();
    }
    expect.body = body(reader, layers);
    for entry in layers.inner("header").entries(str::eq_ignore_ascii_case) {
        expect.headers.extend(header(reader, entry));
    }
    if let Some(node) = layers.get("json") {
        expect.json = node.one_or_more().iter().flat_map(|node| json(reader, node)).collect();
    }
    expect.latency = latency(reader, &layers.inner("latency"));
    expect.certificate_days = layers.get("certificate-days").and_then(layers::integer);
    expect.final_url = layers
        .get("final-url")
        .and_then(|node| url::target(reader, "final-url", node, url::WEB, Use::Expectation))
        .map(|target| target.url);
    expect.http_version = words(reader, layers, "http-version", &HTTP_VERSIONS);
    expect.tls_version = words(reader, layers, "tls-version", &TLS_VERSIONS);
    expect.secure = layers.get("secure").and_then(layers::boolean);
    expect.min_bytes = size(reader, layers, "min-bytes");
    expect.max_bytes = size(reader, layers, "max-bytes");
    if let (Some(min), Some(max), Some(node)) = (expect.min_bytes, expect.max_bytes, layers.get("min-bytes"))
        && min > max
    {
        reader.problem(&node.place, "`min-bytes` is larger than `max-bytes`: no body is both");
    }
    if layers.get("assets").is_some() {
        expect.assets = assets::assets(reader, &layers.inner("assets"));
    }
    expect.sha256 = layers.get("sha256").and_then(|node| sha256(reader, node));
    expect
}

const HTTP_VERSIONS: [(&str, HttpVersion); 3] =
    [("1.0", HttpVersion::V1_0), ("1.1", HttpVersion::V1_1), ("2", HttpVersion::V2)];
const TLS_VERSIONS: [(&str, TlsVersion); 2] = [("1.2", TlsVersion::V1_2), ("1.3", TlsVersion::V1_3)];

fn words<T: Copy>(reader: &mut Reader, layers: &Layers, key: &str, words: &[(&str, T)]) -> Vec<T> {
    let Some(node) = layers.get(key) else { return Vec::new() };
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    let mut found = Vec::new();
    for node in node.one_or_more() {
        if let Some(word) = layers::word(reader, key, node, &names) {
            found.extend(words.iter().find(|(name, _)| *name == word).map(|(_, value)| *value));
        }
    }
    found
}

fn size(reader: &mut Reader, layers: &Layers, key: &str) -> Option<u64> {
    layers.get(key).and_then(|node| layers::bytes(reader, key, node, 0..=LARGEST_BODY))
}

fn status(reader: &mut Reader, node: &Node) -> Option<StatusSet> {
    if let Item::Integer(_) = node.item {
        return layers::integer(node).map(|code: u16| StatusSet(code..=code));
    }
    let text = interpolate::plain(reader, node)?;
    let set = status_set(&text);
    if set.is_none() {
        let message = "`status` is not a status code, a class or a range";
        reader.advise(&node.place, message, "write it as 200, \"2xx\" or \"200-299\"");
    }
    set
}

fn status_set(text: &str) -> Option<StatusSet> {
    let code = |text: &str| text.trim().parse::<u16>().ok().filter(|code| (100..=999).contains(code));
    if let Some(class) = text.strip_suffix("xx").or_else(|| text.strip_suffix("XX")) {
        let class = class.parse::<u16>().ok().filter(|class| (1..=5).contains(class))?;
        return Some(StatusSet(class * 100..=class * 100 + 99));
    }
    let (low, high) = match text.split_once('-') {
        Some((low, high)) => (code(low)?, code(high)?),
        None => (code(text)?, code(text)?),
    };
    (low <= high).then_some(StatusSet(low..=high))
}

fn body(reader: &mut Reader, layers: &Layers) -> Vec<TextRule> {
    let mut rules = Vec::new();
    for (key, rule) in [("body-contains", TextRule::Contains as fn(Value) -> TextRule), ("body-lacks", TextRule::Lacks)]
    {
        for node in layers.get(key).map(Node::one_or_more).unwrap_or_default() {
            rules.extend(text(reader, key, node).map(rule));
        }
    }
    let patterns =
        [("body-matches", TextRule::Matches as fn(Pattern) -> TextRule), ("body-not-matches", TextRule::NotMatches)];
    for (key, rule) in patterns {
        for node in layers.get(key).map(Node::one_or_more).unwrap_or_default() {
            rules.extend(pattern(reader, key, node).map(rule));
        }
    }
    rules
}

/// A text that is looked for; the empty text is in everything.
fn text(reader: &mut Reader, key: &str, node: &Node) -> Option<Value> {
    let value = interpolate::fill(reader, node, Use::Expectation)?;
    if value.parts.is_empty() {
        reader.problem(&node.place, format!("`{key}` is an empty text, which is in everything"));
        return None;
    }
    Some(value)
}

/// A regular expression.
pub(super) fn pattern(reader: &mut Reader, key: &str, node: &Node) -> Option<Pattern> {
    let text = interpolate::plain(reader, node)?;
    match Pattern::new(&text) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            reader.problem(&node.place, format!("`{key}` is not a regular expression: {why}"));
            None
        }
    }
}

/// A JSON path.
pub(super) fn json_path(reader: &mut Reader, key: &str, node: &Node) -> Option<JsonPath> {
    let text = interpolate::plain(reader, node)?;
    match JsonPath::new(&text) {
        Ok(path) => Some(path),
        Err(why) => {
            let message = format!("`{key}` is not a JSON path: {}", why.trim_end_matches(", parser error"));
            if text.starts_with('$') {
                reader.problem(&node.place, message);
            } else {
                reader.advise(&node.place, message, "a path begins with `$`: \"$.items[0].id\"");
            }
            None
        }
    }
}

fn header(reader: &mut Reader, entry: &Entry) -> Vec<HeaderRule> {
    let Ok(name) = http::HeaderName::from_bytes(entry.key.as_bytes()) else {
        let message = format!("`{}` is not the name of a header: it has letters, digits and hyphens", entry.key);
        reader.problem(&entry.key_place, message);
        return Vec::new();
    };
    let node = &entry.node;
    let (expectations, optional) = if let Item::Table(table) = &node.item {
        header_table(reader, table)
    } else {
        let value = interpolate::fill(reader, node, Use::Expectation);
        let is_empty = value.as_ref().is_some_and(|value| value.parts.is_empty());
        let rule = if is_empty { Some(HeaderExpectation::Present) } else { value.map(HeaderExpectation::Contains) };
        (rule.into_iter().collect(), false)
    };
    expectations.into_iter().map(|rule| HeaderRule { name: name.clone(), rule, optional }).collect()
}

fn header_table(reader: &mut Reader, table: &Table) -> (Vec<HeaderExpectation>, bool) {
    let mut rules = Vec::new();
    for node in table.get("contains").map(Node::one_or_more).unwrap_or_default() {
        rules.extend(text(reader, "contains", node).map(HeaderExpectation::Contains));
    }
    for node in table.get("matches").map(Node::one_or_more).unwrap_or_default() {
        rules.extend(pattern(reader, "matches", node).map(HeaderExpectation::Matches));
    }
    for node in table.get("not-matches").map(Node::one_or_more).unwrap_or_default() {
        rules.extend(pattern(reader, "not-matches", node).map(HeaderExpectation::NotMatches));
    }
    let optional = table.get("optional").and_then(layers::boolean).unwrap_or(false);
    match table.get("absent").and_then(layers::boolean) {
        Some(true) if !rules.is_empty() || optional => {
            reader.problem(&table.place, "a header that is `absent` has no other rule");
        }
        Some(true) => rules.push(HeaderExpectation::Absent),
        Some(false) if optional => reader.problem(&table.place, "a header is not both there and `optional`"),
        Some(false) => rules.push(HeaderExpectation::Present),
        None if table.entries.iter().all(|entry| entry.key == "optional") => {
            reader.problem(
                &table.place,
                "this says nothing of the header: give it `contains`, `matches`, `not-matches` or `absent`",
            );
        }
        None => {}
    }
    (rules, optional)
}

fn json(reader: &mut Reader, node: &Node) -> Vec<JsonRule> {
    let Some(table) = node.as_table() else { return Vec::new() };
    let Some(path) = request::required(reader, table, "path", "expect.json") else { return Vec::new() };
    let path = json_path(reader, "path", path);
    let mut rules = Vec::new();
    for entry in &table.entries {
        rules.extend(json_expectation(reader, entry));
    }
    if let (Some(min), Some(max)) = (number(table, "min"), number(table, "max"))
        && min > max
    {
        reader.problem(&table.place, "`min` is larger than `max`: no number is both");
    }
    if let (Some(min), Some(max)) = (number(table, "min-length"), number(table, "max-length"))
        && min > max
    {
        reader.problem(&table.place, "`min-length` is larger than `max-length`: nothing is both");
    }
    if table.get("exists").and_then(layers::boolean) == Some(false) && rules.len() > 1 {
        reader.problem(&table.place, "what does not exist has no other rule");
    }
    if table.entries.iter().all(|entry| entry.key == "path") {
        rules.push(JsonExpectation::Exists(true));
    }
    let Some(path) = path else { return Vec::new() };
    rules.into_iter().map(|rule| JsonRule { path: path.clone(), rule }).collect()
}

fn number(table: &Table, key: &str) -> Option<f64> {
    table.get(key).and_then(float)
}

#[expect(clippy::cast_precision_loss, reason = "a bound past 2^53 is compared as the nearest double, as JSON does")]
fn float(node: &Node) -> Option<f64> {
    match node.item {
        Item::Integer(number) => Some(number as f64),
        Item::Float(number) => Some(number),
        _ => None,
    }
}

fn json_expectation(reader: &mut Reader, entry: &Entry) -> Option<JsonExpectation> {
    let node = &entry.node;
    match entry.key.as_str() {
        "exists" => layers::boolean(node).map(JsonExpectation::Exists),
        "equals" => json_value(reader, node).map(JsonExpectation::Equals),
        "not-equals" => json_value(reader, node).map(JsonExpectation::NotEquals),
        "contains" => json_value(reader, node).map(JsonExpectation::Contains),
        "matches" => pattern(reader, "matches", node).map(JsonExpectation::Matches),
        "min-length" => layers::integer(node).map(JsonExpectation::MinLength),
        "max-length" => layers::integer(node).map(JsonExpectation::MaxLength),
        "min" => bound(reader, "min", node).map(JsonExpectation::Min),
        "max" => bound(reader, "max", node).map(JsonExpectation::Max),
        _ => None,
    }
}

fn bound(reader: &mut Reader, key: &str, node: &Node) -> Option<f64> {
    let number = float(node)?;
    if number.is_nan() {
        reader.problem(&node.place, format!("`{key}` is not a number"));
        return None;
    }
    Some(number)
}

/// A value of TOML as JSON.
fn json_value(reader: &mut Reader, node: &Node) -> Option<serde_json::Value> {
    Some(match &node.item {
        Item::Text(_) => serde_json::Value::from(interpolate::plain(reader, node)?),
        Item::Integer(number) => serde_json::Value::from(*number),
        Item::Float(number) if !number.is_finite() => {
            reader.problem(&node.place, "JSON has no number that is not finite");
            return None;
        }
        Item::Float(number) => serde_json::Value::from(*number),
        Item::Boolean(boolean) => serde_json::Value::from(*boolean),
        Item::Date(date) => serde_json::Value::from(date.as_str()),
        Item::TooLarge => return None,
        Item::List(list) => list.iter().map(|node| json_value(reader, node)).collect::<Option<_>>()?,
        Item::Table(table) => {
            let mut object = serde_json::Map::new();
            for entry in &table.entries {
                object.insert(entry.key.clone(), json_value(reader, &entry.node)?);
            }
            serde_json::Value::Object(object)
        }
    })
}

fn latency(reader: &mut Reader, layers: &Layers) -> Vec<(Option<Phase>, Duration)> {
    let phases = std::iter::once(None).chain(Phase::ALL.into_iter().map(Some));
    let mut limits = Vec::new();
    for phase in phases {
        let key = phase.map_or("total", Phase::name);
        let range = Duration::from_micros(1)..=Duration::from_hours(1);
        if let Some(limit) = layers.get(key).and_then(|node| layers::duration(reader, key, node, range)) {
            limits.push((phase, limit));
        }
    }
    limits
}

fn sha256(reader: &mut Reader, node: &Node) -> Option<[u8; 32]> {
    let text = interpolate::plain(reader, node)?;
    let bytes: Option<Vec<u8>> = text
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()))
        .collect();
    let hash =
        bytes.filter(|_| text.bytes().all(|byte| byte.is_ascii_hexdigit())).and_then(|bytes| bytes.try_into().ok());
    if hash.is_none() {
        reader.problem(&node.place, "`sha256` is not 64 hexadecimal digits");
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_codes_classes_and_ranges_are_read() {
        let read = |text| status_set(text).map(|set| (*set.0.start(), *set.0.end()));
        assert_eq!(read("2xx"), Some((200, 299)));
        assert_eq!(read("204"), Some((204, 204)));
        assert_eq!(read("200-204"), Some((200, 204)));
        assert_eq!(read("999"), Some((999, 999)));
        for wrong in ["6xx", "0xx", "99", "1000", "299-200", "2x", "", "-", "200-", "two"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
