//! The formats of `check` and `report`: golden files of a fixed answer, strict parsers of each
//! format, and hostile text that must stay text in all of them.

mod check;
mod hostile;
mod page;
mod report;
mod sample;
mod scenario;

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the golden files.
fn golden_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/render")
}

/// Compares an output with its golden file. To accept a change, run the ignored test
/// `write_the_golden_files` and read the difference before it is committed.
#[track_caller]
fn assert_golden(name: &str, output: &str) {
    let path = golden_folder().join(name);
    let golden = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(output, golden, "{name} is not its golden file");
}

/// Every golden file by name, and what it should hold.
fn golden() -> Vec<(&'static str, String)> {
    check::golden().into_iter().chain(report::golden()).collect()
}

#[test]
#[ignore = "writes files; run it to accept a change of layout"]
fn write_the_golden_files() {
    fs::create_dir_all(golden_folder()).expect("the folder");
    for (name, output) in golden() {
        fs::write(golden_folder().join(name), output).expect("a golden file");
    }
}

#[test]
fn every_golden_file_is_compared() {
    let mut names: Vec<String> = golden().into_iter().map(|(name, _)| name.to_owned()).collect();
    names.sort();
    let mut files: Vec<String> = fs::read_dir(golden_folder())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    files.sort();
    assert_eq!(files, names);
}
