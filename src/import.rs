//! Converts files of other tools into a probe file: curl command lines, HAR, `blackbox_exporter`
//! with Prometheus, Gatus and Uptime Kuma.
//!
//! An importer makes `draft::ProbeDraft`s: keys of `probes.toml` with their values, and notes on
//! settings that have no key. The written file is read back by [`crate::config`]. A draft that it
//! rejects becomes a comment with the reason, so that the file is always valid.

mod blackbox;
mod browser;
mod credential;
mod cron;
mod curl;
mod curl_options;
mod dockerfile;
mod document;
mod draft;
mod embedded;
mod error;
mod gatus;
mod har;
mod kind;
mod makefile;
mod markdown;
mod observed;
mod other_tools;
mod probe_file;
mod prometheus;
mod request;
mod secrets;
mod shell;
mod shell_expansion;
mod shell_loop;
mod shell_words;
mod template;
mod uptime_kuma;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use draft::{MOST_PROBES, ProbeDraft};
use kind::Kind;
use probe_file::Origin;
use secrets::Secrets;

pub use document::InputFile;
pub use error::ImportError;
pub use observed::Observation;
pub use probe_file::Imported;

/// Reads the files together and writes one probe file, whose relative paths are relative to
/// `folder`.
///
/// # Errors
/// A file of an unknown kind, an incomplete file, or files without any probe.
pub fn import(files: &[InputFile], folder: &Path) -> Result<Imported, ImportError> {
    let mut secrets = Secrets::default();
    let mut drafts: Vec<ProbeDraft> = Vec::new();
    let mut tools = Vec::new();
    let mut gatus = Vec::new();
    let mut prometheus = prometheus::PrometheusFiles::default();
    for file in files {
        let kinds = kind::of(file)?;
        let titles: BTreeSet<&str> = kinds.iter().map(Kind::title).collect();
        tools.push(format!("{} ({})", file.name, titles.into_iter().collect::<Vec<&str>>().join(", ")));
        for kind in kinds {
            match kind {
                Kind::Curl(commands) => drafts.extend(curl::probes(file, &commands, &mut secrets)?),
                Kind::Har(har) => drafts.extend(har::probes(&har, &mut secrets)),
                Kind::Gatus(config) => gatus.push(config),
                Kind::UptimeKuma(backup) => drafts.extend(uptime_kuma::probes(&backup, &mut secrets)),
                Kind::Blackbox(config) => prometheus.modules.push(config),
                Kind::ScrapeConfig(config) => prometheus.scrape_configs.push(config),
                Kind::FileSd(groups) => prometheus.file_sd.push((file.name.clone(), groups)),
            }
        }
    }
    drafts.extend(gatus::probes(&gatus, &mut secrets));
    drafts.extend(prometheus.probes(&mut secrets)?);
    let origin = Origin { title: "Imported by `uptick import` from:", sources: tools };
    if drafts.is_empty() {
        let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
        let what = if gatus.is_empty() {
            "contains nothing that a probe can check"
        } else {
            "contains no endpoint of Gatus: give all files of its configuration"
        };
        return Err(ImportError::of_file(&names.join(", "), what));
    }
    if drafts.len() > MOST_PROBES {
        let message = format!("contains more than {MOST_PROBES} probes: import it in parts");
        return Err(ImportError::of_file(&origin.sources.join(", "), &message));
    }
    probe_file::write(drafts, &origin, &secrets, folder)
}

/// A probe without expectations for each URL, for checking it. The second value holds the secrets
/// of the URLs, by the name of their variables.
///
/// # Errors
/// URLs that no probe can check.
pub(crate) fn of_urls(urls: &[String]) -> Result<(Imported, BTreeMap<String, String>), ImportError> {
    let mut secrets = Secrets::default();
    let drafts = urls.iter().map(|url| observed::bare(url, &mut secrets)).collect();
    let origin = Origin { title: "Probes of:", sources: urls.to_vec() };
    let written = probe_file::write_all(drafts, &origin, &secrets, Path::new(""))?;
    Ok((written, secrets.values()))
}

/// A probe for each URL, with expectations derived from its responses.
///
/// # Errors
/// URLs that no probe can check.
pub fn observed(seen: &[Observation], folder: &Path) -> Result<Imported, ImportError> {
    let mut secrets = Secrets::default();
    let drafts = seen.iter().map(|seen| observed::draft(seen, &mut secrets)).collect();
    let title = "Written by `uptick init` from what the URLs answered. Read it, and change what you know better.";
    probe_file::write_all(drafts, &Origin { title, sources: Vec::new() }, &secrets, folder)
}
