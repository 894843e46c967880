//! The parts of the key table: tables, keys, and the types of their values.

/// A table of the file and the keys that it may have.
#[derive(Debug)]
pub(crate) struct TableSchema {
    /// Its name in messages: `[settings]`.
    pub(crate) title: &'static str,
    /// Its keys, in groups that tables share.
    pub(crate) groups: &'static [&'static [Key]],
    /// The keys that must be there.
    pub(crate) required: &'static [&'static str],
}

/// A key: its name, its type, and its meaning.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) value_type: ValueType,
    /// The default as the reference shows it; empty if there is none.
    pub(crate) default: &'static str,
    /// One sentence for the reference.
    pub(crate) meaning: &'static str,
}

/// The type of a value.
#[derive(Debug)]
pub(crate) enum ValueType {
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
    /// Any JSON value.
    Json,
    /// A text, a number or a boolean: the value of a form field.
    Scalar,
    /// A date with time and offset, as a TOML date or as text.
    Instant,
    /// A list of at least one.
    List(&'static ValueType),
    /// One, or a list of at least one.
    OneOrMore(&'static ValueType),
    /// One, or a list that may be empty.
    Some(&'static ValueType),
    /// Any of several; messages name the first.
    Either(&'static [ValueType]),
    /// A table of known keys.
    Table(&'static TableSchema),
    /// A table of names that the author chooses.
    Map(&'static ValueType),
}

impl TableSchema {
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'static Key> {
        self.groups.iter().flat_map(|group| group.iter())
    }

    pub(crate) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }
}

impl ValueType {
    /// Its name in messages and in the reference: `a duration such as "30s"`.
    pub(crate) fn title(&self) -> String {
        match self {
            ValueType::Text => "text".to_owned(),
            ValueType::Words(words) => list_of(words),
            ValueType::Duration => "a duration such as \"30s\"".to_owned(),
            ValueType::Bytes => "a size such as \"1MiB\"".to_owned(),
            ValueType::Integer(..) => "an integer".to_owned(),
            ValueType::Number => "a number".to_owned(),
            ValueType::Boolean => "true or false".to_owned(),
            ValueType::Json => "anything".to_owned(),
            ValueType::Scalar => "text, a number or a boolean".to_owned(),
            ValueType::Instant => "a date with time and offset".to_owned(),
            ValueType::List(of) => format!("a list of {}", of.plural()),
            ValueType::OneOrMore(of) | ValueType::Some(of) => format!("{}, or a list", of.title()),
            ValueType::Either(types) => types.iter().map(ValueType::title).collect::<Vec<_>>().join(" or "),
            ValueType::Table(_) => "a table".to_owned(),
            ValueType::Map(of) => format!("a table of names to {}", of.plural()),
        }
    }

    fn plural(&self) -> String {
        match self {
            ValueType::Text => "texts".to_owned(),
            ValueType::Table(_) => "tables".to_owned(),
            ValueType::OneOrMore(of) | ValueType::Some(of) => of.plural(),
            other => other.title(),
        }
    }
}

/// `"a", "b" or "c"`
pub(crate) fn list_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => String::new(),
    }
}

pub(crate) const fn key(
    name: &'static str,
    value_type: ValueType,
    default: &'static str,
    meaning: &'static str,
) -> Key {
    Key { name, value_type, default, meaning }
}
