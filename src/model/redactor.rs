//! The redaction that keeps secrets, in every encoding, out of what a server gives back.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use aho_corasick::AhoCorasick;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::Url;

use super::text::{MESSAGE_LIMIT, hexadecimal, visible_bytes};
use super::{REDACTED, SHORTEST_SECRET, SafeText, Secret, is_secret_name, unescape};

/// How many bytes of a form are searched for; the rest is compared where they are found.
const ANCHOR: usize = 16;

/// The longest secret whose escaped forms are looked for within base64 too, in bytes. A longer
/// one is looked for as it is.
const LONG: usize = 1024;

/// How much longer a form may get by being escaped, as far as text behind a cut is looked at.
const ESCAPED: usize = 6;

/// The most bytes behind a cut that are looked at for the end of a secret.
const REACH: usize = 64 * 1024;

/// Finds every encoding of every secret in a text. This is the one way from what a server
/// says to [`SafeText`].
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// Secrets that were added together. What they are looked for by is made once for each.
    groups: Vec<Arc<Group>>,
}

/// Secrets, and what they are looked for by.
#[derive(Debug)]
struct Group {
    secrets: Vec<Secret>,
    search: OnceLock<Option<Search>>,
}

/// The forms of some secrets, and an automaton that finds how they begin.
#[derive(Debug)]
struct Search {
    automaton: AhoCorasick,
    /// The forms that begin with each of the automaton's patterns.
    forms: Vec<Vec<Vec<u8>>>,
    longest: usize,
}

impl Redactor {
    /// A redactor of these secrets. Values shorter than `SHORTEST_SECRET` bytes are left out:
    /// the configuration refuses them.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = Secret>) -> Redactor {
        Redactor::default().with(secrets)
    }

    /// The same with more secrets, for values that were captured during a check.
    #[must_use]
    pub fn with(&self, more: impl IntoIterator<Item = Secret>) -> Redactor {
        let mut redactor = self.clone();
        let is_new = |secret: &Secret| !self.groups.iter().any(|group| group.secrets.contains(secret));
        let secrets: Vec<Secret> =
            more.into_iter().filter(|secret| secret.reveal().len() >= SHORTEST_SECRET && is_new(secret)).collect();
        if !secrets.is_empty() {
            redactor.groups.push(Arc::new(Group { secrets, search: OnceLock::new() }));
        }
        redactor
    }

    /// Whether the other one was made of the same secrets, and not only of equal ones.
    pub(crate) fn is_same(&self, other: &Redactor) -> bool {
        self.groups.len() == other.groups.len()
            && self.groups.iter().zip(&other.groups).all(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// The text without secrets, not yet clean for a terminal.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        // Secrets are text, so what is left between them is text too.
        String::from_utf8_lossy(&self.redact_bytes(text.as_bytes(), false)).into_owned()
    }

    /// Text from outside, redacted, clean and cut to `limit` characters.
    #[must_use]
    pub fn clean(&self, text: &str, limit: usize) -> SafeText {
        self.clean_beginning(text.as_bytes(), limit, false)
    }

    /// Bytes from outside, redacted, clean and cut to `limit` characters.
    #[must_use]
    pub fn clean_bytes(&self, bytes: &[u8], limit: usize) -> SafeText {
        self.clean_beginning(bytes, limit, false)
    }

    /// The same for the beginning of what came, where `goes_on` says that there was more: what
    /// may be the beginning of a secret at its end is taken for one.
    ///
    /// What it costs depends on the limit, and not on how long the text is.
    #[must_use]
    pub(crate) fn clean_beginning(&self, bytes: &[u8], limit: usize, goes_on: bool) -> SafeText {
        // A character is shown as four bytes at most, or as an escape that is longer than its bytes.
        let reach = (self.longest() * ESCAPED).min(REACH);
        let enough = limit.saturating_mul(4).saturating_add(reach);
        let beginning = (bytes.len() > enough).then(|| without_half_a_character(&bytes[..enough]));
        let goes_on = goes_on || beginning.is_some();
        let redacted = self.redact_bytes(beginning.unwrap_or(bytes), goes_on);
        let text = visible_bytes(&redacted, limit.saturating_mul(4));
        if beginning.is_some() { SafeText::clean_beginning(&text, limit) } else { SafeText::clean(&text, limit) }
    }

    fn searches(&self) -> impl Iterator<Item = &Search> {
        self.groups.iter().filter_map(|group| group.search.get_or_init(|| Search::new(&group.secrets)).as_ref())
    }

    /// The length of the longest form of a secret, in bytes.
    fn longest(&self) -> usize {
        self.searches().map(|search| search.longest).max().unwrap_or_default()
    }

    fn redact_bytes<'t>(&self, bytes: &'t [u8], goes_on: bool) -> Cow<'t, [u8]> {
        let places = self.places(bytes, goes_on);
        if places.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let mut redacted = Vec::with_capacity(bytes.len());
        let mut kept = 0;
        for place in places {
            redacted.extend_from_slice(&bytes[kept..place.start]);
            redacted.extend_from_slice(REDACTED.as_bytes());
            kept = place.end;
        }
        redacted.extend_from_slice(&bytes[kept..]);
        Cow::Owned(redacted)
    }

    /// Where secrets stand in a text, in order and apart from each other, whatever their encoding.
    fn places(&self, text: &[u8], goes_on: bool) -> Vec<Range<usize>> {
        let searches: Vec<&Search> = self.searches().collect();
        if searches.is_empty() {
            return Vec::new();
        }
        let mut places = Places::default();
        for search in &searches {
            search.find(text, goes_on, &mut |place| places.add(place));
        }
        unescape::visit_unescaped(text, &mut |plain| {
            for search in &searches {
                search.find(&plain.bytes, goes_on, &mut |place| places.add(plain.place(place)));
            }
        });
        places.apart()
    }

    /// A message of ours that quotes something from outside.
    #[must_use]
    pub fn message(&self, text: &str) -> SafeText {
        self.clean(text, MESSAGE_LIMIT)
    }

    /// A URL without its userinfo, its fragment and the values of secret query parameters.
    #[must_use]
    pub fn url(&self, url: &Url) -> SafeText {
        let mut shown = url.clone();
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.set_fragment(None);
        // Secrets first: one that has a separator in it spans parameters. What is long is cut: a
        // message shows no more of it.
        let text = shown.as_str();
        let enough = text.floor_char_boundary(MESSAGE_LIMIT * 4 + (self.longest() * ESCAPED).min(REACH));
        let redacted = self.redact_bytes(&text.as_bytes()[..enough], enough < text.len());
        let shown = String::from_utf8_lossy(&redacted).into_owned();
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

impl Search {
    /// None where there is nothing to look for.
    fn new(secrets: &[Secret]) -> Option<Search> {
        let mut all: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret.reveal())).collect();
        all.retain(|form| form.len() >= SHORTEST_SECRET);
        all.sort_unstable();
        all.dedup();
        let longest = all.iter().map(Vec::len).max()?;
        let mut anchors: Vec<Vec<u8>> = Vec::new();
        let mut forms: Vec<Vec<Vec<u8>>> = Vec::new();
        for form in all {
            let anchor = &form[..form.len().min(ANCHOR)];
            if anchors.last().map(Vec::as_slice) == Some(anchor) {
                forms.last_mut()?.push(form);
            } else {
                anchors.push(anchor.to_vec());
                forms.push(vec![form]);
            }
        }
        // A server may change the case of what it gives back.
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&anchors).ok()?;
        Some(Search { automaton, forms, longest })
    }

    /// Finds all places of all forms, also where they overlap. Where the text goes on, a form may
    /// begin at its end.
    fn find(&self, text: &[u8], goes_on: bool, add: &mut impl FnMut(Range<usize>)) {
        for found in self.automaton.find_overlapping_iter(text) {
            let rest = &text[found.start()..];
            for form in &self.forms[found.pattern()] {
                let shared = form.len().min(rest.len());
                let is_whole = shared == form.len() || goes_on;
                if is_whole && rest[..shared].eq_ignore_ascii_case(&form[..shared]) {
                    add(found.start()..found.start() + shared);
                }
            }
        }
        if goes_on {
            let beginning = |form: &Vec<u8>| {
                let most = (form.len() - 1).min(ANCHOR - 1).min(text.len());
                (SHORTEST_SECRET..=most)
                    .rev()
                    .find(|&length| text[text.len() - length..].eq_ignore_ascii_case(&form[..length]))
            };
            let longest = self.forms.iter().flatten().filter_map(beginning).max();
            if let Some(length) = longest {
                add(text.len() - length..text.len());
            }
        }
    }
}

/// Places that were found. They are put together now and then, so that they never take more
/// memory than a small multiple of the text.
#[derive(Debug, Default)]
struct Places {
    found: Vec<Range<usize>>,
    /// How many there were when they were last put together.
    apart: usize,
}

impl Places {
    fn add(&mut self, place: Range<usize>) {
        self.found.push(place);
        if self.found.len() >= 1024 + 2 * self.apart {
            self.put_together();
        }
    }

    fn put_together(&mut self) {
        self.found.sort_unstable_by_key(|place| (place.start, place.end));
        let mut apart: Vec<Range<usize>> = Vec::new();
        for place in self.found.drain(..) {
            match apart.last_mut() {
                Some(last) if place.start < last.end => last.end = last.end.max(place.end),
                _ => apart.push(place),
            }
        }
        self.apart = apart.len();
        self.found = apart;
    }

    fn apart(mut self) -> Vec<Range<usize>> {
        self.put_together();
        self.found
    }
}

/// A text that was cut, without the half of a character that may stand at its end.
fn without_half_a_character(text: &[u8]) -> &[u8] {
    let last = text.utf8_chunks().last();
    let half = last.map(|chunk| chunk.invalid()).filter(|half| half.len() < 4 && half.first() >= Some(&0xc0));
    &text[..text.len() - half.map_or(0, <[u8]>::len)]
}

/// The forms that are looked for: the value as it is, in UTF-16 and in hexadecimal, and what base64
/// makes of it and of its forms on the wire, at each of three alignments. Other escapes and line
/// breaks are undone first.
fn forms(value: &str) -> Vec<Vec<u8>> {
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
    // A URL standard's parser makes slashes of backslashes: a Location that gives a value back.
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

/// A text as `encodeURIComponent` writes it, with digits of either case.
fn in_url_component(text: &str, lower: bool) -> String {
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

    #[test]
    fn a_secret_in_a_url_in_another_one_in_base64_is_redacted() {
        let secret = "hEad/+&=<\"\\ ~|`%tAil";
        let redactor = Redactor::new([Secret::new(secret)]);
        for wire in wire_forms(secret) {
            for lower in [false, true] {
                for before in ["", "a", "ab"] {
                    let inner = format!("{before}GET /?back={} HTTP/1.1", in_url_component(&wire, lower));
                    let text = format!("echo={}", STANDARD_NO_PAD.encode(&inner));
                    assert!(redactor.redact(&text).contains(REDACTED), "{inner}");
                }
            }
        }
    }

    #[test]
    fn a_secret_longer_than_what_is_kept_of_a_text_is_redacted_at_its_end() {
        let secret: String = (0..4_000).map(|at| format!("{at:x}-")).collect();
        let redactor = Redactor::new([Secret::new(&secret)]);
        for cut in [4, 15, 16, 17, 100, 8_000] {
            let text = format!("a token: {}", &secret[..cut]);
            let shown = redactor.clean_beginning(text.as_bytes(), 10_000, true);
            assert_eq!(shown.as_str(), "a token: [redacted]", "{cut}");
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let shown = redactor.clean_beginning(encoded.as_bytes(), 100_000, true);
            assert!(shown.as_str().ends_with("%20[redacted]"), "{cut}: {shown}");
        }
        let whole = redactor.clean(&format!("a token: {secret}."), 100);
        assert_eq!(whole.as_str(), "a token: [redacted].");
        // A text that is whole has no beginnings of secrets.
        assert_eq!(redactor.clean("0-1-2-", 100).as_str(), "0-1-2-");
    }

    #[test]
    fn a_cut_text_says_so_however_much_was_redacted() {
        let redactor = Redactor::new([Secret::new("hunter22")]);
        let shown = redactor.clean(&"hunter22".repeat(100_000), 300);
        assert!(shown.as_str().starts_with(REDACTED) && shown.as_str().ends_with('…'));
        assert!(!shown.as_str().contains("hunter22"));
        assert_eq!(Redactor::default().clean(&"ä".repeat(1000), 3).as_str(), "äää…");
    }

    #[test]
    fn secrets_that_overlap_or_share_their_beginning_are_redacted_whole() {
        let redactor =
            Redactor::new(["abcdef", "defghi", "0123456789abcdefgh", "0123456789abcdefxyz"].map(Secret::new));
        assert_eq!(redactor.redact("<abcdefghi>"), "<[redacted]>");
        assert_eq!(redactor.redact("<0123456789abcdefxyz>"), "<[redacted]>");
        let more = redactor.with([Secret::new("more-of-it"), Secret::new("abcdef")]);
        assert_eq!(more.redact("abcdef more-of-it"), "[redacted] [redacted]");
    }

    #[test]
    fn a_long_header_of_escapes_takes_no_more_time_than_a_short_one() {
        let redactor = Redactor::new([Secret::new("a/b c&d\"e")]);
        let hostile: String = "\\%25+&amp;\n".repeat(40_000);
        let (mut copies, mut bytes) = (0, 0);
        let beginning = &hostile.as_bytes()[..8 * 1024];
        unescape::visit_unescaped(beginning, &mut |plain| {
            copies += 1;
            bytes += plain.bytes.len();
        });
        assert!(copies <= 6 + 36 + 216 && bytes <= copies * beginning.len());
        assert!(redactor.clean(&hostile, 300).as_str().ends_with('…'));
    }

    proptest::proptest! {
        #[test]
        fn no_encoding_of_a_secret_survives(secret in "[ -~äß\"\\\\/+&=]{6,24}", before in "[a-z]{0,5}", after in "[a-z]{0,5}") {
            let redactor = Redactor::new([Secret::new(&secret)]);
            let base64 = STANDARD_NO_PAD.encode(format!("{before}{secret}{after}"));
            let url_safe = URL_SAFE_NO_PAD.encode(format!("{before}{secret}{after}"));
            let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            let json = serde_json::to_string(&secret).expect("a string serialises");
            let hexadecimal = hexadecimal(secret.as_bytes()).to_uppercase();
            let wrapped: Vec<&str> = base64.as_bytes().chunks(7).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
            let wide: String = secret.encode_utf16().flat_map(u16::to_le_bytes).map(char::from).collect();
            let all = format!("{before}{secret}{after} {base64} {url_safe} {encoded} {json} {hexadecimal}");
            let redacted = redactor.redact(&all);
            proptest::prop_assert!(!redacted.contains(&hexadecimal));
            for wrap in ["\n", "\r\n ", "\\n"] {
                let redacted = redactor.redact(&wrapped.join(wrap));
                let unwrapped = redacted.replace(wrap, "");
                proptest::prop_assert!(redacted.contains(REDACTED) && !unwrapped.contains(&base64), "{redacted}");
            }
            if secret.is_ascii() {
                proptest::prop_assert!(!redactor.redact(&wide).contains(&wide));
            }
            proptest::prop_assert!(!redacted.contains(&secret));
            proptest::prop_assert!(!redacted.contains(&encoded));
            proptest::prop_assert!(!redacted.contains(&json[1..json.len() - 1]));
            proptest::prop_assert!(!redacted.contains(&base64));
            proptest::prop_assert!(!redacted.contains(&url_safe));
        }
    }
}
