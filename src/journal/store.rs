//! The journal for writers: lines are appended, and `Ok` means that they are on the disk.

use std::hash::{BuildHasher as _, RandomState};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;

use super::batch::Batch;
use super::disk::Disk;
use super::held_lock::HeldLock;
use super::lock::NoLock;
use super::spool::{Spool, day_file};
use super::{JournalError, Line, Writer, lock};

/// The name of the lock file in the journal's folder.
pub(super) const LOCK_FILE: &str = "lock";

/// The most bytes of lines that are kept in memory while they cannot be written anywhere.
const WAITING_LIMIT: usize = 64 << 20;

/// The most spool files that one append moves, so that it does not hold the lock too long.
const MERGES_PER_APPEND: usize = 256;

/// How several writers share a journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sharing {
    /// By a lock if the file system has reliable locks, otherwise by a file per run.
    #[default]
    Auto,
    /// By a lock.
    Lock,
    /// Each run writes its own files, without a lock.
    FilePerRun,
}

/// How to write a journal.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How several writers share it.
    pub sharing: Sharing,
    /// The longest wait for the lock; after it the lines go to the spool.
    pub lock_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options { sharing: Sharing::Auto, lock_timeout: Duration::from_secs(5) }
    }
}

/// The result of an append. All lines are on the disk.
#[derive(Debug, Default)]
pub struct Recorded {
    /// How many lines were recorded, including those that had been waiting in memory.
    pub lines: u64,
    /// How many of them went to the spool. A later append moves them to the day's file; until then
    /// readers read them from the spool.
    pub spooled: u64,
    /// Why they went there; `None` if none did.
    pub spooled_because: Option<JournalError>,
    /// How many lines of earlier spool files were moved to their day's file.
    pub merged: u64,
    /// How many files ended in the middle of a line, which was then ended with a line feed.
    pub healed: u64,
}

/// A journal, open for appending.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    options: Options,
    shared_by: SharedBy,
    disk: Disk,
    spool: Spool,
    writer: Writer,
    /// A random number in the names of this run's files.
    run: String,
    /// The number of the last spool file of this run.
    spooled: u64,
    /// The file whose name is known to be on the disk.
    durable: Option<PathBuf>,
    /// Batches that could not be written anywhere; the next append tries again.
    waiting: Vec<Batch>,
    /// The number of lines that were dropped because too many waited.
    given_up: u64,
}

/// How writers actually share the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SharedBy {
    Lock,
    FilePerRun,
}

impl Journal {
    /// Opens a journal and creates its folder if it does not exist.
    ///
    /// # Errors
    /// [`JournalError`] if the folder cannot be created or is not a folder.
    pub fn open(folder: &Path, options: Options) -> Result<Journal, JournalError> {
        Journal::open_on(Disk::default(), folder, options)
    }

    pub(super) fn open_on(disk: Disk, folder: &Path, options: Options) -> Result<Journal, JournalError> {
        if folder.exists() && !folder.is_dir() {
            return Err(JournalError::NotAJournal(folder.to_owned()));
        }
        let is_new = !folder.exists();
        disk.create_folder(folder).map_err(JournalError::io("create", folder))?;
        if is_new && let Some(parent) = folder.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            disk.sync_folder(parent).map_err(JournalError::io("sync", parent))?;
        }
        let shared_by = match options.sharing {
            Sharing::Lock => SharedBy::Lock,
            Sharing::Auto if has_reliable_locks(folder) => SharedBy::Lock,
            Sharing::Auto | Sharing::FilePerRun => SharedBy::FilePerRun,
        };
        let spool = Spool::of(folder);
        spool.sweep(&disk);
        let run = format!("{:016x}", RandomState::new().hash_one(folder));
        Ok(Journal {
            folder: folder.to_owned(),
            options,
            shared_by,
            disk,
            spool,
            writer: Writer::default(),
            run,
            spooled: 0,
            durable: None,
            waiting: Vec::new(),
            given_up: 0,
        })
    }

    /// The journal's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many lines could not be written anywhere so far, and wait in memory for the next append.
    #[must_use]
    pub(crate) fn waiting_lines(&self) -> u64 {
        self.waiting.iter().map(|batch| batch.lines).sum()
    }

    /// How many lines are lost because more than 64 MiB waited in memory.
    #[must_use]
    pub(crate) fn given_up_lines(&self) -> u64 {
        self.given_up
    }

    /// Appends lines, together with those that wait from earlier calls. `Ok` means that all of them
    /// are on the disk, in the day's file or in the spool.
    ///
    /// # Errors
    /// [`JournalError`] if lines could not be written anywhere. They wait in memory, up to 64 MiB
    /// of them: call again later, with or without new lines, but do not pass the same lines again.
    /// [`JournalError::LineTooLong`] if a line is longer than readers accept: it is dropped, and
    /// the others are recorded.
    pub fn append(&mut self, lines: &[Line]) -> Result<Recorded, JournalError> {
        let (new, too_long) = Batch::by_day(lines, &mut self.writer);
        let mut batches = std::mem::take(&mut self.waiting);
        batches.extend(new);
        if batches.is_empty() {
            return too_long.map(|()| Recorded::default());
        }
        let recorded = match self.shared_by {
            SharedBy::Lock => self.append_locked(batches),
            SharedBy::FilePerRun => self.place_all(batches, None),
        };
        self.bound_waiting();
        recorded.and_then(|recorded| too_long.map(|()| recorded))
    }

    fn append_locked(&mut self, batches: Vec<Batch>) -> Result<Recorded, JournalError> {
        let path = self.folder.join(LOCK_FILE);
        match lock::acquire(&self.disk, &path, self.options.lock_timeout) {
            Ok(lock) => self.place_all(batches, Some(&lock)),
            Err(NoLock::Unsupported) => {
                self.shared_by = SharedBy::FilePerRun;
                self.place_all(batches, None)
            }
            Err(NoLock::Held) => self.spool_all(batches, JournalError::Locked(path)),
            Err(NoLock::Failed(error)) => {
                let error = JournalError::io("lock", &path)(error);
                self.spool_all(batches, error)
            }
        }
    }

    /// Writes batches to their days' files. With a lock, those that fail go to the spool; those
    /// that fail there too, or fail without a lock, wait in memory.
    fn place_all(&mut self, batches: Vec<Batch>, lock: Option<&HeldLock>) -> Result<Recorded, JournalError> {
        let mut recorded = Recorded::default();
        if lock.is_some() {
            recorded.merged = self.merge_spool();
        }
        let (batches, mut failure) = self.confirm_spooled(batches, &mut recorded);
        for mut batch in batches {
            let path = self.folder.join(self.file_name(batch.day));
            let sync_name = self.durable.as_ref() != Some(&path);
            match batch.place(&self.disk, &path, sync_name) {
                Ok(placed) => {
                    recorded.lines += batch.lines;
                    recorded.healed += u64::from(placed.healed);
                    self.durable = Some(path);
                }
                Err(error) if lock.is_some() => failure = failure.and(self.spool(batch, error, &mut recorded)),
                Err(error) => {
                    self.waiting.push(batch);
                    failure = failure.and(Err(error));
                }
            }
        }
        failure.map(|()| recorded)
    }

    fn spool_all(&mut self, batches: Vec<Batch>, because: JournalError) -> Result<Recorded, JournalError> {
        let mut recorded = Recorded::default();
        let mut because = Some(because);
        let (batches, mut failure) = self.confirm_spooled(batches, &mut recorded);
        for batch in batches {
            let error = because.take().unwrap_or_else(|| JournalError::Locked(self.folder.join(LOCK_FILE)));
            failure = failure.and(self.spool(batch, error, &mut recorded));
            because = recorded.spooled_because.take();
        }
        recorded.spooled_because = because;
        failure.map(|()| recorded)
    }

    /// Separates the batches that are already in the spool, and waits until they are durable there.
    /// Those that cannot be confirmed wait in memory, and are never written a second time.
    fn confirm_spooled(
        &mut self,
        batches: Vec<Batch>,
        recorded: &mut Recorded,
    ) -> (Vec<Batch>, Result<(), JournalError>) {
        let mut failure = Ok(());
        let (spooled, others): (Vec<Batch>, Vec<Batch>) =
            batches.into_iter().partition(|batch| batch.spooled_as.is_some());
        for mut batch in spooled {
            let id = self.next_spool_id();
            match self.spool.confirm(&self.disk, &mut batch, &id) {
                Ok(still_there) => {
                    recorded.lines += batch.lines;
                    recorded.spooled += still_there;
                }
                Err(error) => {
                    self.waiting.push(batch);
                    failure = failure.and(Err(error));
                }
            }
        }
        (others, failure)
    }

    fn next_spool_id(&mut self) -> String {
        self.spooled += 1;
        format!("{}-{}", self.run, self.spooled)
    }

    /// Writes a batch to the spool because of the error `because`. If that fails too, the batch
    /// waits in memory and `because` is returned.
    fn spool(&mut self, mut batch: Batch, because: JournalError, recorded: &mut Recorded) -> Result<(), JournalError> {
        let id = self.next_spool_id();
        if self.spool.put(&self.disk, &mut batch, &id).is_err() {
            self.waiting.push(batch);
            return Err(because);
        }
        recorded.lines += batch.lines;
        recorded.spooled += batch.lines;
        recorded.spooled_because = Some(because);
        Ok(())
    }

    /// Moves spooled lines to the days' files, and returns how many. What cannot be moved stays.
    fn merge_spool(&self) -> u64 {
        let files = self.spool.files().unwrap_or_default();
        let merged = |file| self.spool.merge(&self.disk, &self.folder, file).unwrap_or(0);
        files.iter().take(MERGES_PER_APPEND).map(merged).sum()
    }

    fn file_name(&self, day: Date) -> String {
        match self.shared_by {
            SharedBy::Lock => day_file(day),
            SharedBy::FilePerRun => format!("{day}.{}.jsonl", self.run),
        }
    }

    /// Drops the oldest batches while more than [`WAITING_LIMIT`] bytes wait.
    fn bound_waiting(&mut self) {
        let mut bytes: usize = self.waiting.iter().map(|batch| batch.bytes.len()).sum();
        while bytes > WAITING_LIMIT {
            let batch = self.waiting.remove(0);
            bytes -= batch.bytes.len();
            self.given_up += batch.lines;
        }
    }
}

/// Whether locks can be trusted on a folder's file system. A lock on a network file system may
/// block forever, or may hold only on one machine.
pub(super) fn has_reliable_locks(folder: &Path) -> bool {
    /// NFS, SMB (three generations), AFS, Coda, 9P and FUSE, by their magic numbers of statfs(2).
    const WITHOUT: [u64; 8] =
        [0x6969, 0x517b, 0xff53_4d42, 0xfe53_4d42, 0x5346_414f, 0x7375_7245, 0x0102_1997, 0x6573_5546];
    #[expect(clippy::cast_sign_loss, reason = "the type of the number differs by platform")]
    rustix::fs::statfs(folder).map_or(true, |facts| !WITHOUT.contains(&((facts.f_type as u64) & 0xffff_ffff)))
}
