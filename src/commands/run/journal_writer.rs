//! Records beside the run: a thread of its own appends to the journal, so that a slow disk, a
//! held lock or an object store that is away never delays a check.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::commands::input::selection;
use crate::config::Config;
use crate::journal;
use crate::journal::{Journal, JournalError, Line, Options};

/// How often a run ships what it has recorded to an object store; it does so once more at its end.
const SHIP_EVERY: Duration = Duration::from_mins(5);

/// Appends lines to a journal, in order, until it is finished.
pub(crate) struct Recorder {
    sender: mpsc::Sender<Vec<Line>>,
    thread: JoinHandle<Recorded>,
    trouble: Arc<Mutex<Option<JournalError>>>,
}

/// Where a run records.
pub(crate) struct JournalLocation {
    /// The folder.
    folder: PathBuf,
    /// Where the lines go on to from there.
    store: Option<Store>,
}

/// An object store that lines are shipped to.
struct Store {
    url: PathBuf,
    vantage: String,
}

impl JournalLocation {
    /// The place that an option or a default names: a folder, or a URL.
    pub(crate) fn of(place: PathBuf, config: &Config) -> JournalLocation {
        if !journal::is_url(&place) {
            return JournalLocation { folder: place, store: None };
        }
        let folder = selection::outbox_place(&place, config.path.as_deref());
        JournalLocation { folder, store: Some(Store { url: place, vantage: config.settings.vantage.clone() }) }
    }
}

/// What became of the lines.
#[derive(Debug, Default)]
pub(crate) struct Recorded {
    /// Why lines are not in the journal.
    pub(crate) error: Option<String>,
    /// How many.
    pub(crate) lost: u64,
    /// Why lines are on this disk and not in the object store; the next run ships them.
    pub(crate) unshipped: Option<JournalError>,
}

impl Recorder {
    /// Begins to record into a folder, which is made if it is not there.
    pub(crate) fn start(place: JournalLocation) -> Recorder {
        let (sender, receiver) = mpsc::channel();
        let trouble = Arc::default();
        let writer = JournalWriter {
            place,
            journal: None,
            pending: Vec::new(),
            trouble: Arc::clone(&trouble),
            shipped_at: Instant::now(),
        };
        let thread = thread::spawn(move || writer.serve(&receiver));
        Recorder { sender, thread, trouble }
    }

    /// Hands lines over. Does not wait.
    pub(crate) fn record(&self, lines: Vec<Line>) {
        if !lines.is_empty() {
            // An error means that the thread has ended, which it does only with us.
            let _ = self.sender.send(lines);
        }
    }

    /// The trouble since the last time this was asked, to be said while the run goes on.
    pub(crate) fn trouble(&self) -> Option<JournalError> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Waits until everything handed over is in the journal, or cannot be.
    pub(crate) fn finish(self) -> Recorded {
        drop(self.sender);
        let broken = |_| Recorded { error: Some("the recorder broke down".to_owned()), lost: 0, unshipped: None };
        self.thread.join().unwrap_or_else(broken)
    }
}

/// The thread's side.
struct JournalWriter {
    place: JournalLocation,
    journal: Option<Journal>,
    /// Lines from before the journal could be opened.
    pending: Vec<Line>,
    trouble: Arc<Mutex<Option<JournalError>>>,
    shipped_at: Instant,
}

impl JournalWriter {
    /// Lines wait here at most, where the journal cannot even be opened: hours of a large run.
    const PENDING_LIMIT: usize = 100_000;

    fn serve(mut self, receiver: &mpsc::Receiver<Vec<Line>>) -> Recorded {
        let mut lost = 0;
        while let Ok(mut lines) = receiver.recv() {
            while let Ok(more) = receiver.try_recv() {
                lines.extend(more);
            }
            self.note(|writer| writer.append(lines));
            let excess = self.pending.len().saturating_sub(Self::PENDING_LIMIT);
            self.pending.drain(..excess);
            lost += excess as u64;
            if self.shipped_at.elapsed() >= SHIP_EVERY {
                self.note(JournalWriter::ship);
            }
        }
        self.close(lost)
    }

    /// Appends lines, after those that wait. What fails waits on, in the journal or here.
    fn append(&mut self, lines: Vec<Line>) -> Result<(), JournalError> {
        self.pending.extend(lines);
        let journal = match &mut self.journal {
            Some(journal) => journal,
            None => self.journal.insert(Journal::open(&self.place.folder, Options::default())?),
        };
        let recorded = journal.append(&std::mem::take(&mut self.pending))?;
        match recorded.spooled_because {
            // Nothing is lost, and whoever wonders where the lines are should know.
            Some(because) => Err(because),
            None => Ok(()),
        }
    }

    /// Ships what is recorded, where there is a store. What it does not take waits on the disk.
    fn ship(&mut self) -> Result<(), JournalError> {
        self.shipped_at = Instant::now();
        let Some(store) = &self.place.store else { return Ok(()) };
        let shipped = journal::ship(&self.place.folder, &store.vantage, &store.url, &selection::environment())?;
        shipped.waiting_because.map_or(Ok(()), Err)
    }

    /// The last try for what waits.
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
            *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        }
    }
}
