//! The keys of `probes.toml`: the one list that validation, suggestions, the reference and the
//! JSON Schema are made of.

mod answer;
mod file;
mod probe;

pub(super) use answer::{ASSETS, EXPECT, HEADER, JSON, LATENCY};
pub(super) use file::{ALERT, INCIDENT, INCLUDED, NETWORK, ROOT, SETTINGS, SURFACE};
pub(super) use probe::{AUTH, BASIC, CAPTURE, DEFAULTS, FILE, MAINTENANCE, OAUTH2, PROBE, RETRIES, SESSION, STEP, TLS};

/// A table of the file and the keys that may stand in it.
#[derive(Debug)]
pub(super) struct TableShape {
    /// What it is called in a message: `[settings]`.
    pub(super) title: &'static str,
    /// Its keys, in groups that tables share.
    pub(super) groups: &'static [&'static [Key]],
    /// The keys that must be there.
    pub(super) required: &'static [&'static str],
}

/// A key: its name, what may stand there, and what it means.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) shape: Shape,
    /// The default as the reference shows it; empty where there is none.
    pub(super) default: &'static str,
    /// One sentence for the reference.
    pub(super) meaning: &'static str,
}

/// What may stand at a key.
#[derive(Debug)]
pub(super) enum Shape {
    /// Text with variables.
    Text,
    /// One of these words.
    Words(&'static [&'static str]),
    /// A duration as text.
    Duration,
    /// A size as text or an integer.
    Bytes,
    /// An integer in a range.
    Integer(i64, i64),
    /// Any number.
    Number,
    Boolean,
    /// Anything that JSON can say.
    Json,
    /// A text, a number or a boolean: the value of a form field.
    Scalar,
    /// A date with time and offset, as TOML's own or as text.
    Instant,
    /// A list of at least one.
    List(&'static Shape),
    /// One, or a list of at least one.
    OneOrMore(&'static Shape),
    /// One, or a list that may be empty.
    Some(&'static Shape),
    /// Any of several; the first is what a message calls it.
    Either(&'static [Shape]),
    /// A table of known keys.
    Table(&'static TableShape),
    /// A table of names that the author chooses.
    Map(&'static Shape),
}

impl TableShape {
    pub(super) fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.groups.iter().flat_map(|group| group.iter())
    }

    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }
}

impl Shape {
    /// What it is called in a message and in the reference: `a duration such as "30s"`.
    pub(super) fn title(&self) -> String {
        match self {
            Shape::Text => "text".to_owned(),
            Shape::Words(words) => list_of(words),
            Shape::Duration => "a duration such as \"30s\"".to_owned(),
            Shape::Bytes => "a size such as \"1MiB\"".to_owned(),
            Shape::Integer(..) => "an integer".to_owned(),
            Shape::Number => "a number".to_owned(),
            Shape::Boolean => "true or false".to_owned(),
            Shape::Json => "anything".to_owned(),
            Shape::Scalar => "text, a number or a boolean".to_owned(),
            Shape::Instant => "a date with time and offset".to_owned(),
            Shape::List(of) => format!("a list of {}", of.plural()),
            Shape::OneOrMore(of) | Shape::Some(of) => format!("{}, or a list", of.title()),
            Shape::Either(shapes) => shapes.iter().map(Shape::title).collect::<Vec<_>>().join(" or "),
            Shape::Table(_) => "a table".to_owned(),
            Shape::Map(of) => format!("a table of names to {}", of.plural()),
        }
    }

    fn plural(&self) -> String {
        match self {
            Shape::Text => "texts".to_owned(),
            Shape::Table(_) => "tables".to_owned(),
            Shape::OneOrMore(of) | Shape::Some(of) => of.plural(),
            other => other.title(),
        }
    }
}

/// `"a", "b" or "c"`
pub(super) fn list_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

const fn key(name: &'static str, shape: Shape, default: &'static str, meaning: &'static str) -> Key {
    Key { name, shape, default, meaning }
}
