//! ASCII fallback for terminals that cannot show anything else.

use unicode_width::UnicodeWidthChar as _;

/// A text in ASCII, with the same columns.
pub(crate) fn ascii(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn whatever_the_text_it_is_ascii_then(text: String) {
            proptest::prop_assert!(ascii(&text).is_ascii());
        }
    }
}
