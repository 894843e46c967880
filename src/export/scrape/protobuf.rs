//! Series in the protobuf format of Prometheus: the one that carries native histograms. Classic buckets are added for a
//! server that does not take native ones.

use jiff::Timestamp;
use prost::Message as _;

use crate::export::exponential::{Exponential, ZERO_THRESHOLD};
use crate::export::protobuf_messages::exposition::{
    Bucket, BucketSpan, Counter, Gauge, Histogram, Instant, LabelPair, Metric, MetricFamily, MetricType,
};
use crate::metric;
use crate::metric::{Family, MetricKind, Series, Value};

pub(super) const CONTENT_TYPE: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

/// Writes series that are sorted by family; `created` returns when a series began to count.
pub(super) fn write(all: &[Series<'_>], schema: i8, created: impl Fn(&Series<'_>) -> Timestamp, out: &mut Vec<u8>) {
    for stretch in all.chunk_by(|series, next| series.family == next.family) {
        let mut family = announced(stretch[0].family);
        family.metrics = stretch.iter().map(|series| metric(series, schema, created(series))).collect();
        family.encode_length_delimited(out).expect("a vector grows");
    }
}

fn announced(family: &Family) -> MetricFamily {
    let kind = match family.kind {
        MetricKind::Gauge => MetricType::Gauge,
        MetricKind::Counter => MetricType::Counter,
        MetricKind::Histogram => MetricType::Histogram,
    };
    MetricFamily {
        name: Some(family.name.to_owned()),
        help: Some(family.help.to_owned()),
        kind: Some(kind.into()),
        metrics: Vec::new(),
    }
}

fn metric(series: &Series<'_>, schema: i8, created: Timestamp) -> Metric {
    let pair = |(name, value): (&str, &str)| LabelPair { name: Some(name.to_owned()), value: Some(value.to_owned()) };
    let mut metric = Metric { labels: series.labels().map(pair).collect(), ..Metric::default() };
    match series.value {
        Value::Number(number) => metric.gauge = Some(Gauge { value: Some(number) }),
        #[expect(clippy::cast_precision_loss, reason = "the format counts in doubles")]
        Value::Count(count) => {
            metric.counter = Some(Counter { value: Some(count as f64), created: Some(instant(created)) });
        }
        Value::Histogram(histogram) => {
            metric.histogram = Some(Histogram { created: Some(instant(created)), ..both_layouts(histogram, schema) });
        }
    }
    metric
}

fn instant(at: Timestamp) -> Instant {
    Instant { seconds: Some(at.as_second()), nanos: Some(at.subsec_nanosecond()) }
}

fn both_layouts(histogram: &crate::window::Histogram, schema: i8) -> Histogram {
    let native = Exponential::of(histogram, schema);
    let (spans, deltas) = native.spans();
    let classic = metric::classic(histogram);
    Histogram {
        count: Some(native.count()),
        sum: Some(histogram.sum().as_secs_f64()),
        classic: classic
            .into_iter()
            .map(|(bound, count)| Bucket { cumulative_count: Some(count), upper_bound: Some(bound.as_secs_f64()) })
            .collect(),
        schema: Some(native.schema.into()),
        // A threshold above zero is what distinguishes a native histogram from a classic one.
        zero_threshold: Some(ZERO_THRESHOLD),
        zero_count: Some(native.zeros),
        positive_spans: spans
            .into_iter()
            .map(|span| BucketSpan { offset: Some(span.offset), length: Some(span.length) })
            .collect(),
        positive_deltas: deltas,
        created: None,
    }
}
