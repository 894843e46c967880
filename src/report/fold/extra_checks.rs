//! Results of the extra checks that `--diagnose` and `addresses = "all"` make, counted over many
//! failures.

use crate::model::{Diagnosis, ExtraKind, Outcome, Verdict};

/// Results of extra checks, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ExtraChecks {
    pub(crate) resolver_answers: u64,
    pub(crate) resolver_fails: u64,
    pub(crate) last_answers: u64,
    pub(crate) last_good_failed: u64,
    /// Failed checks for which some of the name's addresses answered and others did not.
    pub(crate) split: u64,
    pub(crate) whole: u64,
    /// Of `split`, those in which one address family answered and the other did not.
    pub(crate) by_family: u64,
    /// Of `by_family`, those in which IPv6 failed and IPv4 answered.
    pub(crate) v6_failed: u64,
    pub(crate) tcp_open: u64,
    pub(crate) tcp_closed: u64,
}

impl ExtraChecks {
    /// Counts a failed check: the result at each address if all were asked, and its diagnosis.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        let diagnosis = outcome.evidence.as_ref().and_then(|evidence| evidence.diagnosis.as_ref());
        let asked = outcome.addresses.iter().map(|one| (one.address.is_ipv6(), one.verdict == Verdict::Up));
        let asked: Vec<(bool, bool)> = asked.collect();
        if asked.is_empty() {
            self.count_addresses(&diagnosis.map(addresses_of).unwrap_or_default());
        } else {
            self.count_addresses(&asked);
        }
        if let Some(diagnosis) = diagnosis {
            self.count(diagnosis);
        }
    }

    /// Counts the addresses of one name: for each, whether it is IPv6 and whether it answered.
    fn count_addresses(&mut self, asked: &[(bool, bool)]) {
        let answers = asked.iter().filter(|(_, answered)| *answered).count();
        if answers > 0 && answers < asked.len() {
            self.split += 1;
            let failed_family = failed_family(asked);
            self.by_family += u64::from(failed_family.is_some());
            self.v6_failed += u64::from(failed_family == Some(6));
        } else if asked.len() > 1 {
            self.whole += 1;
        }
    }

    fn count(&mut self, diagnosis: &Diagnosis) {
        let count = |kind: ExtraKind, answered: bool| {
            diagnosis.extra.iter().filter(|extra| extra.kind == kind && extra.answered() == answered).count() as u64
        };
        self.resolver_answers += count(ExtraKind::OtherResolver, true);
        self.resolver_fails += count(ExtraKind::OtherResolver, false);
        self.last_answers += count(ExtraKind::LastGoodAddress, true);
        self.last_good_failed += count(ExtraKind::LastGoodAddress, false);
        self.tcp_open += count(ExtraKind::Tcp, true);
        self.tcp_closed += count(ExtraKind::Tcp, false);
    }

    pub(crate) fn merge(&mut self, other: &ExtraChecks) {
        self.resolver_answers += other.resolver_answers;
        self.resolver_fails += other.resolver_fails;
        self.last_answers += other.last_answers;
        self.last_good_failed += other.last_good_failed;
        self.split += other.split;
        self.whole += other.whole;
        self.by_family += other.by_family;
        self.v6_failed += other.v6_failed;
        self.tcp_open += other.tcp_open;
        self.tcp_closed += other.tcp_closed;
    }

    /// The results in words.
    pub(crate) fn words(&self) -> Vec<String> {
        let pair =
            |words: &str, yes: u64, no: u64| (yes + no > 0).then(|| format!("{words} {yes} of {} times", yes + no));
        let found = [
            pair("another resolver knew the name", self.resolver_answers, self.resolver_fails),
            pair("the last known address answered", self.last_answers, self.last_good_failed),
            pair("TCP alone connected", self.tcp_open, self.tcp_closed),
            pair("some of several addresses answered and others did not", self.split, self.whole),
            (self.by_family > 0).then(|| format!("the split was by address family {} times", self.by_family)),
        ];
        found.into_iter().flatten().collect()
    }
}

/// The addresses that a diagnosis asked: for each, whether it is IPv6 and whether it answered.
fn addresses_of(diagnosis: &Diagnosis) -> Vec<(bool, bool)> {
    let addresses = diagnosis.extra.iter().filter(|extra| extra.kind == ExtraKind::Address);
    addresses.map(|extra| (extra.target.as_str().starts_with('['), extra.answered())).collect()
}

/// The family, 4 or 6, of which no address answers while every address of the other does; `None` if
/// there is no such family.
fn failed_family(asked: &[(bool, bool)]) -> Option<u8> {
    let all = |v6: bool, answered: bool| {
        let mut of_family = asked.iter().filter(|(family, _)| *family == v6).peekable();
        of_family.peek().is_some() && of_family.all(|(_, found)| *found == answered)
    };
    if all(true, false) && all(false, true) {
        Some(6)
    } else if all(true, true) && all(false, false) {
        Some(4)
    } else {
        None
    }
}
