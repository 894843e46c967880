//! The labels of a series as OpenTelemetry attributes. Our labels keep their names, so that rules and dashboards for
//! Prometheus also work behind a collector; the attributes of the semantic conventions are added.
//! <https://opentelemetry.io/docs/specs/semconv/general/attributes/>

use std::collections::BTreeMap;
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use url::Url;

use crate::metric::Series;
use crate::model::{FailureClass, Probe};

/// What each probe checks, as attributes.
pub(super) type Targets = BTreeMap<String, Vec<KeyValue>>;

/// The target of a probe's first request, secrets as `${NAME}`.
fn target(probe: &Probe) -> Vec<KeyValue> {
    let url = probe.shown_url();
    let parsed = Url::parse(&url).ok();
    let host = parsed.as_ref().and_then(Url::host_str).map(|host| host.trim_matches(['[', ']']));
    let port = parsed.as_ref().and_then(Url::port_or_known_default);
    let mut all = vec![text("url.full", &url)];
    all.extend(host.map(|host| text("server.address", host)));
    all.extend(port.map(|port| integer("server.port", i64::from(port))));
    all
}

/// The targets of probes.
pub(super) fn targets(probes: &[Arc<Probe>]) -> Targets {
    probes.iter().map(|probe| (probe.name.clone(), target(probe))).collect()
}

/// The attributes of a data point of a series.
pub(super) fn of_series(series: &Series<'_>, targets: &Targets) -> Vec<KeyValue> {
    let mut all = Vec::new();
    let is_of_grpc = series.labels().any(|(name, value)| name == "class" && value == FailureClass::GrpcStatus.name());
    for (name, value) in series.labels() {
        match name {
            "code" if is_of_grpc => all.extend(number("rpc.grpc.status_code", value)),
            "code" => all.extend(number("http.response.status_code", value)),
            "class" => all.extend([text(name, value), text("error.type", value)]),
            _ => all.push(text(name, value)),
        }
    }
    all.extend(targets.get(&series.of.probe).into_iter().flatten().cloned());
    all
}

/// An attribute that is a text.
pub(super) fn text(name: &str, value: &str) -> KeyValue {
    attribute(name, any_value::Value::StringValue(value.to_owned()))
}

fn number(name: &str, value: &str) -> Option<KeyValue> {
    value.parse().ok().map(|value| integer(name, value))
}

fn integer(name: &str, value: i64) -> KeyValue {
    attribute(name, any_value::Value::IntValue(value))
}

fn attribute(name: &str, value: any_value::Value) -> KeyValue {
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
