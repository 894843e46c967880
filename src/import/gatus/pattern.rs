//! The functions of a Gatus condition, `pat(…)` and `any(…)`: what they match, and the equivalent
//! regular expression.

use crate::config::glob;

/// The text between the parentheses of a function; `None` if it is not this function.
pub(super) fn function_of<'t>(text: &'t str, name: &str) -> Option<&'t str> {
    text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')')
}

/// The values between the parentheses of `any(…)`, or the single value.
pub(super) fn alternatives(text: &str) -> Vec<String> {
    match function_of(text, "any") {
        Some(inner) => inner.split(',').map(|value| value.trim().to_owned()).collect(),
        None => vec![text.to_owned()],
    }
}

/// A text, `pat(…)` or `any(…)` as a regular expression that matches the whole value.
pub(super) fn pattern_of(right: &str) -> String {
    let one = |text: &str| match function_of(text, "pat") {
        Some(glob) => glob_pattern(glob),
        None => escape(text),
    };
    let pattern = match function_of(right, "any") {
        Some(_) => format!("(?:{})", alternatives(right).iter().map(|text| one(text)).collect::<Vec<_>>().join("|")),
        None => one(right),
    };
    // A pattern is also a template of the probe file, so `${` is escaped.
    format!("(?s)^{pattern}$").replace("${", "$${")
}

/// Translates `*` and `?` as Gatus interprets them.
fn glob_pattern(glob: &str) -> String {
    let parts = glob.chars().map(|c| match c {
        '*' => ".*".to_owned(),
        '?' => ".".to_owned(),
        other => escape(&other.to_string()),
    });
    parts.collect()
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_punctuation()
            && !matches!(
                character,
                '_' | '"' | '\'' | ',' | ':' | ';' | '<' | '>' | '=' | '/' | '!' | '@' | '%' | '`' | '~' | '&'
            )
        {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Whether a value matches: a text, `pat(…)`, or one of `any(…)`.
pub(super) fn is_met(right: &str, value: &str) -> bool {
    alternatives(right).iter().any(|one| match function_of(one, "pat") {
        Some(glob) => glob::matches_text(glob, value),
        None => one == value,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_met_as_gatus_meets_it() {
        for (right, met) in [
            ("200", true),
            ("pat(2*)", true),
            ("pat(2?0)", true),
            ("any(404, 200)", true),
            ("any(404, pat(20*))", true),
            ("pat(3*)", false),
            ("any(1, 2)", false),
            (&format!("pat({}9)", "*2".repeat(50_000)), false),
            ("pat(2?)", false),
        ] {
            assert_eq!(is_met(right, "200"), met, "{right}");
        }
    }
}
