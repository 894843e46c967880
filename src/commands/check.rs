//! `uptick check`: one or more passes over the probes, starting now.

mod job_summary;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use tokio::runtime::Runtime;

use crate::check_report::CheckReport;
use crate::check_report::condition::Condition;
use crate::commands::input::selection::ValuesUsed;
use crate::commands::input::{baseline, exec_permission, locations, saving, selection};
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::instance_lock::InstanceLock;
use crate::commands::process::outputs::Outputs;
use crate::commands::process::signals::Signals;
use crate::commands::process::terminal::Terminal;
use crate::commands::process::{runtime, terminal};
use crate::commands::run::alert_queue::AlertTiming;
use crate::commands::run::alert_worker::AlertWorker;
use crate::commands::run::answer_stream::{AnswerStream, PassLines, StreamContent};
use crate::commands::run::check_pipeline::CheckPipeline;
use crate::commands::run::check_progress::CheckProgress;
use crate::commands::run::diagnoser::{Diagnosing, LastGood};
use crate::commands::run::events::EventDispatcher;
use crate::commands::run::kept_sums::TextfileCounters;
use crate::commands::run::run_outputs::RunOutputs;
use crate::commands::run::{check_pipeline, exporters, run_outputs, wait};
use crate::config::Config;
use crate::engine::Engine;
use crate::model::{ExchangeDetail, Probe, Verdict};
use crate::render::{CheckAnswer, CheckFormat, TerminalStyle};
use crate::runner::{Descriptors, Limits};
use crate::{cli, journal, plan, render, runner};

use job_summary::JobSummary;

/// The most probes whose whole responses are printed: each response may be as long as the body
/// limit of its probe.
const BODIES_SHOWN: usize = 20;

/// Prepares the run, makes the passes, and prints the answer.
pub(super) fn run(args: &cli::CheckArgs, terminal: &Terminal, signals: &Signals) -> Result<Exit, CliError> {
    let prepared = prepare(args, terminal)?;
    let passed = prepared.make_passes(signals);
    Ok(passed.conclude(signals))
}

/// Everything that a run needs, made before the first check.
struct Prepared<'a> {
    args: &'a cli::CheckArgs,
    terminal: &'a Terminal,
    config: Config,
    probes: Vec<Arc<Probe>>,
    outputs: Outputs<CheckFormat>,
    job_summary: Option<JobSummary>,
    engine: Engine,
    concurrency: usize,
    runtime: Runtime,
    /// The folder on this machine that belongs to the journal.
    folder: PathBuf,
    lock: Option<InstanceLock>,
    events: EventDispatcher<Consumers>,
    counters: Option<TextfileCounters>,
}

/// The consumers of the events of a check run.
type Consumers = (RunOutputs, (Option<AnswerStream>, CheckProgress));

fn prepare<'a>(args: &'a cli::CheckArgs, terminal: &'a Terminal) -> Result<Prepared<'a>, CliError> {
    let mut common = args.common.clone();
    // `--save` may create the file, so a file that does not exist yet is not read.
    common.config = common.config.filter(|path| args.save.is_none() || path.exists());
    let used = if args.record { ValuesUsed::ChecksAndAlerts } else { ValuesUsed::Checks };
    let (config, mut probes) = selection::load_selection(&args.targets, &common, &args.request, used, terminal)?;
    let saved = args.save.as_ref().map(|name| saving::named(&mut probes, name)).transpose()?;
    exec_permission::require(&config, args.alert.allow_exec)?;
    let outputs = Outputs::open(&args.formats, args.output.as_deref(), CheckFormat::Human)?;
    let job_summary = JobSummary::open(&outputs)?;
    let conditions = conditions(&args.fail_on)?;
    let earlier = args.baseline.as_deref().map(|journal| baseline::windows(journal, &config, terminal)).transpose()?;
    let engine = check_pipeline::engine(&config, &probes, detail(args, &probes)?)?;
    engine.warning().into_iter().for_each(|warning| terminal.warn(warning));
    let limits = Limits::clamp(config.settings.concurrency, Descriptors::raise(), &probes)
        .map_err(|error| CliError::Runtime(error.to_string()))?;
    limits.warning.iter().for_each(|warning| terminal.warn(warning));
    let runtime = runtime::for_probes(&probes, limits.concurrency)?;
    let journal = locations::journal_location(args.journal.as_deref(), config.path.as_deref());
    let folder = locations::local_folder(&journal, config.path.as_deref());
    let lock = args.single_instance.then(|| InstanceLock::take(&folder)).transpose()?;
    let exporters = exporters::start(&args.export, &exporters::RunKind::Check, &config, &folder)?;
    exporters.set_probes(&probes);
    let counts = args.record && outputs.has(CheckFormat::Prometheus);
    let counters = counts.then(|| TextfileCounters::open(&folder, &config, &probes));
    let alerts = alerts(args, &config, &journal, &folder, terminal)?;
    let mut document = run_outputs::document(&config, &probes).judged_by(conditions);
    if let Some(earlier) = earlier {
        document = document.compared_with(earlier);
    }
    let recorded = args.record.then_some(journal);
    locations::warn_of_store(recorded.as_deref(), terminal);
    let mut consumers = RunOutputs::start(&config, document, recorded, exporters, alerts)?;
    consumers.record_shard(&config.settings, &probes);
    let stream = stream(args, outputs.stdout, probes.len(), terminal)?;
    let planned = passes(args).map(|passes| passes.saturating_mul(probes.len() as u64));
    let prints_passes = stream.as_ref().is_some_and(AnswerStream::is_before_answer);
    let progress = CheckProgress::new(planned, prints_passes, terminal);
    let (vantage, span) = (&config.settings.vantage, config.settings.window);
    let events = EventDispatcher::new(vantage, span, (consumers, (stream, progress)));
    if let Some(saved) = saved {
        // Last: a command that cannot run changes no file.
        saving::save(&config, &saved, args.common.config.as_deref(), terminal)?;
    }
    let concurrency = limits.concurrency;
    Ok(Prepared {
        args,
        terminal,
        config,
        probes,
        outputs,
        job_summary,
        engine,
        concurrency,
        runtime,
        folder,
        lock,
        events,
        counters,
    })
}

/// Starts the worker that sends alerts and heartbeats. `None` if nothing is configured that it
/// would send.
/// A run without `--record` sends heartbeats, but no alerts, and writes nothing to a journal.
fn alerts(
    args: &cli::CheckArgs,
    config: &Config,
    journal: &Path,
    folder: &Path,
    terminal: &Terminal,
) -> Result<Option<AlertWorker>, CliError> {
    let heartbeat_alone = |config: &Config| Config { alerts: Vec::new(), ..config.clone() };
    let started = if args.record {
        AlertWorker::start(config, journal, folder, true, AlertTiming::AtEnd)
    } else {
        if terminal.verbose > 0 && !config.alerts.is_empty() {
            terminal.note("nobody is notified: alerts need recorded results, with --record");
        }
        AlertWorker::start(&heartbeat_alone(config), journal, folder, false, AlertTiming::AtEnd)
    };
    started.map_err(|error| CliError::io("the alerts' thread", &error))
}

/// What is written to standard output while checks run: each outcome (`ndjson`), or a line per pass
/// (`human` with `--every`). `None` in all other cases.
fn stream(
    args: &cli::CheckArgs,
    stdout: Option<CheckFormat>,
    probes: usize,
    terminal: &Terminal,
) -> Result<Option<AnswerStream>, CliError> {
    let content = match stdout {
        Some(CheckFormat::Ndjson) if terminal.quiet => StreamContent::Problems,
        Some(CheckFormat::Ndjson) => StreamContent::Outcomes,
        Some(CheckFormat::Human) if args.interval().is_some() && !terminal.quiet => {
            StreamContent::Passes(PassLines::new(terminal.answer, probes))
        }
        _ => return Ok(None),
    };
    if let Some(every) = args.interval()
        && args.count.is_none()
        && args.span.is_none()
    {
        let every = crate::format::duration(every);
        terminal
            .note(&format!("a pass every {every} until Ctrl-C, then a summary; --count or --for ends it by itself"));
    }
    let stream = AnswerStream::start(content, io::stdout());
    stream.map(Some).map_err(|error| CliError::io("standard output's thread", &error))
}

impl<'a> Prepared<'a> {
    fn make_passes(self, signals: &Signals) -> Passed<'a> {
        let Prepared {
            args,
            terminal,
            config,
            probes,
            outputs,
            job_summary,
            engine,
            concurrency,
            runtime,
            folder,
            lock,
            mut events,
            counters,
        } = self;
        let plan = plan::passes(probes.len(), passes(args), args.interval().unwrap_or_default());
        // A recorded run saves each probe's last good address for the next run.
        let memory = (args.diagnose && args.record).then_some(folder);
        let diagnosing = diagnosing(args, memory.as_deref(), &config.settings.vantage);
        let pipeline =
            CheckPipeline::new(engine, &probes).diagnosing(diagnosing, config.settings.second_resolver, &probes);
        let diagnoser = pipeline.clone();
        signals.checks_start();
        runtime.block_on(async {
            let settings = runner::Settings {
                started: tokio::time::Instant::now(),
                concurrency,
                until: args.span,
                vantage: config.settings.vantage.clone(),
                now: Timestamp::now as fn() -> Timestamp,
                has_room: events.consumers.0.admission(),
            };
            let monitor = tokio::spawn(pipeline.monitor());
            if let Some(wait) = args.wait {
                wait::until_up(&probes, wait, args.every, &settings, &pipeline, signals, terminal).await;
            }
            let settings = runner::Settings { started: tokio::time::Instant::now(), ..settings };
            let check = move |check| pipeline.clone().check(check);
            let on_event = |event| events.on_event(&probes, event);
            runner::run(&probes, plan, settings, check, signals.first(), on_event).await;
            monitor.abort();
        });
        signals.checks_ended();
        let last_good = memory.map(|folder| (folder, diagnoser.last_good()));
        Passed {
            terminal,
            config,
            outputs,
            job_summary,
            runtime,
            lock,
            consumers: events.finish(),
            last_good,
            counters,
        }
    }
}

/// A run whose checks have ended.
struct Passed<'a> {
    terminal: &'a Terminal,
    config: Config,
    outputs: Outputs<CheckFormat>,
    job_summary: Option<JobSummary>,
    runtime: Runtime,
    lock: Option<InstanceLock>,
    consumers: Consumers,
    last_good: Option<(PathBuf, LastGood)>,
    counters: Option<TextfileCounters>,
}

impl Passed<'_> {
    /// Ends the recording, prints the answer, and lets exporters and alerts send what is left.
    fn conclude(self, signals: &Signals) -> Exit {
        let Passed { terminal, config, outputs, job_summary, runtime, lock, consumers, last_good, counters } = self;
        let (run, (stream, progress)) = consumers;
        progress.finish();
        let (pass, is_recorded, senders) = runtime.block_on(run.finish(signals, terminal));
        let mut pass = pass.document();
        if let Some(counters) = counters {
            counters.add_run(&mut pass).iter().for_each(|why| terminal.warn(why));
        }
        if let Some((folder, last_good)) = last_good {
            // If this fails, only the extra checks of the next run have less to compare with.
            let _ = journal::keep_last_good(&folder, &config.settings.vantage, &last_good);
        }
        let nagios = outputs.stdout == Some(CheckFormat::Nagios);
        let (before, after) = match stream {
            Some(stream) if stream.is_before_answer() => (Some(stream), None),
            other => (None, other),
        };
        let finish = |stream: AnswerStream| runtime.block_on(stream.finish(signals, terminal));
        let before = before.map(finish);
        let answered = answer(&pass, outputs, job_summary, is_recorded, terminal);
        let unwritten = before.or_else(|| after.map(finish)).and_then(|unwritten| unwritten.message());
        if let Some(message) = &unwritten {
            terminal.say(terminal::MessageLevel::Error, message);
        }
        runtime.block_on(senders.finish(signals, None, terminal));
        // Background work, such as a name lookup, does not delay the exit.
        runtime.shutdown_background();
        drop(lock);
        let is_answered = terminal.tell(answered);
        match signals.came() {
            Some(_) if nagios => Exit::Nagios(render::nagios_exit_status(&pass)).interrupted(),
            Some(signal) => Exit::Signal(signal),
            None => {
                let exit = if nagios { Exit::Nagios(render::nagios_exit_status(&pass)) } else { exit(&pass) };
                exit.with_trouble(!is_recorded || !is_answered || unwritten.is_some())
            }
        }
    }
}

/// The exit status: "down" if a condition of `--fail-on` is met. Otherwise the verdict decides;
/// failures that the conditions tolerate do not count.
fn exit(pass: &CheckReport) -> Exit {
    match pass.verdict {
        _ if pass.fails() => Exit::Down,
        // A shard may own no probe; then it has nothing to judge.
        _ if pass.probes.iter().all(|probe| probe.control) => Exit::Up,
        Verdict::Unknown | Verdict::Missed => Exit::Unknown,
        Verdict::Up | Verdict::Down => Exit::Up,
    }
}

/// The conditions of `--fail-on`. `slo` is an error: a single run has no error budget.
fn conditions(asked: &[Condition]) -> Result<Vec<Condition>, CliError> {
    if asked.contains(&Condition::Slo) {
        let message = "--fail-on slo needs a journal: use `uptick report --fail-on slo` after `check --record`";
        return Err(CliError::usage(message));
    }
    Ok(asked.to_vec())
}

/// The root of the repository that a CI job works in, otherwise the current folder. Links are
/// resolved, as in the paths of probe files. `None` if the folder is not accessible.
fn workspace() -> Option<PathBuf> {
    match locations::env("GITHUB_WORKSPACE").filter(|root| !root.is_empty()) {
        Some(root) => PathBuf::from(root).canonicalize().ok(),
        None => std::env::current_dir().ok(),
    }
}

/// Writes the answer in every format asked for: the files first, so that a closed pipe on standard
/// output costs none of them.
fn answer(
    pass: &CheckReport,
    outputs: Outputs<CheckFormat>,
    job_summary: Option<JobSummary>,
    is_recorded: bool,
    terminal: &Terminal,
) -> Result<(), CliError> {
    let summed_up = job_summary.map_or(Ok(()), |page| page.append(pass));
    let stdout = outputs.stdout;
    let workspace = workspace();
    let workspace = workspace.as_deref();
    let filed = outputs.write_files(|format, out| {
        format.write(&CheckAnswer { pass, style: TerminalStyle::default(), workspace }, out)
    });
    let silent = terminal.quiet && exit(pass) == Exit::Up;
    let is_met = terminal.quiet && pass.verdict == Verdict::Up && pass.fails();
    let printed = match stdout {
        // All probes are up, but the run fails by a condition: print one line that says why.
        Some(CheckFormat::Human) if is_met => terminal::print(|out| render::failing_line(pass, out)),
        // The first line of a plugin has the status that it ends with.
        Some(CheckFormat::Nagios) if !is_recorded && render::nagios_exit_status(pass) < 2 => {
            let line = render::nagios_unknown("the results are not in the journal; stderr says why");
            terminal::print(|out| writeln!(out, "{line}"))
        }
        Some(format) if !silent && format != CheckFormat::Ndjson => {
            let style = terminal.current_answer();
            terminal::print(|out| format.write(&CheckAnswer { pass, style, workspace }, out))
        }
        _ => Ok(Exit::Up),
    };
    // Each output was written, whichever failed.
    summed_up.and(filed).and(printed.map(drop))
}

/// How much of each request is kept: as much as the output shows.
fn detail(args: &cli::CheckArgs, probes: &[Arc<Probe>]) -> Result<ExchangeDetail, CliError> {
    let (verbose, body) = (args.common.output_args.verbose, args.include || args.body);
    if body && probes.len() > BODIES_SHOWN {
        let (asked, most) = (probes.len(), BODIES_SHOWN);
        let message = format!("--include and --body show at most {most} answers, not {asked}: name the probes");
        return Err(CliError::Usage(message));
    }
    Ok(ExchangeDetail { exchanges: verbose > 0 || body, headers: verbose > 1 || args.include, body })
}

/// The number of passes. By default one; `None` (unlimited) if only an interval or `--for` bounds
/// them.
fn passes(args: &cli::CheckArgs) -> Option<u64> {
    let endless = args.span.is_some() || args.interval().is_some();
    args.count.or(if endless { None } else { Some(1) })
}

fn diagnosing(args: &cli::CheckArgs, memory: Option<&Path>, vantage: &str) -> Diagnosing {
    if !args.diagnose {
        return Diagnosing::No;
    }
    Diagnosing::Waiting(memory.map(|folder| journal::last_good(folder, vantage)).unwrap_or_default())
}
