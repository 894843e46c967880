//! From journals to a report: reads the lines that a question is about, and adds them up.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::{locations, selection};
use crate::commands::process::exit::CliError;
use crate::config::Config;
use crate::journal;
use crate::model::{PlannedProbe, Probe, RecordedPlan};
use crate::report::{Fold, Integrity, Question, Report};

/// Answers a question from journals; each path is a folder or a file. If an incident may have
/// started before the lead-in of the report, the journals are read again with a longer lead-in.
pub(crate) fn ask(question: Question, journals: &[PathBuf], filter: &Filter) -> Result<Report, CliError> {
    let mut question = question;
    loop {
        let (fold, report) = answered(question.clone(), journals, filter)?;
        match fold.longer_lead_in(&report) {
            Some(longer) => question.lead_in = Some(longer),
            None => return Ok(report),
        }
    }
}

fn answered(question: Question, journals: &[PathBuf], filter: &Filter) -> Result<(Fold, Report), CliError> {
    let to = question.to;
    let fold = Fold::new(question);
    let nothing = (fold.clone(), BTreeSet::new());
    let sift = |(fold, recorded): &mut (Fold, BTreeSet<Arc<str>>), line: &journal::Line| {
        filter.note(line, recorded);
        match line {
            journal::Line::Plan(plan) => fold.plan(&filter.of_plan(plan)),
            _ if filter.keeps(line) => add(fold, line),
            _ => {}
        }
    };
    let ((mut fold, recorded), integrity) = read(&fold, journals, &nothing, sift, |(fold, recorded), (part, more)| {
        fold.merge(part);
        recorded.extend(more);
    })?;
    filter.check(&recorded)?;
    fold.check_limit().map_err(|error| CliError::Runtime(error.to_string()))?;
    let report = crate::report::answer(&mut fold, to.unwrap_or_else(Timestamp::now), integrity);
    Ok((fold, report))
}

/// Adds a line to a fold.
pub(crate) fn add(fold: &mut Fold, line: &journal::Line) {
    match line {
        journal::Line::Window(window) => fold.window(window),
        journal::Line::Failure(outcome) => fold.failure(outcome),
        journal::Line::Gap(gap) => fold.gap(gap),
        journal::Line::Plan(plan) => fold.plan(plan),
    }
}

/// Adds the lines in the range of `fold` to copies of `nothing`, one per thread, and merges the
/// copies.
pub(crate) fn read<S: Clone + Send + Sync>(
    fold: &Fold,
    journals: &[PathBuf],
    nothing: &S,
    add: impl Fn(&mut S, &journal::Line) + Sync,
    merge: impl Fn(&mut S, S),
) -> Result<(S, Integrity), CliError> {
    let (from, to) = (fold.reads_from().unwrap_or(Timestamp::MIN), fold.reads_to().unwrap_or(Timestamp::MAX));
    let range = journal::Range { from, to };
    let trouble = |error: journal::JournalError| CliError::Runtime(error.to_string());
    let paths =
        journal::gather(journals, range, &locations::cache_folder(), &locations::environment()).map_err(trouble)?;
    let (state, met) =
        journal::fold(&paths, range, fold.latency_detail(), || nothing.clone(), add, merge).map_err(trouble)?;
    Ok((state, integrity(journals.len(), &met)))
}

/// The probes that a report is about.
#[derive(Debug, Default)]
pub(crate) struct Filter {
    surfaces: Vec<String>,
    /// The surfaces of the probe file.
    configured: BTreeSet<String>,
    /// The names of the probes with a tag of `--tag`; `None` without `--tag`.
    probes: Option<BTreeSet<String>>,
}

impl Filter {
    /// The filter of `--surface` and `--tag`. Only the probe file has tags, so `--tag` needs it.
    pub(crate) fn new(surfaces: &[String], tags: &[String], config: Option<&Config>) -> Result<Filter, CliError> {
        let surfaces = surfaces.to_vec();
        let configured = config.into_iter().flat_map(surfaces_of).collect();
        if tags.is_empty() {
            return Ok(Filter { surfaces, configured, probes: None });
        }
        let Some(config) = config else {
            return Err(CliError::Usage(
                "--tag needs the probe file, which has the tags; name it with --config".into(),
            ));
        };
        let known = config.probes.iter().flat_map(|probe| probe.tags.iter().map(String::as_str));
        selection::known_or_stop("tag", tags, known)?;
        let is_tagged = |probe: &&Arc<Probe>| probe.tags.iter().any(|tag| tags.contains(tag));
        let probes = config.probes.iter().filter(is_tagged).map(|probe| probe.name.clone()).collect();
        Ok(Filter { surfaces, configured, probes: Some(probes) })
    }

    /// Remembers the surface of a window, if `--surface` is given.
    fn note(&self, line: &journal::Line, recorded: &mut BTreeSet<Arc<str>>) {
        if let journal::Line::Window(window) = line
            && !self.surfaces.is_empty()
            && !recorded.contains(&window.surface)
        {
            recorded.insert(Arc::clone(&window.surface));
        }
    }

    /// An error if a surface of `--surface` is neither in the journals nor in the probe file. If
    /// the journals are empty and there is no probe file, any name is accepted.
    fn check(&self, recorded: &BTreeSet<Arc<str>>) -> Result<(), CliError> {
        if recorded.is_empty() && self.configured.is_empty() {
            return Ok(());
        }
        let known = recorded.iter().map(AsRef::as_ref).chain(self.configured.iter().map(String::as_str));
        selection::known_or_stop("surface", &self.surfaces, known)
    }

    /// Whether the filter keeps a line. Control targets are always kept: they show whether the
    /// vantage itself was offline.
    fn keeps(&self, line: &journal::Line) -> bool {
        let (surface, probe, control) = match line {
            journal::Line::Window(window) => (&*window.surface, &*window.probe, window.control),
            journal::Line::Failure(outcome) => (&*outcome.surface, &*outcome.probe, outcome.control),
            journal::Line::Gap(_) | journal::Line::Plan(_) => return true,
        };
        control || self.asks_for(surface, probe)
    }

    fn asks_for(&self, surface: &str, probe: &str) -> bool {
        (self.surfaces.is_empty() || self.surfaces.iter().any(|asked| asked == surface))
            && self.probes.as_ref().is_none_or(|probes| probes.contains(probe))
    }

    /// The part of a plan that the filter keeps.
    fn of_plan(&self, plan: &RecordedPlan) -> RecordedPlan {
        let is_asked = |planned: &&PlannedProbe| planned.control || self.asks_for(&planned.surface, &planned.probe);
        RecordedPlan { probes: plan.probes.iter().filter(is_asked).cloned().collect(), ..plan.clone() }
    }
}

fn surfaces_of(config: &Config) -> impl Iterator<Item = String> {
    config.probes.iter().map(|probe| probe.surface.clone()).chain(config.surfaces.keys().cloned())
}

/// Converts the counts of the journal's reader to those of a report.
fn integrity(journals: usize, read: &journal::Integrity) -> Integrity {
    Integrity {
        journals: journals as u64,
        lines: read.lines,
        corrupt_lines: read.corrupt_lines,
        newer_lines: read.newer_lines,
        torn_tails: read.torn_tails,
        ..Integrity::default()
    }
}
