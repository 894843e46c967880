//! OpenTelemetry metrics over HTTP: counters, gauges of the last checks, and exponential histograms converted from
//! those of the windows. Cumulative for a long-running process, delta for a short one.
//! <https://opentelemetry.io/docs/specs/otlp/>

mod attributes;
mod environment;
mod json;
mod request;
mod series;

use std::io::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceResponse;
use prost::Message as _;

use crate::metric::{self, Family, Series};
use crate::model::{Outcome, Probe};
use crate::window::Window;

use super::cumulative::Cumulative;
use super::delivery_stats::DeliveryStats;
use super::endpoint::Endpoint;
use super::error::ExportError;
use super::exporter::{Exporter, ExporterOption, Finished};
use super::push::{Backend, GATHER, PendingBatch, Push};

use attributes::Targets;
pub use environment::{Settings, Temporality};
pub use json::Json;

/// The option that starts one.
pub(crate) const OPTION: ExporterOption = ExporterOption {
    long: "otlp",
    value_name: "URL",
    is_value_optional: true,
    variable: None,
    meaning: "Send to an OpenTelemetry collector by OTLP over HTTP; the `OTEL_*` variables are honoured",
};

/// Maximum number of windows whose series go into one request: it stays below a megabyte.
const WINDOWS_PER_REQUEST: usize = 100;

/// A running exporter to a collector.
#[derive(Debug)]
pub struct Otlp {
    push: Push,
    /// What the probes check.
    targets: Arc<Mutex<Arc<Targets>>>,
}

impl Otlp {
    /// Starts one on the current runtime; its cumulative series begin now.
    ///
    /// # Errors
    /// [`ExportError`], if the address, the headers or the certificates cannot be used.
    pub fn start(settings: Settings) -> Result<Otlp, ExportError> {
        let mut headers = settings.headers.clone();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        if settings.gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let certificates = settings.certificates.as_deref();
        let endpoint = Endpoint::new(settings.url.clone(), headers, settings.timeout, certificates, settings.network)?;
        let (gather, shard) = (settings.interval.unwrap_or(GATHER), settings.shard);
        let targets = Arc::new(Mutex::new(Arc::new(Targets::new())));
        let known = Arc::clone(&targets);
        let mut encoder = Encoder { since: Timestamp::now(), sums: Cumulative::default(), settings };
        let encode = move |pending: PendingBatch| {
            let targets = Arc::clone(&known.lock().unwrap_or_else(PoisonError::into_inner));
            encoder.encode(&pending, &targets, Timestamp::now())
        };
        let push = Push::start(Backend { endpoint, encode, worth_retrying, objection, gather, shard });
        Ok(Otlp { push, targets })
    }

    /// Replaces the set of known probes.
    pub fn set_probes(&self, probes: &[Arc<Probe>]) {
        *self.targets.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(attributes::targets(probes));
    }

    /// Records windows that closed. It never waits.
    pub fn windows(&self, windows: &[Window]) {
        self.push.windows(windows);
    }

    /// Records the last check of a probe. It never waits.
    pub fn outcome(&self, outcome: &Outcome) {
        self.push.outcome(outcome);
    }

    /// What became of the batches so far.
    #[must_use]
    pub fn stats(&self) -> DeliveryStats {
        self.push.stats()
    }

    /// Sends what is pending, for at most this long.
    pub async fn finish(self, patience: Duration) -> DeliveryStats {
        self.push.finish(patience).await
    }
}

impl Exporter for Otlp {
    fn outcome(&self, outcome: &Outcome) {
        Otlp::outcome(self, outcome);
    }

    fn set_probes(&self, probes: &[Arc<Probe>]) {
        Otlp::set_probes(self, probes);
    }

    fn windows(&self, windows: &[Window]) {
        Otlp::windows(self, windows);
    }

    fn delivery(&self) -> Option<(&'static Family, DeliveryStats)> {
        Some((&metric::OTLP_BATCHES, self.stats()))
    }

    fn finish(self: Box<Self>, patience: Duration) -> Finished {
        Box::pin(async move { Otlp::finish(*self, patience).await.warning("otlp").into_iter().collect() })
    }
}

/// Per the specification: retry on 429, 502, 503 and 504 only.
fn worth_retrying(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT
    )
}

/// A collector may accept a request and report in its answer that it rejected parts of it. Some answer in JSON,
/// whatever was sent.
fn objection(body: &[u8]) -> Option<String> {
    let (points, why) = if let Ok(json) = serde_json::from_slice(body) {
        json::rejected(&json)?
    } else {
        let partial = ExportMetricsServiceResponse::decode(body).ok()?.partial_success?;
        (partial.rejected_data_points, partial.error_message)
    };
    (points > 0).then(|| format!("{points} data points rejected: {why}"))
}

/// Builds requests from what is pending.
struct Encoder {
    settings: Settings,
    /// The start of the next delta, or of everything cumulative.
    since: Timestamp,
    sums: Cumulative,
}

impl Encoder {
    fn encode(&mut self, pending: &PendingBatch, targets: &Targets, now: Timestamp) -> Vec<Vec<u8>> {
        let changed: Vec<&Window> = match self.settings.temporality {
            Temporality::Delta => pending.windows.windows().collect(),
            Temporality::Cumulative => {
                for window in pending.windows.windows() {
                    self.sums.add(window);
                }
                let sum = |window| self.sums.sum_of(window);
                pending.windows.windows().filter_map(sum).collect()
            }
        };
        let time = request::Time { since: self.since, now, temporality: self.settings.temporality };
        let mut requests = Vec::new();
        for some in changed.chunks(WINDOWS_PER_REQUEST) {
            let shard = self.settings.shard;
            let series: Vec<Series<'_>> =
                some.iter().copied().flat_map(|window| series::of_window(window, shard)).collect();
            requests.push(self.body(&series, targets, time));
        }
        let last: Vec<Series<'_>> = pending.last.values().flat_map(|all| all.iter().cloned()).collect();
        requests.extend(last.chunks(WINDOWS_PER_REQUEST * 20).map(|some| self.body(some, targets, time)));
        if self.settings.temporality == Temporality::Delta {
            self.since = now;
        }
        requests
    }

    fn body(&self, series: &[Series<'_>], targets: &Targets, time: request::Time) -> Vec<u8> {
        let plain = request::of(series, &self.settings.resource, targets, time).encode_to_vec();
        if !self.settings.gzip {
            return plain;
        }
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&plain).and_then(|()| encoder.finish()).expect("a vector takes every write")
    }
}
