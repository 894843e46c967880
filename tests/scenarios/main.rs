//! Whole outages, played by real servers on this machine and judged by the binary.

#![allow(clippy::unwrap_used, reason = "a set-up that fails is a failed test")]

#[path = "../support/mod.rs"]
mod support;

mod demo_origin;
mod played;
