//! `warn.*`: every format names the rules that do not hold, and the check is up all the same.

use crate::live::until;
use crate::origin::{healthy, probe, refusing};
use crate::support::run::Run;

const FORMATS: [(&str, i32, &[&str]); 9] = [
    ("human", 0, &["✓ UP  a", "WARNING     body-contains: expected nowhere, got"]),
    ("json", 0, &["\"warnings\": 1", "\"unmet_warnings\""]),
    ("ndjson", 0, &["\"verdict\":\"up\"", "\"warnings\":[{\"assertion\":\"body-contains\""]),
    ("junit", 0, &["failures=\"0\"", "warning: body-contains: expected nowhere", "\nwarnings=1\n"]),
    ("tap", 0, &["ok 1 - default / a", "# warning: a: body-contains: expected nowhere"]),
    ("github", 0, &["::warning file=", "title=a (default) warning::body-contains: expected nowhere"]),
    (
        "nagios",
        1,
        &["UPTICK WARNING: 1 check: 1 up (1 with warnings); a warning: body-contains", "'checks_warnings'=1"],
    ),
    (
        "prometheus",
        0,
        &["uptick_run_warnings{probe=\"a\"", "probe_success{probe=\"a\",surface=\"default\",vantage=\"local\"} 1"],
    ),
    ("markdown", 0, &["## ✓ UP: ", "- ⚠ warning: `a` `body-contains: expected nowhere"]),
];

#[test]
fn what_does_not_hold_is_named_in_every_format() {
    let server = healthy();
    let config = probe("a", &server.url("/"), &["warn.body-contains = \"nowhere\""]);
    for (format, code, expected) in FORMATS {
        let ran = Run::new(["check", "--format", format]).config(&config).run();
        ran.expect_code(code);
        for part in expected {
            assert!(ran.stdout.contains(part), "{format}: {part} is not in\n{}", ran.stdout);
        }
    }
}

#[test]
fn every_rule_of_an_expectation_can_warn() {
    let server = healthy();
    for (rule, assertion) in [
        ("status = 204", "status"),
        ("body-lacks = \"i\"", "body-lacks"),
        ("header.x-nowhere = \"a\"", "header.x-nowhere"),
        ("json = [{ path = \"$.a\", equals = 1 }]", "json"),
        ("latency.total = \"1us\"", "latency.total"),
        ("certificate-days = 30", "certificate-days"),
        ("secure = true", "secure"),
        ("http-version = \"2\"", "http-version"),
        ("tls-version = \"1.3\"", "tls-version"),
        ("min-bytes = \"1KiB\"", "min-bytes"),
        ("max-bytes = 0", "max-bytes"),
        ("final-url = \"http://elsewhere.test/\"", "final-url"),
        ("assets.at-least = 3", "assets.at-least"),
    ] {
        let config = probe("a", &server.url("/"), &[&format!("warn.{rule}")]);
        let told = || {
            let ran = Run::new(["check", "--format", "json"]).config(&config).run();
            ran.expect_code(0);
            ran.json()["probes"][0]["unmet_warnings"][0]["assertion"] == assertion
        };
        // If the prober itself was late, as on a busy machine, it gives no warning about latency.
        until(rule, told);
    }
}

#[test]
fn what_holds_and_what_is_down_has_no_warning() {
    let server = healthy();
    let met = probe("a", &server.url("/"), &["warn.status = 200", "warn.latency.total = \"1h\""]);
    let ran = Run::new(["check"]).config(&met).run();
    ran.expect_code(0);
    assert!(!ran.stdout.to_lowercase().contains("warning"), "{}", ran.stdout);
    let down = probe("a", &refusing(), &["warn.body-contains = \"nowhere\""]);
    let ran = Run::new(["check"]).config(&down).run();
    ran.expect_code(1);
    assert!(!ran.stdout.to_lowercase().contains("warning"), "{}", ran.stdout);
}

#[test]
fn the_command_line_sets_it_validate_explains_it_and_a_slip_is_told_with_its_place() {
    let server = healthy();
    let ran = Run::new(["check", &server.url("/"), "--set", "warn.min-bytes=1KiB"]).run();
    ran.expect_code(0);
    assert!(ran.stdout.contains("WARNING     min-bytes: expected at least 1024 bytes"), "{}", ran.stdout);
    let config = probe("a", &server.url("/"), &["expect.certificate-days = 7", "warn.certificate-days = 30"]);
    let explained = Run::new(["validate", "--explain", "a"]).config(&config).run();
    explained.expect_code(0);
    for line in ["expect.certificate-days = 7\n", "warn.certificate-days = 30\n"] {
        assert!(explained.stdout.contains(line), "{line} is not in\n{}", explained.stdout);
    }
    assert!(!explained.stdout.contains("warn.status"), "{}", explained.stdout);
    let again = Run::new(["validate"]).config(&explained.stdout).run();
    again.expect_code(0);
    let slip = Run::new(["validate"]).config(&probe("a", &server.url("/"), &["warn.certficate-days = 30"])).run();
    slip.expect_code(2);
    assert!(
        slip.stderr.contains("in warn\n")
            && slip.stderr.contains("`certificate-days`")
            && slip.stderr.contains("probes.toml:4"),
        "{}",
        slip.stderr
    );
}

#[test]
fn of_a_journey_it_is_for_the_last_step_or_for_its_own() {
    let server = healthy();
    let url = server.url("/");
    let config = format!(
        "[[probe]]\nname = \"a\"\nwarn.min-bytes = \"1KiB\"\nstep = [\
         {{ url = \"{url}\", warn.body-contains = \"nowhere\" }}, {{ url = \"{url}\" }}]\n"
    );
    let ran = Run::new(["check", "--format", "json"]).config(&config).run();
    ran.expect_code(0);
    let document = ran.json();
    let unmet = document["probes"][0]["unmet_warnings"].as_array().unwrap();
    let assertions: Vec<&str> = unmet.iter().map(|unmet| unmet["assertion"].as_str().unwrap()).collect();
    assert_eq!(assertions, ["body-contains", "min-bytes"]);
}

#[test]
fn warnings_are_counted_beside_what_is_up() {
    let server = healthy();
    let config = probe("a", &server.url("/"), &["warn.body-contains = \"nowhere\""]) + &probe("b", &refusing(), &[]);
    let ran = Run::new(["check"]).config(&config).run();
    assert!(ran.expect_code(1).stdout.contains("2 checks: 1 up (1 with warnings), 1 down"), "{}", ran.stdout);
}

#[test]
fn a_report_counts_and_names_them_and_spends_no_budget() {
    let server = healthy();
    let config = probe("a", &server.url("/"), &["warn.body-contains = \"nowhere\""])
        + "[surface.default]\nobjective = \"99% over 30d\"\n";
    let recorded = Run::new(["check", "--record", "--count", "3"]).config(&config).run();
    recorded.expect_code(0);
    let report = |format: &str| {
        let config = recorded.folder.path().join("probes.toml");
        let journal = recorded.folder.path().join("uptick-journal");
        let (config, journal) = (config.to_str().unwrap(), journal.to_str().unwrap());
        Run::new(["report", journal, "--config", config, "--format", format, "--since", "1h"]).run()
    };
    for (format, expected) in [
        ("brief", "; 3 checks with warnings: a (body-contains)"),
        ("human", "3 of 3 checks, body-contains: expected nowhere, got fine"),
        ("markdown", "- ⚠ warning: `a` 3 of 3 checks, body-contains: expected nowhere, got fine"),
        ("html", "3 of 3 checks, body-contains: expected nowhere, got fine"),
        ("csv", ",3,,\r\n"),
        ("prometheus", "uptick_window_warnings{probe=\"a\",surface=\"default\"} 3"),
    ] {
        let ran = report(format);
        ran.expect_code(0);
        assert!(ran.stdout.contains(expected), "{format}: {expected} is not in\n{}", ran.stdout);
    }
    let document = report("json").json();
    let row = &document["probes"][0];
    assert_eq!((&row["warnings"], &row["down"]), (&3.into(), &0.into()));
    assert_eq!(row["unmet_warnings"][0]["assertion"], "body-contains");
    assert_eq!(document["surfaces"][0]["slo"]["availability"]["failed"], 0);
    assert_eq!(document["integrity"]["failures"], 0, "what was up is no failure: {}", document["integrity"]);
}
