//! The evidence of failed checks, counted: a failure in full takes kilobytes, and there can be
//! millions. What signatures ask about becomes a small fact, counted per bucket of time; of each
//! class the first failure is kept as an example.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::model::{ClassGroup, FailureClass, Outcome, Phase, SafeText, UnixMillis, ip_version};
use crate::report::document::rows::Example;
use crate::report::fold::cdn::Cdn;
use crate::report::fold::extra_checks::ExtraChecks;
use crate::report::time_span::TimeSpan;

/// The most addresses kept per surface: the lowest, so that the result does not depend on the order
/// of reading.
const ADDRESSES: usize = 64;

/// The most status codes kept per class: the lowest.
const STATUSES: usize = 32;

/// The most entries in `Evidence::seen`, and the most different facts per bucket: the lowest are
/// kept.
const CLASSES: usize = 50_000;
const FACTS: usize = 20_000;

/// An answer faster than this, in microseconds, is instant: its sender did not wait for another
/// machine.
const INSTANT_US: u128 = 250_000;

/// Common timeouts of load balancers and CDNs, in seconds. An answer that takes this long, within a
/// twentieth, is their timeout and not an answer of the origin.
const ROUND_TIMEOUTS_S: [u128; 6] = [10, 15, 30, 60, 100, 120];

/// What a signature can ask about a failed check.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FailureFact {
    pub(crate) vantage: SafeText,
    pub(crate) surface: SafeText,
    pub(crate) probe: SafeText,
    pub(crate) class: FailureClass,
    pub(crate) status: Option<u16>,
    pub(crate) cdn: Option<Cdn>,
    pub(crate) pace: Pace,
    pub(crate) body: BodyKind,
    /// 4 or 6; 0 if no connection was made to an address.
    pub(crate) family: u8,
    /// Whether an expectation of the certificate was not met.
    pub(crate) certificate: bool,
    /// The validity of the certificate that was refused; `None` if none was.
    pub(crate) refused: Option<Validity>,
    /// Whether a redirect led to a login page or to a status page.
    pub(crate) sent_away: bool,
}

/// The validity of a certificate, in seconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Validity {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// How long the failure took.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pace {
    /// Less than 250 ms.
    Instant,
    /// About as long as a common timeout of load balancers.
    RoundTimeout,
    /// Any other time.
    Other,
}

/// What the body of the answer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum BodyKind {
    /// No body was kept.
    None,
    /// JSON: an application answered.
    Json,
    /// A page that asks for proof of being human, or a header that marks a challenge.
    Challenge,
    /// Anything else.
    Other,
}

/// The evidence of failures, counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// By the start of the bucket.
    facts: BTreeMap<UnixMillis, BTreeMap<FailureFact, u64>>,
    /// Results of extra checks, by the start of the bucket and by surface.
    extra: BTreeMap<UnixMillis, BTreeMap<SafeText, ExtraChecks>>,
    /// Failures by surface and address.
    addresses: BTreeMap<SafeText, BTreeMap<IpAddr, u64>>,
    /// By vantage, surface, probe and class.
    seen: BTreeMap<(SafeText, SafeText, SafeText, FailureClass), ClassEvidence>,
}

/// The evidence of one class of failure.
#[derive(Clone, Debug)]
pub(crate) struct ClassEvidence {
    pub(crate) example: Example,
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// The number of failures whose evidence names each phase.
    pub(crate) phases: BTreeMap<Phase, u64>,
}

impl Evidence {
    /// Adds a failed check. `in_window`: whether it was due in the range and not in the lead-in.
    pub(crate) fn add(&mut self, outcome: &Outcome, step: i64, in_window: bool) {
        let Some(fact) = FailureFact::of(outcome) else { return };
        if in_window {
            if let Some(remote) = outcome.remote {
                self.count_address(&fact.surface, remote.ip(), 1);
            }
            self.add_class(&fact, outcome);
        }
        let bucket = UnixMillis::from(outcome.started_at).floor(step);
        let is_diagnosed = outcome.evidence.as_ref().is_some_and(|evidence| evidence.diagnosis.is_some());
        if is_diagnosed || !outcome.addresses.is_empty() {
            self.extra.entry(bucket).or_default().entry(fact.surface.clone()).or_default().add(outcome);
        }
        let facts = self.facts.entry(bucket).or_default();
        *facts.entry(fact).or_default() += 1;
        if facts.len() > FACTS {
            facts.pop_last();
        }
    }

    /// Joins the facts into longer buckets.
    pub(crate) fn coarsen(&mut self, step: i64) {
        let (facts, extra) = (std::mem::take(&mut self.facts), std::mem::take(&mut self.extra));
        self.join(facts, extra, step);
    }

    /// Adds other evidence, whose buckets are no longer than `step`.
    pub(crate) fn merge(&mut self, other: Evidence, step: i64) {
        self.join(other.facts, other.extra, step);
        for (surface, addresses) in other.addresses {
            for (address, n) in addresses {
                self.count_address(&surface, address, n);
            }
        }
        for (key, theirs) in other.seen {
            self.seen.entry(key).and_modify(|mine| mine.merge(&theirs)).or_insert(theirs);
        }
        while self.seen.len() > CLASSES {
            self.seen.pop_last();
        }
    }

    fn join(
        &mut self,
        facts: BTreeMap<UnixMillis, BTreeMap<FailureFact, u64>>,
        extra: BTreeMap<UnixMillis, BTreeMap<SafeText, ExtraChecks>>,
        step: i64,
    ) {
        for (begin, facts) in facts {
            let bucket = self.facts.entry(begin.floor(step)).or_default();
            for (fact, n) in facts {
                *bucket.entry(fact).or_default() += n;
            }
            while bucket.len() > FACTS {
                bucket.pop_last();
            }
        }
        for (begin, extra) in extra {
            let bucket = self.extra.entry(begin.floor(step)).or_default();
            for (surface, extra) in extra {
                bucket.entry(surface).or_default().merge(&extra);
            }
        }
    }

    /// The results of the extra checks in the buckets that begin within a span, for some surfaces.
    pub(crate) fn extra(&self, span: TimeSpan, surfaces: &[SafeText]) -> ExtraChecks {
        let mut all = ExtraChecks::default();
        let buckets = (!span.is_empty()).then(|| self.extra.range(span.first..=span.last));
        let found = buckets.into_iter().flatten().flat_map(|(_, extra)| extra);
        for (_, extra) in found.filter(|(surface, _)| surfaces.contains(surface)) {
            all.merge(extra);
        }
        all
    }

    /// The facts of the buckets that begin within a span, with their counts.
    pub(crate) fn facts(&self, span: TimeSpan) -> impl Iterator<Item = (&FailureFact, u64)> {
        let buckets = (!span.is_empty()).then(|| self.facts.range(span.first..=span.last));
        buckets.into_iter().flatten().flat_map(|(_, facts)| facts.iter().map(|(fact, n)| (fact, *n)))
    }

    /// Failures by surface and address.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = (&SafeText, IpAddr, u64)> {
        self.addresses.iter().flat_map(|(surface, addresses)| addresses.iter().map(move |(ip, n)| (surface, *ip, *n)))
    }

    /// The evidence of one class of failure in one series.
    pub(crate) fn seen(
        &self,
        vantage: &SafeText,
        surface: &SafeText,
        probe: &SafeText,
        class: FailureClass,
    ) -> Option<&ClassEvidence> {
        self.seen.get(&(vantage.clone(), surface.clone(), probe.clone(), class))
    }

    fn count_address(&mut self, surface: &SafeText, address: IpAddr, n: u64) {
        let addresses = self.addresses.entry(surface.clone()).or_default();
        *addresses.entry(address).or_default() += n;
        if addresses.len() > ADDRESSES {
            // The lowest addresses have full counts: one that is dropped never comes back.
            addresses.pop_last();
        }
    }

    fn add_class(&mut self, fact: &FailureFact, outcome: &Outcome) {
        let Some(failure) = &outcome.failure else { return };
        let key = (fact.vantage.clone(), fact.surface.clone(), fact.probe.clone(), fact.class);
        let example = example(fact, outcome);
        let seen = self.seen.entry(key).or_insert_with(|| ClassEvidence {
            example: example.clone(),
            statuses: BTreeMap::new(),
            phases: BTreeMap::new(),
        });
        if example < seen.example {
            seen.example = example;
        }
        if let Some(status) = outcome.status {
            seen.count_status(status, 1);
        }
        if let Some(phase) = failure.phase {
            *seen.phases.entry(phase).or_default() += 1;
        }
        if self.seen.len() > CLASSES {
            self.seen.pop_last();
        }
    }
}

impl ClassEvidence {
    /// Adds the evidence of the same class from another part of the journals.
    pub(crate) fn merge(&mut self, other: &ClassEvidence) {
        if other.example < self.example {
            self.example = other.example.clone();
        }
        for (status, n) in &other.statuses {
            self.count_status(*status, *n);
        }
        for (phase, n) in &other.phases {
            *self.phases.entry(*phase).or_default() += n;
        }
    }

    fn count_status(&mut self, status: u16, n: u64) {
        *self.statuses.entry(status).or_default() += n;
        if self.statuses.len() > STATUSES {
            // As with addresses, the lowest have full counts.
            self.statuses.pop_last();
        }
    }
}

/// A name from a journal, made safe to print.
pub(crate) fn name(text: &str) -> SafeText {
    /// Longer than any name that a probe file accepts.
    const LONGEST: usize = 200;
    SafeText::clean(text, LONGEST)
}

fn example(fact: &FailureFact, outcome: &Outcome) -> Example {
    let evidence = outcome.evidence.as_ref();
    let server = |(name, _): &&(String, SafeText)| name.eq_ignore_ascii_case("server");
    Example {
        at: outcome.started_at,
        probe: fact.probe.clone(),
        vantage: fact.vantage.clone(),
        message: outcome.failure.as_ref().map(|failure| failure.message.clone()).unwrap_or_default(),
        status: outcome.status,
        address: outcome.remote.map(|remote| SafeText::message(&remote.to_string())),
        server: evidence.and_then(|evidence| evidence.headers.iter().find(server)).map(|(_, value)| value.clone()),
        curl: evidence.and_then(|evidence| evidence.curl.clone()),
    }
}

impl FailureFact {
    fn of(outcome: &Outcome) -> Option<FailureFact> {
        let failure = outcome.failure.as_ref()?;
        let headers = outcome.evidence.as_ref().map_or(&[][..], |evidence| &evidence.headers);
        Some(FailureFact {
            vantage: name(&outcome.vantage),
            surface: name(&outcome.surface),
            probe: name(&outcome.probe),
            class: failure.class,
            status: outcome.status,
            cdn: Cdn::of(headers),
            pace: Pace::of(outcome),
            body: BodyKind::of(outcome),
            family: outcome.remote.map_or(0, |remote| ip_version(remote.ip())),
            certificate: failure.mismatches.iter().any(|one| one.assertion.starts_with("certificate")),
            refused: Validity::of(failure.class, outcome),
            sent_away: outcome.redirects.iter().any(|hop| is_elsewhere(hop.location.as_str())),
        })
    }
}

/// Whether a redirect leads to a login page or to a status page.
fn is_elsewhere(location: &str) -> bool {
    let location = location.to_ascii_lowercase();
    ["login", "signin", "sign-in", "maintenance", "status", "sorry", "unavailable"]
        .iter()
        .any(|word| location.contains(word))
}

impl Validity {
    /// The validity of the certificate that a check refused; `None` if it refused none.
    fn of(class: FailureClass, outcome: &Outcome) -> Option<Validity> {
        let certificate = outcome.tls.as_ref().and_then(|tls| tls.certificate.as_ref());
        let certificate = certificate.filter(|_| class.is_of_certificate())?;
        Some(Validity { from: certificate.not_before.as_second(), to: certificate.not_after.as_second() })
    }
}

impl Pace {
    fn of(outcome: &Outcome) -> Pace {
        let took = outcome.timings.processing.unwrap_or(outcome.timings.total).as_micros();
        let is_round = |seconds: u128| took.abs_diff(seconds * 1_000_000) <= seconds * 1_000_000 / 20;
        if took < INSTANT_US {
            Pace::Instant
        } else if ROUND_TIMEOUTS_S.into_iter().any(is_round) {
            Pace::RoundTimeout
        } else {
            Pace::Other
        }
    }
}

impl BodyKind {
    fn of(outcome: &Outcome) -> BodyKind {
        let Some(evidence) = &outcome.evidence else { return BodyKind::None };
        let body =
            evidence.body.as_ref().map(|body| body.as_str().trim_start().to_ascii_lowercase()).unwrap_or_default();
        let held_off = evidence.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("cf-mitigated"));
        let asks = ["captcha", "challenge-platform", "are you a robot", "verify you are human"];
        if held_off || asks.iter().any(|word| body.contains(word)) {
            BodyKind::Challenge
        } else if body.starts_with('{') || body.starts_with('[') {
            BodyKind::Json
        } else if body.is_empty() {
            BodyKind::None
        } else {
            BodyKind::Other
        }
    }
}

/// The phase in which failures of a class occur: the one that the class implies, or else the one
/// that the evidence names most often. `None` if neither is known.
pub(crate) fn phase(class: FailureClass, seen: Option<&ClassEvidence>) -> Option<Phase> {
    match class.group() {
        ClassGroup::Resolve => Some(Phase::Resolve),
        ClassGroup::Connect => Some(Phase::Connect),
        ClassGroup::Tls => Some(Phase::Tls),
        ClassGroup::Processing => Some(Phase::Processing),
        ClassGroup::Transfer => Some(Phase::Transfer),
        ClassGroup::AnyConnected => {
            // On a tie, the earlier phase.
            let phases = &seen?.phases;
            phases.iter().rev().max_by_key(|(_, n)| **n).map(|(phase, _)| *phase)
        }
        ClassGroup::Answer | ClassGroup::Ours => None,
    }
}
