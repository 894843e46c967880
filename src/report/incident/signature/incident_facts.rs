//! The facts about an incident: its failures, counted by what signatures ask, and the criteria that
//! hold. A criterion that was not measured neither holds nor fails.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{ClassGroup, FailureClass};
use crate::report::fold::evidence::{BodyKind, FailureFact, Pace};
use crate::report::fold::extra_checks::ExtraChecks;
use crate::report::statistics::ratio;

/// Below this share of the failures a kind of failure is negligible.
const TRACE: f64 = 0.02;

/// Everything that a signature can ask about an incident.
#[derive(Clone, Debug, Default)]
pub(crate) struct IncidentFacts {
    /// All failures of the target in the incident's waves, by class.
    pub(crate) classes: BTreeMap<FailureClass, u64>,
    /// Of these, the failures with a status code, if the windows count codes.
    pub(crate) codes: BTreeMap<(FailureClass, u16), u64>,
    /// The failures whose evidence was kept, counted.
    pub(crate) facts: BTreeMap<FailureFact, u64>,
    /// Checks judged in the waves.
    pub(crate) judged: u64,
    /// The number of vantages that see the incident.
    pub(crate) vantages_failing: usize,
    /// The number of vantages that are not set aside.
    pub(crate) vantages_judged: usize,
    /// The number of probes that see the incident.
    pub(crate) probes_failing: usize,
    /// The number of probes of its surfaces.
    pub(crate) probes: usize,
    /// The number of surfaces it affects.
    pub(crate) surfaces_failing: usize,
    /// The number of all surfaces.
    pub(crate) surfaces: usize,
    /// The number of its waves.
    pub(crate) waves: usize,
    /// Whether it is flapping.
    pub(crate) flapping: bool,
    /// Whether the control targets answer; `None` if there are none.
    pub(crate) control_ok: Option<bool>,
    /// Whether control targets behind the CDN of the incident fail; `None` if none is known to be
    /// behind it.
    pub(crate) control_on_cdn_fails: Option<bool>,
    /// Whether one surface fails significantly more than another.
    pub(crate) worse_surface: Option<bool>,
    /// Whether the slowest answers are slower than usual while the median is not; `None` without a
    /// baseline.
    pub(crate) slow_tail: Option<bool>,
    /// Whether answers were slower than usual before the first failure; `None` without a baseline.
    pub(crate) slow_before: Option<bool>,
    /// Whether checks over one address family fail and those over the other do not; `None` if there
    /// are no checks over both.
    pub(crate) family_split: Option<FamilySplit>,
    /// Whether HTTP/3 fails while the same hosts answer over TCP; `None` if they are not probed
    /// over both.
    pub(crate) http3_split: Option<bool>,
    /// Whether nearly all failures are at one of several addresses; `None` if checks are not
    /// counted for several.
    pub(crate) address_split: Option<bool>,
    /// Whether addresses of both families answered; `None` if checks are not counted by address.
    pub(crate) families_used: Option<bool>,
    /// Results of extra checks.
    pub(crate) extra: ExtraChecks,
}

/// How the two address families compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FamilySplit {
    /// Both fail alike, or neither fails.
    Alike,
    /// This family, 4 or 6, fails and the other does not.
    OneFails(u8),
}

/// A criterion of the signature table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Criterion {
    TwoVantages,
    OneVantageOnly,
    ControlOk,
    ControlFails,
    ControlOnEdgeOk,
    ControlOnEdgeFails,
    EverySurface,
    SomeVantagesFine,
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
    Http3Split,
}

impl Criterion {
    /// Whether it holds; `None` if it was not measured.
    pub(crate) fn holds(self, facts: &IncidentFacts) -> Option<bool> {
        let extra = &facts.extra;
        match self {
            Criterion::TwoVantages => Some(facts.vantages_failing >= 2),
            Criterion::OneVantageOnly => Some(facts.vantages_failing == 1 && facts.vantages_judged >= 2),
            Criterion::ControlOk => facts.control_ok,
            Criterion::ControlFails => facts.control_ok.map(|ok| !ok),
            Criterion::ControlOnEdgeOk => facts.control_on_cdn_fails.map(|fails| !fails),
            Criterion::ControlOnEdgeFails => facts.control_on_cdn_fails,
            Criterion::EverySurface => Some(facts.surfaces_failing == facts.surfaces && facts.surfaces > 1),
            Criterion::SomeProbesFine => Some(facts.probes_failing < facts.probes),
            Criterion::NetworkGreen => Some(facts.share_of_classes(is_network) < TRACE),
            Criterion::Waves => Some(facts.waves > 1),
            Criterion::Total => Some(facts.failures() == facts.judged && facts.judged > 0),
            Criterion::Partial => Some(facts.failures() < facts.judged),
            Criterion::Flapping => Some(facts.flapping),
            Criterion::SomeVantagesFine => {
                (facts.vantages_judged > 1).then_some(facts.vantages_failing < facts.vantages_judged)
            }
            Criterion::InstantErrors => {
                facts.mostly(|fact| fact.class == FailureClass::Status && fact.pace == Pace::Instant)
            }
            Criterion::LateAnswers => facts.any(|fact| fact.status.is_some() && fact.pace == Pace::RoundTimeout),
            Criterion::GatewayErrors if !facts.codes.is_empty() => {
                Some(facts.of_codes(|_, code| matches!(code, 502 | 504)) > 0)
            }
            Criterion::GatewayErrors => facts.any(|fact| matches!(fact.status, Some(502 | 504))),
            Criterion::JsonErrors => {
                facts.any(|fact| fact.class == FailureClass::Status && fact.body == BodyKind::Json)
            }
            Criterion::Challenged => facts.mostly(|fact| fact.body == BodyKind::Challenge),
            Criterion::CertificateExpired => Some(facts.classes.contains_key(&FailureClass::TlsCertExpired)),
            Criterion::SlowBefore => facts.slow_before,
            Criterion::SlowTail => facts.slow_tail,
            Criterion::Http3Split => facts.http3_split,
            Criterion::WorseSurface => facts.worse_surface,
            Criterion::OtherResolverAnswers => majority(extra.resolver_answers, extra.resolver_fails),
            Criterion::OtherResolverAgrees => majority(extra.resolver_fails, extra.resolver_answers),
            Criterion::LastAddressAnswers => majority(extra.last_answers, extra.last_good_failed),
            Criterion::LastAddressDead => majority(extra.last_good_failed, extra.last_answers),
            Criterion::AddressSplit => match (majority(extra.split, extra.whole), facts.address_split) {
                (None, None) => None,
                (asked, counted) => Some(asked == Some(true) || counted == Some(true)),
            },
            Criterion::FamilySplit => {
                let asked = majority(extra.by_family, extra.whole + extra.split - extra.by_family);
                // A family over which no check ever succeeded did not just begin to fail.
                let at_addresses = asked.filter(|_| facts.families_used != Some(false));
                match (at_addresses, facts.family_split) {
                    (None, None) => None,
                    (addresses, split) => {
                        Some(addresses == Some(true) || matches!(split, Some(FamilySplit::OneFails(_))))
                    }
                }
            }
        }
    }

    /// The evidence in words, if it holds.
    pub(crate) fn words(self, facts: &IncidentFacts) -> String {
        match self {
            Criterion::TwoVantages => {
                format!("seen from {} of {} vantages", facts.vantages_failing, facts.vantages_judged)
            }
            Criterion::OneVantageOnly => format!("seen from one of {} vantages only", facts.vantages_judged),
            Criterion::ControlOk => "the control targets answer".to_owned(),
            Criterion::ControlFails => "the control targets fail too".to_owned(),
            Criterion::ControlOnEdgeOk => "a control target behind the same content network answers".to_owned(),
            Criterion::ControlOnEdgeFails => "a control target behind the same content network fails too".to_owned(),
            Criterion::EverySurface => format!("all {} surfaces fail", facts.surfaces),
            Criterion::SomeProbesFine => {
                format!("{} of {} probes are fine", facts.probes - facts.probes_failing, facts.probes)
            }
            Criterion::NetworkGreen => "names resolve, connections and handshakes succeed".to_owned(),
            Criterion::SomeVantagesFine => format!(
                "{} of {} vantages accept it",
                facts.vantages_judged.saturating_sub(facts.vantages_failing),
                facts.vantages_judged
            ),
            Criterion::Waves => format!("it came in {} waves", facts.waves),
            Criterion::Total => "every check fails".to_owned(),
            Criterion::Partial => "some checks succeed".to_owned(),
            Criterion::Flapping => "it comes and goes".to_owned(),
            Criterion::InstantErrors => "the errors come immediately".to_owned(),
            Criterion::LateAnswers => "errors come after the time that a load balancer waits".to_owned(),
            Criterion::GatewayErrors => "mixed with 502 and 504".to_owned(),
            Criterion::JsonErrors => "the errors are structured (JSON)".to_owned(),
            Criterion::Challenged => "the page asks for proof of being human".to_owned(),
            Criterion::CertificateExpired => "the certificate has expired".to_owned(),
            Criterion::SlowBefore => "answers were slower than usual before the first failure".to_owned(),
            Criterion::SlowTail => "the median is as usual, the slowest answers are not".to_owned(),
            Criterion::WorseSurface => "the difference is more than chance gives (Fisher's exact test)".to_owned(),
            Criterion::OtherResolverAnswers => "another resolver knows the name".to_owned(),
            Criterion::OtherResolverAgrees => "another resolver fails too".to_owned(),
            Criterion::LastAddressAnswers => "the last known address answers".to_owned(),
            Criterion::LastAddressDead => "the last known address does not answer".to_owned(),
            Criterion::AddressSplit => "some of the name's addresses answer, others do not".to_owned(),
            Criterion::Http3Split => "the same hosts answer over TCP".to_owned(),
            Criterion::FamilySplit => match facts.failed_family() {
                Some(6) => "IPv6 fails, IPv4 is fine".to_owned(),
                Some(_) => "IPv4 fails, IPv6 is fine".to_owned(),
                None => "one address family answers, the other does not".to_owned(),
            },
        }
    }
}

/// Whether the first count is larger than the second; `None` if both are 0.
const fn majority(yes: u64, no: u64) -> Option<bool> {
    if yes + no == 0 { None } else { Some(yes > no) }
}

const fn is_network(class: FailureClass) -> bool {
    matches!(class.group(), ClassGroup::Resolve | ClassGroup::Connect | ClassGroup::Tls | ClassGroup::AnyConnected)
}

impl IncidentFacts {
    /// The address family, 4 or 6, that fails while the other does not; `None` if there is none.
    pub(crate) fn failed_family(&self) -> Option<u8> {
        if Criterion::FamilySplit.holds(self) != Some(true) {
            return None;
        }
        match self.family_split {
            Some(FamilySplit::OneFails(family)) => Some(family),
            _ if self.extra.v6_failed * 2 > self.extra.by_family => Some(6),
            _ if self.extra.v6_failed * 2 < self.extra.by_family => Some(4),
            _ => None,
        }
    }

    /// All failures of the target.
    pub(crate) fn failures(&self) -> u64 {
        self.classes.values().sum()
    }

    /// The failures in these classes.
    pub(crate) fn of_classes(&self, holds: impl Fn(FailureClass) -> bool) -> u64 {
        self.classes.iter().filter(|(class, _)| holds(**class)).map(|(_, n)| n).sum()
    }

    /// Whether failures of class `status` are counted by code.
    pub(crate) fn counts_codes(&self) -> bool {
        !self.codes.is_empty() || !self.classes.contains_key(&FailureClass::Status)
    }

    /// The failures with these codes.
    pub(crate) fn of_codes(&self, holds: impl Fn(FailureClass, u16) -> bool) -> u64 {
        self.codes.iter().filter(|((class, code), _)| holds(*class, *code)).map(|(_, n)| n).sum()
    }

    fn share_of_classes(&self, holds: impl Fn(FailureClass) -> bool) -> f64 {
        ratio(self.of_classes(holds), self.failures()).unwrap_or_default()
    }

    /// The failures whose evidence was kept.
    pub(crate) fn retained(&self) -> u64 {
        self.facts.values().sum()
    }

    /// Of these, the failures for which `holds` is true.
    pub(crate) fn showing(&self, holds: impl Fn(&FailureFact) -> bool) -> u64 {
        self.facts.iter().filter(|(fact, _)| holds(fact)).map(|(_, n)| n).sum()
    }

    fn any(&self, holds: impl Fn(&FailureFact) -> bool) -> Option<bool> {
        (self.retained() > 0).then(|| self.showing(holds) > 0)
    }

    fn mostly(&self, holds: impl Fn(&FailureFact) -> bool) -> Option<bool> {
        (self.retained() > 0).then(|| self.showing(holds) * 2 > self.retained())
    }
}
