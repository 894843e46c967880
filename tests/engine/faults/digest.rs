//! Servers that ask for Digest authentication (RFC 7616).

use http::Method;
use uptick::model::FailureClass::{ProberUnsupported, Status};
use uptick::model::{Auth, Body, Value};

use crate::faults::row::{Case, Row, answers, up};
use crate::support::server;
use crate::support::server::Server;

pub(crate) const ROWS: &[Row] = &[
    up(137, "Digest is asked for, for a URL with a query", || {
        asks("/a?b=c", |_, answer| if answer.contains("uri=\"/a?b=c\"") { granted() } else { challenge("") })
    }),
    up(137, "Digest leads to a redirect, and is asked for again behind it", || {
        asks("/", |target, answer| match target {
            _ if !answer.contains(&format!("uri=\"{target}\"")) => challenge(""),
            "/" => server::answer(302, &[("location", "/home")], ""),
            _ => granted(),
        })
    }),
    up(137, "the nonce of Digest is too old for the server that gets the answer (stale)", || {
        asks("/", |_, answer| match answer {
            answer if answer.contains("nonce=\"new\"") => granted(),
            "" => challenge(""),
            _ => server::answer(401, &[("www-authenticate", "Digest realm=\"r\", nonce=\"new\", stale=true")], ""),
        })
    }),
    up(137, "Digest is asked for with the realm in UTF-8", || {
        asks("/", |_, answer| match answer {
            "" => server::answer(401, &[("www-authenticate", "Digest realm=\"Größe\", nonce=\"n\"")], ""),
            answer => server::answer(if answer.contains("realm=\"Größe\"") { 200 } else { 403 }, &[], ""),
        })
    }),
    up(137, "Digest is asked for with a quality that takes the body in", || {
        asks("/", |_, answer| if answer.contains("qop=auth-int") { granted() } else { challenge(", qop=\"auth-int\"") })
            .step(|step| {
                step.request.method = Method::POST;
                step.request.body = Body::Text(Value::plain("hello"));
            })
    }),
    answers(137, "the answer to Digest is refused", Status, || asks("/", |_, _| challenge(""))),
    answers(137, "every nonce of Digest is too old", Status, || asks("/", |_, _| challenge(", stale=true"))),
    answers(137, "Digest is expected, and Basic asked for", Status, || {
        asks("/", |_, _| server::answer(401, &[("www-authenticate", "Basic realm=\"r\"")], ""))
    }),
    answers(137, "Digest is asked for with an algorithm that this prober does not know", ProberUnsupported, || {
        asks("/", |_, _| challenge(", algorithm=SHA-999")).also(|outcome| {
            let message = &outcome.failure.as_ref().expect("a failure").message;
            assert!(message.as_str().contains("the algorithm SHA-999"), "{message}");
        })
    }),
];

fn granted() -> Vec<u8> {
    server::ok("hello")
}

fn challenge(more: &str) -> Vec<u8> {
    server::answer(401, &[("www-authenticate", &format!("Digest realm=\"r\", nonce=\"n\"{more}"))], "")
}

/// A server that is checked with Digest. The script gets the target and the credentials, which are
/// empty if there are none.
fn asks(path: &str, script: impl Fn(&str, &str) -> Vec<u8> + Send + Sync + 'static) -> Case {
    let server = Server::start(move |conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        let target = request.split(' ').nth(1).unwrap_or_default();
        let answer = request.lines().find_map(|line| line.strip_prefix("Authorization: Digest ")).unwrap_or_default();
        conn.send(script(target, answer));
    });
    Case::get(server.url(path)).keep(server).step(|step| {
        let password = Value::secret("PASSWORD", "hunter22hunter22");
        step.request.auth = Some(Auth::Digest { user: Value::plain("probe"), password });
    })
}
