//! `uptick validate`: reads the configuration and prints what would be probed, without sending
//! anything.

use std::io;
use std::io::Write;
use std::sync::Arc;

use crate::cli::ValidateArgs;
use crate::commands::input::selection;
use crate::commands::input::selection::ValuesUsed;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::terminal;
use crate::commands::process::terminal::Terminal;
use crate::config::{Config, ValueUser};
use crate::engine::Engine;
use crate::model::Probe;
use crate::model::quantity::show_duration;
use crate::render::text;
use crate::report::judgement;
use crate::{config, format};

/// Loads everything that a run would load, then lists the probes, or explains one.
pub(super) fn run(args: &ValidateArgs, terminal: &Terminal) -> Result<Exit, CliError> {
    let common = &args.common;
    let used = if args.strict { ValuesUsed::ChecksAndAlerts } else { ValuesUsed::Nothing };
    let (config, probes) = selection::load_selection(&args.targets, common, &args.request, used, terminal)?;
    // Certificates and keys are read here, so that `validate` finds a missing file too.
    let engine =
        Engine::new(&config.settings.vantage, config.redactor.clone(), &config.probes).map_err(CliError::usage)?;
    engine.warning().into_iter().for_each(|warning| terminal.warn(warning));
    if let Some(name) = &args.explain {
        let names = [name.clone()];
        let selected = selection::select(&config, &names, common)?;
        let probe = selected.iter().find(|probe| probe.name == *name);
        // The values that the probe uses must exist.
        if let Some(error) = config.lacks(|user| *user == ValueUser::Probe(name.clone())) {
            return Err(CliError::Config(error.render(terminal.talk_colour)));
        }
        let explained = probe.map(|probe| config::explain(&config, probe)).unwrap_or_default();
        return terminal::print(|out| out.write_all(explained.as_bytes()));
    }
    if terminal.quiet {
        return Ok(Exit::Up);
    }
    terminal::print(|out| {
        let path = config.path.as_deref().map(|path| format!("{}: ", path.display())).unwrap_or_default();
        writeln!(out, "{path}{}", summary(&config, &probes))?;
        if let Some(sentence) = false_alarms(&config, &probes) {
            writeln!(out, "{sentence}")?;
        }
        list(&probes, out)?;
        missing(&config, out)
    })
}

fn summary(config: &Config, probes: &[Arc<Probe>]) -> String {
    let controls = probes.iter().filter(|probe| probe.control).count() as u64;
    let rate: f64 = probes.iter().map(|probe| 60.0 / probe.schedule.shortest().as_secs_f64()).sum();
    let shard = match config.settings.shard {
        Some(shard) => {
            let all = config.probes.iter().filter(|probe| !probe.control).count() as u64;
            format!(" of {} in shard {shard}", format::count(all))
        }
        None => String::new(),
    };
    format!(
        "{}{shard}, {} from vantage {}; about {}, {} at once at most",
        format::counted(probes.len() as u64 - controls, "probe"),
        format::counted(controls, "control"),
        config.settings.vantage,
        rate_in_words(rate),
        config.settings.concurrency,
    )
}

/// A rate of checks, in the shortest of the units in which there is at least one.
fn rate_in_words(per_minute: f64) -> String {
    let units = [("a minute", 1.0), ("an hour", 60.0), ("a day", 24.0 * 60.0), ("a year", 365.0 * 24.0 * 60.0)];
    let rates = units.map(|(unit, minutes)| (unit, (per_minute * minutes).round()));
    let (unit, rate) = rates.into_iter().find(|(_, rate)| *rate >= 1.0).unwrap_or(rates[0]);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rounded rate is small and positive")]
    let rate = rate as u64;
    format!("{} {unit}", format::counted(rate, "check"))
}

/// The missing values, each with where it is used.
fn missing(config: &Config, out: &mut dyn Write) -> io::Result<()> {
    let Some(error) = config.lacks(|_| true) else { return Ok(()) };
    writeln!(out, "missing, and needed by what uses it (an error with --strict):")?;
    for problem in error.problems() {
        let path = problem.file.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
        let place = format!("{path}:{}:{} {}", problem.line, problem.column, problem.message);
        writeln!(out, "  {}", text::visible(&place))?;
    }
    Ok(())
}

/// How often chance alone opens an incident, if `open-after` was set by hand: such a rule ignores
/// the usual share of failures. `None` if it was not set.
fn false_alarms(config: &Config, probes: &[Arc<Probe>]) -> Option<String> {
    /// Shares of failures that are usual for many targets.
    const USUAL: [(f64, &str); 3] = [(0.001, "where 0.1 % of checks fail"), (0.01, "at 1 %"), (0.02, "at 2 %")];
    if !config.incident.open_is_set {
        return None;
    }
    let targets = probes.iter().filter(|probe| !probe.control);
    let a_day: f64 = targets.map(|probe| DAY_S / probe.schedule.shortest().as_secs_f64()).sum();
    let every = |share: f64| span(1.0 / (a_day * judgement::false_alarm(&config.incident, share)));
    let often: Vec<String> = USUAL.map(|(share, name)| format!("every {} {name}", every(share))).into();
    let (after, failures, of) = (config.incident.open_after, config.incident.open_failures, config.incident.open_of);
    Some(format!(
        "open-after and open-ratio hold as set ({after} in a row, {failures} of {of}): chance opens a false incident {}; \
         unset, more failures are needed where some are usual",
        often.join(", ")
    ))
}

/// Seconds per day.
const DAY_S: f64 = 86_400.0;

/// A duration, given in days, in rounded words: `12 minutes`, `3 hours`, `20 days`, `4 years`.
fn span(days: f64) -> String {
    const YEAR: f64 = 365.25;
    let units = [(YEAR, "year"), (1.0, "day"), (1.0 / 24.0, "hour"), (1.0 / 1_440.0, "minute")];
    let fits = |(unit, _): &&(f64, &str)| days >= *unit * 1.5;
    let (unit, name) = units.iter().find(fits).copied().unwrap_or((1.0 / 1_440.0, "minute"));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and `as` saturates")]
    let n = (days / unit).round().max(1.0) as u64;
    if n > 1_000 && name == "year" { "1,000 years or more".to_owned() } else { format::counted(n, name) }
}

/// Prints one line per probe, in columns as wide as their content.
fn list(probes: &[Arc<Probe>], out: &mut dyn Write) -> io::Result<()> {
    let rows: Vec<[String; 5]> = probes.iter().map(|probe| row(probe)).collect();
    let width = |column: usize| rows.iter().map(|row| text::width(&row[column])).max().unwrap_or_default();
    let widths = [width(0), width(1), width(2), width(3)];
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| text::left(cell, width)).collect();
        writeln!(out, "  {}  {}", cells.join("  "), row[4])?;
    }
    Ok(())
}

fn row(probe: &Probe) -> [String; 5] {
    let surface = if probe.control { "control" } else { &probe.surface };
    let method = probe.steps.first().map_or("", |step| step.request.method.as_str());
    [
        text::visible(surface),
        text::visible(&probe.name),
        format!("every {}", show_duration(probe.schedule.shortest())),
        format!("timeout {}", show_duration(probe.timeout)),
        if probe.shown_url().is_empty() { "-".to_owned() } else { format!("{method} {}", probe.shown_url()) },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_said_in_the_largest_unit_that_fits() {
        for (days, said) in [
            (1.0 / 1_440.0, "1 minute"),
            (0.05, "72 minutes"),
            (0.1, "2 hours"),
            (1.4, "34 hours"),
            (20.0, "20 days"),
            (1_000.0, "3 years"),
            (1e9, "1,000 years or more"),
        ] {
            assert_eq!(span(days), said);
        }
    }
}
