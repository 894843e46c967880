//! The failures of one series and the spans in which it was checked at a steady rate: all that a
//! pool needs of a series, in memory that grows with the failures and not with the checks.

use crate::model::UnixMillis;
use crate::report::fold::even_run::EvenRun;
use crate::report::series::outage::Outage;
use crate::report::statistics::number;
use crate::report::time_span::{self, TimeSpan};

/// Failures in order of time, and the spans of judged checks without a pause.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailureLog {
    /// When each failed check was due.
    failed: Vec<UnixMillis>,
    spans: Vec<SteadySpan>,
    /// A distance between two checks that is longer than this, in milliseconds, ends a span.
    pause: i64,
}

/// A span of checks at a steady rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SteadySpan {
    /// The first check.
    pub(crate) from: UnixMillis,
    /// One interval after the last check.
    pub(crate) to: UnixMillis,
    /// Checks per millisecond.
    pub(crate) rate: f64,
}

impl SteadySpan {
    /// The number of its checks between two instants.
    pub(crate) fn within(&self, from: UnixMillis, to: UnixMillis) -> f64 {
        let length = self.to.min(to) - self.from.max(from);
        self.rate * number(u64::try_from(length).unwrap_or_default())
    }

    /// Its parts outside of some outages, which are in order.
    fn without(self, outages: &[TimeSpan]) -> impl Iterator<Item = SteadySpan> {
        let left = time_span::without_disjoint(TimeSpan::new(self.from, self.to - 1), outages);
        left.into_iter().map(move |span| SteadySpan { from: span.first, to: span.last + 1, ..self })
    }
}

/// A span that may still grow.
#[derive(Clone, Copy, Debug)]
struct OpenSpan {
    from: UnixMillis,
    last: UnixMillis,
    checks: u64,
}

/// Builds the log of a series check by check, in order of time.
#[derive(Clone, Debug)]
pub(crate) struct FailureLogger {
    log: FailureLog,
    open: Option<OpenSpan>,
    interval: i64,
}

impl FailureLogger {
    /// The initial state for a series with this usual interval between checks, in milliseconds.
    pub(crate) fn new(interval: Option<i64>) -> FailureLogger {
        /// More than this many intervals without a check are a pause.
        const PAUSE: i64 = 3;
        let interval = interval.unwrap_or(1).max(1);
        let log = FailureLog { pause: interval.saturating_mul(PAUSE), ..FailureLog::default() };
        FailureLogger { log, open: None, interval }
    }

    /// Adds a judged check.
    pub(crate) fn push(&mut self, at: UnixMillis, failed: bool) {
        match &mut self.open {
            // The common case: there are millions of these.
            Some(open) if at - open.last <= self.log.pause => {
                open.last = at;
                open.checks += 1;
            }
            _ => self.push_many(at, at, 1),
        }
        if failed {
            self.log.failed.push(at);
        }
    }

    /// Adds good checks at even distances.
    pub(crate) fn push_good(&mut self, checks: &EvenRun) {
        if checks.longest_distance() <= self.log.pause {
            self.push_many(checks.first.at, checks.last_at, checks.count);
        } else {
            checks.checks().for_each(|check| self.push(check.at, false));
        }
    }

    fn push_many(&mut self, first: UnixMillis, last: UnixMillis, count: u64) {
        match &mut self.open {
            Some(open) if first - open.last <= self.log.pause => {
                open.last = last;
                open.checks += count;
            }
            _ => {
                self.close();
                self.open = Some(OpenSpan { from: first, last, checks: count });
            }
        }
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let gaps = u64::try_from(open.last - open.from).unwrap_or_default();
        let interval = if open.checks > 1 {
            (number(gaps) / number(open.checks - 1)).max(1.0)
        } else {
            number(self.interval.unsigned_abs())
        };
        #[expect(clippy::cast_possible_truncation, reason = "an interval between two checks")]
        let to = open.last.saturating_add(interval.round() as i64);
        self.log.spans.push(SteadySpan { from: open.from, to, rate: 1.0 / interval });
    }

    /// The log without the checks in the series' own outages, from their detection on: a pool must not
    /// report again what is known already, and must not lose what it has shown before that.
    pub(crate) fn without(mut self, outages: impl Iterator<Item = Outage>) -> FailureLog {
        self.close();
        let span = |one: Outage| TimeSpan::new(one.detected_at, one.end.map_or(UnixMillis::MAX, |_| one.last_failed));
        let outages: Vec<TimeSpan> = outages.map(span).collect();
        if outages.is_empty() {
            return self.log;
        }
        self.log.failed.retain(|at| !time_span::cover(&outages, *at));
        self.log.spans = self.log.spans.iter().flat_map(|span| span.without(&outages)).collect();
        self.log
    }
}

impl FailureLog {
    /// When each failed check was due, in order.
    pub(crate) fn failed(&self) -> &[UnixMillis] {
        &self.failed
    }

    /// The spans in which it was checked, in order.
    pub(crate) fn spans(&self) -> &[SteadySpan] {
        &self.spans
    }

    /// Failed and judged checks between two instants, the first included and the second not.
    pub(crate) fn count(&self, from: UnixMillis, to: UnixMillis) -> (u64, u64) {
        let before = |at: UnixMillis| self.failed.partition_point(|failed| *failed < at);
        let failed = before(to).saturating_sub(before(from)) as u64;
        let first = self.spans.partition_point(|span| span.to <= from);
        let spans = self.spans.iter().skip(first).take_while(|span| span.from < to);
        let judged: f64 = spans.map(|span| span.within(from, to)).sum();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of checks")]
        let judged = judged.round() as u64;
        (failed, judged.max(failed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::series::outage::{Count, OpenRule, Transition};

    /// Checks 10 ms apart: `.` good, `x` failed, space none.
    fn logged(checks: &str) -> FailureLogger {
        let mut logger = FailureLogger::new(Some(10));
        for (n, check) in (0..).zip(checks.chars()).filter(|(_, check)| *check != ' ') {
            logger.push(UnixMillis(n * 10), check == 'x');
        }
        logger
    }

    fn outage(from: i64, last_failed: i64, is_over: bool) -> Outage {
        let (from, last_failed) = (UnixMillis(from), UnixMillis(last_failed));
        Outage {
            start: Transition { after: None, by: from },
            end: is_over.then_some(Transition { after: Some(last_failed), by: last_failed + 10 }),
            last_failed,
            detected_at: from + 20,
            rule: OpenRule::InARow,
            opened_with: 3,
            flap_percent: 0.0,
            flapped: 0,
            before: Count::default(),
            counted: Count::default(),
        }
    }

    #[test]
    fn a_pause_parts_the_spans() {
        let log = logged("..x..       x.").without(std::iter::empty());
        assert_eq!(log.failed(), [20, 120].map(UnixMillis));
        assert_eq!(log.spans().iter().map(|span| (span.from.0, span.to.0)).collect::<Vec<_>>(), [(0, 50), (120, 140)]);
        assert_eq!(log.count(UnixMillis(0), UnixMillis(1_000)), (2, 7));
        assert_eq!(log.count(UnixMillis(30), UnixMillis(120)), (0, 2));
    }

    #[test]
    fn the_checks_of_its_own_outages_are_left_out_once_they_are_detected() {
        let log = logged("..xxx..x..xxx").without([outage(20, 40, true), outage(100, 120, false)].into_iter());
        assert_eq!(log.failed(), [20, 30, 70, 100, 110].map(UnixMillis));
        // A check covers the interval up to the next, so the last one before a detection counts in
        // full.
        assert_eq!(log.count(UnixMillis(0), UnixMillis(1_000)), (5, 12));
    }

    #[test]
    fn even_runs_are_their_checks() {
        let mut at_once = FailureLogger::new(Some(10));
        let good = crate::report::fold::logged_check::LoggedCheck {
            at: UnixMillis(0),
            verdict: crate::model::Verdict::Up,
            class: None,
            code: None,
            is_set_aside: false,
        };
        at_once.push_good(&EvenRun { first: good, last_at: UnixMillis(90), count: 10 });
        at_once.push(UnixMillis(100), true);
        let one_by_one = logged("..........x");
        let (at_once, one_by_one) = (at_once.without(std::iter::empty()), one_by_one.without(std::iter::empty()));
        assert_eq!((at_once.failed(), at_once.spans()), (one_by_one.failed(), one_by_one.spans()));
    }
}
