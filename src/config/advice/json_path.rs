//! Translates the JSON paths of other tools to RFC 9535.

use crate::model::JsonPath;

/// The RFC 9535 form of a JSON path that is not one.
pub(crate) fn json_path(text: &str) -> Option<String> {
    if let Some(advice) = length_of(text) {
        return Some(advice);
    }
    if text.contains("=~") && search_of(text).is_none() {
        return Some("RFC 9535 has search(value, 'pattern') and match(value, 'pattern') for `=~`".to_owned());
    }
    // Later rewrites depend on earlier ones: jq's `.a-b` needs a root and then brackets.
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

/// `$.items.length()`, `$.items.size()`: a separate rule here, and a function in a filter.
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
    // I-Regexp (RFC 9485) has no flags.
    if rest.starts_with(char::is_alphabetic) || pattern.contains('\'') {
        return None;
    }
    Some(format!("{}search({}, '{pattern}'){rest}", &before[..value], &before[value..]))
}

/// Operators of other languages in comparisons.
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

/// The path with every member that is not an identifier in brackets: `$.invoice-address` → `$['invoice-address']`,
/// `$.items.0` → `$.items[0]`.
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
}
