//! Secrets in a body that is written as a text: the values of form fields and of members of JSON with a name such as
//! `password`.

use std::ops::Range;

use crate::model::{SHORTEST_SECRET, is_secret_name};

/// The secrets of a text: the name of each and its bytes as they are written there.
pub(crate) fn within(text: &str) -> Vec<(String, Range<usize>)> {
    let found = if text.trim_start().starts_with(['{', '[']) { of_json(text) } else { of_form(text) };
    // A short value, as in `sort_key=id`, is a secret by its name only.
    found.into_iter().filter(|(name, at)| at.len() >= SHORTEST_SECRET && is_secret_name(name)).collect()
}

fn of_form(text: &str) -> Vec<(String, Range<usize>)> {
    let mut start = 0;
    let mut found = Vec::new();
    for field in text.split('&') {
        if let Some((name, value)) = field.split_once('=') {
            let begin = start + name.len() + 1;
            found.push((name.to_owned(), begin..begin + value.trim_end().len()));
        }
        start += field.len() + 1;
    }
    found
}

/// The members whose value is a string; the range is what stands between its quotes.
fn of_json(text: &str) -> Vec<(String, Range<usize>)> {
    let strings = strings(text);
    let pairs = strings.windows(2).filter(|pair| text[pair[0].end + 1..pair[1].start - 1].trim() == ":");
    pairs.map(|pair| (text[pair[0].clone()].to_owned(), pair[1].clone())).collect()
}

/// What stands between the quotes of each string of a JSON text.
fn strings(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let (mut begin, mut is_escaped) = (None, false);
    for (at, byte) in text.bytes().enumerate() {
        match (begin, byte) {
            (None, b'"') => begin = Some(at + 1),
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), b'\\') => is_escaped = true,
            (Some(start), b'"') => {
                found.push(start..at);
                begin = None;
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(text: &str) -> Vec<&str> {
        within(text).into_iter().map(|(_, at)| &text[at]).collect()
    }

    #[test]
    fn fields_and_members_are_secret_by_their_name() {
        assert_eq!(secrets("user=a&password=hunter22&x=1\n"), ["hunter22"]);
        assert_eq!(
            secrets("{\"user\": \"password\", \"Password\" : \"hun\\\"ter22\", \"n\": {\"api_key\":\"abcdefgh\"}}"),
            ["hun\\\"ter22", "abcdefgh"]
        );
        assert_eq!(secrets("[{\"token\": 12345678}, \"password\"]"), [""; 0], "a number is none");
        assert_eq!(secrets("password=x"), [""; 0], "too short to be one");
        assert_eq!(secrets("a sentence about a password"), [""; 0]);
        assert_eq!(secrets("{\"password\": \"not closed"), [""; 0]);
    }
}
