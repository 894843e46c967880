//! The user's page of failure classes, generated from the classes and the rows. The committed page
//! must be equal to it.

use std::fmt::Write as _;

use uptick::model::{ClassGroup, FailureClass};

use crate::faults::row::Wanted;
use crate::faults::{elsewhere, every_row};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/failure-classes.md");

const INTRODUCTION: &str = "\
# Failure classes

A check that is not `up` has exactly one failure class. The set is closed, and a name is never changed once it is
released: rules, dashboards and scripts may rely on it. Beside the class a failure says in which phase the check broke:
`resolve`, `connect`, `tls`, `processing` or `transfer`; the phase is null where the answer arrived whole and was not
as expected.

Each line below is a test: a server that does exactly this, and this class and phase as the only result that passes.
The page is printed from that table by `cargo test --test engine -- --ignored write_the_page`, and a test fails when
the two differ.
";

const TOLERANCE: &str = "\
## What is tolerated and what is not

The rule: what a browser and `curl` get through is up; what would stop a visitor is down; what says nothing about the
target is unknown.

| | tolerated | not tolerated |
|---|---|---|
| names | labels with underscores, digits first, hyphens last; aliases in any order; NXDOMAIN or silence for one family while the other has addresses; servers that fail while a later one knows the name; stray datagrams | a name that no server knows, though a source that is not asked might; a loop of aliases |
| connections | dead addresses beside a live one; IPv6 that leads nowhere beside IPv4 that does not | every address dead |
| certificates | strangers, a wrong order and expired certificates beside a good chain; the server's own certificate as `tls.ca-file`, also one that calls itself an authority; a trusted authority past its date, unless `expect.certificate-days` asks | an expired certificate anywhere on the path; a missing intermediate; names by the common name alone; SHA-1, RSA below 2048 bits |
| this prober | | what it does not know is `prober_unsupported`; no route, no descriptor, a wrong clock, no root certificates, our own delay: `unknown`, each by name |
";

#[test]
#[cfg_attr(not(feature = "http3"), ignore = "it has HTTP/3 in it, which is a feature")]
fn the_page_is_what_the_table_prints() {
    let committed = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(committed == page(), "run: cargo test --test engine -- --ignored write_the_page");
}

#[test]
#[ignore = "writes docs/failure-classes.md"]
fn write_the_page() {
    std::fs::create_dir_all(concat!(env!("CARGO_MANIFEST_DIR"), "/docs")).unwrap();
    std::fs::write(PAGE, page()).unwrap();
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut group: Option<ClassGroup> = None;
    for &class in FailureClass::ALL {
        if group != Some(class.group()) {
            group = Some(class.group());
            let _ = write!(page, "\n## {}\n", heading(class.group()));
        }
        let _ = write!(page, "\n### `{class}`\n\n{}\n", class.meaning());
        let cases = cases_of(Some(class));
        if !cases.is_empty() {
            let _ = write!(page, "\n{cases}");
        }
    }
    let _ = write!(page, "\n{TOLERANCE}\n## Up in spite of it\n\nThese are not failures.\n\n{}", cases_of(None));
    page
}

fn heading(group: ClassGroup) -> &'static str {
    match group {
        ClassGroup::Ours => "The prober's own trouble: `unknown`, never `down`",
        ClassGroup::AnyConnected => "Any phase with a connection",
        ClassGroup::Answer => "The answer is not as expected",
        ClassGroup::Resolve => "Resolve",
        ClassGroup::Connect => "Connect",
        ClassGroup::Tls => "TLS",
        ClassGroup::Processing => "Processing",
        ClassGroup::Transfer => "Transfer",
    }
}

/// One line for every row of a class, with its phase; `None` lists the rows that are up.
fn cases_of(class: Option<FailureClass>) -> String {
    let mut lines = String::new();
    for row in every_row() {
        let line = match (row.wanted, class) {
            (Wanted::Up, None) => format!("- when {}", row.when),
            (Wanted::Fails(found, Some(phase)), Some(class)) if found == class => {
                format!("- when {} (phase `{phase}`)", row.when)
            }
            (Wanted::Fails(found, None), Some(class)) if found == class => format!("- when {}", row.when),
            _ => continue,
        };
        let _ = writeln!(lines, "{line}");
    }
    for case in elsewhere::CASES.iter().filter(|case| class.is_some() && case.class == class) {
        let _ = writeln!(lines, "- when {}", case.when);
    }
    lines
}
