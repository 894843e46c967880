//! One check in, one outcome out, never an error.
