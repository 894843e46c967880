//! The streaming fold: windows, failures and gaps in any order, added up in bounded memory, until
//! [`Fold::finish`] makes the answer of them. It knows no file and no clock.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Integrity;
use super::Report;
use super::answer::answer;
use super::evidence::Evidence;
use super::history::History;
use super::ladder;
use super::ticks::Ticks;
use crate::model::Counts;
use crate::model::Gap;
use crate::model::IncidentRules;
use crate::model::Outcome;
use crate::model::Surfaces;
use crate::window::Histogram;
use crate::window::Latency;
use crate::window::Window;

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

/// One probe from one vantage.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) vantage: Arc<str>,
    pub(super) surface: Arc<str>,
    pub(super) probe: Arc<str>,
    pub(super) control: bool,
    /// Whether any certificate was accepted.
    pub(super) insecure: bool,
    /// Its place among the sheets.
    pub(super) sheet: usize,
    pub(super) counts: Counts,
    pub(super) flaky: u64,
    pub(super) latency: Histogram,
    pub(super) failed_latency: Histogram,
    pub(super) lag: Histogram,
    /// The checks in the window,
    pub(super) ticks: Ticks,
    /// and those in the day before.
    pub(super) lead: Ticks,
}

/// The latency of one surface from one vantage over time.
#[derive(Clone, Debug)]
pub(super) struct Sheet {
    pub(super) surface: Arc<str>,
    pub(super) vantage: Arc<str>,
    pub(super) control: bool,
    /// By the begin of the bucket, in milliseconds since 1970.
    pub(super) latency: BTreeMap<i64, Latency>,
}

/// How far the windows reach, in milliseconds since 1970, and the step of the buckets that follows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Extent {
    pub(super) from: i64,
    pub(super) to: i64,
    longest: i64,
    pub(super) step: i64,
}

impl Fold {
    /// Nothing read yet.
    #[must_use]
    pub fn new(question: Question) -> Fold {
        let history = History::new(question.from);
        let ms = |instant: Option<Timestamp>| instant.map(jiff::Timestamp::as_millisecond);
        let (from, to) = (ms(question.from).unwrap_or(i64::MAX), ms(question.to).unwrap_or(i64::MIN));
        Fold {
            question,
            series: Vec::new(),
            places: HashMap::new(),
            sheets: Vec::new(),
            sheet_places: HashMap::new(),
            history,
            evidence: Evidence::default(),
            gaps: BTreeSet::new(),
            extent: Extent { from, to, longest: 0, step: ladder::step(0, 0) },
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
        self.stretch(begins, window.to.as_millisecond());
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
        let sheet_key = (Arc::clone(surface), Arc::clone(vantage), control);
        let sheet = *self.sheet_places.entry(sheet_key).or_insert_with(|| {
            let (surface, vantage) = (Arc::clone(surface), Arc::clone(vantage));
            self.sheets.push(Sheet { surface, vantage, control, latency: BTreeMap::new() });
            self.sheets.len() - 1
        });
        self.series.push(Series::new(&key, sheet));
        self.places.insert(key, self.series.len() - 1);
        self.series.len() - 1
    }

    /// Widens the extent by a window, and with it the buckets where they would be too many.
    fn stretch(&mut self, from: i64, to: i64) {
        let extent = &mut self.extent;
        extent.from = extent.from.min(from);
        extent.to = extent.to.max(to);
        extent.longest = extent.longest.max(to - from);
        let step = match self.question.bucket {
            Some(bucket) => i64::try_from(bucket.as_millis()).unwrap_or(i64::MAX).max(1_000),
            None => ladder::step(extent.to - extent.from, extent.longest),
        };
        if step != extent.step {
            extent.step = step;
            for sheet in &mut self.sheets {
                sheet.coarsen(step);
            }
            self.evidence.coarsen(step);
        }
    }
}

impl Series {
    fn new((vantage, surface, probe, control): &Key, sheet: usize) -> Series {
        Series {
            vantage: Arc::clone(vantage),
            surface: Arc::clone(surface),
            probe: Arc::clone(probe),
            control: *control,
            insecure: false,
            sheet,
            counts: Counts::default(),
            flaky: 0,
            latency: Histogram::default(),
            failed_latency: Histogram::default(),
            lag: Histogram::default(),
            ticks: Ticks::default(),
            lead: Ticks::default(),
        }
    }

    fn add(&mut self, window: &Window) {
        self.counts.merge(&window.counts);
        self.flaky += window.flaky;
        self.insecure |= window.insecure;
        self.latency.merge(&window.latency.total);
        self.failed_latency.merge(&window.failed_latency);
        self.lag.merge(&window.lag);
        for run in window.strip.runs() {
            self.ticks.add(&run);
        }
    }

    /// Whether anything of it lies in the window.
    pub(super) const fn is_in_window(&self) -> bool {
        self.counts.scheduled() > 0
    }
}

impl Sheet {
    fn coarsen(&mut self, step: i64) {
        let fine = std::mem::take(&mut self.latency);
        for (begin, latency) in fine {
            let coarse = self.latency.entry(ladder::floor(begin, step)).or_default();
            coarse.merge(&latency);
        }
    }
}
