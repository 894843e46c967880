//! The page of a job of GitHub Actions, to which each of its steps appends.

use std::fs::File;
use std::io::Write as _;

use crate::check_report::CheckReport;
use crate::commands::input::locations;
use crate::commands::process::exit::CliError;
use crate::commands::process::outputs::Outputs;
use crate::render;
use crate::render::CheckFormat;

/// The variable that names the page.
const VARIABLE: &str = "GITHUB_STEP_SUMMARY";

/// The page, open.
pub(super) struct JobSummary {
    page: File,
}

impl JobSummary {
    /// Opens the page; `None` if no output has the format `github`, or outside of GitHub.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn open(outputs: &Outputs<CheckFormat>) -> Result<Option<JobSummary>, CliError> {
        let path = locations::env(VARIABLE).filter(|path| !path.is_empty() && outputs.has(CheckFormat::Github));
        let open = |path: String| {
            let failed = |error| CliError::Usage(format!("{VARIABLE}: cannot write {path}: {error}"));
            File::options().append(true).create(true).open(&path).map_err(failed).map(|page| JobSummary { page })
        };
        path.map(open).transpose()
    }

    /// Appends the summary in one write, so that it does not interleave with the lines of other steps.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn append(mut self, pass: &CheckReport) -> Result<(), CliError> {
        let mut summary = Vec::new();
        render::job_summary(pass, &mut summary)
            .and_then(|()| self.page.write_all(&summary))
            .map_err(|error| CliError::io(VARIABLE, &error))
    }
}
