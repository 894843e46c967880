//! The forms of a secret: every encoding of it that a server may give back.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use crate::model::text::hexadecimal;

/// The longest secret whose escaped forms are searched for within base64 too, in bytes. Of a longer one only the value
/// itself is.
const LONG: usize = 1024;

/// The forms that are searched for: the value itself, in UTF-16 and in hexadecimal, and the base64 of it and of its
/// wire forms, at each of three alignments. Other escapes and line breaks are undone first.
pub(super) fn forms(value: &str) -> Vec<Vec<u8>> {
    let bytes = value.as_bytes();
    let low_first: Vec<u8> = value.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let high_first: Vec<u8> = value.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let mut forms = vec![bytes.to_vec(), hexadecimal(bytes).into_bytes()];
    // Where line breaks are undone, those of the value are gone as well.
    let unwrapped: String = value.lines().map(|line| line.trim_start_matches([' ', '\t'])).collect();
    if unwrapped != value {
        forms.push(unwrapped.into_bytes());
    }
    // A form writes a blank as a plus; where that was escaped at every hop, so is a plus of the value.
    if value.contains(' ') {
        forms.push(value.replace(' ', "+").into_bytes());
    }
    let wire_forms = if value.len() > LONG { vec![value.to_owned()] } else { wire_forms(value) };
    // A WHATWG URL parser turns backslashes into slashes, as in a Location that echoes a value.
    let with_slashes = wire_forms.iter().filter(|wire| wire.contains('\\')).map(|wire| wire.replace('\\', "/"));
    forms.extend(with_slashes.map(String::into_bytes));
    // A URL that carries another URL, or a request, is encoded once more before it is base64.
    let in_urls = wire_forms.iter().flat_map(|wire| [false, true].map(|lower| in_url_component(wire, lower)));
    let mut in_base64: Vec<Vec<u8>> = in_urls.chain(wire_forms.iter().cloned()).map(String::into_bytes).collect();
    in_base64.push(low_first.clone());
    in_base64.sort_unstable();
    in_base64.dedup();
    for wire in in_base64 {
        forms.extend((0..3).flat_map(|alignment| base64_at(&wire, alignment)).map(String::into_bytes));
    }
    forms.extend([low_first, high_first]);
    forms
}

/// How a value is sent: as it is, in a URL's query or path, in a form, in JSON.
pub(super) fn wire_forms(value: &str) -> Vec<String> {
    let mut wire = vec![value.to_owned(), url::form_urlencoded::byte_serialize(value.as_bytes()).collect()];
    if let Ok(mut url) = Url::parse("http://x/") {
        url.set_query(Some(value));
        wire.extend(url.query().map(str::to_owned));
        url.set_path(value);
        wire.push(url.path().trim_start_matches('/').to_owned());
    }
    if let Ok(json) = serde_json::to_string(value) {
        wire.push(json[1..json.len() - 1].to_owned());
    }
    wire.sort_unstable();
    wire.dedup();
    wire
}

/// A text as `encodeURIComponent` writes it, with digits of either case.
pub(super) fn in_url_component(text: &str, lower: bool) -> String {
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'!')
        .remove(b'~')
        .remove(b'*')
        .remove(b'\'')
        .remove(b'(')
        .remove(b')');
    let pieces = utf8_percent_encode(text, KEPT);
    pieces
        .map(|piece| if lower && piece.starts_with('%') { piece.to_ascii_lowercase() } else { piece.to_owned() })
        .collect()
}

/// The characters of base64 that depend on nothing but the value, where the value stands
/// `alignment` bytes after a multiple of three: the first and last characters mix with neighbours.
fn base64_at(value: &[u8], alignment: usize) -> Vec<String> {
    let mut padded = vec![0u8; alignment];
    padded.extend_from_slice(value);
    // One unknown byte reaches into the first two characters, two reach into the first three.
    let first = [0, 2, 3][alignment];
    let end = padded.len() * 8 / 6;
    [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)]
        .iter()
        .filter_map(|text| text.get(first..end).map(str::to_owned))
        .filter(|text| text.len() >= 6)
        .collect()
}
