//! One HTTP exchange in each version of HTTP: the request, the response head and the body.

pub(super) mod body;
pub(super) mod chunks;
pub(super) mod coding;
pub(super) mod connection;
pub(super) mod cookies;
pub(super) mod digest;
pub(super) mod follow_up;
pub(super) mod head;
pub(super) mod http1;
pub(super) mod http2;
pub(super) mod http2_driver;
#[cfg(feature = "http3")]
pub(super) mod http3;
pub(super) mod message;
pub(super) mod multipart;
pub(super) mod quoted;
pub(super) mod redirect;
pub(super) mod request_builder;
pub(super) mod session;
pub(super) mod sigv4;
pub(super) mod tunnel;
