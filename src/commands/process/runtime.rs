//! The asynchronous runtime of a command.

use std::cmp::Reverse;
use std::sync::{Arc, mpsc};
use std::time::Duration;
use std::{io, thread};

use tokio::runtime::{Builder, Runtime};

use crate::commands::process::exit::CliError;
use crate::model::{Probe, Step, is_tls_scheme};

/// Up to this much processor time at once, one thread is enough: the last of the checks that start
/// together is delayed by no more than this. With a single thread no check has to wake another one,
/// and a short run starts no threads, which saves most of its cost.
const LITTLE: Duration = Duration::from_millis(5);

/// How many tasks run before tokio polls timers and sockets. Responses that each keep a task busy
/// for milliseconds must not delay the timers of others.
const EVENTS: u32 = 8;

/// The processor time of a request, and of a TLS handshake, on a slow machine.
const REQUEST: Duration = Duration::from_micros(150);
const HANDSHAKE: Duration = Duration::from_millis(1);

/// A runtime for a run of these probes, of which at most `concurrency` are checked at once.
///
/// # Errors
/// If the system provides no threads or no descriptors.
pub(crate) fn for_probes(probes: &[Arc<Probe>], concurrency: usize) -> Result<Runtime, CliError> {
    let mut costs: Vec<Duration> = probes.iter().map(|probe| cost(probe)).collect();
    costs.sort_unstable_by_key(|cost| Reverse(*cost));
    let at_once: Duration = costs.iter().take(concurrency).sum();
    if at_once <= LITTLE { single_threaded() } else { multi_threaded() }
}

fn cost(probe: &Probe) -> Duration {
    let of_step = |step: &Step| {
        let url = step.request.url.to_string();
        let has_tls = url.split_once("://").is_some_and(|(scheme, _)| is_tls_scheme(scheme));
        let assets = [&step.expect, &step.warn].into_iter().filter_map(|rules| rules.assets.as_ref());
        let files = assets.map(|assets| assets.limit).fold(0_u32, u32::saturating_add);
        (REQUEST + if has_tls { HANDSHAKE } else { Duration::ZERO }).saturating_mul(files.saturating_add(1))
    };
    probe.steps.iter().map(of_step).sum()
}

/// A runtime on the calling thread alone.
///
/// # Errors
/// If the system provides no descriptors.
pub(crate) fn single_threaded() -> Result<Runtime, CliError> {
    Builder::new_current_thread()
        .event_interval(EVENTS)
        .enable_all()
        .build()
        .map_err(|error| CliError::io("the runtime", &error))
}

/// A runtime with one thread per processor.
///
/// # Errors
/// If the system provides no threads or no descriptors.
pub(crate) fn multi_threaded() -> Result<Runtime, CliError> {
    let workers = thread::available_parallelism().map_or(1, usize::from);
    // tokio panics if it gets no thread, so starting them is tried first.
    try_threads(workers + 1).map_err(|error| CliError::Runtime(format!("no thread can be started: {error}")))?;
    let runtime = Builder::new_multi_thread().worker_threads(workers).event_interval(EVENTS).enable_all().build();
    runtime.map_err(|error| CliError::io("the runtime", &error))
}

/// Starts `count` threads at once and ends them.
fn try_threads(count: usize) -> io::Result<()> {
    let mut started = Vec::with_capacity(count);
    for _ in 0..count {
        let (hold, held) = mpsc::channel::<()>();
        let thread = thread::Builder::new().spawn(move || {
            // An error means that the thread may end.
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
