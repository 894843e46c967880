//! `uptick report`: answers from one or many journals.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::exit::{Exit, Stop};
use super::outputs::Outputs;
use super::terminal::Terminal;
use super::{probing, setup, terminal};
use crate::cli::FailOn;
use crate::config::Config;
use crate::model::{IpFamily, Probe, ip_version};
use crate::render::{Look, ReportFormat};
use crate::report::{Fold, Integrity, Question, Report, State};
use crate::{cli, journal, render};

/// The span reported on where nothing is said.
const SINCE: std::time::Duration = std::time::Duration::from_hours(24);

/// Reads the journals, makes the answer and writes it.
pub(super) fn run(args: &cli::Report, terminal: &Terminal) -> Result<Exit, Stop> {
    let default = if args.brief { ReportFormat::Brief } else { ReportFormat::Human };
    let outputs = Outputs::open(&args.formats, args.output.as_deref(), default, format)?;
    let config = config(args, terminal)?;
    let journals = journals(args, config.as_ref())?;
    let question = question(args, config.as_ref(), Timestamp::now())?;
    let report = ask(question, &journals, &Filter::new(args, config.as_ref())?)?;
    let stdout = outputs.stdout;
    outputs.write_files(|format, mut out| render::report(format, &report, Look::default(), &mut out))?;
    let exit = exit(args, &report);
    if let Some(format) = stdout.filter(|_| !(terminal.quiet && exit == Exit::Up)) {
        let look = terminal.answer;
        terminal::print(|mut out| render::report(format, &report, look, &mut out))?;
    }
    Ok(exit)
}

/// The answer to a question from journals, each the folder or a file of one place.
pub(super) fn ask(question: Question, journals: &[PathBuf], filter: &Filter) -> Result<Report, Stop> {
    let to = question.to;
    let fold = Fold::new(question);
    let nothing = (fold.clone(), BTreeSet::new());
    let sift = |(fold, recorded): &mut (Fold, BTreeSet<Arc<str>>), line: &journal::Line| {
        filter.note(line, recorded);
        if filter.keeps(line) {
            add(fold, line);
        }
    };
    let ((fold, recorded), integrity) = read(&fold, journals, &nothing, sift, |(fold, recorded), (part, more)| {
        fold.merge(part);
        recorded.extend(more);
    })?;
    filter.check(&recorded)?;
    Ok(fold.finish(to.unwrap_or_else(probing::now), integrity))
}

/// Adds a line to a fold.
pub(super) fn add(fold: &mut Fold, line: &journal::Line) {
    match line {
        journal::Line::Window(window) => fold.window(window),
        journal::Line::Failure(outcome) => fold.failure(outcome),
        journal::Line::Gap(gap) => fold.gap(gap),
    }
}

/// Adds the lines that are of use to a fold to copies of `nothing`, one for each thread, and merges these.
pub(super) fn read<S: Clone + Send + Sync>(
    fold: &Fold,
    journals: &[PathBuf],
    nothing: &S,
    add: impl Fn(&mut S, &journal::Line) + Sync,
    merge: impl Fn(&mut S, S),
) -> Result<(S, Integrity), Stop> {
    let (from, to) = (fold.reads_from().unwrap_or(Timestamp::MIN), fold.reads_to().unwrap_or(Timestamp::MAX));
    let range = journal::Range { from, to };
    let trouble = |error: journal::JournalError| Stop::Trouble(error.to_string());
    let paths = journal::gather(journals, range, &setup::cache_place(), &setup::environment()).map_err(trouble)?;
    let (state, met) = journal::fold(&paths, range, || nothing.clone(), add, merge).map_err(trouble)?;
    Ok((state, integrity(journals.len(), &met)))
}

/// Which probes a report is about.
#[derive(Debug, Default)]
pub(super) struct Filter {
    surfaces: Vec<String>,
    /// The surfaces of the probe file.
    configured: BTreeSet<String>,
    /// The probes with a tag that was asked for, by name; absent where none was.
    probes: Option<BTreeSet<String>>,
}

impl Filter {
    /// What the options ask for. Tags stand in the probe file alone.
    fn new(args: &cli::Report, config: Option<&Config>) -> Result<Filter, Stop> {
        let surfaces = args.surfaces.clone();
        let configured = config.into_iter().flat_map(surfaces_of).collect();
        if args.tags.is_empty() {
            return Ok(Filter { surfaces, configured, probes: None });
        }
        let Some(config) = config else {
            return Err(Stop::Usage(
                "error: tags are in the probe file, and there is none: name it with --config".into(),
            ));
        };
        let tags = config.probes.iter().flat_map(|probe| probe.tags.iter().map(String::as_str));
        setup::known_or_stop("tag", &args.tags, tags)?;
        let is_tagged = |probe: &&Arc<Probe>| probe.tags.iter().any(|tag| args.tags.contains(tag));
        let probes = config.probes.iter().filter(is_tagged).map(|probe| probe.name.clone()).collect();
        Ok(Filter { surfaces, configured, probes: Some(probes) })
    }

    /// Notes a surface that stands in a journal, where surfaces are asked for.
    fn note(&self, line: &journal::Line, recorded: &mut BTreeSet<Arc<str>>) {
        if let journal::Line::Window(window) = line
            && !self.surfaces.is_empty()
            && !recorded.contains(&window.surface)
        {
            recorded.insert(Arc::clone(&window.surface));
        }
    }

    /// Each surface that is asked for must stand in the journals or in the probe file. Empty journals prove nothing.
    fn check(&self, recorded: &BTreeSet<Arc<str>>) -> Result<(), Stop> {
        if recorded.is_empty() && self.configured.is_empty() {
            return Ok(());
        }
        let known = recorded.iter().map(AsRef::as_ref).chain(self.configured.iter().map(String::as_str));
        setup::known_or_stop("surface", &self.surfaces, known)
    }

    /// Controls stay: without them nobody could tell whether we were the ones who were offline.
    fn keeps(&self, line: &journal::Line) -> bool {
        let (surface, probe, control) = match line {
            journal::Line::Window(window) => (&*window.surface, &*window.probe, window.control),
            journal::Line::Failure(outcome) => (&*outcome.surface, &*outcome.probe, outcome.control),
            journal::Line::Gap(_) => return true,
        };
        control
            || (self.surfaces.is_empty() || self.surfaces.iter().any(|asked| asked == surface))
                && self.probes.as_ref().is_none_or(|probes| probes.contains(probe))
    }
}

fn surfaces_of(config: &Config) -> impl Iterator<Item = String> {
    config.probes.iter().map(|probe| probe.surface.clone()).chain(config.surfaces.keys().cloned())
}

/// What the journals' reader counted, in the report's words.
fn integrity(journals: usize, read: &journal::Integrity) -> Integrity {
    Integrity {
        journals: journals as u64,
        lines: read.lines,
        corrupt_lines: read.corrupt_lines,
        newer_lines: read.newer_lines,
        torn_tails: read.torn_tails,
        ..Integrity::default()
    }
}

fn format(name: &str) -> Result<ReportFormat, String> {
    ReportFormat::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
        let names: Vec<&str> = ReportFormat::ALL.iter().map(|format| format.name()).collect();
        format!("there is no format {name:?}; there are: {}", names.join(", "))
    })
}

/// The configuration, which a report can do without where journals are named: it then knows no
/// labels, objectives and rules but the usual ones.
fn config(args: &cli::Report, terminal: &Terminal) -> Result<Option<Config>, Stop> {
    let here = std::env::current_dir().ok();
    let nearest = here.as_deref().and_then(crate::config::find);
    match args.config.clone().or(nearest) {
        Some(path) => setup::load(Some(&path), None, terminal).map(Some),
        None if args.journals.is_empty() => setup::load(None, None, terminal).map(Some),
        None => Ok(None),
    }
}

/// The journals asked for, each of which must be there: a slip of the pen is not an empty answer.
fn journals(args: &cli::Report, config: Option<&Config>) -> Result<Vec<PathBuf>, Stop> {
    if let Some(missing) = args.journals.iter().find(|journal| !journal::is_url(journal) && !journal.exists()) {
        return Err(Stop::Usage(format!("error: there is no journal {}", missing.display())));
    }
    if !args.journals.is_empty() {
        return Ok(args.journals.clone());
    }
    let usual = setup::journal_place(None, config.and_then(|config| config.path.as_deref()));
    if !usual.exists() {
        return Err(Stop::Usage(format!(
            "error: there is no journal {}; make one with `uptick watch` or `uptick check --record`, or name one",
            usual.display()
        )));
    }
    Ok(vec![usual])
}

fn question(args: &cli::Report, config: Option<&Config>, now: Timestamp) -> Result<Question, Stop> {
    let to = args.to.unwrap_or(now);
    let since = args.since.unwrap_or(SINCE);
    let from = args.from.or_else(|| to.checked_sub(since).ok()).unwrap_or(Timestamp::MIN);
    if from >= to {
        return Err(Stop::Usage("error: the report would end before it begins: --from must be before --to".to_owned()));
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
