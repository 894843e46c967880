//! What a redirect asks for, and how far that is followed. It sends nothing.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use url::Url;

use crate::engine::fault::Fault;
use crate::model::{FailureClass, MessageText, message};

/// The longest Location followed, in bytes.
const LOCATION_LIMIT: usize = 8 * 1024;

/// No ASCII byte is escaped; bytes beyond ASCII always are.
const NON_ASCII: &percent_encoding::AsciiSet = &percent_encoding::AsciiSet::EMPTY;

/// The configured headers that another origin may get. Any other could be a credential.
const SAFE: &[HeaderName] = &[
    header::ACCEPT,
    header::ACCEPT_CHARSET,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CACHE_CONTROL,
    header::PRAGMA,
    header::USER_AGENT,
];

/// Whether a configured header may be sent to another origin.
pub(crate) fn is_safe(name: &HeaderName) -> bool {
    SAFE.contains(name)
}

/// Whether a status is a redirect.
pub(crate) fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Whether a redirect has a Location: browsers and curl treat one without, or with an empty one, as the answer.
pub(crate) fn has_location(headers: &HeaderMap) -> bool {
    locations(headers).next().is_some()
}

/// The Locations of a redirect that are not empty.
fn locations(headers: &HeaderMap) -> impl Iterator<Item = &HeaderValue> {
    headers.get_all(header::LOCATION).iter().filter(|location| !location.as_bytes().trim_ascii().is_empty())
}

/// The Location of a redirect as the server wrote it, for the record.
pub(crate) fn location(headers: &HeaderMap) -> &[u8] {
    headers.get(header::LOCATION).map_or(&[], |location| location.as_bytes())
}

/// Where a redirect leads, without userinfo, parsed as in browsers: bytes beyond ASCII as they are,
/// backslashes as slashes, and with the previous page's fragment if it has none of its own. A redirect
/// from https to http is followed only if `allow_downgrade` is set.
///
/// # Errors
/// It leads nowhere, or must not be followed.
pub(crate) fn target(headers: &HeaderMap, url: &Url, allow_downgrade: bool) -> Result<Url, Fault> {
    let invalid = |what: MessageText| Fault::new(FailureClass::RedirectInvalid, None, what);
    let mut locations = locations(headers);
    let first = locations.next().ok_or_else(|| invalid("a redirect without a Location".into()))?;
    if locations.any(|other| other != first) {
        return Err(invalid("a redirect with several different Locations".into()));
    }
    if first.len() > LOCATION_LIMIT {
        return Err(invalid(message!("a redirect with a Location of {} bytes", first.len())));
    }
    let text = ascii(first.as_bytes());
    let mut target = url
        .join(&few_slashes(text.trim()))
        .map_err(|error| invalid(message!("a redirect with an unusable Location: {error}")))?;
    let blocked = |what: MessageText| Fault::new(FailureClass::RedirectBlocked, None, what);
    match (url.scheme(), target.scheme()) {
        ("https", "http") if !allow_downgrade => {
            let message = "a redirect from https to http is not followed; `redirects-allow-downgrade = true` allows it";
            return Err(blocked(message.into()));
        }
        (_, "http" | "https") => {}
        (_, scheme) => return Err(blocked(message!("a redirect to a {scheme}: URL is not followed"))),
    }
    if target.host().is_none() {
        return Err(invalid("a redirect to a URL without a host".into()));
    }
    let _ = target.set_username("");
    let _ = target.set_password(None);
    if target.fragment().is_none() {
        target.set_fragment(url.fragment());
    }
    Ok(target)
}

/// A Location that begins with two slashes at most: browsers and curl ignore any more before a host, where the parser of
/// URLs sees an empty one.
fn few_slashes(location: &str) -> Cow<'_, str> {
    let rest = location.trim_start_matches(['/', '\\']);
    if location.len() - rest.len() > 2 { format!("//{rest}").into() } else { location.into() }
}

/// A Location with its bytes beyond ASCII escaped, whatever their charset.
fn ascii(location: &[u8]) -> String {
    percent_encoding::percent_encode(location, NON_ASCII).to_string()
}

/// The method after a redirect (RFC 9110 section 15.4, Fetch standard 4.4).
pub(crate) fn method_after(status: StatusCode, method: &Method) -> Method {
    match (status.as_u16(), method) {
        (301 | 302, &Method::POST) => Method::GET,
        (303, method) if method != Method::GET && method != Method::HEAD => Method::GET,
        (_, method) => method.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn towards(location: &str) -> Result<String, FailureClass> {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, HeaderValue::from_bytes(location.as_bytes()).expect("a value"));
        let from = Url::parse("https://a.test/x/y").expect("a URL");
        target(&headers, &from, false).map(String::from).map_err(|fault| fault.class)
    }

    #[test]
    fn a_location_is_read_as_browsers_read_it() {
        assert_eq!(towards("../z?q=1#f").as_deref(), Ok("https://a.test/z?q=1#f"));
        assert_eq!(towards(" /a b\t").as_deref(), Ok("https://a.test/a%20b"));
        assert_eq!(towards("\\\\b.test\\c\\..\\d").as_deref(), Ok("https://b.test/d"));
        assert_eq!(towards("https:/z").as_deref(), Ok("https://a.test/z"));
        assert_eq!(towards("/ä?ö").as_deref(), Ok("https://a.test/%C3%A4?%C3%B6"));
        assert_eq!(towards("https://münchen.test/").as_deref(), Ok("https://xn--mnchen-3ya.test/"));
        assert_eq!(towards("?q").as_deref(), Ok("https://a.test/x/y?q"));
        assert_eq!(towards("#f").as_deref(), Ok("https://a.test/x/y#f"));
        assert_eq!(towards("//b.test/").as_deref(), Ok("https://b.test/"));
        assert_eq!(towards("https://u:pw@b.test/").as_deref(), Ok("https://b.test/"));
        assert_eq!(towards("///b.test").as_deref(), Ok("https://b.test/"));
        assert_eq!(towards("/\\/b.test").as_deref(), Ok("https://b.test/"));
        assert_eq!(towards("https:///b.test").as_deref(), Ok("https://b.test/"));
        assert_eq!(towards("https:z").as_deref(), Ok("https://a.test/x/z"));
        assert_eq!(towards("?").as_deref(), Ok("https://a.test/x/y?"));
        assert_eq!(towards("#").as_deref(), Ok("https://a.test/x/y#"));
        assert_eq!(towards("/z\t").as_deref(), Ok("https://a.test/z"));
    }

    #[test]
    fn bytes_in_any_charset_and_the_fragment_before_are_kept() {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, HeaderValue::from_bytes(b"/caf\xe9").expect("a value"));
        let from = Url::parse("https://a.test/x#part").expect("a URL");
        let target = target(&headers, &from, false).map(String::from).map_err(|fault| fault.class);
        assert_eq!(target.as_deref(), Ok("https://a.test/caf%E9#part"));
    }

    #[test]
    fn where_we_do_not_go_is_blocked_and_what_leads_nowhere_is_invalid() {
        for location in [
            "file:///etc/passwd",
            "ftp://a.test/",
            "data:text/plain,x",
            "javascript:1",
            "http://a.test/",
            "http:z",
            "http:/z",
        ] {
            assert_eq!(towards(location), Err(FailureClass::RedirectBlocked), "{location}");
        }
        for location in ["//", "///", "https://", "http:", "//?", "https://[::1", &"x".repeat(70_000)] {
            assert_eq!(towards(location), Err(FailureClass::RedirectInvalid), "{location}");
        }
    }

    #[test]
    fn a_downgrade_is_followed_where_it_is_allowed() {
        let mut headers = HeaderMap::new();
        headers.insert(header::LOCATION, HeaderValue::from_static("http://a.test/z"));
        let from = Url::parse("https://a.test/").expect("a URL");
        let blocked = target(&headers, &from, false).map_err(|fault| (fault.class, fault.message.clone()));
        let (class, message) = blocked.expect_err("a fault");
        assert_eq!(class, FailureClass::RedirectBlocked);
        assert!(message.as_str().contains("redirects-allow-downgrade"), "{message}");
        assert_eq!(
            target(&headers, &from, true).map(String::from).map_err(|fault| fault.class).as_deref(),
            Ok("http://a.test/z")
        );
    }

    #[test]
    fn two_locations_must_agree() {
        let mut headers = HeaderMap::new();
        let from = Url::parse("http://a.test/").expect("a URL");
        assert!(target(&headers, &from, false).is_err());
        headers.append(header::LOCATION, HeaderValue::from_static("/b"));
        headers.append(header::LOCATION, HeaderValue::from_static("/b"));
        assert!(target(&headers, &from, false).is_ok());
        headers.append(header::LOCATION, HeaderValue::from_static("/c"));
        assert_eq!(target(&headers, &from, false).map_err(|fault| fault.class), Err(FailureClass::RedirectInvalid));
    }

    #[test]
    fn a_post_becomes_a_get_where_the_standard_says_so() {
        let after = |status: u16, method: Method| {
            method_after(StatusCode::from_u16(status).expect("a status"), &method).to_string()
        };
        assert_eq!(after(301, Method::POST), "GET");
        assert_eq!(after(302, Method::PUT), "PUT");
        assert_eq!(after(303, Method::PUT), "GET");
        assert_eq!(after(303, Method::HEAD), "HEAD");
        assert_eq!(after(307, Method::POST), "POST");
        assert_eq!(after(308, Method::POST), "POST");
    }
}
