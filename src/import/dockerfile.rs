//! Commands of a Dockerfile that are written as a list of words, in its exec form.

/// The script with every `CMD ["curl", "-f", "URL"]` and `RUN [...]` as a command of a shell. Lines keep their numbers.
pub(crate) fn in_shell_form(script: &str) -> String {
    let lines: Vec<String> =
        script.split('\n').map(|line| shell_form(line).unwrap_or_else(|| line.to_owned())).collect();
    lines.join("\n")
}

fn shell_form(line: &str) -> Option<String> {
    let (instruction, _) = line.split_once('[')?;
    let is_of_commands = matches!(instruction.split_whitespace().next_back()?, "CMD" | "RUN");
    let words: Vec<String> = serde_json::from_str(line[instruction.len()..].trim()).ok().filter(|_| is_of_commands)?;
    Some(format!("{instruction}{}", quoted(&words)))
}

/// Words as a command of a shell.
pub(crate) fn quoted(words: &[impl AsRef<str>]) -> String {
    let quoted = words.iter().map(|word| format!("'{}'", word.as_ref().replace('\'', r"'\''")));
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_words_is_a_command() {
        let script =
            "FROM x\nHEALTHCHECK --interval=5m CMD [\"curl\", \"-H\", \"a: it's, b\"]\r\nRUN [ -f x ]\nX=[\"a\"]";
        let read = "FROM x\nHEALTHCHECK --interval=5m CMD 'curl' '-H' 'a: it'\\''s, b'\nRUN [ -f x ]\nX=[\"a\"]";
        assert_eq!(in_shell_form(script), read);
    }
}
