//! Work that takes as long as its input is large, off the threads that serve checks.

/// Up to how many bytes of input work stays on its thread: what takes a millisecond.
pub(super) const SMALL: usize = 64 * 1024;

/// Carries work out on a thread that may be blocked.
pub(super) async fn run<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is being shut down, and nobody waits for the result.
            Err(_) => std::future::pending().await,
        },
    }
}
