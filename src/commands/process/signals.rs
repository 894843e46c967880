//! Signals, handled by a dedicated thread from the start of the process to its exit.
//!
//! Ctrl-C works even if another thread blocks. While checks run, the first signal asks them to end;
//! the second ends the process at once. If no checks run, or if ending takes too long, the first
//! signal ends the process. What the journal has acknowledged by then is on the disk.

use std::future::Future;
use std::io::Write as _;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{io, thread};

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::time::Sleep;

use crate::commands::process::exit::{CliError, Exit, Signal};
use crate::render;

/// How long running checks may continue after the first signal.
pub(crate) const GRACE: Duration = Duration::from_secs(2);

/// How long journal, exporters, alerts and answer may take after that, all together.
pub(crate) const WRAP_UP: Duration = Duration::from_secs(2);

/// SIGXFSZ, 25 on Linux and macOS. By default it kills a process that writes beyond the file size
/// limit.
const FILE_SIZE_LIMIT: i32 = 25;

/// How long writing the last line of a Nagios plugin may take.
const LAST_LINE_TIMEOUT: Duration = Duration::from_millis(100);

/// The signals of the process. Clones share one state.
#[derive(Clone)]
pub(crate) struct Signals {
    shared: Arc<Shared>,
}

struct Shared {
    first: watch::Sender<Option<Signal>>,
    reload: Notify,
    /// Some commands check twice, so a stage can come back.
    stage: watch::Sender<Stage>,
    mode: Mutex<Mode>,
}

/// What a signal does at this moment.
#[derive(Clone, Copy, Debug)]
struct Mode {
    /// Whether SIGHUP reloads the configuration; otherwise it ends the process.
    hangup_reloads: bool,
    /// Whether the process is a Nagios plugin, which prints a last line.
    nagios: bool,
}

/// The stage that the process has reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No check has started: there is nothing to save.
    Idle,
    /// Checks run.
    Checking,
    /// The checks have ended; their results are being written and sent.
    WrappingUp,
}

impl Signals {
    /// Starts the thread. From here on a first signal while checks run only asks them to end; the
    /// process exits at the second one, or if ending takes too long.
    ///
    /// # Errors
    /// If the system provides no thread or no signal handler.
    pub(crate) fn start() -> Result<Signals, CliError> {
        let mode = Mode { hangup_reloads: false, nagios: false };
        let shared = Arc::new(Shared {
            first: watch::Sender::new(None),
            reload: Notify::new(),
            stage: watch::Sender::new(Stage::Idle),
            mode: Mutex::new(mode),
        });
        let failed = |error: io::Error| CliError::io("signal handlers", &error);
        try_descriptors().map_err(failed)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let listener = {
            let _inside = runtime.enter();
            Listener::register(Arc::clone(&shared)).map_err(failed)?
        };
        let serve = move || runtime.block_on(listener.serve());
        let thread = thread::Builder::new().name("signals".to_owned()).spawn(serve);
        thread.map_err(|error| CliError::Runtime(format!("no thread can be started: {error}")))?;
        Ok(Signals { shared })
    }

    /// From now on SIGHUP reloads the configuration.
    pub(crate) fn reload_on_hangup(&self) {
        self.mode().hangup_reloads = true;
    }

    /// From now on a signal that ends the process prints the last line of a Nagios plugin.
    pub(crate) fn answer_nagios(&self) {
        self.mode().nagios = true;
    }

    /// Checks run from now on: the first signal asks them to end.
    pub(crate) fn checks_start(&self) {
        self.shared.stage.send_replace(Stage::Checking);
    }

    /// The checks have ended: after a signal, the rest of the work may take [`WRAP_UP`].
    pub(crate) fn checks_ended(&self) {
        self.shared.stage.send_replace(Stage::WrappingUp);
    }

    /// Resolves at the first signal, to a timer that expires [`GRACE`] later, when running checks
    /// must end.
    #[expect(clippy::async_yields_async, reason = "the first signal starts the grace, which is waited for apart")]
    pub(crate) fn first(&self) -> impl Future<Output = Sleep> + Send + use<> {
        let mut first = self.shared.first.subscribe();
        async move {
            // An error means that the listener has ended and sends nothing more.
            if first.wait_for(Option::is_some).await.is_err() {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(GRACE)
        }
    }

    /// Resolves when SIGHUP asks to reload the configuration.
    pub(crate) async fn reload(&self) {
        self.shared.reload.notified().await;
    }

    /// The first signal; `None` if there was none.
    #[must_use]
    pub(crate) fn came(&self) -> Option<Signal> {
        *self.shared.first.borrow()
    }

    /// Awaits `work`, which ends by itself. After a signal it waits at most `patience` longer;
    /// `None` if `work` has not ended by then.
    pub(crate) async fn bounded<T>(&self, work: impl Future<Output = T>, patience: Duration) -> Option<T> {
        tokio::select! {
            biased;
            done = work => Some(done),
            () = async { drop(self.first().await); tokio::time::sleep(patience).await } => None,
        }
    }

    fn mode(&self) -> MutexGuard<'_, Mode> {
        self.shared.mode()
    }
}

impl Shared {
    fn mode(&self) -> MutexGuard<'_, Mode> {
        self.mode.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Opens as many descriptors as the runtime and its signal pipe need, and closes them again: tokio
/// panics if it gets none for the pipe.
fn try_descriptors() -> io::Result<()> {
    const PAIRS: usize = 4;
    (0..PAIRS).map(|_| UnixStream::pair()).collect::<io::Result<Vec<_>>>().map(drop)
}

/// The state of the signal thread.
struct Listener {
    shared: Arc<Shared>,
    interrupt: Stream,
    terminate: Stream,
    /// `None` if SIGHUP was ignored when the process started, as under `nohup`: it stays ignored.
    hangup: Option<Stream>,
}

impl Listener {
    fn register(shared: Arc<Shared>) -> io::Result<Listener> {
        // With a handler, a write beyond the file size limit returns an error. Without one, the
        // signal kills the process before it has answered.
        drop(signal(SignalKind::from_raw(FILE_SIZE_LIMIT))?);
        let interrupt = signal(SignalKind::interrupt())?;
        let terminate = signal(SignalKind::terminate())?;
        let hangup = if hangup_is_ignored() { None } else { Some(signal(SignalKind::hangup())?) };
        Ok(Listener { shared, interrupt, terminate, hangup })
    }

    async fn serve(mut self) {
        let first = self.next().await;
        let mut stage = self.shared.stage.subscribe();
        let reached = *stage.borrow();
        if reached == Stage::Idle {
            self.exit(first);
        }
        self.shared.first.send_replace(Some(first));
        if reached == Stage::Checking {
            tokio::select! {
                _ = stage.wait_for(|stage| *stage != Stage::Checking) => {}
                second = tokio::time::timeout(GRACE + WRAP_UP, self.next()) => self.exit(second.unwrap_or(first)),
            }
        }
        // A disk or a pipe that does not respond may block the end of the process.
        let last = tokio::time::timeout(WRAP_UP, self.next()).await.unwrap_or(first);
        self.exit(last);
    }

    fn exit(&self, signal: Signal) -> ! {
        if !self.shared.mode().nagios {
            std::process::exit(i32::from(Exit::Signal(signal).status()));
        }
        // Another thread may be blocked in a write to standard output.
        let say = || drop(writeln!(io::stdout(), "{}", render::nagios_unknown("interrupted by a signal")));
        if thread::Builder::new().spawn(say).is_ok() {
            thread::sleep(LAST_LINE_TIMEOUT);
        }
        std::process::exit(i32::from(Exit::Nagios(3).status()))
    }

    /// The next signal that is to end the process.
    async fn next(&mut self) -> Signal {
        loop {
            let signal = tokio::select! {
                _ = self.interrupt.recv() => Signal::Interrupt,
                _ = self.terminate.recv() => Signal::Terminate,
                () = hangup(&mut self.hangup) => Signal::Hangup,
            };
            if signal == Signal::Hangup && self.shared.mode().hangup_reloads {
                self.shared.reload.notify_one();
            } else {
                return signal;
            }
        }
    }
}

async fn hangup(stream: &mut Option<Stream>) {
    match stream {
        Some(stream) => drop(stream.recv().await),
        None => std::future::pending().await,
    }
}

/// Whether SIGHUP was ignored when the process started; `false` if the system does not say.
fn hangup_is_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    // Signal n is bit n - 1, and SIGHUP is 1.
    ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}

/// Whether the process has a controlling terminal. If so, closing the terminal ends the process.
pub(crate) fn has_controlling_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}
