//! `uptick report`: answers from one or more journals.

mod site;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use url::Url;

use crate::check_report::condition::{Condition, Counted, ProbeChecks};
use crate::commands::input::journal_query::Filter;
use crate::commands::input::{journal_query, locations, selection};
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::outputs::Outputs;
use crate::commands::process::terminal;
use crate::commands::process::terminal::Terminal;
use crate::config::Config;
use crate::model::{Counts, HttpVersionPreference, IpFamily, Probe, Request, SafeText, ip_version};
use crate::render::{ReportAnswer, ReportFormat, TerminalStyle};
use crate::report::{ConditionMet, Figures, ProbeRow, Question, Report, Slo, State};
use crate::window::LatencyDetail;
use crate::{cli, format, object_storage};

use site::SiteOutputs;

/// The default span of a report.
const SINCE: Duration = Duration::from_hours(24);

/// Reads the journals, computes the report and writes it.
pub(super) fn run(args: &cli::ReportArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let default = if args.brief { ReportFormat::Brief } else { ReportFormat::Human };
    let config = config(args, terminal)?;
    let journals = journals(args, config.as_ref())?;
    let question = question(args, config.as_ref(), Timestamp::now())?;
    let filter = Filter::new(&args.surfaces, &args.tags, config.as_ref())?;
    // The folder of a site is made here: by now the options are right.
    let sites = SiteOutputs::open(args)?;
    let outputs = if sites.is_all() { Outputs::none() } else { Outputs::open(&sites.others, sites.output, default)? };
    let mut report = journal_query::ask(question, &journals, &filter)?;
    report.availability_judged = !args.fail_on.iter().any(Condition::is_of_availability);
    report.conditions_met = conditions_met(&args.fail_on, &report);
    let stdout = outputs.stdout;
    sites.write(&report, args, config.as_ref())?;
    outputs.write_files(|format, out| {
        format.write(&ReportAnswer { report: &report, style: TerminalStyle::default() }, out)
    })?;
    let exit = exit(&report);
    let look = terminal.answer;
    let is_up = !is_failing(report.verdict.state);
    if terminal.quiet && is_up && exit == Exit::Down && stdout == Some(ReportFormat::Human) {
        // All is up, but the report fails by a condition: print one line that says why.
        terminal::print(|out| ReportFormat::Brief.write(&ReportAnswer { report: &report, style: look }, out))?;
    } else if let Some(format) = stdout.filter(|_| !(terminal.quiet && exit == Exit::Up)) {
        terminal::print(|out| format.write(&ReportAnswer { report: &report, style: look }, out))?;
    }
    Ok(exit)
}

/// The configuration; `None` if there is none, which is fine if journals are named. The report then
/// has no labels and objectives, and uses the default incident rules.
fn config(args: &cli::ReportArgs, terminal: &Terminal) -> Result<Option<Config>, CliError> {
    let here = std::env::current_dir().ok();
    let nearest = here.as_deref().and_then(crate::config::find);
    match args.config.clone().or(nearest) {
        Some(path) => selection::load(Some(&path), None, terminal).map(Some),
        None => Ok(None),
    }
}

/// The journals asked for, each of which must exist: a typo must not lead to an empty answer.
fn journals(args: &cli::ReportArgs, config: Option<&Config>) -> Result<Vec<PathBuf>, CliError> {
    if let Some(missing) = args.journals.iter().find(|journal| !object_storage::is_url(journal) && !journal.exists()) {
        return Err(CliError::Usage(format!("no journal at {}", missing.display())));
    }
    if !args.journals.is_empty() {
        return Ok(args.journals.clone());
    }
    let usual = locations::journal_location(None, config.and_then(|config| config.path.as_deref()));
    if !usual.exists() {
        return Err(CliError::Usage(format!(
            "no journal at {}; record one with `uptick watch` or `uptick check --record`, or name another",
            usual.display()
        )));
    }
    Ok(vec![usual])
}

/// The time zone of `--tz` or `--utc`, in which instants are read and written; `None` without
/// either.
fn asked_zone(args: &cli::ReportArgs) -> Option<TimeZone> {
    args.tz.clone().or_else(|| args.utc.then_some(TimeZone::UTC))
}

/// The time zone of instants in texts: this machine's if every output is text for people, and UTC
/// if a document is written that may be read elsewhere. All formats of a run use the same zone.
fn zone_of_texts(args: &cli::ReportArgs) -> Option<TimeZone> {
    let is_text = |format: ReportFormat| matches!(format, ReportFormat::Human | ReportFormat::Brief);
    let is_all_text = args.formats.iter().all(|output| is_text(output.format));
    asked_zone(args).or_else(|| is_all_text.then(format::named_zone))
}

/// What of the latency some output shows.
fn latency_detail(args: &cli::ReportArgs) -> LatencyDetail {
    let shows_phases = args.formats.iter().any(|output| output.format.latency_detail() == LatencyDetail::Phases);
    if shows_phases { LatencyDetail::Phases } else { LatencyDetail::Total }
}

fn question(args: &cli::ReportArgs, config: Option<&Config>, now: Timestamp) -> Result<Question, CliError> {
    let zone = asked_zone(args).unwrap_or_else(format::named_zone);
    let instant = |written: Option<cli::WrittenInstant>| written.map(|written| written.in_zone(&zone, now));
    let to = instant(args.to).unwrap_or(now);
    let since = args.since.unwrap_or(SINCE);
    let from = instant(args.from).or_else(|| to.checked_sub(since).ok()).unwrap_or(Timestamp::MIN);
    locations::check_span(from, to, args.to.is_some())?;
    Ok(Question {
        from: Some(from),
        to: Some(to),
        bucket: None,
        lead_in: None,
        zone: zone_of_texts(args),
        latency: latency_detail(args),
        rules: config.map(|config| config.incident).unwrap_or_default(),
        surfaces: config.map(|config| config.surfaces.clone()).unwrap_or_default(),
        families: config.into_iter().flat_map(|config| &config.probes).filter_map(family).collect(),
        http3: config.map(|config| http3(&config.probes)).unwrap_or_default(),
    })
}

/// For hosts that are checked over HTTP/3 and over TCP: the names of their probes, and whether each
/// uses HTTP/3.
fn http3(probes: &[Arc<Probe>]) -> BTreeMap<String, bool> {
    let mut by_host: BTreeMap<String, Vec<(String, bool)>> = BTreeMap::new();
    for probe in probes {
        let host = probe.steps.first().and_then(|step| https_host(&step.request));
        let is_http3 = probe.transport.http_version == HttpVersionPreference::Http3;
        by_host.entry(host.unwrap_or_default()).or_default().push((probe.name.clone(), is_http3));
    }
    by_host.remove("");
    let has_both =
        |probes: &Vec<(String, bool)>| [true, false].iter().all(|way| probes.iter().any(|(_, one)| one == way));
    by_host.into_values().filter(has_both).flatten().collect()
}

/// The host and port of an https URL; `None` for another scheme.
fn https_host(request: &Request) -> Option<String> {
    let url = Url::parse(&request.url.to_string()).ok().filter(|url| url.scheme() == "https")?;
    Some(format!("{}:{}", url.host_str()?, url.port_or_known_default()?))
}

/// The name and the IP version (4 or 6) of a probe that is limited to one address family; `None` if
/// it is not limited.
fn family(probe: &Arc<Probe>) -> Option<(String, u8)> {
    let family = match (probe.transport.address, probe.transport.ip) {
        (Some(address), _) => ip_version(address.ip()),
        (None, IpFamily::V4) => 4,
        (None, IpFamily::V6) => 6,
        (None, IpFamily::Any) => return None,
    };
    Some((probe.name.clone(), family))
}

/// The conditions that are met; `None` if none were given.
fn conditions_met(conditions: &[Condition], report: &Report) -> Option<Vec<ConditionMet>> {
    let met = |condition: &Condition, of: &SafeText, found: String| ConditionMet {
        condition: condition.to_string(),
        of: of.clone(),
        found: SafeText::message(&found),
    };
    let of_condition = |condition: &Condition| -> Vec<ConditionMet> {
        match condition {
            Condition::Slo => {
                let burnt =
                    report.surfaces.iter().filter_map(|row| Some((row, row.slo.as_ref().filter(|slo| slo.burnt)?)));
                burnt.map(|(row, slo)| met(condition, row.label(), burnt_by(slo))).collect()
            }
            Condition::Never => Vec::new(),
            Condition::Count { what: Counted::Down, most: 0 } => {
                let failing = report.surfaces.iter().filter(|row| !row.control && is_failing(row.state));
                failing.map(|row| met(condition, row.label(), format!("it is {}", row.state))).collect()
            }
            _ => {
                let probes = report.probes.iter().filter(|row| !row.control);
                probes.filter_map(|row| Some(met(condition, &row.probe, found(condition, row)?))).collect()
            }
        }
    };
    (!conditions.is_empty()).then(|| conditions.iter().flat_map(of_condition).collect())
}

/// What was found about the error budgets of a surface.
fn burnt_by(slo: &Slo) -> String {
    let availability = slo.availability.as_ref();
    let burning = availability.and_then(|slo| slo.burn.iter().find(|burn| burn.firing));
    let latency = slo.latency.as_ref().filter(|slo| slo.missed);
    match (burning, availability, latency) {
        (Some(burn), ..) => {
            let over = format::duration(Duration::from_secs(burn.long_s));
            format!("its error budget burns {:.0} times too fast over {over}", burn.long_burn.unwrap_or_default())
        }
        (None, _, Some(_)) => "its answers are slower than promised".to_owned(),
        (None, slo, None) => {
            let used = slo.map(|slo| format::budget(slo.budget_used)).unwrap_or_default();
            format!("error budget used: {used}")
        }
    }
}

/// The exit status. The verdict decides, as for `check`, unless a condition is about availability
/// itself; a condition that is met is a failure too.
fn exit(report: &Report) -> Exit {
    let state = report.verdict.state;
    let is_met = report.conditions_met.iter().flatten().next().is_some();
    let fails = report.availability_judged && is_failing(state) || is_met;
    match state {
        _ if fails => Exit::Down,
        State::Unknown => Exit::Unknown,
        _ => Exit::Up,
    }
}

const fn is_failing(state: State) -> bool {
    matches!(state, State::Down | State::Degraded | State::Flapping)
}

/// What was found about one probe, if it meets the condition; `None` if it does not.
fn found(condition: &Condition, row: &ProbeRow) -> Option<String> {
    let Figures { up, down, unknown, missed, flaky, .. } = row.figures;
    condition.found(ProbeChecks { counts: Counts { up, down, unknown, missed }, flaky, latency: &row.latency })
}
