//! The text format of `OpenMetrics` 1.0: that of Prometheus, plus the instant at which each counter began.
//! <https://prometheus.io/docs/specs/om/open_metrics_spec/>

use std::fmt::{Display, Write as _};

use jiff::Timestamp;

use super::family::{Family, MetricKind};
use super::series::{Series, Value};
use super::text::sample;

/// Writes series that are sorted by family; `created` returns when a series began to count.
pub fn write(all: &[Series<'_>], created: impl Fn(&Series<'_>) -> Timestamp, out: &mut String) {
    let mut announced: Option<&Family> = None;
    for series in all {
        let (name, kind) = family_of(series.family);
        if announced != Some(series.family) {
            announced = Some(series.family);
            let _ = writeln!(out, "# TYPE {name} {kind}");
            if name.ends_with("_seconds") {
                let _ = writeln!(out, "# UNIT {name} seconds");
            }
            let _ = writeln!(out, "# HELP {name} {}", series.family.help);
        }
        let own: Vec<(&str, &str)> = series.labels().collect();
        let mut add = |suffix: &str, le: Option<&str>, value: &dyn Display| {
            let labels = own.iter().copied().chain(le.map(|le| ("le", le)));
            sample(&format!("{name}{suffix}"), labels, value, out);
        };
        let began = decimal(created(series));
        match series.value {
            Value::Number(number) => add(if kind == "info" { "_info" } else { "" }, None, &number),
            Value::Count(count) => {
                add("_total", None, &count);
                add("_created", None, &began);
            }
            Value::Histogram(histogram) => {
                for (bound, count) in super::classic(histogram) {
                    add("_bucket", Some(&format!("{:?}", bound.as_secs_f64())), &count);
                }
                add("_bucket", Some("+Inf"), &histogram.count());
                add("_count", None, &histogram.count());
                add("_sum", None, &histogram.sum().as_secs_f64());
                add("_created", None, &began);
            }
        }
    }
    out.push_str("# EOF\n");
}

/// The name of a family here, to which its type adds the suffix of each sample.
fn family_of(family: &Family) -> (&'static str, &'static str) {
    match family.kind {
        MetricKind::Histogram => (family.name, "histogram"),
        MetricKind::Counter => (family.name.strip_suffix("_total").unwrap_or(family.name), "counter"),
        MetricKind::Gauge => match family.name.strip_suffix("_info") {
            Some(name) => (name, "info"),
            None => (family.name, "gauge"),
        },
    }
}

/// Unix time in seconds, exact to the millisecond.
fn decimal(instant: Timestamp) -> String {
    let milliseconds = instant.as_millisecond();
    format!("{}.{:03}", milliseconds.div_euclid(1000), milliseconds.rem_euclid(1000))
}
