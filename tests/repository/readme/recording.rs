//! The picture at the top of the README: the output of `uptick demo`.

use std::fs;
use std::process::Command;

use crate::readme::svg::picture;

const PICTURE: &str = "docs/demo.svg";
const COLUMNS: usize = 112;

#[test]
#[ignore = "writes docs/demo.svg"]
fn record_the_demo() {
    let output = Command::new(env!("CARGO_BIN_EXE_uptick"))
        .args(["demo", "--color", "always"])
        .env("COLUMNS", COLUMNS.to_string())
        .env("LANG", "C.UTF-8")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::write(PICTURE, picture("uptick demo", &text, COLUMNS)).unwrap();
}

#[test]
fn the_picture_is_one_that_a_reader_of_svg_reads() {
    let text = fs::read_to_string(PICTURE).unwrap();
    assert!(text.starts_with("<svg ") && text.ends_with("</svg>\n") && !text.contains('\u{1b}'));
    assert_eq!(text.matches("<text ").count(), text.matches("</text>").count());
    for word in ["web", "app", "uptick demo"] {
        assert!(text.contains(word), "{word}");
    }
    assert!(!text.contains("<script") && !text.contains("href"), "a picture that loads nothing");
}
