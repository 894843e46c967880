//! The text format of Prometheus (version 0.0.4), family by family.
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::fmt::Display;
use std::fmt::Write as _;

use crate::window::Histogram;

/// The upper bounds of the classic buckets, in microseconds: those of client libraries, on to a minute.
const BOUNDS_US: [u64; 14] = [
    5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000, 10_000_000, 15_000_000,
    30_000_000, 60_000_000,
];

/// The labels of one series.
pub(super) type Labels<'l> = Vec<(&'static str, &'l str)>;

/// Metric families as text. A family is announced with its first sample: one without is left out.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
    family: &'static str,
}

impl Exposition {
    /// Adds one sample of a gauge.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str, labels: &Labels<'_>, value: impl Display) {
        self.announce(name, "gauge", help);
        self.sample(name, "", labels, None, value);
    }

    /// Adds one sample of a counter, whose name ends in `_total`.
    pub(super) fn counter(&mut self, name: &'static str, help: &str, labels: &Labels<'_>, value: u64) {
        self.announce(name, "counter", help);
        self.sample(name, "", labels, None, value);
    }

    /// Adds one classic histogram in seconds.
    pub(super) fn histogram(&mut self, name: &'static str, help: &str, labels: &Labels<'_>, histogram: &Histogram) {
        self.announce(name, "histogram", help);
        for bound in BOUNDS_US {
            let within = std::time::Duration::from_micros(bound);
            let le = within.as_secs_f64().to_string();
            self.sample(name, "_bucket", labels, Some(&le), histogram.count_within(within));
        }
        self.sample(name, "_bucket", labels, Some("+Inf"), histogram.count());
        self.sample(name, "_sum", labels, None, histogram.sum().as_secs_f64());
        self.sample(name, "_count", labels, None, histogram.count());
    }

    /// The text.
    pub(super) fn finish(self) -> String {
        self.text
    }

    fn announce(&mut self, name: &'static str, kind: &str, help: &str) {
        if self.family != name {
            self.family = name;
            let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        }
    }

    fn sample(&mut self, name: &str, suffix: &str, labels: &Labels<'_>, le: Option<&str>, value: impl Display) {
        let _ = write!(self.text, "{name}{suffix}{{");
        let all = labels.iter().copied().chain(le.map(|le| ("le", le)));
        for (at, (label, content)) in all.enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let _ = write!(self.text, "{comma}{label}=\"{}\"", escaped(content));
        }
        let _ = writeln!(self.text, "}} {value}");
    }
}

/// A label value.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
