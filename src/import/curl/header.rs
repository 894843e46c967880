//! Headers of `-H`: what curl sends, and what it is told not to send.

use crate::import::draft::ProbeDraft;

use super::transfer::Transfer;

/// Headers that every check sends, as curl does.
const ALWAYS_SENT: [&str; 3] = ["accept", "accept-encoding", "user-agent"];

/// The name and the value of a header: `NAME:` is not sent at all, and `NAME;` is sent empty.
pub(super) fn parts(text: &str) -> Option<(&str, Option<&str>)> {
    match text.split_once(':') {
        Some((name, value)) => Some((name.trim(), Some(value.trim()).filter(|value| !value.is_empty()))),
        None => text.trim_end().strip_suffix(';').map(|name| (name.trim(), Some(""))),
    }
}

/// Carries over a header that curl is told not to send.
pub(super) fn note_removed(draft: &mut ProbeDraft, option: &str, name: &str) {
    let lower = name.to_ascii_lowercase();
    if ALWAYS_SENT.contains(&lower.as_str()) {
        draft.set(&format!("headers.{lower}"), "[]");
    } else {
        draft.remark(&format!("`{option}` removes a header that curl adds and uptick does not send"));
    }
}

impl Transfer {
    /// Whether `-H NAME:` keeps curl from sending a header that it would add.
    pub(super) fn removes(&self, name: &str) -> bool {
        let mut removed =
            self.all(&["header"]).filter_map(|(_, text)| parts(text)).filter(|(_, value)| value.is_none());
        removed.any(|(removed, _)| removed.eq_ignore_ascii_case(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_without_a_value_removes_a_header_and_a_semicolon_sends_it_empty() {
        for (text, read) in [
            ("Accept: a/b", Some(("Accept", Some("a/b")))),
            ("X:a:b", Some(("X", Some("a:b")))),
            ("X: ;", Some(("X", Some(";")))),
            ("Expect:", Some(("Expect", None))),
            ("X-Empty;", Some(("X-Empty", Some("")))),
            ("X-Empty", None),
            ("@headers.txt", None),
        ] {
            assert_eq!(parts(text), read, "{text}");
        }
    }
}
