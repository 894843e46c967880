//! The sizes of chunks (RFC 9112 section 7.1), counted beside the parser: that one takes zeros
//! without end, and a peer that sends them holds a check up to its timeout for nothing.

use std::fmt;

/// The most digits of a size that say something: 64 bits have 16.
const SIGNIFICANT: u32 = 16;

/// The most zeros before them.
const ZEROS: u32 = 64;

/// A chunk's size has too many digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SizeTooLong {
    /// More than 16 after the zeros.
    Significant,
    /// More than 64 zeros before them.
    Zeros,
}

impl fmt::Display for SizeTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SizeTooLong::Significant => write!(f, "the size of a chunk has more than {SIGNIFICANT} digits"),
            SizeTooLong::Zeros => write!(f, "the size of a chunk begins with more than {ZEROS} zeros"),
        }
    }
}

/// Where in the framing the next byte stands. What is malformed otherwise is left to the parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size {
        zeros: u32,
        significant: u32,
        size: u64,
    },
    /// The rest of the size's line: an extension.
    Extension {
        size: u64,
    },
    /// The data and the line end after it.
    Data {
        left: u64,
    },
    /// Trailers, or a framing that the parser refuses.
    Rest,
}

const START: State = State::Size { zeros: 0, significant: 0, size: 0 };

/// Follows a body in chunks from its first byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChunkScanner(State);

impl Default for ChunkScanner {
    fn default() -> ChunkScanner {
        ChunkScanner(START)
    }
}

impl ChunkScanner {
    /// Follows the next bytes.
    ///
    /// # Errors
    /// That a size has too many digits.
    pub(super) fn scan(&mut self, bytes: &[u8]) -> Result<(), SizeTooLong> {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            match self.0 {
                State::Rest => return Ok(()),
                State::Data { left } => {
                    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
                    rest = &rest[taken..];
                    let left = left - taken as u64;
                    // Whatever ends the data's line, the parser judges it; the size begins after LF.
                    self.0 = State::Data { left };
                    if left == 0 {
                        let Some(end) = rest.iter().position(|byte| *byte == b'\n') else { return Ok(()) };
                        rest = &rest[end + 1..];
                        self.0 = START;
                    }
                }
                State::Extension { size } => {
                    if byte == b'\n' {
                        self.0 = if size == 0 { State::Rest } else { State::Data { left: size } };
                    }
                    rest = after;
                }
                State::Size { zeros, significant, size } => {
                    self.0 = Self::digit(byte, zeros, significant, size)?;
                    // What is no digit belongs to the rest of the line.
                    rest = if matches!(self.0, State::Size { .. }) { after } else { rest };
                }
            }
        }
        Ok(())
    }

    fn digit(byte: u8, zeros: u32, significant: u32, size: u64) -> Result<State, SizeTooLong> {
        let Some(digit) = char::from(byte).to_digit(16) else { return Ok(State::Extension { size }) };
        if digit == 0 && significant == 0 {
            if zeros == ZEROS {
                return Err(SizeTooLong::Zeros);
            }
            return Ok(State::Size { zeros: zeros + 1, significant, size });
        }
        if significant == SIGNIFICANT {
            return Err(SizeTooLong::Significant);
        }
        Ok(State::Size { zeros, significant: significant + 1, size: size << 4 | u64::from(digit) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(text: &str) -> Result<(), SizeTooLong> {
        ChunkScanner::default().scan(text.as_bytes())
    }

    #[test]
    fn sizes_within_bounds_pass_and_data_is_not_taken_for_a_size() {
        assert_eq!(scan("5\r\nhello\r\n0\r\n\r\n"), Ok(()));
        assert_eq!(scan(&format!("{}5;a=b\r\nhello\r\n0\r\n\r\n", "0".repeat(63))), Ok(()));
        let zeros = "0".repeat(300);
        assert_eq!(scan(&format!("12c\r\n{zeros}\r\n0\r\n\r\n{zeros}")), Ok(()));
    }

    #[test]
    fn digits_past_the_bounds_are_refused() {
        assert_eq!(scan(&"0".repeat(64)), Ok(()));
        assert_eq!(scan(&"0".repeat(65)), Err(SizeTooLong::Zeros));
        assert_eq!(scan(&"f".repeat(16)), Ok(()));
        assert_eq!(scan(&"f".repeat(17)), Err(SizeTooLong::Significant));
        assert_eq!(scan(&format!("1\r\nx\r\n{}", "0".repeat(65))), Err(SizeTooLong::Zeros));
    }

    proptest! {
        #[test]
        fn how_bytes_fall_into_reads_makes_no_difference(text in "[0-9a-f;\r\n]{0,200}", at in 0usize..200) {
            let bytes = text.as_bytes();
            let (first, second) = bytes.split_at(at.min(bytes.len()));
            let mut cut = ChunkScanner::default();
            let cut = cut.scan(first).and_then(|()| cut.scan(second));
            prop_assert_eq!(cut, scan(&text));
        }
    }
}
