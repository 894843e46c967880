//! Scrape jobs of Prometheus that ask `blackbox_exporter`, with their targets and the modules they name.

use std::time::Duration;

use serde_json::Value;

use crate::import::blackbox;
use crate::import::document::{elements, fields, text};
use crate::import::draft::ProbeDraft;
use crate::import::error::ImportError;
use crate::import::request;
use crate::import::secrets::Secrets;
use crate::import::template::literal;
use crate::model::quantity;

/// The files of one import that belong together.
#[derive(Debug, Default)]
pub(crate) struct PrometheusFiles {
    /// Configurations of `blackbox_exporter`.
    pub(crate) modules: Vec<Value>,
    pub(crate) scrape_configs: Vec<Value>,
    /// Lists of targets, with the names of their files.
    pub(crate) file_sd: Vec<(String, Value)>,
}

/// The module that `blackbox_exporter` takes where none is named.
const DEFAULT_MODULE: &str = "http_2xx";

/// What a job says of all its targets.
struct Job<'c> {
    name: Option<&'c str>,
    module: Option<&'c str>,
    interval: Option<Duration>,
    timeout: Option<Duration>,
}

/// A group of targets with the labels they share.
struct TargetGroup<'c> {
    targets: Vec<&'c str>,
    labels: &'c Value,
}

impl PrometheusFiles {
    /// A probe for each target of each job.
    ///
    /// # Errors
    /// Files that lack their other half.
    pub(crate) fn probes(&self, secrets: &mut Secrets) -> Result<Vec<ProbeDraft>, ImportError> {
        let mut drafts = Vec::new();
        let mut used = vec![false; self.file_sd.len()];
        for config in &self.scrape_configs {
            let jobs = elements(&config["scrape_configs"]).iter().filter(|job| is_of_blackbox(job));
            for config_of_job in jobs {
                let job = job(config_of_job, &config["global"]);
                let groups = self.groups(config_of_job, &mut used);
                drafts.extend(groups.iter().flat_map(|group| self.group(&job, group, secrets)));
                note_discovery(config_of_job, &mut drafts);
            }
        }
        for ((_, groups), _) in self.file_sd.iter().zip(&used).filter(|(_, used)| !**used) {
            let job = Job { name: None, module: None, interval: None, timeout: None };
            for group in elements(groups) {
                drafts.extend(self.group(&job, &targets(group), secrets));
            }
        }
        if drafts.is_empty() && !self.modules.is_empty() {
            let message =
                "has modules and no targets: give the scrape configuration of Prometheus, or a file_sd file, with it";
            return Err(ImportError::of_file("blackbox_exporter's configuration", message));
        }
        if drafts.is_empty() && !self.scrape_configs.is_empty() {
            let message = "has no job that asks blackbox_exporter (`metrics_path: /probe`) with targets in it";
            return Err(ImportError::of_file("Prometheus' configuration", message));
        }
        Ok(drafts)
    }

    /// The targets of a job: its own, and those of the given files that it names.
    fn groups<'c>(&'c self, job: &'c Value, used: &mut [bool]) -> Vec<TargetGroup<'c>> {
        let mut groups: Vec<TargetGroup> = elements(&job["static_configs"]).iter().map(targets).collect();
        let patterns = elements(&job["file_sd_configs"]).iter().flat_map(|config| elements(&config["files"]));
        let patterns: Vec<&str> = patterns.filter_map(Value::as_str).collect();
        for ((name, file), used) in self.file_sd.iter().zip(used) {
            if patterns.iter().any(|pattern| names(pattern, name)) {
                *used = true;
                groups.extend(elements(file).iter().map(targets));
            }
        }
        groups
    }

    fn group(&self, job: &Job, group: &TargetGroup, secrets: &mut Secrets) -> Vec<ProbeDraft> {
        let label = |name: &str| group.labels[name].as_str();
        let module = label("__param_module").or(label("module")).or(job.module);
        let drafts = group.targets.iter().map(|target| {
            let name = label("__param_target").filter(|_| group.targets.len() == 1);
            let target = name.unwrap_or(target);
            let (found, settings) = self.module(module);
            let mut draft = blackbox::draft(&request::name_of(&literal(target)), target, settings, secrets);
            match (found, module) {
                (None, _) => {
                    let name = module.unwrap_or(DEFAULT_MODULE);
                    draft.remark(&format!("the module {name} is in none of the files: asked with GET, up with 2xx"));
                }
                (Some(found), None) => draft.remark(&format!("no job names its module: asked as {found}")),
                (Some(_), Some(_)) => {}
            }
            finish(&mut draft, job, group.labels);
            draft
        });
        drafts.collect()
    }

    /// A module by its name, with its name where it is found.
    fn module(&self, name: Option<&str>) -> (Option<String>, &Value) {
        let all: Vec<(&String, &Value)> = self.modules.iter().flat_map(|config| fields(&config["modules"])).collect();
        let by_name = |name: &str| all.iter().find(|(known, _)| *known == name);
        let found = match name {
            Some(name) => by_name(name),
            None => by_name(DEFAULT_MODULE).or(all.iter().find(|(_, module)| module["prober"] == "http")),
        };
        found.map_or((None, &Value::Null), |(name, module)| (Some((*name).clone()), *module))
    }
}

/// Only such a job probes; the others scrape.
fn is_of_blackbox(job: &Value) -> bool {
    job["metrics_path"].as_str().is_some_and(|path| path.ends_with("/probe")) || job["params"]["module"].is_array()
}

fn job<'c>(job: &'c Value, global: &'c Value) -> Job<'c> {
    let time = |key: &str| {
        let written = job[key].as_str().or(global[key].as_str());
        written.and_then(|time| quantity::positive_duration(time).ok())
    };
    Job {
        name: job["job_name"].as_str(),
        module: job["params"]["module"][0].as_str(),
        interval: time("scrape_interval"),
        timeout: time("scrape_timeout"),
    }
}

fn targets(group: &Value) -> TargetGroup<'_> {
    TargetGroup {
        targets: elements(&group["targets"]).iter().filter_map(Value::as_str).collect(),
        labels: &group["labels"],
    }
}

/// What Prometheus says of a probe.
fn finish(draft: &mut ProbeDraft, job: &Job, labels: &Value) {
    if let Some(surface) = job.name.map(str::trim).filter(|name| !name.is_empty()) {
        draft.set_text("surface", &literal(surface));
    }
    let interval = job.interval.unwrap_or(Duration::from_mins(1));
    draft.set_duration("interval", interval);
    let timeout = job.timeout.unwrap_or(Duration::from_secs(10)).min(interval);
    if draft.get("timeout").is_none()
        || job.timeout.is_some_and(|timeout| shorter(draft, timeout))
        || shorter(draft, interval)
    {
        draft.set_duration("timeout", timeout);
    }
    let tags = fields(labels).filter(|(name, _)| !name.starts_with("__") && *name != "module");
    let tags = tags.filter_map(|(name, value)| Some(literal(&format!("{name}:{}", text(value)?.trim()))));
    let tags: Vec<String> = tags.collect();
    draft.set_list("tags", &tags);
}

/// Whether a time is shorter than the draft's timeout.
fn shorter(draft: &ProbeDraft, time: Duration) -> bool {
    let set = draft.get("timeout").map(|timeout| timeout.trim_matches('"'));
    set.and_then(|timeout| quantity::duration(timeout).ok()).is_some_and(|set| time < set)
}

/// Targets that only Prometheus can find.
fn note_discovery(job: &Value, drafts: &mut [ProbeDraft]) {
    let others = fields(job).filter(|(key, _)| key.ends_with("_sd_configs") && *key != "file_sd_configs");
    for (key, _) in others {
        if let Some(last) = drafts.last_mut() {
            last.not_carried(&format!("`{key}` of its job"), "its targets are found while Prometheus runs");
        }
    }
}

/// Whether a file of `file_sd_configs` is the one given: by its file name, since paths differ between machines.
fn names(pattern: &str, given: &str) -> bool {
    let last = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let (pattern, given) = (last(pattern), last(given));
    match pattern.split_once('*') {
        Some((before, after)) => {
            given.len() >= before.len() + after.len() && given.starts_with(before) && given.ends_with(after)
        }
        None => pattern == given,
    }
}
