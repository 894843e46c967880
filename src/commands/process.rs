//! The process as its caller sees it: streams, signals, lock and exit status.

pub(crate) mod exit;
pub(crate) mod instance_lock;
pub(crate) mod output_file;
pub(crate) mod output_folder;
pub(crate) mod outputs;
pub(crate) mod runtime;
pub(crate) mod signals;
pub(crate) mod terminal;
