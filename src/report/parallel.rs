//! Independent pieces of work, shared out between the processors.

use std::num::NonZero;
use std::thread;

/// Does the same to each of some items, on as many threads as there are processors; the results
/// are in the order of the items.
pub(super) fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).min(items.len());
    if threads <= 1 {
        return items.into_iter().map(work).collect();
    }
    let (share, work) = (items.len().div_ceil(threads), &work);
    let mut rest = items.into_iter();
    thread::scope(|scope| {
        let shares = std::iter::from_fn(|| Some(rest.by_ref().take(share).collect::<Vec<T>>()));
        let shares: Vec<_> = shares.take_while(|share| !share.is_empty()).collect();
        let threads: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || share.into_iter().map(work).collect::<Vec<R>>()))
            .collect();
        let done = threads.into_iter().flat_map(|thread| match thread.join() {
            Ok(done) => done,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        done.collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_has_its_result_in_its_place() {
        for length in [0, 1, 2, 3, 7, 100] {
            let items: Vec<u64> = (0..length).collect();
            assert_eq!(map(items, |item| item * 2), (0..length).map(|item| item * 2).collect::<Vec<u64>>());
        }
    }
}
