//! The board of `watch`: it shows what is down first, on a screen of any size, with any number of
//! probes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anstyle::AnsiColor;
use jiff::Timestamp;

use super::painter::View;
use super::row::{Columns, Row, short_duration};
use super::screen::{Screen, width};
use crate::format;
use crate::format::CHECK_LEGEND;
use crate::model::{Outcome, Probe, Verdict};
use crate::plan;

/// The most incidents that are named above the rows; the others are counted.
const INCIDENTS: usize = 3;

/// What a board shows about its run.
#[derive(Clone, Debug)]
pub(crate) struct BoardFacts {
    /// The vantage of this prober.
    pub(crate) vantage: String,
    /// Where the run records; `None` if it does not.
    pub(crate) journal: Option<String>,
    /// Whether the screen shows colours.
    pub(crate) colour: bool,
    /// Whether only ASCII may be used.
    pub(crate) ascii: bool,
    /// Whether times of day are in UTC.
    pub(crate) utc: bool,
}

/// The probes of a watch, each with its last checks.
pub(crate) struct Board {
    facts: BoardFacts,
    rows: Vec<Row>,
    /// The index of each probe in `rows`.
    places: BTreeMap<String, usize>,
    /// The surfaces with an open incident, since when, and what fails now where that is something else than at first.
    incidents: Vec<(String, Timestamp, Option<String>)>,
    started: Instant,
}

impl Board {
    /// A board for these probes.
    #[must_use]
    pub(crate) fn new(probes: &[Arc<Probe>], facts: BoardFacts) -> Board {
        let (rows, places, incidents) = (Vec::new(), BTreeMap::new(), Vec::new());
        let mut board = Board { facts, rows, places, incidents, started: Instant::now() };
        board.replace_probes(probes);
        board
    }

    /// Shows these probes from now on. Those that stay keep their checks.
    pub(crate) fn replace_probes(&mut self, probes: &[Arc<Probe>]) {
        let mut old: BTreeMap<String, Row> =
            std::mem::take(&mut self.rows).into_iter().map(|row| (row.probe().name.clone(), row)).collect();
        self.rows = probes
            .iter()
            .map(|probe| match old.remove(&probe.name) {
                Some(row) if row.probe().shown_url() == probe.shown_url() => row.with_probe(Arc::clone(probe)),
                _ => Row::new(Arc::clone(probe)),
            })
            .collect();
        self.places = self.rows.iter().enumerate().map(|(at, row)| (row.probe().name.clone(), at)).collect();
    }

    /// Adds an outcome.
    pub(crate) fn record(&mut self, outcome: &Outcome) {
        if let Some(place) = self.places.get(&outcome.probe) {
            self.rows[*place].record(outcome);
        }
    }

    /// Shows these surfaces as those with an open incident, each with its start.
    pub(crate) fn show_incidents(&mut self, incidents: Vec<(String, Timestamp, Option<String>)>) {
        self.incidents = incidents;
    }

    /// Adds a check that was due but not run.
    pub(crate) fn record_missed(&mut self, probe: &str) {
        if let Some(place) = self.places.get(probe) {
            self.rows[*place].record_missed();
        }
    }

    /// `uptick watch   12m   next in 3 s   vantage local   journal uptick-journal`: long parts are
    /// last.
    fn header(&self) -> String {
        let elapsed = self.started.elapsed();
        let now = Timestamp::now();
        let next = self.rows.iter().filter_map(|row| plan::until_next(row.probe(), elapsed, now)).min();
        let next = next.map(|next| format!("   next in {:.0} s", next.as_secs_f64().ceil())).unwrap_or_default();
        let journal =
            self.facts.journal.as_ref().map_or("   not recorded".to_owned(), |path| format!("   journal {path}"));
        let seconds = Duration::from_secs(elapsed.as_secs());
        let since = if seconds.is_zero() { "0s".to_owned() } else { short_duration(seconds).replace(".0s", "s") };
        format!("uptick watch   {since}{next}   vantage {}{journal}", self.facts.vantage)
    }

    /// A line for each open incident.
    fn incident_lines(&self) -> Vec<String> {
        let open = &self.incidents;
        let zone = format::zone(self.facts.utc);
        let named = |(surface, since, now): &(String, Timestamp, Option<String>)| {
            let time = zone.to_datetime(*since).strftime("%H:%M:%S").to_string();
            let now = now.as_ref().map(|now| format!(", now {now}")).unwrap_or_default();
            let text = format!("open incident: {surface} since {time}{now}");
            let style = AnsiColor::Red.on_default().bold();
            if self.facts.colour { format!("{style}{text}{style:#}") } else { text }
        };
        let mut lines: Vec<String> = open.iter().take(INCIDENTS).map(named).collect();
        if open.len() > INCIDENTS {
            lines.push(format!("and {} more open incidents", open.len() - INCIDENTS));
        }
        lines
    }

    /// All rows, grouped by surface, the worst first, if there is room for them. Otherwise the counts of each
    /// surface, as many rows as fit, most urgent first, and the number of the others.
    fn body(&self, columns: Columns, screen: Screen, room: usize) -> Vec<String> {
        let mut worst: BTreeMap<&str, u8> = BTreeMap::new();
        for row in &self.rows {
            let of_surface = worst.entry(row.probe().surface.as_str()).or_insert(u8::MAX);
            *of_surface = (*of_surface).min(urgency(row.last()));
        }
        let mut surfaces: Vec<&str> = worst.keys().copied().collect();
        surfaces.sort_by_key(|surface| worst[surface]);
        if surfaces.len() + self.rows.len() <= room {
            return self.grouped(&surfaces, columns);
        }
        let mut order: Vec<&Row> = self.rows.iter().collect();
        order
            .sort_by_cached_key(|row| (urgency(row.last()), !row.has_failed(), !row.is_warned(), &row.probe().surface));
        let shown = room.saturating_sub(2);
        let mut lines = vec![self.surface_counts(screen.width)];
        lines.extend(order.iter().take(shown).map(|row| row.line(columns)));
        let others = &order[shown.min(order.len())..];
        if !others.is_empty() {
            lines.push(format!("  +{}", counted(others)));
        }
        lines
    }

    /// `app: 5 of 100 down   web: 200 up`, the worst first, as many as fit on a line.
    fn surface_counts(&self, room: usize) -> String {
        let mut surfaces: BTreeMap<&str, [usize; URGENT.len()]> = BTreeMap::new();
        for row in &self.rows {
            surfaces.entry(row.probe().surface.as_str()).or_default()[usize::from(urgency(row.last()))] += 1;
        }
        let counted = surfaces.into_iter().filter_map(|(surface, counts)| {
            let worst = counts.iter().position(|n| *n > 0)?;
            let (n, all) = (counts[worst], counts.iter().sum::<usize>());
            let of = if n < all { format!(" of {all}") } else { String::new() };
            Some((worst, n, format!("{surface}: {n}{of} {}", URGENT[worst])))
        });
        let mut counts: Vec<(usize, usize, String)> = counted.collect();
        counts.sort_by_key(|(worst, n, _)| (*worst, std::cmp::Reverse(*n)));
        let mut line = String::new();
        for (at, (_, _, text)) in counts.iter().enumerate() {
            let (gap, left) = (if at > 0 { "   " } else { "" }, counts.len() - at);
            let more = if left > 1 { format!("   +{left} more") } else { String::new() };
            if at > 0 && width(&line) + gap.len() + width(text) + more.len() > room {
                line.push_str(&format!("   +{left} more"));
                break;
            }
            line.push_str(gap);
            line.push_str(text);
        }
        line
    }

    fn grouped(&self, surfaces: &[&str], columns: Columns) -> Vec<String> {
        let mut lines = Vec::new();
        for surface in surfaces {
            let mut rows: Vec<&Row> = self.rows.iter().filter(|row| row.probe().surface == *surface).collect();
            lines.push(format!("{surface}  {}", counted(&rows).replace(" more", "")));
            rows.sort_by_cached_key(|row| (urgency(row.last()), !row.has_failed(), !row.is_warned()));
            lines.extend(rows.iter().map(|row| row.line(columns)));
        }
        lines
    }
}

impl View for Board {
    fn lines(&self, screen: Screen) -> Vec<String> {
        let names = self.rows.iter().map(|row| row.probe().name.as_str());
        let columns = Columns::of(names, screen.width, self.facts.colour);
        let incidents = self.incident_lines();
        // Minus the header, the heading, the footer, and the row of the cursor.
        let room = screen.height.saturating_sub(4 + incidents.len());
        let mut lines = vec![self.header()];
        lines.extend(incidents);
        lines.push(Row::header(columns));
        lines.extend(self.body(columns, screen, room));
        lines.push(format!("{CHECK_LEGEND}        Ctrl-C ends the watch"));
        if self.facts.ascii {
            lines.iter_mut().for_each(|line| *line = format::ascii(line));
        }
        lines
    }
}

/// The result of a row's last check, ordered by urgency.
const URGENT: [&str; 5] = ["down", "unknown", "missed", "not checked yet", "up"];

/// The rank of a verdict; the most urgent is 0.
fn urgency(verdict: Option<Verdict>) -> u8 {
    match verdict {
        Some(Verdict::Down) => 0,
        Some(Verdict::Unknown) => 1,
        Some(Verdict::Missed) => 2,
        None => 3,
        Some(Verdict::Up) => 4,
    }
}

/// `12 more up, 3 more down`
fn counted(rows: &[&Row]) -> String {
    let of = |urgent: usize| rows.iter().filter(|row| usize::from(urgency(row.last())) == urgent).count();
    let counts = (0..URGENT.len()).map(|urgent| (of(urgent), URGENT[urgent])).filter(|(n, _)| *n > 0);
    counts.map(|(n, word)| format!("{n} more {word}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Check, Failure, FailureClass, SafeText};

    fn board(probes: usize, down: usize) -> Board {
        let probe = |n: usize| {
            let surface = ["app", "web"][n % 2];
            Arc::new(Probe::plain(&format!("probe-{n:03}"), surface, "http://x.test/", Duration::from_secs(10)))
        };
        let probes: Vec<Arc<Probe>> = (0..probes).map(probe).collect();
        let facts = BoardFacts {
            vantage: "local".to_owned(),
            journal: Some("uptick-journal".to_owned()),
            colour: true,
            ascii: false,
            utc: true,
        };
        let mut board = Board::new(&probes, facts);
        board.show_incidents(vec![("web".to_owned(), Timestamp::UNIX_EPOCH, Some("status 503".to_owned()))]);
        for round in 0..70 {
            for (n, probe) in probes.iter().enumerate() {
                let at = Timestamp::from_second(round).expect("an instant");
                let check = Check { probe: Arc::clone(probe), scheduled_at: at, lag: Duration::ZERO };
                let failure = Failure::new(FailureClass::TlsCertNameMismatch, None, SafeText::default());
                let failed = Outcome::without_measurement(&check, "local", at, failure);
                let is_down = n + down >= probes.len() && round > 60;
                board.record(&if is_down { failed } else { Outcome { verdict: Verdict::Up, failure: None, ..failed } });
            }
        }
        board
    }

    #[test]
    fn a_board_fits_any_screen_and_shows_what_is_down() {
        for probes in [1, 3, 30, 300] {
            for (columns, height) in [(40, 12), (60, 24), (80, 24), (200, 60)] {
                let screen = Screen { width: columns, height };
                let lines = board(probes, 5.min(probes)).lines(screen);
                assert!(lines.len() < height, "{probes} probes take {} lines of {height}", lines.len());
                let text = lines.join("\n");
                assert!(text.contains("open incident: "), "{text}");
                let rows = lines.iter().filter(|line| line.contains("probe-")).count();
                assert!(rows >= probes.min(5), "{text}");
                assert!(columns < 80 || text.contains("tls_cert_name_mismatch, 9 in a row"), "{text}");
                let widest = lines.iter().filter(|line| line.contains("probe-")).map(|line| width(line)).max();
                assert!(columns < 80 || widest.is_none_or(|widest| widest <= columns), "{text}");
                assert!(rows == probes || text.contains("more up"), "{text}");
                let counts = lines.iter().any(|line| line.starts_with("web: 3 of 150 down   app: 2 of 150 down"));
                assert_eq!(counts, probes == 300, "{text}");
            }
        }
    }

    #[test]
    fn a_surface_with_a_failure_is_above_one_without() {
        let lines = board(3, 1).lines(Screen { width: 80, height: 24 });
        assert_eq!(lines.iter().position(|line| line.starts_with("app  1 down, 1 up")), Some(3), "{lines:?}");
        let lines = board(4, 1).lines(Screen { width: 80, height: 24 });
        assert!(lines[3].starts_with("web  1 down"), "{lines:?}");
    }

    #[test]
    fn a_board_in_ascii_is_as_wide() {
        let mut board = board(3, 1);
        let screen = Screen { width: 80, height: 24 };
        let widths = |lines: Vec<String>| lines.iter().map(|line| width(line)).collect::<Vec<usize>>();
        let before = widths(board.lines(screen));
        board.facts.ascii = true;
        let lines = board.lines(screen);
        assert!(lines.iter().all(|line| line.is_ascii()), "{}", lines.join("\n"));
        assert_eq!(widths(lines), before);
    }

    #[test]
    fn probes_that_stay_keep_their_checks() {
        let mut board = board(3, 0);
        let kept = Arc::new(Probe::clone(board.rows[0].probe()));
        let new = Arc::new(Probe::plain("new", "web", "http://y.test/", Duration::from_secs(10)));
        board.replace_probes(&[kept, new]);
        assert_eq!(board.rows.iter().map(Row::last).collect::<Vec<_>>(), [Some(Verdict::Up), None]);
    }
}
