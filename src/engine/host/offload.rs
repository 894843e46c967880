//! Work that takes as long as its input is large, off the threads that serve checks: on a thread of its
//! own, at most as many at once as there are processors.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread;

use tokio::sync::{Semaphore, oneshot};

/// Up to how many bytes of input work stays on its thread: what takes a millisecond.
pub(crate) const SMALL: usize = 64 * 1024;

static ROOM: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(thread::available_parallelism().map_or(1, usize::from)));

/// Carries work out on a thread that may be blocked; where no thread can be had, here. tokio's own
/// threads for this are no help: where it gets none, it panics.
pub(crate) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let _room = ROOM.acquire().await;
    let (sender, done) = oneshot::channel();
    let job = Arc::new(Mutex::new(Some(work)));
    let take = |job: &Mutex<Option<_>>| job.lock().unwrap_or_else(PoisonError::into_inner).take();
    let theirs = Arc::clone(&job);
    let worker = move || {
        let Some(work) = take(&theirs) else { return };
        // Nobody waits for it where the check was given up.
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
        // The thread ended without a word, which it cannot.
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
