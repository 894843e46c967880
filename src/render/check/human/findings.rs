//! The lines below a probe: why it was not up, other notes, and, if asked for, the requests and
//! responses.

use crate::check_report::ProbeSummary;
use crate::format;
use crate::model::{CertificateRole, ChainCertificate, HttpExchange, Outcome, SafeText, Verdict};
use crate::render::check::indexed_report::IndexedReport;
use crate::render::check::phrases::{classes, warnings};
use crate::render::evidence::EvidenceLine;
use crate::render::terminal::{BOLD, DIM, StyledText, WARN};
use crate::render::{evidence, terminal, text};

/// The most lines of one piece of evidence.
const LINES_OF_A_FACT: usize = 6;

/// The columns of a label of evidence.
const LABEL: usize = 12;

/// The most characters of a body that are laid out at once: one line may be a mebibyte long.
const CHARACTERS_AT_A_TIME: usize = 8 * 1024;

/// Writes the lines below a probe: notes, why it was not up, and the evidence.
pub(super) fn write(pass: &IndexedReport<'_>, probe: &ProbeSummary, with_evidence: bool, screen: &mut StyledText) {
    notes(pass, probe, screen);
    let Some(outcome) = pass.most_informative(&probe.probe) else { return };
    if outcome.failure.is_some() {
        reason(probe, outcome, screen);
    }
    evidence_of(outcome, with_evidence, screen);
}

/// Whether a probe has notes, even if it is up.
pub(super) fn has_notes(pass: &IndexedReport<'_>, probe: &ProbeSummary) -> bool {
    let last = pass.last(&probe.probe);
    probe.insecure
        || probe.flaky > 0
        || probe.counts.missed > 0
        || !probe.unmet_warnings.is_empty()
        || last.is_some_and(|last| expired_authority(last).is_some())
}

/// Notes on a probe that apply whatever the results of its checks are.
pub(super) fn notes(pass: &IndexedReport<'_>, probe: &ProbeSummary, screen: &mut StyledText) {
    if probe.insecure {
        note(WARN, "INSECURE", "tls.insecure is set: any certificate is accepted", screen);
    }
    if let Some(sentence) = pass.last(&probe.probe).and_then(expired_authority) {
        note(WARN, "EXPIRED", &sentence, screen);
    }
    if probe.flaky > 0 {
        let times = format::counted(probe.flaky, "check");
        note(WARN, "FLAKY", &format!("{times} failed, then passed on a later attempt"), screen);
    }
    if probe.counts.missed > 0 {
        let content = format!("{} due and not run", format::counted(probe.counts.missed, "check"));
        note(WARN, terminal::word(Verdict::Missed), &content, screen);
    }
    for warning in warnings(probe) {
        note(WARN, "WARNING", &warning, screen);
    }
}

/// The evidence of a check: in full with `--verbose`, otherwise only `with_evidence`.
pub(super) fn evidence_of(outcome: &Outcome, with_evidence: bool, screen: &mut StyledText) {
    let facts = match (screen.has_detail(), with_evidence) {
        (true, _) => evidence::details(outcome),
        (false, true) => evidence::facts(outcome),
        (false, false) => Vec::new(),
    };
    facts.into_iter().for_each(|fact| line_of(fact, screen));
    what_came(&outcome.exchanges, screen);
}

/// Why a probe was not up.
fn reason(probe: &ProbeSummary, outcome: &Outcome, screen: &mut StyledText) {
    let style = terminal::style(outcome.verdict);
    if probe.counts.scheduled() > 1 {
        if probe.verdict == Verdict::Up {
            let checks = format::counted(probe.counts.scheduled(), "check");
            let content = format!("{} of {checks} failed: {}", format::count(probe.counts.down), classes(probe));
            note(WARN, "FLAKY", &content, screen);
        } else {
            note(style, terminal::word_of(probe.verdict, probe.state), &classes(probe), screen);
        }
        let when = format::date_time(outcome.started_at);
        note(DIM, "last", &format!("{when} {}", evidence::reason(outcome)), screen);
    } else {
        note(style, terminal::word(outcome.verdict), &evidence::reason(outcome), screen);
    }
}

/// The headers of all requests and responses if headers are wanted, otherwise the head of the last
/// response, if it was kept; then its body.
fn what_came(exchanges: &[HttpExchange], screen: &mut StyledText) {
    let Some(last) = exchanges.last() else { return };
    if screen.has_headers() {
        for exchange in exchanges {
            head(">", &format!("{} {}", exchange.method, exchange.url), &exchange.request_headers, screen);
            head("<", &status_line(exchange), &exchange.response_headers, screen);
        }
    } else if !last.response_headers.is_empty() {
        head("", &status_line(last), &last.response_headers, screen);
        screen.end();
    }
    if let Some(body) = &last.body {
        body.lines().for_each(|line| line_of_body(line, screen));
    }
    if let Some(sentence) = &last.note {
        note(WARN, "NOTE", sentence.as_str(), screen);
    }
}

/// `HTTP/2 200`
fn status_line(exchange: &HttpExchange) -> String {
    let Some(status) = exchange.status else { return "no answer".to_owned() };
    exchange.http_version.map_or_else(|| status.to_string(), |version| format!("HTTP/{} {status}", version.name()))
}

/// The first line and the headers of a message, each line after a mark.
fn head(mark: &str, first: &str, headers: &[(String, SafeText)], screen: &mut StyledText) {
    let mark = if mark.is_empty() { String::new() } else { format!("{mark} ") };
    let room = screen.width().saturating_sub(4 + mark.len());
    let mut line = |style, content: &str| {
        for (at, part) in text::wrap(content, room).iter().enumerate() {
            screen.plain(if at == 0 { "    " } else { "      " });
            screen.put(DIM, &mark);
            screen.put(style, part);
            screen.end();
        }
    };
    line(BOLD, first);
    headers.iter().for_each(|(name, value)| line(anstyle::Style::new(), &format!("{name}: {value}")));
}

/// A line of a body. It is not wrapped, so that it can be copied.
fn line_of_body(line: &str, screen: &mut StyledText) {
    let line = line.replace('\t', "    ");
    screen.plain("    ");
    let mut rest = line.as_str();
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(CHARACTERS_AT_A_TIME));
        screen.plain(piece);
        rest = after;
    }
    screen.end();
}

/// A sentence if the trusted authority of a target has expired: this prober's TLS accepts it, other
/// clients do not. `None` otherwise.
fn expired_authority(outcome: &Outcome) -> Option<String> {
    let is_expired = |certificate: &&ChainCertificate| {
        certificate.role == CertificateRole::Anchor && certificate.not_after < outcome.started_at
    };
    let authority = outcome.tls.as_ref().filter(|tls| tls.verified)?.chain.iter().find(is_expired)?;
    let date = format::date(authority.not_after);
    Some(format!("the trusted authority {} expired on {date}: clients that check its date fail", authority.subject))
}

fn line_of(fact: EvidenceLine, screen: &mut StyledText) {
    let EvidenceLine { label, text } = fact;
    if label == "repeat" {
        // Not wrapped, so that it can be copied.
        screen.put(DIM, &format!("    {}", text::left(label, LABEL)));
        screen.plain(&text);
        screen.end();
    } else {
        note(DIM, label, &text, screen);
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use jiff::Timestamp;

    use super::*;
    use crate::model::{Check, Failure, FailureClass, Probe, TlsFacts};

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
