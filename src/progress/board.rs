//! The board of `watch`: a line for each surface and each probe, redrawn a few times a second.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::row::Row;
use super::target;
use crate::model::{Outcome, Probe, Verdict};

/// The time between two drawings: what an eye follows, and no work to speak of.
const REDRAW: Duration = Duration::from_millis(200);
/// Probes shown at most; where there are more, those that are not up come first.
const MOST_ROWS: usize = 24;

/// A board of the probes of a run.
pub struct Board {
    bars: Vec<ProgressBar>,
    rows: Vec<Row>,
    started: Instant,
    drawn: Option<Instant>,
    footer: String,
    multi: MultiProgress,
}

impl Board {
    /// A board for these probes. Not `visible`, it draws nothing and costs nothing.
    #[must_use]
    pub fn new(probes: &[Arc<Probe>], footer: String, colour: bool, visible: bool) -> Board {
        let multi = MultiProgress::with_draw_target(target(visible));
        let width = probes.iter().map(|probe| probe.name.chars().count()).max().unwrap_or(0).clamp(5, 28);
        let rows: Vec<Row> = probes.iter().map(|probe| Row::new(Arc::clone(probe), width, colour)).collect();
        let surfaces = rows.iter().map(Row::surface).collect::<std::collections::BTreeSet<_>>().len();
        let lines = if visible { 2 + surfaces + rows.len().min(MOST_ROWS) } else { 0 };
        // The template is a constant, so an error here is impossible; the default serves as well.
        let style = ProgressStyle::with_template("{wide_msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let bars = (0..lines).map(|_| multi.add(ProgressBar::new(0).with_style(style.clone()))).collect();
        Board { bars, rows, started: Instant::now(), drawn: None, footer, multi }
    }

    /// Takes an outcome in.
    pub fn record(&mut self, outcome: &Outcome) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.name() == outcome.probe) {
            row.record(outcome);
        }
        self.draw_if_due();
    }

    /// Takes in that a probe was due and not run.
    pub fn record_missed(&mut self, probe: &str) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.name() == probe) {
            row.record_missed();
        }
        self.draw_if_due();
    }

    /// Draws, unless it did a moment ago.
    pub fn draw_if_due(&mut self) {
        if self.bars.is_empty() || self.drawn.is_some_and(|drawn| drawn.elapsed() < REDRAW) {
            return;
        }
        self.drawn = Some(Instant::now());
        let lines = self.lines();
        for (bar, line) in self.bars.iter().zip(lines) {
            bar.set_message(line);
        }
    }

    /// Says something above the board.
    pub fn say(&self, text: &str) {
        self.multi.suspend(|| {
            use std::io::Write as _;
            // Where nobody listens any more, that is no reason to stop.
            let _ = writeln!(std::io::stderr(), "{text}");
        });
    }

    /// Leaves the board on the screen as it is and goes on below it. A terminal that echoes Ctrl-C
    /// has moved the cursor by then, so that drawing over the board would miss it by a line.
    pub fn freeze(&mut self) {
        if !self.bars.is_empty() {
            self.multi.set_draw_target(target(false));
            self.bars.clear();
            self.say("");
        }
    }

    /// Takes the board away.
    pub fn finish(self) {
        // An error means that the terminal is gone, and the board with it.
        let _ = self.multi.clear();
    }

    fn lines(&self) -> Vec<String> {
        let elapsed = self.started.elapsed();
        let mut order: Vec<&Row> = self.rows.iter().collect();
        if order.len() > MOST_ROWS {
            order.sort_by_key(|row| row.last() == Some(Verdict::Up));
            order.truncate(MOST_ROWS);
        }
        order.sort_by_key(|row| row.surface());
        let mut lines = vec![Row::header(self.rows.first())];
        let mut surface = None;
        for row in order {
            if surface != Some(row.surface()) {
                surface = Some(row.surface());
                lines.push(self.surface_line(row.surface()));
            }
            lines.push(row.line(elapsed));
        }
        lines.truncate(self.bars.len().saturating_sub(1));
        lines.push(self.footer.clone());
        lines
    }

    fn surface_line(&self, surface: &str) -> String {
        let rows = self.rows.iter().filter(|row| row.surface() == surface);
        let (mut up, mut down, mut other) = (0, 0, 0);
        for row in rows {
            match row.last() {
                Some(Verdict::Up) => up += 1,
                Some(Verdict::Down) => down += 1,
                _ => other += 1,
            }
        }
        let mut text = format!("{surface}  {up} up");
        if down > 0 {
            text.push_str(&format!("  {down} down"));
        }
        if other > 0 {
            text.push_str(&format!("  {other} not known"));
        }
        text
    }
}
