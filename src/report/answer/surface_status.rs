//! The status of a surface at the end of the range, for the verdict and its sentence.

use std::collections::BTreeMap;

use crate::model::{Bracket, SafeText, UnixMillis};
use crate::report::answer::slow_periods;
use crate::report::answer::verdict_input::VerdictInput;
use crate::report::context::ReportContext;
use crate::report::document::answer::{MainFailure, State};
use crate::report::document::rows::SurfaceRow;
use crate::report::fold::evidence::FailureFact;
use crate::report::incident::main_failure::main_failure;
use crate::report::parallel;
use crate::report::series::check_counts::{CheckCounts, tally};
use crate::report::series::judgement;
use crate::report::series::judgement::ALLOWED;
use crate::report::series::outage::Transition;
use crate::report::series::slowness::{Slow, Tail};
use crate::report::statistics::{ratio, wilson};
use crate::report::time_span::{self, TimeSpan};

/// Fewer failures show little about the main kind.
const FEW: u64 = 5;

/// The status of a surface: its checks in the open wave; if none is open, its recent checks if it
/// is failing, or else those of the range.
#[derive(Clone, Debug)]
pub(crate) struct SurfaceStatus {
    pub(crate) surface: SafeText,
    /// The display name.
    pub(crate) label: SafeText,
    pub(crate) state: State,
    /// The start of the open wave or, if none is open, of the incident that flaps; `None` if there is neither.
    pub(crate) since: Option<Bracket>,
    pub(crate) judged: u64,
    pub(crate) failed: u64,
    pub(crate) ci95: Option<[f64; 2]>,
    /// The latest checks: failed and judged.
    pub(crate) now: (u64, u64),
    /// The main kind of failure, of the latest checks if enough of them failed.
    pub(crate) kind: Option<MainFailure>,
    /// The vantages from which it is failing.
    pub(crate) vantages: Vec<SafeText>,
    /// The vantages from which it is not certain whether it is failing.
    pub(crate) unclear: Vec<SafeText>,
    pub(crate) slow: Option<Slow>,
    /// The start of the open slow wave, if slow answers are what makes it degraded.
    pub(crate) slow_since: Option<Bracket>,
    pub(crate) tail: Option<Tail>,
}

impl SurfaceStatus {
    /// When what is open began: failures, or else slow answers.
    pub(crate) fn began(&self) -> Option<Bracket> {
        self.since.or(self.slow_since)
    }

    /// Whether it is what an answer with this state and onset is about: another onset is another incident.
    pub(crate) fn is_told(&self, state: State, since: Option<Bracket>) -> bool {
        self.state == state && self.began().is_none_or(|began| Some(began) == since)
    }

    /// The status of the surface of a row. `over`: the spans of each series in incidents that are over, which do not
    /// count in one that is open.
    pub(crate) fn of(
        input: &VerdictInput<'_, '_>,
        row: &SurfaceRow,
        over: &BTreeMap<usize, Vec<TimeSpan>>,
    ) -> SurfaceStatus {
        let context = input.context;
        let to = context.range.to;
        let open = input.detected.open_wave(context, &row.surface);
        let span = open.map_or_else(|| recent_span(input, row), |wave| TimeSpan::new(wave.start.by, to));
        let series = series_of(input, row);
        let recent = TimeSpan { first: span.first.max(recent_from(input, series)), ..span };
        let nothing = BTreeMap::new();
        let left_out = if open.is_some() { over } else { &nothing };
        let WaveCounts { all, of_vantage, now } = WaveCounts::of(context, series, (span, recent), left_out);
        // A few failures say little of what mostly fails.
        let (told, span) = if now.failed >= FEW || now.failed == all.failed { (&now, recent) } else { (&all, span) };
        let kind = main_failure(&told.classes, &told.codes, &facts(input, &row.surface, span));
        let (mut vantages, mut unclear) =
            vantages_of(input, row, &of_vantage, open.is_some() || row.state.is_failing());
        let latency = context.latency_of(&row.surface);
        let slow = latency.and_then(|latency| latency.slow(to));
        let is_slow = row.state.is_failing() && open.is_none() && slow.is_some_and(|slow| slow.certain);
        if is_slow && vantages.is_empty() {
            (vantages, unclear) = slow_vantages(input, &row.surface, of_vantage.keys());
        }
        let slow_since = slow_periods::slow_since(&row.surface, input.slow_periods).filter(|_| is_slow);
        let flapping = || input.detected.latest_since(series).filter(|_| row.state == State::Flapping);
        SurfaceStatus {
            surface: row.surface.clone(),
            label: row.label().clone(),
            state: row.state,
            since: open.map(|wave| wave.start).or_else(flapping).map(Transition::bracket),
            judged: all.judged,
            failed: all.failed,
            now: (now.failed, now.judged),
            ci95: wilson(all.failed, all.judged),
            kind,
            vantages,
            unclear,
            slow,
            slow_since,
            tail: latency.and_then(|latency| latency.tail(to)),
        }
    }
}

/// The checks of a surface in its open wave, from the vantages that are not set aside; without those of other incidents
/// that are over.
struct WaveCounts {
    all: CheckCounts,
    of_vantage: BTreeMap<SafeText, CheckCounts>,
    /// The latest of them.
    now: CheckCounts,
}

impl WaveCounts {
    fn of(
        context: &ReportContext<'_>,
        series: &[usize],
        (span, recent): (TimeSpan, TimeSpan),
        over: &BTreeMap<usize, Vec<TimeSpan>>,
    ) -> WaveCounts {
        let is_counted = |at: &usize| !context.is_set_aside(&context.analyses[*at].vantage);
        let series: Vec<usize> = series.iter().copied().filter(is_counted).collect();
        let count = |at: usize| {
            let one = &context.analyses[at];
            let over = over.get(&at).map_or(&[][..], Vec::as_slice);
            let tally_in = |span| tally(one.series, one.offline(), &time_span::without(&[span], over));
            (one.vantage.clone(), tally_in(span), tally_in(recent))
        };
        let (mut all, mut of_vantage) = (CheckCounts::default(), BTreeMap::<SafeText, CheckCounts>::new());
        let mut now = CheckCounts::default();
        for (vantage, of_span, latest) in parallel::map(series, count) {
            latest.iter().for_each(|counts| now.merge(counts));
            let of_vantage = of_vantage.entry(vantage).or_default();
            for counts in &of_span {
                of_vantage.merge(counts);
                all.merge(counts);
            }
        }
        WaveCounts { all, of_vantage, now }
    }
}

/// The indexes of a surface's series among the analyses.
fn series_of<'c>(input: &VerdictInput<'c, '_>, row: &SurfaceRow) -> &'c [usize] {
    input.context.surface(&row.surface, row.control).map_or(&[][..], |entry| &entry.series)
}

/// The span to look at if no wave is open: that of the recent checks if the surface is failing,
/// otherwise the whole range.
fn recent_span(input: &VerdictInput<'_, '_>, row: &SurfaceRow) -> TimeSpan {
    let range = &input.context.range;
    if !row.state.is_failing() || row.control {
        return range.span();
    }
    let series = series_of(input, row);
    TimeSpan::new(range.from.max(recent_from(input, series)), range.to)
}

/// The start of the recent checks.
fn recent_from(input: &VerdictInput<'_, '_>, series: &[usize]) -> UnixMillis {
    let interval = series.iter().filter_map(|at| input.context.analyses[*at].interval()).min().unwrap_or_default();
    input.context.range.to - judgement::recent_ms(interval)
}

/// The vantages from which a surface is failing, and those for which that is not certain. They are
/// judged by all their checks in the open wave, since the last few show little of a partial
/// failure. From the other vantages it is up.
fn vantages_of(
    input: &VerdictInput<'_, '_>,
    row: &SurfaceRow,
    of_vantage: &BTreeMap<SafeText, CheckCounts>,
    is_open: bool,
) -> (Vec<SafeText>, Vec<SafeText>) {
    let allowed = input.context.surface(&row.surface, row.control).map_or(ALLOWED, |entry| entry.standing.allowed);
    let is_failing = |vantage: &SafeText, counts: &CheckCounts| {
        input.context.place_state(&row.surface, vantage).is_failing()
            || (is_open && judgement::is_excessive(counts.failed, counts.judged, allowed))
    };
    // Of a vantage that fell silent nothing is known now.
    let heard = of_vantage.iter().filter(|(vantage, _)| input.context.has_recent_data(vantage));
    let (failing, others): (Vec<_>, Vec<_>) = heard.partition(|(vantage, counts)| is_failing(vantage, counts));
    let sum = failing.iter().fold((0, 0), |sum, (_, counts)| (sum.0 + counts.failed, sum.1 + counts.judged));
    let share = ratio(sum.0, sum.1).unwrap_or_default();
    let is_unclear =
        |counts: &CheckCounts| wilson(counts.failed, counts.judged).is_some_and(|[_, high]| high >= share / 2.0);
    let unclear = others.into_iter().filter(|(_, counts)| is_open && share > 0.0 && is_unclear(counts));
    let names = |(vantage, _): (&SafeText, &CheckCounts)| vantage.clone();
    (failing.into_iter().map(names).collect(), unclear.map(names).collect())
}

/// The vantages from which a surface answers far slower than usual, and those for which that is not
/// certain.
fn slow_vantages<'v>(
    input: &VerdictInput<'_, '_>,
    surface: &SafeText,
    vantages: impl Iterator<Item = &'v SafeText>,
) -> (Vec<SafeText>, Vec<SafeText>) {
    let (mut slow, mut unclear) = (Vec::new(), Vec::new());
    for vantage in vantages {
        let latency = input.context.place_latency(surface, vantage);
        match latency.and_then(|latency| latency.slow(input.context.range.to)) {
            Some(found) if found.certain => slow.push(vantage.clone()),
            Some(_) => {}
            None => unclear.push(vantage.clone()),
        }
    }
    (slow, unclear)
}

fn facts(input: &VerdictInput<'_, '_>, surface: &SafeText, span: TimeSpan) -> BTreeMap<FailureFact, u64> {
    let mut facts: BTreeMap<FailureFact, u64> = BTreeMap::new();
    let first = span.first.floor(input.context.range.evidence_step);
    for (fact, n) in input.context.fold.evidence.facts(TimeSpan { first, ..span }) {
        if fact.surface == *surface && !fact.class.is_ours() {
            *facts.entry(fact.clone()).or_default() += n;
        }
    }
    facts
}
