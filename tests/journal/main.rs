//! The journal: its lines, its files, what damage and crashes do to them, and object storage.

#![allow(clippy::unwrap_used, reason = "a set-up that fails is a failed test")]

#[path = "../support/mod.rs"]
mod support;

mod compacted_report;
mod crash;
mod damage;
mod files;
#[cfg(feature = "object-store")]
mod fleet;
mod histogram_interoperability;
mod lines_on_disk;
mod model;
#[cfg(feature = "object-store")]
mod object_store;
