//! The TOML of a file as a tree with the span of each key and value. It does not know what the keys mean.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

/// The file number of the command line.
const COMMAND_LINE: usize = usize::MAX;

/// A span of bytes in one of the files of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    /// The file, by its number in the order of reading.
    pub(crate) file: usize,
    /// The first byte, and the one after the last.
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    fn new(file: usize, span: Range<usize>) -> Span {
        Span { file, start: span.start, end: span.end }
    }

    /// The span of an argument of the command line, by its number: in no file.
    pub(crate) fn of_argument(number: usize) -> Span {
        Span { file: COMMAND_LINE, start: number, end: number }
    }

    /// Whether it is an argument of the command line.
    pub(crate) fn is_argument(&self) -> bool {
        self.file == COMMAND_LINE
    }

    pub(crate) fn range(&self) -> Range<usize> {
        self.start..self.end
    }
}

/// A value and its position.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) item: Item,
}

/// A value of TOML.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Text(String),
    Integer(i64),
    /// An integer beyond 64 bits or a float out of range, as JSON writes it; none if it is hexadecimal, octal or binary
    /// and beyond 128 bits.
    Large(Option<String>),
    Float(f64),
    Boolean(bool),
    Date(String),
    List(Vec<Node>),
    Table(Table),
}

/// A table, in the order of the file.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Its header, braces, or first dotted key.
    pub(crate) span: Span,
    pub(crate) entries: Vec<TableEntry>,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct TableEntry {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) node: Node,
}

impl Node {
    /// Its type, for a message: `an integer`.
    pub(crate) fn kind(&self) -> &'static str {
        match self.item {
            Item::Text(_) => "text",
            Item::Integer(_) => "an integer",
            Item::Large(_) => "a number that is too large",
            Item::Float(_) => "a decimal number",
            Item::Boolean(_) => "a boolean",
            Item::Date(_) => "a date",
            Item::List(_) => "a list",
            Item::Table(_) => "a table",
        }
    }

    pub(crate) fn as_table(&self) -> Option<&Table> {
        match &self.item {
            Item::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The elements of a list, or the value itself as a list of one.
    pub(crate) fn one_or_more(&self) -> &[Node] {
        match &self.item {
            Item::List(list) => list,
            _ => std::slice::from_ref(self),
        }
    }
}

impl Table {
    /// A table without keys, at the beginning of the first file.
    pub(crate) fn empty() -> Table {
        Table { span: Span::new(0, 0..0), entries: Vec::new() }
    }

    /// A table with one key.
    pub(crate) fn of(span: &Span, key: &str, item: Item) -> Table {
        let node = Node { span: span.clone(), item };
        let entry = TableEntry { key: key.to_owned(), key_span: span.clone(), node };
        Table { span: span.clone(), entries: vec![entry] }
    }

    /// A table with one key at the end of a path of tables.
    pub(crate) fn at(span: &Span, path: &[&str], item: Item) -> Table {
        match path {
            [] => Table { span: span.clone(), entries: Vec::new() },
            [key] => Table::of(span, key, item),
            [key, rest @ ..] => Table::of(span, key, Item::Table(Table::at(span, rest, item))),
        }
    }

    /// The value at the end of a path of tables.
    pub(crate) fn find(&self, path: &[&str]) -> Option<&Node> {
        match path {
            [] => None,
            [key] => self.get(key),
            [key, rest @ ..] => self.get(key)?.as_table()?.find(rest),
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&TableEntry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }
}

/// Parses a file's text.
///
/// # Errors
/// Every syntax error, with its span.
pub(crate) fn parse(file: usize, text: &str) -> Result<Table, Vec<(Range<usize>, String)>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        let span = Span::new(file, 0..0);
        return Ok(Table { span, entries: entries(file, root.get_ref()) });
    }
    let mistake = |error: toml::de::Error| {
        let message = error.message().trim_end_matches(", expected nothing").to_owned();
        (error.span().unwrap_or_default(), message)
    };
    Err(errors.into_iter().map(mistake).collect())
}

fn entries(file: usize, table: &DeTable) -> Vec<TableEntry> {
    let mut entries: Vec<TableEntry> = table
        .iter()
        .map(|(key, value)| TableEntry {
            key: key.get_ref().to_string(),
            key_span: Span::new(file, key.span()),
            node: node(file, value),
        })
        .collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}

fn node(file: usize, value: &Spanned<DeValue>) -> Node {
    let span = Span::new(file, value.span());
    let item = match value.get_ref() {
        DeValue::String(text) => Item::Text(text.to_string()),
        DeValue::Integer(integer) => {
            i64::from_str_radix(integer.as_str(), integer.radix()).map_or_else(|_| large(integer), Item::Integer)
        }
        DeValue::Float(float) => match float.as_str().parse::<f64>() {
            Ok(number) if number.is_finite() || float.as_str().contains(['i', 'n']) => Item::Float(number),
            _ => Item::Large(Some(float.as_str().trim_start_matches('+').to_owned())),
        },
        DeValue::Boolean(boolean) => Item::Boolean(*boolean),
        DeValue::Datetime(date) => Item::Date(date.to_string()),
        DeValue::Array(list) => Item::List(list.iter().map(|element| node(file, element)).collect()),
        DeValue::Table(table) => Item::Table(Table { span: span.clone(), entries: entries(file, table) }),
    };
    Node { span, item }
}

/// An integer beyond 64 bits, in decimal digits, as JSON writes it.
fn large(integer: &DeInteger) -> Item {
    Item::Large(match integer.radix() {
        10 => Some(integer.as_str().trim_start_matches('+').to_owned()),
        radix => u128::from_str_radix(integer.as_str(), radix).ok().map(|number| number.to_string()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_keeps_the_order_and_the_places_of_the_file() {
        let text = "z = 1\na.c = 2\na.b = 'x'\n[[probe]]\nname = 99999999999999999999\n";
        let table = parse(0, text).unwrap();
        let keys: Vec<&str> = table.entries.iter().map(|entry| entry.key.as_str()).collect();
        assert_eq!(keys, ["z", "a", "probe"]);
        let inner = table.get("a").and_then(Node::as_table).unwrap();
        assert_eq!(&text[inner.get("b").unwrap().span.range()], "'x'");
        let probe = table.get("probe").unwrap().one_or_more()[0].as_table().unwrap();
        assert_eq!(&text[probe.span.range()], "[[probe]]");
        assert!(matches!(probe.get("name").unwrap().item, Item::Large(_)));
    }

    #[test]
    fn a_number_past_64_bits_keeps_its_digits() {
        for (written, kept) in [
            ("18446744073709551616", Some("18446744073709551616")),
            ("-9_223_372_036_854_775_809", Some("-9223372036854775809")),
            ("+1e400", Some("1e400")),
            ("0x1_0000_0000_0000_0000", Some("18446744073709551616")),
            ("0x100000000000000000000000000000000", None),
        ] {
            let table = parse(0, &format!("n = {written}\n")).unwrap();
            let Item::Large(digits) = &table.get("n").unwrap().item else { panic!("{written} fits") };
            assert_eq!(digits.as_deref(), kept, "{written}");
        }
    }

    #[test]
    fn every_mistake_of_syntax_is_found() {
        let mistakes = parse(0, "a = \nb = 1\nb = 2\n").unwrap_err();
        assert_eq!(mistakes.len(), 2, "{mistakes:?}");
    }
}
