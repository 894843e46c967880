//! Where a request goes: which endpoint is dialled, through which proxy, with which TLS name, and with
//! which request target and host. It resolves nothing and sends nothing.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};
use rustls::pki_types::ServerName;
use url::{Host, Position, Url};

use crate::engine::connect::dial::Source;
use crate::engine::transport::proxy::Proxy;
use crate::model::{Captures, HttpVersionPreference, Protocol, Tls, Transport, is_tls_scheme};

/// The port of a name server whose URL has none.
const DNS_PORT: u16 = 53;

/// What to connect to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    Address(SocketAddr),
    Unix(PathBuf),
    /// A name, to be resolved first.
    Name {
        host: String,
        port: u16,
    },
}

impl Endpoint {
    /// The same host at another port.
    pub(crate) fn at_port(self, port: u16) -> Endpoint {
        match self {
            Endpoint::Address(address) => Endpoint::Address(SocketAddr::new(address.ip(), port)),
            Endpoint::Name { host, .. } => Endpoint::Name { host, port },
            unix @ Endpoint::Unix(_) => unix,
        }
    }
}

/// TLS with the target.
#[derive(Clone, Debug)]
pub(crate) struct TlsRoute {
    /// The key under which the TLS configuration is found.
    pub(crate) settings: Tls,
    /// The name that the certificate must match; none if the URL's host is not a name that TLS can send.
    pub(crate) name: Option<ServerName<'static>>,
}

/// How one request reaches its target.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    /// Scheme, host and port of the URL.
    pub(crate) origin: String,
    pub(crate) protocol: Protocol,
    /// The URL's host, for messages.
    pub(crate) host: String,
    /// Where the target is.
    pub(crate) endpoint: Endpoint,
    pub(crate) proxy: Option<Proxy>,
    /// TLS with the target; none for plain HTTP.
    pub(crate) tls: Option<TlsRoute>,
    /// The HTTP version to use.
    pub(crate) version: HttpVersionPreference,
    pub(crate) source: Source,
    /// The path and the query; the whole URL if a proxy forwards the request.
    pub(crate) target: Uri,
    /// The `host` header, or `:authority` in HTTP/2 and HTTP/3.
    pub(crate) authority: HeaderValue,
}

impl Route {
    /// The proxy if it answers for the target: plain HTTP is forwarded, not tunnelled.
    pub(crate) fn forwarding_proxy(&self) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|proxy| forwards(proxy, self.protocol, self.tls.is_some()))
    }
}

/// Plans the route to `url`. `own` is the step's own URL: the probe's overrides apply to its host
/// only, and the client certificate to its origin only. `host` is a configured host header.
///
/// # Errors
/// What is wrong with the URL or the proxy, for a message.
pub(crate) fn route(transport: &Transport, own: &Url, url: &Url, host: Option<&HeaderValue>) -> Result<Route, String> {
    let target = host_of(url).ok_or("the URL has no host")?;
    let protocol = Protocol::of_scheme(url.scheme()).unwrap_or(Protocol::Http);
    let port = url.port_or_known_default().ok_or("the URL has no port")?;
    let same_host = own.host() == url.host();
    let has_tls = is_tls_scheme(url.scheme());
    let mut endpoint = endpoint(&target, port);
    if let Some(instead) = instead(transport).filter(|_| same_host) {
        let is_own_port = own.port_or_known_default() == Some(port);
        endpoint = if is_own_port { instead } else { instead.at_port(port) };
    }
    if let Some(path) = transport.unix_socket.as_ref().filter(|_| same_host) {
        endpoint = Endpoint::Unix(path.clone());
    }
    let endpoint = pinned(transport, endpoint);
    let tls = has_tls.then(|| tls_route(transport, &target, same_host, same_origin(own, url))).transpose()?;
    let of_environment = || transport.proxy_environment.as_ref()?.proxy_for(protocol, has_tls, &target, port);
    let proxy = transport.proxy.as_ref().or_else(of_environment);
    let proxy = proxy.and_then(|proxy| proxy.fill(&Captures::new()).ok());
    let proxy = proxy.map(|proxy| Proxy::parse(&proxy)).transpose()?;
    let authority = match host {
        Some(host) => host.clone(),
        None => HeaderValue::from_str(&authority_of(url)).map_err(|_| "the URL's host cannot be used in a header")?,
    };
    let mut version = transport.http_version;
    if version == HttpVersionPreference::Auto && http::uri::Authority::try_from(authority.as_bytes()).is_err() {
        // HTTP/2 cannot carry a host header that is not an authority.
        version = HttpVersionPreference::Http1;
    }
    if version == HttpVersionPreference::Http3 {
        if !has_tls || protocol != Protocol::Http {
            // A redirect to http, or a WebSocket, which does not run over HTTP/3.
            version = HttpVersionPreference::Auto;
        } else if proxy.is_some() {
            return Err("HTTP/3 goes through no proxy".to_owned());
        } else if !cfg!(feature = "http3") {
            return Err("this build has no HTTP/3".to_owned());
        }
    }
    let forwards = proxy.as_ref().is_some_and(|proxy| forwards(proxy, protocol, has_tls));
    Ok(Route {
        origin: url[..Position::BeforePath].to_owned(),
        protocol,
        host: url.host_str().unwrap_or_default().to_owned(),
        endpoint,
        proxy,
        tls,
        version,
        source: source_of(transport),
        target: request_target(url, forwards)?,
        authority,
    })
}

/// The route to the name server of a `dns://` URL; to `system` if it names none.
///
/// # Errors
/// What is wrong with the URL, for a message.
pub(crate) fn name_server_route(transport: &Transport, url: &Url, system: SocketAddr) -> Result<Route, String> {
    let host = url.host_str().filter(|host| !host.is_empty());
    let endpoint = match (instead(transport), host) {
        (Some(instead), _) => instead,
        (None, None) => Endpoint::Address(system),
        (None, Some(_)) => {
            let host = host_of(url).ok_or("the name server of the URL is not a host")?;
            endpoint(&host, url.port().unwrap_or(DNS_PORT))
        }
    };
    Ok(Route {
        origin: url[..Position::BeforePath].to_owned(),
        protocol: Protocol::Dns,
        host: host.map_or_else(|| system.to_string(), str::to_owned),
        endpoint: pinned(transport, endpoint),
        proxy: None,
        tls: None,
        version: HttpVersionPreference::Auto,
        source: source_of(transport),
        target: Uri::from_static("/"),
        authority: HeaderValue::from_static(""),
    })
}

/// Whether a proxy forwards the request itself: only HTTP without TLS.
fn forwards(proxy: &Proxy, protocol: Protocol, has_tls: bool) -> bool {
    protocol == Protocol::Http && proxy.forwards(has_tls)
}

/// The host of a URL. For a scheme outside the Web the URL standard parses neither addresses nor
/// international names.
pub(crate) fn host_of(url: &Url) -> Option<Host<String>> {
    match url.host()? {
        Host::Domain(name) if !url.is_special() => Host::parse(name).ok(),
        host => Some(host.to_owned()),
    }
}

/// The configured endpoint that replaces the URL's host.
fn instead(transport: &Transport) -> Option<Endpoint> {
    let named = || transport.named_address.clone().map(|(host, port)| Endpoint::Name { host, port });
    transport.address.map(Endpoint::Address).or_else(named)
}

/// The name and the port that a probe with this URL dials; none if it dials an address or a Unix socket.
pub(crate) fn dialed_name(transport: &Transport, url: &Url) -> Option<(String, u16)> {
    if transport.has_fixed_address() {
        return None;
    }
    let of_url = || {
        let Host::Domain(name) = host_of(url)? else { return None };
        Some((name, url.port_or_known_default().or_else(|| (url.scheme() == "dns").then_some(DNS_PORT))?))
    };
    transport.named_address.clone().or_else(of_url)
}

/// The endpoint, by its address if its name is pinned to one.
fn pinned(transport: &Transport, endpoint: Endpoint) -> Endpoint {
    match (endpoint, &transport.pinned) {
        (Endpoint::Name { host, port }, Some((name, address))) if host == *name => {
            Endpoint::Address(SocketAddr::new(*address, port))
        }
        (endpoint, _) => endpoint,
    }
}

pub(crate) fn source_of(transport: &Transport) -> Source {
    Source { address: transport.source_address, interface: transport.source_interface.clone() }
}

/// The endpoint of a host: its address, or its name.
pub(crate) fn endpoint(host: &Host<String>, port: u16) -> Endpoint {
    match host {
        Host::Domain(name) => Endpoint::Name { host: name.clone(), port },
        Host::Ipv4(address) => Endpoint::Address(SocketAddr::new(IpAddr::V4(*address), port)),
        Host::Ipv6(address) => Endpoint::Address(SocketAddr::new(IpAddr::V6(*address), port)),
    }
}

fn tls_route(
    transport: &Transport,
    host: &Host<String>,
    same_host: bool,
    same_origin: bool,
) -> Result<TlsRoute, String> {
    let name = match (&transport.tls.server_name, host) {
        (Some(name), _) if same_host => {
            Some(ServerName::try_from(name.clone()).map_err(|_| "tls.server-name is not a host name")?)
        }
        // Not an error yet: if the name does not resolve, that failure comes first.
        (_, Host::Domain(name)) => ServerName::try_from(name.clone()).ok(),
        (_, Host::Ipv4(address)) => Some(ServerName::from(IpAddr::V4(*address))),
        (_, Host::Ipv6(address)) => Some(ServerName::from(IpAddr::V6(*address))),
    };
    Ok(TlsRoute { settings: tls_settings(&transport.tls, same_origin), name })
}

/// The TLS settings for a request; another origin does not get the client certificate.
pub(crate) fn tls_settings(tls: &Tls, own: bool) -> Tls {
    let mut settings = Tls { server_name: None, alpn: Vec::new(), ..tls.clone() };
    if !own {
        settings.client_cert = None;
        settings.client_key = None;
    }
    settings
}

/// The TLS settings for an `https://` proxy: those of the target, which is not the proxy that they accept unseen.
pub(crate) fn proxy_tls_settings(tls: &Tls) -> Tls {
    Tls { insecure: false, ..tls_settings(tls, false) }
}

fn request_target(url: &Url, forwards: bool) -> Result<Uri, String> {
    let unusable = |error: http::Error| format!("the URL cannot be sent: {error}");
    if forwards {
        return Uri::try_from(&url[..Position::AfterQuery]).map_err(|error| unusable(error.into()));
    }
    let path = match &url[Position::BeforePath..Position::AfterQuery] {
        "" => Ok(PathAndQuery::from_static("/")),
        path => PathAndQuery::try_from(path),
    };
    Ok(Uri::from(path.map_err(|error| unusable(error.into()))?))
}

/// Whether two URLs have the same scheme, host and port.
pub(crate) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// `host` or `host:port`, as in a host header.
pub(crate) fn authority_of(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).expect("a URL")
    }

    fn planned(transport: &Transport, to: &str) -> Route {
        let own = url("https://x.test/");
        route(transport, &own, &url(to), None).expect("a route")
    }

    fn address(text: &str) -> Endpoint {
        Endpoint::Address(text.parse().expect("an address"))
    }

    #[test]
    fn a_name_is_looked_up_and_an_address_is_not() {
        let transport = Transport::default();
        let named = planned(&transport, "https://x.test/a?b=c");
        assert_eq!(named.endpoint, Endpoint::Name { host: "x.test".into(), port: 443 });
        assert_eq!((named.target.to_string().as_str(), named.authority.as_bytes()), ("/a?b=c", &b"x.test"[..]));
        let literal = planned(&transport, "http://[::1]:8080/");
        assert_eq!(literal.endpoint, address("[::1]:8080"));
        assert_eq!(literal.authority, "[::1]:8080");
    }

    #[test]
    fn an_address_override_keeps_the_name_and_holds_for_the_own_host_alone() {
        let transport = Transport { address: "127.0.0.1:8443".parse().ok(), ..Transport::default() };
        let own = planned(&transport, "https://x.test/path");
        assert_eq!((own.authority.as_bytes(), &own.endpoint), (&b"x.test"[..], &address("127.0.0.1:8443")));
        let other = planned(&transport, "https://y.test/");
        assert_eq!(other.endpoint, Endpoint::Name { host: "y.test".into(), port: 443 });
        let other_port = planned(&transport, "http://x.test/");
        assert_eq!(other_port.endpoint, address("127.0.0.1:80"));
    }

    #[test]
    fn a_server_name_is_in_the_handshake_and_the_url_s_host_in_the_request() {
        let tls = Tls { server_name: Some("inner.test".into()), ..Tls::default() };
        let route = planned(&Transport { tls, ..Transport::default() }, "https://x.test/");
        assert_eq!(route.tls.expect("TLS").name, ServerName::try_from("inner.test").ok());
        assert_eq!((route.authority.as_bytes(), route.version), (&b"x.test"[..], HttpVersionPreference::Auto));
    }

    #[test]
    fn another_origin_is_not_shown_the_client_certificate() {
        let tls = Tls { client_cert: Some("c.pem".into()), client_key: Some("k.pem".into()), ..Tls::default() };
        let transport = Transport { tls, ..Transport::default() };
        let shown = |to: &str| planned(&transport, to).tls.expect("TLS").settings.client_cert.is_some();
        assert!(shown("https://x.test/a"));
        assert!(!shown("https://x.test:444/a"));
    }

    #[test]
    fn a_proxy_forwards_plain_requests_by_their_whole_url() {
        let proxy = Some(crate::model::Value::plain("http://proxy.test:3128"));
        let transport = Transport { proxy, ..Transport::default() };
        assert_eq!(planned(&transport, "http://x.test/a?b").target.to_string(), "http://x.test/a?b");
        assert_eq!(planned(&transport, "https://x.test/a?b").target.to_string(), "/a?b");
    }
}
