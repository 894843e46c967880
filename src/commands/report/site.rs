//! `uptick report --format site=DIR`: the folders that a status page is written to.

use std::path::Path;

use crate::cli;
use crate::cli::FormatOutput;
use crate::commands::process::exit::CliError;
use crate::commands::process::output_folder::OutputFolder;
use crate::config::Config;
use crate::render::{ReportFormat, SiteSettings, site_files};
use crate::report::Report;

/// The folders of status pages, and the other outputs.
#[derive(Debug)]
pub(super) struct SiteOutputs<'a> {
    folders: Vec<OutputFolder>,
    pub(super) others: Vec<FormatOutput<ReportFormat>>,
    /// The file of `--output`, if no site takes it.
    pub(super) output: Option<&'a Path>,
}

impl<'a> SiteOutputs<'a> {
    /// Opens the folders that the options name.
    pub(super) fn open(args: &'a cli::ReportArgs) -> Result<SiteOutputs<'a>, CliError> {
        let mut outputs = SiteOutputs { folders: Vec::new(), others: Vec::new(), output: args.output.as_deref() };
        for asked in &args.formats {
            if !asked.format.is_folder() {
                outputs.others.push(asked.clone());
                continue;
            }
            // `--output` belongs to the first format that names no file.
            let is_first = outputs.others.iter().all(|other| other.file.is_some());
            let output = if asked.file.is_none() && is_first { outputs.output.take() } else { None };
            let Some(folder) = asked.file.as_deref().or(output) else {
                return Err(CliError::usage("a site is a folder of files: write --format site=DIR"));
            };
            outputs.folders.push(OutputFolder::open(folder)?);
        }
        if outputs.folders.is_empty() && (args.site_urls || args.site_base.is_some()) {
            let option = if args.site_urls { "--site-urls" } else { "--site-base" };
            return Err(CliError::Usage(format!("{option} is about a site: add --format site=DIR")));
        }
        Ok(outputs)
    }

    /// Whether only sites were asked for: then nothing goes to standard output.
    pub(super) const fn is_all(&self) -> bool {
        !self.folders.is_empty() && self.others.is_empty() && self.output.is_none()
    }

    /// Writes the pages to every folder.
    pub(super) fn write(
        &self,
        report: &Report,
        args: &cli::ReportArgs,
        config: Option<&Config>,
    ) -> Result<(), CliError> {
        if self.folders.is_empty() {
            return Ok(());
        }
        let urls = || {
            let probes = config.into_iter().flat_map(|config| &config.probes);
            probes.map(|probe| (probe.name.clone(), probe.shown_url())).collect()
        };
        let settings = SiteSettings { base_url: args.site_base.clone(), probe_urls: args.site_urls.then(urls) };
        let files = site_files(report, &settings);
        let files: Vec<(&str, &[u8])> =
            files.iter().map(|file| (file.path.as_str(), file.content.as_bytes())).collect();
        self.folders.iter().try_for_each(|folder| folder.replace(&files))
    }
}
