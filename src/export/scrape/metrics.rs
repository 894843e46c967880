//! The served metrics: counters since the process started, and the last check of each probe.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use crate::export::cumulative::Cumulative;
use crate::export::delivery_stats::DeliveryStats;
use crate::metric::{self, Family, Identity, Series, Value};
use crate::model::{FailureClass, Outcome, Probe, Shard};
use crate::window::{Collector, Window};

use super::negotiation::Format;
use super::protobuf;

/// The span of the internal windows; they are merged at every scrape.
const SPAN: Duration = Duration::from_mins(1);

/// The prober whose metrics are served.
#[derive(Clone, Debug)]
pub struct Source {
    /// The vantage that checks are made from.
    pub vantage: String,
    /// The part of its probes that is run, if there are several.
    pub shard: Option<Shard>,
}

/// The served metrics.
pub(super) struct Metrics {
    source: Source,
    schema: i8,
    started: Timestamp,
    /// Locked only for moments: checks report here.
    inbox: Mutex<Inbox>,
    /// Locked while an answer is built.
    total: Mutex<Cumulative>,
}

struct Inbox {
    collector: Collector,
    closed: Cumulative,
    last: BTreeMap<String, Arc<Vec<Series<'static>>>>,
    /// The current probes, once they are known.
    probes: Option<Arc<BTreeMap<String, KnownProbe>>>,
    delivered: BTreeMap<&'static str, (&'static Family, DeliveryStats)>,
}

/// A current probe.
#[derive(Clone)]
struct KnownProbe {
    info: Series<'static>,
    /// An empty window of it.
    none: Window,
    possible_failures: Vec<FailureClass>,
    since: Timestamp,
}

impl Metrics {
    pub(super) fn new(source: Source, schema: i8) -> Metrics {
        let inbox = Inbox {
            collector: Collector::new(&source.vantage, SPAN),
            closed: Cumulative::default(),
            last: BTreeMap::new(),
            probes: None,
            delivered: BTreeMap::new(),
        };
        Metrics {
            source,
            schema,
            started: Timestamp::now(),
            inbox: Mutex::new(inbox),
            total: Mutex::new(Cumulative::default()),
        }
    }

    /// Records a check.
    pub(super) fn outcome(&self, outcome: &Outcome) {
        let last = Arc::new(metric::of_outcome(outcome, self.source.shard));
        let mut inbox = self.inbox();
        // A removed probe may end its last check after its removal.
        if inbox.probes.as_ref().is_none_or(|known| known.contains_key(&outcome.probe)) {
            inbox.last.insert(outcome.probe.clone(), last);
        }
        if let Some(window) = inbox.collector.record(outcome) {
            inbox.closed.add(&window);
        }
        // Only the journal keeps the evidence of failures.
        drop(inbox.collector.take_failures());
    }

    /// Records a check that was due and was not run.
    pub(super) fn missed(&self, probe: &Probe, scheduled_at: Timestamp) {
        let mut inbox = self.inbox();
        if let Some(window) = inbox.collector.record_missed(probe, scheduled_at) {
            inbox.closed.add(&window);
        }
    }

    /// Replaces the set of known probes.
    pub(super) fn set_probes(&self, probes: &[Arc<Probe>]) {
        let Source { vantage, shard } = &self.source;
        let now = Timestamp::now();
        let before = self.inbox().probes.clone();
        let known = probes.iter().map(|probe| {
            let since = before.as_ref().map(|known| known.get(&probe.name).map_or(now, |known| known.since));
            let names = [vantage, &probe.name, &probe.surface].map(|name| Arc::from(name.as_str()));
            let known = KnownProbe {
                info: metric::of_probe(probe, vantage, *shard),
                none: Window::empty(&names[0], &names[1], &names[2], probe.control),
                possible_failures: probe.possible_failures(),
                since: since.unwrap_or(self.started),
            };
            (probe.name.clone(), known)
        });
        let known: BTreeMap<String, KnownProbe> = known.collect();
        let mut inbox = self.inbox();
        inbox.last.retain(|probe, _| known.contains_key(probe));
        inbox.probes = Some(Arc::new(known));
    }

    /// Records what became of another exporter's batches.
    pub(super) fn show_delivery(&self, family: &'static Family, stats: &DeliveryStats) {
        self.inbox().delivered.insert(family.name, (family, stats.clone()));
    }

    /// Whether there is a probe of this name.
    pub(super) fn has_probe(&self, name: &str) -> bool {
        self.inbox().probes.as_ref().is_some_and(|known| known.contains_key(name))
    }

    /// All metrics in a format, or only those of one probe.
    pub(super) fn answer(&self, format: Format, only: Option<&str>) -> Vec<u8> {
        let mut total = self.total.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut collector, closed, last, delivered, known) = {
            let mut inbox = self.inbox();
            let fresh = Collector::new(&self.source.vantage, SPAN);
            let collector = std::mem::replace(&mut inbox.collector, fresh);
            let closed = std::mem::take(&mut inbox.closed);
            let (last, delivered): (Vec<_>, _) = match only {
                Some(name) => (inbox.last.get(name).cloned().into_iter().collect(), BTreeMap::new()),
                None => (inbox.last.values().cloned().collect(), inbox.delivered.clone()),
            };
            (collector, closed, last, delivered, inbox.probes.clone().unwrap_or_default())
        };
        for (identity, sum) in closed.totals() {
            total.merge(identity, sum);
        }
        for window in collector.close_all() {
            total.add(&window);
        }
        let is_meant = |probe: &str| only.is_none_or(|only| only == probe);
        let mut all = self.counted(&total, &known, is_meant);
        let ours = delivered.values().flat_map(|(family, stats)| self.batches(family, stats));
        let build = only.is_none().then(|| self.build());
        // Shared and borrowed series have different lifetimes; pushed one by one they fit.
        for series in last.iter().flat_map(|series| series.iter().cloned()).chain(ours).chain(build) {
            all.push(series);
        }
        metric::sort(&mut all);
        let meant = known.iter().filter(|(name, _)| is_meant(name)).map(|(_, known)| known);
        let since: BTreeMap<&str, Timestamp> = meant.map(|known| (known.info.of.probe.as_str(), known.since)).collect();
        self.written(&all, format, |series| since.get(series.of.probe.as_str()).copied().unwrap_or(self.started))
    }

    /// The counters, with zeros for what has not happened yet, and what each probe checks.
    fn counted<'t>(
        &self,
        total: &'t Cumulative,
        known: &'t BTreeMap<String, KnownProbe>,
        is_meant: impl Fn(&str) -> bool,
    ) -> Vec<Series<'t>> {
        let shard = self.source.shard;
        let mut all = Vec::new();
        for window in total.windows().filter(|window| is_meant(&window.probe)) {
            all.extend(metric::of_window(window, shard));
        }
        for (_, probe) in known.iter().filter(|(name, _)| is_meant(name)) {
            let sum = total.sum_of(&probe.none);
            if sum.is_none() {
                all.extend(metric::of_window(&probe.none, shard));
            }
            all.extend(metric::zero_failures(sum.unwrap_or(&probe.none), &probe.possible_failures, shard));
            all.push(probe.info.clone());
        }
        all
    }

    fn written(&self, all: &[Series<'_>], format: Format, created: impl Fn(&Series<'_>) -> Timestamp) -> Vec<u8> {
        let mut text = String::new();
        match format {
            Format::Text => metric::text::write(all, &mut text),
            Format::OpenMetrics => metric::open_metrics::write(all, created, &mut text),
            Format::Protobuf => {
                let mut bytes = Vec::new();
                protobuf::write(all, self.schema, created, &mut bytes);
                return bytes;
            }
        }
        text.into_bytes()
    }

    fn inbox(&self) -> MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn build(&self) -> Series<'static> {
        Series {
            family: &metric::BUILD,
            of: self.prober(),
            more_labels: vec![("version", Cow::Borrowed(env!("CARGO_PKG_VERSION")))],
            value: Value::Number(1.0),
        }
    }

    fn batches(&self, family: &'static Family, stats: &DeliveryStats) -> impl Iterator<Item = Series<'static>> {
        let of = self.prober();
        [("sent", stats.sent), ("dropped", stats.dropped), ("refused", stats.refused), ("retried", stats.retries)]
            .into_iter()
            .map(move |(result, count)| Series {
                family,
                of: Arc::clone(&of),
                more_labels: vec![("result", Cow::Borrowed(result))],
                value: Value::Count(count),
            })
    }

    fn prober(&self) -> Arc<Identity> {
        Arc::new(Identity::of_prober(&self.source.vantage, self.source.shard))
    }
}
