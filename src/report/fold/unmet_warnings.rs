//! Expectations under `warn` that did not hold, by probe and rule, from the kept evidence.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::model::{Mismatch, Outcome, SafeText};
use crate::report::fold::evidence::name;

/// The most entries, of all probes together.
const RULES: usize = 10_000;

/// The latest mismatch, by surface, probe and rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct UnmetWarnings(BTreeMap<(SafeText, SafeText, String), (Timestamp, Mismatch)>);

impl UnmetWarnings {
    /// Adds the mismatches of a check.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        for unmet in &outcome.warnings {
            let key = (name(&outcome.surface), name(&outcome.probe), unmet.assertion.clone());
            self.note(key, (outcome.scheduled_at, unmet.clone()));
        }
    }

    pub(crate) fn merge(&mut self, other: UnmetWarnings) {
        other.0.into_iter().for_each(|(key, found)| self.note(key, found));
    }

    /// The mismatches of a probe, by rule.
    pub(crate) fn of<'w>(&'w self, surface: &'w SafeText, probe: &'w SafeText) -> impl Iterator<Item = &'w Mismatch> {
        let first = (surface.clone(), probe.clone(), String::new());
        let of_probe = self.0.range(first..).take_while(move |((of, name, _), _)| of == surface && name == probe);
        of_probe.map(|(_, (_, unmet))| unmet)
    }

    fn note(&mut self, key: (SafeText, SafeText, String), found: (Timestamp, Mismatch)) {
        let rank = |(at, unmet): &(Timestamp, Mismatch)| (*at, unmet.expected.clone(), unmet.actual.clone());
        let known = self.0.entry(key).or_insert_with(|| found.clone());
        if rank(&found) > rank(known) {
            *known = found;
        }
        if self.0.len() > RULES {
            self.0.pop_last();
        }
    }
}
