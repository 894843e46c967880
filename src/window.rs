//! Aggregated outcomes: a [`Window`] is a mergeable summary of one probe's checks over a span of time. Windows form a
//! commutative monoid, so runs, machines and years need no coordination: merging is addition. This module uses no file
//! and no clock.

mod buckets;
mod check_result;
mod collector;
mod hdr;
mod histogram;
mod latency;
mod pages;
mod remotes;
pub(crate) mod short_number;
mod strip;
mod strip_run;
mod strip_text;
mod summary;
#[cfg(test)]
pub(crate) mod test_windows;

pub use check_result::CheckResult;
pub use collector::Collector;
pub(crate) use hdr::HdrReader;
pub use hdr::{HdrError, HdrText};
pub use histogram::Histogram;
pub use latency::{Latency, LatencyDetail};
pub use remotes::{RemoteCounts, Remotes};
pub(crate) use strip::CHECKS_LIMIT;
pub use strip::Strip;
pub use strip_run::Run;
pub(crate) use strip_text::FailureKind;
pub use strip_text::StripError;
pub use summary::Window;
pub(crate) use summary::add_counts;
