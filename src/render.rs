//! Answers as text for people and programs. Every format is a function that lays out the same data;
//! none computes figures of its own, so formats cannot contradict each other.

mod check;
mod escape;
mod evidence;
mod exposition;
mod formats;
mod grouped;
mod html;
mod phrases;
mod report;
mod site;
mod terminal;
pub(crate) mod text;

pub use check::{CheckAnswer, CheckFormat, job_summary, nagios_exit_status, nagios_unknown, outcome_line};
pub(crate) use check::{failing_line, pass_line};
pub use report::{ReportAnswer, ReportFormat};
pub use site::{SiteFile, SiteSettings, site_files};
pub use terminal::TerminalStyle;
