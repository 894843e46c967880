//! Sessions that several probes share: the first check that needs one logs in, once per lifetime,
//! and the others wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::check::journey::{self, JourneyContext};
use crate::engine::fault::{Deadline, Fault};
use crate::engine::http::session::Session;
use crate::model::{FailureClass, MessageText, Probe, Redactor, Session as SharedSession, message};

/// How long a failed session is not tried again: the probes that need it tend to run at the same time.
const PAUSE: Duration = Duration::from_secs(5);

/// The session that a login left behind, or why it failed, and until when that holds.
#[derive(Clone, Debug)]
struct Made {
    result: Result<Session, Fault>,
    /// When it was made, which tells it from the one before.
    at: Instant,
    until: Instant,
}

/// A session to check with.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) session: Session,
    /// Whether it is older than this check.
    pub(crate) kept: bool,
    pub(crate) made_at: Instant,
}

type SessionSlot = Arc<tokio::sync::Mutex<Option<Made>>>;

/// The shared sessions, by name.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    slots: Mutex<HashMap<String, SessionSlot>>,
}

impl Sessions {
    /// The session's cookies and captures.
    ///
    /// # Errors
    /// The session failed: the class is `blocked`.
    pub(crate) async fn get(
        &self,
        context: &JourneyContext,
        shared: &SharedSession,
        redactor: &Redactor,
    ) -> Result<Opened, Fault> {
        let slot = self.slot(&shared.name);
        // The check that holds the lock takes at most one timeout, and this one at most another.
        let patience = shared.timeout.saturating_mul(2);
        let Ok(mut made) = tokio::time::timeout(patience, slot.lock()).await else {
            return Err(blocked(shared, "it did not end in time"));
        };
        if let Some(made) = made.as_ref().filter(|made| made.until > Instant::now()) {
            return made.result.clone().map(|session| Opened { session, kept: true, made_at: made.at });
        }
        let result = make(context, shared, redactor).await;
        let lifetime = if result.is_ok() { shared.lifetime } else { PAUSE.min(shared.lifetime) };
        let at = Instant::now();
        *made = Some(Made { result: result.clone(), at, until: at + lifetime });
        result.map(|session| Opened { session, kept: false, made_at: at })
    }

    /// Drops a session that a target no longer accepts, unless another check has renewed it or is about to: a new login
    /// may end the session before it, and each check would then end that of another.
    pub(crate) fn forget(&self, shared: &SharedSession, made_at: Instant) {
        let slot = self.slot(&shared.name);
        if let Ok(mut made) = slot.try_lock()
            && made.as_ref().is_some_and(|made| made.at == made_at)
        {
            *made = None;
        }
    }

    fn slot(&self, name: &str) -> SessionSlot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(name.to_owned()).or_default())
    }
}

fn blocked(shared: &SharedSession, why: impl Into<MessageText>) -> Fault {
    Fault::new(FailureClass::Blocked, None, message!("session \"{}\" failed: ", shared.name).then(why))
}

async fn make(context: &JourneyContext, shared: &SharedSession, redactor: &Redactor) -> Result<Session, Fault> {
    let probe = as_probe(shared);
    let deadline = Deadline { at: Instant::now() + shared.timeout, limit: shared.timeout };
    let mut session = Session { redactor: redactor.clone(), ..Session::default() };
    let answered = journey::run(context, &probe, &mut session, deadline).await;
    match answered.failure {
        None => Ok(session),
        Some(failure) => {
            let step = failure.step.map(|step| message!(" in step \"{step}\"")).unwrap_or_default();
            Err(blocked(shared, MessageText::from(failure.class.name()).then(step).then(": ").then(&failure.message)))
        }
    }
}

/// The session's login as a probe, which is never recorded.
fn as_probe(shared: &SharedSession) -> Probe {
    Probe {
        timeout: shared.timeout,
        steps: shared.steps.clone(),
        transport: shared.transport.clone().into(),
        ..Probe::plain(&format!("session {}", shared.name), "", "", shared.timeout)
    }
}
