//! An HTTP/1 response head, read line by line: what browsers and curl accept is accepted, and a refusal
//! names the line and the reason, for whoever has to fix the server.

use bytes::{Buf as _, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version, header};

use crate::engine::http::message::ResponseHead;
use crate::engine::limits::{INTERIM, QUOTED};

/// The most header lines. Real sites send hundreds, and curl accepts as many as this.
pub(crate) const HEADERS: usize = 5_000;

/// The most bytes of a head.
const HEAD: usize = 400 * 1024;

/// The versions that a status line may name, in any case. What says HTTP/2 in the syntax of HTTP/1 is read as HTTP/1.1.
const VERSIONS: [(&[u8], Version); 4] = [
    (b"HTTP/1.1", Version::HTTP_11),
    (b"HTTP/1.0", Version::HTTP_10),
    (b"HTTP/2", Version::HTTP_11),
    (b"HTTP/2.0", Version::HTTP_11),
];

/// What servers of other protocols send first, or answer to a request they do not understand.
const GREETINGS: [(&[u8], &str); 6] = [
    (b"SSH-", "SSH"),
    (b"220 ", "SMTP or FTP"),
    (b"220-", "SMTP or FTP"),
    (b"* OK ", "IMAP"),
    (b"+OK ", "POP3"),
    (b"-ERR ", "Redis"),
];

/// What is wrong with a response head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It does not begin like HTTP: another protocol.
    NotHttp,
    /// It begins like this other protocol.
    Other(&'static str),
    /// It begins like HTTP/2, which a probe may ask for.
    Http2,
    /// One of its lines is not valid.
    Line {
        /// The number of the line, from 1.
        number: usize,
        /// The name of a header line, or the whole line if it has none; empty for the status line.
        quoted: String,
        why: &'static str,
    },
    /// It has more bytes than are accepted.
    TooLarge,
    /// It has more header lines than are accepted.
    TooMany,
    /// More interim responses precede it than any server has reason to send.
    Interim,
}

/// How much of an answer arrived before the connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrived {
    Nothing,
    /// Interim responses (1xx) that are complete, and no byte after them.
    Interim,
    /// A part of a head.
    Part,
}

/// Reads the head of one answer; interim responses (1xx) before it are skipped.
#[derive(Debug, Default)]
pub(crate) struct HeadReader {
    status: Option<(StatusCode, Version)>,
    headers: HeaderMap,
    /// The header line that was read last, which the next line may continue.
    last: LastLine,
    /// The first `content-length`.
    length: Option<Vec<u8>>,
    /// How many lines of the head were read, and how many bytes.
    lines: usize,
    read: usize,
    /// How many bytes of the next line are known to contain no line end.
    looked_at: usize,
    interim: usize,
}

#[derive(Debug, Default)]
enum LastLine {
    #[default]
    None,
    Kept(HeaderName, Vec<u8>),
    /// Its name is not a valid header name: browsers skip such a line.
    PassedOver,
}

impl HeadReader {
    /// Takes lines out of the unread bytes; returns the head once it is complete.
    ///
    /// # Errors
    /// Which line is refused, or that this is not a response head.
    pub(crate) fn take(&mut self, unread: &mut BytesMut) -> Result<Option<ResponseHead>, Refused> {
        loop {
            let rest = unread.get(self.read..).unwrap_or_default();
            let Some(end) = memchr::memchr(b'\n', rest.get(self.looked_at..).unwrap_or_default()) else {
                self.looked_at = rest.len();
                self.judge_unended(rest)?;
                return Ok(None);
            };
            let (line, _) = rest.split_at(self.looked_at + end);
            (self.read, self.looked_at) = (self.read + line.len() + 1, 0);
            if self.read > HEAD {
                return Err(Refused::TooLarge);
            }
            // A line ends in one CR, or in two if a script on Windows adds its own.
            let line = without_cr(line);
            match self.status {
                // Empty lines may precede the status line.
                None if line.is_empty() => {}
                None => self.begin(line)?,
                Some((status, version)) if line.is_empty() => {
                    self.keep_last();
                    unread.advance(self.read);
                    let headers = std::mem::take(&mut self.headers);
                    *self = HeadReader { interim: self.interim + 1, ..HeadReader::default() };
                    // Bytes after an upgrade (101) belong to another protocol.
                    if !status.is_informational() || status == StatusCode::SWITCHING_PROTOCOLS {
                        return Ok(Some(ResponseHead { status, version, headers }));
                    }
                    if self.interim > INTERIM {
                        return Err(Refused::Interim);
                    }
                }
                Some(_) => self.header(line)?,
            }
        }
    }

    /// How much of an answer has arrived, given the bytes that were not taken yet.
    pub(crate) fn arrived(&self, unread: &[u8]) -> Arrived {
        match (unread, self.interim) {
            ([], 0) => Arrived::Nothing,
            ([], _) => Arrived::Interim,
            _ => Arrived::Part,
        }
    }

    /// Refuses a line as soon as its beginning allows.
    fn judge_unended(&self, line: &[u8]) -> Result<(), Refused> {
        if self.status.is_none() {
            judge_start(line)?;
        }
        if self.read + line.len() > HEAD { Err(Refused::TooLarge) } else { Ok(()) }
    }

    /// Reads the status line.
    fn begin(&mut self, line: &[u8]) -> Result<(), Refused> {
        judge_start(line)?;
        let refused = |why| Refused::Line { number: 1, quoted: String::new(), why };
        let (name, rest) = line.split_at(line.iter().position(|byte| *byte == b' ').unwrap_or(line.len()));
        let Some((_, version)) = VERSIONS.iter().find(|(known, _)| name.eq_ignore_ascii_case(known)) else {
            return Err(refused("the version is none of HTTP/1.0, HTTP/1.1 and HTTP/2"));
        };
        let code = rest.trim_ascii_start();
        let (code, reason) = code.split_at(code.iter().take_while(|byte| byte.is_ascii_digit()).count());
        let Ok(status) = StatusCode::from_bytes(code) else {
            return Err(refused("the status is not a number of three digits"));
        };
        if has_control(reason) {
            return Err(refused("there is a control character in the reason"));
        }
        (self.status, self.lines) = (Some((status, *version)), 1);
        Ok(())
    }

    fn header(&mut self, line: &[u8]) -> Result<(), Refused> {
        self.lines += 1;
        if self.lines > HEADERS + 1 {
            return Err(Refused::TooMany);
        }
        let is_folded = line.starts_with(b" ") || line.starts_with(b"\t");
        let why = match &self.last {
            LastLine::None if is_folded => Some("it continues a header, but there is none before it"),
            _ if is_folded => has_control(line).then_some("there is a control character in the value"),
            _ => wrong_header(line, &mut self.length),
        };
        if let Some(why) = why {
            let name = line.split(|byte| *byte == b':').next().unwrap_or(line);
            let quoted = name.get(..name.len().min(QUOTED)).unwrap_or_default();
            let quoted = String::from_utf8_lossy(quoted).into_owned();
            return Err(Refused::Line { number: self.lines, quoted, why });
        }
        if is_folded {
            if let LastLine::Kept(_, value) = &mut self.last {
                value.push(b' ');
                value.extend_from_slice(line.trim_ascii());
            }
            return Ok(());
        }
        self.keep_last();
        let (name, value) = line.split_at(line.iter().position(|byte| *byte == b':').unwrap_or(line.len()));
        self.last = match HeaderName::from_bytes(name) {
            Ok(name) => LastLine::Kept(name, value.get(1..).unwrap_or_default().trim_ascii().to_vec()),
            Err(_) => LastLine::PassedOver,
        };
        Ok(())
    }

    /// Adds the header line that was read last, which is now complete.
    fn keep_last(&mut self) {
        if let LastLine::Kept(name, value) = std::mem::take(&mut self.last)
            && let Ok(value) = HeaderValue::from_maybe_shared(bytes::Bytes::from(value))
        {
            self.headers.append(name, value);
        }
    }
}

fn without_cr(line: &[u8]) -> &[u8] {
    let end = line.iter().rposition(|byte| *byte != b'\r').map_or(0, |last| last + 1);
    line.get(..end).unwrap_or_default()
}

/// Whether the received part of the first line may be HTTP.
fn judge_start(line: &[u8]) -> Result<(), Refused> {
    const START: &[u8] = b"HTTP/";
    // The CR of an empty line.
    let line = if line == b"\r" { b"" } else { line };
    // A TLS alert or handshake record of any version.
    if matches!(line, [0x15 | 0x16, 3, ..]) {
        return Err(Refused::Other("TLS"));
    }
    if let Some((_, name)) = GREETINGS.iter().find(|(greeting, _)| line.starts_with(greeting)) {
        return Err(Refused::Other(name));
    }
    // The SETTINGS frame that begins HTTP/2: length, type, no flags, stream 0.
    if matches!(line, [0, 0, _, 4, 0, 0, 0, 0, 0, ..]) {
        return Err(Refused::Http2);
    }
    let begins = line.iter().zip(START).all(|(byte, of_http)| byte.eq_ignore_ascii_case(of_http));
    if begins || line == [0x15] || line == [0x16] { Ok(()) } else { Err(Refused::NotHttp) }
}

/// What is wrong with a header line; a second `content-length` that differs counts as well.
fn wrong_header(line: &[u8], length: &mut Option<Vec<u8>>) -> Option<&'static str> {
    let Some(colon) = line.iter().position(|byte| *byte == b':') else { return Some("there is no colon") };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if name.is_empty() {
        return Some("there is no name before the colon");
    }
    if name.ends_with(b" ") || name.ends_with(b"\t") {
        return Some("there is a space before the colon");
    }
    if name.contains(&b' ') || name.contains(&b'\t') {
        return Some("there is a space in the name");
    }
    if has_control(name) {
        return Some("there is a control character in the name");
    }
    if has_control(value) {
        return Some("there is a control character in the value");
    }
    let value = value.trim_ascii();
    if name.eq_ignore_ascii_case(header::CONTENT_LENGTH.as_str().as_bytes()) {
        // The same length twice, also in one line, is one length.
        let mut said = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let value = said.next().unwrap_or_default();
        // Leading zeros and a plus sign are read.
        if std::str::from_utf8(value).map_or(true, |value| value.parse::<u64>().is_err()) {
            return Some("the length is not a number");
        }
        if said.any(|other| other != value) {
            return Some("there are two lengths that differ");
        }
        if length.replace(value.to_vec()).is_some_and(|other| other != value) {
            return Some("it differs from the content-length before it");
        }
    }
    None
}

fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t')
}

#[cfg(test)]
mod tests;
