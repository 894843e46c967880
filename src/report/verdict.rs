//! The answer in short: state, for whom, since when, what kind, how sure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Serialize;

use super::bracket::Bracket;
use super::description::kind;
use super::desk::Desk;
use super::evidence::Fact;
use super::follow::{Cell, Followed, tally};
use super::found::Found;
use super::incidents::bracket;
use super::sentence::Sentence;
use super::signature::scene::Scene;
use super::slow::{Slow, Tail};
use super::statistics::wilson;
use super::{Coverage, Incident, Reading, SurfaceRow, VantageRow, ladder, parallel, signature, state};
use crate::format;
use crate::model::{FailureClass, Phase, SafeText};

/// The answer in short.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Answer {
    /// The state at the end of the window.
    pub state: State,
    /// For whom.
    pub scope: Scope,
    /// Since when; null where it is up or unknown.
    pub since: Option<Bracket>,
    /// Until when, where the last incident of the window is over.
    pub until: Option<Bracket>,
    /// What kind of failure dominates; null where nothing failed.
    pub kind: Option<Kind>,
    /// How sure we are.
    pub confidence: Confidence,
    /// Why, one reason a line.
    pub reasons: Vec<String>,
    /// What the evidence reads as: of the last incident, or of what shows without one.
    pub signature: Reading,
    /// All of it in one sentence.
    pub sentence: String,
}

/// A state as a user sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// No incident is open.
    Up,
    /// An incident is open and less than half of the checks fail, or answers take far longer than usual.
    Degraded,
    /// It comes and goes.
    Flapping,
    /// An incident is open and half of the checks or more fail.
    Down,
    /// There is no data to judge by, or we were offline ourselves.
    #[default]
    Unknown,
}

impl State {
    /// The name used in every output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            State::Up => "up",
            State::Degraded => "degraded",
            State::Flapping => "flapping",
            State::Down => "down",
            State::Unknown => "unknown",
        }
    }

    /// Whether users are hurt: degraded, flapping or down.
    #[must_use]
    pub const fn is_failing(self) -> bool {
        matches!(self, State::Degraded | State::Flapping | State::Down)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// For whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Scope {
    /// The surfaces that are in the state of the verdict.
    pub surfaces: Vec<SafeText>,
    /// The vantages that see it so.
    pub vantages: Vec<SafeText>,
    /// Vantages whose word counts: those with data and with control targets that answer.
    pub vantages_judged: u64,
    /// How far it reaches.
    pub extent: Extent,
}

/// How far it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extent {
    /// Seen from at least two vantages and at least half of them.
    Global,
    /// Seen from fewer.
    Local,
    /// There is one vantage alone: nothing can be said of other places.
    SingleVantage,
    /// Nothing fails.
    None,
}

/// What kind of failure dominates.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Kind {
    /// The failure class.
    pub class: FailureClass,
    /// The phase it breaks in, where it has one.
    pub phase: Option<Phase>,
    /// Its share of the failures.
    pub share: f64,
    /// Failures of this class.
    pub n: u64,
    /// All failures.
    pub of: u64,
    /// The status code that most of these failures came with, where the class is `status`.
    pub status: Option<u16>,
}

/// How sure we are. Documented at [`Answer::reasons`]' rule in the module that judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Two or more of the conditions are not met.
    Low,
    /// One is not met.
    Medium,
    /// Vantages on at least two networks agree, control targets answer, the interval is narrow, coverage is good.
    High,
}

impl Confidence {
    /// The name used in every output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Half of an interval this wide or less is narrow: ten points.
const NARROW: f64 = 0.1;

/// At least this share of what was due must have been seen.
const COVERED: f64 = 0.9;

/// Below this share of what was due, nothing can be called up.
const HARDLY_SEEN: f64 = 0.5;

/// What the verdict is made of.
pub(super) struct Case<'c, 'f> {
    pub(super) desk: &'c Desk<'f>,
    pub(super) surfaces: &'c [SurfaceRow],
    pub(super) vantages: &'c [VantageRow],
    pub(super) incidents: &'c [Incident],
    pub(super) found: &'c Found,
    pub(super) coverage: Coverage,
}

/// A surface's checks in its open wave, or in the whole window where none is open.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    pub(super) surface: SafeText,
    /// Its name for people.
    pub(super) label: SafeText,
    pub(super) state: State,
    /// The begin of the open wave.
    pub(super) since: Option<Bracket>,
    pub(super) judged: u64,
    pub(super) failed: u64,
    pub(super) ci95: Option<[f64; 2]>,
    pub(super) kind: Option<Kind>,
    /// Vantages that see it failing.
    pub(super) vantages: Vec<SafeText>,
    pub(super) slow: Option<Slow>,
    pub(super) tail: Option<Tail>,
}

impl Case<'_, '_> {
    /// The answer in short.
    pub(super) fn answer(&self) -> Answer {
        let standings: Vec<Standing> = self.watched().map(|row| self.standing(row)).collect();
        let mut state = state::of_all(standings.iter().map(|standing| standing.state));
        let hardly_seen = self.coverage.ratio.is_some_and(|ratio| ratio < HARDLY_SEEN);
        if state == State::Up && hardly_seen {
            state = State::Unknown;
        }
        let worst: Vec<&Standing> =
            standings.iter().filter(|standing| state.is_failing() && standing.state == state).collect();
        let scope = self.scope(&worst, &standings);
        let open = self.incidents.iter().rev().find(|incident| incident.end.is_none());
        let last = open.or(self.incidents.last());
        let (confidence, reasons) = self.confidence(state, &scope, &worst);
        let mut answer = Answer {
            state,
            since: worst.iter().filter_map(|standing| standing.since).min_by_key(|since| since.by),
            until: if state.is_failing() { None } else { last.and_then(|incident| incident.end) },
            kind: worst.iter().find_map(|standing| standing.kind.clone()).or_else(|| last?.kind.clone()),
            scope,
            confidence,
            reasons,
            signature: self.reading(last, &standings),
            sentence: String::new(),
        };
        answer.sentence = Sentence { case: self, answer: &answer, standings: &standings, last }.write();
        answer
    }

    /// The surfaces the verdict is on: all but the control targets, or these where there is nothing else.
    pub(super) fn watched(&self) -> impl Iterator<Item = &SurfaceRow> {
        let only_controls = self.surfaces.iter().all(|row| row.control);
        self.surfaces.iter().filter(move |row| only_controls || !row.control)
    }

    fn standing(&self, row: &SurfaceRow) -> Standing {
        let waves = self.found.of_surface.get(&row.surface);
        let open = waves.and_then(|waves| waves.iter().rev().find(|wave| wave.end.is_none()));
        let span = open.map_or((self.desk.frame.from, self.desk.frame.to), |wave| (wave.start.by, self.desk.frame.to));
        let mine = self.desk.group(|one| {
            one.series.control == row.control && one.surface == row.surface && !self.desk.is_set_aside(&one.vantage)
        });
        let mut all = Cell::default();
        let count = |one: &Followed<'_>| tally(one.series, self.desk.offline_of(&one.series.vantage), &[span]);
        parallel::map(mine, count).iter().flatten().for_each(|cell| all.merge(cell));
        all.classes.retain(|class, _| !class.is_ours());
        let scene = Scene { classes: all.classes, facts: self.facts(&row.surface, span), ..Scene::default() };
        let failing = |vantage: &&SafeText| self.desk.place_state(&row.surface, vantage).is_failing();
        Standing {
            surface: row.surface.clone(),
            label: row.label().clone(),
            state: row.state,
            since: open.map(|wave| bracket(wave.start)),
            judged: all.judged,
            failed: all.failed,
            ci95: wilson(all.failed, all.judged),
            kind: kind(&scene),
            vantages: self.desk.vantages().into_iter().filter(failing).cloned().collect(),
            slow: self.desk.slow(&row.surface, self.desk.frame.to),
            tail: self.desk.tail(&row.surface, self.desk.frame.to),
        }
    }

    fn facts(&self, surface: &SafeText, (from, to): (i64, i64)) -> BTreeMap<Fact, u64> {
        let mut facts: BTreeMap<Fact, u64> = BTreeMap::new();
        let from = ladder::floor(from, self.desk.frame.step);
        for (fact, n) in self.desk.fold.evidence.facts(from, to) {
            if fact.surface == *surface && !fact.class.is_ours() {
                *facts.entry(fact.clone()).or_default() += n;
            }
        }
        facts
    }

    fn scope(&self, worst: &[&Standing], standings: &[Standing]) -> Scope {
        let judged = self.desk.vantages_judged();
        let vantages: BTreeSet<&SafeText> = worst.iter().flat_map(|standing| &standing.vantages).collect();
        let surfaces = if worst.is_empty() {
            standings.iter().map(|standing| standing.surface.clone()).collect()
        } else {
            worst.iter().map(|standing| standing.surface.clone()).collect()
        };
        let extent = if worst.is_empty() {
            Extent::None
        } else if judged <= 1 {
            Extent::SingleVantage
        } else if state::reaches_quorum(vantages.len(), judged) || vantages.is_empty() {
            Extent::Global
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
    fn confidence(&self, state: State, scope: &Scope, worst: &[&Standing]) -> (Confidence, Vec<String>) {
        let vantages = scope.vantages_judged;
        let agree = match (state, scope.extent) {
            (State::Unknown, _) => (false, format!("{} can be judged", format::counted(vantages, "vantage"))),
            (_, Extent::SingleVantage) => (false, "one vantage".to_owned()),
            (_, Extent::None) if vantages < 2 => (false, "one vantage".to_owned()),
            (_, Extent::None) => (true, format!("{vantages} vantages agree")),
            (_, Extent::Global) => (true, format!("{} of {vantages} vantages agree", scope.vantages.len())),
            (_, Extent::Local) => {
                (true, format!("{} of {vantages} vantages, the others see it up", scope.vantages.len()))
            }
        };
        let control = match self.desk.control_ok() {
            Some(true) => (true, "control ok".to_owned()),
            Some(false) => (false, "control targets fail".to_owned()),
            None => (false, "no control target".to_owned()),
        };
        let (failed, judged) = if worst.is_empty() {
            let sum = |of: fn(&SurfaceRow) -> u64| self.watched().map(of).sum::<u64>();
            (sum(|row| row.figures.down), sum(|row| row.figures.up + row.figures.down))
        } else {
            worst.iter().fold((0, 0), |sum, standing| (sum.0 + standing.failed, sum.1 + standing.judged))
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

    /// What the last incident reads as; without one, what else shows: control targets that fail, a slow tail.
    fn reading(&self, last: Option<&Incident>, standings: &[Standing]) -> Reading {
        if let Some(incident) = last {
            return incident.signature.clone();
        }
        let surfaces: Vec<SafeText> = standings.iter().map(|standing| standing.surface.clone()).collect();
        let tails = surfaces.iter().filter_map(|surface| self.desk.has_slow_tail(surface, self.desk.frame.to));
        signature::read(&Scene {
            control_ok: self.desk.control_ok(),
            slow_tail: tails.reduce(|one, other| one || other),
            surfaces: standings.len(),
            extra: self.desk.fold.evidence.extra(self.desk.frame.from, self.desk.frame.to, &surfaces),
            ..Scene::default()
        })
    }
}
