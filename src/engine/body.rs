//! The one reader of bodies: a stream, with a cap after decoding and a deadline. What lies past
//! the cap is never read, however small it was before decoding.

use reqwest::Response;
use tokio::time::Instant;

use crate::model::{FailureClass, Phase};

use super::coding::{CodingError, Decoder};
use super::fault::{Deadline, Fault, fault_in, timed_out};
use super::marks::Seen;

/// The most bytes decoded before the deadline is looked at again.
const AT_A_TIME: usize = 64 * 1024;

/// What was read of a body, after decoding.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    /// The bytes kept: all that were read, or the beginning where nothing needs more.
    pub(super) bytes: Vec<u8>,
    /// How many bytes were read.
    pub(super) read: u64,
    /// Whether the body goes on past the limit.
    pub(super) cut: bool,
    /// The content coding that keeps the bytes from being read, where it is one that is not undone.
    pub(super) undecodable: Option<String>,
    /// What was tolerated of the content coding.
    pub(super) note: Option<String>,
}

/// How much of a body is read and kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReadLimits {
    /// The most bytes read, after decoding.
    pub(super) limit: u64,
    /// The most bytes kept.
    pub(super) keep: usize,
}

/// Reads a body. What arrived before a fault is kept beside it.
pub(super) async fn read(
    mut response: Response,
    limits: ReadLimits,
    deadline: Deadline,
    seen: &Seen,
    target: &str,
) -> (Body, Option<Fault>) {
    let mut intake = Intake::new(Decoder::for_headers(response.headers()), limits);
    let fault = loop {
        match tokio::time::timeout_at(deadline.at, response.chunk()).await {
            Ok(Ok(Some(chunk))) => match intake.take_all(&chunk, deadline) {
                Ok(Taken::All) => {}
                Ok(Taken::Enough) => break None,
                Ok(Taken::OutOfTime) => break Some(out_of_time(&intake.body, deadline, target)),
                Err(error) => break Some(undecoded(&error)),
            },
            Ok(Ok(None)) => break intake.finish().err().map(|error| undecoded(&error)),
            Ok(Err(error)) => {
                let mut fault = fault_in(&error, Phase::Transfer, seen, target);
                if fault.class == FailureClass::BodyTruncated {
                    fault.message = format!("{} ({} bytes arrived)", fault.message, intake.body.read);
                }
                break Some(fault);
            }
            Err(_) => break Some(out_of_time(&intake.body, deadline, target)),
        }
    };
    (intake.into_body(), fault)
}

fn undecoded(error: &CodingError) -> Fault {
    Fault::new(FailureClass::BodyDecode, Phase::Transfer, error.to_string())
}

fn out_of_time(body: &Body, deadline: Deadline, target: &str) -> Fault {
    let mut fault = timed_out(Phase::Transfer, deadline, target);
    fault.message = format!("{}, {} bytes arrived", fault.message, body.read);
    fault
}

/// A body in the making: what comes from the wire goes in, and is decoded, counted and kept.
#[derive(Debug)]
pub(super) struct Intake {
    decoder: Decoder,
    limits: ReadLimits,
    body: Body,
    /// Where bytes are decoded to that are counted alone.
    scratch: Vec<u8>,
}

/// What became of bytes from the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// All were taken.
    All,
    /// The body goes on past the limit: no more is read.
    Enough,
    /// The deadline passed meanwhile.
    OutOfTime,
}

impl Intake {
    pub(super) fn new(decoder: Decoder, limits: ReadLimits) -> Intake {
        let body = Body { undecodable: decoder.undecodable().map(str::to_owned), ..Body::default() };
        Intake { decoder, limits, body, scratch: Vec::new() }
    }

    /// Takes bytes as they came. A server that always has a byte ready, or one whose bytes decode
    /// to a thousand times as many, must not outrun the deadline.
    pub(super) fn take_all(&mut self, bytes: &[u8], deadline: Deadline) -> Result<Taken, CodingError> {
        let mut rest = bytes;
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
    pub(super) fn finish(&self) -> Result<(), CodingError> {
        self.decoder.finish()
    }

    /// What was read.
    pub(super) fn into_body(mut self) -> Body {
        self.body.note = self.decoder.note();
        self.body
    }
}
