//! Queries a backend for what it was sent. Some accept native histograms, answer with success, and drop them, which
//! goes unnoticed until somebody needs them.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::Value;
use url::Url;

use crate::export::endpoint::{Answer, Endpoint};
use crate::export::error::ExportError;
use crate::export::histogram_format::HistogramFormat;
use crate::metric;
use crate::metric::Identity;
use crate::model::{Redactor, SafeText, UnixMillis};

use super::replay::Last;
use super::request::{self, Settings};

/// Maximum number of queries: it may take a moment until new samples can be found, and a backend that was queried too
/// early may cache the empty result for ten seconds.
const ATTEMPTS: u32 = 60;
/// The pause between two queries.
const PAUSE: Duration = Duration::from_millis(500);
/// Number of queries that must find the counters without the histogram, which was sent together with them.
const CONVINCED: u32 = 30;

/// What a backend has of what it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stored {
    /// Everything.
    Whole {
        /// Number of samples in the histogram.
        count: u64,
    },
    /// Another number of samples: another prober writes the same series, or some were lost.
    Different {
        /// Number of samples sent.
        sent: u64,
        /// Number of samples found.
        found: u64,
    },
    /// The counters without the histogram: the backend accepted it and dropped it.
    HistogramDropped,
    /// Nothing.
    Nothing,
    /// It could not be queried.
    Unknown(SafeText),
}

impl Stored {
    /// Whether everything is there.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self, Stored::Whole { .. })
    }

    /// One sentence for the user, with what to do about it.
    #[must_use]
    pub fn sentence(&self, histograms: HistogramFormat) -> String {
        match self {
            Stored::Whole { count } => format!("the backend has the histogram with all {count} samples"),
            Stored::Different { sent, found } => format!(
                "the backend has a histogram of {found} samples where {sent} were sent: does another prober have the same vantage?"
            ),
            Stored::HistogramDropped if matches!(histograms, HistogramFormat::Native(_)) => {
                "the backend has the counters and DROPPED the native histogram: switch native histograms on there, \
                 or send --histograms vmrange (VictoriaMetrics) or classic"
                    .to_owned()
            }
            Stored::HistogramDropped => "the backend has the counters and not the histogram".to_owned(),
            Stored::Nothing => "the backend took the samples and has none of them".to_owned(),
            Stored::Unknown(why) => format!("the backend could not be asked: {why}"),
        }
    }
}

/// Queries one probe's histogram, and its counter if the histogram is not there.
///
/// # Errors
/// [`ExportError`], if the query URL is unknown, or the settings cannot be used.
pub async fn verify(settings: &Settings, query_url: Option<Url>, last: &Last) -> Result<Stored, ExportError> {
    let url = query_url.or_else(|| query_address(&settings.url)).ok_or_else(|| ExportError::Url {
        url: Redactor::default().url(&settings.url),
        why: "its query API is not known; add --query-url",
    })?;
    let endpoint = request::endpoint(settings)?;
    let of = metric::identity_of(&last.sum, last.shard);
    let sent = last.sum.latency.total.count();
    let name = match settings.histograms {
        HistogramFormat::Native(_) => metric::DURATION.name.to_owned(),
        HistogramFormat::Classic | HistogramFormat::VmRange => format!("{}_count", metric::DURATION.name),
    };
    let mut found = Stored::Nothing;
    let mut without = 0;
    for _ in 0..ATTEMPTS {
        found = match ask(&endpoint, &url, &selector(&name, &of, ""), last.at).await {
            Ok(Some(count)) if count == sent => return Ok(Stored::Whole { count }),
            Ok(Some(found)) => Stored::Different { sent, found },
            Ok(None) => {
                let counter = selector(metric::CHECKS.name, &of, ",verdict=\"up\"");
                match ask(&endpoint, &url, &counter, last.at).await {
                    Ok(Some(_)) => Stored::HistogramDropped,
                    Ok(None) => Stored::Nothing,
                    Err(why) => Stored::Unknown(why),
                }
            }
            Err(why) => Stored::Unknown(why),
        };
        without += u32::from(found == Stored::HistogramDropped);
        if without >= CONVINCED {
            break;
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(found)
}

/// The query API of the backend that accepts remote write at this URL.
fn query_address(write: &Url) -> Option<Url> {
    const PATHS: [(&str, &str); 3] = [
        ("/api/v1/write", "/api/v1/query"),
        // Mimir, Cortex; Grafana Cloud.
        ("/api/v1/push", "/prometheus/api/v1/query"),
        ("/api/prom/push", "/api/prom/api/v1/query"),
    ];
    let (path, query) = PATHS.iter().find_map(|(from, to)| Some((write.path().strip_suffix(from)?, to)))?;
    let mut url = write.clone();
    // A cluster of VictoriaMetrics has another path for queries.
    let path = path.strip_prefix("/insert/").map_or_else(|| path.to_owned(), |rest| format!("/select/{rest}"));
    url.set_path(&format!("{path}{query}"));
    url.set_query(None);
    Some(url)
}

fn selector(name: &str, of: &Identity, more: &str) -> String {
    let mut text = format!("{name}{{");
    for (at, (label, value)) in of.labels().enumerate() {
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let comma = if at == 0 { "" } else { "," };
        let _ = write!(text, "{comma}{label}=\"{value}\"");
    }
    text + more + "}"
}

/// The number of samples of a histogram, or the value of a counter, at an instant.
async fn ask(endpoint: &Endpoint, url: &Url, query: &str, at: UnixMillis) -> Result<Option<u64>, SafeText> {
    let mut url = url.clone();
    // Some backends look for samples before a whole second.
    let time = (at.div_euclid(1000) + 2).to_string();
    // VictoriaMetrics hides the last half minute unless a query has nocache.
    url.query_pairs_mut().append_pair("query", query).append_pair("time", &time).append_pair("nocache", "1");
    match endpoint.get(url).await {
        Answer::Accepted(body) => {
            let answer: Value =
                serde_json::from_slice(&body).map_err(|_| SafeText::message("its answer is not JSON"))?;
            Ok(count(&answer))
        }
        Answer::Retry(_, why) | Answer::Refused(why) => Err(why),
    }
}

/// `{"data":{"result":[{"histogram":[t,{"count":"5"}]}]}}` or `{"value":[t,"5"]}`
fn count(answer: &Value) -> Option<u64> {
    let first = answer.pointer("/data/result/0")?;
    let text = first.pointer("/histogram/1/count").or_else(|| first.pointer("/value/1"))?.as_str()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a count; `as` holds what is none at 0"
    )]
    text.parse::<f64>().ok().map(|count| count as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_api_is_found_from_where_is_written() {
        for (write, query) in [
            ("http://p.test:9090/api/v1/write", "http://p.test:9090/api/v1/query"),
            ("https://m.test/api/v1/push", "https://m.test/prometheus/api/v1/query"),
            ("https://g.test/api/prom/push", "https://g.test/api/prom/api/v1/query"),
            ("http://vm.test/insert/7/prometheus/api/v1/write", "http://vm.test/select/7/prometheus/api/v1/query"),
        ] {
            let write = Url::parse(write).expect("a URL");
            assert_eq!(query_address(&write).map(String::from).as_deref(), Some(query));
        }
        assert_eq!(query_address(&Url::parse("http://x.test/elsewhere").expect("a URL")), None);
    }

    #[test]
    fn a_selector_is_escaped() {
        let subject = metric::Subject { vantage: "here", probe: "a \"b\" \\", surface: "web", control: false };
        let of = Identity::new(subject, None);
        assert_eq!(selector("m", &of, ""), r#"m{probe="a \"b\" \\",surface="web",vantage="here"}"#);
    }

    #[test]
    fn both_kinds_of_answer_are_read() {
        let native = serde_json::json!({"data": {"result": [{"histogram": [1, {"count": "5", "sum": "1"}]}]}});
        let number = serde_json::json!({"data": {"result": [{"value": [1, "5"]}]}});
        let nothing = serde_json::json!({"data": {"result": []}});
        assert_eq!((count(&native), count(&number), count(&nothing)), (Some(5), Some(5), None));
    }
}
