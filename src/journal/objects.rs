//! Journals in object storage (`s3://`, `gs://`, `az://`, `file://`): immutable objects, created
//! and never changed, `PREFIX/DAY/VANTAGE.ID.jsonl`, each a file of journal lines. The only code
//! that knows `object_store`. The calls block: not for a task of an async runtime.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use object_store::ObjectMeta;
use object_store::ObjectStore;
use object_store::ObjectStoreExt as _;
use object_store::PutMode;
use object_store::PutOptions;
use object_store::PutPayload;
use object_store::path::Path as Key;
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time;
use url::Url;

use crate::model::SafeText;

use super::JournalError;
use super::Range;
use super::Shipped;
use super::disk::Disk;
use super::outbox;
use super::outbox::Sealed;
use super::read::may_hold;

/// The usual patience with a store.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How many requests are under way at once.
const AT_ONCE: usize = 64;
/// How many mebibytes of objects are in memory at once.
const MEBIBYTES_AT_ONCE: u32 = 128;
/// Nothing larger than this is an object of ours.
const OBJECT_LIMIT: u64 = 128 << 20;

/// A journal in an object store.
#[derive(Debug)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Key,
    /// Without credentials.
    url: String,
    /// The longest one request and its repetitions may take.
    patience: Duration,
    runtime: Runtime,
}

impl Objects {
    /// Opens a store by its URL. Credentials and endpoints are those of the store's usual
    /// environment variables (`AWS_…`, `GOOGLE_…`, `AZURE_…`) in `environment`. One request and its
    /// repetitions may take as long as `patience`.
    ///
    /// # Errors
    /// [`JournalError::Store`], where the URL or the variables cannot be used.
    pub fn open(
        url: &str,
        environment: impl IntoIterator<Item = (String, String)>,
        patience: Duration,
    ) -> Result<Objects, JournalError> {
        let parsed = Url::parse(url).map_err(|error| failed("open", url, &error.to_string()))?;
        // The store's own client asks rustls for a provider; another one in place serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bounds = [("timeout", "20 seconds"), ("connect_timeout", "5 seconds")];
        let bounds = bounds.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = environment
            .into_iter()
            .filter(|(name, _)| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|store| name.starts_with(store)))
            .map(|(name, value)| (name.to_ascii_lowercase(), value));
        let (store, prefix) = object_store::parse_url_opts(&parsed, bounds.into_iter().chain(settings))
            .map_err(|error| failed("open", url, &error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed("open", url, &error.to_string()))?;
        Ok(Objects { store: store.into(), prefix, url: without_secrets(url), patience, runtime })
    }

    /// Ships what a local journal has recorded so far: its files become objects and are gone
    /// from it. What cannot be shipped waits there.
    ///
    /// # Errors
    /// [`JournalError`], where the local journal cannot be read. That the store does not answer
    /// is no error, but a reason in [`Shipped::waiting_because`].
    pub fn ship(&self, outbox: &Path, vantage: &str) -> Result<Shipped, JournalError> {
        let disk = Disk::default();
        outbox::seal(&disk, outbox, vantage)?;
        let mut shipped = Shipped::default();
        for file in outbox::sealed(outbox)? {
            // After one failure the store is taken for away: the others wait without trying.
            if shipped.waiting_because.is_none() {
                match self.runtime.block_on(self.put(&file)) {
                    Ok(()) => {
                        disk.remove(&file.path).map_err(JournalError::io("remove", &file.path))?;
                        shipped.sent += 1;
                        continue;
                    }
                    Err(error) => shipped.waiting_because = Some(error),
                }
            }
            shipped.waiting += 1;
        }
        Ok(shipped)
    }

    /// Creates the object of a file. That it is there already is success: an earlier attempt made
    /// it and its answer was lost, or we died before the file was removed.
    async fn put(&self, file: &Sealed) -> Result<(), JournalError> {
        let bytes = fs::read(&file.path).map_err(JournalError::io("read", &file.path))?;
        let length = bytes.len() as u64;
        let key = self.prefix.clone().join(file.day.as_str()).join(file.name.as_str());
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = self.store.put_opts(&key, PutPayload::from(bytes), options);
        match self.within("write", &key, put).await? {
            Ok(_) => Ok(()),
            Err(object_store::Error::AlreadyExists { .. }) => {
                let there = self.within("read", &key, self.store.head(&key)).await?;
                let there = there.map_err(|error| self.failed("read", &key, &error))?;
                if there.size == length {
                    Ok(())
                } else {
                    Err(failed("write", &self.shown(&key), "another object is there"))
                }
            }
            Err(error) => Err(self.failed("write", &key, &error)),
        }
    }

    /// Brings the objects of a range into a local folder, those that are not there yet: an object
    /// never changes. Returns the files, in the order of days and vantages, to be read as one
    /// journal.
    ///
    /// # Errors
    /// [`JournalError`], where the store does not answer or the folder cannot be written.
    pub fn fetch(&self, range: Range, cache: &Path) -> Result<Vec<PathBuf>, JournalError> {
        Disk::default().create_folder(cache).map_err(JournalError::io("create", cache))?;
        self.runtime.block_on(async {
            let objects = self.list(range).await?;
            let here = lengths(cache).map_err(JournalError::io("list", cache))?;
            let mut files = Vec::new();
            let mut missing = Vec::new();
            for (name, object) in objects {
                if here.get(&name) != Some(&object.size) {
                    missing.push((cache.join(&name), object));
                }
                files.push(cache.join(name));
            }
            self.get_all(missing).await?;
            files.sort();
            Ok(files)
        })
    }

    /// The objects of the days that reach into a range, with the names of their files.
    async fn list(&self, range: Range) -> Result<Vec<(String, ObjectMeta)>, JournalError> {
        let top = self.store.list_with_delimiter(Some(&self.prefix));
        let top = self.within("list", &self.prefix, top).await?;
        let top = top.map_err(|error| self.failed("list", &self.prefix, &error))?;
        let mut listings = JoinSet::new();
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        for day in top.common_prefixes {
            let Some(date) = day.filename().and_then(|name| name.parse::<Date>().ok()) else { continue };
            if !may_hold(date, range) {
                continue;
            }
            let (store, at_once, patience) = (Arc::clone(&self.store), Arc::clone(&at_once), self.patience);
            listings.spawn(async move {
                let _permit = at_once.acquire().await;
                let listed = time::timeout(patience, store.list_with_delimiter(Some(&day))).await;
                (day, date, listed)
            });
        }
        let mut objects = Vec::new();
        while let Some(listing) = listings.join_next().await {
            let (day, date, listed) = listing.map_err(|_| failed("list", &self.url, "the listing died"))?;
            let listed = listed.map_err(|_| self.late("list", &day))?;
            for object in listed.map_err(|error| self.failed("list", &day, &error))?.objects {
                let name = object.location.filename().filter(|name| name.strip_suffix(".jsonl").is_some());
                if let Some(name) = name.map(|name| format!("{date}.{name}")) {
                    objects.push((name, object));
                }
            }
        }
        Ok(objects)
    }

    async fn get_all(&self, missing: Vec<(PathBuf, ObjectMeta)>) -> Result<(), JournalError> {
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let mebibytes = Arc::new(Semaphore::new(MEBIBYTES_AT_ONCE as usize));
        let mut gets = JoinSet::new();
        for (path, object) in missing {
            if object.size > OBJECT_LIMIT {
                return Err(failed(
                    "read",
                    &self.shown(&object.location),
                    "it is too large for an object of a journal",
                ));
            }
            // Acquired here, so that no more tasks than may run are made.
            let slot = Arc::clone(&at_once).acquire_owned().await;
            let size = u32::try_from(object.size >> 20).unwrap_or(MEBIBYTES_AT_ONCE) + 1;
            let room = Arc::clone(&mebibytes).acquire_many_owned(size.min(MEBIBYTES_AT_ONCE)).await;
            let (store, patience) = (Arc::clone(&self.store), self.patience);
            gets.spawn(async move {
                let _held = (slot, room);
                let got = async { store.get(&object.location).await?.bytes().await };
                (path, object.location.clone(), time::timeout(patience, got).await)
            });
            while let Some(done) = gets.try_join_next() {
                self.keep(done)?;
            }
        }
        while let Some(done) = gets.join_next().await {
            self.keep(done)?;
        }
        Ok(())
    }

    /// Puts an object that was brought into its file, whole or not at all.
    fn keep<B: AsRef<[u8]>>(&self, done: Result<Got<B>, tokio::task::JoinError>) -> Result<(), JournalError> {
        let (path, key, got) = done.map_err(|_| failed("read", &self.url, "the request died"))?;
        let bytes = got.map_err(|_| self.late("read", &key))?.map_err(|error| self.failed("read", &key, &error))?;
        let disk = Disk::default();
        let unfinished = path.with_extension("unfinished");
        let _ = fs::remove_file(&unfinished);
        let file = disk.create_new(&unfinished).map_err(JournalError::io("create", &unfinished))?;
        disk.write(&file, bytes.as_ref()).map_err(JournalError::io("write to", &unfinished))?;
        disk.rename(&unfinished, &path).map_err(JournalError::io("rename", &unfinished))
    }

    async fn within<T>(
        &self,
        action: &'static str,
        key: &Key,
        request: impl Future<Output = T>,
    ) -> Result<T, JournalError> {
        time::timeout(self.patience, request).await.map_err(|_| self.late(action, key))
    }

    fn late(&self, action: &'static str, key: &Key) -> JournalError {
        failed(action, &self.shown(key), &format!("no answer within {:?}", self.patience))
    }

    fn failed(&self, action: &'static str, key: &Key, error: &object_store::Error) -> JournalError {
        let why = match error {
            object_store::Error::NotFound { .. } => "there is no such bucket or object".to_owned(),
            object_store::Error::PermissionDenied { .. } => "permission denied".to_owned(),
            object_store::Error::Unauthenticated { .. } => "the credentials are missing or wrong".to_owned(),
            other => other.to_string(),
        };
        failed(action, &self.shown(key), &why)
    }

    fn shown(&self, key: &Key) -> String {
        let inside = key.as_ref().strip_prefix(self.prefix.as_ref()).unwrap_or(key.as_ref());
        format!("{}/{}", self.url.trim_end_matches('/'), inside.trim_start_matches('/'))
    }
}

/// A request for an object that has ended: the file it is for, the object, and the answer.
type Got<B> = (PathBuf, Key, Result<Result<B, object_store::Error>, time::error::Elapsed>);

fn failed(action: &'static str, url: &str, why: &str) -> JournalError {
    JournalError::Store { action, url: without_secrets(url), why: SafeText::message(&without_secrets(why)) }
}

/// A text without queries, which may hold a signature, and without credentials in URLs.
fn without_secrets(text: &str) -> String {
    let word = |word: &str| {
        let word = word.split_once('?').map_or(word, |(before, _)| before);
        match word.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?.1))) {
            Some((scheme, rest)) => format!("{scheme}://{rest}"),
            None => word.to_owned(),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// The files of a folder and how long they are.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_shows_a_signature_or_a_password() {
        let text = "GET https://user:pw@x.test/c?sig=secret failed, see az://a:b@c/d";
        assert_eq!(without_secrets(text), "GET https://x.test/c failed, see az://c/d");
    }
}
