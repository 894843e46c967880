//! `uptick export --csv` and similar: streams windows into a file for another tool.

use std::io;
use std::io::Write;
use std::sync::Arc;

use crate::cli::ExportFormat;
use crate::commands::export::windows;
#[cfg(feature = "otlp")]
use crate::commands::input::locations;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::outputs::Outputs;
use crate::commands::process::terminal;
use crate::commands::process::terminal::Terminal;
use crate::journal::Range;
use crate::window::Histogram;
use crate::{cli, export as files};

/// Writes to the file of `--output`, or to standard output.
pub(crate) fn run(
    kind: ExportFormat,
    args: &cli::ExportArgs,
    span: Range,
    terminal: &Terminal,
) -> Result<Exit, CliError> {
    let outputs = Outputs::open(&[], args.output.as_deref(), kind)?;
    // An error in reading the journal is reported as such, not as an error of the output file.
    let mut stopped = None;
    let mut write = |out: &mut dyn Write| {
        write_content(kind, args, span, terminal, out).map_err(|why| match why {
            Failed::Written(error) => error,
            Failed::Read(stop) => {
                stopped = Some(stop);
                io::Error::other("the journal could not be read")
            }
        })
    };
    let written = match outputs.stdout {
        Some(_) => terminal::print(write).map(drop),
        None => outputs.write_files(|_, out| write(out)),
    };
    match stopped {
        Some(stop) => Err(stop),
        None => written.map(|()| Exit::Up),
    }
}

/// Why a file is incomplete: reading the journal failed, or writing the file did.
enum Failed {
    Read(CliError),
    Written(io::Error),
}

impl From<CliError> for Failed {
    fn from(stop: CliError) -> Failed {
        Failed::Read(stop)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Failed {
        Failed::Written(error)
    }
}

fn write_content(
    kind: ExportFormat,
    args: &cli::ExportArgs,
    span: Range,
    terminal: &Terminal,
    out: &mut dyn Write,
) -> Result<(), Failed> {
    if kind == ExportFormat::Hgrm {
        return Ok(files::hgrm(&histogram_of_one_probe(args, span, terminal)?, out)?);
    }
    let mut file: Box<dyn files::WindowFile> = match kind {
        ExportFormat::Hlog => Box::new(files::Hlog::begin(span.from, out)?),
        #[cfg(feature = "otlp")]
        ExportFormat::OtlpJson => Box::new(files::otlp::Json::new(&locations::env)),
        ExportFormat::Csv | ExportFormat::Hgrm => Box::new(files::Csv::begin(out)?),
    };
    let (mut count, mut done) = (0_u64, Ok(()));
    windows::read(args, span, terminal, |window, _| {
        count += 1;
        done = file.window(&window, out);
        done.is_ok()
    })?;
    if count == 0 {
        empty(terminal);
    }
    Ok(done?)
}

/// The latency histogram of the only probe in the span. An error if there is more than one: a
/// distribution describes one probe.
fn histogram_of_one_probe(args: &cli::ExportArgs, span: Range, terminal: &Terminal) -> Result<Histogram, CliError> {
    let mut all = std::collections::BTreeMap::<Arc<str>, Histogram>::new();
    windows::read(args, span, terminal, |window, _| {
        all.entry(Arc::clone(&window.probe)).or_default().merge(&window.latency.total);
        true
    })?;
    if all.len() > 1 {
        let names: Vec<String> = all.keys().map(|name| format!("{name:?}")).collect();
        let names = names.join(", ");
        return Err(CliError::Usage(format!("--hgrm is of one probe; choose it with --probe: {names}")));
    }
    let only = all.into_values().next();
    if only.is_none() {
        empty(terminal);
    }
    Ok(only.unwrap_or_default())
}

fn empty(terminal: &Terminal) {
    terminal.warn("no data recorded in this range; widen it with --since or --from");
}
