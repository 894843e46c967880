//! Finds commands in a shell script, and fills in the variables that the script itself sets.

use std::collections::BTreeMap;
use std::iter::Peekable;

use crate::import::cron;
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
        let words = [vec!["curl", "a/${DATE_OUTPUT}/${HOSTNAME_OUTPUT}"], vec!["curl", "b/${DATE_OUTPUT}"]];
        assert_eq!(curls(script), words);
    }

    #[test]
    fn a_prompt_that_was_copied_is_no_part_of_a_command() {
        let script = "me@host:~/a$ curl a\n[root@host ~]# curl b\nme@Mac ~ % curl c\n❯ curl d\n(venv) x@y:/# curl e";
        assert_eq!(curls(script).concat(), ["curl", "a", "curl", "b", "curl", "c", "curl", "d", "curl", "e"]);
    }

    #[test]
    fn a_variable_that_is_set_to_nothing_is_nothing() {
        assert_eq!(curls("X=''; Y=$X; curl a/$X/b$Y"), [vec!["curl", "a//b"]]);
        let set = "X=; Z=z; for X in b $Z; do curl a/$X$Z; done\nY=\nwhile read -r Y; do curl $Y; done";
        assert_eq!(curls(set), [vec!["curl", "a/${X}z"], vec!["curl", "${Y}"]]);
    }

    #[test]
    fn a_variable_without_quotes_is_as_many_words_as_its_value() {
        let script = "O='-s -m 5'\ncurl $O \"$O\" a$O $P";
        assert_eq!(curls(script), [vec!["curl", "-s", "-m", "5", "-s -m 5", "a-s -m 5", "${P}"]]);
    }

    #[test]
    fn a_table_of_cron_says_when_it_runs_its_commands() {
        let table = "MAILTO=\"\"\n*/5 8-17 * * 1,3 curl a\n0 3 * * * root /usr/bin/curl b\n@hourly curl c\n1 2 3 4 curl d\n\t@curl e";
        let found = commands(table, "curl").unwrap();
        let told: Vec<_> = found.iter().map(|one| (one.schedule.as_deref(), one.words[1].as_str())).collect();
        assert_eq!(
            told,
            [(Some("*/5 8-17 * * 1,3"), "a"), (Some("0 3 * * *"), "b"), (Some("@hourly"), "c"), (None, "e")]
        );
    }

    #[test]
    fn a_script_in_the_arguments_of_a_shell_is_read() {
        let script = "bash -c 'curl a'\nsudo /bin/sh -ec \"cd /x && curl b\"\neval \"curl c\"\nsh curl.sh";
        assert_eq!(curls(script).concat(), ["curl", "a", "curl", "b", "curl", "c"]);
        let found = commands("bash -c 'ssh host curl a'\nssh host \"bash -c 'curl b'\"", "curl").unwrap();
        assert!(found.iter().all(|command| command.elsewhere.as_deref() == Some("ssh")), "{found:?}");
    }

    #[test]
    fn a_proxy_is_of_the_commands_that_see_it() {
        let script = "curl a\nall_proxy=p curl b\ncurl c\nexport HTTPS_PROXY=q\ncurl d\nHTTPS_PROXY= curl e\ncurl f\n\
                      unset HTTPS_PROXY\ncurl g";
        let found = commands(script, "curl").unwrap();
        let seen: Vec<String> = found
            .iter()
            .map(|command| {
                let set = command.environment.iter().map(|(name, value)| format!("{name}={value}"));
                format!("{} {}", command.words[1], set.collect::<String>())
            })
            .collect();
        let expected = ["a ", "b all_proxy=p", "c ", "d HTTPS_PROXY=q", "e HTTPS_PROXY=", "f HTTPS_PROXY=q", "g "];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_here_document_reaches_its_command() {
        let found = commands("curl -d @- u <<EOF\nbody $A\nEOF\ncurl v <<< w", "curl").unwrap();
        assert_eq!(found[0].stdin.as_deref(), Some("body $A\n".replace("$A", "${A}").as_str()));
        assert_eq!(found[1].stdin.as_deref(), Some("w"));
    }
}
