//! Joins outages of many series to incidents, gathers the facts about each, and matches these with
//! the signature table.

pub(crate) mod cause;
pub(crate) mod description;
mod fact_gathering;
pub(crate) mod grouping;
pub(crate) mod incident_detection;
pub(crate) mod main_failure;
pub(crate) mod nested_outages;
mod pooled_causes;
pub(crate) mod pooled_onset;
pub(crate) mod signature;
mod surface_failures;
pub(crate) mod waves;
