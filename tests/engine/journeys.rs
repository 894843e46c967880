//! Checks with more than one request: journeys, linked files, and networks that must not be contacted.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use crate::support::dns::{Dns, Reply};
use crate::support::server::Server;
use crate::support::{probes, server};
use uptick::model::{
    Assets, Auth, AwsSigV4, Body, Capture, CaptureFrom, DeniedNetworks, FailureClass, HostPattern, JsonPath, Outcome,
    Pattern, Probe, Request, Resolver, Selector, Step, TextRule, Value, ValuePart, Verdict,
};

async fn outcome(probe: Probe) -> Outcome {
    probes::check(probe).await.0
}

pub(crate) fn step(name: &str, url: &str) -> Step {
    Step { name: Some(name.to_owned()), ..Step::of(Request::get(Value::plain(url))) }
}

pub(crate) fn captured(before: &str, name: &str) -> Value {
    Value { parts: vec![ValuePart::Plain(before.to_owned()), ValuePart::Capture(name.to_owned())] }
}

pub(crate) fn capture(name: &str, from: CaptureFrom) -> Capture {
    Capture { name: name.to_owned(), from }
}

/// The service of the outage of March 2023: a page with a form, a login, a timeline.
pub(crate) fn service() -> Server {
    Server::start(|conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        let answer = if request.starts_with("GET /login") {
            let page = "<form><input name=csrf value=tok-4711-abc></form>";
            server::answer(200, &[("set-cookie", "sid=sid-0815-def; HttpOnly"), ("x-id", "id-1234")], page)
        } else if request.starts_with("POST /login")
            && request.contains("csrf=tok-4711-abc")
            && request.contains("Cookie: sid=sid-0815-def")
        {
            server::answer(200, &[("content-type", "application/json")], r#"{"token":"jwt-9999-ghi"}"#)
        } else if request.starts_with("GET /timeline/id-1234") && request.contains("Bearer jwt-9999-ghi") {
            server::ok("posts")
        } else {
            server::answer(403, &[], format!("not you: {request}"))
        };
        conn.send(answer);
    })
}

pub(crate) fn journey(server: &Server) -> Probe {
    let mut page = step("login page", &server.url("/login"));
    page.captures = vec![
        capture(
            "csrf",
            CaptureFrom::Select {
                selector: Selector::new("input[name=csrf]").unwrap(),
                attribute: Some("value".into()),
            },
        ),
        capture("id", CaptureFrom::Header(http::HeaderName::from_static("x-id"))),
        capture("sid", CaptureFrom::Cookie("sid".into())),
        capture("again", CaptureFrom::Matches(Pattern::new("value=([^ >]+)").unwrap())),
    ];
    let mut login = step("log in", &server.url("/login"));
    login.request.method = http::Method::POST;
    login.request.body = Body::Form(vec![("csrf".to_owned(), captured("", "csrf"))]);
    login.captures = vec![capture("token", CaptureFrom::Json(JsonPath::new("$.token").unwrap()))];
    let mut timeline = step("timeline", "");
    timeline.request.url = captured(&server.url("/timeline/"), "id");
    timeline.request.headers = vec![(http::header::AUTHORIZATION, captured("Bearer ", "token"))];
    timeline.expect.body = vec![TextRule::Contains(Value::plain("posts"))];
    Probe { steps: vec![page, login, timeline], ..probes::get("") }
}

#[tokio::test]
async fn a_journey_takes_what_one_step_gives_into_the_next() {
    let server = service();
    let outcome = outcome(journey(&server)).await;
    assert_eq!(outcome.verdict, Verdict::Up, "{outcome:?}");
    let steps: Vec<(&str, bool, Option<u16>)> =
        outcome.steps.iter().map(|step| (step.name.as_str(), step.asked, step.status)).collect();
    assert_eq!(steps, [("login page", true, Some(200)), ("log in", true, Some(200)), ("timeline", true, Some(200))]);
    let sum: Duration = outcome.steps.iter().filter_map(|step| step.timings.processing).sum();
    assert_eq!(outcome.timings.processing, Some(sum));
}

#[tokio::test]
async fn a_value_that_is_not_there_fails_its_step_and_later_steps_are_not_asked() {
    let server = service();
    let mut probe = journey(&server);
    probe.steps[0].captures[0].from = CaptureFrom::Matches(Pattern::new("nonce=([0-9]+)").unwrap());
    let outcome = outcome(probe).await;
    assert_eq!(outcome.class(), Some(FailureClass::CaptureFailed));
    let failure = outcome.failure.as_ref().unwrap();
    assert_eq!(failure.step.as_deref(), Some("login page"));
    assert_eq!(failure.message.as_str(), "csrf: nonce=([0-9]+) is not found in the body");
    let asked: Vec<bool> = outcome.steps.iter().map(|step| step.asked).collect();
    assert_eq!(asked, [true, false, false]);
    assert_eq!(outcome.steps.iter().filter(|step| step.class.is_some()).count(), 1);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn what_was_captured_is_redacted_as_a_secret_is() {
    let server = service();
    let mut probe = journey(&server);
    // The last response repeats the request, including the token.
    probe.steps[2].request.url = captured(&server.url("/other/"), "csrf");
    let outcome = outcome(probe).await;
    assert_eq!(outcome.class(), Some(FailureClass::Status));
    assert_eq!(outcome.failure.as_ref().unwrap().step.as_deref(), Some("timeline"));
    let record = serde_json::to_string(&outcome).unwrap();
    assert!(record.contains("not you: GET /other/[redacted]"), "{record}");
    for secret in ["tok-4711-abc", "jwt-9999-ghi", "sid-0815-def"] {
        assert!(!record.contains(secret), "{secret} in {record}");
    }
}

fn site() -> Server {
    Server::start(|conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        let answer = match path.as_str() {
            "/" => server::answer(200, &[("content-type", "text/html")], PAGE),
            "/s/a.png" => server::answer(200, &[("content-type", "image/png")], "png"),
            "/s/moved.js" => server::answer(302, &[("location", "/s/a.js")], ""),
            "/s/a.js" => server::answer(200, &[("content-type", "text/javascript")], "x".repeat(5_000)),
            _ => server::answer(404, &[], "gone"),
        };
        conn.send(answer);
    })
}

const PAGE: &str = r#"<base href="/s/"><img src=a.png><script src=moved.js></script>
    <img srcset="gone.png 1x, a.png 2x"><img src="http://other.invalid/x.png">"#;

fn with_assets(url: &str, select: &str) -> Probe {
    let mut probe = probes::get(url);
    probe.steps[0].expect.assets = Some(Assets {
        select: Selector::new(select).unwrap(),
        limit: 20,
        hosts: Vec::new(),
        body_limit: 1_000,
        at_least: 1,
    });
    probe
}

#[tokio::test]
async fn the_files_of_a_page_are_loaded_and_a_broken_one_is_told_by_its_url() {
    let server = site();
    let outcome = outcome(with_assets(&server.url("/"), "img, script")).await;
    assert_eq!(outcome.class(), Some(FailureClass::AssetFailed), "{outcome:?}");
    let gone = server.url("/s/gone.png");
    let message = &outcome.failure.as_ref().unwrap().message;
    assert_eq!(message.as_str(), format!("1 of 3 files did not load, the first {gone}: status 404, expected 2xx"));
    let assets: Vec<(String, Option<u16>, u64)> = outcome
        .assets
        .iter()
        .map(|asset| (asset.url.to_string().replace(&server.url(""), ""), asset.status, asset.bytes))
        .collect();
    let expected = [
        ("/s/a.png".to_owned(), Some(200), 3),
        ("/s/moved.js".to_owned(), Some(200), 1_000),
        ("/s/gone.png".to_owned(), Some(404), 4),
    ];
    assert_eq!(assets, expected, "the file of a host that is not listed is not asked for");
}

#[tokio::test]
async fn a_page_without_the_files_it_must_have_is_down_and_with_them_up() {
    let server = site();
    let up = outcome(with_assets(&server.url("/"), "script")).await;
    assert_eq!((up.verdict, up.assets.len()), (Verdict::Up, 1), "{up:?}");
    let bare = outcome(with_assets(&server.url("/"), "video")).await;
    assert_eq!(bare.class(), Some(FailureClass::AssertionFailed));
    assert_eq!(bare.failure.unwrap().mismatches[0].assertion, "assets.at-least");
}

#[tokio::test]
async fn a_file_of_another_origin_gets_no_credentials() {
    let other = Arc::new(Server::answers(server::ok("css")));
    let link = format!("<link rel=stylesheet href=\"http://127.0.0.1:{}/x.css\"><img src=/own.png>", other.port());
    let own = Server::start(move |conn| {
        conn.request();
        conn.send(server::ok(&link));
    });
    let mut probe = with_assets(&own.url("/"), "link, img");
    let request = &mut probe.steps[0].request;
    request.auth = Some(Auth::Bearer(Value::secret("TOKEN", "very-secret-token")));
    request.headers = vec![
        (http::HeaderName::from_static("x-api-key"), Value::secret("KEY", "very-secret-key")),
        (http::header::ACCEPT_LANGUAGE, Value::plain("en")),
    ];
    let outcome = outcome(probe).await;
    assert_eq!(outcome.verdict, Verdict::Up, "{outcome:?}");
    let (to_other, to_own) = (other.requests_text().concat(), own.requests_text());
    assert!(to_other.contains("Accept-Language: en") && !to_other.contains("very-secret"), "{to_other}");
    assert_eq!(to_own.len(), 2);
    assert!(to_own[1].contains("Bearer very-secret-token") && to_own[1].contains("very-secret-key"), "{}", to_own[1]);
}

#[tokio::test]
async fn a_listed_host_is_asked_for_its_files() {
    let server = site();
    let mut probe = with_assets(&server.url("/"), "img[src^=http]");
    probe.steps[0].expect.assets.as_mut().unwrap().hosts = vec![HostPattern::new("*.invalid").unwrap()];
    let outcome = outcome(probe).await;
    assert_eq!(outcome.class(), Some(FailureClass::AssetFailed));
    assert_eq!(outcome.assets[0].class, Some(FailureClass::DnsNotFound));
}

const PRIVATE: DeniedNetworks = DeniedNetworks { private: true, link_local: false, metadata: false };

#[tokio::test]
async fn a_denied_network_is_not_asked_however_its_address_is_spelled() {
    let server = Arc::new(Server::answers(server::ok("inside")));
    let port = server.port();
    let dns = Dns::always(Reply::address(Ipv4Addr::LOCALHOST));
    let hosts = [
        "127.0.0.1",
        "0x7f000001",
        "0177.1",
        "2130706433",
        "0",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "name.test",
    ];
    for host in hosts {
        let mut probe = probes::get(&format!("http://{host}:{port}/"));
        probe.transport.deny = PRIVATE;
        probe.transport.resolver = Resolver::Udp(dns.address());
        for reuse in [false, true] {
            probe.transport.reuse = reuse;
            let outcome = outcome(probe.clone()).await;
            assert_eq!(outcome.class(), Some(FailureClass::TargetBlocked), "{host}: {outcome:?}");
        }
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_redirect_into_a_denied_network_is_blocked() {
    // Loopback is allowed here, otherwise there would be no first hop.
    let outside = Server::answers(server::answer(302, &[("location", "http://169.254.169.254/latest")], ""));
    let mut probe = probes::get(&outside.url("/"));
    probe.transport.deny = DeniedNetworks { private: false, link_local: true, metadata: true };
    let outcome = outcome(probe).await;
    assert_eq!(outcome.class(), Some(FailureClass::TargetBlocked), "{outcome:?}");
    let message = outcome.failure.unwrap().message.to_string();
    assert!(message.contains("169.254.169.254") && message.contains("metadata"), "{message}");
    assert_eq!(outcome.redirects.len(), 1);
}

/// A proxy receives an address as it is in the URL, without a lookup.
#[tokio::test]
async fn a_proxy_is_not_told_of_a_denied_address() {
    let proxy = Server::start(|conn| {
        conn.request();
    });
    for scheme in ["socks5", "http"] {
        for reuse in [false, true] {
            let mut probe = probes::get("http://169.254.169.254/latest");
            probe.transport.proxy = Some(Value::plain(&format!("{scheme}://{}", proxy.address())));
            probe.transport.deny = DeniedNetworks { private: false, link_local: true, metadata: true };
            probe.transport.reuse = reuse;
            let outcome = outcome(probe).await;
            assert_eq!(outcome.class(), Some(FailureClass::TargetBlocked), "{scheme}: {outcome:?}");
        }
    }
    assert_eq!(proxy.connections(), 0);
}

#[tokio::test]
async fn a_million_links_and_a_redirect_on_every_file_are_bounded() {
    let page = server::lines(20_000, |n| format!("<img src=/loop/{n}>"));
    let server = Server::start(move |conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        if request.starts_with("GET /loop") {
            conn.send(server::answer(302, &[("location", "/loop/again")], ""));
        } else {
            conn.send(server::ok(&page));
        }
    });
    let mut probe = with_assets(&server.url("/"), "img");
    probe.steps[0].expect.assets.as_mut().unwrap().limit = 5;
    probe.timeout = Duration::from_secs(20);
    let outcome = outcome(probe).await;
    assert_eq!(outcome.class(), Some(FailureClass::AssetFailed));
    assert_eq!(outcome.assets.len(), 5);
    assert!(outcome.assets.iter().all(|asset| asset.class == Some(FailureClass::RedirectLimit)));
    assert!(server.connections() <= 1 + 5 * 11, "{} connections", server.connections());
}

#[tokio::test]
async fn digest_answers_what_the_server_asks_for_and_the_round_before_is_a_hop() {
    let server = Server::start(|conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        let is_answer =
            request.contains("\r\nAuthorization: Digest username=\"probe\", realm=\"r\", nonce=\"n\", uri=\"/a?b\"");
        if is_answer && request.contains("qop=auth, nc=00000001, cnonce=") {
            conn.send(server::ok("hello"));
        } else {
            let challenge = "Basic realm=\"r\", Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256";
            conn.send(server::answer(401, &[("www-authenticate", challenge)], "no"));
        }
    });
    let mut probe = probes::get(&server.url("/a?b"));
    let password = Value::secret("PASSWORD", "hunter22hunter22");
    probe.steps[0].request.auth = Some(Auth::Digest { user: Value::plain("probe"), password });
    let (outcome, _) = probes::check(probe).await;
    assert_eq!(outcome.verdict, Verdict::Up, "{:?}", outcome.failure);
    assert_eq!(outcome.redirects.iter().map(|hop| hop.status).collect::<Vec<_>>(), [401]);
    assert!(outcome.redirects[0].timings.processing.is_some());
    assert_eq!(server.connections(), 2);
}

#[tokio::test]
async fn a_signed_request_that_is_refused_for_our_clock_says_nothing_about_the_target() {
    let server = Server::start(|conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        let is_signed = request.contains("\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/")
            && request.contains("SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=");
        let date = if is_signed { "Thu, 01 Jan 2015 00:00:00 GMT" } else { "x" };
        conn.send(server::answer(403, &[("date", date)], "SignatureDoesNotMatch"));
    });
    let mut probe = probes::get(&server.url("/"));
    probe.steps[0].request.auth = Some(Auth::AwsSigV4(AwsSigV4 {
        access_key: Value::plain("AKIDEXAMPLE"),
        secret_key: Value::secret("KEY", "hunter22hunter22"),
        session_token: Some(Value::secret("SESSION", "session22session22")),
        region: "eu-central-1".to_owned(),
        service: "execute-api".to_owned(),
    }));
    let (outcome, _) = probes::check(probe).await;
    assert_eq!((outcome.verdict, outcome.class()), (Verdict::Unknown, Some(FailureClass::ProberClock)));
}
