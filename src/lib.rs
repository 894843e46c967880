//! uptick: a synthetic availability prober. It answers, from your own probes: was it down, for
//! whom, since when, what kind of failure, and how sure are we?
//!
//! Data flows one way, and this is the reading order, from the words upward:
//!
//! | module | what it is |
//! |---|---|
//! | [`model`] | the words of the field as plain data: probe, check, outcome, failure class |
//! | `format` | how numbers and times are written for people |
//! | [`config`] | `probes.toml`: its shape, its diagnostics, its secrets |
//! | [`import`] | other tools' files as `probes.toml` |
//! | [`plan`] | when is a value: an iterator of due checks |
//! | [`engine`] | one check → one [`model::Outcome`], never an error |
//! | [`window`] | outcomes added up: counts, classes, histograms, the strip of verdicts |
//! | [`metric`] | outcomes and windows as series of metrics, by the names they have everywhere |
//! | [`object_storage`] | buckets by their URL: credentials, errors, objects written whole |
//! | [`journal`] | windows and failures on disk, append-only |
//! | [`runner`] | drives a plan through a probe function, bounded, until done or told to stop |
//! | [`report`] | windows → the complete answer as data |
//! | [`render`] | the answer → text for people and programs |
//! | [`export`] | windows → the systems that exist: Prometheus, OpenTelemetry |
//! | [`alert`] | who is notified when something changes |
//! | [`progress`] | the live view on a terminal, drawn beside the run |
//! | [`demo`] | an embedded origin that plays an outage |
//! | [`commands`] | one file a command: a list of named steps |
//! | [`cli`] | the command line |
//!
//! A module imports only what stands above it in this table; `tests/architecture.rs` holds that.
//! An [`model::Outcome`] is for the target's faults, a `Result` for ours: `?` always means that
//! the tool could not do its job.

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
