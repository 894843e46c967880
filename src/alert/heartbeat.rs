//! The heartbeat: a request after each pass, so that another monitor notices if it stops. A pass
//! with something down is reported as a failure, in the form that the monitoring service expects.

use std::time::Duration;

use http::HeaderMap;
use url::Url;

use super::backoff::Backoff;
use crate::export::endpoint::{Answer, Endpoint};
use crate::model::{Captures, NetworkRules, Redactor, SafeText, Value, Verdict};

/// The timeout of one attempt.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most attempts.
const ATTEMPTS: u32 = 3;

/// Query parameters with which services report success, and the value that reports a failure:
/// Uptime Kuma, Cronitor, Sentry, Gatus, and exit statuses.
const OUTCOMES: &[(&str, &[&str], &str)] = &[
    ("status", &["up"], "down"),
    ("status", &["ok", "in_progress"], "error"),
    ("status", &["success"], "failure"),
    ("state", &["complete", "run", "ok"], "fail"),
    ("success", &["true"], "false"),
    ("success", &["1"], "0"),
    ("exit_code", &["0"], "1"),
    ("exit_status", &["0"], "1"),
    ("rc", &["0"], "1"),
];

/// Last path segments with which services report success, and the segment that reports a failure.
const PATHS: &[(&str, &str)] =
    &[("complete", "fail"), ("success", "fail"), ("finished", "failed"), ("ok", "fail"), ("0", "1"), ("fail", "fail")];

/// Requests the heartbeat URL after a pass. If something was down, the URL is changed to the one
/// that reports a failure to its service. `unknown` says nothing about the targets, so it is no
/// failure.
///
/// # Errors
/// Why the request failed.
pub async fn heartbeat(
    url: &Value,
    verdict: Verdict,
    redactor: &Redactor,
    network: NetworkRules,
) -> Result<(), SafeText> {
    let backoff = Backoff::default();
    let filled = url.fill(&Captures::new()).unwrap_or_default();
    let mut url = Url::parse(&filled).map_err(|_| SafeText::message("not a URL"))?;
    if verdict == Verdict::Down {
        url = for_failure(url);
    }
    let endpoint = Endpoint::new(url.clone(), HeaderMap::new(), TIMEOUT, None, network)
        .map_err(|error| redactor.message(error.to_string()))?;
    for attempt in 1.. {
        match endpoint.get(url.clone()).await {
            Answer::Accepted(_) => break,
            Answer::Refused(why) => return Err(redactor.message(&why)),
            Answer::Retry(_, why) if attempt >= ATTEMPTS => return Err(redactor.message(&why)),
            Answer::Retry(..) => tokio::time::sleep(backoff.before(attempt)).await,
        }
    }
    Ok(())
}

/// The URL that reports a failure, derived from one that reports success: by changing a query
/// parameter that reports success, otherwise by what the host's service expects, otherwise by the
/// last path segment, which becomes `/fail` for healthchecks.io, Better Stack and similar services.
fn for_failure(url: Url) -> Url {
    if let Some(by_query) = with_failing_query(&url) {
        return by_query;
    }
    let is_under =
        |domain: &str| url.host_str().is_some_and(|host| host == domain || host.ends_with(&format!(".{domain}")));
    let is_push = url.path().contains("/api/push/");
    let added: &[(&str, &str)] = match () {
        // Uptime Kuma: a push URL without `status` means `status=up`.
        () if is_push => &[("status", "down"), ("msg", "down")],
        () if is_under("nosnch.in") => &[("s", "1")],
        () if is_under("cronitor.link") && url.path().starts_with("/p/") => &[("state", "fail")],
        () if url.path().contains("/cron/") && is_under("sentry.io") => &[("status", "error")],
        () => &[],
    };
    let mut failing = url;
    if added.is_empty() {
        let last =
            failing.path_segments().and_then(|mut parts| parts.rfind(|part| !part.is_empty())).map(str::to_owned);
        let known = PATHS.iter().find(|(success, _)| last.as_deref() == Some(*success));
        if let Ok(mut path) = failing.path_segments_mut() {
            path.pop_if_empty();
            if known.is_some() {
                path.pop();
            }
            path.push(known.map_or("fail", |(_, failure)| failure));
        }
    } else {
        failing.query_pairs_mut().extend_pairs(added);
    }
    failing
}

/// The URL with every parameter that reports success changed to report a failure; `None` if no
/// parameter does.
fn with_failing_query(url: &Url) -> Option<Url> {
    let mut changed = false;
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .map(|(name, value)| {
            let failure = OUTCOMES.iter().find(|(parameter, successes, _)| {
                name.eq_ignore_ascii_case(parameter)
                    && successes.iter().any(|success| value.eq_ignore_ascii_case(success))
            });
            changed |= failure.is_some();
            (name.into_owned(), failure.map_or(value.into_owned(), |(_, _, failure)| (*failure).to_owned()))
        })
        .collect();
    if !changed {
        return None;
    }
    // A message that says OK beside a failure would be misread.
    let message = |name: &str, value: &str| matches!(name, "msg" | "message" | "m") && value.eq_ignore_ascii_case("ok");
    let pairs = pairs.iter().map(|(name, value)| (name, if message(name, value) { "down" } else { value }));
    let mut failing = url.clone();
    failing.query_pairs_mut().clear().extend_pairs(pairs);
    Some(failing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_reported_in_the_words_of_the_service() {
        for (url, failing) in [
            (
                "https://kuma.test/api/push/KEY?status=up&msg=OK&ping=",
                "https://kuma.test/api/push/KEY?status=down&msg=down&ping=",
            ),
            ("https://kuma.test/sub/api/push/KEY", "https://kuma.test/sub/api/push/KEY?status=down&msg=down"),
            ("https://hc-ping.com/1234", "https://hc-ping.com/1234/fail"),
            ("https://hc.test/ping/1234/?create=1", "https://hc.test/ping/1234/fail?create=1"),
            ("https://hc-ping.com/1234/0", "https://hc-ping.com/1234/1"),
            (
                "https://uptime.betterstack.com/api/v1/heartbeat/T",
                "https://uptime.betterstack.com/api/v1/heartbeat/T/fail",
            ),
            (
                "https://cronitor.link/p/KEY/job?state=complete&host=a",
                "https://cronitor.link/p/KEY/job?state=fail&host=a",
            ),
            ("https://cronitor.link/p/KEY/job", "https://cronitor.link/p/KEY/job?state=fail"),
            ("https://cronitor.link/KEY/complete", "https://cronitor.link/KEY/fail"),
            ("https://nosnch.in/c2354d53d2?m=OK", "https://nosnch.in/c2354d53d2?m=OK&s=1"),
            (
                "https://o1.ingest.sentry.io/api/1/cron/job/KEY/?status=ok",
                "https://o1.ingest.sentry.io/api/1/cron/job/KEY/?status=error",
            ),
            (
                "https://o1.ingest.sentry.io/api/1/cron/job/KEY/",
                "https://o1.ingest.sentry.io/api/1/cron/job/KEY/?status=error",
            ),
            (
                "https://gatus.test/api/v1/endpoints/a_b/external?success=true",
                "https://gatus.test/api/v1/endpoints/a_b/external?success=false",
            ),
            ("https://ping.test/x?exit_code=0", "https://ping.test/x?exit_code=1"),
            ("https://sm.test/hb/?s=abc", "https://sm.test/hb/fail?s=abc"),
            ("https://a.test/?status=unknown", "https://a.test/fail?status=unknown"),
            ("https://a.test", "https://a.test/fail"),
        ] {
            assert_eq!(for_failure(Url::parse(url).unwrap()).as_str(), failing, "{url}");
        }
    }
}
