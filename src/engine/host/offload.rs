//! Runs work on large inputs off the threads that serve checks: each piece on a thread of its own, at most
//! as many at a time as there are processors.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;

use tokio::sync::{Semaphore, oneshot};

/// The largest input, in bytes, that is worked on in place: it takes about a millisecond.
pub(crate) const SMALL: usize = 64 * 1024;

static ROOM: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(1, usize::from)));

/// Runs work on a thread that may be blocked; if no thread can be started, on the current one. tokio's
/// `spawn_blocking` would panic in that case.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let _room = ROOM.acquire().await;
    let (sender, done) = oneshot::channel();
    let job = Arc::new(Mutex::new(Some(work)));
    let take = |job: &Mutex<Option<_>>| job.lock().unwrap_or_else(PoisonError::into_inner).take();
    let theirs = Arc::clone(&job);
    let worker = move || {
        let Some(work) = take(&theirs) else { return };
        // The receiver is gone if the check was cancelled.
        let _ = sender.send(catch_unwind(AssertUnwindSafe(work)));
    };
    if thread::Builder::new().name("parser".to_owned()).spawn(worker).is_err()
        && let Some(work) = take(&job)
    {
        return work();
    }
    match done.await {
        Ok(Ok(done)) => done,
        Ok(Err(panic)) => resume_unwind(panic),
        // Cannot happen: the thread always sends a result.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_brings_its_result_back_and_a_panic_is_passed_on() {
        assert_eq!(run(|| 6 * 7).await, 42);
        assert!(tokio::spawn(run(|| -> () { resume_unwind(Box::new("x")) })).await.is_err());
    }
}
