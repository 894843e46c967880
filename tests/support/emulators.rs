//! Emulators of object stores: S3 (moto) and Azure (Azurite), if they are installed.

#![allow(clippy::print_stderr, reason = "a test that misses its tool says so")]

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use super::PATIENCE;
use super::killed_on_drop::KilledOnDrop;

/// The account and key of every Azure emulator, according to its documentation.
const ACCOUNT: &str = "devstoreaccount1";
const KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/// An emulator that ends with the test.
pub struct Emulator {
    child: KilledOnDrop,
    /// Its URL: `http://127.0.0.1:PORT`.
    pub address: String,
    settings: Vec<(&'static str, String)>,
}

impl Emulator {
    /// S3 with one bucket; `None` if the emulator is not installed.
    pub fn s3(bucket: &str) -> Option<Emulator> {
        let mut emulator = Emulator::start("moto_server", &["-p", "0"])?;
        let bucket = format!("{}/{bucket}", emulator.address);
        assert!(Command::new("curl").args(["-sf", "-X", "PUT", &bucket]).output().expect("curl").status.success());
        emulator.settings = vec![
            ("AWS_ACCESS_KEY_ID", "id".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "key".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ENDPOINT", emulator.address.clone()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
        ];
        Some(emulator)
    }

    /// Azure Blob Storage with one container; `None` if the emulator is not installed.
    pub fn azure(container: &str) -> Option<Emulator> {
        let args = ["--blobPort", "0", "--inMemoryPersistence", "--skipApiVersionCheck", "--disableTelemetry"];
        let mut emulator = Emulator::start("azurite-blob", &args)?;
        let endpoint = format!("{}/{ACCOUNT}", emulator.address);
        let script = "tests/interoperability/azure_container.py";
        let made = Command::new("python3").arg(script).args([&endpoint, ACCOUNT, KEY, container]).output();
        let made = made.expect("python3");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        emulator.settings = vec![
            ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT.to_owned()),
            ("AZURE_STORAGE_ACCOUNT_KEY", KEY.to_owned()),
            ("AZURE_STORAGE_ENDPOINT", endpoint),
            ("AZURE_ALLOW_HTTP", "true".to_owned()),
        ];
        Some(emulator)
    }

    /// The environment variables that a client needs.
    pub fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// Starts a program that prints `http://127.0.0.1:PORT` when it listens; `None` if it is not
    /// installed.
    fn start(program: &str, args: &[&str]) -> Option<Emulator> {
        let spawned = Command::new(program).args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let Ok(mut child) = spawned else {
            eprintln!("skipped: {program} is not installed, so nothing was written to it");
            return None;
        };
        let (sender, receiver) = mpsc::channel();
        let stdout = child.stdout.take().map(|out| Box::new(out) as Box<dyn Read + Send>);
        let stderr = child.stderr.take().map(|out| Box::new(out) as Box<dyn Read + Send>);
        for stream in [stdout, stderr].into_iter().flatten() {
            let sender = sender.clone();
            thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if let Some(at) = line.find("http://127.0.0.1:") {
                        let _ = sender.send(line[at..].trim_end_matches('/').to_owned());
                    }
                }
            });
        }
        let address = receiver.recv_timeout(PATIENCE).expect("the emulator says where it listens");
        Some(Emulator { child: child.into(), address, settings: Vec::new() })
    }
}
