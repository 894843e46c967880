//! The one reader of bodies: a stream, with a cap after decoding and a deadline. What lies past
//! the cap is never read, however small it was before decoding.

use reqwest::Response;
use tokio::time::Instant;

use crate::model::{FailureClass, Phase};

use super::fault::{Deadline, Fault, fault_in, timed_out};
use super::marks::Seen;

/// What was read of a body, after decoding.
#[derive(Clone, Debug, Default)]
pub(super) struct Body {
    /// The bytes kept: all that were read, or the beginning where nothing needs more.
    pub(super) bytes: Vec<u8>,
    /// How many bytes were read.
    pub(super) read: u64,
    /// Whether the body goes on past the limit.
    pub(super) cut: bool,
    /// The content encoding, where it is one that is not decoded.
    pub(super) encoding: Option<String>,
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
    let mut body = Body { encoding: undecoded(&response), ..Body::default() };
    loop {
        match tokio::time::timeout_at(deadline.at, response.chunk()).await {
            Ok(Ok(Some(chunk))) => {
                let room = limits.limit - body.read;
                let taken = &chunk[..chunk.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
                body.read += taken.len() as u64;
                let kept = taken.len().min(limits.keep.saturating_sub(body.bytes.len()));
                body.bytes.extend_from_slice(&taken[..kept]);
                if taken.len() < chunk.len() {
                    body.cut = true;
                    return (body, None);
                }
                // A server that always has a byte ready must not outrun the deadline.
                if Instant::now() >= deadline.at {
                    return out_of_time(body, deadline, target);
                }
            }
            Ok(Ok(None)) => return (body, None),
            Ok(Err(error)) => {
                let mut fault = fault_in(&error, Phase::Transfer, seen, target);
                if fault.class == FailureClass::BodyTruncated {
                    fault.message = format!("{} ({} bytes arrived)", fault.message, body.read);
                }
                return (body, Some(fault));
            }
            Err(_) => return out_of_time(body, deadline, target),
        }
    }
}

fn out_of_time(body: Body, deadline: Deadline, target: &str) -> (Body, Option<Fault>) {
    let mut fault = timed_out(Phase::Transfer, deadline, target);
    fault.message = format!("{}, {} bytes arrived", fault.message, body.read);
    (body, Some(fault))
}

/// The content encoding that is left after the client has decoded what it can: it takes the
/// header away with the encoding, and leaves both where it knows the encoding not or where
/// several are chained.
fn undecoded(response: &Response) -> Option<String> {
    let mut encodings = response.headers().get_all(http::header::CONTENT_ENCODING).iter().peekable();
    encodings.peek()?;
    let encodings: Vec<String> =
        encodings.map(|encoding| String::from_utf8_lossy(encoding.as_bytes()).trim().to_ascii_lowercase()).collect();
    let encodings = encodings.join(", ");
    (!matches!(encodings.as_str(), "" | "identity")).then_some(encodings)
}
