//! OTLP as the file exporter of OpenTelemetry's collector writes it: one request as JSON a line.
//! Fields are in lowerCamelCase, integers of 64 bits are strings, and enumerations are numbers.
//! <https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>

use std::io;
use std::io::Write;

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    ExponentialHistogramDataPoint, Metric, NumberDataPoint, number_data_point,
};
use serde_json::{Value, json};

use crate::export::WindowFile;
use crate::window::Window;

use super::attributes::Targets;
use super::environment::{self, Temporality};
use super::{request, series};

/// A file of requests, one for each window.
#[derive(Debug)]
pub struct Json {
    resource: Vec<(String, String)>,
}

impl Json {
    /// A file whose resource comes from `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES`.
    #[must_use]
    pub fn new(env: &dyn Fn(&str) -> Option<String>) -> Json {
        Json { resource: environment::resource(env) }
    }
}

/// How many data points an answer says that it rejected, and why.
pub(super) fn rejected(answer: &Value) -> Option<(i64, String)> {
    let partial = answer.get("partialSuccess")?;
    let points = partial.get("rejectedDataPoints")?;
    let points = points.as_i64().or_else(|| points.as_str()?.parse().ok())?;
    let why = partial.get("errorMessage").and_then(Value::as_str).unwrap_or_default();
    Some((points, why.to_owned()))
}

impl WindowFile for Json {
    fn window(&mut self, window: &Window, out: &mut dyn Write) -> io::Result<()> {
        let time = request::Time { since: window.from, now: window.to, temporality: Temporality::Delta };
        let series = series::of_window(window, None);
        let mut resource = self.resource.clone();
        environment::identify(&mut resource, &window.vantage, None);
        let request = request::of(&series, &resource, &Targets::default(), time);
        writeln!(out, "{}", document(&request))
    }
}

/// A request as [`request::of`] builds it: fields that it never sets are ignored.
fn document(request: &ExportMetricsServiceRequest) -> Value {
    let of_resources = request.resource_metrics.iter().map(|of_resource| {
        let resource = of_resource.resource.iter().flat_map(|resource| &resource.attributes);
        let of_scopes = of_resource.scope_metrics.iter().map(|of_scope| {
            let metrics: Vec<Value> = of_scope.metrics.iter().map(metric).collect();
            let scope = of_scope.scope.as_ref().map(|scope| json!({"name": scope.name, "version": scope.version}));
            json!({"scope": scope, "metrics": metrics})
        });
        json!({"resource": {"attributes": attributes(resource)}, "scopeMetrics": of_scopes.collect::<Vec<_>>()})
    });
    json!({"resourceMetrics": of_resources.collect::<Vec<_>>()})
}

fn metric(metric: &Metric) -> Value {
    let numbers = |points: &[NumberDataPoint]| points.iter().map(number).collect::<Vec<_>>();
    let (kind, data) = match &metric.data {
        Some(Data::Sum(sum)) => (
            "sum",
            json!({
                "dataPoints": numbers(&sum.data_points),
                "aggregationTemporality": sum.aggregation_temporality,
                "isMonotonic": sum.is_monotonic,
            }),
        ),
        Some(Data::ExponentialHistogram(histograms)) => (
            "exponentialHistogram",
            json!({
                "dataPoints": histograms.data_points.iter().map(histogram).collect::<Vec<_>>(),
                "aggregationTemporality": histograms.aggregation_temporality,
            }),
        ),
        Some(Data::Gauge(gauge)) => ("gauge", json!({"dataPoints": numbers(&gauge.data_points)})),
        Some(Data::Histogram(_) | Data::Summary(_)) | None => ("gauge", json!({"dataPoints": []})),
    };
    json!({"name": metric.name, "description": metric.description, "unit": metric.unit, kind: data})
}

fn number(point: &NumberDataPoint) -> Value {
    let mut all = json!({
        "attributes": attributes(&point.attributes),
        "startTimeUnixNano": point.start_time_unix_nano.to_string(),
        "timeUnixNano": point.time_unix_nano.to_string(),
    });
    match point.value {
        Some(number_data_point::Value::AsDouble(number)) => all["asDouble"] = number.into(),
        Some(number_data_point::Value::AsInt(count)) => all["asInt"] = count.to_string().into(),
        None => {}
    }
    all
}

fn histogram(point: &ExponentialHistogramDataPoint) -> Value {
    let buckets = point.positive.as_ref().map(|buckets| {
        let counts: Vec<String> = buckets.bucket_counts.iter().map(u64::to_string).collect();
        json!({"offset": buckets.offset, "bucketCounts": counts})
    });
    let mut all = json!({
        "attributes": attributes(&point.attributes),
        "startTimeUnixNano": point.start_time_unix_nano.to_string(),
        "timeUnixNano": point.time_unix_nano.to_string(),
        "count": point.count.to_string(),
        "scale": point.scale,
        "zeroCount": point.zero_count.to_string(),
        "positive": buckets,
    });
    // Absent fields are left out; some readers take null for a value.
    for (name, value) in [("sum", point.sum), ("min", point.min), ("max", point.max)] {
        if let Some(value) = value {
            all[name] = value.into();
        }
    }
    all
}

/// Attributes, whose values are all strings here.
fn attributes<'a>(all: impl IntoIterator<Item = &'a KeyValue>) -> Vec<Value> {
    let text = |pair: &'a KeyValue| match pair.value.as_ref()?.value.as_ref()? {
        any_value::Value::StringValue(text) => Some(json!({"key": pair.key, "value": {"stringValue": text}})),
        any_value::Value::IntValue(number) => Some(json!({"key": pair.key, "value": {"intValue": number.to_string()}})),
        _ => None,
    };
    all.into_iter().filter_map(text).collect()
}
