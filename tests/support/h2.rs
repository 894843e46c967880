//! HTTP/2 frames written by hand (RFC 9113), over plain TCP with prior knowledge or over TLS. The
//! server uses no library, so that it can break every rule.

use super::server::ScriptedConnection;

/// Frame types.
pub const DATA: u8 = 0;
/// A header block.
pub const HEADERS: u8 = 1;
/// The end of one stream.
pub const RST_STREAM: u8 = 3;
/// Settings.
pub const SETTINGS: u8 = 4;
/// A push promise.
pub const PUSH_PROMISE: u8 = 5;
/// A ping.
pub const PING: u8 = 6;
/// The end of the connection.
pub const GOAWAY: u8 = 7;
/// More flow control window.
pub const WINDOW_UPDATE: u8 = 8;
/// The continuation of a header block.
pub const CONTINUATION: u8 = 9;

/// The flag of the last frame of a stream.
pub const END_STREAM: u8 = 1;
/// The flag of the last frame of a header block.
pub const END_HEADERS: u8 = 4;
/// An acknowledgement.
pub const ACK: u8 = 1;

/// Error codes (section 7).
pub const NO_ERROR: u32 = 0;
/// The implementation is broken.
pub const INTERNAL_ERROR: u32 = 2;
/// The stream was not processed.
pub const REFUSED_STREAM: u32 = 7;
/// The client must use HTTP/1.1.
pub const HTTP_1_1_REQUIRED: u32 = 13;

/// `:status: 200`, the eighth entry of HPACK's static table (RFC 7541 appendix A).
pub const STATUS_200: &[u8] = &[0x88];

/// A frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend(stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A header that is not indexed, with literal name and value (RFC 7541 section 6.2.2).
pub fn header(name: &str, value: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name.as_bytes(), value] {
        bytes.extend(integer(text.len()));
        bytes.extend_from_slice(text);
    }
    bytes
}

/// An integer with a prefix of seven bits (RFC 7541 section 5.1).
fn integer(mut value: usize) -> Vec<u8> {
    if value < 127 {
        return vec![u8::try_from(value).unwrap()];
    }
    let mut bytes = vec![127];
    value -= 127;
    while value >= 128 {
        bytes.push(u8::try_from(value % 128).unwrap() | 128);
        value /= 128;
    }
    bytes.push(u8::try_from(value).unwrap());
    bytes
}

/// Ends the connection: the last stream processed, an error code, and debug data.
pub fn goaway(last: u32, code: u32, debug: &[u8]) -> Vec<u8> {
    let payload = [&last.to_be_bytes()[..], &code.to_be_bytes(), debug].concat();
    frame(GOAWAY, 0, 0, &payload)
}

/// Ends a stream with a code.
pub fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

/// The server's empty settings, and the acknowledgement of the client's.
pub fn settings() -> Vec<u8> {
    [frame(SETTINGS, 0, 0, &[]), frame(SETTINGS, ACK, 0, &[])].concat()
}

/// Settings that allow this many streams at once (RFC 9113 section 6.5.2).
pub fn settings_for_streams(count: u32) -> Vec<u8> {
    frame(SETTINGS, 0, 0, &[&[0, 3][..], &count.to_be_bytes()].concat())
}

/// The head and body of a complete response.
pub fn answer(stream: u32, body: &[u8]) -> Vec<u8> {
    [frame(HEADERS, END_HEADERS, stream, STATUS_200), frame(DATA, END_STREAM, stream, body)].concat()
}

/// Reads the preface and frames up to the first request. Returns its stream; `None` if the peer
/// closed the connection.
pub fn read_request(conn: &mut ScriptedConnection) -> Option<u32> {
    if conn.read_exactly(24) != b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" {
        return None;
    }
    read_next_request(conn)
}

/// A frame from the peer.
struct Frame {
    kind: u8,
    flags: u8,
    stream: u32,
    payload: Vec<u8>,
}

/// Reads a frame; `None` if the peer closed the connection.
fn read_frame(conn: &mut ScriptedConnection) -> Option<Frame> {
    let head: [u8; 9] = conn.read_exactly(9).try_into().ok()?;
    let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
    let stream = u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]);
    Some(Frame { kind: head[3], flags: head[4], stream, payload: conn.read_exactly(length) })
}

/// Reads frames up to the next request. Returns its stream.
pub fn read_next_request(conn: &mut ScriptedConnection) -> Option<u32> {
    loop {
        let read = read_frame(conn)?;
        if read.kind == HEADERS {
            return Some(read.stream);
        }
    }
}

/// The server's settings with support for extended CONNECT (RFC 8441), and the acknowledgement of
/// the client's.
pub fn settings_with_tunnels() -> Vec<u8> {
    [frame(SETTINGS, 0, 0, &[0, 8, 0, 0, 0, 1]), frame(SETTINGS, ACK, 0, &[])].concat()
}

/// Reads frames up to the next data of a stream, and returns the data; `None` if the peer closed
/// the connection.
pub fn read_data(conn: &mut ScriptedConnection) -> Option<Vec<u8>> {
    loop {
        let read = read_frame(conn)?;
        if read.kind == DATA {
            return Some(read.payload);
        }
    }
}

/// Reads frames up to a ping, and answers it; `false` if the peer closed the connection.
pub fn answer_ping(conn: &mut ScriptedConnection) -> bool {
    while let Some(read) = read_frame(conn) {
        if read.kind == PING && read.flags & ACK == 0 {
            return conn.send(frame(PING, ACK, 0, &read.payload));
        }
    }
    false
}
