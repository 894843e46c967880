//! A few futures at a time, in the task that waits for them: no spawning, so that what the
//! futures borrow needs no sharing, and dropping the wait drops them all.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

/// Runs futures to their ends, at most `limit` at a time; their results in the order given.
pub(super) async fn at_once<F: Future>(futures: Vec<F>, limit: usize) -> Vec<F::Output> {
    let mut results: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    let mut waiting = futures.into_iter().enumerate();
    let mut running: Vec<(usize, Pin<Box<F>>)> = Vec::new();
    poll_fn(|context| {
        loop {
            while running.len() < limit.max(1)
                && let Some((place, future)) = waiting.next()
            {
                running.push((place, Box::pin(future)));
            }
            let before = running.len();
            running.retain_mut(|(place, future)| match future.as_mut().poll(context) {
                Poll::Ready(result) => {
                    results[*place] = Some(result);
                    false
                }
                Poll::Pending => true,
            });
            if running.is_empty() && waiting.len() == 0 {
                return Poll::Ready(());
            }
            // Whatever has just begun must be polled once to be woken.
            if running.len() == before || waiting.len() == 0 {
                return Poll::Pending;
            }
        }
    })
    .await;
    results.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn results_keep_their_order_and_the_limit_holds() {
        let (running, most) = (Cell::new(0), Cell::new(0));
        let one = |n: u64| {
            let (running, most) = (&running, &most);
            async move {
                running.set(running.get() + 1);
                most.set(most.get().max(running.get()));
                tokio::time::sleep(Duration::from_millis(100 - n * 10)).await;
                running.set(running.get() - 1);
                n
            }
        };
        let results = at_once((0..7).map(one).collect(), 3).await;
        assert_eq!(results, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(most.get(), 3);
        assert!(at_once(Vec::<std::future::Ready<u8>>::new(), 3).await.is_empty());
    }
}
