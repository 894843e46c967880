//! The screen: its size, and coloured text cut to fit it.

use unicode_width::UnicodeWidthChar as _;

/// The size of the screen, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Screen {
    /// Columns.
    pub(crate) width: usize,
    /// Rows.
    pub(crate) height: usize,
}

/// The default size, if the terminal does not report one: that of a VT100.
const USUAL: Screen = Screen { width: 80, height: 24 };

impl Screen {
    /// The terminal behind stderr.
    pub(super) fn of_stderr() -> Screen {
        match terminal_size::terminal_size_of(std::io::stderr()) {
            Some((terminal_size::Width(width), terminal_size::Height(height))) if width > 0 && height > 0 => {
                Screen { width: usize::from(width), height: usize::from(height) }
            }
            _ => USUAL,
        }
    }
}

/// The width of a text, in columns.
pub(super) fn width(text: &str) -> usize {
    pieces(text).map(|(_, width)| width).sum()
}

/// The text cut to a width; a cut is marked with `…` as its last column.
pub(super) fn clip(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let (mut cut, mut left, mut coloured) = (String::new(), columns.saturating_sub(1), false);
    for (piece, width) in pieces(text) {
        if width > left {
            break;
        }
        coloured |= piece.starts_with('\x1b');
        left -= width;
        cut.push_str(piece);
    }
    if columns > 0 {
        cut.push('…');
    }
    if coloured {
        cut.push_str("\x1b[0m");
    }
    cut
}

/// The text cut or padded with spaces to exactly this width.
pub(super) fn fit(text: &str, columns: usize) -> String {
    let cut = clip(text, columns);
    let blank = columns.saturating_sub(width(&cut));
    cut + &" ".repeat(blank)
}

/// The characters and escape sequences of a text, each with its width in columns.
fn pieces(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let length = if first == '\x1b' {
            rest.find(|c: char| c.is_ascii_alphabetic()).map_or(rest.len(), |end| end + 1)
        } else {
            first.len_utf8()
        };
        let (piece, after) = rest.split_at(length);
        rest = after;
        Some((piece, if first == '\x1b' { 0 } else { first.width().unwrap_or(0) }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_take_no_room_and_wide_characters_take_two() {
        assert_eq!(width("\x1b[31mdown\x1b[0m"), 4);
        assert_eq!(width("日本"), 4);
        assert_eq!(clip("\x1b[31mdown\x1b[0m", 4), "\x1b[31mdown\x1b[0m");
        assert_eq!(clip("\x1b[31mdown\x1b[0m", 3), "\x1b[31mdo…\x1b[0m");
        assert_eq!(clip("日本語", 4), "日…");
        assert_eq!(clip("abc", 0), "");
        assert_eq!(fit("ab", 4), "ab  ");
    }
}
