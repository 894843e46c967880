//! The formats of `check`.

use std::io::Write;
use std::path::Path;

use uptick::check_report::CheckReport;
use uptick::render::{CheckAnswer, CheckFormat, TerminalStyle};

use crate::hostile::prometheus_samples;
use crate::{assert_golden, sample};

/// What a format makes of a pass.
pub(crate) fn render(format: CheckFormat, pass: &CheckReport, look: TerminalStyle) -> String {
    let mut out = Vec::new();
    let answer = CheckAnswer { pass, style: look, workspace: Some(Path::new("/workspace")) };
    format.write(&answer, &mut out).expect("a vector takes all");
    String::from_utf8(out).expect("every format is UTF-8")
}

fn human(pass: &CheckReport, look: TerminalStyle) -> String {
    render(CheckFormat::Human, pass, look)
}

/// Every snapshot by name, and what it should hold.
pub(crate) fn golden() -> Vec<(&'static str, String)> {
    let (single, all_up, many) = (sample::single(), sample::all_up(), sample::many());
    let verbose = sample::verbose();
    let plain = TerminalStyle::default();
    let narrow = TerminalStyle { width: 80, ..plain };
    vec![
        ("check-single.txt", human(&single, plain)),
        ("check-single-80.txt", human(&single, narrow)),
        ("check-single-60-ascii.txt", human(&single, TerminalStyle { width: 60, ascii: true, ..plain })),
        ("check-single-colour.ansi", human(&single, TerminalStyle { colour: true, ..plain })),
        ("check-all-up.txt", human(&all_up, plain)),
        ("check-verbose.txt", human(&verbose, TerminalStyle { detail: 2, ..plain })),
        ("check-verbose-60.txt", human(&verbose, TerminalStyle { detail: 1, width: 60, ..plain })),
        ("check-many.txt", human(&many, TerminalStyle { width: 120, ..plain })),
        ("check-many-80-ascii.txt", human(&many, TerminalStyle { ascii: true, ..narrow })),
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

/// Runs a checker on its standard input, or says loudly that it is not installed. Returns what it said against it.
fn checked_by(program: &str, arguments: &[&str], input: &str) -> Option<String> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(input.as_bytes()).expect("a write");
    let stdin = file.reopen().expect("the file again");
    let output = std::process::Command::new(program).args(arguments).stdin(stdin).output();
    match output {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(format!("{}\n{input}", String::from_utf8_lossy(&output.stderr))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let skipped = format!("SKIPPED: {program} is not installed, so nothing was checked with it\n");
            std::io::stderr().write_all(skipped.as_bytes()).expect("stderr");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

#[test]
fn junit_is_valid_against_the_common_schema() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/junit.xsd");
    let schema = schema.to_string_lossy();
    for pass in [sample::single(), sample::many(), sample::all_up()] {
        let xml = render(CheckFormat::Junit, &pass, TerminalStyle::default());
        assert_eq!(checked_by("xmllint", &["--noout", "--schema", &schema, "-"], &xml), None);
    }
}

#[test]
fn prometheus_text_is_clean_to_promtool() {
    for pass in [sample::single(), sample::many()] {
        let text = render(CheckFormat::Prometheus, &pass, TerminalStyle::default());
        assert_eq!(checked_by("promtool", &["check", "metrics"], &text), None);
    }
}

#[test]
fn a_classic_histogram_rises_to_its_count() {
    let pass = sample::many();
    let text = render(CheckFormat::Prometheus, &pass, TerminalStyle::default());
    let samples = prometheus_samples(&text).expect("the text format");
    let of = |start: &str| -> Vec<f64> {
        let series = samples.iter().filter(|(series, _)| series.starts_with(start));
        series.map(|(_, value)| *value).collect()
    };
    let labels = r#"{probe="timeline",surface="app",vantage="lhr""#;
    let buckets = of(&format!("uptick_check_duration_seconds_bucket{labels}"));
    assert!(buckets.is_sorted(), "{buckets:?}");
    assert_eq!(buckets.last(), Some(&272.0));
    assert_eq!(of(&format!("uptick_check_duration_seconds_count{labels}")), [272.0]);
    assert_eq!(
        of(r#"uptick_failures_total{class="connect_refused",probe="timeline",surface="app",vantage="lhr""#),
        [48.0]
    );
}

#[test]
fn a_phase_that_did_not_happen_has_no_sample() {
    let text = render(CheckFormat::Prometheus, &sample::single(), TerminalStyle::default());
    let phases = |probe: &str| {
        let of_probe = format!(",probe=\"{probe}\",");
        let samples = text.lines().filter(|line| line.starts_with("probe_http_duration_seconds{phase="));
        samples.filter(|line| line.contains(&of_probe)).count()
    };
    assert_eq!(phases("home"), 5);
    assert_eq!(phases("timeline"), 2);
    // What could not be judged is neither 0 nor 1.
    assert!(!text.contains("probe_success{probe=\"notifications for everybody\""), "{text}");
}

#[test]
fn nagios_exit_statuses_are_its_own() {
    assert_eq!(uptick::render::nagios_exit_status(&sample::all_up()), 0);
    assert_eq!(uptick::render::nagios_exit_status(&sample::single()), 2);
}

#[test]
fn github_is_given_nine_annotations_and_a_count_of_the_rest() {
    let pass = sample::all_down(25);
    let output = render(CheckFormat::Github, &pass, TerminalStyle::default());
    let errors: Vec<&str> = output.lines().filter(|line| line.starts_with("::error")).collect();
    assert_eq!(errors.len(), 10);
    assert!(errors[9].starts_with("::error title=16 more::16 more: "), "{}", errors[9]);
}

#[test]
fn a_job_summary_stays_below_a_mebibyte() {
    let mut summary = Vec::new();
    uptick::render::job_summary(&sample::all_down(1_000), &mut summary).expect("a vector takes all");
    assert!(summary.len() > 900_000, "{} bytes", summary.len());
    assert!(summary.len() < 1 << 20, "{} bytes", summary.len());
    let text = String::from_utf8(summary).expect("UTF-8");
    assert!(text.contains("500 more probes are not in the table"));
    assert!(text.ends_with("The summary is cut here: it is longer than a job summary may be.\n"));
}

#[test]
fn a_long_run_keeps_its_failures_and_the_last_of_each_probe() {
    let pass = sample::long_run(30_000);
    assert_eq!(pass.counts.scheduled(), 30_000);
    assert_eq!(pass.outcomes.len() as u64 + pass.outcomes_left_out, 30_000);
    assert!(pass.outcomes.len() < 100, "{} outcomes are kept", pass.outcomes.len());
    let failed = pass.outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    assert_eq!(failed, 11, "ten failures of the class, and the last outcome, which failed");
    assert!(pass.outcomes.is_sorted_by_key(|outcome| outcome.started_at));
    let text = human(&pass, TerminalStyle::default());
    assert!(text.contains("29,989 outcomes are counted but not kept individually"), "{text}");
}
