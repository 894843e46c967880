//! What to write instead of a pattern or a path in another tool's dialect. Every suggested form is compiled before it
//! is shown.

mod json_path;
mod linear_pattern;

use crate::model::Selector;

pub(crate) use json_path::json_path;
pub(crate) use linear_pattern::pattern;

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

/// The language of a text that is not TOML, if it can be recognised, and what to do instead.
pub(crate) fn other_language(text: &str) -> Option<(&'static str, &'static str)> {
    const IMPORT: &str = "`uptick import` reads files of other tools, and `uptick init` writes an example file";
    let text = text.trim_start();
    let first = text.lines().map(str::trim_end).find(|line| !line.is_empty() && !line.starts_with('#'))?;
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
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    if lines.all(|line| line.starts_with("https://") || line.starts_with("http://")) {
        const LIST: &str = "`uptick check @FILE` reads such a list, and `uptick init URL…` writes a probe file of it";
        return Some(("is a list of URLs, and a probe file is TOML", LIST));
    }
    if first.ends_with('{') && !first.contains('=') {
        return Some(("is HCL or another language of blocks, and a probe file is TOML", IMPORT));
    }
    if first.starts_with("curl ") {
        return Some(("is a curl command line, and a probe file is TOML", IMPORT));
    }
    is_yaml(first).then_some(("is YAML, and a probe file is TOML", IMPORT))
}

/// The TOML for a line that is not TOML: YAML's colon, a string without quotes, a backslash in double quotes, another
/// language's comment. The value is quoted only if nothing in the line is secret.
pub(crate) fn toml_line(line: &str, may_quote: bool) -> Option<String> {
    let line = line.trim();
    if line.starts_with("//") || line.starts_with(';') || line.starts_with("/*") {
        return Some("a comment starts with `#`".to_owned());
    }
    if line.contains(['“', '”', '‘', '’', '„']) {
        return Some("use straight quotes: \" or '".to_owned());
    }
    if line.contains('\u{a0}') {
        return Some("it has a no-break space: write a plain one".to_owned());
    }
    if let Some(name) = line.strip_prefix("[probe ").and_then(|rest| rest.strip_suffix(']')) {
        let name = name.trim_matches(['"', '\'', ' ']);
        return Some(if may_quote {
            format!("write [[probe]], and below it name = \"{name}\"")
        } else {
            "write [[probe]]".to_owned()
        });
    }
    if let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim()))
        && is_key(key)
    {
        return key_line(key, value, may_quote);
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

/// The TOML for a line with a key and an equals sign, whose value is not TOML.
fn key_line(key: &str, value: &str, may_quote: bool) -> Option<String> {
    let shown = |value: String| if may_quote { value } else { "…".to_owned() };
    match value {
        "" => Some(format!("`{key}` has no value")),
        _ if value.starts_with('=') => Some(format!("write one `=`: {key} = {}", shown(value[1..].trim().to_owned()))),
        "True" | "yes" | "on" | "TRUE" => Some(format!("write {key} = true")),
        "False" | "no" | "off" | "FALSE" => Some(format!("write {key} = false")),
        "None" | "null" | "nil" => Some(format!("TOML has no null: leave `{key}` out")),
        _ if value.ends_with([';', ',']) && !value.starts_with(['[', '{']) => {
            Some(format!("leave the `{}` at its end out", &value[value.len() - 1..]))
        }
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
        _ if value.starts_with('{') && value.contains(": ") && !value.contains('=') => {
            Some(format!("write `=` in a table: {key} = {{ name = … }}"))
        }
        _ if value.starts_with(['\'', '[', '{', '#']) => None,
        _ if value.parse::<f64>().is_ok() || matches!(value, "true" | "false") => None,
        _ => {
            let value = value.split_once(" #").map_or(value, |(value, _)| value.trim_end());
            let is_text = !value.contains(['"', '\'', '\\']);
            is_text.then(|| format!("add quotes: {key} = \"{}\"", shown(value.to_owned())))
        }
    }
}

/// Whether a text can be a bare key, or bare keys joined by dots.
fn is_key(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// Whether a text in double quotes has an escape that TOML does not know: `\d`, `\.`, `\w`.
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
            ("name = \"a\";", "leave the `;` at its end out"),
            ("name = \"a\",", "leave the `,` at its end out"),
            ("headers = { x: \"b\" }", "write `=` in a table: headers = { name = … }"),
            ("[probe home]", "write [[probe]], and below it name = \"home\""),
            ("name\u{a0}= \"a\"", "it has a no-break space: write a plain one"),
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
        for line in ["name = \"a\"", "status = 201", "name = 'a", "tags = [1", "[probe", "https://x.test/"] {
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
            ("# mine\nhttps://x.test/\nhttps://y.test/\n", "list of URLs"),
            ("probe \"a\" {\n  url = \"x\"\n}\n", "HCL"),
        ] {
            assert!(other_language(text).unwrap().0.contains(language), "{text}");
        }
        for text in ["", "# only a comment", "[[probe]\nname = \"a\"", "name = home", "a = \"x: y\"\nb"] {
            assert_eq!(other_language(text), None, "{text}");
        }
    }
}
