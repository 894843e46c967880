//! Rewrites the patterns of other regular expression engines so that they match in linear time.

use crate::model::Pattern;

/// The linear-time form of a pattern that needs backtracking, or of another engine's dialect.
pub(crate) fn pattern(key: &str, text: &str) -> Option<String> {
    let negative = if key.starts_with("body") { "body-not-matches" } else { "not-matches" };
    if let Some(forbidden) = negative_lookahead(text) {
        return Some(match key {
            "body-matches" | "matches" if Pattern::new(forbidden).is_ok() => {
                format!("patterns run in linear time, without lookahead; write {negative} = '{forbidden}'")
            }
            _ => format!("patterns run in linear time, without lookahead; use `{negative}` for what must not be there"),
        });
    }
    if let Some(all) = positive_lookaheads(text) {
        let list: Vec<String> = all.iter().map(|pattern| format!("'{pattern}'")).collect();
        return Some(format!("patterns run in linear time, without lookahead; write {key} = [{}]", list.join(", ")));
    }
    if let Some(grouped) = around(text) {
        return Some(format!(
            "patterns run in linear time, without lookaround; put a group around what counts: '{grouped}'"
        ));
    }
    if ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look| text.contains(look)) {
        return Some(format!(
            "patterns run in linear time, without lookaround; match the text around it and put a group around what \
             counts, or use `{negative}` for what must not be there"
        ));
    }
    if has_backreference(text) {
        let example = "`\"x\"|'x'` for `([\"'])x\\1`";
        return Some(format!(
            "patterns run in linear time, without backreferences; write the alternatives out: {example}"
        ));
    }
    dialect(text).map(|fixed| format!("write it as '{fixed}'"))
}

/// What a pattern that is one negative lookahead forbids: `(?!.*x)`, `^(?!.*x).*$`, `^((?!x).)*$`.
fn negative_lookahead(text: &str) -> Option<&str> {
    let inner = text.strip_prefix("(?s)").unwrap_or(text);
    let inner = inner.strip_prefix('^').unwrap_or(inner);
    let inner = inner.strip_suffix('$').unwrap_or(inner);
    if let Some(repeated) = inner.strip_prefix("((?!").and_then(|inner| inner.strip_suffix(").)*")) {
        return Some(repeated);
    }
    let inner = inner.strip_suffix(".*").or_else(|| inner.strip_suffix(".+")).unwrap_or(inner);
    let inner = inner.strip_prefix("(?!")?.strip_suffix(')')?;
    let inner = inner.strip_prefix(".*").unwrap_or(inner);
    is_balanced(inner).then_some(inner)
}

/// The patterns of `(?=.*a)(?=.*b)`, which must all match.
fn positive_lookaheads(text: &str) -> Option<Vec<&str>> {
    let mut rest = text.strip_prefix('^').unwrap_or(text);
    let mut all = Vec::new();
    while let Some(inner) = rest.strip_prefix("(?=") {
        let end = end_of_group(inner)?;
        all.push(inner[..end].strip_prefix(".*").unwrap_or(&inner[..end]));
        rest = &inner[end + 1..];
    }
    let is_rest_open = matches!(rest, "" | ".*" | ".+" | ".*$" | ".+$");
    (is_rest_open && !all.is_empty() && all.iter().all(|pattern| Pattern::new(pattern).is_ok())).then_some(all)
}

/// `(?<=a)b(?=c)` as `a(b)c`.
fn around(text: &str) -> Option<String> {
    let (before, rest) = match text.strip_prefix("(?<=") {
        Some(inner) => {
            let end = end_of_group(inner)?;
            (&inner[..end], &inner[end + 1..])
        }
        None => ("", text),
    };
    let (middle, after) = match rest.rfind("(?=") {
        Some(at) => (&rest[..at], rest[at + 3..].strip_suffix(')').filter(|after| is_balanced(after))?),
        None => (rest, ""),
    };
    let grouped = format!("{before}({middle}){after}");
    (grouped.len() < text.len() && !middle.is_empty() && Pattern::new(&grouped).is_ok()).then_some(grouped)
}

/// Where the parenthesis is that closes a group, given what follows its opening one.
fn end_of_group(inner: &str) -> Option<usize> {
    inner.match_indices(')').map(|(end, _)| end).find(|end| is_balanced(&inner[..*end]))
}

fn is_balanced(pattern: &str) -> bool {
    let mut depth = 0i32;
    let mut escaped = false;
    for character in pattern.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// `\1`, `\k<name>`, `(?P=name)`
fn has_backreference(text: &str) -> bool {
    let after_backslash = text.match_indices('\\').filter(|(at, _)| {
        let slashes = text[..*at].bytes().rev().take_while(|byte| *byte == b'\\').count();
        slashes % 2 == 0
    });
    text.contains("(?P=")
        || after_backslash.into_iter().any(|(at, _)| {
            let rest = &text[at + 1..];
            rest.starts_with(|c: char| ('1'..='9').contains(&c)) || rest.starts_with("k<") || rest.starts_with("g{")
        })
}

/// Translates escapes and groups of other engines, and globs.
fn dialect(text: &str) -> Option<String> {
    let mut fixed = text.to_owned();
    for (theirs, ours) in [
        ("(?>", "(?:"),
        ("(?#", "(?x:#"),
        ("\\Z", "\\z"),
        ("\\R", "(?:\\r?\\n)"),
        ("\\h", "[ \\t]"),
        ("\\K", ""),
        ("\\/", "/"),
        ("\\e", "\\x1b"),
        ("*+", "*"),
        ("++", "+"),
        ("?+", "?"),
        ("}+", "}"),
        ("{,", "{0,"),
    ] {
        fixed = fixed.replace(theirs, ours);
    }
    if fixed.starts_with(['*', '?', '+']) {
        fixed = fixed.replace('.', "\\.").replace('*', ".*").replace('?', ".");
    }
    // Unpaired brackets are literal, as in `f(x`.
    for [open, close] in [["(", ")"], ["[", "]"], ["{", "}"]] {
        if fixed.matches(open).count() != fixed.matches(close).count() && Pattern::new(&fixed).is_err() {
            fixed = fixed.replace(open, &format!("\\{open}")).replace(close, &format!("\\{close}"));
        }
    }
    (fixed != text && Pattern::new(&fixed).is_ok()).then_some(fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_needs_backtracking_is_given_in_linear_form() {
        let linear = "patterns run in linear time, without ";
        let cases = [
            ("body-matches", "^(?!.*error).*$", "lookahead; write body-not-matches = 'error'"),
            ("body-matches", "(?!error)", "lookahead; write body-not-matches = 'error'"),
            ("body-matches", "^((?!a|b).)*$", "lookahead; write body-not-matches = 'a|b'"),
            ("matches", "^(?!.*x)", "lookahead; write not-matches = 'x'"),
            ("body-matches", "(?=.*a)(?=.*b(c))", "lookahead; write body-matches = ['a', 'b(c)']"),
            ("matches", "(?<=token=)\\w+", "lookaround; put a group around what counts: 'token=(\\w+)'"),
            ("matches", "\\w+(?=;)", "lookaround; put a group around what counts: '(\\w+);'"),
            ("matches", "(?<=a)b(?=c)", "lookaround; put a group around what counts: 'a(b)c'"),
        ];
        for (key, text, advice) in cases {
            assert!(Pattern::new(text).is_err(), "{text} is one");
            assert_eq!(pattern(key, text).as_deref(), Some(&*format!("{linear}{advice}")), "{text}");
        }
        for text in ["(['\"])x\\1", "(?P<q>a)\\k<q>", "(?P<q>a)(?P=q)"] {
            assert!(Pattern::new(text).is_err(), "{text} is one");
            assert!(pattern("matches", text).unwrap().starts_with(&format!("{linear}backreferences")), "{text}");
        }
    }

    #[test]
    fn a_pattern_of_another_dialect_is_given_in_this_one() {
        let cases = [
            ("(?>a+)b", "(?:a+)b"),
            ("end\\Z", "end\\z"),
            ("a\\Rb", "a(?:\\r?\\n)b"),
            ("*.html", ".*\\.html"),
            ("f(x", "f\\(x"),
            ("a[0", "a\\[0"),
        ];
        for (text, fixed) in cases {
            assert!(Pattern::new(text).is_err(), "{text} is one");
            assert_eq!(pattern("matches", text), Some(format!("write it as '{fixed}'")), "{text}");
        }
    }
}
