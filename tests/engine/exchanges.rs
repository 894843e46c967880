//! The requests and responses that an outcome keeps: none, unless asked for.

use std::sync::Arc;

use crate::journeys::{journey, service};
use crate::support::server::Server;
use crate::support::{probes, server};
use uptick::engine::Engine;
use uptick::model::{ExchangeDetail, HttpExchange, Outcome, Probe, Redactor, Secret, Value, Verdict};

const ALL: ExchangeDetail = ExchangeDetail { exchanges: true, headers: true, body: true };
const SECRET: &str = "s3cret-value-0815";

async fn outcome(detail: ExchangeDetail, probe: Probe) -> Outcome {
    let probe = Arc::new(probe);
    let redactor = Redactor::new([Secret::new(SECRET)]);
    let engine = Engine::keeping(detail, "test", redactor, std::slice::from_ref(&probe)).unwrap();
    engine.check(probes::due(&probe)).await
}

fn value<'e>(headers: &'e [(String, uptick::model::SafeText)], name: &str) -> Option<&'e str> {
    headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn moved() -> Server {
    Server::start(|conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        conn.send(if request.starts_with("GET /old") {
            server::answer(301, &[("location", "/new?token=4711-abc")], "")
        } else {
            let headers = [("content-type", "text/plain"), ("set-cookie", "sid=0815"), ("x-echo", SECRET)];
            server::answer(200, &headers, format!("one\r\n\ttwo {SECRET}\u{1b}[31m\n"))
        });
    })
}

#[tokio::test]
async fn nothing_is_kept_unless_it_is_asked_for() {
    let server = moved();
    let plain = outcome(ExchangeDetail::default(), probes::get(&server.url("/old"))).await;
    assert!(plain.verdict == Verdict::Up && plain.exchanges.is_empty() && plain.evidence.is_none());
    let places = ExchangeDetail { exchanges: true, ..ExchangeDetail::default() };
    let kept = outcome(places, probes::get(&server.url("/old"))).await.exchanges;
    let asked: Vec<(Option<u16>, &str)> = kept.iter().map(|kept| (kept.status, kept.method.as_str())).collect();
    assert_eq!(asked, [(Some(301), "GET"), (Some(200), "GET")]);
    let is_bare = |kept: &HttpExchange| kept.request_headers.is_empty() && kept.response_headers.is_empty();
    assert!(kept.iter().all(|kept| is_bare(kept) && kept.body.is_none()), "{kept:?}");
}

#[tokio::test]
async fn headers_and_body_are_kept_without_secrets_and_escape_sequences() {
    let server = moved();
    let mut probe = probes::get(&server.url("/old"));
    let key = (http::HeaderName::from_static("x-api-key"), Value::secret("KEY", SECRET));
    probe.steps[0].request.headers = vec![key];
    let kept = outcome(ALL, probe).await.exchanges;
    let [old, new] = kept.as_slice() else { panic!("{kept:?}") };
    assert_eq!(value(&old.request_headers, "host"), Some(server.address().to_string().as_str()));
    assert_eq!(value(&old.request_headers, "x-api-key"), Some("[redacted]"));
    assert!(value(&old.response_headers, "location").is_some_and(|to| to.ends_with("/new?token=redacted")), "{old:?}");
    assert_eq!(value(&new.response_headers, "set-cookie"), Some("[redacted]"));
    assert_eq!(value(&new.response_headers, "x-echo"), Some("[redacted]"));
    assert_eq!(new.body.as_deref(), Some("one\n\ttwo [redacted]\\u{1b}[31m\n"));
    assert!(!format!("{kept:?}").contains(SECRET));
}

#[tokio::test]
async fn a_body_is_kept_to_its_end_and_one_that_is_no_text_is_said_to_be_so() {
    let long = "x".repeat(100_000);
    let server = Server::answers(server::ok(&long));
    let kept = outcome(ALL, probes::get(&server.url("/"))).await.exchanges;
    assert_eq!(kept[0].body.as_ref().map(String::len), Some(100_000));
    for bytes in [vec![0x89, b'P', b'N', b'G', 0, 0, 1], vec![0x1f, 0x8b, 8, 8]] {
        let said = format!("({} bytes that are not text)", bytes.len());
        let server = Server::answers(server::answer(200, &[("content-type", "image/png")], bytes));
        let kept = outcome(ALL, probes::get(&server.url("/"))).await.exchanges;
        assert_eq!(kept[0].body.as_deref(), Some(said.as_str()));
    }
}

#[tokio::test]
async fn the_steps_of_a_journey_are_kept_and_what_was_captured_is_not_shown() {
    let server = service();
    let kept = outcome(ALL, journey(&server)).await.exchanges;
    let steps: Vec<Option<&str>> = kept.iter().map(|kept| kept.step.as_deref()).collect();
    assert_eq!(steps, [Some("login page"), Some("log in"), Some("timeline")]);
    let text = format!("{kept:?}");
    assert!(text.contains("posts") && text.contains("value=[redacted]"), "{text}");
    for secret in ["tok-4711-abc", "jwt-9999-ghi", "sid-0815-def", "id-1234"] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

#[tokio::test]
async fn a_request_without_an_answer_is_kept_too() {
    let url = format!("http://127.0.0.1:{}/", server::refusing_port());
    let kept = outcome(ALL, probes::get(&url)).await.exchanges;
    assert_eq!(kept.len(), 1);
    assert!(kept[0].status.is_none() && kept[0].body.is_none() && !kept[0].request_headers.is_empty(), "{kept:?}");
}
