//! The sums behind the counters of a run, kept in a file for the next run: counters that restarted at zero with every
//! cron run would be useless. The file is replaced as a whole, under a lock, before anything is sent, so that a backend
//! never has more than the file.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use std::{fs, io};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::export::cumulative::{Cumulative, Total};
use crate::journal::held_lock::HeldLock;
use crate::journal::regular_file;
use crate::metric;
use crate::model::{Counts, FailureClass, Phase, UnixMillis, micros, timestamp};
use crate::window::{HdrReader, HdrText, Histogram, Window};

/// The schema name in the file.
const SCHEMA: &str = "uptick.sums/1";
/// The former schema name, from when only remote write had such a file.
const FORMER_SCHEMA: &str = "uptick.remote-write-state/1";
/// Maximum size of a file that is read, in bytes: some hundred thousand series.
const FILE_LIMIT: u64 = 1 << 30;
/// How long to wait for a lock that another run holds.
const LOCK_TIME: Duration = Duration::from_secs(2);
/// Minimum time between two samples of a series, in milliseconds: a zero precedes the first sample of a new series.
pub(crate) const STAMPS_APART: i64 = 2;

/// The sums, and where they are kept.
pub(crate) struct KeptSums {
    path: Option<PathBuf>,
    sums: Cumulative,
    /// The file as this process last wrote it: if unchanged, it need not be read again.
    left: Option<Mark>,
    /// Why the file lacks what is in memory.
    trouble: Option<io::Error>,
    hdr: HdrText,
}

/// Identifies a version of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    length: u64,
    modified: std::time::SystemTime,
    inode: u64,
}

/// A sum that changed.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    /// The old sum.
    pub before: Option<Window>,
    /// The new sum.
    pub after: Window,
    /// The timestamp of its samples, in milliseconds.
    pub at: UnixMillis,
    /// The timestamp of the zero before the first sample of a new series: earlier than all its samples.
    pub zero_at: UnixMillis,
}

impl KeptSums {
    /// Sums that are kept in a file, or for as long as the process lives. `base` gives their initial value if there is
    /// no file yet; it is called at once, before anything new is added.
    pub(crate) fn new(path: Option<PathBuf>, base: impl FnOnce() -> Cumulative) -> KeptSums {
        let known = path.as_deref().and_then(|path| read(path).ok());
        let sums = known.unwrap_or_else(base);
        KeptSums { path, sums, left: None, trouble: None, hdr: HdrText::default() }
    }

    /// Adds new sums. If the file cannot be written they are sent all the same: the next run then starts from the old
    /// file, and a backend sees a counter reset.
    pub(crate) fn add(&mut self, pending: &Cumulative) -> Vec<Change> {
        let lock = self.path.as_deref().map(lock).transpose();
        self.read_again();
        let mut changes = Vec::new();
        for (identity, new) in pending.totals() {
            let before = self.sums.get(identity);
            // A run that began earlier and ended later adds to a sum that was already sent.
            let earliest = before.map_or(UnixMillis::MIN, |sent| sent.last.saturating_add(STAMPS_APART));
            let at = new.last.max(earliest);
            let before = before.map(|sent| sent.sum.clone());
            self.sums.merge(identity, &Total { last: at, ..new.clone() });
            if let Some(after) = self.sums.get(identity) {
                let zero_at = new.first.min(at) - 1;
                changes.push(Change { before, after: after.sum.clone(), at, zero_at });
            }
        }
        self.trouble = match lock {
            Err(error) => Some(error),
            Ok(_) if changes.is_empty() => self.trouble.take(),
            Ok(_) => self.write().err(),
        };
        changes
    }

    /// The current sums.
    #[must_use]
    pub(crate) const fn sums(&self) -> &Cumulative {
        &self.sums
    }

    /// Why the sums are not kept, if they are not.
    #[must_use]
    pub(crate) const fn trouble(&self) -> Option<&io::Error> {
        self.trouble.as_ref()
    }

    /// Reads what another run has added. Sums that this run could not write would be lost by it.
    fn read_again(&mut self) {
        let Some(path) = self.path.as_deref().filter(|_| self.trouble.is_none()) else { return };
        let is_as_left = mark(path).is_ok_and(|found| Some(found) == self.left);
        if !is_as_left && let Ok(sums) = read(path) {
            self.sums = sums;
        }
    }

    fn write(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let windows = self.sums.totals().map(|(_, total)| Sum::of(total, &mut self.hdr)).collect();
        let document = Document { schema: SCHEMA.to_owned(), windows };
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        let mut writer = io::BufWriter::new(&mut file);
        serde_json::to_writer(&mut writer, &document)?;
        writer.flush()?;
        drop(writer);
        file.as_file().sync_data()?;
        file.persist(path)?;
        self.left = Some(mark(path)?);
        Ok(())
    }
}

/// Takes the lock beside the file.
fn lock(path: &Path) -> io::Result<HeldLock> {
    if let Some(folder) = path.parent() {
        create_folder(folder)?;
    }
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let until = Instant::now() + LOCK_TIME;
    loop {
        match HeldLock::try_take(Path::new(&name))? {
            Some(lock) => return Ok(lock),
            None if Instant::now() >= until => return Err(io::ErrorKind::WouldBlock.into()),
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The sums that runs have kept in a file; none if there is no such file.
#[must_use]
pub(crate) fn sums_kept(path: &Path) -> Option<Cumulative> {
    read(path).ok()
}

fn read(path: &Path) -> io::Result<Cumulative> {
    let file = regular_file::open(path, OpenOptions::new().read(true))?;
    if file.metadata()?.len() > FILE_LIMIT {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let mut text = Vec::new();
    file.take(FILE_LIMIT).read_to_end(&mut text)?;
    let document: Document = serde_json::from_slice(&text)?;
    let (mut sums, mut hdr) = (Cumulative::default(), HdrReader::default());
    if ![SCHEMA, FORMER_SCHEMA].contains(&document.schema.as_str()) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    for sum in document.windows {
        let total = sum.total(&mut hdr).ok_or(io::ErrorKind::InvalidData)?;
        sums.merge(&metric::identity_of(&total.sum, None), &total);
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
    /// The timestamp of the last samples sent, in milliseconds.
    #[serde(default)]
    stamp_ms: Option<i64>,
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
    fn of(total: &Total, hdr: &mut HdrText) -> Sum {
        let (window, latency) = (&total.sum, &total.sum.latency);
        Sum {
            vantage: window.vantage.to_string(),
            probe: window.probe.to_string(),
            surface: window.surface.to_string(),
            control: window.control,
            from: window.from,
            to: window.to,
            stamp_ms: Some(total.last.0),
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

    fn total(self, hdr: &mut HdrReader) -> Option<Total> {
        let [vantage, probe, surface] =
            [&self.vantage, &self.probe, &self.surface].map(|name| Arc::from(name.as_str()));
        let mut window = Window::empty(&vantage, &probe, &surface, self.control);
        (window.from, window.to) = (self.from, self.to);
        (window.counts, window.flaky, window.failures) = (self.counts, self.flaky, self.failures);
        window.latency.total = Times::histogram(self.total.as_ref(), hdr)?;
        for (phase, times) in &self.phases {
            *window.latency.phase_mut(*phase) = Times::histogram(Some(times), hdr)?;
        }
        window.failed_latency = Times::histogram(self.failed.as_ref(), hdr)?;
        window.lag = Times::histogram(self.lag.as_ref(), hdr)?;
        let total = Total::of(&window);
        Some(Total { last: self.stamp_ms.map_or(total.last, UnixMillis), ..total })
    }
}

impl Times {
    fn of(histogram: &Histogram, hdr: &mut HdrText) -> Option<Times> {
        let (min, max) = (histogram.min()?, histogram.max()?);
        let mut text = String::new();
        hdr.write(histogram, &mut text);
        Some(Times { min_us: micros::of(min), max_us: micros::of(max), sum_us: micros::of(histogram.sum()), hdr: text })
    }

    fn histogram(times: Option<&Times>, hdr: &mut HdrReader) -> Option<Histogram> {
        match times {
            Some(times) => hdr.read(&times.hdr, times.min_us, times.max_us, times.sum_us).ok(),
            None => Some(Histogram::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(up: u64) -> Cumulative {
        let names = ["here", "home", "web"].map(Arc::from);
        let mut window = Window::empty(&names[0], &names[1], &names[2], false);
        (window.from, window.to) = (Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH + Duration::from_mins(1));
        window.counts.up = up;
        window.counts.down = 1;
        window.failures.insert(FailureClass::ConnectRefused, 1);
        for n in 0..up {
            window.latency.total.record_micros(1_000 + n * 977);
            window.latency.connect.record_micros(95 + n);
        }
        let mut pending = Cumulative::default();
        pending.add(&window);
        pending
    }

    fn only(changes: Vec<Change>) -> Change {
        assert_eq!(changes.len(), 1);
        changes.into_iter().next().expect("one change")
    }

    #[test]
    fn a_later_run_goes_on_where_the_earlier_one_ended() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("new").join("state");
        let base = || pending(7);
        let first = only(KeptSums::new(Some(path.clone()), base).add(&pending(20)));
        assert_eq!((first.before.map(|sum| sum.counts.up), first.after.counts.up), (Some(7), 27));
        let second = only(KeptSums::new(Some(path), Cumulative::default).add(&pending(5)));
        let before = second.before.expect("the first run's sum");
        assert_eq!((before.counts.up, before.failures[&FailureClass::ConnectRefused]), (27, 2));
        assert_eq!(before.latency.total.count(), 27);
        assert_eq!(before.latency.total.sum(), first.after.latency.total.sum());
        assert_eq!(second.after.counts.up, 32);
    }

    #[test]
    fn two_at_once_add_up() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        let mut one = KeptSums::new(Some(path.clone()), Cumulative::default);
        let mut other = KeptSums::new(Some(path), Cumulative::default);
        for total in [1, 2, 3].map(|n| n * 4) {
            one.add(&pending(1));
            assert_eq!(only(other.add(&pending(3))).after.counts.up, total);
        }
    }

    #[test]
    fn a_state_that_cannot_be_written_is_kept_in_memory_and_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let in_the_way = folder.path().join("file");
        fs::write(&in_the_way, "").expect("a file");
        let mut state = KeptSums::new(Some(in_the_way.join("state")), Cumulative::default);
        state.add(&pending(2));
        assert_eq!(only(state.add(&pending(3))).after.counts.up, 5);
        assert!(state.trouble().is_some());
    }

    #[test]
    fn a_broken_file_is_begun_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("state");
        fs::write(&path, "{\"schema\":\"uptick.remote-wri").expect("a file");
        let mut state = KeptSums::new(Some(path.clone()), || pending(7));
        assert_eq!(only(state.add(&pending(1))).after.counts.up, 8);
        assert_eq!(only(KeptSums::new(Some(path), Cumulative::default).add(&pending(1))).after.counts.up, 9);
    }
}
