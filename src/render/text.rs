//! Small pieces of text that every format shares: times, counts, ratios, columns. It knows
//! neither passes nor reports.

use std::time::Duration;

use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::SafeText;

/// A time with three digits or so: `310 µs`, `4.2 ms`, `105 ms`, `1.31 s`, `2 min 05 s`, `3 h 20 min`, `4 d 2 h`.
#[must_use]
pub fn duration(time: Duration) -> String {
    spaced(time, " ")
}

/// The same without a space, for the cells of a table.
#[must_use]
pub fn tight_duration(time: Duration) -> String {
    spaced(time, "")
}

/// A time that may be absent: `-`.
#[must_use]
pub fn cell(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), tight_duration)
}

fn spaced(time: Duration, space: &str) -> String {
    // Whole numbers all the way: a rounded 999.96 ms must not become "1000 ms".
    let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let rounded = |unit: u64| (us.saturating_add(unit / 2)) / unit;
    if us < 1_000 {
        return format!("{us}{space}µs");
    }
    // What is a whole number is a limit or an interval, and no one wrote "30.0 s" in a file.
    if us < 60_000_000 && us % 1_000_000 == 0 {
        return format!("{}{space}s", us / 1_000_000);
    }
    if rounded(100) < 1_000 {
        return format!("{}.{}{space}ms", rounded(100) / 10, rounded(100) % 10);
    }
    if rounded(1_000) < 1_000 {
        return format!("{}{space}ms", rounded(1_000));
    }
    if rounded(10_000) < 1_000 {
        return format!("{}.{:02}{space}s", rounded(10_000) / 100, rounded(10_000) % 100);
    }
    if rounded(100_000) < 600 {
        return format!("{}.{}{space}s", rounded(100_000) / 10, rounded(100_000) % 10);
    }
    let seconds = rounded(1_000_000);
    let minutes = rounded(60_000_000);
    let hours = rounded(3_600_000_000);
    let two = |whole: u64, unit: &str, rest: u64, small: &str| match rest {
        0 => format!("{whole}{space}{unit}"),
        _ => format!("{whole}{space}{unit} {rest:02}{space}{small}"),
    };
    if seconds < 3_600 {
        two(seconds / 60, "min", seconds % 60, "s")
    } else if minutes < 48 * 60 {
        two(minutes / 60, "h", minutes % 60, "min")
    } else if hours % 24 == 0 {
        format!("{}{space}d", hours / 24)
    } else {
        format!("{}{space}d {}{space}h", hours / 24, hours % 24)
    }
}

/// A count with separators: `12,345`.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 check`, `12 checks`.
#[must_use]
pub fn counted(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(n)) }
}

/// A ratio in per cent. It says `0%` and `100%` only where that is exact: `0.03%`, `99.97%`.
#[must_use]
pub fn ratio(value: f64) -> String {
    if value <= 0.0 {
        return "0%".to_owned();
    }
    if value >= 1.0 {
        return "100%".to_owned();
    }
    let percent = value * 100.0;
    let from_edge = percent.min(100.0 - percent);
    for decimals in 1..6_usize {
        let last_digits = [10.0, 1.0, 0.1, 0.01, 0.001, 0.000_1][decimals];
        if from_edge >= last_digits {
            let text = format!("{percent:.decimals$}");
            return format!("{}%", text.trim_end_matches('0').trim_end_matches('.'));
        }
    }
    if percent < 50.0 { "<0.0001%".to_owned() } else { ">99.9999%".to_owned() }
}

/// An availability, rounded down so that it never promises more than was shown.
#[must_use]
pub fn floor_ratio(value: f64) -> String {
    let percent = value * 100.0;
    let scale = if percent < 99.0 { 10.0 } else { 1000.0 };
    format!("{}%", (percent * scale).floor() / scale)
}

/// `2025-03-10 09:31:00`, in UTC.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Text on one line, with whatever could move a cursor or hide text made visible. What servers say is
/// clean already; names from a probe file or a journal come here as they are.
#[must_use]
pub fn visible(text: &str) -> String {
    SafeText::clean(text, LONGEST).to_string()
}

/// The most characters of one text in an output.
const LONGEST: usize = 16 * 1024;

/// The columns a text takes on a terminal.
#[must_use]
pub fn width(text: &str) -> usize {
    text.width()
}

/// A text cut to some columns, the cut marked with `…`.
#[must_use]
pub fn clip(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let mut taken = 0;
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
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

/// A text cut and filled to some columns, on the left.
#[must_use]
pub fn left(text: &str, columns: usize) -> String {
    let mut cell = clip(text, columns);
    cell.push_str(&" ".repeat(columns.saturating_sub(width(&cell))));
    cell
}

/// A text cut and filled to some columns, on the right.
#[must_use]
pub fn right(text: &str, columns: usize) -> String {
    let cell = clip(text, columns);
    format!("{}{cell}", " ".repeat(columns.saturating_sub(width(&cell))))
}

/// A text broken into lines of some columns, at blanks where there are any.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split(' ') {
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
    lines
}

/// The byte at which a word fills the columns.
fn break_at(word: &str, columns: usize) -> usize {
    let mut taken = 0;
    for (at, character) in word.char_indices() {
        taken += character.width().unwrap_or(0);
        if taken > columns && at > 0 {
            return at;
        }
    }
    word.len()
}

/// A text in ASCII, column by column, for terminals that have nothing else.
#[must_use]
pub fn ascii(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let plain = match character {
                _ if character.is_ascii() => character,
                'µ' => 'u',
                '✓' => '+',
                '✗' | '×' => 'x',
                '·' | '–' | '—' | '─' | '▁' => '-',
                '→' | '≥' => '>',
                '│' | '├' | '└' | '┊' => '|',
                '▂' => '.',
                '█' => 'X',
                '▓' => 'O',
                '▒' => 'o',
                '…' | '≈' | '±' => '~',
                '▲' => '!',
                '≤' => '<',
                _ => '?',
            };
            let wide = character.width().unwrap_or(0).max(1);
            std::iter::repeat_n(plain, if plain == '?' { wide } else { 1 })
        })
        .collect()
}

/// A loud sentence on the probes that accept any certificate, where there are any.
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
    fn durations_read_like_a_person_would_write_them() {
        let us = |us: u64| duration(Duration::from_micros(us));
        assert_eq!(us(0), "0 µs");
        assert_eq!(us(310), "310 µs");
        assert_eq!(us(4_200), "4.2 ms");
        assert_eq!(us(99_949), "99.9 ms");
        assert_eq!(us(99_950), "100 ms");
        assert_eq!(us(105_800), "106 ms");
        assert_eq!(us(999_499), "999 ms");
        assert_eq!(us(999_500), "1.00 s");
        assert_eq!(us(30_000_000), "30 s");
        assert_eq!(us(1_310_000), "1.31 s");
        assert_eq!(us(9_995_000), "10.0 s");
        assert_eq!(us(59_940_000), "59.9 s");
        assert_eq!(us(59_960_000), "1 min");
        assert_eq!(us(125_000_000), "2 min 05 s");
        assert_eq!(us(3_600_000_000), "1 h");
        assert_eq!(us(12_000_000_000), "3 h 20 min");
        assert_eq!(us(86_400_000_000 * 7), "7 d");
        assert_eq!(us(86_400_000_000 * 4 + 7_200_000_000), "4 d 2 h");
    }

    #[test]
    fn a_ratio_is_never_rounded_to_all_or_nothing() {
        assert_eq!(ratio(0.0), "0%");
        assert_eq!(ratio(1.0), "100%");
        assert_eq!(ratio(0.315), "31.5%");
        assert_eq!(ratio(0.031_6), "3.2%");
        assert_eq!(ratio(0.000_3), "0.03%");
        assert_eq!(ratio(0.999_999), "99.9999%");
        assert_eq!(ratio(1e-9), "<0.0001%");
        assert_eq!(ratio(0.999_7), "99.97%");
        assert_eq!(ratio(0.5), "50%");
        assert_eq!(floor_ratio(0.860_89), "86%");
        assert_eq!(floor_ratio(0.999_99), "99.999%");
    }

    #[test]
    fn counts_have_separators() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(12_345_678), "12,345,678");
        assert_eq!(counted(1, "check"), "1 check");
    }

    #[test]
    fn a_wide_character_takes_two_columns() {
        assert_eq!(left("日本", 5), "日本 ");
        assert_eq!(clip("日本語", 5), "日本…");
        assert_eq!(wrap("aaa bbb ccccccccccccc", 8), ["aaa bbb", "cccccccc", "ccccc"]);
    }

    proptest::proptest! {
        #[test]
        fn columns_are_kept_whatever_the_text(text: String, columns in 1usize..40) {
            proptest::prop_assert!(width(&clip(&text, columns)) <= columns.max(width(&text).min(columns)));
            proptest::prop_assert!(ascii(&text).is_ascii());
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
