//! Variables in texts: `${NAME}`, `${NAME:-default}`, `${secret:NAME}` and `${file:path}` are
//! filled in after parsing, on text values alone, so that a value cannot rewrite the file;
//! `$${` is the text `${`. `{{name}}` stays as a capture, and `{name}` is a key of the matrix.

use std::path::Path;

use crate::config::reader::ConfigReader;
use crate::config::syntax::source;
use crate::config::syntax::source::SourceError;
use crate::config::syntax::tree::{Item, Node, Span};
use crate::model::{Captures, SHORTEST_SECRET, Secret, Value, ValuePart, suggest};

/// The largest file that `${file:…}` reads, in bytes.
const LARGEST_SECRET_FILE: u64 = 64 * 1024;

/// A piece of a text before it is filled in.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Segment {
    Plain(String),
    Variable(Variable),
    Capture { name: String, written: String },
}

/// `${…}`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Variable {
    /// As written, with its braces.
    written: String,
    origin: VariableSource,
    default: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
enum VariableSource {
    Environment(String),
    Secret(String),
    File(String),
}

/// What a text is used for, which decides whether what it holds is a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextUse<'n> {
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
pub(crate) fn plain(reader: &mut ConfigReader, node: &Node) -> Option<String> {
    let value = fill(reader, node, TextUse::Text)?;
    let secret = value.parts.iter().find_map(|part| match part {
        ValuePart::Secret { name, .. } => Some(name.clone()),
        _ => None,
    });
    if let Some(name) = secret {
        let message = format!("the secret ${{{name}}} cannot be used here: this text is shown in outputs");
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

/// `$TOKEN` is text, and where TOKEN is set probably not meant as text.
pub(crate) fn warn_of_foreign_variables(reader: &mut ConfigReader, segments: &[Segment], usage: TextUse) {
    for segment in segments {
        let Segment::Plain(text) = segment else { continue };
        for (written, name) in foreign_variables(text) {
            if (reader.env)(name).is_some() {
                let ours = if matches!(usage, TextUse::Secret(_)) { "secret:" } else { "" };
                reader.warn(&format!("`{written}` is used as text; write ${{{ours}{name}}} for the variable {name}"));
            }
        }
    }
}

/// The pieces of a text that stands at a span.
pub(crate) fn read_pieces(reader: &mut ConfigReader, raw: &str, span: &Span) -> Option<Vec<Segment>> {
    match pieces(raw, |key| reader.matrix.get(key).cloned()) {
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

/// `{{name}}`, as a capture or as the text that it is.
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
    // What is typed in a command line has no earlier steps.
    if matches!(usage, TextUse::Text | TextUse::Expectation) || span.is_argument() {
        return Some(ValuePart::Plain(written));
    }
    let at = narrowed(reader, span, &written);
    let message = format!("no earlier step captures {written}");
    let is_variable = (reader.env)(&name).is_some();
    match suggest::nearest(&name, reader.captures.iter().map(String::as_str)) {
        Some(near) => {
            let help = format!("did you mean {{{{{near}}}}}?");
            reader.advise(&at, message, help);
        }
        None if is_variable => reader.advise(&at, message, format!("write ${{{name}}} for the environment variable")),
        None => reader.problem(&at, message),
    }
    None
}

/// A secret that stands in the file as text. The scheme of a credential stays readable.
pub(crate) fn open_secret(reader: &mut ConfigReader, name: &str, text: &str, span: &Span) -> Vec<ValuePart> {
    let scheme =
        ["Bearer ", "Basic ", "Token ", "bearer ", "token "].into_iter().find(|scheme| text.starts_with(scheme));
    let (scheme, rest) = text.split_at(scheme.map_or(0, str::len));
    let is_variable =
        matches!(foreign_variables(rest)[..], [(written, name)] if written == rest && (reader.env)(name).is_some());
    if rest.len() < SHORTEST_SECRET || is_variable {
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
                reader.missing(&at, written, format!("{written}: the file {error}"), None);
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
                    (format!("set {name}, or give it a default: ${{{name}:-default}}"), name)
                }
                VariableSource::Environment(name) | VariableSource::Secret(name) | VariableSource::File(name) => {
                    (format!("set {name}"), name)
                }
            };
            reader.missing(&at, written, format!("the environment variable {name} is not set"), Some(help));
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
    if value.len() < SHORTEST_SECRET {
        let length = if value.is_empty() { "is empty".to_owned() } else { format!("has {} bytes", value.len()) };
        let message =
            format!("the secret {written} {length}; a secret needs at least {SHORTEST_SECRET} to be redacted");
        reader.missing(&at, written, message, None);
        return None;
    }
    reader.keep_secret(&value);
    let name = match &variable.origin {
        VariableSource::Environment(name) | VariableSource::Secret(name) => name.clone(),
        VariableSource::File(path) => format!("file:{path}"),
    };
    Some(ValuePart::Secret { name, value: Secret::new(&value) })
}

/// The place of a variable inside the text that it stands in, where it can be found there.
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

/// The text of a value with a word in the place of each capture.
pub(crate) fn stand_in(value: &Value) -> String {
    let captures: Captures = value.captures().map(|name| (name.to_owned(), "capture".to_owned())).collect();
    value.fill(&captures).unwrap_or_default()
}

/// Joins texts that follow each other.
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

/// The names between single braces in a text.
pub(crate) fn placeholders(text: &str) -> Vec<&str> {
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
fn pieces(raw: &str, matrix: impl Fn(&str) -> Option<String>) -> Result<Vec<Segment>, VariableError> {
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
            let end = inside.find('}').ok_or_else(|| VariableError::new("`${` is not closed by `}`".to_owned()))?;
            pieces.push(Segment::Plain(std::mem::take(&mut plain)));
            pieces.push(Segment::Variable(variable(&inside[..end])?));
            rest = &inside[end + 1..];
        } else if let Some((name, after)) = braced(rest, "{{", "}}") {
            pieces.push(Segment::Plain(std::mem::take(&mut plain)));
            let written = rest[..rest.len() - after.len()].to_owned();
            pieces.push(Segment::Capture { name: name.to_owned(), written });
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
    pieces.push(Segment::Plain(plain));
    pieces.retain(|piece| *piece != Segment::Plain(String::new()));
    Ok(pieces)
}

/// A name between braces, and what follows.
fn braced<'t>(text: &'t str, open: &str, close: &str) -> Option<(&'t str, &'t str)> {
    let (name, after) = text.strip_prefix(open)?.split_once(close)?;
    let name = name.trim();
    is_name(name).then_some((name, after))
}

/// Letters, digits, `_` and `-`, and no digit first.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// A `${…}` that is none.
#[derive(Debug)]
struct VariableError {
    message: String,
    /// The form that is meant, where it can be told.
    meant: Option<String>,
}

impl VariableError {
    const fn new(message: String) -> VariableError {
        VariableError { message, meant: None }
    }
}

fn variable(inside: &str) -> Result<Variable, VariableError> {
    let written = format!("${{{inside}}}");
    if let Some(path) = inside.strip_prefix("file:") {
        if path.is_empty() {
            return Err(VariableError::new(format!("{written} does not name a file")));
        }
        return Ok(Variable { written, origin: VariableSource::File(path.to_owned()), default: None });
    }
    let (name, default) = match inside.split_once(":-") {
        Some((name, default)) => (name, Some(default.to_owned())),
        None => (inside, None),
    };
    let (name, is_secret) = match name.strip_prefix("secret:") {
        Some(name) => (name, true),
        None => (name, false),
    };
    if !is_variable_name(name) {
        let message = format!("{written} does not name a variable: a name has letters, digits and _");
        return Err(VariableError { message, meant: meant_variable(inside) });
    }
    if is_secret && default.is_some() {
        return Err(VariableError::new(format!("{written}: a secret has no default")));
    }
    let origin =
        if is_secret { VariableSource::Secret(name.to_owned()) } else { VariableSource::Environment(name.to_owned()) };
    Ok(Variable { written, origin, default })
}

fn is_variable_name(name: &str) -> bool {
    is_name(name) && !name.contains('-')
}

/// What other tools' `${env:NAME}`, `${NAME-default}`, `${NAME:=default}`, `${NAME:?why}` and
/// `${{ secrets.NAME }}` are here.
fn meant_variable(inside: &str) -> Option<String> {
    let inside = inside.trim_start_matches('{').trim();
    for (prefix, ours) in [("secrets.", "secret:"), ("env.", ""), ("env:", ""), ("ENV:", ""), ("vars.", "")] {
        if let Some(name) = inside.strip_prefix(prefix).filter(|name| is_variable_name(name)) {
            return Some(format!("${{{ours}{name}}}"));
        }
    }
    let end = inside.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(inside.len());
    let (name, rest) = inside.split_at(end);
    if !is_variable_name(name) {
        return None;
    }
    if rest.starts_with(":?") || rest.starts_with('?') || rest.trim().is_empty() {
        return Some(format!("${{{name}}}"));
    }
    let default = [":=", ":", "=", "-"].iter().find_map(|sign| rest.strip_prefix(sign))?;
    Some(format!("${{{name}:-{default}}}"))
}

/// The names of variables that a text has in another shell's or tool's form: `$NAME`, `$(NAME)`,
/// `%NAME%`.
fn foreign_variables(text: &str) -> Vec<(&str, &str)> {
    let name_at = |at: usize| {
        let rest = &text[at..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        Some(&rest[..end]).filter(|name| is_variable_name(name))
    };
    let mut found = Vec::new();
    for (at, sign) in text.match_indices(['$', '%']) {
        let after = &text[at + 1..];
        let (open, close) = match (sign, after.starts_with('(')) {
            ("$", true) => (2, ")"),
            ("$", false) => (1, ""),
            _ => (1, "%"),
        };
        let Some(name) = name_at(at + open) else { continue };
        let end = at + open + name.len();
        if text[end..].starts_with(close) {
            found.push((&text[at..end + close.len()], name));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(raw: &str) -> Vec<Segment> {
        pieces(raw, |key| (key == "region").then(|| "us-east".to_owned())).unwrap()
    }

    fn plain_piece(text: &str) -> Segment {
        Segment::Plain(text.to_owned())
    }

    #[test]
    fn variables_captures_and_matrix_keys_are_told_apart() {
        let cut = cut("a ${NAME:-x}{{ token }}{region}{other} $5 $${NOT} {{no name}}");
        let variable = Variable {
            written: "${NAME:-x}".to_owned(),
            origin: VariableSource::Environment("NAME".to_owned()),
            default: Some("x".to_owned()),
        };
        let expected = [
            plain_piece("a "),
            Segment::Variable(variable),
            Segment::Capture { name: "token".to_owned(), written: "{{ token }}".to_owned() },
            plain_piece("us-east{other} $5 ${NOT} {{no name}}"),
        ];
        assert_eq!(cut, expected);
    }

    #[test]
    fn what_is_not_a_variable_is_told_why() {
        let told = |raw| pieces(raw, |_| None).unwrap_err().message;
        assert_eq!(told("a ${NAME"), "`${` is not closed by `}`");
        assert_eq!(told("${}"), "${} does not name a variable: a name has letters, digits and _");
        assert_eq!(told("${1A}"), "${1A} does not name a variable: a name has letters, digits and _");
        assert_eq!(told("${secret:A:-b}"), "${secret:A:-b}: a secret has no default");
        assert_eq!(told("${file:}"), "${file:} does not name a file");
    }

    #[test]
    fn a_variable_in_another_form_is_given_in_ours() {
        let meant = |raw| pieces(raw, |_| None).unwrap_err().meant;
        for (theirs, ours) in [
            ("${env:TOKEN}", "${TOKEN}"),
            ("${{ secrets.TOKEN }}", "${secret:TOKEN}"),
            ("${{ env.TOKEN }}", "${TOKEN}"),
            ("${TOKEN-x}", "${TOKEN:-x}"),
            ("${TOKEN:=x}", "${TOKEN:-x}"),
            ("${TOKEN:x}", "${TOKEN:-x}"),
            ("${TOKEN:?not set}", "${TOKEN}"),
            ("${ TOKEN }", "${TOKEN}"),
        ] {
            assert_eq!(meant(theirs).as_deref(), Some(ours), "{theirs}");
        }
        assert_eq!(meant("${}"), None);
        let foreign = foreign_variables("Bearer $TOKEN, $(TOKEN), %TOKEN%, $5, 100%, ^a$, 50%25");
        assert_eq!(foreign, [("$TOKEN", "TOKEN"), ("$(TOKEN)", "TOKEN"), ("%TOKEN%", "TOKEN")]);
    }

    proptest::proptest! {
        #[test]
        fn a_text_without_dollar_and_brace_is_itself(raw in "[^${]{1,40}") {
            proptest::prop_assert_eq!(cut(&raw), vec![Segment::Plain(raw)]);
        }

        #[test]
        fn no_text_panics(raw in "[${}a:_ -]{0,40}") {
            let _ = pieces(&raw, |_| None);
        }
    }
}
