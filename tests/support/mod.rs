//! Shared by the tests: servers that misbehave exactly as scripted, certificates made at test time,
//! a scripted resolver, and a runner of the binary. Nothing here leaves the loopback interface, and
//! every server ends when it is dropped.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses a part of the laboratory")]
#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

use std::time::Duration;

/// The longest that a test waits for anything: whatever takes longer hangs, even on the slowest
/// machine.
pub const PATIENCE: Duration = Duration::from_mins(2);

pub mod bombs;
pub mod dns;
pub mod emulators;
pub mod h2;
pub mod hostile;
pub mod killed_on_drop;
pub mod outcomes;
pub mod pass;
pub mod probes;
#[cfg(feature = "http3")]
pub mod quic;
pub mod run;
pub mod samples;
pub mod secrets;
pub mod server;
pub mod strict;
pub mod tls;
pub mod websocket;
