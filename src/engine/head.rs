//! The bytes of an HTTP/1 response head: where it ends, and which of its lines is refused and why.
//! The parser says that a head is wrong; a person who has to mend the server needs the line.

/// The most bytes of a refused line that are quoted. A message is cut to far less, but only once
/// secrets are taken out of it.
const QUOTED: usize = 4 * 1024;

/// What is wrong with a response head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It does not begin as HTTP does: another protocol.
    NotHttp,
    /// It begins with a TLS record.
    Tls,
    /// One of its lines.
    Line {
        /// Which, from 1.
        number: usize,
        /// The name of a header line, or all of it where it has none; empty for the status line.
        quoted: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// The head of the answer, and what follows it; none where it is not complete. Interim answers (1xx)
/// before it are passed over.
pub(super) fn split_head(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut rest = bytes;
    loop {
        let (head, after) = rest.split_at(end_of_head(rest)?);
        if !is_interim(head.trim_ascii_start()) {
            return Some((head, after));
        }
        rest = after;
    }
}

/// Whether a head is that of an interim answer (1xx). What follows an upgrade (101) is another protocol's.
fn is_interim(head: &[u8]) -> bool {
    head.get(9) == Some(&b'1') && head.starts_with(b"HTTP/1") && head.get(9..12) != Some(b"101")
}

/// Whether a body in chunks follows a head.
pub(super) fn is_chunked(head: &[u8]) -> bool {
    const NAME: &[u8] = b"transfer-encoding";
    head.split(|byte| *byte == b'\n').any(|line| {
        line.len() > NAME.len() && line[..NAME.len()].eq_ignore_ascii_case(NAME) && line[NAME.len()] == b':'
    })
}

/// How long a head is, with its empty line.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    let mut started = false;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        if !line.ends_with(b"\n") {
            return None;
        }
        let is_empty = matches!(line, b"\n" | b"\r\n");
        if is_empty && started {
            return Some(at);
        }
        started |= !is_empty;
    }
    None
}

/// The first line of a head that no HTTP/1 parser takes. A line that is not complete is judged only
/// if `to_the_end`.
pub(super) fn refused_line(bytes: &[u8], to_the_end: bool) -> Option<Refused> {
    let bytes = last_head(bytes);
    match bytes.first() {
        None => return None,
        // A TLS alert or handshake record of any version.
        Some(0x15 | 0x16) if bytes.get(1) == Some(&3) => return Some(Refused::Tls),
        Some(_) if !b"HTTP/"[..bytes.len().min(5)].eq_ignore_ascii_case(&bytes[..bytes.len().min(5)]) => {
            return Some(Refused::NotHttp);
        }
        Some(_) => {}
    }
    let mut length = None;
    for (place, line) in bytes.split_inclusive(|byte| *byte == b'\n').enumerate() {
        if !to_the_end && !line.ends_with(b"\n") {
            return None;
        }
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return None;
        }
        let why = match place {
            0 => wrong_status_line(line),
            1 if line.starts_with(b" ") || line.starts_with(b"\t") => {
                Some("it goes on with a header that is not there")
            }
            _ => wrong_header(line, &mut length),
        };
        if let Some(why) = why {
            let name = line.split(|byte| *byte == b':').next().unwrap_or(line);
            let quoted = if place == 0 { &[][..] } else { &name[..name.len().min(QUOTED)] };
            return Some(Refused::Line {
                number: place + 1,
                quoted: String::from_utf8_lossy(quoted).into_owned(),
                why,
            });
        }
    }
    None
}

/// The head that is being read: without the interim answers before it, and without empty lines.
fn last_head(bytes: &[u8]) -> &[u8] {
    let mut rest = bytes;
    loop {
        while let Some(after) = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n")) {
            rest = after;
        }
        match end_of_head(rest) {
            Some(end) if is_interim(rest) => rest = &rest[end..],
            _ => return rest,
        }
    }
}

fn wrong_status_line(line: &[u8]) -> Option<&'static str> {
    if !line.starts_with(b"HTTP/1.0") && !line.starts_with(b"HTTP/1.1") {
        return Some("the version is neither HTTP/1.0 nor HTTP/1.1");
    }
    let code = line.get(9..12).unwrap_or_default();
    let ends = matches!(line.get(12), None | Some(b' '));
    let is_code = code.len() == 3 && code.iter().all(u8::is_ascii_digit) && code[0] != b'0';
    if line.get(8) != Some(&b' ') || !is_code || !ends {
        return Some("the status is not a number of three digits");
    }
    has_control(&line[12..]).then_some("there is a control character in the reason")
}

/// What is wrong with a header line, and with a second `content-length` that differs.
fn wrong_header<'b>(line: &'b [u8], length: &mut Option<&'b [u8]>) -> Option<&'static str> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return has_control(line).then_some("there is a control character in the value");
    }
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
    if name.eq_ignore_ascii_case(b"content-length") {
        // One length that is said twice, be it in one line, is one length.
        let mut said = value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        let value = said.next().unwrap_or_default();
        if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
            return Some("the length is not a number");
        }
        if said.any(|other| other != value) {
            return Some("there are two lengths that differ");
        }
        if length.replace(value).is_some_and(|other| other != value) {
            return Some("it differs from the content-length before it");
        }
    }
    None
}

fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| byte.is_ascii_control() && *byte != b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(head: &str) -> Option<(usize, &'static str)> {
        match refused_line(head.as_bytes(), true) {
            Some(Refused::Line { number, why, .. }) => Some((number, why)),
            _ => None,
        }
    }

    #[test]
    fn the_line_that_is_refused_is_named() {
        assert_eq!(line("HTTP/1.1 200 OK\r\na: b\r\nX Y: z\r\n\r\n"), Some((3, "there is a space in the name")));
        assert_eq!(line("HTTP/1.1 200 OK\nno colon\n\n"), Some((2, "there is no colon")));
        assert_eq!(line("HTTP/1.1 200 OK\r\nx : y\r\n\r\n"), Some((2, "there is a space before the colon")));
        assert_eq!(line("HTTP/1.1 200 OK\r\nx: a\0b\r\n"), Some((2, "there is a control character in the value")));
        assert_eq!(line("HTTP/1.1 99 OK\r\n"), Some((1, "the status is not a number of three digits")));
        assert_eq!(line("http/1.1 200 OK\r\n"), Some((1, "the version is neither HTTP/1.0 nor HTTP/1.1")));
        assert_eq!(
            line("HTTP/1.1 200 OK\r\n folded: x\r\n\r\n"),
            Some((2, "it goes on with a header that is not there"))
        );
        assert_eq!(line("HTTP/1.1 200 OK\r\na\tb: x\r\n\r\n"), Some((2, "there is a space in the name")));
        assert_eq!(line("HTTP/2.0 200 OK\r\n"), Some((1, "the version is neither HTTP/1.0 nor HTTP/1.1")));
        let two = "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nContent-Length: 2\r\n\r\n";
        assert_eq!(line(two), Some((3, "it differs from the content-length before it")));
        let after_interim = "HTTP/1.1 103 x\r\na: b\r\n\r\nHTTP/1.1 200 OK\r\nbad\r\n\r\n";
        assert_eq!(line(after_interim), Some((2, "there is no colon")));
    }

    #[test]
    fn what_browsers_show_is_not_refused() {
        assert_eq!(refused_line(b"HTTP/1.1 200 OK\r\nx: a\r\n b\r\nY_z: caf\xe9\r\n\r\n", true), None);
        assert_eq!(refused_line(b"HTTP/1.0 404\nx:y\n\n", true), None);
        assert_eq!(refused_line("HTTP/1.1 200 OK\r\nx(y): z\r\n\"q\": z\r\ngröße: z\r\n\r\n".as_bytes(), true), None);
    }

    #[test]
    fn another_protocol_is_told_from_a_wrong_line() {
        assert_eq!(refused_line(b"SSH-2.0-OpenSSH_9.7\r\n", true), Some(Refused::NotHttp));
        assert_eq!(refused_line(&[0x15, 3, 3, 0, 2, 2, 50], true), Some(Refused::Tls));
        assert_eq!(refused_line(b"", true), None);
        assert_eq!(refused_line(b"HT", false), None);
        assert_eq!(refused_line(b"HTTP/1.1 200 OK\r\nx-cu", false), None);
    }

    #[test]
    fn the_body_begins_after_the_last_head() {
        let bytes = b"HTTP/1.1 103 x\r\n\r\nHTTP/1.1 200 OK\r\na: b\r\n\r\n5\r\nhello";
        assert_eq!(split_head(bytes), Some((&b"HTTP/1.1 200 OK\r\na: b\r\n\r\n"[..], &b"5\r\nhello"[..])));
        assert_eq!(split_head(b"HTTP/1.1 200 OK\na: b\n\nrest").map(|(_, rest)| rest), Some(&b"rest"[..]));
        assert_eq!(split_head(b"HTTP/1.1 200 OK\r\na: b\r\n"), None);
        assert!(is_chunked(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
        assert!(!is_chunked(b"HTTP/1.1 200 OK\r\nx-transfer-encoding: chunked\r\n\r\n"));
    }
}
