//! One file a command: each a list of named steps.
