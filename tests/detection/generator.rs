//! Journals with exact truth. A *world* is a set of probes and vantages; whether each check fails
//! is determined by a seed, by a usual share of failures, and by outages whose onset, end, share
//! and extent are known. Each check is a pure function of its instant, so any range of a world can
//! be generated without what was before it.

use std::sync::Arc;

use jiff::Timestamp;
use uptick::model::{FailureClass, Verdict};
use uptick::report::{Fold, Integrity, Question, Report, answer};
use uptick::window::{CheckResult, Window};

/// The default length of a round in milliseconds: each probe is checked once per round from each
/// vantage.
pub(crate) const ROUND_MS: i64 = 30_000;

pub(crate) const MINUTE_MS: i64 = 60_000;
pub(crate) const HOUR_MS: i64 = 60 * MINUTE_MS;
pub(crate) const DAY_MS: i64 = 24 * HOUR_MS;

/// A span of time in which more checks fail than usual.
#[derive(Clone, Debug)]
pub(crate) struct Outage {
    /// Its start and end, in milliseconds since the world's start.
    pub(crate) from: i64,
    pub(crate) to: i64,
    /// The share of checks that fail.
    pub(crate) share: f64,
    pub(crate) class: FailureClass,
    /// Limits the outage to one surface, vantage or probe, by number; `None` does not limit it.
    pub(crate) surface: Option<usize>,
    pub(crate) vantage: Option<usize>,
    pub(crate) probe: Option<usize>,
}

impl Outage {
    /// An outage that affects everything.
    pub(crate) const fn of_all(from: i64, to: i64, share: f64) -> Outage {
        Outage { from, to, share, class: FailureClass::ConnectTimeout, surface: None, vantage: None, probe: None }
    }
}

/// A span of time in which a vantage or a probe is absent: it joins late, was removed, or its
/// machine sleeps.
#[derive(Clone, Debug)]
pub(crate) struct Absence {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) vantage: Option<usize>,
    pub(crate) probe: Option<usize>,
}

/// The clock of a vantage is wrong by `by` milliseconds from one instant to another.
#[derive(Clone, Debug)]
pub(crate) struct WrongClock {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) vantage: usize,
    pub(crate) by: i64,
}

/// A world: its size, its failures and their times.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) seed: u64,
    /// Milliseconds between two checks of a probe.
    pub(crate) round: i64,
    pub(crate) probes: usize,
    pub(crate) vantages: usize,
    /// The number of surfaces; probes are assigned to them in turn.
    pub(crate) surfaces: usize,
    /// The share of checks that fail at all times.
    pub(crate) usual: f64,
    /// The share of rounds in which half of all checks fail together.
    pub(crate) bad_rounds: f64,
    pub(crate) outages: Vec<Outage>,
    pub(crate) absences: Vec<Absence>,
    pub(crate) wrong_clocks: Vec<WrongClock>,
}

impl World {
    /// Twenty probes of two surfaces from three vantages.
    pub(crate) const fn new(seed: u64) -> World {
        World {
            seed,
            round: ROUND_MS,
            probes: 20,
            vantages: 3,
            surfaces: 2,
            usual: 0.0,
            bad_rounds: 0.0,
            outages: Vec::new(),
            absences: Vec::new(),
            wrong_clocks: Vec::new(),
        }
    }

    /// The instant this many milliseconds after the world's start.
    pub(crate) fn at(ms: i64) -> Timestamp {
        let start: Timestamp = "2025-03-01T00:00:00Z".parse().expect("an instant");
        Timestamp::from_millisecond(start.as_millisecond() + ms).expect("an instant")
    }

    /// The milliseconds from the world's start to an instant.
    pub(crate) fn ms(at: Timestamp) -> i64 {
        at.as_millisecond() - World::at(0).as_millisecond()
    }

    /// The failure of a probe's check from a vantage at an instant; `None` if it is up.
    fn failure(&self, vantage: usize, probe: usize, at: i64) -> Option<FailureClass> {
        let round = at.div_euclid(self.round);
        let series = 1 + (vantage * self.probes + probe) as u64;
        let chance = |what: u64, of: u64| {
            let mixed = mix(mix(mix(self.seed ^ what << 56) ^ of) ^ round.cast_unsigned());
            (mixed >> 11) as f64 / (1_u64 << 53) as f64
        };
        let is_of = |outage: &&Outage| {
            (outage.from..outage.to).contains(&at)
                && outage.surface.is_none_or(|surface| surface == probe % self.surfaces)
                && outage.vantage.is_none_or(|one| one == vantage)
                && outage.probe.is_none_or(|one| one == probe)
        };
        let mut outages = (10..).zip(&self.outages).filter(|(_, outage)| is_of(outage));
        if let Some((_, outage)) = outages.find(|(number, outage)| chance(*number, series) < outage.share) {
            return Some(outage.class);
        }
        let is_bad = self.bad_rounds > 0.0 && chance(1, 0) < self.bad_rounds && chance(2, series) < 0.5;
        (is_bad || chance(3, series) < self.usual).then_some(FailureClass::ConnectTimeout)
    }

    fn is_absent(&self, vantage: usize, probe: usize, at: i64) -> bool {
        self.absences.iter().any(|absence| {
            (absence.from..absence.to).contains(&at)
                && absence.vantage.is_none_or(|one| one == vantage)
                && absence.probe.is_none_or(|one| one == probe)
        })
    }

    /// How wrong the clock of a vantage is, in milliseconds.
    fn clock_error(&self, vantage: usize, at: i64) -> i64 {
        let wrong =
            self.wrong_clocks.iter().filter(|clock| clock.vantage == vantage && (clock.from..clock.to).contains(&at));
        wrong.map(|clock| clock.by).sum()
    }

    /// The windows of all checks from one instant to another, one hour each.
    pub(crate) fn windows(&self, from: i64, to: i64) -> Vec<Window> {
        let mut windows = Vec::new();
        for vantage in 0..self.vantages {
            for probe in 0..self.probes {
                self.windows_of(vantage, probe, from, to, &mut windows);
            }
        }
        windows
    }

    fn windows_of(&self, vantage: usize, probe: usize, from: i64, to: i64, windows: &mut Vec<Window>) {
        let name = |text: String| Arc::<str>::from(text);
        let (named, asked) = (name(format!("vantage-{vantage}")), name(format!("probe-{probe:02}")));
        let surface = name(["app", "web", "api", "mail"][probe % self.surfaces].to_owned());
        // Checks are spread over the round, as by a prober.
        let spread = (probe as i64 * 7_919 + vantage as i64 * 4_001) % self.round;
        let mut window = Window::empty(&named, &asked, &surface, false);
        let mut due = from - from.rem_euclid(self.round) + spread;
        while due < to {
            if due >= from && !self.is_absent(vantage, probe, due) {
                let told = due + self.clock_error(vantage, due);
                let hour = told - told.rem_euclid(HOUR_MS);
                if window.counts.scheduled() > 0 && window.from != World::at(hour) {
                    window.strip.join_even();
                    windows.push(std::mem::replace(&mut window, Window::empty(&named, &asked, &surface, false)));
                }
                (window.from, window.to) = (World::at(hour), World::at(hour + HOUR_MS));
                let class = self.failure(vantage, probe, due);
                let verdict = if class.is_some() { Verdict::Down } else { Verdict::Up };
                window.strip.push(World::at(told), CheckResult::new(verdict, class));
                window.counts.add(verdict, 1);
                if let Some(class) = class {
                    *window.failures.entry(class).or_default() += 1;
                }
            }
            due += self.round;
        }
        if window.counts.scheduled() > 0 {
            window.strip.join_even();
            windows.push(window);
        }
    }

    /// The report on a range, with no data before it.
    pub(crate) fn report(&self, from: i64, to: i64) -> Report {
        report(&self.windows(from, to), from, to)
    }
}

/// The report on a range of recorded windows. If needed, it is repeated with a longer lead-in.
pub(crate) fn report(windows: &[Window], from: i64, to: i64) -> Report {
    let mut question = Question { from: Some(World::at(from)), to: Some(World::at(to)), ..Question::default() };
    loop {
        let mut fold = Fold::new(question.clone());
        windows.iter().for_each(|window| fold.window(window));
        let report = answer(&mut fold, World::at(to), Integrity::default());
        match fold.longer_lead_in(&report) {
            Some(longer) => question.lead_in = Some(longer),
            None => return report,
        }
    }
}

/// `SplitMix64`'s finaliser (Steele, Lea and Flood, 2014).
const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
