//! R16 to R20: tests of this repository, run here against the release binary.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::origin::{healthy, probe};
use crate::readings::{LineResult, Measurement, Thoroughness, is_installed};
use crate::support::run::Run;

/// Runs the tests of one test binary that match a filter; they start the binary that
/// `UPTICK_BINARY` names.
fn suite(binary: &str, filter: &str, more: &[&str]) -> Measurement {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(env!("CARGO_MANIFEST_DIR")).args(["test", "--locked", "--quiet", "--test", binary]);
    // Build scripts watch the variables with which cargo describes the package to this process;
    // with those cargo would build everything again.
    let of_package = |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"].iter().any(|one| name.starts_with(one));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(of_package) {
            cargo.env_remove(name);
        }
    }
    let output = cargo.arg("--").arg(filter).args(more).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let result = said.lines().rev().find_map(|line| line.strip_prefix("test result: ")).unwrap_or("nothing was run");
    let passed = result.split_whitespace().nth(1).and_then(|count| count.parse::<usize>().ok()).unwrap_or(0);
    if !output.status.success() {
        eprintln!("{said}{}", String::from_utf8_lossy(&output.stderr));
    }
    let skipped = String::from_utf8_lossy(&output.stderr).lines().filter(|line| line.starts_with("skipped:")).count();
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    Measurement::judged(output.status.success() && passed > 0, format!("{passed} tests of {binary} {filter}{skipped}"))
}

/// R16.
pub(crate) fn secrets(_: Thoroughness) -> Measurement {
    suite("engine", "secret_leaks_in_faults", &[]).and(suite("security", "secret_leaks", &[]))
}

/// R17.
pub(crate) fn injection(_: Thoroughness) -> Measurement {
    suite("security", "output_injection", &[]).and(suite("report", "hostile", &[]))
}

/// R18.
pub(crate) fn mutation(scale: Thoroughness) -> Measurement {
    suite("security", "mutation", scale.pick(&[][..], &["--ignored"][..]))
}

/// R19.
pub(crate) fn signals(_: Thoroughness) -> Measurement {
    suite("cli", "signals", &[]).and(suite("cli", "streams", &[])).and(suite("cli", "watching", &[]))
}

/// R20.
pub(crate) fn hygiene(_: Thoroughness) -> Measurement {
    dependencies().and(advisories()).and(modes()).and(lints())
}

fn dependencies() -> Measurement {
    if !is_installed("cargo-deny") {
        return Measurement::not_made("cargo-deny is not installed");
    }
    deny(&["bans", "licenses", "sources"])
}

/// A reading of its own, because the advisory database must be fetched from another repository.
fn advisories() -> Measurement {
    if !is_installed("cargo-deny") {
        return Measurement::not_made("no advisories without it");
    }
    let reading = deny(&["advisories"]);
    match reading.result {
        LineResult::Fail if reading.figure.contains("fetch") => {
            Measurement::not_made("advisories cannot be fetched here")
        }
        _ => reading,
    }
}

fn deny(checks: &[&str]) -> Measurement {
    let mut command = Command::new("cargo-deny");
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(["--log-level", "error", "check"]).args(checks);
    let output = command.output().unwrap();
    let holds = output.status.success();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let why = if said.contains("fetch") { "cannot fetch" } else { said.lines().next().unwrap_or_default() };
    Measurement::judged(holds, format!("{}: {}", checks.join(", "), if holds { "allowed" } else { why }))
}

/// Checks the modes of the files of the journal, whatever the umask permits.
fn modes() -> Measurement {
    let server = healthy();
    let mut wrong = Vec::new();
    for umask in ["000", "022", "077"] {
        let script = format!("umask {umask}; exec \"$@\"");
        let run = Run::new(["check", "--record", "-q"]).config(&probe("home", &server.url("/"), &[]));
        let ran = run.through(["sh", "-c", &script, "umask"]).run();
        let journal = ran.folder.path().join("uptick-journal");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        if mode(&journal) != 0o700 {
            wrong.push(format!("the folder with {umask}"));
        }
        for entry in fs::read_dir(&journal).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && mode(&path) != 0o600 {
                wrong.push(format!("{} with {umask}", path.display()));
            }
        }
    }
    let figure = if wrong.is_empty() { "0700 and 0600 with any umask".to_owned() } else { wrong.join(", ") };
    Measurement::judged(wrong.is_empty(), figure)
}

/// Only checks that the lints are configured; clippy itself runs as a separate step.
fn lints() -> Measurement {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let wanted = ["unsafe_code = \"forbid\"", "unwrap_used = \"warn\"", "print_stdout = \"warn\""];
    let missing: Vec<&str> = wanted.into_iter().filter(|lint| !manifest.contains(lint)).collect();
    Measurement::judged(missing.is_empty(), format!("{} lints that clippy holds", wanted.len() - missing.len()))
}
