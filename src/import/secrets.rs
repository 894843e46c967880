//! Replaces the secrets in files of other tools by variables, and chooses the variables' names.

use std::collections::BTreeMap;

use crate::import::template;
use crate::model::is_secret_name;

/// The variables that replace the secrets of one import.
#[derive(Debug, Default)]
pub(crate) struct Secrets {
    /// Names by value: the same secret in fifty probes becomes one variable.
    names: BTreeMap<String, String>,
}

/// The longest part of a variable's name that comes from its probe.
const LONGEST_OWNER: usize = 40;

/// Prefixes of a credential that are not secret.
const SCHEMES: [&str; 6] = ["Bearer ", "Basic ", "Token ", "bearer ", "token ", "ApiKey "];

/// Parts of names that mean a secret, beside those that uptick itself knows: a file that is written anew
/// may be more careful.
const SECRET_WORDS: [&str; 8] = ["session", "passw", "pwd", "credential", "jwt", "csrf", "xsrf", "passphrase"];

/// Whether something with this name is a secret.
pub(crate) fn is_secret(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    is_secret_name(name)
        || matches!(lower.as_str(), "pass" | "sid" | "code")
        || SECRET_WORDS.iter().any(|word| lower.contains(word))
        || lower.match_indices("auth").any(|(at, auth)| !names_author(&lower[at + auth.len()..]))
}

/// Whether what follows `auth` makes it an author or an authority, which no credential is.
fn names_author(rest: &str) -> bool {
    rest.starts_with("or") && !rest.starts_with("oriz") && !rest.starts_with("oris")
}

/// Whether a word of a text names a secret, which may then be next to it.
pub(crate) fn names_secret(text: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric()).any(is_secret)
}

impl Secrets {
    /// The value as a template, with the secret replaced by a variable.
    pub(crate) fn reference(&mut self, owner: &str, field: &str, value: &str) -> String {
        if template::has_variable(value) {
            return template::with_secret_variables(value);
        }
        let (mut written, mut rest) = (String::with_capacity(value.len()), value);
        while let Some((before, capture, after)) = template::captured(rest) {
            let (literal, name) = split_name(before);
            written.push_str(&self.reference_of_literal(owner, field, literal));
            written.push_str(name);
            written.push_str(capture);
            rest = after;
        }
        written + &self.reference_of_literal(owner, field, rest)
    }

    /// A text without variables and captures, with the secret replaced by a variable. What only separates values is
    /// none.
    fn reference_of_literal(&mut self, owner: &str, field: &str, value: &str) -> String {
        let scheme = SCHEMES.iter().find_map(|scheme| value.strip_prefix(scheme).map(|rest| (*scheme, rest)));
        let (scheme, secret) = scheme.unwrap_or(("", value));
        if !secret.contains(char::is_alphanumeric) {
            return value.to_owned();
        }
        let name = self.name(owner, field, &template::unescaped(secret));
        format!("{scheme}${{secret:{name}}}")
    }

    fn name(&mut self, owner: &str, field: &str, value: &str) -> String {
        if let Some(name) = self.names.get(value) {
            return name.clone();
        }
        let owner: String = words(owner).chars().take(LONGEST_OWNER).collect();
        let base = format!("{}_{}", owner.trim_matches('_'), words(field)).trim_matches('_').to_owned();
        let base = if base.starts_with(|c: char| c.is_ascii_alphabetic()) { base } else { format!("P_{base}") };
        let numbered = (2_u32..).map(|number| format!("{base}_{number}"));
        let is_free = |name: &String| !self.names.values().any(|known| known == name);
        let name = std::iter::once(base.clone()).chain(numbered).find(is_free).unwrap_or(base);
        self.names.insert(value.to_owned(), name.clone());
        name
    }

    /// The values of the variables, by name.
    pub(crate) fn values(&self) -> BTreeMap<String, String> {
        self.names.iter().map(|(value, name)| (name.clone(), value.clone())).collect()
    }

    /// A text with the secrets of this import replaced by `…`.
    pub(crate) fn without(&self, text: &str) -> String {
        const SHORTEST: usize = 6;
        let secrets = self.names.keys().filter(|value| value.len() >= SHORTEST);
        secrets.fold(text.to_owned(), |text, value| text.replace(value.as_str(), "…"))
    }
}

/// What stands before a captured value, and the name at its end: `theme=dark; sid=` → `theme=dark; `, `sid=`.
fn split_name(before: &str) -> (&str, &str) {
    let name = before.rfind([' ', ';', '&']).map_or(0, |separator| separator + 1);
    before.split_at(if before.ends_with('=') { name } else { before.len() })
}

/// `api.example.com/v1` → `API_EXAMPLE_COM_V1`
fn words(text: &str) -> String {
    let upper = text.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { ' ' });
    upper.collect::<String>().split_whitespace().collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_told_from_an_author() {
        for name in
            ["x-auth", "authorization", "X-Authorisation", "oauth_code", "passwort", "authLogin", "author-token"]
        {
            assert!(is_secret(name), "{name}");
        }
        for name in ["authority", "author", "authors", "co-author"] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn a_secret_becomes_a_variable_and_the_same_secret_the_same_one() {
        let mut secrets = Secrets::default();
        assert_eq!(
            secrets.reference("api.x.test/v1", "authorization", "Bearer abcdef"),
            "Bearer ${secret:API_X_TEST_V1_AUTHORIZATION}"
        );
        assert_eq!(secrets.reference("other", "x-token", "abcdef"), "${secret:API_X_TEST_V1_AUTHORIZATION}");
        assert_eq!(
            secrets.reference("api.x.test/v1", "authorization", "other1"),
            "${secret:API_X_TEST_V1_AUTHORIZATION_2}"
        );
        assert_eq!(secrets.reference("1x", "k", "Bearer ${TOKEN}"), "Bearer ${secret:TOKEN}");
        assert_eq!(secrets.reference("1x", "k", "v${a}"), "v${secret:a}");
        assert_eq!(secrets.reference("1.x", "key", "secret"), "${secret:P_1_X_KEY}");
    }

    #[test]
    fn what_an_earlier_step_captures_is_no_secret_of_the_file() {
        let mut secrets = Secrets::default();
        let mut reference = |value: &str| secrets.reference("x", "k", value);
        assert_eq!(reference("Bearer {{token}}"), "Bearer {{token}}");
        assert_eq!(reference("{{a}};{{b-c}}"), "{{a}};{{b-c}}");
        assert_eq!(reference("sid={{a}}; t={{b}}"), "sid={{a}}; t={{b}}");
        assert_eq!(reference("hunter22{{a}}"), "${secret:X_K}{{a}}");
        assert_eq!(reference("{{a}}hunter22{{b}}hunter23"), "{{a}}${secret:X_K}{{b}}${secret:X_K_2}");
        assert_eq!(reference("{{ .a }}"), "${secret:X_K_3}");
    }
}
