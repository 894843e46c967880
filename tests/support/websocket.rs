//! The server's end of a WebSocket: the response that upgrades the connection, and frames.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The response that upgrades the connection (RFC 6455 section 4.2.2), with additional headers.
pub fn accepted(request: &[u8], more: &str) -> String {
    let request = String::from_utf8_lossy(request).into_owned();
    let key = request.lines().filter_map(|line| line.split_once(": "));
    let key = key.filter(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key")).map(|(_, key)| key).next();
    let with_guid = format!("{}258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key.unwrap_or_default());
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, with_guid.as_bytes());
    let accept = STANDARD.encode(digest);
    format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
         sec-websocket-accept: {accept}\r\n{more}\r\n"
    )
}

/// A frame as a server sends it. The first byte has its flags and its opcode.
pub fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        length @ 0..=125 => bytes.push(u8::try_from(length).expect("small")),
        length => {
            bytes.push(126);
            bytes.extend(u16::try_from(length).expect("not large").to_be_bytes());
        }
    }
    bytes.extend_from_slice(payload);
    bytes
}
