//! Names that were replaced by standard terms must not come back. `tests/language.txt` has one name
//! per line; an ordinary word is qualified by its module (`report::words`).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::imports::rust_files;

const LIST: &str = "tests/language.txt";

/// Each declared type, trait and module of a file as `top::Name`, and as `Name` alone.
fn declared(path: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(path).expect("a source file");
    let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let inside = path.strip_prefix("src").expect("a file below src");
    let top = inside.iter().next().expect("a component").to_string_lossy().trim_end_matches(".rs").to_owned();
    syntax.items.iter().filter_map(name_of).map(|name| (format!("{top}::{name}"), name)).collect()
}

fn name_of(item: &syn::Item) -> Option<String> {
    let ident = match item {
        syn::Item::Struct(item) => &item.ident,
        syn::Item::Enum(item) => &item.ident,
        syn::Item::Trait(item) => &item.ident,
        syn::Item::Type(item) => &item.ident,
        syn::Item::Mod(item) => &item.ident,
        _ => return None,
    };
    Some(ident.to_string())
}

#[test]
fn no_replaced_name_is_declared_again() {
    let list = fs::read_to_string(LIST).expect("the list of replaced names");
    let replaced: BTreeSet<&str> =
        list.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    let mut wrong = Vec::new();
    for path in rust_files(Path::new("src")) {
        for (owned, name) in declared(&path) {
            if replaced.contains(owned.as_str()) || replaced.contains(name.as_str()) {
                wrong.push(format!("{} declares {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "these names were replaced (see {LIST}):\n{}", wrong.join("\n"));
}
