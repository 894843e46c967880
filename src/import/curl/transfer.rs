//! Splits the arguments of a curl command into transfers: which options apply to which URLs.

use crate::import::curl_options::{self, CurlOption};
use crate::import::shell::ShellCommand;

/// The arguments up to `--next`: the options apply to all of its URLs.
#[derive(Clone, Debug, Default)]
pub(super) struct Transfer {
    pub(super) urls: Vec<String>,
    /// Options in the order given, with their values.
    pub(super) options: Vec<(&'static str, String)>,
    /// Unknown flags.
    pub(super) unknown: Vec<String>,
    pub(super) stdin: Option<String>,
    /// The variables with a proxy that its script sets.
    pub(super) environment: Vec<(&'static str, String)>,
    /// Whether an option is expanded (`--expand-…`) from variables that `--variable` sets.
    pub(super) has_variables: bool,
}

/// Splits a command line into its transfers.
pub(super) fn transfers(command: &ShellCommand) -> Result<Vec<Transfer>, String> {
    let mut transfers = Vec::new();
    let fresh =
        || Transfer { stdin: command.stdin.clone(), environment: command.environment.clone(), ..Transfer::default() };
    let mut transfer = fresh();
    let mut words = command.words.iter().skip(1);
    let mut only_urls = false;
    while let Some(word) = words.next() {
        if word.starts_with(['–', '—', '“', '”', '‘', '’']) {
            return Err(format!("`{word}` begins with a dash or a quote of typography: write a plain one"));
        }
        let is_option = !only_urls && word.len() > 1 && word.starts_with('-');
        if !is_option {
            if !word.is_empty() {
                transfer.urls.push(word.clone());
            }
        } else if word == "--" {
            only_urls = true;
        } else if word == "--next" || word == "-:" {
            transfers.push(std::mem::replace(&mut transfer, fresh()));
        } else if let Some(name) = word.strip_prefix("--") {
            let expanded = name.strip_prefix("expand-");
            transfer.has_variables |= expanded.is_some();
            match curl_options::long(expanded.unwrap_or(name)) {
                Some(option) if option.takes_value => {
                    let value = words.next().ok_or_else(|| format!("curl's `--{name}` has no value"))?;
                    transfer.option(option, value);
                }
                Some(option) => transfer.option(option, ""),
                None if !transfer.take_back(name) => transfer.unknown.push(word.clone()),
                None => {}
            }
        } else {
            let mut letters = word.chars().skip(1);
            while let Some(letter) = letters.next() {
                match curl_options::short(letter) {
                    Some(option) if option.takes_value => {
                        let rest: String = letters.by_ref().collect();
                        let value = if rest.is_empty() { words.next().cloned() } else { Some(rest) };
                        let value = value.ok_or_else(|| format!("curl's `-{letter}` has no value"))?;
                        transfer.option(option, &value);
                    }
                    Some(option) => transfer.option(option, ""),
                    None => transfer.unknown.push(format!("-{letter}")),
                }
            }
        }
    }
    transfers.push(transfer);
    Ok(transfers)
}

impl Transfer {
    fn option(&mut self, option: CurlOption, value: &str) {
        if option.long == "url" {
            self.urls.push(value.to_owned());
        } else {
            self.options.push((option.long, value.to_owned()));
        }
    }

    /// `--no-NAME` removes a flag. Returns whether there is such a flag.
    fn take_back(&mut self, name: &str) -> bool {
        let Some(flag) = name.strip_prefix("no-").and_then(curl_options::long).filter(|flag| !flag.takes_value) else {
            return false;
        };
        self.options.retain(|(name, _)| *name != flag.long);
        true
    }

    /// Whether an option is given.
    pub(super) fn has(&self, long: &str) -> bool {
        self.options.iter().any(|(name, _)| *name == long)
    }

    /// The last value of an option, which is the one that counts.
    pub(super) fn last(&self, long: &str) -> Option<&str> {
        self.options.iter().rev().find(|(name, _)| *name == long).map(|(_, value)| value.as_str())
    }

    /// The values of these options, in the order given.
    pub(super) fn all<'t>(&'t self, longs: &'t [&str]) -> impl Iterator<Item = (&'static str, &'t str)> {
        self.options.iter().filter(|(name, _)| longs.contains(name)).map(|(name, value)| (*name, value.as_str()))
    }
}
