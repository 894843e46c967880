//! Waiting for something while driving the connection that feeds it, in the same task: when a check ends, nothing
//! of it goes on.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Context;

/// Waits for a future; `drive` lets the connection go on, as far as it can without waiting.
pub(crate) async fn beside<F: Future>(future: F, mut drive: impl FnMut(&mut Context<'_>)) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        drive(context);
        let polled = future.as_mut().poll(context);
        if polled.is_pending() {
            // What the future has just queued goes out.
            drive(context);
        }
        polled
    })
    .await
}
