//! The exit status depends on the verdict and on nothing else.

use crate::origin::{healthy, probe, refusing};
use crate::support::run::{Ran, Run};
use crate::support::server::{Server, answer, ok};

#[test]
fn all_up_is_0() {
    let server = healthy();
    let ran = Run::new(["check"]).config(&probe("a", &server.url("/"), &[])).run();
    ran.expect_code(0);
    assert_eq!(server.connections(), 1);
}

#[test]
fn one_down_among_many_up_is_1() {
    let server = healthy();
    let config = probe("a", &server.url("/"), &[]) + &probe("b", &refusing(), &[]) + &probe("c", &server.url("/"), &[]);
    Run::new(["check"]).config(&config).run().expect_code(1);
}

#[test]
fn urls_need_no_configuration() {
    let server = healthy();
    Run::new(["check", &server.url("/a"), &server.url("/b")]).run().expect_code(0);
    assert_eq!(server.connections(), 2);
    Run::new(["check", &server.url("/"), &refusing()]).run().expect_code(1);
}

#[test]
fn a_usage_or_configuration_error_is_2_and_sends_nothing() {
    let server = healthy();
    let good = probe("a", &server.url("/"), &[]);
    for arguments in [
        &["check", "--no-such-option"][..],
        &["check", "--format", "yaml"],
        &["check", "--count", "0"],
        &["check", "--every", "soon"],
        &["check", "b"],
        &["check", "ftp://127.0.0.1/"],
        &["check", "--config", "elsewhere.toml"],
        &["check", "-q", "-v"],
        &["check", "--vantage", "a\nb"],
        &["check", "--fail-on", "soon"],
        &["nonsense"],
        &[],
    ] {
        let ran = Run::new(arguments).config(&good).run();
        ran.expect_code(2);
        assert!(ran.stdout.is_empty(), "{arguments:?}: {}", ran.stdout);
        assert!(!ran.stderr.is_empty(), "{arguments:?}");
    }
    for wrong in ["", "[[probe]]\nname = \"a\"\n", "[[probe]\n", &probe("a", "gopher://x/", &[])] {
        let ran = Run::new(["check"]).config(&(good.clone() + wrong + "\nodd = 1\n")).run();
        ran.expect_code(2);
        assert!(ran.stderr.contains("probes.toml:"), "{}", ran.stderr);
    }
    Run::new(["check"]).run().expect_code(2);
    assert_eq!(server.connections(), 0);
}

#[test]
fn when_the_controls_fail_too_it_is_3() {
    let control = format!("[[control]]\nname = \"internet\"\nurl = \"{}\"\n", refusing());
    let ran = Run::new(["check", "--format", "json"]).config(&(control + &probe("a", &refusing(), &[]))).run();
    ran.expect_code(3);
    let document = ran.json();
    assert_eq!(document["verdict"], "unknown");
    assert!(document.to_string().contains("control_failed"), "{document}");
}

#[test]
fn a_journal_that_cannot_be_written_is_3_and_never_hides_something_down() {
    let server = healthy();
    let up =
        Run::new(["check", "--record"]).config(&probe("a", &server.url("/"), &[])).file("uptick-journal", "").run();
    up.expect_code(3);
    assert!(up.stdout.contains("UP"), "the verdict stays: {}", up.stdout);
    assert!(up.stderr.contains("uptick-journal"), "{}", up.stderr);
    let down = Run::new(["check", "--record"]).config(&probe("a", &refusing(), &[])).file("uptick-journal", "").run();
    down.expect_code(1);
}

#[test]
fn availability_stays_judged_beside_a_condition_that_does_not_name_it() {
    let server = healthy();
    let up = probe("a", &server.url("/"), &[]);
    Run::new(["check", "--fail-on", "max > 1us"]).config(&up).run().expect_code(1);
    Run::new(["check", "--fail-on", "max > 1h"]).config(&up).run().expect_code(0);
    let down = probe("a", &refusing(), &[]);
    for condition in ["max > 1h", "p95 > 1h", "flaky", "unknown", "missed > 3"] {
        Run::new(["check", "--fail-on", condition]).config(&down).run().expect_code(1);
    }
    for condition in ["never", "down > 4", "failed > 100%"] {
        Run::new(["check", "--count", "4", "--fail-on", condition]).config(&down).run().expect_code(0);
    }
    Run::new(["check", "--count", "4", "--fail-on", "down > 3"]).config(&down).run().expect_code(1);
}

/// The exit status and the output of a run in each format.
fn told(config: &str, more: &[&str]) -> Vec<(i32, String)> {
    let formats = ["junit", "tap", "markdown", "github", "nagios", "human"];
    let run = |format: &&str| {
        let arguments = ["check", "--format", format].into_iter().chain(more.iter().copied());
        let ran = Run::new(arguments).config(config).run();
        (ran.status.code().unwrap(), ran.stdout)
    };
    formats.iter().map(run).collect()
}

#[test]
fn a_condition_that_is_met_fails_every_format() {
    let server = healthy();
    let said = told(&probe("a", &server.url("/"), &[]), &["--fail-on", "max > 1us", "--fail-on", "failed > 50%"]);
    assert_eq!(said.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [1, 1, 1, 1, 2, 1]);
    let expected = [
        r#"failures="1""#,
        "not ok 2 - a: max > 1µs: 1 of 1 up check",
        "## ✗ FAILS, UP: ",
        "::error title=uptick::fails on max > 1µs: a: ",
        "UPTICK CRITICAL: 1 check: 1 up; fails on max > 1µs: a: ",
        "  fails on max > 1µs: a: 1 of 1 up check",
    ];
    assert!(said[2].1.starts_with("## ✗ FAILS, UP: "), "{}", said[2].1);
    assert!(said[3].1.contains("uptick: FAILS, UP: default up;"), "{}", said[3].1);
    assert!(said[5].1.contains("✗ FAILS, UP  a "), "{}", said[5].1);
    for ((_, text), expected) in said.iter().zip(expected) {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

#[test]
fn what_a_condition_lets_pass_fails_no_format() {
    let said = told(&probe("a", &refusing(), &[]), &["--fail-on", "never"]);
    assert_eq!(said.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [0, 0, 0, 0, 1, 0]);
    assert!(said[0].1.contains(r#"failures="0""#), "{}", said[0].1);
    assert!(!said[1].1.contains("not ok"), "{}", said[1].1);
    assert!(!said[3].1.contains("::error"), "{}", said[3].1);
    for (_, text) in [&said[2], &said[5]] {
        assert!(text.contains("checks that were down are within what --fail-on allows"), "{text}");
    }
}

#[test]
fn a_quiet_run_of_which_all_is_up_says_in_one_line_why_it_fails() {
    let server = healthy();
    let up = probe("a", &server.url("/"), &[]);
    let failing = Run::new(["check", "-q", "--fail-on", "max > 1us"]).config(&up).run();
    failing.expect_code(1);
    assert!(failing.stdout.starts_with("fails on max > 1µs: a: "), "{}", failing.stdout);
    assert_eq!(failing.stdout.lines().count(), 1);
    assert_eq!(Run::new(["check", "-q"]).config(&up).run().stdout, "");
}

#[test]
fn a_baseline_without_a_probe_says_so() {
    let server = healthy();
    let old = probe("old", &server.url("/"), &[]);
    let recorded = Run::new(["check", "--record", "--count", "8"]).config(&old).run();
    let journal = recorded.folder.path().join("uptick-journal");
    let both = old + &probe("new", &server.url("/"), &[]);
    let arguments = ["check", "--count", "8", "--baseline", journal.to_str().unwrap()];
    let said = Run::new(arguments).config(&both).run();
    assert!(said.stdout.contains("not compared: new: the baseline has no check of this probe"), "{}", said.stdout);
    let tap = Run::new(arguments.into_iter().chain(["--format", "tap"])).config(&both).run();
    assert!(tap.stdout.contains("ok 4 - new: baseline # SKIP the baseline has no check"), "{}", tap.stdout);
    let nagios = Run::new(arguments.into_iter().chain(["--format", "nagios"])).config(&both).run();
    assert!(nagios.stdout.contains("; not compared: new: the baseline has no check"), "{}", nagios.stdout);
}

#[test]
fn lines_of_a_baseline_that_cannot_be_read_are_named() {
    let server = healthy();
    let file = probe("a", &server.url("/"), &[]);
    let recorded = Run::new(["check", "--record", "--count", "8"]).config(&file).run();
    let journal = recorded.folder.path().join("uptick-journal");
    let day = std::fs::read_dir(&journal).unwrap().map(|entry| entry.unwrap().path());
    let day = day.into_iter().find(|path| path.extension().is_some_and(|ext| ext == "jsonl")).expect("a day");
    let good = std::fs::read_to_string(&day).unwrap();
    let compare = |lines: &str| {
        std::fs::write(&day, lines).unwrap();
        Run::new(["check", "--count", "8", "--baseline", journal.to_str().unwrap()]).config(&file).run()
    };
    let in_part = compare(&format!("{good}not a line of a journal\n"));
    assert!(in_part.stderr.contains("is compared with in part: of 2 lines, skipped 1 corrupt"), "{}", in_part.stderr);
    let none = compare(&good.replace("\"up\":8", "\"up\":9"));
    none.expect_code(2);
    assert!(none.stderr.contains("vantage local; of 1 line, skipped 1 corrupt and 0 newer"), "{}", none.stderr);
}

/// Runs a pass for each character, against a server that answers in this order: `.` 200, `x` 503.
fn passes(verdicts: &str, format: &str) -> Ran {
    passes_with(verdicts, &["--every", "1ms", "--format", format])
}

fn passes_with(verdicts: &str, options: &[&str]) -> Ran {
    let script: Vec<bool> = verdicts.chars().map(|verdict| verdict == 'x').collect();
    let server = Server::start(move |conn| {
        let is_down = script[(conn.number() - 1) % script.len()];
        conn.request();
        conn.send(if is_down { answer(503, &[], "busy") } else { ok("well") });
    });
    let count = verdicts.len().to_string();
    let arguments = ["check", "--count", &count].into_iter().chain(options.iter().copied());
    Run::new(arguments).config(&probe("a", &server.url("/"), &[])).run()
}

#[test]
fn several_passes_are_judged_as_a_report_judges_them() {
    let good = ".".repeat(30);
    for (verdicts, code, state) in [
        ("x".to_owned(), 1, "down"),
        (".x".to_owned(), 0, "up"),
        ("xx".to_owned(), 1, "down"),
        (format!("x{good}"), 0, "up"),
        (format!("{good}xx"), 0, "up"),
        (format!("{good}xxx"), 1, "down"),
        ("x...x...x...x...x...".to_owned(), 1, "degraded"),
    ] {
        let ran = passes(&verdicts, "json");
        ran.expect_code(code);
        let document = ran.json();
        let verdict = if code == 0 { "up" } else { "down" };
        assert_eq!((&document["state"], &document["verdict"]), (&state.into(), &verdict.into()), "{verdicts}");
        assert_eq!(document["probes"][0]["state"], state, "{verdicts}");
    }
}

#[test]
fn a_run_and_the_report_of_it_say_the_same() {
    let good = ".".repeat(20);
    for (verdicts, code, state) in [
        ("xxx.".to_owned(), 1, "down"),
        ("...xxxxxx..".to_owned(), 1, "down"),
        ("xx.x.xx.x...".to_owned(), 1, "degraded"),
        ("x...x...x...x...x...".to_owned(), 1, "degraded"),
        (format!("..x{good}"), 0, "up"),
    ] {
        let journal = tempfile::tempdir().expect("a folder");
        let folder = journal.path().to_str().expect("text");
        let ran = passes_with(&verdicts, &["--every", "20ms", "--record", "--journal", folder, "--format", "json"]);
        let report = Run::new(["report", folder, "--format", "json"]).run();
        ran.expect_code(code);
        report.expect_code(code);
        let (run, report) = (ran.json(), report.json());
        assert_eq!((&run["state"], &report["verdict"]["state"]), (&state.into(), &state.into()), "{verdicts}");
    }
    // A run answers for all of its passes; the report says what failed before.
    passes_with(&format!("xxx{good}"), &["--every", "20ms"]).expect_code(1);
}

#[test]
fn every_format_says_of_a_blip_what_the_exit_status_says() {
    let blip = format!("x{}", ".".repeat(30));
    let ran = passes(&blip, "human");
    assert!(ran.expect_code(0).stdout.contains("FLAKY") && !ran.stdout.contains("DOWN"), "{}", ran.stdout);
    assert!(passes(&blip, "nagios").expect_code(1).stdout.starts_with("UPTICK WARNING"));
    assert!(passes(&blip, "junit").expect_code(0).stdout.contains("failures=\"0\""));
    assert!(!passes(&blip, "tap").expect_code(0).stdout.contains("not ok"));
    let degraded = "x...x...x...x...x...";
    let ran = passes(degraded, "human");
    assert!(ran.expect_code(1).stdout.contains("DEGRADED"), "{}", ran.stdout);
    assert!(passes(degraded, "junit").expect_code(1).stdout.contains("failures=\"1\""));
    assert!(passes(degraded, "tap").expect_code(1).stdout.contains("not ok"));
}

#[test]
fn whatever_ends_a_nagios_plugin_is_one_line_and_three() {
    let good = probe("a", "http://127.0.0.1:9/", &[]);
    let wrong = good.clone() + "odd = 1\n";
    let cases: [(&[&str], &str, &str); 7] = [
        (&["check", "--format", "nagios"], &wrong, "probes.toml:4"),
        (&["check", "--format=nagios", "--odd"], &good, "--odd"),
        (&["check", "--format", "nagios", "--count", "none"], &good, "--count"),
        (&["check", "--format", "nagios", "nobody"], &good, "nobody"),
        (&["check", "--format", "nagios", "--config", "elsewhere.toml"], &good, "elsewhere.toml"),
        (&["check", "--format", "nagios", "--fail-on", "soon|er"], &good, "--fail-on"),
        (&["check", "--format", "nagios", "--surface", "none"], &good, "none"),
    ];
    for (arguments, config, expected) in cases {
        let ran = Run::new(arguments).config(config).run();
        ran.expect_code(3);
        assert!(ran.stdout.starts_with("UPTICK UNKNOWN: "), "{arguments:?}: {}", ran.stdout);
        assert!(ran.stdout.contains(expected), "{arguments:?}: {}", ran.stdout);
        assert_eq!((ran.stdout.lines().count(), ran.stdout.matches('|').count()), (1, 0), "{}", ran.stdout);
    }
    let help = Run::new(["check", "--format", "nagios", "--help"]).config(&good).run();
    assert!(help.expect_code(0).stdout.contains("Usage"), "{}", help.stdout);
}

#[test]
fn nagios_has_its_own_numbers() {
    let server = healthy();
    let up = Run::new(["check", "--format", "nagios"]).config(&probe("a", &server.url("/"), &[])).run();
    assert!(up.expect_code(0).stdout.contains("OK"), "{}", up.stdout);
    let down = Run::new(["check", "--format", "nagios"]).config(&probe("a", &refusing(), &[])).run();
    assert!(down.expect_code(2).stdout.contains("CRITICAL"), "{}", down.stdout);
}
