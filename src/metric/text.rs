//! The text format of Prometheus (version 0.0.4), histograms in classic buckets.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::{Display, Write as _};

use super::family::{Family, MetricKind};
use super::series::{Series, Value};

/// Writes series that are sorted by family.
pub fn write(all: &[Series<'_>], out: &mut String) {
    let mut announced: Option<&Family> = None;
    for series in all {
        if announced != Some(series.family) {
            announced = Some(series.family);
            let kind = match series.family.kind {
                MetricKind::Gauge => "gauge",
                MetricKind::Counter => "counter",
                MetricKind::Histogram => "histogram",
            };
            announce(series.family.name, kind, series.family.help, out);
        }
        let own: Vec<(&str, &str)> = series.labels().collect();
        let mut add = |suffix: &str, le: Option<&str>, value: &dyn Display| {
            let labels = own.iter().copied().chain(le.map(|le| ("le", le)));
            sample(&format!("{}{suffix}", series.family.name), labels, value, out);
        };
        match series.value {
            Value::Number(number) => add("", None, &number),
            Value::Count(count) => add("", None, &count),
            Value::Histogram(histogram) => {
                for (bound, count) in super::classic(histogram) {
                    add("_bucket", Some(&bound.as_secs_f64().to_string()), &count);
                }
                add("_bucket", Some("+Inf"), &histogram.count());
                add("_sum", None, &histogram.sum().as_secs_f64());
                add("_count", None, &histogram.count());
            }
        }
    }
}

/// Writes the `HELP` and `TYPE` lines of a family.
pub fn announce(name: &str, kind: &str, help: &str, out: &mut String) {
    let _ = writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

/// Writes one sample.
pub fn sample<'l>(name: &str, labels: impl Iterator<Item = (&'l str, &'l str)>, value: impl Display, out: &mut String) {
    let _ = writeln!(out, "{name}{} {value}", labelled(labels));
}

/// Labels in their braces.
fn labelled<'l>(labels: impl Iterator<Item = (&'l str, &'l str)>) -> String {
    let mut text = "{".to_owned();
    for (at, (name, value)) in labels.enumerate() {
        let comma = if at > 0 { "," } else { "" };
        let _ = write!(text, "{comma}{name}=\"");
        escape(value, &mut text);
        text.push('"');
    }
    text.push('}');
    text
}

/// The value of a label, between its quotes.
fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}
