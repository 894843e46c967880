//! The sums that remote write sends, kept between runs: a counter that began at zero with each
//! run of cron would say nothing. The file is replaced whole, under a lock, before anything is
//! sent, so that what a backend has seen is never more than what the file knows.

use std::collections::BTreeMap;
use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::TryLockError;
use std::io;
use std::io::Read as _;
use std::io::Write as _;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use jiff::Timestamp;
use serde::Deserialize;
use serde::Serialize;

use crate::export::cumulative::Cumulative;
use crate::export::family;
use crate::model::Counts;
use crate::model::FailureClass;
use crate::model::Phase;
use crate::model::micros;
use crate::model::timestamp;
use crate::window::HdrText;
use crate::window::Histogram;
use crate::window::Window;

use super::Base;

/// What the file says it is.
const SCHEMA: &str = "uptick.remote-write-state/1";
/// The largest file that is read, in bytes: some hundred thousand series.
const FILE_LIMIT: u64 = 1 << 30;
/// How long another run may hold the lock.
const LOCK_TIME: Duration = Duration::from_secs(2);

/// The sums, and where they are kept.
pub(super) struct State {
    path: Option<PathBuf>,
    base: Option<Base>,
    sums: Cumulative,
    /// The file as this process left it: then it need not be read again.
    left: Option<Mark>,
    last_instant: i64,
    hdr: HdrText,
}

/// What tells one version of the file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    length: u64,
    modified: std::time::SystemTime,
    inode: u64,
}

/// A sum that changed.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) before: Option<Window>,
    pub(super) after: Window,
}

impl State {
    /// Sums that are kept in a file, or for as long as the process lives. `base` is where they
    /// begin when there is no file yet.
    pub(super) fn new(path: Option<PathBuf>, base: Base) -> State {
        let sums = Cumulative::default();
        State { path, base: Some(base), sums, left: None, last_instant: i64::MIN, hdr: HdrText::default() }
    }

    /// Adds what is new. A file that cannot be written does not keep anything from being sent:
    /// the next run then begins where the file stands, and a backend sees a counter's reset.
    pub(super) fn add(&mut self, news: &Cumulative) -> Vec<Change> {
        let path = self.path.clone();
        let lock = path.as_deref().and_then(|path| lock(path).ok());
        if !self.is_as_left(path.as_deref()) {
            self.read(path.as_deref());
        }
        let mut changes = Vec::new();
        for window in news.windows() {
            let identity = family::identity_of(window);
            let before = self.sums.get(&identity).cloned();
            self.sums.add(window);
            if let Some(after) = self.sums.get(&identity) {
                changes.push(Change { before, after: after.clone() });
            }
        }
        if let Some(path) = path.filter(|_| lock.is_some() && !changes.is_empty()) {
            self.left = self.write(&path).ok();
        }
        changes
    }

    /// The instant of the next samples, in milliseconds: now, and two later than the last, since
    /// a new series has a zero one before.
    pub(super) fn next_instant(&mut self, now: Timestamp) -> i64 {
        self.last_instant = now.as_millisecond().max(self.last_instant.saturating_add(2));
        self.last_instant
    }

    /// Whether the sums in memory are still the newest.
    fn is_as_left(&self, path: Option<&Path>) -> bool {
        if self.base.is_some() {
            return false;
        }
        match (path, self.left) {
            (Some(path), Some(left)) => mark(path).ok() == Some(left),
            // Without a file that could be written, what is in memory is all there is.
            _ => true,
        }
    }

    fn read(&mut self, path: Option<&Path>) {
        let base = self.base.take();
        match path.and_then(|path| read(path).ok()) {
            Some(sums) => self.sums = sums,
            None => {
                if let Some(base) = base {
                    self.sums = base();
                }
            }
        }
    }

    fn write(&mut self, path: &Path) -> io::Result<Mark> {
        let windows = self.sums.windows().map(|window| Sum::of(window, &mut self.hdr)).collect();
        let document = Document { schema: SCHEMA.to_owned(), windows };
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(io::BufWriter::new(&mut file), &document)?;
        file.flush()?;
        file.as_file().sync_data()?;
        file.persist(path)?;
        mark(path)
    }
}

/// Takes the lock beside the file. It is let go of when the handle is closed.
fn lock(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = private(OpenOptions::new().create(true).truncate(false).write(true)).open(name)?;
    let until = Instant::now() + LOCK_TIME;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() >= until => return Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

fn read(path: &Path) -> io::Result<Cumulative> {
    let file = File::open(path)?;
    if file.metadata()?.len() > FILE_LIMIT {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut text = Vec::new();
    file.take(FILE_LIMIT).read_to_end(&mut text)?;
    let document: Document = serde_json::from_slice(&text)?;
    let mut sums = Cumulative::default();
    for sum in document.windows.into_iter().filter(|_| document.schema == SCHEMA) {
        let window = sum.window().ok_or(io::ErrorKind::InvalidData)?;
        sums.add(&window);
    }
    Ok(sums)
}

#[cfg(unix)]
fn mark(path: &Path) -> io::Result<Mark> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = fs::metadata(path)?;
    Ok(Mark { length: metadata.len(), modified: metadata.modified()?, inode: metadata.ino() })
}

#[cfg(not(unix))]
fn mark(path: &Path) -> io::Result<Mark> {
    let metadata = fs::metadata(path)?;
    Ok(Mark { length: metadata.len(), modified: metadata.modified()?, inode: 0 })
}

#[cfg(unix)]
fn create_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;

    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn create_folder(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;

    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// The file.
#[derive(Serialize, Deserialize)]
struct Document {
    schema: String,
    windows: Vec<Sum>,
}

/// A sum of windows: a window without its strip.
#[derive(Serialize, Deserialize)]
struct Sum {
    vantage: String,
    probe: String,
    surface: String,
    control: bool,
    #[serde(with = "timestamp")]
    from: Timestamp,
    #[serde(with = "timestamp")]
    to: Timestamp,
    counts: Counts,
    flaky: u64,
    failures: BTreeMap<FailureClass, u64>,
    total: Option<Times>,
    phases: BTreeMap<Phase, Times>,
    failed: Option<Times>,
    lag: Option<Times>,
}

/// A histogram.
#[derive(Serialize, Deserialize)]
struct Times {
    min_us: u64,
    max_us: u64,
    sum_us: u64,
    hdr: String,
}

impl Sum {
    fn of(window: &Window, hdr: &mut HdrText) -> Sum {
        let latency = &window.latency;
        Sum {
            vantage: window.vantage.to_string(),
            probe: window.probe.to_string(),
            surface: window.surface.to_string(),
            control: window.control,
            from: window.from,
            to: window.to,
            counts: window.counts,
            flaky: window.flaky,
            failures: window.failures.clone(),
            total: Times::of(&latency.total, hdr),
            phases: Phase::ALL
                .into_iter()
                .filter_map(|phase| Some((phase, Times::of(latency.phase(phase), hdr)?)))
                .collect(),
            failed: Times::of(&window.failed_latency, hdr),
            lag: Times::of(&window.lag, hdr),
        }
    }

    fn window(self) -> Option<Window> {
        let [vantage, probe, surface] =
            [&self.vantage, &self.probe, &self.surface].map(|name| Arc::from(name.as_str()));
        let mut window = Window::empty(&vantage, &probe, &surface, self.control);
        (window.from, window.to) = (self.from, self.to);
        (window.counts, window.flaky, window.failures) = (self.counts, self.flaky, self.failures);
        window.latency.total = Times::histogram(self.total.as_ref())?;
        for (phase, times) in &self.phases {
            *window.latency.phase_mut(*phase) = Times::histogram(Some(times))?;
        }
        window.failed_latency = Times::histogram(self.failed.as_ref())?;
        window.lag = Times::histogram(self.lag.as_ref())?;
        Some(window)
    }
}

impl Times {
    fn of(histogram: &Histogram, hdr: &mut HdrText) -> Option<Times> {
        let (min, max) = (histogram.min()?, histogram.max()?);
        let mut text = String::new();
        hdr.write(histogram, &mut text);
        Some(Times { min_us: micros::of(min), max_us: micros::of(max), sum_us: micros::of(histogram.sum()), hdr: text })
    }

    fn histogram(times: Option<&Times>) -> Option<Histogram> {
        match times {
            Some(times) => Histogram::from_hdr_text(&times.hdr, times.min_us, times.max_us, times.sum_us).ok(),
            None => Some(Histogram::default()),
        }
    }
}
