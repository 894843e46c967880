//! HTTP/1 over one connection: a request goes out, a response head and the pieces of its body come in. It accepts
//! what browsers and curl accept, which a strict library would refuse.

use std::future::{Future as _, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf as _, Bytes, BytesMut};
use http::{HeaderName, Method, Version, header};
use tokio::io::{AsyncReadExt as _, AsyncWrite as _};

use crate::engine::http::chunks::{ChunkError, ChunkReader, Piece};
use crate::engine::http::head::{Arrived, HeadReader, Refused};
use crate::engine::http::message::{OutgoingRequest, ResponseHead, has_word};
use crate::engine::transport::stream::Stream;
use crate::engine::transport::wire::Wire;

/// How many bytes are read at once: at first, at most, and on an idle connection.
const FIRST_READ: usize = 8 * 1024;
const LARGEST_READ: usize = 64 * 1024;
const IDLE_READ: usize = 64;

/// The largest body, in bytes, that is sent in one piece with the head.
const SMALL: usize = 16 * 1024;

/// Why there is no response head.
#[derive(Debug)]
pub(crate) enum HeadError {
    /// The head is refused.
    Refused(Refused),
    /// The connection ended in order.
    Ended(Arrived),
    /// The connection broke.
    Broken { error: io::Error, arrived: Arrived },
}

/// Why a body is not complete.
#[derive(Debug)]
pub(crate) enum BodyError {
    /// Its chunked framing is not valid.
    Chunks(ChunkError),
    /// The connection ended in order.
    Ended,
    /// The connection broke.
    Broken(io::Error),
}

pub(crate) struct Http1 {
    wire: Wire,
    /// Bytes received but not yet parsed.
    unread: BytesMut,
    /// How many bytes are read at once.
    read_size: usize,
    /// The framing of the current body; none once it has ended.
    framing: Option<Framing>,
    /// Whether both sides keep the connection open for another request.
    persists: bool,
}

/// How a body ends (RFC 9112 section 6.3).
#[derive(Debug)]
enum Framing {
    /// After this many more bytes.
    Length(u64),
    Chunks(ChunkReader),
    /// With the connection.
    Close,
}

impl Http1 {
    pub(crate) fn open(stream: Stream) -> Http1 {
        let (wire, unread) = (Wire::new(stream), BytesMut::new());
        Http1 { wire, unread, read_size: FIRST_READ, framing: None, persists: true }
    }

    /// Sends a request and waits for the head of its answer. An answer may arrive while the request is
    /// still being sent.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn send(&mut self, outgoing: &OutgoingRequest) -> Result<ResponseHead, HeadError> {
        let mut upload = Upload::of(outgoing);
        let mut reader = HeadReader::default();
        let head = poll_fn(|context| {
            upload.poll(&mut self.wire, context);
            // A server may send before it gets the request (503 at once, a greeting): that is read once the
            // request is under way.
            if !upload.has_begun && upload.error.is_none() {
                return Poll::Pending;
            }
            loop {
                if let Some(head) = reader.take(&mut self.unread).map_err(HeadError::Refused)? {
                    return Poll::Ready(Ok(head));
                }
                let read = ready!(self.poll_fill(context));
                // A peer that accepts no more of the request may still have answered.
                let arrived = reader.arrived(&self.unread);
                let error = match (read, upload.error.take()) {
                    (Ok(0), None) => return Poll::Ready(Err(HeadError::Ended(arrived))),
                    (Ok(0), Some(error)) | (Err(error), _) => error,
                    (Ok(_), error) => {
                        upload.error = error;
                        continue;
                    }
                };
                return Poll::Ready(Err(HeadError::Broken { error, arrived }));
            }
        });
        let head = head.await?;
        self.framing = framing(&outgoing.method, &head);
        self.persists &= upload.is_done
            && !has_word(&outgoing.headers, &header::CONNECTION, "close")
            && keeps_open(&head)
            && !matches!(self.framing, Some(Framing::Close));
        Ok(head)
    }

    /// The next bytes of the body; none at its end.
    ///
    /// # Errors
    /// Why it is not complete.
    pub(crate) async fn chunk(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            match &mut self.framing {
                None => return Ok(None),
                Some(Framing::Length(0)) => return Ok(self.end_body()),
                Some(Framing::Length(left)) if !self.unread.is_empty() => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(self.unread.len());
                    *left -= taken as u64;
                    return Ok(Some(self.unread.split_to(taken).freeze()));
                }
                Some(Framing::Chunks(chunks)) => match chunks.next(&mut self.unread).map_err(BodyError::Chunks)? {
                    Piece::Data(data) => return Ok(Some(data)),
                    Piece::End => return Ok(self.end_body()),
                    Piece::Missing => {}
                },
                Some(Framing::Close) if !self.unread.is_empty() => return Ok(Some(self.unread.split().freeze())),
                Some(Framing::Length(_) | Framing::Close) => {}
            }
            let read = poll_fn(|context| self.poll_fill(context)).await.map_err(BodyError::Broken)?;
            if read == 0 {
                self.persists = false;
                return match &self.framing {
                    // All data arrived: browsers show such a page.
                    Some(Framing::Chunks(chunks)) if chunks.is_past_data() => Ok(self.end_body()),
                    Some(Framing::Close) => Ok(self.end_body()),
                    _ => Err(BodyError::Ended),
                };
            }
        }
    }

    fn end_body(&mut self) -> Option<Bytes> {
        self.framing = None;
        None
    }

    /// Reads the available bytes and returns their number, 0 at the end.
    fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.unread.reserve(self.read_size);
        let read = ready!(pin!(self.wire.read_buf(&mut self.unread)).poll(context))?;
        if read >= self.read_size {
            self.read_size = (self.read_size * 2).min(LARGEST_READ);
        }
        Poll::Ready(Ok(read))
    }

    /// The connection that has switched to another protocol, and the bytes read after the answer.
    pub(crate) fn into_upgraded(self) -> (Stream, Bytes) {
        (self.wire.into_stream(), self.unread.freeze())
    }

    /// Whether another request can be sent: the body was read to its end, and the server has
    /// neither closed the connection nor sent anything since.
    pub(crate) fn is_idle(&mut self) -> bool {
        if !self.persists || self.framing.is_some() || !self.unread.is_empty() {
            return false;
        }
        // One of thousands may be idle for long, so it holds no buffer.
        (self.unread, self.read_size) = (BytesMut::new(), IDLE_READ);
        let is_silent = self.poll_fill(&mut Context::from_waker(Waker::noop())).is_pending();
        self.read_size = FIRST_READ;
        is_silent
    }

    /// Closes it in order, without waiting.
    pub(crate) fn close(self) {
        self.wire.into_stream().close();
    }
}

/// A request that is being sent.
struct Upload {
    /// The head, with the body if that is small.
    head: Bytes,
    body: Bytes,
    has_begun: bool,
    is_done: bool,
    /// Why sending stopped.
    error: Option<io::Error>,
}

impl Upload {
    fn of(outgoing: &OutgoingRequest) -> Upload {
        let mut head = request_head(outgoing);
        let mut body = outgoing.body.clone();
        if body.len() <= SMALL {
            head.extend_from_slice(&std::mem::take(&mut body));
        }
        Upload { head: head.into(), body, has_begun: false, is_done: false, error: None }
    }

    /// Sends as much as the peer accepts.
    fn poll(&mut self, wire: &mut Wire, context: &mut Context<'_>) {
        while !self.is_done && self.error.is_none() {
            let rest = if self.head.is_empty() { &mut self.body } else { &mut self.head };
            let sent = if rest.is_empty() {
                let Poll::Ready(flushed) = Pin::new(&mut *wire).poll_flush(context) else { return };
                self.is_done = flushed.is_ok();
                flushed
            } else {
                let Poll::Ready(written) = Pin::new(&mut *wire).poll_write(context, rest) else { return };
                written.and_then(|count| {
                    if count == 0 {
                        return Err(io::ErrorKind::WriteZero.into());
                    }
                    rest.advance(count);
                    self.has_begun = true;
                    Ok(())
                })
            };
            self.error = sent.err();
        }
    }
}

/// The first line and the headers of a request, in title case: some servers know no other spelling.
fn request_head(outgoing: &OutgoingRequest) -> Vec<u8> {
    let mut head = Vec::with_capacity(512);
    head.extend_from_slice(format!("{} {} HTTP/1.1\r\n", outgoing.method, outgoing.target).as_bytes());
    let mut add = |name: &HeaderName, value: &[u8]| {
        let mut is_first = true;
        for byte in name.as_str().bytes() {
            head.push(if is_first { byte.to_ascii_uppercase() } else { byte });
            is_first = byte == b'-';
        }
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    };
    add(&header::HOST, outgoing.authority.as_bytes());
    for (name, value) in outgoing.headers.iter().filter(|(name, _)| **name != header::HOST) {
        add(name, value.as_bytes());
    }
    if !outgoing.body.is_empty() && !outgoing.headers.contains_key(header::CONTENT_LENGTH) {
        add(&header::CONTENT_LENGTH, outgoing.body.len().to_string().as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// The framing of an answer's body; none if it has no body.
fn framing(method: &Method, head: &ResponseHead) -> Option<Framing> {
    if !head.may_have_body(method) || head.status.is_informational() {
        return None;
    }
    // With chunked framing a content-length does not count (section 6.1). `identity` is not a coding.
    if has_word(&head.headers, &header::TRANSFER_ENCODING, "chunked") {
        return Some(Framing::Chunks(ChunkReader::default()));
    }
    Some(head.content_length().map_or(Framing::Close, Framing::Length))
}

/// Whether a server keeps the connection open after an answer (section 9.3).
fn keeps_open(head: &ResponseHead) -> bool {
    let says = |word| has_word(&head.headers, &header::CONNECTION, word);
    !says("close") && (head.version != Version::HTTP_10 || says("keep-alive"))
}
