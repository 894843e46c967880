//! Maintenance: checks run, are recorded and marked, and do not affect the verdict.

use crate::support::run::Run;

/// A probe of a port where nothing listens, with these maintenance periods.
fn down_in(maintenance: &str) -> Run {
    let config = format!(
        "[surface.web]\nobjective = \"99% over 1d\"\n\n[[probe]]\nname = \"home\"\nsurface = \"web\"\n\
         url = \"http://127.0.0.1:9/\"\nmaintenance = [{maintenance}]\n"
    );
    Run::new(["check", "--record", "--format", "json", "--count", "3"]).config(&config)
}

#[test]
fn a_target_that_is_down_in_maintenance_is_recorded_and_has_no_say() {
    let ran = down_in("{ from = 2020-01-01T00:00:00Z, to = 2100-01-01T00:00:00Z }").run();
    ran.expect_code(0);
    let pass = ran.json();
    assert_eq!(pass["verdict"], "up");
    assert_eq!(pass["maintenance"]["down"], 3);
    assert_eq!(pass["outcomes"][0]["maintenance"], true);
    assert_eq!(pass["outcomes"][0]["verdict"], "down");
    let (_, journal) =
        ran.files().into_iter().find(|(path, _)| path.extension().is_some_and(|e| e == "jsonl")).unwrap();
    let journal = String::from_utf8(journal).unwrap();
    let window = journal.lines().find(|line| line.contains(r#""kind":"window""#)).unwrap();
    assert!(window.contains(r#""maintenance":true"#) && window.contains(r#""down":3"#), "{window}");
}

#[test]
fn after_the_maintenance_it_is_down_again() {
    let ran = down_in("{ from = 2020-01-01T00:00:00Z, to = 2021-01-01T00:00:00Z }").run();
    ran.expect_code(1);
    assert_eq!(ran.json()["verdict"], "down");
    assert_eq!(ran.json().get("maintenance"), None);
}
