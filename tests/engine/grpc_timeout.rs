//! What a server of gRPC is told of the time that a call has.

#![allow(clippy::unwrap_used, reason = "a laboratory that cannot be set up is a failed test")]

use std::time::Duration;

use http::HeaderName;
use uptick::model::{Probe, Value, Verdict};

use crate::support::probes;

/// Makes a call to a server that serves, and gives the `grpc-timeout` that it was sent.
async fn timeout_of(change: impl FnOnce(&mut Probe)) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut probe = probes::get(&format!("grpc://{}", listener.local_addr().unwrap()));
    change(&mut probe);
    let server = tokio::spawn(async move {
        let mut connection = h2::server::handshake(listener.accept().await.unwrap().0).await.unwrap();
        let (request, mut respond) = connection.accept().await.unwrap().unwrap();
        let head = http::Response::builder().header("content-type", "application/grpc").body(()).unwrap();
        let mut stream = respond.send_response(head, false).unwrap();
        stream.send_data(bytes::Bytes::from_static(&[0, 0, 0, 0, 2, 8, 1]), false).unwrap();
        stream
            .send_trailers([(HeaderName::from_static("grpc-status"), "0".parse().unwrap())].into_iter().collect())
            .unwrap();
        while connection.accept().await.is_some() {}
        request.headers()["grpc-timeout"].to_str().unwrap().to_owned()
    });
    let (outcome, _) = probes::check(probe).await;
    assert_eq!(outcome.verdict, Verdict::Up, "{:?}", outcome.failure);
    server.await.unwrap()
}

#[tokio::test]
async fn a_call_says_how_much_time_is_left_for_it() {
    let said = timeout_of(|probe| probe.timeout = Duration::from_secs(20)).await;
    let left: u64 = said.strip_suffix('m').unwrap().parse().unwrap();
    assert!((15_000..=20_000).contains(&left), "{said}");
}

#[tokio::test]
async fn the_probes_own_word_about_the_time_counts() {
    let own = (HeaderName::from_static("grpc-timeout"), Value::plain("1S"));
    assert_eq!(timeout_of(|probe| probe.steps[0].request.headers.push(own)).await, "1S");
}
