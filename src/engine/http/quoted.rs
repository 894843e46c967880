//! Lists in the value of a header, in which quoted strings (RFC 9110 section 5.6.4) may contain the separator.

/// Splits a text at separators outside quotes.
pub(crate) fn outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    text.split(move |character| {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => return character == separator && !is_quoted,
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_inside_quotes_separates_nothing() {
        let split = |text| outside_quotes(text, ',').collect::<Vec<_>>();
        assert_eq!(split(r#"a="x, y",b, c="\",\\", d"#), [r#"a="x, y""#, "b", r#" c="\",\\""#, " d"]);
        assert_eq!(split("a\\,b"), ["a\\", "b"]);
        assert_eq!(split(r#""a,b"#), [r#""a,b"#]);
    }
}
