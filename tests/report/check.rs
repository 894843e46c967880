//! The formats of `check`.

use std::io::Write;
use std::path::Path;

use uptick::check_report::{CheckReport, RecordedSum};
use uptick::model::FailureClass;
use uptick::render::{CheckAnswer, CheckFormat, TerminalStyle};

use crate::hostile::prometheus_samples;
use crate::{assert_golden, sample};

/// A run in a format.
pub(crate) fn render(format: CheckFormat, pass: &CheckReport, look: TerminalStyle) -> String {
    let mut out = Vec::new();
    let answer = CheckAnswer { pass, style: look, workspace: Some(Path::new("/workspace")) };
    format.write(&answer, &mut out).expect("a vector takes all");
    String::from_utf8(out).expect("every format is UTF-8")
}

fn human(pass: &CheckReport, look: TerminalStyle) -> String {
    render(CheckFormat::Human, pass, look)
}

/// Every snapshot by name, with the expected output.
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

/// Runs of each size, at each width, with and without colour.
pub(crate) fn sizes() -> Vec<(String, String)> {
    let mut screens = Vec::new();
    for (probes, down) in [(1, 0), (3, 1), (30, 5), (300, 45)] {
        let pass = sample::sized(probes, down);
        for width in [60, 80, 200] {
            let style = TerminalStyle { width, ..TerminalStyle::default() };
            screens.push((format!("check-of-{probes}-{width}.txt"), human(&pass, style)));
            let colour = TerminalStyle { colour: true, ..style };
            screens.push((format!("check-of-{probes}-{width}.ansi"), human(&pass, colour)));
        }
    }
    screens
}

#[test]
fn a_pass_of_any_size_is_laid_out_as_agreed() {
    for (name, output) in sizes() {
        assert_golden(&name, &output);
    }
}

#[test]
fn no_line_is_wider_than_the_screen_but_those_to_be_copied() {
    for (name, output) in sizes().into_iter().filter(|(name, _)| name.ends_with("txt")) {
        let width: usize =
            name.trim_end_matches(".txt").rsplit('-').next().unwrap_or_default().parse().expect("a width");
        let copied = |line: &str| line.trim_start().starts_with("repeat ");
        for line in output.lines().filter(|line| !copied(line)) {
            assert!(line.chars().count() <= width, "{name}: {line}");
        }
    }
}

#[test]
fn one_check_is_one_line() {
    let text = human(&sample::sized(1, 0), TerminalStyle::default());
    assert_eq!(text.lines().count(), 1, "{text}");
    for nothing_said in ["p50", " - ", "availability"] {
        assert!(!text.contains(nothing_said), "{text}");
    }
}

#[test]
fn failures_are_whole_and_last_where_few_and_a_line_each_where_many() {
    let few = human(&sample::sized(30, 5), TerminalStyle { width: 80, ..TerminalStyle::default() });
    assert!(!few.contains("✓ probe"), "{few}");
    assert_eq!(few.matches("    repeat ").count(), 5, "{few}");
    assert!(few.find("✓ app") < few.find("✗ probe"), "{few}");
    let many = human(&sample::sized(300, 45), TerminalStyle { width: 80, ..TerminalStyle::default() });
    assert!(many.lines().count() <= 23, "{many}");
    let listed = |line: &&str| line.starts_with("✗ app probe-") || line.starts_with("✗ web probe-");
    assert_eq!(many.lines().filter(listed).count(), 10, "{many}");
    assert!(many.contains("35 more probes not up"), "{many}");
    let all = human(&sample::sized(300, 45), TerminalStyle { detail: 1, ..TerminalStyle::default() });
    assert_eq!(all.matches("✓ probe").count() + all.matches("✗ probe").count(), 300);
    assert_eq!(all.matches("    repeat ").count(), 45);
}

#[test]
fn what_must_be_known_of_a_probe_that_is_up_is_not_folded_away() {
    let mut pass = sample::sized(30, 0);
    pass.probes[4].insecure = true;
    pass.probes[7].flaky = 1;
    let text = human(&pass, TerminalStyle::default());
    assert!(text.contains("! probe-004\n    INSECURE"), "{text}");
    assert!(text.contains("! probe-007\n    FLAKY"), "{text}");
}

#[test]
fn strips_have_a_legend_and_percentiles_their_columns_where_they_are_known() {
    let text = human(&sample::many(), TerminalStyle { width: 80, ..TerminalStyle::default() });
    assert!(text.contains("▂ all up  ▒ below 10% failed"), "{text}");
    let few = human(&sample::twice(), TerminalStyle::default());
    assert!(few.contains("▂ up  █ down  ? unknown  · not run") && !few.contains("p50") && few.contains("max"), "{few}");
}

#[test]
fn every_format_lays_a_pass_out_as_agreed() {
    for (name, output) in golden() {
        assert_golden(name, &output);
    }
}

/// Runs a checker with `input` on its standard input. Returns its complaints; `None` if it has none
/// or, with a note on stderr, if it is not installed.
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

/// The output of `prove` for a TAP file, and whether it passes. `None`, with a note on stderr, if
/// it is not installed.
fn proved(tap: &str) -> Option<(bool, String)> {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(tap.as_bytes()).expect("a write");
    let Ok(output) = std::process::Command::new("prove").args(["--exec", "cat"]).arg(file.path()).output() else {
        std::io::stderr().write_all(b"SKIPPED: prove is not installed\n").expect("stderr");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    Some((output.status.success(), said))
}

#[test]
fn prove_reads_every_point_and_its_evidence() {
    let of = |pass: &CheckReport| render(CheckFormat::Tap, pass, TerminalStyle::default());
    let mut hostile = sample::single();
    hostile.probes[0].probe = "50 % # todo \\# skip \\".to_owned();
    for (pass, failed) in [(sample::all_up(), None), (sample::single(), Some("2, 4")), (hostile, Some("2, 4"))] {
        let tap = of(&pass);
        let Some((passes, said)) = proved(&tap) else { return };
        assert!(!said.contains("Parse errors"), "{said}\n{tap}");
        assert_eq!(passes, failed.is_none(), "{said}\n{tap}");
        assert!(failed.is_none_or(|failed| said.contains(&format!("Failed tests:  {failed}\n"))), "{said}\n{tap}");
        assert!(!said.contains("TODO"), "{said}");
    }
}

#[test]
fn tap_py_reads_the_same_points_and_diagnostics() {
    let mut pass = sample::single();
    pass.probes[0].probe = "50 % # todo".to_owned();
    let tap = render(CheckFormat::Tap, &pass, TerminalStyle::default());
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("out.tap");
    std::fs::write(&file, &tap).expect("a write");
    let script = ["tests/interoperability/tap_points.py", &file.to_string_lossy()].map(str::to_owned);
    let known = std::process::Command::new("python3").args(["-c", "import tap.parser, yaml, more_itertools"]).output();
    if !known.is_ok_and(|output| output.status.success()) {
        std::io::stderr().write_all(b"SKIPPED: tap.py is not installed\n").expect("stderr");
        return;
    }
    let output = std::process::Command::new("python3").args(script).output().expect("python3");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let points: Vec<(bool, bool, bool, String, serde_json::Value)> =
        serde_json::from_slice(&output.stdout).expect("JSON");
    let oks: Vec<bool> = points.iter().map(|(ok, ..)| *ok).collect();
    assert_eq!(oks, [true, false, true, false, true, true], "{points:#?}");
    assert!(points.iter().all(|(_, _, todo, ..)| !todo), "{points:#?}");
    assert!(points[4].1, "what could not be judged is skipped: {points:#?}");
    let (_, _, _, name, yaml) = &points[3];
    assert!(name.contains("app / timeline") && yaml["class"] == "connect_refused", "{name} {yaml}");
    let evidence = yaml["evidence"].as_str().expect("a block");
    assert!(evidence.starts_with("asked: https://api.x.com/2/timeline\naddress: 127.0.0.1:9; the name"), "{evidence}");
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
    let mut pass = sample::many();
    for probe in &mut pass.probes {
        let possible_failures = vec![FailureClass::ConnectRefused, FailureClass::Status];
        probe.recorded = Some(Box::new(RecordedSum { window: probe.window.clone(), possible_failures }));
    }
    let text = render(CheckFormat::Prometheus, &pass, TerminalStyle::default());
    assert_eq!(checked_by("promtool", &["check", "metrics"], &text), None);
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
fn what_one_run_counts_is_no_counter() {
    let pass = sample::many();
    let text = render(CheckFormat::Prometheus, &pass, TerminalStyle::default());
    assert!(!text.contains(" counter\n") && !text.contains(" histogram\n") && !text.contains("_total"), "{text}");
    let samples = prometheus_samples(&text).expect("the text format");
    let of = |start: &str| samples.iter().find(|(series, _)| series.starts_with(start)).map(|(_, value)| *value);
    let labels = r#"{probe="timeline",surface="app",vantage="lhr""#;
    assert_eq!(of(&format!(r#"uptick_run_checks{labels},verdict="up""#)), Some(272.0));
    assert_eq!(of(&format!(r#"uptick_run_failures{labels},class="connect_refused""#)), Some(48.0));
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
    // A check that could not be judged is neither 0 nor 1.
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
