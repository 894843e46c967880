//! The binary; it only calls the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    uptick::commands::main()
}
