//! The documents that `report` prints, as plain data.

pub mod answer;
pub mod charts;
pub mod comparison;
pub mod coverage;
pub mod incident;
pub mod latency;
pub mod reading;
pub mod recent;
pub mod report;
pub mod rows;
pub mod sample_bound;
pub mod slo;
pub mod slow_period;
pub mod unseen;
pub mod usual;
