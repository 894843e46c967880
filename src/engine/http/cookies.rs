//! The cookies of one check: kept across its redirects and steps with the scoping of RFC 6265,
//! bounded, and dropped with it. The scope is narrower than the RFC's in one way: a cookie of one
//! port is not sent to another, which may be someone else's service. The two standard ports count
//! as one, so that a redirect from http to https keeps its cookies.

use std::cmp::Reverse;
use std::collections::HashMap;

use cookie::Cookie;
use cookie_store::{CookieStore, StoreAction};
use http::{HeaderMap, HeaderValue, header};
use url::Url;

use crate::model::is_localhost;

/// The most cookies kept.
const COOKIES: usize = 50;

/// The longest cookie kept, in bytes.
const COOKIE_LIMIT: usize = 4 * 1024;

/// The cookies of one check.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar {
    /// By port; none for the standard ones.
    stores: HashMap<Option<u16>, Store>,
    /// How many cookies were set so far.
    set: u64,
}

/// What identifies a cookie: domain, path and name.
type CookieKey = (String, String, String);

/// The cookies of one port, and their order of age.
#[derive(Clone, Debug, Default)]
struct Store {
    cookies: CookieStore,
    /// When each was first set.
    age: HashMap<CookieKey, u64>,
}

impl Store {
    /// Keeps a cookie. One that replaces another inherits its age (RFC 6265 section 5.3).
    fn keep(&mut self, cookie: &Cookie<'_>, url: &Url, now: u64) {
        let Ok(kept) = cookie_store::Cookie::try_from_raw_cookie(cookie, url) else { return };
        let key = key_of(&kept);
        match self.cookies.insert(kept.into_owned(), url) {
            Ok(StoreAction::ExpiredExisting) => self.remove(&key),
            Ok(StoreAction::Inserted | StoreAction::UpdatedExisting) => {
                self.age.entry(key).or_insert(now);
            }
            Err(_) => {}
        }
    }

    fn remove(&mut self, key: &CookieKey) {
        let (domain, path, name) = key;
        self.cookies.remove(domain, path, name);
        self.age.remove(key);
    }

    /// The cookies for a URL, longer paths first, then older cookies first (section 5.4).
    fn matches(&self, url: &Url) -> Vec<&cookie_store::Cookie<'static>> {
        let mut cookies = self.cookies.matches(url);
        cookies.sort_by_cached_key(|cookie| {
            let path: &str = cookie.path.as_ref();
            (Reverse(path.len()), self.age.get(&key_of(cookie)).copied())
        });
        cookies
    }
}

/// The key by which a cookie replaces another.
fn key_of(cookie: &cookie_store::Cookie<'_>) -> CookieKey {
    let path: &str = cookie.path.as_ref();
    (String::from(&cookie.domain), path.to_owned(), cookie.name().to_owned())
}

impl Jar {
    /// Keeps the cookies that a response sets.
    pub(crate) fn keep(&mut self, headers: &HeaderMap, url: &Url) {
        for value in headers.get_all(header::SET_COOKIE).iter().take(COOKIES) {
            if value.len() > COOKIE_LIMIT {
                continue;
            }
            let Ok(mut cookie) = Cookie::parse(text_of(value.as_bytes())) else { continue };
            if !is_as_secure_as_it_says(&cookie, url) {
                continue;
            }
            if is_for_a_whole_top_level(&cookie) {
                // A single-label host may name itself as the domain, and then means itself only (section 5.3).
                let own = cookie.domain().map(|domain| domain.trim_start_matches('.').to_ascii_lowercase());
                if own.as_deref() != url.host_str() {
                    continue;
                }
                cookie.unset_domain();
            }
            self.set += 1;
            self.stores.entry(port_of(url)).or_default().keep(&cookie, url, self.set);
            if self.len() > COOKIES {
                self.evict();
            }
        }
    }

    /// Drops the oldest cookie, as browsers do where there is no room: a login sets its cookie last.
    fn evict(&mut self) {
        let oldest = |store: &Store| store.age.iter().map(|(key, age)| (*age, key.clone())).min();
        let oldest =
            self.stores.values_mut().filter_map(|store| Some((oldest(store)?, store))).min_by_key(|(age, _)| age.0);
        if let Some(((_, key), store)) = oldest {
            store.remove(&key);
        }
    }

    /// The cookie header for a request, if any cookie matches.
    pub(crate) fn header(&self, url: &Url) -> Option<HeaderValue> {
        let store = self.stores.get(&port_of(url))?;
        let pairs: Vec<String> =
            store.matches(url).iter().map(|cookie| format!("{}={}", cookie.name(), cookie.value())).collect();
        if pairs.is_empty() { None } else { HeaderValue::from_bytes(&bytes_of(&pairs.join("; "))).ok() }
    }

    /// The value of a cookie by its name: of those of this name, the first that a request to the URL sends; if it
    /// sends none, the one that was set last.
    pub(crate) fn value(&self, name: &str, url: &Url) -> Option<String> {
        let name = text_of(name.as_bytes());
        let sent = self.stores.get(&port_of(url)).map(|store| store.matches(url)).unwrap_or_default();
        let sent = sent.into_iter().find(|cookie| cookie.name() == name);
        let cookie = sent.or_else(|| {
            let all =
                self.stores.values().flat_map(|store| store.cookies.iter_any().map(move |cookie| (store, cookie)));
            let named = all.filter(|(_, cookie)| cookie.name() == name);
            named.max_by_key(|(store, cookie)| store.age.get(&key_of(cookie)).copied()).map(|(_, cookie)| cookie)
        })?;
        Some(String::from_utf8_lossy(&bytes_of(cookie.value())).into_owned())
    }

    fn len(&self) -> usize {
        self.stores.values().map(|store| store.age.len()).sum()
    }
}

/// One character per byte: a cookie is returned byte for byte, whatever its charset.
fn text_of(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn bytes_of(text: &str) -> Vec<u8> {
    text.chars().map(|character| u8::try_from(character).unwrap_or(b'?')).collect()
}

fn port_of(url: &Url) -> Option<u16> {
    url.port().filter(|port| !matches!(port, 80 | 443))
}

/// A cookie for `com` would be sent to every other site that the check visits.
fn is_for_a_whole_top_level(cookie: &Cookie<'_>) -> bool {
    cookie.domain().is_some_and(|domain| !domain.trim_start_matches('.').contains('.') && domain != "localhost")
}

/// Whether a cookie that is called secure, by its attribute or the prefix of its name, was set like one: browsers drop
/// it otherwise, and the login that needs it fails (RFC 6265bis, section 5.7).
fn is_as_secure_as_it_says(cookie: &Cookie<'_>, url: &Url) -> bool {
    let name = cookie.name().to_ascii_lowercase();
    let is_secure = cookie.secure() == Some(true);
    let is_of_host = cookie.domain().is_none() && cookie.path() == Some("/");
    (!is_secure || is_trusted(url))
        && (is_secure || !name.starts_with("__secure-"))
        && (is_secure && is_of_host || !name.starts_with("__host-"))
}

/// Whether a URL may set secure cookies: over TLS, or on this machine.
fn is_trusted(url: &Url) -> bool {
    let is_local = match url.host() {
        Some(url::Host::Domain(name)) => is_localhost(name),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    is_local || matches!(url.scheme(), "https" | "wss")
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
    fn cookies_are_sent_by_the_length_of_their_path_and_then_by_age() {
        let mut jar = Jar::default();
        let all = ["sid=a; Path=/", "z=1; Path=/", "sid=b; Path=/app", "a=1; Path=/", "m=1; Path=/app"];
        set(&mut jar, "http://a.test/app/", &all);
        let sent =
            |jar: &Jar| jar.header(&url("http://a.test/app/x")).expect("cookies").to_str().expect("text").to_owned();
        assert_eq!(sent(&jar), "sid=b; m=1; sid=a; z=1; a=1");
        // A new value keeps the age; setting it again after its removal does not.
        set(&mut jar, "http://a.test/app/", &["sid=c; Path=/", "z=; Path=/; Max-Age=0", "z=2; Path=/"]);
        assert_eq!(sent(&jar), "sid=b; m=1; sid=c; a=1; z=2");
        set(&mut jar, "http://a.test/app/", &["name=Größe; Path=/app/x"]);
        let header = jar.header(&url("http://a.test/app/x")).expect("cookies");
        assert!(header.as_bytes().starts_with("name=Größe; sid=b".as_bytes()));
    }

    #[test]
    fn a_full_jar_takes_new_values_and_new_cookies_and_drops_the_oldest() {
        let mut jar = Jar::default();
        let many: Vec<String> = (0..COOKIES).map(|n| format!("c{n}=1; Path=/")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        set(&mut jar, "http://a.test/", &many);
        set(&mut jar, "http://a.test/", &["c7=new; Path=/", "c8=; Path=/; Max-Age=0"]);
        let a = url("http://a.test/");
        assert_eq!((jar.len(), jar.value("c7", &a), jar.value("c8", &a)), (COOKIES - 1, Some("new".to_owned()), None));
        set(&mut jar, "http://a.test:8080/", &["sid=1", "last=1"]);
        assert_eq!((jar.len(), jar.value("c0", &a), jar.value("c1", &a)), (COOKIES, None, Some("1".to_owned())));
        assert_eq!(jar.header(&url("http://a.test:8080/")).expect("cookies"), "sid=1; last=1");
    }

    #[test]
    fn of_cookies_of_one_name_the_one_that_is_sent_first_is_taken_and_else_the_newest() {
        for _ in 0..8 {
            let mut jar = Jar::default();
            set(&mut jar, "http://a.test/app/", &["sid=app; Path=/app", "sid=root; Path=/"]);
            set(&mut jar, "http://a.test:8080/", &["sid=other"]);
            let value = |at: &str| jar.value("sid", &url(at)).expect("a value");
            assert_eq!(value("http://a.test/app/x"), "app");
            assert_eq!(value("http://a.test/"), "root");
            assert_eq!(value("http://a.test:8080/"), "other");
            assert_eq!(value("http://b.test/"), "other");
        }
    }

    #[test]
    fn a_cookie_that_browsers_drop_is_dropped() {
        let kept = |from: &str, cookie: &str| {
            let mut jar = Jar::default();
            set(&mut jar, from, &[cookie]);
            jar.len() == 1
        };
        for cookie in ["__Secure-a=1; Secure", "__Host-a=1; Path=/; Secure", "a=1; Secure", "__Hosta=1", "Host-a=1"] {
            assert!(kept("https://a.test/x/", cookie), "{cookie}");
            assert!(kept("http://127.0.0.1/x/", cookie) && kept("http://localhost/x/", cookie), "{cookie}");
            assert!(
                kept("http://a.localhost/x/", cookie) && kept("http://localhost.localdomain/x/", cookie),
                "{cookie}"
            );
            assert_eq!(kept("http://a.test/x/", cookie), !cookie.contains("Secure"), "{cookie}");
        }
        for cookie in [
            "__Secure-a=1",
            "__secure-a=1; Path=/",
            "__Host-a=1; Path=/",
            "__Host-a=1; Secure",
            "__host-a=1; Secure; Path=/x/",
            "__Host-a=1; Secure; Path=/; Domain=a.test",
        ] {
            assert!(!kept("https://a.test/x/", cookie), "{cookie}");
        }
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
