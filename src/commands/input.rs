//! What a command works on: the configuration, the selected probes, the journals.

pub(crate) mod baseline;
pub(crate) mod exec_permission;
pub(crate) mod journal_query;
pub(crate) mod locations;
pub(crate) mod saving;
pub(crate) mod selection;
pub(crate) mod shard;
pub(crate) mod targets;
