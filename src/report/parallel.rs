//! Runs independent pieces of work on all processors.

use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Applies `work` to each item, on as many threads as there are processors. The results have the
/// order of the items.
pub(crate) fn map<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from).min(items.len());
    if threads <= 1 {
        return items.into_iter().map(work).collect();
    }
    let (share, work) = (items.len().div_ceil(threads), &work);
    let mut rest = items.into_iter();
    // If a thread cannot be spawned, the calling thread does its share.
    thread::scope(|scope| {
        let begin = |_| {
            let share: Mutex<Vec<T>> = Mutex::new(rest.by_ref().take(share).collect());
            let share = Arc::new(share);
            let theirs = Arc::clone(&share);
            let thread = thread::Builder::new().spawn_scoped(scope, move || done(&theirs, work));
            (thread, share)
        };
        let threads: Vec<_> = (0..threads).map(begin).collect();
        let mut results = Vec::new();
        for (thread, share) in threads {
            results.extend(match thread {
                Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                Err(_) => done(&share, work),
            });
        }
        results
    })
}

fn done<T, R>(share: &Mutex<Vec<T>>, work: &impl Fn(T) -> R) -> Vec<R> {
    let share = std::mem::take(&mut *share.lock().unwrap_or_else(PoisonError::into_inner));
    share.into_iter().map(work).collect()
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
