//! The file for `node_exporter`'s textfile collector: counters over all recorded runs, gauges of one run.

use std::fs;

use crate::programs::Program;
use crate::support::run::Run;
use crate::support::server::{Server, answer};

const LABELS: &str = "{probe=\"home\",surface=\"web\",vantage=\"local\"";

/// The value of the sample that starts with `series`.
#[track_caller]
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(series)).unwrap_or_else(|| panic!("no {series} in\n{text}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[test]
fn counters_go_on_from_run_to_run_and_prometheus_sees_them_rise() {
    let origin = Server::answers(answer(503, &[], ""));
    let folder = tempfile::tempdir().unwrap();
    let (journal, file) = (folder.path().join("journal"), folder.path().join("uptick.prom"));
    let config = format!("[[probe]]\nname = \"home\"\nsurface = \"web\"\nurl = \"{}\"\n", origin.url("/"));
    let check = |arguments: &[&str]| {
        let (journal, format) =
            (format!("--journal={}", journal.display()), format!("--format=prometheus={}", file.display()));
        let fixed = ["check", "--count=5", &journal, &format];
        let ran = Run::new(fixed.iter().chain(arguments)).config(&config).run();
        assert_eq!(ran.expect_code(1).stderr, "");
        fs::read_to_string(&file).unwrap()
    };
    // Checks that were recorded before counters were asked for are counted too.
    Run::new(["check", "--record", &format!("--journal={}", journal.display())]).config(&config).run();
    let first = check(&["--record"]);
    let down = format!("uptick_checks_total{LABELS},verdict=\"down\"}}");
    assert_eq!(value(&first, &down), 6.0);
    let class = |class: &str| format!("uptick_failures_total{{class=\"{class}\",{}", &LABELS[1..]);
    assert_eq!((value(&first, &class("status")), value(&first, &class("connect_refused"))), (6.0, 0.0));
    let exporter = Program::node_exporter(folder.path());
    let prometheus = exporter.as_ref().and_then(|exporter| Program::prometheus(&[exporter.address]));
    if let Some(prometheus) = &prometheus {
        assert_eq!(prometheus.number("uptick_checks_total{verdict=\"down\"}"), 6.0);
    }
    let mut last = String::new();
    for run in 2..=4 {
        last = check(&["--record"]);
        assert_eq!(value(&last, &down), f64::from(1 + run * 5));
        assert_eq!(
            value(&last, &format!("uptick_failed_check_duration_seconds_count{LABELS}")),
            f64::from(1 + run * 5)
        );
    }
    assert!(!last.contains("uptick_run_checks"), "{last}");
    if let Some(prometheus) = &prometheus {
        prometheus.wait(|| prometheus.number("uptick_checks_total{verdict=\"down\"}") == 21.0, "all that was counted");
        assert!(prometheus.number("increase(uptick_checks_total{verdict=\"down\"}[1m])") >= 15.0);
    }
    // A run that is not recorded has no counters, and gauges with other names.
    let alone = check(&[]);
    assert!(!alone.contains("_total") && !alone.contains(" counter\n"), "{alone}");
    assert_eq!(value(&alone, &format!("uptick_run_checks{LABELS},verdict=\"down\"}}")), 5.0);
    assert_eq!(value(&alone, &format!("uptick_run_failures{LABELS},class=\"status\"}}")), 5.0);
    assert_eq!(value(&check(&["--record"]), &down), 26.0);
}
