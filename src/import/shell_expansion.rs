//! Parameter expansions of a shell as variables of a template: a name, with a literal default at most. What else a
//! shell computes has no such form and becomes a variable of its own, whose value the user has to set.

use crate::import::template;

/// The commands and the expansions of a script whose results are variables: each text has its own.
#[derive(Debug, Default)]
pub(crate) struct ComputedValues {
    /// The names of the variables and the texts.
    known: Vec<(String, String)>,
}

impl ComputedValues {
    /// The variable of a text: the name, or the name with a number where another text has it.
    pub(crate) fn variable(&mut self, name: &str, text: &str) -> String {
        if let Some((known, _)) = self.known.iter().find(|(_, known)| known == text) {
            return known.clone();
        }
        let numbered = (2_u64..).map(|number| format!("{name}_{number}"));
        let is_free = |name: &String| self.known.iter().all(|(known, _)| known != name);
        let free = std::iter::once(name.to_owned()).chain(numbered).find(is_free).unwrap_or_default();
        self.known.push((free.clone(), text.to_owned()));
        free
    }
}

/// What `${…}` becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expansion {
    /// A template with the same meaning.
    Template(String),
    /// A computed value.
    Computed {
        /// What its variable is called.
        name: String,
        /// The expansion without its operands, which may be secret.
        shown: String,
    },
}

/// The characters that an operation begins with.
const OPERATORS: &str = ":-=?+%#/^,@[";

/// The parameters that a shell sets itself, and what they are called here.
const SPECIAL: [(char, &str); 7] = [
    ('@', "ARGUMENTS"),
    ('*', "ARGUMENTS"),
    ('#', "ARGUMENT_COUNT"),
    ('?', "EXIT_STATUS"),
    ('$', "PROCESS_ID"),
    ('!', "BACKGROUND_PROCESS_ID"),
    ('-', "SHELL_OPTIONS"),
];

/// The name of the parameter of one character that a shell sets itself: `$1`, `$@`.
pub(crate) fn special(parameter: char) -> Option<String> {
    match parameter {
        '0' => Some("SCRIPT_NAME".to_owned()),
        '1'..='9' => Some(format!("ARGUMENT_{parameter}")),
        _ => SPECIAL.iter().find(|(known, _)| *known == parameter).map(|(_, name)| (*name).to_owned()),
    }
}

/// The name of the first program of a script, without its folder: of `sudo cat /a | tr b c`, `sudo`. Empty where the
/// first word is none, as in `$((1 + 2))`.
pub(crate) fn program(script: &str) -> &str {
    let first = script.split_whitespace().next().unwrap_or_default();
    let name = first.rsplit('/').next().unwrap_or_default();
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if is_name { name } else { "" }
}

/// The variable of the output of a program: `date` → `DATE_OUTPUT`.
pub(crate) fn output_of(program: &str) -> String {
    let program = if program.is_empty() { "command" } else { program };
    let name = program.bytes().map(|byte| if byte.is_ascii_alphanumeric() { byte.to_ascii_uppercase() } else { b'_' });
    format!("{}_OUTPUT", name.map(char::from).collect::<String>())
}

/// What `${inside}` becomes.
pub(crate) fn of(inside: &str) -> Expansion {
    let (name, operation) = parameter(inside);
    if let Some(name) = &name {
        // `${NAME:?message}` fails without a value, as a variable of a probe file does.
        if operation.is_empty() || operation.starts_with(":?") || operation.starts_with('?') {
            return Expansion::Template(template::variable(name));
        }
        let default = [":-", ":=", "-", "="].iter().find_map(|operator| operation.strip_prefix(operator));
        if let Some(default) = default.filter(|text| !text.contains(['$', '"', '\'', '`', '{', '}', '\\'])) {
            return Expansion::Template(format!("${{{name}:-{default}}}"));
        }
    }
    // Of an operation that stands first, as in `${#NAME}`, the name comes after it.
    let (before, rest) = match &name {
        Some(_) => inside.split_at(inside.len() - operation.len()),
        None => inside.split_at(inside.find(is_of_name).unwrap_or_default()),
    };
    let bare = rest.split(|c| !is_of_name(c)).next().unwrap_or_default();
    let shown = match &name {
        Some(_) => before.chars().chain(rest.chars().take_while(|c| OPERATORS.contains(*c)).take(2)).collect(),
        None => format!("{before}{bare}"),
    };
    let name = name.unwrap_or_else(|| if bare.is_empty() { "SHELL".to_owned() } else { bare.to_owned() });
    Expansion::Computed { name: format!("{name}_EXPANDED"), shown: format!("${{{shown}…}}") }
}

fn is_of_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The name of the parameter at the beginning, and the rest: the operator and its operands.
fn parameter(inside: &str) -> (Option<String>, &str) {
    let length = inside.chars().take_while(|c| is_of_name(*c)).count();
    let (name, rest) = inside.split_at(length);
    let digits = name.trim_start_matches('0');
    match name.bytes().next() {
        Some(b'0'..=b'9') if digits.is_empty() => (special('0'), rest),
        Some(b'0'..=b'9') => (Some(format!("ARGUMENT_{digits}")), rest),
        Some(_) => (Some(name.to_owned()), rest),
        // `${#}` is a parameter, `${#NAME}` and `${!NAME}` are operations.
        None => match inside.chars().next().and_then(|first| Some((special(first)?, &inside[first.len_utf8()..]))) {
            Some((name, rest)) if !rest.starts_with(is_of_name) => (Some(name), rest),
            _ => (None, inside),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_literal_default_has_the_same_meaning_as_a_template() {
        let kept = [
            ("HOST", "${HOST}"),
            ("HOST:-a.test", "${HOST:-a.test}"),
            ("HOST-a.test", "${HOST:-a.test}"),
            ("HOST:=https://a.test", "${HOST:-https://a.test}"),
            ("HOST:?is not set", "${HOST}"),
            ("1", "${ARGUMENT_1}"),
            ("1:-home", "${ARGUMENT_1:-home}"),
            ("12", "${ARGUMENT_12}"),
            ("0", "${SCRIPT_NAME}"),
            ("@", "${ARGUMENTS}"),
            ("#", "${ARGUMENT_COUNT}"),
        ];
        for (inside, template) in kept {
            assert_eq!(of(inside), Expansion::Template(template.to_owned()), "{inside}");
        }
    }

    #[test]
    fn what_a_shell_computes_is_a_variable_of_its_own_and_its_operands_are_not_shown() {
        let computed = [
            ("HOST%%.secret", "HOST_EXPANDED", "${HOST%%…}"),
            ("HOST:+secret", "HOST_EXPANDED", "${HOST:+…}"),
            ("HOST:-$secret", "HOST_EXPANDED", "${HOST:-…}"),
            ("HOST//secret/b", "HOST_EXPANDED", "${HOST//…}"),
            ("HOST^^", "HOST_EXPANDED", "${HOST^^…}"),
            ("HOST:0:3", "HOST_EXPANDED", "${HOST:…}"),
            ("hosts[0]", "hosts_EXPANDED", "${hosts[…}"),
            ("#HOST", "HOST_EXPANDED", "${#HOST…}"),
            ("!HOST", "HOST_EXPANDED", "${!HOST…}"),
            ("@:2", "ARGUMENTS_EXPANDED", "${@:…}"),
            ("", "SHELL_EXPANDED", "${…}"),
            ("é", "SHELL_EXPANDED", "${…}"),
        ];
        for (inside, name, shown) in computed {
            let expected = Expansion::Computed { name: name.to_owned(), shown: shown.to_owned() };
            assert_eq!(of(inside), expected, "{inside}");
        }
    }

    #[test]
    fn each_text_has_a_variable_of_its_own() {
        let mut computed = ComputedValues::default();
        let names = ["a", "b", "a"].map(|text| computed.variable("X", text));
        assert_eq!(names, ["X", "X_2", "X"]);
    }
}
