//! Prometheus remote write 1.0: cumulative series, sent as windows close, for places that
//! nobody can scrape: cron, laptops, CI.
//! <https://prometheus.io/docs/specs/prw/remote_write_spec/>

mod replay;
mod samples;
mod state;
mod verify;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use prost::Message as _;
use url::Url;

use crate::model::{Outcome, SafeText};
use crate::window::Window;

use super::buckets::Kind;
use super::cumulative::Cumulative;
use super::endpoint::Endpoint;
use super::message::write::{TimeSeries, WriteRequest};
use super::push::{Backend, News, Push};
use super::{ExportError, Tally};

pub use replay::{Last, Replay, Sent};
use state::State;
pub use verify::{Stored, verify};

/// The time one request may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(10);

/// Windows whose series go into one request, at most: it stays below a megabyte.
const WINDOWS_PER_REQUEST: usize = 100;

/// What remote write needs to know.
#[derive(Debug)]
pub struct Settings {
    /// The address that takes it. It may hold a user and a password.
    pub url: Url,
    /// Headers to send along, as `name=value,name=value`; secret.
    pub headers: Option<String>,
    /// How histograms are written.
    pub histograms: Kind,
    /// Where the sums are kept between runs; without it they begin at zero with each.
    pub state: Option<PathBuf>,
}

/// The variable that [`Settings::headers`] is read from.
pub const HEADERS_VARIABLE: &str = "UPTICK_REMOTE_WRITE_HEADERS";

/// A running remote writer.
#[derive(Debug)]
pub struct RemoteWrite {
    push: Push,
    /// Why the sums are not kept between runs.
    trouble: Arc<Mutex<Option<SafeText>>>,
}

impl RemoteWrite {
    /// Starts one on the current runtime. `base` is what was seen before there was a state: the
    /// journal so far. It is asked at once and only then.
    ///
    /// # Errors
    /// [`ExportError`], where the address or the headers cannot be used.
    pub fn start(settings: &Settings, base: impl FnOnce() -> Cumulative) -> Result<RemoteWrite, ExportError> {
        let endpoint = endpoint(settings)?;
        let mut state = State::new(settings.state.clone(), base);
        let histograms = settings.histograms;
        let trouble = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&trouble);
        let encode = move |news: News| {
            let requests = encode(&news, &mut state, histograms, Timestamp::now());
            let trouble = state.trouble().map(|error| SafeText::message(&error.to_string()));
            *shared.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
            requests
        };
        let backend = Backend { endpoint, encode, worth_retrying, objection: |_| None };
        Ok(RemoteWrite { push: Push::start(backend), trouble })
    }

    /// Takes note of windows that closed. It never waits.
    pub fn windows(&self, windows: &[Window]) {
        self.push.windows(windows);
    }

    /// Takes note of the last check of a probe. It never waits.
    pub fn outcome(&self, outcome: &Outcome) {
        self.push.outcome(outcome);
    }

    /// What became of the batches so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.push.tally()
    }

    /// Sends what there is, for at most this long. Says what became of the batches, and why the
    /// sums could not be kept for the next run, where they could not.
    pub async fn finish(self, patience: Duration) -> (Tally, Option<SafeText>) {
        let tally = self.push.finish(patience).await;
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        (tally, trouble)
    }
}

/// The specification: again on 5xx and 429, never on any other 4xx.
pub(super) fn worth_retrying(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

/// The endpoint that takes remote write.
pub(super) fn endpoint(settings: &Settings) -> Result<Endpoint, ExportError> {
    let mut headers = super::endpoint::headers(settings.headers.as_deref().unwrap_or_default(), HEADERS_VARIABLE)?;
    let fixed: HeaderMap = [
        ("content-encoding", "snappy"),
        ("content-type", "application/x-protobuf"),
        ("x-prometheus-remote-write-version", "0.1.0"),
    ]
    .into_iter()
    .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
    .collect();
    headers.extend(fixed);
    Endpoint::new(settings.url.clone(), headers, TIMEOUT, None)
}

/// The requests that say what is new.
fn encode(news: &News, state: &mut State, histograms: Kind, now: Timestamp) -> Vec<Vec<u8>> {
    let changes = state.add(&news.windows);
    let at = state.next_instant(now);
    let mut requests = Vec::new();
    for some in changes.chunks(WINDOWS_PER_REQUEST) {
        let series = some.iter().flat_map(|change| samples::of_change(change, histograms, at));
        requests.push(body(series.collect()));
    }
    let last: Vec<TimeSeries> = news
        .last
        .values()
        .flat_map(|all| all.iter())
        .flat_map(|series| samples::of_series(series, histograms, at))
        .collect();
    requests.extend(last.chunks(WINDOWS_PER_REQUEST * 20).map(|some| body(some.to_vec())));
    requests
}

/// A request as it is sent.
pub(super) fn body(timeseries: Vec<TimeSeries>) -> Vec<u8> {
    let plain = WriteRequest { timeseries }.encode_to_vec();
    snap::raw::Encoder::new().compress_vec(&plain).expect("a request is far below four gigabytes")
}
