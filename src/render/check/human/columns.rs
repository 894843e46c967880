//! The table of a run: which columns it has, how wide they are, and the line of one probe.

use std::time::Duration;

use anstyle::Style;

use crate::check_report::{CheckReport, ProbeSummary};
use crate::format;
use crate::format::{CHECK_LEGEND, STRIP_LEGEND, StripCell};
use crate::model::{HttpVersion, Outcome, Phase, Verdict};
use crate::render::check::indexed_report::IndexedReport;
use crate::render::terminal::{BOLD, DIM, StyledText};
use crate::render::{terminal, text};
use crate::report::LatencySummary;

/// The blanks between two columns.
const GAP: usize = 2;

/// The columns of the mark and the blank after it.
const MARK: usize = 2;

/// The fewest columns that a name is cut to.
const SHORTEST_NAME: usize = 12;

/// The least width at which a name and all phases fit beside each other.
const LEAST_FOR_PHASES: usize = 72;

/// The fewest columns of a strip beside the numbers; with less room it has its own line.
const SHORTEST_STRIP: usize = 20;

/// The indent of a strip on its own line.
const STRIP_INDENT: usize = 4;

/// The most columns of a name.
const LONGEST_NAME: usize = 48;

/// The table. With one check per probe it shows phases, with several the distribution of times.
pub(super) struct Columns {
    name: usize,
    gap: usize,
    layout: Layout,
}

enum Layout {
    /// One check per probe. `phases` are those that happened in any check; empty if there is no
    /// room for them.
    Single {
        /// The columns of the response: `200 h1.0` takes two more than the others.
        answer: usize,
        phases: Vec<Phase>,
    },
    /// Several checks per probe: counts, percentiles, and the verdicts in order.
    Many {
        /// The columns of a count.
        number: usize,
        /// Whether any check was unknown or missed.
        odd: bool,
        /// The percentiles that at least one probe has.
        times: Vec<TimeColumn>,
        /// Where the verdicts in order are.
        strip: StripPosition,
    },
}

/// The name of a percentile, and how to get it from a summary.
type TimeColumn = (&'static str, fn(&LatencySummary) -> Option<Duration>);

const TIMES: [TimeColumn; 4] = [
    ("p50", |latency| latency.p50),
    ("p95", |latency| latency.p95),
    ("p99", |latency| latency.p99),
    ("max", |latency| latency.max),
];

/// The position of a strip, and its columns.
#[derive(Clone, Copy)]
enum StripPosition {
    /// On the line of the numbers.
    Beside(usize),
    /// On the next line.
    Below(usize),
}

/// A cell of a column after the name.
struct TableCell {
    text: String,
    style: Style,
    columns: usize,
}

impl Columns {
    /// The columns that fit a run into a width.
    pub(super) fn of(pass: &CheckReport, width: usize) -> Columns {
        let wanted = pass.probes.iter().map(|probe| text::width(&probe.probe)).max().unwrap_or(0);
        let wanted = wanted.clamp(SHORTEST_NAME, LONGEST_NAME);
        let many = pass.probes.iter().any(|probe| probe.counts.scheduled() > 1);
        let mut layout = if many {
            let odd = pass.probes.iter().any(|probe| probe.counts.unknown + probe.counts.missed > 0);
            let most = pass.probes.iter().map(|probe| probe.counts.scheduled()).max().unwrap_or_default();
            Layout::Many {
                number: format::count(most).len().max(5),
                odd,
                times: known_times(pass),
                strip: StripPosition::Beside(0),
            }
        } else {
            let answers = pass.outcomes.iter().filter_map(answer).map(|answer| answer.len());
            Layout::Single { answer: answers.max().unwrap_or_default().max(6), phases: happened(pass) }
        };
        let room = |layout: &Layout, gap| width.saturating_sub(MARK + layout.taken(gap));
        // A full name is more important than wide gaps and than phases.
        let gap = if room(&layout, GAP) < wanted { 1 } else { GAP };
        if let Layout::Single { phases, .. } = &mut layout
            && width < LEAST_FOR_PHASES
        {
            phases.clear();
        }
        let room = room(&layout, gap);
        let name = wanted.min(room.max(SHORTEST_NAME));
        if let Layout::Many { strip, .. } = &mut layout {
            let beside = room.saturating_sub(name + GAP);
            *strip = if beside >= SHORTEST_STRIP {
                StripPosition::Beside(beside)
            } else {
                StripPosition::Below(width - STRIP_INDENT)
            };
        }
        Columns { name, gap, layout }
    }

    /// The heading of a surface, with the names of the columns if it is the first.
    pub(super) fn heading(&self, title: &str, first: bool, screen: &mut StyledText) {
        screen.put(BOLD, &text::left(title, MARK + self.name));
        let cells = if first { self.layout.headings() } else { Vec::new() };
        for cell in cells {
            screen.plain(&" ".repeat(self.gap));
            screen.put(DIM, &text::right(&cell.text, cell.columns));
        }
        screen.end();
    }

    /// The line of one probe.
    pub(super) fn row(&self, pass: &IndexedReport<'_>, probe: &ProbeSummary, screen: &mut StyledText) {
        let style = terminal::style(probe.verdict);
        screen.put(style, terminal::mark(probe.verdict));
        screen.plain(" ");
        let name = if probe.verdict == Verdict::Up { Style::new() } else { BOLD };
        screen.put(name, &text::left(&probe.probe, self.name));
        for cell in self.layout.cells(pass, probe) {
            screen.plain(&" ".repeat(self.gap));
            screen.put(cell.style, &text::right(&cell.text, cell.columns));
        }
        if let Layout::Many { strip, .. } = self.layout {
            let columns = match strip {
                StripPosition::Beside(columns) => {
                    screen.plain(&" ".repeat(GAP));
                    columns
                }
                StripPosition::Below(columns) => {
                    screen.end();
                    screen.plain(&" ".repeat(STRIP_INDENT));
                    columns
                }
            };
            for verdicts in cells_of_strip(&probe.verdicts(), columns) {
                let cell = cell_of(verdicts);
                screen.put(terminal::strip_style(cell), cell.sign());
            }
        }
        screen.end();
    }

    /// The meaning of the signs of the strips; `None` if there are no strips.
    pub(super) fn legend(&self, pass: &CheckReport) -> Option<&'static str> {
        let Layout::Many { strip: StripPosition::Beside(columns) | StripPosition::Below(columns), .. } = self.layout
        else {
            return None;
        };
        let most = pass.probes.iter().map(|probe| probe.counts.scheduled()).max().unwrap_or_default();
        Some(if most > columns as u64 { STRIP_LEGEND } else { CHECK_LEGEND })
    }
}

/// The percentiles that at least one probe has enough checks for.
fn known_times(pass: &CheckReport) -> Vec<TimeColumn> {
    let in_any = |column: &TimeColumn| pass.probes.iter().any(|probe| column.1(&probe.latency).is_some());
    let known: Vec<TimeColumn> = TIMES.into_iter().filter(in_any).collect();
    // Show at least one, so that its absence is visible.
    if known.is_empty() { vec![("max", |latency| latency.max)] } else { known }
}

/// The phases that any check of the run went through.
fn happened(pass: &CheckReport) -> Vec<Phase> {
    let in_any = |phase: &Phase| pass.outcomes.iter().any(|outcome| outcome.timings.phase(*phase).is_some());
    Phase::ALL.into_iter().filter(in_any).collect()
}

/// Divides the verdicts of a run into at most `room` cells, in order. The numbers of checks per
/// cell differ by at most one.
fn cells_of_strip(verdicts: &[Verdict], room: usize) -> impl Iterator<Item = &[Verdict]> {
    let cells = room.min(verdicts.len());
    (0..cells).map(move |cell| {
        let at = |cell: usize| verdicts.len() * cell / cells;
        &verdicts[at(cell)..at(cell + 1)]
    })
}

/// The cell of consecutive checks.
fn cell_of(verdicts: &[Verdict]) -> StripCell {
    let n = |wanted: Verdict| verdicts.iter().filter(|verdict| **verdict == wanted).count() as u64;
    StripCell::of(n(Verdict::Up) + n(Verdict::Down), n(Verdict::Down), n(Verdict::Unknown))
}

impl Layout {
    /// The columns that all cells take.
    fn taken(&self, gap: usize) -> usize {
        self.headings().iter().map(|cell| gap + cell.columns).sum()
    }

    fn headings(&self) -> Vec<TableCell> {
        let cell = |text: &str, columns: usize| TableCell { text: text.to_owned(), style: DIM, columns };
        match self {
            Layout::Single { answer, phases } => {
                let mut cells = vec![cell("answer", *answer), cell("total", 7)];
                cells.extend(phases.iter().map(|phase| cell(phase.name(), phase.name().len().max(6))));
                cells
            }
            Layout::Many { number, odd, times, .. } => {
                let mut cells = vec![cell("checks", 6.max(*number)), cell("up", *number), cell("down", *number)];
                if *odd {
                    cells.extend([cell("unknown", 7.max(*number)), cell("missed", 6.max(*number))]);
                }
                cells.extend(times.iter().map(|(name, _)| cell(name, 6)));
                cells
            }
        }
    }

    fn cells(&self, pass: &IndexedReport<'_>, probe: &ProbeSummary) -> Vec<TableCell> {
        let texts = match self {
            Layout::Single { phases, .. } => single(pass.last(&probe.probe), phases),
            Layout::Many { odd, times, .. } => many(probe, *odd, times),
        };
        let place = |(heading, (text, style)): (TableCell, (String, Style))| TableCell {
            text,
            style,
            columns: heading.columns,
        };
        self.headings().into_iter().zip(texts).map(place).collect()
    }
}

/// The cells of one check.
fn single(outcome: Option<&Outcome>, phases: &[Phase]) -> Vec<(String, Style)> {
    let Some(outcome) = outcome else {
        return std::iter::repeat_n(("-".to_owned(), DIM), 2 + phases.len()).collect();
    };
    let answer = answer(outcome).unwrap_or_else(|| "-".to_owned());
    // A check that did not start took no time, but 0 µs would look like a measurement.
    let measured = Some(outcome.timings.total).filter(|total| !total.is_zero());
    let total = (format::duration_cell(measured), Style::new());
    let broke_in = outcome.failure.as_ref().and_then(|failure| failure.phase);
    let mut cells = vec![(answer, Style::new()), total];
    cells.extend(phases.iter().map(|phase| {
        let style = if broke_in == Some(*phase) { terminal::style(outcome.verdict) } else { DIM };
        (format::duration_cell(outcome.timings.phase(*phase)), style)
    }));
    cells
}

/// The status and the HTTP version of a response: `200 h2`. `None` without a status.
pub(super) fn answer(outcome: &Outcome) -> Option<String> {
    let version = outcome.http_version.map_or("", |version| match version {
        HttpVersion::V3 => " h3",
        HttpVersion::V2 => " h2",
        HttpVersion::V1_1 => " h1",
        HttpVersion::V1_0 => " h1.0",
    });
    outcome.status.map(|status| format!("{status}{version}"))
}

/// The cells of many checks.
fn many(probe: &ProbeSummary, odd: bool, times: &[TimeColumn]) -> Vec<(String, Style)> {
    let counts = probe.counts;
    let number = |n: u64, style: Style| (format::count(n), if n == 0 { DIM } else { style });
    let mut cells = vec![
        number(counts.scheduled(), Style::new()),
        number(counts.up, Style::new()),
        number(counts.down, terminal::style(Verdict::Down)),
    ];
    if odd {
        cells.push(number(counts.unknown, terminal::style(Verdict::Unknown)));
        cells.push(number(counts.missed, terminal::style(Verdict::Unknown)));
    }
    for (_, time) in times {
        let time = time(&probe.latency);
        cells.push((format::duration_cell(time), if time.is_none() { DIM } else { Style::new() }));
    }
    cells
}
