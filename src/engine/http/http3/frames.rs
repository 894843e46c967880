//! Scans the frames of one HTTP/3 response as they arrive: the size of a frame that h3 holds in memory is
//! bounded, and a stream that ends within a frame is told from one that ends after it.

/// The largest encoded header block, in bytes.
const HEADER_BLOCK: u64 = 256 * 1024;

/// The largest frame, in bytes, of any kind other than HEADERS and DATA.
const OTHER: u64 = 64 * 1024;

/// The most frames without content: empty ones, and those of unknown kinds.
const SAYING_NOTHING: usize = 1_000;

const DATA: u64 = 0;
const HEADERS: u64 = 1;

/// Why the prober stopped reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// The header block is larger than accepted.
    #[error("a header block of {0} bytes")]
    HeaderBlock(u64),
    /// A frame is larger than its kind has reason to be.
    #[error("a frame of kind {kind:#x} has {length} bytes")]
    Frame {
        /// The frame type.
        kind: u64,
        /// The length of the payload, in bytes.
        length: u64,
    },
    /// More frames without content than any server has reason to send.
    #[error("more than {SAYING_NOTHING} frames carry nothing")]
    Flood,
    /// More bytes outside the answers than any server has reason to send.
    #[error("more than {0} bytes come beside the answer")]
    Control(u64),
}

/// The position of the next byte within the frames.
#[derive(Clone, Copy, Debug)]
enum Part {
    Kind(Varint),
    Length { kind: u64, length: Varint },
    Payload { kind: u64, left: u64 },
}

/// A variable-length integer (RFC 9000 section 16), received in part.
#[derive(Clone, Copy, Debug, Default)]
struct Varint {
    value: u64,
    /// How many of its bytes were received.
    come: u32,
    /// How many bytes it has in all.
    bytes: u32,
}

impl Varint {
    /// Takes a byte, and returns the number once it is complete.
    fn take(&mut self, byte: u8) -> Option<u64> {
        if self.come == 0 {
            self.bytes = 1 << (byte >> 6);
            self.value = u64::from(byte & 0x3f);
        } else {
            self.value = self.value << 8 | u64::from(byte);
        }
        self.come += 1;
        (self.come == self.bytes).then_some(self.value)
    }
}

/// Follows the frames of a stream without taking its bytes.
#[derive(Clone, Debug)]
pub(crate) struct FrameScanner {
    part: Part,
    /// How many bytes were received.
    read: u64,
    /// How many of them are the payload of DATA frames.
    data: u64,
    saying_nothing: usize,
}

impl Default for FrameScanner {
    fn default() -> FrameScanner {
        FrameScanner { part: Part::Kind(Varint::default()), read: 0, data: 0, saying_nothing: 0 }
    }
}

impl FrameScanner {
    /// Scans the next bytes.
    ///
    /// # Errors
    /// Why no more may be read.
    pub(crate) fn scan(&mut self, mut bytes: &[u8]) -> Result<(), Refusal> {
        self.read += bytes.len() as u64;
        while let Some((&byte, rest)) = bytes.split_first() {
            match &mut self.part {
                Part::Kind(number) => {
                    bytes = rest;
                    if let Some(kind) = number.take(byte) {
                        self.part = Part::Length { kind, length: Varint::default() };
                    }
                }
                Part::Length { kind, length } => {
                    bytes = rest;
                    let kind = *kind;
                    if let Some(length) = length.take(byte) {
                        self.admit(kind, length)?;
                        self.part = Part::Payload { kind, left: length };
                    }
                }
                Part::Payload { kind, left } => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len());
                    bytes = bytes.get(here..).unwrap_or_default();
                    *left -= here as u64;
                    if *kind == DATA {
                        self.data += here as u64;
                    }
                }
            }
            if let Part::Payload { left: 0, .. } = self.part {
                self.part = Part::Kind(Varint::default());
            }
        }
        Ok(())
    }

    fn admit(&mut self, kind: u64, length: u64) -> Result<(), Refusal> {
        match kind {
            HEADERS if length > HEADER_BLOCK => return Err(Refusal::HeaderBlock(length)),
            HEADERS => {}
            DATA if length > 0 => {}
            DATA => self.saying_nothing += 1,
            _ if length > OTHER => return Err(Refusal::Frame { kind, length }),
            _ => self.saying_nothing += 1,
        }
        if self.saying_nothing > SAYING_NOTHING { Err(Refusal::Flood) } else { Ok(()) }
    }

    /// Whether not a single byte was received.
    pub(crate) fn is_empty(&self) -> bool {
        self.read == 0
    }

    /// How many bytes of DATA payload were received.
    pub(crate) fn data(&self) -> u64 {
        self.data
    }

    /// Whether the last frame is incomplete.
    pub(crate) fn is_in_a_frame(&self) -> bool {
        !matches!(self.part, Part::Kind(Varint { come: 0, .. }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A frame with a one-byte kind and a two-byte length.
    fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
        let length = u16::try_from(payload.len()).expect("a short payload") | 0x4000;
        [&[kind][..], &length.to_be_bytes(), payload].concat()
    }

    #[test]
    fn bytes_are_counted_however_they_are_cut() {
        let answer =
            [frame(1, &[0, 0, 0xd9]), frame(0, b"hello"), frame(0x21, b"grease"), frame(0, b" world")].concat();
        for piece in 1..answer.len() {
            let mut scanner = FrameScanner::default();
            assert!(scanner.is_empty());
            for bytes in answer.chunks(piece) {
                assert_eq!(scanner.scan(bytes), Ok(()));
            }
            assert_eq!((scanner.data(), scanner.is_in_a_frame()), (11, false), "in pieces of {piece}");
        }
    }

    #[test]
    fn an_end_within_a_frame_is_known_wherever_it_is() {
        let answer = frame(0, b"hello");
        for end in 1..answer.len() {
            let mut scanner = FrameScanner::default();
            assert_eq!(scanner.scan(&answer[..end]), Ok(()));
            assert!(scanner.is_in_a_frame(), "after {end} bytes");
        }
    }

    #[test]
    fn what_would_be_held_as_a_whole_is_bounded_and_data_is_not() {
        let large = |kind: u8| {
            let length = (1_u64 << 32 | 0xc000_0000_0000_0000).to_be_bytes();
            FrameScanner::default().scan(&[&[kind][..], &length].concat())
        };
        assert_eq!(large(0), Ok(()));
        assert_eq!(large(1), Err(Refusal::HeaderBlock(1 << 32)));
        assert_eq!(large(0x21), Err(Refusal::Frame { kind: 0x21, length: 1 << 32 }));
    }

    #[test]
    fn frames_that_say_nothing_are_a_flood_in_the_end() {
        for kind in [0, 0x21] {
            let mut scanner = FrameScanner::default();
            assert_eq!(scanner.scan(&frame(kind, b"").repeat(SAYING_NOTHING)), Ok(()));
            assert_eq!(scanner.scan(&frame(kind, b"")), Err(Refusal::Flood));
        }
    }
}
