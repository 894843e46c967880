//! The table of a pass: which columns there are, how wide, and the line of one probe.

use anstyle::Style;

use crate::check_report::{CheckReport, ProbeSummary};
use crate::format;
use crate::model::{Outcome, Phase, Verdict};
use crate::render::terminal::{BOLD, DIM, StyledText};
use crate::render::{terminal, text};

/// The blanks between two columns.
const GAP: usize = 2;

/// The mark and the blank after it.
const MARK: usize = 2;

/// The fewest columns a name is cut to.
const SHORTEST_NAME: usize = 12;

/// The columns from which on a name and all phases fit beside each other.
const LEAST_FOR_PHASES: usize = 72;

/// The fewest columns of a strip beside the numbers; with less room it has a line of its own.
const SHORTEST_STRIP: usize = 20;

/// The indent of a strip on its own line.
const STRIP_INDENT: usize = 4;

/// The most columns a name may take.
const LONGEST_NAME: usize = 48;

/// The table: one check a probe shows its phases, many show how they are distributed.
pub(super) struct Columns {
    name: usize,
    gap: usize,
    layout: Layout,
}

enum Layout {
    /// One check a probe. The phases that happened in any, where there is room for them.
    Single { phases: Vec<Phase> },
    /// Several checks a probe: counts, percentiles, and the verdicts in order.
    Many {
        /// The columns of a count.
        number: usize,
        /// Whether any check was unknown or missed.
        odd: bool,
        /// Where the verdicts in order go.
        strip: StripPosition,
    },
}

/// Where a strip goes, and its columns.
#[derive(Clone, Copy)]
enum StripPosition {
    /// On the line of the numbers.
    Beside(usize),
    /// On the line after.
    Below(usize),
}

/// A cell of a column after the name.
struct TableCell {
    text: String,
    style: Style,
    columns: usize,
}

impl Columns {
    /// The columns that fit a pass into a width.
    pub(super) fn of(pass: &CheckReport, width: usize) -> Columns {
        let wanted = pass.probes.iter().map(|probe| text::width(&probe.probe)).max().unwrap_or(0);
        let wanted = wanted.clamp(SHORTEST_NAME, LONGEST_NAME);
        let many = pass.probes.iter().any(|probe| probe.counts.scheduled() > 1);
        let mut layout = if many {
            let odd = pass.probes.iter().any(|probe| probe.counts.unknown + probe.counts.missed > 0);
            let most = pass.probes.iter().map(|probe| probe.counts.scheduled()).max().unwrap_or_default();
            Layout::Many { number: format::count(most).len().max(5), odd, strip: StripPosition::Beside(0) }
        } else {
            Layout::Single { phases: happened(pass) }
        };
        let room = |layout: &Layout, gap| width.saturating_sub(MARK + layout.taken(gap));
        // A name is worth more than air, and more than phases.
        let gap = if room(&layout, GAP) < wanted { 1 } else { GAP };
        if let Layout::Single { phases } = &mut layout
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

    /// The heading of a surface, with the names of the columns where it is the first.
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
    pub(super) fn row(&self, pass: &CheckReport, probe: &ProbeSummary, screen: &mut StyledText) {
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
                let (glyph, style) = glyph(verdicts);
                screen.put(style, glyph);
            }
        }
        screen.end();
    }
}

/// The phases that any check of a pass went through.
fn happened(pass: &CheckReport) -> Vec<Phase> {
    let in_any = |phase: &Phase| pass.outcomes.iter().any(|outcome| outcome.timings.phase(*phase).is_some());
    Phase::ALL.into_iter().filter(in_any).collect()
}

/// The verdicts of a run in as many cells as there is room for, each the same number of checks
/// in order, or one fewer.
fn cells_of_strip(verdicts: &[Verdict], room: usize) -> impl Iterator<Item = &[Verdict]> {
    let cells = room.min(verdicts.len());
    (0..cells).map(move |cell| {
        let at = |cell: usize| verdicts.len() * cell / cells;
        &verdicts[at(cell)..at(cell + 1)]
    })
}

/// The sign of a few checks in a row: height and shape tell them apart, not colour alone. A
/// failure is never hidden by the good checks around it.
fn glyph(verdicts: &[Verdict]) -> (&'static str, Style) {
    let n = |wanted: Verdict| verdicts.iter().filter(|verdict| **verdict == wanted).count();
    let down = n(Verdict::Down);
    let judged = down + n(Verdict::Up);
    let glyph = match down {
        0 if n(Verdict::Unknown) > 0 => return ("?", terminal::style(Verdict::Unknown)),
        0 if judged == 0 => return ("·", terminal::style(Verdict::Missed)),
        0 => return ("▂", terminal::style(Verdict::Up)),
        _ if down == judged => "█",
        _ if down * 2 >= judged => "▓",
        _ => "▒",
    };
    (glyph, terminal::style(Verdict::Down))
}

impl Layout {
    /// The columns taken by all cells.
    fn taken(&self, gap: usize) -> usize {
        self.headings().iter().map(|cell| gap + cell.columns).sum()
    }

    fn headings(&self) -> Vec<TableCell> {
        let cell = |text: &str, columns: usize| TableCell { text: text.to_owned(), style: DIM, columns };
        match self {
            Layout::Single { phases } => {
                let mut cells = vec![cell("answer", 6), cell("total", 7)];
                cells.extend(phases.iter().map(|phase| cell(phase.name(), phase.name().len().max(6))));
                cells
            }
            Layout::Many { number, odd, .. } => {
                let mut cells = vec![cell("checks", 6.max(*number)), cell("up", *number), cell("down", *number)];
                if *odd {
                    cells.extend([cell("unknown", 7.max(*number)), cell("missed", 6.max(*number))]);
                }
                cells.extend([cell("p50", 6), cell("p95", 6), cell("p99", 6), cell("max", 6)]);
                cells
            }
        }
    }

    fn cells(&self, pass: &CheckReport, probe: &ProbeSummary) -> Vec<TableCell> {
        let texts = match self {
            Layout::Single { phases } => single(pass.last(&probe.probe), phases),
            Layout::Many { odd, .. } => many(probe, *odd),
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
    let version = outcome.http_version.map_or("", |version| match version {
        crate::model::HttpVersion::V2 => " h2",
        crate::model::HttpVersion::V1_1 => " h1",
        crate::model::HttpVersion::V1_0 => " h0",
    });
    let answer = outcome.status.map_or_else(|| "-".to_owned(), |status| format!("{status}{version}"));
    // A check that was not begun took no time, and 0 µs would be a measurement.
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

/// The cells of many checks.
fn many(probe: &ProbeSummary, odd: bool) -> Vec<(String, Style)> {
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
    let latency = &probe.latency;
    for time in [latency.p50, latency.p95, latency.p99, latency.max] {
        cells.push((format::duration_cell(time), if time.is_none() { DIM } else { Style::new() }));
    }
    cells
}
