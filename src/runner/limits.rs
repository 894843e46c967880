//! Limits of the machine: file descriptors, and how many checks can run with them.

use std::fmt;
use std::sync::Arc;

use crate::model::{Addresses, Expect, Probe};

/// How many checks may run at once, and why that may be fewer than configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// The most concurrent checks.
    pub concurrency: usize,
    /// Why that is fewer than configured; `None` if it is not.
    pub warning: Option<String>,
}

/// The file descriptors of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Descriptors {
    /// The most that may be open.
    limit: u64,
    /// How many are open now.
    open: u64,
}

/// Descriptors reserved for everything except checks: standard streams, the runtime, the journal,
/// exporters, alerts, the extra checks of a diagnosis.
const RESERVED: u64 = 64;
/// How many of the reserved ones a process has open before a run: standard streams and a few more.
const PLAIN: u64 = 8;
/// As many addresses of a name as are dialled at a time.
const PER_CHECK: u64 = 3;
/// A page's own connection, and six files at once.
const PER_PAGE: u64 = 7;
/// The services offered by `alt-svc` that are asked at once, with the addresses of each.
const PER_OFFERS: u64 = 4 * PER_CHECK;
/// The addresses of a name that are checked at once. Each is dialled alone, beside a lookup or a file.
const AT_ONCE: u64 = 8;
/// The most connections that are kept for a probe's next check.
const MOST_KEPT: u64 = 16;
/// With fewer descriptors not even the runtime and its signals can be set up.
const FEWEST: u64 = 20;

/// The limit of open files leaves no room for a single check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the limit of {limit} open files leaves no room for a check; raise it with `ulimit -n {}`",
    RESERVED + PER_CHECK * 256
)]
pub(crate) struct TooFewFiles {
    limit: u64,
}

impl Descriptors {
    /// Raises the soft limit of open files to the hard limit, and counts the open ones: a process
    /// may inherit many. If the system does not provide them, it assumes values that any system
    /// has.
    #[must_use]
    pub(crate) fn raise() -> Descriptors {
        const ANY_SYSTEM: u64 = 256;
        let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(ANY_SYSTEM);
        // Reading the folder takes a descriptor itself.
        let open = std::fs::read_dir("/proc/self/fd").map_or(PLAIN, |open| (open.count() as u64).saturating_sub(1));
        Descriptors { limit, open }
    }

    /// The descriptors that are left for checks.
    fn room(self) -> u64 {
        self.limit.saturating_sub(RESERVED + self.open.saturating_sub(PLAIN))
    }
}

impl fmt::Display for Descriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at most, {} now", self.limit, self.open)
    }
}

impl Limits {
    /// Reduces the configured concurrency to what the descriptors allow, assuming the most that a
    /// check of each probe can hold. Since checks of one probe never overlap, no more run at once
    /// than there are probes.
    ///
    /// # Errors
    /// The descriptors do not suffice for a single check.
    pub(crate) fn clamp(asked: usize, descriptors: Descriptors, probes: &[Arc<Probe>]) -> Result<Limits, TooFewFiles> {
        if descriptors.limit < FEWEST {
            return Err(TooFewFiles { limit: descriptors.limit });
        }
        let kept = probes.iter().map(|probe| kept_by(probe)).sum();
        let mut held: Vec<u64> = probes.iter().map(|probe| held_by(probe) - kept_by(probe).min(1)).collect();
        // In the worst case the checks that need the most run at once.
        held.sort_unstable_by(|one, other| other.cmp(one));
        let mut room = descriptors.room().saturating_sub(kept);
        let fits = |held: &&u64| {
            let fits = **held <= room;
            room = room.saturating_sub(**held);
            fits
        };
        let wanted = asked.min(held.len());
        let fitting = held.iter().take(wanted).take_while(fits).count();
        if fitting == wanted {
            return Ok(Limits { concurrency: asked, warning: None });
        }
        // A single check may well need fewer than the most it can hold.
        let allowed = fitting.max(1);
        let needed: u64 = held.iter().take(wanted).sum();
        let limit = descriptors.limit;
        let enough = needed + kept + limit - descriptors.room();
        let warning = format!(
            "settings.concurrency is {asked}, but the limit of {limit} open files allows {allowed} checks at once; \
             raise it with `ulimit -n {enough}`"
        );
        Ok(Limits { concurrency: allowed, warning: Some(warning) })
    }
}

/// The most descriptors that a check of a probe holds at once.
fn held_by(probe: &Probe) -> u64 {
    let any = |has: fn(&Expect) -> bool| probe.steps.iter().any(|step| has(&step.expect) || has(&step.warn));
    let is_page = any(|expect| expect.assets.is_some());
    let asks_offers = any(|expect| expect.alt_svc);
    let beside = u64::max(if is_page { PER_PAGE } else { 0 }, if asks_offers { PER_OFFERS } else { 0 });
    match probe.transport.addresses {
        Addresses::First => beside.max(PER_CHECK),
        Addresses::All(_) => AT_ONCE * beside.max(2),
    }
}

/// The descriptors that a probe holds between its checks: a connection for each step.
fn kept_by(probe: &Probe) -> u64 {
    if probe.transport.reuse { (probe.steps.len() as u64).min(MOST_KEPT) } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::model::{Assets, Quorum, Selector};

    use super::*;

    fn probes(count: usize, change: impl Fn(&mut Probe)) -> Vec<Arc<Probe>> {
        let probe = |n| {
            let mut probe = Probe::plain(&format!("p{n}"), "web", "http://127.0.0.1/", Duration::from_secs(30));
            change(&mut probe);
            Arc::new(probe)
        };
        (0..count).map(probe).collect()
    }

    fn assets() -> Assets {
        let select = Selector::new("img").expect("a selector");
        Assets { select, limit: 20, hosts: Vec::new(), body_limit: 1, at_least: 0 }
    }

    fn clamp(asked: usize, limit: u64, probes: &[Arc<Probe>]) -> Result<Limits, TooFewFiles> {
        Limits::clamp(asked, Descriptors { limit, open: PLAIN }, probes)
    }

    fn concurrency(asked: usize, limit: u64, probes: &[Arc<Probe>]) -> usize {
        clamp(asked, limit, probes).expect("room for a check").concurrency
    }

    #[test]
    fn concurrency_is_clamped_to_the_open_files_and_says_so() {
        let many = probes(1_000, |_| {});
        assert_eq!(clamp(256, 20_000, &many), Ok(Limits { concurrency: 256, warning: None }));
        let clamped = clamp(256, 128, &many).expect("room for a check");
        assert_eq!(clamped.concurrency, 21);
        assert!(clamped.warning.is_some_and(|warning| warning.contains("ulimit -n 832")));
        assert_eq!(concurrency(256, 20, &many), 1);
        assert!(clamp(256, 10, &many).is_err_and(|error| error.to_string().contains("ulimit -n 832")));
    }

    #[test]
    fn a_page_with_its_files_holds_more_and_a_kept_connection_is_held_between_checks() {
        let pages = probes(300, |probe| probe.steps[0].expect.assets = Some(assets()));
        assert_eq!(concurrency(256, 1_024, &pages), (1_024 - 64) / 7);
        let offers = probes(300, |probe| probe.steps[0].warn.alt_svc = true);
        assert_eq!(concurrency(256, 1_024, &offers), (1_024 - 64) / 12);
        let kept = probes(500, |probe| probe.transport.reuse = true);
        assert_eq!(concurrency(512, 1_024, &kept), (1_024 - 64 - 500) / 2);
        let journeys = probes(100, |probe| {
            probe.transport.reuse = true;
            probe.steps = vec![probe.steps[0].clone(); 5];
        });
        assert_eq!(concurrency(512, 551, &journeys), 1, "five are kept for each");
        let all = probes(100, |probe| probe.transport.addresses = Addresses::All(Quorum::All));
        assert_eq!(concurrency(256, 1_024, &all), 60);
    }

    #[test]
    fn few_probes_need_little_and_nothing_is_said() {
        let few = probes(20, |_| {});
        assert_eq!(clamp(256, 128, &few), Ok(Limits { concurrency: 256, warning: None }));
        assert_eq!(clamp(256, 128, &[]), Ok(Limits { concurrency: 256, warning: None }));
    }

    #[test]
    fn what_the_process_inherited_is_not_there_for_checks() {
        let many = probes(1_000, |_| {});
        let inherited = Descriptors { limit: 1_024, open: 500 + PLAIN };
        assert_eq!(Limits::clamp(256, inherited, &many).map(|limits| limits.concurrency), Ok(153));
    }
}
