//! The totals behind the counters of runs that end, kept beside the journal: where they are, how
//! they are initialized, and those of `check --record --format prometheus`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::check_report::{CheckReport, RecordedSum};
use crate::config::Config;
use crate::export::KeptSums;
use crate::export::cumulative::Cumulative;
use crate::journal;
use crate::model::{Probe, Shard};

/// The file beside a journal's lines that holds the totals of the text format.
const TEXTFILE: &str = "textfile";

/// The name of a file of totals. Shards that share a journal have one file each, since they all
/// count the same control targets.
pub(crate) fn file_name(name: &str, shard: Option<Shard>) -> String {
    match shard {
        Some(Shard { index, of }) => format!("{name}.{index}-of-{of}.state"),
        None => format!("{name}.state"),
    }
}

/// The totals that a journal has recorded from a vantage; empty if it cannot be read or does not
/// exist yet.
pub(crate) fn recorded(folder: &Path, vantage: &str) -> Cumulative {
    let mut sums = Cumulative::default();
    let lines = journal::read(&[folder.to_path_buf()], journal::Range::ALL);
    for line in lines.into_iter().flatten() {
        if let Ok(journal::Line::Window(window)) = line
            && *window.vantage == *vantage
        {
            sums.add(&window);
        }
    }
    sums
}

/// The counters of the text format, summed over all recorded runs.
pub(crate) struct TextfileCounters {
    sums: KeptSums,
    probes: Vec<Arc<Probe>>,
}

impl TextfileCounters {
    /// Opens the counters of these probes, before the run records anything.
    pub(crate) fn open(folder: &Path, config: &Config, probes: &[Arc<Probe>]) -> TextfileCounters {
        let file = folder.join(file_name(TEXTFILE, config.settings.shard));
        let sums = KeptSums::new(Some(file), || recorded(folder, &config.settings.vantage));
        TextfileCounters { sums, probes: probes.to_vec() }
    }

    /// Adds the results of a run, and gives each of its probes its total. Returns why the totals
    /// could not be saved for the next run; `None` if they were.
    pub(crate) fn add_run(mut self, pass: &mut CheckReport) -> Option<String> {
        let mut run = Cumulative::default();
        let counted = pass.probes.iter().filter(|probe| probe.window.counts.scheduled() > 0);
        counted.for_each(|probe| run.add(&probe.window));
        self.sums.add(&run);
        let known: BTreeMap<&str, &Probe> =
            self.probes.iter().map(|probe| (probe.name.as_str(), probe.as_ref())).collect();
        for probe in &mut pass.probes {
            let window = self.sums.sums().sum_of(&probe.window).unwrap_or(&probe.window).clone();
            let known = known.get(probe.probe.as_str());
            let possible_failures = known.map(|known| known.possible_failures()).unwrap_or_default();
            probe.recorded = Some(Box::new(RecordedSum { window, possible_failures }));
        }
        let trouble = self.sums.trouble();
        trouble.map(|why| format!("cannot keep the sums of --format prometheus for the next run: {why}"))
    }
}
