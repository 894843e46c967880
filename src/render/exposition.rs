//! Gauges in the text format of Prometheus, for the textfile collector, that only the formats of
//! `check` and `report` have.

use std::fmt::Display;

use crate::metric::text;

/// The labels of one series.
pub(super) type Labels<'l> = Vec<(&'static str, &'l str)>;

/// Metric families as text. A family is announced with its first sample; a family without samples
/// is left out.
#[derive(Debug, Default)]
pub(super) struct Exposition {
    text: String,
    family: &'static str,
}

impl Exposition {
    /// Continues after a text.
    pub(super) const fn after(text: String) -> Exposition {
        Exposition { text, family: "" }
    }

    /// Adds one sample of a gauge.
    pub(super) fn gauge(&mut self, name: &'static str, help: &str, labels: &Labels<'_>, value: impl Display) {
        if self.family != name {
            self.family = name;
            text::announce(name, "gauge", help, &mut self.text);
        }
        text::sample(name, labels.iter().copied(), value, &mut self.text);
    }

    /// The text.
    pub(super) fn finish(self) -> String {
        self.text
    }
}
