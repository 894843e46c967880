//! Compares what paths find with another implementation of the standard, and limits the time they take.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::model::{JsonDocument, JsonNode, JsonPath};

const STORE: &str = r#"{"store":{"book":[{"category":"reference","author":"Nigel Rees","price":8.95},
    {"category":"fiction","author":"Evelyn Waugh","isbn":"0-553","price":12.99,"tags":["a","b"]},
    {"category":"fiction","author":"J. R. R. Tolkien","isbn":"0-395","price":22.99,"tags":[]}],
    "bicycle":{"color":"red","price":399}},"expensive":10,"list":[0,1,2,3,4,5],"null":null,"":1,"a b":{"c.d":[[1,2],[3]]},
    "status":"ok","n":1.0,"t":true,"deep":{"a":{"a":{"a":1}}}}"#;

fn found(path: &str, text: &str) -> Vec<String> {
    let document = JsonDocument::read(text).unwrap();
    let found = JsonPath::new(path).unwrap().find(document.root()).unwrap();
    found.iter().map(|node| node.source().to_owned()).collect()
}

#[test]
fn a_path_finds_what_the_standard_says() {
    let document: serde_json::Value = serde_json::from_str(STORE).unwrap();
    for path in PATHS {
        let reference = serde_json_path::JsonPath::parse(path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let wanted: Vec<serde_json::Value> = reference.query(&document).all().into_iter().cloned().collect();
        let found: Vec<serde_json::Value> =
            found(path, STORE).iter().map(|source| serde_json::from_str(source).unwrap()).collect();
        // Members come in document order here, and in another order there.
        if path.contains('*') || path.contains("..") || path.contains('?') {
            let sorted = |values: Vec<serde_json::Value>| {
                let mut texts: Vec<String> = values.iter().map(ToString::to_string).collect();
                texts.sort();
                texts
            };
            assert_eq!(sorted(found), sorted(wanted), "{path}");
        } else {
            assert_eq!(found, wanted, "{path}");
        }
    }
}

const PATHS: &[&str] = &[
    "$",
    "$.store.book[*].author",
    "$..author",
    "$.store.*",
    "$.store..price",
    "$..book[2]",
    "$..book[-1]",
    "$..book[0,1]",
    "$..book[:2]",
    "$..book[?@.isbn]",
    "$..book[?@.price<10]",
    "$..*",
    "$['store']['book'][0]['category']",
    "$[\"a b\"]['c.d'][0][1]",
    "$['']",
    "$.list[1:4]",
    "$.list[::2]",
    "$.list[::-1]",
    "$.list[5:1:-2]",
    "$.list[-2:]",
    "$.list[4:1]",
    "$.list[1:4:0]",
    "$.list[-10:10]",
    "$.list[10:-10:-3]",
    "$.list[?@ > 2]",
    "$.list[?@ >= 2 && @ != 3 || @ == 0]",
    "$.list[?!(@ > 2)]",
    "$.store.book[?!@.isbn]",
    "$.store.book[?@.price > $.expensive]",
    "$.store.book[?match(@.author, '.*R.*n')].author",
    "$.store.book[?search(@.author, 'R')].author",
    "$.store.book[?length(@.tags) == 0].author",
    "$.store.book[?length(@.author) > 10].author",
    "$.store.book[?count(@.*) == 4].author",
    "$.store.book[?value(@..isbn) == '0-395'].author",
    "$.store.book[?@.tags[0] == 'a'].author",
    "$.store.book[?@.tags == $.store.book[1].tags].author",
    "$[?@ == null]",
    "$[?@ == true]",
    "$[?@.price]",
    "$[?@ == 'ok']",
    "$[?@ == 1]",
    "$.nothing.at.all",
    "$.list[99]",
    "$.status[0]",
    "$.store.book[?@.nothing == @.nowhere].price",
    "$.deep..a",
    "$ .store [ 'bicycle' ] .color",
    "$.store.book[?(@.price < 10) && (@.category == \"reference\")].author",
    "$.list['a',0,1:3,*]",
    "$.list[?@ < 1.5e0]",
    "$..[?@.a]",
    "$..['price','color']",
];

#[test]
fn numbers_are_compared_exactly_in_filters() {
    let text = r#"[{"id":9007199254740992},{"id":9007199254740993},{"id":1e400}]"#;
    assert_eq!(found("$[?@.id == 9007199254740993].id", text), ["9007199254740993"]);
    assert_eq!(found("$[?@.id > 9007199254740992].id", text), ["9007199254740993", "1e400"]);
}

#[test]
fn a_path_that_is_none_is_told_what_is_meant() {
    for (path, reason) in [
        ("items[0]", "at position 0, `$` is missing, with which a path starts"),
        ("$.invoice-address.city", "at position 9, a name with `-` is written between brackets: `['invoice-address']`"),
        (
            "$.items.length()",
            "at position 14, `length` is not a method: in a filter write `length(@.items)`, and for a rule give the path the key `min-length` or `max-length`",
        ),
        ("$[?@.name =~ /x/]", "at position 10, `=~` is not part of the standard: write `search(@.name, 'pattern')`"),
        ("$[?@.a === 1]", "at position 9, `==` is the comparison, without another `=`"),
        ("$[?@.a = 1]", "at position 7, values are compared with `==`"),
        ("$[?@.a == 1 and @.b == 2]", "at position 12, `,` or `]` is missing"),
        ("$.items[name]", "at position 8, a name between brackets is quoted: `['name']`"),
        ("$.items.0", "at position 8, a number stands between brackets: `[0]`"),
        ("$.a == 'ok'", "at position 3, the path ends here; a rule is a key beside it, such as `equals` or `min`"),
        (
            "$.items[?(@.size() > 1)]",
            "at position 16, `size` is not a method: in a filter write `length(@.items)`, and for a rule give the path the key `min-length` or `max-length`",
        ),
        ("$[?@.* == 1]", "at position 10, `@.*` may find several nodes: compare `count(@.*)` or `value(@.*)`"),
        ("$[?@.a == ok]", "at position 10, `ok` is not a value: a text is quoted, a path begins with `@`"),
        ("$[(@.length-1)]", "at position 2, a script is not part of the standard: a filter is `[?@.price < 10]`"),
        (
            "$[?contains(@.a, 'x')]",
            "at position 3, there is no function `contains`: they are length, count, value, match and search",
        ),
        ("$.a[?", "at position 5, a value to compare is missing: a path, a number, a quoted text, true, false or null"),
        ("$[01]", "at position 2, `01` is not an index"),
        ("$[?match(@.a, '(')]", "at position 17, `(` is not a pattern"),
        ("$['a", "at position 4, the closing quote is missing"),
        ("$.", "at position 2, a name is missing after `.`"),
    ] {
        let got = JsonPath::new(path).expect_err(path);
        assert_eq!(got, reason, "{path}");
    }
    let deep = format!("$[?{}@.a{}]", "(".repeat(100), ")".repeat(100));
    assert!(JsonPath::new(&deep).unwrap_err().contains("nested deeper than 32"));
}

#[test]
fn a_path_that_finds_ever_more_nodes_ends() {
    let nested = format!("{}1{}", "{\"a\":[".repeat(250), "]}".repeat(250));
    let mut wide = String::from("[");
    for at in 0..20_000 {
        let _ = write!(wide, "{}{{\"a\":{at}}}", if at > 0 { "," } else { "" });
    }
    wide.push(']');
    for (path, text) in [
        ("$..a..a..a..a", &nested),
        ("$..[*]..[*]..[*]", &nested),
        ("$..[?@..a]..[?@..a]", &nested),
        ("$[?count($..a) > 1]", &wide),
        ("$[?$[?@.a == 1]]", &wide),
        ("$[?@ == $]", &format!("[{}]", [wide.as_str(); 2].join(","))),
    ] {
        let document = JsonDocument::read(text).unwrap();
        let _ = JsonPath::new(path).unwrap().find(document.root());
    }
    let document = JsonDocument::read(&wide).unwrap();
    assert!(JsonPath::new("$[?count($..a) > 1]").unwrap().find(document.root()).is_err());
    assert_eq!(JsonPath::new("$..a").unwrap().find(document.root()).unwrap().len(), 20_000);
}

proptest! {
    #[test]
    fn no_path_and_no_document_make_it_panic(path in "[$@.\\[\\]?*'a0-9():,<=! &|-]{0,24}", text in "[\\[\\]{}\",:0-9ae.\\\\u -]{0,40}") {
        let path = JsonPath::new(&format!("${path}"));
        if let (Ok(path), Ok(document)) = (path, JsonDocument::read(&text)) {
            let lengths = path.find(document.root()).map(|found| found.iter().filter_map(|node: &JsonNode<'_>| node.length()).sum::<u64>());
            std::hint::black_box(lengths.ok());
        }
    }

    #[test]
    fn what_is_read_is_what_another_reader_reads(text in "[\\[\\]{}\",:0-3ae.\\\\u -]{0,30}|(\\{(\"[ab]\":[0-9]{1,2},){0,3}\"c\":\\[[0-9]?\\]\\})") {
        let reference = serde_json::from_str::<serde_json::Value>(&text);
        match (JsonDocument::read(&text), reference) {
            (Ok(document), Ok(value)) => {
                let again: serde_json::Value = serde_json::from_str(document.root().source()).unwrap();
                prop_assert_eq!(again, value);
            }
            (Err(_), Err(_)) => {}
            // Numbers that a double cannot hold and half surrogates are read here.
            (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("out of range") || error.to_string().contains("surrogate") || error.to_string().contains("hex escape"), "{}: {}", text, error),
            (Err(error), Ok(_)) => prop_assert!(false, "{text}: {error}"),
        }
    }
}
