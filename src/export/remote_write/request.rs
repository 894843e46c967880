//! What every remote write request has in common: its URL, headers and body.

use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use prost::Message as _;
use url::Url;

use crate::export::endpoint::{self, Endpoint};
use crate::export::error::ExportError;
use crate::export::histogram_format::HistogramFormat;
use crate::export::protobuf_messages::write::{TimeSeries, WriteRequest};
use crate::model::{NetworkRules, Shard};

/// Timeout of one request.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The settings of remote write.
#[derive(Debug)]
pub struct Settings {
    /// The URL that accepts it. It may hold a user and a password.
    pub url: Url,
    /// Headers to send along, as `name=value,name=value`; secret.
    pub headers: Option<String>,
    /// How histograms are written.
    pub histograms: HistogramFormat,
    /// The file that keeps the sums between runs; absent: every run begins at zero.
    pub state: Option<PathBuf>,
    /// How it may connect.
    pub network: NetworkRules,
    /// The part of the vantage's probes that is run.
    pub shard: Option<Shard>,
}

/// The environment variable that [`Settings::headers`] is read from.
pub(crate) const HEADERS_VARIABLE: &str = "UPTICK_REMOTE_WRITE_HEADERS";

/// Per the specification: retry on 5xx and 429, never on any other 4xx.
pub(super) fn worth_retrying(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// The endpoint that takes remote write.
pub(super) fn endpoint(settings: &Settings) -> Result<Endpoint, ExportError> {
    let mut headers = endpoint::headers(settings.headers.as_deref().unwrap_or_default(), HEADERS_VARIABLE)?;
    let fixed: HeaderMap = [
        ("content-encoding", "snappy"),
        ("content-type", "application/x-protobuf"),
        ("x-prometheus-remote-write-version", "0.1.0"),
    ]
    .into_iter()
    .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
    .collect();
    headers.extend(fixed);
    Endpoint::new(settings.url.clone(), headers, TIMEOUT, None, settings.network)
}

/// A request as it is sent.
pub(super) fn body(timeseries: Vec<TimeSeries>) -> Vec<u8> {
    let plain = WriteRequest { timeseries }.encode_to_vec();
    snap::raw::Encoder::new().compress_vec(&plain).expect("a request is far below four gigabytes")
}
