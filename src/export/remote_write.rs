//! Prometheus remote write 1.0: cumulative series, sent as windows close, from places that cannot be scraped: cron,
//! laptops, CI.
//! <https://prometheus.io/docs/specs/prw/remote_write_spec/>

mod replay;
mod request;
mod samples;
mod verify;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::metric::{self, Family};
use crate::model::{Outcome, SafeText, UnixMillis};
use crate::window::Window;

use super::cumulative::Cumulative;
use super::delivery_stats::DeliveryStats;
use super::error::ExportError;
use super::exporter::{Exporter, ExporterOption, Finished};
use super::kept_sums::{KeptSums, STAMPS_APART};
use super::protobuf_messages::write::TimeSeries;
use super::push::{Backend, GATHER, PendingBatch, Push};

pub use replay::Last;
pub(crate) use replay::Replay;
pub(crate) use request::HEADERS_VARIABLE;
pub use request::Settings;
use request::{body, endpoint, worth_retrying};
use samples::Form;
pub use verify::{Stored, verify};

/// The option that starts one.
pub(crate) const OPTION: ExporterOption = ExporterOption {
    long: "remote-write",
    value_name: "URL",
    is_value_optional: false,
    variable: Some("UPTICK_REMOTE_WRITE"),
    meaning: "Send by Prometheus remote write; headers such as `authorization=Bearer%20…` go into \
              `UPTICK_REMOTE_WRITE_HEADERS`",
};

/// Maximum number of windows whose series go into one request: it stays below a megabyte.
const WINDOWS_PER_REQUEST: usize = 100;

/// A running remote writer.
#[derive(Debug)]
pub struct RemoteWrite {
    push: Push,
    /// Why the sums are not kept between runs.
    trouble: Arc<Mutex<Option<SafeText>>>,
}

impl RemoteWrite {
    /// Starts one on the current runtime. `base` gives the sums before there was a state file: the journal so far. It
    /// is called at once, and only if there is none.
    ///
    /// # Errors
    /// [`ExportError`], if the address or the headers cannot be used.
    pub fn start(settings: &Settings, base: impl FnOnce() -> Cumulative) -> Result<RemoteWrite, ExportError> {
        let endpoint = endpoint(settings)?;
        let mut sums = KeptSums::new(settings.state.clone(), base);
        let mut last_instant = UnixMillis::MIN;
        let (histograms, shard) = (settings.histograms, settings.shard);
        let trouble = Arc::new(Mutex::new(None));
        let shared = Arc::clone(&trouble);
        let encode = move |pending: PendingBatch| {
            last_instant = UnixMillis::from(Timestamp::now()).max(last_instant.saturating_add(STAMPS_APART));
            let requests = encode(&pending, &mut sums, Form { histograms, shard }, last_instant);
            let trouble = sums.trouble().map(|error| SafeText::message(&error.to_string()));
            *shared.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
            requests
        };
        let backend = Backend { endpoint, encode, worth_retrying, objection: |_| None, gather: GATHER, shard };
        Ok(RemoteWrite { push: Push::start(backend), trouble })
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

    /// Sends what is pending, for at most this long. Returns what became of the batches, and why the sums could not be
    /// kept for the next run, if they could not.
    pub async fn finish(self, patience: Duration) -> (DeliveryStats, Option<SafeText>) {
        let stats = self.push.finish(patience).await;
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        (stats, trouble)
    }
}

/// The requests for what is new; gauges get the timestamp `at`.
fn encode(pending: &PendingBatch, sums: &mut KeptSums, form: Form, at: UnixMillis) -> Vec<Vec<u8>> {
    let changes = sums.add(&pending.windows);
    let mut requests = Vec::new();
    for some in changes.chunks(WINDOWS_PER_REQUEST) {
        let series = some.iter().flat_map(|change| samples::of_change(change, form));
        requests.push(body(series.collect()));
    }
    let last: Vec<TimeSeries> = pending
        .last
        .values()
        .flat_map(|all| all.iter())
        .flat_map(|series| samples::of_series(series, form, at))
        .collect();
    requests.extend(last.chunks(WINDOWS_PER_REQUEST * 20).map(|some| body(some.to_vec())));
    requests
}

impl Exporter for RemoteWrite {
    fn outcome(&self, outcome: &Outcome) {
        RemoteWrite::outcome(self, outcome);
    }

    fn windows(&self, windows: &[Window]) {
        RemoteWrite::windows(self, windows);
    }

    fn delivery(&self) -> Option<(&'static Family, DeliveryStats)> {
        Some((&metric::REMOTE_WRITE_BATCHES, self.stats()))
    }

    fn finish(self: Box<Self>, patience: Duration) -> Finished {
        Box::pin(async move {
            let (stats, trouble) = RemoteWrite::finish(*self, patience).await;
            let trouble = trouble.map(|why| format!("remote write: cannot keep the sums for the next run: {why}"));
            stats.warning("remote write").into_iter().chain(trouble).collect()
        })
    }
}
