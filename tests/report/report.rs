//! The formats of `report`, with made-up journals.

use uptick::model::{Bracket, SafeText};
use uptick::render::{ReportAnswer, ReportFormat, TerminalStyle};
use uptick::report::Report;

use crate::hostile::{PAYLOADS, markdown_structure, prometheus_samples};
use crate::{assert_golden, scenario};

pub(crate) fn render(format: ReportFormat, report: &Report, look: TerminalStyle) -> String {
    let mut out = Vec::new();
    format.write(&ReportAnswer { report, style: look }, &mut out).expect("a vector takes all");
    String::from_utf8(out).expect("every format is UTF-8")
}

fn of(format: ReportFormat, report: &Report) -> String {
    render(format, report, TerminalStyle::default())
}

/// Every snapshot by name, with the expected output.
pub(crate) fn golden() -> Vec<(&'static str, String)> {
    let (march, quiet, nothing) = (scenario::march(), &scenario::quiet(), &scenario::nothing());
    let human = |report: &Report, look: TerminalStyle| render(ReportFormat::Human, report, look);
    vec![
        ("report-march.txt", human(march, TerminalStyle { width: 110, ..TerminalStyle::default() })),
        (
            "report-march-80-ascii.txt",
            human(march, TerminalStyle { width: 80, ascii: true, ..TerminalStyle::default() }),
        ),
        ("report-quiet.txt", human(quiet, TerminalStyle::default())),
        ("report-nothing.txt", human(nothing, TerminalStyle::default())),
        ("report-march.brief.txt", of(ReportFormat::Brief, march)),
        ("report-march.md", of(ReportFormat::Markdown, march)),
        ("report-quiet.csv", of(ReportFormat::Csv, quiet)),
        ("report-march.prom", of(ReportFormat::Prometheus, march)),
        ("report-nothing.html", of(ReportFormat::Html, nothing)),
    ]
}

#[test]
fn every_format_lays_a_report_out_as_agreed() {
    for (name, output) in golden() {
        assert_golden(name, &output);
    }
}

#[test]
fn no_line_of_the_table_is_wider_than_the_screen() {
    let mut report = scenario::march().clone();
    let far = "2025-03-08T09:41:23.400Z".parse().expect("an instant");
    let near = report.window.to;
    for (day, by) in [("2025-03-08 09:41:23", far), ("", near)] {
        for recent in report
            .surfaces
            .iter_mut()
            .map(|row| &mut row.recent)
            .chain(report.probes.iter_mut().map(|row| &mut row.recent))
            .filter(|recent| recent.failed > 0)
        {
            recent.failing_since = Some(Bracket { after: None, by });
        }
        for width in [50, 60, 80, 200] {
            let page =
                render(ReportFormat::Human, &report, TerminalStyle { width, ascii: true, ..TerminalStyle::default() });
            let table =
                page.lines().skip_while(|line| !line.contains("failing now")).take_while(|line| !line.is_empty());
            for line in table {
                assert!(line.chars().count() <= width, "{width}: {line}\n{page}");
            }
            let is_whole = page.contains(&format!("{day} or earlier"));
            assert!(is_whole || width < 80, "{width}: {page}");
        }
    }
}

#[test]
fn control_targets_of_a_surface_are_told_from_its_probes() {
    let apart = scenario::march();
    let mut together = apart.clone();
    let of_control = |control: bool, surface: &mut SafeText| {
        if control {
            *surface = SafeText::message("web");
        }
    };
    together.surfaces.iter_mut().for_each(|row| of_control(row.control, &mut row.surface));
    together.places.iter_mut().for_each(|row| of_control(row.control, &mut row.surface));
    together.probes.iter_mut().for_each(|row| of_control(row.control, &mut row.surface));
    together.series.iter_mut().for_each(|row| of_control(row.control, &mut row.surface));
    assert_ne!(of(ReportFormat::Csv, apart), of(ReportFormat::Csv, &together));
    // No series twice.
    prometheus_samples(&of(ReportFormat::Prometheus, &together)).expect("the text format");
    // The charts are of the probes alone.
    let chart = |report: &Report| {
        let text = of(ReportFormat::Human, report);
        let (_, after) = text.split_once("over time").expect("a chart");
        after.split_once("failures").expect("what failed").0.to_owned()
    };
    assert_eq!(chart(apart), chart(&together));
    let rows = |report: &Report| {
        let csv = of(ReportFormat::Csv, report);
        csv.lines().filter(|line| line.starts_with("surface,web,") && !line.ends_with(",true,")).count()
    };
    assert_eq!((rows(apart), rows(&together)), (1, 1));
}

#[test]
fn the_same_journal_gives_the_same_bytes() {
    let (first, second) = (scenario::hostile("a"), scenario::hostile("a"));
    for format in ReportFormat::ALL {
        assert_eq!(of(format, &first), of(format, &second), "{format:?}");
    }
}

#[test]
fn no_format_of_a_report_says_attack() {
    let march = scenario::march();
    for format in ReportFormat::ALL {
        assert!(!of(format, march).to_lowercase().contains("attack"), "{format:?}");
    }
}

#[test]
fn every_row_of_the_csv_has_every_column() {
    let text = of(ReportFormat::Csv, &scenario::hostile("=cmd|' /C calc'!A0,\"x\"\r\n"));
    let rows: Vec<Vec<String>> = csv_rows(&text);
    assert!(rows.len() > 10, "{}", rows.len());
    for row in &rows {
        assert_eq!(row.len(), rows[0].len(), "{row:?}");
        for cell in row {
            let formula = cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err();
            assert!(!formula, "{cell:?} would be computed");
        }
    }
}

/// Parses RFC 4180 strictly.
fn csv_rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut characters = text.chars().peekable();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        match (character, quoted) {
            ('"', true) if characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', false) => row.push(std::mem::take(&mut cell)),
            ('\r', false) => {
                assert_eq!(characters.next(), Some('\n'), "a line ends in CR LF");
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            (character, _) => cell.push(character),
        }
    }
    assert!(cell.is_empty() && row.is_empty() && !quoted, "the last line is not ended");
    rows
}

#[test]
fn hostile_names_and_messages_stay_text_in_every_format() {
    let harmless = scenario::hostile("plain");
    let structure = markdown_structure(&of(ReportFormat::Markdown, &harmless));
    // An empty text has no code span, which is the only difference allowed.
    for payload in PAYLOADS.iter().filter(|payload| !payload.is_empty()) {
        let report = scenario::hostile(payload);
        let human = of(ReportFormat::Human, &report);
        let forbidden = |character: char| character.is_control() && character != '\n';
        assert!(!human.contains(forbidden), "{human:?}");
        assert!(!human.lines().any(|line| line.trim_start().starts_with("::")) && !human.contains("##["), "{human}");
        prometheus_samples(&of(ReportFormat::Prometheus, &report))
            .unwrap_or_else(|error| panic!("{payload:?}: {error}"));
        let markdown = of(ReportFormat::Markdown, &report);
        assert_eq!(markdown_structure(&markdown), structure, "{payload:?}: {markdown}");
        let json: serde_json::Value = serde_json::from_str(&of(ReportFormat::Json, &report)).expect("one document");
        assert_eq!(json["schema"], "uptick.report/1");
    }
}
