//! The messages of Prometheus' protobuf formats that are needed here, declared by hand.

#[cfg(feature = "prometheus-server")]
pub(super) mod exposition;
#[cfg(feature = "remote-write")]
pub(super) mod write;
