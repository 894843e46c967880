//! What checks share to be let in: tokens, and sessions that a login made.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use uptick::engine::Engine;
use uptick::model::{
    Auth, CaptureFrom, FailureClass, JsonPath, OAuth2, Outcome, Probe, Redactor, Secret, Session, Transport, Value,
    Verdict,
};

use crate::journeys::{capture, captured, step};
use crate::support::server::Server;
use crate::support::{probes, server};

async fn checks_at_once(engine: &Arc<Engine>, probes: &[Arc<Probe>]) -> Vec<Outcome> {
    let mut checks = tokio::task::JoinSet::new();
    for probe in probes {
        let (engine, check) = (Arc::clone(engine), probes::due(probe));
        checks.spawn(async move { engine.check(check).await });
    }
    checks.join_all().await
}

/// A token server that issues `token-number-1`, `token-number-2` and so on, and counts them.
fn token_server(status: u16) -> (Server, Arc<AtomicUsize>) {
    let given = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&given);
    let server = Server::start(move |conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        let is_right = request.contains("grant_type=client_credentials")
            && request.contains("scope=read+write")
            && request.contains("Basic Y2xpZW50OnMlMkZjcmV0LXZhbHVl");
        if status != 200 || !is_right {
            conn.send(server::answer(if is_right { status } else { 400 }, &[], r#"{"error":"invalid_client"}"#));
            return;
        }
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        // Some servers write a byte order mark.
        conn.send(server::ok(&format!("\u{feff}{{\"access_token\":\"token-number-{number}\",\"expires_in\":3600}}")));
    });
    (server, given)
}

fn with_token(target: &Server, tokens: &Server) -> Arc<Probe> {
    let mut probe = probes::get(&target.url("/"));
    probe.steps[0].request.auth = Some(Auth::OAuth2(OAuth2 {
        token_url: Value::plain(&tokens.url("/token")),
        client_id: Value::plain("client"),
        client_secret: Value::secret("SECRET", "s/cret-value"),
        scopes: vec!["read".to_owned(), "write".to_owned()],
        audience: None,
    }));
    Arc::new(probe)
}

#[tokio::test]
async fn a_token_is_fetched_once_and_kept_and_fetched_anew_when_it_is_refused() {
    let number = Arc::new(AtomicUsize::new(1));
    let accepted_now = Arc::clone(&number);
    let target = Server::start(move |conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        let accepted = format!("Bearer token-number-{}", accepted_now.load(Ordering::SeqCst));
        conn.send(if request.contains(&accepted) { server::ok("in") } else { server::answer(401, &[], "out") });
    });
    let (tokens, given) = token_server(200);
    let probe = with_token(&target, &tokens);
    let engine = Engine::new("test", Redactor::default(), std::slice::from_ref(&probe)).unwrap();
    for _ in 0..3 {
        let outcome = engine.check(probes::due(&probe)).await;
        assert_eq!(outcome.verdict, Verdict::Up, "{outcome:?}");
    }
    assert_eq!(given.load(Ordering::SeqCst), 1, "one token for three checks");
    number.store(2, Ordering::SeqCst);
    let outcome = engine.check(probes::due(&probe)).await;
    assert_eq!(outcome.verdict, Verdict::Up, "a revoked token is fetched anew: {outcome:?}");
    assert_eq!(given.load(Ordering::SeqCst), 2);
    number.store(9, Ordering::SeqCst);
    let outcome = engine.check(probes::due(&probe)).await;
    assert_eq!(
        (outcome.verdict, outcome.status),
        (Verdict::Down, Some(401)),
        "a target that refuses every token is down"
    );
}

#[tokio::test]
async fn a_token_that_cannot_be_fetched_says_nothing_about_the_target() {
    let target = Server::answers(server::ok("in"));
    for status in [401, 500] {
        let (tokens, _) = token_server(status);
        let probe = with_token(&target, &tokens);
        let engine =
            Engine::new("test", Redactor::new([Secret::new("s/cret-value")]), std::slice::from_ref(&probe)).unwrap();
        let outcome = engine.check(probes::due(&probe)).await;
        assert_eq!((outcome.verdict, outcome.class()), (Verdict::Unknown, Some(FailureClass::AuthFailed)));
        assert!(!serde_json::to_string(&outcome).unwrap().contains("cret-value"));
    }
    assert_eq!(target.connections(), 0);
}

fn shared(server: &Server, path: &str) -> Arc<Session> {
    let mut login = step("log in", &server.url(path));
    login.captures = vec![capture("token", CaptureFrom::Json(JsonPath::new("$.token").unwrap()))];
    Arc::new(Session {
        name: "login".to_owned(),
        lifetime: Duration::from_mins(10),
        timeout: Duration::from_secs(2),
        steps: vec![login],
        transport: Transport::default(),
    })
}

fn using(server: &Server, session: &Arc<Session>) -> Arc<Probe> {
    let mut probe = probes::get(&server.url("/inside"));
    probe.steps[0].request.headers = vec![(http::header::AUTHORIZATION, captured("Bearer ", "token"))];
    probe.session = Some(Arc::clone(session));
    Arc::new(probe)
}

#[tokio::test]
async fn a_shared_session_is_made_once_for_all_who_need_it() {
    let logins = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&logins);
    let server = Server::start(move |conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        if request.starts_with("GET /login") {
            count.fetch_add(1, Ordering::SeqCst);
            conn.wait(Duration::from_millis(100));
            conn.send(server::answer(200, &[("set-cookie", "sid=1234")], r#"{"token":"abcd-efgh"}"#));
        } else if request.contains("Bearer abcd-efgh") && request.contains("sid=1234") {
            conn.send(server::ok("in"));
        } else {
            conn.send(server::answer(401, &[], "out"));
        }
    });
    let session = shared(&server, "/login");
    let probes: Vec<Arc<Probe>> = (0..8).map(|_| using(&server, &session)).collect();
    let engine = Arc::new(Engine::new("test", Redactor::default(), &probes).unwrap());
    let mut checks = tokio::task::JoinSet::new();
    for probe in &probes {
        let (engine, check) = (Arc::clone(&engine), probes::due(probe));
        checks.spawn(async move { engine.check(check).await });
    }
    while let Some(outcome) = checks.join_next().await {
        let outcome = outcome.unwrap();
        assert_eq!(outcome.verdict, Verdict::Up, "{outcome:?}");
    }
    assert_eq!(logins.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn who_needs_a_session_that_failed_is_blocked_and_not_down() {
    let server = Server::answers(server::answer(503, &[], "no login today"));
    let session = shared(&server, "/login");
    let probe = using(&server, &session);
    let engine = Engine::new("test", Redactor::default(), std::slice::from_ref(&probe)).unwrap();
    for _ in 0..2 {
        let outcome = engine.check(probes::due(&probe)).await;
        assert_eq!((outcome.verdict, outcome.class()), (Verdict::Unknown, Some(FailureClass::Blocked)));
        let message = outcome.failure.unwrap().message.to_string();
        assert!(message.contains("session \"login\" failed: status in step \"log in\""), "{message}");
    }
    assert_eq!(server.connections(), 1, "a failed session is not tried by each who needs it");
}

/// A server with one valid session at a time: each login ends the one before. `/inside/N` takes N times 60 ms.
fn one_session_at_a_time(valid: &Arc<Mutex<String>>, logins: &Arc<AtomicUsize>) -> Server {
    let (valid, logins) = (Arc::clone(valid), Arc::clone(logins));
    Server::start(move |conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        if request.starts_with("GET /login") {
            let token = format!("session-number-{}", logins.fetch_add(1, Ordering::SeqCst) + 1);
            conn.send(server::ok(&format!("{{\"token\":\"{token}\"}}")));
            *valid.lock().unwrap() = token;
            return;
        }
        let number = request.split(['/', ' ']).nth(3).and_then(|number| number.parse().ok()).unwrap_or(0);
        conn.wait(Duration::from_millis(60) * number);
        let is_valid = request.contains(&format!("Bearer {}", valid.lock().unwrap()));
        conn.send(if is_valid { server::ok("in") } else { server::answer(401, &[], "out") });
    })
}

#[tokio::test]
async fn a_session_that_ended_is_renewed_once_for_all_who_need_it() {
    let (valid, logins) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
    let server = one_session_at_a_time(&valid, &logins);
    let session = shared(&server, "/login");
    let probes: Vec<Arc<Probe>> = (0..6)
        .map(|number| {
            let mut probe = Probe::clone(&using(&server, &session));
            probe.steps[0].request.url = Value::plain(&server.url(&format!("/inside/{number}")));
            Arc::new(probe)
        })
        .collect();
    let engine = Arc::new(Engine::new("test", Redactor::default(), &probes).unwrap());
    for logged_in in 1..=3 {
        let outcomes = checks_at_once(&engine, &probes).await;
        assert!(outcomes.iter().all(|outcome| outcome.verdict == Verdict::Up), "{outcomes:?}");
        assert_eq!(logins.load(Ordering::SeqCst), logged_in);
        "none".clone_into(&mut valid.lock().unwrap());
    }
}

#[tokio::test]
async fn a_check_does_not_wait_past_its_time_for_a_token_that_another_fetches() {
    let tokens = Server::start(|conn| {
        conn.request();
        if conn.number() > 1 {
            conn.stall();
        }
        conn.send(server::ok(r#"{"access_token":"token-number-1","expires_in":3600}"#));
    });
    let refusing = Arc::new(AtomicUsize::new(0));
    let refuses = Arc::clone(&refusing);
    let target = Server::start(move |conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        conn.wait(Duration::from_millis(if request.starts_with("GET /late") { 300 } else { 0 }));
        let is_in = refuses.load(Ordering::SeqCst) == 0;
        conn.send(if is_in { server::ok("in") } else { server::answer(401, &[], "out") });
    });
    let probe = |path: &str, timeout: u64| {
        let mut probe = Probe::clone(&with_token(&target, &tokens));
        probe.steps[0].request.url = Value::plain(&target.url(path));
        probe.timeout = Duration::from_millis(timeout);
        Arc::new(probe)
    };
    let probes = [probe("/soon", 4_000), probe("/late", 700)];
    let engine = Arc::new(Engine::new("test", Redactor::default(), &probes).unwrap());
    assert_eq!(engine.check(probes::due(&probes[0])).await.verdict, Verdict::Up);
    refusing.store(1, Ordering::SeqCst);
    let (first, check) = (Arc::clone(&engine), probes::due(&probes[0]));
    tokio::spawn(async move { first.check(check).await });
    let began = Instant::now();
    let outcome = engine.check(probes::due(&probes[1])).await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert_eq!(outcome.class(), Some(FailureClass::AuthFailed), "{outcome:?}");
}

#[tokio::test]
async fn a_request_that_is_refused_is_sent_once_more_and_not_twice() {
    let (tokens, _) = token_server(200);
    let sent = Arc::new(AtomicUsize::new(0));
    let late = Arc::clone(&sent);
    let refusing = Arc::new(AtomicUsize::new(0));
    let refuses = Arc::clone(&refusing);
    let target = Server::start(move |conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        if request.starts_with("GET /late") {
            late.fetch_add(1, Ordering::SeqCst);
            conn.wait(Duration::from_millis(300));
        }
        let is_in = refuses.load(Ordering::SeqCst) == 0;
        conn.send(if is_in { server::ok("in") } else { server::answer(401, &[], "out") });
    });
    // The other check has renewed the token by the time the late one is refused, so that it too may be an old one.
    let probes = ["/soon", "/late"].map(|path| {
        let mut probe = Probe::clone(&with_token(&target, &tokens));
        probe.steps[0].request.url = Value::plain(&target.url(path));
        Arc::new(probe)
    });
    let engine = Arc::new(Engine::new("test", Redactor::default(), &probes).unwrap());
    assert_eq!(engine.check(probes::due(&probes[0])).await.verdict, Verdict::Up);
    refusing.store(1, Ordering::SeqCst);
    let outcomes = checks_at_once(&engine, &probes).await;
    assert!(outcomes.iter().all(|outcome| outcome.status == Some(401)), "{outcomes:?}");
    assert_eq!(sent.load(Ordering::SeqCst), 2);
}
