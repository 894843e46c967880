//! The proxies that the environment names, as curl and most clients read them, and the targets that are
//! reached without one (`NO_PROXY`).

use std::net::IpAddr;

use url::Host;

use super::{Protocol, Value};

/// The proxy settings of the environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyEnvironment {
    /// `http_proxy`, in lower case alone: a web server may set `HTTP_PROXY` from a request header (httpoxy).
    pub http: Option<Value>,
    /// `HTTPS_PROXY` or `https_proxy`: for every target that is reached over TLS.
    pub https: Option<Value>,
    /// `ALL_PROXY` or `all_proxy`: for every target without a proxy of its own.
    pub all: Option<Value>,
    /// `NO_PROXY` or `no_proxy`.
    pub direct: Vec<DirectTarget>,
}

/// Targets that are reached without a proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectTarget {
    /// Every target.
    All,
    /// A name and its subdomains, on one port or on all.
    Domain(String, Option<u16>),
    /// The addresses of a network.
    Network {
        /// Its address.
        address: IpAddr,
        /// Prefix length in bits.
        bits: u8,
        /// One port; absent: all.
        port: Option<u16>,
    },
}

impl DirectTarget {
    /// Parses a `NO_PROXY` list; invalid entries are skipped.
    #[must_use]
    pub fn list(text: &str) -> Vec<DirectTarget> {
        text.split([',', ' ']).filter_map(|entry| DirectTarget::parse(entry.trim())).collect()
    }

    fn parse(entry: &str) -> Option<DirectTarget> {
        if entry == "*" {
            return Some(DirectTarget::All);
        }
        if let Some((address, bits)) = entry.split_once('/') {
            let address: IpAddr = address.trim_matches(['[', ']']).parse().ok()?;
            let bits = bits.parse().ok().filter(|bits| *bits <= width(address))?;
            return Some(DirectTarget::Network { address, bits, port: None });
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if host.ends_with(']') || !host.contains(':') => (host, Some(port.parse().ok()?)),
            _ => (entry, None),
        };
        if let Ok(address) = host.trim_matches(['[', ']']).parse::<IpAddr>() {
            return Some(DirectTarget::Network { address, bits: width(address), port });
        }
        let host = host.strip_prefix("*.").or(host.strip_prefix('.')).unwrap_or(host);
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        (!host.is_empty()).then_some(DirectTarget::Domain(host, port))
    }

    /// Whether it covers this host and port.
    pub(crate) fn holds(&self, host: &Host<String>, port: u16) -> bool {
        let is_port = |wanted: Option<u16>| wanted.is_none_or(|wanted| wanted == port);
        match (self, host) {
            (DirectTarget::All, _) => true,
            (DirectTarget::Domain(domain, wanted), Host::Domain(name)) => {
                let name = name.trim_end_matches('.').to_ascii_lowercase();
                let below = name.strip_suffix(domain.as_str());
                is_port(*wanted) && below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
            }
            (DirectTarget::Network { address, bits, port }, Host::Ipv4(of)) => {
                is_port(*port) && is_within((*of).into(), *address, *bits)
            }
            (DirectTarget::Network { address, bits, port }, Host::Ipv6(of)) => {
                is_port(*port) && is_within((*of).into(), *address, *bits)
            }
            _ => false,
        }
    }
}

const fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn is_within(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let differing = address.to_bits() ^ network.to_bits();
            differing.checked_shr(32 - u32::from(bits)).unwrap_or_default() == 0
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let differing = address.to_bits() ^ network.to_bits();
            differing.checked_shr(128 - u32::from(bits)).unwrap_or_default() == 0
        }
        _ => false,
    }
}

impl ProxyEnvironment {
    /// The proxy for a target; none if it is reached directly.
    #[must_use]
    pub(crate) fn proxy_for(
        &self,
        protocol: Protocol,
        has_tls: bool,
        host: &Host<String>,
        port: u16,
    ) -> Option<&Value> {
        if protocol == Protocol::Dns || self.direct.iter().any(|direct| direct.holds(host, port)) {
            return None;
        }
        let own = match protocol {
            _ if has_tls => self.https.as_ref(),
            Protocol::Http | Protocol::WebSocket => self.http.as_ref(),
            _ => None,
        };
        own.or(self.all.as_ref())
    }

    /// Every proxy that is named.
    pub fn all(&self) -> impl Iterator<Item = &Value> {
        [&self.http, &self.https, &self.all].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_direct(list: &str, host: &str, port: u16) -> bool {
        let host = Host::parse(host).expect("a host");
        DirectTarget::list(list).iter().any(|direct| direct.holds(&host, port))
    }

    #[test]
    fn names_hold_with_what_is_below_them() {
        for list in ["x.test", ".x.test", "*.x.test", "y.test, X.test", "x.test."] {
            assert!(is_direct(list, "a.b.x.test", 443) && is_direct(list, "x.test", 80), "{list}");
            assert!(!is_direct(list, "ax.test", 443) && !is_direct(list, "test", 443), "{list}");
        }
        assert!(is_direct("x.test:8080", "x.test", 8080) && !is_direct("x.test:8080", "x.test", 80));
        assert!(is_direct("*", "x.test", 1) && !is_direct("", "x.test", 1) && !is_direct(",,", "x.test", 1));
    }

    #[test]
    fn addresses_hold_by_their_network() {
        assert!(is_direct("192.0.2.0/24", "192.0.2.255", 1) && !is_direct("192.0.2.0/24", "192.0.3.0", 1));
        assert!(is_direct("10.1.2.3", "10.1.2.3", 1) && !is_direct("10.1.2.3", "10.1.2.4", 1));
        assert!(is_direct("0.0.0.0/0", "192.0.2.1", 1) && !is_direct("0.0.0.0/0", "[::1]", 1));
        assert!(is_direct("2001:db8::/32", "[2001:db8::1]", 1) && !is_direct("2001:db8::/32", "[2001:db9::1]", 1));
        assert!(
            is_direct("[::1]:80", "[::1]", 80) && !is_direct("[::1]:80", "[::1]", 81) && is_direct("::1", "[::1]", 81)
        );
        assert!(!is_direct("192.0.2.0/33, 192.0.2/24, x/8", "192.0.2.1", 1));
    }

    #[test]
    fn each_kind_of_target_has_its_proxy() {
        let value = |text| Some(Value::plain(text));
        let environment = ProxyEnvironment {
            http: value("http://h"),
            https: value("http://s"),
            all: value("socks5://a"),
            direct: DirectTarget::list("direct.test"),
        };
        let host = |name: &str| Host::parse(name).expect("a host");
        let found = |protocol, has_tls, name: &str| {
            environment.proxy_for(protocol, has_tls, &host(name), 1).map(ToString::to_string)
        };
        assert_eq!(found(Protocol::Http, false, "x.test").as_deref(), Some("http://h"));
        assert_eq!(found(Protocol::Http, true, "x.test").as_deref(), Some("http://s"));
        assert_eq!(found(Protocol::Tls, true, "x.test").as_deref(), Some("http://s"));
        assert_eq!(found(Protocol::Tcp, false, "x.test").as_deref(), Some("socks5://a"));
        assert_eq!(found(Protocol::Http, true, "a.direct.test"), None);
        assert_eq!(found(Protocol::Dns, false, "x.test"), None);
    }
}
