//! The headline: what an on-call person would say aloud. No brackets, no intervals, no rule names.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::format::{self, InstantFormat};
use crate::model::{SafeText, UnixMillis};
use crate::report::answer::slow_periods;
use crate::report::answer::surface_status::SurfaceStatus;
use crate::report::document::answer::{Answer, Extent, MainFailure, State};
use crate::report::document::incident::Incident;
use crate::report::document::slow_period::SlowPeriod;
use crate::report::statistics::ratio;

/// The most vantages, or surfaces, that are named.
const NAMED: usize = 3;

/// What the headline is made of.
pub(super) struct Headline<'h> {
    pub(super) answer: &'h Answer,
    pub(super) statuses: &'h [SurfaceStatus],
    pub(super) incidents: &'h [Incident],
    pub(super) slow_periods: &'h [SlowPeriod],
    /// The end of the range, and the format of instants.
    pub(super) to: UnixMillis,
    pub(super) clock: InstantFormat,
    pub(super) failed: u64,
    pub(super) judged: u64,
    /// Phrases about surfaces that are or were in maintenance.
    pub(super) maintenance: Vec<String>,
    /// A phrase about checks that were up with a warning.
    pub(super) warnings: Option<String>,
    /// What else fails: what is new, and what has been failing for long.
    pub(super) beside: Vec<String>,
    /// Failures in a row that are not an incident yet.
    pub(super) failures_in_a_row: Option<String>,
    pub(super) why_unknown: String,
}

impl Headline<'_> {
    pub(super) fn write(&self) -> String {
        let state = self.answer.state;
        let mut parts = match state {
            State::Up => self.up(),
            State::Unknown => self.unknown(),
            _ => self.failing(),
        };
        parts.extend(self.failures_in_a_row.clone());
        parts.extend(self.beside.clone());
        parts.extend(self.maintenance.clone());
        parts.extend(self.warnings.clone());
        format!("{}  {}", state.name().to_uppercase(), parts.join("; "))
    }

    /// `X app since 13:30 UTC (42 min), 2 of 3 vantages (iad, sjc), connect timeouts, 65% of
    /// checks`
    fn failing(&self) -> Vec<String> {
        let state = self.answer.state;
        let (worst, others): (Vec<&SurfaceStatus>, Vec<&SurfaceStatus>) =
            self.statuses.iter().partition(|status| status.is_told(state, self.answer.since));
        let names: Vec<&str> = worst.iter().map(|status| status.label.as_str()).collect();
        let (failed, judged) = worst.iter().fold((0, 0), |sum, one| (sum.0 + one.failed, sum.1 + one.judged));
        let mut first = vec![format!("{}{}", format::list(&names), self.since())];
        first.extend(self.seen_from());
        let slow = worst.iter().filter(|one| one.slow_since.is_some()).find_map(|one| one.slow);
        if let Some(slow) = slow {
            first.push(format!("answers take {}", instead(slow.p95_us, slow.usual_p95_us)));
        } else {
            first.extend(self.answer.kind.as_ref().filter(|_| failed > 0).map(MainFailure::phrase));
            first.extend(self.answer.signature.family.map(|family| format!("over IPv{family} alone")));
            let now = worst.iter().fold((0, 0), |sum, one| (sum.0 + one.now.0, sum.1 + one.now.1));
            first.extend(Self::share(now, (failed, judged)));
        }
        let mut parts = vec![first.join(", ")];
        parts.extend(self.recurring());
        for other in others.iter().filter(|status| status.state.is_failing()) {
            let share = ratio(other.now.0, other.now.1).filter(|_| other.now.0 > 0);
            let share = share.map(|share| format!(", {} of checks", rough(share))).unwrap_or_default();
            let since = other.began().filter(|_| other.state == state);
            let since = since.map(|since| format!(" since {}", self.clock.short(since.by))).unwrap_or_default();
            parts.push(format!("{} {}{since}{share}", other.label, other.state));
        }
        parts
    }

    /// Says that the incident of the headline recurs at this time of most days: `as on 14 of 14
    /// nights`
    fn recurring(&self) -> Option<String> {
        let since = self.answer.incident_since?;
        let open = self.incidents.iter().find(|incident| incident.end.is_none() && incident.start == since)?;
        open.recurring.map(|recurring| recurring.words())
    }

    /// ` since 09:00 UTC (1 h 12 min), this wave since 09:58`,
    /// ` since 09:00 UTC or earlier (at least 1 h 12 min)`
    fn since(&self) -> String {
        let Some(wave) = self.answer.since else { return String::new() };
        let incident = self.answer.incident_since.filter(|since| since.by < wave.by);
        let since = incident.unwrap_or(wave);
        let lasts = self.to - UnixMillis::from(since.by);
        let lasts = match since.after {
            Some(_) => format!(" ({})", format::lasting(lasts)),
            // The incident starts at the last check of the journal, which tells nothing about its
            // duration.
            None if lasts < 1_000 => " or earlier".to_owned(),
            None => format!(" or earlier (at least {})", format::lasting(lasts)),
        };
        let this_wave =
            incident.map(|_| format!(", this wave since {}", self.clock.short(wave.by))).unwrap_or_default();
        format!(" since {} {}{lasts}{this_wave}", self.clock.short(since.by), self.clock.zone(since.by))
    }

    /// `65% of checks`, with the ratio of the whole wave if that differs
    fn share(now: (u64, u64), wave: (u64, u64)) -> Option<String> {
        /// Ratios that differ by less are written as one.
        const DIFFERS: f64 = 0.1;
        let of_wave = ratio(wave.0, wave.1).filter(|_| wave.0 > 0)?;
        let share = ratio(now.0, now.1).unwrap_or(of_wave);
        let text = if now.0 == now.1 { "all checks".to_owned() } else { format!("{} of checks", rough(share)) };
        Some(if (share - of_wave).abs() >= DIFFERS {
            format!("{text} now, {} since it began", rough(of_wave))
        } else {
            text
        })
    }

    fn seen_from(&self) -> Option<String> {
        let scope = &self.answer.scope;
        let names = named(&scope.vantages);
        let all = scope.vantages_judged;
        match scope.extent {
            Extent::SingleVantage => (!scope.vantages.is_empty()).then(|| format!("from {names}, the only vantage")),
            Extent::Global if scope.vantages.len() as u64 == all => Some(every(all)),
            Extent::Global => Some(format!("{} of {all} vantages ({names})", scope.vantages.len())),
            Extent::Local => Some(format!("only from {names} ({} of {all} vantages)", scope.vantages.len())),
            Extent::Unclear if scope.vantages.is_empty() => Some("it cannot be told yet from where".to_owned()),
            Extent::Unclear => Some(format!("from {names}, elsewhere it cannot be told yet")),
            Extent::None => None,
        }
    }

    /// `X app and X web, 3 vantages, none of 1,440 checks failed`
    fn up(&self) -> Vec<String> {
        let names: Vec<&str> = self.statuses.iter().map(|status| status.label.as_str()).collect();
        let shown: Vec<&str> = names.iter().copied().take(NAMED).collect();
        let more = names.len() - shown.len();
        let names = if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { format::list(&shown) };
        let found = match (self.failed, self.judged) {
            (_, 0) => "no check was judged".to_owned(),
            (0, 1) => "the one check was good".to_owned(),
            (0, judged) => format!("none of {} checks failed", format::count(judged)),
            (failed, judged) => format!("{} of {} failed", format::count(failed), format::counted(judged, "check")),
        };
        let seen_from = match self.answer.scope.vantages_judged {
            0 | 1 => String::new(),
            vantages => format!(", {vantages} vantages"),
        };
        let mut parts = vec![format!("{names}{seen_from}, {found}")];
        parts.extend(self.unseen());
        parts.extend(self.past());
        parts
    }

    fn unknown(&self) -> Vec<String> {
        let mut parts = vec![self.why_unknown.clone()];
        parts.extend(self.unseen());
        parts.extend(self.past());
        parts
    }

    /// The incident whose probes went silent while failing: silence does not end it.
    fn unseen(&self) -> Option<String> {
        let (incident, last_seen) = Incident::unseen(self.incidents)?;
        let names: Vec<&str> = incident.surfaces.iter().map(|surface| self.label(surface)).collect();
        let kind = incident.kind.as_ref().map(|kind| format!(", {}", kind.phrase())).unwrap_or_default();
        Some(format!(
            "{} failing when last seen {} {}, since {}, from {}{kind}",
            format::list(&names),
            self.clock.short(last_seen),
            self.clock.zone(last_seen),
            self.clock.short(incident.start.by),
            named(&incident.vantages),
        ))
    }

    /// The worst incident that is over, with the times of each of its surfaces, and the number of
    /// others: `failed before: X app 13:30–14:28 UTC and X web 13:31–14:20 UTC, from iad and sjc,
    /// connect timeouts`
    fn past(&self) -> Vec<String> {
        let Some(worst) = Incident::worst(self.incidents) else {
            return self.slow_before().into_iter().collect();
        };
        let mut times: Vec<String> = Vec::new();
        let mut alike: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for span in &worst.surface_spans {
            let start = span.start.by;
            let time = span.end.as_ref().map_or_else(
                || format!("{}–now {}", self.clock.short(start), self.clock.zone(start)),
                |end| self.clock.span(start, end.by),
            );
            alike.entry(time).or_default().push(self.label(&span.surface));
        }
        for (time, names) in alike {
            times.push(format!("{} {time}", format::list(&names)));
        }
        let waves = format::in_waves(worst.waves.len());
        let kind = worst.kind.as_ref().map(|kind| format!(", {}", kind.phrase())).unwrap_or_default();
        let recurring = worst.recurring.map(|recurring| format!(", {}", recurring.words())).unwrap_or_default();
        let seen_from = named(&worst.vantages);
        let mut parts =
            vec![format!("failed before: {}{waves}, from {seen_from}{kind}{recurring}", times.join(" and "))];
        match self.incidents.iter().filter(|incident| incident.end.is_some()).count() - 1 {
            0 => {}
            1 => parts.push("1 more incident".to_owned()),
            more => parts.push(format!("{} more incidents", format::count(more as u64))),
        }
        parts.extend(self.slow_before());
        parts
    }

    /// The worst slow period that is over, and the number of others: `answers of X app took 2.1 s
    /// instead of 310 ms (p95) 13:30–14:28 UTC, from iad`
    fn slow_before(&self) -> Option<String> {
        let over: Vec<&SlowPeriod> = self.slow_periods.iter().filter(|period| !period.is_open()).collect();
        let weight = |period: &&&SlowPeriod| slow_periods::weight(period);
        let worst = over.iter().max_by(|one, other| weight(one).total_cmp(&weight(other)))?;
        let times = self.clock.span(worst.start.by, worst.end?.by);
        let seen_from = if worst.vantages.is_empty() || self.answer.scope.vantages_judged < 2 {
            String::new()
        } else {
            format!(", from {}", named(&worst.vantages))
        };
        let waves = format::in_waves(worst.waves.len());
        let more = match over.len() as u64 - 1 {
            0 => String::new(),
            more => format!(", and {}", format::counted(more, "more such time")),
        };
        Some(format!(
            "answers of {} took {} {times}{waves}{seen_from}{more}",
            self.label(&worst.surface),
            instead(worst.p95_us, worst.usual_p95_us),
        ))
    }

    fn label<'n>(&'n self, surface: &'n SafeText) -> &'n str {
        let status = self.statuses.iter().find(|status| status.surface == *surface);
        status.map_or(surface, |status| &status.label).as_str()
    }
}

/// `both vantages`, `all 3 vantages`
fn every(vantages: u64) -> String {
    if vantages == 2 { "both vantages".to_owned() } else { format!("all {vantages} vantages") }
}

/// `2.1 s instead of 310 ms (p95)`
fn instead(p95_us: u64, usual_p95_us: u64) -> String {
    let time = |us: u64| format::duration(Duration::from_micros(us));
    format!("{} instead of {} (p95)", time(p95_us), time(usual_p95_us))
}

/// `iad, sjc`, `a, b, c and 4 more`
fn named(names: &[SafeText]) -> String {
    let shown: Vec<&str> = names.iter().take(NAMED).map(SafeText::as_str).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A ratio as it is spoken: whole percents, tenths below ten.
fn rough(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 9.95 { format!("{percent:.0}%") } else { format::ratio(share) }
}
