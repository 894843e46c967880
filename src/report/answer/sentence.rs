//! The answer in one sentence, fit for an incident ticket; every number in it is also in the
//! report. A second sentence gives the confidence.

use std::ops::Range;
use std::time::Duration;

use crate::format::{self, InstantFormat};
use crate::model::{Bracket, FailureClass, SafeText, UnixMillis};
use crate::report::answer::surface_status::SurfaceStatus;
use crate::report::document::answer::{Answer, Extent, State};
use crate::report::document::incident::Incident;
use crate::report::document::rows::VantageRow;
use crate::report::document::sample_bound::SampleBound;
use crate::report::incident::signature;
use crate::report::statistics::checks_to_show;

/// The most causes named on each side.
const CAUSES: usize = 3;

/// The objective that a sample is compared with if none is set.
const USUAL_PROMISE: f64 = 0.999;

/// What the sentence is made of.
pub(super) struct Sentence<'s> {
    pub(super) answer: &'s Answer,
    pub(super) statuses: &'s [SurfaceStatus],
    /// The incident that is told, otherwise the last, open or over.
    pub(super) last: Option<&'s Incident>,
    pub(super) vantages: &'s [VantageRow],
    /// The range of the report.
    pub(super) range: Range<UnixMillis>,
    /// The format of instants.
    pub(super) clock: InstantFormat,
    /// The checks of the surfaces that the verdict covers.
    pub(super) failed: u64,
    pub(super) judged: u64,
    pub(super) control_ok: Option<bool>,
    /// The highest availability objective that is set.
    pub(super) objective: Option<f64>,
    /// The share of the due checks that were made, 0 to 1.
    pub(super) coverage: Option<f64>,
    /// The last check that was made.
    pub(super) last_check: Option<UnixMillis>,
    /// Whether any series was silent at the end of the range.
    pub(super) is_silent: bool,
    /// Whether there is no check at all.
    pub(super) is_empty: bool,
    /// Phrases about surfaces that are or were in maintenance; their checks are left out.
    pub(super) maintenance: Vec<String>,
}

impl Sentence<'_> {
    pub(super) fn write(&self) -> String {
        match self.answer.state {
            State::Down | State::Flapping | State::Degraded => self.failing(),
            State::Up => self.up(),
            State::Unknown => self.unknown(),
        }
    }

    fn failing(&self) -> String {
        let state = self.answer.state;
        let (worst, others): (Vec<&SurfaceStatus>, Vec<&SurfaceStatus>) =
            self.statuses.iter().partition(|status| status.is_told(state, self.answer.since));
        let mut parts = vec![format!(
            "{}: {}",
            self.opening(&worst),
            worst.iter().map(|one| Self::share(one, worst.len() > 1)).collect::<Vec<_>>().join(", ")
        )];
        parts.extend(others.iter().map(|one| Self::other(one)));
        parts.extend(self.set_aside());
        parts.extend(self.maintenance.clone());
        parts.extend(self.control());
        parts.extend(self.consistent());
        format!("{}. {}", parts.join("; "), self.confidence())
    }

    /// `app is down from 2 of 3 vantages since 13:31:00–13:32:00 UTC (57 min, ongoing)`
    fn opening(&self, worst: &[&SurfaceStatus]) -> String {
        let names: Vec<&str> = worst.iter().map(|status| status.label.as_str()).collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        let mut text = format!("{} {verb} {}{}", format::list(&names), self.answer.state, self.seen_from());
        if let Some(since) = self.answer.since {
            let lasts = self.range.end - UnixMillis::from(since.by);
            text +=
                &format!(" since {} ({}, ongoing{})", self.bracket(&since), format::milliseconds(lasts), self.wave());
        }
        text
    }

    /// The number of the wave, if it is not the only one.
    fn wave(&self) -> String {
        match self.last.map(|incident| incident.waves.len()) {
            Some(waves) if waves > 1 => format!(", wave {waves} of this incident"),
            _ => String::new(),
        }
    }

    fn seen_from(&self) -> String {
        let scope = &self.answer.scope;
        let names: Vec<&str> = scope.vantages.iter().map(SafeText::as_str).collect();
        match scope.extent {
            Extent::Global => format!(" from {} of {} vantages", names.len(), scope.vantages_judged),
            Extent::Local => {
                format!(" from {} alone ({} of {} vantages)", format::list(&names), names.len(), scope.vantages_judged)
            }
            Extent::Unclear if names.is_empty() => " (it cannot be told yet from where)".to_owned(),
            Extent::Unclear => format!(
                " from {} ({} of {} vantages; for the others it cannot be told yet)",
                format::list(&names),
                names.len(),
                scope.vantages_judged
            ),
            Extent::SingleVantage if names.is_empty() => " from the one vantage".to_owned(),
            Extent::SingleVantage => format!(" from {}, the one vantage", format::list(&names)),
            Extent::None => String::new(),
        }
    }

    /// `71% of 171 checks failed (64–77%), mostly connect_timeout (83%)`
    fn share(status: &SurfaceStatus, named: bool) -> String {
        let name = if named { format!("{} ", status.label) } else { String::new() };
        if status.since.is_none()
            && let Some(slow) = status.slow.filter(|slow| slow.certain)
        {
            let (now, usual) = (
                format::duration(Duration::from_micros(slow.p95_us)),
                format::duration(Duration::from_micros(slow.usual_p95_us)),
            );
            return format!("{name}answers take far longer than usual, p95 {now} against {usual}");
        }
        let mostly = status.kind.as_ref().map(|kind| {
            let status = kind.status.map(|status| format!(" {status}")).unwrap_or_default();
            let how = if kind.n == kind.of { "all" } else { "mostly" };
            let share = if kind.n == kind.of { String::new() } else { format!(" ({})", format::ratio(kind.share)) };
            format!(", {how} {}{status}{share}", kind.class)
        });
        format!("{name}{}{}", failed_of(status), mostly.unwrap_or_default())
    }

    fn other(status: &SurfaceStatus) -> String {
        match status.state {
            State::Up => format!("{} up", status.label),
            State::Unknown => format!("{} unknown", status.label),
            state if status.failed == 0 => format!("{} {state}", status.label),
            state => format!("{} {state}, {}", status.label, failed_of(status)),
        }
    }

    fn set_aside(&self) -> Option<String> {
        let aside = |offline: bool| -> Vec<&str> {
            let rows = self.vantages.iter().filter(|row| row.set_aside);
            let because = |row: &&VantageRow| (row.control == Some(State::Down)) == offline;
            rows.filter(because).map(|row| row.vantage.as_str()).collect()
        };
        let (offline, blind) = (aside(true), aside(false));
        let told = [(offline, "where the control targets fail too"), (blind, "where checks could not be judged")];
        let parts: Vec<String> = told
            .into_iter()
            .filter(|(names, _)| !names.is_empty())
            .map(|(names, why)| format!("{} set aside, {why}", format::list(&names)))
            .collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }

    fn control(&self) -> Option<String> {
        self.control_ok.map(|ok| if ok { "control ok" } else { "control targets fail" }.to_owned())
    }

    /// `consistent with network-level loss or origin overload, not with DNS or a certificate`
    fn consistent(&self) -> Option<String> {
        let (consistent, not) = signature::in_words(&self.answer.signature);
        let cut = |mut causes: Vec<String>| {
            causes.truncate(CAUSES);
            causes
        };
        let (consistent, not) = (cut(consistent), cut(not));
        if consistent.is_empty() {
            return None;
        }
        let not = if not.is_empty() { String::new() } else { format!(", not with {}", format::alternatives(&not)) };
        Some(format!("consistent with {}{not}", format::alternatives(&consistent)))
    }

    fn confidence(&self) -> String {
        let name = self.answer.confidence.name();
        format!("Confidence {name} ({}).", self.answer.reasons.join(", "))
    }

    /// `app and web are up from 3 of 3 vantages: none of 1,440 checks failed; availability ≥ 99.7%
    /// (95% confidence); 99.9% needs 2,995 checks. Confidence high (…).`
    fn up(&self) -> String {
        let names: Vec<&str> = self.statuses.iter().map(|status| status.label.as_str()).collect();
        let verb = if names.len() == 1 { "is" } else { "are" };
        let (failed, judged) = (self.failed, self.judged);
        let seen_from = match self.answer.scope.vantages_judged {
            0 | 1 => String::new(),
            vantages => format!(" from {vantages} of {} vantages", self.vantages.len()),
        };
        let mut parts = vec![format!("{} {verb} up{seen_from}: {}", format::list(&names), failures(failed, judged))];
        parts.extend(self.past());
        parts.push(self.proven(judged, failed));
        parts.extend(self.tail());
        parts.extend(self.set_aside());
        parts.extend(self.maintenance.clone());
        format!("{}. {}", parts.join("; "), self.confidence())
    }

    /// What often precedes an outage: `the slowest answers of app are slower than usual (p99 900 ms
    /// against 310 ms), consistent with queueing at a part of the pool`
    fn tail(&self) -> Option<String> {
        let has_tail = |one: &&SurfaceStatus| one.tail.is_some_and(|tail| tail.certain && tail.median_as_usual);
        let status = self.statuses.iter().find(has_tail)?;
        let tail = status.tail?;
        let of = if self.statuses.len() == 1 { String::new() } else { format!(" of {}", status.label) };
        let (now, usual) = (
            format::duration(Duration::from_micros(tail.p99_us)),
            format::duration(Duration::from_micros(tail.usual_p99_us)),
        );
        let consistent = self.consistent().filter(|_| self.last.is_none());
        let consistent = consistent.map(|words| format!(", {words}")).unwrap_or_default();
        Some(format!("the slowest answers{of} are slower than usual (p99 {now} against {usual}){consistent}"))
    }

    /// What a sample of this size shows: `availability ≥ 86% (95% confidence); 99.9% needs 2,995
    /// checks`
    fn proven(&self, judged: u64, failed: u64) -> String {
        let bound = SampleBound::new(judged, failed);
        let Some(shown) = bound.at_least else { return "nothing was judged".to_owned() };
        let promise = self.objective.unwrap_or(USUAL_PROMISE);
        let needs = if shown >= promise || failed > 0 {
            String::new()
        } else {
            format!("; {} needs {} checks", format::ratio(promise), format::count(checks_to_show(promise)))
        };
        format!("availability ≥ {} (95% confidence){needs}", format::ratio_floor(shown))
    }

    /// The last incident of the range, if it is over.
    fn past(&self) -> Option<String> {
        let incident = self.last?;
        let end = incident.end?;
        let names: Vec<&str> = incident.surfaces.iter().map(|surface| self.label(surface)).collect();
        let verb = if names.len() == 1 { "was" } else { "were" };
        let waves = match incident.waves.len() {
            1 => String::new(),
            waves => format!(" in {waves} waves"),
        };
        let kind = incident.kind.as_ref().map(|kind| format!(", mostly {}", class_words(kind.class, kind.status)));
        Some(format!(
            "{} {verb} failing{waves} from {} to {}, {} of {} checks{}",
            format::list(&names),
            self.bracket(&incident.start),
            self.bracket(&end),
            format::count(incident.actual_failures),
            format::count(incident.judged),
            kind.unwrap_or_default(),
        ))
    }

    fn unknown(&self) -> String {
        let why = self.why_unknown();
        let before = self.past().map(|past| format!("; before that {past}")).unwrap_or_default();
        let consistent = self.consistent().filter(|_| self.last.is_none()).map(|words| format!("; {words}"));
        let maintenance: String = self.maintenance.iter().map(|phrase| format!("; {phrase}")).collect();
        format!("unknown: {why}{before}{}{maintenance}. {}", consistent.unwrap_or_default(), self.confidence())
    }

    pub(super) fn why_unknown(&self) -> String {
        if self.is_empty {
            return "no check was made in this time".to_owned();
        }
        if self.last_check.is_none() && !self.maintenance.is_empty() {
            return "every check of this time was in maintenance".to_owned();
        }
        let is_aside = self.vantages.iter().any(|row| row.set_aside);
        if is_aside && self.answer.scope.vantages_judged == 0 {
            return if self.control_ok == Some(false) {
                "the control targets fail too: this vantage itself is offline".to_owned()
            } else {
                "the last checks could not be judged".to_owned()
            };
        }
        if let Some(last) = self.last_check
            && self.is_silent
        {
            let silent: Vec<&str> =
                self.statuses.iter().filter(|one| one.state == State::Unknown).map(|one| one.label.as_str()).collect();
            let what = if silent.len() == self.statuses.len() {
                String::new()
            } else {
                format!(" of {}", format::list(&silent))
            };
            return format!(
                "no check{what} since {} {} ({})",
                self.clock.at(last.timestamp()),
                self.clock.zone(last.timestamp()),
                format::milliseconds(self.range.end - last)
            );
        }
        match self.coverage {
            Some(ratio) => format!("only {} of the checks that were due were made", format::ratio(ratio)),
            None => "nothing was due".to_owned(),
        }
    }

    /// The display name of a surface.
    fn label<'n>(&'n self, surface: &'n SafeText) -> &'n str {
        let status = self.statuses.iter().find(|status| status.surface == *surface);
        status.map_or(surface, |status| &status.label).as_str()
    }

    fn bracket(&self, bracket: &Bracket) -> String {
        self.clock.bracket_in_zone(bracket)
    }
}

/// `71% of 171 checks failed (64–77%)`
fn failed_of(status: &SurfaceStatus) -> String {
    let (failed, judged) = (status.failed, status.judged);
    if judged == 0 {
        return "nothing was judged".to_owned();
    }
    let share = crate::report::statistics::ratio(failed, judged).map(format::ratio).unwrap_or_default();
    let interval = status.ci95.map(|ends| format!(" ({})", format::interval(ends))).unwrap_or_default();
    format!("{share} of {} failed{interval}", format::counted(judged, "check"))
}

/// `none of 1,440 checks failed`
fn failures(failed: u64, judged: u64) -> String {
    match (failed, judged) {
        (_, 0) => "no check was judged".to_owned(),
        (0, 1) => "the one check was good".to_owned(),
        (0, _) => format!("none of {} checks failed", format::count(judged)),
        _ => format!("{} of {} failed", format::count(failed), format::counted(judged, "check")),
    }
}

/// `status 403`, `connect_timeout`
fn class_words(class: FailureClass, status: Option<u16>) -> String {
    status.map_or_else(|| class.name().to_owned(), |status| format!("{class} {status}"))
}
