//! To the systems that exist: windows go to Prometheus and OpenTelemetry in their own words.
//! Exporting is at the edge: it never delays a check, and what it cannot deliver is counted.

pub mod buckets;
