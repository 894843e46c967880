//! The answer in short: state, for whom, since when, what kind, how sure.

use std::collections::{BTreeMap, BTreeSet};

use crate::format;
use crate::format::InstantFormat;
use crate::model::{Bracket, SafeText};
use crate::report::answer::claims;
use crate::report::answer::headline::Headline;
use crate::report::answer::maintenance;
use crate::report::answer::sentence::Sentence;
use crate::report::answer::surface_status::SurfaceStatus;
use crate::report::context::ReportContext;
use crate::report::document::answer::{Answer, Confidence, Extent, Scope, State};
use crate::report::document::bracket::instant;
use crate::report::document::coverage::Coverage;
use crate::report::document::incident::Incident;
use crate::report::document::reading::Reading;
use crate::report::document::rows::{SurfaceRow, VantageRow};
use crate::report::document::slow_period::SlowPeriod;
use crate::report::fold::bucket;
use crate::report::fold::evidence::FailureFact;
use crate::report::incident::incident_detection::DetectedIncidents;
use crate::report::incident::main_failure::main_failure;
use crate::report::incident::signature;
use crate::report::incident::signature::incident_facts::IncidentFacts;
use crate::report::parallel;
use crate::report::series::analysis::{Cell, SeriesAnalysis, tally};
use crate::report::series::judgement::ALLOWED;
use crate::report::series::{judgement, state};
use crate::report::statistics::{ratio, wilson};

/// Half of an interval this wide or less is narrow: ten points.
const NARROW: f64 = 0.1;

/// At least this share of what was due must have been seen.
const COVERED: f64 = 0.9;

/// Fewer failures say little of what mostly fails.
const FEW: u64 = 5;

/// Below this share of what was due, nothing can be called up.
const HARDLY_SEEN: f64 = 0.5;

/// What the verdict is made of.
pub(crate) struct VerdictInput<'c, 'f> {
    pub(crate) context: &'c ReportContext<'f>,
    pub(crate) surfaces: &'c [SurfaceRow],
    pub(crate) vantages: &'c [VantageRow],
    pub(crate) incidents: &'c [Incident],
    pub(crate) detected: &'c DetectedIncidents,
    pub(crate) slow_periods: &'c [SlowPeriod],
    pub(crate) coverage: Coverage,
}

impl VerdictInput<'_, '_> {
    /// The answer in short.
    pub(crate) fn answer(&self) -> Answer {
        let statuses: Vec<SurfaceStatus> = self.watched().map(|row| self.surface_status(row)).collect();
        let mut state = judgement::worst(statuses.iter().map(|status| status.state));
        let hardly_seen = self.coverage.ratio.is_some_and(|ratio| ratio < HARDLY_SEEN);
        if state == State::Up && hardly_seen {
            state = State::Unknown;
        }
        let worst: Vec<&SurfaceStatus> =
            statuses.iter().filter(|status| state.is_failing() && status.state == state).collect();
        let scope = self.scope(&worst, &statuses);
        let open = self.incidents.iter().rev().find(|incident| incident.end.is_none());
        let last = open.or(self.incidents.last());
        let (confidence, reasons) = self.confidence(state, &scope, &worst);
        let mut answer = Answer {
            state,
            since: worst.iter().filter_map(|status| status.since.or(status.slow_since)).min_by_key(|since| since.by),
            until: if state.is_failing() { None } else { last.and_then(|incident| incident.end) },
            kind: worst.iter().find_map(|status| status.kind.clone()).or_else(|| last?.kind.clone()),
            scope,
            confidence,
            reasons,
            claims: Vec::new(),
            incident_since: None,
            headline: String::new(),
            signature: self.reading(last, &statuses),
            sentence: String::new(),
        };
        answer.incident_since =
            self.incident_of(&answer).map(|incident| incident.start).or_else(|| self.slow_since(&answer));
        answer.claims = claims::claims(self.context, &answer, &worst, self.coverage);
        answer.headline = self.headline(&answer, &statuses);
        answer.sentence = self.sentence(&answer, &statuses, last);
        answer
    }

    /// The open incident whose wave the answer speaks of.
    fn incident_of(&self, answer: &Answer) -> Option<&Incident> {
        let since = answer.since?;
        let is_of = |incident: &&Incident| incident.waves.last().is_some_and(|wave| wave.start == since);
        self.incidents.iter().filter(|incident| incident.end.is_none()).find(is_of)
    }

    /// When the slow period began whose last wave the answer speaks of.
    fn slow_since(&self, answer: &Answer) -> Option<Bracket> {
        let since = answer.since?;
        let is_of = |period: &&SlowPeriod| period.waves.last().is_some_and(|wave| wave.start == since);
        self.slow_periods.iter().filter(|period| period.is_open()).find(is_of).map(|period| period.start)
    }

    fn headline(&self, answer: &Answer, statuses: &[SurfaceStatus]) -> String {
        let counts = |row: &SurfaceRow| (row.figures.down, row.figures.up + row.figures.down);
        let (failed, judged) = self.watched().map(counts).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let range = self.context.range.from..self.context.range.to;
        let clock = self.context.fold.question.instants(instant(range.start), instant(range.end));
        let unknown = self.why_unknown(answer, statuses);
        Headline {
            answer,
            statuses,
            incidents: self.incidents,
            slow_periods: self.slow_periods,
            to: range.end,
            background: self.background(answer, &clock),
            blip: self.blip(answer),
            clock,
            failed,
            judged,
            maintenance: self.maintenance(),
            warnings: self.warnings(),
            why_unknown: unknown,
        }
        .write()
    }

    /// Checks that were up with a warning: `12 checks with warnings: home (certificate-days)`
    fn warnings(&self) -> Option<String> {
        const NAMED: usize = 3;
        let mut by_probe: BTreeMap<(&SafeText, &SafeText), u64> = BTreeMap::new();
        for one in self.context.of_targets().filter(|one| one.series.warnings > 0) {
            *by_probe.entry((&one.surface, &one.probe)).or_default() += one.series.warnings;
        }
        let checks: u64 = by_probe.values().sum();
        let named = by_probe.keys().take(NAMED).map(|(surface, probe)| {
            let rules = self.context.fold.warnings.of(surface, probe).map(|unmet| unmet.assertion.as_str());
            let rules: Vec<&str> = rules.take(NAMED).collect();
            if rules.is_empty() { probe.to_string() } else { format!("{probe} ({})", rules.join(", ")) }
        });
        let named: Vec<String> = named.collect();
        let more = by_probe.len() - named.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        (checks > 0).then(|| format!("{} with warnings: {}{more}", format::counted(checks, "check"), named.join(", ")))
    }

    /// What is or was in maintenance, by the names for people.
    fn maintenance(&self) -> Vec<String> {
        maintenance::phrases(self.context, |surface| {
            let row = self.surfaces.iter().find(|row| row.surface == *surface);
            row.map_or(surface, SurfaceRow::label).to_string()
        })
    }

    /// What has been failing for long beside what is told: `1 of 200 probes failing since 2025-03-04 09:00`
    fn background(&self, answer: &Answer, clock: &InstantFormat) -> Option<String> {
        let told = self.incident_of(answer)?;
        let others = self.incidents.iter().filter(|incident| incident.end.is_none() && incident.id != told.id);
        let older: Vec<&Incident> = others.filter(|incident| incident.start.by < told.start.by).collect();
        let probes: BTreeSet<&SafeText> = older.iter().flat_map(|incident| &incident.probes).collect();
        let since = older.iter().map(|incident| incident.start.by).min()?;
        let all: BTreeSet<&SafeText> = self.context.of_targets().map(|one| &one.probe).collect();
        let names = if probes.len() <= 2 {
            probes.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
        } else {
            String::new()
        };
        let names = if names.is_empty() { names } else { format!(" ({names})") };
        Some(format!("already failing: {} of {} probes{names} since {}", probes.len(), all.len(), clock.short(since)))
    }

    /// Failures in a row that are no incident yet: `home: the last 2 checks failed from iad, not yet an incident`
    fn blip(&self, answer: &Answer) -> Option<String> {
        const WORTH_A_WORD: u32 = 2;
        let in_a_row = |one: &&SeriesAnalysis<'_>| {
            !one.silent && !one.detector.is_open() && one.detector.failures_in_a_row() >= WORTH_A_WORD
        };
        let one = self.context.of_targets().filter(in_a_row).max_by_key(|one| one.detector.failures_in_a_row())?;
        (answer.state == State::Up).then(|| {
            let n = one.detector.failures_in_a_row();
            format!("{}: the last {n} checks failed from {}, not yet an incident", one.probe, one.vantage)
        })
    }

    fn why_unknown(&self, answer: &Answer, statuses: &[SurfaceStatus]) -> String {
        self.sentence_of(answer, statuses, None).why_unknown()
    }

    fn sentence(&self, answer: &Answer, statuses: &[SurfaceStatus], last: Option<&Incident>) -> String {
        self.sentence_of(answer, statuses, last).write()
    }

    fn sentence_of<'s>(
        &'s self,
        answer: &'s Answer,
        statuses: &'s [SurfaceStatus],
        last: Option<&'s Incident>,
    ) -> Sentence<'s> {
        let context = self.context;
        let counts = |row: &SurfaceRow| (row.figures.down, row.figures.up + row.figures.down);
        let (failed, judged) = self.watched().map(counts).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        let objectives = context.fold.question.surfaces.values().filter_map(|surface| Some(surface.objective?.ratio));
        Sentence {
            answer,
            statuses,
            last,
            vantages: self.vantages,
            range: context.range.from..context.range.to,
            clock: context.fold.question.instants(instant(context.range.from), instant(context.range.to)),
            failed,
            judged,
            control_ok: context.control_ok(),
            objective: objectives.fold(None, |most: Option<f64>, one| Some(most.map_or(one, |most| most.max(one)))),
            coverage: self.coverage.ratio,
            last_check: context.of_targets().filter_map(|one| one.last).max(),
            is_silent: context.analyses.iter().any(|one| one.silent),
            is_empty: context.analyses.is_empty(),
            maintenance: self.maintenance(),
        }
    }

    /// The surfaces the verdict is on: all but the control targets, or these where there is nothing else.
    pub(crate) fn watched(&self) -> impl Iterator<Item = &SurfaceRow> {
        let only_controls = self.surfaces.iter().all(|row| row.control);
        self.surfaces.iter().filter(move |row| only_controls || !row.control)
    }

    fn surface_status(&self, row: &SurfaceRow) -> SurfaceStatus {
        let open = self.detected.open_wave(self.context, &row.surface);
        let span = open.map_or_else(|| self.recent_span(row), |wave| (wave.start.by, self.context.range.to));
        let series = self.context.surface(&row.surface, row.control).map_or(&[][..], |entry| &entry.series);
        let mut mine = self.context.at(series);
        mine.retain(|one| !self.context.is_set_aside(&one.vantage));
        let recent = (span.0.max(self.recent_from(series)), span.1);
        let count = |one: &SeriesAnalysis<'_>| {
            let offline = self.context.offline_of(&one.series.vantage);
            let cells = tally(one.series, offline, &[span]);
            (one.vantage.clone(), cells, tally(one.series, offline, &[recent]))
        };
        let (mut all, mut of_vantage) = (Cell::default(), BTreeMap::<SafeText, Cell>::new());
        let mut now = Cell::default();
        for (vantage, cells, latest) in parallel::map(mine, count) {
            latest.iter().for_each(|cell| now.merge(cell));
            let of_vantage = of_vantage.entry(vantage).or_default();
            for cell in &cells {
                of_vantage.merge(cell);
                all.merge(cell);
            }
        }
        // A few failures say little of what mostly fails.
        let (told, span) = if now.failed >= FEW || now.failed == all.failed { (&now, recent) } else { (&all, span) };
        let kind = main_failure(&told.classes, &told.codes, &self.facts(&row.surface, span));
        let (mut vantages, mut unclear) = self.vantages_of(row, &of_vantage, open.is_some() || row.state.is_failing());
        let latency = self.context.latency_of(&row.surface);
        let slow = latency.and_then(|latency| latency.slow(self.context.range.to));
        let is_slow = row.state.is_failing() && open.is_none() && slow.is_some_and(|slow| slow.certain);
        if is_slow && vantages.is_empty() {
            (vantages, unclear) = self.slow_vantages(&row.surface, of_vantage.keys());
        }
        let period = self.slow_periods.iter().rev().find(|period| period.surface == row.surface && period.is_open());
        let slow_since = period.filter(|_| is_slow).and_then(|period| period.waves.last()).map(|wave| wave.start);
        SurfaceStatus {
            surface: row.surface.clone(),
            label: row.label().clone(),
            state: row.state,
            since: open.map(|wave| wave.start.bracket()),
            judged: all.judged,
            failed: all.failed,
            now: (now.failed, now.judged),
            ci95: wilson(all.failed, all.judged),
            kind,
            vantages,
            unclear,
            slow,
            slow_since,
            tail: latency.and_then(|latency| latency.tail(self.context.range.to)),
        }
    }

    /// What is looked at where no incident is open: the recent checks where they fail more than is allowed, else all.
    fn recent_span(&self, row: &SurfaceRow) -> (i64, i64) {
        let range = &self.context.range;
        if !row.state.is_failing() || row.control {
            return (range.from, range.to);
        }
        let series = self.context.surface(&row.surface, row.control).map_or(&[][..], |entry| &entry.series);
        (range.from.max(self.recent_from(series)), range.to)
    }

    /// The instant from which on checks are the latest.
    fn recent_from(&self, series: &[usize]) -> i64 {
        let interval = series.iter().filter_map(|at| self.context.analyses[*at].interval()).min().unwrap_or_default();
        self.context.range.to - judgement::recent_ms(interval)
    }

    /// The vantages from which a surface fails, and those of which it cannot be told: judged on all their checks
    /// in the open wave, since the last few say little of a partial failure. The others see it up.
    fn vantages_of(
        &self,
        row: &SurfaceRow,
        of_vantage: &BTreeMap<SafeText, Cell>,
        is_open: bool,
    ) -> (Vec<SafeText>, Vec<SafeText>) {
        let allowed = self.context.surface(&row.surface, row.control).map_or(ALLOWED, |entry| entry.standing.allowed);
        let is_failing = |vantage: &SafeText, cell: &Cell| {
            self.context.place_state(&row.surface, vantage).is_failing()
                || (is_open && judgement::is_excessive(cell.failed, cell.judged, allowed))
        };
        let (failing, others): (Vec<_>, Vec<_>) =
            of_vantage.iter().partition(|(vantage, cell)| is_failing(vantage, cell));
        let sum = failing.iter().fold((0, 0), |sum, (_, cell)| (sum.0 + cell.failed, sum.1 + cell.judged));
        let share = ratio(sum.0, sum.1).unwrap_or_default();
        let is_unclear = |cell: &Cell| wilson(cell.failed, cell.judged).is_some_and(|[_, high]| high >= share / 2.0);
        let unclear = others.into_iter().filter(|(_, cell)| is_open && share > 0.0 && is_unclear(cell));
        let names = |(vantage, _): (&SafeText, &Cell)| vantage.clone();
        (failing.into_iter().map(names).collect(), unclear.map(names).collect())
    }

    /// The vantages from which a surface answers far slower than usual, and those of which it cannot be told.
    fn slow_vantages<'v>(
        &self,
        surface: &SafeText,
        vantages: impl Iterator<Item = &'v SafeText>,
    ) -> (Vec<SafeText>, Vec<SafeText>) {
        let (mut slow, mut unclear) = (Vec::new(), Vec::new());
        for vantage in vantages {
            let latency = self.context.place_latency(surface, vantage);
            match latency.and_then(|latency| latency.slow(self.context.range.to)) {
                Some(found) if found.certain => slow.push(vantage.clone()),
                Some(_) => {}
                None => unclear.push(vantage.clone()),
            }
        }
        (slow, unclear)
    }

    fn facts(&self, surface: &SafeText, (from, to): (i64, i64)) -> BTreeMap<FailureFact, u64> {
        let mut facts: BTreeMap<FailureFact, u64> = BTreeMap::new();
        let from = bucket::floor(from, self.context.range.evidence_step);
        for (fact, n) in self.context.fold.evidence.facts(from, to) {
            if fact.surface == *surface && !fact.class.is_ours() {
                *facts.entry(fact.clone()).or_default() += n;
            }
        }
        facts
    }

    fn scope(&self, worst: &[&SurfaceStatus], statuses: &[SurfaceStatus]) -> Scope {
        let judged = self.context.vantages_judged();
        let vantages: BTreeSet<&SafeText> = worst.iter().flat_map(|status| &status.vantages).collect();
        let unclear: BTreeSet<&SafeText> = worst.iter().flat_map(|status| &status.unclear).collect();
        let unclear = unclear.difference(&vantages).count();
        let surfaces = if worst.is_empty() {
            statuses.iter().map(|status| status.surface.clone()).collect()
        } else {
            worst.iter().map(|status| status.surface.clone()).collect()
        };
        let extent = if worst.is_empty() {
            Extent::None
        } else if judged <= 1 {
            Extent::SingleVantage
        } else if state::reaches_quorum(vantages.len(), judged) || vantages.is_empty() {
            Extent::Global
        } else if state::reaches_quorum(vantages.len() + unclear, judged) {
            Extent::Unclear
        } else {
            Extent::Local
        };
        Scope { surfaces, vantages: vantages.into_iter().cloned().collect(), vantages_judged: judged as u64, extent }
    }

    /// High when all of these hold, medium when one does not, low when more do not:
    ///
    /// - at least two vantages agree (half of them, and two); with one vantage it is medium at most;
    /// - control targets answer;
    /// - half of the 95 % interval of the failed ratio is ten points or less;
    /// - at least 90 % of what was due was seen.
    fn confidence(&self, state: State, scope: &Scope, worst: &[&SurfaceStatus]) -> (Confidence, Vec<String>) {
        let vantages = scope.vantages_judged;
        let agree = match (state, scope.extent) {
            (State::Unknown, _) => (false, format!("{} can be judged", format::counted(vantages, "vantage"))),
            (_, Extent::SingleVantage) => (false, "one vantage".to_owned()),
            (_, Extent::None) if vantages < 2 => (false, "one vantage".to_owned()),
            (_, Extent::None) => (true, format!("{vantages} vantages agree")),
            (_, Extent::Global) => (true, format!("{} of {vantages} vantages agree", scope.vantages.len())),
            (_, Extent::Unclear) => {
                (false, format!("{} of {vantages} vantages, for the others it cannot be told", scope.vantages.len()))
            }
            (_, Extent::Local) => {
                (true, format!("{} of {vantages} vantages, the others see it up", scope.vantages.len()))
            }
        };
        let control = match self.context.control_ok() {
            Some(true) => (true, "control ok".to_owned()),
            Some(false) => (false, "control targets fail".to_owned()),
            None if self.context.control_surfaces().len() > 0 => (false, "no control target that answers".to_owned()),
            None => (false, "no control target".to_owned()),
        };
        let (failed, judged) = if worst.is_empty() {
            let sum = |of: fn(&SurfaceRow) -> u64| self.watched().map(of).sum::<u64>();
            (sum(|row| row.figures.down), sum(|row| row.figures.up + row.figures.down))
        } else {
            worst.iter().fold((0, 0), |sum, status| (sum.0 + status.failed, sum.1 + status.judged))
        };
        let half_width = wilson(failed, judged).map(|[low, high]| (high - low) / 2.0);
        let narrow = match half_width {
            Some(half) => (half <= NARROW, format!("interval ±{} points", format::percentage(half))),
            None => (false, "nothing judged".to_owned()),
        };
        let covered = match self.coverage.ratio {
            Some(ratio) => (ratio >= COVERED, format!("coverage {}", format::ratio(ratio))),
            None => (false, "nothing was due".to_owned()),
        };
        let rules = [agree, control, narrow, covered];
        let unmet = rules.iter().filter(|(met, _)| !met).count();
        let confidence = match unmet {
            0 => Confidence::High,
            1 => Confidence::Medium,
            _ => Confidence::Low,
        };
        (confidence, rules.into_iter().map(|(_, reason)| reason).collect())
    }

    /// What the last incident reads as, now where it goes on; without one, what else shows: control targets that fail,
    /// a slow tail.
    fn reading(&self, last: Option<&Incident>, statuses: &[SurfaceStatus]) -> Reading {
        if let Some(incident) = last {
            return incident.signature_now.as_ref().unwrap_or(&incident.signature).clone();
        }
        let surfaces: Vec<SafeText> = statuses.iter().map(|status| status.surface.clone()).collect();
        let tails = surfaces
            .iter()
            .filter_map(|surface| self.context.latency_of(surface)?.has_slow_tail(self.context.range.to));
        signature::read(&IncidentFacts {
            control_ok: self.context.control_ok(),
            slow_tail: tails.reduce(|one, other| one || other),
            surfaces: statuses.len(),
            extra: self.context.fold.evidence.extra(self.context.range.from, self.context.range.to, &surfaces),
            ..IncidentFacts::default()
        })
    }
}
