//! Finds the main failure: counts failures by class and code, and decides whether one kind
//! dominates or they are a mix.

use std::collections::BTreeMap;

use crate::model::FailureClass;
use crate::report::document::answer::{FailureShare, MainFailure};
use crate::report::fold::evidence::{FailureFact, phase};
use crate::report::statistics::{ratio, rounded};

/// Kinds below this share of the failures are not named beside the main one.
const NAMED: f64 = 0.1;

/// One kind of failure: the class, and the status code if it is known.
type ClassAndCode = (FailureClass, Option<u16>);

/// The main failure; `None` if nothing failed. `classes`: failures by class; `codes`: of these, the
/// failures with a status code; `kept`: the evidence that was kept of some of them.
pub(crate) fn main_failure(
    classes: &BTreeMap<FailureClass, u64>,
    codes: &BTreeMap<(FailureClass, u16), u64>,
    kept: &BTreeMap<FailureFact, u64>,
) -> Option<MainFailure> {
    let classes: BTreeMap<FailureClass, u64> =
        classes.iter().filter(|(class, n)| !class.is_ours() && **n > 0).map(|(class, n)| (*class, *n)).collect();
    let of: u64 = classes.values().sum();
    let mut kinds: Vec<(ClassAndCode, u64)> = Vec::new();
    let mut samples = None;
    for (class, n) in &classes {
        let counted: BTreeMap<u16, u64> =
            codes.range((*class, 0)..=(*class, u16::MAX)).map(|((_, code), n)| (*code, *n)).collect();
        if counted.is_empty() && *class == FailureClass::Status {
            let sampled = sampled(kept, *class);
            let all: u64 = sampled.values().sum();
            samples = (all > 0).then_some(all);
            kinds.extend(parts(*class, *n, &shared(*n, &sampled)));
        } else {
            kinds.extend(parts(*class, *n, &counted));
        }
    }
    // On a tie, the earlier phase, then the lower code.
    kinds.sort_by_key(|((class, code), n)| (std::cmp::Reverse(*n), *class, *code));
    let ((class, status), n) = *kinds.first()?;
    let share = |n: u64| rounded(ratio(n, of).unwrap_or_default());
    let others = kinds.iter().skip(1).filter(|(_, n)| share(*n) >= NAMED);
    Some(MainFailure {
        class,
        phase: phase(class, None),
        share: share(n),
        n,
        of,
        status: status.filter(|_| class == FailureClass::Status),
        others: others
            .map(|((class, status), n)| FailureShare { class: *class, status: *status, n: *n, share: share(*n) })
            .collect(),
        samples: samples.filter(|_| class == FailureClass::Status),
        certificate: class.is_of_certificate() || is_of_certificates(class, kept),
    })
}

/// Divides the failures of a class by code; the rest has none.
fn parts(class: FailureClass, n: u64, codes: &BTreeMap<u16, u64>) -> Vec<(ClassAndCode, u64)> {
    let coded: u64 = codes.values().sum();
    let rest = n.saturating_sub(coded);
    let coded = codes.iter().map(|(code, n)| ((class, Some(*code)), *n));
    coded.chain((rest > 0).then_some(((class, None), rest))).collect()
}

/// The failures of a class by code, from the kept evidence.
fn sampled(kept: &BTreeMap<FailureFact, u64>, class: FailureClass) -> BTreeMap<u16, u64> {
    let mut codes = BTreeMap::new();
    for (fact, n) in kept.iter().filter(|(fact, _)| fact.class == class) {
        if let Some(status) = fact.status {
            *codes.entry(status).or_default() += n;
        }
    }
    codes
}

/// Estimates `n` failures by code, in the proportions of the samples.
fn shared(n: u64, samples: &BTreeMap<u16, u64>) -> BTreeMap<u16, u64> {
    let all: u64 = samples.values().sum();
    let part = |of: u64| u64::try_from(u128::from(n) * u128::from(of) / u128::from(all.max(1))).unwrap_or(n);
    samples.iter().map(|(code, of)| (*code, part(*of))).collect()
}

/// Whether most of the kept failures of a class are unmet expectations of a certificate.
fn is_of_certificates(class: FailureClass, kept: &BTreeMap<FailureFact, u64>) -> bool {
    let of_class = || kept.iter().filter(|(fact, _)| fact.class == class);
    let all: u64 = of_class().map(|(_, n)| n).sum();
    let of_certificates: u64 = of_class().filter(|(fact, _)| fact.certificate).map(|(_, n)| n).sum();
    class == FailureClass::AssertionFailed && of_certificates * 2 > all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn main(classes: &[(FailureClass, u64)], codes: &[(u16, u64)]) -> Option<MainFailure> {
        let codes = codes.iter().map(|(code, n)| ((FailureClass::Status, *code), *n)).collect();
        main_failure(&classes.iter().copied().collect(), &codes, &BTreeMap::new())
    }

    #[test]
    fn a_code_is_counted_by_itself_and_not_with_its_class() {
        let main = main(&[(FailureClass::Status, 64)], &[(502, 24), (503, 40)]).expect("failures");
        assert_eq!((main.status, main.n, main.of), (Some(503), 40, 64));
        assert_eq!(main.others.iter().map(|other| (other.status, other.n)).collect::<Vec<_>>(), [(Some(502), 24)]);
    }

    #[test]
    fn four_equal_codes_are_a_mix_and_not_the_lowest_of_them() {
        let codes = [(500, 10), (502, 10), (503, 10), (504, 10)];
        let main = main(&[(FailureClass::Status, 40)], &codes).expect("failures");
        assert!(main.is_mix(), "{main:?}");
        assert_eq!(main.others.len(), 3);
    }

    #[test]
    fn of_two_kinds_that_are_half_each_neither_is_what_mostly_fails() {
        let classes = [(FailureClass::DnsNotFound, 3), (FailureClass::ConnectRefused, 3)];
        let even = main(&classes, &[]).expect("failures");
        assert_eq!(even.phrase(), "a mix of names not found and refused connections");
        let uneven = main(&[(FailureClass::DnsNotFound, 4), classes[1]], &[]).expect("failures");
        assert_eq!(uneven.phrase(), "mostly names not found");
    }

    #[test]
    fn a_class_without_codes_may_stand_before_one_with_many() {
        let classes = [(FailureClass::ConnectTimeout, 20), (FailureClass::Status, 30)];
        let main = main(&classes, &[(500, 15), (503, 15)]).expect("failures");
        assert_eq!((main.class, main.n), (FailureClass::ConnectTimeout, 20));
    }

    #[test]
    fn where_nothing_failed_there_is_none() {
        assert_eq!(main(&[], &[]), None);
        assert_eq!(main(&[(FailureClass::ControlFailed, 3)], &[]), None, "what is ours is no failure of the target");
    }
}
