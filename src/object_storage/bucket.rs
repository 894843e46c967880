//! A bucket, or the part of one below a prefix: the only code that opens an object store. Public calls block, so they
//! must not run in an async task.

use std::error::Error;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ListResult, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload, WriteMultipart};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tokio::time;
use url::Url;

use crate::model::{Redactor, Secret, credentials, is_secret_name};

use super::credentials::lacks_credentials;
use super::error::StorageError;
use super::refusal::{DENIED, NO_STORE, reason, unreached};

/// Default timeout of a request.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Timeout for the first answer of a store, after which it counts as unreachable.
const REACHED_WITHIN: Duration = Duration::from_millis(2_500);
/// Minimum length of a secret: no key or token is shorter, but a word like `true` is.
const SHORTEST_KEY: usize = 8;
/// The name of an object that nobody writes.
const NO_OBJECT: &str = "uptick-no-such-object";
/// Part size of a multipart upload, in bytes; shorter files go in one request. Every store accepts this size.
const PART: usize = 8 << 20;
/// Maximum number of parts of one file in flight.
const PARTS_AT_ONCE: usize = 2;
/// Maximum number of files in flight.
const FILES_AT_ONCE: usize = 8;

/// A bucket below a prefix.
#[derive(Debug)]
pub struct Bucket {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: Key,
    /// Maximum duration of one request with its retries.
    pub(crate) patience: Duration,
    /// The URL, without credentials.
    url: String,
    runtime: Runtime,
    /// Knows the credentials: a store may quote them.
    redactor: Redactor,
}

/// Whether an object was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CreateResult {
    Created,
    /// An object of the same length existed.
    SameLength,
    /// Another object existed.
    Taken,
}

impl Bucket {
    /// Opens a store by its URL. Credentials and endpoints come from the store's usual environment variables (`AWS_…`,
    /// `GOOGLE_…`, `AZURE_…`) in `environment`. One request and its retries may take as long as `patience`. No request
    /// is made yet.
    ///
    /// # Errors
    /// If the URL or the variables cannot be used, or there are no credentials.
    pub fn open(url: &str, environment: &[(String, String)], patience: Duration) -> Result<Bucket, StorageError> {
        let refused = |redactor: &Redactor, why: &str| error(redactor, "open", url, why);
        let mut redactor = Redactor::default();
        if let Some(why) = lacks_credentials(Path::new(url), environment) {
            return Err(refused(&redactor, why));
        }
        let parsed = Url::parse(url).map_err(|error| refused(&redactor, &error.to_string()))?;
        // The client asks rustls for a crypto provider; one that is already installed will do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings: Vec<(String, String)> = environment
            .iter()
            .filter(|(name, _)| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|store| name.starts_with(store)))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
            .collect();
        let is_secret = |(name, value): &&(String, String)| is_secret_name(name) && value.len() >= SHORTEST_KEY;
        let secrets = settings.iter().filter(is_secret).map(|(_, value)| Secret::new(value));
        redactor = redactor.with(secrets.chain(credentials::of_url(&parsed)));
        let (store, prefix) = connect(&parsed, settings).map_err(|error| refused(&redactor, &error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| refused(&redactor, &error.to_string()))?;
        Ok(Bucket { store, prefix, patience, url: without_secrets(url), runtime, redactor })
    }

    /// Its URL, without credentials.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Blocks until the requests end.
    pub(crate) fn wait<T>(&self, requests: impl Future<Output = T>) -> T {
        self.runtime.block_on(requests)
    }

    /// Requests a list, to find out early whether the store answers, has the bucket and accepts the credentials.
    /// Credentials that may write but not list are accepted.
    ///
    /// # Errors
    /// An error that would affect every object.
    pub fn check(&self) -> Result<(), StorageError> {
        self.wait(async {
            let patience = REACHED_WITHIN.min(self.patience);
            match time::timeout(patience, self.store.list_with_delimiter(Some(&self.prefix))).await {
                Ok(Ok(list)) if is_empty(&list) => self.confirm("write to").await,
                Ok(Ok(_)) => Ok(()),
                Ok(Err(refused)) if reason(&refused) == DENIED => Ok(()),
                Ok(Err(refused)) => Err(self.refused("write to", &self.prefix, &refused)),
                Err(_) => Err(self.dead("write to", &self.prefix, patience)),
            }
        })
    }

    /// Lists the objects and folders directly below the prefix.
    pub(crate) async fn list(&self) -> Result<ListResult, StorageError> {
        let list = self.within("list", &self.prefix, self.store.list_with_delimiter(Some(&self.prefix))).await?;
        let list = list.map_err(|refused| self.refused("list", &self.prefix, &refused))?;
        if is_empty(&list) {
            self.confirm("list").await?;
        }
        Ok(list)
    }

    /// Makes sure that an empty list is that of an object store. A server that answers every request with a page, such
    /// as a login, is read as one too, and has an object of any name.
    async fn confirm(&self, action: &'static str) -> Result<(), StorageError> {
        let key = self.prefix.clone().join(NO_OBJECT);
        match self.within(action, &key, self.store.head(&key)).await? {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(refused) if reason(&refused) == DENIED => Ok(()),
            Err(refused) if unreached(&refused).is_some() => Err(self.refused(action, &self.prefix, &refused)),
            Ok(_) | Err(_) => Err(self.error(action, &self.shown(&self.prefix), NO_STORE)),
        }
    }

    /// Uploads files over the objects of these names, percent-encoded if needed: each object changes at once when its
    /// file is uploaded completely, and is unchanged otherwise.
    ///
    /// # Errors
    /// The first error; objects that were already replaced stay so.
    pub fn replace(&self, files: Vec<(String, PathBuf)>) -> Result<(), StorageError> {
        self.wait(async {
            let mut writes = JoinSet::new();
            for (name, path) in files {
                let key = self.named(&name)?;
                if writes.len() >= FILES_AT_ONCE
                    && let Some(done) = writes.join_next().await
                {
                    self.is_written(done)?;
                }
                let (store, patience) = (Arc::clone(&self.store), self.patience);
                writes.spawn(async move {
                    let written = write(&*store, &key, &path, patience).await;
                    written.map_err(|failed| (key, failed))
                });
            }
            while let Some(done) = writes.join_next().await {
                self.is_written(done)?;
            }
            Ok(())
        })
    }

    fn is_written(
        &self,
        done: Result<Result<(), (Key, Unwritten)>, tokio::task::JoinError>,
    ) -> Result<(), StorageError> {
        let Ok(done) = done else { return Err(self.error("write to", &self.url, "the request broke off")) };
        done.map_err(|(key, failed)| match failed {
            Unwritten::Late => self.late("write", &key),
            Unwritten::Refused(refused) => self.refused("write", &key, &refused),
            Unwritten::Unread(error) => self.error("write", &self.shown(&key), &error.to_string()),
        })
    }

    /// The key of a name whose parts are already encoded: they are used as they are.
    fn named(&self, name: &str) -> Result<Key, StorageError> {
        let whole = if self.prefix.as_ref().is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) };
        Key::parse(&whole).map_err(|refused| self.error("write", &whole, &refused.to_string()))
    }

    /// Requests an object to see whether the store answers at all; any answer will do. It keeps the end of a run short
    /// if the store is unreachable, since uploading files may take long if it is not.
    pub(crate) async fn reach(&self, key: &Key) -> Result<(), StorageError> {
        let patience = REACHED_WITHIN.min(self.patience);
        match time::timeout(patience, self.store.head(key)).await {
            Ok(Err(refused)) if unreached(&refused).is_some() => Err(self.refused("write", key, &refused)),
            Ok(_) => Ok(()),
            Err(_) => Err(self.dead("write", key, patience)),
        }
    }

    /// Creates an object. An existing one of the same length is as good: an earlier attempt created it and the answer
    /// was lost, or the process died before it could record that.
    pub(crate) async fn create(&self, key: &Key, bytes: Vec<u8>) -> Result<CreateResult, StorageError> {
        let length = bytes.len() as u64;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = self.store.put_opts(key, PutPayload::from(bytes), options);
        match self.within("write", key, put).await? {
            Ok(_) => Ok(CreateResult::Created),
            Err(object_store::Error::AlreadyExists { .. }) => {
                let there = self.within("read", key, self.store.head(key)).await?;
                let there = there.map_err(|error| self.refused("read", key, &error))?;
                Ok(if there.size == length { CreateResult::SameLength } else { CreateResult::Taken })
            }
            Err(error) => Err(self.refused("write", key, &error)),
        }
    }

    /// The result of a request, if it ends within the patience.
    pub(crate) async fn within<T>(
        &self,
        action: &'static str,
        key: &Key,
        request: impl Future<Output = T>,
    ) -> Result<T, StorageError> {
        time::timeout(self.patience, request).await.map_err(|_| self.late(action, key))
    }

    pub(crate) fn late(&self, action: &'static str, key: &Key) -> StorageError {
        self.dead(action, key, self.patience)
    }

    fn dead(&self, action: &'static str, key: &Key, patience: Duration) -> StorageError {
        self.error(action, &self.shown(key), &format!("no answer within {patience:?}"))
    }

    /// The error for a store's refusal.
    pub(crate) fn refused(&self, action: &'static str, key: &Key, refused: &object_store::Error) -> StorageError {
        self.error(action, &self.shown(key), &reason(refused))
    }

    /// An error with its URL or name.
    pub(crate) fn error(&self, action: &'static str, url: &str, why: &str) -> StorageError {
        error(&self.redactor, action, url, why)
    }

    /// The URL of an object.
    pub(crate) fn shown(&self, key: &Key) -> String {
        let inside = key.as_ref().strip_prefix(self.prefix.as_ref()).unwrap_or(key.as_ref());
        let whole = format!("{}/{}", self.url.trim_end_matches('/'), inside.trim_start_matches('/'));
        whole.trim_end_matches('/').to_owned()
    }
}

/// The client of a store, and the prefix in it.
fn connect(url: &Url, settings: Vec<(String, String)>) -> Result<(Arc<dyn ObjectStore>, Key), Box<dyn Error>> {
    if url.scheme() == "file" {
        // What a store has acknowledged is durable, and so it is in a folder.
        let (_, prefix) = object_store::ObjectStoreScheme::parse(url)?;
        return Ok((Arc::new(LocalFileSystem::new().with_fsync(true)), prefix));
    }
    let bounds = [("timeout", "20 seconds"), ("connect_timeout", "5 seconds")];
    let bounds = bounds.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let (store, prefix) = object_store::parse_url_opts(url, bounds.into_iter().chain(settings))?;
    Ok((store.into(), prefix))
}

fn is_empty(list: &ListResult) -> bool {
    list.objects.is_empty() && list.common_prefixes.is_empty()
}

/// Why a file did not become an object.
enum Unwritten {
    /// No answer came in time.
    Late,
    /// The store refused, or could not be reached.
    Refused(object_store::Error),
    /// The file could not be read.
    Unread(std::io::Error),
}

/// Writes a file over an object: in one request, or in parts that become the object together.
async fn write(store: &dyn ObjectStore, key: &Key, path: &Path, patience: Duration) -> Result<(), Unwritten> {
    let mut file = File::open(path).map_err(Unwritten::Unread)?;
    let first = next_part(&mut file).map_err(Unwritten::Unread)?;
    if first.len() < PART {
        let put = time::timeout(patience, store.put(key, PutPayload::from(first))).await;
        return put.map_err(|_| Unwritten::Late)?.map(drop).map_err(Unwritten::Refused);
    }
    let upload = time::timeout(patience, store.put_multipart(key)).await.map_err(|_| Unwritten::Late)?;
    let mut upload = WriteMultipart::new_with_chunk_size(upload.map_err(Unwritten::Refused)?, PART);
    if let Err(failed) = send_parts(&mut upload, first, file, patience).await {
        // An upload that is not aborted takes space in some stores for ever.
        let _ = time::timeout(patience, upload.abort()).await;
        return Err(failed);
    }
    let ended = time::timeout(patience, upload.finish()).await;
    ended.map_err(|_| Unwritten::Late)?.map(drop).map_err(Unwritten::Refused)
}

async fn send_parts(
    upload: &mut WriteMultipart,
    first: Vec<u8>,
    mut file: File,
    patience: Duration,
) -> Result<(), Unwritten> {
    let mut part = first;
    while !part.is_empty() {
        upload.put(part.into());
        let room = time::timeout(patience, upload.wait_for_capacity(PARTS_AT_ONCE)).await;
        room.map_err(|_| Unwritten::Late)?.map_err(Unwritten::Refused)?;
        part = next_part(&mut file).map_err(Unwritten::Unread)?;
    }
    Ok(())
}

/// The next part of a file; shorter than the others at the end of the file.
fn next_part(file: &mut File) -> std::io::Result<Vec<u8>> {
    let mut part = Vec::new();
    file.take(PART as u64).read_to_end(&mut part)?;
    Ok(part)
}

fn error(redactor: &Redactor, action: &'static str, url: &str, why: &str) -> StorageError {
    StorageError::Store { action, url: without_secrets(url), why: redactor.message(without_secrets(why)) }
}

/// A text without query strings, which may hold a signature, and without credentials in URLs.
fn without_secrets(text: &str) -> String {
    let word = |word: &str| {
        let word = word.split_once('?').map_or(word, |(before, _)| before);
        let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
        // An `@` of the path belongs to a name.
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        format!("{scheme}://{host}{path}")
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_shows_a_signature_or_a_password() {
        let text = "GET https://user:pw@x.test/c?sig=secret failed, see az://a:b@c/d";
        assert_eq!(without_secrets(text), "GET https://x.test/c failed, see az://c/d");
        for (text, shown) in [
            ("s3://bucket/team@home/j", "s3://bucket/team@home/j"),
            ("s3://user:p@w@bucket/a@b/c@d", "s3://bucket/a@b/c@d"),
            ("file:///srv/a@b", "file:///srv/a@b"),
            ("https://u:p@x.test", "https://x.test"),
        ] {
            assert_eq!(without_secrets(text), shown);
        }
    }

    #[test]
    fn a_name_that_is_encoded_stays_as_it_is_below_any_prefix() {
        let folder = tempfile::tempdir().expect("a folder");
        for prefix in ["", "/deep er/%41"] {
            let url = format!("file://{}{prefix}/", folder.path().display());
            let bucket = Bucket::open(&url, &[], REQUEST_TIMEOUT).expect("a store");
            bucket.check().expect("a folder answers");
            for (length, name) in [(3, "windows/vantage=a%2Fb/x.parquet"), (2 * PART + 5, "long")] {
                for fill in [b'a', b'b'] {
                    let content = vec![fill; length];
                    let path = folder.path().join("draft");
                    std::fs::write(&path, &content).expect("room");
                    bucket.replace(vec![(name.to_owned(), path)]).expect("room");
                    let there = folder.path().join(prefix.replace("%41", "A").trim_start_matches('/')).join(name);
                    assert!(std::fs::read(&there).expect("an object") == content, "{}", there.display());
                }
            }
        }
    }
}
