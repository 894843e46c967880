//! Bytes of a body → text, as a browser decodes them: by a byte order mark, else by the charset in the
//! content-type, else by what an HTML or XML document declares, else as UTF-8.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use http::{HeaderMap, HeaderValue, header};

/// How many bytes of an HTML document are searched for its charset (HTML standard 13.2.3.2).
const PRESCAN: usize = 1024;

/// The encoding of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charset {
    Known(&'static Encoding),
    Utf32 { is_big_endian: bool },
}

/// The text of a body with these headers. Bytes that are invalid in its charset become U+FFFD.
pub(crate) fn of<'b>(bytes: &'b [u8], headers: &HeaderMap) -> Cow<'b, str> {
    declared(bytes, headers).unwrap_or_else(|| undeclared(bytes))
}

/// The same; none if neither the body nor its headers declare a charset.
pub(crate) fn declared<'b>(bytes: &'b [u8], headers: &HeaderMap) -> Option<Cow<'b, str>> {
    if let Some((charset, mark)) = byte_order_mark(bytes) {
        return Some(charset.read(&bytes[mark..]));
    }
    let media_type = MediaType::of(headers);
    let by_head = media_type.charset.as_deref().and_then(labelled);
    by_head.or_else(|| declared_within(bytes, &media_type)).map(|charset| charset.read(bytes))
}

/// The text of a header's value: UTF-8, or else windows-1252.
pub(crate) fn of_header(value: &HeaderValue) -> Cow<'_, str> {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => WINDOWS_1252.decode_without_bom_handling(value.as_bytes()).0,
    }
}

/// The text of a JSON document with these headers: UTF-8 (RFC 8259) whatever charset is declared,
/// unless its bytes cannot be UTF-8.
pub(crate) fn json<'b>(bytes: &'b [u8], headers: &HeaderMap) -> Cow<'b, str> {
    if let Some((charset, mark)) = byte_order_mark(bytes) {
        return charset.read(&bytes[mark..]);
    }
    // RFC 4627 section 3: the first two characters are ASCII, so the zero bytes give the encoding.
    let by_zeros = match *bytes {
        [0, 0, 0, _, ..] => Some(Charset::Utf32 { is_big_endian: true }),
        [_, 0, 0, 0, ..] => Some(Charset::Utf32 { is_big_endian: false }),
        [0, _, ..] => Some(Charset::Known(UTF_16BE)),
        [_, 0, ..] => Some(Charset::Known(UTF_16LE)),
        _ => None,
    };
    match (by_zeros, std::str::from_utf8(bytes)) {
        (Some(charset), _) => charset.read(bytes),
        (None, Ok(text)) => Cow::Borrowed(text),
        (None, Err(_)) => of(bytes, headers),
    }
}

impl Charset {
    fn read(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Charset::Known(encoding) => encoding.decode_without_bom_handling(bytes).0,
            Charset::Utf32 { is_big_endian } => {
                let (units, rest) = bytes.as_chunks::<4>();
                let number =
                    |unit: &[u8; 4]| if is_big_endian { u32::from_be_bytes(*unit) } else { u32::from_le_bytes(*unit) };
                let character = |unit| char::from_u32(number(unit)).unwrap_or(char::REPLACEMENT_CHARACTER);
                let mut text: String = units.iter().map(character).collect();
                if !rest.is_empty() {
                    text.push(char::REPLACEMENT_CHARACTER);
                }
                Cow::Owned(text)
            }
        }
    }
}

/// The charset of a byte order mark at the start, and the length of the mark.
fn byte_order_mark(bytes: &[u8]) -> Option<(Charset, usize)> {
    match *bytes {
        // UTF-32: a UTF-16 text does not begin with U+0000.
        [0xff, 0xfe, 0, 0, ..] => Some((Charset::Utf32 { is_big_endian: false }, 4)),
        [0, 0, 0xfe, 0xff, ..] => Some((Charset::Utf32 { is_big_endian: true }, 4)),
        [0xef, 0xbb, 0xbf, ..] => Some((Charset::Known(UTF_8), 3)),
        [0xff, 0xfe, ..] => Some((Charset::Known(UTF_16LE), 2)),
        [0xfe, 0xff, ..] => Some((Charset::Known(UTF_16BE), 2)),
        _ => None,
    }
}

/// The charset that a label stands for; none if the label is unknown.
fn labelled(label: &str) -> Option<Charset> {
    let is = |name: &str| label.trim().eq_ignore_ascii_case(name);
    if is("utf-32") || is("utf-32le") || is("utf32") {
        return Some(Charset::Utf32 { is_big_endian: false });
    }
    if is("utf-32be") {
        return Some(Charset::Utf32 { is_big_endian: true });
    }
    Encoding::for_label(label.as_bytes()).map(Charset::Known)
}

/// Decodes a text without a declared charset: as UTF-8, or as windows-1252, the browsers' choice for old
/// pages, if no character beyond ASCII is valid UTF-8. A character cut off at the end proves nothing.
fn undeclared(bytes: &[u8]) -> Cow<'_, str> {
    let mut rest = bytes;
    let mut has_wrong = false;
    loop {
        match std::str::from_utf8(rest) {
            Ok(valid) => {
                return if has_wrong && valid.is_ascii() {
                    WINDOWS_1252.decode_without_bom_handling(bytes).0
                } else {
                    String::from_utf8_lossy(bytes)
                };
            }
            Err(error) => {
                let (valid, after) = rest.split_at(error.valid_up_to());
                let Some(wrong) = error.error_len().filter(|_| valid.is_ascii()) else {
                    return String::from_utf8_lossy(bytes);
                };
                has_wrong = true;
                rest = &after[wrong..];
            }
        }
    }
}

/// The media type of the content-type header.
#[derive(Debug, Default)]
struct MediaType {
    /// In lower case, without parameters.
    essence: String,
    charset: Option<String>,
}

impl MediaType {
    /// Of several headers the last one counts; without a charset of its own it takes an earlier one's.
    fn of(headers: &HeaderMap) -> MediaType {
        let mut media_type = MediaType::default();
        for value in headers.get_all(header::CONTENT_TYPE) {
            let value = String::from_utf8_lossy(value.as_bytes());
            let mut parts = value.split(';');
            let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
            let charset = parts.find_map(|part| {
                let (name, value) = part.split_once('=')?;
                let value = value.trim().trim_matches(['"', '\'']).trim();
                (name.trim().eq_ignore_ascii_case("charset") && !value.is_empty()).then(|| value.to_owned())
            });
            if essence.contains('/') {
                media_type = MediaType { essence, charset: charset.or(media_type.charset) };
            }
        }
        media_type
    }

    fn is_xml(&self) -> bool {
        self.essence.ends_with("/xml") || self.essence.ends_with("+xml")
    }

    /// Whether the body may be HTML: the type says so, or is missing.
    fn is_html(&self) -> bool {
        matches!(&*self.essence, "text/html" | "application/xhtml+xml" | "")
    }
}

/// The charset that a document declares in ASCII.
fn declared_within(bytes: &[u8], media_type: &MediaType) -> Option<Charset> {
    let beginning = &bytes[..bytes.len().min(PRESCAN)];
    let label = if media_type.is_xml() || beginning.starts_with(b"<?xml") {
        xml_encoding(beginning).or_else(|| media_type.is_html().then(|| meta_charset(beginning)).flatten())
    } else if media_type.is_html() {
        meta_charset(beginning)
    } else {
        None
    };
    match labelled(&label?)? {
        // The declaration was readable as ASCII, so the document is not UTF-16 or UTF-32.
        Charset::Utf32 { .. } => Some(Charset::Known(UTF_8)),
        Charset::Known(encoding) if encoding == UTF_16LE || encoding == UTF_16BE => Some(Charset::Known(UTF_8)),
        Charset::Known(encoding) if encoding == encoding_rs::X_USER_DEFINED => Some(Charset::Known(WINDOWS_1252)),
        known @ Charset::Known(_) => Some(known),
    }
}

/// `<?xml version="1.0" encoding="…"?>`
fn xml_encoding(beginning: &[u8]) -> Option<String> {
    let rest = beginning.strip_prefix(b"<?xml")?;
    let declaration = &rest[..memchr::memchr(b'>', rest)?];
    let at = memchr::memmem::find(declaration, b"encoding")?;
    let value = declaration[at + b"encoding".len()..].trim_ascii_start().strip_prefix(b"=")?.trim_ascii_start();
    let (&quote, value) = value.split_first().filter(|(quote, _)| matches!(quote, b'"' | b'\''))?;
    let end = memchr::memchr(quote, value)?;
    Some(String::from_utf8_lossy(&value[..end]).into_owned())
}

/// `<meta charset="…">` or `<meta http-equiv="content-type" content="…; charset=…">`.
fn meta_charset(beginning: &[u8]) -> Option<String> {
    let mut scan = Scan { rest: beginning };
    while let Some(at) = memchr::memchr(b'<', scan.rest) {
        scan.rest = &scan.rest[at..];
        if scan.rest.starts_with(b"<!--") {
            let end = memchr::memmem::find(&scan.rest[2..], b"-->")?;
            scan.rest = &scan.rest[2 + end + 3..];
        } else if matches!(scan.rest, [b'<', b'!' | b'?', ..]) {
            scan.rest = &scan.rest[memchr::memchr(b'>', scan.rest)?..];
        } else if matches!(scan.rest, [b'<', b'a'..=b'z' | b'A'..=b'Z', ..] | [b'<', b'/', b'a'..=b'z' | b'A'..=b'Z', ..])
        {
            let end = scan.rest.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'>')?;
            let is_meta =
                scan.rest[..end].eq_ignore_ascii_case(b"<meta") || scan.rest[..end].eq_ignore_ascii_case(b"<meta/");
            scan.rest = &scan.rest[end..];
            let found = scan.attributes(is_meta);
            if is_meta && found.is_some() {
                return found;
            }
        } else {
            scan.rest = &scan.rest[1..];
        }
    }
    None
}

/// The part of a document's beginning that is not scanned yet.
struct Scan<'b> {
    rest: &'b [u8],
}

impl<'b> Scan<'b> {
    /// Consumes the attributes of a tag, and returns the charset they name if it is a meta element.
    fn attributes(&mut self, is_meta: bool) -> Option<String> {
        let (mut charset, mut content, mut is_content_type) = (None, None, false);
        while let Some((name, value)) = self.attribute() {
            if !is_meta {
                continue;
            }
            let value = String::from_utf8_lossy(value);
            match &*String::from_utf8_lossy(name).to_ascii_lowercase() {
                "charset" if charset.is_none() => charset = Some(value.into_owned()),
                "content" if content.is_none() => content = charset_in(&value),
                "http-equiv" => is_content_type |= value.eq_ignore_ascii_case("content-type"),
                _ => {}
            }
        }
        charset.or(content.filter(|_| is_content_type))
    }

    /// Consumes one attribute; none at the end of the tag.
    fn attribute(&mut self) -> Option<(&'b [u8], &'b [u8])> {
        let start = self.rest.iter().position(|byte| !byte.is_ascii_whitespace() && *byte != b'/')?;
        self.rest = &self.rest[start..];
        if self.rest[0] == b'>' {
            return None;
        }
        let is_end_of_name = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'=' | b'>' | b'/');
        // A name may begin with an equals sign.
        let end = 1 + self.rest[1..].iter().position(is_end_of_name)?;
        let name = &self.rest[..end];
        let after = self.rest[end..].trim_ascii_start();
        let Some(value) = after.strip_prefix(b"=").map(<[u8]>::trim_ascii_start) else {
            self.rest = after;
            return Some((name, b""));
        };
        let (value, rest) = match value.first()? {
            quote @ (b'"' | b'\'') => {
                let end = memchr::memchr(*quote, &value[1..])?;
                (&value[1..=end], &value[end + 2..])
            }
            _ => value.split_at(value.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'>')?),
        };
        self.rest = rest;
        Some((name, value))
    }
}

/// The charset in the content of a meta element: `text/html; charset=…`.
fn charset_in(content: &str) -> Option<String> {
    let lower = content.to_ascii_lowercase();
    let mut from = 0;
    while let Some(at) = lower[from..].find("charset") {
        from += at + "charset".len();
        if let Some(value) = content[from..].trim_start().strip_prefix('=') {
            let value = value.trim_start();
            let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
            return match quote {
                Some(quote) => value[1..].split_once(quote).map(|(value, _)| value.to_owned()),
                None => value.split([';', ' ', '\t', '\n']).next().map(str::to_owned),
            };
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(content_types: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for content_type in content_types {
            headers.append(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap());
        }
        headers
    }

    #[test]
    fn a_text_is_read_in_the_charset_that_its_head_names() {
        for (content_type, bytes, text) in [
            ("text/plain; charset=iso-8859-1", &b"Gr\xf6\xdfe"[..], "Größe"),
            ("text/plain;charset=\"ISO-8859-1\"", b"Gr\xf6\xdfe", "Größe"),
            ("text/plain; Charset='latin1'", b"Gr\xf6\xdfe", "Größe"),
            ("text/html; a=b; charset=windows-1251", b"\xcf\xf0\xe8\xe2\xe5\xf2", "Привет"),
            ("text/html; charset=Shift_JIS", b"\x93\xfa\x96{", "日本"),
            ("text/html; charset=euc-kr", b"\xc7\xd1\xb1\xdb", "한글"),
            ("text/html; charset=gb2312", b"\xd6\xd0\xce\xc4", "中文"),
            ("text/plain; charset=utf-16le", b"G\0r\0\xf6\0", "Grö"),
            ("text/plain; charset=utf-32be", b"\0\0\0G\0\0\0\xf6", "Gö"),
            ("text/plain; charset=utf-8", "Größe".as_bytes(), "Größe"),
            ("text/plain; charset=klingon-8", "Größe".as_bytes(), "Größe"),
            ("text/plain; charset=", "Größe".as_bytes(), "Größe"),
            ("charset=iso-8859-1", "Größe".as_bytes(), "Größe"),
            ("text/plain", b"Gr\xf6\xdfe", "Größe"),
            ("text/plain", b"Gr\xf6\xc3\xb6e", "Gr\u{fffd}öe"),
            ("text/plain; charset=utf-8", b"Gr\xf6\xdfe", "Gr\u{fffd}\u{fffd}e"),
            ("text/plain", b"abc\xc3", "abc\u{fffd}"),
        ] {
            assert_eq!(of(bytes, &headers(&[content_type])), text, "{content_type}");
        }
        assert_eq!(of(b"\xf6", &headers(&["text/plain; charset=iso-8859-1", "text/html"])), "ö");
        assert_eq!(of(b"\xf6", &HeaderMap::new()), "ö");
    }

    #[test]
    fn a_byte_order_mark_says_more_than_the_head() {
        for bytes in [
            &b"\xef\xbb\xbfG\xc3\xb6"[..],
            b"\xff\xfeG\0\xf6\0",
            b"\xfe\xff\0G\0\xf6",
            b"\xff\xfe\0\0G\0\0\0\xf6\0\0\0",
            b"\0\0\xfe\xff\0\0\0G\0\0\0\xf6",
        ] {
            assert_eq!(of(bytes, &headers(&["text/html; charset=koi8-r"])), "Gö");
            assert_eq!(json(bytes, &headers(&["application/json"])), "Gö");
        }
    }

    #[test]
    fn a_page_that_names_its_charset_itself_is_read_in_it() {
        for page in [
            &b"<!doctype html><meta charset=iso-8859-1>\xf6"[..],
            b"<HTML><HEAD><META CHARSET='ISO-8859-1'/>\xf6",
            b"<meta http-equiv=\"Content-Type\" content=\"text/html; charset=iso-8859-1\">\xf6",
            b"<meta content='text/html;charset=\"latin1\"' http-equiv=content-type>\xf6",
            b"<!-- <meta charset=utf-8> --><title a=\"<meta charset=utf-8>\"></title><meta charset=latin1>\xf6",
            b"<?xml version='1.0' encoding='iso-8859-1'?><p>\xf6",
            b"<meta name=a><meta\ncharset = latin1 >\xf6",
            b"<metal charset=utf-8><meta/charset=latin1>\xf6",
        ] {
            let text = of(page, &headers(&["text/html"]));
            assert!(text.ends_with('ö'), "{text}");
        }
        let xml = b"<?xml version=\"1.0\" encoding=\"windows-1251\"?><r>\xcf</r>";
        assert!(of(xml, &headers(&["application/rss+xml"])).contains('П'));
        // Not a page, or too far from its beginning, or the content-type already names a charset.
        assert!(of("<meta charset=latin1>ö".as_bytes(), &headers(&["text/plain"])).ends_with('ö'));
        assert!(of("<meta charset=latin1>ö".as_bytes(), &headers(&["text/html; charset=utf-8"])).ends_with('ö'));
        let far = format!("{}<meta charset=latin1>ö", " ".repeat(2000));
        assert!(of(far.as_bytes(), &headers(&["text/html"])).ends_with('ö'));
        assert!(of("<meta charset=utf-16>ö".as_bytes(), &headers(&["text/html"])).ends_with('ö'));
    }

    #[test]
    fn json_is_utf_8_unless_it_cannot_be() {
        let latin = headers(&["application/json; charset=iso-8859-1"]);
        assert_eq!(json("\"ö\"".as_bytes(), &latin), "\"ö\"");
        assert_eq!(json(b"\"\xf6\"", &latin), "\"ö\"");
        assert_eq!(json(b"{\0}\0", &HeaderMap::new()), "{}");
        assert_eq!(json(b"\0{\0}", &HeaderMap::new()), "{}");
        assert_eq!(json(b"\0\0\0{\0\0\0}", &HeaderMap::new()), "{}");
        assert_eq!(json(b"1", &HeaderMap::new()), "1");
    }

    #[test]
    fn no_beginning_of_a_page_is_read_past_its_end() {
        let page = b"<!-- x --><!doctype html><a b=\"c\" d=e/><meta http-equiv='content-type' content=\"a; charset = 'latin1'\"/>";
        for end in 0..=page.len() {
            of(&page[..end], &HeaderMap::new());
            of(&page[end..], &HeaderMap::new());
        }
    }
}
