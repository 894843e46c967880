//! A run of checks: how a check is carried out, and who is told what came of it.

pub(crate) mod alert_history;
pub(crate) mod alert_worker;
pub(crate) mod check_pipeline;
pub(crate) mod diagnoser;
pub(crate) mod exporters;
pub(crate) mod journal_writer;
pub(crate) mod run_recorder;
pub(crate) mod watch_state;
