//! What is new: a report held against what one receiver was told before. Pure; it tells nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::model::{Alert, AlertEvent, Mismatch, Outcome, SafeText, timestamp};
use crate::report::{Incident, Report, SlowPeriod, State};

/// A certificate is notified of when it has fewer days than each of these, the first once, then again.
const DAYS: [i64; 4] = [1, 3, 7, 14];
/// An incident of a vantage of which nothing was heard for so long, where others see everything up, is told as over.
const UNHEARD_AFTER: SignedDuration = SignedDuration::from_hours(2);
/// What ended is forgotten after this.
const FORGET_AFTER: Duration = Duration::from_hours(7 * 24);

/// What one receiver was told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ReceiverState {
    /// When it was last looked for news.
    pub(super) looked_at: Option<Timestamp>,
    /// Incidents it knows of.
    pub(super) incidents: Vec<KnownIncident>,
    /// What stands: a budget that burns, a certificate that expires, by a key, with the time told.
    pub(super) standing: BTreeMap<String, Timestamp>,
}

/// An incident that a receiver knows of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KnownIncident {
    /// The name it was first told by: an incident that spreads keeps it.
    pub(super) key: String,
    /// Its name in the last report that had it. Absent in states of earlier versions.
    #[serde(default)]
    pub(super) id: String,
    pub(super) surfaces: BTreeSet<String>,
    /// Its probes, as far as they are kept. Absent in states of earlier versions.
    #[serde(default)]
    pub(super) probes: BTreeSet<String>,
    pub(super) start: Timestamp,
    /// Absent while it goes on.
    pub(super) end: Option<Timestamp>,
    pub(super) waves: usize,
    pub(super) flapping: bool,
    /// When it was last told of.
    pub(super) told_at: Timestamp,
    /// The same without repetitions. Absent in states of earlier versions.
    #[serde(default)]
    pub(super) news_at: Option<Timestamp>,
    /// How many of its checks had failed when it was last told of. Absent in states of earlier versions.
    #[serde(default)]
    failed: u64,
}

/// What was told as over goes on, and a wave begins, with so many failures: one or two are what is usual.
const GOES_ON_AFTER: u64 = 3;

/// Something new.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// Of an incident: which event, its lasting key, and whether it was told before.
    Incident { event: AlertEvent, key: String, repeated: bool, incident: Box<Incident> },
    /// A certificate has fewer days than a threshold.
    Certificate { key: String, expiring: ExpiringCertificate },
    /// The budget of a surface burns: its row and its rate in the report.
    Burn { key: String, surface: usize, burn: usize },
    /// Something that `warn` names does not hold.
    Warning { key: String, warning: UnmetWarning },
    /// A vantage cannot judge: its row in the report.
    CannotJudge { key: String, vantage: usize },
    /// Answers take far longer than usual, or do so no more.
    Slow { key: String, period: Box<SlowPeriod> },
}

/// Something that `warn` names and that did not hold at the last check of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct UnmetWarning {
    /// The probe.
    pub probe: String,
    /// Its surface.
    pub surface: String,
    /// What did not hold.
    pub unmet: Mismatch,
}

/// What checks found that no report tells of.
#[derive(Clone, Debug, Default)]
pub struct CheckFindings {
    /// The certificates that expire soon, one for each probe.
    pub expiring: Vec<ExpiringCertificate>,
    /// What `warn` names and did not hold at the last check of each probe.
    pub warnings: Vec<UnmetWarning>,
}

/// A certificate that expires soon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct ExpiringCertificate {
    /// The probe that saw it.
    pub probe: String,
    /// Its surface.
    pub surface: String,
    /// Whose it is.
    pub subject: SafeText,
    /// It is valid until here.
    #[serde(with = "timestamp")]
    #[schemars(with = "String")]
    pub not_after: Timestamp,
    /// Whole days left; negative where it has expired.
    pub days_left: i64,
}

/// The certificates among some outcomes that have fewer than 14 days, one for each probe.
pub fn expiring<'o>(outcomes: impl IntoIterator<Item = &'o Outcome>, now: Timestamp) -> Vec<ExpiringCertificate> {
    let mut found: BTreeMap<&str, ExpiringCertificate> = BTreeMap::new();
    for outcome in outcomes {
        let Some(certificate) = outcome.tls.as_ref().and_then(|tls| tls.certificate.as_ref()) else { continue };
        let days_left = certificate.not_after.duration_since(now).as_secs().div_euclid(86_400);
        if DAYS.iter().any(|days| days_left < *days) {
            let expiring = ExpiringCertificate {
                probe: outcome.probe.clone(),
                surface: outcome.surface.clone(),
                subject: certificate.subject.clone(),
                not_after: certificate.not_after,
                days_left,
            };
            found.insert(&outcome.probe, expiring);
        }
    }
    found.into_values().collect()
}

impl Change {
    pub(super) fn event(&self) -> AlertEvent {
        match self {
            Change::Incident { event, .. } => *event,
            Change::Certificate { .. } => AlertEvent::CertificateExpiring,
            Change::Burn { .. } => AlertEvent::SloBurn,
            Change::Warning { .. } => AlertEvent::Warning,
            Change::CannotJudge { .. } => AlertEvent::CannotJudge,
            Change::Slow { period, .. } if period.is_open() => AlertEvent::Slow,
            Change::Slow { .. } => AlertEvent::SlowEnd,
        }
    }

    /// What names the thing it is about, the same from its start to its end.
    pub(super) fn key(&self) -> &str {
        match self {
            Change::Incident { key, .. }
            | Change::Certificate { key, .. }
            | Change::Burn { key, .. }
            | Change::Warning { key, .. }
            | Change::CannotJudge { key, .. }
            | Change::Slow { key, .. } => key,
        }
    }
}

/// The most probes kept of a known incident.
const PROBES: usize = 64;

/// Everything that is new for one receiver, in the order in which it happened.
pub(super) fn changes(
    alert: &Alert,
    receiver: &mut ReceiverState,
    report: &Report,
    found: &CheckFindings,
    now: Timestamp,
) -> Vec<Change> {
    receiver.forget(now);
    let looked_at = receiver.looked_at;
    let concerns = |surface: &str| alert.surfaces.is_empty() || alert.surfaces.iter().any(|wanted| wanted == surface);
    let mut changes = Vec::new();
    let ids: BTreeSet<&str> = report.incidents.iter().map(|incident| incident.id.as_str()).collect();
    for incident in &report.incidents {
        if incident.surfaces.iter().any(|surface| concerns(surface.as_str())) {
            let known = receiver.known(incident, &ids, now);
            let known = known.map(|known| {
                known.id.clone_from(&incident.id);
                &*known
            });
            let look = Look { looked_at, now, is_lost: is_lost(report, incident, now) };
            changes.extend(of_incident(alert, known, incident, look));
        }
    }
    changes.extend(receiver.absorbed(report, &ids, now));
    let of_concern = found.expiring.iter().filter(|expiring| concerns(&expiring.surface));
    let certificates = of_concern.filter_map(certificate).collect::<Vec<_>>();
    let of_concern = found.warnings.iter().filter(|warning| concerns(&warning.surface));
    let warnings: Vec<Change> = of_concern.map(warning).collect();
    let burns = burns(report, concerns);
    let blind = cannot_judge(report);
    let slow = slow_periods(report, concerns);
    let all = certificates.iter().chain(&burns).chain(&warnings).chain(&blind).chain(&slow);
    let standing: BTreeSet<&str> = all.map(Change::key).collect();
    // What does not stand any more is news when it stands again.
    receiver.standing.retain(|key, _| standing.contains(key.as_str()));
    let is_new = |change: &Change| {
        let fails = matches!(change, Change::Slow { period, .. } if fails(report, &period.surface));
        is_news(change, receiver, fails)
    };
    changes.extend(certificates.into_iter().chain(burns).chain(warnings).chain(blind).chain(slow).filter(is_new));
    changes
}

/// Whether a receiver does not know of what stands. A surface that fails is told of as failing; what was told before of
/// how slow it is stands all the same, and its end is news to who was told that it began.
fn is_news(change: &Change, receiver: &ReceiverState, fails: bool) -> bool {
    let is_told = receiver.standing.contains_key(change.key());
    match change.event() {
        AlertEvent::SlowEnd => is_told,
        AlertEvent::Slow => !is_told && !fails,
        _ => !is_told,
    }
}

/// Whether a surface has an open incident.
fn fails(report: &Report, surface: &SafeText) -> bool {
    report.incidents.iter().any(|incident| incident.end.is_none() && incident.surfaces.contains(surface))
}

/// Whether an incident is of a vantage that has long been silent, where other vantages see its surfaces up: nobody is
/// left who could tell when it ended.
fn is_lost(report: &Report, incident: &Incident, now: Timestamp) -> bool {
    let is_up = |surface: &SafeText| {
        let row = report.surfaces.iter().find(|row| row.surface == *surface && !row.control);
        row.is_some_and(|row| row.state == State::Up)
    };
    let is_unheard = incident.last_seen.is_some_and(|last_seen| now.duration_since(last_seen) >= UNHEARD_AFTER);
    is_unheard && incident.surfaces.iter().all(is_up)
}

/// When a receiver's news is looked for, and when it was before.
#[derive(Clone, Copy, Debug)]
struct Look {
    looked_at: Option<Timestamp>,
    now: Timestamp,
    /// Whether nobody is left who could tell when the incident ended.
    is_lost: bool,
}

fn of_incident(alert: &Alert, known: Option<&KnownIncident>, incident: &Incident, look: Look) -> Vec<Change> {
    let Look { looked_at, now, is_lost } = look;
    let goes_on = incident.end.is_none() && !is_lost;
    let Some(known) = known else {
        // One that was over before we ever looked is history, not news.
        let ended = incident.end.map(|end| end.by);
        let event = match ended {
            None if is_lost => return Vec::new(),
            None => AlertEvent::Open,
            Some(ended) if looked_at.is_some_and(|looked_at| ended > looked_at) => AlertEvent::Close,
            Some(_) => return Vec::new(),
        };
        return vec![change(event, &incident.id, incident)];
    };
    let is_due =
        |repeat: Duration| now.duration_since(known.told_at) >= SignedDuration::try_from(repeat).unwrap_or_default();
    let incident = &known.with_its_start(incident);
    let mut changes = Vec::new();
    // Seen more closely, what was told as one wave may be two: that is no news.
    let news_at = known.news_at.unwrap_or(known.told_at);
    let is_new_wave = incident.waves.last().is_some_and(|wave| wave.start.by > news_at && wave.failed >= GOES_ON_AFTER);
    let fails_again = known.end.is_some() && incident.actual_failures >= known.failed.saturating_add(GOES_ON_AFTER);
    if goes_on && (incident.waves.len() > known.waves && is_new_wave || fails_again) {
        changes.push(change(AlertEvent::Wave, &known.key, incident));
    } else if goes_on && known.end.is_none() && alert.repeat.is_some_and(is_due) {
        let (event, key) = (AlertEvent::Open, known.key.clone());
        changes.push(Change::Incident { event, key, repeated: true, incident: Box::new(incident.clone()) });
    }
    if goes_on && incident.flapping && !known.flapping {
        changes.push(change(AlertEvent::Flapping, &known.key, incident));
    }
    if !goes_on && known.end.is_none() {
        changes.push(change(AlertEvent::Close, &known.key, incident));
    }
    changes
}

fn change(event: AlertEvent, key: &str, incident: &Incident) -> Change {
    Change::Incident { event, key: key.to_owned(), repeated: false, incident: Box::new(incident.clone()) }
}

fn certificate(expiring: &ExpiringCertificate) -> Option<Change> {
    let threshold = DAYS.iter().find(|days| expiring.days_left < **days)?;
    let key = format!("certificate:{}:{}:{threshold}", expiring.probe, expiring.not_after);
    Some(Change::Certificate { key, expiring: expiring.clone() })
}

/// The vantages that cannot judge. They are not those of a surface: every receiver hears of them.
fn cannot_judge(report: &Report) -> Vec<Change> {
    let rows = report.vantages.iter().enumerate().filter(|(_, row)| row.cannot_judge);
    rows.map(|(vantage, row)| Change::CannotJudge { key: format!("cannot-judge:{}", row.vantage), vantage }).collect()
}

/// The times in which answers are or were slow.
fn slow_periods(report: &Report, concerns: impl Fn(&str) -> bool) -> Vec<Change> {
    let of_concern = report.slow_periods.iter().filter(|period| concerns(period.surface.as_str()));
    of_concern
        .map(|period| Change::Slow { key: format!("slow:{}", period.id), period: Box::new(period.clone()) })
        .collect()
}

fn warning(warning: &UnmetWarning) -> Change {
    let key = format!("warning:{}:{}:{}", warning.surface, warning.probe, warning.unmet.assertion);
    Change::Warning { key, warning: warning.clone() }
}

fn burns(report: &Report, concerns: impl Fn(&str) -> bool) -> Vec<Change> {
    let mut burns = Vec::new();
    for (surface, row) in report.surfaces.iter().enumerate().filter(|(_, row)| !row.control) {
        let availability = row.slo.as_ref().and_then(|slo| slo.availability.as_ref());
        let rates = availability.map(|availability| availability.burn.as_slice()).unwrap_or_default();
        // The fastest that fires says it all.
        let firing = rates.iter().position(|burn| burn.firing).filter(|_| concerns(row.surface.as_str()));
        burns.extend(firing.map(|burn| {
            let key = format!("slo:{}:{}", row.surface, rates[burn].severity);
            Change::Burn { key, surface, burn }
        }));
    }
    burns
}

impl ReceiverState {
    /// The incident as it is known: by its name, or as one of the same probes at the same time, since an
    /// incident that is seen more closely changes its name. Time alone is not enough: what breaks beside
    /// an open incident is news, and so is what another incident of the report is known as. `ids`: of all of these.
    fn known(&mut self, incident: &Incident, ids: &BTreeSet<&str>, now: Timestamp) -> Option<&mut KnownIncident> {
        let is_it = |known: &KnownIncident| known.key == incident.id || known.id == incident.id;
        let is_another = |known: &KnownIncident| ids.contains(known.key.as_str()) || ids.contains(known.id.as_str());
        let by_name = self.incidents.iter().rposition(is_it);
        let overlaps = |known: &KnownIncident| !is_another(known) && known.overlaps(incident, now);
        let at = by_name.or_else(|| self.incidents.iter().rposition(overlaps))?;
        self.incidents.get_mut(at)
    }

    /// What was told as open and is no incident of its own in the report any more, since it turned out to be of another:
    /// over with that, so that whoever was told of it hears of its end.
    fn absorbed(&self, report: &Report, ids: &BTreeSet<&str>, now: Timestamp) -> Vec<Change> {
        let is_absorbed = |known: &&KnownIncident| {
            known.end.is_none() && !ids.contains(known.key.as_str()) && !ids.contains(known.id.as_str())
        };
        let closed = |known: &KnownIncident| {
            let overlapping = report.incidents.iter().filter(|incident| known.overlaps(incident, now));
            let ends: Option<Vec<_>> = overlapping.map(|incident| Some((incident.end?.by, incident))).collect();
            let (_, last) = ends?.into_iter().max_by_key(|(end, _)| *end)?;
            Some(change(AlertEvent::Close, &known.key, last))
        };
        self.incidents.iter().filter(is_absorbed).filter_map(closed).collect()
    }

    /// Notes that a change was told, or that this receiver does not want to hear of it.
    pub(super) fn note(&mut self, change: &Change, now: Timestamp) {
        let Change::Incident { key, incident, event, repeated } = change else {
            if change.event() == AlertEvent::SlowEnd {
                self.standing.remove(change.key());
            } else {
                self.standing.insert(change.key().to_owned(), now);
            }
            return;
        };
        let surfaces = incident.surfaces.iter().map(|surface| surface.as_str().to_owned());
        // What is told as over without an end is of a vantage that is not heard any more.
        let last_seen = incident.last_seen.filter(|_| *event == AlertEvent::Close);
        let end = incident.end.map(|end| end.by).or(last_seen);
        let at = self.incidents.iter().position(|known| known.key == *key).unwrap_or(self.incidents.len());
        if at == self.incidents.len() {
            let (key, start) = (key.clone(), incident.start.by);
            self.incidents.push(KnownIncident {
                key,
                id: incident.id.clone(),
                surfaces: BTreeSet::new(),
                probes: BTreeSet::new(),
                start,
                end,
                waves: 0,
                flapping: false,
                told_at: now,
                news_at: None,
                failed: 0,
            });
        }
        let known = &mut self.incidents[at];
        known.surfaces.extend(surfaces);
        let probes = incident.probes.iter().map(|probe| probe.as_str().to_owned());
        known.probes.extend(probes.take(PROBES.saturating_sub(known.probes.len())));
        known.start = known.start.min(incident.start.by);
        if *event == AlertEvent::Flapping {
            known.flapping = true;
        } else {
            (known.end, known.waves) = (end, incident.waves.len());
        }
        known.failed = incident.actual_failures;
        known.told_at = now;
        if !repeated {
            known.news_at = Some(now);
        }
    }

    fn forget(&mut self, now: Timestamp) {
        let is_old = |end: Timestamp| now.duration_since(end).unsigned_abs() > FORGET_AFTER;
        self.incidents.retain(|known| !known.end.is_some_and(is_old));
    }
}

impl KnownIncident {
    /// An incident of which the report, which looks back two days, does not see how early it began.
    fn with_its_start(&self, incident: &Incident) -> Incident {
        let mut incident = incident.clone();
        if self.start < incident.start.by && incident.start.after.is_none() {
            let earlier = incident.start.by.duration_since(self.start);
            incident.duration_s.min += earlier.as_secs_f64();
            incident.start.by = self.start;
        }
        incident
    }

    fn overlaps(&self, incident: &Incident, now: Timestamp) -> bool {
        let shares = incident.surfaces.iter().any(|surface| self.surfaces.contains(surface.as_str()));
        let (ends, incident_ends) = (self.end.unwrap_or(now), incident.end.map_or(now, |end| end.by));
        let is_of_probes =
            self.probes.is_empty() || incident.probes.iter().any(|probe| self.probes.contains(probe.as_str()));
        shares && is_of_probes && incident.start.by <= ends && self.start <= incident_ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AlertTarget, Bracket};
    use crate::report::document::incident::DurationRange;
    use crate::report::{Reading, Wave};

    fn slow(end: Option<Timestamp>) -> Change {
        let bracket = |by| Bracket { after: None, by };
        let period = SlowPeriod {
            id: "1".to_owned(),
            surface: SafeText::message("web"),
            vantages: Vec::new(),
            start: bracket(Timestamp::UNIX_EPOCH),
            end: end.map(bracket),
            waves: Vec::new(),
            answers: 10,
            slow: 9,
            p95_us: 9,
            usual_p95_us: 1,
        };
        Change::Slow { key: "slow:1".to_owned(), period: Box::new(period) }
    }

    #[test]
    fn slowness_that_was_told_ends_though_its_surface_failed_in_between() {
        let now = Timestamp::UNIX_EPOCH;
        let (goes_on, over) = (slow(None), slow(Some(now)));
        let mut receiver = ReceiverState::default();
        assert!(is_news(&goes_on, &receiver, false));
        assert!(!is_news(&goes_on, &receiver, true), "a surface that fails is told of as failing");
        assert!(!is_news(&over, &receiver, false), "nobody was told that it began");
        receiver.note(&goes_on, now);
        assert!(!is_news(&goes_on, &receiver, false) && !is_news(&goes_on, &receiver, true));
        assert!(is_news(&over, &receiver, false) && is_news(&over, &receiver, true));
        receiver.note(&over, now);
        assert!(!is_news(&over, &receiver, false));
    }

    fn incident(end: Option<Timestamp>, failed: u64) -> Incident {
        let start = Bracket { after: None, by: Timestamp::UNIX_EPOCH };
        let end = end.map(|by| Bracket { after: None, by });
        Incident {
            id: "1".to_owned(),
            surfaces: vec![SafeText::message("web")],
            surface_spans: Vec::new(),
            vantages: Vec::new(),
            probes: Vec::new(),
            start,
            end,
            last_seen: None,
            detected_at: Timestamp::UNIX_EPOCH,
            rule: String::new(),
            duration_s: DurationRange { min: 0.0, max: None },
            waves: vec![Wave { start, end, judged: 100, failed, peak: None }],
            impact_minutes: Vec::new(),
            actual_failures: failed,
            judged: 100,
            maintenance: 0,
            expected_failures: None,
            recurring: None,
            kind: None,
            flap_percent: 0.0,
            flapping: false,
            attribution: "undetermined",
            signature: Reading::default(),
            signature_now: None,
        }
    }

    #[test]
    fn what_was_told_as_over_is_told_of_again_from_three_failures_on_and_not_repeated_before() {
        let alert = Alert {
            name: "ops".to_owned(),
            on: AlertEvent::ALL.to_vec(),
            surfaces: Vec::new(),
            target: AlertTarget::Exec { command: Vec::new() },
            retries: 0,
            timeout: Duration::ZERO,
            repeat: Some(Duration::from_mins(10)),
        };
        let mut receiver = ReceiverState::default();
        let over = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(9);
        for (minute, seen, told) in [
            (0, incident(None, 3), Some((AlertEvent::Open, false))),
            (5, incident(None, 8), None),
            (10, incident(Some(over), 10), Some((AlertEvent::Close, false))),
            (30, incident(None, 12), None),
            (31, incident(None, 13), Some((AlertEvent::Wave, false))),
            (41, incident(None, 20), Some((AlertEvent::Open, true))),
        ] {
            let now = Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minute);
            let look = Look { looked_at: None, now, is_lost: false };
            let changes = of_incident(&alert, receiver.incidents.last(), &seen, look);
            let found = changes.iter().map(|change| match change {
                Change::Incident { event, repeated, .. } => (*event, *repeated),
                other => panic!("{other:?}"),
            });
            assert_eq!(found.collect::<Vec<_>>(), told.into_iter().collect::<Vec<_>>(), "minute {minute}");
            changes.iter().for_each(|change| receiver.note(change, now));
        }
    }
}
