//! Simulates a disk that fails at a chosen call, for tests: with an error, or as if the process
//! were killed there, after which no call has any effect.

use std::io;
use std::sync::{Arc, Mutex};

use super::Call;

/// What happens at the chosen call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The call fails with this error number; a write writes nothing.
    Error(i32),
    /// The call and the two after it fail with this error number; a write writes half of the bytes.
    Errors(i32),
    /// A write writes half of the bytes, then fails with this error number; any other call fails.
    Short(i32),
    /// From this call on every call fails, as if the process were killed. A write writes half of
    /// the bytes.
    Death,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Faults(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    calls: Vec<Call>,
    planned: Option<(usize, Fault)>,
    dead: bool,
}

impl Faults {
    /// Makes the call with this number (from 0) fail.
    pub(crate) fn plan(&self, number: usize, fault: Fault) {
        let mut state = self.0.lock().expect("no panic while locked");
        *state = State { planned: Some((number, fault)), ..State::default() };
    }

    /// The calls made so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.0.lock().expect("no panic while locked").calls.clone()
    }

    pub(super) fn inject(&self, call: Call) -> io::Result<()> {
        match self.next(call) {
            Some(_) => Err(self.error()),
            None => Ok(()),
        }
    }

    /// How many bytes a failing write writes; `None` if it does not fail.
    pub(super) fn short_write(&self, length: usize) -> Option<usize> {
        let was_dead = self.0.lock().expect("no panic while locked").dead;
        self.next(Call::Write).map(|fault| match fault {
            Fault::Error(_) => 0,
            Fault::Death if was_dead => 0,
            Fault::Short(_) | Fault::Errors(_) | Fault::Death => length / 2,
        })
    }

    /// The error of the planned fault.
    pub(super) fn error(&self) -> io::Error {
        let state = self.0.lock().expect("no panic while locked");
        match state.planned {
            Some((_, Fault::Error(number) | Fault::Errors(number) | Fault::Short(number))) => {
                io::Error::from_raw_os_error(number)
            }
            _ => io::Error::other("killed"),
        }
    }

    fn next(&self, call: Call) -> Option<Fault> {
        let mut state = self.0.lock().expect("no panic while locked");
        let number = state.calls.len();
        state.calls.push(call);
        if state.dead {
            return Some(Fault::Death);
        }
        let (planned, fault) = state.planned?;
        let last = planned.saturating_add(if matches!(fault, Fault::Errors(_)) { 2 } else { 0 });
        if !(planned..=last).contains(&number) {
            return None;
        }
        state.dead = fault == Fault::Death;
        Some(fault)
    }
}
