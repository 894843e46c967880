//! The targets of tests/security/mutation, for a fuzzer that sees coverage. They are functions of bytes over what
//! the crate offers anyway: nothing is public for them alone.

#[allow(dead_code, unreachable_pub, unused_imports, reason = "the fuzzer needs a part of the laboratory")]
#[path = "../tests/support"]
mod support {
    use std::time::Duration;

    pub const PATIENCE: Duration = Duration::from_secs(120);

    pub mod h2;
    pub mod killed_on_drop;
    pub mod probes;
    pub mod run;
    pub mod secrets;
    pub mod server;
    pub mod strict;
}

#[path = "../tests/security/mutation/targets.rs"]
mod targets;

/// Feeds one input to a target.
pub fn feed(name: &str, input: &[u8]) {
    if let Some((_, target)) = targets::ALL.iter().find(|(target, _)| *target == name) {
        target(input);
    }
}
