//! One series of a family: its value, and the labels that identify it.

use std::borrow::Cow;
use std::sync::Arc;

use super::family::{ALL, Family};
use crate::model::{SafeText, Shard};
use crate::window::Histogram;

/// One series of a family, with its current value.
#[derive(Clone, Debug)]
pub struct Series<'w> {
    /// Its family.
    pub family: &'static Family,
    /// The probe and vantage it is about.
    pub of: Arc<Identity>,
    /// The labels it has beyond those of its identity.
    pub more_labels: Vec<(&'static str, Cow<'static, str>)>,
    /// Its value.
    pub value: Value<'w>,
}

/// The value of a series.
#[derive(Clone, Copy, Debug)]
pub enum Value<'w> {
    /// Of a gauge.
    Number(f64),
    /// Of a counter.
    Count(u64),
    /// Of a histogram.
    Histogram(&'w Histogram),
}

/// The labels that every series of a probe has. They are clean and bounded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// The probe's name.
    pub probe: String,
    /// Its surface, or `control` for a control target.
    pub surface: String,
    /// The vantage that the checks are made from.
    pub vantage: String,
    /// The shard of the vantage, if every shard has such a series: for a control target, which all of them check, and
    /// for the prober itself. Other probes belong to one shard, and keep their series when shards are added.
    pub shard: String,
}

/// The probe and vantage of a series, named so that no call can mix them up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) vantage: &'a str,
    pub(crate) probe: &'a str,
    pub(crate) surface: &'a str,
    pub(crate) control: bool,
}

impl Identity {
    /// The labels of a probe, for a vantage or a shard of it.
    pub(crate) fn new(subject: Subject<'_>, shard: Option<Shard>) -> Identity {
        let Subject { vantage, probe, surface, control } = subject;
        let surface = if control { "control" } else { surface };
        let shard = shard.filter(|_| control).map(|shard| shard.to_string()).unwrap_or_default();
        Identity { probe: label(probe), surface: label(surface), vantage: label(vantage), shard }
    }

    /// The labels of a series about the prober itself.
    #[must_use]
    pub fn of_prober(vantage: &str, shard: Option<Shard>) -> Identity {
        let shard = shard.map(|shard| shard.to_string()).unwrap_or_default();
        Identity { probe: String::new(), surface: String::new(), vantage: label(vantage), shard }
    }

    /// The labels in the order of their names. Empty labels are left out.
    pub fn labels(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all =
            [("probe", &self.probe), ("shard", &self.shard), ("surface", &self.surface), ("vantage", &self.vantage)];
        all.into_iter().map(|(name, value)| (name, value.as_str())).filter(|(_, value)| !value.is_empty())
    }
}

impl Series<'_> {
    /// All labels, in the order of their names. Empty labels are left out.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        let more = self.more_labels.iter().map(|(name, value)| (*name, value.as_ref()));
        let mut all: Vec<(&str, &str)> = self.of.labels().chain(more.filter(|(_, value)| !value.is_empty())).collect();
        all.sort_unstable();
        all.into_iter()
    }
}

/// Maximum length of a label value, in characters.
const LABEL_LIMIT: usize = 200;

/// A text as a label value: one clean line. A text that is too long keeps its beginning and gets a checksum of the
/// whole, so that two of them do not become one series.
fn label(text: &str) -> String {
    let clean = SafeText::clean(text, LABEL_LIMIT);
    if clean.as_str().chars().count() <= LABEL_LIMIT {
        return clean.as_str().to_owned();
    }
    let checksum = format!("…{:08x}", crc32fast::hash(text.as_bytes()));
    let kept = LABEL_LIMIT - checksum.chars().count();
    clean.as_str().chars().take(kept).collect::<String>() + &checksum
}

/// A series whose information is in its labels: its value is always 1.
pub(super) fn info(family: &'static Family, of: &Arc<Identity>, labels: &[(&'static str, &str)]) -> Series<'static> {
    let more_labels = labels.iter().map(|(name, value)| (*name, Cow::Owned(label(value)))).collect();
    Series { family, of: Arc::clone(of), more_labels, value: Value::Number(1.0) }
}

/// Sorts series into the order of their families; within a family their order stays.
pub fn sort(all: &mut [Series<'_>]) {
    all.sort_by_key(|series| ALL.iter().position(|family| *family == series.family));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_label_is_cut_and_stays_its_own() {
        let (one, other) = ("a".repeat(300), "a".repeat(301));
        assert_eq!(label(&one).chars().count(), LABEL_LIMIT);
        assert_ne!(label(&one), label(&other));
        assert_eq!(label("home\n\u{1b}[31m"), "home\\n\\u{1b}[31m");
    }
}
