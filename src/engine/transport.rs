//! Bytes to a server and back: the stream, and what is agreed on it before TLS.

pub(super) mod beside;
pub(super) mod proxy;
pub(super) mod starttls;
pub(super) mod stream;
pub(super) mod wire;
