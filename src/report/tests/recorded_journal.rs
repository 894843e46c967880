//! A stage for tests: plays made-up checks at made-up instants, and collects them into windows with
//! the same collector as real ones.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{
    AddressOutcome, CertificateFacts, Check, Diagnosis, Evidence, ExtraCheck, ExtraKind, Failure, FailureClass, Hop,
    Outcome, Probe, RecordedPlan, SafeText, Timings, TlsFacts, UnixMillis, Verdict,
};
use crate::report::answer::answer;
use crate::report::document::report::{Integrity, Report};
use crate::report::fold::evidence::phase;
use crate::report::fold::{Fold, Question};
use crate::report::statistics::chance::Chance;
use crate::window::{Collector, Window};

/// A recorded journal.
#[derive(Clone, Default)]
pub(super) struct RecordedJournal {
    pub(super) windows: Vec<Window>,
    pub(super) failures: Vec<Outcome>,
    pub(super) plans: Vec<RecordedPlan>,
}

/// One probe from one vantage.
#[derive(Clone, Copy)]
pub(super) struct Line<'l> {
    pub(super) vantage: &'l str,
    pub(super) surface: &'l str,
    pub(super) probe: &'l str,
    pub(super) control: bool,
    /// Seconds between two checks.
    pub(super) every: i64,
}

/// The result of one check.
pub(super) enum PlayedCheck {
    /// The target is up, after this many milliseconds.
    Up(u64),
    /// A failure.
    Failed(Box<Outcome>),
    /// Due but not run.
    Missed,
    /// Nothing was due: the machine slept.
    Asleep,
    /// This result, within maintenance.
    InMaintenance(Box<PlayedCheck>),
}

impl<'l> Line<'l> {
    pub(super) const fn new(vantage: &'l str, surface: &'l str, probe: &'l str, every: i64) -> Line<'l> {
        Line { vantage, surface, probe, control: false, every }
    }

    pub(super) const fn control(vantage: &'l str, every: i64) -> Line<'l> {
        Line { vantage, surface: "control", probe: "internet", control: true, every }
    }
}

impl RecordedJournal {
    /// Plays a probe from one instant to another, both as texts; `found` returns the result of each
    /// check.
    pub(super) fn play(&mut self, line: Line<'_>, from: &str, to: &str, found: impl FnMut(Timestamp) -> PlayedCheck) {
        // Real probes of one file are spread over their interval, by a checksum of their names.
        let spread = i64::from(crc32fast::hash(line.probe.as_bytes()) % 1000) * line.every;
        self.play_exactly(line, at(from) + Duration::from_millis(spread.unsigned_abs()), at(to), found);
    }

    /// Plays a probe whose first check is due at an instant.
    pub(super) fn play_exactly(
        &mut self,
        line: Line<'_>,
        first: Timestamp,
        to: Timestamp,
        mut found: impl FnMut(Timestamp) -> PlayedCheck,
    ) {
        let mut collector = Collector::new(line.vantage, Duration::from_mins(1));
        let (mut due, end) = (UnixMillis::from(first), UnixMillis::from(to));
        while due < end {
            let scheduled_at = due.timestamp();
            if let Some(outcome) = outcome(line, scheduled_at, found(scheduled_at)) {
                self.windows.extend(collector.record(&outcome));
            }
            self.failures.extend(collector.take_failures());
            due += line.every * 1000;
        }
        self.windows.extend(collector.close_all());
    }

    /// The report on everything recorded.
    pub(super) fn report(&self, question: Question) -> Report {
        let now = question.to.unwrap_or_else(|| at("2030-01-01T00:00:00Z"));
        let mut fold = Fold::new(question);
        for window in &self.windows {
            fold.window(window);
        }
        for failure in &self.failures {
            fold.failure(failure);
        }
        self.plans.iter().for_each(|plan| fold.plan(plan));
        answer(&mut fold, now, Integrity::default())
    }
}

fn outcome(line: Line<'_>, scheduled_at: Timestamp, found: PlayedCheck) -> Option<Outcome> {
    let (found, maintenance) = match found {
        PlayedCheck::InMaintenance(found) => (*found, true),
        found => (found, false),
    };
    let mut outcome = match found {
        PlayedCheck::Asleep | PlayedCheck::InMaintenance(_) => return None,
        PlayedCheck::Up(ms) => up(ms),
        PlayedCheck::Failed(outcome) => *outcome,
        PlayedCheck::Missed => Outcome { verdict: Verdict::Missed, ..up(0) },
    };
    line.vantage.clone_into(&mut outcome.vantage);
    line.surface.clone_into(&mut outcome.surface);
    line.probe.clone_into(&mut outcome.probe);
    outcome.control = line.control;
    outcome.maintenance = maintenance;
    outcome.scheduled_at = scheduled_at;
    outcome.started_at = scheduled_at;
    Some(outcome)
}

fn up(ms: u64) -> Outcome {
    let ms = Duration::from_millis(ms);
    let probe = Arc::new(Probe::plain("", "", "http://x.test/", Duration::from_secs(10)));
    let check = Check { probe, scheduled_at: Timestamp::UNIX_EPOCH, lag: Duration::from_micros(300) };
    let failure = Failure::new(FailureClass::Status, None, SafeText::message("not up"));
    Outcome {
        verdict: Verdict::Up,
        failure: None,
        timings: Timings {
            resolve: Some(ms / 10),
            connect: Some(ms / 10),
            tls: Some(ms / 5),
            processing: Some(ms / 2),
            transfer: Some(ms / 10),
            total: ms,
        },
        status: Some(200),
        ..Outcome::without_measurement(&check, "", Timestamp::UNIX_EPOCH, failure)
    }
}

/// A failure of a class, after `ms` milliseconds.
pub(super) fn failed(class: FailureClass, ms: u64) -> PlayedCheck {
    PlayedCheck::Failed(Box::new(failure(class, ms)))
}

fn failure(class: FailureClass, ms: u64) -> Outcome {
    Outcome {
        verdict: class.verdict(),
        failure: Some(Failure::new(class, phase(class, None), SafeText::message(class.meaning()))),
        timings: Timings { total: Duration::from_millis(ms), ..Timings::default() },
        status: None,
        ..up(0)
    }
}

/// An answer with a bad status after `ms` milliseconds, with headers and the start of a body.
pub(super) fn status(code: u16, ms: u64, headers: &[(&str, &str)], body: &str) -> PlayedCheck {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), SafeText::message(value))).collect();
    let body = Some(SafeText::message(body));
    PlayedCheck::Failed(Box::new(Outcome {
        status: Some(code),
        evidence: Some(Evidence { headers, body, ..Evidence::default() }),
        ..failure(FailureClass::Status, ms)
    }))
}

/// An unmet expectation of a page to which a redirect led.
pub(super) fn sent_away(location: &str) -> PlayedCheck {
    let hop = Hop {
        url: SafeText::message("https://x.test/"),
        status: 302,
        location: SafeText::message(location),
        method: "GET".to_owned(),
        remote: None,
        timings: Timings::default(),
        tls: None,
    };
    PlayedCheck::Failed(Box::new(Outcome {
        status: Some(200),
        redirects: vec![hop],
        ..failure(FailureClass::AssertionFailed, 20)
    }))
}

/// A check at an address of the name: up, or failed with a class.
pub(super) fn at_address(address: &str, class: Option<FailureClass>) -> PlayedCheck {
    let remote = Some(address.parse().expect("an address"));
    let found = class.map_or_else(|| up(40), |class| failure(class, 10_000));
    PlayedCheck::Failed(Box::new(Outcome { remote, ..found }))
}

/// A check that refuses a certificate with this validity.
pub(super) fn refused_certificate(class: FailureClass, from: &str, to: &str) -> PlayedCheck {
    let certificate = CertificateFacts {
        subject: SafeText::message("CN=x.test"),
        issuer: SafeText::message("CN=ca"),
        names: vec![SafeText::message("x.test")],
        names_total: 1,
        not_before: at(from),
        not_after: at(to),
        sha256: String::new(),
        chain_length: 2,
    };
    let tls = TlsFacts { certificate: Some(certificate), ..TlsFacts::default() };
    PlayedCheck::Failed(Box::new(Outcome { tls: Some(tls), ..failure(class, 20) }))
}

/// A failed check that asked every address of the name: each with whether it answered.
pub(super) fn asked_everywhere(addresses: &[(&str, bool)]) -> PlayedCheck {
    let class = FailureClass::ConnectTimeout;
    let asked = addresses.iter().map(|(address, answers)| AddressOutcome {
        address: address.parse().expect("an address"),
        verdict: if *answers { Verdict::Up } else { Verdict::Down },
        failure: (!answers).then(|| Failure::new(class, phase(class, None), SafeText::message(class.meaning()))),
        status: answers.then_some(200),
        timings: Timings::default(),
    });
    PlayedCheck::Failed(Box::new(Outcome { addresses: asked.collect(), ..failure(class, 10_000) }))
}

/// A failure with extra checks: their kind, their target, and the class of their failure, if any.
pub(super) fn diagnosed(class: FailureClass, extra: &[(ExtraKind, &str, Option<FailureClass>)]) -> PlayedCheck {
    let extra = extra
        .iter()
        .map(|(kind, target, class)| ExtraCheck {
            kind: *kind,
            target: SafeText::message(target),
            class: *class,
            status: None,
            took: Duration::from_millis(3),
        })
        .collect();
    let evidence = Evidence { diagnosis: Some(Diagnosis { extra }), ..Evidence::default() };
    PlayedCheck::Failed(Box::new(Outcome { evidence: Some(evidence), ..failure(class, 5) }))
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// About 80 ms, with a tail.
pub(super) fn usual_ms(chance: &mut Chance) -> u64 {
    if chance.happens(0.01) { 300 + chance.below(400) } else { 60 + chance.below(40) }
}

/// A question about a range, with waves joined within four hours.
pub(super) fn question(from: &str, to: &str) -> Question {
    let mut question = Question { from: Some(at(from)), to: Some(at(to)), ..Question::default() };
    question.rules.join_within = Duration::from_hours(4);
    question
}

/// The whole report as JSON.
pub(super) fn json(report: &Report) -> String {
    serde_json::to_string(report).expect("a report serialises")
}
