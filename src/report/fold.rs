//! The streaming fold: adds up windows, failures and gaps, in any order and in bounded memory;
//! [`super::answer`] builds the report from the sum. Folds over parts of the lines merge into the
//! fold over all of them. It knows no file and no clock.

pub(crate) mod bucket;
pub(crate) mod cdn;
pub(crate) mod check_log;
pub(crate) mod even_run;
pub(crate) mod evidence;
mod extent;
pub(crate) mod extra_checks;
pub(crate) mod history;
pub(crate) mod latency_series;
pub(crate) mod logged_check;
mod packed_checks;
pub(crate) mod planned_cron;
pub(crate) mod plans;
pub(crate) mod probe_series;
mod question;
mod series_places;
pub(crate) mod unmet_warnings;

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

pub use question::Question;

use crate::model::{Counts, Gap, Outcome, RecordedPlan, SafeText, UnixMillis, Verdict};
use crate::report::document::answer::State;
use crate::report::document::report::Report;
use crate::report::time_span::TimeSpan;
use crate::window::{Latency, LatencyDetail, Window};
use evidence::Evidence;
use extent::DataExtent;
use history::History;
use latency_series::LatencySeries;
use plans::Plans;
use probe_series::{Series, SeriesKey};
use series_places::SeriesIndexCache;
use unmet_warnings::UnmetWarnings;

/// Longer lead-ins to try if an incident began before the current one; the last is as long as the
/// history that is read anyway.
const LONGER_LEAD_INS: [Duration; 2] = [Duration::from_hours(7 * 24), Duration::from_hours(28 * 24)];

/// The most series in one report. A series takes about 2 KiB while it is read and ten times as much
/// in the document. A journal with more is hostile, or a probe's name contains something that
/// changes with each check.
pub(crate) const SERIES_LIMIT: usize = 100_000;

/// The journals contain more series than a report can handle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the journals hold more than {SERIES_LIMIT} series (a probe from a vantage) in this range: \
     narrow it with --since, --surface or --tag"
)]
pub struct TooManySeries;

/// Everything read so far, added up.
#[derive(Clone, Debug)]
pub struct Fold {
    pub(crate) question: Question,
    pub(crate) series: Vec<Series>,
    places: SeriesIndexCache,
    pub(crate) latency_series: Vec<LatencySeries>,
    latency_places: HashMap<(Arc<str>, Arc<str>, bool), usize>,
    pub(crate) history: History,
    pub(crate) evidence: Evidence,
    pub(crate) warnings: UnmetWarnings,
    pub(crate) gaps: BTreeSet<(String, UnixMillis, UnixMillis)>,
    /// What probers planned to run.
    pub(crate) plans: Plans,
    pub(crate) extent: DataExtent,
    pub(crate) windows: u64,
    pub(crate) history_windows: u64,
    /// Checks within maintenance windows; in no other figure.
    pub(crate) maintenance: Counts,
    pub(crate) failures: u64,
    /// Whether checks older than the lead-in were left out.
    has_older: bool,
    /// Whether a series was left out because of [`SERIES_LIMIT`].
    is_over_limit: bool,
    /// The whole span of the windows that the range cuts; `None` if it cuts none. Percentiles cover whole windows.
    pub(crate) latency_span: Option<TimeSpan>,
}

impl Fold {
    /// An empty fold.
    #[must_use]
    pub fn new(question: Question) -> Fold {
        let history = History::new(question.from);
        let extent = DataExtent::asked(&question);
        Fold {
            question,
            series: Vec::new(),
            places: SeriesIndexCache::default(),
            latency_series: Vec::new(),
            latency_places: HashMap::new(),
            history,
            evidence: Evidence::default(),
            warnings: UnmetWarnings::default(),
            gaps: BTreeSet::new(),
            plans: Plans::default(),
            extent,
            windows: 0,
            history_windows: 0,
            maintenance: Counts::default(),
            failures: 0,
            has_older: false,
            is_over_limit: false,
            latency_span: None,
        }
    }

    /// Checks that the number of series is within the limit.
    ///
    /// # Errors
    /// If there are more than `SERIES_LIMIT` series.
    pub const fn check_limit(&self) -> Result<(), TooManySeries> {
        if self.is_over_limit { Err(TooManySeries) } else { Ok(()) }
    }

    /// The same data judged at a later instant.
    #[must_use]
    pub(crate) fn judged_at(mut self, to: Timestamp) -> Fold {
        self.question.to = Some(to);
        self.extent.to = self.extent.to.max(UnixMillis::from(to));
        self
    }

    /// The lead-in to fold again with, so that every incident of `answer` has its start. `None` if
    /// no older checks exist, if the answer needs none, or if the lead-in already is the longest.
    #[must_use]
    pub fn longer_lead_in(&self, answer: &Report) -> Option<Duration> {
        let lead_in = self.question.lead_in();
        let longer = LONGER_LEAD_INS.into_iter().find(|longer| *longer > lead_in)?;
        // A partial outage is detected later than it starts: leave it the first quarter of the
        // lead-in.
        let early = self.question.lead_in_start().saturating_add(i64::try_from(lead_in.as_millis()).ok()? / 4);
        let reaches_back = answer.incidents.iter().any(|incident| UnixMillis::from(incident.start.by) < early);
        let has_open = answer.incidents.iter().any(|incident| incident.end.is_none());
        let is_unexplained = answer.verdict.state.is_failing() && !has_open && !is_slow_alone(answer);
        (self.has_older && (reaches_back || is_unexplained)).then_some(longer)
    }

    /// The earliest instant of use: the baseline and the objectives look back this far. A reader
    /// may skip windows that end before it. `None` if the range has no start.
    #[must_use]
    pub(crate) fn reads_from(&self) -> Option<Timestamp> {
        let longest = self.question.surfaces.values().filter_map(|surface| Some(surface.objective?.over)).max();
        self.history.reads_from(self.question.to, longest)
    }

    /// Which histograms of the windows are of use.
    pub(crate) const fn latency_detail(&self) -> LatencyDetail {
        self.question.latency
    }

    /// The instant from which on windows are of no use; `None` if the range has no end.
    #[must_use]
    pub(crate) const fn reads_to(&self) -> Option<Timestamp> {
        self.question.to
    }

    /// Adds a window: its checks that were due in the range to the report, those before it to the
    /// history.
    pub fn window(&mut self, window: &Window) {
        let to = self.question.to.unwrap_or(Timestamp::MAX);
        let from = self.question.from.unwrap_or(Timestamp::MIN);
        let (before, within) = (window.cut(Timestamp::MIN, from.min(to)), window.cut(from, to));
        if self.is_over_limit || before.is_none() && within.is_none() {
            return;
        }
        let place = self.places.of_window(window, &self.series).or_else(|| self.place(SeriesKey::of(window)));
        let Some(place) = place else { return };
        if let Some(before) = before {
            self.add_history(before, place);
        }
        if let Some(within) = within {
            self.add_within(&within, window, place);
        }
    }

    /// Adds the checks of a window from before the range. If the window reaches into the range, its
    /// latencies count there and not here.
    fn add_history(&mut self, before: Cow<'_, Window>, place: usize) {
        self.history_windows += 1;
        self.history.count(&before);
        let lead_in_start = self.question.lead_in_start().timestamp();
        let followed = before.cut(lead_in_start, Timestamp::MAX);
        self.has_older |= !followed.as_ref().is_some_and(|part| matches!(part, Cow::Borrowed(_)));
        if before.maintenance {
            if let Some(followed) = followed {
                self.series[place].maintenance.add(&followed, false);
            }
            return;
        }
        for run in followed.iter().flat_map(|part| part.strip.runs()) {
            self.series[place].lead_in.add(&run);
        }
        let before = match before {
            Cow::Borrowed(whole) => Cow::Borrowed(whole),
            Cow::Owned(part) => Cow::Owned(Window { latency: Latency::default(), ..part }),
        };
        self.history.window(&before);
    }

    /// Adds the checks of a window that were due in the range.
    #[expect(clippy::ptr_arg, reason = "whether the window was cut is what matters here")]
    fn add_within(&mut self, part: &Cow<'_, Window>, whole: &Window, place: usize) {
        if matches!(part, Cow::Owned(_)) {
            self.widen_latency_span(TimeSpan::new(UnixMillis::from(whole.from), UnixMillis::from(whole.to)));
        }
        let window: &Window = part;
        self.history.count(window);
        self.windows += 1;
        let longest = UnixMillis::from(whole.to) - UnixMillis::from(whole.from);
        self.extend(|extent, bucket| extent.add(window, longest, bucket));
        if window.maintenance {
            self.maintenance.merge(&window.counts);
            self.series[place].maintenance.add(window, true);
            return;
        }
        let series = &mut self.series[place];
        series.add(window);
        let bucket = UnixMillis::from(window.from).floor(self.extent.step);
        self.latency_series[series.latency_place].add(bucket, &window.latency, &window.remotes);
    }

    fn widen_latency_span(&mut self, span: TimeSpan) {
        self.latency_span = Some(self.latency_span.map_or(span, |before| before.hull(span)));
    }

    /// Adds the evidence of a failed check, or of an up check with warnings.
    pub fn failure(&mut self, outcome: &Outcome) {
        let at = outcome.scheduled_at;
        let too_late = self.question.to.is_some_and(|to| at >= to);
        let too_early = UnixMillis::from(at) < self.question.lead_in_start();
        if !too_late && !too_early && !self.is_over_limit && !outcome.maintenance {
            let in_window = self.question.from.is_none_or(|from| at >= from);
            if outcome.verdict == Verdict::Up {
                if in_window {
                    self.warnings.add(outcome);
                }
                return;
            }
            self.failures += u64::from(in_window);
            self.evidence.add(outcome, self.extent.evidence_step, in_window);
        }
    }

    /// Adds a gap: a span of time in which a vantage reports that it did not run checks.
    pub fn gap(&mut self, gap: &Gap) {
        self.gaps.insert((gap.vantage.clone(), UnixMillis::from(gap.from), UnixMillis::from(gap.to)));
    }

    /// Adds the plan of a prober: what it runs from an instant on.
    pub fn plan(&mut self, plan: &RecordedPlan) {
        if self.question.to.is_none_or(|to| plan.from < to) {
            self.plans.add(plan);
        }
    }

    /// Adds another fold of different lines for the same question.
    pub fn merge(&mut self, mut other: Fold) {
        self.is_over_limit |= other.is_over_limit;
        if other.windows > 0 {
            self.extend(|extent, bucket| extent.merge(&other.extent, bucket));
        }
        let step = self.extent.step;
        self.evidence.merge(other.evidence, self.extent.evidence_step);
        self.history.merge(other.history);
        self.warnings.merge(other.warnings);
        self.gaps.append(&mut other.gaps);
        self.plans.merge(other.plans);
        self.windows += other.windows;
        self.history_windows += other.history_windows;
        self.maintenance.merge(&other.maintenance);
        self.has_older |= other.has_older;
        self.failures += other.failures;
        if let Some(span) = other.latency_span {
            self.widen_latency_span(span);
        }
        for series in other.series {
            let Some(place) = self.place(series.key()) else { return };
            self.series[place].merge(series);
        }
        for latency_series in other.latency_series {
            let place = self.latency_place(&latency_series.surface, &latency_series.vantage, latency_series.control);
            self.latency_series[place].merge(latency_series, step);
        }
    }

    /// The index of a series, added if it is new; `None` if it is new and the limit is reached.
    fn place(&mut self, key: SeriesKey) -> Option<usize> {
        if let Some(place) = self.places.get(&key) {
            return Some(place);
        }
        if self.series.len() >= SERIES_LIMIT {
            self.is_over_limit = true;
            return None;
        }
        let latency_series = self.latency_place(&key.surface, &key.vantage, key.control);
        self.places.insert(key.clone(), self.series.len());
        self.series.push(Series::new(key, latency_series));
        Some(self.series.len() - 1)
    }

    /// The index of a latency series, added if it is new.
    fn latency_place(&mut self, surface: &Arc<str>, vantage: &Arc<str>, control: bool) -> usize {
        *self.latency_places.entry((Arc::clone(surface), Arc::clone(vantage), control)).or_insert_with(|| {
            let (surface, vantage) = (Arc::clone(surface), Arc::clone(vantage));
            self.latency_series.push(LatencySeries::new(surface, vantage, control));
            self.latency_series.len() - 1
        })
    }

    /// Widens the extent, and coarsens the buckets if they become too many.
    fn extend(&mut self, widen: impl FnOnce(&mut DataExtent, Option<Duration>)) {
        let before = self.extent;
        widen(&mut self.extent, self.question.bucket);
        let step = self.extent.step;
        if step != before.step {
            for latency_series in &mut self.latency_series {
                latency_series.coarsen(step);
            }
        }
        if self.extent.evidence_step != before.evidence_step {
            self.evidence.coarsen(self.extent.evidence_step);
        }
    }
}

/// Whether slow answers are the only problem. The start of slowness comes from the baseline; checks
/// before the range add nothing to it.
fn is_slow_alone(answer: &Report) -> bool {
    let is_slow =
        |surface: &SafeText| answer.slow_periods.iter().any(|period| period.is_open() && period.surface == *surface);
    let mut failing = answer.surfaces.iter().filter(|row| !row.control && row.state.is_failing()).peekable();
    failing.peek().is_some()
        && failing.all(|row| row.state == State::Degraded && row.figures.down == 0 && is_slow(&row.surface))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fold_over_the_limit_stays_over_it_whatever_it_merges_with() {
        let over = || Fold { is_over_limit: true, ..Fold::new(Question::default()) };
        for (mut one, other) in [(over(), Fold::new(Question::default())), (Fold::new(Question::default()), over())] {
            one.merge(other);
            assert_eq!(one.check_limit(), Err(TooManySeries));
        }
    }
}
