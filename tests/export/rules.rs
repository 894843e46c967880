//! The rules and the dashboard under `examples/prometheus`.
