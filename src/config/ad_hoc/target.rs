//! A target without a scheme, as people type it: `example.com`, `localhost:8080`, `:8080`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::model::is_localhost;

/// The URL that a word without a scheme means; `None` for a word that can only be a name.
#[must_use]
pub(crate) fn assumed_url(word: &str) -> Option<String> {
    if word.contains("://") || word.contains(char::is_whitespace) {
        return None;
    }
    if let Ok(address) = word.parse::<Ipv6Addr>() {
        return Some(format!("http://[{address}]/"));
    }
    let end = word.find(['/', '?', '#']).unwrap_or(word.len());
    let (authority, rest) = word.split_at(end);
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    let (host, port) = match authority.rsplit_once(':') {
        // A colon inside brackets belongs to an IPv6 address, not to a port.
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse::<u16>().ok()?)),
        _ => (authority, None),
    };
    if is_no_host(host) {
        return None;
    }
    let is_local = host.is_empty() || is_localhost(host);
    let is_word = !host.contains(['.', ':', '[']);
    if is_word && !is_local && port.is_none() && rest.is_empty() {
        return None;
    }
    let is_address = host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    let secure = match port {
        Some(443 | 8443) => true,
        Some(80) => false,
        // A single-label name belongs to a private network: of a cluster, of containers.
        _ => !(is_local || is_address || is_word),
    };
    let scheme = if secure { "https" } else { "http" };
    let host = if host.is_empty() { "localhost" } else { host };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let rest = if rest.is_empty() { "/" } else { rest };
    Some(format!("{scheme}://{host}{port}{rest}"))
}

/// Whether a host has the form of an IPv4 address and is none: `1.2.3`, `999.1.1.1`. In a URL, a host whose last part
/// is a number is an address, and `1.2.3` would be 1.2.0.3.
pub(crate) fn is_broken_ipv4(host: &str) -> bool {
    let last = host.trim_end_matches('.').rsplit('.').next().unwrap_or_default();
    host.contains('.')
        && !last.is_empty()
        && last.bytes().all(|byte| byte.is_ascii_digit())
        && host.parse::<Ipv4Addr>().is_err()
}

fn is_no_host(host: &str) -> bool {
    host.contains('=') || is_broken_ipv4(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_asked_as_a_browser_would_and_a_local_one_as_a_developer_would() {
        for (word, url) in [
            ("example.com", "https://example.com/"),
            ("example.com/a?b#c", "https://example.com/a?b#c"),
            ("example.com?a=1", "https://example.com?a=1"),
            ("example.com:8443/x", "https://example.com:8443/x"),
            ("example.com:8080", "https://example.com:8080/"),
            ("example.com:80", "http://example.com:80/"),
            ("localhost", "http://localhost/"),
            ("localhost:8080", "http://localhost:8080/"),
            ("localhost:443", "https://localhost:443/"),
            ("app.localhost:3000/", "http://app.localhost:3000/"),
            ("LocalHost", "http://LocalHost/"),
            ("localhost.:8080", "http://localhost.:8080/"),
            ("localhost.localdomain", "http://localhost.localdomain/"),
            (":8080", "http://localhost:8080/"),
            (":8080/health", "http://localhost:8080/health"),
            ("127.0.0.1", "http://127.0.0.1/"),
            ("127.0.0.1:8801/x", "http://127.0.0.1:8801/x"),
            ("10.0.0.7:443", "https://10.0.0.7:443/"),
            ("[::1]:8080", "http://[::1]:8080/"),
            ("::1", "http://[::1]/"),
            ("web:8080", "http://web:8080/"),
            ("web/health", "http://web/health"),
        ] {
            assert_eq!(assumed_url(word).as_deref(), Some(url), "{word}");
        }
    }

    #[test]
    fn a_part_of_an_address_is_no_host() {
        for word in ["1.2.3", "127.1", "127.1:8080", "999.1.1.1/a", "1.2.3.4.5", "release-1.2", "token=a.b"] {
            assert_eq!(assumed_url(word), None, "{word}");
        }
        for word in ["1.2.3.4", "1.example", "3.example.com:8080", "2.3.x1", "0.0.0.0:80"] {
            assert!(assumed_url(word).is_some(), "{word}");
        }
    }

    #[test]
    fn a_bare_word_is_a_name() {
        for word in ["home", "checkout-api", "", "/health", "me@example.com", "log in", "home:prod", "https://x"] {
            assert_eq!(assumed_url(word), None, "{word}");
        }
    }
}
