//! `uptick export --remote-write`: sends the content of a journal to a backend that does not have
//! it yet.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::commands::export::windows;
use crate::commands::input::locations;
use crate::commands::process::exit::{CliError, Exit};
use crate::commands::process::terminal;
use crate::commands::process::terminal::{MessageLevel, Terminal};
use crate::commands::run::{exporters, kept_sums};
use crate::export::remote_write;
use crate::export::remote_write::{Last, Replay, Settings};
use crate::export::sums_kept;
use crate::journal::Range;
use crate::model::NetworkRules;
use crate::{cli, config};

/// Timeout of the whole transfer.
const SEND_TIMEOUT: Duration = Duration::from_mins(5);

/// Reads and sends, then verifies with `--verify`; with `--verify-only` it verifies without
/// sending.
pub(crate) fn run(url: &str, args: &cli::ExportArgs, span: Range, terminal: &Terminal) -> Result<Exit, CliError> {
    let settings = exporters::remote_write_settings(url, Some(&args.histograms), network_rules(args, terminal)?)?;
    let query = args.query_url.as_deref().map(str::parse).transpose();
    let query = query.map_err(|_| CliError::Usage("--query-url must be a URL".to_owned()))?;
    let replay = replay(args, span, terminal)?;
    let last = replay.last();
    if args.to.is_none() {
        compare_with_runs(&last, args, terminal);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| CliError::io("the runtime", &error))?;
    let (mut trouble, mut requests) = (None, 0);
    if !args.verify_only {
        let sent = runtime.block_on(replay.send(&settings, SEND_TIMEOUT)).map_err(|error| exporters::usage(&error))?;
        (trouble, requests) = (sent.warning("remote write").map(explained), sent.sent);
        say(trouble.as_deref(), terminal);
    }
    if (args.verify || args.verify_only) && trouble.is_none() {
        let verifying = verify(&settings, query, &last);
        trouble = runtime.block_on(verifying).map_err(|error| exporters::usage(&error))?;
        say(trouble.as_deref(), terminal);
    }
    if trouble.is_none() && !terminal.quiet {
        let probes = last.len();
        terminal::print(|out| match (args.verify_only, args.verify) {
            (true, _) => writeln!(out, "found there: probes {probes}; nothing was sent"),
            (false, true) => writeln!(out, "sent: probes {probes}, requests {requests}, and found there"),
            (false, false) => writeln!(out, "sent: probes {probes}, requests {requests}"),
        })?;
    }
    Ok(if trouble.is_some() { Exit::Unknown } else { Exit::Up })
}

/// Adds advice to an error about the order of samples: Prometheus accepts samples older than those
/// it has only if configured to.
fn explained(trouble: String) -> String {
    let is_order = ["out of order", "out of bounds", "too old"].iter().any(|words| trouble.contains(words));
    if !is_order {
        return trouble;
    }
    format!(
        "{trouble}; the backend has later samples of these series and takes none before them: set \
         storage.tsdb.out_of_order_time_window there, or ask for what runs have sent with --verify-only"
    )
}

/// Warns if runs have sent different sums than this journal holds: the two would not form one
/// continuous counter.
fn compare_with_runs(last: &[Last], args: &cli::ExportArgs, terminal: &Terminal) {
    let Ok(journals) = windows::journals(args) else { return };
    let config = windows::config_path(args).ok().flatten();
    let mut files = BTreeMap::new();
    let differs = |last: &Last| {
        let sent = files.entry(last.shard).or_insert_with(|| {
            let file = kept_sums::file_name(exporters::STATE_FILE, last.shard);
            let kept = |journal: &PathBuf| sums_kept(&locations::local_folder(journal, config.as_deref()).join(&file));
            journals.iter().find_map(kept)
        });
        let (sent, recorded) = (sent.as_ref()?.sum_of(&last.sum)?.counts.scheduled(), last.sum.counts.scheduled());
        (sent != recorded).then_some((Arc::clone(&last.sum.probe), sent, recorded))
    };
    if let Some((probe, sent, recorded)) = last.iter().find_map(differs) {
        terminal.warn(&format!(
            "runs have sent {sent} checks of probe {probe:?}, and the journal has {recorded}: a backend that has what \
             they sent would see its counters fall; record every run that sends"
        ));
    }
}

/// The `[network]` settings of the nearest probe file; the defaults if there is no file.
fn network_rules(args: &cli::ExportArgs, terminal: &Terminal) -> Result<NetworkRules, CliError> {
    let Some(path) = windows::config_path(args).ok().flatten() else { return Ok(NetworkRules::default()) };
    let rules = config::network_rules(&path, &locations::env);
    rules.map_err(|error| CliError::Config(error.render(terminal.talk_colour)))
}

fn say(trouble: Option<&str>, terminal: &Terminal) {
    if let Some(trouble) = trouble {
        terminal.say(MessageLevel::Error, trouble);
    }
}

/// Everything up to the end of the span: counters include what happened before its start.
fn replay(args: &cli::ExportArgs, span: Range, terminal: &Terminal) -> Result<Replay, CliError> {
    let mut replay = Replay::new(span.from, span.to);
    windows::read(args, Range { from: Timestamp::MIN, to: span.to }, terminal, |window, shard| {
        replay.add(&window, shard);
        true
    })?;
    Ok(replay)
}

/// Compares the backend with the journal, for the probe with the most samples. `None` if they
/// agree.
async fn verify(
    settings: &Settings,
    query: Option<url::Url>,
    last: &[Last],
) -> Result<Option<String>, crate::export::ExportError> {
    let Some(last) = last.iter().max_by_key(|last| last.sum.latency.total.count()) else {
        return Ok(Some(
            "nothing to ask for: no data recorded in this range; widen it with --since or --from".to_owned(),
        ));
    };
    let stored = remote_write::verify(settings, query, last).await?;
    Ok((!stored.is_whole()).then(|| stored.sentence(settings.histograms)))
}
