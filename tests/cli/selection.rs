//! Which probes a command line means.

use crate::origin::{healthy, probe};
use crate::support::run::{Ran, Run};
use crate::support::server::Server;

fn config(server: &Server) -> String {
    let url = server.url("/");
    probe("home", &url, &["surface = \"web\"", "tags = [\"critical\"]"])
        + &probe("search", &url, &["surface = \"web\""])
        + &probe("timeline", &url, &["surface = \"app\"", "tags = [\"critical\", \"slow\"]"])
}

/// The probes that were checked, in the order of the file.
#[track_caller]
fn checked(arguments: &[&str]) -> Vec<String> {
    let server = healthy();
    let ran = Run::new([&["check", "--format", "json"], arguments].concat()).config(&config(&server)).run();
    ran.expect_code(0);
    let document = ran.json();
    let probes = document["probes"].as_array().unwrap();
    assert_eq!(server.connections(), probes.len());
    probes.iter().map(|probe| probe["probe"].as_str().unwrap().to_owned()).collect()
}

#[track_caller]
fn refused(arguments: &[&str]) -> Ran {
    let server = healthy();
    let ran = Run::new([&["check"], arguments].concat()).config(&config(&server)).run();
    ran.expect_code(2);
    assert_eq!(server.connections(), 0);
    ran
}

#[test]
fn probes_are_selected_by_name_surface_and_tag() {
    assert_eq!(checked(&[]), ["home", "search", "timeline"]);
    assert_eq!(checked(&["timeline", "home"]), ["home", "timeline"]);
    assert_eq!(checked(&["--surface", "web"]), ["home", "search"]);
    assert_eq!(checked(&["--surface", "web", "--surface", "app"]), ["home", "search", "timeline"]);
    assert_eq!(checked(&["--tag", "critical"]), ["home", "timeline"]);
    assert_eq!(checked(&["--surface", "app", "--tag", "slow"]), ["timeline"]);
    assert_eq!(checked(&["home", "--tag", "critical"]), ["home"]);
}

#[test]
fn an_unknown_name_is_refused_with_a_suggestion() {
    assert!(refused(&["timelien"]).stderr.contains("did you mean \"timeline\"?"));
    assert!(refused(&["--surface", "webb"]).stderr.contains("did you mean \"web\"?"));
    assert!(refused(&["--tag", "critcal"]).stderr.contains("did you mean \"critical\"?"));
    let ran = refused(&["zebra"]);
    assert!(ran.stderr.contains("known: home, search, timeline"), "{}", ran.stderr);
}

#[test]
fn a_selection_that_leaves_nothing_is_refused_and_not_up() {
    refused(&["--surface", "web", "--tag", "slow"]);
}

#[test]
fn the_nearest_probe_file_upward_is_meant() {
    let server = healthy();
    let run = Run::new(["check", "--format", "json"]).config(&probe("above", &server.url("/"), &[]));
    let below = run.folder().join("a/b");
    std::fs::create_dir_all(&below).unwrap();
    let mut command = run.command();
    let output = command.current_dir(&below).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("\"above\""));
}

#[test]
fn options_win_over_the_environment_and_that_over_the_file() {
    let server = healthy();
    let text = "[settings]\nvantage = \"file\"\n".to_owned() + &probe("a", &server.url("/"), &[]);
    let vantage = |run: Run| run.config(&text).run().json()["vantage"].as_str().unwrap().to_owned();
    assert_eq!(vantage(Run::new(["check", "--format", "json"])), "file");
    assert_eq!(vantage(Run::new(["check", "--format", "json"]).env("UPTICK_VANTAGE", "environment")), "environment");
    let option = Run::new(["check", "--format", "json", "--vantage", "option"]);
    assert_eq!(vantage(option.env("UPTICK_VANTAGE", "environment")), "option");
    let elsewhere =
        Run::new(["check", "--format", "json"]).file("other.toml", &text).env("UPTICK_CONFIG", "other.toml");
    assert_eq!(elsewhere.run().json()["vantage"], "file");
}
