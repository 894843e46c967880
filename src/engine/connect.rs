//! Where a request goes: what is looked up, which address is dialled under which name, and which
//! of a name's addresses gets to answer.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};

use http::HeaderValue;
use rustls::pki_types::ServerName;
use url::{Host, Url};

use crate::model::{HttpVersionPreference, Transport};

use super::client::ClientKey;

/// Which of several attempts may send its request: the first that is connected.
#[derive(Debug)]
pub(super) struct Gate(AtomicUsize);

impl Gate {
    const OPEN: usize = usize::MAX;

    pub(super) fn new() -> Gate {
        Gate(AtomicUsize::new(Self::OPEN))
    }

    /// Whether the attempt in this place is the first here.
    pub(super) fn pass(&self, place: usize) -> bool {
        self.0.compare_exchange(Self::OPEN, place, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }
}

/// What has to be found out before a request can be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// Nothing: connect here.
    Address(SocketAddr),
    /// The addresses of a name.
    Name {
        /// The host.
        host: String,
        /// The port at its addresses.
        port: u16,
    },
}

/// How one request reaches its target.
#[derive(Clone, Debug)]
pub(super) struct Route {
    /// The URL handed to the client. Its host is the name in the TLS handshake.
    pub(super) url: Url,
    /// The authority sent, where it is not that URL's.
    pub(super) authority: Option<HeaderValue>,
    /// The name the certificate must be for, where it is not that URL's host.
    pub(super) certificate_name: Option<ServerName<'static>>,
    /// Whom to dial.
    pub(super) lookup: Lookup,
    /// The name the client will ask the address of.
    pub(super) dialled_name: String,
    /// A second name the client asks the address of: the target behind a SOCKS proxy that
    /// wants addresses.
    pub(super) second: Option<(String, u16)>,
    /// The address that a proxy is told to reach, where the URL has one.
    pub(super) told: Option<SocketAddr>,
    /// Which client to use.
    pub(super) key: ClientKey,
}

/// Plans the way to `url`. `own` is the URL the step asks: its overrides hold for its host alone,
/// and its client certificate for its origin alone. `host` is a configured host header.
///
/// # Errors
/// What is wrong with the URL or the proxy, for a message.
pub(super) fn route(transport: &Transport, own: &Url, url: &Url, host: Option<&HeaderValue>) -> Result<Route, String> {
    let target = url.host().ok_or("the URL has no host")?.to_owned();
    let port = url.port_or_known_default().ok_or("the URL has no port")?;
    let same_host = own.host() == url.host();
    let mut wire = url.clone();
    let mut key = ClientKey::new(transport, same_origin(own, url));
    let mut certificate_name = None;

    let mut lookup = match &target {
        Host::Domain(name) => Lookup::Name { host: name.clone(), port },
        Host::Ipv4(address) => Lookup::Address(SocketAddr::new(IpAddr::V4(*address), port)),
        Host::Ipv6(address) => Lookup::Address(SocketAddr::new(IpAddr::V6(*address), port)),
    };
    if let Some(address) = transport.address.filter(|_| same_host) {
        let own_port = own.port_or_known_default() == Some(port);
        lookup = Lookup::Address(if own_port { address } else { SocketAddr::new(address.ip(), port) });
    }
    if let Some(name) = transport.tls.server_name.as_deref().filter(|_| same_host && url.scheme() == "https") {
        if name.parse::<IpAddr>().is_ok() {
            certificate_name = ServerName::try_from(name.to_owned()).ok();
        } else {
            wire.set_host(Some(name)).map_err(|_| "tls.server-name is not a host name")?;
        }
    }
    let mut second = None;
    if let Some(proxy) = &key.proxy {
        let proxy = Url::parse(proxy).map_err(|_| "the proxy's URL cannot be used")?;
        if matches!(proxy.scheme(), "socks4" | "socks5")
            && let Lookup::Name { host, port } = &lookup
        {
            second = Some((host.clone(), *port));
        }
        let told = match lookup {
            Lookup::Address(address) => Some(address),
            Lookup::Name { .. } => None,
        };
        lookup = proxy_lookup(&proxy)?;
        let dialled_name = proxy.host_str().unwrap_or_default().to_owned();
        let authority = host.cloned();
        if authority.is_some() && wire.scheme() == "https" && key.version == HttpVersionPreference::Auto {
            // HTTP/2 has no host header.
            key.version = HttpVersionPreference::Http1;
        }
        return Ok(Route { url: wire, authority, certificate_name, lookup, dialled_name, second, told, key });
    }
    if let Lookup::Address(address) = lookup {
        point_at(&mut wire, &target, address, &mut certificate_name);
    }
    let authority = match host {
        Some(host) => Some(host.clone()),
        None if authority_differs(&wire, url) => HeaderValue::from_str(&authority_of(url)).ok(),
        None => None,
    };
    if authority.is_some() {
        set_authority(&mut wire, &mut key, authority.as_ref());
    }
    let dialled_name = wire.host_str().unwrap_or_default().to_owned();
    Ok(Route { url: wire, authority, certificate_name, lookup, dialled_name, second, told: None, key })
}

/// Makes the client dial `address`: an address in a URL is dialled as it is, and so is a port.
fn point_at(
    wire: &mut Url,
    target: &Host<String>,
    address: SocketAddr,
    certificate_name: &mut Option<ServerName<'static>>,
) {
    if !matches!(wire.host(), Some(Host::Domain(_))) {
        let written = match target {
            Host::Ipv4(written) => Some(IpAddr::V4(*written)),
            Host::Ipv6(written) => Some(IpAddr::V6(*written)),
            Host::Domain(_) => None,
        };
        if written.is_some_and(|written| written != address.ip()) {
            certificate_name.get_or_insert_with(|| ServerName::from(written.unwrap_or(address.ip())));
            let _ = wire.set_ip_host(address.ip());
        }
        let _ = wire.set_port(Some(address.port()));
    } else if wire.port_or_known_default() != Some(address.port()) {
        // Without a port in the URL the client takes the pinned address's.
        let _ = wire.set_port(None);
    }
}

/// HTTP/2 has no host header: its authority is the URL's. Without TLS the URL can carry it,
/// since the address is pinned; with TLS the URL carries the name in the handshake, and the
/// request is sent over HTTP/1.1 unless HTTP/2 was asked for.
fn set_authority(wire: &mut Url, key: &mut ClientKey, authority: Option<&HeaderValue>) {
    if wire.scheme() == "https" {
        if key.version == HttpVersionPreference::Auto {
            key.version = HttpVersionPreference::Http1;
        }
    } else if key.version == HttpVersionPreference::Http2
        && let Some(authority) = authority.and_then(|authority| authority.to_str().ok())
        && let Ok(named) = Url::parse(&format!("http://{authority}/"))
        && let (Some(Host::Domain(name)), None) = (named.host(), named.port())
        && matches!(wire.host(), Some(Host::Domain(_)))
    {
        let _ = wire.set_host(Some(name));
    }
}

fn proxy_lookup(proxy: &Url) -> Result<Lookup, String> {
    let port = proxy.port_or_known_default().unwrap_or(if proxy.scheme().starts_with("socks") { 1080 } else { 80 });
    let host = proxy.host_str().ok_or("the proxy's URL has no host")?;
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    Ok(match literal.parse::<IpAddr>() {
        Ok(address) => Lookup::Address(SocketAddr::new(address, port)),
        Err(_) => Lookup::Name { host: host.to_owned(), port },
    })
}

/// Whether two URLs have scheme, host and port in common.
pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// `host` or `host:port`, as in a host header.
pub(super) fn authority_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

fn authority_differs(one: &Url, other: &Url) -> bool {
    one.host() != other.host() || one.port_or_known_default() != other.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Tls;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn planned(transport: &Transport, to: &str) -> Route {
        let own = url("https://x.test/");
        route(transport, &own, &url(to), None).expect("a route")
    }

    #[test]
    fn a_name_is_looked_up_and_an_address_is_not() {
        let transport = Transport::default();
        let named = planned(&transport, "https://x.test/");
        assert_eq!(named.lookup, Lookup::Name { host: "x.test".into(), port: 443 });
        let literal = planned(&transport, "http://[::1]:8080/");
        assert_eq!(literal.lookup, Lookup::Address("[::1]:8080".parse().expect("an address")));
    }

    #[test]
    fn an_address_override_keeps_the_name_and_holds_for_the_own_host_alone() {
        let address = Some("127.0.0.1:8443".parse().expect("an address"));
        let transport = Transport { address, ..Transport::default() };
        let own = planned(&transport, "https://x.test/path");
        assert_eq!(own.url.as_str(), "https://x.test/path");
        assert_eq!(own.lookup, Lookup::Address("127.0.0.1:8443".parse().expect("an address")));
        assert_eq!(own.authority, None);
        let other = planned(&transport, "https://y.test/");
        assert_eq!(other.lookup, Lookup::Name { host: "y.test".into(), port: 443 });
        let other_port = planned(&transport, "http://x.test/");
        assert_eq!(other_port.lookup, Lookup::Address("127.0.0.1:80".parse().expect("an address")));
    }

    #[test]
    fn a_server_name_is_in_the_handshake_and_the_url_s_host_in_the_request() {
        let tls = Tls { server_name: Some("inner.test".into()), ..Tls::default() };
        let transport = Transport { tls, ..Transport::default() };
        let route = planned(&transport, "https://x.test/");
        assert_eq!(route.url.host_str(), Some("inner.test"));
        assert_eq!(route.authority, Some(HeaderValue::from_static("x.test")));
        assert_eq!(route.lookup, Lookup::Name { host: "x.test".into(), port: 443 });
        assert_eq!(route.key.version, HttpVersionPreference::Http1);
    }

    #[test]
    fn another_origin_is_not_shown_the_client_certificate() {
        let tls = Tls { client_cert: Some("c.pem".into()), client_key: Some("k.pem".into()), ..Tls::default() };
        let transport = Transport { tls, ..Transport::default() };
        assert!(planned(&transport, "https://x.test/a").key.tls.client_cert.is_some());
        assert!(planned(&transport, "https://x.test:444/a").key.tls.client_cert.is_none());
    }
}
