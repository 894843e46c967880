//! How a target is reached: TLS, addresses, who resolves names, a proxy, the version of HTTP.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Addresses, DeniedNetworks, ProxyEnvironment, Value};

/// How to reach the target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transport {
    /// TLS settings.
    pub tls: Tls,
    /// The address family to use.
    pub ip: IpFamily,
    /// Connect here, whatever the name resolves to; the name stays in the request and in TLS.
    pub address: Option<SocketAddr>,
    /// Connect to the addresses of this host, at this port, instead of the URL's host; that one stays in the request
    /// and in TLS.
    pub named_address: Option<(String, u16)>,
    /// For this host name use this one of its addresses; any other name is looked up. No key sets it: a check of one
    /// address of a name does.
    pub pinned: Option<(String, IpAddr)>,
    /// Connect to this Unix socket whatever the host is.
    pub unix_socket: Option<PathBuf>,
    /// Who resolves names.
    pub resolver: Resolver,
    /// The proxy, with its credentials.
    pub proxy: Option<Value>,
    /// The proxies that the environment names, if the probe uses them.
    pub proxy_environment: Option<Arc<ProxyEnvironment>>,
    /// The local address to send from.
    pub source_address: Option<IpAddr>,
    /// The network interface of this host to send from.
    pub source_interface: Option<String>,
    /// The HTTP version spoken.
    pub http_version: HttpVersionPreference,
    /// Whether an idle connection of an earlier check may be reused.
    pub reuse: bool,
    /// Which of the name's addresses are checked, and how many must be up.
    pub addresses: Addresses,
    /// Networks that must not be connected to.
    pub deny: DeniedNetworks,
}

impl Transport {
    /// Whether a proxy may lie between this host and the target.
    #[must_use]
    pub(crate) const fn may_have_proxy(&self) -> bool {
        self.proxy.is_some() || self.proxy_environment.is_some()
    }

    /// The host or address and the port that are connected to instead of these, if others are.
    #[must_use]
    pub(crate) fn instead_of(&self, host: &str, port: u16) -> Option<(String, u16)> {
        if let Some(address) = self.address {
            return Some((address.ip().to_string(), address.port()));
        }
        let (dialed, port) = self.named_address.as_ref().map_or((host, port), |(named, port)| (named, *port));
        match &self.pinned {
            Some((name, address)) if name == dialed => Some((address.to_string(), port)),
            _ => self.named_address.clone(),
        }
    }

    /// Whether the address to connect to is fixed, whatever the name resolves to.
    #[must_use]
    pub(crate) const fn has_fixed_address(&self) -> bool {
        self.address.is_some() || self.unix_socket.is_some()
    }
}

/// TLS settings of a probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Trust these certificates (PEM) and no others.
    pub ca_file: Option<PathBuf>,
    /// Refuse the certificates on these revocation lists (PEM).
    pub crl_file: Option<PathBuf>,
    /// The client certificate chain (PEM).
    pub client_cert: Option<PathBuf>,
    /// The client certificate's key (PEM).
    pub client_key: Option<PathBuf>,
    /// The name in SNI and in the certificate, if it is not the URL's host.
    pub server_name: Option<String>,
    /// The protocols offered (ALPN), in order of preference, if the URL's scheme implies none.
    pub alpn: Vec<String>,
    /// The lowest TLS version accepted.
    pub min_version: TlsVersion,
    /// Accept any certificate. Every output says so.
    pub insecure: bool,
}

/// A TLS version we can speak.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TlsVersion {
    /// TLS 1.2.
    #[default]
    V1_2,
    /// TLS 1.3.
    V1_3,
}

impl TlsVersion {
    /// `"1.2"` or `"1.3"`, as in the probe file and in every output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            TlsVersion::V1_2 => "1.2",
            TlsVersion::V1_3 => "1.3",
        }
    }
}

/// The address family to use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IpFamily {
    /// Either.
    #[default]
    Any,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
}

impl IpFamily {
    /// Whether an address is of this family.
    #[must_use]
    pub(crate) const fn admits(self, address: IpAddr) -> bool {
        match self {
            IpFamily::Any => true,
            IpFamily::V4 => address.is_ipv4(),
            IpFamily::V6 => address.is_ipv6(),
        }
    }
}

/// The version of IP that an address is of: 4 or 6.
#[must_use]
pub(crate) const fn ip_version(address: IpAddr) -> u8 {
    if address.is_ipv4() { 4 } else { 6 }
}

/// Who resolves names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Resolver {
    /// The system's configuration: `/etc/hosts` and `/etc/resolv.conf`.
    #[default]
    System,
    /// This server over UDP, and over TCP if the answer is truncated.
    Udp(SocketAddr),
}

/// The HTTP version spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum HttpVersionPreference {
    /// What ALPN agrees on; HTTP/1.1 without TLS.
    #[default]
    Auto,
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/2 alone, with prior knowledge if there is no TLS.
    Http2,
    /// HTTP/3 alone, over QUIC.
    Http3,
}

/// An HTTP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum HttpVersion {
    /// HTTP/1.0
    #[serde(rename = "1.0")]
    V1_0,
    /// HTTP/1.1
    #[serde(rename = "1.1")]
    V1_1,
    /// HTTP/2
    #[serde(rename = "2")]
    V2,
    /// HTTP/3
    #[serde(rename = "3")]
    V3,
}

impl HttpVersion {
    /// `"1.0"`, `"1.1"`, `"2"` or `"3"`, as in the probe file and in every output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            HttpVersion::V1_0 => "1.0",
            HttpVersion::V1_1 => "1.1",
            HttpVersion::V2 => "2",
            HttpVersion::V3 => "3",
        }
    }
}
