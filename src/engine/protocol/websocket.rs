//! The messages of a WebSocket (RFC 6455) over an upgraded connection or an HTTP/2 stream: frames are sent masked
//! and received as messages, bounded in bytes and in number.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::engine::http::http2;
use crate::engine::http::tunnel::Tunnel;
use crate::engine::tls;
use crate::engine::transport::stream::Stream;

/// The most frames read for one message: pings and empty fragments could go on forever.
const FRAMES: usize = 1_000;

/// The largest frame, in bytes, that is skipped after the close frame was sent.
const LATE: u64 = 64 * 1024;

/// The largest payload of a control frame (section 5.5).
const CONTROL: u64 = 125;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A normal closure (section 7.4.1).
const NORMAL: [u8; 2] = 1000_u16.to_be_bytes();

/// The carrier of the frames.
pub(crate) enum Carrier {
    /// A connection that has switched from HTTP/1.1.
    Connection(Stream),
    /// A stream of HTTP/2.
    Tunnel(Box<Tunnel>),
}

/// The client's end of a WebSocket.
pub(crate) struct WebSocket {
    carrier: Carrier,
    /// Bytes received but not yet parsed.
    unread: BytesMut,
    /// Frames read since the last message.
    frames: usize,
}

/// Why there is no message.
#[derive(Debug)]
pub(crate) enum MessageError {
    Io(io::Error),
    /// The stream of HTTP/2 broke.
    Http2(h2::Error),
    /// The peer closed the WebSocket, with this code and reason.
    Closed(Option<(u16, String)>),
    /// The connection ended without a close frame.
    Ended,
    /// What the peer sends is not WebSocket.
    Protocol(&'static str),
    /// The message is larger than the limit.
    TooLarge,
}

impl From<io::Error> for MessageError {
    fn from(error: io::Error) -> MessageError {
        if error.kind() == io::ErrorKind::UnexpectedEof { MessageError::Ended } else { MessageError::Io(error) }
    }
}

impl From<h2::Error> for MessageError {
    fn from(error: h2::Error) -> MessageError {
        let is_cut = error.get_io().is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof);
        if is_cut || http2::is_end(&error) { MessageError::Ended } else { MessageError::Http2(error) }
    }
}

/// The head of a frame.
struct FrameHead {
    is_last: bool,
    opcode: u8,
    length: u64,
}

impl WebSocket {
    /// An open WebSocket; `unread` was received after the answer.
    pub(crate) fn new(carrier: Carrier, unread: &[u8]) -> WebSocket {
        WebSocket { carrier, unread: BytesMut::from(unread), frames: 0 }
    }

    pub(crate) async fn send(&mut self, text: &str) -> io::Result<()> {
        self.send_frame(TEXT, text.as_bytes()).await
    }

    /// The next message, of at most `limit` bytes. Pings are answered on the way.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn message(&mut self, limit: u64) -> Result<Vec<u8>, MessageError> {
        self.frames = 0;
        let mut message = Vec::new();
        let mut kind = None;
        loop {
            let head = self.head().await?;
            if head.opcode >= CLOSE {
                self.control(&head).await?;
                continue;
            }
            match (kind, head.opcode) {
                (_, opcode) if opcode > BINARY => return Err(MessageError::Protocol("a frame with an unknown opcode")),
                (None, TEXT | BINARY) => kind = Some(head.opcode),
                (Some(_), CONTINUATION) => {}
                (None, _) => return Err(MessageError::Protocol("a message starts with a continuation frame")),
                (Some(_), _) => return Err(MessageError::Protocol("a message starts within another")),
            }
            if head.length > limit.saturating_sub(message.len() as u64) {
                return Err(MessageError::TooLarge);
            }
            self.payload(head.length, &mut message).await?;
            if head.is_last {
                if kind == Some(TEXT) && std::str::from_utf8(&message).is_err() {
                    return Err(MessageError::Protocol("a text that is not UTF-8"));
                }
                return Ok(message);
            }
        }
    }

    /// Sends a close frame and waits for the peer's.
    ///
    /// # Errors
    /// The connection broke, or the peer keeps sending other frames.
    pub(crate) async fn close(&mut self) -> Result<(), MessageError> {
        self.send_frame(CLOSE, &NORMAL).await?;
        self.frames = 0;
        let mut passed_over = Vec::new();
        loop {
            let head = self.head().await?;
            match head.opcode {
                CLOSE => break,
                _ if head.length > LATE => return Err(MessageError::TooLarge),
                _ => self.payload(head.length, &mut passed_over).await?,
            }
            passed_over.clear();
        }
        match &mut self.carrier {
            Carrier::Connection(stream) => stream.shutdown().await?,
            Carrier::Tunnel(tunnel) => tunnel.finish(),
        }
        Ok(())
    }

    async fn control(&mut self, head: &FrameHead) -> Result<(), MessageError> {
        if !head.is_last || head.length > CONTROL {
            return Err(MessageError::Protocol("a control frame is fragmented or too large"));
        }
        let mut payload = Vec::new();
        self.payload(head.length, &mut payload).await?;
        match head.opcode {
            CLOSE => Err(MessageError::Closed(closing(&payload)?)),
            PING => Ok(self.send_frame(PONG, &payload).await?),
            PONG => Ok(()),
            _ => Err(MessageError::Protocol("a frame with an unknown opcode")),
        }
    }

    async fn head(&mut self) -> Result<FrameHead, MessageError> {
        self.frames += 1;
        if self.frames > FRAMES {
            return Err(MessageError::Protocol("endless frames"));
        }
        self.fill(2).await?;
        let (first, second) = (self.unread.get_u8(), self.unread.get_u8());
        if first & 0x70 != 0 {
            return Err(MessageError::Protocol("a frame with an extension that was not agreed on"));
        }
        if second & 0x80 != 0 {
            return Err(MessageError::Protocol("a masked frame, which no server sends"));
        }
        let (length, least) = match second & 0x7f {
            126 => {
                self.fill(2).await?;
                (u64::from(self.unread.get_u16()), 126)
            }
            127 => {
                self.fill(8).await?;
                (self.unread.get_u64(), 1 << 16)
            }
            length => (u64::from(length), 0),
        };
        if length < least {
            return Err(MessageError::Protocol("a length in more bytes than it takes"));
        }
        Ok(FrameHead { is_last: first & 0x80 != 0, opcode: first & 0x0f, length })
    }

    /// Reads the payload of a frame as it arrives.
    async fn payload(&mut self, length: u64, into: &mut Vec<u8>) -> Result<(), MessageError> {
        let mut left = length;
        while left > 0 {
            if self.unread.is_empty() {
                self.fill(1).await?;
            }
            let count = self.unread.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            into.extend_from_slice(&self.unread.split_to(count));
            left -= count as u64;
        }
        Ok(())
    }

    /// Reads until this many bytes are unread.
    async fn fill(&mut self, count: usize) -> Result<(), MessageError> {
        while self.unread.len() < count {
            match &mut self.carrier {
                Carrier::Connection(stream) => {
                    self.unread.reserve(4096);
                    if stream.read_buf(&mut self.unread).await? == 0 {
                        return Err(MessageError::Ended);
                    }
                }
                Carrier::Tunnel(tunnel) => {
                    let bytes = tunnel.read().await?.ok_or(MessageError::Ended)?;
                    self.unread.extend_from_slice(&bytes);
                }
            }
        }
        Ok(())
    }

    async fn send_frame(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        let mut mask = [0; 4];
        tls::fill_random(&mut mask);
        let mut frame = vec![0x80 | opcode];
        match payload.len() {
            length @ 0..=125 => frame.push(0x80 | low_byte(length)),
            length @ 126..=0xffff => {
                frame.push(0xfe);
                frame.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes());
            }
            length => {
                frame.push(0xff);
                frame.extend_from_slice(&(length as u64).to_be_bytes());
            }
        }
        frame.extend_from_slice(&mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        match &mut self.carrier {
            Carrier::Connection(stream) => {
                stream.write_all(&frame).await?;
                stream.flush().await
            }
            Carrier::Tunnel(tunnel) => {
                tunnel.write(frame.into()).await;
                Ok(())
            }
        }
    }
}

fn low_byte(length: usize) -> u8 {
    u8::try_from(length).unwrap_or(u8::MAX)
}

/// The code and the reason of a close frame.
fn closing(payload: &[u8]) -> Result<Option<(u16, String)>, MessageError> {
    match payload {
        [] => Ok(None),
        [_] => Err(MessageError::Protocol("a close frame with an incomplete code")),
        [high, low, words @ ..] => {
            let words = String::from_utf8_lossy(words).into_owned();
            Ok(Some((u16::from_be_bytes([*high, *low]), words)))
        }
    }
}

/// A fresh random key (section 4.1), and the `sec-websocket-accept` that the server must derive from it.
pub(crate) fn key() -> (String, String) {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    let mut random = [0; 16];
    tls::fill_random(&mut random);
    let key = STANDARD.encode(random);
    let accept = STANDARD.encode(accept_of(&key));
    (key, accept)
}

/// The accept value for a key, which proves that the server understands WebSocket.
fn accept_of(key: &str) -> impl AsRef<[u8]> {
    const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, &[key.as_bytes(), GUID].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_standard_is_accepted_as_there() {
        use base64::Engine as _;
        let accept = base64::engine::general_purpose::STANDARD.encode(accept_of("dGhlIHNhbXBsZSBub25jZQ=="));
        assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_close_frame_has_a_code_and_words_or_nothing() {
        assert!(matches!(closing(&[]), Ok(None)));
        assert!(matches!(closing(&[3, 240, b'x']), Ok(Some((1008, words))) if words == "x"));
        assert!(closing(&[3]).is_err());
    }
}
