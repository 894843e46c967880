//! Adds the lines of journals up where they are parsed: each thread has its own state, so that no
//! line is sent from one thread to another.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use crate::journal::{Integrity, JournalError, Line, Range};
use crate::window::LatencyDetail;

use super::chunks::Chunk;
use super::sources;
use super::worker::Worker;

/// Adds up the lines that belong to a range, each line once, with the latency that `detail` names. Each thread begins with the state of
/// `begin` and adds the lines that it reads; then the states are merged. Which thread reads which
/// lines is unspecified. A path is a journal's folder or a file of lines.
///
/// # Errors
/// [`JournalError`] if a path cannot be read.
pub fn fold<S: Send>(
    paths: &[PathBuf],
    range: Range,
    detail: LatencyDetail,
    begin: impl Fn() -> S + Sync,
    add: impl Fn(&mut S, &Line) + Sync,
    merge: impl Fn(&mut S, S),
) -> Result<(S, Integrity), JournalError> {
    let (chunks, mut spooled) = sources::open(paths, range)?;
    let mut first = begin();
    for line in std::mem::take(&mut spooled.lines) {
        add(&mut first, &line);
    }
    let (spooled, queue) = (Arc::new(spooled), WorkQueue::new(chunks));
    let read = |number: usize, mut state: S| {
        let mut worker = Worker::new(range, detail, Arc::clone(&spooled));
        while let Some(chunk) = queue.next(number) {
            let added = worker.read(&chunk, |line| {
                add(&mut state, &line);
                ControlFlow::Continue(())
            });
            if let Err(error) = added {
                queue.give_up();
                return Err(error);
            }
        }
        Ok((state, worker.integrity))
    };
    let (begin, read) = (&begin, &read);
    thread::scope(|scope| {
        // If a thread cannot be started, the other threads take its chunks.
        let start = |number| thread::Builder::new().spawn_scoped(scope, move || read(number, begin())).ok();
        let others: Vec<_> = (1..queue.workers).filter_map(start).collect();
        let (mut state, mut integrity) = read(0, first)?;
        integrity.merge(&spooled.integrity);
        for other in others {
            let (part, met) = other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            merge(&mut state, part);
            integrity.merge(&met);
        }
        Ok((state, integrity))
    })
}

/// The most threads. More would each hold a state, and wait for the same disk.
const THREADS: usize = 8;

/// The chunks, divided among threads. Chunks of one place and of neighbouring days stay together as
/// far as possible: the less the states have in common, the less memory they need.
struct WorkQueue {
    workers: usize,
    left: Mutex<Vec<VecDeque<Chunk>>>,
}

impl WorkQueue {
    fn new(mut chunks: Vec<Chunk>) -> WorkQueue {
        // The sort is stable: within a place the files stay ordered by day.
        chunks.sort_by_cached_key(|chunk| chunk.source.place());
        let workers = thread::available_parallelism().map_or(1, usize::from).min(THREADS).min(chunks.len()).max(1);
        let mut left = Vec::new();
        for number in (0..workers).rev() {
            left.push(VecDeque::from(chunks.split_off(chunks.len() * number / (number + 1))));
        }
        left.reverse();
        WorkQueue { workers, left: Mutex::new(left) }
    }

    /// The next chunk of a worker. If it has none left, it takes the last one of the worker that
    /// has most. `None` if there are no more.
    fn next(&self, number: usize) -> Option<Chunk> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let own = left.get_mut(number).and_then(VecDeque::pop_front);
        own.or_else(|| left.iter_mut().max_by_key(|share| share.len())?.pop_back())
    }

    /// Removes all chunks, so that every worker stops.
    fn give_up(&self) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::chunks;
    use super::super::chunks::Source;
    use super::*;

    #[test]
    fn every_piece_is_dealt_once_whoever_asks_and_places_stay_together() {
        let mut dealt = Vec::new();
        for day in 10..20 {
            for place in ["here", "there"] {
                let source = Arc::new(Source::new(format!("2025-03-{day}.{place}.jsonl").into()));
                chunks::cut(&source, Some(1), &mut dealt);
            }
        }
        let queue = WorkQueue::new(dealt);
        let first: Vec<Chunk> = (0..10).filter_map(|_| queue.next(0)).collect();
        let rest: Vec<Chunk> = std::iter::from_fn(|| queue.next(queue.workers - 1)).collect();
        let paths = |chunks: &[Chunk]| chunks.iter().map(|chunk| chunk.source.path.clone()).collect::<BTreeSet<_>>();
        assert_eq!(paths(&first).union(&paths(&rest)).count(), 20);
        assert_eq!(first.len() + rest.len(), 20);
        assert!(queue.workers > 2 || paths(&first).iter().all(|path| path.to_string_lossy().contains(".here.")));
    }
}
