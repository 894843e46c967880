//! A pass for people on a terminal: one line a probe, failures with their evidence, and a
//! summary that says what was found and what it proves.

mod columns;

use std::io;
use std::io::Write;

use super::phrases::{
    belongs, classes, counts_phrase, insecure_sentence, judgement_sentences, proof_sentence, surface_phrase,
};
use crate::check_report::{CheckReport, ProbeSummary, SurfaceSummary};
use crate::format;
use crate::model::{CertificateRole, ChainCertificate, Outcome, Verdict};
use crate::render::evidence::EvidenceLine;
use crate::render::terminal::{BAD, BOLD, DIM, ODD, StyledText, TerminalStyle};
use crate::render::{evidence, terminal, text};
use crate::report::LatencySummary;
use columns::Columns;

/// The probes whose evidence is shown; the others have their reason alone.
const EVIDENCE_SHOWN: usize = 20;

/// The lines that one piece of evidence may take.
const LINES_OF_A_FACT: usize = 6;

/// The columns of a label of evidence.
const LABEL: usize = 12;

pub(super) fn write(pass: &CheckReport, style: TerminalStyle, out: &mut impl Write) -> io::Result<()> {
    let mut screen = StyledText::new(style);
    let columns = Columns::of(pass, screen.width());
    let mut shown = 0;
    for (at, surface) in pass.surfaces.iter().enumerate() {
        columns.heading(&title(surface), at == 0, &mut screen);
        for probe in pass.probes.iter().filter(|probe| belongs(probe, surface)) {
            columns.row(pass, probe, &mut screen);
            shown += usize::from(probe.verdict != Verdict::Up);
            findings(pass, probe, shown <= EVIDENCE_SHOWN, &mut screen);
        }
        screen.end();
    }
    if shown > EVIDENCE_SHOWN {
        let more = format::count((shown - EVIDENCE_SHOWN) as u64);
        screen.put(DIM, &format!("  evidence of {more} more failed probes: --format json"));
        screen.end();
    }
    summary(pass, &mut screen);
    out.write_all(screen.finish().as_bytes())
}

fn title(surface: &SurfaceSummary) -> String {
    if surface.control { "control".to_owned() } else { surface.surface.clone() }
}

/// Below a probe's line: why it was not up, and what else must be known of it.
fn findings(pass: &CheckReport, probe: &ProbeSummary, with_evidence: bool, screen: &mut StyledText) {
    if probe.insecure {
        note(ODD, "INSECURE", "tls.insecure is set: any certificate is accepted", screen);
    }
    if let Some(sentence) = pass.last(&probe.probe).and_then(expired_authority) {
        note(ODD, "EXPIRED", &sentence, screen);
    }
    if probe.flaky > 0 {
        let times = format::counted(probe.flaky, "check");
        note(ODD, "FLAKY", &format!("{times} failed, then passed on a later attempt"), screen);
    }
    if probe.counts.missed > 0 {
        let content = format!("{} due and not run", format::counted(probe.counts.missed, "check"));
        note(ODD, terminal::word(Verdict::Missed), &content, screen);
    }
    let Some(outcome) = pass.telling(&probe.probe).filter(|outcome| outcome.failure.is_some()) else { return };
    let style = terminal::style(outcome.verdict);
    if probe.counts.scheduled() > 1 {
        note(style, terminal::word(probe.verdict), &classes(probe), screen);
        let when = format::date_time(outcome.started_at);
        note(DIM, "last", &format!("{when} {}", evidence::reason(outcome)), screen);
    } else {
        note(style, terminal::word(outcome.verdict), &evidence::reason(outcome), screen);
    }
    if with_evidence {
        evidence_of(outcome, screen);
    }
}

/// That the trusted authority of a target is past its date, which this prober's TLS accepts and other
/// clients do not.
fn expired_authority(outcome: &Outcome) -> Option<String> {
    let is_expired = |certificate: &&ChainCertificate| {
        certificate.role == CertificateRole::Anchor && certificate.not_after < outcome.started_at
    };
    let authority = outcome.tls.as_ref().filter(|tls| tls.verified)?.chain.iter().find(is_expired)?;
    let date = format::date(authority.not_after);
    Some(format!(
        "the trusted authority {} expired on {date}: clients that hold it to its date fail",
        authority.subject
    ))
}

fn evidence_of(outcome: &Outcome, screen: &mut StyledText) {
    for fact in evidence::facts(outcome) {
        let EvidenceLine { label, text } = fact;
        if label == "repeat" {
            // Not wrapped: this line is there to be copied.
            screen.put(DIM, &format!("    {}", text::left(label, LABEL)));
            screen.plain(&text);
            screen.end();
        } else {
            note(DIM, label, &text, screen);
        }
    }
}

/// A labelled text with a hanging indent.
fn note(style: anstyle::Style, label: &str, content: &str, screen: &mut StyledText) {
    let room = screen.width().saturating_sub(4 + LABEL);
    let mut lines = text::wrap(content, room);
    if lines.len() > LINES_OF_A_FACT {
        lines.truncate(LINES_OF_A_FACT);
        lines.push("…".to_owned());
    }
    for (at, line) in lines.iter().enumerate() {
        let label = if at == 0 { label } else { "" };
        screen.plain("    ");
        screen.put(style, &text::left(label, LABEL));
        screen.plain(line);
        screen.end();
    }
}

fn summary(pass: &CheckReport, screen: &mut StyledText) {
    let style = terminal::style(pass.verdict);
    screen.put(style.bold(), &format!("{} {}", terminal::mark(pass.verdict), terminal::word(pass.verdict)));
    let phrases: Vec<String> = pass
        .surfaces
        .iter()
        .map(|surface| format!("{} {}", title(surface), surface_phrase(pass, surface, str::to_owned)))
        .collect();
    indented(BOLD, &format!("  {}", phrases.join(" · ")), terminal::word(pass.verdict).len() + 4, screen);
    let took = format::duration(pass.elapsed);
    indented(DIM, &format!("  {} · from {} · in {took}", counts_phrase(pass), pass.vantage), 2, screen);
    for surface in pass.surfaces.iter().filter(|surface| !surface.control && surface.counts.up > 0) {
        let line = format!("  {} latency: {}", title(surface), percentiles(&surface.latency));
        indented(DIM, &line, 2, screen);
    }
    indented(DIM, &format!("  {}", proof_sentence(&pass.proof)), 2, screen);
    if pass.maintenance.scheduled() > 0 {
        let n = format::counted(pass.maintenance.scheduled(), "check");
        indented(DIM, &format!("  {n} within maintenance: not judged"), 2, screen);
    }
    if pass.outcomes_left_out > 0 {
        let left_out = format::count(pass.outcomes_left_out);
        indented(DIM, &format!("  {left_out} outcomes are counted but not kept individually"), 2, screen);
    }
    let style = if pass.fails() { BAD } else { DIM };
    for sentence in judgement_sentences(pass) {
        indented(style, &format!("  {sentence}"), 2, screen);
    }
    if let Some(sentence) = insecure_sentence(pass) {
        indented(BAD, &format!("  {sentence}"), 2, screen);
    }
}

/// `p50 88.0 ms  p95 -  p99 -  max 105 ms of 4 up checks`.
fn percentiles(latency: &LatencySummary) -> String {
    let show = |time: Option<std::time::Duration>| time.map_or_else(|| "-".to_owned(), format::duration);
    format!(
        "p50 {}  p95 {}  p99 {}  max {}  of {}",
        show(latency.p50),
        show(latency.p95),
        show(latency.p99),
        show(latency.max),
        format::counted(latency.count, "up check")
    )
}

/// A text that starts where the line stands, its further lines indented.
fn indented(style: anstyle::Style, content: &str, indent: usize, screen: &mut StyledText) {
    let lead = content.len() - content.trim_start().len();
    let body = content.trim_start();
    let room = screen.width().saturating_sub(indent.max(lead));
    for (at, line) in text::wrap(body, room).iter().enumerate() {
        let blanks = if at == 0 { lead } else { indent };
        screen.plain(&" ".repeat(blanks));
        screen.put(style, line);
        screen.end();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::model::{Check, Failure, FailureClass, Probe, SafeText, TlsFacts};

    fn trusting_until(year: i32, verified: bool) -> Outcome {
        let at: Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
        let probe = Arc::new(Probe::plain("a", "web", "https://x.test/", Duration::from_secs(30)));
        let check = Check { probe, scheduled_at: at, lag: Duration::ZERO };
        let failure = Failure::new(FailureClass::Status, None, SafeText::message("no"));
        let mut outcome = Outcome::without_measurement(&check, "here", at, failure);
        let authority = |role, year: i32| ChainCertificate {
            role,
            subject: SafeText::message("CN=root"),
            not_before: Timestamp::UNIX_EPOCH,
            not_after: format!("{year}-01-01T00:00:00Z").parse().expect("an instant"),
            sha256: String::new(),
        };
        let chain = vec![authority(CertificateRole::Unused, 2000), authority(CertificateRole::Anchor, year)];
        outcome.tls = Some(TlsFacts { version: None, cipher: None, verified, certificate: None, chain });
        outcome
    }

    #[test]
    fn an_expired_authority_is_told_of_where_it_was_trusted() {
        let sentence = expired_authority(&trusting_until(2020, true)).expect("a sentence");
        assert!(sentence.contains("CN=root expired on 2020-01-01"), "{sentence}");
        assert_eq!(expired_authority(&trusting_until(2030, true)), None);
        assert_eq!(expired_authority(&trusting_until(2020, false)), None);
    }
}
