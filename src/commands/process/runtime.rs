//! The asynchronous runtime of a command.

use std::sync::mpsc;
use std::{io, thread};

use tokio::runtime::{Builder, Runtime};

use crate::commands::process::exit::CliError;

/// Few probes need no second thread, and not starting one is most of what a short run can save.
const FEW: usize = 4;

/// A runtime for a run of so many probes.
///
/// # Errors
/// Where the system gives no threads or no descriptors.
pub(crate) fn for_probes(probes: usize) -> Result<Runtime, CliError> {
    if probes <= FEW { single_threaded() } else { multi_threaded() }
}

/// A runtime on the calling thread alone.
///
/// # Errors
/// Where the system gives no descriptors.
pub(crate) fn single_threaded() -> Result<Runtime, CliError> {
    Builder::new_current_thread().enable_all().build().map_err(|error| CliError::io("the runtime", &error))
}

/// A runtime with a thread for each processor.
///
/// # Errors
/// Where the system gives no threads or no descriptors.
pub(crate) fn multi_threaded() -> Result<Runtime, CliError> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    // tokio panics where it gets no thread: whether there are any is asked first.
    try_threads(workers + 1).map_err(|error| CliError::Runtime(format!("no thread can be started: {error}")))?;
    let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    runtime.map_err(|error| CliError::io("the runtime", &error))
}

/// Starts so many threads at once and ends them.
fn try_threads(count: usize) -> io::Result<()> {
    let mut started = Vec::with_capacity(count);
    for _ in 0..count {
        let (hold, held) = mpsc::channel::<()>();
        let thread = thread::Builder::new().spawn(move || {
            // An error says that it may end.
            let _ = held.recv();
        })?;
        started.push((hold, thread));
    }
    let threads: Vec<_> = started.into_iter().map(|(hold, thread)| (drop(hold), thread).1).collect();
    for thread in threads {
        let _ = thread.join();
    }
    Ok(())
}
