//! `uptick --version -v`: the facts about the program and the host that a bug report needs.

use std::io;
use std::io::Write;

use crate::cli;
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
    let environment = locations::environment();
    let set = cli::variables_set(&environment);
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
