//! Suggestions for a command or an option that does not exist.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Error};

use crate::cli::command::Cli;
use crate::cli::other_words::{NO_COMMANDS, OTHER_COMMANDS, OTHER_OPTIONS};
use crate::model::suggest;

/// The error with the most likely suggestion, instead of all similar words.
pub(super) fn with_suggestion(error: Error, words: &[String]) -> Error {
    match error.kind() {
        ErrorKind::InvalidSubcommand => with_command(error),
        ErrorKind::UnknownArgument => with_option(error, words),
        _ => error,
    }
}

/// Adds what to write instead of another program's option, or the most similar option.
fn with_option(mut error: Error, words: &[String]) -> Error {
    let Some(ContextValue::String(option)) = error.get(ContextKind::InvalidArg).cloned() else { return error };
    let known = Cli::command();
    let at = words.iter().position(|word| known.find_subcommand(word).is_some()).unwrap_or(words.len());
    let command = words.get(at).and_then(|word| known.find_subcommand(word));
    let name = command.map(clap::Command::get_name);
    // The word may contain more than the option: `-sS`, `--retry=3`.
    let is_before = option.starts_with('-') && words[..at].iter().any(|word| word.starts_with(&option));
    let is_for = |commands: &[&str]| commands.is_empty() || name.is_some_and(|name| commands.contains(&name));
    let other = OTHER_OPTIONS.iter().find(|(options, commands, _)| options.contains(&&*option) && is_for(commands));
    let tip = match (other, command) {
        _ if let Some((before, word)) = negative(words, &option) => {
            Some(format!("`{before}` takes no negative value: write {before} {}", word.trim_start_matches('-')))
        }
        _ if is_before => Some("options come after the command: uptick check -c FILE".to_owned()),
        (Some((_, _, instead)), Some(_)) => Some((*instead).to_owned()),
        _ => None,
    };
    // Somebody who meant an option has no use for advice on how to pass it as a value.
    error.remove(ContextKind::Suggested);
    error.remove(ContextKind::Usage);
    if let Some(tip) = tip {
        error.remove(ContextKind::SuggestedArg);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
        return error;
    }
    let spellings = |argument: &'_ clap::Arg| -> Vec<String> {
        let aliases = argument.get_all_aliases().unwrap_or_default();
        argument.get_long().into_iter().chain(aliases).map(str::to_owned).collect()
    };
    let options: Vec<String> = command.into_iter().flat_map(clap::Command::get_arguments).flat_map(spellings).collect();
    let options = options.iter().map(String::as_str);
    let near = option.strip_prefix("--").and_then(|option| suggest::nearest(option, options));
    error.remove(ContextKind::SuggestedArg);
    if let Some(near) = near {
        error.insert(ContextKind::SuggestedArg, ContextValue::String(format!("--{near}")));
    }
    error
}

/// The option before a negative number that was taken for an option, and the number.
fn negative<'w>(words: &'w [String], option: &str) -> Option<(&'w str, &'w str)> {
    let is_number = |word: &str| word.starts_with('-') && word[1..].starts_with(|c: char| c.is_ascii_digit());
    let pair = words.windows(2).find(|pair| pair[0].starts_with("--") && pair[1].starts_with(option));
    pair.filter(|pair| is_number(&pair[1])).map(|pair| (pair[0].as_str(), pair[1].as_str()))
}

/// Adds the one command that was probably meant, instead of all similar ones.
fn with_command(mut error: Error) -> Error {
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand).cloned() else { return error };
    if let Some((_, instead)) = NO_COMMANDS.iter().find(|(words, _)| words.contains(&&*word)) {
        error.remove(ContextKind::SuggestedSubcommand);
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![(*instead).to_owned().into()]));
        return error;
    }
    let command = Cli::command();
    let known = command.get_subcommands().map(clap::Command::get_name);
    let other = OTHER_COMMANDS.iter().find(|(theirs, _)| theirs.contains(&&*word)).map(|(_, ours)| *ours);
    let meant = other.or_else(|| suggest::nearest(&word, known)).map(str::to_owned).or_else(|| {
        // Somebody who gives a URL without a command probably wants to check it.
        word.contains(['.', ':', '/']).then(|| format!("check {word}"))
    });
    error.remove(ContextKind::SuggestedSubcommand);
    if let Some(meant) = meant {
        error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(vec![meant]));
    }
    error
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn said(word: &str) -> String {
        said_of(&[word])
    }

    fn said_of(words: &[&str]) -> String {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let error = Cli::try_parse_from(std::iter::once("uptick".to_owned()).chain(words.clone())).unwrap_err();
        with_suggestion(error, &words).to_string()
    }

    #[test]
    fn an_option_of_another_program_is_told_with_ours() {
        for (words, ours) in [
            (&["check", "x.test", "--silent"][..], "-q prints nothing"),
            (&["check", "-sS", "x.test"], "-q prints nothing"),
            (&["check", "x.test", "--retry", "3"], "--set retries=3"),
            (&["check", "x.test", "--retry=3"], "--set retries=3"),
            (&["check", "x.test", "-Fa=b"], "--set form.name=value"),
            (&["check", "x.test", "--data-urlencode", "a=b"], "--set form.name=value"),
            (&["check", "x.test", "-z", "10s"], "--for TIME"),
            (&["check", "x.test", "--vus=10"], "one pass after the other"),
            (&["check", "x.test", "--follow"], "--no-follow stops that"),
            (&["check", "--url", "x.test"], "without an option"),
            (&["check", "--module=http_2xx", "x.test"], "uptick import blackbox.yml"),
            (&["watch", "--interval", "5s"], "--set interval=5s"),
            (&["check", "--interval", "5s"], "--every TIME"),
            (&["report", "--last", "24h"], "--since 24h"),
            (&["check", "--surfce", "web"], "'--surface'"),
            (&["check", "--surfce=web"], "'--surface'"),
            (&["check", "x.test", "--timout", "5"], "'--timeout'"),
            (&["check", "x.test", "--no-color"], "--color never"),
            (&["check", "x.test", "--range", "0-9"], "-H 'Range: bytes=0-99'"),
            (&["check", "x.test", "-D", "-"], "-i prints the head"),
            (&["check", "x.test", "-a", "u:p"], "-u user:password"),
            (&["check", "x.test", "--tlsv1.3"], "--set tls.min-version=1.3"),
            (&["check", "x.test", "-o", "json"], "write --format json"),
            (&["init", "-o", "x.toml"], "name the file: uptick init"),
            (&["check", "--every", "-1s"], "`--every` takes no negative value: write --every 1s"),
            (&["report", "--since", "-24h"], "write --since 24h"),
            (&["check", "-t", "3", "x.test"], "-m 3s"),
            (&["check", "-t3", "x.test"], "-m 3s"),
            (&["watch", "-i", "5"], "--set interval=5s"),
            (&["check", "x.test", "--jq=.a"], "--expect-json"),
            (&["report", "--until", "now"], "--to 23:00"),
            (&["import", "--from", "gatus", "x"], "recognised by the content"),
            (&["-c", "probes.toml", "check"], "options come after the command"),
            (&["--config=probes.toml", "check"], "options come after the command"),
            (&["-fsS", "x.test"], "options come after the command"),
        ] {
            let said = said_of(words);
            assert!(said.contains(ours) && !said.contains("as a value"), "{words:?}: {said}");
            assert!(!said.contains("Usage"), "{words:?}: {said}");
        }
        let unlike = said_of(&["check", "--xylophone"]);
        assert!(!unlike.contains("tip"), "{unlike}");
    }

    #[test]
    fn no_option_of_another_program_is_one_of_ours() {
        let whole = Cli::command();
        for (options, commands, _) in OTHER_OPTIONS {
            let all = whole.get_subcommands().filter(|command| commands.contains(&command.get_name()));
            for command in all {
                let longs = command.get_arguments().flat_map(|argument| {
                    let aliases = argument.get_all_aliases().unwrap_or_default();
                    argument.get_long().into_iter().chain(aliases).map(|long| format!("--{long}"))
                });
                let shorts = command.get_arguments().filter_map(|argument| Some(format!("-{}", argument.get_short()?)));
                let ours: Vec<String> = longs.chain(shorts).collect();
                for option in *options {
                    assert!(!ours.iter().any(|ours| ours == option), "{option}");
                }
            }
        }
    }

    #[test]
    fn a_wrong_command_is_told_the_one_that_was_meant() {
        for (word, meant) in [
            ("chekc", "'check'"),
            ("repotr", "'report'"),
            ("run", "'check'"),
            ("status", "'report'"),
            ("https://x.test", "'check https://x.test'"),
        ] {
            let said = said(word);
            assert!(said.contains(meant) && said.matches("similar").count() == 1, "{said}");
        }
        assert!(!said("xylophone").contains("similar"));
        for (word, ours) in [("version", "write uptick --version"), ("doctor", "uptick check --diagnose")] {
            let said = said(word);
            assert!(said.contains(ours) && !said.contains("similar"), "{said}");
        }
    }

    #[test]
    fn every_other_word_leads_to_a_command() {
        let command = Cli::command();
        let no_commands = NO_COMMANDS.iter().flat_map(|(words, _)| *words);
        for (theirs, ours) in OTHER_COMMANDS {
            assert!(command.find_subcommand(ours).is_some(), "{ours}");
            for theirs in theirs.iter().chain(no_commands.clone()) {
                assert!(command.find_subcommand(theirs).is_none(), "{theirs}");
            }
        }
    }
}
