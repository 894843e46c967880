//! Zstandard (RFC 8878), with windows of at most 8 MiB (RFC 9659), as in browsers.

use std::fmt;
use std::io::Read as _;

use ruzstd::decoding::errors::FrameDecoderError;
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::progress::{CodingError, Progress, invalid};

pub(super) const NAME: &str = "zstd";

/// The largest window in bytes: the memory that a frame may make its decoder hold.
const WINDOW: u64 = 8 * 1024 * 1024;

/// The magic number of a frame.
const MAGIC: u32 = 0xfd2f_b528;

/// The magic number of a skippable frame, without its last four bits.
const SKIPPABLE: u32 = 0x184d_2a50;

/// The largest block in bytes (RFC 8878 section 3.1.1.2.4).
const BLOCK: usize = 128 * 1024;

/// A decoder of consecutive frames. The library decodes whole blocks, so a block is held until it is
/// complete.
pub(super) struct Zstd {
    decoder: FrameDecoder,
    state: State,
    /// The part of a frame that is not complete yet.
    held: Vec<u8>,
    /// How many frames have ended.
    ended: u64,
    has_checksum: bool,
    /// How many bytes the frame has produced.
    given: u64,
    ignored: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between frames.
    Start,
    /// In a skippable frame, with this many bytes left.
    Skip(u64),
    Block,
    /// The last block is decoded, and its output not yet all taken.
    Drain,
    /// After the last frame.
    After,
}

impl fmt::Debug for Zstd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Zstd").field("state", &self.state).finish_non_exhaustive()
    }
}

impl Zstd {
    pub(super) fn new() -> Zstd {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(WINDOW);
        let held = Vec::new();
        Zstd { decoder, state: State::Start, held, ended: 0, has_checksum: false, given: 0, ignored: 0 }
    }

    /// How many bytes after the end were ignored.
    pub(super) fn ignored(&self) -> u64 {
        self.ignored + if self.state == State::Start && self.ended > 0 { self.held.len() as u64 } else { 0 }
    }

    pub(super) fn finish(&self) -> Result<(), CodingError> {
        let is_complete = match self.state {
            State::Start => self.held.is_empty() || self.ended > 0 && self.held.len() < 4,
            State::Skip(left) => left == 0,
            State::Block => false,
            State::Drain | State::After => true,
        };
        if is_complete { Ok(()) } else { Err(CodingError::Truncated(NAME)) }
    }

    pub(super) fn step(&mut self, input: &[u8], out: &mut [u8], progress: &mut Progress) -> Result<(), CodingError> {
        loop {
            if matches!(self.state, State::Block | State::Drain) {
                let given = self.decoder.read(&mut out[progress.given..]).map_err(|_| damaged())?;
                self.given += given as u64;
                progress.given += given;
                if progress.given == out.len() {
                    return Ok(());
                }
            }
            let is_fed = match self.state {
                State::Start => self.start(input, progress)?,
                State::Skip(left) => self.skip(left, input, progress),
                State::Block => self.block(input, progress)?,
                State::Drain => {
                    self.end()?;
                    true
                }
                State::After => {
                    self.ignored += (input.len() - progress.taken) as u64;
                    progress.taken = input.len();
                    false
                }
            };
            if !is_fed {
                return Ok(());
            }
        }
    }

    /// Takes bytes until `wanted` are held; true if they are.
    fn hold(&mut self, wanted: usize, input: &[u8], progress: &mut Progress) -> bool {
        let missing = wanted.saturating_sub(self.held.len());
        let taken = missing.min(input.len() - progress.taken);
        self.held.extend_from_slice(&input[progress.taken..progress.taken + taken]);
        progress.taken += taken;
        self.held.len() >= wanted
    }

    /// Reads the header of a frame, or finds that none follows the last one.
    fn start(&mut self, input: &[u8], progress: &mut Progress) -> Result<bool, CodingError> {
        if !self.hold(4, input, progress) {
            return Ok(false);
        }
        let magic = u32::from_le_bytes([self.held[0], self.held[1], self.held[2], self.held[3]]);
        if magic & !0x0f == SKIPPABLE {
            if !self.hold(8, input, progress) {
                return Ok(false);
            }
            let length = u32::from_le_bytes([self.held[4], self.held[5], self.held[6], self.held[7]]);
            self.held.clear();
            self.state = State::Skip(u64::from(length));
            return Ok(true);
        }
        if magic != MAGIC {
            if self.ended == 0 {
                return Err(invalid(NAME, "it does not start as zstd does"));
            }
            self.ignored += self.held.len() as u64;
            self.held.clear();
            self.state = State::After;
            return Ok(true);
        }
        if !self.hold(5, input, progress) {
            return Ok(false);
        }
        let descriptor = self.held[4];
        if !self.hold(5 + header_length(descriptor), input, progress) {
            return Ok(false);
        }
        let begun = self.decoder.init(self.held.as_slice());
        begun.map_err(|error| invalid(NAME, refused_header(&error)))?;
        self.has_checksum = descriptor & 0x04 != 0;
        self.held.clear();
        self.given = 0;
        self.state = State::Block;
        Ok(true)
    }

    fn skip(&mut self, left: u64, input: &[u8], progress: &mut Progress) -> bool {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(input.len() - progress.taken);
        progress.taken += taken;
        let left = left - taken as u64;
        self.state = if left == 0 { State::Start } else { State::Skip(left) };
        left == 0
    }

    /// Decodes the next block, once all of it is held.
    fn block(&mut self, input: &[u8], progress: &mut Progress) -> Result<bool, CodingError> {
        if !self.hold(3, input, progress) {
            return Ok(false);
        }
        let head = u32::from_le_bytes([self.held[0], self.held[1], self.held[2], 0]);
        let (is_last, kind, size) = (head & 1 == 1, head >> 1 & 3, (head >> 3) as usize);
        if size > BLOCK {
            return Err(damaged());
        }
        // The size of an RLE block is the length of its run; its content is one byte.
        let size = if kind == 1 { 1 } else { size };
        let checksum = if is_last && self.has_checksum { 4 } else { 0 };
        if !self.hold(3 + size + checksum, input, progress) {
            return Ok(false);
        }
        let decoded = self.decoder.decode_blocks(self.held.as_slice(), BlockDecodingStrategy::UptoBlocks(1));
        self.held.clear();
        if decoded.map_err(|_| damaged())? {
            self.state = State::Drain;
        }
        Ok(true)
    }

    /// Verifies the checksum and the size at the end of a frame.
    fn end(&mut self) -> Result<(), CodingError> {
        self.ended += 1;
        self.state = State::Start;
        let announced = self.decoder.content_size();
        if announced > 0 && announced != self.given {
            return Err(invalid(NAME, "the size does not match the data"));
        }
        if self.has_checksum && self.decoder.get_checksum_from_data() != self.decoder.get_calculated_checksum() {
            return Err(invalid(NAME, "the checksum does not match the data"));
        }
        Ok(())
    }
}

fn damaged() -> CodingError {
    invalid(NAME, "damaged data")
}

/// How many bytes of a frame's header follow its descriptor (RFC 8878 section 3.1.1.1).
fn header_length(descriptor: u8) -> usize {
    let is_single_segment = descriptor & 0x20 != 0;
    let window = usize::from(!is_single_segment);
    let dictionary = [0, 1, 2, 4][usize::from(descriptor & 3)];
    let size = match descriptor >> 6 {
        0 => usize::from(is_single_segment),
        1 => 2,
        2 => 4,
        _ => 8,
    };
    window + dictionary + size
}

fn refused_header(error: &FrameDecoderError) -> String {
    match error {
        FrameDecoderError::WindowSizeTooBig { requested, .. } => {
            format!("its window has {requested} bytes, more than the {WINDOW} that browsers accept")
        }
        FrameDecoderError::DictNotProvided { .. } => "it requires a dictionary, and none was offered".to_owned(),
        _ => "its header is damaged".to_owned(),
    }
}
