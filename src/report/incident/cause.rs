//! Decides from their classes whether failures have the same cause, and splits an outage if a probe
//! that failed in part then fails completely for another cause: that has an onset of its own.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{FailureClass, UnixMillis, Verdict};
use crate::report::context::ReportContext;
use crate::report::fold::logged_check::LoggedCheck;
use crate::report::incident::surface_failures::SurfaceFailures;
use crate::report::series::judgement;
use crate::report::series::outage::{OpenRule, Outage, Transition};
use crate::report::series::recovery;
use crate::report::statistics::{fisher, number};
use crate::report::time_span::TimeSpan;

/// Failures by class.
pub(crate) type Classes = BTreeMap<FailureClass, u64>;

/// Two mixes of failure classes have the same cause if they share at least this much.
const SAME_CAUSE: f64 = 0.25;

/// Two mixes have different causes if chance makes such a difference with at most this probability.
pub(crate) const CHANCE: f64 = 0.001;

/// The probes of a surface notice that it breaks within this time, in milliseconds: failures of
/// other probes this shortly before belong to the same outage.
const BREAKS_WITHIN_MS: i64 = 5 * 60_000;

/// Whether two mixes of classes have enough in common to be of one cause.
pub(crate) fn is_same(one: &Classes, other: &Classes) -> bool {
    let (of_one, of_other): (u64, u64) = (one.values().sum(), other.values().sum());
    if of_one == 0 || of_other == 0 {
        return true;
    }
    let share = |n: u64, of: u64| number(n) / number(of);
    let common: f64 =
        one.iter().filter_map(|(class, n)| Some(share(*n, of_one).min(share(*other.get(class)?, of_other)))).sum();
    common >= SAME_CAUSE
}

/// Whether two mixes of classes certainly have different causes: they have little in common, and
/// chance does not explain how frequent the main class of the second is in it.
pub(crate) fn is_other(one: &Classes, other: &Classes) -> bool {
    if is_same(one, other) {
        return false;
    }
    let Some((class, n)) = other.iter().max_by_key(|(_, n)| **n) else { return false };
    let of_one = one.get(class).copied().unwrap_or_default();
    fisher(*n, other.values().sum(), of_one, one.values().sum()) <= CHANCE
}

/// Splits an outage of a series by cause: if a probe failed in part and then all its checks fail
/// for another cause, the latter are an outage of their own. A complete failure stays one outage
/// even if its classes change.
pub(super) fn split_by_cause(
    context: &ReportContext<'_>,
    failures: &mut SurfaceFailures<'_, '_>,
    series: usize,
    outage: Outage,
) -> Vec<Outage> {
    let one = &context.analyses[series];
    // The common case: all failures have one class.
    if one.classes.len() < 2 && outage.start.by >= context.range.from {
        return vec![outage];
    }
    let rules = context.range.rules;
    let start = outage.start.by;
    // The longer ago, the more of the failures are chance.
    let before = start.saturating_sub(judgement::recent_ms(one.interval().unwrap_or_default()));
    let mut causes = CauseWatch {
        in_a_row: usize::try_from(rules.open_after.get()).unwrap_or(usize::MAX).max(1),
        round: one.interval().unwrap_or_default() / 2,
        first: FirstCause::default(),
        of_surface: failures.between(&one.surface, before, start.saturating_sub(BREAKS_WITHIN_MS)),
        shown: BTreeSet::new(),
        last: outage.start.after,
        run: Vec::new(),
        others: Vec::new(),
    };
    context.judged(series, TimeSpan::new(before, start - 1)).for_each(|check| causes.first.see(&check));
    causes.first.failures.clear();
    let end = outage.end.map_or(context.range.to, |end| end.by);
    let checks: Vec<LoggedCheck> = context.judged(series, TimeSpan::new(start, end)).collect();
    causes.shown = checks.iter().filter_map(LoggedCheck::counted_class).collect();
    checks.iter().for_each(|check| causes.push(check));
    causes.parts(outage)
}

/// The most frequent class of some failures.
fn main_class(failures: &[LoggedCheck]) -> Option<FailureClass> {
    let mut classes = Classes::new();
    for class in failures.iter().filter_map(LoggedCheck::counted_class) {
        *classes.entry(class).or_default() += 1;
    }
    classes.into_iter().max_by_key(|(_, n)| *n).map(|(class, _)| class)
}

/// The failures of a probe before another cause appeared, and beside it.
#[derive(Clone, Debug, Default)]
struct FirstCause {
    classes: Classes,
    judged: u64,
    /// Its failures in the outage, each with the instant of the check before it.
    failures: Vec<(Option<UnixMillis>, UnixMillis)>,
    last: Option<UnixMillis>,
}

impl FirstCause {
    fn see(&mut self, check: &LoggedCheck) {
        self.judged += 1;
        if check.verdict == Verdict::Down {
            if let Some(class) = check.counted_class() {
                *self.classes.entry(class).or_default() += 1;
            }
            self.failures.push((self.last, check.at));
        }
        self.last = Some(check.at);
    }

    fn is_partial(&self) -> bool {
        recovery::is_partial(self.classes.values().sum(), self.judged)
    }
}

/// An outage of another cause.
#[derive(Clone, Copy, Debug)]
struct OtherCause {
    class: FailureClass,
    start: Transition,
    /// The check that shows the other cause.
    detected_at: UnixMillis,
    last_failed: UnixMillis,
    /// The first good check after its last failure; `None` while it continues.
    good: Option<UnixMillis>,
}

/// Follows the checks of an outage in order of time.
struct CauseWatch {
    /// This many failures in a row open an outage,
    in_a_row: usize,
    /// if they span at least this long, in milliseconds.
    round: i64,
    first: FirstCause,
    /// The failures of the whole surface before the outage, and the classes that this probe has in
    /// the outage.
    of_surface: Classes,
    shown: BTreeSet<FailureClass>,
    /// The last check before the current run of failures.
    last: Option<UnixMillis>,
    /// The current run of failures.
    run: Vec<LoggedCheck>,
    others: Vec<OtherCause>,
}

impl CauseWatch {
    fn push(&mut self, check: &LoggedCheck) {
        if check.verdict == Verdict::Down {
            self.run.push(*check);
            return;
        }
        self.end_run(Some(check.at));
        self.first.see(check);
        self.last = Some(check.at);
    }

    /// Ends the current run of failures, with the good check after it or, if there is none, with
    /// `None`.
    fn end_run(&mut self, good: Option<UnixMillis>) {
        let run = std::mem::take(&mut self.run);
        let (begins, other) = match self.other_cause(&run) {
            Some((begins, class, detected_at)) => (begins, Some((class, detected_at))),
            None => (run.len(), None),
        };
        let (first, others) = run.split_at(begins);
        for check in first {
            // A failure soon after another cause, and of its class, belongs to it.
            let soon = self.round.saturating_mul(2 * i64::try_from(self.in_a_row).unwrap_or_default());
            let is_rest = |other: &&mut OtherCause| {
                check.counted_class() == Some(other.class) && check.at - other.last_failed <= soon
            };
            match self.others.last_mut().filter(is_rest) {
                Some(other) => (other.last_failed, other.good) = (check.at, good),
                None => self.first.see(check),
            }
            self.last = Some(check.at);
        }
        if let (Some((class, detected_at)), Some(begin), Some(end)) = (other, others.first(), others.last()) {
            let start = Transition { after: self.last, by: begin.at };
            self.others.push(OtherCause { class, start, detected_at, last_failed: end.at, good });
            self.last = Some(end.at);
        }
    }

    /// The index at which another cause begins in a run of failures, its class, and the check that
    /// shows it; `None` if there is none.
    fn other_cause(&self, run: &[LoggedCheck]) -> Option<(usize, FailureClass, UnixMillis)> {
        if run.len() < self.in_a_row || !self.first.is_partial() {
            return None;
        }
        // The first failures of the run may still be of the first cause.
        let main = main_class(run)?;
        // Failures of the whole surface, in classes that this probe has as well, are further
        // evidence of its first cause.
        let mut known = self.first.classes.clone();
        let shown = |class: &FailureClass| self.shown.contains(class) || self.first.classes.contains_key(class);
        for (class, n) in self.of_surface.iter().filter(|(class, _)| **class != main && shown(class)) {
            *known.entry(*class).or_default() += n;
        }
        let begins = run.iter().position(|check| check.counted_class() == Some(main))?;
        let mut classes = Classes::new();
        for (n, check) in (1..).zip(&run[begins..]) {
            *classes.entry(check.counted_class()?).or_default() += 1;
            let spans = check.at - run[begins].at >= self.round;
            if n >= self.in_a_row && spans && is_other(&known, &classes) {
                return Some((begins, main, check.at));
            }
        }
        None
    }

    /// The outages by cause.
    fn parts(mut self, outage: Outage) -> Vec<Outage> {
        self.end_run(None);
        if self.others.is_empty() {
            return vec![outage];
        }
        // What is of the other cause from its onset on was found when it was, whatever shows the cause.
        let is_whole = |other: &OtherCause| other.start.by == outage.start.by;
        let of_other = |other: &OtherCause| Outage {
            start: if is_whole(other) { outage.start } else { other.start },
            end: other.good.map(|by| Transition { after: Some(other.last_failed), by }),
            last_failed: other.last_failed,
            detected_at: if is_whole(other) { outage.detected_at } else { other.detected_at.max(outage.detected_at) },
            rule: OpenRule::InARow,
            opened_with: u32::try_from(self.in_a_row).unwrap_or(u32::MAX),
            ..outage
        };
        let mut parts: Vec<Outage> = self.others.iter().map(of_other).collect();
        let failures = &self.first.failures;
        // Fewer failures of the first cause are no outage of their own: other series show it.
        if let (Some((after, by)), Some((_, last_failed)), Some((_, opens))) =
            (failures.first(), failures.last(), failures.get(self.in_a_row - 1))
        {
            let start = if *by == outage.start.by { outage.start } else { Transition { after: *after, by: *by } };
            let end = outage.end.map(|end| Transition { after: Some(*last_failed), by: end.by });
            let detected_at = outage.detected_at.max(*opens);
            parts.insert(0, Outage { start, end, last_failed: *last_failed, detected_at, ..outage });
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mix(counts: &[(FailureClass, u64)]) -> Classes {
        counts.iter().copied().collect()
    }

    const STATUS: FailureClass = FailureClass::Status;
    const RESET: FailureClass = FailureClass::ConnectionReset;

    #[test]
    fn a_cause_is_the_same_when_a_quarter_of_the_failures_are_alike() {
        assert!(is_same(&mix(&[(STATUS, 10)]), &mix(&[(STATUS, 3), (RESET, 7)])));
        assert!(!is_same(&mix(&[(STATUS, 10)]), &mix(&[(RESET, 7)])));
        assert!(!is_same(&mix(&[(STATUS, 10)]), &mix(&[(STATUS, 1), (RESET, 9)])));
        assert!(is_same(&mix(&[]), &mix(&[(STATUS, 1)])), "what is not known excludes nothing");
    }

    #[test]
    fn a_cause_is_another_where_chance_would_not_make_it() {
        assert!(is_other(&mix(&[(STATUS, 20)]), &mix(&[(RESET, 3)])));
        assert!(!is_other(&mix(&[(STATUS, 4)]), &mix(&[(RESET, 3)])), "too few to tell");
        assert!(!is_other(&mix(&[(STATUS, 60), (RESET, 40)]), &mix(&[(RESET, 300)])), "they have it in common");
        assert!(!is_other(&mix(&[(STATUS, 80), (RESET, 20)]), &mix(&[(RESET, 3)])), "chance makes it");
        assert!(is_other(&mix(&[(STATUS, 80), (RESET, 20)]), &mix(&[(RESET, 12)])));
    }

    /// The outages of an outage by cause: start, end and detection. Checks are ten apart: `.` good,
    /// `s` and `r` failed by status and reset. Before them, `of_surface` checks of the surface
    /// failed by status.
    fn parts(before: &str, checks: &str, of_surface: u64) -> Vec<(i64, Option<i64>, i64)> {
        let mut watch = CauseWatch {
            in_a_row: 3,
            round: 5,
            first: FirstCause::default(),
            of_surface: mix(&[(STATUS, of_surface)]),
            shown: checks.contains('s').then_some(STATUS).into_iter().collect(),
            last: None,
            run: Vec::new(),
            others: Vec::new(),
        };
        let logged = |(n, check): (i64, char)| {
            let class = match check {
                's' => Some(STATUS),
                'r' => Some(RESET),
                _ => None,
            };
            let verdict = if class.is_some() { Verdict::Down } else { Verdict::Up };
            LoggedCheck { at: UnixMillis(n * 10), verdict, class, code: None, is_set_aside: false }
        };
        (-1_000..).zip(before.chars()).map(logged).for_each(|check| watch.first.see(&check));
        watch.first.failures.clear();
        (0..).zip(checks.chars()).map(logged).for_each(|check| watch.push(&check));
        let outage = Outage {
            start: Transition { after: None, by: UnixMillis(0) },
            end: None,
            last_failed: UnixMillis(0),
            detected_at: UnixMillis(20),
            rule: OpenRule::InARow,
            opened_with: 3,
            flap_percent: 0.0,
            flapped: 0,
            before: crate::report::series::outage::Count::default(),
            counted: crate::report::series::outage::Count::default(),
        };
        let parts = watch.parts(outage).into_iter();
        parts.map(|one| (one.start.by.0, one.end.map(|end| end.by.0), one.detected_at.0)).collect()
    }

    #[test]
    fn what_fails_in_part_and_then_whole_for_another_cause_has_an_outage_in_its_outage() {
        let part = "s..ss..s.s..s..s.s.s..s.s..";
        // Its third failure is at 40.
        let (whole, first) = ((0, None, 20), (0, None, 40));
        assert_eq!(parts("", part, 0), [whole]);
        assert_eq!(parts("", &format!("{part}rrrrr..s.s."), 0), [first, (270, Some(320), 300)]);
        assert_eq!(parts("", &format!("{part}srrrr"), 0), [first, (280, None, 310)]);
        assert_eq!(parts("", &format!("{part}rr..rr."), 0), [whole], "two in a row may be chance");
        assert_eq!(parts("", &format!("{part}sssssss"), 0), [whole], "more fails, and for the same cause");
        assert_eq!(parts("", "ssssssssssssssrrrrrrrr", 0), [whole], "what failed whole goes on");
    }

    #[test]
    fn what_fails_whole_while_a_part_has_failed_before_ends_before_the_part_does() {
        let before = ".s..s..s....s..s.s...s..s.s..s.";
        assert_eq!(parts(before, "rrrrr..", 0), [(0, Some(50), 20)], "of the first cause nothing is left");
        assert_eq!(parts(before, "rrrrr.s..s.s", 0), [(60, None, 110), (0, Some(50), 20)]);
        assert_eq!(parts(before, "rrrrr.r.s..s.s", 0), [(80, None, 130), (0, Some(70), 20)], "a last failure");
        assert_eq!(parts(".....s..", "rrrrr.s..s", 0), [(0, None, 20)], "one failure before is no cause for certain");
        assert_eq!(parts(".....s..", "rrrrr.s..s", 40), [(0, Some(50), 20)], "where its surface had more it is");
        assert_eq!(parts("........", "rrrrr.s..s", 40), [(0, Some(50), 20)], "and where it has only afterwards");
        assert_eq!(parts("........", "rrrrr.s..s", 0), [(0, None, 20)], "what fails in another way goes on");
        assert_eq!(parts("........", "rrrrr.r..r", 40), [(0, None, 20)], "this probe had nothing of it");
    }
}
