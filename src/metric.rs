//! The exported metrics as data: families, and the series of a window or an outcome. The names are those of
//! `blackbox_exporter` where the meaning is the same; others begin with `uptick_`. Everything written for Prometheus,
//! by scrape, by remote write or to a file, comes from this table.

mod check_series;
mod classic;
mod family;
pub mod open_metrics;
mod series;
pub mod text;
mod window_series;

pub(crate) use check_series::of_outcome;
pub use check_series::of_probe;
pub use classic::classic;
pub use family::*;
pub(crate) use series::Subject;
pub use series::{Identity, Series, Value, sort};
pub(crate) use window_series::{identity_of, of_window, zero_failures};
