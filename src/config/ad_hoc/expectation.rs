//! Expectations in one line: `'$.status == "ok"'`, `'total < 800ms'`.

use crate::config::ad_hoc::overlay::merge;
use crate::config::ad_hoc::set;
use crate::config::reader::ConfigReader;
use crate::config::syntax::tree::{Item, Span, Table};
use crate::model::{JsonText, message, quantity};

/// The comparison operators of a JSON rule, longer ones first, with the key of `expect.json` for each.
const COMPARISONS: [(&str, &str); 8] = [
    (" contains ", "contains"),
    (" matches ", "matches"),
    ("=~", "matches"),
    ("==", "equals"),
    ("!=", "not-equals"),
    (">=", "min"),
    ("<=", "max"),
    ("=", "equals"),
];

/// The phases that a latency limit may name.
const PHASES: [&str; 6] = ["total", "resolve", "connect", "tls", "processing", "transfer"];

/// `PATH`, or `PATH == VALUE`: a table of `expect.json`.
pub(crate) fn json_rule(reader: &mut ConfigReader, span: &Span, text: &str) -> Option<Table> {
    let Some((at, (comparison, key))) = comparison(text) else {
        if let Some(at) = outside(text, |rest| rest.starts_with(['<', '>', '~'])) {
            let sign = &text[at..=at];
            let help = match sign {
                "~" => "write `=~` before a pattern: '$.version =~ ^1'".to_owned(),
                _ => format!("write `{sign}=`: a bound is part of what is allowed"),
            };
            reader.advise(span, message!("`{sign}` is not a comparison here"), help);
            return None;
        }
        return Some(Table::of(span, "path", Item::Text(text.trim().to_owned())));
    };
    let (path, value) = (text[..at].trim(), text[at + comparison.len()..].trim());
    if !path.starts_with('$') {
        let path = path.trim_start_matches(['.', '/']);
        let path = if path.is_empty() { "$".to_owned() } else { format!("$.{path}") };
        let sign = if comparison == "=" { "==" } else { comparison.trim() };
        let value = serde_json::Value::from(value.trim_matches(['"', '\''])).to_string();
        reader.advise(span, "a JSON path starts with `$`", message!("write it as '{path} {sign} {value}'"));
        return None;
    }
    let path = Table::of(span, "path", Item::Text(path.to_owned()));
    let item = match key {
        "matches" if comparison == "=~" => Item::Text(pattern(reader, span, value)?),
        "matches" => Item::Text(value.trim_matches(['"', '\'']).to_owned()),
        _ => json_value(value),
    };
    Some(merge(&path, &Table::of(span, key, item)))
}

/// The pattern after `=~`, which other languages write as `/PATTERN/FLAGS`.
fn pattern(reader: &mut ConfigReader, span: &Span, text: &str) -> Option<String> {
    let parts = text.strip_prefix('/').and_then(|text| text.rsplit_once('/'));
    let Some((pattern, flags)) = parts.filter(|(_, flags)| flags.chars().all(char::is_alphabetic)) else {
        return Some(text.trim_matches(['"', '\'']).to_owned());
    };
    if let Some(unknown) = flags.chars().find(|flag| !"imsx".contains(*flag)) {
        reader.advise(
            span,
            message!("`{unknown}` is not a flag of a pattern"),
            "the flags are i, m, s and x: =~ /^ok$/i",
        );
        return None;
    }
    let pattern = pattern.replace("\\/", "/");
    Some(if flags.is_empty() { pattern } else { format!("(?{flags}){pattern}") })
}

/// A value as JSON; a word without quotes is a string.
fn json_value(text: &str) -> Item {
    let text = text.trim();
    let single = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    if let Some(single) = single {
        return Item::Text(single.to_owned());
    }
    let item = JsonText::read(text).filter(|json| json.as_str() != "null").and_then(|json| set::item_of(&json));
    item.unwrap_or_else(|| Item::Text(text.to_owned()))
}

/// The first comparison outside brackets and quotes.
fn comparison(text: &str) -> Option<(usize, (&'static str, &'static str))> {
    let find = |rest: &str| COMPARISONS.into_iter().find(|(comparison, _)| rest.starts_with(comparison));
    let at = outside(text, |rest| find(rest).is_some())?;
    Some((at, find(&text[at..])?))
}

/// The first position outside brackets and quotes whose remaining text satisfies `holds`.
fn outside(text: &str, holds: impl Fn(&str) -> bool) -> Option<usize> {
    let (mut depth, mut quote) = (0_u32, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) => {
                if open == character {
                    quote = None;
                }
            }
            (None, '"' | '\'') => quote = Some(character),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            (None, _) => {
                if depth == 0 && holds(&text[at..]) {
                    return Some(at);
                }
            }
        }
    }
    None
}

/// `800ms`, `total < 800ms`: a phase and its maximum duration.
pub(crate) fn latency(reader: &mut ConfigReader, span: &Span, text: &str) -> Option<(&'static str, String)> {
    let (phase, limit) = match text.find(['<', '=', ':']) {
        Some(at) => (text[..at].trim(), text[at..].trim_start_matches(['<', '=', ':']).trim()),
        None => ("total", text.trim()),
    };
    if quantity::duration(limit).is_err() && !limit.contains("${") {
        reader.advise(span, message!("{limit:?} is not a duration"), "write it as 'total < 800ms'");
        return None;
    }
    let known = PHASES.into_iter().find(|known| *known == phase || phase.is_empty());
    if known.is_none() {
        let message = message!("`{phase}` is not a phase");
        let of_many = phase.starts_with(['p', 'P']) && phase[1..].parse::<f64>().is_ok() || phase == "max";
        let help = if of_many {
            message!("a percentile is of many checks: --count 20 --fail-on '{phase} > {limit}'")
        } else {
            message!("write one of {}: 'total < 800ms'", PHASES.join(", "))
        };
        reader.advise(span, message, help);
    }
    known.map(|phase| (phase, limit.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Vec<String> {
        let env = |_: &str| None;
        let mut reader = ConfigReader::new(&env);
        let span = reader.argument("--expect-json", true);
        let table = json_rule(&mut reader, &span, text).unwrap();
        table.entries.iter().map(|entry| format!("{}: {:?}", entry.key, entry.node.item)).collect()
    }

    #[test]
    fn a_rule_is_a_path_and_a_comparison() {
        assert_eq!(rule("$.status == \"ok\""), ["path: Text(\"$.status\")", "equals: Text(\"ok\")"]);
        assert_eq!(rule("$.status=ok"), ["path: Text(\"$.status\")", "equals: Text(\"ok\")"]);
        assert_eq!(rule("$.status==ok"), ["path: Text(\"$.status\")", "equals: Text(\"ok\")"]);
        assert_eq!(rule("$.status != 'a=b'"), ["path: Text(\"$.status\")", "not-equals: Text(\"a=b\")"]);
        assert_eq!(rule("$.n >= 3"), ["path: Text(\"$.n\")", "min: Integer(3)"]);
        assert_eq!(rule("$.n <= 1.5"), ["path: Text(\"$.n\")", "max: Float(1.5)"]);
        assert_eq!(
            rule("$.n != 18446744073709551617"),
            ["path: Text(\"$.n\")", "not-equals: Large(Some(\"18446744073709551617\"))"]
        );
        assert_eq!(rule("$.up == true"), ["path: Text(\"$.up\")", "equals: Boolean(true)"]);
        assert_eq!(rule("$.v matches ^1\\."), ["path: Text(\"$.v\")", "matches: Text(\"^1\\\\.\")"]);
        for (written, pattern) in
            [("/^1\\./", "^1\\."), ("/a\\/b/i", "(?i)a/b"), ("'/a/'", "/a/"), ("/a", "/a"), ("\"^1\"", "^1")]
        {
            assert_eq!(rule(&format!("$.v =~ {written}"))[1], format!("matches: Text({pattern:?})"), "{written}");
        }
        assert_eq!(rule("$.path matches /a/")[1], "matches: Text(\"/a/\")");
        assert_eq!(rule("$.items[?@.id == 1]"), ["path: Text(\"$.items[?@.id == 1]\")"]);
        assert_eq!(rule("$['a == b'] contains x"), ["path: Text(\"$['a == b']\")", "contains: Text(\"x\")"]);
    }

    #[test]
    fn a_latency_is_of_a_phase_or_of_the_whole() {
        let env = |_: &str| None;
        let mut reader = ConfigReader::new(&env);
        let span = reader.argument("--expect-latency", true);
        for (text, phase) in [
            ("800ms", "total"),
            ("< 800ms", "total"),
            ("total < 800ms", "total"),
            ("tls<=800ms", "tls"),
            ("connect = 800ms", "connect"),
        ] {
            assert_eq!(latency(&mut reader, &span, text), Some((phase, "800ms".to_owned())), "{text}");
        }
        assert_eq!(latency(&mut reader, &span, "ttfb < 1s"), None);
    }
}
