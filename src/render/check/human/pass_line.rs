//! One pass of several as a line, printed as it ends.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::format;
use crate::model::{Counts, Outcome, Verdict};
use crate::render::terminal::{DIM, StyledText, TerminalStyle};
use crate::render::{evidence, terminal};

use super::columns::answer;

/// `10:31:02  ✓ 200 h2 in 13.1 ms`, `10:31:03  ✗ 1 down, 2 up  home: status 503, expected 2xx`: a
/// pass of these checks and of `missed` more that were due but not run. Control targets are left
/// out.
pub(crate) fn pass_line(ended: Timestamp, outcomes: &[Arc<Outcome>], missed: u64, style: TerminalStyle) -> String {
    let judged: Vec<&Outcome> = outcomes.iter().map(|outcome| &**outcome).filter(|outcome| !outcome.control).collect();
    let mut counts = Counts { missed, ..Counts::default() };
    judged.iter().for_each(|outcome| counts.add(outcome.verdict, 1));
    let mut screen = StyledText::new(style);
    let zone = format::zone(style.utc);
    let time = ended.to_zoned_datetime(zone).strftime("%H:%M:%S").to_string();
    screen.put(DIM, &time);
    let verdict = counts.verdict();
    screen.plain("  ");
    screen.put(terminal::style(verdict), terminal::mark(verdict));
    screen.plain(&format!(" {}", found(&judged, counts)));
    screen.end();
    screen.finish()
}

fn found(outcomes: &[&Outcome], counts: Counts) -> String {
    let slowest = outcomes.iter().map(|outcome| outcome.timings.total).max().unwrap_or(Duration::ZERO);
    let slowest = format::duration(slowest);
    let failed: Vec<&&Outcome> = outcomes.iter().filter(|outcome| outcome.verdict != Verdict::Up).collect();
    match (outcomes, failed.as_slice()) {
        ([one], []) if counts.missed == 0 => {
            format!("{} in {slowest}", answer(one).unwrap_or_else(|| "answered".to_owned()))
        }
        ([one], [_]) => format!("{} in {slowest}", evidence::reason(one)),
        (_, []) => format!("{}  slowest {slowest}", numbers(counts)),
        (_, [first, more @ ..]) => {
            let more = if more.is_empty() { String::new() } else { format!(", and {} more", more.len()) };
            format!("{}  {}: {}{more}", numbers(counts), first.probe, evidence::reason(first))
        }
    }
}

/// `1 down, 2 up`
fn numbers(counts: Counts) -> String {
    let all = [(counts.down, "down"), (counts.unknown, "unknown"), (counts.missed, "missed"), (counts.up, "up")];
    let some = all.into_iter().filter(|(n, _)| *n > 0);
    some.map(|(n, word)| format!("{} {word}", format::count(n))).collect::<Vec<_>>().join(", ")
}
