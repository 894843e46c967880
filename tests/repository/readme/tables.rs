//! The tables in the documentation that are generated from the code.

use std::fmt::Write as _;

use uptick::model::{ClassGroup, FailureClass};
use uptick::render::{CheckFormat, ReportFormat};

/// Replaces every generated part, between `<!-- begin NAME -->` and `<!-- end -->`, by its new
/// content.
pub(crate) fn filled(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut found = 0;
    while let Some(at) = rest.find("<!-- begin ") {
        let (before, from) = rest.split_at(at);
        let (marker, after) = from.split_once('\n').unwrap();
        let name = marker.trim_start_matches("<!-- begin ").trim_end_matches(" -->");
        let (_, after) = after.split_once("<!-- end -->").expect("a part that begins also ends");
        let table = match name {
            "classes" => classes(),
            "formats" => formats(),
            other => panic!("there is no table {other:?}"),
        };
        let _ = write!(out, "{before}{marker}\n{table}<!-- end -->");
        rest = after;
        found += 1;
    }
    assert!(found >= 1, "the page has generated parts");
    out + rest
}

fn formats() -> String {
    let row = |command: &str, names: &[&str]| format!("| `{command}` | `{}` |\n", names.join("`, `"));
    let check = CheckFormat::ALL.map(CheckFormat::name);
    let report = ReportFormat::ALL.map(ReportFormat::name);
    ["| command | formats |\n|---|---|\n".to_owned(), row("check", &check), row("report", &report)].concat()
}

/// The table of the failure classes that have a section on their page. Others are not in use yet.
fn classes() -> String {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/failure-classes.md")).unwrap();
    let known = |class: &&FailureClass| page.contains(&format!("\n### `{class}`\n"));
    let mut table = "| where | classes |\n|---|---|\n".to_owned();
    let mut groups: Vec<ClassGroup> = Vec::new();
    for class in FailureClass::ALL.iter().filter(known) {
        if !groups.contains(&class.group()) {
            groups.push(class.group());
        }
    }
    for group in groups {
        let of_group = FailureClass::ALL.iter().filter(known).filter(|class| class.group() == group);
        let links: Vec<String> = of_group.map(|class| format!("[`{class}`](failure-classes.md#{class})")).collect();
        let _ = writeln!(table, "| {} | {} |", group.title(), links.join(" "));
    }
    table
}
