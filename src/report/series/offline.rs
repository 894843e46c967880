//! Detects when a vantage itself was offline: all its control targets failed because of the
//! network, and no other check there was up. Its results from then say nothing about the targets.

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::Arc;

use crate::model::{FailureClass, UnixMillis, Verdict};
use crate::report::fold::even_run::EvenRun;
use crate::report::fold::logged_check::LoggedCheck;
use crate::report::fold::probe_series::Series;
use crate::report::series::judgement::JudgedCheck;
use crate::report::time_span::{self, TimeSpan};

/// The spans of time in which a vantage was offline, in order. They reach to the good checks around
/// the failed ones, which are not part of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offline {
    spans: Vec<TimeSpan>,
    /// The spans in which no control target answered, whatever other checks found.
    unanswered: Vec<TimeSpan>,
    /// The spans in which every control target was dead.
    dead: Vec<TimeSpan>,
    /// The spans in which neither a control target nor any other check answered.
    silent: Vec<TimeSpan>,
}

impl Offline {
    /// The spans in which all these control series of one vantage failed because of the network,
    /// and no other series of the vantage was up.
    pub(crate) fn of(controls: &[&Series], targets: &[&Series]) -> Offline {
        let checks: Vec<_> = controls.iter().map(|control| checks_of(control, targets)).collect();
        let is_online = |disproved: Option<u32>| disproved.is_none_or(|disproved| (1..DEAD_AFTER).contains(&disproved));
        let failing_all =
            |is_online: &dyn Fn(Option<u32>) -> bool| in_all(checks.iter().map(|checks| failing(checks, is_online)));
        let dead = in_all(checks.iter().map(|checks| dead(checks)));
        Offline {
            spans: time_span::without(&failing_all(&is_online), &dead),
            unanswered: failing_all(&|disproved| disproved.is_none()),
            silent: failing_all(&|disproved| disproved.is_none_or(|disproved| disproved > 0)),
            dead,
        }
    }

    /// The same for one series of the vantage. As in a run, control targets that are dead say nothing about a probe
    /// that was up since they are: what keeps them from answering does not affect it. So its failures count while other
    /// checks show that the vantage is online, though the prober, which may have known nothing of this, set them aside.
    pub(crate) fn for_series(self: &Arc<Self>, series: &Series) -> Arc<Offline> {
        let since_up = |span: &TimeSpan| Some(TimeSpan { first: first_up(series, *span)?, ..*span });
        let unaffected: Vec<_> = self.dead.iter().filter_map(since_up).collect();
        if unaffected.is_empty() {
            return Arc::clone(self);
        }
        let shown_online = time_span::without(&unaffected, &self.silent);
        Arc::new(Offline { unanswered: time_span::without(&self.unanswered, &shown_online), ..Offline::clone(self) })
    }

    /// Whether the vantage was offline at an instant.
    pub(crate) fn covers(&self, at: UnixMillis) -> bool {
        time_span::cover(&self.spans, at)
    }

    /// Rejudges a check with all that is known of its vantage. A failure while the vantage was
    /// offline does not count against the target. A failure that the prober set aside does count if
    /// a control target answered after all, or says nothing about this probe. Otherwise, and for a
    /// vantage without control targets, the prober's verdict stands.
    pub(crate) fn judged(offline: Option<&Offline>, check: LoggedCheck) -> LoggedCheck {
        let Some(offline) = offline else { return check };
        match (check.verdict, offline.covers(check.at)) {
            (Verdict::Down, true) => LoggedCheck { verdict: Verdict::Unknown, is_set_aside: true, ..check },
            (Verdict::Unknown, false) if check.is_set_aside && !time_span::cover(&offline.unanswered, check.at) => {
                let verdict = check.class.map_or(Verdict::Unknown, FailureClass::verdict);
                LoggedCheck { verdict, is_set_aside: false, ..check }
            }
            _ => check,
        }
    }

    /// Whether the vantage was online from the first to the last of some checks.
    pub(crate) fn is_clear(&self, checks: &EvenRun) -> bool {
        let next = self.spans.partition_point(|span| span.last < checks.first.at);
        self.spans.get(next).is_none_or(|span| span.first > checks.last_at)
    }

    /// Whether the vantage was offline at the end of the data.
    pub(crate) fn is_open(&self) -> bool {
        self.spans.last().is_some_and(|span| span.last == UnixMillis::MAX)
    }
}

/// A control target of which so many failures in a row were disproved is dead, until it answers.
const DEAD_AFTER: u32 = 3;

/// When a check of a control target was due, and how many failures in a row up to it were disproved; `None` if it shows
/// by itself that the vantage was online.
type ControlCheck = (UnixMillis, Option<u32>);

/// The judged checks of a control target.
fn checks_of(series: &Series, targets: &[&Series]) -> Vec<ControlCheck> {
    let checks: Vec<LoggedCheck> = series.lead_in.iter().chain(series.log.iter()).filter(is_judged).collect();
    let mut disproved = 0;
    let of_each = checks.iter().enumerate().map(|(n, check)| {
        let before = n.checked_sub(1).map(|n| checks[n].at);
        let after = checks.get(n + 1).map(|next| next.at);
        if !may_be_offline(check) {
            disproved = 0;
            return (check.at, None);
        }
        let is_disproved = other_checks_show_online(check.at, before, after, targets, disproved > 0);
        disproved = if is_disproved { disproved + 1 } else { 0 };
        (check.at, Some(disproved))
    });
    of_each.collect()
}

/// The spans around the checks of a control target that do not show the vantage online, between those that do.
fn failing(checks: &[ControlCheck], is_online: impl Fn(Option<u32>) -> bool) -> Vec<TimeSpan> {
    let (mut last_good, mut failing_since) = (UnixMillis::MIN, None);
    let mut spans = Vec::new();
    for (at, disproved) in checks {
        if is_online(*disproved) {
            spans.extend(failing_since.take().map(|since| TimeSpan::new(since, *at - 1)));
            last_good = *at;
        } else {
            failing_since = failing_since.or(Some(last_good.saturating_add(1)));
        }
    }
    spans.extend(failing_since.map(|since| TimeSpan::new(since, UnixMillis::MAX)));
    // A good check may have been due at the same instant.
    spans.retain(|span| !span.is_empty());
    spans
}

/// The spans in which a control target was dead: it failed again and again while other targets were good. What it
/// fails until it answers says nothing of the vantage.
fn dead(checks: &[ControlCheck]) -> Vec<TimeSpan> {
    let (mut spans, mut since, mut last) = (Vec::new(), None, UnixMillis::MIN);
    for (at, disproved) in checks {
        match disproved {
            None => spans.extend(since.take().map(|since| TimeSpan::new(since, *at - 1))),
            Some(disproved) if *disproved >= DEAD_AFTER => since = since.or(Some(last.saturating_add(1))),
            Some(_) => {}
        }
        last = *at;
    }
    spans.extend(since.map(|since| TimeSpan::new(since, UnixMillis::MAX)));
    spans
}

/// The time that lies in the spans of every control target.
fn in_all(spans: impl Iterator<Item = Vec<TimeSpan>>) -> Vec<TimeSpan> {
    spans.reduce(|one, other| time_span::intersection(&one, &other)).unwrap_or_default()
}

fn is_judged(check: &LoggedCheck) -> bool {
    matches!(check.verdict, Verdict::Up | Verdict::Down)
}

/// Whether a check of a control target suggests that the vantage is offline. Any answer proves that
/// it is online: only failures to resolve or connect, and timeouts, can be the vantage's own.
fn may_be_offline(check: &LoggedCheck) -> bool {
    check.verdict == Verdict::Down && check.class.is_none_or(FailureClass::may_be_offline)
}

/// The results of the latest checks of control targets.
#[derive(Clone, Debug, Default)]
pub(crate) struct ControlAnswers {
    /// Judged checks, and those of them that were up.
    pub(crate) judged: u64,
    pub(crate) good: u64,
    /// Checks that got any answer.
    pub(crate) answered: u64,
    /// The failures, by class and status code.
    pub(crate) failures: BTreeMap<(FailureClass, Option<u16>), u64>,
}

impl ControlAnswers {
    /// Those of one control target in the span of its latest checks.
    pub(crate) fn of(series: &Series, latest: &[JudgedCheck]) -> ControlAnswers {
        let mut found = ControlAnswers::default();
        let (Some(first), Some(last)) = (latest.first(), latest.last()) else { return found };
        for check in series.checks_in(TimeSpan::new(first.at, last.at)).filter(is_judged) {
            found.judged += 1;
            found.good += u64::from(check.verdict == Verdict::Up);
            found.answered += u64::from(!may_be_offline(&check));
            if let Some(class) = check.class.filter(|_| check.verdict == Verdict::Down) {
                *found.failures.entry((class, check.code.map(NonZero::get))).or_default() += 1;
            }
        }
        found
    }
}

/// Whether the vantage was online although a check of a control target failed: other checks were up
/// both before and after it, within the distance to its neighbours. If it is the last check, the
/// result for the check before it stands.
fn other_checks_show_online(
    at: UnixMillis,
    before: Option<UnixMillis>,
    after: Option<UnixMillis>,
    targets: &[&Series],
    was_disproved: bool,
) -> bool {
    let Some(interval) = before.map(|before| at - before).or_else(|| after.map(|after| after - at)) else {
        return false;
    };
    let is_good = |first: UnixMillis, last: UnixMillis| {
        targets.iter().any(|target| first_up(target, TimeSpan { first, last }).is_some())
    };
    let was_good = is_good(before.unwrap_or(at - interval), at);
    was_good && (is_good(at, after.unwrap_or(at + interval)) || (was_disproved && after.is_none()))
}

/// The first up check of a series in a span.
fn first_up(series: &Series, span: TimeSpan) -> Option<UnixMillis> {
    series.checks_in(span).find(|check| check.verdict == Verdict::Up).map(|check| check.at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_good_checks_around_are_not_offline() {
        let offline = Offline {
            spans: vec![TimeSpan::new(UnixMillis(11), UnixMillis(19)), TimeSpan::new(UnixMillis(41), UnixMillis::MAX)],
            ..Offline::default()
        };
        let covered: Vec<i64> = (0..60).filter(|at| offline.covers(UnixMillis(*at))).collect();
        assert_eq!(covered, (11..20).chain(41..60).collect::<Vec<_>>());
        assert!(offline.is_open());
    }
}
