//! The binary: wiring only.

use std::process::ExitCode;

fn main() -> ExitCode {
    uptick::commands::main()
}
