//! Finds commands in a shell script, and fills in the variables that the script itself sets.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::iter::Peekable;

use crate::import::cron;
use crate::import::secrets::is_secret;
use crate::import::shell_expansion::ComputedValues;
use crate::import::shell_loop::ForLoop;
use crate::import::shell_words::{self, ShellError, Token, Word};
use crate::import::template;

/// One command, starting with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ShellCommand {
    /// The line of its name, from 1.
    pub(crate) line: u64,
    /// Its name and its arguments, as templates.
    pub(crate) words: Vec<String>,
    /// Its standard input, if the script defines it.
    pub(crate) stdin: Option<String>,
    /// The variables of `ENVIRONMENT` that the script sets.
    pub(crate) environment: Vec<(&'static str, String)>,
    /// What its words have of the shell that a template has not, and the variables in its place.
    pub(crate) computed: Vec<(String, String)>,
    /// When cron runs it.
    pub(crate) schedule: Option<String>,
    /// The program that runs it on another machine or in a container, where it may reach what this machine does not.
    pub(crate) elsewhere: Option<String>,
}

/// The variables that tell a program its proxy. curl does not read `HTTP_PROXY`.
const ENVIRONMENT: [&str; 7] =
    ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"];

/// Commands that set the variables among their arguments to what is not in the script.
const SETTERS: [&str; 6] = ["for", "select", "read", "getopts", "mapfile", "unset"];

/// Programs that run a script which is one of their arguments.
const SHELLS: [&str; 6] = ["sh", "bash", "dash", "ash", "zsh", "eval"];

/// How many rounds of loops are followed.
const MOST_ROUNDS: usize = 1_000;

/// How deeply nested `$(…)` and loops are followed.
const DEEPEST: usize = 4;

/// Words that can precede a command.
const BEFORE: [&str; 17] = [
    "if",
    "then",
    "else",
    "elif",
    "while",
    "until",
    "do",
    "!",
    "{",
    "time",
    "sudo",
    "exec",
    "env",
    "command",
    // Of a Dockerfile.
    "HEALTHCHECK",
    "CMD",
    "RUN",
];

/// Programs that run the command behind their own arguments, on this machine.
const RUNNERS: [&str; 10] =
    ["timeout", "nohup", "nice", "ionice", "stdbuf", "setsid", "chronic", "doas", "watch", "retry"];

/// Programs that run the command among their arguments on another machine or in a container.
const ELSEWHERE: [&str; 14] = [
    "ssh",
    "mosh",
    "docker",
    "docker-compose",
    "podman",
    "nerdctl",
    "crictl",
    "kubectl",
    "oc",
    "lxc",
    "incus",
    "vagrant",
    "nsenter",
    "chroot",
];

/// The commands with this name, in the order of the script.
pub(crate) fn commands(script: &str, name: &str) -> Result<Vec<ShellCommand>, ShellError> {
    let mut reader = CommandReader {
        name: name.to_owned(),
        variables: BTreeMap::new(),
        computed: ComputedValues::default(),
        rounds_left: MOST_ROUNDS,
        found: Vec::new(),
    };
    reader.read(script, 0)?;
    Ok(reader.found)
}

struct CommandReader {
    name: String,
    variables: BTreeMap<String, String>,
    computed: ComputedValues,
    /// Of loops: each loop takes its words.
    rounds_left: usize,
    found: Vec<ShellCommand>,
}

impl CommandReader {
    fn read(&mut self, script: &str, depth: usize) -> Result<(), ShellError> {
        let tokens = shell_words::tokens(script, &mut self.computed)?;
        self.run(&tokens, depth)
    }

    /// Reads the commands of these tokens, those of a loop over known words once for each of them.
    fn run(&mut self, tokens: &[Token], depth: usize) -> Result<(), ShellError> {
        let mut words: Vec<Word> = Vec::new();
        let mut line_of_commands = Vec::new();
        let mut rest = tokens;
        while let Some((token, after)) = rest.split_first() {
            if words.is_empty()
                && depth < DEEPEST
                && let Some(found) = ForLoop::at(rest)
                && self.run_loop(&found, depth)?
            {
                rest = found.after;
                continue;
            }
            rest = after;
            match token.clone() {
                Token::Word(word) => words.push(word),
                Token::End => {
                    line_of_commands.extend(self.command(std::mem::take(&mut words), depth)?);
                }
                Token::Line => {
                    self.command(std::mem::take(&mut words), depth)?;
                    line_of_commands.clear();
                }
                Token::Stdin(text) => {
                    line_of_commands.extend(self.command(std::mem::take(&mut words), depth)?);
                    self.read_substitutions(&text, depth)?;
                    self.give_stdin(&text, &line_of_commands);
                }
            }
        }
        Ok(())
    }

    /// Reads the body of a loop for each of its words; false if they are not known, or too many.
    fn run_loop(&mut self, found: &ForLoop<'_>, depth: usize) -> Result<bool, ShellError> {
        let values: Vec<String> = found.values.iter().flat_map(|word| self.expanded(word)).collect();
        let is_known = |word: &Word| word.substitutions.is_empty() && word.computed.is_empty();
        let are_known = found.values.iter().all(|word| is_known(word))
            && values.iter().all(|value| !value.contains("${") && !value.contains(['*', '?']));
        if !are_known || values.len() > self.rounds_left {
            return Ok(false);
        }
        self.rounds_left -= values.len();
        for value in values {
            self.variables.insert(found.name.to_owned(), value);
            self.run(found.body, depth + 1)?;
        }
        Ok(true)
    }

    fn give_stdin(&mut self, word: &Word, commands: &[usize]) {
        let text = self.filled(&word.text);
        let command = commands.last().and_then(|at| self.found.get_mut(*at));
        if let Some(command) = command.filter(|command| command.stdin.is_none()) {
            command.stdin = Some(text);
            command.computed.extend(word.computed.clone());
        }
    }

    /// Reads the scripts of the `$(…)` in a word.
    fn read_substitutions(&mut self, word: &Word, depth: usize) -> Result<(), ShellError> {
        word.substitutions.iter().filter(|_| depth < DEEPEST).try_for_each(|script| self.read(script, depth + 1))
    }

    /// Reads one command. Returns its index in the result if it has the name that is searched for.
    fn command(&mut self, words: Vec<Word>, depth: usize) -> Result<Option<usize>, ShellError> {
        words.iter().try_for_each(|word| self.read_substitutions(word, depth))?;
        let (schedule, words) = cron::command(words, |word| self.is_looked_for(word));
        let mut words = words.into_iter().peekable();
        let before = self.environment();
        self.assignments(&mut words);
        let environment = self.environment();
        // In front of a command, an assignment is for that command alone.
        if words.peek().is_some() {
            self.set_environment(before);
        }
        if words.peek().is_some_and(|word| RUNNERS.contains(&word.text.as_str())) {
            while words.next_if(|word| !self.is_looked_for(&word.text)).is_some() {}
        }
        if words.peek().is_some_and(|word| SETTERS.contains(&word.text.as_str())) {
            // What follows `in` are values.
            let names = words.take_while(|word| word.text != "in");
            names.for_each(|word| drop(self.variables.remove(&word.text)));
            return Ok(None);
        }
        let program = words.peek().map(|word| word.text.clone()).unwrap_or_default();
        let elsewhere = Some(&program).filter(|program| ELSEWHERE.contains(&program.as_str())).cloned();
        let runs_script = elsewhere.is_some() || SHELLS.contains(&program.rsplit('/').next().unwrap_or_default());
        if runs_script {
            while words.next_if(|word| !self.is_looked_for(&word.text) && !self.holds_command(&word.text)).is_some() {}
        }
        let Some(first) = words.peek() else { return Ok(None) };
        // The command of the other shell may be one word.
        if runs_script && self.holds_command(&first.text) && depth < DEEPEST {
            let (script, before) = (first.text.clone(), self.found.len());
            self.read(&script, depth + 1)?;
            for command in &mut self.found[before..] {
                command.elsewhere = command.elsewhere.take().or(elsewhere.clone());
            }
            return Ok(None);
        }
        if !self.is_looked_for(&first.text) {
            return Ok(None);
        }
        let line = first.line;
        let (words, computed): (Vec<_>, Vec<_>) = words.map(|word| (self.expanded(&word), word.computed)).unzip();
        let (words, computed) = (words.concat(), computed.concat());
        self.found.push(ShellCommand { line, words, stdin: None, environment, computed, elsewhere, schedule });
        Ok(Some(self.found.len() - 1))
    }

    /// Reads the assignments in front of a command, and skips what else may stand there.
    fn assignments(&mut self, words: &mut Peekable<std::vec::IntoIter<Word>>) {
        let is_health_check = words.peek().is_some_and(|word| word.text == "HEALTHCHECK");
        while let Some(word) = words.peek() {
            let assigned = word.text.split_once('=').filter(|(name, _)| is_variable_name(name));
            if let Some((name, value)) = assigned {
                let value = self.filled(value);
                // A secret of the script must not be written to the probe file, so its variable
                // stays.
                let is_computed = !word.substitutions.is_empty() || !word.computed.is_empty();
                if is_secret(name) || is_computed {
                    self.variables.remove(name);
                } else {
                    self.variables.insert(name.to_owned(), value);
                }
            } else if !(BEFORE.contains(&word.text.as_str())
                || (!word.quoted && is_prompt(&word.text))
                || (is_health_check && word.text.starts_with("--"))
                || matches!(word.text.as_str(), "export" | "local" | "readonly"))
            {
                break;
            }
            words.next();
        }
    }

    fn environment(&self) -> Vec<(&'static str, String)> {
        ENVIRONMENT.iter().filter_map(|name| Some((*name, self.variables.get(*name)?.clone()))).collect()
    }

    fn set_environment(&mut self, environment: Vec<(&'static str, String)>) {
        ENVIRONMENT.iter().for_each(|name| drop(self.variables.remove(*name)));
        self.variables.extend(environment.into_iter().map(|(name, value)| (name.to_owned(), value)));
    }

    /// Whether a word is a whole command line with the program in it.
    fn holds_command(&self, word: &str) -> bool {
        let mut parts = word.split_whitespace();
        word.contains(char::is_whitespace) && parts.any(|part| self.is_looked_for(part))
    }

    /// Whether a word runs the program: its name or its path, its name on Windows, or with the `@` of a makefile.
    fn is_looked_for(&self, word: &str) -> bool {
        let word = word.strip_prefix('@').unwrap_or(word);
        let program = word.rsplit(['/', '\\']).next().unwrap_or_default();
        program.strip_suffix(".exe").unwrap_or(program) == self.name
    }

    /// The words that a word becomes: a variable alone and without quotes is as many as its value has.
    fn expanded(&self, word: &Word) -> Vec<String> {
        let text = self.filled(&word.text);
        let is_variable = word.text.starts_with("${") && word.text.find('}') == Some(word.text.len() - 1);
        if is_variable && !word.quoted && text != word.text {
            return text.split_whitespace().map(str::to_owned).collect();
        }
        vec![text]
    }

    /// A template with the variables that the script has set filled in.
    fn filled(&self, text: &str) -> String {
        template::filled(text, |name| self.variables.get(name).map(String::as_str))
    }
}

/// Whether a word is of a shell's prompt that was copied with the command: `$`, `me@host:~$`, or `[root@host` and
/// `~]#`.
pub(crate) fn is_prompt(word: &str) -> bool {
    matches!(word, "$" | "%" | "~" | "❯" | "➜" | "λ")
        || (word.find('@').is_some_and(|at| at > 0) && !word.contains('='))
        || (word.len() > 1 && word.ends_with(['$', '#']))
}

pub(crate) fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
