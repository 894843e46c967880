//! The rules and the dashboard under `examples/prometheus`: they use metrics that are exported,
//! they pass their own tests, and Prometheus understands all of their queries.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use uptick::export::cumulative::Cumulative;
use uptick::export::histogram_format::HistogramFormat;
use uptick::export::remote_write::RemoteWrite;
use uptick::metric;

use crate::programs::{Program, skip};
use crate::prometheus::settings;
use crate::support::PATIENCE;
use crate::support::samples::window;

const FOLDER: &str = "examples/prometheus";

#[test]
fn the_rules_pass_their_tests() {
    for (folder, arguments) in [
        (FOLDER, ["check", "rules", "uptick.rules.yml"]),
        (FOLDER, ["test", "rules", "uptick.tests.yml"]),
        (FOLDER, ["check", "config", "prometheus.yml"]),
    ] {
        let Ok(output) = Command::new("promtool").args(arguments).current_dir(folder).output() else {
            return skip("promtool");
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}\n{said}");
    }
}

#[test]
fn every_metric_that_is_asked_for_is_exported_or_recorded() {
    let rules = fs::read_to_string(Path::new(FOLDER).join("uptick.rules.yml")).unwrap();
    let recorded: BTreeSet<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- record: ")).collect();
    assert!(recorded.len() > 10, "{recorded:?}");
    let known = |name: &str| {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix)).unwrap_or(name);
        metric::ALL.iter().any(|family| family.name == base) || recorded.contains(name)
    };
    let mut asked = BTreeSet::new();
    let expressions = expressions(&dashboard());
    for text in expressions.iter().map(String::as_str).chain([rules.as_str()]) {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let words = text.split(|c| !is_word(c));
        asked.extend(words.filter(|word| word.contains("probe_") || word.contains("uptick_")).map(str::to_owned));
    }
    asked.remove("uptick_");
    assert!(asked.len() > 20, "{asked:?}");
    let unknown: Vec<&String> = asked.iter().filter(|name| !known(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_metric_is_documented_in_its_own_words() {
    let page = fs::read_to_string("docs/exporting.md").unwrap();
    for family in metric::ALL {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` | ", family.name)));
        let row = row.unwrap_or_else(|| panic!("{} is not documented", family.name));
        assert!(row.ends_with(&format!("| {} |", family.help)), "{row}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn native_histograms_are_merged_by_the_rules_and_the_dashboard_asks_nothing_that_is_not_understood() {
    let rules = fs::canonicalize(Path::new(FOLDER).join("uptick.rules.yml")).unwrap();
    let Some(prometheus) = Program::prometheus_with(&[], &[rules]) else { return };
    let writer = RemoteWrite::start(&settings(&prometheus, HistogramFormat::default()), Cumulative::default).unwrap();
    writer.windows(&[window("fra", "home", &[10_000; 90]), window("syd", "home", &[900_000; 10])]);
    assert!(writer.finish(PATIENCE).await.0.is_whole());
    let median = prometheus.number("probe:uptick_check_duration_seconds:p50_rate5m{probe=\"home\"}");
    assert!((median - 0.01).abs() < 0.000_3, "{median}");
    let p99 = prometheus.number("probe:uptick_check_duration_seconds:p99_rate5m{probe=\"home\"}");
    assert!((p99 - 0.9).abs() < 0.02, "{p99}");
    assert_eq!(prometheus.number("surface:uptick_down:ratio_rate5m{surface=\"web\"}"), 0.0);
    for expression in expressions(&dashboard()) {
        let filled =
            [("$__rate_interval", "5m"), ("$__range", "6h"), ("$surface", ".*"), ("$probe", ".*"), ("$vantage", ".*")]
                .iter()
                .fold(expression.clone(), |text, (variable, value)| text.replace(variable, value));
        // A query that Prometheus does not understand has no result, which fails here.
        prometheus.query(&filled);
    }
}

fn dashboard() -> serde_json::Value {
    serde_json::from_str(&fs::read_to_string(Path::new(FOLDER).join("grafana-dashboard.json")).unwrap()).unwrap()
}

fn expressions(dashboard: &serde_json::Value) -> Vec<String> {
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let all: Vec<String> = targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    assert!(all.len() > 10);
    all
}
