//! Selects the windows to export: which journals, which span, which probes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::commands::input::locations;
use crate::commands::process::exit::CliError;
use crate::commands::process::terminal::Terminal;
use crate::journal::{Line, Range};
use crate::model::Shard;
use crate::window::Window;
use crate::{cli, config, journal};

/// The default span of an export, if no option names one.
const SPAN: Duration = Duration::from_hours(1);

/// The journals to export. Those in object storage are downloaded.
pub(crate) struct Source {
    paths: Vec<PathBuf>,
}

impl Source {
    /// Finds the journals, and downloads those parts of remote ones that may hold lines of the
    /// range.
    pub(crate) fn open(args: &cli::ExportArgs, range: Range) -> Result<Source, CliError> {
        let journals = journals(args)?;
        let gathered = journal::gather(&journals, range, &locations::cache_folder(), &locations::environment());
        Ok(Source { paths: gathered.map_err(failed)? })
    }

    /// Calls `each` with every line of a range, until it returns `false`; lines of different
    /// journals are not merged by time. Returns how many lines could not be read; such lines are
    /// skipped.
    pub(crate) fn lines(&self, range: Range, mut each: impl FnMut(Line) -> bool) -> Result<u64, CliError> {
        let mut reader = journal::read(&self.paths, range).map_err(failed)?;
        for line in &mut reader {
            if !each(line.map_err(failed)?) {
                break;
            }
        }
        Ok(reader.integrity().corrupt_lines + reader.integrity().newer_lines)
    }
}

/// Calls `each` with every window of the selected probes and the shard of its vantage, until it
/// returns `false`. The shard is `None` for a journal without shards.
pub(crate) fn read(
    args: &cli::ExportArgs,
    range: Range,
    terminal: &Terminal,
    mut each: impl FnMut(Window, Option<Shard>) -> bool,
) -> Result<(), CliError> {
    let is_asked = |window: &Window| args.probes.is_empty() || args.probes.iter().any(|name| **name == *window.probe);
    // A journal states its shard before the windows of the run.
    let mut shards: BTreeMap<String, Shard> = BTreeMap::new();
    let skipped = Source::open(args, range)?.lines(range, |line| match line {
        Line::Window(window) if is_asked(&window) => {
            let shard = shards.get(&*window.vantage).copied();
            each(*window, shard)
        }
        Line::Plan(plan) => {
            match plan.shard {
                Some(shard) => drop(shards.insert(plan.vantage.clone(), shard)),
                None => drop(shards.remove(&plan.vantage)),
            }
            true
        }
        _ => true,
    })?;
    warn_of_skipped(skipped, terminal);
    Ok(())
}

/// Warns of lines that could not be read, if there are any.
pub(crate) fn warn_of_skipped(skipped: u64, terminal: &Terminal) {
    if skipped > 0 {
        terminal.warn(&format!("{skipped} lines of the journal could not be read and are not exported"));
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
fn failed(error: journal::JournalError) -> CliError {
    CliError::Runtime(error.to_string())
}

/// The journals that the options name, otherwise the default journal.
pub(crate) fn journals(args: &cli::ExportArgs) -> Result<Vec<PathBuf>, CliError> {
    if !args.journals.is_empty() {
        return Ok(args.journals.clone());
    }
    Ok(vec![locations::journal_location(None, config_path(args)?.as_deref())])
}

/// The probe file of `--config`, otherwise the nearest one. `None` if there is none.
pub(crate) fn config_path(args: &cli::ExportArgs) -> Result<Option<PathBuf>, CliError> {
    if args.config.is_some() {
        return Ok(args.config.clone());
    }
    let here = std::env::current_dir().map_err(|error| CliError::io("the working directory", &error))?;
    Ok(config::find(&here))
}

/// The span that the options name.
pub(crate) fn span(args: &cli::ExportArgs) -> Result<Range, CliError> {
    let now = Timestamp::now();
    let instant = |written: Option<cli::WrittenInstant>| written.map(|written| written.in_zone(&TimeZone::UTC, now));
    let to = instant(args.to).unwrap_or(now);
    let back = to.checked_sub(args.since.unwrap_or(SPAN)).unwrap_or(Timestamp::MIN);
    let from = instant(args.from).unwrap_or(back);
    locations::check_span(from, to, args.to.is_some())?;
    Ok(Range { from, to })
}
