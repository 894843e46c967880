//! Journeys that several probes share: a login is made once per lifetime, by the first check
//! that needs it, and the others wait for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::engine::check::journey::{self, JourneyMeans};
use crate::engine::fault::{Deadline, Fault};
use crate::engine::http::session::Session;
use crate::model::{FailureClass, Probe, Redactor, Session as SharedSession};

/// How long a session that failed is not tried again: its dependants come at about the same time.
const PAUSE: Duration = Duration::from_secs(5);

/// What a shared journey left behind, or why it failed.
#[derive(Clone, Debug)]
struct Made {
    result: Result<Session, Fault>,
    until: Instant,
}

type Place = Arc<tokio::sync::Mutex<Option<Made>>>;

/// The shared sessions, by name.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    places: Mutex<HashMap<String, Place>>,
}

impl Sessions {
    /// The session's cookies and captures, and whether they were made before this check.
    ///
    /// # Errors
    /// That it failed, as `blocked`.
    pub(crate) async fn get(
        &self,
        means: &JourneyMeans,
        shared: &SharedSession,
        redactor: &Redactor,
    ) -> Result<(Session, bool), Fault> {
        let place = self.place(&shared.name);
        // Whoever is before us takes as long as one run may, and we may take as long again.
        let patience = shared.timeout.saturating_mul(2);
        let Ok(mut made) = tokio::time::timeout(patience, place.lock()).await else {
            return Err(blocked(shared, "it did not end in time"));
        };
        if let Some(made) = made.as_ref().filter(|made| made.until > Instant::now()) {
            return made.result.clone().map(|session| (session, true));
        }
        let result = make(means, shared, redactor).await;
        let lifetime = if result.is_ok() { shared.lifetime } else { PAUSE.min(shared.lifetime) };
        *made = Some(Made { result: result.clone(), until: Instant::now() + lifetime });
        result.map(|session| (session, false))
    }

    /// Forgets a session that a target no longer accepts.
    pub(crate) async fn forget(&self, shared: &SharedSession) {
        *self.place(&shared.name).lock().await = None;
    }

    fn place(&self, name: &str) -> Place {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(places.entry(name.to_owned()).or_default())
    }
}

fn blocked(shared: &SharedSession, why: &str) -> Fault {
    Fault::new(FailureClass::Blocked, None, format!("session \"{}\" failed: {why}", shared.name))
}

async fn make(means: &JourneyMeans, shared: &SharedSession, redactor: &Redactor) -> Result<Session, Fault> {
    let probe = as_probe(shared);
    let deadline = Deadline { at: Instant::now() + shared.timeout, limit: shared.timeout };
    let mut session = Session { redactor: redactor.clone(), ..Session::default() };
    let answered = journey::run(means, &probe, &mut session, deadline).await;
    match answered.failure {
        None => Ok(session),
        Some(failure) => {
            let step = failure.step.map(|step| format!(" in step \"{step}\"")).unwrap_or_default();
            Err(blocked(shared, &format!("{}{step}: {}", failure.class, failure.message)))
        }
    }
}

/// The session as a probe of its own, which is never recorded.
fn as_probe(shared: &SharedSession) -> Probe {
    Probe {
        timeout: shared.timeout,
        steps: shared.steps.clone(),
        transport: shared.transport.clone().into(),
        ..Probe::plain(&format!("session {}", shared.name), "", "", shared.timeout)
    }
}
