//! Probes as plain data, and single checks of them through the library.

use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use jiff::Timestamp;
use uptick::engine::Engine;
use uptick::model::Body;
use uptick::model::Check;
use uptick::model::Expect;
use uptick::model::Outcome;
use uptick::model::Probe;
use uptick::model::Redactor;
use uptick::model::Request;
use uptick::model::Retries;
use uptick::model::Schedule;
use uptick::model::Step;
use uptick::model::Transport;
use uptick::model::Value;

/// A probe that gets a URL and expects 2xx, with two seconds to do so.
pub fn get(url: &str) -> Probe {
    let request = Request {
        method: http::Method::GET,
        url: Value::plain(url),
        headers: Vec::new(),
        body: Body::Empty,
        auth: None,
        redirects: 10,
        body_limit: 1 << 20,
    };
    Probe {
        name: "target".to_owned(),
        surface: "web".to_owned(),
        tags: Vec::new(),
        control: false,
        line: 0,
        schedule: Schedule::Every(Duration::from_secs(30)),
        timeout: Duration::from_secs(2),
        steps: vec![Step { name: None, request, expect: Expect::default() }],
        transport: Transport::default(),
        retries: Retries { attempts: 0, delay: Duration::ZERO },
    }
}

/// A check that is due now.
pub fn due(probe: &Arc<Probe>) -> Check {
    Check { probe: Arc::clone(probe), scheduled_at: Timestamp::now(), lag: Duration::ZERO }
}

/// Checks a probe once with an engine of its own; also how long that took by our clock.
pub async fn check(probe: Probe) -> (Outcome, Duration) {
    let probe = Arc::new(probe);
    let engine = Engine::new("test", Redactor::default(), std::slice::from_ref(&probe)).unwrap();
    let start = Instant::now();
    let outcome = engine.check(due(&probe)).await;
    (outcome, start.elapsed())
}
