//! `uptick watch`: checks probes at their intervals until a signal, and records the results.

use std::cell::RefCell;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::commands::input::selection::ValuesUsed;
use crate::commands::input::{exec_permission, locations, selection};
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::instance_lock::InstanceLock;
use crate::commands::process::signals::Signals;
use crate::commands::process::terminal::{MessageLevel, Terminal};
use crate::commands::process::{runtime, signals, terminal};
use crate::commands::run::alert_queue::AlertTiming;
use crate::commands::run::alert_worker::AlertWorker;
use crate::commands::run::check_pipeline::CheckPipeline;
use crate::commands::run::diagnoser::Diagnosing;
use crate::commands::run::events::EventDispatcher;
use crate::commands::run::fixed_settings::FixedSettings;
use crate::commands::run::run_outputs::RunOutputs;
use crate::commands::run::watch_screen::WatchScreen;
use crate::commands::run::watch_state::WatchState;
use crate::commands::run::{check_pipeline, exporters, run_outputs};
use crate::config::Config;
use crate::engine::Engine;
use crate::model::{ExchangeDetail, Probe, Verdict};
use crate::progress::BoardFacts;
use crate::render::{CheckAnswer, CheckFormat};
use crate::runner::{Completion, Descriptors, Limits};
use crate::{cli, plan, runner};

/// How often the windows that have ended are handed to the journal.
const TICK: Duration = Duration::from_millis(200);

/// How long the end of a watch waits for the last alerts.
const ALERT_PATIENCE: Duration = Duration::from_secs(1);

/// Prepares the watch, runs it, and prints its summary.
pub(super) fn run(args: &cli::WatchArgs, terminal: &Terminal, signals: &Signals) -> Result<Exit, CliError> {
    // Closing a terminal ends what it started; a service has no terminal.
    if !signals::has_controlling_terminal() {
        signals.reload_on_hangup();
    }
    let loaded = Loaded::read(args, terminal)?;
    let prepared = prepare(args, terminal, signals, &loaded)?;
    let watched = prepared.watch(loaded)?;
    Ok(watched.conclude(terminal, signals))
}

/// A configuration with everything that is made from it.
struct Loaded {
    config: Config,
    probes: Vec<Arc<Probe>>,
    engine: Engine,
    concurrency: usize,
}

impl Loaded {
    fn read(args: &cli::WatchArgs, terminal: &Terminal) -> Result<Loaded, CliError> {
        let used = ValuesUsed::ChecksAndAlerts;
        let (config, probes) = selection::load_selection(&args.targets, &args.common, &args.request, used, terminal)?;
        Loaded::of(config, probes, terminal)
    }

    /// Makes what this configuration needs; its certificates are read from their files.
    fn of(config: Config, probes: Vec<Arc<Probe>>, terminal: &Terminal) -> Result<Loaded, CliError> {
        let engine = check_pipeline::engine(&config, &probes, ExchangeDetail::default())?;
        engine.warning().into_iter().for_each(|warning| terminal.warn(warning));
        let limits = Limits::clamp(config.settings.concurrency, Descriptors::raise(), &probes)
            .map_err(|error| CliError::Runtime(error.to_string()))?;
        limits.warning.iter().for_each(|warning| terminal.warn(warning));
        Ok(Loaded { config, probes, engine, concurrency: limits.concurrency })
    }
}

/// Everything that a watch needs besides its first configuration.
struct Prepared<'w> {
    args: &'w cli::WatchArgs,
    terminal: &'w Terminal,
    signals: &'w Signals,
    runtime: Runtime,
    lock: Option<InstanceLock>,
    fixed: FixedSettings,
    state: WatchState,
}

fn prepare<'w>(
    args: &'w cli::WatchArgs,
    terminal: &'w Terminal,
    signals: &'w Signals,
    loaded: &Loaded,
) -> Result<Prepared<'w>, CliError> {
    let Loaded { config, probes, .. } = loaded;
    exec_permission::require(config, args.alert.allow_exec)?;
    let runtime = runtime::multi_threaded()?;
    let journal = locations::journal_location(args.journal.as_deref(), config.path.as_deref());
    let folder = locations::local_folder(&journal, config.path.as_deref());
    let lock = args.single_instance.then(|| InstanceLock::take(&folder)).transpose()?;
    let kind = exporters::RunKind::Watch {
        #[cfg(feature = "prometheus-server")]
        listen: args.listen,
        #[cfg(feature = "prometheus-server")]
        hosts: args.listen_host.clone(),
    };
    let exporters = exporters::start(&args.export, &kind, config, &folder)?;
    exporters.set_probes(probes);
    if let Some(address) = exporters.address() {
        terminal.say(MessageLevel::Note, &format!("metrics at http://{address}/metrics"));
        if !address.ip().is_loopback() {
            terminal.warn(
                "other machines can read the metrics without a password; \
                 let a firewall decide which may, and name the hosts they are served for with --listen-host",
            );
        }
    }
    let alerts = AlertWorker::start(config, &journal, &folder, !args.no_record, AlertTiming::Continuous)
        .map_err(|error| CliError::io("the alerts' thread", &error))?;
    let recorded: Option<PathBuf> = (!args.no_record).then_some(journal);
    locations::warn_of_store(recorded.as_deref(), terminal);
    let facts = BoardFacts {
        vantage: config.settings.vantage.clone(),
        journal: recorded.as_deref().map(shown_path),
        colour: terminal.talk_colour,
        ascii: terminal.answer.ascii,
        utc: terminal.answer.utc,
    };
    let document = run_outputs::document(config, probes).of_watch();
    let mut outputs = RunOutputs::start(config, document, recorded, exporters, alerts)?;
    outputs.record_plan(&config.settings, probes);
    let screen = WatchScreen::new(probes, config.incident, facts, terminal);
    let events = EventDispatcher::new(&config.settings.vantage, config.settings.window, (outputs, screen));
    let state = WatchState::new(events, probes);
    let fixed = FixedSettings::of(config);
    Ok(Prepared { args, terminal, signals, runtime, lock, fixed, state })
}

/// A path relative to the current folder, if it is below it.
fn shown_path(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let relative = here.and_then(|here| path.strip_prefix(here).ok()).unwrap_or(path);
    relative.display().to_string()
}

impl Prepared<'_> {
    fn watch(self, loaded: Loaded) -> Result<FinishedWatch, CliError> {
        let Prepared { args, terminal, signals, runtime, lock, fixed, state } = self;
        let state = Rc::new(RefCell::new(state));
        let watch = Watch { args, terminal, signals, fixed, state, started: Instant::now() };
        signals.checks_start();
        let state = runtime.block_on(watch.run(loaded))?;
        signals.checks_ended();
        Ok(FinishedWatch { runtime, lock, state })
    }
}

/// A watch whose checks have ended.
struct FinishedWatch {
    runtime: Runtime,
    lock: Option<InstanceLock>,
    state: WatchState,
}

impl FinishedWatch {
    /// Ends the recording, prints the summary, and lets exporters and alerts send what they have.
    fn conclude(self, terminal: &Terminal, signals: &Signals) -> Exit {
        let FinishedWatch { runtime, lock, state } = self;
        let (outputs, screen) = state.finish();
        screen.finish();
        let (answer, is_recorded, senders) = runtime.block_on(outputs.finish(signals, terminal));
        let verdict = answer.verdict();
        let mut answered = Ok(Exit::Up);
        if !terminal.quiet || verdict != Verdict::Up {
            let pass = answer.document();
            let look = terminal.current_answer();
            answered = terminal::print(|out| {
                CheckFormat::Human.write(&CheckAnswer { pass: &pass, style: look, workspace: None }, out)
            });
        }
        runtime.block_on(senders.finish(signals, Some(ALERT_PATIENCE), terminal));
        runtime.shutdown_background();
        drop(lock);
        let is_answered = terminal.tell(answered.map(drop));
        let exit = signals.came().map_or_else(|| Exit::of(verdict), Exit::Signal);
        exit.with_trouble(!is_recorded || !is_answered)
    }
}

/// A run of one configuration, and the channel that tells it to stop.
struct Generation<'w> {
    config: Config,
    probes: Vec<Arc<Probe>>,
    /// The longest that a check of its probes may take.
    longest: Duration,
    run: Pin<Box<dyn Future<Output = Completion> + 'w>>,
    /// The deadline of running checks once no more are to start; `None` until then.
    stop: watch::Sender<Option<Instant>>,
    monitor: tokio::task::JoinHandle<()>,
}

impl Generation<'_> {
    /// Starts no more checks. Running ones may take their full time, which is less than an
    /// interval, so that none overlaps the next check of the same probe. `validate` warns of longer
    /// ones.
    fn retire(self) -> Self {
        self.stop_within(self.longest);
        self
    }

    /// Starts no more checks, and interrupts those that take longer than `grace`.
    fn stop_within(&self, grace: Duration) {
        self.stop.send_replace(Some(Instant::now() + grace));
    }
}

impl Drop for Generation<'_> {
    fn drop(&mut self) {
        self.monitor.abort();
    }
}

struct Watch<'w> {
    args: &'w cli::WatchArgs,
    terminal: &'w Terminal,
    signals: &'w Signals,
    fixed: FixedSettings,
    state: Rc<RefCell<WatchState>>,
    started: Instant,
}

impl<'w> Watch<'w> {
    /// Runs one generation after the other: SIGHUP, and a clock that was set, start a new one while the running checks
    /// of the old one end.
    async fn run(self, loaded: Loaded) -> Result<WatchState, CliError> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let first = self.signals.first();
        tokio::pin!(first);
        let mut current = self.start(loaded);
        let mut ending: Vec<Generation<'w>> = Vec::new();
        let mut stopping = false;
        loop {
            tokio::select! {
                _ = &mut current.run => break,
                _ = &mut first, if !stopping => {
                    stopping = true;
                    self.state.borrow().freeze();
                    ending.iter().chain([&current]).for_each(|generation| generation.stop_within(signals::GRACE));
                }
                () = self.signals.reload(), if !stopping => {
                    if let Some(next) = self.reload() {
                        ending.push(std::mem::replace(&mut current, self.start(next)).retire());
                    }
                }
                () = any_ended(&mut ending) => {}
                _ = tick.tick() => {
                    let is_rescheduled = self.state.borrow_mut().tick(Timestamp::now());
                    if is_rescheduled && !stopping {
                        // Not what stands in the file by now: nobody has asked for that.
                        let (config, probes) = (current.config.clone(), current.probes.clone());
                        if let Some(next) = self.usable(Loaded::of(config, probes, self.terminal)) {
                            ending.push(std::mem::replace(&mut current, self.start(next)).retire());
                        }
                    }
                }
            }
        }
        while !ending.is_empty() {
            any_ended(&mut ending).await;
        }
        drop(current);
        let state = Rc::into_inner(self.state).map(RefCell::into_inner);
        state.ok_or_else(|| CliError::Runtime("a run outlived the watch".to_owned()))
    }

    /// Starts to run a configuration at the current position in the watch's schedule.
    fn start(&self, loaded: Loaded) -> Generation<'w> {
        let Loaded { config, probes, engine, concurrency } = loaded;
        let elapsed = self.started.elapsed();
        // If the wall clock was set in the meantime, schedules follow it.
        let origin = Timestamp::now().checked_sub(elapsed).unwrap_or_else(|_| Timestamp::now());
        let plan = plan::Intervals::new(&probes, origin, self.args.jitter, seed()).starting_at(elapsed);
        let other = config.settings.second_resolver;
        let pipeline = CheckPipeline::new(engine, &probes).diagnosing(Diagnosing::Beside, other, &probes);
        let monitor = tokio::spawn(pipeline.monitor());
        let (stop, mut stopped) = watch::channel(None);
        let longest = probes.iter().map(|probe| probe.longest()).max().unwrap_or_default();
        let settings = runner::Settings {
            started: self.started,
            concurrency,
            until: self.args.span,
            vantage: config.settings.vantage.clone(),
            now: Timestamp::now,
            has_room: self.state.borrow().admission(),
        };
        let state = Rc::clone(&self.state);
        let of_run = probes.clone();
        let run = Box::pin(async move {
            let probes = of_run;
            #[expect(
                clippy::async_yields_async,
                reason = "the first signal starts the grace, which is waited for apart"
            )]
            let stop = async move {
                // An error means that the watch has ended, and this run with it.
                let _ = stopped.wait_for(Option::is_some).await;
                deadline(stopped)
            };
            if probes.is_empty() {
                // A shard without a probe does not exit: its supervisor would only start it again.
                return idle(settings.until, stop).await;
            }
            let check = move |check| pipeline.clone().check(check);
            let on_event = |event| state.borrow_mut().on_event(&probes, event);
            runner::run(&probes, plan, settings, check, stop, on_event).await
        });
        Generation { config, probes, longest, run, stop, monitor }
    }

    /// The configuration as it is now. `None` if it cannot be loaded.
    fn reload(&self) -> Option<Loaded> {
        let loaded = self.usable(Loaded::read(self.args, self.terminal))?;
        self.state.borrow_mut().reload(&loaded.probes);
        if let Some(warning) = self.fixed.warning(&loaded.config) {
            self.state.borrow().say(&format!("warning: {warning}"));
        }
        Some(loaded)
    }

    /// What was loaded. `None` if it cannot be used: a message says why, and the old generation stays.
    fn usable(&self, loaded: Result<Loaded, CliError>) -> Option<Loaded> {
        match loaded {
            Ok(loaded) => Some(loaded),
            Err(CliError::BrokenPipe) => None,
            Err(error) => {
                self.state.borrow().say(&error.to_string());
                self.state.borrow().say("configuration not changed: the old one stays in use");
                None
            }
        }
    }
}

/// A run without any probe: waits until the time is over or a stop.
async fn idle<G>(until: Option<Duration>, stop: impl Future<Output = G>) -> Completion {
    let end = async {
        match until {
            Some(until) => tokio::time::sleep(until).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = stop => Completion::Stopped,
        () = end => Completion::Done,
    }
}

/// Resolves at the deadline, which may change.
async fn deadline(mut stopped: watch::Receiver<Option<Instant>>) {
    loop {
        let deadline = stopped.borrow_and_update().unwrap_or_else(Instant::now);
        tokio::select! {
            () = tokio::time::sleep_until(deadline) => return,
            changed = stopped.changed() => if changed.is_err() { return },
        }
    }
}

/// Removes the first generation that ends. Never resolves if there are none.
async fn any_ended(ending: &mut Vec<Generation<'_>>) {
    let ended = std::future::poll_fn(|context| {
        let ready = ending.iter_mut().position(|generation| generation.run.as_mut().poll(context).is_ready());
        ready.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
    })
    .await;
    drop(ending.swap_remove(ended));
}

/// A seed for the jitter: different each time, or many probers would still fire together.
fn seed() -> u64 {
    use std::hash::BuildHasher as _;
    std::hash::RandomState::new().hash_one("jitter")
}
