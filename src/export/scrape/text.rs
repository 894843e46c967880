//! Series in the text format of Prometheus (version 0.0.4), histograms in classic buckets.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::Display;
use std::fmt::Write as _;

use crate::export::buckets;
use crate::export::family::Family;
use crate::export::family::Kind;
use crate::export::family::Series;
use crate::export::family::Value;

/// What the format calls itself.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Writes series, which stand in the order of their families.
pub(super) fn write(all: &[Series<'_>], out: &mut String) {
    let mut announced: Option<&Family> = None;
    for series in all {
        if announced != Some(series.family) {
            announced = Some(series.family);
            announce(series.family, out);
        }
        match series.value {
            Value::Number(number) => sample(series, "", None, number, out),
            Value::Count(count) => sample(series, "", None, count, out),
            Value::Histogram(histogram) => {
                for (bound, count) in buckets::classic(histogram) {
                    sample(series, "_bucket", Some(&bound.as_secs_f64().to_string()), count, out);
                }
                sample(series, "_bucket", Some("+Inf"), histogram.count(), out);
                sample(series, "_sum", None, histogram.sum().as_secs_f64(), out);
                sample(series, "_count", None, histogram.count(), out);
            }
        }
    }
}

fn announce(family: &Family, out: &mut String) {
    let kind = match family.kind {
        Kind::Gauge => "gauge",
        Kind::Counter => "counter",
        Kind::Histogram => "histogram",
    };
    let _ = writeln!(out, "# HELP {} {}\n# TYPE {} {kind}", family.name, family.help, family.name);
}

fn sample(series: &Series<'_>, suffix: &str, le: Option<&str>, value: impl Display, out: &mut String) {
    let _ = write!(out, "{}{suffix}{{", series.family.name);
    let all = series.labels().chain(le.map(|le| ("le", le)));
    for (at, (name, value)) in all.enumerate() {
        let comma = if at > 0 { "," } else { "" };
        let _ = write!(out, "{comma}{name}=\"");
        escape(value, out);
        out.push('"');
    }
    let _ = writeln!(out, "}} {value}");
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
