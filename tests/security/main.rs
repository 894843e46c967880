//! What a hostile server, file or reader must not do: obtain secrets, inject text into outputs,
//! exhaust memory, break parsers.

#![allow(clippy::unwrap_used, reason = "a set-up that fails is a failed test")]

#[path = "../support/mod.rs"]
mod support;

mod memory_bounds;
mod mutation;
mod output_injection;
mod secret_leaks;
