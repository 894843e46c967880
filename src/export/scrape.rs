//! Metrics for Prometheus to fetch: what was counted since the process began, and the last check
//! of each probe. Counters are as fresh as the last check, not as the last closed window.

mod protobuf;
mod server;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::metric;
use crate::metric::{Family, Identity, Series, Value};
use crate::model::{Outcome, Probe};
use crate::window::Collector;

use super::cumulative::Cumulative;
use super::{ExportError, Tally};

/// The span of the windows in between; they are added up at every scrape.
const SPAN: Duration = Duration::from_mins(1);

/// A running server of metrics.
pub struct Scrape {
    metrics: Arc<Metrics>,
    server: server::Server,
}

/// What is served.
struct Metrics {
    vantage: String,
    schema: i8,
    /// Held for moments only: checks report here.
    inbox: Mutex<Inbox>,
    /// Held while an answer is made.
    total: Mutex<Cumulative>,
}

struct Inbox {
    collector: Collector,
    closed: Cumulative,
    last: BTreeMap<String, Arc<Vec<Series<'static>>>>,
    /// The probes there are, once that has changed.
    known: Option<BTreeSet<String>>,
    tallies: BTreeMap<&'static str, (&'static Family, Tally)>,
}

/// The format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Protobuf,
}

impl Scrape {
    /// Listens and serves, on the current runtime. Native histograms have this schema.
    ///
    /// # Errors
    /// [`ExportError::Listen`], where nobody can listen there.
    pub async fn listen(address: SocketAddr, vantage: &str, schema: i8) -> Result<Scrape, ExportError> {
        let inbox = Inbox {
            collector: Collector::new(vantage, SPAN),
            closed: Cumulative::default(),
            last: BTreeMap::new(),
            known: None,
            tallies: BTreeMap::new(),
        };
        let metrics = Arc::new(Metrics {
            vantage: vantage.to_owned(),
            schema,
            inbox: Mutex::new(inbox),
            total: Mutex::new(Cumulative::default()),
        });
        let server = server::Server::start(address, Arc::clone(&metrics)).await?;
        Ok(Scrape { metrics, server })
    }

    /// Where it listens: the port, where 0 was asked for.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// Takes note of a check.
    pub fn outcome(&self, outcome: &Outcome) {
        let last = Arc::new(metric::of_outcome(outcome));
        let mut inbox = self.metrics.inbox();
        // A retired probe may end its last check after it was retired.
        if inbox.known.as_ref().is_none_or(|known| known.contains(&outcome.probe)) {
            inbox.last.insert(outcome.probe.clone(), last);
        }
        if let Some(window) = inbox.collector.record(outcome) {
            inbox.closed.add(&window);
        }
        // The evidence of failures is the journal's.
        drop(inbox.collector.take_failures());
    }

    /// Takes note of a check that was due and not run.
    pub fn missed(&self, probe: &Probe, scheduled_at: Timestamp) {
        let mut inbox = self.metrics.inbox();
        if let Some(window) = inbox.collector.record_missed(probe, scheduled_at) {
            inbox.closed.add(&window);
        }
    }

    /// Takes note that from here on there are these probes: of one that is gone, the last check
    /// says nothing any more. What was counted stays.
    pub fn adopt(&self, probes: &[Arc<Probe>]) {
        let known: BTreeSet<String> = probes.iter().map(|probe| probe.name.clone()).collect();
        let mut inbox = self.metrics.inbox();
        inbox.last.retain(|probe, _| known.contains(probe));
        inbox.known = Some(known);
    }

    /// Takes note of what became of another exporter's batches, which are a family of their own.
    pub fn tally(&self, family: &'static Family, tally: Tally) {
        self.metrics.inbox().tallies.insert(family.name, (family, tally));
    }

    /// Stops serving.
    pub async fn finish(self) {
        self.server.stop().await;
    }
}

impl Metrics {
    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All metrics in a format.
    fn answer(&self, format: Format) -> Vec<u8> {
        let mut total = self.total.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut collector, closed, last, tallies) = {
            let mut inbox = self.inbox();
            let fresh = Collector::new(&self.vantage, SPAN);
            let collector = std::mem::replace(&mut inbox.collector, fresh);
            (collector, std::mem::take(&mut inbox.closed), inbox.last.clone(), inbox.tallies.clone())
        };
        for window in closed.windows() {
            total.add(window);
        }
        for window in collector.close_all() {
            total.add(&window);
        }
        // What is shared and what is borrowed live differently long; pushed one by one they fit.
        let mut all: Vec<Series<'_>> = total.windows().flat_map(metric::of_window).collect();
        let ours = tallies.values().flat_map(|(family, tally)| self.batches(family, tally));
        for series in last.values().flat_map(|series| series.iter().cloned()).chain(ours).chain([self.build()]) {
            all.push(series);
        }
        metric::sort(&mut all);
        match format {
            Format::Text => {
                let mut text = String::new();
                metric::text::write(&all, &mut text);
                text.into_bytes()
            }
            Format::Protobuf => {
                let mut bytes = Vec::new();
                protobuf::write(&all, self.schema, &mut bytes);
                bytes
            }
        }
    }

    fn build(&self) -> Series<'static> {
        let label = Some(("version", Cow::Borrowed(env!("CARGO_PKG_VERSION"))));
        Series {
            family: &metric::BUILD,
            of: Arc::new(Identity::of_vantage(&self.vantage)),
            label,
            value: Value::Number(1.0),
        }
    }

    fn batches(&self, family: &'static Family, tally: &Tally) -> impl Iterator<Item = Series<'static>> {
        let of = Arc::new(Identity::of_vantage(&self.vantage));
        [("sent", tally.sent), ("dropped", tally.dropped), ("refused", tally.refused), ("retried", tally.retries)]
            .into_iter()
            .map(move |(result, count)| Series {
                family,
                of: Arc::clone(&of),
                label: Some(("result", Cow::Borrowed(result))),
                value: Value::Count(count),
            })
    }
}
