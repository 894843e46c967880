//! The formats of `check`.

use std::path::Path;

use uptick::render::CheckFormat;
use uptick::render::Look;
use uptick::report::pass::Pass;

use crate::assert_golden;
use crate::sample;

/// What a format makes of a pass.
pub(crate) fn render(format: CheckFormat, pass: &Pass, look: Look) -> String {
    let mut out = Vec::new();
    uptick::render::outcomes(format, pass, look, Some(Path::new("probes.toml")), &mut out).expect("a vector takes all");
    String::from_utf8(out).expect("every format is UTF-8")
}

fn human(pass: &Pass, look: Look) -> String {
    render(CheckFormat::Human, pass, look)
}

/// Every golden file by name, and what it should hold.
pub(crate) fn golden() -> Vec<(&'static str, String)> {
    let (single, all_up, many) = (sample::single(), sample::all_up(), sample::many());
    let plain = Look::default();
    let narrow = Look { width: 80, ..plain };
    vec![
        ("check-single.txt", human(&single, plain)),
        ("check-single-80.txt", human(&single, narrow)),
        ("check-single-60-ascii.txt", human(&single, Look { width: 60, ascii: true, ..plain })),
        ("check-single-colour.ansi", human(&single, Look { colour: true, ..plain })),
        ("check-all-up.txt", human(&all_up, plain)),
        ("check-many.txt", human(&many, Look { width: 120, ..plain })),
        ("check-many-80-ascii.txt", human(&many, Look { ascii: true, ..narrow })),
        ("check-single.json", render(CheckFormat::Json, &single, plain)),
        ("check-single.ndjson", render(CheckFormat::Ndjson, &single, plain)),
        ("check-single.junit.xml", render(CheckFormat::Junit, &single, plain)),
        ("check-many.junit.xml", render(CheckFormat::Junit, &many, plain)),
        ("check-single.tap", render(CheckFormat::Tap, &single, plain)),
        ("check-many.tap", render(CheckFormat::Tap, &many, plain)),
        ("check-single.github.txt", render(CheckFormat::Github, &single, plain)),
        ("check-single.nagios.txt", render(CheckFormat::Nagios, &single, plain)),
        ("check-all-up.nagios.txt", render(CheckFormat::Nagios, &all_up, plain)),
        ("check-single.prom", render(CheckFormat::Prometheus, &single, plain)),
        ("check-single.md", render(CheckFormat::Markdown, &single, plain)),
        ("check-many.md", render(CheckFormat::Markdown, &many, plain)),
    ]
}

#[test]
fn every_format_lays_a_pass_out_as_agreed() {
    for (name, output) in golden() {
        assert_golden(name, &output);
    }
}
