//! The only reader of bodies: a stream, with a limit after decoding and a deadline. Bytes past the
//! limit are never read, however small they are before decoding.

use tokio::time::Instant;

use crate::engine::fault::Deadline;
use crate::engine::http::coding::{CodingError, Decoder};

/// The most bytes decoded between two checks of the deadline.
const AT_A_TIME: usize = 64 * 1024;

/// The part of a body that was read, after decoding.
#[derive(Clone, Debug, Default)]
pub(crate) struct Body {
    /// The bytes kept: all that were read, or the beginning if nothing needs more.
    pub(crate) bytes: Vec<u8>,
    /// How many bytes were read, after decoding.
    pub(crate) read: u64,
    /// How many bytes were received, before decoding.
    pub(crate) encoded: u64,
    /// Whether the body continues past the limit.
    pub(crate) cut: bool,
    /// The content coding that was not decoded because it is not supported.
    pub(crate) undecodable: Option<String>,
    /// The defects of the content coding that were tolerated.
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

/// Collects a body: bytes from the connection go in, and are decoded, counted and kept.
#[derive(Debug)]
pub(crate) struct Intake {
    decoder: Decoder,
    limits: ReadLimits,
    body: Body,
    /// The buffer for decoded bytes that are only counted.
    scratch: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// All were read.
    All,
    /// The body continues past the limit: no more is read.
    Enough,
    /// The deadline passed while decoding.
    OutOfTime,
}

impl Intake {
    pub(crate) fn new(decoder: Decoder, limits: ReadLimits) -> Intake {
        let body = Body { undecodable: decoder.undecodable().map(str::to_owned), ..Body::default() };
        Intake { decoder, limits, body, scratch: Vec::new() }
    }

    /// Takes received bytes. A server that always has a byte ready, or one whose bytes decode to a
    /// thousand times as many, must not outrun the deadline.
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

    pub(crate) fn finish(&self) -> Result<(), CodingError> {
        self.decoder.finish()
    }

    /// How many bytes were read so far, after decoding.
    pub(crate) fn read(&self) -> u64 {
        self.body.read
    }

    pub(crate) fn into_body(mut self) -> Body {
        self.body.note = self.decoder.note();
        self.body
    }
}
