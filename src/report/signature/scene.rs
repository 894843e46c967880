//! What an incident looks like: its failures counted by what signatures ask, and the conditions
//! that hold. A condition that was not measured neither holds nor fails to.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{ClassGroup, Diagnosis, ExtraKind, FailureClass, Outcome, Verdict};
use crate::report::evidence::{BodyKind, Fact, Pace};
use crate::report::statistics::ratio;

/// Below this share of the failures something does not show.
const TRACE: f64 = 0.02;

/// Everything a signature can ask about an incident.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scene {
    /// All failures of the target in the incident's waves, by class.
    pub(crate) classes: BTreeMap<FailureClass, u64>,
    /// The failures whose evidence was kept, counted.
    pub(crate) facts: BTreeMap<Fact, u64>,
    /// Checks judged in the waves.
    pub(crate) judged: u64,
    /// Vantages that see it.
    pub(crate) vantages_failing: usize,
    /// Vantages whose word counts.
    pub(crate) vantages_judged: usize,
    /// Probes that see it.
    pub(crate) probes_failing: usize,
    /// Probes of its surfaces.
    pub(crate) probes: usize,
    /// Surfaces that it is of.
    pub(crate) surfaces_failing: usize,
    /// All surfaces.
    pub(crate) surfaces: usize,
    /// Its waves.
    pub(crate) waves: usize,
    /// Whether it comes and goes.
    pub(crate) flapping: bool,
    /// Whether control targets answer; absent where there are none.
    pub(crate) control_ok: Option<bool>,
    /// Whether control targets behind the content network that answers fail; absent where none is.
    pub(crate) control_on_edge_fails: Option<bool>,
    /// Whether one surface fails significantly more than another.
    pub(crate) worse_surface: Option<bool>,
    /// Whether the median is as usual and the slowest are not, with hardly a failure; absent without a baseline.
    pub(crate) slow_tail: Option<bool>,
    /// Whether answers were slower than usual before the first failure; absent without a baseline.
    pub(crate) slow_before: Option<bool>,
    /// Whether probes over one address family fail and those over the other do not; absent without such probes.
    pub(crate) family_split: Option<bool>,
    /// What extra checks found.
    pub(crate) extra: Extra,
}

/// What extra checks found, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extra {
    resolver_answers: u64,
    resolver_fails: u64,
    last_answers: u64,
    last_dead: u64,
    /// Diagnoses in which some of the name's addresses answered and others did not.
    split: u64,
    whole: u64,
    /// Diagnoses in which the split was by family.
    by_family: u64,
    tcp_open: u64,
    tcp_closed: u64,
}

/// What can hold of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Condition {
    TwoVantages,
    OneVantageOnly,
    ControlOk,
    ControlFails,
    ControlOnEdgeOk,
    ControlOnEdgeFails,
    EverySurface,
    SomeProbesFine,
    NetworkGreen,
    Waves,
    Total,
    Partial,
    Flapping,
    InstantErrors,
    LateAnswers,
    GatewayErrors,
    JsonErrors,
    Challenged,
    CertificateExpired,
    SlowBefore,
    SlowTail,
    WorseSurface,
    OtherResolverAnswers,
    OtherResolverAgrees,
    LastAddressAnswers,
    LastAddressDead,
    AddressSplit,
    FamilySplit,
}

impl Condition {
    /// Whether it holds; absent where it was not measured.
    pub(super) fn holds(self, scene: &Scene) -> Option<bool> {
        let extra = &scene.extra;
        match self {
            Condition::TwoVantages => Some(scene.vantages_failing >= 2),
            Condition::OneVantageOnly => Some(scene.vantages_failing == 1 && scene.vantages_judged >= 2),
            Condition::ControlOk => scene.control_ok,
            Condition::ControlFails => scene.control_ok.map(|ok| !ok),
            Condition::ControlOnEdgeOk => scene.control_on_edge_fails.map(|fails| !fails),
            Condition::ControlOnEdgeFails => scene.control_on_edge_fails,
            Condition::EverySurface => Some(scene.surfaces_failing == scene.surfaces && scene.surfaces > 1),
            Condition::SomeProbesFine => Some(scene.probes_failing < scene.probes),
            Condition::NetworkGreen => Some(scene.share_of_classes(is_network) < TRACE),
            Condition::Waves => Some(scene.waves > 1),
            Condition::Total => Some(scene.failures() == scene.judged && scene.judged > 0),
            Condition::Partial => Some(scene.failures() < scene.judged),
            Condition::Flapping => Some(scene.flapping),
            Condition::InstantErrors => {
                scene.mostly(|fact| fact.class == FailureClass::Status && fact.pace == Pace::Instant)
            }
            Condition::LateAnswers => scene.any(|fact| fact.status.is_some() && fact.pace == Pace::RoundTimeout),
            Condition::GatewayErrors => scene.any(|fact| matches!(fact.status, Some(502 | 504))),
            Condition::JsonErrors => {
                scene.any(|fact| fact.class == FailureClass::Status && fact.body == BodyKind::Json)
            }
            Condition::Challenged => scene.mostly(|fact| fact.body == BodyKind::Challenge),
            Condition::CertificateExpired => Some(scene.classes.contains_key(&FailureClass::TlsCertExpired)),
            Condition::SlowBefore => scene.slow_before,
            Condition::SlowTail => scene.slow_tail,
            Condition::WorseSurface => scene.worse_surface,
            Condition::OtherResolverAnswers => majority(extra.resolver_answers, extra.resolver_fails),
            Condition::OtherResolverAgrees => majority(extra.resolver_fails, extra.resolver_answers),
            Condition::LastAddressAnswers => majority(extra.last_answers, extra.last_dead),
            Condition::LastAddressDead => majority(extra.last_dead, extra.last_answers),
            Condition::AddressSplit => majority(extra.split, extra.whole),
            Condition::FamilySplit => {
                let at_addresses = majority(extra.by_family, extra.whole + extra.split - extra.by_family);
                match (at_addresses, scene.family_split) {
                    (None, None) => None,
                    (addresses, probes) => Some(addresses == Some(true) || probes == Some(true)),
                }
            }
        }
    }

    /// What was seen, in words, where it holds.
    pub(super) fn words(self, scene: &Scene) -> String {
        match self {
            Condition::TwoVantages => {
                format!("seen from {} of {} vantages", scene.vantages_failing, scene.vantages_judged)
            }
            Condition::OneVantageOnly => format!("seen from one of {} vantages only", scene.vantages_judged),
            Condition::ControlOk => "the control targets answer".to_owned(),
            Condition::ControlFails => "the control targets fail too".to_owned(),
            Condition::ControlOnEdgeOk => "a control target behind the same content network answers".to_owned(),
            Condition::ControlOnEdgeFails => "a control target behind the same content network fails too".to_owned(),
            Condition::EverySurface => format!("all {} surfaces fail", scene.surfaces),
            Condition::SomeProbesFine => {
                format!("{} of {} probes are fine", scene.probes - scene.probes_failing, scene.probes)
            }
            Condition::NetworkGreen => "names resolve, connections and handshakes succeed".to_owned(),
            Condition::Waves => format!("it came in {} waves", scene.waves),
            Condition::Total => "every check fails".to_owned(),
            Condition::Partial => "some checks succeed".to_owned(),
            Condition::Flapping => "it comes and goes".to_owned(),
            Condition::InstantErrors => "the errors come at once".to_owned(),
            Condition::LateAnswers => "errors come after the time a balancer waits".to_owned(),
            Condition::GatewayErrors => "mixed with 502 and 504".to_owned(),
            Condition::JsonErrors => "the errors are structured (JSON)".to_owned(),
            Condition::Challenged => "the page asks for proof of being human".to_owned(),
            Condition::CertificateExpired => "the certificate has expired".to_owned(),
            Condition::SlowBefore => "answers were slower than usual before the first failure".to_owned(),
            Condition::SlowTail => "the median is as usual, the slowest answers are not".to_owned(),
            Condition::WorseSurface => "the difference is more than chance gives (Fisher's exact test)".to_owned(),
            Condition::OtherResolverAnswers => "another resolver knows the name".to_owned(),
            Condition::OtherResolverAgrees => "another resolver fails alike".to_owned(),
            Condition::LastAddressAnswers => "the last known address answers".to_owned(),
            Condition::LastAddressDead => "the last known address does not answer".to_owned(),
            Condition::AddressSplit => "some of the name's addresses answer, others do not".to_owned(),
            Condition::FamilySplit => "one address family answers, the other does not".to_owned(),
        }
    }
}

/// Whether there was more of the first than of the second; absent where there was neither.
const fn majority(yes: u64, no: u64) -> Option<bool> {
    if yes + no == 0 { None } else { Some(yes > no) }
}

const fn is_network(class: FailureClass) -> bool {
    matches!(class.group(), ClassGroup::Resolve | ClassGroup::Connect | ClassGroup::Tls | ClassGroup::AnyConnected)
}

impl Scene {
    /// All failures of the target.
    pub(super) fn failures(&self) -> u64 {
        self.classes.values().sum()
    }

    /// The failures of these classes.
    pub(super) fn of_classes(&self, holds: impl Fn(FailureClass) -> bool) -> u64 {
        self.classes.iter().filter(|(class, _)| holds(**class)).map(|(_, n)| n).sum()
    }

    fn share_of_classes(&self, holds: impl Fn(FailureClass) -> bool) -> f64 {
        ratio(self.of_classes(holds), self.failures()).unwrap_or_default()
    }

    /// The failures whose evidence was kept.
    pub(super) fn kept(&self) -> u64 {
        self.facts.values().sum()
    }

    /// Those of them that show something.
    pub(super) fn showing(&self, holds: impl Fn(&Fact) -> bool) -> u64 {
        self.facts.iter().filter(|(fact, _)| holds(fact)).map(|(_, n)| n).sum()
    }

    fn any(&self, holds: impl Fn(&Fact) -> bool) -> Option<bool> {
        (self.kept() > 0).then(|| self.showing(holds) > 0)
    }

    fn mostly(&self, holds: impl Fn(&Fact) -> bool) -> Option<bool> {
        (self.kept() > 0).then(|| self.showing(holds) * 2 > self.kept())
    }
}

impl Extra {
    /// Counts a failed check: what it found at each address, where all are asked, and its diagnosis.
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

    /// Counts the addresses of a name that were asked each by itself: whether of IPv6, and whether it answered.
    fn count_addresses(&mut self, asked: &[(bool, bool)]) {
        let answers = asked.iter().filter(|(_, answered)| *answered).count();
        if answers > 0 && answers < asked.len() {
            self.split += 1;
            self.by_family += u64::from(is_split_by_family(asked));
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
        self.last_dead += count(ExtraKind::LastGoodAddress, false);
        self.tcp_open += count(ExtraKind::Tcp, true);
        self.tcp_closed += count(ExtraKind::Tcp, false);
    }

    pub(crate) fn merge(&mut self, other: &Extra) {
        self.resolver_answers += other.resolver_answers;
        self.resolver_fails += other.resolver_fails;
        self.last_answers += other.last_answers;
        self.last_dead += other.last_dead;
        self.split += other.split;
        self.whole += other.whole;
        self.by_family += other.by_family;
        self.tcp_open += other.tcp_open;
        self.tcp_closed += other.tcp_closed;
    }

    /// What the extra checks found, in words.
    pub(super) fn words(&self) -> Vec<String> {
        let pair =
            |words: &str, yes: u64, no: u64| (yes + no > 0).then(|| format!("{words} {yes} of {} times", yes + no));
        let found = [
            pair("another resolver knew the name", self.resolver_answers, self.resolver_fails),
            pair("the last known address answered", self.last_answers, self.last_dead),
            pair("TCP alone connected", self.tcp_open, self.tcp_closed),
            pair("some of several addresses answered and others did not", self.split, self.whole),
            (self.by_family > 0).then(|| format!("the split was by address family {} times", self.by_family)),
        ];
        found.into_iter().flatten().collect()
    }
}

/// The addresses that a diagnosis asked: whether of IPv6, and whether it answered.
fn addresses_of(diagnosis: &Diagnosis) -> Vec<(bool, bool)> {
    let addresses = diagnosis.extra.iter().filter(|extra| extra.kind == ExtraKind::Address);
    addresses.map(|extra| (extra.target.as_str().starts_with('['), extra.answered())).collect()
}

/// Whether the addresses of one family answer and those of the other do not.
fn is_split_by_family(asked: &[(bool, bool)]) -> bool {
    let all = |v6: bool, answered: bool| {
        let mut of_family = asked.iter().filter(|(family, _)| *family == v6).peekable();
        of_family.peek().is_some() && of_family.all(|(_, found)| *found == answered)
    };
    (all(true, true) && all(false, false)) || (all(true, false) && all(false, true))
}
