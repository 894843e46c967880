//! `uptick export --parquet` to object storage: the same files, byte by byte, as in a local folder.
//! Tested with a folder always, and with emulators of S3 and of Azure if they are installed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use object_store::ObjectStoreExt as _;
use tempfile::TempDir;
use uptick::object_storage::{Bucket, REQUEST_TIMEOUT};

use crate::sql::{FROM, TO, VANTAGES, files, path, recorded};
use crate::support::emulators::Emulator;
use crate::support::run::{Ran, Run};

/// Exports the two days to a folder or URL.
fn export(journal: &TempDir, place: &str, settings: &[(&str, &str)], more: &[&str]) -> Ran {
    let span = if more.is_empty() { &["--from", FROM, "--to", TO] } else { more };
    let run = Run::new(["export", &path(journal), "--parquet", place].iter().chain(span));
    settings.iter().fold(run, |run, (name, value)| run.env(name, value)).run()
}

/// The files that the same export writes to a folder, by name.
fn expected(journal: &TempDir) -> BTreeMap<String, Vec<u8>> {
    let tables = tempfile::tempdir().unwrap();
    export(journal, &path(&tables), &[], &[]).expect_code(0);
    below(tables.path())
}

/// Every file below a folder, by its relative name.
fn below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let name = |path: PathBuf| path.strip_prefix(folder).unwrap().display().to_string();
    files(folder).into_iter().map(|(path, bytes)| (name(path), bytes)).collect()
}

/// A client of a bucket for the objects below a prefix.
struct Client {
    store: Box<dyn object_store::ObjectStore>,
    prefix: object_store::path::Path,
    runtime: tokio::runtime::Runtime,
}

impl Client {
    fn new(url: &str, settings: &[(&str, &str)]) -> Client {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let settings = settings.iter().map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned()));
        let (store, prefix) = object_store::parse_url_opts(&url.parse().unwrap(), settings).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        Client { store, prefix, runtime }
    }

    fn objects(&self) -> BTreeMap<String, Vec<u8>> {
        let (mut found, mut folders) = (BTreeMap::new(), vec![self.prefix.clone()]);
        while let Some(folder) = folders.pop() {
            let listed = self.runtime.block_on(self.store.list_with_delimiter(Some(&folder))).unwrap();
            folders.extend(listed.common_prefixes);
            for object in listed.objects {
                let got = async { self.store.get(&object.location).await.unwrap().bytes().await.unwrap() };
                let name = object.location.as_ref().strip_prefix(self.prefix.as_ref()).unwrap();
                found.insert(name.trim_start_matches('/').to_owned(), self.runtime.block_on(got).to_vec());
            }
        }
        found
    }

    fn put(&self, name: &str, content: &'static str) {
        let key = object_store::path::Path::parse(format!("{}/{name}", self.prefix)).unwrap();
        self.runtime.block_on(self.store.put(&key, content.into())).unwrap();
    }
}

#[track_caller]
fn replaces_its_own_and_no_other(url: &str, settings: &[(&str, &str)]) {
    let journal = recorded();
    let whole = expected(&journal);
    assert_eq!(whole.len(), 4 * 2 * VANTAGES.len());
    let client = Client::new(url, settings);
    let said = export(&journal, url, settings, &[]);
    assert!(said.expect_code(0).stdout.starts_with("written: windows "), "{}{}", said.stdout, said.stderr);
    assert!(client.objects() == whole, "{:?}", client.objects().keys());

    client.put("windows/day=2025-03-09/vantage=fra/mine.parquet", "mine");
    client.put("windows/day=2025-03-09/vantage=fra/uptick.parquet", "spoilt");
    client.put("windows/day=2025-03-10/vantage=fra/uptick.parquet", "spoilt");
    // One hour of a day rewrites that whole day, and does not touch the other.
    let hour = ["--from", "2025-03-10T09:00:00Z", "--to", "2025-03-10T10:00:00Z"];
    export(&journal, url, settings, &hour).expect_code(0);
    let mut again = client.objects();
    assert_eq!(again.remove("windows/day=2025-03-09/vantage=fra/mine.parquet").as_deref(), Some(&b"mine"[..]));
    let spoilt: Vec<&String> = whole.keys().filter(|name| whole[*name] != again[*name]).collect();
    assert_eq!(spoilt, ["windows/day=2025-03-09/vantage=fra/uptick.parquet"]);
    assert_eq!(again.len(), whole.len());
}

/// A file that is uploaded in several parts becomes one object, even if it replaces another one.
#[track_caller]
fn takes_long_files(url: &str, settings: &[(&str, &str)]) {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    let settings_owned: Vec<(String, String)> = settings.iter().map(owned).collect();
    let bucket = Bucket::open(url, &settings_owned, REQUEST_TIMEOUT).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let content: Vec<u8> = (0_u32..5_000_000).flat_map(u32::to_le_bytes).collect();
    for length in [content.len(), 16 << 20, 8 << 20, 0] {
        let files = ["a=%2F/one", "two"].map(|name| (name.to_owned(), folder.path().join(name.replace('/', "_"))));
        files.iter().for_each(|(_, path)| fs::write(path, &content[..length]).unwrap());
        bucket.replace(files.to_vec()).unwrap();
        let objects = Client::new(url, settings).objects();
        assert!(["a=%2F/one", "two"].iter().all(|name| objects[*name] == content[..length]), "{length}");
    }
}

#[test]
fn a_folder_as_an_object_store_holds_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}/some/prefix", folder.path().display());
    replaces_its_own_and_no_other(&url, &[]);
}

#[test]
fn s3_holds_the_tables() {
    let Some(emulator) = Emulator::s3("fleet") else { return };
    replaces_its_own_and_no_other("s3://fleet/some/prefix", &emulator.settings());
    takes_long_files("s3://fleet/long", &emulator.settings());
    let journal = recorded();
    let nowhere = export(&journal, "s3://nowhere/prefix", &emulator.settings(), &[]);
    let said = &nowhere.expect_code(3).stderr;
    assert!(said.contains("cannot write to s3://nowhere/prefix: no such bucket"), "{said}");
}

#[test]
fn azure_holds_the_tables() {
    let Some(emulator) = Emulator::azure("fleet") else { return };
    replaces_its_own_and_no_other("az://fleet/some/prefix", &emulator.settings());
    takes_long_files("az://fleet/long", &emulator.settings());
    let journal = recorded();
    let nowhere = export(&journal, "az://nowhere/prefix", &emulator.settings(), &[]);
    let said = &nowhere.expect_code(3).stderr;
    assert!(said.contains("cannot write to az://nowhere/prefix: no such bucket"), "{said}");
}

#[test]
fn a_store_that_cannot_be_used_is_said_before_the_journal_is_read() {
    const AWAY: &[(&str, &str)] = &[
        ("AWS_ACCESS_KEY_ID", "id"),
        ("AWS_SECRET_ACCESS_KEY", "not-so-secret"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ENDPOINT", "http://127.0.0.1:9"),
        ("AWS_ALLOW_HTTP", "true"),
    ];
    for (url, settings, message) in [
        ("s3://bucket/x", &[][..], "--parquet: cannot open s3://bucket/x: no credentials: set AWS_ACCESS_KEY_ID and"),
        ("gs://bucket/x", &[], "--parquet: cannot open gs://bucket/x: no credentials: set GOOGLE_SERVICE_ACCOUNT, or"),
        ("az://bucket/x", &[], "--parquet: cannot open az://bucket/x: no credentials: set AZURE_STORAGE_ACCOUNT_KEY"),
        ("s3://bucket/x", AWAY, "--parquet: cannot write to s3://bucket/x: "),
        ("ftp://bucket/x", &[], "--parquet: cannot open ftp://bucket/x: "),
    ] {
        let run = Run::new(["export", "no-such-journal", "--parquet", url]);
        let ran = settings.iter().fold(run, |run, (name, value)| run.env(name, value)).run();
        let said = &ran.expect_code(3).stderr;
        assert!(said.contains(message) && !said.contains("not-so-secret"), "{url}: {said}");
    }
}
