//! From a URL to a connection: the route, the dialling, and the trace of both.

pub(super) mod dial;
#[cfg(feature = "http3")]
pub(super) mod quic;
pub(super) mod route;
#[cfg(feature = "http3")]
pub(super) mod server_socket;
pub(super) mod trace;
pub(super) mod tunnel_offers;
