//! One pass over the checks of one probe from one vantage: finds its outages, counts its checks
//! over time, and counts the checks that were due but are missing.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::model::{Counts, FailureClass, SafeText, UnixMillis, Verdict};
use crate::report::document::coverage::Coverage;
use crate::report::fold::even_run::EvenRun;
use crate::report::fold::evidence::name;
use crate::report::fold::logged_check::LoggedCheck;
use crate::report::fold::planned_cron::PlannedCron;
use crate::report::fold::plans::{PhaseSchedule, PlannedPhase, PlannedSchedule};
use crate::report::fold::probe_series::Series;
use crate::report::series::cadence::{Cadence, SILENT_AFTER};
use crate::report::series::check_counts::{CheckCounts, tally};
use crate::report::series::detector::OutageDetector;
use crate::report::series::expected_checks::ProbeSchedule;
use crate::report::series::failure_log::{FailureLog, FailureLogger};
use crate::report::series::judgement;
use crate::report::series::judgement::JudgedCheck;
use crate::report::series::offline::Offline;
use crate::report::series::outage::Transition;
use crate::report::series::report_range::ReportRange;
use crate::report::series::series_tally::{ClassSpan, SeriesTally};
use crate::report::series::slowdown::Slowdown;
use crate::report::statistics::{number, ratio, rounded};
use crate::report::time_span::{self, TimeSpan};

/// Milliseconds per minute.
const MINUTE_MS: f64 = 60_000.0;

/// A silence up to this long, in milliseconds, or up to a tenth of the range if that is shorter, is
/// never reported, whatever the cadence: checks made by hand have no cadence to speak of.
const SILENCE_TOLERANCE_MS: i64 = 60_000;

/// After this many checks in a row that could not be judged, the current state is unknown.
const UNJUDGED_AFTER: u32 = 3;

/// The result of one pass over a series.
#[derive(Clone, Debug)]
pub(crate) struct SeriesAnalysis<'f> {
    pub(crate) series: &'f Series,
    offline: Option<Arc<Offline>>,
    /// Checks by verdict, after rejudging them with what is known of the vantage.
    pub(crate) counts: Counts,
    pub(crate) vantage: SafeText,
    pub(crate) surface: SafeText,
    pub(crate) probe: SafeText,
    /// The cadence of its checks; `None` if they are too few to tell.
    pub(crate) cadence: Option<Cadence>,
    /// If its latest checks are rarer than that, and no plan says why.
    pub(crate) slowdown: Option<Slowdown>,
    pub(crate) detector: OutageDetector,
    /// Its failures outside its own outages, for the pools it belongs to.
    pub(crate) failures: FailureLog,
    pub(crate) classes: BTreeMap<FailureClass, ClassSpan>,
    /// Failures by class and status code.
    pub(crate) codes: BTreeMap<(FailureClass, u16), u64>,
    /// The last check that was made, whatever its verdict.
    pub(crate) last: Option<UnixMillis>,
    /// Whether the last checks show nothing, because the vantage was offline or could not judge.
    pub(crate) cannot_judge: bool,
    /// The number of last checks in a row that show nothing for that reason.
    pub(crate) unjudged_in_a_row: u32,
    /// The last check that showed something, and the first one since that did not.
    last_judged: Option<UnixMillis>,
    first_unjudged: Option<UnixMillis>,
    /// Whether it was silent for long at the end of the range.
    pub(crate) silent: bool,
    /// Its latest judged checks: those of 15 minutes, or twenty if these are more.
    pub(crate) recent: Vec<JudgedCheck>,
    /// The minutes that its failed checks in the range cover.
    pub(crate) impact_minutes: f64,
    /// When plans have it due, phase by phase.
    planned: PlannedSchedule,
    pub(crate) coverage: Coverage,
    /// The coverage up to its last check.
    pub(crate) coverage_while_seen: Coverage,
}

impl SeriesAnalysis<'_> {
    /// When its vantage was offline; `None` if that has no control targets, or if its probes are sharded.
    pub(crate) fn offline(&self) -> Option<&Offline> {
        self.offline.as_deref()
    }

    /// The usual interval between two checks, or between the starts of two bursts, in milliseconds.
    pub(crate) fn interval(&self) -> Option<i64> {
        self.cadence.map(|cadence| cadence.every)
    }

    /// Whether nothing is known of it now.
    pub(crate) fn is_unknown(&self) -> bool {
        self.silent || self.cannot_judge || self.detector.judged() == 0
    }

    /// Between which checks nothing more was known of it: after the last that showed something, and by the next, which
    /// did not or was due and is missing.
    pub(crate) fn unknown_since(&self) -> Option<Transition> {
        let missing = || Some(self.last?.saturating_add(self.interval().unwrap_or_default()));
        Some(Transition { after: self.last_judged, by: self.first_unjudged.or_else(missing)? })
    }

    /// The cron expression that now says when it is due, if one does, and the instant from which it holds.
    pub(crate) fn cron(&self) -> Option<(UnixMillis, &PlannedCron)> {
        match self.planned.last()? {
            PlannedPhase { from, schedule: PhaseSchedule::Cron(cron) } => Some((*from, cron)),
            _ => None,
        }
    }

    /// The latest judged checks, at most `checks` of them.
    pub(crate) fn latest(&self, checks: usize) -> &[JudgedCheck] {
        &self.recent[self.recent.len().saturating_sub(checks)..]
    }

    /// The minutes that its failed checks in some spans cover, each up to the next check. `failed`: their number.
    pub(crate) fn failed_minutes(&self, failed: u64, spans: &[TimeSpan]) -> f64 {
        let minutes = |failed: u64, cadence: Cadence| number(failed) * cadence.per_check() / MINUTE_MS;
        if self.planned.len() < 2 || failed == 0 {
            return self.cadence.map_or(0.0, |cadence| minutes(failed, cadence));
        }
        let ends = self.planned.iter().skip(1).map(|next| next.from - 1).chain([UnixMillis::MAX]);
        let mut first = UnixMillis::MIN;
        let at_each = self.planned.iter().zip(ends).map(|(phase, last)| {
            let in_force = TimeSpan::new(std::mem::replace(&mut first, last.saturating_add(1)), last);
            let planned = time_span::intersection(spans, &[in_force]);
            let failed = tally(self.series, self.offline(), &planned).iter().map(|counts| counts.failed).sum();
            minutes(failed, Cadence::steady(phase.schedule.every()))
        });
        at_each.sum()
    }
}

/// Analyzes a series and counts its checks per bucket, by the start of the bucket. `planned`: its schedule, if a plan
/// lists it.
pub(crate) fn analyze<'f>(
    series: &'f Series,
    range: &ReportRange<'_>,
    offline: Option<&Arc<Offline>>,
    planned: Option<&PlannedSchedule>,
) -> (SeriesAnalysis<'f>, BTreeMap<UnixMillis, CheckCounts>) {
    let cadence = cadence(series, range);
    let interval = cadence.map(|cadence| cadence.every);
    let detector = OutageDetector::new(range.rules, interval, range.series);
    let failures = FailureLogger::new(interval);
    let of_series = offline.map(|offline| offline.for_series(series));
    let offline = of_series.as_deref();
    let mut watch =
        SeriesPass { detector, failures, offline, unjudged_in_a_row: 0, last_judged: None, first_unjudged: None };
    let seen = watch.follow(series, range.step);
    let slowdown = slowdown(series, cadence, planned);
    let present = cadence.map(|cadence| present(cadence, slowdown, planned));
    let (coverage, coverage_while_seen, silent) =
        coverage(series, &seen, cadence.zip(present), slowdown, range, planned);
    let mut analyses = SeriesAnalysis {
        series,
        recent: recent(series, offline, present, range),
        counts: seen.rejudged(series.counts),
        vantage: name(&series.vantage),
        surface: name(&series.surface),
        probe: name(&series.probe),
        cadence,
        slowdown,
        cannot_judge: watch.cannot_judge(),
        unjudged_in_a_row: watch.unjudged_in_a_row,
        last_judged: watch.last_judged,
        first_unjudged: watch.first_unjudged,
        failures: watch.failures.without(watch.detector.outages()),
        detector: watch.detector,
        classes: seen.classes,
        codes: seen.codes,
        last: seen.last,
        silent,
        impact_minutes: 0.0,
        planned: planned.cloned().unwrap_or_default(),
        coverage,
        coverage_while_seen,
        offline: of_series,
    };
    analyses.impact_minutes = analyses.failed_minutes(analyses.counts.down, &[range.span()]);
    (analyses, seen.buckets)
}

/// The state of one pass over a series, check by check.
struct SeriesPass<'o> {
    detector: OutageDetector,
    failures: FailureLogger,
    offline: Option<&'o Offline>,
    unjudged_in_a_row: u32,
    last_judged: Option<UnixMillis>,
    first_unjudged: Option<UnixMillis>,
}

impl SeriesPass<'_> {
    /// Adds all checks of a series, and returns the sums of those in the range, by buckets of `step` milliseconds.
    fn follow(&mut self, series: &Series, step: i64) -> SeriesTally {
        for run in series.lead_in.runs() {
            if !self.push_up_run(&run) {
                for check in run.checks() {
                    self.push(&check);
                }
            }
        }
        let mut seen = SeriesTally::default();
        for run in series.log.runs() {
            if self.push_up_run(&run) {
                seen.add_good(&run, step);
                continue;
            }
            for check in run.checks() {
                let judged = self.push(&check);
                seen.rejudge(check.verdict, judged.verdict);
                seen.add(&judged, step);
            }
        }
        seen.flush();
        seen
    }

    /// Adds a check and returns it rejudged with what is known of the vantage.
    fn push(&mut self, check: &LoggedCheck) -> LoggedCheck {
        let judged = Offline::judged(self.offline, *check);
        match judged.verdict {
            Verdict::Up | Verdict::Down => {
                let failed = judged.verdict == Verdict::Down;
                self.detector.push(check.at, failed);
                self.failures.push(check.at, failed);
            }
            Verdict::Unknown | Verdict::Missed => {}
        }
        if check.verdict != Verdict::Missed {
            let is_offline = self.offline.is_some_and(|offline| offline.covers(check.at));
            let cannot_judge = is_offline || judged.verdict == Verdict::Unknown;
            if cannot_judge {
                self.unjudged_in_a_row = self.unjudged_in_a_row.saturating_add(1);
                self.first_unjudged.get_or_insert(check.at);
            } else {
                self.see(check.at);
            }
        }
        judged
    }

    /// Notes a check that shows something.
    const fn see(&mut self, at: UnixMillis) {
        self.unjudged_in_a_row = 0;
        (self.last_judged, self.first_unjudged) = (Some(at), None);
    }

    /// Adds the checks of a run if all are up and the vantage was online throughout; returns
    /// whether they were added.
    fn push_up_run(&mut self, checks: &EvenRun) -> bool {
        let is_clear = self.offline.is_none_or(|offline| offline.is_clear(checks));
        if checks.first.verdict != Verdict::Up || !is_clear {
            return false;
        }
        self.detector.push_good(checks);
        self.failures.push_good(checks);
        self.see(checks.last_at);
        true
    }

    /// Whether the last checks show nothing. One check that could not be judged is not enough,
    /// unless the series has only such checks.
    const fn cannot_judge(&self) -> bool {
        self.unjudged_in_a_row >= UNJUDGED_AFTER || (self.unjudged_in_a_row > 0 && self.last_judged.is_none())
    }
}

/// The latest judged checks.
fn recent(
    series: &Series,
    offline: Option<&Offline>,
    cadence: Option<Cadence>,
    range: &ReportRange<'_>,
) -> Vec<JudgedCheck> {
    /// Looks back at least this long, in milliseconds, and at least this many intervals.
    const BACK_MS: i64 = 15 * 60_000;
    const INTERVALS: i64 = 30;
    let back = cadence.map_or(i64::MAX, |cadence| cadence.every.saturating_mul(INTERVALS).max(BACK_MS));
    let from = range.to.saturating_sub(back);
    let judged: Vec<JudgedCheck> = series
        .checks_in(TimeSpan::new(from, range.to))
        .map(|check| Offline::judged(offline, check))
        .filter(|check| matches!(check.verdict, Verdict::Up | Verdict::Down))
        .map(|check| JudgedCheck { at: check.at, failed: check.verdict == Verdict::Down })
        .collect();
    judgement::recent(&judged, range.to).to_vec()
}

/// The cadence at present: that of the plan, if it has changed since the first checks, or if checks by hand among the
/// planned ones seem to show a faster one. Otherwise that of the latest checks: a plan may have been left by a prober that
/// is gone.
fn present(cadence: Cadence, slowdown: Option<Slowdown>, planned: Option<&PlannedSchedule>) -> Cadence {
    let cadence = slowdown.map_or(cadence, |slowdown| slowdown.cadence);
    let Some([before @ .., now]) = planned.map(Vec::as_slice) else { return cadence };
    let planned = Cadence::steady(now.schedule.every());
    let is_cron = matches!(now.schedule, PhaseSchedule::Cron(_));
    if before.is_empty() && (is_cron || cadence.per_check() >= planned.per_check()) { cadence } else { planned }
}

/// The cadence of a series.
fn cadence(series: &Series, range: &ReportRange<'_>) -> Option<Cadence> {
    Cadence::of(|| series.distances(), tolerance(range))
}

/// Whether the latest checks of a series without a plan are rarer than is usual.
fn slowdown(series: &Series, cadence: Option<Cadence>, planned: Option<&PlannedSchedule>) -> Option<Slowdown> {
    let last = series.log.last_at().filter(|_| planned.is_none())?;
    Slowdown::of(series.distances(), last, cadence?)
}

/// The longest silence that is not reported, in milliseconds.
fn tolerance(range: &ReportRange<'_>) -> i64 {
    SILENCE_TOLERANCE_MS.min((range.to - range.from) / 10)
}

/// The coverage of the range, the coverage up to the last check, and whether the series was silent
/// at the end of the range. `cadences`: the usual one and that at present.
fn coverage(
    series: &Series,
    seen: &SeriesTally,
    cadences: Option<(Cadence, Cadence)>,
    slowdown: Option<Slowdown>,
    range: &ReportRange<'_>,
    planned: Option<&PlannedSchedule>,
) -> (Coverage, Coverage, bool) {
    let scheduled = series.counts.scheduled();
    let observed = scheduled - series.counts.missed;
    let (mut expected, mut while_seen) = (scheduled, scheduled);
    let mut silent = false;
    if let (Some((usual, present)), Some(first), Some(last)) = (cadences, seen.first, seen.last) {
        let has_past = !series.lead_in.is_empty();
        let (interval, tolerance) = (present.every, tolerance(range));
        // Maintenance is no silence.
        let heard = last.max(series.maintenance.log.last_at().unwrap_or(last));
        silent = match planned.and_then(|planned| planned.last()) {
            Some(PlannedPhase { from, schedule: PhaseSchedule::Cron(cron) }) => {
                cron.is_due(heard.max(*from), range.to, SILENT_AFTER)
            }
            _ => range.to - heard > tolerance.max(interval.saturating_mul(SILENT_AFTER)),
        };
        let begin = if has_past && range.from_is_asked { range.from } else { first };
        let planned = planned.map(Vec::as_slice);
        let cadence = if slowdown.is_some() { usual } else { present };
        let span = ProbeSchedule { cadence, slowdown, first, last, begin, planned, tolerance };
        while_seen = span.due(series, range.to.min(last + interval).max(last));
        expected = if silent { span.due(series, range.to) } else { while_seen };
    }
    let of = |expected: u64| Coverage { expected, observed, ratio: ratio(observed, expected).map(rounded) };
    (of(expected), of(while_seen), silent)
}
