//! Text inside Markdown, CSV, HTML: what must be escaped, so that text from outside stays text.

use super::text;

/// Text as a Markdown code span: nothing in it is markup, a link or a mention. `in_table` guards
/// the bars that would end a table's cell.
#[must_use]
pub(super) fn code_span(content: &str, in_table: bool) -> String {
    let one_line = text::visible(content);
    if one_line.trim().is_empty() {
        return String::new();
    }
    let ticks = "`".repeat(longest_run(&one_line, '`') + 1);
    // One blank on each side is taken away by the reader, so that a tick may stand at an end.
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

/// The longest run of a character.
fn longest_run(text: &str, wanted: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for character in text.chars() {
        run = if character == wanted { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

/// A sentence as Markdown text: whatever Markdown acts on is escaped; `@`, `://` and `www.` are broken
/// by an entity, so that they become neither mentions nor links.
#[must_use]
pub(super) fn markdown(content: &str) -> String {
    let mut escaped = String::new();
    for character in text::visible(content).chars() {
        match character {
            '@' => escaped.push_str("&#64;"),
            ':' => escaped.push_str("&#58;"),
            '.' if ends_in_www(&escaped) => escaped.push_str("&#46;"),
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '-' | '!' | '|' | '~' | '=' => {
                escaped.push('\\');
                escaped.push(character);
            }
            _ => escaped.push(character),
        }
    }
    // A number and a dot at the start of a line would be a list.
    match escaped.find(|character: char| !character.is_ascii_digit()) {
        Some(at) if at > 0 && escaped[at..].starts_with('.') => escaped.insert(at, '\\'),
        _ => {}
    }
    escaped.trim().to_owned()
}
