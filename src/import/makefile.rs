//! Commands in the recipes of a makefile, whose variables are not those of a shell.

use crate::import::shell::is_variable_name;

/// The script with each assignment of a makefile (`URL ?= https://x.test`) as one of a shell, its variables `$(URL)` as
/// `${URL}`, and `$$` as `$`. Lines keep their numbers. Text without such an assignment is returned as it is: in a shell
/// `$(URL)` is the output of a command.
pub(crate) fn in_shell_form(script: String) -> String {
    let names: Vec<&str> = script.lines().filter_map(assignment).map(|(name, _)| name).collect();
    if names.is_empty() {
        return script;
    }
    let lines: Vec<String> = script
        .split('\n')
        .map(|line| match assignment(line) {
            Some((name, value)) => format!("{name}=\"{}\"", with_shell_variables(value, &names).replace('"', "\\\"")),
            None => with_shell_variables(line, &names),
        })
        .collect();
    lines.join("\n")
}

/// The name and the value that a line of a makefile sets. In a shell no blank may stand in front of the `=`.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let (left, value) = line.split_once('=')?;
    let operator_start = left.trim_end_matches(['?', ':', '+']);
    let (name, has_operator) = (operator_start.trim_end(), operator_start.len() < left.len());
    let is_make = has_operator || name.len() < operator_start.len();
    let name = name.strip_prefix("export ").unwrap_or(name);
    // A `+` alone is bash's way to append, too.
    (is_make && is_variable_name(name) && !left.ends_with('+')).then(|| (name, value.trim()))
}

fn with_shell_variables(text: &str, names: &[&str]) -> String {
    let text =
        names.iter().fold(text.to_owned(), |text, name| text.replace(&format!("$({name})"), &format!("${{{name}}}")));
    text.replace("$$", "$")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_a_makefile_are_those_of_a_shell() {
        let makefile =
            "BASE ?= https://x.test\nURL := $(BASE)/a\nsmoke:\n\t@curl -H \"T: $$TOKEN\" $(URL) ${BASE} $(shell date)";
        let script =
            "BASE=\"https://x.test\"\nURL=\"${BASE}/a\"\nsmoke:\n\t@curl -H \"T: $TOKEN\" ${URL} ${BASE} $(shell date)";
        assert_eq!(in_shell_form(makefile.to_owned()), script);
    }

    #[test]
    fn a_script_of_a_shell_stays_as_it_is() {
        for script in
            ["URL=https://x.test\ncurl $(URL)", "curl 'https://x.test/?a = b'", "X+=a\ncurl $$", "[ \"$a\" = b ]"]
        {
            assert_eq!(in_shell_form(script.to_owned()), script);
        }
    }
}
