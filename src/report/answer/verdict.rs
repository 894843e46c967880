//! The verdict: state, scope, start, kind of failure, confidence.

use std::collections::{BTreeMap, BTreeSet};

use crate::format;
use crate::format::InstantFormat;
use crate::model::{Bracket, SafeText};
use crate::report::answer::headline::Headline;
use crate::report::answer::sentence::Sentence;
use crate::report::answer::surface_status::SurfaceStatus;
use crate::report::answer::verdict_input::VerdictInput;
use crate::report::answer::{claims, confidence, maintenance, scope};
use crate::report::document::answer::{Answer, MainFailure, State};
use crate::report::document::incident::Incident;
use crate::report::document::reading::Reading;
use crate::report::document::rows::SurfaceRow;
use crate::report::document::slow_period::SlowPeriod;
use crate::report::incident::signature;
use crate::report::incident::signature::incident_facts::IncidentFacts;
use crate::report::series::analysis::SeriesAnalysis;
use crate::report::series::judgement;

/// With a lower coverage than this, the state is never up.
const HARDLY_SEEN: f64 = 0.5;

impl VerdictInput<'_, '_> {
    /// The answer in short.
    pub(crate) fn answer(&self) -> Answer {
        let over = self.detected.over();
        let statuses: Vec<SurfaceStatus> = self.watched().map(|row| SurfaceStatus::of(self, row, &over)).collect();
        let mut state = judgement::worst(statuses.iter().map(|status| status.state));
        let hardly_seen = self.coverage.ratio.is_some_and(|ratio| ratio < HARDLY_SEEN);
        if state == State::Up && hardly_seen {
            state = State::Unknown;
        }
        let worst: Vec<&SurfaceStatus> =
            statuses.iter().filter(|status| state.is_failing() && status.state == state).collect();
        let scope = scope::scope(self.context, &worst, &statuses);
        let open = self.incidents.iter().rev().find(|incident| incident.end.is_none());
        let last = open.or(self.incidents.last());
        let (confidence, reasons) = confidence::confidence(self, state, &scope, &worst);
        let since = worst.iter().filter_map(|status| status.began()).min_by_key(|since| since.by);
        let told = worst.iter().filter(|status| status.is_told(state, since));
        let mut answer = Answer {
            state,
            since,
            until: if state.is_failing() { None } else { last.and_then(|incident| incident.end) },
            kind: told.chain(&worst).find_map(|status| status.kind.clone()).or_else(|| last?.kind.clone()),
            scope,
            confidence,
            reasons,
            claims: Vec::new(),
            incident_since: None,
            headline: String::new(),
            signature: Reading::default(),
            sentence: String::new(),
        };
        let told = self.incident_of(&answer);
        answer.incident_since = told.map(|incident| incident.start).or_else(|| self.slow_since(&answer));
        answer.signature = self.reading(told.or(last), &statuses);
        answer.claims = claims::claims(self.context, &answer, &worst, self.coverage);
        answer.headline = self.headline(&answer, &statuses);
        answer.sentence = self.sentence(&answer, &statuses, told.or(last));
        answer
    }

    /// The open incident to which the wave of the answer belongs.
    fn incident_of(&self, answer: &Answer) -> Option<&Incident> {
        let since = answer.since?;
        let is_of = |incident: &&Incident| incident.waves.last().is_some_and(|wave| wave.start == since);
        self.incidents.iter().filter(|incident| incident.end.is_none()).find(is_of)
    }

    /// The start of the open slow period to which the wave of the answer belongs.
    fn slow_since(&self, answer: &Answer) -> Option<Bracket> {
        let since = answer.since?;
        let is_of = |period: &&SlowPeriod| period.waves.last().is_some_and(|wave| wave.start == since);
        self.slow_periods.iter().filter(|period| period.is_open()).find(is_of).map(|period| period.start)
    }

    fn headline(&self, answer: &Answer, statuses: &[SurfaceStatus]) -> String {
        let (failed, judged) = self.failed_of_judged();
        let range = self.context.range.from..self.context.range.to;
        let clock = self.context.fold.question.instants(range.start.timestamp(), range.end.timestamp());
        let unknown = self.why_unknown(answer, statuses);
        Headline {
            answer,
            statuses,
            incidents: self.incidents,
            slow_periods: self.slow_periods,
            to: range.end,
            beside: self.beside(answer, &clock),
            failures_in_a_row: self.failures_in_a_row(answer),
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

    /// Phrases about surfaces that are or were in maintenance, with their display names.
    fn maintenance(&self) -> Vec<String> {
        maintenance::phrases(self.context, |surface| {
            let row = self.surfaces.iter().find(|row| row.surface == *surface);
            row.map_or(surface, SurfaceRow::label).to_string()
        })
    }

    /// What else fails beside the incident of the headline: what began later, and what has been failing for long.
    /// `new since 01:00: 2 of 20 probes (blog, shop), connect timeouts`, `already failing: 1 of 200 probes since 2025-03-04 09:00`
    fn beside(&self, answer: &Answer, clock: &InstantFormat) -> Vec<String> {
        let Some(told) = self.incident_of(answer) else { return Vec::new() };
        let open = self.incidents.iter().filter(|incident| incident.end.is_none());
        let (older, newer): (Vec<&Incident>, Vec<&Incident>) =
            open.filter(|incident| incident.id != told.id).partition(|incident| incident.start.by < told.start.by);
        let since = |incidents: &[&Incident]| incidents.iter().map(|incident| incident.start.by).min();
        let mut phrases = Vec::new();
        if let Some(since) = since(&newer) {
            let kinds: BTreeSet<String> =
                newer.iter().filter_map(|incident| incident.kind.as_ref()).map(MainFailure::phrase).collect();
            let kinds: String = kinds.iter().map(|kind| format!(", {kind}")).collect();
            phrases.push(format!("new since {}: {}{kinds}", clock.short(since), self.probes_of(&newer)));
        }
        if let Some(since) = since(&older) {
            phrases.push(format!("already failing: {} since {}", self.probes_of(&older), clock.short(since)));
        }
        phrases
    }

    /// The probes of some incidents, and from where, if that is not from everywhere: `2 of 20 probes (blog, shop) from iad`
    fn probes_of(&self, incidents: &[&Incident]) -> String {
        const NAMED: usize = 2;
        let probes: BTreeSet<&SafeText> = incidents.iter().flat_map(|incident| &incident.probes).collect();
        let vantages: BTreeSet<&SafeText> = incidents.iter().flat_map(|incident| &incident.vantages).collect();
        let all: BTreeSet<&SafeText> = self.context.of_targets().map(|one| &one.probe).collect();
        let list = |names: &BTreeSet<&SafeText>| names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ");
        let names = if probes.len() <= NAMED { format!(" ({})", list(&probes)) } else { String::new() };
        let seen_from = if vantages.len() < self.context.vantages_judged() && vantages.len() <= NAMED {
            format!(" from {}", list(&vantages))
        } else {
            String::new()
        };
        format!("{} of {} probes{names}{seen_from}", probes.len(), all.len())
    }

    /// Failures in a row that are no incident yet: `home: the last 2 checks failed from iad, not
    /// yet an incident`
    fn failures_in_a_row(&self, answer: &Answer) -> Option<String> {
        const MENTIONED_FROM: u32 = 2;
        let in_a_row = |one: &&SeriesAnalysis<'_>| {
            !one.silent && !one.detector.is_open() && one.detector.failures_in_a_row() >= MENTIONED_FROM
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
        let (failed, judged) = self.failed_of_judged();
        let objectives = context.fold.question.surfaces.values().filter_map(|surface| Some(surface.objective?.ratio));
        Sentence {
            answer,
            statuses,
            last,
            vantages: self.vantages,
            range: context.range.from..context.range.to,
            clock: context.fold.question.instants(context.range.from.timestamp(), context.range.to.timestamp()),
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

    /// The signatures that match the incident that is told, or its latest checks if it continues.
    /// Without an incident, those that match the control targets and the slowest answers. What
    /// another open incident is consistent with is not ruled out: the answer is about all that fails
    /// now.
    fn reading(&self, told: Option<&Incident>, statuses: &[SurfaceStatus]) -> Reading {
        if let Some(incident) = told {
            let mut reading = signature_now(incident).clone();
            let open = self.incidents.iter().filter(|incident| incident.end.is_none());
            let consistent: BTreeSet<&str> =
                open.flat_map(|incident| &signature_now(incident).consistent_with).copied().collect();
            reading.not_consistent_with.retain(|cause| !consistent.contains(cause));
            return reading;
        }
        let surfaces: Vec<SafeText> = statuses.iter().map(|status| status.surface.clone()).collect();
        let tails = surfaces
            .iter()
            .filter_map(|surface| self.context.latency_of(surface)?.has_slow_tail(self.context.range.to));
        signature::read(&IncidentFacts {
            control_ok: self.context.control_ok(),
            slow_tail: tails.reduce(|one, other| one || other),
            surfaces: statuses.len(),
            extra: self.context.fold.evidence.extra(self.context.range.span(), &surfaces),
            ..IncidentFacts::default()
        })
    }
}

/// The signatures that match an incident, or its latest checks if it continues.
fn signature_now(incident: &Incident) -> &Reading {
    incident.signature_now.as_ref().unwrap_or(&incident.signature)
}
