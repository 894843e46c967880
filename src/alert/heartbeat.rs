//! The sign of life after a pass: a monitor of the monitor misses it when it stays away.

use std::time::Duration;

use http::HeaderMap;
use url::Url;

use super::backoff::Backoff;
use crate::export::endpoint::{Answer, Endpoint};
use crate::model::{Captures, Redactor, SafeText, Value, Verdict};

/// The most time of one attempt.
const TIMEOUT: Duration = Duration::from_secs(5);
/// Attempts in all.
const ATTEMPTS: u32 = 3;

/// Asks the heartbeat URL after a pass (the convention of healthchecks.io): as it is, or with
/// `/fail` where something was down. `unknown` says nothing of the targets, and is not `/fail`.
///
/// # Errors
/// Why it failed.
pub async fn heartbeat(url: &Value, verdict: Verdict, redactor: &Redactor) -> Result<(), SafeText> {
    ping(url, verdict, redactor, Backoff::default()).await
}

async fn ping(url: &Value, verdict: Verdict, redactor: &Redactor, backoff: Backoff) -> Result<(), SafeText> {
    let failed = |why: &str| redactor.message(why);
    let filled = url.fill(&Captures::new()).unwrap_or_default();
    let mut url = Url::parse(&filled).map_err(|_| failed("not a URL"))?;
    if verdict == Verdict::Down
        && let Ok(mut path) = url.path_segments_mut()
    {
        path.pop_if_empty().push("fail");
    }
    let endpoint =
        Endpoint::new(url.clone(), HeaderMap::new(), TIMEOUT, None).map_err(|error| failed(&error.to_string()))?;
    for attempt in 1.. {
        match endpoint.get(url.clone()).await {
            Answer::Accepted(_) => break,
            Answer::Refused(why) => return Err(failed(why.as_str())),
            Answer::Retry(_, why) if attempt >= ATTEMPTS => return Err(failed(why.as_str())),
            Answer::Retry(..) => tokio::time::sleep(backoff.before(attempt)).await,
        }
    }
    Ok(())
}
