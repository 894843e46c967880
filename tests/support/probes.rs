//! Probes as plain data, and single checks of them through the library.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use uptick::engine::Engine;
use uptick::model::{Check, Outcome, Probe, Redactor};

/// A probe that gets a URL and expects 2xx, with two seconds to do so.
pub fn get(url: &str) -> Probe {
    Probe { timeout: Duration::from_secs(2), ..Probe::plain("target", "web", url, Duration::from_secs(30)) }
}

/// A check that is due now.
pub fn due(probe: &Arc<Probe>) -> Check {
    Check { probe: Arc::clone(probe), scheduled_at: Timestamp::now(), lag: Duration::ZERO }
}

/// Checks a probe once with its own engine. Also returns how long that took by the test's clock.
pub async fn check(probe: Probe) -> (Outcome, Duration) {
    let probe = Arc::new(probe);
    let engine = Engine::new("test", Redactor::default(), std::slice::from_ref(&probe)).unwrap();
    let start = Instant::now();
    let outcome = engine.check(due(&probe)).await;
    (outcome, start.elapsed())
}
