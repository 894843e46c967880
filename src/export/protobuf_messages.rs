//! The few messages of Prometheus' own protobuf formats that are needed, declared by hand.

#[cfg(feature = "prometheus-server")]
pub(super) mod exposition;
#[cfg(feature = "remote-write")]
pub(super) mod write;
