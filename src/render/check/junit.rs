//! `JUnit` XML: a suite per surface, a test case per probe. Down is a failure, unknown is an error.
//! A probe that was not run is skipped, and so is a control target that failed. If the probe is up
//! in the end, attempts and passes that failed are flaky failures. The output uses only what the
//! schemas of Jenkins and of Maven Surefire have in common: they allow no properties of a case and
//! no attributes for its file and line, so both are in its output text.

use std::io;
use std::io::Write;
use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestRerun, TestSuite};

use super::indexed_report::IndexedReport;
use super::phrases::{classes, fails_as_down, is_excused, warnings};
use crate::check_report::regression::Judgement;
use crate::check_report::{CheckReport, ProbeSummary, SurfaceSummary};
use crate::model::{Failure, Outcome, Phase, Verdict, micros, timestamp};
use crate::render::evidence;

/// The most failed attempts and checks that are listed for a probe that is up.
const FLAKY_SHOWN: usize = 10;

pub(super) fn write(pass: &IndexedReport<'_>, out: &mut impl Write) -> io::Result<()> {
    let mut report = Report::new("uptick");
    report.set_time(pass.elapsed);
    report.add_test_suites(pass.surfaces.iter().map(|surface| suite(pass, surface)));
    report.add_test_suites(judgements(pass));
    let xml = report.to_string().map_err(io::Error::other)?;
    // Removes the only attribute of the root that Jenkins' schema does not have.
    let (head, rest) = xml.split_once("<testsuites ").unwrap_or(("", &xml));
    let (root, suites) = rest.split_once('>').unwrap_or((rest, ""));
    let root: Vec<&str> = root.split(' ').filter(|attribute| !attribute.starts_with("skipped=")).collect();
    write!(out, "{head}<testsuites {}>{suites}", root.join(" "))
}

fn suite(pass: &IndexedReport<'_>, surface: &SurfaceSummary) -> TestSuite {
    let name = if surface.control { "control" } else { surface.surface.as_str() };
    let mut suite = TestSuite::new(name);
    suite.add_property(Property::new("vantage", pass.vantage.as_str()));
    suite.add_property(Property::new("started", timestamp::text(pass.started_at)));
    // Jenkins takes the part before the last dot as the package.
    let class = format!("{}.{name}", pass.vantage);
    let cases: Vec<TestCase> = pass.probes_of(surface).iter().map(|probe| case(pass, probe, &class)).collect();
    suite.set_time(cases.iter().filter_map(|case| case.time).sum());
    suite.add_test_cases(cases);
    suite
}

fn case(pass: &IndexedReport<'_>, probe: &ProbeSummary, class: &str) -> TestCase {
    let outcome = pass.most_informative(&probe.probe);
    let mut case = TestCase::new(probe.probe.as_str(), status(pass, probe, outcome));
    let warnings = warnings(probe).into_iter().map(|warning| format!("warning: {warning}"));
    let facts = facts(probe, outcome).into_iter().map(|(name, value)| format!("{name}={value}"));
    case.set_system_out(warnings.chain(facts).collect::<Vec<_>>().join("\n"));
    case.set_classname(class);
    case.set_time(time_of(probe, outcome));
    case
}

/// The failures of a probe that is up: earlier attempts, and checks of other passes.
fn flaky_runs(pass: &IndexedReport<'_>, probe: &ProbeSummary) -> Vec<TestRerun> {
    let failures = pass.outcomes_of(&probe.probe).iter().flat_map(|outcome| {
        let of_check = outcome.failure.iter().filter(|_| outcome.verdict == Verdict::Down);
        outcome.earlier_attempts.iter().map(|earlier| &earlier.failure).chain(of_check)
    });
    let run = |failure: &Failure| {
        let mut run = TestRerun::new(NonSuccessKind::Failure);
        run.set_type(failure.class.name()).set_message(failure.message.as_str());
        run.set_stack_trace(format!("{}: {}", failure.class, failure.message));
        run
    };
    failures.take(FLAKY_SHOWN).map(run).collect()
}

/// A suite about `--fail-on` and `--baseline`: a case for each condition that is met, and for each
/// probe that was compared with the baseline. `None` if there are none.
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

fn status(pass: &IndexedReport<'_>, probe: &ProbeSummary, outcome: Option<&Outcome>) -> TestCaseStatus {
    let kind = match probe.verdict {
        Verdict::Up => {
            let mut status = TestCaseStatus::success();
            status.add_reruns(flaky_runs(pass, probe));
            return status;
        }
        Verdict::Down if is_excused(pass, probe) => {
            let mut skipped = TestCaseStatus::skipped();
            let reason = outcome.map(evidence::reason).unwrap_or_default();
            skipped.set_message(format!("a control target failed: {reason}"));
            return skipped;
        }
        // A failure that `--fail-on` tolerates is no failure here either.
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
    status.set_type(probe.verdict.name());
    if let Some(outcome) = outcome {
        let reason = evidence::reason(outcome);
        let counted = if probe.counts.scheduled() > 1 { format!("{}; last: ", classes(probe)) } else { String::new() };
        status.set_message(format!("{counted}{reason}"));
        if let Some(class) = outcome.class() {
            status.set_type(class.name());
        }
        let facts = evidence::facts(outcome);
        let facts = facts.iter().map(|fact| format!("{}: {}", fact.label, fact.text));
        let place = place(probe).map(|(file, line)| format!("defined: {file}:{line}"));
        status.set_description(std::iter::once(reason).chain(place).chain(facts).collect::<Vec<_>>().join("\n"));
    }
    status
}

/// The duration of a case: the sum of all its checks.
fn time_of(probe: &ProbeSummary, outcome: Option<&Outcome>) -> Duration {
    let measured = probe.latency.sum + probe.failed_latency.sum;
    if measured.is_zero() { outcome.map_or(Duration::ZERO, |outcome| outcome.timings.total) } else { measured }
}

/// The file and the line that define a probe, if known.
fn place(probe: &ProbeSummary) -> Option<(String, usize)> {
    Some((probe.file.as_ref()?.display().to_string(), probe.line?))
}

/// Where the probe is defined, the phases of the most informative check in microseconds, and other
/// facts that dashboards can use as columns.
fn facts(probe: &ProbeSummary, outcome: Option<&Outcome>) -> Vec<(String, String)> {
    let mut facts = vec![("url".to_owned(), probe.url.to_string())];
    let mut add = |name: &str, value: String| facts.push((name.to_owned(), value));
    if let Some((file, line)) = place(probe) {
        add("file", file);
        add("line", line.to_string());
    }
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
    facts
}
