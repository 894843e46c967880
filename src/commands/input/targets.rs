//! The arguments that name what to probe: probe names, URLs, hosts, and lists of such words in a
//! file or on standard input.

use std::net::Ipv6Addr;
use std::path::Path;
use std::sync::Arc;

use crate::cli::{ProbeArgs, RequestArgs};
use crate::commands::process::exit::CliError;
use crate::config;
use crate::config::{AdHocTarget, Config};
use crate::model::{Probe, is_localhost, suggest};

/// The arguments, sorted into probe names and URLs.
#[derive(Debug, Default)]
pub(crate) struct Targets {
    pub(crate) urls: Vec<AdHocTarget>,
    pub(crate) names: Vec<String>,
    /// Notes on what was assumed of words without a scheme.
    pub(crate) assumed: Vec<String>,
}

/// One argument. `is_visible` is `false` if it was read from a file or standard input.
pub(crate) struct Word {
    text: String,
    is_visible: bool,
}

/// The arguments, with `@FILE` and `-` replaced by the words that they contain.
pub(crate) fn words(targets: &[String], common: &ProbeArgs, request: &RequestArgs) -> Result<Vec<Word>, CliError> {
    one_reader_of_stdin(targets, common, request)?;
    let mut words = Vec::new();
    for target in targets {
        let list = if target == "-" { Some("-") } else { target.strip_prefix('@') };
        let Some(path) = list else {
            words.push(Word { text: target.to_owned(), is_visible: true });
            continue;
        };
        if path.is_empty() {
            let message = "a file must follow @; - reads targets from standard input";
            return Err(CliError::usage(message));
        }
        let shown = if path == "-" { "standard input" } else { path };
        let text = config::read_text(Path::new(path))
            .map_err(|why| CliError::Usage(format!("the list of targets {shown} {why}")))?;
        // Each of several files in one stream may begin with a byte order mark.
        let bare = |line| str::trim(line).trim_start_matches('\u{feff}').trim_start();
        let lines = text.lines().map(bare).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let before = words.len();
        words.extend(lines.map(|line| Word { text: line.to_owned(), is_visible: false }));
        if words.len() == before {
            return Err(CliError::Usage(format!("the list of targets {shown} is empty; write one per line")));
        }
    }
    Ok(words)
}

/// Rejects a second use of standard input, which can be read only once.
fn one_reader_of_stdin(targets: &[String], common: &ProbeArgs, request: &RequestArgs) -> Result<(), CliError> {
    let stdin = |path: &str| matches!(path, "-" | "/dev/stdin");
    let mut readers: Vec<String> = Vec::new();
    readers.extend(common.config.iter().filter(|path| path.to_str().is_some_and(stdin)).map(|_| "--config".to_owned()));
    let lists = targets.iter().filter(|target| *target == "-" || target.strip_prefix('@').is_some_and(stdin));
    readers.extend(lists.map(|target| format!("the target {target}")));
    readers.extend(request.given.iter().filter(|given| given.reads_stdin()).map(|given| given.option.typed()));
    match readers.as_slice() {
        [] | [_] => Ok(()),
        [first, second, ..] => {
            Err(CliError::Usage(format!("{first} and {second} both read standard input, which can be read only once")))
        }
    }
}

/// Whether a word may be a probe name, so that the probe file is needed to decide.
pub(crate) fn may_be_name(word: &Word) -> bool {
    !word.text.contains("://")
}

/// Separates names from hosts. A configured probe name wins.
pub(crate) fn classify_targets(words: Vec<Word>, config: Option<&Config>) -> Result<Targets, CliError> {
    let probes = config.map(|config| config.probes.as_slice()).unwrap_or_default();
    let known: Vec<&str> = probes.iter().map(|probe| probe.name.as_str()).collect();
    let known = known.as_slice();
    let mut targets = Targets::default();
    for Word { text, is_visible } in words {
        if known.contains(&text.as_str()) {
            targets.names.push(text);
        } else if !text.contains("://") {
            if text.contains('@') {
                return Err(has_credentials());
            }
            let near = suggest::nearest(&text, known.iter().copied());
            if let Some(message) = no_target(&text).filter(|_| near.is_none()) {
                return Err(CliError::Usage(message));
            }
            if let Some(meant) = config::misspelt_url(&text) {
                let shown = crate::model::SafeText::clean(&text, 100);
                return Err(CliError::Usage(format!("{shown} is not a URL; did you mean {meant}?")));
            }
            let url = match config::assumed_url(&text) {
                Some(url) if !is_file(&text) => url,
                _ => return Err(unknown(&text, known, probes)),
            };
            let near = near.map(|near| format!("; did you mean the probe {near:?}?")).unwrap_or_default();
            targets.assumed.push(format!("{text} is taken as {url}{near}"));
            targets.urls.push(AdHocTarget { url, is_visible });
        } else if text.contains(char::is_whitespace) {
            // The rest may be a comment or a second URL, and would be a part of the path.
            let message = "a URL has a space in it; write one target per line, and a space in a URL as %20";
            return Err(CliError::usage(message));
        } else {
            targets.urls.push(AdHocTarget { url: text, is_visible });
        }
    }
    Ok(targets)
}

/// Whether a word was meant as a file: `https://probes.toml/` is never checked.
pub(crate) fn is_file(word: &str) -> bool {
    let known = ["toml", "txt", "yaml", "yml", "json", "har", "conf", "csv", "ini"];
    let extension = Path::new(word).extension().and_then(|extension| extension.to_str());
    // No host name ends like this, but the path of a URL may.
    extension.is_some_and(|extension| known.contains(&extension)) && (!word.contains('/') || Path::new(word).is_file())
}

/// What to write for a probe file in the place of a target.
fn probe_file(word: &str) -> Option<String> {
    let shown = crate::model::SafeText::clean(word, 100);
    let is_meant = Path::new(word).extension().is_some_and(|extension| extension == "toml");
    is_meant.then(|| format!("{shown} is a probe file; name it with -c {shown}"))
}

/// What is wrong with a word that can be neither a name nor a host, and what to write instead.
/// `None` if it can be one.
fn no_target(word: &str) -> Option<String> {
    let shown = crate::model::SafeText::clean(word, 100);
    if word.is_empty() {
        return Some("a target is empty; is the variable that it comes from not set?".to_owned());
    }
    if word.starts_with("//") {
        return Some(format!("{shown} has no scheme; write it as https:{shown}"));
    }
    if ["./", "../", "~/"].iter().any(|start| word.starts_with(start)) {
        let advice = format!("{shown} is a path and not a host; @{shown} reads targets from a file");
        return Some(probe_file(word).unwrap_or(advice));
    }
    if let Some(path) = word.strip_prefix("unix:") {
        let path = path.trim_start_matches("//");
        return Some(format!("{shown} is a socket and not a URL; write http://localhost/ --set address=unix:{path}"));
    }
    let authority = word.split(['/', '?', '#']).next().unwrap_or_default();
    if config::is_broken_ipv4(authority.split(':').next().unwrap_or_default()) {
        return Some(format!("{shown} is not an IPv4 address; write four numbers from 0 to 255: 192.0.2.7"));
    }
    let bare = authority.trim_start_matches('[').split(']').next().unwrap_or_default();
    if let Some((address, zone)) = bare.split_once('%')
        && address.parse::<Ipv6Addr>().is_ok()
    {
        let advice = format!("write [{address}] --set source-interface={zone}");
        return Some(format!("{shown} has a zone, which no URL has; {advice}"));
    }
    let (host, port) =
        authority.rsplit_once(':').filter(|_| authority.starts_with('[') || bare.parse::<Ipv6Addr>().is_err())?;
    let is_host = host.is_empty() || is_localhost(host) || host.contains(['.', ']']);
    let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
    (is_host && (host.ends_with(']') || !host.contains(':')) && !is_port)
        .then(|| format!("{shown} has a port that is not a number from 1 to 65535"))
}

/// The part before the `@` may be a password, so the message does not repeat the word.
fn has_credentials() -> CliError {
    let message = "a target with `@` and no scheme is not shown, since it may hold a password; write \
                   https://USER:PASSWORD@HOST/, or the host alone and -u USER:PASSWORD";
    CliError::usage(message)
}

/// `HTTPie` and xh take the method as a word.
fn is_method(word: &str) -> bool {
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"].contains(&word)
}

fn unknown(word: &str, known: &[&str], probes: &[Arc<Probe>]) -> CliError {
    if let Some(why) = no_target(word).filter(|_| word.is_empty()) {
        return CliError::usage(why);
    }
    let shown = crate::model::SafeText::clean(word, 100);
    let of_group = if probes.iter().any(|probe| probe.surface == word) {
        Some("--surface")
    } else {
        probes.iter().any(|probe| probe.tags.iter().any(|tag| tag == word)).then_some("--tag")
    };
    if let Some(option) = of_group {
        return CliError::Usage(format!("no probe is named {:?}; did you mean {option} {shown}?", shown.as_str()));
    }
    if let Some(advice) = probe_file(word) {
        return CliError::usage(advice);
    }
    if is_file(word) {
        return CliError::Usage(format!("{shown} is a file; @{shown} reads targets from it, one per line"));
    }
    if word.starts_with('/') {
        return CliError::Usage(format!("{shown} is a path without a host; write it as localhost{shown}"));
    }
    let near = suggest::nearest(word, known.iter().copied());
    let help = match near {
        Some(near) => format!("; did you mean {near:?}?"),
        None if is_method(word) => format!("; a method is written -X {word}"),
        None if word.contains('=') => {
            "; a body is written -d 'name=value' or --json '{\"name\": \"value\"}'".to_owned()
        }
        None if word.contains(':') => "; a header is written -H 'name: value', and a port is a number".to_owned(),
        None if known.is_empty() => "; a host has a dot or a port: example.com, localhost:8080".to_owned(),
        None if known.len() <= 12 => format!("; known: {}", known.join(", ")),
        None => format!("; `uptick validate` lists all {}", known.len()),
    };
    CliError::Usage(format!("no probe is named {:?}{help}", shown.as_str()))
}
