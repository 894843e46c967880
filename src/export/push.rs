//! Encodes the pending batch and sends it in order, one request at a time, until it is accepted. Adding to the batch
//! never waits: it grows while the encoder is busy, encoded requests wait in a bounded queue, and when that is full the
//! oldest are dropped and counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::metric;
use crate::metric::Series;
use crate::model::{Outcome, SafeText, Shard};
use crate::window::Window;

use super::cumulative::Cumulative;
use super::delivery_stats::DeliveryStats;
use super::endpoint::{Answer, Endpoint};

/// Maximum number of batches that wait.
const QUEUE_BATCHES: usize = 256;
/// Maximum number of bytes that wait.
const QUEUE_BYTES: usize = 16 << 20;
/// Default time that a batch grows: the windows of many probes close together.
pub(super) const GATHER: Duration = Duration::from_millis(500);
/// The pause after the first failure; it doubles with each.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// What happened since the encoder last took a batch.
#[derive(Debug, Default)]
pub(super) struct PendingBatch {
    /// Windows that closed, added up by series.
    pub(super) windows: Cumulative,
    /// The series of each probe's last check; none if it could not be judged.
    pub(super) last: BTreeMap<String, Arc<Vec<Series<'static>>>>,
}

impl PendingBatch {
    fn is_empty(&self) -> bool {
        self.windows.is_empty() && self.last.is_empty()
    }
}

/// How to send to one kind of backend.
pub(super) struct Backend<E> {
    pub(super) endpoint: Endpoint,
    /// Encodes a batch as the bodies of requests. It may read and write files.
    pub(super) encode: E,
    /// Which answers are worth another attempt.
    pub(super) worth_retrying: fn(StatusCode) -> bool,
    /// What the answer to an accepted request reports as rejected.
    pub(super) objection: fn(&[u8]) -> Option<String>,
    /// How long a batch grows before it is sent.
    pub(super) gather: Duration,
    /// The part of the vantage's probes that is run.
    pub(super) shard: Option<Shard>,
}

/// A running exporter.
#[derive(Debug)]
pub(super) struct Push {
    shared: Arc<Shared>,
    worker: JoinHandle<()>,
    shard: Option<Shard>,
}

#[derive(Debug, Default)]
struct Shared {
    inbox: Mutex<Inbox>,
    wake: Notify,
    stats: Mutex<DeliveryStats>,
}

#[derive(Debug, Default)]
struct Inbox {
    pending: PendingBatch,
    /// When to end, once no more events come.
    deadline: Option<Instant>,
}

impl Push {
    /// Starts an exporter on the current runtime.
    pub(super) fn start<E>(backend: Backend<E>) -> Push
    where
        E: FnMut(PendingBatch) -> Vec<Vec<u8>> + Send + 'static,
    {
        let shared = Arc::new(Shared::default());
        let worker = Worker {
            shared: Arc::clone(&shared),
            endpoint: backend.endpoint,
            worth_retrying: backend.worth_retrying,
            objection: backend.objection,
            queue: VecDeque::new(),
            in_flight: None,
            next_try: None,
            pause: FIRST_PAUSE,
            gather: backend.gather,
        };
        Push { shared, worker: tokio::spawn(worker.run(backend.encode)), shard: backend.shard }
    }

    /// Records windows that closed.
    pub(super) fn windows(&self, windows: &[Window]) {
        let mut inbox = lock(&self.shared.inbox);
        for window in windows {
            inbox.pending.windows.add(window);
        }
        drop(inbox);
        self.shared.wake.notify_one();
    }

    /// Records the last check of a probe. It is sent with the next windows.
    pub(super) fn outcome(&self, outcome: &Outcome) {
        let series = Arc::new(metric::of_outcome(outcome, self.shard));
        lock(&self.shared.inbox).pending.last.insert(outcome.probe.clone(), series);
    }

    /// What became of the batches so far.
    pub(super) fn stats(&self) -> DeliveryStats {
        lock(&self.shared.stats).clone()
    }

    /// Sends what is pending, for at most this long, and returns what became of everything.
    pub(super) async fn finish(self, patience: Duration) -> DeliveryStats {
        lock(&self.shared.inbox).deadline = Some(Instant::now() + patience);
        self.shared.wake.notify_one();
        // The worker keeps its deadline; only a file system that hangs can delay it.
        let mut worker = self.worker;
        if tokio::time::timeout(patience + Duration::from_secs(5), &mut worker).await.is_err() {
            worker.abort();
        }
        lock(&self.shared.stats).clone()
    }
}

struct Worker {
    shared: Arc<Shared>,
    endpoint: Endpoint,
    worth_retrying: fn(StatusCode) -> bool,
    objection: fn(&[u8]) -> Option<String>,
    queue: VecDeque<Vec<u8>>,
    in_flight: Option<JoinHandle<Answer>>,
    next_try: Option<Instant>,
    pause: Duration,
    gather: Duration,
}

impl Worker {
    async fn run<E>(mut self, mut encode: E)
    where
        E: FnMut(PendingBatch) -> Vec<Vec<u8>> + Send + 'static,
    {
        let mut encode_at: Option<Instant> = None;
        loop {
            let deadline = lock(&self.shared.inbox).deadline;
            if deadline.is_some() || encode_at.is_some_and(|at| at <= Instant::now()) {
                encode_at = None;
                encode = self.encode(encode).await;
            }
            self.begin_sending();
            let is_through = self.queue.is_empty() && lock(&self.shared.inbox).pending.is_empty();
            let is_in_vain = |deadline| deadline <= self.next_try.unwrap_or_else(Instant::now);
            if deadline.is_some_and(|deadline| is_through || is_in_vain(deadline)) {
                break;
            }
            tokio::select! {
                () = self.shared.wake.notified() => encode_at = encode_at.or(Some(Instant::now() + self.gather)),
                answer = response(&mut self.in_flight) => self.take(answer),
                () = at(encode_at) => {}
                () = at(self.next_try) => self.next_try = None,
                () = at(deadline) => {}
            }
        }
        if let Some(request) = self.in_flight.take() {
            request.abort();
        }
        self.note(|stats, worker| stats.drop(worker.queue.len() as u64));
    }

    /// Encodes the pending batch on a blocking thread, and queues the requests.
    async fn encode<E>(&mut self, mut encode: E) -> E
    where
        E: FnMut(PendingBatch) -> Vec<Vec<u8>> + Send + 'static,
    {
        let pending = std::mem::take(&mut lock(&self.shared.inbox).pending);
        if pending.is_empty() {
            return encode;
        }
        let encoding = tokio::task::spawn_blocking(move || {
            let batches = encode(pending);
            (encode, batches)
        });
        let (encode, batches) = encoding.await.expect("an encoder does not panic, and is not aborted");
        self.queue.extend(batches);
        while self.queue.len() > 1 && self.is_over_full() {
            // The first may be in flight; then the next oldest is dropped.
            self.queue.remove(usize::from(self.in_flight.is_some()));
            self.note(|stats, _| stats.drop(1));
        }
        encode
    }

    fn is_over_full(&self) -> bool {
        self.queue.len() > QUEUE_BATCHES || self.queue.iter().map(Vec::len).sum::<usize>() > QUEUE_BYTES
    }

    fn begin_sending(&mut self) {
        if self.in_flight.is_some() || self.next_try.is_some() {
            return;
        }
        if let Some(batch) = self.queue.front() {
            let (endpoint, batch, worth_retrying) = (self.endpoint.clone(), batch.clone(), self.worth_retrying);
            self.in_flight = Some(tokio::spawn(async move { endpoint.post(batch, worth_retrying).await }));
        }
    }

    /// Handles the answer to the first batch of the queue.
    fn take(&mut self, answer: Answer) {
        self.in_flight = None;
        match answer {
            Answer::Accepted(body) => {
                self.queue.pop_front();
                self.pause = FIRST_PAUSE;
                let objection = web_page(&body).or_else(|| (self.objection)(&body));
                let objection = objection.map(|why| self.endpoint.message(why));
                self.note(|stats, _| match objection {
                    None => stats.accept(),
                    Some(why) => stats.refuse(why),
                });
            }
            Answer::Refused(why) => {
                self.queue.pop_front();
                self.pause = FIRST_PAUSE;
                self.note(|stats, _| stats.refuse(why));
            }
            Answer::Retry(after, why) => {
                self.next_try = Some(Instant::now() + after.unwrap_or_default().max(self.pause));
                self.pause = (self.pause * 2).min(LONGEST_PAUSE);
                self.note(|stats, _| stats.retry(why));
            }
        }
    }

    fn note(&self, change: impl FnOnce(&mut DeliveryStats, &Worker)) {
        change(&mut lock(&self.shared.stats), self);
    }
}

/// The answer to the request in flight; pending forever if there is none.
async fn response(in_flight: &mut Option<JoinHandle<Answer>>) -> Answer {
    match in_flight {
        Some(request) => {
            request.await.unwrap_or_else(|_| Answer::Retry(None, SafeText::message("the request broke off")))
        }
        None => std::future::pending().await,
    }
}

/// What is wrong with an answer that is a web page: a login, a proxy or another server answered. No backend answers with
/// one, and as protobuf it would end a group that has not begun.
pub(super) fn web_page(body: &[u8]) -> Option<String> {
    let page = body.trim_ascii_start().starts_with(b"<");
    page.then(|| {
        format!("the answer is a web page, so the URL is not that of a backend: {}", String::from_utf8_lossy(body))
    })
}

async fn at(instant: Option<Instant>) {
    match instant {
        Some(instant) => tokio::time::sleep_until(instant).await,
        None => std::future::pending().await,
    }
}

/// The counts are still valid if another thread panicked while counting.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
