//! Hostile text in every place that a server, a certificate or a probe file can fill: each format
//! must have the same structure as with harmless text, and nothing else.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use uptick::check_report::CheckReport;
use uptick::model::{CertificateFacts, Evidence, FailureClass, Mismatch, Outcome, Phase, Probe, SafeText};
use uptick::render::{CheckFormat, TerminalStyle};

use crate::check::render;
use crate::sample;
use crate::support::pass::Checks;

/// Texts that a format or a terminal could interpret.
pub(crate) const PAYLOADS: &[&str] = &[
    "\u{1b}[2J\u{1b}]0;pwned\u{7}",
    "\r\n::error file=a::b",
    "::set-env name=PATH::/tmp",
    "::stop-commands::x",
    "##[error]b",
    "##[group]x",
    "%0A::warning::x",
    "a|b;c=1s;;;",
    "' 'x'=1;;;",
    "]]><x/>",
    "<!--",
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\"><svg onload=alert(1)>",
    "javascript:alert(1)",
    "&lt;b&gt;&#60;i&#62;",
    "</style><b>",
    "</title></svg><script>",
    "`x` ``y``` z````",
    "```\n# heading\n```",
    "[a](http://evil.test) ![b](http://evil.test/p.png)",
    "| a | b |\n|---|---|",
    "@everyone #1 http://evil.test",
    "# SKIP\nok 99 - x",
    "\nnot ok 1\n1..0\nBail out!",
    "...\n---\n- x: y",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "a,b;c\"d\"e\n",
    "\"} 1\nprobe_success{probe=\"x",
    "\\\" \\n \\",
    "\u{202e}gpj.exe\u{200b}\u{2066}",
    "\u{0}\u{1}\u{8}\u{7f}\u{85}\u{9b}31m",
    "\u{feff}\u{fffe}\u{ffff}\u{d7ff}",
    "日本語 🦀 e\u{301}",
    "~~~\n***\n---",
    "    indented",
    "<https://evil.test> https://evil.test/",
    "\\u001b[31m",
    "{{csrf}} ${SECRET} $(id) `id`",
    "' OR 1=1 --",
    "  leading and trailing  ",
    "",
];

/// A run in which every text from the server and from the probe file is hostile.
fn pass_with(hostile: &str) -> CheckReport {
    let named = |number: usize| format!("{hostile}{number}");
    let mut first = sample::probe(&named(1), hostile, "https://x.test/", 3);
    first.surface = format!("s{hostile}");
    first.transport.tls.insecure = true;
    let mut second = sample::probe(&named(2), &first.surface, "https://x.test/", 0);
    second.name = named(2);
    let third = sample::probe(&named(3), &first.surface, "https://x.test/", 9);
    let probes: Vec<Arc<Probe>> = [first, second, third].into_iter().map(Arc::new).collect();
    let mut fold = Checks::new(&format!("v{hostile}"), &probes, Duration::from_mins(1), sample::start());
    fold.record(failed_with(&probes[0], hostile, FailureClass::AssertionFailed));
    fold.record(sample::up(&probes[1], Duration::ZERO, 1.0));
    fold.record(failed_with(&probes[2], hostile, FailureClass::ProberFdLimit));
    fold.finish(Duration::from_secs(1), &[hostile.to_owned()])
}

fn failed_with(probe: &Probe, hostile: &str, class: FailureClass) -> Outcome {
    let text = || SafeText::clean(hostile, 300);
    let mut outcome = sample::failed(probe, Duration::ZERO, class, Some(Phase::Transfer), hostile);
    if let Some(failure) = &mut outcome.failure {
        failure.step = Some(hostile.to_owned());
        failure.mismatches = vec![Mismatch { assertion: "body-contains".to_owned(), expected: text(), actual: text() }];
    }
    outcome.tls = sample::up(probe, Duration::ZERO, 1.0).tls;
    let certificate: Option<&mut CertificateFacts> = outcome.tls.as_mut().and_then(|tls| tls.certificate.as_mut());
    if let Some(certificate) = certificate {
        (certificate.subject, certificate.issuer, certificate.names) = (text(), text(), vec![text(), text()]);
    }
    outcome.redirects = sample::wrong_page(probe, Duration::ZERO).redirects;
    for hop in &mut outcome.redirects {
        (hop.url, hop.location) = (text(), text());
    }
    outcome.evidence = Some(Evidence {
        url: text(),
        headers: vec![("server".to_owned(), text())],
        body: Some(text()),
        curl: Some(text()),
        addresses: Vec::new(),
        diagnosis: None,
    });
    outcome
}

/// The same run with harmless text, for comparing structures.
fn harmless() -> CheckReport {
    pass_with("plain")
}

fn of(format: CheckFormat, pass: &CheckReport) -> String {
    render(format, pass, TerminalStyle::default())
}

/// Characters that no output may contain, whatever a server sends.
fn is_forbidden(character: char) -> bool {
    (character.is_control() && character != '\n') || ('\u{202a}'..='\u{202e}').contains(&character)
}

fn a_terminal_obeys_nothing(pass: &CheckReport) -> Result<(), TestCaseError> {
    for width in [40, 80, 200] {
        let output = render(CheckFormat::Human, pass, TerminalStyle { width, ..TerminalStyle::default() });
        prop_assert!(!output.contains(is_forbidden), "{output:?}");
        prop_assert!(!output.contains("##["), "{output}");
        prop_assert!(!output.lines().any(|line| line.trim_start().starts_with("::")), "{output}");
        let ascii = render(CheckFormat::Human, pass, TerminalStyle { width, ascii: true, ..TerminalStyle::default() });
        prop_assert!(ascii.is_ascii());
    }
    Ok(())
}

fn github_takes_our_commands_alone(pass: &CheckReport) -> Result<(), TestCaseError> {
    let output = of(CheckFormat::Github, pass);
    let lines: Vec<&str> = output.lines().collect();
    // One error, one warning for the probe that could not be judged, one for insecure TLS, and a
    // last line.
    prop_assert_eq!(lines.len(), 4, "{}", output);
    prop_assert!(lines[0].starts_with("::error file=probes.toml,line=3,title="), "{}", output);
    prop_assert!(lines[1].starts_with("::warning file=probes.toml,line=9,title="), "{}", output);
    prop_assert!(lines[2].starts_with("::warning title=insecure TLS::"), "{}", output);
    prop_assert!(lines[3].starts_with("uptick: "), "{}", output);
    prop_assert!(!output.contains("##["), "{}", output);
    for line in &lines[..2] {
        let (properties, _) = line[2..].split_once("::").expect("a message after the properties");
        prop_assert_eq!(properties.matches(',').count(), 2, "{}", output);
    }
    Ok(())
}

fn tap_has_its_points_alone(pass: &CheckReport) -> Result<(), TestCaseError> {
    let output = of(CheckFormat::Tap, pass);
    let top: Vec<&str> = output.lines().filter(|line| !line.starts_with("  ")).collect();
    let starts = ["TAP version 13", "1..3", "# INSECURE", "not ok 1 - ", "ok 2 - ", "ok 3 - ", "# 3 checks"];
    prop_assert_eq!(top.len(), starts.len(), "{}", output);
    for (line, start) in top.iter().zip(starts) {
        prop_assert!(line.starts_with(start), "{:?} is not {:?}", line, start);
    }
    let with: Vec<&&str> = top[3..6].iter().filter(|line| line.contains(['#', '\\'])).collect();
    prop_assert_eq!(with.len(), 1, "the unknown probe alone is skipped: {}", output);
    for line in output.lines().filter(|line| line.starts_with("  ") && !line.starts_with("    ")) {
        let field = line.trim_start();
        let value = field.split_once(": ").map_or(field, |(_, value)| value);
        if value.starts_with('"') {
            prop_assert!(serde_json::from_str::<String>(value).is_ok(), "{}", line);
        } else {
            prop_assert!(["|", "---", "..."].contains(&value) || value.parse::<u64>().is_ok(), "{}", line);
        }
    }
    Ok(())
}

fn nagios_has_one_line_and_clean_performance_data(pass: &CheckReport) -> Result<(), TestCaseError> {
    let output = of(CheckFormat::Nagios, pass);
    prop_assert_eq!(output.lines().count(), 1, "{}", output);
    prop_assert_eq!(output.matches('|').count(), 1, "{}", output);
    let (_, mut data) = output.trim_end().split_once('|').expect("performance data");
    let mut labels = 0;
    while let Some(rest) = data.trim_start().strip_prefix('\'') {
        let mut end = 0;
        loop {
            end += rest[end..].find('\'').expect("a closing quote");
            if !rest[end + 1..].starts_with('\'') {
                break;
            }
            end += 2;
        }
        prop_assert!(!rest[..end].contains('='), "{}", output);
        let value = rest[end + 1..].strip_prefix('=').expect("a value");
        let stop = value.find(' ').unwrap_or(value.len());
        let number = value[..stop].split(';').next().unwrap_or_default();
        prop_assert!(number == "U" || number.trim_end_matches('s').parse::<f64>().is_ok(), "{}", value);
        data = &value[stop..];
        labels += 1;
    }
    prop_assert!(data.trim().is_empty(), "{}", output);
    prop_assert_eq!(labels, 7);
    Ok(())
}

fn junit_reads_back(pass: &CheckReport) -> Result<(), TestCaseError> {
    let output = of(CheckFormat::Junit, pass);
    let report = quick_junit::Report::deserialize_from_str(&output);
    let report = report.map_err(|error| TestCaseError::fail(format!("{error}: {output}")))?;
    prop_assert_eq!(report.test_suites.len(), 1);
    prop_assert_eq!(report.test_suites[0].test_cases.len(), 3);
    prop_assert_eq!((report.tests, report.failures, report.errors), (3, 1, 1));
    Ok(())
}

fn json_reads_back(pass: &CheckReport) -> Result<(), TestCaseError> {
    let document: serde_json::Value = serde_json::from_str(&of(CheckFormat::Json, pass)).expect("one document");
    prop_assert_eq!(document["outcomes"].as_array().map(Vec::len), Some(3));
    let lines = of(CheckFormat::Ndjson, pass);
    for (line, outcome) in lines.lines().zip(&pass.outcomes) {
        let back: Outcome = serde_json::from_str(line).expect("one outcome a line");
        prop_assert_eq!(&back.probe, &outcome.probe);
    }
    prop_assert_eq!(lines.lines().count(), 3);
    Ok(())
}

/// Parses the text format as strictly as promtool does, and returns the samples.
pub(crate) fn prometheus_samples(text: &str) -> Result<Vec<(String, f64)>, String> {
    let mut samples = Vec::new();
    let mut families: Vec<&str> = Vec::new();
    for line in text.split_terminator('\n') {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut words = comment.splitn(3, ' ');
            let (kind, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            if kind == "HELP" {
                if families.contains(&name) {
                    return Err(format!("{name} is announced twice"));
                }
                families.push(name);
            } else if kind != "TYPE" || families.last() != Some(&name) {
                return Err(format!("a comment out of place: {line}"));
            }
            continue;
        }
        let (series, value) = line.rsplit_once("} ").ok_or_else(|| format!("no labels: {line}"))?;
        let (name, labels) = series.split_once('{').ok_or_else(|| format!("no labels: {line}"))?;
        let family = families.last().ok_or("a sample before any family")?;
        let suffix = name.strip_prefix(family).ok_or_else(|| format!("{name} in the family {family}"))?;
        if !["", "_bucket", "_sum", "_count"].contains(&suffix) {
            return Err(format!("{name} in the family {family}"));
        }
        read_labels(labels)?;
        if samples.iter().any(|(other, _)| other == series) {
            return Err(format!("a series twice: {series}"));
        }
        samples.push((series.to_owned(), value.parse().map_err(|error| format!("{error}: {line}"))?));
    }
    Ok(samples)
}

fn read_labels(mut labels: &str) -> Result<(), String> {
    while !labels.is_empty() {
        let (name, rest) = labels.split_once("=\"").ok_or_else(|| format!("no label: {labels}"))?;
        let is_of_label = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '_');
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) || !name.chars().all(is_of_label) {
            return Err(format!("not a label: {name}"));
        }
        let mut escaped = false;
        let end = rest.char_indices().find(|(_, character)| {
            let ends = *character == '"' && !escaped;
            escaped = *character == '\\' && !escaped;
            ends
        });
        let (end, _) = end.ok_or("an open quote")?;
        labels = rest[end + 1..].trim_start_matches(',');
    }
    Ok(())
}

fn prometheus_has_its_series_alone(pass: &CheckReport) -> Result<(), TestCaseError> {
    let names = |pass: &CheckReport| -> Result<Vec<String>, TestCaseError> {
        let text = of(CheckFormat::Prometheus, pass);
        let samples = prometheus_samples(&text).map_err(TestCaseError::fail)?;
        Ok(samples.iter().map(|(series, _)| series.split('{').next().unwrap_or_default().to_owned()).collect())
    };
    prop_assert_eq!(names(pass)?, names(&harmless())?);
    Ok(())
}

/// The structure of a Markdown text, without its texts.
pub(crate) fn markdown_structure(text: &str) -> Vec<String> {
    use pulldown_cmark::{Event, Options};
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_FOOTNOTES;
    pulldown_cmark::Parser::new_ext(text, options)
        .filter_map(|event| match event {
            Event::Start(tag) => Some(format!("{tag:?}").split('(').next().unwrap_or_default().to_owned()),
            Event::End(_) | Event::Text(_) | Event::SoftBreak => None,
            Event::Code(_) => Some("code".to_owned()),
            other => Some(format!("{other:?}")),
        })
        .collect()
}

fn markdown_has_our_structure_alone(pass: &CheckReport) -> Result<(), TestCaseError> {
    // An empty name has no code span, which is the only difference allowed.
    let of = |pass: &CheckReport| markdown_structure(&of(CheckFormat::Markdown, pass));
    prop_assert_eq!(of(pass), of(&harmless()));
    Ok(())
}

fn every_format_contains(hostile: &str) -> Result<(), TestCaseError> {
    let pass = pass_with(hostile);
    a_terminal_obeys_nothing(&pass)?;
    github_takes_our_commands_alone(&pass)?;
    tap_has_its_points_alone(&pass)?;
    nagios_has_one_line_and_clean_performance_data(&pass)?;
    junit_reads_back(&pass)?;
    json_reads_back(&pass)?;
    prometheus_has_its_series_alone(&pass)?;
    markdown_has_our_structure_alone(&pass)
}

#[test]
fn no_payload_leaves_its_place_in_any_format() {
    for payload in PAYLOADS {
        every_format_contains(payload).unwrap_or_else(|error| panic!("{payload:?}: {error}"));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_leaves_its_place_in_any_format(text in r##"(?s)[|`\[\]<>&'"#;,=%:\\/@!\-+*_~ \n\r\t\x00-\x1f\u{80}-\u{9f}\u{202a}-\u{202e}a-z]{0,40}"##) {
        every_format_contains(&text)?;
    }

    #[test]
    fn no_pieces_of_payloads_leave_their_place(parts in proptest::collection::vec(proptest::sample::select(PAYLOADS), 1..4)) {
        every_format_contains(&parts.concat())?;
    }
}
