//! Backends that are dead, slow, refusing or lying: whatever they do, they delay nobody who
//! reports, and what did not arrive is counted.

use std::io::Write as _;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::metrics::v1::{ExportMetricsPartialSuccess, ExportMetricsServiceResponse};
use prost::Message as _;
use uptick::export::cumulative::Cumulative;
use uptick::export::histogram_format::HistogramFormat;
use uptick::export::otlp::Otlp;
use uptick::export::remote_write::RemoteWrite;
use uptick::export::{DeliveryStats, otlp, remote_write};
use uptick::model::NetworkRules;
use uptick::window::Window;

use crate::support::PATIENCE;
use crate::support::samples::window;
use crate::support::server::{Server, answer, refusing_port};

/// An exporter that pushes.
enum Exporter {
    RemoteWrite(RemoteWrite),
    Otlp(Otlp),
}

const BOTH: [&str; 2] = ["remote write", "otlp"];

impl Exporter {
    fn start(kind: &str, base: &str) -> Exporter {
        if kind == "otlp" {
            let settings = otlp::Settings::read(Some(base), otlp::Temporality::Cumulative, &|_| None).unwrap().unwrap();
            return Exporter::Otlp(Otlp::start(settings).unwrap());
        }
        let url = format!("{base}/api/v1/write").parse().unwrap();
        let settings = remote_write::Settings {
            url,
            headers: None,
            histograms: HistogramFormat::default(),
            state: None,
            network: NetworkRules::default(),
            shard: None,
        };
        Exporter::RemoteWrite(RemoteWrite::start(&settings, Cumulative::default).unwrap())
    }

    fn windows(&self, windows: &[Window]) {
        match self {
            Exporter::RemoteWrite(exporter) => exporter.windows(windows),
            Exporter::Otlp(exporter) => exporter.windows(windows),
        }
    }

    fn stats(&self) -> DeliveryStats {
        match self {
            Exporter::RemoteWrite(exporter) => exporter.stats(),
            Exporter::Otlp(exporter) => exporter.stats(),
        }
    }

    async fn finish(self, patience: Duration) -> DeliveryStats {
        match self {
            Exporter::RemoteWrite(exporter) => exporter.finish(patience).await.0,
            Exporter::Otlp(exporter) => exporter.finish(patience).await,
        }
    }
}

fn some() -> Window {
    window("here", "home", &[1_000, 2_000])
}

/// A server that gives these responses to the first requests, and 200 to all others.
fn answering(answers: Vec<Vec<u8>>) -> Server {
    Server::start(move |conn| {
        conn.request();
        let number = conn.number();
        conn.send(answers.get(number - 1).cloned().unwrap_or_else(|| answer(200, &[], "")));
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_backend_costs_no_time_and_is_counted() {
    for kind in BOTH {
        let exporter = Exporter::start(kind, &format!("http://127.0.0.1:{}", refusing_port()));
        let start = Instant::now();
        for _ in 0..1_000 {
            exporter.windows(&[some()]);
        }
        assert!(start.elapsed() < Duration::from_secs(10), "{kind}: {:?}", start.elapsed());
        let stats = exporter.finish(Duration::from_secs(2)).await;
        assert_eq!((stats.sent, stats.dropped > 0), (0, true), "{kind}: {stats:?}");
        assert!(stats.retries > 0, "{kind}: {stats:?}");
        assert!(stats.warning(kind).unwrap().contains("did not arrive"), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_asks_for_no_pause_is_not_flooded() {
    for kind in BOTH {
        let now = [("retry-after", "0")];
        let server = Server::answers(answer(503, &now, ""));
        let exporter = Exporter::start(kind, &server.url(""));
        exporter.windows(&[some()]);
        let stats = exporter.finish(Duration::from_secs(2)).await;
        assert!(stats.retries <= 3, "{kind}: {stats:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_never_answers_does_not_hold_the_end_up() {
    for kind in BOTH {
        let server = Server::start(|conn| {
            conn.request();
            conn.stall();
        });
        let exporter = Exporter::start(kind, &server.url(""));
        exporter.windows(&[some()]);
        let start = Instant::now();
        let stats = exporter.finish(Duration::from_secs(1)).await;
        assert_eq!((stats.sent, stats.dropped), (0, 1), "{kind}: {stats:?}");
        assert!(start.elapsed() < Duration::from_secs(9), "{kind}: {:?}", start.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_overloaded_backend_is_asked_again_with_the_same_until_it_takes_it() {
    for kind in BOTH {
        let server = answering(vec![answer(503, &[], ""), answer(429, &[("retry-after", "1")], "")]);
        let exporter = Exporter::start(kind, &server.url(""));
        exporter.windows(&[some()]);
        let stats = exporter.finish(PATIENCE).await;
        assert_eq!((stats.sent, stats.retries, stats.is_whole()), (1, 2, true), "{kind}: {stats:?}");
        let requests = server.requests();
        assert_eq!(requests.len(), 3, "{kind}");
        assert!(requests.iter().all(|request| *request == requests[0]), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_backend_will_not_take_is_sent_once() {
    for kind in BOTH {
        for status in [400, 401, 404, 413] {
            let refusal = answer(status, &[], "out of order \u{1b}[31msample");
            let server = answering(vec![refusal]);
            let exporter = Exporter::start(kind, &server.url(""));
            exporter.windows(&[some()]);
            let stats = exporter.finish(PATIENCE).await;
            assert_eq!((stats.sent, stats.refused, stats.retries), (0, 1, 0), "{kind} {status}: {stats:?}");
            assert_eq!(server.connections(), 1, "{kind} {status}");
            let why = stats.last_error.unwrap();
            assert!(why.as_str().contains("out of order") && !why.as_str().contains('\u{1b}'), "{why}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_internal_error_is_retried_by_remote_write_and_not_by_otlp() {
    for (kind, connections) in [("remote write", 2), ("otlp", 1)] {
        let server = answering(vec![answer(500, &[], "")]);
        let exporter = Exporter::start(kind, &server.url(""));
        exporter.windows(&[some()]);
        exporter.finish(PATIENCE).await;
        assert_eq!(server.connections(), connections, "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_is_not_followed_with_what_was_for_another() {
    for kind in BOTH {
        let elsewhere = answering(Vec::new());
        let server = answering(vec![answer(307, &[("location", &elsewhere.url("/"))], "")]);
        let exporter = Exporter::start(kind, &server.url("").replace("http://", "http://user:hunter22@"));
        exporter.windows(&[some()]);
        let stats = exporter.finish(PATIENCE).await;
        assert_eq!((stats.refused, elsewhere.connections()), (1, 0), "{kind}: {stats:?}");
        assert!(server.requests_text()[0].contains("authorization: Basic "), "{kind}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_end_is_not_read_to_its_end() {
    for kind in BOTH {
        let server = Server::start(|conn| {
            conn.request();
            conn.send("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n");
            conn.send_forever(vec![0; 65_536], Duration::ZERO);
        });
        let exporter = Exporter::start(kind, &server.url(""));
        exporter.windows(&[some()]);
        let stats = exporter.finish(PATIENCE).await;
        assert_eq!((stats.sent, stats.retries), (1, 0), "{kind}: {stats:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_takes_a_request_and_rejects_what_is_in_it_is_noticed() {
    let partial =
        ExportMetricsPartialSuccess { rejected_data_points: 7, error_message: "no histograms here".to_owned() };
    let protobuf = ExportMetricsServiceResponse { partial_success: Some(partial) }.encode_to_vec();
    let json = |points: &str| {
        format!(r#"{{"partialSuccess":{{"rejectedDataPoints":{points},"errorMessage":"no histograms here"}}}}"#)
    };
    let gzip = ("content-encoding", "gzip");
    for (headers, body) in [
        (vec![], protobuf.clone()),
        (vec![("content-type", "application/json")], json("7").into()),
        (vec![], json(r#""7""#).into()),
        (vec![gzip], packed(&protobuf)),
        (vec![gzip], packed(json("7").as_bytes())),
    ] {
        let server = answering(vec![answer(200, &headers, body)]);
        let exporter = Exporter::start("otlp", &server.url(""));
        exporter.windows(&[some()]);
        let stats = exporter.finish(PATIENCE).await;
        assert_eq!((stats.sent, stats.refused), (0, 1), "{headers:?}: {stats:?}");
        assert_eq!(stats.last_error.unwrap().as_str(), "7 data points rejected: no histograms here", "{headers:?}");
    }
    for body in ["{}", r#"{"partialSuccess":{}}"#, r#"{"partialSuccess":{"rejectedDataPoints":"0"}}"#, ""] {
        let server = answering(vec![answer(200, &[gzip], packed(body.as_bytes()))]);
        let exporter = Exporter::start("otlp", &server.url(""));
        exporter.windows(&[some()]);
        let stats = exporter.finish(PATIENCE).await;
        assert_eq!((stats.sent, stats.refused), (1, 0), "{body}: {stats:?}");
    }
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_page_is_not_taken_for_the_answer_of_a_backend() {
    for kind in BOTH {
        let server =
            answering(vec![answer(200, &[("content-type", "text/html")], "\n<!doctype html><title>Log in</title>")]);
        let exporter = Exporter::start(kind, &server.url(""));
        exporter.windows(&[some()]);
        let stats = exporter.finish(PATIENCE).await;
        assert_eq!((stats.sent, stats.refused), (0, 1), "{kind}: {stats:?}");
        let why = stats.last_error.unwrap();
        assert!(why.as_str().contains("web page") && why.as_str().contains("Log in"), "{kind}: {why}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_does_not_wait_for_an_attempt_that_would_come_too_late() {
    for kind in BOTH {
        let server = Server::answers(answer(429, &[("retry-after", "3600")], "slow down"));
        let exporter = Exporter::start(kind, &server.url(""));
        exporter.windows(&[some()]);
        let start = Instant::now();
        let stats = exporter.finish(Duration::from_secs(50)).await;
        assert_eq!((stats.sent, stats.dropped, stats.retries), (0, 1, 1), "{kind}: {stats:?}");
        assert!(stats.last_error.unwrap().as_str().contains("slow down"), "{kind}");
        assert!(start.elapsed() < Duration::from_secs(40), "{kind}: {:?}", start.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_fit_into_the_queue_is_dropped_oldest_first_and_counted() {
    for kind in BOTH {
        let server = Server::start(|conn| {
            conn.request();
            conn.stall();
        });
        let exporter = Exporter::start(kind, &server.url(""));
        // A request carries a hundred windows, and at most 256 requests wait.
        let windows: Vec<Window> = (0..30_000).map(|n| window("here", &format!("probe {n}"), &[])).collect();
        exporter.windows(&windows);
        let start = Instant::now();
        while exporter.stats().dropped < 300 - 256 {
            assert!(start.elapsed() < PATIENCE, "{kind}: {:?}", exporter.stats());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let stats = exporter.finish(Duration::from_millis(200)).await;
        assert_eq!((stats.sent, stats.dropped), (0, 300), "{kind}: {stats:?}");
    }
}
