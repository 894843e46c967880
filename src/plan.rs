//! When is a value: an iterator of due checks.
