//! Escapes text for Markdown, so that text from outside stays text.

use super::text;

/// Text as a Markdown code span, in which nothing is interpreted as markup, a link or a mention.
/// With `in_table`, bars that would end a table's cell are escaped.
#[must_use]
pub(super) fn code_span(content: &str, in_table: bool) -> String {
    let one_line = text::visible(content);
    if one_line.trim().is_empty() {
        return String::new();
    }
    let ticks = "`".repeat(longest_run(&one_line, '`') + 1);
    // Markdown removes one blank on each side, so that a backtick can be at an end.
    let edge = one_line.starts_with(['`', ' ']) || one_line.ends_with(['`', ' ']);
    let blank = if edge { " " } else { "" };
    let span = format!("{ticks}{blank}{one_line}{blank}{ticks}");
    if in_table { span.replace('|', "\\|") } else { span }
}

/// The fence of a Markdown code block that this text cannot close.
#[must_use]
pub(super) fn fence(text: &str) -> String {
    "`".repeat((longest_run(text, '`') + 1).max(3))
}

fn ends_in_www(text: &str) -> bool {
    text.len() >= 3 && text.as_bytes()[text.len() - 3..].eq_ignore_ascii_case(b"www")
}

/// The length of the longest run of a character.
fn longest_run(text: &str, wanted: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for character in text.chars() {
        run = if character == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// Escapes a sentence as Markdown text. Only characters that Markdown would interpret at their
/// position are escaped, so that the source stays readable. `@`, `://` and `www.` are broken up by
/// an entity, so that they become neither mentions nor links.
#[must_use]
pub(super) fn markdown(content: &str) -> String {
    let visible = text::visible(content);
    let mut escaped = String::new();
    let mut before = None;
    let mut characters = visible.trim().chars().peekable();
    while let Some(character) = characters.next() {
        let after = characters.peek().copied();
        match character {
            '@' => escaped.push_str("&#64;"),
            ':' if is_clock(before, after) => escaped.push(':'),
            ':' => escaped.push_str("&#58;"),
            '.' if ends_in_www(&escaped) => escaped.push_str("&#46;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // Within a word it does not emphasize.
            '_' if is_in_word(before, after) => escaped.push('_'),
            // They make a list or a rule only at the start of a line.
            '-' | '+' | '=' if before.is_some() => escaped.push(character),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '+' | '-' | '!' | '|' | '~' | '=' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
        before = Some(character);
    }
    // A number with a dot or a bracket at the start of a line would become a list.
    match escaped.find(|character: char| !character.is_ascii_digit()) {
        Some(at) if at > 0 && escaped[at..].starts_with(['.', ')']) => escaped.insert(at, '\\'),
        _ => {}
    }
    escaped
}

/// Whether a colon is part of a time, `15:04`, or ends a word: then it does not belong to a link or
/// the name of an emoji.
fn is_clock(before: Option<char>, after: Option<char>) -> bool {
    let is_digit = |character: char| character.is_ascii_digit();
    after.is_none_or(|after| after == ' ') || before.is_some_and(is_digit) && after.is_some_and(is_digit)
}

fn is_in_word(before: Option<char>, after: Option<char>) -> bool {
    before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn a_sentence_reads_in_its_source_as_on_the_page() {
        let plain =
            "X app since 15:03:30–15:04 (2 h 56 min): 53.6% of 2,112 failed, connect_timeout; network-level + more";
        assert_eq!(markdown(plain), plain);
    }

    #[test]
    fn what_would_be_markup_a_mention_or_a_link_is_not() {
        for (text, escaped) in [
            ("- a", "\\- a"),
            ("+ a", "\\+ a"),
            ("1. a", "1\\. a"),
            ("1) a", "1\\) a"),
            ("_a_ *b*", "\\_a\\_ \\*b\\*"),
            ("[a](b)", "\\[a\\](b)"),
            ("@all http://x www.x.test", "&#64;all http&#58;//x www&#46;x.test"),
            (":smile:", "&#58;smile:"),
            ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ] {
            assert_eq!(markdown(text), escaped, "{text}");
        }
    }
}
