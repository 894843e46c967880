//! `uptick watch`: probes on their intervals until a signal, recorded as they go.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::commands::check;
use crate::commands::input::selection;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::instance_lock::InstanceLock;
use crate::commands::process::signals::Signals;
use crate::commands::process::terminal;
use crate::commands::process::terminal::{MessageLevel, Terminal};
use crate::commands::run::alert_worker::{AlertWorker, Alerting};
use crate::commands::run::check_pipeline::CheckPipeline;
use crate::commands::run::diagnoser::Diagnosing;
use crate::commands::run::run_recorder::RunRecorder;
use crate::commands::run::watch_state::WatchState;
use crate::commands::run::{check_pipeline, exporters};
use crate::config::Config;
use crate::engine::Engine;
use crate::model::Probe;
use crate::render::{CheckAnswer, CheckFormat};
use crate::runner::{Descriptors, Ended, Event, Limits};
use crate::{cli, plan, runner};

/// How often ended windows are handed to the journal and the board is drawn.
const TICK: Duration = Duration::from_millis(200);

/// Sets the watch up, runs it, and sums it up.
pub(super) fn run(args: &cli::WatchArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let ready = Ready::load(args, terminal)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| CliError::io("the runtime", &error))?;
    let place = selection::journal_place(args.journal.as_deref(), ready.config.path.as_deref());
    let _place = args.single_instance.then(|| InstanceLock::take(&place)).transpose()?;
    let run = exporters::Run::Watch {
        #[cfg(feature = "prometheus-server")]
        listen: args.listen,
    };
    let exporters = exporters::start(&args.export, &run, &ready.config, &place)?;
    exporters
        .address()
        .iter()
        .for_each(|address| terminal.say(MessageLevel::Note, &format!("metrics at http://{address}/metrics")));
    let speaker = Alerting::of(&ready.config, &place, !args.no_record).map(AlertWorker::start);
    let rules = ready.config.incident;
    let recorder =
        RunRecorder::open(&ready.config, &ready.probes, (!args.no_record).then_some(place), Arc::clone(&exporters));
    let state = WatchState::new(recorder, &ready.probes, speaker, rules, terminal);
    let watching = Watching { args, terminal, state: Rc::new(RefCell::new(state)), started: Instant::now() };
    let (signal, state) = runtime.block_on(watching.run(ready))?;
    runtime.shutdown_background();
    let (pass, is_recorded) = state.close();
    if !terminal.quiet || pass.verdict != crate::model::Verdict::Up {
        let look = terminal.answer;
        terminal::print(|out| {
            CheckFormat::Human.write(&CheckAnswer { pass: &pass, style: look, workspace: None }, out)
        })?;
    }
    exporters::finish(exporters, signal.is_some(), terminal);
    let exit = signal.map_or_else(|| Exit::of(pass.verdict), Exit::Signal);
    Ok(exit.with_trouble(!is_recorded))
}

/// A configuration with everything that is made from it.
struct Ready {
    config: Config,
    probes: Vec<Arc<Probe>>,
    engine: Engine,
    concurrency: usize,
}

impl Ready {
    fn load(args: &cli::WatchArgs, terminal: &Terminal) -> Result<Ready, CliError> {
        let common = &args.common;
        let config = selection::load(common.config.as_deref(), common.vantage.as_deref(), terminal)?;
        let probes = selection::select(&config, &args.targets, common)?;
        let engine = check::engine(&config, &probes)?;
        let limits = Limits::clamp(config.settings.concurrency, Descriptors::raise(), &probes)
            .map_err(|error| CliError::Runtime(error.to_string()))?;
        limits.warning.iter().for_each(|warning| terminal.warn(warning));
        Ok(Ready { config, probes, engine, concurrency: limits.concurrency })
    }
}

/// A run of one configuration, and the way to tell it to stop.
struct Generation<'w> {
    /// The longest that a check of its probes may take.
    longest: Duration,
    run: Pin<Box<dyn Future<Output = Ended> + 'w>>,
    stop: watch::Sender<Option<Duration>>,
    monitor: tokio::task::JoinHandle<()>,
}

impl Generation<'_> {
    /// Begins nothing more. What is under way may end in its own time: below its interval, it cannot
    /// meet the next check of the same probe. Who lets it take longer was warned.
    fn retire(self) -> Self {
        self.stop.send_replace(Some(self.longest));
        self
    }
}

impl Drop for Generation<'_> {
    fn drop(&mut self) {
        self.monitor.abort();
    }
}

struct Watching<'w> {
    args: &'w cli::WatchArgs,
    terminal: &'w Terminal,
    state: Rc<RefCell<WatchState>>,
    started: Instant,
}

impl<'w> Watching<'w> {
    /// Runs generation after generation: SIGHUP begins a new one, while what the old one has
    /// under way may end.
    async fn run(self, ready: Ready) -> Result<(Option<crate::commands::process::exit::Signal>, WatchState), CliError> {
        let no_handler = |error| CliError::io("signal handlers", &error);
        let signals = Signals::listen().map_err(no_handler)?;
        let mut reload = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).map_err(no_handler)?;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let first = signals.first();
        tokio::pin!(first);
        let mut current = self.begin(ready);
        let mut ending: Vec<Generation<'w>> = Vec::new();
        let mut stopping = false;
        loop {
            tokio::select! {
                _ = &mut current.run => break,
                grace = &mut first, if !stopping => {
                    stopping = true;
                    self.state.borrow_mut().stopping("note: stopping: checks that run may end; once more stops at once");
                    current.stop.send_replace(Some(grace));
                }
                _ = reload.recv(), if !stopping => {
                    if let Some(next) = self.reload() {
                        ending.push(std::mem::replace(&mut current, next).retire());
                    }
                }
                () = any_ended(&mut ending) => {}
                _ = tick.tick() => {
                    let parted = self.state.borrow_mut().tick(check_pipeline::now());
                    if parted && !stopping && let Some(next) = self.reload() {
                        ending.push(std::mem::replace(&mut current, next).retire());
                    }
                }
            }
        }
        while !ending.is_empty() {
            any_ended(&mut ending).await;
        }
        drop(current);
        let state = Rc::into_inner(self.state).map(RefCell::into_inner);
        let state = state.ok_or_else(|| CliError::Runtime("a run outlived the watch".to_owned()))?;
        Ok((signals.came(), state))
    }

    /// Begins to run a configuration in the slots of the watch, wherever it stands in them.
    fn begin(&self, ready: Ready) -> Generation<'w> {
        let Ready { config, probes, engine, concurrency } = ready;
        let elapsed = self.started.elapsed();
        // Where the wall clock was set meanwhile, schedules follow it.
        let origin = check_pipeline::now().checked_sub(elapsed).unwrap_or_else(|_| check_pipeline::now());
        let plan = plan::Intervals::new(&probes, origin, self.args.jitter, seed()).starting_at(elapsed);
        let other = config.settings.second_resolver;
        let probing = CheckPipeline::new(engine, &probes).diagnosing(Diagnosing::Beside, other, &probes);
        let monitor = tokio::spawn(probing.monitor());
        let (stop, mut stopped) = watch::channel(None);
        let longest = probes.iter().map(|probe| probe.longest()).max().unwrap_or_default();
        let settings = runner::Settings {
            started: self.started,
            concurrency,
            until: self.args.span,
            vantage: config.settings.vantage,
            now: check_pipeline::now,
        };
        let state = Rc::clone(&self.state);
        let run = Box::pin(async move {
            let stop = async move {
                // An error means that the watch is gone, and this run with it.
                stopped.wait_for(Option::is_some).await.ok().and_then(|grace| *grace).unwrap_or_default()
            };
            let check = move |check| probing.clone().check(check);
            runner::run(&probes, plan, settings, check, stop, |event| match event {
                Event::Ended(outcome) => state.borrow_mut().record(*outcome),
                Event::Missed { probe, scheduled_at } => state.borrow_mut().missed(&probes[probe], scheduled_at),
                Event::Gap(gap) => state.borrow_mut().gap(gap),
            })
            .await
        });
        Generation { longest, run, stop, monitor }
    }

    /// The next generation, or a word on why the old one stays.
    fn reload(&self) -> Option<Generation<'w>> {
        let ready = match Ready::load(self.args, self.terminal) {
            Ok(ready) => ready,
            Err(CliError::Usage(message) | CliError::Runtime(message) | CliError::Busy(message)) => {
                self.state.borrow().say(&message);
                self.state.borrow().say("the configuration was not changed: the old one goes on");
                return None;
            }
            Err(CliError::BrokenPipe) => return None,
        };
        self.state.borrow_mut().reload(&ready.probes);
        Some(self.begin(ready))
    }
}

/// Resolves when one of the generations has ended, and takes it out. Never, where there are none.
async fn any_ended(ending: &mut Vec<Generation<'_>>) {
    let ended = std::future::poll_fn(|context| {
        let ready = ending.iter_mut().position(|generation| generation.run.as_mut().poll(context).is_ready());
        ready.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
    })
    .await;
    drop(ending.swap_remove(ended));
}

/// A seed for the jitter: another one each time, or many probers would still fire together.
fn seed() -> u64 {
    use std::hash::BuildHasher as _;
    std::hash::RandomState::new().hash_one("jitter")
}
