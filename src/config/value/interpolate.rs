//! Variables in texts: `${NAME}`, `${NAME:-default}`, `${secret:NAME}` and `${file:path}` are
//! filled in after parsing, on text values alone, so that a value cannot rewrite the file;
//! `$${` is the text `${`. `{{name}}` stays as a capture, and `{name}` is a key of the matrix.

use std::path::Path;

use crate::config::reader::ConfigReader;
use crate::config::syntax::source;
use crate::config::syntax::source::SourceError;
use crate::config::syntax::tree::{Item, Node, Span};
use crate::config::value::segments::{self, Segment, Variable, VariableSource};
use crate::model::{Captures, SHORTEST_SECRET, Secret, Value, ValuePart, message, suggest};

/// Maximum size of a file that `${file:…}` reads, in bytes.
const LARGEST_SECRET_FILE: u64 = 64 * 1024;

/// What a text is used for, which decides whether its values are secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextUse<'n> {
    /// Nothing secret, and no captures: `{{name}}` is literal.
    Text,
    /// Nothing secret, in a request: a capture must be one of an earlier step.
    Open,
    /// Nothing secret, in an expectation: `{{name}}` is a capture if there is one of that name, and literal otherwise,
    /// so that a page can be compared with its template.
    Expectation,
    /// The user of a credential, the URL of a webhook: a secret if it comes from a variable
    /// and is long enough.
    Variable,
    /// A secret of this name: a value from a variable is secret, and so is a text that is written there in plain.
    Secret(&'n str),
}

/// The text of a node that outputs show: it must not hold a secret.
pub(crate) fn plain(reader: &mut ConfigReader, node: &Node) -> Option<String> {
    let value = fill(reader, node, TextUse::Text)?;
    let secret = value.parts.iter().find_map(|part| match part {
        ValuePart::Secret { name, .. } => Some(name.clone()),
        _ => None,
    });
    if let Some(name) = secret {
        let message = message!("the secret ${{{name}}} cannot be used here: this text is shown in outputs");
        reader.problem(&node.span, message);
        return None;
    }
    Some(value.to_string())
}

/// The text of a node as a value.
pub(crate) fn fill(reader: &mut ConfigReader, node: &Node, usage: TextUse) -> Option<Value> {
    let Item::Text(raw) = &node.item else { return None };
    fill_text(reader, raw, &node.span, usage)
}

/// A text that stands at a span, as a value.
pub(crate) fn fill_text(reader: &mut ConfigReader, raw: &str, span: &Span, usage: TextUse) -> Option<Value> {
    let pieces = read_pieces(reader, raw, span)?;
    warn_of_foreign_variables(reader, &pieces, usage);
    let literal = pieces.iter().all(|piece| matches!(piece, Segment::Plain(_)));
    let mut parts = Vec::new();
    for piece in pieces {
        match (piece, usage) {
            (Segment::Plain(text), TextUse::Secret(name)) if literal => {
                parts.extend(open_secret(reader, name, &text, span));
            }
            (Segment::Plain(text), _) => parts.push(ValuePart::Plain(text)),
            (Segment::Capture { name, written }, usage) => parts.push(capture(reader, name, written, span, usage)?),
            (Segment::Variable(variable), _) => parts.push(resolve(reader, &variable, span, usage)?),
        }
    }
    Some(Value { parts: join_plain(parts) })
}

/// Warns of `$TOKEN`: it is literal, and probably not meant so if TOKEN is set.
pub(crate) fn warn_of_foreign_variables(reader: &mut ConfigReader, segments: &[Segment], usage: TextUse) {
    for segment in segments {
        let Segment::Plain(text) = segment else { continue };
        for (written, name) in segments::foreign_variables(text) {
            let is_secret = matches!(usage, TextUse::Secret(_));
            // A secret that begins with `$` is rare; a shell variable in its place is not.
            let is_of_shell = is_secret && name.len() > 1 && !name.contains(|c: char| c.is_ascii_lowercase());
            if is_of_shell || (reader.env)(name).is_some() {
                let ours = if is_secret { "secret:" } else { "" };
                reader.warn(&format!("`{written}` is used as text; write ${{{ours}{name}}} for the variable {name}"));
            }
        }
    }
}

/// The pieces of a text that stands at a span.
pub(crate) fn read_pieces(reader: &mut ConfigReader, raw: &str, span: &Span) -> Option<Vec<Segment>> {
    match segments::pieces(raw, |key| reader.matrix.get(key).cloned()) {
        Ok(pieces) => Some(pieces),
        Err(error) => {
            let help = match error.meant {
                Some(meant) => format!("write {meant}"),
                None => "write `$${` for the text `${` itself".to_owned(),
            };
            reader.advise(span, error.message, help);
            None
        }
    }
}

/// `{{name}}`, as a capture or literally.
pub(crate) fn capture(
    reader: &mut ConfigReader,
    name: String,
    written: String,
    span: &Span,
    usage: TextUse,
) -> Option<ValuePart> {
    if usage != TextUse::Text && (reader.captures.contains(&name) || reader.captures_anything) {
        return Some(ValuePart::Capture(name));
    }
    // A text of the command line has no earlier steps.
    if matches!(usage, TextUse::Text | TextUse::Expectation) || span.is_argument() {
        return Some(ValuePart::Plain(written));
    }
    let at = narrowed(reader, span, &written);
    let message = message!("no earlier step captures {written}");
    let is_variable = (reader.env)(&name).is_some();
    match suggest::nearest(&name, reader.captures.iter().map(String::as_str)) {
        Some(near) => {
            let help = message!("did you mean {{{{{near}}}}}?");
            reader.advise(&at, message, help);
        }
        None if is_variable => reader.advise(&at, message, message!("write ${{{name}}} for the environment variable")),
        None => reader.problem(&at, message),
    }
    None
}

/// A secret written in the file. The scheme of a credential stays readable.
pub(crate) fn open_secret(reader: &mut ConfigReader, name: &str, text: &str, span: &Span) -> Vec<ValuePart> {
    let scheme =
        ["Bearer ", "Basic ", "Token ", "bearer ", "token "].into_iter().find(|scheme| text.starts_with(scheme));
    let (scheme, rest) = text.split_at(scheme.map_or(0, str::len));
    let is_variable = matches!(segments::foreign_variables(rest)[..], [(written, name)] if written == rest && (reader.env)(name).is_some());
    if rest.is_empty() || is_variable {
        return vec![ValuePart::Plain(text.to_owned())];
    }
    reader.mask(span);
    reader.keep_secret(rest);
    reader.warn_of_open_secret(name, span);
    let secret = ValuePart::Secret { name: variable_name(name), value: Secret::new(rest) };
    vec![ValuePart::Plain(scheme.to_owned()), secret]
}

/// `x-api-key` → `X_API_KEY`
pub(crate) fn variable_name(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

/// The value of a variable.
pub(crate) fn resolve(
    reader: &mut ConfigReader,
    variable: &Variable,
    span: &Span,
    usage: TextUse,
) -> Option<ValuePart> {
    let at = narrowed(reader, span, &variable.written);
    let written = &variable.written;
    let found = match &variable.origin {
        VariableSource::Environment(name) | VariableSource::Secret(name) => (reader.env)(name),
        VariableSource::File(path) => match read_secret_file(reader, path, span) {
            Ok(text) => Some(text),
            Err(error) => {
                reader.missing(&at, written, message!("{written}: the file {error}"), None);
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
                VariableSource::Environment(name) if !matches!(usage, TextUse::Secret(_)) => {
                    (message!("set {name}, or give it a default: ${{{name}:-default}}"), name)
                }
                VariableSource::Environment(name) | VariableSource::Secret(name) | VariableSource::File(name) => {
                    (message!("set {name}"), name)
                }
            };
            reader.missing(&at, written, message!("the environment variable {name} is not set"), Some(help));
            return None;
        }
    };
    let is_secret = match usage {
        _ if !matches!(variable.origin, VariableSource::Environment(_)) => true,
        TextUse::Secret(_) => true,
        TextUse::Variable => value.len() >= SHORTEST_SECRET,
        TextUse::Text | TextUse::Open | TextUse::Expectation => false,
    };
    if !is_secret {
        return Some(ValuePart::Plain(value));
    }
    if value.is_empty() {
        reader.missing(&at, written, message!("the secret {written} is empty"), None);
        return None;
    }
    if value.len() < SHORTEST_SECRET {
        let most = SHORTEST_SECRET - 1;
        reader.warn(&format!(
            "the secret {written} is too short to be found where a server repeats it: {most} bytes or less"
        ));
    }
    reader.keep_secret(&value);
    let name = match &variable.origin {
        VariableSource::Environment(name) | VariableSource::Secret(name) => name.clone(),
        VariableSource::File(path) => format!("file:{path}"),
    };
    Some(ValuePart::Secret { name, value: Secret::new(&value) })
}

/// The span of a variable within its text, if it can be found there.
fn narrowed(reader: &ConfigReader, span: &Span, written: &str) -> Span {
    match reader.text_at(span).find(written) {
        Some(at) => Span { file: span.file, start: span.start + at, end: span.start + at + written.len() },
        None => span.clone(),
    }
}

/// The text of a file without its last line break.
fn read_secret_file(reader: &ConfigReader, path: &str, span: &Span) -> Result<String, SourceError> {
    let path = reader.folder_of(span).join(Path::new(path));
    let mut files = reader.files.borrow_mut();
    let read = files.entry(path.clone()).or_insert_with(|| source::read_text(&path, LARGEST_SECRET_FILE));
    read.as_ref().map(|text| text.trim_end_matches(['\n', '\r']).to_owned()).map_err(Clone::clone)
}

/// The text of a value with a placeholder word for each capture.
pub(crate) fn stand_in(value: &Value) -> String {
    let captures: Captures = value.captures().map(|name| (name.to_owned(), "capture".to_owned())).collect();
    value.fill(&captures).unwrap_or_default()
}

/// Joins adjacent plain texts.
pub(crate) fn join_plain(parts: Vec<ValuePart>) -> Vec<ValuePart> {
    let mut joined: Vec<ValuePart> = Vec::with_capacity(parts.len());
    for part in parts {
        match (joined.last_mut(), part) {
            (_, ValuePart::Plain(text)) if text.is_empty() => {}
            (Some(ValuePart::Plain(before)), ValuePart::Plain(text)) => before.push_str(&text),
            (_, part) => joined.push(part),
        }
    }
    joined
}
