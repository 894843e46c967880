//! Text in the columns of a terminal: cut, padded, wrapped, without control characters.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::SafeText;
use crate::model::text::begins_command;

/// Text on one line, with everything visible that could move the cursor or hide text. Text from
/// servers is clean already, but names from a probe file or a journal may not be.
pub(crate) fn visible(text: &str) -> String {
    SafeText::clean(text, LONGEST).to_string()
}

/// The most characters of one text in an output.
const LONGEST: usize = 16 * 1024;

/// The width of a text on a terminal, in columns.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The most columns that a character adds to the text before it: U+FE0F turns the character before
/// it into an emoji, which takes one more.
fn added_width(character: char) -> usize {
    if character == '\u{fe0f}' { 1 } else { character.width().unwrap_or(0) }
}

/// A text cut to a width; a cut is marked with `…`.
pub(crate) fn clip(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let mut taken = 0;
    for character in text.chars() {
        let wide = added_width(character);
        if taken + wide + 1 > columns {
            break;
        }
        taken += wide;
        clipped.push(character);
    }
    if columns > 0 {
        clipped.push('…');
    }
    clipped
}

/// A text cut and padded to a width, left-aligned.
pub(crate) fn left(text: &str, columns: usize) -> String {
    let mut cell = clip(text, columns);
    cell.push_str(&" ".repeat(columns.saturating_sub(width(&cell))));
    cell
}

/// A text cut and padded to a width, right-aligned.
pub(crate) fn right(text: &str, columns: usize) -> String {
    let cell = clip(text, columns);
    format!("{}{cell}", " ".repeat(columns.saturating_sub(width(&cell))))
}

/// A text wrapped into lines of a width, at blanks if possible.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in words(text) {
        let mut word = word;
        let gap = usize::from(!line.is_empty());
        if width(&line) + gap + width(word) > columns && !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while width(word) > columns {
            let at = break_at(word, columns);
            lines.push(word[..at].to_owned());
            word = &word[at..];
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push(line);
    // A line break may turn harmless text into the start of a command.
    lines.into_iter().map(|line| if begins_command(&line) { visible(&line) } else { line }).collect()
}

/// The words of a text; a number and its unit are one word.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let from = rest?;
        let mut end = from.find(' ').unwrap_or(from.len());
        if from.get(..end).is_some_and(|word| word.ends_with(|c: char| c.is_ascii_digit())) {
            let behind = from.get(end + 1..).unwrap_or_default();
            let length = behind.find(' ').unwrap_or(behind.len());
            let unit = behind.get(..length).unwrap_or_default();
            if UNITS.contains(&unit.trim_end_matches(|c: char| !c.is_alphabetic())) {
                end += 1 + length;
            }
        }
        let (word, after) = from.split_at(end);
        rest = after.get(1..);
        Some(word)
    })
}

/// Words that stay on the same line as the number before them.
const UNITS: [&str; 14] = ["ns", "µs", "ms", "s", "min", "h", "d", "days", "B", "KiB", "MiB", "GiB", "bytes", "checks"];

/// The byte offset at which a word fills the columns.
fn break_at(word: &str, columns: usize) -> usize {
    let mut taken = 0;
    for (at, character) in word.char_indices() {
        taken += added_width(character);
        if taken > columns && at > 0 {
            return at;
        }
    }
    word.len()
}

/// A conspicuous sentence on the probes that accept any certificate; `None` if there are none.
pub(super) fn insecure_sentence(names: &[&str]) -> Option<String> {
    if names.is_empty() {
        return None;
    }
    let shown: Vec<&str> = names.iter().copied().take(10).collect();
    let more = names.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    Some(format!(
        "INSECURE TLS, any certificate is accepted: {}{more}. Up does not mean that the right server answered",
        shown.join(", ")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wide_character_takes_two_columns() {
        assert_eq!(left("日本", 5), "日本 ");
        assert_eq!(clip("日本語", 5), "日本…");
        assert_eq!(wrap("aaa bbb ccccccccccccc", 8), ["aaa bbb", "cccccccc", "ccccc"]);
    }

    #[test]
    fn a_number_stays_with_its_unit() {
        assert_eq!(wrap("slowest 13.1 ms, of 24 checks", 12), ["slowest", "13.1 ms, of", "24 checks"]);
        assert_eq!(wrap("status 503 for 2 min 05 s", 14), ["status 503 for", "2 min 05 s"]);
        assert_eq!(wrap("a  b", 8), ["a  b"]);
    }

    #[test]
    fn a_character_that_is_shown_as_an_emoji_takes_two_columns() {
        assert_eq!(clip("*\u{fe0f}abc", 2), "*…");
        assert_eq!(clip("*\u{fe0f}abc", 3), "*\u{fe0f}…");
        assert!(wrap(&"*\u{fe0f}".repeat(20), 9).iter().all(|line| width(line) <= 9));
    }

    proptest::proptest! {
        #[test]
        fn columns_are_kept_whatever_the_text(text: String, columns in 1usize..40) {
            proptest::prop_assert!(width(&clip(&text, columns)) <= columns.max(width(&text).min(columns)));
        }

        #[test]
        fn wrapping_loses_nothing(text in "[a-z日 ]{0,80}", columns in 8usize..30) {
            let lines = wrap(&text, columns);
            proptest::prop_assert!(lines.iter().all(|line| width(line) <= columns));
            let all: String = lines.concat().replace(' ', "");
            proptest::prop_assert_eq!(all, text.replace(' ', ""));
        }
    }
}
