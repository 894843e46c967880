//! Options that several commands share: which probes, how much to print, in which colour.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::groups;
use crate::model::Shard;

/// Options of every command that reads a configuration.
#[derive(Args, Clone, Debug)]
pub struct ProbeArgs {
    /// The probe file [default: the nearest probes.toml from here upwards]
    #[arg(help_heading = groups::TARGETS, short, long, value_name = "FILE", env = "UPTICK_CONFIG")]
    pub config: Option<PathBuf>,
    /// Name of the vantage that checks run from, on every record [default: settings.vantage, else local]
    #[arg(help_heading = groups::RECORD, long, value_name = "NAME", env = "UPTICK_VANTAGE")]
    pub vantage: Option<String>,
    /// Only probes of this surface
    #[arg(help_heading = groups::TARGETS, long = "surface", value_name = "SURFACE")]
    pub surfaces: Vec<String>,
    /// Only probes with this tag
    #[arg(help_heading = groups::TARGETS, long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Only this part of the probes, which several probers share: 0/4 is the first of four; control
    /// targets are in every part [env `UPTICK_SHARDS`: N, with the ordinal of the pod]
    #[arg(help_heading = groups::TARGETS, long, value_name = "I/N", env = "UPTICK_SHARD")]
    pub shard: Option<Shard>,
    /// Output options
    #[command(flatten)]
    pub output_args: OutputArgs,
    /// Print times in UTC instead of the time zone of this machine or of TZ
    #[arg(help_heading = groups::OUTPUT, long)]
    pub utc: bool,
}

impl ProbeArgs {
    /// The output options, with the time zone of `--utc`.
    #[must_use]
    pub const fn output(&self) -> OutputArgs {
        OutputArgs { utc: self.utc, ..self.output_args }
    }
}

/// Options of commands that notify.
#[derive(Args, Clone, Copy, Debug)]
pub struct AlertArgs {
    /// Let alerts of the probe file run programs (`exec`)
    #[arg(help_heading = groups::RECORD, long, env = "UPTICK_ALLOW_EXEC", value_parser = clap::builder::FalseyValueParser::new())]
    pub allow_exec: bool,
}

/// Options of output: how much, and in which colour.
#[derive(Args, Clone, Copy, Debug)]
pub struct OutputArgs {
    /// Print nothing when all is up
    #[arg(help_heading = groups::OUTPUT, short, long, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Print more; twice for everything
    #[arg(help_heading = groups::OUTPUT, short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to use colour
    #[arg(help_heading = groups::OUTPUT, long, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Whether times of day are printed in UTC. Only commands with an option for it set this.
    #[arg(skip)]
    pub utc: bool,
}

impl Default for OutputArgs {
    fn default() -> Self {
        OutputArgs { quiet: false, verbose: 0, color: Color::Auto, utc: false }
    }
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
