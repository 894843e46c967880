//! This host: its routes and its errors, and a thread for long computations.

pub(super) mod offload;
pub(super) mod os_error;
pub(super) mod own_route;
