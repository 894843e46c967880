//! The formats of `check` and `report`: snapshots of fixed answers, strict parsers of each format,
//! and hostile text that must stay text in all of them.

#[path = "../support/mod.rs"]
mod support;

mod check;
mod hostile;
mod page;
mod report;
mod sample;
mod scenario;
mod schema;
mod site;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Compares an output with its snapshot in `tests/golden/render`. `INSTA_UPDATE=always cargo test
/// --test report` accepts a change of layout; read the difference before you commit it.
#[track_caller]
fn assert_golden(name: &str, output: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../golden/render");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, output));
}

#[test]
fn every_snapshot_is_compared() {
    let of_format = check::golden().into_iter().chain(report::golden());
    let of_format = of_format.map(|(name, _)| name.to_owned());
    let of_size = check::sizes().into_iter().map(|(name, _)| name);
    let compared: BTreeSet<String> = of_format.chain(of_size).map(|name| format!("{name}.snap")).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/render");
    let files = fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").file_name());
    let kept: BTreeSet<String> = files.map(|name| name.to_string_lossy().into_owned()).collect();
    assert_eq!(kept.difference(&compared).collect::<Vec<_>>(), Vec::<&String>::new());
}
