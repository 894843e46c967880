//! What is served: counters since the process started, and the last check of each probe.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::export::cumulative::Cumulative;
use crate::export::delivery_stats::DeliveryStats;
use crate::metric::{self, Family, Identity, Series, Value};
use crate::window::Collector;

use super::protobuf;

/// The span of the windows in between; they are added up at every scrape.
const SPAN: Duration = Duration::from_mins(1);

/// What is served.
pub(super) struct Metrics {
    vantage: String,
    schema: i8,
    /// Held for moments only: checks report here.
    inbox: Mutex<Inbox>,
    /// Held while an answer is made.
    total: Mutex<Cumulative>,
}

pub(super) struct Inbox {
    pub(super) collector: Collector,
    pub(super) closed: Cumulative,
    pub(super) last: BTreeMap<String, Arc<Vec<Series<'static>>>>,
    /// The probes there are, once that has changed.
    pub(super) known: Option<BTreeSet<String>>,
    pub(super) delivered: BTreeMap<&'static str, (&'static Family, DeliveryStats)>,
}

/// The format of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Text,
    Protobuf,
}

impl Metrics {
    pub(super) fn new(vantage: &str, schema: i8) -> Metrics {
        let inbox = Inbox {
            collector: Collector::new(vantage, SPAN),
            closed: Cumulative::default(),
            last: BTreeMap::new(),
            known: None,
            delivered: BTreeMap::new(),
        };
        Metrics {
            vantage: vantage.to_owned(),
            schema,
            inbox: Mutex::new(inbox),
            total: Mutex::new(Cumulative::default()),
        }
    }

    pub(super) fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All metrics in a format.
    pub(super) fn answer(&self, format: Format) -> Vec<u8> {
        let mut total = self.total.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut collector, closed, last, delivered) = {
            let mut inbox = self.inbox();
            let fresh = Collector::new(&self.vantage, SPAN);
            let collector = std::mem::replace(&mut inbox.collector, fresh);
            (collector, std::mem::take(&mut inbox.closed), inbox.last.clone(), inbox.delivered.clone())
        };
        for window in closed.windows() {
            total.add(window);
        }
        for window in collector.close_all() {
            total.add(&window);
        }
        // What is shared and what is borrowed live differently long; pushed one by one they fit.
        let mut all: Vec<Series<'_>> = total.windows().flat_map(metric::of_window).collect();
        let ours = delivered.values().flat_map(|(family, stats)| self.batches(family, stats));
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

    fn batches(&self, family: &'static Family, stats: &DeliveryStats) -> impl Iterator<Item = Series<'static>> {
        let of = Arc::new(Identity::of_vantage(&self.vantage));
        [("sent", stats.sent), ("dropped", stats.dropped), ("refused", stats.refused), ("retried", stats.retries)]
            .into_iter()
            .map(move |(result, count)| Series {
                family,
                of: Arc::clone(&of),
                label: Some(("result", Cow::Borrowed(result))),
                value: Value::Count(count),
            })
    }
}
