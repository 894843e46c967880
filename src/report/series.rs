//! Analyzes the checks of one probe from one vantage: its outages, whether it flaps, its cadence,
//! and the baseline of its surface.

pub(crate) mod analysis;
pub(crate) mod baseline;
pub(crate) mod cadence;
pub(crate) mod check_counts;
pub(crate) mod cusum;
pub(crate) mod detector;
pub(crate) mod expected_checks;
pub(crate) mod failure_log;
pub(crate) mod flapping;
pub mod judgement;
pub(crate) mod offline;
pub(crate) mod outage;
mod past_hour;
pub(crate) mod pool;
pub(crate) mod recovery;
pub(crate) mod recurring_dip;
pub(crate) mod report_range;
pub(crate) mod run_length;
pub(crate) mod series_tally;
pub(crate) mod silence;
pub mod single_series;
pub(crate) mod slowdown;
pub(crate) mod slowness;
pub(crate) mod state;
