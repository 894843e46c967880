//! This host: its stack, its clock and its descriptors, and work that would hold up a thread.

pub(super) mod offload;
pub(super) mod os_error;
pub(super) mod own_route;
