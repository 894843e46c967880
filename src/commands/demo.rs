//! `uptick demo`: plays an outage on this machine, probes it for real, and reports.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::commands::input::journal_query;
use crate::commands::process::exit::{CliError, Exit, Signal};
use crate::commands::process::signals::Signals;
use crate::commands::process::terminal;
use crate::commands::process::terminal::{MessageLevel, Terminal};
use crate::commands::run::check_pipeline;
use crate::commands::run::check_pipeline::CheckPipeline;
use crate::commands::run::run_recorder::RunRecorder;
use crate::config::{Config, Settings};
use crate::demo::{Origin, Playback, Scenario, VantageView};
use crate::engine::Engine;
use crate::model::{IncidentRules, Probe, Redactor};
use crate::render::{ReportAnswer, ReportFormat, TerminalStyle};
use crate::report::Question;
use crate::runner::Event;
use crate::{cli, demo, plan, progress, runner};

/// The span of one window: a story is compressed, and so are they.
const WINDOW: Duration = Duration::from_secs(1);
/// How the demo is played and probed: a check often enough that the shortest pause between two
/// waves, half an hour of the story, holds the three good checks that end a stretch; and a check
/// that hangs ends so early that the next one begins on time.
const PLAYBACK: Playback = Playback {
    run: Duration::from_secs(22),
    interval: Duration::from_millis(200),
    timeout: Duration::from_millis(150),
};
/// Stretches this near to each other, in the story, are waves of one incident. Longer than the
/// default: on 10 March 2025 more than three hours lay between the first wave and the second.
const JOIN_WITHIN: Duration = Duration::from_hours(4);
/// Checks at once from one vantage: the demo has a few probes.
const CONCURRENCY: usize = 64;

/// Plays the scenario, watches it from every vantage, then answers from the journals.
pub(super) fn run(args: &cli::DemoArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    if args.scenario == "list" {
        return list();
    }
    let scenario = scenario(&args.scenario)?;
    let folders = Folders::new(args.keep.as_deref())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::io("the runtime", &error))?;
    let playback = PLAYBACK;
    if !terminal.quiet {
        let seconds = playback.run.as_secs();
        terminal.say(MessageLevel::Note, &format!("{} ({seconds} s, on this machine alone)", scenario.summary));
    }
    let began = Timestamp::now();
    let played = runtime.block_on(play(&scenario, playback, &folders, terminal));
    runtime.shutdown_background();
    let signal = played?;
    answer(&scenario, playback, began, &folders, terminal)?;
    Ok(signal.map_or(Exit::Up, Exit::Signal))
}

fn list() -> Result<Exit, CliError> {
    terminal::print(|out| {
        demo::names()
            .filter_map(demo::by_name)
            .try_for_each(|scenario| writeln!(out, "{:24} {}", scenario.name, scenario.summary))
    })
}

fn scenario(name: &str) -> Result<Scenario, CliError> {
    demo::by_name(name).ok_or_else(|| {
        let names: Vec<&str> = demo::names().collect();
        CliError::Usage(format!("error: there is no scenario {name:?}; there are: {}", names.join(", ")))
    })
}

/// Where the journals and the report go: a folder of the user, or one that is gone with the demo's
/// journals, while the page stays for the reader.
struct Folders {
    folder: PathBuf,
    page: PathBuf,
    temporary: Option<tempfile::TempDir>,
}

impl Folders {
    fn new(keep: Option<&Path>) -> Result<Folders, CliError> {
        let failed = |error: &std::io::Error| CliError::io("a folder for the demo's journals", error);
        if let Some(folder) = keep {
            std::fs::create_dir_all(folder).map_err(|error| failed(&error))?;
            let page = folder.join("uptick-demo.html");
            return Ok(Folders { folder: folder.to_path_buf(), page, temporary: None });
        }
        let temporary = tempfile::tempdir().map_err(|error| failed(&error))?;
        let page = std::env::temp_dir().join("uptick-demo.html");
        Ok(Folders { folder: temporary.path().to_path_buf(), page, temporary: Some(temporary) })
    }

    fn journal(&self, vantage: &str) -> PathBuf {
        self.folder.join(vantage)
    }
}

/// Starts the origin and watches it from every vantage at once.
async fn play(
    scenario: &Scenario,
    playback: Playback,
    folders: &Folders,
    terminal: &Terminal,
) -> Result<Option<Signal>, CliError> {
    let signals = Signals::listen().map_err(|error| CliError::io("signal handlers", &error))?;
    let origin = Origin::start(scenario, playback).await.map_err(|error| CliError::Runtime(error.to_string()))?;
    let checks: u32 = origin.views.iter().flat_map(|view| &view.probes).map(|probe| per_run(probe, playback)).sum();
    let line = Arc::new(Mutex::new(progress::Line::new(Some(u64::from(checks)), terminal.progress)));
    let mut watches = JoinSet::new();
    for view in &origin.views {
        let watch = Watch::new(view, playback, folders, Arc::clone(&line))?;
        watches.spawn(watch.run(signals.first()));
    }
    for (recorder, whole) in watches.join_all().await.into_iter().map(|recorder| recorder.close(terminal)) {
        drop(recorder);
        if !whole {
            return Err(CliError::Runtime("the demo's journal could not be written".to_owned()));
        }
    }
    if let Some(line) = Arc::into_inner(line) {
        line.into_inner().unwrap_or_else(PoisonError::into_inner).finish();
    }
    Ok(signals.came())
}

/// How often a probe is due in a run.
fn per_run(probe: &Probe, playback: Playback) -> u32 {
    let interval = probe.schedule.shortest();
    let first = plan::spread(&probe.name, interval);
    let times = playback.run.saturating_sub(first).as_nanos().div_ceil(interval.as_nanos().max(1));
    u32::try_from(times).unwrap_or(u32::MAX)
}

/// The watch from one vantage.
struct Watch {
    recorder: RunRecorder,
    engine: Engine,
    probes: Vec<Arc<Probe>>,
    vantage: String,
    playback: Playback,
    line: Arc<Mutex<progress::Line>>,
}

impl Watch {
    fn new(
        view: &VantageView,
        playback: Playback,
        folders: &Folders,
        line: Arc<Mutex<progress::Line>>,
    ) -> Result<Watch, CliError> {
        let settings =
            Settings { vantage: view.vantage.clone(), concurrency: CONCURRENCY, window: WINDOW, ..Settings::default() };
        let config = Config::of(settings, view.probes.clone());
        let engine = Engine::new(&view.vantage, Redactor::default(), &view.probes)
            .map_err(|error| CliError::Runtime(error.to_string()))?;
        let recorder = RunRecorder::open(&config, &view.probes, Some(folders.journal(&view.vantage)), Arc::default());
        Ok(Watch { recorder, engine, probes: view.probes.clone(), vantage: view.vantage.clone(), playback, line })
    }

    async fn run(self, stop: impl Future<Output = Duration> + Send) -> RunRecorder {
        let Watch { mut recorder, engine, probes, vantage, playback, line } = self;
        let settings = runner::Settings {
            started: Instant::now(),
            concurrency: CONCURRENCY,
            until: Some(playback.run),
            vantage,
            now: check_pipeline::now,
        };
        let probing = CheckPipeline::new(engine, &probes);
        let monitor = tokio::spawn(probing.monitor());
        let plan = plan::Intervals::new(&probes, check_pipeline::now(), 0.0, 0);
        let check = move |check| probing.clone().check(check);
        runner::run(&probes, plan, settings, check, stop, |event| match event {
            Event::Ended(outcome) => {
                line.lock().unwrap_or_else(PoisonError::into_inner).record(&outcome);
                recorder.record(*outcome);
            }
            Event::Missed { probe, scheduled_at } => recorder.missed(&probes[probe], scheduled_at),
            Event::Gap(gap) => recorder.gap(gap),
        })
        .await;
        monitor.abort();
        recorder
    }
}

/// The report on the terminal and as a page, and how to read it.
fn answer(
    scenario: &Scenario,
    playback: Playback,
    began: Timestamp,
    folders: &Folders,
    terminal: &Terminal,
) -> Result<(), CliError> {
    let journals: Vec<PathBuf> = scenario.vantages.iter().map(|vantage| folders.journal(vantage)).collect();
    let question = Question {
        from: Some(began),
        to: Some(Timestamp::now()),
        bucket: Some(WINDOW),
        rules: compressed(scenario, playback),
        ..Question::default()
    };
    let report = journal_query::ask(question, &journals, &journal_query::Filter::default())?;
    let mut html = Vec::new();
    ReportFormat::Html
        .write(&ReportAnswer { report: &report, style: TerminalStyle::default() }, &mut html)
        .and_then(|()| std::fs::write(&folders.page, &html))
        .map_err(|error| CliError::io(&folders.page.display().to_string(), &error))?;
    let look = terminal.answer;
    terminal::print(|mut out| {
        ReportFormat::Human.write(&ReportAnswer { report: &report, style: look }, &mut out)?;
        writeln!(out)?;
        how_to_read(scenario, playback, &folders.page, out)
    })?;
    let _ = &folders.temporary;
    Ok(())
}

/// The rules of incidents at the pace of the demo: what is hours in the story is seconds here.
fn compressed(scenario: &Scenario, playback: Playback) -> IncidentRules {
    let by = playback.run.as_secs_f64() / scenario.story.as_secs_f64();
    IncidentRules { join_within: JOIN_WITHIN.mul_f64(by), ..IncidentRules::default() }
}

fn how_to_read(
    scenario: &Scenario,
    playback: Playback,
    html: &Path,
    out: &mut dyn std::io::Write,
) -> std::io::Result<()> {
    let times = scenario.story.as_secs_f64() / playback.run.as_secs_f64();
    writeln!(out, "How to read this")?;
    writeln!(out, "  The first sentence is the answer; every number after it backs it.")?;
    writeln!(out, "  A ratio stands with its 95 % interval: two that overlap are not told apart.")?;
    writeln!(out, "  \"since\" is a bracket: the last good check and the first bad one.")?;
    writeln!(out, "  Times are those of the play; in the story each second was {times:.0} seconds.")?;
    let hours = JOIN_WITHIN.as_secs() / 3_600;
    writeln!(
        out,
        "  Pauses of up to {hours} hours of the story part waves; your own setting: join-within, 2h by default."
    )?;
    writeln!(out, "  The same as a page, with charts: {}", html.display())?;
    writeln!(out, "  Other outages: uptick demo --scenario list. Your own: uptick init.")
}
