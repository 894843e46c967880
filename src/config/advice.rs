//! What to write instead of a pattern or a path in another tool's dialect. A form that is given
//! here compiles: it is tried before it is shown.

use crate::model::{JsonPath, Pattern, Selector};

/// The RFC 9535 form of a JSON path that is not one.
pub(crate) fn json_path(text: &str) -> Option<String> {
    if let Some(advice) = length_of(text) {
        return Some(advice);
    }
    if text.contains("=~") && search_of(text).is_none() {
        return Some("RFC 9535 has search(value, 'pattern') and match(value, 'pattern') for `=~`".to_owned());
    }
    // Later forms stand on earlier ones: jq's `.a-b` needs a root and then brackets.
    let mut text = text.trim().to_owned();
    let fixes: [fn(&str) -> Option<String>; 6] =
        [pointer_of, rooted, search_of, operators_of, last_of, |text| Some(bracketed(text))];
    for fix in fixes {
        if let Some(fixed) = fix(&text) {
            text = fixed;
        }
        if JsonPath::new(&text).is_ok() {
            return Some(format!("write it as \"{}\"", text.replace('"', "\\\"")));
        }
    }
    (!text.starts_with('$')).then(|| "a path starts with `$`: \"$.items[0].id\"".to_owned())
}

/// `$.items.length()`, `$.items.size()`: a rule of its own here, and in a filter a function.
fn length_of(text: &str) -> Option<String> {
    for name in [".length()", ".size()", ".count()", ".length"] {
        let Some(path) = text.strip_suffix(name) else { continue };
        if !name.ends_with(')') && JsonPath::new(text).is_ok() {
            return None;
        }
        let path = bracketed(&rooted(path).unwrap_or_else(|| path.to_owned()));
        if JsonPath::new(&path).is_ok() {
            return Some(format!("write `path = \"{path}\"` with `min-length` or `max-length` beside it"));
        }
    }
    None
}

/// `/items/0/id`, a JSON pointer (RFC 6901).
fn pointer_of(text: &str) -> Option<String> {
    let pointer = text.strip_prefix('/').or_else(|| text.strip_prefix("#/"))?;
    let steps = pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
    Some(steps.fold("$".to_owned(), |path, step| path + &member(&step)))
}

/// `.items[0]`, `items[0]` and `[0]`: a path without its root.
fn rooted(text: &str) -> Option<String> {
    match text.chars().next()? {
        '$' => None,
        '.' | '[' => Some(format!("${text}")),
        first if first.is_alphabetic() || first == '_' => Some(format!("$.{text}")),
        _ => None,
    }
}

/// `[?(@.name =~ /x/)]`: a search.
fn search_of(text: &str) -> Option<String> {
    let at = text.find("=~")?;
    let before = text[..at].trim_end();
    let value = before.rfind('@')?;
    let after = text[at + 2..].trim_start();
    let quote = after.chars().next().filter(|quote| matches!(quote, '/' | '\'' | '"'))?;
    let end = after[1..].find(quote)? + 1;
    let (pattern, rest) = (&after[1..end], &after[end + 1..]);
    // Flags have no form in I-Regexp (RFC 9485).
    if rest.starts_with(char::is_alphabetic) || pattern.contains('\'') {
        return None;
    }
    Some(format!("{}search({}, '{pattern}'){rest}", &before[..value], &before[value..]))
}

/// Words and signs of other languages between comparisons.
fn operators_of(text: &str) -> Option<String> {
    let mut fixed = text.replace("===", "==").replace("!==", "!=").replace(" and ", " && ").replace(" or ", " || ");
    if let Some(at) = fixed.find(" = ") {
        fixed.replace_range(at..at + 3, " == ");
    }
    for (method, function) in [(".length()", "length"), (".size()", "length"), (".count()", "count")] {
        while let Some(end) = fixed.find(method) {
            let Some(start) = fixed[..end].rfind('@') else { break };
            fixed = format!("{}{function}({}){}", &fixed[..start], &fixed[start..end], &fixed[end + method.len()..]);
        }
    }
    (fixed != text).then_some(fixed)
}

/// `[(@.length-1)]`, `.first()` and `.last()`: an index.
fn last_of(text: &str) -> Option<String> {
    let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let fixed = compact.replace("[(@.length-1)]", "[-1]").replace(".last()", "[-1]").replace(".first()", "[0]");
    (fixed != compact).then_some(fixed)
}

/// The path with every member that is no identifier in brackets: `$.invoice-address` →
/// `$['invoice-address']`, `$.items.0` → `$.items[0]`.
fn bracketed(text: &str) -> String {
    let mut fixed = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        if matches!(character, '\'' | '"') {
            let end = rest[1..].find(character).map_or(rest.len(), |at| at + 2);
            fixed.push_str(&rest[..end]);
            rest = &rest[end..];
        } else if character == '.' && !rest.starts_with("..") && !rest.starts_with(".*") {
            let ends = ['.', '[', ']', '(', ')', ' ', '=', '!', '<', '>', '&', '|', ',', '\'', '"'];
            let end = rest[1..].find(ends).map_or(rest.len(), |at| at + 1);
            fixed.push_str(&member(&rest[1..end]));
            rest = &rest[end..];
        } else {
            let length = if rest.starts_with("..") { 2 } else { character.len_utf8() };
            fixed.push_str(&rest[..length]);
            rest = &rest[length..];
        }
    }
    fixed
}

/// `.name`, `[0]` or `['any name']`.
fn member(name: &str) -> String {
    let is_name = name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    let is_index = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    match () {
        () if is_name => format!(".{name}"),
        () if is_index => format!("[{name}]"),
        () => format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

/// The form in linear time of a pattern that needs backtracking, or of another engine's dialect.
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

/// The patterns of `(?=.*a)(?=.*b)`, which must all be there.
fn positive_lookaheads(text: &str) -> Option<Vec<&str>> {
    let mut rest = text.strip_prefix('^').unwrap_or(text);
    let mut all = Vec::new();
    while let Some(inner) = rest.strip_prefix("(?=") {
        let end = (0..inner.len()).find(|end| inner[*end..].starts_with(')') && is_balanced(&inner[..*end]))?;
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
            let end = (0..inner.len()).find(|end| inner[*end..].starts_with(')') && is_balanced(&inner[..*end]))?;
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

/// Escapes and groups of other engines, and globs, as this one writes them.
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
    // Brackets without their other half stand for themselves, as in `f(x`.
    for [open, close] in [["(", ")"], ["[", "]"], ["{", "}"]] {
        if fixed.matches(open).count() != fixed.matches(close).count() && Pattern::new(&fixed).is_err() {
            fixed = fixed.replace(open, &format!("\\{open}")).replace(close, &format!("\\{close}"));
        }
    }
    (fixed != text && Pattern::new(&fixed).is_ok()).then_some(fixed)
}

/// The CSS form of a selector in another language: `XPath`, or a bare word with its brackets.
pub(crate) fn selector(text: &str) -> Option<String> {
    let fixed = if text.starts_with('/') {
        let path = text.trim_start_matches('/').replace("//", " ").replace('/', " > ");
        path.replace("[@", "[").replace("*[", "[")
    } else {
        // jQuery and XPath write an attribute with `@`; an unclosed bracket is closed.
        let closed =
            if text.matches('[').count() > text.matches(']').count() { format!("{text}]") } else { text.to_owned() };
        closed.replace("[@", "[")
    };
    (fixed != text && Selector::new(&fixed).is_ok()).then(|| format!("write it as \"{}\"", fixed.replace('"', "'")))
}

/// What a text that is not TOML is, where that can be told, and what to do instead.
pub(crate) fn other_language(text: &str) -> Option<(&'static str, &'static str)> {
    const IMPORT: &str = "`uptick import` reads files of other tools, and `uptick init` writes an example file";
    let text = text.trim_start();
    let first = text.lines().map(str::trim_end).find(|line| !line.is_empty() && !line.starts_with('#'))?;
    let is_key = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    let is_yaml = |line: &str| {
        line.starts_with("---")
            || line.strip_prefix("- ").is_some_and(|item| item.contains(": "))
            || line.split_once(':').is_some_and(|(key, rest)| is_key(key) && (rest.is_empty() || rest.starts_with(' ')))
    };
    if text.starts_with("{\"") || first == "{" || first == "[" || text.starts_with("[{") {
        return Some(("is JSON, and a probe file is TOML", IMPORT));
    }
    if text.starts_with('<') {
        return Some(("is HTML or XML, and a probe file is TOML", IMPORT));
    }
    if first.starts_with("curl ") {
        return Some(("is a curl command line, and a probe file is TOML", IMPORT));
    }
    is_yaml(first).then_some(("is YAML, and a probe file is TOML", IMPORT))
}

/// The TOML of a line that is none: YAML's colon, a text without quotes, a backslash in double
/// quotes, another language's comment. The value is quoted where nothing in the line is secret.
pub(crate) fn toml_line(line: &str, may_quote: bool) -> Option<String> {
    let line = line.trim();
    if line.starts_with("//") || line.starts_with(';') || line.starts_with("/*") {
        return Some("a comment starts with `#`".to_owned());
    }
    if line.contains(['“', '”', '‘', '’', '„']) {
        return Some("use straight quotes: \" or '".to_owned());
    }
    let is_key =
        |key: &str| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim()))
        && is_key(key)
    {
        let shown = |value: String| if may_quote { value } else { "…".to_owned() };
        return match value {
            "" => Some(format!("`{key}` has no value")),
            _ if value.starts_with('=') => {
                Some(format!("write one `=`: {key} = {}", shown(value[1..].trim().to_owned())))
            }
            "True" | "yes" | "on" | "TRUE" => Some(format!("write {key} = true")),
            "False" | "no" | "off" | "FALSE" => Some(format!("write {key} = false")),
            "None" | "null" | "nil" => Some(format!("TOML has no null: leave `{key}` out")),
            _ if value.starts_with('"') => {
                let inner = value[1..].rsplit_once('"').map_or("", |(inner, _)| inner);
                let is_plain = !inner.contains('\'') && has_foreign_escape(inner);
                is_plain.then(|| {
                    let inner = shown(inner.to_owned());
                    format!("in single quotes a backslash stands for itself: {key} = '{inner}'")
                })
            }
            _ if value.starts_with('\'') && value.ends_with('"') => {
                Some("a text ends with the quote that it begins with".to_owned())
            }
            _ if value.starts_with(['\'', '[', '{', '#']) => None,
            _ => {
                let value = value.split_once(" #").map_or(value, |(value, _)| value.trim_end());
                let is_text = !value.contains(['"', '\'', '\\']);
                is_text.then(|| format!("add quotes: {key} = \"{}\"", shown(value.to_owned())))
            }
        };
    }
    let yaml = line.strip_prefix("- ").unwrap_or(line);
    let (key, value) = yaml.split_once(':')?;
    if !is_key(key.trim_matches(['"', ' '])) || !(value.is_empty() || value.starts_with(' ')) {
        return None;
    }
    Some(match (line.starts_with("- "), value.trim()) {
        (false, "") => {
            format!("this looks like YAML; TOML writes a table as [{key}] and each table of a list as [[{key}]]")
        }
        (true, _) => "this looks like YAML; TOML writes each table of a list as [[probe]]".to_owned(),
        (false, _) => format!("this looks like YAML; TOML writes {key} = …"),
    })
}

/// Whether a text in double quotes has a backslash that TOML gives no meaning: `\d`, `\.`, `\w`.
fn has_foreign_escape(text: &str) -> bool {
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character == '\\' && !characters.next().is_some_and(|escaped| "btnfreuUx\"\\".contains(escaped)) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_path_of_another_tool_is_given_in_its_form_here() {
        let cases = [
            ("$.invoice-address", "write it as \"$['invoice-address']\""),
            ("$.invoice-address.zip-code", "write it as \"$['invoice-address']['zip-code']\""),
            ("$.items.0.id", "write it as \"$.items[0].id\""),
            (".items[0].id", "write it as \"$.items[0].id\""),
            ("items[0].id", "write it as \"$.items[0].id\""),
            ("[0].id", "write it as \"$[0].id\""),
            ("/items/0/id-x", "write it as \"$.items[0]['id-x']\""),
            ("$[?(@.name =~ /^a.*/)]", "write it as \"$[?(search(@.name, '^a.*'))]\""),
            ("$.items[?(@.a = 1)]", "write it as \"$.items[?(@.a == 1)]\""),
            ("$.items[?(@.a == 1 and @.b == 2)]", "write it as \"$.items[?(@.a == 1 && @.b == 2)]\""),
            ("$.items[?(@.tags.length() > 2)]", "write it as \"$.items[?(length(@.tags) > 2)]\""),
            ("$.items[(@.length-1)]", "write it as \"$.items[-1]\""),
            ("$.items.last().id", "write it as \"$.items[-1].id\""),
            ("$.items.length()", "write `path = \"$.items\"` with `min-length` or `max-length` beside it"),
            (".items.size()", "write `path = \"$.items\"` with `min-length` or `max-length` beside it"),
            ("$[?(@.name =~ /a/i)]", "RFC 9535 has search(value, 'pattern') and match(value, 'pattern') for `=~`"),
            ("?", "a path starts with `$`: \"$.items[0].id\""),
        ];
        for (text, advice) in cases {
            assert!(JsonPath::new(text).is_err(), "{text} is one");
            assert_eq!(json_path(text).as_deref(), Some(advice), "{text}");
        }
    }

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

    #[test]
    fn a_selector_of_another_language_is_given_as_css() {
        assert_eq!(selector("//div[@id='x']/a").as_deref(), Some("write it as \"div[id='x'] > a\""));
        assert_eq!(selector("meta[name=x").as_deref(), Some("write it as \"meta[name=x]\""));
        assert_eq!(selector("@@"), None);
    }

    #[test]
    fn a_line_that_is_no_toml_is_given_as_toml() {
        let cases = [
            (
                r#"body-matches = "\d+ items""#,
                r"in single quotes a backslash stands for itself: body-matches = '\d+ items'",
            ),
            ("interval = 30s", "add quotes: interval = \"30s\""),
            ("url = https://x.test/ # home", "add quotes: url = \"https://x.test/\""),
            ("insecure = True", "write insecure = true"),
            ("follow = yes", "write follow = true"),
            ("proxy = null", "TOML has no null: leave `proxy` out"),
            ("name == \"a\"", "write one `=`: name = \"a\""),
            ("name = ", "`name` has no value"),
            ("name = “a”", "use straight quotes: \" or '"),
            ("// a comment", "a comment starts with `#`"),
            ("; a comment", "a comment starts with `#`"),
            ("name: home", "this looks like YAML; TOML writes name = …"),
            (
                "endpoints:",
                "this looks like YAML; TOML writes a table as [endpoints] and each table of a list as [[endpoints]]",
            ),
            ("- name: home", "this looks like YAML; TOML writes each table of a list as [[probe]]"),
        ];
        for (line, advice) in cases {
            assert_eq!(toml_line(line, true).as_deref(), Some(advice), "{line}");
        }
        assert_eq!(toml_line("password = hunter2", false).as_deref(), Some("add quotes: password = \"…\""));
        for line in ["name = \"a\"", "name = 'a", "tags = [1", "[probe", "https://x.test/"] {
            assert_eq!(toml_line(line, true), None, "{line}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".{0,60}", noise in "[$.@\\[\\](){}?=!<>~|&'\"/*+0-9a-z\\\\ -]{0,60}") {
            for text in [text, noise] {
                let _ = (json_path(&text), pattern("body-matches", &text), selector(&text), toml_line(&text, true));
            }
        }
    }

    #[test]
    fn a_file_of_another_language_is_told_by_its_name() {
        for (text, language) in [
            ("probes:\n  - name: a\n", "YAML"),
            ("---\na: 1", "YAML"),
            ("# x\n- url: https://x\n", "YAML"),
            ("{\"probes\": []}", "JSON"),
            ("{\n  \"a\": 1\n}", "JSON"),
            ("[{\"a\": 1}]", "JSON"),
            ("<!doctype html>", "HTML"),
            ("curl https://x", "curl"),
        ] {
            assert!(other_language(text).unwrap().0.contains(language), "{text}");
        }
        for text in ["", "# only a comment", "[[probe]\nname = \"a\"", "name = home", "a = \"x: y\"\nb"] {
            assert_eq!(other_language(text), None, "{text}");
        }
    }
}
