//! Services that a page offers by `alt-svc`: they are asked the way the page is.

use std::sync::Arc;

use uptick::model::{Auth, AwsSigV4, FailureClass, Probe, Value, Verdict};

use crate::support::probes;
use crate::support::server::{self, Server};

/// A server that lets in whoever its check approves of, and offers this other one.
fn guarded(lets_in: fn(&str) -> bool, offers: Option<u16>) -> Server {
    Server::start(move |conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        let offer = offers.map(|port| format!("http%2F1.1=\":{port}\"; ma=60"));
        let headers: Vec<(&str, &str)> = offer.iter().map(|offer| ("alt-svc", offer.as_str())).collect();
        if lets_in(&request) {
            conn.send(server::answer(200, &headers, "hello"));
        } else {
            let challenge = ("www-authenticate", "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"");
            conn.send(server::answer(401, &[challenge], "no"));
        }
    })
}

fn with(page: &Server, auth: Auth) -> Probe {
    let mut probe = probes::get(&page.url("/a?b"));
    probe.steps[0].request.auth = Some(auth);
    probe.steps[0].expect.alt_svc = true;
    probe
}

#[tokio::test]
async fn an_offered_service_gets_the_credentials_that_the_page_gets() {
    let digest =
        || Auth::Digest { user: Value::plain("probe"), password: Value::secret("PASSWORD", "hunter22hunter22") };
    let aws = || {
        Auth::AwsSigV4(AwsSigV4 {
            access_key: Value::plain("AKIDEXAMPLE"),
            secret_key: Value::secret("KEY", "hunter22hunter22"),
            session_token: None,
            region: "eu-central-1".to_owned(),
            service: "execute-api".to_owned(),
        })
    };
    let has_digest: fn(&str) -> bool = |request| request.contains("Authorization: Digest username=\"probe\"");
    let is_signed: fn(&str) -> bool =
        |request| request.contains("Authorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/");
    for (auth, lets_in) in [(digest(), has_digest), (aws(), is_signed)] {
        let other = guarded(lets_in, None);
        let page = guarded(lets_in, Some(other.port()));
        let (outcome, _) = probes::check(with(&page, auth)).await;
        assert_eq!(outcome.verdict, Verdict::Up, "{outcome:?}");
        assert!(other.requests_text().iter().any(|request| lets_in(request)));
    }
}

#[tokio::test]
async fn an_offered_service_of_a_page_that_a_redirect_led_to_gets_no_credentials() {
    let other = guarded(|_| true, None);
    let page = Arc::new(guarded(|_| true, Some(other.port())));
    let location = page.url("/end");
    let start = Server::start(move |conn| {
        conn.request();
        conn.send(server::answer(302, &[("location", &location)], ""));
    });
    let (outcome, _) = probes::check(with(&start, Auth::Bearer(Value::secret("TOKEN", "very-secret-token")))).await;
    assert_eq!(outcome.verdict, Verdict::Up, "{outcome:?}");
    assert_eq!(other.requests_text().len(), 1);
    assert!(!other.requests_text().concat().contains("very-secret-token"));
}

#[tokio::test]
async fn an_offered_service_that_does_not_answer_is_told_by_its_offer() {
    let port = server::refusing_port();
    let page = guarded(|_| true, Some(port));
    let (outcome, _) = probes::check(with(&page, Auth::Bearer(Value::plain("token")))).await;
    assert_eq!(outcome.class(), Some(FailureClass::AssertionFailed));
    let message = outcome.failure.unwrap().message.to_string();
    assert!(message.contains(&format!("http/1.1=\":{port}\": connect_refused: ")), "{message}");
}
