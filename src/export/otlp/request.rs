//! Series as an OTLP request.

use jiff::Timestamp;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;

use crate::export::exponential::{Exponential, FINEST_SCHEMA};
use crate::metric::{Family, MetricKind, Series, Value};
use crate::window::Histogram;

use super::attributes::{self, Targets};
use super::environment::Temporality;

/// Maximum number of buckets in one histogram: the default of the OpenTelemetry SDKs.
const BUCKETS: usize = 160;

/// The time that the numbers of a request cover.
#[derive(Clone, Copy)]
pub(super) struct Time {
    pub(super) since: Timestamp,
    pub(super) now: Timestamp,
    pub(super) temporality: Temporality,
}

/// The request for series of probes with these targets.
pub(super) fn of(
    all: &[Series<'_>],
    resource: &[(String, String)],
    targets: &Targets,
    time: Time,
) -> ExportMetricsServiceRequest {
    let mut all: Vec<&Series<'_>> = all.iter().collect();
    all.sort_by_key(|series| series.family.name);
    let families = all.chunk_by(|series, next| series.family == next.family);
    let metrics = families.map(|stretch| metric(stretch[0].family, stretch, targets, time)).collect();
    let scope = InstrumentationScope {
        name: "uptick".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        ..InstrumentationScope::default()
    };
    let resource = Resource {
        attributes: resource.iter().map(|(name, value)| attributes::text(name, value)).collect(),
        ..Resource::default()
    };
    ExportMetricsServiceRequest {
        resource_metrics: vec![ResourceMetrics {
            resource: Some(resource),
            scope_metrics: vec![ScopeMetrics { scope: Some(scope), metrics, ..ScopeMetrics::default() }],
            ..ResourceMetrics::default()
        }],
    }
}

fn metric(family: &Family, all: &[&Series<'_>], targets: &Targets, time: Time) -> Metric {
    let aggregation_temporality = match time.temporality {
        Temporality::Cumulative => AggregationTemporality::Cumulative,
        Temporality::Delta => AggregationTemporality::Delta,
    }
    .into();
    let numbers = || all.iter().filter_map(|series| number(series, targets, time)).collect();
    let data = match family.kind {
        MetricKind::Gauge => Data::Gauge(Gauge { data_points: numbers() }),
        MetricKind::Counter => Data::Sum(Sum { data_points: numbers(), aggregation_temporality, is_monotonic: true }),
        MetricKind::Histogram => {
            let data_points = all.iter().filter_map(|series| histogram(series, targets, time)).collect();
            Data::ExponentialHistogram(ExponentialHistogram { data_points, aggregation_temporality })
        }
    };
    Metric {
        name: family.otel_name.to_owned(),
        description: family.help.to_owned(),
        unit: family.unit.to_owned(),
        data: Some(data),
        ..Metric::default()
    }
}

fn number(series: &Series<'_>, targets: &Targets, time: Time) -> Option<NumberDataPoint> {
    let (value, start_time_unix_nano) = match series.value {
        Value::Number(number) => (number_data_point::Value::AsDouble(number), 0),
        Value::Count(count) => {
            (number_data_point::Value::AsInt(i64::try_from(count).unwrap_or(i64::MAX)), nanos(time.since))
        }
        Value::Histogram(_) => return None,
    };
    Some(NumberDataPoint {
        attributes: attributes::of_series(series, targets),
        start_time_unix_nano,
        time_unix_nano: nanos(time.now),
        value: Some(value),
        ..NumberDataPoint::default()
    })
}

fn histogram(series: &Series<'_>, targets: &Targets, time: Time) -> Option<ExponentialHistogramDataPoint> {
    let Value::Histogram(histogram) = series.value else { return None };
    let exponential = Exponential::of(histogram, FINEST_SCHEMA).within(BUCKETS);
    let (offset, bucket_counts) = exponential.dense();
    let seconds = |time: Option<std::time::Duration>| time.map(|time| time.as_secs_f64());
    Some(ExponentialHistogramDataPoint {
        attributes: attributes::of_series(series, targets),
        start_time_unix_nano: nanos(time.since),
        time_unix_nano: nanos(time.now),
        count: exponential.count(),
        sum: Some(histogram.sum().as_secs_f64()),
        scale: exponential.schema.into(),
        zero_count: exponential.zeros,
        positive: Some(Buckets { offset, bucket_counts }),
        min: seconds(Histogram::min(histogram)),
        max: seconds(Histogram::max(histogram)),
        ..ExponentialHistogramDataPoint::default()
    })
}

fn nanos(instant: Timestamp) -> u64 {
    u64::try_from(instant.as_nanosecond()).unwrap_or_default()
}
