//! The commands in a document that is no configuration of a prober: the steps of a CI job, the health checks of a Compose
//! file, the probes of a pod, the scripts of a `package.json`.

use serde_json::Value;

use crate::import::dockerfile;

/// The most levels of a document that are searched.
const DEEPEST: usize = 24;

/// What stands in front of the words of a health check of Docker.
const FORMS: [&str; 2] = ["CMD", "CMD-SHELL"];

/// The scripts with curl in a document, one below the other, each on the lines that it has in the text as far as they can
/// be found. `None` if there are none.
pub(crate) fn commands(text: &str, documents: &[Value]) -> Option<String> {
    if !text.contains("curl") {
        return None;
    }
    let mut scripts = Vec::new();
    documents.iter().for_each(|document| collect(document, 0, &mut scripts));
    let lines: Vec<&str> = text.lines().collect();
    let (mut page, mut length) = (String::new(), 0);
    for script in &scripts {
        let first = script.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        let is_here = |line: &&str| line.contains(first) || (line.contains("curl") && !first.contains(' '));
        let place = lines.iter().skip(length).position(is_here).unwrap_or_default();
        page.extend(std::iter::repeat_n('\n', place));
        page.push_str(&without_expressions(script));
        page.push('\n');
        length += place + script.lines().count().max(1);
    }
    (!scripts.is_empty()).then_some(page)
}

fn collect(value: &Value, depth: usize, scripts: &mut Vec<String>) {
    if depth > DEEPEST {
        return;
    }
    match value {
        Value::String(text) if is_script(text) => scripts.push(text.clone()),
        Value::Array(elements) => match words(elements) {
            Some(words) => scripts.push(words),
            None => elements.iter().for_each(|element| collect(element, depth + 1, scripts)),
        },
        Value::Object(fields) => fields.values().for_each(|value| collect(value, depth + 1, scripts)),
        _ => {}
    }
}

/// Whether a text runs curl on something: a sentence may name it.
fn is_script(text: &str) -> bool {
    text.contains("curl") && ["://", "localhost", "127.0.0.1", "$"].iter().any(|part| text.contains(part))
}

/// A list that is one command, word by word, or the script that it gives to a shell.
fn words(elements: &[Value]) -> Option<String> {
    let words: Option<Vec<&str>> = elements.iter().map(Value::as_str).collect();
    let words = words?;
    let form = words.first().filter(|first| FORMS.contains(first));
    let words = &words[usize::from(form.is_some())..];
    if form == Some(&"CMD-SHELL") {
        return Some(words.join(" ")).filter(|script| is_script(script));
    }
    let is_command = words.iter().any(|word| word.rsplit('/').next() == Some("curl"))
        || (words.len() > 1 && words[1].starts_with('-') && is_script(words[words.len() - 1]));
    is_command.then(|| dockerfile::quoted(words))
}

/// A script with `${{ secrets.NAME }}` of GitHub and Gitea as the variable NAME.
fn without_expressions(script: &str) -> String {
    let mut parts = script.split("${{");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((expression, rest)) = part.split_once("}}") else {
            text.push_str("${{");
            text.push_str(part);
            continue;
        };
        let name: String = expression
            .trim()
            .rsplit('.')
            .next()
            .unwrap_or_default()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
            .collect();
        text.push_str(&format!("${{{name}}}{rest}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(yaml: &str) -> Option<String> {
        let documents = crate::import::document::yaml(&crate::import::document::InputFile {
            name: String::new(),
            text: yaml.to_owned(),
        });
        commands(yaml, &documents.unwrap())
    }

    #[test]
    fn steps_of_a_job_keep_their_lines() {
        let workflow = "jobs:\n  smoke:\n    steps:\n      - uses: x/y\n      - run: |\n          set -e\n          \
                        curl -H \"T: ${{ secrets.TOKEN }}\" https://a.test\n      - run: echo done\n";
        assert_eq!(of(workflow).unwrap(), "\n\n\n\n\nset -e\ncurl -H \"T: ${TOKEN}\" https://a.test\n\n");
        let gitlab = "smoke:\n  script:\n    - curl https://a.test\n    - curl https://b.test\n";
        assert_eq!(of(gitlab).unwrap(), "\n\ncurl https://a.test\ncurl https://b.test\n");
    }

    #[test]
    fn health_checks_are_commands_word_by_word_or_for_a_shell() {
        let compose = "services:\n  web:\n    healthcheck:\n      test: [\"CMD\", \"curl\", \"-H\", \"a: it's\", \"http://localhost/\"]\n  \
                       api:\n    healthcheck:\n      test: [CMD-SHELL, 'curl -f http://localhost:9000 || exit 1']\n";
        let script = of(compose).unwrap();
        assert!(script.contains("'curl' '-H' 'a: it'\\''s' 'http://localhost/'\n"), "{script}");
        assert!(script.contains("curl -f http://localhost:9000 || exit 1\n"), "{script}");
        let pod = "livenessProbe:\n  exec:\n    command: [sh, -c, 'curl -f http://localhost/live']\n";
        assert_eq!(of(pod).unwrap().trim(), "'sh' '-c' 'curl -f http://localhost/live'");
    }

    #[test]
    fn sentences_are_no_scripts() {
        assert_eq!(of("description: use curl to ask it\nrun: echo https://a.test\n"), None);
    }
}
