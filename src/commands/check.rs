//! `uptick check`: passes over the probes, now.

use std::fs::File;
use std::io;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::check_report::CheckReport;
use crate::check_report::condition::Condition;
use crate::commands::input::selection;
use crate::commands::process::exit::{CliError, Exit, Signal};
use crate::commands::process::instance_lock::InstanceLock;
use crate::commands::process::outputs::Outputs;
use crate::commands::process::signals::Signals;
use crate::commands::process::terminal;
use crate::commands::process::terminal::Terminal;
use crate::commands::run::alert_worker::{Alerting, RunSnapshot};
use crate::commands::run::check_pipeline::CheckPipeline;
use crate::commands::run::diagnoser::{Diagnosing, LastGood};
use crate::commands::run::run_recorder::RunRecorder;
use crate::commands::run::{check_pipeline, exporters};
use crate::config::Config;
use crate::engine::Engine;
use crate::journal::Line;
use crate::model::{Outcome, Probe, Resolver, Verdict};
use crate::render::{CheckAnswer, CheckFormat, TerminalStyle};
use crate::runner::{Descriptors, Event, Limits};
use crate::window::{Collector, Window};
use crate::{alert, cli, journal, plan, progress, render, runner};

/// How far back `--baseline` looks.
const BASELINE_SPAN: Duration = Duration::from_hours(14 * 24);

/// Sets the run up, makes the passes, records and answers.
pub(super) fn run(args: &cli::CheckArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let (config, probes) = asked(args, terminal)?;
    let outputs = Outputs::open(&args.formats, args.output.as_deref(), CheckFormat::Human)?;
    let conditions = conditions(&args.fail_on)?;
    let earlier = args.baseline.as_deref().map(|journal| baseline(journal, &config)).transpose()?;
    let engine = engine(&config, &probes)?;
    let limits = Limits::clamp(config.settings.concurrency, Descriptors::raise(), &probes)
        .map_err(|error| CliError::Runtime(error.to_string()))?;
    limits.warning.iter().for_each(|warning| terminal.warn(warning));
    let runtime = runtime(probes.len()).map_err(|error| CliError::io("the runtime", &error))?;
    let place = selection::journal_place(args.journal.as_deref(), config.path.as_deref());
    let _place = args.single_instance.then(|| InstanceLock::take(&place)).transpose()?;
    let exporters = exporters::start(&args.export, &exporters::Run::Check, &config, &place)?;
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
    let recorder = RunRecorder::open(&config, &probes, args.record.then_some(place), Arc::clone(&exporters))
        .judged_by(conditions, earlier);
    let (recorder, signal, last_good) = runtime.block_on(passes.make(engine, recorder))?;
    // Whatever still runs in the background, such as a lookup, does not hold the exit up.
    runtime.shutdown_background();
    let (pass, is_recorded) = recorder.close(terminal);
    if let Some(folder) = &passes.memory {
        // Only the next run's extra checks know less where this fails.
        let _ = journal::keep_last_good(folder, passes.vantage, &last_good);
    }
    let nagios = outputs.stdout == Some(CheckFormat::Nagios);
    let answered = answer(&pass, outputs, terminal);
    exporters::finish(exporters, signal.is_some(), terminal);
    if let Some(mut alerting) = alerting.filter(|_| signal.is_none()) {
        let at = check_pipeline::now();
        let now = RunSnapshot {
            at,
            lines: Vec::new(),
            open: Collector::new(&config.settings.vantage, config.settings.window),
            heartbeat_due: true,
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
        None => exit(&pass).with_trouble(!is_recorded),
    })
}

/// A run that fails by what it was told to fail on is down; else its verdict decides, without the
/// failures that were to be let pass.
fn exit(pass: &CheckReport) -> Exit {
    match pass.verdict {
        _ if pass.fails() => Exit::Down,
        Verdict::Unknown | Verdict::Missed => Exit::Unknown,
        Verdict::Up | Verdict::Down => Exit::Up,
    }
}

/// The conditions, which are about what a run has: budgets are a report's.
fn conditions(asked: &[Condition]) -> Result<Vec<Condition>, CliError> {
    if asked.contains(&Condition::Slo) {
        let message = "error: --fail-on slo needs a journal: use `uptick report --fail-on slo` after `check --record`";
        return Err(CliError::Usage(message.to_owned()));
    }
    Ok(asked.to_vec())
}

/// What a journal has recorded of the last days from this vantage, to compare a run with.
fn baseline(journal: &Path, config: &Config) -> Result<Vec<Window>, CliError> {
    let to = check_pipeline::now();
    let from = to.checked_sub(BASELINE_SPAN).unwrap_or(Timestamp::MIN);
    let failed = |error: journal::JournalError| CliError::Runtime(error.to_string());
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
        return Err(CliError::Usage(format!("error: --baseline: {journal} has no window from vantage {vantage}")));
    }
    Ok(windows)
}

/// The root of the repository that a CI job works in, else where we are.
fn workspace() -> Option<PathBuf> {
    let here = || std::env::current_dir().ok();
    selection::env("GITHUB_WORKSPACE").map(PathBuf::from).or_else(here)
}

/// Writes the answer in every format asked for: the files first, so that a closed pipe costs none.
fn answer(pass: &CheckReport, outputs: Outputs<CheckFormat>, terminal: &Terminal) -> Result<(), CliError> {
    if let Some(path) = selection::env("GITHUB_STEP_SUMMARY").filter(|_| outputs.has(CheckFormat::Github)) {
        append_job_summary(pass, Path::new(&path))?;
    }
    let stdout = outputs.stdout;
    let workspace = workspace();
    let workspace = workspace.as_deref();
    outputs.write_files(|format, out| {
        format.write(&CheckAnswer { pass, style: TerminalStyle::default(), workspace }, out)
    })?;
    let silent = terminal.quiet && pass.verdict == Verdict::Up;
    match stdout {
        Some(format) if !silent && format != CheckFormat::Ndjson => {
            let look = terminal.answer;
            terminal::print(|out| format.write(&CheckAnswer { pass, style: look, workspace }, out)).map(drop)
        }
        _ => Ok(()),
    }
}

/// Adds to the page that GitHub shows with the job. Other steps write to it too, so it is appended.
fn append_job_summary(pass: &CheckReport, path: &Path) -> Result<(), CliError> {
    let mut summary = Vec::new();
    render::job_summary(pass, &mut summary)
        .and_then(|()| File::options().append(true).create(true).open(path)?.write_all(&summary))
        .map_err(|error| CliError::io("GITHUB_STEP_SUMMARY", &error))
}

/// The configuration and the probes that the command line asks for.
fn asked(args: &cli::CheckArgs, terminal: &Terminal) -> Result<(Config, Vec<Arc<Probe>>), CliError> {
    let common = &args.common;
    let is_url = |target: &&String| target.contains("://");
    let urls = args.targets.iter().filter(is_url).count();
    if urls == 0 {
        let config = selection::load(common.config.as_deref(), common.vantage.as_deref(), terminal)?;
        let probes = selection::select(&config, &args.targets, common)?;
        return Ok((config, probes));
    }
    if urls < args.targets.len() {
        let message = "error: give names of probes or URLs, not both";
        return Err(CliError::Usage(message.to_owned()));
    }
    let config = selection::from_urls(&args.targets, common.vantage.as_deref(), terminal)?;
    let probes = selection::select(&config, &[], common)?;
    Ok((config, probes))
}

/// The engine for these probes. What it cannot read is a matter of configuration.
pub(super) fn engine(config: &Config, probes: &[Arc<Probe>]) -> Result<Engine, CliError> {
    Engine::new(&config.settings.vantage, config.redactor.clone(), probes)
        .map_err(|error| CliError::Usage(format!("error: {error}")))
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
    args: &'r cli::CheckArgs,
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
    async fn make(
        &self,
        engine: Engine,
        recorder: RunRecorder,
    ) -> Result<(RunRecorder, Option<Signal>, LastGood), CliError> {
        let signals = Signals::listen().map_err(|error| CliError::io("signal handlers", &error))?;
        let settings = runner::Settings {
            started: tokio::time::Instant::now(),
            concurrency: self.concurrency,
            until: self.args.span,
            vantage: self.vantage.to_owned(),
            now: check_pipeline::now,
        };
        let count = self.count();
        let plan = plan::passes(self.probes.len(), count, self.args.every.unwrap_or_default());
        let planned = count.map(|passes| passes.saturating_mul(self.probes.len() as u64));
        let mut line = progress::Line::new(planned, self.terminal.progress);
        let mut stream = Stream { wanted: self.streams, gone: false };
        let mut recorder = recorder;
        let probing =
            CheckPipeline::new(engine, self.probes).diagnosing(self.diagnosing(), self.second_resolver, self.probes);
        let doctor = probing.clone();
        let monitor = tokio::spawn(probing.monitor());
        let check = move |check| probing.clone().check(check);
        runner::run(self.probes, plan, settings, check, signals.first(), |event| match event {
            Event::Ended(outcome) => {
                line.record(&outcome);
                stream.write(&outcome);
                recorder.record(*outcome);
            }
            Event::Missed { probe, scheduled_at } => recorder.missed(&self.probes[probe], scheduled_at),
            Event::Gap(gap) => recorder.gap(gap),
        })
        .await;
        monitor.abort();
        line.finish();
        Ok((recorder, signals.came(), doctor.last_good()))
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
    /// Writes an outcome. Where the reader has gone, the checks go on: they may be earlier.
    fn write(&mut self, outcome: &Outcome) {
        if self.wanted && !self.gone {
            let mut out = io::stdout().lock();
            self.gone = render::outcome_line(outcome, &mut out).and_then(|()| out.flush()).is_err();
        }
    }
}
