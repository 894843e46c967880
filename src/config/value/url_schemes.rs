//! The schemes that a URL may have, by what it is for.

/// Web URLs.
pub(crate) const WEB: &[&str] = &["http", "https"];
/// Targets, of every protocol; a scheme comes after its prefixes.
pub(crate) const TARGETS: &[&str] = &["http", "https", "ws", "wss", "grpc", "grpcs", "tls", "tcp", "dns"];
/// Proxies.
pub(crate) const PROXY: &[&str] = &["http", "https", "socks5", "socks5h"];
