//! The files beside the source are correct: README, packages, manifests, pipelines.

#![allow(clippy::unwrap_used, reason = "a set-up that fails is a failed test")]

#[path = "../support/mod.rs"]
mod support;

mod downloads;
mod packaging;
mod readme;
