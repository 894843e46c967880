//! Alerts and the heartbeat of a run: told from the journal, beside the checks and after them,
//! never in their way.

use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::Instant;

use jiff::Timestamp;

use super::exit::Stop;
use super::probing;
use super::report;
use super::report::Filter;
use crate::alert;
use crate::alert::Alerts;
use crate::alert::Expiring;
use crate::config::Config;
use crate::model::IncidentRules;
use crate::model::Redactor;
use crate::model::Surfaces;
use crate::model::Value;
use crate::model::Verdict;
use crate::report::Question;

/// How far back an alert looks: an incident that began earlier is open, and was told.
const LOOKS_BACK: Duration = Duration::from_hours(24);

/// How long the end of a watch waits for what is being told.
const LAST_WORD: Duration = Duration::from_secs(1);

/// Who is told, and what it takes to know what to tell.
pub(super) struct Alerting {
    alerts: Alerts,
    heartbeat: Option<Value>,
    redactor: Redactor,
    rules: IncidentRules,
    surfaces: Surfaces,
    journal: PathBuf,
}

/// What a run knows that its journal does not.
pub(super) struct Now {
    /// Certificates that end soon.
    pub(super) expiring: Vec<Expiring>,
    /// The verdict on the last checks.
    pub(super) verdict: Verdict,
}

impl Alerting {
    /// What the configuration asks for; none where nobody is to be told.
    pub(super) fn of(config: &Config, journal: &Path) -> Option<Alerting> {
        let alerts = Alerts::new(&config.alerts, &config.redactor, journal);
        if alerts.is_empty() && config.heartbeat.is_none() {
            return None;
        }
        Some(Alerting {
            alerts,
            heartbeat: config.heartbeat.clone(),
            redactor: config.redactor.clone(),
            rules: config.incident,
            surfaces: config.surfaces.clone(),
            journal: journal.to_path_buf(),
        })
    }

    /// Tells what is new and sends the heartbeat. Blocks until the receivers have heard it, each
    /// within its own limits. What could not be told is a warning each.
    pub(super) fn speak(&self, now: &Now) -> Vec<String> {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return vec![format!("alerts could not be told: {error}")],
        };
        let warnings = runtime.block_on(async {
            let mut warnings = self.tell(now).await;
            if let Some(url) = &self.heartbeat
                && let Err(why) = alert::heartbeat(url, now.verdict, &self.redactor).await
            {
                warnings.push(format!("the heartbeat was not heard: {why}"));
            }
            warnings
        });
        runtime.shutdown_background();
        warnings
    }

    async fn tell(&self, now: &Now) -> Vec<String> {
        if self.alerts.is_empty() {
            return Vec::new();
        }
        let at = probing::now();
        let question = Question {
            from: Some(at.checked_sub(LOOKS_BACK).unwrap_or(Timestamp::MIN)),
            to: Some(at),
            rules: self.rules,
            surfaces: self.surfaces.clone(),
            ..Question::default()
        };
        let report = match report::ask(question, std::slice::from_ref(&self.journal), &Filter::default()) {
            Ok(report) => report,
            Err(Stop::Usage(why) | Stop::Trouble(why) | Stop::Busy(why)) => {
                return vec![format!("alerts could not be told: {why}")];
            }
            Err(Stop::Unread) => return Vec::new(),
        };
        match self.alerts.tell(&report, &now.expiring, at).await {
            Ok(told) => told.warnings.iter().map(ToString::to_string).collect(),
            Err(error) => vec![error.to_string()],
        }
    }
}

/// Speaks beside a watch, in a thread of its own.
pub(super) struct Speaker {
    sender: mpsc::SyncSender<Now>,
    thread: JoinHandle<()>,
    warnings: Arc<Mutex<Vec<String>>>,
}

impl Speaker {
    /// Begins to listen for words.
    pub(super) fn start(alerting: Alerting) -> Speaker {
        // One waits while one is told: what a third would say, the second will.
        let (sender, receiver) = mpsc::sync_channel::<Now>(1);
        let warnings = Arc::new(Mutex::new(Vec::new()));
        let said = Arc::clone(&warnings);
        let thread = thread::spawn(move || {
            for now in receiver {
                let new = alerting.speak(&now);
                said.lock().unwrap_or_else(PoisonError::into_inner).extend(new);
            }
        });
        Speaker { sender, thread, warnings }
    }

    /// Hands over what is known now. Does not wait; where it is busy, the next time will do.
    pub(super) fn speak(&self, now: Now) {
        // Full or gone: in both cases there is nothing to do about it here.
        let _ = self.sender.try_send(now);
    }

    /// The warnings since this was last asked.
    pub(super) fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut *self.warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Says the last word and waits a moment for it to be heard. What is not told by then is told
    /// by the next run: what was told is remembered, and not what was tried.
    pub(super) fn finish(self, now: Now) -> Vec<String> {
        let Speaker { sender, thread, warnings } = self;
        let _ = sender.try_send(now);
        drop(sender);
        let end = Instant::now() + LAST_WORD;
        while !thread.is_finished() && Instant::now() < end {
            thread::sleep(Duration::from_millis(10));
        }
        std::mem::take(&mut *warnings.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
