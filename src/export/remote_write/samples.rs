//! Series as remote write carries them: each with sorted labels and one sample, which a zero precedes if the series is
//! new. Without the zero a backend cannot tell the first failure from one that was always there.

use std::collections::BTreeSet;

use crate::export::exponential::{Exponential, ZERO_THRESHOLD};
use crate::export::histogram_format::HistogramFormat;
use crate::export::kept_sums::Change;
use crate::export::protobuf_messages::write::{BucketSpan, Histogram, Label, Sample, TimeSeries};
use crate::export::vm_range::vm_ranges;
use crate::metric;
use crate::metric::{Series, Value};
use crate::model::{Shard, UnixMillis};

/// The value of one series at an instant.
#[derive(Clone, Debug, PartialEq)]
enum Point {
    Number(f64),
    Native(Box<Histogram>),
}

/// How series are written.
#[derive(Clone, Copy)]
pub(super) struct Form {
    pub(super) histograms: HistogramFormat,
    pub(super) shard: Option<Shard>,
}

/// The timestamps of a series' samples, in milliseconds.
#[derive(Clone, Copy)]
struct Stamps {
    at: UnixMillis,
    /// Of the zero before, if the series is new.
    zero_at: Option<UnixMillis>,
}

/// The series of a sum that changed.
pub(super) fn of_change(change: &Change, form: Form) -> Vec<TimeSeries> {
    let Form { histograms, shard } = form;
    let before: BTreeSet<Vec<(String, String)>> = change
        .before
        .iter()
        .flat_map(|window| metric::of_window(window, shard))
        .flat_map(|series| points(&series, histograms))
        .map(|(labels, _)| key(&labels))
        .collect();
    let now = metric::of_window(&change.after, shard);
    let points = now.iter().flat_map(|series| points(series, histograms));
    points
        .map(|(labels, point)| {
            let zero_at = (!before.contains(&key(&labels))).then_some(change.zero_at);
            timeseries(labels, point, Stamps { at: change.at, zero_at })
        })
        .collect()
}

/// The series of a gauge.
pub(super) fn of_series(series: &Series<'_>, form: Form, at: UnixMillis) -> Vec<TimeSeries> {
    let stamps = Stamps { at, zero_at: None };
    points(series, form.histograms).into_iter().map(|(labels, point)| timeseries(labels, point, stamps)).collect()
}

fn timeseries(labels: Vec<Label>, point: Point, Stamps { at, zero_at }: Stamps) -> TimeSeries {
    let mut series = TimeSeries { labels, ..TimeSeries::default() };
    match point {
        Point::Number(value) => {
            series.samples.extend(zero_at.map(|at| Sample { value: 0.0, timestamp_ms: at.0 }));
            series.samples.push(Sample { value, timestamp_ms: at.0 });
        }
        Point::Native(histogram) => {
            let (schema, zero_threshold) = (histogram.schema, histogram.zero_threshold);
            let zero =
                |at: UnixMillis| Histogram { schema, zero_threshold, timestamp_ms: at.0, ..Histogram::default() };
            series.histograms.extend(zero_at.map(zero));
            series.histograms.push(Histogram { timestamp_ms: at.0, ..*histogram });
        }
    }
    series
}

/// The points that a series is written as: a histogram with one series per bucket becomes many.
fn points(series: &Series<'_>, histograms: HistogramFormat) -> Vec<(Vec<Label>, Point)> {
    let name = series.family.name;
    let plain = |suffix: &str, more: Option<(&str, &str)>, value: f64| {
        (labels(series, &format!("{name}{suffix}"), more), Point::Number(value))
    };
    let histogram = match series.value {
        Value::Number(value) => return vec![plain("", None, value)],
        Value::Count(count) => return vec![plain("", None, double(count))],
        Value::Histogram(histogram) => histogram,
    };
    let mut all: Vec<_> = match histograms {
        HistogramFormat::Native(schema) => {
            return vec![(labels(series, name, None), Point::Native(Box::new(native(histogram, schema))))];
        }
        HistogramFormat::Classic => {
            let bounded = metric::classic(histogram).into_iter().map(|(le, n)| (le.as_secs_f64().to_string(), n));
            let all = bounded.chain([("+Inf".to_owned(), histogram.count())]);
            all.map(|(le, count)| plain("_bucket", Some(("le", &le)), double(count))).collect()
        }
        HistogramFormat::VmRange => vm_ranges(histogram)
            .iter()
            .map(|(range, count)| plain("_bucket", Some(("vmrange", range)), double(*count)))
            .collect(),
    };
    all.push(plain("_sum", None, histogram.sum().as_secs_f64()));
    all.push(plain("_count", None, double(histogram.count())));
    all
}

fn native(histogram: &crate::window::Histogram, schema: i8) -> Histogram {
    let exponential = Exponential::of(histogram, schema);
    let (spans, positive_deltas) = exponential.spans();
    Histogram {
        count: exponential.count(),
        sum: histogram.sum().as_secs_f64(),
        schema: exponential.schema.into(),
        zero_threshold: ZERO_THRESHOLD,
        zero_count: exponential.zeros,
        positive_spans: spans.into_iter().map(|span| BucketSpan { offset: span.offset, length: span.length }).collect(),
        positive_deltas,
        timestamp_ms: 0,
    }
}

/// All labels sorted by name, including the metric name.
fn labels(series: &Series<'_>, name: &str, more: Option<(&str, &str)>) -> Vec<Label> {
    let all = series.labels().chain([("__name__", name)]).chain(more);
    let label = |(name, value): (&str, &str)| Label { name: name.to_owned(), value: value.to_owned() };
    let mut all: Vec<Label> = all.map(label).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}

/// What distinguishes one series from another.
pub(super) fn key(labels: &[Label]) -> Vec<(String, String)> {
    labels.iter().map(|label| (label.name.clone(), label.value.clone())).collect()
}

#[expect(clippy::cast_precision_loss, reason = "the format counts in doubles")]
fn double(count: u64) -> f64 {
    count as f64
}
