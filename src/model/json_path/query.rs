//! A parsed JSON path.

/// A path from the root of the document or, in a filter, from the current node.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) is_from_root: bool,
    pub(super) segments: Vec<Segment>,
}

impl Query {
    /// Whether it finds one node at most.
    pub(super) fn is_singular(&self) -> bool {
        self.segments.iter().all(|segment| {
            !segment.is_descendant && matches!(segment.selectors[..], [Selector::Name(_) | Selector::Index(_)])
        })
    }
}

#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) is_descendant: bool,
    pub(super) selectors: Vec<Selector>,
}

#[derive(Clone, Debug)]
pub(super) enum Selector {
    Name(String),
    Wildcard,
    Index(i64),
    Slice { start: Option<i64>, end: Option<i64>, step: i64 },
    Filter(Test),
}

/// A condition that a filter puts on a node.
#[derive(Clone, Debug)]
pub(super) enum Test {
    Any(Vec<Test>),
    All(Vec<Test>),
    Not(Box<Test>),
    Exists(Query),
    Compare(Operand, Comparison, Operand),
    Matches(Matching),
}

/// `match(…)` or `search(…)`.
#[derive(Clone, Debug)]
pub(super) struct Matching {
    pub(super) text: Operand,
    pub(super) pattern: Expression,
    /// Whether the pattern must match the whole text.
    pub(super) is_whole: bool,
}

/// The pattern of a [`Matching`].
#[derive(Clone, Debug)]
pub(super) enum Expression {
    /// Written in the path, and compiled with it.
    Compiled(regex::Regex),
    /// Found in the document.
    Found(Operand),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug)]
pub(super) enum Operand {
    Null,
    Boolean(bool),
    Number(String),
    Text(String),
    /// The one node that a path finds, if any.
    Node(Query),
    /// `length(…)`
    Length(Box<Operand>),
    /// `count(…)`
    Count(Query),
    /// `value(…)`: the node that a path finds, if it finds exactly one.
    Value(Query),
}

/// The most memory one compiled pattern may take, in bytes.
const PATTERN_SIZE: usize = 1 << 20;

/// Compiles a pattern of `match(…)` or `search(…)` (RFC 9485, a subset of the syntax accepted here).
pub(super) fn compile(pattern: &str, is_whole: bool) -> Result<regex::Regex, regex::Error> {
    let pattern = if is_whole { format!("^(?:{pattern})$") } else { pattern.to_owned() };
    regex::RegexBuilder::new(&pattern).size_limit(PATTERN_SIZE).build()
}
