//! What is a credential by its value, whatever the name of its field.

/// What the keys of well-known services begin with.
const PREFIXES: [&str; 22] = [
    "AIza",
    "AKIA",
    "ASIA",
    "SG.",
    "dop_v1_",
    "eyJ",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "hvs.",
    "npm_",
    "pypi-",
    "rk_live_",
    "sk-",
    "sk_live_",
    "sk_test_",
    "whsec_",
    "xox",
    "ya29.",
];

/// The shortest key of these services, in characters.
const SHORTEST: usize = 20;

/// The shortest part of a path that can be a key, in characters.
const SHORTEST_KEY: usize = 20;

/// Whether a text holds a credential: a key of a well-known service, a JSON Web Token, or what follows the scheme of an
/// `authorization` header.
pub(crate) fn holds_credential(text: &str) -> bool {
    let scheme =
        text.split_once(' ').filter(|(scheme, _)| ["bearer", "basic"].contains(&&*scheme.to_ascii_lowercase()));
    scheme.is_some_and(|(_, rest)| rest.trim().len() >= 8 && !rest.trim().contains(' '))
        || text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.')).any(is_of_service)
}

/// Whether a comment may not show a text: it holds a credential, or a URL with a key in its path.
pub(crate) fn is_unfit_for_comment(text: &str) -> bool {
    holds_credential(text) || text.split(|c: char| !c.is_ascii_alphanumeric()).any(is_key)
}

fn is_of_service(word: &str) -> bool {
    word.len() >= SHORTEST
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && PREFIXES.iter().any(|prefix| word.starts_with(prefix))
}

/// Long, with capital and small letters and digits, and nothing that separates words. A bot's key stands behind
/// its number and a colon, and may have such characters in it.
pub(crate) fn is_key(part: &str) -> bool {
    let of_bot = part.split_once(':').filter(|(bot, _)| bot.bytes().any(|byte| byte.is_ascii_digit()));
    let may_separate = |byte: u8| of_bot.is_some() && matches!(byte, b'-' | b'_');
    let part = of_bot.map_or(part, |(_, key)| key);
    part.len() >= SHORTEST_KEY
        && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || may_separate(byte))
        && part.bytes().any(|byte| byte.is_ascii_digit())
        && part.bytes().any(|byte| byte.is_ascii_uppercase())
        && part.bytes().any(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_known_by_its_value() {
        for text in [
            "Bearer abcdefgh1",
            "basic dXNlcjpwYXNz",
            "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
            "key=AKIAIOSFODNN7EXAMPLE,region=eu",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijklmnop",
        ] {
            assert!(holds_credential(text), "{text}");
        }
        for text in [
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "multipart/form-data; boundary=----WebKitFormBoundaryXSzdE07OT2MkeOO7",
            "bearer of good news",
            "text/html,application/xhtml+xml;q=0.9",
            "sk-short1",
        ] {
            assert!(!holds_credential(text), "{text}");
        }
        assert!(is_unfit_for_comment("https://hooks.example.com/services/T0/B0/aB3dE5fG7hI9jK1lM3nO5pQ7"));
        assert!(!is_unfit_for_comment("https://example.com/a-long-path-of-words-and-2-numbers"));
    }
}
