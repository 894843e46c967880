//! A chunked body (RFC 9112 section 7.1) as browsers and curl read it: lines may end in a bare LF, and
//! blanks may follow a size. Digits, extensions and trailers are bounded, or they could go on forever.

use bytes::{Buf, Bytes, BytesMut};

/// The most significant digits of a size: 64 bits have 16.
const SIGNIFICANT: u32 = 16;

/// The most leading zeros of a size.
const ZEROS: u32 = 64;

/// The most bytes of all chunk extensions, and of the trailers.
const EXTENSIONS: usize = 16 * 1024;
const TRAILERS: usize = 16 * 1024;

/// What is wrong with a chunked body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ChunkError {
    #[error("the size of a chunk is not a number")]
    NoSize,
    #[error("the size of a chunk has more than {SIGNIFICANT} digits")]
    Significant,
    #[error("the size of a chunk begins with more than {ZEROS} zeros")]
    Zeros,
    #[error("a chunk is longer than its size says")]
    TooLong,
    #[error("the sizes of chunks have more than {EXTENSIONS} bytes of extensions")]
    Extensions,
    #[error("more than {TRAILERS} bytes of trailers follow the last chunk")]
    Trailers,
}

/// Where in the framing the next byte is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the digits of a size.
    Size {
        zeros: u32,
        significant: u32,
        size: u64,
    },
    /// After the digits, where blanks may follow.
    Behind {
        size: u64,
    },
    /// In an extension, up to the end of its line.
    Extension {
        size: u64,
    },
    /// After the CR of a size's line.
    SizeEnd {
        size: u64,
    },
    Data {
        left: u64,
    },
    /// At the line end after the data, and between its CR and LF.
    DataEnd,
    DataCr,
    /// In a line of the trailers, after this many bytes. An empty line is the end.
    Trailer {
        length: usize,
    },
    End,
}

const START: State = State::Size { zeros: 0, significant: 0, size: 0 };

/// The next piece of a chunked body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Data(Bytes),
    /// More bytes must be received first.
    Missing,
    End,
}

/// Reads a chunked body from its first byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChunkReader {
    state: State,
    extensions: usize,
    trailers: usize,
}

impl Default for ChunkReader {
    fn default() -> ChunkReader {
        ChunkReader { state: START, extensions: 0, trailers: 0 }
    }
}

impl ChunkReader {
    /// Takes the next piece out of the unread bytes.
    ///
    /// # Errors
    /// What is wrong with the framing.
    pub(crate) fn next(&mut self, unread: &mut BytesMut) -> Result<Piece, ChunkError> {
        loop {
            match self.state {
                State::End => return Ok(Piece::End),
                State::Data { left } if !unread.is_empty() => {
                    let taken = usize::try_from(left).unwrap_or(usize::MAX).min(unread.len());
                    let left = left - taken as u64;
                    self.state = if left == 0 { State::DataEnd } else { State::Data { left } };
                    return Ok(Piece::Data(unread.split_to(taken).freeze()));
                }
                _ => {
                    let Some(byte) = unread.first().copied() else { return Ok(Piece::Missing) };
                    unread.advance(1);
                    self.state = self.after(byte)?;
                }
            }
        }
    }

    /// Whether all data was read, so that at most trailers are missing.
    pub(crate) fn is_past_data(&self) -> bool {
        matches!(self.state, State::Trailer { .. } | State::End)
    }

    fn after(&mut self, byte: u8) -> Result<State, ChunkError> {
        match (self.state, byte) {
            (State::Size { zeros, significant, size }, _) => digit(byte, zeros, significant, size),
            (State::Behind { size }, _) => of_size_line(byte, size),
            (State::Extension { size } | State::SizeEnd { size }, b'\n') => Ok(begin(size)),
            (State::Extension { size }, _) => {
                self.extensions += 1;
                let is_bounded = self.extensions <= EXTENSIONS;
                is_bounded.then_some(State::Extension { size }).ok_or(ChunkError::Extensions)
            }
            (State::SizeEnd { .. }, _) => Err(ChunkError::NoSize),
            (State::DataEnd, b'\r') => Ok(State::DataCr),
            (State::DataEnd | State::DataCr, b'\n') => Ok(START),
            (State::DataEnd | State::DataCr, _) => Err(ChunkError::TooLong),
            (State::Trailer { length: 0 }, b'\n') => Ok(State::End),
            (State::Trailer { .. }, b'\n') => Ok(State::Trailer { length: 0 }),
            (State::Trailer { length }, b'\r') => Ok(State::Trailer { length }),
            (State::Trailer { length }, _) => {
                self.trailers += 1;
                let is_bounded = self.trailers <= TRAILERS;
                is_bounded.then_some(State::Trailer { length: length + 1 }).ok_or(ChunkError::Trailers)
            }
            (state @ (State::Data { .. } | State::End), _) => Ok(state),
        }
    }
}

/// The state after a size's line.
fn begin(size: u64) -> State {
    if size == 0 { State::Trailer { length: 0 } } else { State::Data { left: size } }
}

fn digit(byte: u8, zeros: u32, significant: u32, size: u64) -> Result<State, ChunkError> {
    match char::from(byte).to_digit(16) {
        None if zeros == 0 && significant == 0 => Err(ChunkError::NoSize),
        None => of_size_line(byte, size),
        Some(0) if significant == 0 && zeros == ZEROS => Err(ChunkError::Zeros),
        Some(0) if significant == 0 => Ok(State::Size { zeros: zeros + 1, significant, size }),
        Some(_) if significant == SIGNIFICANT => Err(ChunkError::Significant),
        Some(digit) => Ok(State::Size { zeros, significant: significant + 1, size: size << 4 | u64::from(digit) }),
    }
}

/// The state after a byte that follows the digits of a size.
fn of_size_line(byte: u8, size: u64) -> Result<State, ChunkError> {
    match byte {
        b'\n' => Ok(begin(size)),
        b'\r' => Ok(State::SizeEnd { size }),
        b' ' | b'\t' => Ok(State::Behind { size }),
        b';' => Ok(State::Extension { size }),
        _ => Err(ChunkError::NoSize),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The data of a body that arrives in these pieces, and whether it ended.
    fn read(pieces: &[&[u8]]) -> Result<(Vec<u8>, bool), ChunkError> {
        let (mut reader, mut unread, mut data) = (ChunkReader::default(), BytesMut::new(), Vec::new());
        for piece in pieces {
            unread.extend_from_slice(piece);
            loop {
                match reader.next(&mut unread)? {
                    Piece::Data(bytes) => data.extend_from_slice(&bytes),
                    Piece::Missing => break,
                    Piece::End => return Ok((data, true)),
                }
            }
        }
        Ok((data, false))
    }

    fn whole(text: &str) -> Result<(Vec<u8>, bool), ChunkError> {
        read(&[text.as_bytes()])
    }

    #[test]
    fn what_browsers_and_curl_read_is_read() {
        let hello = Ok((b"hello".to_vec(), true));
        assert_eq!(whole("5\r\nhello\r\n0\r\n\r\n"), hello);
        assert_eq!(whole("2\nhe\n3\nllo\n0\n\n"), hello);
        assert_eq!(whole("5  \r\nhello\r\n0 \r\n\r\n"), hello);
        assert_eq!(whole("5;a=\"b\"\r\nhello\r\n000;x\r\na: b\r\nc: d\r\n\r\nHTTP/1.1"), hello);
        let zeros = "0".repeat(300);
        assert_eq!(whole(&format!("12c\r\n{zeros}\r\n0\r\n\r\n{zeros}")), Ok((zeros.into_bytes(), true)));
    }

    #[test]
    fn what_two_readers_could_take_for_two_things_is_refused() {
        assert_eq!(whole("\r\nhello"), Err(ChunkError::NoSize));
        assert_eq!(whole("xyz\r\n"), Err(ChunkError::NoSize));
        assert_eq!(whole("0x5\r\nhello"), Err(ChunkError::NoSize));
        assert_eq!(whole("5 5\r\nhello"), Err(ChunkError::NoSize));
        assert_eq!(whole("5\rhello"), Err(ChunkError::NoSize));
        assert_eq!(whole("3\r\nhello"), Err(ChunkError::TooLong));
        assert_eq!(whole("5\r\nhello\r5"), Err(ChunkError::TooLong));
    }

    #[test]
    fn what_has_no_end_is_refused_past_its_bound() {
        assert_eq!(whole(&"0".repeat(64)), Ok((Vec::new(), false)));
        assert_eq!(whole(&"0".repeat(65)), Err(ChunkError::Zeros));
        assert_eq!(whole(&"f".repeat(16)), Ok((Vec::new(), false)));
        assert_eq!(whole(&"f".repeat(17)), Err(ChunkError::Significant));
        assert_eq!(whole(&format!("1\r\nx\r\n{}", "0".repeat(65))), Err(ChunkError::Zeros));
        assert_eq!(whole(&format!("1;{}", "x".repeat(EXTENSIONS + 1))), Err(ChunkError::Extensions));
        let one_each = "1;abcdefg\r\nx\r\n".repeat(EXTENSIONS / 7 + 1);
        assert_eq!(whole(&one_each), Err(ChunkError::Extensions));
        assert_eq!(whole(&format!("0\r\n{}", "a: b\r\n".repeat(TRAILERS))), Err(ChunkError::Trailers));
    }

    #[test]
    fn a_body_whose_last_line_is_missing_is_past_its_data() {
        let (mut reader, mut unread) = (ChunkReader::default(), BytesMut::from("1\r\nx\r\n"));
        assert!(matches!(reader.next(&mut unread), Ok(Piece::Data(_))));
        assert_eq!(reader.next(&mut unread), Ok(Piece::Missing));
        assert!(!reader.is_past_data());
        unread.extend_from_slice(b"0\r\n");
        assert_eq!(reader.next(&mut unread), Ok(Piece::Missing));
        assert!(reader.is_past_data());
    }

    proptest! {
        #[test]
        fn how_bytes_fall_into_reads_makes_no_difference(text in "[0-9a-f; \r\n]{0,200}", at in 0usize..200) {
            let bytes = text.as_bytes();
            let (first, second) = bytes.split_at(at.min(bytes.len()));
            prop_assert_eq!(read(&[first, second]), whole(&text));
        }
    }
}
