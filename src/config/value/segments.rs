//! A text of the probe file cut into its segments: plain text, `${…}`, `{{name}}`, and `{name}` of a matrix.

/// A segment of a text before it is filled in.
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
    pub(crate) written: String,
    pub(crate) origin: VariableSource,
    pub(crate) default: Option<String>,
}

/// Where its value comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum VariableSource {
    Environment(String),
    Secret(String),
    File(String),
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

/// Cuts a text into its segments.
pub(crate) fn pieces(raw: &str, matrix: impl Fn(&str) -> Option<String>) -> Result<Vec<Segment>, VariableError> {
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

/// A name between braces, and the rest.
fn braced<'t>(text: &'t str, open: &str, close: &str) -> Option<(&'t str, &'t str)> {
    let (name, after) = text.strip_prefix(open)?.split_once(close)?;
    let name = name.trim();
    is_name(name).then_some((name, after))
}

/// Letters, digits, `_` and `-`, not beginning with a digit.
pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

/// A `${…}` that is not valid.
#[derive(Debug)]
pub(crate) struct VariableError {
    pub(crate) message: String,
    /// The form that is probably meant.
    pub(crate) meant: Option<String>,
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

/// What other tools' `${env:NAME}`, `${NAME-default}`, `${NAME:=default}`, `${NAME:?why}` and `${{ secrets.NAME }}` are
/// called here.
fn meant_variable(inside: &str) -> Option<String> {
    let inside = inside.trim_start_matches('{').trim();
    for (prefix, ours) in
        [("secrets.", "secret:"), ("env.", ""), ("env:", ""), ("ENV.", ""), ("ENV:", ""), ("vars.", "")]
    {
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

/// Variables in the form of another shell or tool: `$NAME`, `$(NAME)`, `%NAME%`.
pub(crate) fn foreign_variables(text: &str) -> Vec<(&str, &str)> {
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
            ("${ENV.TOKEN}", "${TOKEN}"),
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
