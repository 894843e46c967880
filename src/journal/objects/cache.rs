//! The local cache of objects. Each is downloaded once, since it never changes, and again only if its file is damaged;
//! it is removed when it is no longer read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use std::{fs, io};

use jiff::civil::Date;
use object_store::path::Path as Key;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::{task, time};

use crate::journal::disk::Disk;
use crate::journal::{JournalError, Range, wire};

use super::listing::{Day, Stack};
use super::manifest::Manifest;
use super::{AT_ONCE, Objects};

/// The most mebibytes of objects in memory at once.
const MEBIBYTES_AT_ONCE: u32 = 128;
/// How long the file of an object that a merged object has replaced is kept: another reader may
/// have listed it before.
const KEPT_FOR: Duration = Duration::from_hours(24);

/// For each merged object, the objects it was made of: by day and vantage, then by number.
pub(super) type Manifests = BTreeMap<(Date, String), BTreeMap<u32, Manifest>>;

/// The local files of objects.
pub(super) struct Cache<'f> {
    folder: &'f Path,
    /// The files in the folder, with their lengths in bytes.
    here: HashMap<String, u64>,
}

impl Objects {
    /// Downloads the objects of a range into a local folder, except those that are there already:
    /// an object never changes. Returns the files, in the order of days and vantages, to be read as
    /// one journal.
    ///
    /// # Errors
    /// [`JournalError`] if the store does not answer or the folder cannot be written.
    pub fn fetch(&self, range: Range, folder: &Path) -> Result<Vec<PathBuf>, JournalError> {
        let cache = Cache::open(folder)?;
        self.bucket.wait(async {
            let dates = self.days().await?;
            let days = self.list(&dates, range).await?;
            let manifests = self.manifests(&days, &cache, Stack::needed_manifests).await?;
            let none = BTreeMap::new();
            let mut objects = Vec::new();
            for day in &days {
                for (label, stack) in &day.stacks {
                    let manifests = manifests.get(&(day.date, label.clone())).unwrap_or(&none);
                    objects.extend(stack.counted(manifests).into_iter().map(|object| (day.date, object)));
                }
            }
            let mut files = self.download(&objects, &cache).await?;
            files.sort();
            cache.prune(&dates, &days, &files);
            Ok(files)
        })
    }

    /// For each merged object, the objects it was made of, read from the manifests that `choose`
    /// picks of each stack.
    pub(super) async fn manifests<'d, I: Iterator<Item = (u32, &'d ObjectMeta)>>(
        &self,
        days: &'d [Day],
        cache: &Cache<'_>,
        choose: impl Fn(&'d Stack) -> I,
    ) -> Result<Manifests, JournalError> {
        let (mut keys, mut objects) = (Vec::new(), Vec::new());
        for day in days {
            for (label, stack) in &day.stacks {
                for (number, object) in choose(stack) {
                    keys.push(((day.date, label.clone()), number));
                    objects.push((day.date, object));
                }
            }
        }
        let files = self.download(&objects, cache).await?;
        let mut manifests = Manifests::new();
        for ((key, number), file) in keys.into_iter().zip(files) {
            manifests.entry(key).or_default().insert(number, self.manifest(&file)?);
        }
        Ok(manifests)
    }

    /// Reads a manifest from its file.
    fn manifest(&self, file: &Path) -> Result<Manifest, JournalError> {
        let bytes = fs::read(file).map_err(JournalError::io("read", file))?;
        Manifest::from_bytes(&bytes).ok_or_else(|| {
            let why = format!("{} is of a newer version or damaged", file.file_name().unwrap_or_default().display());
            self.bucket.error("read", self.bucket.url(), &why).into()
        })
    }

    /// Downloads the objects that are missing, and returns the files of all.
    pub(super) async fn download(
        &self,
        objects: &[(Date, &ObjectMeta)],
        cache: &Cache<'_>,
    ) -> Result<Vec<PathBuf>, JournalError> {
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let mebibytes = Arc::new(Semaphore::new(MEBIBYTES_AT_ONCE as usize));
        let mut gets = JoinSet::new();
        let mut files = Vec::new();
        for (date, object) in objects {
            let path = cache.file(*date, object);
            files.push(path.clone());
            if cache.has(&path, object.size) && is_intact(&path) {
                continue;
            }
            if object.size > self.object_limit {
                let why = "it is too large for an object of a journal";
                return Err(self.bucket.error("read", &self.bucket.shown(&object.location), why).into());
            }
            // Acquired before the task is spawned, so that there are no more tasks than may run.
            let slot = Arc::clone(&at_once).acquire_owned().await;
            let size = u32::try_from(object.size >> 20).unwrap_or(MEBIBYTES_AT_ONCE) + 1;
            let room = Arc::clone(&mebibytes).acquire_many_owned(size.min(MEBIBYTES_AT_ONCE)).await;
            let (store, patience, key) =
                (Arc::clone(&self.bucket.store), self.bucket.patience, object.location.clone());
            gets.spawn(async move {
                let _held = (slot, room);
                let downloaded = download_one(&*store, &key, patience, path).await;
                downloaded.map_err(|missed| (key, missed))
            });
            while let Some(done) = gets.try_join_next() {
                self.is_downloaded(done)?;
            }
        }
        while let Some(done) = gets.join_next().await {
            self.is_downloaded(done)?;
        }
        Ok(files)
    }

    fn is_downloaded(&self, done: Result<Result<(), (Key, DownloadError)>, JoinError>) -> Result<(), JournalError> {
        done.unwrap_or_else(|_| Err((self.bucket.prefix.clone(), DownloadError::Died))).map_err(|(key, error)| {
            match error {
                DownloadError::Late => self.bucket.late("read", &key).into(),
                DownloadError::Refused(error) => self.bucket.refused("read", &key, &error).into(),
                DownloadError::Unwritten(error) => error,
                DownloadError::Died => {
                    self.bucket.error("read", &self.bucket.shown(&key), "the request broke off").into()
                }
            }
        })
    }
}

/// Why an object was not downloaded.
enum DownloadError {
    /// The store did not answer in time.
    Late,
    /// The store refused the request, or could not be reached.
    Refused(object_store::Error),
    /// The content could not be written to its file.
    Unwritten(JournalError),
    /// The task that downloads it panicked.
    Died,
}

/// Downloads one object into its file. A blocking thread writes the file while other requests
/// continue.
async fn download_one(
    store: &dyn ObjectStore,
    key: &Key,
    patience: Duration,
    file: PathBuf,
) -> Result<(), DownloadError> {
    let got = async { store.get(key).await?.bytes().await };
    let bytes = time::timeout(patience, got).await.map_err(|_| DownloadError::Late)?.map_err(DownloadError::Refused)?;
    let stored = task::spawn_blocking(move || write_file(&bytes, &file)).await;
    stored.map_err(|_| DownloadError::Died)?.map_err(DownloadError::Unwritten)
}

/// Writes an object to its file, whole or not at all, even if another process downloads it at the
/// same time.
fn write_file(bytes: &[u8], path: &Path) -> Result<(), JournalError> {
    let (folder, name) = (path.parent().unwrap_or(path), path.file_name().unwrap_or_default());
    // The name of the temporary file starts with the day, so if its reader is killed, it is removed
    // together with that day's files.
    let unfinished = tempfile::Builder::new().prefix(name).suffix(".unfinished").tempfile_in(folder);
    let mut unfinished = unfinished.map_err(JournalError::io("create", path))?;
    unfinished.write_all(bytes).map_err(JournalError::io("write to", path))?;
    unfinished.persist(path).map_err(|error| JournalError::io("rename", path)(error.error))?;
    Ok(())
}

impl<'f> Cache<'f> {
    /// Opens a folder, creating it if it is missing.
    pub(super) fn open(folder: &'f Path) -> Result<Cache<'f>, JournalError> {
        Disk::default().create_folder(folder).map_err(JournalError::io("create", folder))?;
        let here = lengths(folder).map_err(JournalError::io("list", folder))?;
        Ok(Cache { folder, here })
    }

    /// The path of an object's file.
    pub(super) fn file(&self, date: Date, object: &ObjectMeta) -> PathBuf {
        self.folder.join(format!("{date}.{}", object.location.filename().unwrap_or_default()))
    }

    fn has(&self, file: &Path, length: u64) -> bool {
        file.file_name().and_then(|name| self.here.get(name.to_str()?)) == Some(&length)
    }

    /// Removes old files of objects that no longer count, on the listed days and on days that no
    /// longer exist in the store. A file that cannot be removed only costs space.
    fn prune(&self, dates: &[Date], listed: &[Day], files: &[PathBuf]) {
        let manifests = listed.iter().flat_map(|day| {
            let needed = day.stacks.values().flat_map(Stack::needed_manifests);
            needed.map(|(_, object)| self.file(day.date, object))
        });
        let kept: BTreeSet<PathBuf> = files.iter().cloned().chain(manifests).collect();
        for name in self.here.keys() {
            let Some(date) = name.split('.').next().and_then(|date| date.parse::<Date>().ok()) else { continue };
            let path = self.folder.join(name);
            let known = listed.iter().any(|day| day.date == date) || !dates.contains(&date);
            if known && !kept.contains(&path) && was_brought_long_ago(&path) {
                let _ = fs::remove_file(&path);
            }
        }
    }
}

/// Whether the file of an object is as it was written: a disk that lost power may have kept its length and not its
/// bytes. An object that is itself damaged is downloaded each time.
fn is_intact(file: &Path) -> bool {
    let Ok(bytes) = fs::read(file) else { return false };
    if file.extension().is_some_and(|extension| extension == "json") {
        return Manifest::from_bytes(&bytes).is_some();
    }
    bytes.split(|byte| *byte == b'\n').all(|line| line.is_empty() || wire::is_intact(line))
}

fn was_brought_long_ago(file: &Path) -> bool {
    let downloaded = fs::metadata(file).and_then(|file| file.modified());
    downloaded.is_ok_and(|downloaded| SystemTime::now().duration_since(downloaded).is_ok_and(|age| age > KEPT_FOR))
}

/// The files of a folder with their lengths in bytes.
fn lengths(folder: &Path) -> io::Result<HashMap<String, u64>> {
    let mut lengths = HashMap::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if let (Ok(name), Ok(metadata)) = (entry.file_name().into_string(), entry.metadata()) {
            lengths.insert(name, metadata.len());
        }
    }
    Ok(lengths)
}
