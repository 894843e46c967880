//! Searches a text for the forms of some secrets.

use std::ops::Range;

use aho_corasick::AhoCorasick;

use super::secret_forms::forms;
use crate::model::{SHORTEST_SECRET, Secret};

/// How many bytes of a form the automaton searches for; the rest is compared at each hit.
const ANCHOR: usize = 16;

/// The forms of some secrets, and an automaton that finds their first bytes.
#[derive(Debug)]
pub(super) struct Search {
    automaton: AhoCorasick,
    /// The forms that begin with each of the automaton's patterns.
    forms: Vec<Vec<Vec<u8>>>,
    pub(super) longest: usize,
}

impl Search {
    /// None if there is nothing to search for.
    pub(super) fn new(secrets: &[Secret]) -> Option<Search> {
        let mut all: Vec<Vec<u8>> = secrets.iter().flat_map(|secret| forms(secret.reveal())).collect();
        all.retain(|form| form.len() >= SHORTEST_SECRET);
        all.sort_unstable();
        all.dedup();
        let longest = all.iter().map(Vec::len).max()?;
        let mut anchors: Vec<Vec<u8>> = Vec::new();
        let mut forms: Vec<Vec<Vec<u8>>> = Vec::new();
        for form in all {
            let anchor = &form[..form.len().min(ANCHOR)];
            if anchors.last().map(Vec::as_slice) == Some(anchor) {
                forms.last_mut()?.push(form);
            } else {
                anchors.push(anchor.to_vec());
                forms.push(vec![form]);
            }
        }
        // A server may change the case of what it gives back.
        let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(&anchors).ok()?;
        Some(Search { automaton, forms, longest })
    }

    /// Finds every occurrence of every form, including overlapping ones. If the text goes on, a form may begin at its
    /// end.
    pub(super) fn find(&self, text: &[u8], goes_on: bool, add: &mut impl FnMut(Range<usize>)) {
        for found in self.automaton.find_overlapping_iter(text) {
            let rest = &text[found.start()..];
            for form in &self.forms[found.pattern()] {
                let shared = form.len().min(rest.len());
                let is_whole = shared == form.len() || goes_on;
                if is_whole && rest[..shared].eq_ignore_ascii_case(&form[..shared]) {
                    add(found.start()..found.start() + shared);
                }
            }
        }
        if goes_on {
            let beginning = |form: &Vec<u8>| {
                let most = (form.len() - 1).min(ANCHOR - 1).min(text.len());
                (SHORTEST_SECRET..=most)
                    .rev()
                    .find(|&length| text[text.len() - length..].eq_ignore_ascii_case(&form[..length]))
            };
            let longest = self.forms.iter().flatten().filter_map(beginning).max();
            if let Some(length) = longest {
                add(text.len() - length..text.len());
            }
        }
    }
}
