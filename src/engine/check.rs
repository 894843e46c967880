//! One check: its attempts, the steps of each attempt, and the extra checks after a failure.

pub(super) mod addresses;
pub(super) mod alt_svc;
pub(super) mod assets;
pub(super) mod attempt;
pub(super) mod capture;
pub(super) mod diagnose;
pub(super) mod journey;
pub(super) mod recorded_exchange;
pub(super) mod shared_session;
pub(super) mod step;
pub(super) mod step_result;
pub(super) mod token;
