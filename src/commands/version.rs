//! `uptick --version -v`: the facts about the program and the host that a bug report needs.

use std::io;
use std::io::Write;

use crate::commands::input::locations;
use crate::engine::HostFacts;
use crate::runner::Descriptors;

/// The optional features of a build, and whether this one has them.
const FEATURES: [(&str, bool); 6] = [
    ("http3", cfg!(feature = "http3")),
    ("prometheus-server", cfg!(feature = "prometheus-server")),
    ("remote-write", cfg!(feature = "remote-write")),
    ("otlp", cfg!(feature = "otlp")),
    ("object-store", cfg!(feature = "object-store")),
    ("parquet", cfg!(feature = "parquet")),
];

/// Environment variables that change how the program behaves. Their values may be secret, so they
/// are not shown.
const VARIABLES: [&str; 12] = [
    "UPTICK_CONFIG",
    "UPTICK_JOURNAL",
    "UPTICK_VANTAGE",
    "UPTICK_REMOTE_WRITE",
    "UPTICK_ALLOW_EXEC",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "RES_OPTIONS",
    "LOCALDOMAIN",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
];

/// Writes one fact per line.
pub(super) fn write(out: &mut dyn Write) -> io::Result<()> {
    let with = |has: bool| {
        let names = FEATURES.iter().filter(|(_, there)| *there == has).map(|(name, _)| *name);
        Some(names.collect::<Vec<_>>().join(", "))
            .filter(|names| !names.is_empty())
            .unwrap_or_else(|| "none".to_owned())
    };
    let host = HostFacts::read();
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let set: Vec<&str> = VARIABLES.into_iter().filter(|name| locations::env(name).is_some()).collect();
    writeln!(out, "uptick {}", env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "build:       {build}, {} {} {}", std::env::consts::ARCH, std::env::consts::OS, libc_name())?;
    writeln!(out, "features:    {}", with(true))?;
    writeln!(out, "left out:    {}", with(false))?;
    writeln!(out, "tls:         {}", host.tls)?;
    writeln!(out, "roots:       {}", host.roots)?;
    writeln!(out, "resolver:    {}", host.resolver)?;
    writeln!(out, "open files:  {}", Descriptors::raise())?;
    writeln!(out, "processors:  {}", std::thread::available_parallelism().map_or(1, usize::from))?;
    writeln!(out, "environment: {}", if set.is_empty() { "none of ours".to_owned() } else { set.join(", ") })
}

const fn libc_name() -> &'static str {
    if cfg!(target_env = "musl") {
        "musl"
    } else if cfg!(target_env = "gnu") {
        "gnu"
    } else {
        ""
    }
}
