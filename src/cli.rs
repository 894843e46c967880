//! The command line: clap, and nothing else knows clap.
