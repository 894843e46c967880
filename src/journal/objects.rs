//! Journals in object storage (`s3://`, `gs://`, `az://`, `file://`): immutable objects, created
//! and never changed, `PREFIX/DAY/VANTAGE.ID.jsonl`, each a file of journal lines. The only code
//! that knows `object_store`. The calls block: not for a task of an async runtime.

mod cache;
mod listing;
mod merge;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::path::Path as Key;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, PutPayload};
use tokio::runtime::Runtime;
use tokio::time;
use url::Url;

use crate::model::{Redactor, Secret, credentials, is_secret_name};

use super::disk::Disk;
use super::shipped::Shipped;
use super::{JournalError, outbox};

/// The usual patience with a store.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How long a store may take to answer anything at all before it is taken for dead.
const REACHED_WITHIN: Duration = Duration::from_millis(2_500);
/// No key or token of a store is shorter; what is may be a word like `true`.
const SHORTEST_KEY: usize = 8;
/// What is said of a store that cannot do what keeps two writers apart.
const NO_CONDITIONAL_PUT: &str =
    "the store cannot create an object only where none is (a conditional put), which keeps writers apart";
/// How many requests are under way at once.
const AT_ONCE: usize = 64;

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
    /// Of the credentials: a store may quote them.
    redactor: Redactor,
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
        let mut redactor = Redactor::default();
        let parsed = Url::parse(url).map_err(|error| failed(&redactor, "open", url, &error.to_string()))?;
        // The store's own client asks rustls for a provider; another one in place serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let bounds = [("timeout", "20 seconds"), ("connect_timeout", "5 seconds")];
        let bounds = bounds.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = environment
            .into_iter()
            .filter(|(name, _)| ["AWS_", "GOOGLE_", "AZURE_"].iter().any(|store| name.starts_with(store)))
            .map(|(name, value)| (name.to_ascii_lowercase(), value));
        let settings: Vec<(String, String)> = settings.collect();
        let is_secret = |(name, value): &&(String, String)| is_secret_name(name) && value.len() >= SHORTEST_KEY;
        let secrets = settings.iter().filter(is_secret).map(|(_, value)| Secret::new(value));
        redactor = redactor.with(secrets.chain(credentials::of_url(&parsed)));
        let (store, prefix) = object_store::parse_url_opts(&parsed, bounds.into_iter().chain(settings))
            .map_err(|error| failed(&redactor, "open", url, &error.to_string()))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(&redactor, "open", url, &error.to_string()))?;
        Ok(Objects { store: store.into(), prefix, url: without_secrets(url), patience, runtime, redactor })
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
        let sealed = outbox::sealed(outbox)?;
        if let Some(first) = sealed.first() {
            shipped.waiting_because = self.runtime.block_on(self.reach(&self.key(&first.day, &first.name))).err();
        }
        for file in sealed {
            // After one failure the store is taken for away: the others wait without trying.
            if shipped.waiting_because.is_none() {
                let bytes = fs::read(&file.path).map_err(JournalError::io("read", &file.path))?;
                match self.runtime.block_on(self.create(&self.key(&file.day, &file.name), bytes)) {
                    Ok(Created::ByUs | Created::Before) => {
                        disk.remove(&file.path).map_err(JournalError::io("remove", &file.path))?;
                        shipped.sent += 1;
                        continue;
                    }
                    Ok(Created::Taken) => {
                        let key = self.shown(&self.key(&file.day, &file.name));
                        shipped.waiting_because =
                            Some(failed(&self.redactor, "write", &key, "another object is there"));
                    }
                    Err(error) => shipped.waiting_because = Some(error),
                }
            }
            shipped.waiting += 1;
        }
        Ok(shipped)
    }

    /// Asks for an object, to see whether the store answers at all: whatever it says will do. Somebody waits for
    /// the end of a run, and to send its files may take long where the store lives.
    async fn reach(&self, key: &Key) -> Result<(), JournalError> {
        let patience = REACHED_WITHIN.min(self.patience);
        let answered = time::timeout(patience, self.store.head(key)).await;
        let dead = |_| failed(&self.redactor, "write", &self.shown(key), &format!("no answer within {patience:?}"));
        answered.map(drop).map_err(dead)
    }

    /// The key of an object.
    fn key(&self, day: &str, name: &str) -> Key {
        self.prefix.clone().join(day).join(name)
    }

    /// Creates an object. That one of the same length is there already is as good: an earlier
    /// attempt made it and its answer was lost, or we died before we could note that it was made.
    async fn create(&self, key: &Key, bytes: Vec<u8>) -> Result<Created, JournalError> {
        let length = bytes.len() as u64;
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        let put = self.store.put_opts(key, PutPayload::from(bytes), options);
        match self.within("write", key, put).await? {
            Ok(_) => Ok(Created::ByUs),
            Err(object_store::Error::AlreadyExists { .. }) => {
                let there = self.within("read", key, self.store.head(key)).await?;
                let there = there.map_err(|error| self.failed("read", key, &error))?;
                Ok(if there.size == length { Created::Before } else { Created::Taken })
            }
            Err(error) => Err(self.failed("write", key, &error)),
        }
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
        failed(&self.redactor, action, &self.shown(key), &format!("no answer within {:?}", self.patience))
    }

    fn failed(&self, action: &'static str, key: &Key, error: &object_store::Error) -> JournalError {
        let why = match error {
            object_store::Error::NotFound { .. } => "no such bucket or object".to_owned(),
            object_store::Error::PermissionDenied { .. } => "permission denied".to_owned(),
            object_store::Error::Unauthenticated { .. } => "the credentials are missing or wrong".to_owned(),
            object_store::Error::NotImplemented { .. } => NO_CONDITIONAL_PUT.to_owned(),
            other if other.to_string().contains("NotImplemented") => NO_CONDITIONAL_PUT.to_owned(),
            other => other.to_string(),
        };
        failed(&self.redactor, action, &self.shown(key), &why)
    }

    fn shown(&self, key: &Key) -> String {
        let inside = key.as_ref().strip_prefix(self.prefix.as_ref()).unwrap_or(key.as_ref());
        format!("{}/{}", self.url.trim_end_matches('/'), inside.trim_start_matches('/'))
    }
}

fn failed(redactor: &Redactor, action: &'static str, url: &str, why: &str) -> JournalError {
    JournalError::Store { action, url: without_secrets(url), why: redactor.message(&without_secrets(why)) }
}

/// Whether an object was created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Created {
    ByUs,
    /// One of the same length was there.
    Before,
    /// Another one was there.
    Taken,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_shows_a_signature_or_a_password() {
        let text = "GET https://user:pw@x.test/c?sig=secret failed, see az://a:b@c/d";
        assert_eq!(without_secrets(text), "GET https://x.test/c failed, see az://c/d");
    }
}
