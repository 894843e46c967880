//! OTLP: the decoded requests, and a real collector that accepts them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogramDataPoint, Metric, number_data_point,
};
use prost::Message as _;
use uptick::export::otlp::{Otlp, Settings, Temporality};
use uptick::model::{FailureClass, Probe, Shard};

use crate::programs::Program;
use crate::support::PATIENCE;
use crate::support::run::Run;
use crate::support::samples::window;
use crate::support::server::{Server, answer, find};
use crate::support::tls::Authority;

fn taking() -> Server {
    Server::answers(answer(200, &[], ""))
}

fn start(server: &Server, temporality: Temporality) -> Otlp {
    Otlp::start(Settings::read(Some(&server.url("")), temporality, &|_| None).unwrap().unwrap()).unwrap()
}

fn decoded(request: &[u8]) -> ExportMetricsServiceRequest {
    let body = &request[find(request, b"\r\n\r\n").unwrap() + 4..];
    if find(request, b"content-encoding: gzip").is_none() {
        return ExportMetricsServiceRequest::decode(body).unwrap();
    }
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(body).read_to_end(&mut plain).unwrap();
    ExportMetricsServiceRequest::decode(plain.as_slice()).unwrap()
}

fn metric(request: &ExportMetricsServiceRequest, name: &str) -> Metric {
    let metrics = &request.resource_metrics[0].scope_metrics[0].metrics;
    metrics.iter().find(|metric| metric.name == name).unwrap_or_else(|| panic!("no {name} in {metrics:#?}")).clone()
}

fn histogram(request: &ExportMetricsServiceRequest) -> (AggregationTemporality, ExponentialHistogramDataPoint) {
    let metric = metric(request, "uptick.check.duration");
    assert_eq!(metric.unit, "s");
    let Some(Data::ExponentialHistogram(histogram)) = metric.data else { panic!("{metric:?}") };
    (histogram.aggregation_temporality(), histogram.data_points[0].clone())
}

async fn two_requests(temporality: Temporality) -> Vec<ExportMetricsServiceRequest> {
    let server = taking();
    let otlp = start(&server, temporality);
    otlp.windows(&[window("here", "home", &[1_000, 2_000, 0])]);
    let begun = std::time::Instant::now();
    while otlp.stats().sent == 0 {
        assert!(begun.elapsed() < PATIENCE, "{:?}", otlp.stats());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    otlp.windows(&[window("here", "home", &[4_000])]);
    assert!(otlp.finish(PATIENCE).await.is_whole());
    server.requests().iter().map(|request| decoded(request)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn cumulative_histograms_say_all_since_the_beginning() {
    let requests = two_requests(Temporality::Cumulative).await;
    let [(kind, first), (_, second)] = [histogram(&requests[0]), histogram(&requests[1])];
    assert_eq!(kind, AggregationTemporality::Cumulative);
    assert_eq!((first.count, first.zero_count, second.count), (3, 1, 4));
    assert_eq!(first.start_time_unix_nano, second.start_time_unix_nano);
    assert!(first.time_unix_nano < second.time_unix_nano);
    assert_eq!((second.min, second.max), (Some(0.0), Some(0.004)));
    let buckets = second.positive.unwrap().bucket_counts;
    assert_eq!(buckets.iter().sum::<u64>() + second.zero_count, 4);
    assert!(buckets.len() <= 160, "{}", buckets.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn delta_histograms_say_what_came_since_the_last() {
    let requests = two_requests(Temporality::Delta).await;
    let [(kind, first), (_, second)] = [histogram(&requests[0]), histogram(&requests[1])];
    assert_eq!(kind, AggregationTemporality::Delta);
    assert_eq!((first.count, second.count), (3, 1));
    assert_eq!(first.time_unix_nano, second.start_time_unix_nano, "no gap and no overlap between two deltas");
}

/// The attributes of a data point by name, with numbers as texts.
fn attributes(all: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &any_value::Value| match value {
        any_value::Value::StringValue(text) => text.clone(),
        any_value::Value::IntValue(number) => number.to_string(),
        other => panic!("{other:?}"),
    };
    all.iter().map(|pair| (pair.key.clone(), text(pair.value.as_ref().unwrap().value.as_ref().unwrap()))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_say_by_opentelemetrys_names_what_was_asked_and_what_came() {
    let server = taking();
    let mut settings = Settings::read(Some(&server.url("")), Temporality::Delta, &|_| None).unwrap().unwrap();
    settings.of_prober("fra", Shard::new(1, 4).ok());
    let otlp = Otlp::start(settings).unwrap();
    let url = "https://user:hunter22@shop.test:8443/a?b=c";
    otlp.set_probes(&[Arc::new(Probe::plain("home", "web", url, Duration::from_secs(30)))]);
    let mut window = window("fra", "home", &[]);
    for (class, code, count) in [(FailureClass::Status, 503, 2), (FailureClass::GrpcStatus, 14, 1)] {
        window.failures.insert(class, count + 1);
        window.codes.insert((class, code), count);
    }
    otlp.windows(&[window]);
    assert!(otlp.finish(PATIENCE).await.is_whole());
    let request = decoded(&server.requests()[0]);
    let resource = attributes(&request.resource_metrics[0].resource.as_ref().unwrap().attributes);
    assert_eq!(resource["service.instance.id"], "fra 1/4");
    let failures = metric(&request, "uptick.failures");
    assert_eq!(failures.unit, "{check}");
    let Some(Data::Sum(sum)) = failures.data else { panic!("{failures:?}") };
    let points: Vec<_> = sum.data_points.iter().map(|point| (attributes(&point.attributes), point.value)).collect();
    let value = |class: &str, code: Option<(&str, &str)>| {
        let is_meant = |of: &BTreeMap<String, String>| {
            let mut codes = ["http.response.status_code", "rpc.grpc.status_code"].into_iter();
            let found = codes.find_map(|name| Some((name, of.get(name)?.as_str())));
            of["class"] == class && of["error.type"] == class && found == code
        };
        points.iter().find(|(of, _)| is_meant(of)).unwrap_or_else(|| panic!("no {class} {code:?} in {points:#?}")).1
    };
    let count = |count| Some(number_data_point::Value::AsInt(count));
    assert_eq!(value("status", Some(("http.response.status_code", "503"))), count(2));
    assert_eq!(value("status", None), count(1));
    assert_eq!(value("grpc_status", Some(("rpc.grpc.status_code", "14"))), count(1));
    for (of, _) in &points {
        assert_eq!((of["server.address"].as_str(), of["server.port"].as_str()), ("shop.test", "8443"));
        assert_eq!(of["url.full"], "https://shop.test:8443/a?b=c");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_as_far_apart_as_the_environment_says() {
    let server = taking();
    let env = |name: &str| (name == "OTEL_METRIC_EXPORT_INTERVAL").then(|| "3600000".to_owned());
    let settings = Settings::read(Some(&server.url("")), Temporality::Delta, &env).unwrap().unwrap();
    let otlp = Otlp::start(settings).unwrap();
    otlp.windows(&[window("here", "home", &[1_000, 2_000])]);
    // Longer than the default pause between two requests: the variable sets a longer one.
    tokio::time::sleep(Duration::from_millis(900)).await;
    assert_eq!(server.connections(), 0);
    otlp.windows(&[window("here", "home", &[4_000])]);
    let stats = otlp.finish(PATIENCE).await;
    assert_eq!((stats.sent, histogram(&decoded(&server.requests()[0])).1.count), (1, 3), "{stats:?}");
}

#[test]
fn a_check_sends_deltas_and_honours_the_environment() {
    let (origin, server) = (taking(), taking());
    let ran = Run::new(["check", &origin.url("/"), "--otlp"])
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &server.url(""))
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=seven")
        .env("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip")
        .env("OTEL_SERVICE_NAME", "prober")
        .run();
    assert!(!ran.expect_code(0).stderr.contains("warning"), "{}", ran.stderr);
    let requests = server.requests();
    let head = String::from_utf8_lossy(&requests[0]).into_owned();
    assert!(head.starts_with("POST /v1/metrics HTTP/1.1\r\n"), "{head}");
    assert!(
        head.contains("x-tenant: seven\r\n") && head.contains("content-type: application/x-protobuf\r\n"),
        "{head}"
    );
    let request = decoded(&requests[0]);
    let (kind, point) = histogram(&request);
    assert_eq!((kind, point.count), (AggregationTemporality::Delta, 1));
    let attributes = &request.resource_metrics[0].resource.as_ref().unwrap().attributes;
    assert!(format!("{attributes:?}").contains("prober"), "{attributes:?}");
}

#[test]
fn the_certificate_of_the_environment_is_trusted_and_no_other() {
    let (ours, other) = (Authority::new(), Authority::new());
    let server = Server::tls(ours.leaf(&["localhost"]).config(), |conn| {
        conn.request();
        conn.send(answer(200, &[], ""));
    });
    let url = server.https("localhost", "");
    let windows = [window("here", "home", &[1_000])];
    for (authority, sent) in [(&ours, 1), (&other, 0)] {
        let file = authority.ca_file().display().to_string();
        let env = |name: &str| (name == "OTEL_EXPORTER_OTLP_CERTIFICATE").then(|| file.clone());
        let settings = Settings::read(Some(&url), Temporality::Delta, &env).unwrap().unwrap();
        let stats = tokio::runtime::Runtime::new().unwrap().block_on(async {
            let otlp = Otlp::start(settings).unwrap();
            otlp.windows(&windows);
            otlp.finish(if sent > 0 { PATIENCE } else { Duration::from_secs(1) }).await
        });
        assert_eq!((stats.sent, stats.dropped), (sent, 1 - sent), "{stats:?}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_disabled_sdk_sends_nothing() {
    let (origin, server) = (taking(), taking());
    let ran = Run::new(["check", &format!("--otlp={}", server.url("")), &origin.url("/")])
        .env("OTEL_SDK_DISABLED", "true")
        .run();
    ran.expect_code(0);
    assert_eq!(server.connections(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_collector_takes_exponential_histograms() {
    let Some(collector) = Program::collector() else { return };
    let base = format!("http://{}", collector.address);
    let otlp = Otlp::start(Settings::read(Some(&base), Temporality::Cumulative, &|_| None).unwrap().unwrap()).unwrap();
    otlp.windows(&[window("here", "home", &[1_000, 2_000, 50_000])]);
    let stats = otlp.finish(PATIENCE).await;
    assert_eq!((stats.sent, stats.is_whole()), (1, true), "{stats:?}\n{}", collector.log());
    collector.wait(|| collector.log().contains("uptick.check.duration"), "a histogram in the collector's log");
    assert!(collector.log().contains("ExponentialHistogram"), "{}", collector.log());
}
