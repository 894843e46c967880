//! Signals: the first asks the run to end in good order, the second ends the process at once.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};
use tokio::sync::watch;

use crate::commands::process::exit::{Exit, Signal};

/// How long running checks may go on after the first signal.
const GRACE: Duration = Duration::from_secs(2);

/// The signals of a run.
pub(crate) struct Signals {
    first: watch::Receiver<Option<Signal>>,
}

impl Signals {
    /// Begins to listen. From here on the first signal no longer ends the process; a second one
    /// does, at once: what the journal holds by then is whole, since it is written line by line.
    ///
    /// # Errors
    /// Where the system gives no signal handler.
    pub(crate) fn listen() -> io::Result<Signals> {
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let (sender, first) = watch::channel(None);
        tokio::spawn(async move {
            let signal = next(&mut interrupt, &mut terminate).await;
            sender.send_replace(Some(signal));
            let second = next(&mut interrupt, &mut terminate).await;
            std::process::exit(i32::from(Exit::Signal(second).status()));
        });
        Ok(Signals { first })
    }

    /// Resolves at the first signal, to the time that running checks may still take.
    pub(crate) fn first(&self) -> impl Future<Output = Duration> + Send + use<> {
        let mut first = self.first.clone();
        async move {
            // An error means that the listener is gone, which then sends nothing more.
            if first.wait_for(Option::is_some).await.is_err() {
                std::future::pending::<()>().await;
            }
            GRACE
        }
    }

    /// The signal that came, if one did.
    #[must_use]
    pub(crate) fn came(&self) -> Option<Signal> {
        *self.first.borrow()
    }
}

async fn next(interrupt: &mut Stream, terminate: &mut Stream) -> Signal {
    tokio::select! {
        _ = interrupt.recv() => Signal::Interrupt,
        _ = terminate.recv() => Signal::Terminate,
    }
}
