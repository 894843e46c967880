//! Everything the parts of the answer are made of, laid out once: series followed in order of
//! surface, vantage and probe, their checks over time, what is usual, and who was offline.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::baseline::UsualHours;
use super::evidence::name;
use super::fold::{Fold, Sheet};
use super::follow::{Cell, Followed, Frame, follow};
use super::offline::Offline;
use super::{State, parallel, state};
use crate::model::SafeText;

/// The laid-out material of an answer.
#[derive(Debug)]
pub(super) struct Desk<'f> {
    pub(super) fold: &'f Fold,
    pub(super) frame: Frame<'f>,
    /// By surface, vantage and probe; control targets last.
    pub(super) followed: Vec<Followed<'f>>,
    /// Checks over time, by sheet.
    cells: Vec<BTreeMap<i64, Cell>>,
    offline: BTreeMap<Arc<str>, Offline>,
    usual: BTreeMap<SafeText, UsualHours>,
}

impl<'f> Desk<'f> {
    /// Follows every series of the window.
    pub(super) fn new(fold: &'f Fold, frame: Frame<'f>) -> Desk<'f> {
        let mut series: Vec<_> = fold.series.iter().filter(|series| series.is_in_window()).collect();
        series.sort_by(|a, b| {
            let key =
                |series: &'f super::fold::Series| (series.control, &series.surface, &series.vantage, &series.probe);
            key(a).cmp(&key(b))
        });
        let controls: BTreeSet<&Arc<str>> =
            series.iter().filter(|series| series.control).map(|series| &series.vantage).collect();
        let offline: BTreeMap<Arc<str>, Offline> = controls
            .into_iter()
            .map(|vantage| {
                let of_vantage = series.iter().filter(|series| series.control && series.vantage == *vantage);
                (Arc::clone(vantage), Offline::of(of_vantage.copied()))
            })
            .collect();
        let mut cells = vec![BTreeMap::new(); fold.sheets.len()];
        let one_by_one = parallel::map(series, |series| {
            let offline = if series.control { None } else { offline.get(&series.vantage) };
            follow(series, &frame, offline)
        });
        let mut followed = Vec::new();
        for (one, counted) in one_by_one {
            let cells: &mut BTreeMap<i64, Cell> = &mut cells[one.series.sheet];
            for (begin, cell) in counted {
                cells.entry(begin).or_default().merge(&cell);
            }
            followed.push(one);
        }
        let surfaces: BTreeSet<&Arc<str>> = followed.iter().map(|one| &one.series.surface).collect();
        let usual = surfaces
            .into_iter()
            .map(|surface| (name(surface), UsualHours::new(fold.history.past(surface), frame.from)))
            .collect();
        Desk { fold, frame, followed, cells, offline, usual }
    }

    /// The surfaces, those of control targets apart.
    pub(super) fn surfaces(&self) -> BTreeSet<&SafeText> {
        self.followed.iter().filter(|one| !one.series.control).map(|one| &one.surface).collect()
    }

    /// The surfaces of control targets.
    pub(super) fn control_surfaces(&self) -> BTreeSet<&SafeText> {
        self.followed.iter().filter(|one| one.series.control).map(|one| &one.surface).collect()
    }

    /// The vantages with data in the window.
    pub(super) fn vantages(&self) -> BTreeSet<&SafeText> {
        self.followed.iter().map(|one| &one.vantage).collect()
    }

    /// The series that satisfy something.
    pub(super) fn group(&self, holds: impl Fn(&Followed<'f>) -> bool) -> Vec<&Followed<'f>> {
        self.followed.iter().filter(|one| holds(one)).collect()
    }

    /// The places of a surface's series, control targets left out.
    pub(super) fn series_of(&self, surface: &SafeText) -> Vec<usize> {
        let numbered = self.followed.iter().enumerate();
        numbered.filter(|(_, one)| !one.series.control && one.surface == *surface).map(|(at, _)| at).collect()
    }

    /// Whether a probe of a surface is a control target.
    pub(super) fn is_control(&self, surface: &SafeText, probe: &SafeText) -> bool {
        self.followed.iter().any(|one| one.series.control && one.surface == *surface && one.probe == *probe)
    }

    /// The sheets with their checks over time, by surface and vantage; control targets last.
    pub(super) fn sheets(&self) -> impl Iterator<Item = (&'f Sheet, &BTreeMap<i64, Cell>)> {
        let mut sheets: Vec<_> =
            self.fold.sheets.iter().zip(&self.cells).filter(|(_, cells)| !cells.is_empty()).collect();
        sheets.sort_by_key(|(sheet, _)| (sheet.control, &sheet.surface, &sheet.vantage));
        sheets.into_iter()
    }

    /// The address family that a series is asked over, 4 or 6, where it is one alone.
    pub(super) fn family_of(&self, series: usize) -> Option<u8> {
        let probe: &str = &self.followed[series].series.probe;
        self.fold.question.families.get(probe).copied()
    }

    /// When a vantage was offline; absent where it has no control targets.
    pub(super) fn offline_of(&self, vantage: &Arc<str>) -> Option<&Offline> {
        self.offline.get(vantage)
    }

    /// What is usual for a surface.
    pub(super) fn usual_of(&self, surface: &SafeText) -> Option<&UsualHours> {
        self.usual.get(surface)
    }

    /// How far apart two stretches of a surface may be and still be one wave: as many checks as close a stretch.
    pub(super) fn slack(&self, surface: &SafeText) -> i64 {
        let cadences = self.series_of(surface).into_iter().filter_map(|at| self.followed[at].cadence());
        cadences.min().unwrap_or_default().saturating_mul(i64::from(self.frame.rules.close_after.get()))
    }

    /// Whether a vantage is set aside: its control targets fail at the end of the window, or the
    /// prober there says itself that it could not judge.
    pub(super) fn is_set_aside(&self, vantage: &SafeText) -> bool {
        let offline = self.offline.iter().any(|(of, offline)| name(of) == *vantage && offline.goes_on());
        let mine = self.group(|one| one.vantage == *vantage && !one.series.control && !one.silent);
        offline || (!mine.is_empty() && mine.iter().all(|one| one.blind))
    }

    /// Vantages whose word counts: not set aside, and heard of at the end of the window.
    pub(super) fn vantages_judged(&self) -> usize {
        let heard = |vantage: &SafeText| {
            self.followed.iter().any(|one| one.vantage == *vantage && !one.series.control && !one.silent)
        };
        self.vantages().into_iter().filter(|vantage| !self.is_set_aside(vantage) && heard(vantage)).count()
    }

    /// Whether control targets answer from every vantage that counts; absent where there are none.
    pub(super) fn control_ok(&self) -> Option<bool> {
        let states: Vec<State> = self.vantages().into_iter().filter_map(|vantage| self.control_of(vantage)).collect();
        if states.is_empty() { None } else { Some(!states.contains(&State::Down)) }
    }

    /// The state of the control targets of a vantage: down when all of them fail; absent where it has none.
    pub(super) fn control_of(&self, vantage: &SafeText) -> Option<State> {
        let controls = self.group(|one| one.series.control && one.vantage == *vantage);
        if controls.is_empty() {
            return None;
        }
        if self.offline.iter().any(|(of, offline)| name(of) == *vantage && offline.goes_on()) {
            return Some(State::Down);
        }
        Some(match state::of_place(&controls, self.frame.rules) {
            // One of several that fails does not make us offline.
            State::Down if controls.len() > 1 => State::Degraded,
            state => state,
        })
    }

    /// The state of a surface from a vantage.
    pub(super) fn place_state(&self, surface: &SafeText, vantage: &SafeText) -> State {
        if self.is_set_aside(vantage) {
            return State::Unknown;
        }
        let mine = self.group(|one| !one.series.control && one.surface == *surface && one.vantage == *vantage);
        state::of_place(&mine, self.frame.rules)
    }

    /// The state of a surface: of its places, and degraded where none fails and answers take far longer than usual.
    pub(super) fn surface_state(&self, surface: &SafeText) -> State {
        let mine: BTreeSet<&SafeText> =
            self.series_of(surface).into_iter().map(|at| &self.followed[at].vantage).collect();
        let places: Vec<State> = mine.into_iter().map(|vantage| self.place_state(surface, vantage)).collect();
        match state::of_surface(&places) {
            State::Up if self.slow(surface, self.frame.to).is_some_and(|slow| slow.certain) => State::Degraded,
            state => state,
        }
    }
}
