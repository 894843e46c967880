//! Windows to the complete answer, as data.
