//! The byte stream to a server, and what is negotiated on it before TLS.

pub(super) mod beside;
pub(super) mod proxy;
pub(super) mod starttls;
pub(super) mod stream;
pub(super) mod wire;
