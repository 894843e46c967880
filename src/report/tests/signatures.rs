//! For every row of the signature table there is a journal that matches it, and one that refutes
//! it.

use std::collections::BTreeSet;

use super::recorded_journal::{
    Line, PlayedCheck, RecordedJournal, asked_everywhere, at, at_address, diagnosed, failed, question,
    refused_certificate, sent_away, status, usual_ms,
};
use crate::model::{ExtraKind, FailureClass, Mismatch, SafeText};
use crate::report::document::answer::State;
use crate::report::document::report::Report;
use crate::report::incident::signature;
use crate::report::statistics::chance::Chance;

const CLOUDFLARE: &[(&str, &str)] = &[("server", "cloudflare"), ("cf-ray", "8a1f-LHR")];
const BUSY: &[(&str, &str)] = &[("server", "nginx")];

/// One check of a probe from a vantage during the outage, which starts at 09:30.
#[derive(Clone, Copy)]
struct Place {
    vantage: &'static str,
    surface: &'static str,
    probe: &'static str,
    control: bool,
    /// Minutes since 09:30.
    minute: i64,
}

impl Place {
    fn is_control(&self, name: &str) -> bool {
        self.control && self.probe == name
    }
}

const ONE: &[&str] = &["iad"];
const THREE: &[&str] = &["iad", "lhr", "sjc"];

/// The report on an outage: `found` returns what each check finds, `None` for up.
fn outage(vantages: &[&'static str], found: impl Fn(Place) -> Option<PlayedCheck>) -> Report {
    let mut stage = RecordedJournal::default();
    let (from, to, begins) = ("2025-01-01T09:00:00Z", "2025-01-01T10:00:00Z", at("2025-01-01T09:30:00Z"));
    for vantage in vantages {
        for (surface, probe, control) in [
            ("control", "internet", true),
            ("control", "same network", true),
            ("app", "api", false),
            ("app", "login", false),
            ("web", "home", false),
            ("web", "image", false),
        ] {
            let line = Line { control, ..Line::new(vantage, surface, probe, 60) };
            stage.play(line, from, to, |now| {
                let minute = (now.as_second() - begins.as_second()).div_euclid(60);
                // Long before, the target behind the CDN failed once, which shows that it is behind
                // it.
                if probe == "same network" && minute == -20 {
                    return status(500, 3, CLOUDFLARE, "error");
                }
                let place = Place { vantage, surface, probe, control, minute };
                (minute >= 0).then(|| found(place)).flatten().unwrap_or(PlayedCheck::Up(50))
            });
        }
    }
    let mut question = question(from, to);
    question.http3 = [("api", true), ("login", false)].map(|(probe, http3)| (probe.to_owned(), http3)).into();
    question.families = [("home", 4), ("image", 6)].map(|(probe, family)| (probe.to_owned(), family)).into();
    stage.report(question)
}

/// Everything except the control targets fails in the same way.
fn all(vantages: &[&'static str], found: impl Fn() -> PlayedCheck) -> Report {
    outage(vantages, |place| (!place.control).then(&found))
}

/// Everything except the control targets fails with a class.
fn class(class: FailureClass) -> Report {
    all(THREE, || failed(class, 5))
}

/// Checks fail from one vantage only.
fn from_one(found: impl Fn() -> PlayedCheck) -> Report {
    outage(THREE, |place| (place.vantage == "sjc" && !place.control).then(&found))
}

/// Names do not resolve, and extra checks of these kinds do or do not get an answer.
fn names(class: FailureClass, extra: &[(ExtraKind, bool)]) -> Report {
    all(THREE, || asked_further(class, extra))
}

fn asked_further(class: FailureClass, extra: &[(ExtraKind, bool)]) -> PlayedCheck {
    let extra: Vec<_> = extra
        .iter()
        .map(|(kind, answers)| (*kind, "203.0.113.7:443", (!answers).then_some(FailureClass::ConnectTimeout)))
        .collect();
    diagnosed(class, &extra)
}

/// A week of usual answers, then an hour of others.
fn last_hour(found: impl Fn(&mut Chance) -> PlayedCheck) -> Report {
    let mut stage = RecordedJournal::default();
    let mut chance = Chance::new(22);
    let (from, to, last) = ("2025-01-01T00:00:00Z", "2025-01-08T00:00:00Z", at("2025-01-07T23:00:00Z"));
    for surface in ["app", "web"] {
        stage.play(Line::new("here", surface, "home", 30), from, to, |now| {
            if now >= last && surface == "app" { found(&mut chance) } else { PlayedCheck::Up(usual_ms(&mut chance)) }
        });
    }
    stage.report(question("2025-01-07T12:00:00Z", to))
}

/// A few answers in a hundred take far longer, the others do not.
fn queueing(chance: &mut Chance) -> PlayedCheck {
    if chance.happens(0.06) { PlayedCheck::Up(2_000) } else { PlayedCheck::Up(60 + chance.below(40)) }
}

/// A row of the table: data that shows it, and similar data that does not.
type Row = (&'static str, fn() -> Report, fn() -> Report);

const ROWS: &[Row] = &[
    (
        "S1",
        || class(FailureClass::DnsNotFound),
        || names(FailureClass::DnsNotFound, &[(ExtraKind::OtherResolver, true)]),
    ),
    (
        "S2",
        || names(FailureClass::DnsTimeout, &[(ExtraKind::LastGoodAddress, false)]),
        || names(FailureClass::DnsTimeout, &[(ExtraKind::LastGoodAddress, true)]),
    ),
    (
        "S3",
        || names(FailureClass::DnsServerFailure, &[(ExtraKind::OtherResolver, true)]),
        || names(FailureClass::DnsServerFailure, &[(ExtraKind::OtherResolver, false)]),
    ),
    (
        "S3b",
        || outage(ONE, |_| Some(asked_further(FailureClass::DnsServerFailure, &[(ExtraKind::OtherResolver, true)]))),
        || outage(ONE, |_| Some(asked_further(FailureClass::DnsServerFailure, &[(ExtraKind::OtherResolver, false)]))),
    ),
    (
        "S4",
        || names(FailureClass::DnsNoAddress, &[(ExtraKind::LastGoodAddress, true)]),
        || names(FailureClass::DnsNoAddress, &[(ExtraKind::LastGoodAddress, false)]),
    ),
    (
        "S2-S4",
        || class(FailureClass::DnsServerFailure),
        || names(FailureClass::DnsServerFailure, &[(ExtraKind::LastGoodAddress, true)]),
    ),
    ("S5", || class(FailureClass::ConnectTimeout), || from_one(|| failed(FailureClass::ConnectTimeout, 10_000))),
    (
        "S6",
        || class(FailureClass::ConnectRefused),
        || {
            all(THREE, || {
                asked_further(FailureClass::ConnectRefused, &[(ExtraKind::Address, true), (ExtraKind::Address, false)])
            })
        },
    ),
    ("S7", || from_one(|| failed(FailureClass::ConnectTimeout, 10_000)), || class(FailureClass::ConnectTimeout)),
    (
        "S8",
        || outage(ONE, |_| Some(failed(FailureClass::ConnectTimeout, 10_000))),
        || outage(ONE, |place| (!place.is_control("internet")).then(|| failed(FailureClass::ConnectTimeout, 10_000))),
    ),
    ("S9", || class(FailureClass::TlsCertExpired), || from_one(|| failed(FailureClass::TlsCertExpired, 15))),
    ("S9b", || from_one(|| failed(FailureClass::TlsCertUntrusted, 15)), || class(FailureClass::TlsCertUntrusted)),
    ("S9c", || all(THREE, || unmet("certificate-days")), || all(THREE, || unmet("body-contains"))),
    ("S10", || class(FailureClass::TlsHandshakeTimeout), || class(FailureClass::TlsVersion)),
    (
        "S11",
        || outage(THREE, |place| (!place.is_control("internet")).then(|| status(500, 3, CLOUDFLARE, "error"))),
        // A target behind the same CDN answers.
        || all(THREE, || status(500, 3, CLOUDFLARE, "error")),
    ),
    ("S12", || all(THREE, || status(522, 9_000, CLOUDFLARE, "")), || all(THREE, || status(528, 9_000, CLOUDFLARE, ""))),
    ("S13", || all(THREE, || status(504, 15_000, BUSY, "")), || all(THREE, || status(504, 3, BUSY, ""))),
    ("S13b", || class(FailureClass::ResponseTimeout), || class(FailureClass::ConnectTimeout)),
    (
        "S14",
        || all(THREE, || status(500, 5, BUSY, "exception")),
        || all(THREE, || status(500, 5, CLOUDFLARE, "exception")),
    ),
    ("S15", || all(THREE, || status(403, 20, BUSY, "{}")), || from_one(|| status(403, 20, BUSY, "{}"))),
    ("S16", || from_one(|| status(429, 20, BUSY, "")), || from_one(|| status(428, 20, BUSY, ""))),
    (
        "S16b",
        || all(THREE, || status(403, 20, BUSY, "<p>Verify you are human")),
        || all(THREE, || status(403, 20, BUSY, "<p>Forbidden")),
    ),
    (
        "S17",
        || class(FailureClass::AssertionFailed),
        || all(THREE, || sent(FailureClass::AssertionFailed, "<div class=captcha>")),
    ),
    ("S18", || class(FailureClass::RedirectLimit), || class(FailureClass::AssertionFailed)),
    (
        "S18b",
        || all(THREE, || sent_away("https://x.test/login?next=/")),
        || all(THREE, || sent_away("https://x.test/home/")),
    ),
    ("S19", || class(FailureClass::BodyTruncated), || class(FailureClass::AssertionFailed)),
    (
        "S20",
        || outage(THREE, |place| (place.probe == "image").then(|| status(500, 5, BUSY, ""))),
        || all(THREE, || status(500, 5, BUSY, "")),
    ),
    (
        "S21",
        || outage(THREE, |place| (!place.control && place.minute / 2 % 2 == 0).then(|| status(500, 5, BUSY, ""))),
        || all(THREE, || status(500, 5, BUSY, "")),
    ),
    (
        "S21b",
        || all(THREE, || asked_everywhere(&[("192.0.2.1:443", true), ("192.0.2.2:443", false)])),
        || all(THREE, || asked_everywhere(&[("192.0.2.1:443", false), ("192.0.2.2:443", false)])),
    ),
    // The median rises too.
    ("S22", || last_hour(queueing), || last_hour(|_| PlayedCheck::Up(2_000))),
    (
        "S23",
        || all(THREE, || asked_everywhere(&[("192.0.2.1:443", true), ("[2001:db8::1]:443", false)])),
        || all(THREE, || asked_everywhere(&[("192.0.2.1:443", true), ("192.0.2.2:443", false)])),
    ),
    (
        "S24",
        || outage(THREE, |place| (place.surface == "app").then(|| failed(FailureClass::ConnectRefused, 1))),
        || class(FailureClass::ConnectRefused),
    ),
    (
        "S25",
        || outage(THREE, |place| (place.probe == "api").then(|| failed(FailureClass::ConnectTimeout, 5_000))),
        || outage(THREE, |place| (place.surface == "app").then(|| failed(FailureClass::ConnectTimeout, 5_000))),
    ),
];

/// An unmet expectation with this name.
fn unmet(assertion: &str) -> PlayedCheck {
    let PlayedCheck::Failed(mut outcome) = sent(FailureClass::AssertionFailed, "") else {
        unreachable!("a status is a failure")
    };
    if let Some(failure) = &mut outcome.failure {
        let text = || SafeText::message("7");
        failure.mismatches = vec![Mismatch { assertion: assertion.to_owned(), expected: text(), actual: text() }];
    }
    PlayedCheck::Failed(outcome)
}

/// An unmet expectation of a body.
fn sent(class: FailureClass, body: &str) -> PlayedCheck {
    let PlayedCheck::Failed(mut outcome) = status(200, 20, BUSY, body) else { unreachable!("a status is a failure") };
    if let Some(failure) = &mut outcome.failure {
        failure.class = class;
    }
    PlayedCheck::Failed(outcome)
}

/// The rows that the verdict matched.
fn rows(report: &Report) -> BTreeSet<&'static str> {
    report.verdict.signature.matched.iter().map(|row| row.id).collect()
}

#[test]
fn every_row_of_the_table_is_reached_and_refuted() {
    let ids: BTreeSet<&str> = ROWS.iter().map(|(id, ..)| *id).collect();
    assert_eq!(ids, signature::ids().collect(), "every row has data");
    for (id, reached, refuted) in ROWS {
        let (reached, refuted) = (reached(), refuted());
        let found = rows(&reached);
        assert!(found.contains(id), "{id} is not reached: {found:?}\n{}", reached.verdict.sentence);
        let causes = signature::causes(id);
        let consistent = &reached.verdict.signature.consistent_with;
        assert!(causes.iter().all(|cause| consistent.contains(cause)), "{id}: {consistent:?}");
        let found = rows(&refuted);
        assert!(!found.contains(id), "{id} is not refuted: {found:?}\n{}", refuted.verdict.sentence);
    }
}

#[test]
fn a_slow_tail_is_told_though_everything_is_up() {
    let report =
        last_hour(
            |chance| if chance.happens(0.04) { PlayedCheck::Up(2_000) } else { PlayedCheck::Up(60 + chance.below(40)) },
        );
    assert_eq!((report.verdict.state, report.incidents.len()), (State::Up, 0));
    assert_eq!(report.verdict.signature.consistent_with, ["queueing"]);
    let sentence = &report.verdict.sentence;
    let told = "the slowest answers of app are slower than usual (p99 2 s against ";
    assert!(sentence.contains(told), "{sentence}");
    assert!(sentence.contains("), consistent with queueing at a part of the pool"), "{sentence}");
    let usual = last_hour(|chance| PlayedCheck::Up(usual_ms(chance)));
    assert!(rows(&usual).is_empty() && !usual.verdict.sentence.contains("slowest"), "{}", usual.verdict.sentence);
}

#[test]
fn a_slow_tail_accompanies_an_incident_and_comes_last() {
    let report = last_hour(|chance| if chance.happens(0.3) { status(503, 15_000, BUSY, "") } else { queueing(chance) });
    let incident = &report.incidents[0];
    let rows: Vec<&str> = incident.signature.matched.iter().map(|row| row.id).collect();
    assert!(rows.contains(&"S13") && rows.last() == Some(&"S22"), "{rows:?}");
    let usual =
        last_hour(
            |chance| {
                if chance.happens(0.3) { status(503, 15_000, BUSY, "") } else { PlayedCheck::Up(usual_ms(chance)) }
            },
        );
    assert!(!usual.incidents[0].signature.matched.iter().any(|row| row.id == "S22"));
}

#[test]
fn probes_over_one_address_family_tell_the_families_apart() {
    let of = |probes: &'static [&'static str]| {
        outage(THREE, |place| probes.contains(&place.probe).then(|| failed(FailureClass::ConnectTimeout, 10_000)))
    };
    // `home` is probed over IPv4 alone and `image` over IPv6.
    assert!(rows(&of(&["image"])).contains("S23"));
    assert!(rows(&of(&["home"])).contains("S23"));
    assert!(!rows(&of(&["home", "image"])).contains("S23"));
    assert!(!rows(&of(&["api", "login"])).contains("S23"), "nothing of the web fails");
}

#[test]
fn one_family_that_stays_down_is_told_once_the_other_is_back() {
    let timeout = || Some(failed(FailureClass::ConnectTimeout, 10_000));
    // `home` is probed over IPv4 alone and `image` over IPv6: both fail for ten minutes, then one
    // continues to fail.
    for (stays, family) in [("image", 6), ("home", 4)] {
        let report = outage(THREE, |place| {
            let fails = place.surface == "web" && (place.minute < 10 || place.probe == stays);
            fails.then(timeout).flatten()
        });
        let verdict = &report.verdict;
        assert_eq!(verdict.signature.family, Some(family), "{}", verdict.headline);
        assert!(verdict.headline.contains(&format!("over IPv{family} alone")), "{}", verdict.headline);
        assert!(verdict.signature.consistent_with.contains(&"address_family"));
        assert_eq!(report.incidents[0].signature.family, None, "both failed at first");
    }
    let both = outage(THREE, |place| (place.surface == "web").then(timeout).flatten());
    assert_eq!(both.verdict.signature.family, None, "{}", both.verdict.headline);
}

#[test]
fn one_family_of_the_addresses_that_stays_down_is_told_once_the_other_is_back() {
    const ADDRESSES: [&str; 4] = ["192.0.2.1:443", "192.0.2.2:443", "[2001:db8::1]:443", "[2001:db8::2]:443"];
    let mut stage = RecordedJournal::default();
    let (from, to) = ("2025-01-01T08:00:00Z", "2025-01-01T10:00:00Z");
    for vantage in THREE {
        for probe in ["api", "home"] {
            stage.play(Line::new(vantage, "web", probe, 30), from, to, |now| {
                let address = ADDRESSES[usize::try_from(now.as_second() / 30 % 4).expect("small")];
                let minute = (now.as_second() - at("2025-01-01T09:20:00Z").as_second()).div_euclid(60);
                let fails = minute >= 0 && (minute < 15 || address.starts_with('['));
                at_address(address, fails.then_some(FailureClass::ConnectTimeout))
            });
        }
    }
    let report = stage.report(question(from, to));
    let verdict = &report.verdict;
    assert_eq!(verdict.signature.family, Some(6), "{}", verdict.headline);
    assert!(verdict.headline.contains("over IPv6 alone"), "{}", verdict.headline);
    let v6 = report.addresses.iter().filter(|row| row.family == 6);
    assert!(v6.clone().count() == 2 && v6.clone().all(|row| row.checks == Some(360)), "{:?}", report.addresses);
}

#[test]
fn one_address_of_a_pool_is_told_though_another_failed_before() {
    const ADDRESSES: [&str; 3] = ["192.0.2.1:443", "192.0.2.2:443", "192.0.2.3:443"];
    let mut stage = RecordedJournal::default();
    let (from, to) = ("2025-01-01T00:00:00Z", "2025-01-01T10:00:00Z");
    for vantage in THREE {
        stage.play(Line::new(vantage, "web", "home", 30), from, to, |now| {
            let number = usize::try_from(now.as_second() / 30 % 3).expect("small");
            let hour = now.as_second() % 86_400 / 3_600;
            let fails = (hour == 2 && number != 1) || (hour == 9 && number == 1);
            at_address(ADDRESSES[number], fails.then_some(FailureClass::ConnectRefused))
        });
    }
    let report = stage.report(question(from, to));
    let last = report.incidents.last().expect("an incident");
    assert!(last.signature.consistent_with.contains(&"partial_pool"), "{:?}", last.signature);
}

#[test]
fn a_certificate_that_some_refuse_is_told_with_its_dates() {
    let report = from_one(|| {
        refused_certificate(FailureClass::TlsCertUntrusted, "2024-12-01T00:00:00Z", "2025-03-01T00:00:00Z")
    });
    let reading = &report.verdict.signature;
    let evidence = reading.matched.iter().find(|row| row.id == "S9b").map(|row| row.evidence.join("; "));
    let dates = "refused at sjc: a certificate that is valid from 2024-12-01 to 2025-03-01";
    assert!(evidence.as_ref().is_some_and(|text| text.contains(dates)), "{evidence:?}");
    assert!(!reading.not_consistent_with.contains(&"certificate"));
}
