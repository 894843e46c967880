//! One check in, one [`Outcome`] out, never an error. It knows probes and the network, and
//! neither schedules nor files.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::Check;
use crate::model::Failure;
use crate::model::FailureClass;
use crate::model::Outcome;
use crate::model::Probe;
use crate::model::Redactor;
use crate::model::SafeText;

/// Carries checks out. Shareable: one for the whole run.
pub struct Engine {
    vantage: String,
}

/// Why an engine could not be built: something of ours is missing, no target was asked.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A file that a probe's TLS settings name cannot be read.
    #[error("{}: {reason}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

impl Engine {
    /// An engine for these probes. Certificate and key files are read once, here.
    ///
    /// # Errors
    /// A certificate or key file that cannot be read or used.
    pub fn new(vantage: &str, redactor: Redactor, probes: &[Arc<Probe>]) -> Result<Engine, EngineError> {
        let _ = (redactor, probes);
        Ok(Engine { vantage: vantage.to_owned() })
    }

    /// Carries one check out, within the probe's timeout.
    #[expect(clippy::unused_async, reason = "the requests, which wait, follow")]
    pub async fn check(&self, check: Check) -> Outcome {
        let failure = Failure::new(FailureClass::Interrupted, None, SafeText::message("not asked"));
        Outcome::without_measurement(&check, &self.vantage, Timestamp::now(), failure)
    }
}
