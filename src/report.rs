//! Windows to the complete answer, as data.

pub mod pass;
