//! `uptick demo`: replays an outage on this machine, probes it for real, and reports on it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;
use tokio::task::JoinSet;
use tokio::time::{Instant, Sleep};

use crate::commands::input::journal_query;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::output_file::OutputFile;
use crate::commands::process::signals::Signals;
use crate::commands::process::terminal::{MessageLevel, Terminal};
use crate::commands::process::{runtime, terminal};
use crate::commands::run::check_pipeline::CheckPipeline;
use crate::commands::run::events::{Consumer, EventDispatcher, RunEvent};
use crate::commands::run::run_outputs;
use crate::commands::run::run_recorder::{JournalLocation, RunRecorder};
use crate::config::{Config, Settings};
use crate::demo::{Origin, Playback, Scenario, VantageView};
use crate::engine::Engine;
use crate::model::{IncidentRules, Probe, Redactor};
use crate::progress::{Painter, PassLine};
use crate::render::{ReportAnswer, ReportFormat, TerminalStyle};
use crate::report::Question;
use crate::{cli, demo, plan, runner};

/// The span of one window. The scenario is replayed faster than it happened, so windows are shorter
/// too.
const WINDOW: Duration = Duration::from_secs(1);
/// The pace of the demo. Checks are frequent enough that the shortest pause between two waves (half
/// an hour of story time) contains the three good checks that end an outage. The timeout is short
/// enough that a check that hangs ends before the next one is due.
const PLAYBACK: Playback = Playback {
    run: Duration::from_secs(22),
    interval: Duration::from_millis(200),
    timeout: Duration::from_millis(150),
};
/// Outages with at most this much story time between them are waves of one incident. Longer than
/// the default: on 10 March 2025 more than three hours lay between the first wave and the second.
const JOIN_WITHIN: Duration = Duration::from_hours(4);
/// The most checks that run at once from one vantage; the demo has only a few probes.
const CONCURRENCY: usize = 64;

/// Replays the scenario, probes it from every vantage, then answers from the journals.
pub(super) fn run(args: &cli::DemoArgs, terminal: &Terminal, signals: &Signals) -> Result<Exit, CliError> {
    if args.scenario == "list" {
        return list();
    }
    let scenario = scenario(&args.scenario)?;
    let folders = Folders::new(args.keep.as_deref())?;
    let runtime = runtime::multi_threaded()?;
    let playback = PLAYBACK;
    let seconds = playback.run.as_secs();
    terminal.say(MessageLevel::Note, &format!("{} ({seconds} s, on this machine alone)", scenario.summary));
    let started = Timestamp::now();
    signals.checks_start();
    let played = runtime.block_on(play(&scenario, playback, &folders, terminal, signals));
    signals.checks_ended();
    runtime.shutdown_background();
    played?;
    answer(&scenario, playback, started, folders, terminal)?;
    Ok(signals.came().map_or(Exit::Up, Exit::Signal))
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
        CliError::Usage(format!("unknown scenario {name:?}; known: {}", names.join(", ")))
    })
}

/// Where the journals and the page are written: to the folder of `--keep`. Without it the journals
/// are in a temporary folder that the demo removes, and the page is a temporary file that stays.
struct Folders {
    folder: PathBuf,
    kept_page: Option<OutputFile>,
    _temporary: Option<TempDir>,
}

impl Folders {
    fn new(keep: Option<&Path>) -> Result<Folders, CliError> {
        let failed = |error: std::io::Error| CliError::io("a folder for the demo's journals", &error);
        if let Some(folder) = keep {
            std::fs::create_dir_all(folder).map_err(failed)?;
            let page = folder.join("uptick-demo.html");
            let cannot = |error| CliError::Usage(format!("cannot write {}: {error}", page.display()));
            let kept_page = Some(OutputFile::open(&page).map_err(cannot)?);
            return Ok(Folders { folder: folder.to_path_buf(), kept_page, _temporary: None });
        }
        let temporary = tempfile::tempdir().map_err(failed)?;
        Ok(Folders { folder: temporary.path().to_path_buf(), kept_page: None, _temporary: Some(temporary) })
    }

    fn journal(&self, vantage: &str) -> PathBuf {
        self.folder.join(vantage)
    }

    /// Writes the page. Without `--keep` its name is random, so that it cannot be another user's
    /// file or link.
    fn write_page(self, html: &[u8]) -> std::io::Result<PathBuf> {
        if let Some(page) = self.kept_page {
            let path = page.path().to_path_buf();
            return page.write(|out| out.write_all(html)).map(|()| path);
        }
        let mut page = tempfile::Builder::new().prefix("uptick-demo-").suffix(".html").tempfile()?;
        page.write_all(html)?;
        let (_, path) = page.keep().map_err(|error| error.error)?;
        Ok(path)
    }
}

/// Starts the origin and probes it from every vantage at once.
async fn play(
    scenario: &Scenario,
    playback: Playback,
    folders: &Folders,
    terminal: &Terminal,
    signals: &Signals,
) -> Result<(), CliError> {
    let origin = Origin::start(scenario, playback).await.map_err(|error| CliError::Runtime(error.to_string()))?;
    let checks: u32 = origin.views.iter().flat_map(|view| &view.probes).map(|probe| per_run(probe, playback)).sum();
    let line = Arc::new(Painter::new(PassLine::new(Some(u64::from(checks))), terminal.progress));
    let mut watches = JoinSet::new();
    for view in &origin.views {
        let watch = Watch::new(view, playback, folders, Arc::clone(&line))?;
        watches.spawn(watch.run(signals.first()));
    }
    for recorder in watches.join_all().await.into_iter().flatten() {
        if !run_outputs::finish_recording(recorder, signals, terminal).await {
            return Err(CliError::Runtime("the demo's journal could not be written".to_owned()));
        }
    }
    if let Some(line) = Arc::into_inner(line) {
        line.finish();
    }
    Ok(())
}

/// How many checks of a probe are due in one run of the demo.
fn per_run(probe: &Probe, playback: Playback) -> u32 {
    let interval = probe.schedule.shortest();
    let first = plan::spread(&probe.name, interval);
    let times = playback.run.saturating_sub(first).as_nanos().div_ceil(interval.as_nanos().max(1));
    u32::try_from(times).unwrap_or(u32::MAX)
}

/// Shows the progress of the demo, summed over all vantages.
struct Progress(Arc<Painter<PassLine>>);

impl Consumer for Progress {
    fn consume(&mut self, event: &RunEvent<'_>) {
        if let RunEvent::Outcome(outcome) = event {
            self.0.update(|line| line.record(outcome));
        }
    }
}

/// The probing from one vantage.
struct Watch {
    events: EventDispatcher<(Option<RunRecorder>, Progress)>,
    engine: Engine,
    probes: Vec<Arc<Probe>>,
    vantage: String,
    playback: Playback,
}

impl Watch {
    fn new(
        view: &VantageView,
        playback: Playback,
        folders: &Folders,
        line: Arc<Painter<PassLine>>,
    ) -> Result<Watch, CliError> {
        let settings =
            Settings { vantage: view.vantage.clone(), concurrency: CONCURRENCY, window: WINDOW, ..Settings::default() };
        let config = Config::of(settings, view.probes.clone());
        let engine = Engine::new(&view.vantage, Redactor::default(), &view.probes)
            .map_err(|error| CliError::Runtime(error.to_string()))?;
        let location = JournalLocation::of(folders.journal(&view.vantage), &config);
        let recorder = RunRecorder::start(location).map_err(|error| CliError::io("the journal's thread", &error))?;
        let events = EventDispatcher::new(&view.vantage, WINDOW, (Some(recorder), Progress(line)));
        Ok(Watch { events, engine, probes: view.probes.clone(), vantage: view.vantage.clone(), playback })
    }

    async fn run(self, stop: impl Future<Output = Sleep> + Send) -> Option<RunRecorder> {
        let Watch { mut events, engine, probes, vantage, playback } = self;
        let settings = runner::Settings {
            started: Instant::now(),
            concurrency: CONCURRENCY,
            until: Some(playback.run),
            vantage,
            now: Timestamp::now,
            has_room: || true,
        };
        let pipeline = CheckPipeline::new(engine, &probes);
        let monitor = tokio::spawn(pipeline.monitor());
        let plan = plan::Intervals::new(&probes, Timestamp::now(), 0.0, 0);
        let check = move |check| pipeline.clone().check(check);
        runner::run(&probes, plan, settings, check, stop, |event| events.on_event(&probes, event)).await;
        monitor.abort();
        events.finish().0
    }
}

/// Prints the report, writes the same as a page, and explains how to read both.
fn answer(
    scenario: &Scenario,
    playback: Playback,
    started: Timestamp,
    folders: Folders,
    terminal: &Terminal,
) -> Result<(), CliError> {
    let journals: Vec<PathBuf> = scenario.vantages.iter().map(|vantage| folders.journal(vantage)).collect();
    let question = Question {
        from: Some(started),
        to: Some(Timestamp::now()),
        bucket: Some(WINDOW),
        rules: compressed(scenario, playback),
        ..Question::default()
    };
    let report = journal_query::ask(question, &journals, &journal_query::Filter::default())?;
    let look = terminal.answer;
    terminal::print(|out| ReportFormat::Human.write(&ReportAnswer { report: &report, style: look }, out))?;
    let mut html = Vec::new();
    let page = ReportFormat::Html
        .write(&ReportAnswer { report: &report, style: TerminalStyle::default() }, &mut html)
        .and_then(|()| folders.write_page(&html));
    terminal::print(|out| {
        writeln!(out)?;
        how_to_read(scenario, playback, page.as_deref().ok(), out)
    })?;
    page.map(drop).map_err(|error| CliError::io("the page of the demo", &error))
}

/// The incident rules, compressed to the pace of the demo: hours of the story are seconds here.
fn compressed(scenario: &Scenario, playback: Playback) -> IncidentRules {
    let by = playback.run.as_secs_f64() / scenario.story.as_secs_f64();
    IncidentRules { join_within: JOIN_WITHIN.mul_f64(by), ..IncidentRules::default() }
}

fn how_to_read(
    scenario: &Scenario,
    playback: Playback,
    page: Option<&Path>,
    out: &mut dyn std::io::Write,
) -> std::io::Result<()> {
    let times = scenario.story.as_secs_f64() / playback.run.as_secs_f64();
    writeln!(out, "How to read this")?;
    writeln!(out, "  The first sentence is the answer; every number after it backs it.")?;
    writeln!(out, "  On the page, and with -v, a ratio has its 95 % interval: two that overlap are not told apart.")?;
    writeln!(out, "  \"since\" is a bracket: the last good check and the first bad one.")?;
    writeln!(out, "  Times are those of the play; in the story each second was {times:.0} seconds.")?;
    let hours = JOIN_WITHIN.as_secs() / 3_600;
    writeln!(
        out,
        "  Pauses of up to {hours} hours of the story part waves; your own setting: join-within, 2h by default."
    )?;
    if let Some(page) = page {
        writeln!(out, "  The same as a page, with charts: {}", page.display())?;
    }
    writeln!(out, "  Other outages: uptick demo --scenario list. Your own: uptick init.")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_page_that_nobody_chose_a_name_for_has_a_new_one_and_is_private() {
        let pages = [b"one", b"two"].map(|text| Folders::new(None).unwrap().write_page(text).unwrap());
        assert_ne!(pages[0], pages[1]);
        for (page, text) in pages.iter().zip(["one", "two"]) {
            assert_eq!(std::fs::read_to_string(page).unwrap(), text);
            assert_eq!(page.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            std::fs::remove_file(page).unwrap();
        }
    }

    #[test]
    fn a_kept_page_lies_beside_its_journals() {
        let folder = tempfile::tempdir().unwrap();
        let page = Folders::new(Some(folder.path())).unwrap().write_page(b"page").unwrap();
        assert_eq!(page, folder.path().join("uptick-demo.html"));
    }
}
