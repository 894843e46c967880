//! uptick: a synthetic availability prober. It answers, from your own probes: was it down, for
//! whom, since when, what kind of failure, and how sure are we?
//!
//! Data flows one way. This is the reading order, from the basic types upwards:
//!
//! | module | content |
//! |---|---|
//! | [`model`] | the basic types as plain data: probe, check, outcome, failure class |
//! | `format` | how numbers and times are written for people |
//! | [`config`] | `probes.toml`: its keys, its diagnostics, its secrets |
//! | [`import`] | converts files of other tools to `probes.toml` |
//! | [`plan`] | schedules as values: iterators of due checks |
//! | [`engine`] | one check → one [`model::Outcome`], never an error |
//! | [`window`] | outcomes added up: counts, classes, histograms, the strip of verdicts |
//! | [`metric`] | outcomes and windows as series of metrics, with their names |
//! | [`object_storage`] | buckets by URL: credentials, errors, objects written atomically |
//! | [`journal`] | windows and failures on disk, append-only |
//! | [`runner`] | runs the checks of a plan with bounded concurrency, until it is done or stopped |
//! | [`report`] | windows → the complete answer as data |
//! | [`check_report`] | outcomes → the answer of `uptick check` as data |
//! | [`render`] | the answers → text for people and programs |
//! | [`export`] | windows → existing systems: Prometheus, OpenTelemetry |
//! | [`alert`] | notifications when something changes |
//! | [`progress`] | the live view on a terminal, drawn beside the run |
//! | [`demo`] | an embedded origin that replays an outage |
//! | [`cli`] | the command line |
//! | [`commands`] | one file per command: a list of named steps |
//!
//! A module imports only modules above it in this table; `tests/architecture/main.rs` checks that.
//! A [`model::Outcome`] is about faults of the target, a `Result` about faults of uptick: `?`
//! always means that uptick could not do its job.

pub mod alert;
pub mod check_report;
pub mod cli;
pub mod commands;
pub mod config;
pub mod demo;
pub mod engine;
pub mod export;
pub(crate) mod format;
pub mod import;
pub mod journal;
pub mod metric;
pub mod model;
pub mod object_storage;
pub mod plan;
pub mod progress;
pub mod render;
pub mod report;
pub mod runner;
pub mod window;
