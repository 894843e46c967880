//! Exports to the programs that they are for: Prometheus, `VictoriaMetrics`, an OpenTelemetry
//! collector; and to backends that are dead, slow, refusing or lying.

#![allow(clippy::unwrap_used, reason = "a set-up that fails is a failed test")]
#![allow(clippy::float_cmp, reason = "counts are whole, also as a backend's numbers")]
#![cfg(all(feature = "prometheus-server", feature = "remote-write", feature = "otlp"))]

#[path = "../support/mod.rs"]
mod support;

mod backends;
mod collector;
mod fidelity;
mod files;
#[cfg(feature = "parquet")]
mod messy_tables;
mod programs;
mod prometheus;
mod rules;
mod runs;
mod scrape;
#[cfg(feature = "parquet")]
mod sql;
#[cfg(all(feature = "parquet", feature = "object-store"))]
mod tables_in_buckets;
mod textfile;
mod victoria;
