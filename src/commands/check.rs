//! `uptick check`: passes over the probes, now.

use std::fs::File;
use std::io;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::alerting::{Alerting, Now};
use super::books::Books;
use super::doctor::{Diagnosing, LastGood};
use super::exit::{Exit, Signal, Stop};
use super::outputs::Outputs;
use super::probing::Probing;
use super::signals::Signals;
use super::single::SingleInstance;
use super::terminal::Terminal;
use super::{exporting, probing, setup, terminal};
use crate::config::Config;
use crate::engine::Engine;
use crate::journal::Line;
use crate::model::{Outcome, Probe, Resolver, Verdict};
use crate::render::{CheckFormat, Look};
use crate::report::condition::Condition;
use crate::report::pass::Pass;
use crate::runner::{Event, Limits};
use crate::window::{Collector, Window};
use crate::{alert, cli, journal, plan, progress, render, runner};

/// How far back `--baseline` looks.
const BASELINE_SPAN: Duration = Duration::from_hours(14 * 24);

/// Sets the run up, makes the passes, records and answers.
pub(super) fn run(args: &cli::Check, terminal: &Terminal) -> Result<Exit, Stop> {
    let (config, probes) = asked(args, terminal)?;
    let outputs = Outputs::open(&args.formats, args.output.as_deref(), CheckFormat::Human, format)?;
    let conditions = conditions(&args.fail_on)?;
    let recorded = args.baseline.as_deref().map(|journal| baseline(journal, &config)).transpose()?;
    let engine = engine(&config, &probes)?;
    let limits = Limits::clamp(config.settings.concurrency, runner::raise_file_limit())
        .map_err(|error| Stop::Trouble(error.to_string()))?;
    limits.warning.iter().for_each(|warning| terminal.warn(warning));
    let runtime = runtime(probes.len()).map_err(|error| Stop::io("the runtime", &error))?;
    let place = setup::journal_place(args.journal.as_deref(), config.path.as_deref());
    let _place = args.single_instance.then(|| SingleInstance::take(&place)).transpose()?;
    let exporters = exporting::start(&args.export, &exporting::Run::Check, &config, &place)?;
    let passes = Passes {
        args,
        probes: &probes,
        vantage: &config.settings.vantage,
        concurrency: limits.concurrency,
        terminal,
        streams: outputs.stdout == Some(CheckFormat::Ndjson),
        second_resolver: config.settings.second_resolver,
        memory: (args.diagnose && args.record).then(|| place.clone()),
    };
    let alerting = Alerting::of(&config, &place, args.record);
    if alerting.is_some() && !args.record && !config.alerts.is_empty() {
        terminal.warn("alerts are told from the journal: without --record there is nothing new in it");
    }
    let books = Books::open(&config, &probes, args.record.then_some(place), Arc::clone(&exporters))
        .judged_by(conditions, recorded);
    let (books, signal, last_good) = runtime.block_on(passes.make(engine, books))?;
    // Whatever still runs in the background, such as a lookup, does not hold the exit up.
    runtime.shutdown_background();
    let (pass, recorded) = books.close(terminal);
    if let Some(folder) = &passes.memory {
        // Only the next run's extra checks know less where this fails.
        let _ = journal::keep_last_good(folder, passes.vantage, &last_good);
    }
    let nagios = outputs.stdout == Some(CheckFormat::Nagios);
    let answered = answer(&pass, outputs, config.path.as_deref(), terminal);
    exporting::finish(exporters, signal.is_some(), terminal);
    if let Some(mut alerting) = alerting.filter(|_| signal.is_none()) {
        let at = probing::now();
        let now = Now {
            at,
            lines: Vec::new(),
            open: Collector::new(&config.settings.vantage, config.settings.window),
            beats: true,
            expiring: alert::expiring(&pass.outcomes, at),
            verdict: pass.verdict,
        };
        for warning in alerting.speak(now) {
            terminal.warn(&warning);
        }
    }
    answered?;
    Ok(match signal {
        Some(signal) => Exit::Signal(signal),
        None if nagios => Exit::Nagios(render::nagios_exit_status(&pass)),
        None => exit(&pass).with_trouble(!recorded),
    })
}

/// A run that fails by what it was told to fail on is down; else its verdict decides, without the
/// failures that were to be let pass.
fn exit(pass: &Pass) -> Exit {
    match pass.verdict {
        _ if pass.fails() => Exit::Down,
        Verdict::Unknown | Verdict::Missed => Exit::Unknown,
        Verdict::Up | Verdict::Down => Exit::Up,
    }
}

fn conditions(texts: &[String]) -> Result<Vec<Condition>, Stop> {
    texts.iter().map(|text| text.parse().map_err(|error| Stop::Usage(format!("error: --fail-on: {error}")))).collect()
}

/// What a journal has recorded of the last days from this vantage, to compare a run with.
fn baseline(journal: &Path, config: &Config) -> Result<Vec<Window>, Stop> {
    let to = probing::now();
    let from = to.checked_sub(BASELINE_SPAN).unwrap_or(Timestamp::MIN);
    let failed = |error: journal::JournalError| Stop::Trouble(error.to_string());
    let lines = journal::read(&[journal.to_path_buf()], journal::Range { from, to }).map_err(failed)?;
    let mut windows = Vec::new();
    for line in lines {
        if let Line::Window(window) = line.map_err(failed)?
            && *window.vantage == *config.settings.vantage
        {
            windows.push(*window);
        }
    }
    if windows.is_empty() {
        let (vantage, journal) = (&config.settings.vantage, journal.display());
        return Err(Stop::Usage(format!("error: --baseline: {journal} has no window from vantage {vantage}")));
    }
    Ok(windows)
}

/// Writes the answer in every format asked for: the files first, so that a closed pipe costs none.
fn answer(pass: &Pass, outputs: Outputs<CheckFormat>, config: Option<&Path>, terminal: &Terminal) -> Result<(), Stop> {
    if let Some(path) = setup::env("GITHUB_STEP_SUMMARY").filter(|_| outputs.has(CheckFormat::Github)) {
        append_job_summary(pass, Path::new(&path))?;
    }
    let stdout = outputs.stdout;
    outputs.write_files(|format, mut out| render::outcomes(format, pass, Look::default(), config, &mut out))?;
    let silent = terminal.quiet && pass.verdict == Verdict::Up;
    match stdout {
        Some(format) if !silent && format != CheckFormat::Ndjson => {
            let look = terminal.answer;
            terminal::print(|mut out| render::outcomes(format, pass, look, config, &mut out)).map(drop)
        }
        _ => Ok(()),
    }
}

/// Adds to the page that GitHub shows with the job. Other steps write to it too, so it is appended.
fn append_job_summary(pass: &Pass, path: &Path) -> Result<(), Stop> {
    let mut summary = Vec::new();
    render::job_summary(pass, &mut summary)
        .and_then(|()| File::options().append(true).create(true).open(path)?.write_all(&summary))
        .map_err(|error| Stop::io("GITHUB_STEP_SUMMARY", &error))
}

/// The configuration and the probes that the command line asks for.
fn asked(args: &cli::Check, terminal: &Terminal) -> Result<(Config, Vec<Arc<Probe>>), Stop> {
    let common = &args.common;
    let is_url = |target: &&String| target.contains("://");
    let urls = args.targets.iter().filter(is_url).count();
    if urls == 0 {
        let config = setup::load(common.config.as_deref(), common.vantage.as_deref(), terminal)?;
        let probes = setup::select(&config, &args.targets, common)?;
        return Ok((config, probes));
    }
    if urls < args.targets.len() {
        let message = "error: give names of probes or URLs, not both";
        return Err(Stop::Usage(message.to_owned()));
    }
    let config = setup::from_urls(&args.targets, common.vantage.as_deref(), terminal)?;
    let probes = setup::select(&config, &[], common)?;
    Ok((config, probes))
}

/// The engine for these probes. What it cannot read is a matter of configuration.
pub(super) fn engine(config: &Config, probes: &[Arc<Probe>]) -> Result<Engine, Stop> {
    Engine::new(&config.settings.vantage, config.redactor.clone(), probes)
        .map_err(|error| Stop::Usage(format!("error: {error}")))
}

fn format(name: &str) -> Result<CheckFormat, String> {
    CheckFormat::ALL.into_iter().find(|format| format.name() == name).ok_or_else(|| {
        let names: Vec<&str> = CheckFormat::ALL.iter().map(|format| format.name()).collect();
        format!("there is no format {name:?}; there are: {}", names.join(", "))
    })
}

/// Few probes need no second thread, and not starting one is most of what a short run can save.
fn runtime(probes: usize) -> io::Result<tokio::runtime::Runtime> {
    const FEW: usize = 4;
    let mut builder = if probes <= FEW {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder.enable_all().build()
}

struct Passes<'r> {
    args: &'r cli::Check,
    probes: &'r [Arc<Probe>],
    vantage: &'r str,
    concurrency: usize,
    terminal: &'r Terminal,
    streams: bool,
    second_resolver: Option<Resolver>,
    /// Where runs tell each other which addresses answered last.
    memory: Option<PathBuf>,
}

impl Passes<'_> {
    async fn make(&self, engine: Engine, books: Books) -> Result<(Books, Option<Signal>, LastGood), Stop> {
        let signals = Signals::listen().map_err(|error| Stop::io("signal handlers", &error))?;
        let settings = runner::Settings {
            started: tokio::time::Instant::now(),
            concurrency: self.concurrency,
            until: self.args.span,
            vantage: self.vantage.to_owned(),
            now: probing::now,
        };
        let count = self.count();
        let plan = plan::passes(self.probes.len(), count, self.args.every.unwrap_or_default());
        let planned = count.map(|passes| passes.saturating_mul(self.probes.len() as u64));
        let mut line = progress::Line::new(planned, self.terminal.progress);
        let mut stream = Stream { wanted: self.streams, gone: false };
        let mut books = books;
        let probing =
            Probing::new(engine, self.probes).diagnosing(self.diagnosing(), self.second_resolver, self.probes);
        let doctor = probing.clone();
        let monitor = tokio::spawn(probing.monitor());
        let check = move |check| probing.clone().check(check);
        runner::run(self.probes, plan, settings, check, signals.first(), |event| match event {
            Event::Ended(outcome) => {
                line.record(&outcome);
                stream.write(&outcome);
                books.record(*outcome);
            }
            Event::Missed { probe, scheduled_at } => books.missed(&self.probes[probe], scheduled_at),
            Event::Gap(gap) => books.gap(gap),
        })
        .await;
        monitor.abort();
        line.finish();
        Ok((books, signals.came(), doctor.last_good()))
    }

    fn diagnosing(&self) -> Diagnosing {
        if !self.args.diagnose {
            return Diagnosing::No;
        }
        let memory = self.memory.as_deref();
        Diagnosing::Waiting(memory.map(|folder| journal::last_good(folder, self.vantage)).unwrap_or_default())
    }

    /// The passes to make: one, unless something else is said; without end, where only time bounds them.
    fn count(&self) -> Option<u64> {
        let endless = self.args.span.is_some() || self.args.every.is_some();
        self.args.count.or(if endless { None } else { Some(1) })
    }
}

/// The outcomes as they end, for `--format ndjson`.
struct Stream {
    wanted: bool,
    gone: bool,
}

impl Stream {
    /// Writes an outcome. Where the reader has gone, the checks go on: they may be recorded.
    fn write(&mut self, outcome: &Outcome) {
        if self.wanted && !self.gone {
            let mut out = io::stdout().lock();
            self.gone = render::outcome_line(outcome, &mut out).and_then(|()| out.flush()).is_err();
        }
    }
}
