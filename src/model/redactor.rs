//! The redaction that keeps secrets, in every encoding, out of what a server gives back.

use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use url::Url;

use super::{REDACTED, SHORTEST_SECRET, SafeText, Secret, is_secret_name, unescape};

/// Finds every encoding of every secret in a text. This is the one way from what a server
/// says to [`SafeText`].
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    automaton: Option<Arc<AhoCorasick>>,
    secrets: Arc<[Secret]>,
}

impl Redactor {
    /// A redactor of these secrets. Values shorter than [`SHORTEST_SECRET`] bytes are left out:
    /// the configuration refuses them.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Redactor {
        let secrets: Arc<[Secret]> =
            secrets.into_iter().filter(|secret| secret.reveal().len() >= SHORTEST_SECRET).collect();
        let mut forms: Vec<String> = secrets.iter().flat_map(|secret| forms(secret.reveal())).collect();
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        forms.dedup();
        let automaton = if forms.is_empty() {
            None
        } else {
            // Longest first: where one secret is part of another, the longer one goes as a whole.
            // A server may change the case of what it gives back.
            let mut builder = AhoCorasick::builder();
            builder.match_kind(MatchKind::LeftmostLongest).ascii_case_insensitive(true);
            builder.build(&forms).ok().map(Arc::new)
        };
        Redactor { automaton, secrets }
    }

    /// The same with more secrets, for values that were captured during a check.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = Secret>) -> Redactor {
        Redactor::new(self.secrets.iter().cloned().chain(more))
    }

    /// The text without secrets, not yet clean for a terminal.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        // Secrets are text, so what is left between them is text too.
        String::from_utf8_lossy(&self.redact_bytes(text.as_bytes())).into_owned()
    }

    /// Text from outside, redacted, clean and cut to `limit` characters.
    #[must_use]
    pub fn clean(&self, text: &str, limit: usize) -> SafeText {
        SafeText::clean(&self.redact(text), limit)
    }

    /// Bytes from outside, redacted, clean and cut to `limit` characters.
    #[must_use]
    pub fn clean_bytes(&self, bytes: &[u8], limit: usize) -> SafeText {
        SafeText::clean_bytes(&self.redact_bytes(bytes), limit)
    }

    fn redact_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let Some(automaton) = &self.automaton else { return bytes.to_vec() };
        let mut redacted = Vec::with_capacity(bytes.len());
        let mut kept = 0;
        for place in places(automaton, bytes) {
            redacted.extend_from_slice(&bytes[kept..place.start]);
            redacted.extend_from_slice(REDACTED.as_bytes());
            kept = place.end;
        }
        redacted.extend_from_slice(&bytes[kept..]);
        redacted
    }

    /// A message of ours that quotes something from outside.
    #[must_use]
    pub fn message(&self, text: &str) -> SafeText {
        self.clean(text, super::text::MESSAGE_LIMIT)
    }

    /// A URL without its userinfo, its fragment and the values of secret query parameters.
    #[must_use]
    pub fn url(&self, url: &Url) -> SafeText {
        let mut shown = url.clone();
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.set_fragment(None);
        // Secrets first: one that has a separator in it spans parameters.
        let shown = self.redact(shown.as_str());
        let Ok(mut shown) = Url::parse(&shown) else { return self.message(&shown) };
        if shown.query_pairs().any(|(name, _)| is_secret_name(&name)) {
            let pairs: Vec<(String, String)> = shown
                .query_pairs()
                .map(|(name, value)| {
                    let value = if is_secret_name(&name) { "redacted".into() } else { value };
                    (name.into_owned(), value.into_owned())
                })
                .collect();
            shown.query_pairs_mut().clear().extend_pairs(pairs);
        }
        self.message(shown.as_str())
    }
}

/// Where secrets stand in a text, in order and apart from each other, whatever their encoding.
fn places(automaton: &AhoCorasick, text: &[u8]) -> Vec<Range<usize>> {
    let mut places: Vec<Range<usize>> = automaton.find_iter(text).map(|found| found.range()).collect();
    for plain in unescape::unescape_all(text) {
        places.extend(automaton.find_iter(&plain.bytes).map(|found| plain.place(found.range())));
    }
    places.sort_unstable_by_key(|place| (place.start, place.end));
    let mut apart: Vec<Range<usize>> = Vec::new();
    for place in places {
        match apart.last_mut() {
            Some(last) if place.start < last.end => last.end = last.end.max(place.end),
            _ => apart.push(place),
        }
    }
    apart
}

/// The forms that are looked for: the value as it is, and what base64 makes of it and of its
/// forms on the wire, at each of three alignments. Other escapes are undone first.
fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned()];
    let wire_forms = wire_forms(value);
    // A URL standard's parser makes slashes of backslashes: a Location that gives a value back.
    forms.extend(wire_forms.iter().filter(|wire| wire.contains('\\')).map(|wire| wire.replace('\\', "/")));
    for wire in wire_forms {
        for alignment in 0..3 {
            forms.extend(base64_at(wire.as_bytes(), alignment));
        }
    }
    forms
}

/// How a value is sent: as it is, in a URL's query or path, in a form, in JSON.
fn wire_forms(value: &str) -> Vec<String> {
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

/// The characters of base64 that depend on nothing but the value, where the value stands
/// `alignment` bytes after a multiple of three: the first and last characters mix with neighbours.
fn base64_at(value: &[u8], alignment: usize) -> Vec<String> {
    let mut padded = vec![0u8; alignment];
    padded.extend_from_slice(value);
    // One unknown byte reaches into the first two characters, two reach into the first three.
    let first = [0, 2, 3][alignment];
    let end = padded.len() * 8 / 6;
    [&STANDARD_NO_PAD as &dyn ErasedEngine, &URL_SAFE_NO_PAD]
        .iter()
        .filter_map(|engine| engine.text(&padded).get(first..end).map(str::to_owned))
        .filter(|text| text.len() >= 6)
        .collect()
}

/// `base64::Engine` is not object-safe; this is the one method needed here.
trait ErasedEngine {
    fn text(&self, bytes: &[u8]) -> String;
}

impl<E: base64::Engine> ErasedEngine for E {
    fn text(&self, bytes: &[u8]) -> String {
        self.encode(bytes)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    #[test]
    fn a_url_loses_its_userinfo_and_its_secret_parameters() {
        let url = Url::parse("https://u:pw@x.test/p?a=1&api_key=abcd#f").expect("a URL");
        assert_eq!(Redactor::default().url(&url).as_str(), "https://x.test/p?a=1&api_key=redacted");
    }

    #[test]
    fn a_secret_with_separators_does_not_come_apart_in_a_url() {
        let redactor = Redactor::new([Secret::new("head&x=#tail")]);
        let url = Url::parse("https://x.test/p?a=1&note=head&x=%23tail&b=2").expect("a URL");
        assert_eq!(redactor.url(&url).as_str(), "https://x.test/p?a=1&note=[redacted]&b=2");
    }

    #[test]
    fn an_escape_within_an_escape_is_undone() {
        let redactor = Redactor::new([Secret::new("a/b \"c\"")]);
        for text in ["a%252Fb%2520%2522c%2522", "{\\\"x\\\":\\\"a\\/b \\\\\\\"c\\\\\\\"\\\"}", "A/B &quot;C&#34;"] {
            let redacted = redactor.redact(text);
            assert!(redacted.contains(REDACTED) && !redacted.contains('b'), "{text}: {redacted}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_encoding_of_a_secret_survives(secret in "[ -~äß\"\\\\/+&=]{6,24}", before in "[a-z]{0,5}", after in "[a-z]{0,5}") {
            let redactor = Redactor::new([Secret::new(&secret)]);
            let base64 = STANDARD_NO_PAD.encode(format!("{before}{secret}{after}"));
            let url_safe = URL_SAFE_NO_PAD.encode(format!("{before}{secret}{after}"));
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let json = serde_json::to_string(&secret).expect("a string serialises");
            let all = format!("{before}{secret}{after} {base64} {url_safe} {encoded} {json}");
            let redacted = redactor.redact(&all);
            proptest::prop_assert!(!redacted.contains(&secret));
            proptest::prop_assert!(!redacted.contains(&encoded));
            proptest::prop_assert!(!redacted.contains(&json[1..json.len() - 1]));
            proptest::prop_assert!(!redacted.contains(&base64));
            proptest::prop_assert!(!redacted.contains(&url_safe));
        }
    }
}
