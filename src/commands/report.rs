//! `uptick report`: answers from one or many journals.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::cli::FailOn;
use crate::commands::input::journal_query::Filter;
use crate::commands::input::{journal_query, selection};
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::outputs::Outputs;
use crate::commands::process::terminal;
use crate::commands::process::terminal::Terminal;
use crate::config::Config;
use crate::model::{IpFamily, Probe, ip_version};
use crate::render::{Look, ReportFormat};
use crate::report::{Question, Report, State};
use crate::{cli, journal, render};

/// The span reported on where nothing is said.
const SINCE: std::time::Duration = std::time::Duration::from_hours(24);

/// Reads the journals, makes the answer and writes it.
pub(super) fn run(args: &cli::Report, terminal: &Terminal) -> Result<Exit, CliError> {
    let default = if args.brief { ReportFormat::Brief } else { ReportFormat::Human };
    let outputs = Outputs::open(&args.formats, args.output.as_deref(), default, format)?;
    let config = config(args, terminal)?;
    let journals = journals(args, config.as_ref())?;
    let question = question(args, config.as_ref(), Timestamp::now())?;
    let report = journal_query::ask(question, &journals, &Filter::new(&args.surfaces, &args.tags, config.as_ref())?)?;
    let stdout = outputs.stdout;
    outputs.write_files(|format, mut out| render::report(format, &report, Look::default(), &mut out))?;
    let exit = exit(args, &report);
    if let Some(format) = stdout.filter(|_| !(terminal.quiet && exit == Exit::Up)) {
        let look = terminal.answer;
        terminal::print(|mut out| render::report(format, &report, look, &mut out))?;
    }
    Ok(exit)
}

fn format(name: &str) -> Result<ReportFormat, String> {
    ReportFormat::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
        let names: Vec<&str> = ReportFormat::ALL.iter().map(|format| format.name()).collect();
        format!("there is no format {name:?}; there are: {}", names.join(", "))
    })
}

/// The configuration, which a report can do without where journals are named: it then knows no
/// labels, objectives and rules but the usual ones.
fn config(args: &cli::Report, terminal: &Terminal) -> Result<Option<Config>, CliError> {
    let here = std::env::current_dir().ok();
    let nearest = here.as_deref().and_then(crate::config::find);
    match args.config.clone().or(nearest) {
        Some(path) => selection::load(Some(&path), None, terminal).map(Some),
        None if args.journals.is_empty() => selection::load(None, None, terminal).map(Some),
        None => Ok(None),
    }
}

/// The journals asked for, each of which must be there: a slip of the pen is not an empty answer.
fn journals(args: &cli::Report, config: Option<&Config>) -> Result<Vec<PathBuf>, CliError> {
    if let Some(missing) = args.journals.iter().find(|journal| !journal::is_url(journal) && !journal.exists()) {
        return Err(CliError::Usage(format!("error: there is no journal {}", missing.display())));
    }
    if !args.journals.is_empty() {
        return Ok(args.journals.clone());
    }
    let usual = selection::journal_place(None, config.and_then(|config| config.path.as_deref()));
    if !usual.exists() {
        return Err(CliError::Usage(format!(
            "error: there is no journal {}; make one with `uptick watch` or `uptick check --record`, or name one",
            usual.display()
        )));
    }
    Ok(vec![usual])
}

fn question(args: &cli::Report, config: Option<&Config>, now: Timestamp) -> Result<Question, CliError> {
    let to = args.to.unwrap_or(now);
    let since = args.since.unwrap_or(SINCE);
    let from = args.from.or_else(|| to.checked_sub(since).ok()).unwrap_or(Timestamp::MIN);
    if from >= to {
        return Err(CliError::Usage(
            "error: the report would end before it begins: --from must be before --to".to_owned(),
        ));
    }
    Ok(Question {
        from: Some(from),
        to: Some(to),
        bucket: None,
        rules: config.map(|config| config.incident).unwrap_or_default(),
        surfaces: config.map(|config| config.surfaces.clone()).unwrap_or_default(),
        families: config.into_iter().flat_map(|config| &config.probes).filter_map(family).collect(),
    })
}

/// The address family of a probe that is asked over one alone, by its name.
fn family(probe: &Arc<Probe>) -> Option<(String, u8)> {
    let family = match (probe.transport.address, probe.transport.ip) {
        (Some(address), _) => ip_version(address.ip()),
        (None, IpFamily::V4) => 4,
        (None, IpFamily::V6) => 6,
        (None, IpFamily::Any) => return None,
    };
    Some((probe.name.clone(), family))
}

/// The verdict decides, as it does for `check`; where conditions are given, they decide instead.
fn exit(args: &cli::Report, report: &Report) -> Exit {
    let state = report.verdict.state;
    let is_met = |what: &FailOn| match what {
        FailOn::Down => matches!(state, State::Down | State::Degraded | State::Flapping),
        FailOn::Slo => report.surfaces.iter().any(|surface| surface.slo.as_ref().is_some_and(|slo| slo.burnt)),
        FailOn::Flaky => report.probes.iter().any(|probe| probe.figures.flaky > 0),
        FailOn::Never => false,
    };
    let asked = if args.fail_on.is_empty() { &[FailOn::Down][..] } else { &args.fail_on };
    match state {
        _ if asked.iter().any(is_met) => Exit::Down,
        State::Unknown => Exit::Unknown,
        _ => Exit::Up,
    }
}
