//! Waits for a future while driving the connection that feeds it, in the same task: when a check ends, all of its
//! work ends.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Context;

/// Waits for a future; `drive` polls the connection.
pub(crate) async fn beside<F: Future>(future: F, mut drive: impl FnMut(&mut Context<'_>)) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| {
        drive(context);
        let polled = future.as_mut().poll(context);
        if polled.is_pending() {
            // Sends what the future has just queued.
            drive(context);
        }
        polled
    })
    .await
}
