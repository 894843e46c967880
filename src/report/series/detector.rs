//! Detects the outages of one probe from one vantage: an outage begins with the first failed check
//! of the run that opened it and ends with the first good check of the recovery. The detector knows
//! checks and their instants, but no surfaces.

use std::collections::VecDeque;

use crate::model::{IncidentRules, UnixMillis};
use crate::report::fold::even_run::EvenRun;
use crate::report::series::flapping::FlapDetector;
use crate::report::series::outage::{Count, OpenRule, Outage, Transition};
use crate::report::series::run_length;

/// Follows the judged checks of one probe from one vantage in order of time.
#[derive(Clone, Debug)]
pub(crate) struct OutageDetector {
    rules: IncidentRules,
    /// The usual interval between two checks, in milliseconds.
    cadence: Option<i64>,
    /// The distances between the latest checks, in milliseconds. If all of them are longer than the usual interval, the
    /// shortest is the present one.
    distances: [i64; SHOWN_BY],
    /// Failures that are nearer to each other than this, in milliseconds, belong to one round.
    round: i64,
    /// The number of series that are judged together: each is one more chance of a false alarm.
    series: usize,
    recent: VecDeque<Recent>,
    failed_recently: u32,
    run: Run,
    last: Option<UnixMillis>,
    last_good: Option<UnixMillis>,
    open: Option<Outage>,
    flap: FlapDetector,
    count: Count,
    /// The checks in outages that are over: they do not count as usual.
    in_outages: Count,
    outages: Vec<Outage>,
}

/// So many distances in a row show the present interval.
const SHOWN_BY: usize = 3;

/// One of the last checks, and the last good check before it.
#[derive(Clone, Copy, Debug)]
struct Recent {
    at: UnixMillis,
    failed: bool,
    good_before: Option<UnixMillis>,
}

/// Checks in a row with the same verdict.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    failed: bool,
    length: u32,
    /// The first of them.
    start: UnixMillis,
    /// The last good check before them.
    good_before: Option<UnixMillis>,
}

impl OutageDetector {
    /// The initial state, for one of `series` series. `cadence` is the usual interval between two
    /// checks in milliseconds; after a pause of `open_of` intervals the detector forgets the checks
    /// before it.
    pub(crate) fn new(rules: &IncidentRules, cadence: Option<i64>, series: usize) -> OutageDetector {
        OutageDetector {
            rules: *rules,
            cadence,
            distances: [0; SHOWN_BY],
            round: cadence.unwrap_or_default() / 2,
            series,
            recent: VecDeque::new(),
            failed_recently: 0,
            run: Run::default(),
            last: None,
            last_good: None,
            open: None,
            flap: FlapDetector::default(),
            count: Count::default(),
            in_outages: Count::default(),
            outages: Vec::new(),
        }
    }

    /// Adds a judged check: up or down. Checks of other verdicts are not added.
    pub(crate) fn push(&mut self, at: UnixMillis, failed: bool) {
        if let Some(last) = self.last {
            self.distances.rotate_left(1);
            self.distances[SHOWN_BY - 1] = at - last;
            if at - last > self.memory() {
                self.forget();
            }
        }
        self.last = Some(at);
        self.count.judged += 1;
        self.count.failed += u64::from(failed);
        self.remember(at, failed);
        if failed {
            self.fail(at);
        } else {
            self.recover(at);
        }
        self.follow_flapping(failed);
    }

    /// Adds good checks, skipping those in the middle that only change counts.
    pub(crate) fn push_good(&mut self, checks: &EvenRun) {
        let mut each = checks.checks();
        let mut pushed = 0;
        while (pushed == 0 || !self.is_settled())
            && let Some(check) = each.next()
        {
            self.push(check.at, false);
            pushed += 1;
        }
        // The last ones enter `recent` one by one.
        let skipped = (checks.count - pushed).saturating_sub(u64::from(self.rules.open_of.get()));
        if skipped == 0 || checks.longest_distance() > self.memory() {
            return each.for_each(|check| self.push(check.at, false));
        }
        pushed += skipped;
        self.distances = [checks.longest_distance(); SHOWN_BY];
        self.count.judged += skipped;
        self.run.length = self.run.length.saturating_add(u32::try_from(skipped).unwrap_or(u32::MAX));
        self.last = Some(checks.at(pushed - 1));
        self.last_good = self.last;
        self.flap.skip_good(skipped);
        (pushed..checks.count).for_each(|n| self.push(checks.at(n), false));
    }

    /// After this long without a judged check, in milliseconds, earlier checks no longer count as "in a row".
    fn memory(&self) -> i64 {
        let present = self.distances.into_iter().min().unwrap_or_default();
        let interval = self.cadence.map_or(i64::MAX, |cadence| cadence.max(present));
        interval.saturating_mul(i64::from(self.rules.open_of.get()))
    }

    /// Whether it remembers only good checks, so that one more only changes counts.
    const fn is_settled(&self) -> bool {
        let rules = &self.rules;
        !self.run.failed
            && self.run.length >= rules.open_of.get()
            && self.run.length >= rules.close_after.get()
            && self.flap.is_settled()
    }

    /// The outages in order of time; the last may be open.
    pub(crate) fn outages(&self) -> impl Iterator<Item = Outage> {
        self.outages.iter().copied().chain(self.open)
    }

    /// Whether an outage is open.
    pub(crate) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Failed and judged checks since the open outage began; if none is open, among the last few
    /// checks.
    pub(crate) fn failing(&self) -> (u64, u64) {
        match &self.open {
            Some(open) => (self.count.failed - open.before.failed, self.count.judged - open.before.judged),
            None => (u64::from(self.failed_recently), self.recent.len() as u64),
        }
    }

    /// Whether all checks failed, but are too few to open an outage.
    pub(crate) fn only_failures(&self) -> bool {
        let judged = self.count.judged;
        judged > 0 && judged < u64::from(self.rules.open_after.get()) && self.count.failed == judged
    }

    /// All judged checks.
    pub(crate) const fn judged(&self) -> u64 {
        self.count.judged
    }

    /// Whether it is flapping now.
    pub(crate) fn is_flapping(&self) -> bool {
        self.flap.flapping()
    }

    /// The number of latest checks in a row that failed.
    pub(crate) const fn failures_in_a_row(&self) -> u32 {
        if self.run.failed { self.run.length } else { 0 }
    }

    fn forget(&mut self) {
        self.recent.clear();
        self.failed_recently = 0;
        self.run = Run::default();
    }

    fn remember(&mut self, at: UnixMillis, failed: bool) {
        if self.recent.len() == self.rules.open_of.get() as usize
            && let Some(oldest) = self.recent.pop_front()
        {
            self.failed_recently -= u32::from(oldest.failed);
        }
        self.recent.push_back(Recent { at, failed, good_before: self.last_good });
        self.failed_recently += u32::from(failed);
        if self.run.length == 0 || self.run.failed != failed {
            self.run = Run { failed, length: 0, start: at, good_before: self.last_good };
        }
        self.run.length = self.run.length.saturating_add(1);
    }

    fn fail(&mut self, at: UnixMillis) {
        if let Some(open) = &mut self.open {
            open.last_failed = at;
            return;
        }
        let rules = &self.rules;
        let is_near = self.run.length >= rules.open_after.get() || self.failed_recently >= rules.open_failures.get();
        if !is_near {
            return;
        }
        let needed = self.needed();
        let in_a_row = self.run.length >= needed.in_a_row && self.spans_a_round(self.run.start, at, needed.in_a_row);
        if in_a_row {
            self.open(
                at,
                Transition { after: self.run.good_before, by: self.run.start },
                OpenRule::InARow,
                needed.in_a_row,
            );
        } else if self.failed_recently >= needed.among
            && let Some(first) = self.recent.iter().find(|check| check.failed).copied()
            && self.spans_a_round(first.at, at, needed.among)
        {
            self.open(at, Transition { after: first.good_before, by: first.at }, OpenRule::Among, needed.among);
        }
    }

    /// The failures needed to open an outage, given the failed ratio before the last few checks and
    /// outside outages.
    fn needed(&self) -> run_length::FailuresNeeded {
        if self.rules.open_is_set {
            return run_length::FailuresNeeded::of(&self.rules);
        }
        let recent = Count { judged: self.recent.len() as u64, failed: u64::from(self.failed_recently) };
        let usual = self.count.without(self.in_outages).without(recent);
        run_length::failures_needed(&self.rules, usual, self.series)
    }

    /// Whether failures from one instant to another span more than one round: three failed checks
    /// in the same second are not three in a row.
    fn spans_a_round(&self, from: UnixMillis, to: UnixMillis, failures: u32) -> bool {
        failures <= 1 || to - from >= self.round
    }

    /// Opens an outage. If the last failure of the previous outage is still among the checks that
    /// the rules look at, that outage has not ended: reopens it instead.
    fn open(&mut self, at: UnixMillis, start: Transition, rule: OpenRule, opened_with: u32) {
        let goes_on = self.outages.pop_if(|last| self.recent.iter().any(|check| check.at == last.last_failed));
        if let Some(outage) = goes_on {
            // Its checks are counted again when it ends.
            self.in_outages = self.in_outages.without(outage.counted);
            self.open = Some(Outage { end: None, last_failed: at, ..outage });
            return;
        }
        self.open = Some(Outage {
            start,
            end: None,
            last_failed: at,
            detected_at: at,
            rule,
            opened_with,
            flap_percent: 0.0,
            flapped: 0,
            before: self.before(start.by),
            counted: Count::default(),
        });
    }

    /// The checks before one of the last checks.
    fn before(&self, at: UnixMillis) -> Count {
        let mut before = self.count;
        for check in self.recent.iter().filter(|check| check.at >= at) {
            before.judged -= 1;
            before.failed -= u64::from(check.failed);
        }
        before
    }

    fn recover(&mut self, at: UnixMillis) {
        self.last_good = Some(at);
        if self.run.length >= self.rules.close_after.get()
            && let Some(outage) = self.open.take()
        {
            let end = Transition { after: Some(outage.last_failed), by: self.run.start };
            let counted = self.count.without(outage.before);
            self.in_outages.judged += counted.judged;
            self.in_outages.failed += counted.failed;
            self.outages.push(Outage { counted, ..outage.ending(end) });
        }
    }

    fn follow_flapping(&mut self, failed: bool) {
        self.flap.push(failed);
        let (flapping, is_open) = (self.flap.flapping(), self.open.is_some());
        if let Some(outage) = self.open.as_mut().or(self.outages.last_mut())
            && (is_open || flapping)
        {
            outage.flapped += u64::from(flapping);
            outage.flap_percent = outage.flap_percent.max(self.flap.percent());
        }
    }
}

#[cfg(test)]
mod tests;
