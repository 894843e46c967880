//! URLs as curl reads them without `-g`: brackets and braces make one URL many, and a backslash keeps them as they
//! are. Browsers write these backslashes when they copy a request.

/// The one URL that a text stands for; absent if it is a pattern of several.
pub(super) fn single_url(text: &str) -> Option<String> {
    let mut url = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let whole = literal(rest, url.ends_with("://"));
        let length = match (letter, whole) {
            (_, Some(length)) => length,
            ('[' | ']' | '{' | '}', None) => return None,
            ('\\', None) if rest[1..].starts_with(['[', ']', '{', '}']) => {
                rest = &rest[1..];
                1
            }
            _ => letter.len_utf8(),
        };
        let (part, after) = rest.split_at(length);
        url.push_str(part);
        rest = after;
    }
    Some(url)
}

/// The length of what a text begins with, if its brackets or braces are no pattern: a variable, or an IPv6 address in
/// the place of the host.
fn literal(rest: &str, is_host: bool) -> Option<usize> {
    let close = match rest.as_bytes() {
        [b'$', b'{', ..] => '}',
        [b'[', ..] if is_host => ']',
        _ => return None,
    };
    rest.find(close).map(|end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_brackets_are_one_url_and_others_are_a_pattern() {
        for (text, url) in [
            (r"https://x.test/?f=\[1,2\]&q=\{a\}", Some("https://x.test/?f=[1,2]&q={a}")),
            (r"https://x.test/a\b\\[", Some(r"https://x.test/a\b\[")),
            (r"https://x.test/a\b", Some(r"https://x.test/a\b")),
            ("https://[2001:db8::1]:8443/a", Some("https://[2001:db8::1]:8443/a")),
            ("https://[2001:db8::1]/[1-3]", None),
            ("https://x.test/${ID}/é", Some("https://x.test/${ID}/é")),
            ("https://x.test/${ID}/{a,b}", None),
            ("https://x.test/a]", None),
            ("https://x.test/\\", Some("https://x.test/\\")),
        ] {
            assert_eq!(single_url(text).as_deref(), url, "{text}");
        }
    }
}
