//! `-F NAME=CONTENT` of curl: `@FILE` or `<FILE`, quoted or plain text, then attributes after
//! semicolons.

/// A field of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FormPart {
    pub(super) content: FormContent,
    /// `type=`: its media type.
    pub(super) kind: Option<String>,
    /// Its other attributes: `filename`, `headers`, `encoder`.
    pub(super) others: Vec<String>,
}

/// The content of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FormContent {
    Text(String),
    File(String),
}

impl FormPart {
    /// Parses the text after the `=` of `-F NAME=`. Several files, `@a,b`, become one path, which
    /// does not exist.
    pub(super) fn of(value: &str) -> FormPart {
        let (is_file, value) = match value.strip_prefix(['@', '<']) {
            Some(path) => (true, path),
            None => (false, value),
        };
        let (content, mut rest) = word(value);
        let mut part = FormPart {
            content: if is_file { FormContent::File(content) } else { FormContent::Text(content) },
            kind: None,
            others: Vec::new(),
        };
        while let Some(more) = rest.strip_prefix(';') {
            let Some((name, value)) = more.trim_start().split_once('=') else { break };
            let (value, after) = word(value);
            match name {
                "type" => part.kind = Some(value),
                _ => part.others.push(name.to_owned()),
            }
            rest = after;
        }
        part
    }
}

/// The attributes that can follow the content.
const NAMES: [&str; 4] = ["type=", "filename=", "headers=", "encoder="];

/// A text up to a semicolon, or the inside of quotes, in which a backslash escapes the next
/// character; and the rest. As in curl, a semicolon is part of the text unless a known attribute
/// follows.
fn word(text: &str) -> (String, &str) {
    if let Some(quoted) = text.strip_prefix('"') {
        let (mut inside, mut letters) = (String::new(), quoted.char_indices());
        while let Some((at, letter)) = letters.next() {
            match letter {
                '"' if matches!(quoted[at + 1..].chars().next(), None | Some(';')) => {
                    return (inside, &quoted[at + 1..]);
                }
                '\\' => inside.extend(letters.next().map(|(_, letter)| letter)),
                _ => inside.push(letter),
            }
        }
    }
    let is_end = |at: &usize| NAMES.iter().any(|name| text[at + 1..].trim_start().starts_with(name));
    let end = text.match_indices(';').map(|(at, _)| at).find(is_end).unwrap_or(text.len());
    (text[..end].to_owned(), &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(content: FormContent, kind: Option<&str>, others: &[&str]) -> FormPart {
        FormPart {
            content,
            kind: kind.map(str::to_owned),
            others: others.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn a_part_is_read_as_curl_reads_it() {
        let text = |text: &str| FormContent::Text(text.to_owned());
        let file = |path: &str| FormContent::File(path.to_owned());
        for (given, expected) in [
            ("daniel", part(text("daniel"), None, &[])),
            ("", part(text(""), None, &[])),
            ("a;b;c", part(text("a;b;c"), None, &[])),
            ("<html>;type=text/html", part(file("html>"), Some("text/html"), &[])),
            ("\"red; green; blue\";type=text/x-myapp", part(text("red; green; blue"), Some("text/x-myapp"), &[])),
            ("say \"hi\"", part(text("say \"hi\""), None, &[])),
            ("\"not closed", part(text("\"not closed"), None, &[])),
            ("\"a\\\"b\"", part(text("a\"b"), None, &[])),
            ("@dog.gif", part(file("dog.gif"), None, &[])),
            ("@index.html;type=text/html", part(file("index.html"), Some("text/html"), &[])),
            ("@a;type=text/html;filename=b", part(file("a"), Some("text/html"), &["filename"])),
            (
                "@\"local,file\";filename=\"name;in;post\"; type=a/b",
                part(file("local,file"), Some("a/b"), &["filename"]),
            ),
            ("text;encoder=base64", part(text("text"), None, &["encoder"])),
            ("@-", part(file("-"), None, &[])),
        ] {
            assert_eq!(FormPart::of(given), expected, "{given}");
        }
    }
}
