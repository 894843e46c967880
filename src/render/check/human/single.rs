//! One check of one probe: a line, and its evidence below.

use crate::check_report::ProbeSummary;
use crate::format;
use crate::model::Outcome;
use crate::render::check::indexed_report::IndexedReport;
use crate::render::check::phrases::verdict_words;
use crate::render::terminal::{BOLD, DIM, StyledText};
use crate::render::{evidence, text};

use super::columns::answer;
use super::layout::indented;
use super::{findings, summary};

/// The default vantage, which is not printed.
const USUAL_VANTAGE: &str = "local";

/// The only probe of a run and its only check; `None` if there are more.
pub(super) fn only_check<'p>(pass: &'p IndexedReport<'_>) -> Option<(&'p ProbeSummary, &'p Outcome)> {
    match pass.probes.as_slice() {
        [probe] if probe.counts.scheduled() == 1 => Some((probe, pass.last(&probe.probe)?)),
        _ => None,
    }
}

/// `✓ UP  home  200 h2 in 106 ms: resolve 310 µs, connect 4.2 ms, processing 88.0 ms, transfer 1.2 ms`.
pub(super) fn write(pass: &IndexedReport<'_>, probe: &ProbeSummary, outcome: &Outcome, screen: &mut StyledText) {
    let (mark, style, words) = verdict_words(pass);
    let lead = format!("{mark} {words}");
    screen.put(style.bold(), &lead);
    screen.put(BOLD, &format!("  {}", probe.probe));
    let taken = text::width(&lead) + 2 + text::width(&probe.probe);
    let from = if pass.vantage == USUAL_VANTAGE { String::new() } else { format!(" · from {}", pass.vantage) };
    if outcome.failure.is_some() {
        let reason = format!("  {}{from}", evidence::reason(outcome));
        if taken + text::width(&reason) <= screen.width() {
            screen.plain(&reason);
            screen.end();
        } else {
            screen.end();
            indented(anstyle::Style::new(), &format!("    {}", reason.trim_start()), 4, screen);
        }
    } else {
        let answered = answer(outcome).unwrap_or_else(|| "answered".to_owned());
        let short = format!("  {answered} in {}{from}", format::duration(outcome.timings.total));
        let whole = format!("  {answered} in {}{from}", evidence::times(&outcome.timings));
        let fits = taken + text::width(&whole) <= screen.width();
        screen.put(DIM, if fits { &whole } else { &short });
        screen.end();
    }
    findings::notes(pass, probe, screen);
    findings::evidence_of(outcome, true, screen);
    summary::remarks(pass, screen);
}
