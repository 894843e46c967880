//! The one reader of bodies: a stream, with a cap after decoding and a deadline. What lies past
//! the cap is never read, however small it was before decoding.

use tokio::time::Instant;

use crate::engine::fault::Deadline;
use crate::engine::http::coding::{CodingError, Decoder};

/// The most bytes decoded before the deadline is looked at again.
const AT_A_TIME: usize = 64 * 1024;

/// What was read of a body, after decoding.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    /// The bytes kept: all that were read, or the beginning where nothing needs more.
    pub(crate) bytes: Vec<u8>,
    /// How many bytes were read.
    pub(crate) read: u64,
    /// Bytes that came on the wire, before decoding.
    pub(crate) encoded: u64,
    /// Whether the body goes on past the limit.
    pub(crate) cut: bool,
    /// The content coding that keeps the bytes from being read, if it is one that is not undone.
    pub(crate) undecodable: Option<String>,
    /// What was tolerated of the content coding.
    pub(crate) note: Option<String>,
}

/// How much of a body is read and kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ReadLimits {
    /// The most bytes read, after decoding.
    pub(crate) limit: u64,
    /// The most bytes kept.
    pub(crate) keep: usize,
}

/// A body in the making: what comes from the wire goes in, and is decoded, counted and kept.
#[derive(Debug)]
pub(crate) struct Intake {
    decoder: Decoder,
    limits: ReadLimits,
    body: Body,
    /// Where bytes are decoded to that are counted alone.
    scratch: Vec<u8>,
}

/// What became of bytes from the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// All were taken.
    All,
    /// The body goes on past the limit: no more is read.
    Enough,
    /// The deadline passed meanwhile.
    OutOfTime,
}

impl Intake {
    pub(crate) fn new(decoder: Decoder, limits: ReadLimits) -> Intake {
        let body = Body { undecodable: decoder.undecodable().map(str::to_owned), ..Body::default() };
        Intake { decoder, limits, body, scratch: Vec::new() }
    }

    /// Takes bytes as they came. A server that always has a byte ready, or one whose bytes decode
    /// to a thousand times as many, must not outrun the deadline.
    pub(crate) fn take_all(&mut self, bytes: &[u8], deadline: Deadline) -> Result<Taken, CodingError> {
        let mut rest = bytes;
        self.body.encoded += bytes.len() as u64;
        loop {
            let left = usize::try_from(self.limits.limit - self.body.read).unwrap_or(usize::MAX);
            if left == 0 {
                self.scratch.clear();
                self.decoder.push(rest, &mut self.scratch, 1)?;
                self.body.cut = !self.scratch.is_empty();
                return Ok(if self.body.cut { Taken::Enough } else { Taken::All });
            }
            let to_keep = self.limits.keep.saturating_sub(self.body.bytes.len());
            let mut room = left.min(AT_A_TIME);
            let out = if to_keep > 0 {
                room = room.min(to_keep);
                &mut self.body.bytes
            } else {
                self.scratch.clear();
                &mut self.scratch
            };
            let before = out.len();
            let taken = self.decoder.push(rest, out, room);
            let given = out.len() - before;
            self.body.read += given as u64;
            rest = &rest[taken?..];
            if Instant::now() >= deadline.at {
                return Ok(Taken::OutOfTime);
            }
            if given < room || rest.is_empty() && self.decoder.is_identity() {
                return Ok(Taken::All);
            }
        }
    }

    /// The body has ended.
    pub(crate) fn finish(&self) -> Result<(), CodingError> {
        self.decoder.finish()
    }

    /// How many bytes were read so far.
    pub(crate) fn read(&self) -> u64 {
        self.body.read
    }

    /// What was read.
    pub(crate) fn into_body(mut self) -> Body {
        self.body.note = self.decoder.note();
        self.body
    }
}
