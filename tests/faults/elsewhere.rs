//! Numbers of the catalogue that other tests hold, and the few that none does, with the reason.

use std::path::Path;

use uptick::model::FailureClass;

/// A number that another test holds.
pub(crate) struct Elsewhere {
    /// Its number in the catalogue.
    pub(crate) number: u16,
    /// What goes wrong, for the documentation of the class: it follows "when".
    pub(crate) when: &'static str,
    /// The class it ends in, where it is about a check.
    pub(crate) class: Option<FailureClass>,
    /// The file of the test, from the root of the repository.
    file: &'static str,
    /// The test.
    test: &'static str,
}

pub(crate) const CASES: &[Elsewhere] = &[];

/// Numbers that no test holds, with the reason.
pub(crate) const LEFT_OUT: &[(u16, &str)] = &[];

#[test]
fn the_tests_elsewhere_exist() {
    for case in CASES {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(case.file);
        let code = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", case.file));
        assert!(code.contains(&format!("fn {}(", case.test)), "{} has no test {}", case.file, case.test);
    }
}
