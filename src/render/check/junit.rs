//! `JUnit` XML: a suite a surface, a test case a probe. Down is a failure, unknown an error,
//! a probe that was not run is skipped. The phases are properties of the case.

use std::io;
use std::io::Write;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::phrases::{classes, fails_as_down, warnings};
use crate::check_report::regression::Judgement;
use crate::check_report::{CheckReport, ProbeSummary, SurfaceSummary};
use crate::model::{Outcome, Phase, Verdict, micros, timestamp};
use crate::render::evidence;

pub(super) fn write(pass: &CheckReport, out: &mut impl Write) -> io::Result<()> {
    let mut report = Report::new("uptick");
    report.set_time(pass.elapsed);
    report.add_test_suites(pass.surfaces.iter().map(|surface| suite(pass, surface)));
    report.add_test_suites(judgements(pass));
    report.serialize(&mut *out).map_err(io::Error::other)
}

fn suite(pass: &CheckReport, surface: &SurfaceSummary) -> TestSuite {
    let name = if surface.control { "control" } else { surface.surface.as_str() };
    let mut suite = TestSuite::new(name);
    // Without a zone, as the common schema has it; the time is UTC.
    let began = timestamp::text(pass.started_at);
    let began = began.split('.').next().unwrap_or_default();
    suite.extra.insert("timestamp".into(), began.into());
    suite.add_property(Property::new("vantage", pass.vantage.as_str()));
    let probes = pass.probes.iter().filter(|probe| super::phrases::belongs(probe, surface));
    let cases: Vec<TestCase> = probes.map(|probe| case(pass, probe, name)).collect();
    suite.set_time(cases.iter().filter_map(|case| case.time).sum());
    suite.add_test_cases(cases);
    suite
}

fn case(pass: &CheckReport, probe: &ProbeSummary, suite: &str) -> TestCase {
    let outcome = pass.telling(&probe.probe);
    let mut case = TestCase::new(probe.probe.as_str(), status(pass, probe, outcome));
    let warnings = warnings(probe);
    if !warnings.is_empty() {
        case.set_system_out(
            warnings.iter().map(|warning| format!("warning: {warning}")).collect::<Vec<_>>().join("\n"),
        );
    }
    case.set_classname(suite);
    case.set_time(time_of(probe, outcome));
    for (name, value) in properties(probe, outcome) {
        case.add_property(Property::new(name, value));
    }
    case
}

/// A suite of what the run was told to fail on: a case for each condition that is met, and for each probe that was
/// compared with the baseline.
fn judgements(pass: &CheckReport) -> Option<TestSuite> {
    let met = pass.violations.iter().flatten().map(|met| {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(met.found.as_str()).set_type("fail-on");
        TestCase::new(format!("{}: {}", met.probe, met.condition), status)
    });
    let compared = pass.regressions.iter().flatten().map(|regression| {
        let status = match regression.judgement {
            Judgement::Worse => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status.set_message(regression.sentence.as_str()).set_type("baseline");
                status
            }
            Judgement::NotWorse => TestCaseStatus::success(),
            Judgement::TooFew | Judgement::NotRecorded => {
                let mut skipped = TestCaseStatus::skipped();
                skipped.set_message(regression.sentence.as_str());
                skipped
            }
        };
        TestCase::new(format!("{}: baseline", regression.probe), status)
    });
    let mut cases: Vec<TestCase> = met.chain(compared).collect();
    for case in &mut cases {
        case.set_classname("conditions");
    }
    (!cases.is_empty()).then(|| {
        let mut suite = TestSuite::new("conditions");
        suite.add_test_cases(cases);
        suite
    })
}

fn status(pass: &CheckReport, probe: &ProbeSummary, outcome: Option<&Outcome>) -> TestCaseStatus {
    let kind = match probe.verdict {
        Verdict::Up => return TestCaseStatus::success(),
        // What --fail-on lets pass fails nothing here either.
        Verdict::Down if !fails_as_down(pass, probe) => return TestCaseStatus::success(),
        Verdict::Down => NonSuccessKind::Failure,
        Verdict::Unknown if outcome.is_some_and(|outcome| outcome.failure.is_some()) => NonSuccessKind::Error,
        Verdict::Unknown | Verdict::Missed => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message("due and not run");
            return skipped;
        }
    };
    let mut status = TestCaseStatus::non_success(kind);
    if let Some(outcome) = outcome {
        let reason = evidence::reason(outcome);
        let counted = if probe.counts.scheduled() > 1 { format!("{}; last: ", classes(probe)) } else { String::new() };
        status.set_message(format!("{counted}{reason}"));
        if let Some(class) = outcome.class() {
            status.set_type(class.name());
        }
        let facts: Vec<String> =
            evidence::facts(outcome).iter().map(|fact| format!("{}: {}", fact.label, fact.text)).collect();
        status.set_description(std::iter::once(reason).chain(facts).collect::<Vec<_>>().join("\n"));
    }
    status
}

/// The time of a case: all its checks.
fn time_of(probe: &ProbeSummary, outcome: Option<&Outcome>) -> Duration {
    let measured = probe.latency.sum + probe.failed_latency.sum;
    if measured.is_zero() { outcome.map_or(Duration::ZERO, |outcome| outcome.timings.total) } else { measured }
}

/// The phases of the telling check in microseconds, and what is worth a column in a dashboard.
fn properties(probe: &ProbeSummary, outcome: Option<&Outcome>) -> Vec<(String, String)> {
    let mut properties = vec![("url".to_owned(), probe.url.to_string())];
    let mut add = |name: &str, value: String| properties.push((name.to_owned(), value));
    if probe.insecure {
        add("insecure", "INSECURE TLS: any certificate is accepted".to_owned());
    }
    for (name, n) in [("flaky", probe.flaky), ("warnings", probe.warnings)] {
        if n > 0 {
            add(name, n.to_string());
        }
    }
    let counts = probe.counts;
    for (name, n) in [("checks", counts.scheduled()), ("up", counts.up), ("down", counts.down)] {
        add(name, n.to_string());
    }
    if let Some(outcome) = outcome {
        for phase in Phase::ALL {
            if let Some(time) = outcome.timings.phase(phase) {
                add(&format!("{phase}_us"), micros::of(time).to_string());
            }
        }
        add("total_us", micros::of(outcome.timings.total).to_string());
        if let Some(status) = outcome.status {
            add("status", status.to_string());
        }
    }
    for (name, time) in [("p50_us", probe.latency.p50), ("p95_us", probe.latency.p95), ("p99_us", probe.latency.p99)] {
        if let Some(time) = time {
            add(name, micros::of(time).to_string());
        }
    }
    properties
}
