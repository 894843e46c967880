//! The schemes that a URL may have, by what it is for.

/// Those of the Web.
pub(crate) const WEB: &[&str] = &["http", "https"];
/// Those of a target: of every protocol; one that begins with another comes after it.
pub(crate) const TARGETS: &[&str] = &["http", "https", "ws", "wss", "grpc", "grpcs", "tls", "tcp", "dns"];
/// Those of a proxy.
pub(crate) const PROXY: &[&str] = &["http", "https", "socks5", "socks5h"];
