//! The binary as a user meets it: what it prints, to which stream, and how it exits.

#![allow(clippy::unwrap_used, reason = "a set-up that fails is a failed test")]

#[path = "../support/mod.rs"]
mod support;

mod accounting;
mod alert_model;
mod alert_state;
mod alerting;
mod alerts;
mod commands;
mod consumers;
mod first_file;
mod live;
mod maintenance;
mod missing_values;
mod mistakes;
mod origin;
mod outputs;
mod reporting;
mod selection;
mod signals;
mod status_page;
mod streams;
mod verbosity;
mod verdicts;
mod waiting;
mod warnings;
mod watching;
