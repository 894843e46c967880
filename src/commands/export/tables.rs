//! `uptick export --parquet`: whole days of journals as tables for SQL engines.

use std::path::Path;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::commands::export::windows;
#[cfg(feature = "object-store")]
use crate::commands::input::locations;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::terminal;
use crate::commands::process::terminal::Terminal;
use crate::export::{ParquetTables, TablePlace, TablesError};
use crate::journal::{Line, Range};
use crate::object_storage::StorageError;
#[cfg(feature = "object-store")]
use crate::object_storage::{Bucket, REQUEST_TIMEOUT};
use crate::{cli, format, object_storage};

/// Writes every day that overlaps the span, one after the other, so that only one day is in memory.
pub(crate) fn run(place: &Path, args: &cli::ExportArgs, span: Range, terminal: &Terminal) -> Result<Exit, CliError> {
    let mut tables = ParquetTables::new(open(place)?);
    let unwritten = |error: TablesError| match error {
        TablesError::Io(error) => CliError::io(&place.display().to_string(), &error),
        TablesError::Storage(error) => failed(error),
    };
    let source = windows::Source::open(args, whole_days(span))?;
    let mut skipped = 0;
    for day in days(span) {
        let mut done = Ok(());
        skipped += source.lines(day, |line| {
            // A window that crosses midnight belongs to the day on which it starts.
            if day.from <= line.at() && line.at() < day.to {
                done = match line {
                    Line::Window(window) => tables.window(&window),
                    Line::Failure(outcome) => tables.failure(&outcome),
                    Line::Gap(_) | Line::Plan(_) => Ok(()),
                };
            }
            done.is_ok()
        })?;
        done.map_err(TablesError::Io).and_then(|()| tables.finish_files()).map_err(unwritten)?;
    }
    windows::warn_of_skipped(skipped, terminal);
    let total = tables.written();
    if total.files == 0 {
        terminal.warn("no data recorded in this range; widen it with --since or --from");
    } else if !terminal.quiet {
        terminal::print(|out| {
            let (windows, failures) = (format::count(total.windows), format::count(total.failures));
            let (files, bytes) = (format::count(total.files), format::count(total.bytes));
            writeln!(out, "written: windows {windows}, failures {failures}, files {files}, bytes {bytes}")
        })?;
    }
    Ok(Exit::Up)
}

/// The folder or store that a path or a URL names. An error that would affect every object, such as
/// wrong credentials, is returned before any line is read.
fn open(place: &Path) -> Result<TablePlace, CliError> {
    if !object_storage::is_url(place) {
        return Ok(TablePlace::Folder(place.to_path_buf()));
    }
    #[cfg(not(feature = "object-store"))]
    return Err(failed(StorageError::NotBuilt(place.to_path_buf())));
    #[cfg(feature = "object-store")]
    {
        let url = place.to_string_lossy();
        let bucket = Bucket::open(&url, &locations::environment(), REQUEST_TIMEOUT).map_err(failed)?;
        bucket.check().map_err(failed)?;
        Ok(TablePlace::Bucket(bucket))
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` asks for")]
fn failed(error: StorageError) -> CliError {
    CliError::Runtime(format!("--parquet: {error}"))
}

/// The span, extended to whole days at both ends.
fn whole_days(span: Range) -> Range {
    let mut days = days(span);
    let first = days.next();
    let last = days.last().or(first);
    Range { from: first.map_or(span.from, |day| day.from), to: last.map_or(span.to, |day| day.to) }
}

/// The UTC days that overlap the span, in order.
fn days(span: Range) -> impl Iterator<Item = Range> {
    let date = |at: Timestamp| at.to_zoned_datetime(TimeZone::UTC).date();
    let end = span.to;
    let start_of = |date: Date| TimeZone::UTC.to_timestamp(date.into()).unwrap_or(Timestamp::MAX);
    date(span.from)
        .series(1.day())
        .map(move |day| Range { from: start_of(day), to: day.tomorrow().map_or(Timestamp::MAX, start_of) })
        .take_while(move |day| day.from < end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_becomes_the_whole_days_that_it_reaches_into() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let range = |from: &str, to: &str| Range { from: at(from), to: at(to) };
        let span = range("2025-03-09T23:30:00Z", "2025-03-10T00:30:00Z");
        assert_eq!(whole_days(span), range("2025-03-09T00:00:00Z", "2025-03-11T00:00:00Z"));
        let day = range("2025-03-10T00:00:00Z", "2025-03-11T00:00:00Z");
        assert_eq!(days(day).collect::<Vec<_>>(), [day]);
        assert_eq!(whole_days(range("2025-03-10T09:00:00Z", "2025-03-10T09:01:00Z")), day);
    }
}
