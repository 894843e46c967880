//! The host names that a request may use. A web page can point its own name at this machine and read the answer (DNS
//! rebinding), but it cannot send a request for another name or for an IP address.

use std::net::IpAddr;

use http::{HeaderMap, Uri, header};

/// The names that are served. IP addresses and `localhost` always are.
#[derive(Clone, Debug)]
pub(super) enum AllowedHosts {
    /// Any name: for a listener beyond the loopback interface without named hosts.
    Any,
    /// These, in lower case.
    Named(Vec<String>),
}

impl AllowedHosts {
    /// The names of the command line. Without any, a listener on the loopback interface serves no other name.
    pub(super) fn new(named: &[String], is_loopback: bool) -> AllowedHosts {
        if named.is_empty() && !is_loopback {
            return AllowedHosts::Any;
        }
        AllowedHosts::Named(named.iter().map(|name| without_dot(name).to_ascii_lowercase()).collect())
    }

    /// Whether a request may be answered. One without a host, which HTTP/1.0 allows, does not come from a browser.
    pub(super) fn allow(&self, uri: &Uri, headers: &HeaderMap) -> bool {
        let AllowedHosts::Named(names) = self else { return true };
        let header = headers.get(header::HOST).map(|value| value.to_str().unwrap_or("\u{fffd}"));
        let Some(host) = uri.host().or_else(|| header.map(without_port)) else { return true };
        let host = without_dot(host).to_ascii_lowercase();
        let is_address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().is_ok();
        is_address || host == "localhost" || names.contains(&host)
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        // A colon within brackets belongs to the address.
        Some((name, port)) if !port.contains(']') => name,
        _ => host,
    }
}

fn without_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(named: &[&str], is_loopback: bool, host: Option<&str>, uri: &str) -> bool {
        let named: Vec<String> = named.iter().map(|name| (*name).to_owned()).collect();
        let headers = host.map(|host| (header::HOST, host.parse().unwrap())).into_iter().collect();
        AllowedHosts::new(&named, is_loopback).allow(&uri.parse().unwrap(), &headers)
    }

    #[test]
    fn a_listener_on_the_loopback_interface_serves_no_foreign_name() {
        for host in ["localhost", "LOCALHOST:9115", "localhost.", "127.0.0.1:9115", "[::1]:9115", "[::1]", "10.0.0.7"] {
            assert!(allows(&[], true, Some(host), "/metrics"), "{host}");
        }
        for host in ["evil.test", "evil.test:9115", "127.0.0.1.evil.test", "localhost.evil.test", "", "[evil]", "é"] {
            assert!(!allows(&[], true, Some(host), "/metrics"), "{host}");
        }
        assert!(allows(&[], true, None, "/metrics"), "HTTP/1.0");
        assert!(!allows(&[], true, Some("localhost"), "http://evil.test/metrics"), "the URI names another host");
    }

    #[test]
    fn who_listens_beyond_this_machine_may_name_the_hosts() {
        assert!(allows(&[], false, Some("prober.example"), "/metrics"));
        let named = ["Prober.example", "10.1.2.3"];
        assert!(allows(&named, false, Some("prober.EXAMPLE:9115"), "/metrics"));
        assert!(!allows(&named, false, Some("evil.test"), "/metrics"));
    }
}
