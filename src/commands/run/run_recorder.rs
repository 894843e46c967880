//! Records a run in the background: closed windows and the evidence of failures enter a bounded
//! queue, and a dedicated thread appends them to the journal. A slow disk, a held lock or an
//! unreachable object store delays no check.
//!
//! If the disk hangs, the queue fills up. Then no more checks start, and those that are due count
//! as `missed`: a measurement that cannot be kept is worth nothing. Further windows are merged per
//! probe and day until there is room.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{io, thread};

use jiff::Timestamp;
use tokio::sync::oneshot;

use crate::commands::input::locations;
use crate::commands::run::events::{Consumer, RunEvent};
use crate::config::Config;
use crate::journal::{Journal, JournalError, Line, Options};
use crate::model::{Probe, RecordedPlan, Shard};
use crate::window::Window;
use crate::{journal, object_storage};

/// How often a run ships its lines to an object store; it does so once more at its end.
const SHIP_EVERY: Duration = Duration::from_mins(5);

/// The most lines that wait for the disk, including those that are being written: minutes of a
/// large run.
const QUEUE_LIMIT: usize = 1 << 16;

/// The most lines that wait while the journal cannot even be opened.
const PENDING_LIMIT: usize = 100_000;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// Where a run records.
pub(crate) struct JournalLocation {
    folder: PathBuf,
    /// The store that the folder's lines are shipped to; `None` for a local journal.
    store: Option<Store>,
}

/// An object store that lines are shipped to.
struct Store {
    url: PathBuf,
    vantage: String,
}

impl JournalLocation {
    /// The location that an option or a default names: a folder, or a URL.
    pub(crate) fn of(place: PathBuf, config: &Config) -> JournalLocation {
        let folder = locations::local_folder(&place, config.path.as_deref());
        let store = Store { url: place, vantage: config.settings.vantage.clone() };
        JournalLocation { folder, store: object_storage::is_url(&store.url).then_some(store) }
    }
}

/// The result of a recording.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// Why lines are not in the journal; `None` if all are.
    pub(crate) error: Option<String>,
    /// How many lines are not in the journal.
    pub(crate) lost: u64,
    /// Why lines are on this disk but not in the object store; the next run ships them.
    pub(crate) unshipped: Option<JournalError>,
}

/// Hands closed windows to the thread that writes them.
pub(crate) struct RunRecorder {
    queue: Arc<Queue>,
    ended: oneshot::Receiver<Recorded>,
    plan: Option<CurrentPlan>,
}

/// The plan of a run: the probes that it checks. It is recorded at the start, when the probes
/// change, and again on each UTC day, so that a report on any day knows it.
struct CurrentPlan {
    vantage: String,
    shard: Option<Shard>,
    probes: Vec<Arc<Probe>>,
    /// The last day on which the plan was recorded, in days since 1970.
    day: i64,
}

impl CurrentPlan {
    fn lines(&self, from: Timestamp) -> Vec<Line> {
        let probes = self.probes.iter().map(AsRef::as_ref);
        RecordedPlan::parts(&self.vantage, self.shard, from, probes).into_iter().map(Line::from).collect()
    }
}

/// The UTC day of an instant, in days since 1970.
fn day_of(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(DAY_MS)
}

impl RunRecorder {
    /// Starts to record into a folder, which is created if it does not exist.
    ///
    /// # Errors
    /// If the system provides no thread.
    pub(crate) fn start(location: JournalLocation) -> io::Result<RunRecorder> {
        let queue = Arc::new(Queue::default());
        let (sender, ended) = oneshot::channel();
        let writer = JournalWriter {
            location,
            journal: None,
            pending: Vec::new(),
            queue: Arc::clone(&queue),
            shipped_at: Instant::now(),
        };
        let write = move || drop(sender.send(writer.run()));
        thread::Builder::new().name("journal".to_owned()).spawn(write)?;
        Ok(RunRecorder { queue, ended, plan: None })
    }

    /// Records which probes a vantage checks from an instant on.
    pub(crate) fn record_plan(&mut self, vantage: &str, shard: Option<Shard>, probes: &[Arc<Probe>], from: Timestamp) {
        let plan = CurrentPlan { vantage: vantage.to_owned(), shard, probes: probes.to_vec(), day: day_of(from) };
        self.queue.push([], plan.lines(from));
        self.plan = Some(plan);
    }

    /// Records which shard a single run is, so that a report can tell which shards never ran.
    pub(crate) fn record_shard(&mut self, vantage: &str, shard: Shard, probes: &[Arc<Probe>], from: Timestamp) {
        let parts = RecordedPlan::parts(vantage, Some(shard), from, probes.iter().map(AsRef::as_ref));
        self.queue.push([], parts.into_iter().map(|part| Line::from(part.on_demand())));
    }

    /// Records the plan again with the first window of a day.
    fn repeat_plan(&mut self, windows: &[Window]) {
        let latest = windows.iter().map(|window| window.from).max();
        if let (Some(plan), Some(latest)) = (&mut self.plan, latest)
            && day_of(latest) > plan.day
        {
            plan.day = day_of(latest);
            self.queue.push([], plan.lines(latest));
        }
    }

    /// A function that returns whether the queue has room. Without room, no check may start.
    pub(crate) fn admission(&self) -> impl Fn() -> bool + Clone + Send + use<> {
        let queue = Arc::clone(&self.queue);
        move || !queue.is_full.load(Ordering::Relaxed)
    }

    /// The problem since the last call, to be printed during the run.
    pub(crate) fn trouble(&self) -> Option<String> {
        let mut waiting = self.queue.lock();
        let full = std::mem::take(&mut waiting.became_full).then(|| {
            format!("the journal accepts no lines: {QUEUE_LIMIT} are waiting, and no check is made until it does")
        });
        full.or_else(|| waiting.trouble.take().map(|error| error.to_string()))
    }

    /// Waits until all lines are in the journal, or until it is clear that they cannot be.
    pub(crate) async fn finish(self) -> Recorded {
        self.queue.lock().is_closed = true;
        self.queue.filled.notify_one();
        let broken = |_| Recorded { error: Some("the journal's thread broke down".to_owned()), ..Recorded::default() };
        self.ended.await.unwrap_or_else(broken)
    }

    /// The queue, to be inspected while [`RunRecorder::finish`] waits.
    pub(crate) fn queue(&self) -> Arc<Queue> {
        Arc::clone(&self.queue)
    }
}

impl Consumer for RunRecorder {
    fn consume(&mut self, event: &RunEvent<'_>) {
        match event {
            RunEvent::ProbesChanged(probes) => {
                if let Some(CurrentPlan { vantage, shard, .. }) = self.plan.take() {
                    self.record_plan(&vantage, shard, probes, Timestamp::now());
                }
            }
            RunEvent::WindowsClosed { windows, failures } => {
                self.repeat_plan(windows);
                self.queue.push(windows.iter().cloned(), failures.iter().cloned().map(Line::from));
            }
            RunEvent::Gap(gap) => self.queue.push([], [Line::Gap((*gap).clone())]),
            _ => {}
        }
    }
}

/// The lines that wait for the disk.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    filled: Condvar,
    is_full: AtomicBool,
}

/// The probe, its surface, whether it is a control, whether it is in maintenance, and the UTC day.
type OverflowKey = (Arc<str>, Arc<str>, bool, bool, i64);

#[derive(Debug, Default)]
struct Waiting {
    lines: Vec<Line>,
    /// Lines that the thread has taken but not yet written.
    in_flight: usize,
    /// What arrives once the queue is full: windows, merged into one per probe and UTC day, apart in and outside
    /// maintenance.
    overflow: BTreeMap<OverflowKey, Window>,
    became_full: bool,
    is_closed: bool,
    trouble: Option<JournalError>,
}

impl Queue {
    /// How many lines are not in the journal yet.
    pub(crate) fn waiting(&self) -> usize {
        let waiting = self.lock();
        waiting.lines.len() + waiting.in_flight + waiting.overflow.len()
    }

    /// Adds lines to the queue without blocking. A full queue merges windows, and drops evidence,
    /// whose failures are counted in their windows.
    fn push(&self, windows: impl IntoIterator<Item = Window>, others: impl IntoIterator<Item = Line>) {
        let mut waiting = self.lock();
        for window in windows {
            if waiting.is_full() {
                waiting.add_up(window);
            } else {
                waiting.lines.push(Line::from(window));
            }
        }
        for line in others {
            if !waiting.is_full() {
                waiting.lines.push(line);
            }
        }
        let is_full = waiting.is_full();
        if is_full && !self.is_full.swap(true, Ordering::Relaxed) {
            waiting.became_full = true;
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Waits for lines, and takes all of them. `None` once no more will come.
    fn take(&self) -> Option<Vec<Line>> {
        let mut waiting = self.lock();
        while waiting.is_empty() && !waiting.is_closed {
            waiting = self.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        if waiting.is_empty() {
            return None;
        }
        let mut lines = std::mem::take(&mut waiting.lines);
        lines.extend(std::mem::take(&mut waiting.overflow).into_values().map(Line::from));
        waiting.in_flight = lines.len();
        Some(lines)
    }

    /// Marks the lines that were taken as written.
    fn written(&self) {
        self.lock().in_flight = 0;
        self.is_full.store(false, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.lines.is_empty() && self.overflow.is_empty()
    }

    fn is_full(&self) -> bool {
        self.lines.len() + self.in_flight >= QUEUE_LIMIT
    }

    fn add_up(&mut self, window: Window) {
        let day = window.from.as_millisecond().div_euclid(DAY_MS);
        let (probe, surface) = (Arc::clone(&window.probe), Arc::clone(&window.surface));
        match self.overflow.entry((probe, surface, window.control, window.maintenance, day)) {
            std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(window)),
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                entry.get_mut().merge(&window);
                entry.get_mut().strip.join_even();
            }
        }
    }
}

/// The state of the writing thread: appends lines to a journal, in order, until there are no more.
struct JournalWriter {
    location: JournalLocation,
    journal: Option<Journal>,
    /// Lines that arrived before the journal could be opened.
    pending: Vec<Line>,
    queue: Arc<Queue>,
    shipped_at: Instant,
}

impl JournalWriter {
    fn run(mut self) -> Recorded {
        let mut lost = 0;
        while let Some(lines) = self.queue.take() {
            self.note(|writer| writer.append(lines));
            self.queue.written();
            let excess = self.pending.len().saturating_sub(PENDING_LIMIT);
            self.pending.drain(..excess);
            lost += excess as u64;
            if self.shipped_at.elapsed() >= SHIP_EVERY {
                self.note(JournalWriter::ship);
            }
        }
        self.close(lost)
    }

    /// Appends lines, after those that wait. Lines that cannot be written keep waiting, in the
    /// journal or here.
    fn append(&mut self, lines: Vec<Line>) -> Result<(), JournalError> {
        self.pending.extend(lines);
        let journal = match &mut self.journal {
            Some(journal) => journal,
            None => self.journal.insert(Journal::open(&self.location.folder, Options::default())?),
        };
        let recorded = journal.append(&std::mem::take(&mut self.pending))?;
        match recorded.spooled_because {
            // Nothing is lost, but the user should know where the lines are.
            Some(because) => Err(because),
            None => Ok(()),
        }
    }

    /// Ships the recorded lines, if there is a store. What the store does not accept stays on the
    /// disk.
    fn ship(&mut self) -> Result<(), JournalError> {
        self.shipped_at = Instant::now();
        let Some(store) = &self.location.store else { return Ok(()) };
        let shipped = journal::ship(&self.location.folder, &store.vantage, &store.url, &locations::environment())?;
        shipped.waiting_because.map_or(Ok(()), Err)
    }

    /// Tries one last time to write the lines that wait.
    fn close(mut self, mut lost: u64) -> Recorded {
        let waits = |writer: &JournalWriter| {
            writer.pending.len() as u64 + writer.journal.as_ref().map_or(0, Journal::waiting_lines)
        };
        let mut error = None;
        if waits(&self) > 0 {
            error = self.append(Vec::new()).err().map(|error| error.to_string());
        }
        let unshipped = self.ship().err();
        lost += waits(&self) + self.journal.as_ref().map_or(0, Journal::given_up_lines);
        let why = || error.unwrap_or_else(|| "the journal could not be written for too long".to_owned());
        Recorded { error: (lost > 0).then(why), lost, unshipped }
    }

    fn note(&mut self, act: impl FnOnce(&mut JournalWriter) -> Result<(), JournalError>) {
        if let Err(error) = act(self) {
            self.queue.lock().trouble = Some(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(probe: &str, second: i64) -> Window {
        let mut window = Window::empty(&"here".into(), &probe.into(), &"web".into(), false);
        window.from = jiff::Timestamp::from_second(second).expect("an instant");
        window.to = window.from;
        window.counts.missed = 1;
        window
    }

    #[test]
    fn a_queue_whose_disk_hangs_is_bounded_and_every_check_stays_counted() {
        let queue = Queue::default();
        queue.push((0..QUEUE_LIMIT).map(|n| window(&format!("probe-{n}"), 0)), []);
        assert!(queue.is_full.load(Ordering::Relaxed) && queue.lock().became_full);
        for second in 0..1_000 {
            queue.push([window("slow", second), window("slow", second + 86_400)], []);
        }
        assert_eq!(queue.lock().overflow.len(), 2, "one window a probe and a day");
        let lines = queue.take().expect("lines");
        assert_eq!(lines.len(), QUEUE_LIMIT + 2);
        let missed = |line: &Line| if let Line::Window(window) = line { window.counts.missed } else { 0 };
        assert_eq!(lines.iter().map(missed).sum::<u64>(), QUEUE_LIMIT as u64 + 2_000);
        let in_maintenance = Window { maintenance: true, ..window("slow", 0) };
        queue.push([window("slow", 0), in_maintenance], []);
        assert_eq!(queue.lock().overflow.len(), 2, "maintenance is in no verdict, so that it stays apart");
        queue.lock().overflow.clear();
        queue.push([window("late", 0)], []);
        assert_eq!(queue.lock().lines.len(), 0, "what is being written counts too");
        queue.written();
        assert!(!queue.is_full.load(Ordering::Relaxed));
    }
}
