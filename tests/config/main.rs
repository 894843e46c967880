//! The probe file: what is accepted, what is refused with which message, and the examples.

#![allow(clippy::unwrap_used, reason = "a set-up that fails is a failed test")]

#[path = "../support/mod.rs"]
mod support;

mod examples;
mod import;
mod import_completeness;
mod import_meaning;
mod import_of_curl;
mod probes_file;
