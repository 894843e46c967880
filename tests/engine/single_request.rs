//! The engine against local servers: what a check of one request does and keeps.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

use std::sync::Arc;
use std::time::Duration;

use crate::support::server::Server;
use crate::support::{probes, server};
use uptick::engine::Engine;
use uptick::model::{
    Auth, Body, FailureClass, HeaderExpectation, HeaderRule, JsonExpectation, JsonPath, JsonRule, Outcome, Pattern,
    Probe, Redactor, Retries, Secret, StatusSet, Step, TextRule, Value, Verdict,
};

fn asking(url: &str, change: impl FnOnce(&mut Step)) -> Probe {
    let mut probe = probes::get(url);
    change(&mut probe.steps[0]);
    probe
}

async fn outcome(probe: Probe) -> Outcome {
    probes::check(probe).await.0
}

fn class(outcome: &Outcome) -> Option<FailureClass> {
    outcome.class()
}

#[tokio::test]
async fn a_check_that_fails_and_then_passes_is_up_and_flaky_and_keeps_the_first_failure() {
    let server = Server::start(|conn| {
        conn.request();
        let status = if conn.number() < 3 { 503 } else { 200 };
        conn.send(server::answer(status, &[], "x"));
    });
    let probe =
        Probe { retries: Retries { attempts: 3, delay: Duration::from_millis(1) }, ..probes::get(&server.url("/")) };
    let outcome = outcome(probe).await;
    assert_eq!(outcome.verdict, Verdict::Up);
    assert!(outcome.flaky);
    assert_eq!((outcome.attempts, outcome.failure.is_none(), outcome.status), (3, true, Some(200)));
    let earlier: Vec<&str> = outcome.earlier_attempts.iter().map(|attempt| attempt.failure.message.as_str()).collect();
    assert_eq!(earlier, ["status 503, expected 2xx"; 2]);
    assert_eq!(server.connections(), 3);
}

#[tokio::test]
async fn a_check_that_keeps_failing_is_down_after_its_last_attempt() {
    let server = Server::answers(server::answer(500, &[], ""));
    let probe = Probe { retries: Retries { attempts: 2, delay: Duration::ZERO }, ..probes::get(&server.url("/")) };
    let outcome = outcome(probe).await;
    assert_eq!((outcome.verdict, outcome.attempts, outcome.flaky), (Verdict::Down, 3, false));
    assert_eq!(outcome.earlier_attempts.len(), 2);
}

#[tokio::test]
async fn every_expectation_that_is_not_met_is_told() {
    let server = Server::answers(server::answer(
        200,
        &[("content-type", "application/json"), ("x-mode", "degraded")],
        r#"{"status":"sick","items":[],"count":3}"#,
    ));
    let json = |path: &str, rule| JsonRule { path: JsonPath::new(path).unwrap(), rule };
    let outcome = outcome(asking(&server.url("/"), |step| {
        let expect = &mut step.expect;
        expect.body = vec![
            TextRule::Contains(Value::plain("healthy")),
            TextRule::Lacks(Value::plain("sick")),
            TextRule::Matches(Pattern::new("\"count\":[0-9]").unwrap()),
            TextRule::NotMatches(Pattern::new("count").unwrap()),
        ];
        expect.headers = vec![
            HeaderRule {
                name: http::HeaderName::from_static("x-mode"),
                rule: HeaderExpectation::NotMatches(Pattern::new("degraded").unwrap()),
                optional: false,
            },
            HeaderRule {
                name: http::HeaderName::from_static("x-other"),
                rule: HeaderExpectation::Contains(Value::plain("y")),
                optional: true,
            },
        ];
        expect.json = vec![
            json("$.status", JsonExpectation::Equals("ok".into())),
            json("$.items", JsonExpectation::MinLength(1)),
            json("$.count", JsonExpectation::Min(3.into())),
            json("$.none", JsonExpectation::Exists(false)),
            json("$.count", JsonExpectation::Equals(serde_json::json!(3.0).into())),
        ];
        expect.max_bytes = Some(10);
        expect.secure = Some(true);
        expect.sha256 = Some([0; 32]);
    }))
    .await;
    assert_eq!(class(&outcome), Some(FailureClass::AssertionFailed));
    let failure = outcome.failure.as_ref().unwrap();
    let told: Vec<&str> = failure.mismatches.iter().map(|mismatch| mismatch.assertion.as_str()).collect();
    let expected = [
        "secure",
        "header.x-mode",
        "max-bytes",
        "sha256",
        "body-contains",
        "body-lacks",
        "body-not-matches",
        "json",
        "json",
    ];
    assert_eq!(told, expected);
    assert_eq!(failure.mismatches[7].expected.as_str(), "$.status equals \"ok\"");
    assert_eq!(failure.mismatches[7].actual.as_str(), "\"sick\"");
    assert!(failure.message.as_str().ends_with("(and 8 more)"), "{}", failure.message);
}

#[tokio::test]
async fn a_wrong_status_decides_the_class_whatever_else_is_wrong() {
    let server = Server::answers(server::answer(503, &[("retry-after", "120")], "down for maintenance"));
    let outcome = outcome(asking(&server.url("/"), |step| {
        step.expect.status = vec![StatusSet(200..=299), StatusSet(304..=304)];
        step.expect.body = vec![TextRule::Contains(Value::plain("welcome"))];
    }))
    .await;
    assert_eq!(class(&outcome), Some(FailureClass::Status));
    let failure = outcome.failure.as_ref().unwrap();
    assert_eq!(failure.message.as_str(), "status 503, expected 2xx, 304");
    assert_eq!(failure.mismatches.len(), 2);
    let evidence = outcome.evidence.as_ref().unwrap();
    assert_eq!(evidence.body.as_ref().unwrap().as_str(), "down for maintenance");
    assert!(evidence.headers.iter().any(|(name, value)| name == "retry-after" && value.as_str() == "120"));
}

#[tokio::test]
async fn cookies_are_sent_on_within_a_check_and_forgotten_after_it() {
    let server = Server::start(|conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        if request.starts_with("GET /start") {
            conn.send(server::answer(302, &[("location", "/end"), ("set-cookie", "sid=4711; Path=/")], ""));
        } else {
            conn.send(server::ok(if request.contains("Cookie: sid=4711") { "known" } else { "unknown" }));
        }
    });
    let expecting = |path: &str, text: &str| {
        let text = Value::plain(text);
        asking(&server.url(path), |step| step.expect.body = vec![TextRule::Contains(text)])
    };
    let first = Arc::new(expecting("/start", "known"));
    let second = Arc::new(expecting("/end", "unknown"));
    let engine = Engine::new("test", Redactor::default(), &[Arc::clone(&first), Arc::clone(&second)]).unwrap();
    let outcome = engine.check(probes::due(&first)).await;
    assert_eq!(outcome.verdict, Verdict::Up, "{:?}", outcome.failure);
    assert_eq!(outcome.redirects.len(), 1);
    assert_eq!(engine.check(probes::due(&second)).await.verdict, Verdict::Up);
}

#[tokio::test]
async fn the_request_is_sent_as_the_probe_says() {
    let server = Arc::new(Server::answers(server::ok("thanks")));
    let outcome = outcome(asking(&server.url("/submit?x=1"), |step| {
        step.request.method = http::Method::POST;
        step.request.body = Body::Form(vec![("a b".to_owned(), Value::plain("c&d"))]);
        step.request.auth = Some(Auth::Basic { user: Value::plain("u"), password: Value::secret("PW", "pässword") });
        step.request.headers = vec![
            (http::HeaderName::from_static("x-one"), Value::plain("1")),
            (http::header::HOST, Value::plain("virtual.test")),
        ];
    }))
    .await;
    assert_eq!(outcome.verdict, Verdict::Up, "{:?}", outcome.failure);
    let request = server.requests_text().concat();
    let lower = request.to_lowercase();
    assert!(request.starts_with("POST /submit?x=1 HTTP/1.1\r\n"), "{request}");
    assert!(lower.contains("\r\nhost: virtual.test\r\n"), "{request}");
    assert_eq!(lower.matches("\r\nhost:").count(), 1, "{request}");
    assert!(lower.contains("x-one: 1\r\n"), "{request}");
    assert!(lower.contains("content-type: application/x-www-form-urlencoded\r\n"), "{request}");
    assert!(request.contains("Basic dTpww6Rzc3dvcmQ="), "{request}");
    assert!(lower.contains(concat!("user-agent: uptick/", env!("CARGO_PKG_VERSION"))), "{request}");
    assert!(request.ends_with("\r\n\r\na+b=c%26d"), "{request}");
}

#[tokio::test]
async fn a_secret_that_a_server_echoes_is_in_no_part_of_the_record() {
    const SECRET: &str = "s3cr3t/va+lue=0815";
    let server = Server::start(|conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        conn.send(server::answer(500, &[("via", &format!("1.1 {SECRET}"))], request));
    });
    let mut probe = asking(&server.url("/"), |step| {
        step.request.headers = vec![(http::HeaderName::from_static("x-api-key"), Value::secret("KEY", SECRET))];
        step.request.auth = Some(Auth::Basic { user: Value::plain("user"), password: Value::secret("KEY", SECRET) });
    });
    probe.steps[0].request.url.parts.push(uptick::model::ValuePart::Plain("?token=".to_owned()));
    probe.steps[0].request.url.parts.push(Value::secret("KEY", SECRET).parts[0].clone());
    let probe = Arc::new(probe);
    let redactor = Redactor::new([Secret::new(SECRET)]);
    let engine = Engine::new("test", redactor, std::slice::from_ref(&probe)).unwrap();
    let outcome = engine.check(probes::due(&probe)).await;
    let record = serde_json::to_string(&outcome).unwrap();
    assert!(record.contains("[redacted]") && record.contains("$KEY"), "{record}");
    for form in [SECRET, "s3cr3t%2Fva%2Blue%3D0815", "czNjcjN0L3ZhK2x1ZT0wODE1", "s3cr3t\\/va"] {
        assert!(!record.contains(form), "{form} in {record}");
    }
    let sent = server.requests_text().concat();
    assert!(sent.contains(SECRET), "the target itself gets it: {sent}");
}

#[tokio::test]
async fn an_answer_that_offers_http3_says_so() {
    let server = Server::answers(server::answer(200, &[("alt-svc", "h3=\":443\"; ma=86400, h3-29=\":443\"")], ""));
    assert!(outcome(probes::get(&server.url("/"))).await.http3_offered);
    let server = Server::answers(server::answer(200, &[("alt-svc", "h2=\":443\"")], ""));
    assert!(!outcome(probes::get(&server.url("/"))).await.http3_offered);
}

#[tokio::test]
async fn a_certificate_file_that_is_not_there_is_our_error_and_names_it() {
    let mut probe = probes::get("https://good.test/");
    probe.transport.tls.ca_file = Some("/nonexistent/ca.pem".into());
    let error = Engine::new("test", Redactor::default(), &[Arc::new(probe)]).unwrap_err().to_string();
    assert!(error.starts_with("/nonexistent/ca.pem: "), "{error}");
}

#[tokio::test]
async fn two_hundred_checks_at_once_are_each_attributed_right() {
    let servers: Vec<Server> = (0..4).map(|n| Server::answers(server::answer(200 + n, &[], "x"))).collect();
    let probes: Vec<Arc<Probe>> = servers.iter().map(|server| Arc::new(probes::get(&server.url("/")))).collect();
    let engine = Arc::new(Engine::new("test", Redactor::default(), &probes).unwrap());
    let mut checks = tokio::task::JoinSet::new();
    for n in 0..200_usize {
        let (engine, check) = (Arc::clone(&engine), probes::due(&probes[n % 4]));
        checks.spawn(async move { (n, engine.check(check).await) });
    }
    let mut ended = 0;
    while let Some(done) = checks.join_next().await {
        let (n, outcome) = done.unwrap();
        assert_eq!(outcome.status, Some(200 + u16::try_from(n % 4).unwrap()));
        assert_eq!(outcome.remote, Some(servers[n % 4].address()));
        ended += 1;
    }
    assert_eq!(ended, 200);
}

#[tokio::test]
async fn a_header_that_is_left_out_is_not_sent_and_the_others_are() {
    let server = Server::answers(server::answer(200, &[], "x"));
    let omitted = [http::header::USER_AGENT, http::header::ACCEPT];
    let probe = asking(&server.url("/"), |step| step.request.omitted_headers = omitted.to_vec());
    assert_eq!(outcome(probe).await.verdict, Verdict::Up);
    let sent = String::from_utf8(server.requests().remove(0)).unwrap().to_lowercase();
    assert!(!sent.contains("user-agent") && !sent.contains("accept:") && sent.contains("accept-encoding:"), "{sent}");
}
