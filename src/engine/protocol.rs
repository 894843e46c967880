//! Checks that send something other than HTTP, or nothing.

pub(super) mod dns_check;
pub(super) mod grpc_check;
pub(super) mod protocol_check;
pub(super) mod query_response;
pub(super) mod websocket;
pub(super) mod websocket_check;
pub(super) mod websocket_handshake;
