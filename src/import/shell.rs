//! Finds commands in a shell script, and fills in the variables that the script itself sets.

use std::collections::BTreeMap;

use crate::import::secrets::is_secret;
use crate::import::shell_expansion::ComputedValues;
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
    /// What its words have of the shell that a template has not, and the variables in its place.
    pub(crate) computed: Vec<(String, String)>,
    /// The program that runs it on another machine or in a container, where it may reach what this machine does not.
    pub(crate) elsewhere: Option<String>,
}

/// How deeply nested `$(…)` are followed.
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
        found: Vec::new(),
    };
    reader.read(script, 0)?;
    Ok(reader.found)
}

struct CommandReader {
    name: String,
    variables: BTreeMap<String, String>,
    computed: ComputedValues,
    found: Vec<ShellCommand>,
}

impl CommandReader {
    fn read(&mut self, script: &str, depth: usize) -> Result<(), ShellError> {
        let mut words: Vec<Word> = Vec::new();
        let mut line_of_commands = Vec::new();
        for token in shell_words::tokens(script, &mut self.computed)? {
            match token {
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
        let is_health_check = words.first().is_some_and(|word| word.text == "HEALTHCHECK");
        let mut words = words.into_iter().peekable();
        while let Some(word) = words.peek() {
            let assigned = word.text.split_once('=').filter(|(name, _)| is_variable_name(name));
            if let Some((name, value)) = assigned {
                let value = self.filled(value);
                // A secret of the script must not be written to the probe file, so its variable
                // stays.
                let is_computed = !word.substitutions.is_empty() || !word.computed.is_empty();
                let is_known = !is_secret(name) && !is_computed && !value.is_empty();
                if is_known {
                    self.variables.insert(name.to_owned(), value);
                } else {
                    self.variables.remove(name);
                }
            } else if !(BEFORE.contains(&word.text.as_str())
                || is_prompt(word)
                || (is_health_check && word.text.starts_with("--"))
                || matches!(word.text.as_str(), "export" | "local" | "readonly"))
            {
                break;
            }
            words.next();
        }
        if words.peek().is_some_and(|word| RUNNERS.contains(&word.text.as_str())) {
            while words.next_if(|word| !self.is_looked_for(&word.text)).is_some() {}
        }
        let elsewhere = words.peek().map(|word| word.text.clone()).filter(|word| ELSEWHERE.contains(&&**word));
        if elsewhere.is_some() {
            while words.next_if(|word| !self.is_looked_for(&word.text) && !self.holds_command(&word.text)).is_some() {}
        }
        let Some(first) = words.peek() else { return Ok(None) };
        // The command of the other shell may be one word.
        if elsewhere.is_some() && self.holds_command(&first.text) && depth < DEEPEST {
            let (script, before) = (first.text.clone(), self.found.len());
            self.read(&script, depth + 1)?;
            self.found[before..].iter_mut().for_each(|command| command.elsewhere.clone_from(&elsewhere));
            return Ok(None);
        }
        if !self.is_looked_for(&first.text) {
            return Ok(None);
        }
        let line = first.line;
        let (words, computed): (Vec<String>, Vec<_>) =
            words.map(|word| (self.filled(&word.text), word.computed)).unzip();
        let computed = computed.into_iter().flatten().collect();
        self.found.push(ShellCommand { line, words, stdin: None, computed, elsewhere });
        Ok(Some(self.found.len() - 1))
    }

    /// Whether a word is a whole command line with the program in it.
    fn holds_command(&self, word: &str) -> bool {
        let mut parts = word.split_whitespace();
        word.contains(char::is_whitespace) && parts.any(|part| self.is_looked_for(part))
    }

    /// Whether a word runs the program: its name or its path, or its name on Windows.
    fn is_looked_for(&self, word: &str) -> bool {
        let program = word.rsplit(['/', '\\']).next().unwrap_or_default();
        program.strip_suffix(".exe").unwrap_or(program) == self.name
    }

    /// A template with the variables that the script has set filled in.
    fn filled(&self, text: &str) -> String {
        template::filled(text, |name| self.variables.get(name).map(String::as_str))
    }
}

/// Whether a word is a shell prompt that was copied with the command.
fn is_prompt(word: &Word) -> bool {
    !word.quoted && matches!(word.text.as_str(), "$" | "%" | ">")
}

fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curls(script: &str) -> Vec<Vec<String>> {
        commands(script, "curl").unwrap().into_iter().map(|command| command.words).collect()
    }

    #[test]
    fn commands_are_found_wherever_a_script_runs_them() {
        let script = "HEALTHCHECK --interval=5m CMD curl -f h || exit 1\nset -e\nif ! curl a; then exit; fi\ncode=$(curl -s b)\n$ /usr/bin/curl c && X=1 curl d | jq .\necho curl e";
        assert_eq!(
            curls(script),
            [
                vec!["curl", "-f", "h"],
                vec!["curl", "a"],
                vec!["curl", "-s", "b"],
                vec!["/usr/bin/curl", "c"],
                vec!["curl", "d"]
            ]
        );
    }

    #[test]
    fn variables_of_the_script_are_filled_in_unless_they_are_secret() {
        let script = "BASE=https://x.test\nexport API_TOKEN=abc\ncurl -H \"t: $API_TOKEN\" $BASE/$OTHER";
        assert_eq!(curls(script), [vec!["curl", "-H", "t: ${API_TOKEN}", "https://x.test/${OTHER}"]]);
    }

    #[test]
    fn what_the_shell_computes_is_no_value_of_a_variable() {
        let script = "HOST=a.test\nNAME=${HOST%%.*}\nBASE=${1:-https://b.test}\n\
                      curl https://$NAME ${HOST:-c.test} ${HOST%.*} $BASE/x\ncurl -d @- d <<E\n$HOST\nE";
        let found = commands(script, "curl").unwrap();
        let words = ["curl", "https://${NAME}", "a.test", "${HOST_EXPANDED_2}", "${ARGUMENT_1:-https://b.test}/x"];
        assert_eq!(found[0].words, words);
        assert_eq!(found[0].computed, [("${HOST%…}".to_owned(), "HOST_EXPANDED_2".to_owned())]);
        assert_eq!(found[1].stdin.as_deref(), Some("a.test\n"));
    }

    #[test]
    fn a_command_behind_another_programs_arguments_is_found() {
        let script = "timeout 10 curl a\nsudo nohup /usr/bin/curl b &\nwatch -n 5 curl.exe c\ntimeout 5 wget d";
        assert_eq!(curls(script), [vec!["curl", "a"], vec!["/usr/bin/curl", "b"], vec!["curl.exe", "c"]]);
    }

    #[test]
    fn a_command_that_runs_elsewhere_is_found_and_says_where() {
        let script = "ssh -p 22 host curl -s a\nssh host 'cd /x && curl b'\nsudo docker exec -it c curl d\n\
                      kubectl exec pod -- curl e\ndocker run --rm curlimages/curl f\nvagrant ssh -c \"curl g\"\n\
                      docker pull curlimages/curl-base\nssh host uptime\ncurl h";
        let found = commands(script, "curl").unwrap();
        let told: Vec<(&str, &str)> = found
            .iter()
            .map(|command| (command.elsewhere.as_deref().unwrap_or_default(), command.words.last().unwrap().as_str()))
            .collect();
        let elsewhere = [
            ("ssh", "a"),
            ("ssh", "b"),
            ("docker", "d"),
            ("kubectl", "e"),
            ("docker", "f"),
            ("vagrant", "g"),
            ("", "h"),
        ];
        assert_eq!(told, elsewhere);
    }

    #[test]
    fn each_command_whose_output_is_used_has_a_variable_of_its_own() {
        let script = "curl a/$(date)/$(hostname)\ncurl b/`date`";
        let words = [vec!["curl", "a/${COMMAND_OUTPUT}/${COMMAND_OUTPUT_2}"], vec!["curl", "b/${COMMAND_OUTPUT}"]];
        assert_eq!(curls(script), words);
    }

    #[test]
    fn a_here_document_reaches_its_command() {
        let found = commands("curl -d @- u <<EOF\nbody $A\nEOF\ncurl v <<< w", "curl").unwrap();
        assert_eq!(found[0].stdin.as_deref(), Some("body $A\n".replace("$A", "${A}").as_str()));
        assert_eq!(found[1].stdin.as_deref(), Some("w"));
    }
}
