//! `uptick export --remote-write`: sends what a journal holds to a backend that has not seen it.

use std::time::Duration;

use jiff::Timestamp;

use crate::commands::export::windows;
use crate::commands::input::locations;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::terminal;
use crate::commands::process::terminal::{MessageLevel, Terminal};
use crate::commands::run::exporters;
use crate::export::remote_write;
use crate::export::remote_write::{Replay, Sent, Settings};
use crate::journal::Range;
use crate::model::NetworkRules;
use crate::{cli, config};

/// The longest a backend may take for all of it.
const PATIENCE: Duration = Duration::from_mins(5);

/// Reads, sends, asks back where that is wanted.
pub(crate) fn run(url: &str, args: &cli::ExportArgs, span: Range, terminal: &Terminal) -> Result<Exit, CliError> {
    let settings = exporters::remote_write_settings(url, Some(&args.histograms), network_rules(args, terminal)?)?;
    let query = args.query_url.as_deref().map(str::parse).transpose();
    let query = query.map_err(|_| CliError::Usage("error: --query-url must be a URL".to_owned()))?;
    let replay = replay(args, span, terminal)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::io("the runtime", &error))?;
    let sending = replay.send(&settings, Timestamp::now(), PATIENCE);
    let sent = runtime.block_on(sending).map_err(|error| exporters::usage(&error))?;
    let mut trouble = sent.stats.warning("remote write");
    say(trouble.as_deref(), terminal);
    if args.verify && trouble.is_none() {
        let verifying = verify(&settings, query, &sent);
        trouble = runtime.block_on(verifying).map_err(|error| exporters::usage(&error))?;
        say(trouble.as_deref(), terminal);
    }
    if trouble.is_none() && !terminal.quiet {
        let (requests, probes) = (sent.stats.sent, sent.last.len());
        let back = if args.verify { ", and found there" } else { "" };
        terminal::print(|out| writeln!(out, "sent: probes {probes}, requests {requests}{back}"))?;
    }
    Ok(if trouble.is_some() { Exit::Unknown } else { Exit::Up })
}

/// What the nearest probe file says of the network, where there is one.
fn network_rules(args: &cli::ExportArgs, terminal: &Terminal) -> Result<NetworkRules, CliError> {
    let here = std::env::current_dir().ok();
    let nearest = here.as_deref().and_then(config::find);
    let Some(path) = args.config.clone().or(nearest) else { return Ok(NetworkRules::default()) };
    let rules = config::network_rules(&path, &locations::env);
    rules.map_err(|error| CliError::Usage(error.render(terminal.talk_colour)))
}

fn say(trouble: Option<&str>, terminal: &Terminal) {
    if let Some(trouble) = trouble {
        terminal.say(MessageLevel::Error, trouble);
    }
}

/// Everything up to the end of the span: what came before it is part of every sum.
fn replay(args: &cli::ExportArgs, span: Range, terminal: &Terminal) -> Result<Replay, CliError> {
    let mut replay = Replay::new(span.from, span.to);
    windows::read(args, Range { from: Timestamp::MIN, to: span.to }, terminal, |window| {
        replay.add(&window);
        true
    })?;
    Ok(replay)
}

/// What is wrong with what the backend has, asked of the probe with the most samples.
async fn verify(
    settings: &Settings,
    query: Option<url::Url>,
    sent: &Sent,
) -> Result<Option<String>, crate::export::ExportError> {
    let Some(last) = sent.last.iter().max_by_key(|last| last.sum.latency.total.count()) else {
        return Ok(Some(
            "nothing was sent: no data recorded in this range; widen it with --since or --from".to_owned(),
        ));
    };
    let stored = remote_write::verify(settings, query, last).await?;
    Ok((!stored.is_whole()).then(|| stored.sentence(settings.histograms)))
}
