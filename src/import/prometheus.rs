//! Scrape jobs of Prometheus that use `blackbox_exporter`, with their targets and the modules they
//! name.

pub(crate) mod operator;
mod relabel;

use std::time::Duration;

use serde_json::Value;

use crate::import::blackbox;
use crate::import::document::{elements, fields, is_said, text};
use crate::import::draft::ProbeDraft;
use crate::import::error::ImportError;
use crate::import::request;
use crate::import::secrets::Secrets;
use crate::import::template::literal;
use crate::model::quantity;

use relabel::{Labels, Relabeled};

/// The files of one import that belong together.
#[derive(Debug, Default)]
pub(crate) struct PrometheusFiles {
    /// Configurations of `blackbox_exporter`.
    pub(crate) modules: Vec<Value>,
    pub(crate) scrape_configs: Vec<Value>,
    /// Lists of targets, with the names of their files.
    pub(crate) file_sd: Vec<(String, Value)>,
}

/// The default module of `blackbox_exporter`.
const DEFAULT_MODULE: &str = "http_2xx";

/// The fields of a scrape job that are read.
const READ: [&str; 7] =
    ["job_name", "metrics_path", "params", "static_configs", "relabel_configs", "scrape_interval", "scrape_timeout"];

/// The label with the address of a target, before rules change it.
const ADDRESS: &str = "__address__";

/// A scrape job with the global settings.
struct Job<'c> {
    config: &'c Value,
    global: &'c Value,
}

impl PrometheusFiles {
    /// A probe for each target of each job.
    ///
    /// # Errors
    /// Files whose counterpart is missing, such as modules without jobs.
    pub(crate) fn probes(&self, secrets: &mut Secrets) -> Result<Vec<ProbeDraft>, ImportError> {
        let mut drafts = Vec::new();
        let mut used = vec![false; self.file_sd.len()];
        let mut others = Vec::new();
        for config in &self.scrape_configs {
            for job in elements(&config["scrape_configs"]) {
                if is_of_blackbox(job) {
                    let job = Job { config: job, global: &config["global"] };
                    drafts.extend(self.job(&job, &mut used, secrets));
                } else {
                    others.extend(job["job_name"].as_str());
                }
            }
        }
        for ((_, groups), _) in self.file_sd.iter().zip(&used).filter(|(_, used)| !**used) {
            let job = Job { config: &Value::Null, global: &Value::Null };
            let labels = elements(groups).iter().flat_map(|group| job.labels(group));
            drafts.extend(labels.map(|labels| self.target(&job, labels, secrets)));
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
        let patterns = self.scrape_configs.iter().flat_map(|config| elements(&config["scrape_config_files"]));
        for pattern in patterns {
            let why = "it names more jobs: if those files are not given yet, give them too";
            drafts.first_mut().into_iter().for_each(|first| {
                first.field_not_carried("scrape_config_files", pattern, why);
            });
        }
        if let Some(first) = drafts.first_mut().filter(|_| !others.is_empty()) {
            first.remark(&format!("jobs that scrape and do not probe were left out: {}", others.join(", ")));
        }
        Ok(drafts)
    }

    /// The probes of a job: for its own targets, and for those in the given files that it names.
    fn job(&self, job: &Job, used: &mut [bool], secrets: &mut Secrets) -> Vec<ProbeDraft> {
        let own = elements(&job.config["static_configs"]).iter();
        let mut targets: Vec<Labels> = own.flat_map(|group| job.labels(group)).collect();
        let patterns = elements(&job.config["file_sd_configs"]).iter().flat_map(|config| elements(&config["files"]));
        let patterns: Vec<&str> = patterns.filter_map(Value::as_str).collect();
        let mut not_given = Vec::new();
        for pattern in patterns {
            let mut is_given = false;
            for ((_, groups), used) in
                self.file_sd.iter().zip(used.iter_mut()).filter(|((name, _), _)| names(pattern, name))
            {
                (is_given, *used) = (true, true);
                targets.extend(elements(groups).iter().flat_map(|group| job.labels(group)));
            }
            if !is_given {
                not_given.push(pattern);
            }
        }
        let mut drafts: Vec<ProbeDraft> = targets.into_iter().map(|labels| self.target(job, labels, secrets)).collect();
        drafts.extend(
            not_given.into_iter().map(|files| {
                job.without_targets(&format!("the targets of its job are in {files}: give those files too"))
            }),
        );
        let found = fields(job.config).filter(|(key, _)| key.ends_with("_sd_configs") && *key != "file_sd_configs");
        drafts.extend(found.map(|(key, _)| {
            let instead = match key.as_str() {
                "http_sd_configs" => "; what its URL answers is a file that can be given too",
                _ => "",
            };
            job.without_targets(&format!("`{key}`: the targets of its job are found while Prometheus runs{instead}"))
        }));
        drafts.first_mut().into_iter().for_each(|first| job.note_the_rest(first));
        drafts
    }

    /// The probe of a target with these labels.
    fn target(&self, job: &Job, labels: Labels, secrets: &mut Secrets) -> ProbeDraft {
        let address = labels.get(ADDRESS).cloned().unwrap_or_default();
        let rules = &job.config["relabel_configs"];
        let (labels, why) = match relabel::relabeled(labels.clone(), rules) {
            Relabeled::Asked(labels) => (labels, None),
            Relabeled::Dropped => (labels, Some("a rule of `relabel_configs` drops it".to_owned())),
            Relabeled::Unknown(why) => (labels, Some(format!("`relabel_configs`: {why}"))),
        };
        let label = |name: &str| labels.get(name).map(String::as_str);
        // Without rules, these labels may still be meant for this purpose.
        let target = label("__param_target").unwrap_or(&address);
        let module = label("__param_module").or_else(|| label("module").filter(|_| rules.is_null()));
        let (found, settings) = self.module(module);
        let instance = label("instance").filter(|instance| *instance != target && *instance != address);
        let name = instance.map_or_else(|| request::name_of(&literal(target)), str::to_owned);
        let mut draft = blackbox::draft(&name, target, settings, label("__param_hostname"), secrets);
        match (found, module) {
            (None, Some(name)) if !self.modules.is_empty() && name != DEFAULT_MODULE => {
                let why = format!("the module {name} is in none of the files: another exporter may have it");
                draft.left_out = draft.left_out.or(Some(why));
            }
            (None, _) => {
                let name = module.unwrap_or(DEFAULT_MODULE);
                draft.remark(&format!("the module {name} is in none of the files: checked with GET, up with 2xx"));
            }
            (Some(found), None) => draft.remark(&format!("no job names its module: asked as {found}")),
            (Some(_), Some(_)) => {}
        }
        // Prometheus fills in no variables: a file that has some is filled in by another program first.
        let unfilled = "`${` in a target is text to Prometheus: give the file with its variables filled in";
        let unfilled = target.contains("${").then(|| unfilled.to_owned());
        draft.left_out = why.or(draft.left_out).or(unfilled);
        job.finish(&mut draft, &labels);
        draft
    }

    /// A module by its name. Its name is `None` if it is not found.
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

/// Whether a job probes with `blackbox_exporter`; others only scrape.
fn is_of_blackbox(job: &Value) -> bool {
    match job["metrics_path"].as_str() {
        Some(path) => path.ends_with("/probe"),
        None => job["params"]["module"].is_array(),
    }
}

impl Job<'_> {
    fn name(&self) -> Option<&str> {
        self.config["job_name"].as_str().map(str::trim).filter(|name| !name.is_empty())
    }

    /// The labels of each target of a group.
    fn labels(&self, group: &Value) -> Vec<Labels> {
        let mut shared = Labels::new();
        for (name, values) in fields(&self.config["params"]) {
            shared.extend(elements(values).first().and_then(text).map(|value| (format!("__param_{name}"), value)));
        }
        shared.extend(self.name().map(|name| ("job".to_owned(), name.to_owned())));
        shared.extend(fields(&group["labels"]).filter_map(|(name, value)| Some((name.clone(), text(value)?))));
        let targets = elements(&group["targets"]).iter().filter_map(text);
        targets.map(|target| shared.clone().into_iter().chain([(ADDRESS.to_owned(), target)]).collect()).collect()
    }

    /// Notes what the job says of the scrape and not of the targets.
    fn note_the_rest(&self, draft: &mut ProbeDraft) {
        let why = "it is about the scrape of blackbox_exporter, which uptick replaces";
        let is_read = |key: &str| READ.contains(&key) || key.ends_with("_sd_configs");
        for (key, value) in fields(self.config).filter(|(key, value)| is_said(value) && !is_read(key)) {
            draft.field_not_carried(key, value, why);
        }
        for (name, value) in fields(&self.config["params"]) {
            if !["module", "target", "hostname"].contains(&name.as_str()) {
                draft.field_not_carried(&format!("params.{name}"), value, "uptick has no key for it");
            }
        }
    }

    /// A draft that says why the targets of a job are missing.
    fn without_targets(&self, why: &str) -> ProbeDraft {
        let mut draft = ProbeDraft::new(self.name().unwrap_or("job"));
        draft.left_out = Some(why.to_owned());
        draft
    }

    fn time(&self, key: &str) -> Option<Duration> {
        let written = self.config[key].as_str().or(self.global[key].as_str())?;
        quantity::positive_duration(written).ok()
    }

    /// Sets what the scrape job defines: the surface, the schedule, and labels.
    fn finish(&self, draft: &mut ProbeDraft, labels: &Labels) {
        if let Some(surface) = labels.get("job").map(|job| job.trim()).filter(|job| !job.is_empty()) {
            draft.set_text("surface", &literal(surface));
        }
        let interval = self.time("scrape_interval").unwrap_or(Duration::from_mins(1));
        draft.set_duration("interval", interval);
        let of_job = self.time("scrape_timeout");
        let timeout = of_job.unwrap_or(Duration::from_secs(10)).min(interval);
        if draft.get("timeout").is_none()
            || of_job.is_some_and(|timeout| shorter(draft, timeout))
            || shorter(draft, interval)
        {
            draft.set_duration("timeout", timeout);
        }
        let tags = labels
            .iter()
            .filter(|(name, _)| !name.starts_with("__") && !matches!(name.as_str(), "job" | "instance" | "module"));
        let tags: Vec<String> = tags.map(|(name, value)| literal(&format!("{name}:{}", value.trim()))).collect();
        draft.set_list("tags", &tags);
    }
}

/// Whether a time is shorter than the draft's timeout.
fn shorter(draft: &ProbeDraft, time: Duration) -> bool {
    let set = draft.get("timeout").map(|timeout| timeout.trim_matches('"'));
    set.and_then(|timeout| quantity::duration(timeout).ok()).is_some_and(|set| time < set)
}

/// Whether a pattern of `file_sd_configs` matches the given file. Only file names are compared,
/// since paths differ between machines.
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
