//! Redacts secrets, in every encoding, from what a server sends back.

mod places;
mod secret_forms;
mod secret_search;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use url::Url;

use self::places::Places;
use self::secret_search::Search;
use super::text::{MESSAGE_LIMIT, visible_bytes};
use super::{MessageText, REDACTED, SHORTEST_SECRET, SafeText, Secret, is_secret_name, unescape};

/// How many times longer escaping may make a form, for text searched beyond a cut.
const ESCAPED: usize = 6;

/// Maximum number of bytes beyond a cut that are searched for the end of a secret.
const REACH: usize = 64 * 1024;

/// Finds every encoding of every secret in a text. This is the only way from what a server sends to [`SafeText`].
#[derive(Clone, Debug, Default)]
pub struct Redactor {
    /// Secrets that were added together. Each group builds its search once.
    groups: Vec<Arc<Group>>,
}

/// Secrets, and the search built for them.
#[derive(Debug)]
struct Group {
    secrets: Vec<Secret>,
    search: OnceLock<Option<Search>>,
}

impl Redactor {
    /// A redactor of these secrets. Values shorter than `SHORTEST_SECRET` bytes are not searched: they are hidden only
    /// where they are known to stand.
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
        String::from_utf8_lossy(&self.redact_bytes(text.as_bytes(), false, &[])).into_owned()
    }

    /// The same for as much of a text as `limit` characters of it need. The first `ours` bytes are a word of ours, in
    /// which no secret is redacted: a gap in a known word shows the secret that it hides.
    pub(crate) fn redact_beginning(&self, text: &str, limit: usize, ours: usize) -> String {
        let enough = text.floor_char_boundary(limit.saturating_mul(4).saturating_add(self.reach()));
        String::from_utf8_lossy(&self.redact_bytes(&text.as_bytes()[..enough], enough < text.len(), &[(0, ours)]))
            .into_owned()
    }

    /// A message of ours, whose own words are not searched, not yet clean for a terminal.
    pub(crate) fn redact_message(&self, message: &MessageText) -> String {
        String::from_utf8_lossy(&self.redact_bytes(message.as_str().as_bytes(), false, message.own_words()))
            .into_owned()
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

    /// The same for the beginning of a text; `goes_on` means that there was more. If its end may be the beginning of a
    /// secret, that is redacted.
    ///
    /// The cost depends on the limit, not on the length of the text.
    #[must_use]
    pub(crate) fn clean_beginning(&self, bytes: &[u8], limit: usize, goes_on: bool) -> SafeText {
        self.clean_quoted(bytes, limit, goes_on, &[])
    }

    /// The same for a text in which these ranges are words of ours.
    fn clean_quoted(&self, bytes: &[u8], limit: usize, goes_on: bool, ours: &[(usize, usize)]) -> SafeText {
        // A character is shown as four bytes at most, or as an escape that is longer than its bytes.
        let enough = limit.saturating_mul(4).saturating_add(self.reach());
        let beginning = (bytes.len() > enough).then(|| without_half_a_character(&bytes[..enough]));
        let goes_on = goes_on || beginning.is_some();
        let redacted = self.redact_bytes(beginning.unwrap_or(bytes), goes_on, ours);
        let text = visible_bytes(&redacted, limit.saturating_mul(4));
        if beginning.is_some() { SafeText::clean_beginning(&text, limit) } else { SafeText::clean(&text, limit) }
    }

    fn searches(&self) -> impl Iterator<Item = &Search> {
        self.groups.iter().filter_map(|group| group.search.get_or_init(|| Search::new(&group.secrets)).as_ref())
    }

    /// How many bytes beyond a cut the longest form of a secret may take, escaped.
    fn reach(&self) -> usize {
        let longest = self.searches().map(|search| search.longest).max().unwrap_or_default();
        (longest * ESCAPED).min(REACH)
    }

    /// Bytes without secrets, except for those that lie in words of ours.
    fn redact_bytes<'t>(&self, bytes: &'t [u8], goes_on: bool, ours: &[(usize, usize)]) -> Cow<'t, [u8]> {
        let is_ours = |place: &Range<usize>| ours.iter().any(|(start, end)| *start <= place.start && place.end <= *end);
        let mut places = self.places(bytes, goes_on);
        places.retain(|place| !is_ours(place));
        without(bytes, places)
    }

    /// The ranges of secrets in a text, in order and without overlaps, whatever their encoding.
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

    /// A message of ours that may quote something from outside.
    #[must_use]
    pub(crate) fn message(&self, message: impl Into<MessageText>) -> SafeText {
        self.message_within(message, MESSAGE_LIMIT)
    }

    /// The same, cut to `limit` characters.
    pub(crate) fn message_within(&self, message: impl Into<MessageText>, limit: usize) -> SafeText {
        let message = message.into();
        self.clean_quoted(message.as_str().as_bytes(), limit, false, message.own_words())
    }

    /// A URL without its userinfo, its fragment and the values of secret query parameters.
    #[must_use]
    pub fn url(&self, url: &Url) -> SafeText {
        let mut shown = url.clone();
        let _ = shown.set_username("");
        let _ = shown.set_password(None);
        shown.set_fragment(None);
        // Secrets first: one with a separator in it spans parameters. Long text is cut: a message shows no more of it.
        let shown = self.redact_beginning(shown.as_str(), MESSAGE_LIMIT, shown.scheme().len());
        let Ok(mut shown) = Url::parse(&shown) else { return SafeText::message(&shown) };
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
        SafeText::message(shown.as_str())
    }
}

/// Bytes with a mark in each of these places.
fn without(bytes: &[u8], places: Vec<Range<usize>>) -> Cow<'_, [u8]> {
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

/// A cut text, without a partial character at its end.
fn without_half_a_character(text: &[u8]) -> &[u8] {
    let last = text.utf8_chunks().last();
    let half = last.map(|chunk| chunk.invalid()).filter(|half| half.len() < 4 && half.first() >= Some(&0xc0));
    &text[..text.len() - half.map_or(0, <[u8]>::len)]
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

    use super::secret_forms::{in_url_component, wire_forms};
    use super::*;
    use crate::model::text::hexadecimal;

    #[test]
    fn a_url_loses_its_userinfo_and_its_secret_parameters() {
        let url = Url::parse("https://u:pw@x.test/p?a=1&api_key=abcd#f").expect("a URL");
        assert_eq!(Redactor::default().url(&url).as_str(), "https://x.test/p?a=1&api_key=redacted");
    }

    #[test]
    fn the_scheme_of_a_url_is_no_secret_unless_the_secret_goes_on() {
        let url = |text: &str| Url::parse(text).expect("a URL");
        let redactor = Redactor::new(["http", "https://x.test/hook"].map(Secret::new));
        assert_eq!(redactor.url(&url("http://http.test/")).as_str(), "http://[redacted].test/");
        assert_eq!(redactor.url(&url("https://x.test/hook")).as_str(), "[redacted]");
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
