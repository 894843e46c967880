//! `uptick init`: writes a commented probe file: a template, or probes derived from the responses
//! of a few URLs.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::cli::InitArgs;
use crate::commands::input::targets::is_file;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::output_file::OutputFile;
use crate::commands::process::signals::Signals;
use crate::commands::process::terminal::{MessageLevel, Terminal};
use crate::commands::process::{runtime, terminal};
use crate::commands::run::check_pipeline::CheckPipeline;
use crate::config::Config;
use crate::import::{Imported, Observation};
use crate::model::{FailureClass, Outcome, Verdict};
use crate::runner::{Descriptors, Event, Limits};
use crate::{config, format, import, plan, runner};

/// How many times each URL is checked.
const SAMPLES: u64 = 3;

/// The most URLs of one call.
const MOST_URLS: usize = 100;

/// An expectation that no response meets: the evidence of the failed check holds the response.
const NEVER_MET: &str = "expect.header = { x-uptick-never-sent = { absent = false } }\n";

/// Writes the file. An error if it exists.
pub(super) fn run(args: &InitArgs, terminal: &Terminal, signals: &Signals) -> Result<Exit, CliError> {
    let (path, urls) = targets(args)?;
    if path.exists() {
        return Err(exists(&path));
    }
    if urls.is_empty() {
        return write(&path, config::TEMPLATE, terminal.quiet);
    }
    let seen = observe(&urls, signals)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let written = import::observed(&seen, folder).map_err(CliError::usage)?;
    let exit = write(&path, &written.text, terminal.quiet)?;
    say(&written, &seen, terminal);
    Ok(exit)
}

fn exists(path: &Path) -> CliError {
    CliError::Usage(format!("{} exists and was not changed; name another file", path.display()))
}

/// The file to write, and the URLs to check.
fn targets(args: &InitArgs) -> Result<(PathBuf, Vec<String>), CliError> {
    let (urls, mut files): (Vec<&String>, Vec<&String>) = args.targets.iter().partition(|target| is_url(target));
    let file = files.pop();
    if let Some(other) = files.pop() {
        let file = file.map_or("", String::as_str);
        return Err(CliError::Usage(format!(
            "only one file is written: {other} or {file}; a URL has a scheme, a dot or a port"
        )));
    }
    if urls.len() > MOST_URLS {
        return Err(CliError::Usage(format!("{} URLs are given; at most {MOST_URLS} are allowed", urls.len())));
    }
    if let Some(file) =
        file.filter(|file| is_file(file) && Path::new(file).extension().is_none_or(|extension| extension != "toml"))
    {
        let message =
            format!("{file} is no probe file, which ends in .toml; `uptick import {file}` reads those of other tools");
        return Err(CliError::Usage(message));
    }
    if let Some(file) = file.filter(|file| Path::new(file).extension().is_none()) {
        let message =
            format!("{file:?} is neither a file nor a URL: a file ends in .toml, a URL has a scheme, a dot or a port");
        return Err(CliError::Usage(message));
    }
    let path = file.map_or_else(|| PathBuf::from(config::FILE_NAME), PathBuf::from);
    Ok((path, urls.into_iter().map(|url| config::assumed_url(url).unwrap_or_else(|| url.clone())).collect()))
}

/// Whether an argument is a URL: it has a scheme, or a dot or a colon, and does not look like a
/// file.
fn is_url(target: &str) -> bool {
    let is_file = is_file(target) || target.starts_with(['/', '.']);
    target.contains("://") || !is_file && target.contains(['.', ':'])
}

/// Checks every URL a few times, then checks each once more with the expectations derived from its
/// responses.
fn observe(urls: &[String], signals: &Signals) -> Result<Vec<Observation>, CliError> {
    let (bare, secrets) = import::of_urls(urls).map_err(CliError::usage)?;
    let env = |name: &str| secrets.get(name).cloned();
    let load = |text: &str| {
        let config = config::load_text(Path::new(config::FILE_NAME), text, &env);
        config.map_err(|error| CliError::Config(error.to_string()))
    };
    let asked = load(&bare.text.replace("\nurl = ", &format!("\n{NEVER_MET}url = ")))?;
    let outcomes = ask(asked, SAMPLES, signals)?;
    let mut seen: Vec<Observation> =
        urls.iter().zip(&outcomes).map(|(url, outcomes)| observation(url, outcomes)).collect();
    let expected = import::observed(&seen, Path::new("")).map_err(CliError::usage)?;
    let again = ask(load(&expected.text)?, 1, signals)?;
    for (seen, outcomes) in seen.iter_mut().zip(&again) {
        seen.is_unsteady = outcomes.iter().any(|outcome| outcome.verdict != Verdict::Up);
    }
    Ok(seen)
}

/// Checks every probe `times` times. Returns the outcomes by probe, in the order of the
/// configuration.
fn ask(config: Config, times: u64, signals: &Signals) -> Result<Vec<Vec<Arc<Outcome>>>, CliError> {
    let probes = config.probes;
    let limits = Limits::clamp(config.settings.concurrency, Descriptors::raise(), &probes)
        .map_err(|error| CliError::Runtime(error.to_string()))?;
    let engine =
        crate::engine::Engine::new(&config.settings.vantage, config.redactor, &probes).map_err(CliError::usage)?;
    let pipeline = CheckPipeline::new(engine, &probes);
    let runtime = runtime::for_probes(&probes, limits.concurrency)?;
    let mut outcomes: Vec<Vec<Arc<Outcome>>> = probes.iter().map(|_| Vec::new()).collect();
    signals.checks_start();
    runtime.block_on(async {
        let settings = runner::Settings {
            started: tokio::time::Instant::now(),
            concurrency: limits.concurrency,
            until: None,
            vantage: config.settings.vantage,
            now: Timestamp::now,
            has_room: || true,
        };
        let check = move |check| pipeline.clone().check(check);
        let on_event = |event| {
            if let Event::Outcome(outcome) = event
                && let Some(at) = probes.iter().position(|probe| probe.name == outcome.probe)
                && let Some(of_probe) = outcomes.get_mut(at)
            {
                of_probe.push(outcome);
            }
        };
        let plan = plan::passes(probes.len(), Some(times), Duration::ZERO);
        runner::run(&probes, plan, settings, check, signals.first(), on_event).await;
    });
    signals.checks_ended();
    runtime.shutdown_background();
    match signals.came() {
        Some(_) => Err(CliError::Runtime("interrupted: nothing was written".to_owned())),
        None => Ok(outcomes),
    }
}

/// Sums up the checks of one URL.
fn observation(url: &str, outcomes: &[Arc<Outcome>]) -> Observation {
    let mut seen = Observation { url: url.to_owned(), ..Observation::default() };
    // Every check fails; if there was a response, it fails by an expectation.
    let is_answered = |outcome: &&Arc<Outcome>| {
        let class = outcome.failure.as_ref().map(|failure| failure.class);
        matches!(class, Some(FailureClass::AssertionFailed | FailureClass::Status))
    };
    let answered: Vec<&Arc<Outcome>> = outcomes.iter().filter(is_answered).collect();
    let Some(last) = answered.last() else {
        let failure = outcomes.last().and_then(|outcome| outcome.failure.as_ref());
        seen.is_untrusted = failure.is_some_and(|failure| failure.class == FailureClass::TlsCertUntrusted);
        seen.failure =
            Some(failure.map_or_else(String::new, |failure| format!("{}: {}", failure.class.name(), failure.message)));
        return seen;
    };
    seen.status = last.status;
    seen.times = answered.iter().map(|outcome| outcome.timings.total).collect();
    let expiry = last.tls.as_ref().and_then(|tls| tls.certificate.as_ref()).map(|certificate| certificate.not_after);
    seen.certificate_days = expiry.map(|expiry| expiry.duration_since(last.started_at).as_secs().div_euclid(86_400));
    if let Some(evidence) = &last.evidence {
        let kind = evidence.headers.iter().find(|(name, _)| name == "content-type");
        seen.content_type = kind.map(|(_, kind)| kind.as_str().to_owned());
        seen.body = evidence.body.as_ref().map(|body| body.as_str().to_owned());
        seen.final_url = (!last.redirects.is_empty()).then(|| evidence.url.as_str().to_owned());
    }
    seen
}

/// Writes a new file and, unless `quiet`, what to do next. An error if the file exists.
fn write(path: &Path, text: &str, quiet: bool) -> Result<Exit, CliError> {
    let shown = path.display();
    let written = OutputFile::create(path, text);
    match written {
        Ok(()) if quiet => Ok(Exit::Up),
        Ok(()) => {
            // Commands find the nearest probes.toml themselves.
            let named = if path == Path::new("probes.toml") { String::new() } else { format!(" -c {shown}") };
            terminal::print(|out| {
                writeln!(out, "wrote {shown}; next: uptick validate{named}, then uptick check{named}")
            })
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(exists(path)),
        Err(error) => Err(CliError::Usage(format!("cannot write {shown}: {error}"))),
    }
}

/// Warns of URLs that did not answer, and lists the environment variables to set before the file is
/// used.
fn say(written: &Imported, seen: &[Observation], terminal: &Terminal) {
    let failed = seen.iter().filter(|seen| seen.failure.is_some()).count();
    if failed > 0 {
        let whose = if failed == 1 { "it" } else { "them" };
        let said = format!("{failed} of {} not up", format::counted(seen.len() as u64, "URL"));
        terminal.warn(&format!("{said}: nothing is expected of {whose} yet"));
    }
    if !written.variables.is_empty() {
        let message = format!("secrets are not in the file; set before you use it: {}", written.variables.join(", "));
        terminal.say(MessageLevel::Note, &message);
    }
}
