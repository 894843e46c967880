//! Variables in texts: `${NAME}`, `${NAME:-default}`, `${secret:NAME}` and `${file:path}` are
//! filled in after parsing, on text values alone, so that a value cannot rewrite the file;
//! `$${` is the text `${`. `{{name}}` stays as a capture, and `{name}` is a key of the matrix.

use std::path::Path;

use super::reader::Reader;
use super::source;
use super::tree::{Item, Node, Place};
use crate::model::{Part, SHORTEST_SECRET, Secret, Value};

/// The largest file that `${file:…}` reads, in bytes.
const LARGEST_SECRET_FILE: u64 = 64 * 1024;

/// A piece of a text before it is filled in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Plain(String),
    Variable(Variable),
    Capture { name: String, written: String },
}

/// `${…}`
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Variable {
    /// As written, with its braces.
    written: String,
    origin: Origin,
    default: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum Origin {
    Environment(String),
    Secret(String),
    File(String),
}

/// What a text is used for, which decides whether what it holds is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use<'n> {
    /// Nothing secret, and captures are not known here: `{{name}}` is text.
    Text,
    /// Nothing secret, in a request: a capture must be one of an earlier step.
    Open,
    /// Nothing secret, in an expectation: `{{name}}` is a capture where there is one of that
    /// name, and text otherwise, so that a page can be held against its template.
    Expectation,
    /// The user of a credential, the URL of a webhook: a secret where it comes from a variable
    /// and is long enough.
    Variable,
    /// A secret place with this name: a value from a variable is a secret, and so is a text
    /// that stands there in the open.
    Secret(&'n str),
}

/// The text of a node that is shown in outputs: no secret may stand there.
pub(super) fn plain(reader: &mut Reader, node: &Node) -> Option<String> {
    let value = fill(reader, node, Use::Text)?;
    let secret = value.parts.iter().find_map(|part| match part {
        Part::Secret { name, .. } => Some(name.clone()),
        _ => None,
    });
    if let Some(name) = secret {
        let message = format!("the secret ${{{name}}} cannot stand here: this text is shown in outputs");
        reader.problem(&node.place, message);
        return None;
    }
    Some(value.to_string())
}

/// The text of a node as a value.
pub(super) fn fill(reader: &mut Reader, node: &Node, usage: Use) -> Option<Value> {
    let Item::Text(raw) = &node.item else { return None };
    fill_text(reader, raw, &node.place, usage)
}

/// A text that stands at a place, as a value.
pub(super) fn fill_text(reader: &mut Reader, raw: &str, place: &Place, usage: Use) -> Option<Value> {
    let pieces = read_pieces(reader, raw, place)?;
    let literal = pieces.iter().all(|piece| matches!(piece, Piece::Plain(_)));
    let mut parts = Vec::new();
    for piece in pieces {
        match (piece, usage) {
            (Piece::Plain(text), Use::Secret(name)) if literal => parts.extend(open_secret(reader, name, &text, place)),
            (Piece::Plain(text), _) => parts.push(Part::Plain(text)),
            (Piece::Capture { name, written }, usage) => parts.push(capture(reader, name, written, place, usage)?),
            (Piece::Variable(variable), _) => parts.push(resolve(reader, &variable, place, usage)?),
        }
    }
    Some(Value { parts: join_plain(parts) })
}

/// The pieces of a text that stands at a place.
pub(super) fn read_pieces(reader: &mut Reader, raw: &str, place: &Place) -> Option<Vec<Piece>> {
    match pieces(raw, |key| reader.matrix.get(key).cloned()) {
        Ok(pieces) => Some(pieces),
        Err(message) => {
            reader.advise(place, message, "write `$${` for the text `${` itself");
            None
        }
    }
}

/// `{{name}}`, as a capture or as the text that it is.
pub(super) fn capture(reader: &mut Reader, name: String, written: String, place: &Place, usage: Use) -> Option<Part> {
    if usage != Use::Text && (reader.captures.contains(&name) || reader.captures_anything) {
        return Some(Part::Capture(name));
    }
    if matches!(usage, Use::Text | Use::Expectation) {
        return Some(Part::Plain(written));
    }
    let at = narrowed(reader, place, &written);
    let message = format!("{written} is captured by no earlier step");
    match super::shape::nearest(&name, reader.captures.iter().map(String::as_str)) {
        Some(near) => {
            let help = format!("did you mean {{{{{near}}}}}?");
            reader.advise(&at, message, help);
        }
        None => reader.problem(&at, message),
    }
    None
}

/// A secret that stands in the file as text. The scheme of a credential stays readable.
pub(super) fn open_secret(reader: &mut Reader, name: &str, text: &str, place: &Place) -> Vec<Part> {
    let scheme =
        ["Bearer ", "Basic ", "Token ", "bearer ", "token "].into_iter().find(|scheme| text.starts_with(scheme));
    let (scheme, rest) = text.split_at(scheme.map_or(0, str::len));
    if rest.len() < SHORTEST_SECRET {
        return vec![Part::Plain(text.to_owned())];
    }
    reader.mask(place);
    reader.keep_secret(rest);
    reader.warn(&format!(
        "`{name}` is a secret that stands in the file as text; take it from the environment: ${{secret:NAME}}"
    ));
    let secret = Part::Secret { name: variable_name(name), value: Secret::new(rest) };
    vec![Part::Plain(scheme.to_owned()), secret]
}

/// `x-api-key` → `X_API_KEY`
pub(super) fn variable_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// The value of a variable.
pub(super) fn resolve(reader: &mut Reader, variable: &Variable, place: &Place, usage: Use) -> Option<Part> {
    let at = narrowed(reader, place, &variable.written);
    let written = &variable.written;
    let found = match &variable.origin {
        Origin::Environment(name) | Origin::Secret(name) => (reader.env)(name),
        Origin::File(path) => match read_secret_file(reader, path, place) {
            Ok(text) => Some(text),
            Err(sentence) => {
                reader.problem(&at, format!("{written}: the file {sentence}"));
                return None;
            }
        },
    };
    let value = match (found, &variable.default) {
        (Some(value), Some(default)) if value.is_empty() => default.clone(),
        (Some(value), _) => value,
        (None, Some(default)) => default.clone(),
        (None, None) => {
            let (help, name) = match &variable.origin {
                Origin::Environment(name) if !matches!(usage, Use::Secret(_)) => {
                    (format!("set {name}, or give it a default: ${{{name}:-default}}"), name)
                }
                Origin::Environment(name) | Origin::Secret(name) | Origin::File(name) => (format!("set {name}"), name),
            };
            reader.advise(&at, format!("the environment variable {name} is not set"), help);
            return None;
        }
    };
    let is_secret = match usage {
        _ if !matches!(variable.origin, Origin::Environment(_)) => true,
        Use::Secret(_) => true,
        Use::Variable => value.len() >= SHORTEST_SECRET,
        Use::Text | Use::Open | Use::Expectation => false,
    };
    if !is_secret {
        return Some(Part::Plain(value));
    }
    if value.len() < SHORTEST_SECRET {
        let length = if value.is_empty() { "is empty".to_owned() } else { format!("has {} bytes", value.len()) };
        reader.problem(
            &at,
            format!("the secret {written} {length}; a secret needs at least {SHORTEST_SECRET} to be redacted"),
        );
        return None;
    }
    reader.keep_secret(&value);
    let name = match &variable.origin {
        Origin::Environment(name) | Origin::Secret(name) => name.clone(),
        Origin::File(path) => format!("file:{path}"),
    };
    Some(Part::Secret { name, value: Secret::new(&value) })
}

/// The place of a variable inside the text that it stands in, where it can be found there.
fn narrowed(reader: &Reader, place: &Place, written: &str) -> Place {
    match reader.text_at(place).find(written) {
        Some(at) => Place { file: place.file, start: place.start + at, end: place.start + at + written.len() },
        None => place.clone(),
    }
}

/// The text of a file without its last line break.
fn read_secret_file(reader: &Reader, path: &str, place: &Place) -> Result<String, String> {
    let path = reader.folder_of(place).join(Path::new(path));
    let mut files = reader.files.borrow_mut();
    let read = files.entry(path.clone()).or_insert_with(|| source::read_text(&path, LARGEST_SECRET_FILE));
    read.as_ref().map(|text| text.trim_end_matches(['\n', '\r']).to_owned()).map_err(Clone::clone)
}

/// Joins texts that follow each other.
pub(super) fn join_plain(parts: Vec<Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::with_capacity(parts.len());
    for part in parts {
        match (joined.last_mut(), part) {
            (_, Part::Plain(text)) if text.is_empty() => {}
            (Some(Part::Plain(before)), Part::Plain(text)) => before.push_str(&text),
            (_, part) => joined.push(part),
        }
    }
    joined
}

/// The names between single braces in a text.
pub(super) fn placeholders(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices('{') {
        if !text[..at].ends_with(['$', '{'])
            && let Some((name, _)) = braced(&text[at..], "{", "}")
        {
            names.push(name);
        }
    }
    names
}

/// Cuts a text into its pieces.
fn pieces(raw: &str, matrix: impl Fn(&str) -> Option<String>) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = raw;
    while let Some(at) = rest.find(['$', '{']) {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$${") {
            plain.push_str("${");
            rest = after;
        } else if let Some(inside) = rest.strip_prefix("${") {
            let end = inside.find('}').ok_or("`${` is not closed by `}`")?;
            pieces.push(Piece::Plain(std::mem::take(&mut plain)));
            pieces.push(Piece::Variable(variable(&inside[..end])?));
            rest = &inside[end + 1..];
        } else if let Some((name, after)) = braced(rest, "{{", "}}") {
            pieces.push(Piece::Plain(std::mem::take(&mut plain)));
            let written = rest[..rest.len() - after.len()].to_owned();
            pieces.push(Piece::Capture { name: name.to_owned(), written });
            rest = after;
        } else if let Some((value, after)) =
            braced(rest, "{", "}").and_then(|(name, after)| Some((matrix(name)?, after)))
        {
            plain.push_str(&value);
            rest = after;
        } else {
            plain.push_str(&rest[..1]);
            rest = &rest[1..];
        }
    }
    plain.push_str(rest);
    pieces.push(Piece::Plain(plain));
    pieces.retain(|piece| *piece != Piece::Plain(String::new()));
    Ok(pieces)
}

/// A name between braces, and what follows.
fn braced<'t>(text: &'t str, open: &str, close: &str) -> Option<(&'t str, &'t str)> {
    let (name, after) = text.strip_prefix(open)?.split_once(close)?;
    let name = name.trim();
    is_name(name).then_some((name, after))
}

/// Letters, digits, `_` and `-`, and no digit first.
pub(super) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

fn variable(inside: &str) -> Result<Variable, String> {
    let written = format!("${{{inside}}}");
    if let Some(path) = inside.strip_prefix("file:") {
        if path.is_empty() {
            return Err(format!("{written} names no file"));
        }
        return Ok(Variable { written, origin: Origin::File(path.to_owned()), default: None });
    }
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default.to_owned())),
        None => (inside, None),
    };
    let (name, is_secret) = match name.strip_prefix("secret:") {
        Some(name) => (name, true),
        None => (name, false),
    };
    if !is_name(name) || name.contains('-') {
        return Err(format!("{written} names no variable: a name has letters, digits and _"));
    }
    if is_secret && default.is_some() {
        return Err(format!("{written}: a secret has no default"));
    }
    let origin = if is_secret { Origin::Secret(name.to_owned()) } else { Origin::Environment(name.to_owned()) };
    Ok(Variable { written, origin, default })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(raw: &str) -> Vec<Piece> {
        pieces(raw, |key| (key == "region").then(|| "us-east".to_owned())).unwrap()
    }

    fn plain_piece(text: &str) -> Piece {
        Piece::Plain(text.to_owned())
    }

    #[test]
    fn variables_captures_and_matrix_keys_are_told_apart() {
        let cut = cut("a ${NAME:-x}{{ token }}{region}{other} $5 $${NOT} {{no name}}");
        let variable = Variable {
            written: "${NAME:-x}".to_owned(),
            origin: Origin::Environment("NAME".to_owned()),
            default: Some("x".to_owned()),
        };
        let expected = [
            plain_piece("a "),
            Piece::Variable(variable),
            Piece::Capture { name: "token".to_owned(), written: "{{ token }}".to_owned() },
            plain_piece("us-east{other} $5 ${NOT} {{no name}}"),
        ];
        assert_eq!(cut, expected);
    }

    #[test]
    fn what_is_not_a_variable_is_told_why() {
        let told = |raw| pieces(raw, |_| None).unwrap_err();
        assert_eq!(told("a ${NAME"), "`${` is not closed by `}`");
        assert_eq!(told("${}"), "${} names no variable: a name has letters, digits and _");
        assert_eq!(told("${1A}"), "${1A} names no variable: a name has letters, digits and _");
        assert_eq!(told("${secret:A:-b}"), "${secret:A:-b}: a secret has no default");
        assert_eq!(told("${file:}"), "${file:} names no file");
    }

    proptest::proptest! {
        #[test]
        fn a_text_without_dollar_and_brace_is_itself(raw in "[^${]{1,40}") {
            proptest::prop_assert_eq!(cut(&raw), vec![Piece::Plain(raw)]);
        }

        #[test]
        fn no_text_panics(raw in "[${}a:_ -]{0,40}") {
            let _ = pieces(&raw, |_| None);
        }
    }
}
