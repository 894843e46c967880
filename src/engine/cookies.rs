//! The cookies of one check: kept along its redirects and steps with the scoping of RFC 6265,
//! bounded, and forgotten with it. One thing is narrower than the RFC: a cookie of one port is
//! not sent to another, since another port may be another's service. The two standard ports
//! count as one, so that a redirect from http to https keeps what was set.

use std::collections::HashMap;

use cookie::Cookie;
use cookie_store::CookieStore;
use http::{HeaderMap, HeaderValue, header};
use url::Url;

/// The most cookies kept.
const COOKIES: usize = 50;

/// The longest cookie kept, in bytes.
const COOKIE_LIMIT: usize = 4 * 1024;

/// The cookies of one check.
#[derive(Clone, Debug, Default)]
pub(super) struct Jar {
    /// By port; none for the standard ones.
    stores: HashMap<Option<u16>, CookieStore>,
}

impl Jar {
    /// Keeps what a response sets.
    pub(super) fn keep(&mut self, headers: &HeaderMap, url: &Url) {
        for value in headers.get_all(header::SET_COOKIE).iter().take(COOKIES) {
            if value.len() > COOKIE_LIMIT {
                continue;
            }
            let Ok(cookie) = std::str::from_utf8(value.as_bytes()).map(Cookie::parse) else { continue };
            let Ok(cookie) = cookie else { continue };
            let full = self.len() >= COOKIES;
            if is_for_a_whole_top_level(&cookie) || full {
                continue;
            }
            let _ = self.stores.entry(port_of(url)).or_default().insert_raw(&cookie, url);
        }
    }

    /// The cookie header for a request, if any cookie is for it.
    pub(super) fn header(&self, url: &Url) -> Option<HeaderValue> {
        let store = self.stores.get(&port_of(url))?;
        let pairs: Vec<String> = store.get_request_values(url).map(|(name, value)| format!("{name}={value}")).collect();
        if pairs.is_empty() { None } else { HeaderValue::from_str(&pairs.join("; ")).ok() }
    }

    /// The value of a cookie by its name, whatever its scope.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let mut cookies = self.stores.values().flat_map(CookieStore::iter_any);
        cookies.find(|cookie| cookie.name() == name).map(|cookie| cookie.value())
    }

    fn len(&self) -> usize {
        self.stores.values().map(|store| store.iter_any().count()).sum()
    }
}

fn port_of(url: &Url) -> Option<u16> {
    url.port().filter(|port| !matches!(port, 80 | 443))
}

/// A cookie for `com` would be sent to every other site of a journey.
fn is_for_a_whole_top_level(cookie: &Cookie<'_>) -> bool {
    cookie.domain().is_some_and(|domain| !domain.trim_start_matches('.').contains('.') && domain != "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn set(jar: &mut Jar, from: &str, cookies: &[&str]) {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::SET_COOKIE, HeaderValue::from_str(cookie).expect("a value"));
        }
        jar.keep(&headers, &url(from));
    }

    #[test]
    fn a_cookie_goes_where_it_belongs_and_nowhere_else() {
        let mut jar = Jar::default();
        set(
            &mut jar,
            "https://a.test/x/",
            &["one=1; Path=/x", "two=2; Secure", "three=3; Domain=b.test", "four=4; Domain=test"],
        );
        assert_eq!(
            jar.header(&url("https://a.test/x/y")).expect("cookies").to_str().expect("text").len(),
            "one=1; two=2".len()
        );
        assert_eq!(jar.header(&url("http://a.test/")), None);
        assert_eq!(jar.header(&url("https://b.test/x/")), None);
        assert_eq!(jar.header(&url("https://a.test:8443/x/")), None);
        assert!(jar.header(&url("http://a.test/x/")).is_some());
    }

    #[test]
    fn neither_many_cookies_nor_a_long_one_fill_the_memory() {
        let mut jar = Jar::default();
        let many: Vec<String> = (0..10_000).map(|at| format!("c{at}=v")).collect();
        for chunk in many.chunks(100) {
            let chunk: Vec<&str> = chunk.iter().map(String::as_str).collect();
            set(&mut jar, "http://a.test/", &chunk);
        }
        set(&mut jar, "http://a.test/", &[&format!("long={}", "x".repeat(5000))]);
        assert_eq!(jar.len(), COOKIES);
        assert!(!jar.header(&url("http://a.test/")).expect("cookies").to_str().expect("text").contains("long"));
    }
}
