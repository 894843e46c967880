//! The reliability scorecard: twenty lines, R1 to R20, each measured on a release binary and
//! printed with its figure. `cargo test --test scorecard -- --quick` takes two minutes, `--full`
//! half an hour. Further words select lines, and `--markdown FILE` also writes the table to a file.
//! Without `--quick` or `--full` it measures nothing, so that an ordinary `cargo test` does not
//! wait for it.
//!
//! The binary is target/dist/uptick, as packaging/build.sh builds it, or the one that
//! `UPTICK_BINARY` names. A line that this machine cannot measure (no strace, no namespaces) is
//! printed with the reason and counted.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a line that fails")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the figures are what this program is for")]

#[path = "../support/mod.rs"]
mod support;

/// The fault catalogue with its servers, which the tests of the engine share.
#[allow(dead_code, unused_imports, reason = "its tests are not run here")]
#[path = "../engine"]
mod engine {
    pub(crate) mod faults;
}
use engine::faults;

#[allow(dead_code, unused_imports, reason = "its tests are not run here")]
#[path = "../cli/accounting.rs"]
mod accounting;
#[allow(dead_code, reason = "its tests are not run here")]
#[path = "../cli/live.rs"]
mod live;
#[allow(dead_code, unused_imports, reason = "its tests are not run here")]
#[path = "../security/memory_bounds.rs"]
mod memory_bounds;
#[allow(dead_code, reason = "its tests are not run here")]
#[path = "../cli/origin.rs"]
mod origin;

mod catalogue;
mod durability;
mod exhaustion;
mod readings;
mod schedule;
mod suites;
mod table;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use readings::Thoroughness;

/// The environment variable that names the measured binary.
const BINARY: &str = "UPTICK_BINARY";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if let Some(port) = words.strip_prefix(&["--serve".to_owned()]).and_then(|rest| rest.first()) {
        exhaustion::serve(port);
        return ExitCode::SUCCESS;
    }
    let scale = match (words.iter().any(|word| word == "--full"), words.iter().any(|word| word == "--quick")) {
        (true, _) => Thoroughness::Full,
        (false, true) => Thoroughness::Quick,
        (false, false) => {
            println!("scorecard: measures nothing unless asked: cargo test --test scorecard -- --quick, or --full");
            return ExitCode::SUCCESS;
        }
    };
    let Some(binary) = std::env::var_os(BINARY) else { return again_with_a_release(&words) };
    let markdown =
        words.iter().position(|word| word == "--markdown").and_then(|at| words.get(at + 1)).map(PathBuf::from);
    let chosen: Vec<&String> = words.iter().filter(|word| word.starts_with('R')).collect();
    table::measure(scale, Path::new(&binary), &chosen, markdown.as_deref())
}

/// Runs this program again with `UPTICK_BINARY` set to the release: the helper that starts `uptick`
/// reads its path from the environment.
fn again_with_a_release(words: &[String]) -> ExitCode {
    let release = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/dist/uptick");
    if !release.exists() {
        eprintln!(
            "error: there is no release at {}: packaging/build.sh builds it, or {BINARY} names one",
            release.display()
        );
        return ExitCode::from(2);
    }
    let status = Command::new(std::env::current_exe().unwrap()).args(words).env(BINARY, release).status().unwrap();
    ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1))
}
