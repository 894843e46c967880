//! One pass over the checks of one probe from one vantage: the stretches of down-ness, the counts
//! over time, and what was due and not seen.

use std::collections::BTreeMap;

use super::detector::Detector;
use super::evidence::name;
use super::fold::Series;
use super::offline::Offline;
use super::rhythm::Rhythm;
use super::statistics::{number, ratio, rounded};
use super::ticks::{Even, Tick, sort_runs};
use super::{Coverage, ladder, parallel};
use crate::model::{FailureClass, IncidentRules, SafeText, Verdict};

/// Milliseconds of a minute.
const MINUTE_MS: f64 = 60_000.0;

/// After so many cadences without a check there is no data.
const SILENT_AFTER: i64 = 5;

/// A prober that was silent for no longer than this, in milliseconds, or than a tenth of a shorter
/// window, is not called silent, whatever its cadence: one run by hand has none to speak of.
const SILENCE_FORGIVEN_MS: i64 = 60_000;

/// After so many checks in a row that could not be judged, nothing is known of now.
const BLIND_AFTER: u32 = 3;

/// Checks of a stretch of time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) judged: u64,
    pub(super) failed: u64,
    pub(super) unknown: u64,
    pub(super) missed: u64,
    pub(super) classes: BTreeMap<FailureClass, u64>,
}

/// The failures of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Spell {
    pub(super) n: u64,
    pub(super) first: i64,
    pub(super) last: i64,
}

/// What one pass over a series found.
#[derive(Clone, Debug)]
pub(super) struct Followed<'f> {
    pub(super) series: &'f Series,
    pub(super) vantage: SafeText,
    pub(super) surface: SafeText,
    pub(super) probe: SafeText,
    /// How often it was asked; absent where the checks are too few to tell.
    pub(super) rhythm: Option<Rhythm>,
    pub(super) detector: Detector,
    pub(super) classes: BTreeMap<FailureClass, Spell>,
    /// The last check that was made, whatever it found.
    pub(super) last: Option<i64>,
    /// Whether the last checks say nothing because we were offline or could not judge.
    pub(super) blind: bool,
    /// Whether nothing was heard of it for long at the end of the window.
    pub(super) silent: bool,
    pub(super) coverage: Coverage,
}

/// What a pass needs to know beside the checks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'f> {
    pub(super) rules: &'f IncidentRules,
    /// The window, in milliseconds since 1970.
    pub(super) from: i64,
    pub(super) to: i64,
    /// Whether the window begins where the question says, and not where the data does.
    pub(super) from_is_asked: bool,
    /// The length of a bucket in milliseconds.
    pub(super) step: i64,
}

impl Followed<'_> {
    /// The usual time between two checks, or between the begins of two bursts of them, in milliseconds.
    pub(super) fn cadence(&self) -> Option<i64> {
        self.rhythm.map(|rhythm| rhythm.every)
    }

    /// The minutes that so many of its checks stand for.
    pub(super) fn minutes(&self, checks: u64) -> f64 {
        number(checks) * self.rhythm.map_or(0.0, Rhythm::per_check) / MINUTE_MS
    }
}

impl Cell {
    pub(super) fn add(&mut self, tick: &Tick, offline: bool) {
        match tick.verdict {
            Verdict::Missed => self.missed += 1,
            Verdict::Unknown => self.unknown += 1,
            Verdict::Down if offline => self.unknown += 1,
            Verdict::Up => self.judged += 1,
            Verdict::Down => {
                self.judged += 1;
                self.failed += 1;
            }
        }
        if let Some(class) = tick.class {
            *self.classes.entry(class).or_default() += 1;
        }
    }

    pub(super) fn merge(&mut self, other: &Cell) {
        self.judged += other.judged;
        self.failed += other.failed;
        self.unknown += other.unknown;
        self.missed += other.missed;
        for (class, n) in &other.classes {
            *self.classes.entry(*class).or_default() += n;
        }
    }
}

/// Follows a series, and counts its checks by the begin of the bucket.
pub(super) fn follow<'f>(
    series: &'f Series,
    frame: &Frame<'_>,
    offline: Option<&Offline>,
) -> (Followed<'f>, BTreeMap<i64, Cell>) {
    let rhythm = rhythm(series, frame);
    let detector = Detector::new(frame.rules, rhythm.map(|rhythm| rhythm.every));
    let mut watch = Watch { detector, offline, blind_checks: 0, seeing: false };
    series.lead.iter().for_each(|tick| {
        watch.see(&tick);
    });
    let mut seen = Seen::default();
    for even in series.ticks.evens() {
        if watch.see_good(&even) {
            seen.add_good(&even, frame.step);
            continue;
        }
        for tick in even.ticks() {
            let is_offline = watch.see(&tick);
            seen.add(&tick, is_offline, frame.step);
        }
    }
    seen.flush();
    let (coverage, silent) = coverage(series, &seen, rhythm, frame);
    let followed = Followed {
        series,
        vantage: name(&series.vantage),
        surface: name(&series.surface),
        probe: name(&series.probe),
        rhythm,
        blind: watch.is_blind(),
        detector: watch.detector,
        classes: seen.classes,
        last: seen.last,
        silent,
        coverage,
    };
    (followed, seen.cells)
}

/// What a series comes to, check by check.
struct Watch<'o> {
    detector: Detector,
    offline: Option<&'o Offline>,
    blind_checks: u32,
    seeing: bool,
}

impl Watch<'_> {
    /// Adds a check and says whether the vantage was offline then.
    fn see(&mut self, tick: &Tick) -> bool {
        let is_offline = self.offline.is_some_and(|offline| offline.covers(tick.at));
        match tick.verdict {
            Verdict::Up => self.detector.push(tick.at, false),
            Verdict::Down if !is_offline => self.detector.push(tick.at, true),
            Verdict::Down | Verdict::Unknown | Verdict::Missed => {}
        }
        if tick.verdict != Verdict::Missed {
            let is_blind = is_offline || tick.verdict == Verdict::Unknown;
            self.blind_checks = if is_blind { self.blind_checks.saturating_add(1) } else { 0 };
            self.seeing |= !is_blind;
        }
        is_offline
    }

    /// Adds many good checks at once, where that is the same as one by one; says whether it was.
    fn see_good(&mut self, checks: &Even) -> bool {
        let is_clear = self.offline.is_none_or(|offline| offline.is_clear(checks));
        let added = checks.first.verdict == Verdict::Up && is_clear && self.detector.push_good(checks);
        if added {
            self.blind_checks = 0;
            self.seeing = true;
        }
        added
    }

    /// Whether the last checks say nothing. One that could not be judged says little; with nothing
    /// but such checks, one is enough.
    const fn is_blind(&self) -> bool {
        self.blind_checks >= BLIND_AFTER || (self.blind_checks > 0 && !self.seeing)
    }
}

/// What is gathered in a pass over the checks in the window.
#[derive(Debug, Default)]
struct Seen {
    /// The bucket that checks fall into now, and those in it.
    bucket: i64,
    cell: Cell,
    /// What fell into earlier buckets.
    cells: BTreeMap<i64, Cell>,
    classes: BTreeMap<FailureClass, Spell>,
    first: Option<i64>,
    last: Option<i64>,
}

impl Seen {
    fn add(&mut self, tick: &Tick, offline: bool, step: i64) {
        let bucket = ladder::floor(tick.at, step);
        if bucket != self.bucket {
            self.flush();
            self.bucket = bucket;
        }
        self.cell.add(tick, offline);
        self.first = self.first.or(Some(tick.at));
        if tick.verdict != Verdict::Missed {
            self.last = Some(tick.at);
        }
        if let Some(class) = tick.class {
            let spell = self.classes.entry(class).or_insert(Spell { n: 0, first: tick.at, last: tick.at });
            spell.n += 1;
            spell.last = tick.at;
        }
    }

    /// Adds many good checks at once: counted into their buckets by where these begin and end.
    fn add_good(&mut self, even: &Even, step: i64) {
        let (mut bucket, mut counted) = (ladder::floor(even.first.at, step), 0);
        while counted < even.count {
            if bucket != self.bucket {
                self.flush();
                self.bucket = bucket;
            }
            bucket += step;
            let before = even.before(bucket);
            self.cell.judged += before - counted;
            counted = before;
        }
        self.first = self.first.or(Some(even.first.at));
        self.last = Some(even.last_at);
    }

    fn flush(&mut self) {
        if self.cell != Cell::default() {
            self.cells.entry(self.bucket).or_default().merge(&std::mem::take(&mut self.cell));
        }
    }
}

/// How often it was asked.
fn rhythm(series: &Series, frame: &Frame<'_>) -> Option<Rhythm> {
    let distances = || {
        let mut before: Option<i64> = None;
        series.lead.evens().chain(series.ticks.evens()).flat_map(move |even| {
            let to_it = before.replace(even.last_at).map(|before| (even.first.at - before, 1));
            to_it.into_iter().chain(even.distances())
        })
    };
    Rhythm::of(distances, forgiven(frame))
}

/// No longer a silence than this is called one.
fn forgiven(frame: &Frame<'_>) -> i64 {
    SILENCE_FORGIVEN_MS.min((frame.to - frame.from) / 10)
}

/// How much of what was due was seen, and whether it fell silent before the end of the window.
fn coverage(series: &Series, seen: &Seen, rhythm: Option<Rhythm>, frame: &Frame<'_>) -> (Coverage, bool) {
    let scheduled = series.counts.scheduled();
    let observed = scheduled - series.counts.missed;
    let mut expected = scheduled;
    let mut silent = false;
    if let (Some(rhythm), Some(first), Some(last)) = (rhythm, seen.first, seen.last) {
        let has_past = !series.lead.is_empty();
        let (cadence, forgiven) = (rhythm.every, forgiven(frame));
        silent = frame.to - last > forgiven.max(cadence.saturating_mul(SILENT_AFTER));
        // Passes made back to back by hand show no schedule that more could have been due by.
        let is_scheduled = has_past || last - first >= forgiven || cadence >= forgiven;
        if is_scheduled {
            let begin = if has_past && frame.from_is_asked { frame.from } else { first };
            let end = if silent { frame.to } else { frame.to.min(last + cadence).max(last) };
            expected = expected.max(rhythm.due_in(end - begin));
        }
    }
    let ratio = ratio(observed, expected).map(rounded);
    (Coverage { expected, observed, ratio }, silent)
}

/// Counts the checks of a series in each of some spans, in order and disjoint, ends included.
pub(super) fn tally(series: &Series, offline: Option<&Offline>, spans: &[(i64, i64)]) -> Vec<Cell> {
    let mut cells = vec![Cell::default(); spans.len()];
    let mut at = 0;
    for tick in series.lead.iter().chain(series.ticks.iter()) {
        while at < spans.len() && spans[at].1 < tick.at {
            at += 1;
        }
        match spans.get(at) {
            Some((from, _)) if *from <= tick.at => {
                cells[at].add(&tick, offline.is_some_and(|offline| offline.covers(tick.at)));
            }
            Some(_) => {}
            None => break,
        }
    }
    cells
}

/// The stretches in which no check of these series was made, longer than [`SILENT_AFTER`] cadences.
pub(super) fn silences(followed: &[&Followed<'_>], frame: &Frame<'_>) -> Vec<(i64, i64)> {
    let Some(cadence) = followed.iter().filter_map(|one| one.cadence()).min() else { return Vec::new() };
    let limit = cadence.saturating_mul(SILENT_AFTER);
    let of_each = parallel::map(followed.to_vec(), |one| {
        let mut instants = Instants { limit, kept: Vec::new() };
        for even in one.series.ticks.evens().filter(|even| even.first.verdict != Verdict::Missed) {
            // Of checks close together, some show as well that there is no silence.
            let [_, (longest, _)] = even.distances();
            let stride = usize::try_from(limit / longest.max(1)).unwrap_or_default().max(1);
            (0..even.count).step_by(stride).for_each(|n| instants.push(even.at(n)));
            if even.count > 1 {
                instants.push(even.last_at);
            }
        }
        instants.kept
    });
    let mut instants = of_each.concat();
    instants.push(frame.to);
    let has_past = followed.iter().any(|one| !one.series.lead.is_empty());
    if has_past && frame.from_is_asked {
        instants.push(frame.from);
    }
    sort_runs(&mut instants);
    instants.windows(2).filter(|pair| pair[1] - pair[0] > limit).map(|pair| (pair[0], pair[1])).collect()
}

/// Instants in order, without those that bound no silence: they lie between two others that are
/// less than the limit apart.
struct Instants {
    limit: i64,
    kept: Vec<i64>,
}

impl Instants {
    fn push(&mut self, at: i64) {
        if let [.., before, last] = self.kept[..]
            && last > before
            && at - before <= self.limit
        {
            self.kept.pop();
        }
        self.kept.push(at);
    }
}
