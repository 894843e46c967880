//! What was meant by a command that there is none of.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Error};

use crate::cli::command::Cli;
use crate::model::suggest;

/// Words of other programs for our commands.
const OTHER_WORDS: [(&str, &str); 14] = [
    ("run", "check"),
    ("probe", "check"),
    ("test", "check"),
    ("ping", "check"),
    ("get", "check"),
    ("start", "watch"),
    ("serve", "watch"),
    ("daemon", "watch"),
    ("status", "report"),
    ("show", "report"),
    ("lint", "validate"),
    ("config", "validate"),
    ("convert", "import"),
    ("new", "init"),
];

/// The error with the one command that was probably meant, in place of every similar one.
pub(super) fn with_suggestion(mut error: Error) -> Error {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return error;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand).cloned() else { return error };
    let command = Cli::command();
    let known = command.get_subcommands().map(clap::Command::get_name);
    let other = OTHER_WORDS.iter().find(|(theirs, _)| *theirs == word).map(|(_, ours)| *ours);
    let meant = other.or_else(|| suggest::nearest(&word, known)).map(str::to_owned).or_else(|| {
        // Whoever gives a URL at once wants it checked.
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
        with_suggestion(Cli::try_parse_from(["uptick", word]).unwrap_err()).to_string()
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
    }

    #[test]
    fn every_other_word_leads_to_a_command() {
        let command = Cli::command();
        for (theirs, ours) in OTHER_WORDS {
            assert!(command.find_subcommand(ours).is_some() && command.find_subcommand(theirs).is_none(), "{theirs}");
        }
    }
}
