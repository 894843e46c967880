//! A run of checks: how a check is carried out, and the consumers of its events.
//!
//! `check_pipeline` turns a check into an outcome. `events` adds outcomes up into windows and
//! passes both on to the consumers. Each of the other files is one consumer or its helper; no
//! consumer knows another.

pub(crate) mod alert_history;
pub(crate) mod alert_queue;
pub(crate) mod alert_worker;
pub(crate) mod answer_stream;
pub(crate) mod check_pipeline;
pub(crate) mod check_progress;
pub(crate) mod diagnoser;
pub(crate) mod events;
pub(crate) mod exporters;
pub(crate) mod fixed_settings;
pub(crate) mod kept_sums;
pub(crate) mod run_outputs;
pub(crate) mod run_recorder;
pub(crate) mod wait;
pub(crate) mod watch_screen;
pub(crate) mod watch_state;
