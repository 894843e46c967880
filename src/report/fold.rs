//! The streaming fold: windows, failures and gaps in any order, added up in bounded memory, until
//! [`Fold::finish`] makes the answer of them. Folds that share the lines out between them merge into
//! the one that had read them all. It knows no file and no clock.

mod extent;
mod series;
mod sheet;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::answer::answer;
use super::evidence::Evidence;
use super::history::History;
use super::{Integrity, Report, ladder};
use crate::model::{Counts, Gap, IncidentRules, Outcome, Surfaces};
use crate::window::Window;

use extent::Extent;

pub(super) use series::Series;
pub(super) use sheet::Sheet;

/// How long before the window checks are followed, so that an incident that began before it has a start.
pub(super) const LEAD_IN_MS: i64 = 24 * 3_600_000;

/// What is asked.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// The answer is about the time from here on; absent: from the first window on.
    pub from: Option<Timestamp>,
    /// The answer is about the time before this, and is judged at it; absent: up to the last check, judged there.
    pub to: Option<Timestamp>,
    /// The length of a bucket of the series; absent: what makes a readable chart.
    pub bucket: Option<Duration>,
    /// When a stretch of failures is an incident.
    pub rules: IncidentRules,
    /// The surfaces with their labels and objectives.
    pub surfaces: Surfaces,
    /// The address family, 4 or 6, of the probes that are asked over one alone, by name.
    pub families: BTreeMap<String, u8>,
}

/// The answer in the making.
#[derive(Clone, Debug)]
pub struct Fold {
    pub(super) question: Question,
    pub(super) series: Vec<Series>,
    places: HashMap<Key, usize>,
    pub(super) sheets: Vec<Sheet>,
    sheet_places: HashMap<(Arc<str>, Arc<str>, bool), usize>,
    pub(super) history: History,
    pub(super) evidence: Evidence,
    pub(super) gaps: BTreeSet<(String, i64, i64)>,
    pub(super) extent: Extent,
    pub(super) windows: u64,
    pub(super) history_windows: u64,
    /// Checks within maintenance windows: in every figure but those of the objectives.
    pub(super) maintenance: Counts,
    pub(super) failures: u64,
}

/// What a series is of: vantage, surface, probe, and whether it is a control target.
type Key = (Arc<str>, Arc<str>, Arc<str>, bool);

impl Fold {
    /// Nothing read yet.
    #[must_use]
    pub fn new(question: Question) -> Fold {
        let history = History::new(question.from);
        let extent = Extent::asked(&question);
        Fold {
            question,
            series: Vec::new(),
            places: HashMap::new(),
            sheets: Vec::new(),
            sheet_places: HashMap::new(),
            history,
            evidence: Evidence::default(),
            gaps: BTreeSet::new(),
            extent,
            windows: 0,
            history_windows: 0,
            maintenance: Counts::default(),
            failures: 0,
        }
    }

    /// The same judged at a later instant.
    #[must_use]
    pub fn judged_at(mut self, to: Timestamp) -> Fold {
        self.question.to = Some(to);
        self.extent.to = self.extent.to.max(to.as_millisecond());
        self
    }

    /// The instant from which windows are of use: what is usual, and objectives, look back so far.
    /// A reader may leave out what ends before.
    #[must_use]
    pub fn reads_from(&self) -> Option<Timestamp> {
        let longest = self.question.surfaces.values().filter_map(|surface| Some(surface.objective?.over)).max();
        self.history.reads_from(self.question.to, longest)
    }

    /// The instant from which on nothing is of use; none where there is no end.
    #[must_use]
    pub const fn reads_to(&self) -> Option<Timestamp> {
        self.question.to
    }

    /// Adds a window. One belongs to the time in which it begins.
    pub fn window(&mut self, window: &Window) {
        let begins = window.from.as_millisecond();
        if self.question.to.is_some_and(|to| window.from >= to) || window.counts.scheduled() == 0 {
            return;
        }
        if window.maintenance {
            self.maintenance.merge(&window.counts);
        } else {
            self.history.count(window);
        }
        if let Some(from) = self.question.from
            && window.from < from
        {
            self.history_windows += 1;
            self.history.window(window);
            if window.to.as_millisecond() > from.as_millisecond() - LEAD_IN_MS {
                let place = self.place(&window.vantage, &window.surface, &window.probe, window.control);
                for run in window.strip.runs() {
                    self.series[place].lead.add(&run);
                }
            }
            return;
        }
        self.windows += 1;
        self.extend(|extent, bucket| extent.add(begins, window.to.as_millisecond(), bucket));
        let place = self.place(&window.vantage, &window.surface, &window.probe, window.control);
        let series = &mut self.series[place];
        series.add(window);
        let bucket = ladder::floor(begins, self.extent.step);
        self.sheets[series.sheet].latency.entry(bucket).or_default().merge(&window.latency);
    }

    /// Adds the evidence of a failed check.
    pub fn failure(&mut self, outcome: &Outcome) {
        let at = outcome.started_at;
        let too_late = self.question.to.is_some_and(|to| at >= to);
        let too_early = self.question.from.is_some_and(|from| at.as_millisecond() < from.as_millisecond() - LEAD_IN_MS);
        if !too_late && !too_early {
            let in_window = self.question.from.is_none_or(|from| at >= from);
            self.failures += u64::from(in_window);
            self.evidence.add(outcome, self.extent.step, in_window);
        }
    }

    /// Adds a stretch of time in which a vantage says itself that it watched nothing.
    pub fn gap(&mut self, gap: &Gap) {
        self.gaps.insert((gap.vantage.clone(), gap.from.as_millisecond(), gap.to.as_millisecond()));
    }

    /// Adds what another fold has made of other lines, to the same question.
    pub fn merge(&mut self, mut other: Fold) {
        if other.windows > 0 {
            self.extend(|extent, bucket| extent.merge(&other.extent, bucket));
        }
        let step = self.extent.step;
        self.evidence.merge(other.evidence, step);
        self.history.merge(other.history);
        self.gaps.append(&mut other.gaps);
        self.windows += other.windows;
        self.history_windows += other.history_windows;
        self.maintenance.merge(&other.maintenance);
        self.failures += other.failures;
        for series in other.series {
            let place = self.place(&series.vantage, &series.surface, &series.probe, series.control);
            self.series[place].merge(series);
        }
        for sheet in other.sheets {
            let place = self.sheet_place(&sheet.surface, &sheet.vantage, sheet.control);
            self.sheets[place].merge(sheet, step);
        }
    }

    /// The answer. `now` is the instant it is made at; `integrity` says what was read, and the
    /// counts of windows and history in it are filled in here.
    #[must_use]
    pub fn finish(self, now: Timestamp, integrity: Integrity) -> Report {
        answer(self, now, integrity)
    }

    /// The place of a series, made where there is none yet.
    fn place(&mut self, vantage: &Arc<str>, surface: &Arc<str>, probe: &Arc<str>, control: bool) -> usize {
        let key = (Arc::clone(vantage), Arc::clone(surface), Arc::clone(probe), control);
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        let sheet = self.sheet_place(surface, vantage, control);
        self.series.push(Series::new(&key, sheet));
        self.places.insert(key, self.series.len() - 1);
        self.series.len() - 1
    }

    /// The place of a sheet, made where there is none yet.
    fn sheet_place(&mut self, surface: &Arc<str>, vantage: &Arc<str>, control: bool) -> usize {
        *self.sheet_places.entry((Arc::clone(surface), Arc::clone(vantage), control)).or_insert_with(|| {
            let (surface, vantage) = (Arc::clone(surface), Arc::clone(vantage));
            self.sheets.push(Sheet { surface, vantage, control, latency: BTreeMap::new() });
            self.sheets.len() - 1
        })
    }

    /// Widens the extent, and with it the buckets where they would be too many.
    fn extend(&mut self, widen: impl FnOnce(&mut Extent, Option<Duration>)) {
        let before = self.extent.step;
        widen(&mut self.extent, self.question.bucket);
        let step = self.extent.step;
        if step != before {
            for sheet in &mut self.sheets {
                sheet.coarsen(step);
            }
            self.evidence.coarsen(step);
        }
    }
}
