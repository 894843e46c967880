//! Which probes a command line selects.

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

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let server = healthy();
    let text = "[settings]\nvantage = \"file\"\n".to_owned() + &probe("a", &server.url("/"), &[]);
    for name in ["UPTICK_VANTAGE", "UPTICK_CONFIG", "UPTICK_SHARD", "UPTICK_JOURNAL", "UPTICK_REMOTE_WRITE"] {
        let ran = Run::new(["check", "--record", "--format", "json"]).config(&text).env(name, "").run();
        ran.expect_code(0);
        assert_eq!(ran.json()["vantage"], "file", "{name}");
    }
}

/// Forty probes in two surfaces, some of them of a matrix, and a control target.
fn fleet() -> String {
    let mut file = "[[control]]\nname = \"internet\"\nurl = \"http://127.0.0.1:9/\"\n".to_owned();
    for n in 0..20 {
        file += &probe(&format!("plain {n}"), "http://127.0.0.1:9/", &[]);
    }
    let matrix = "matrix = { region = [\"a\", \"b\", \"c\", \"d\"], n = [\"1\", \"2\", \"3\", \"4\", \"5\"] }";
    file + &probe("of {region} {n}", "http://127.0.0.1:9/{region}", &[matrix])
}

/// The names that `validate` lists, and the number of control targets.
fn listed(arguments: &[&str], variables: &[(&str, &str)]) -> (Vec<String>, usize) {
    let mut run = Run::new([&["validate"], arguments].concat()).config(&fleet());
    for (name, value) in variables {
        run = run.env(name, value);
    }
    let ran = run.run();
    ran.expect_code(0);
    let rows = ran.stdout.lines().skip(1).map(str::trim);
    let (controls, probes): (Vec<&str>, Vec<&str>) = rows.partition(|row| row.starts_with("control"));
    let name = |row: &&str| row.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).nth(1).unwrap().to_owned();
    (probes.iter().map(name).collect(), controls.len())
}

#[test]
fn shards_share_the_probes_out_and_each_has_the_control_targets() {
    let (mut all, _) = listed(&[], &[]);
    all.sort();
    assert_eq!(all.len(), 40);
    for of in [1, 4, 16] {
        let mut union = Vec::new();
        for index in 0..of {
            let shard = format!("{index}/{of}");
            let (probes, controls) = listed(&["--shard", &shard], &[]);
            assert_eq!(controls, 1, "{shard}");
            assert_eq!(listed(&[], &[("UPTICK_SHARD", &shard)]).0, probes);
            let handed_over = [("UPTICK_SHARDS", of.to_string()), ("JOB_COMPLETION_INDEX", index.to_string())];
            let handed_over = handed_over.each_ref().map(|(name, value)| (*name, value.as_str()));
            assert_eq!(listed(&[], &handed_over).0, probes);
            union.extend(probes);
        }
        union.sort();
        assert_eq!(union, all, "{of} shards");
    }
}

#[test]
fn a_shard_that_cannot_be_is_refused_and_nothing_is_probed() {
    for (arguments, variables, named) in [
        (&["--shard", "4/4"][..], &[][..], "3/4"),
        (&["--shard", "0/0"], &[], "0 shards"),
        (&["--shard", "two"], &[], "I/N"),
        (&[], &[("UPTICK_SHARDS", "2"), ("JOB_COMPLETION_INDEX", "2")], "JOB_COMPLETION_INDEX"),
        (&[], &[("UPTICK_SHARDS", "x")], "UPTICK_SHARDS"),
    ] {
        for command in ["check", "watch", "validate"] {
            let mut run = Run::new([&[command], arguments].concat()).config(&fleet());
            for (name, value) in variables {
                run = run.env(name, value);
            }
            let ran = run.run();
            ran.expect_code(2);
            assert!(ran.stderr.contains(named), "{named}: {}", ran.stderr);
        }
    }
}

#[test]
fn a_shard_without_a_probe_waits_and_records_that_it_is_there() {
    let config = probe("only", "http://127.0.0.1:9/", &[]);
    let owner = |shard: &str| !Run::new(["validate", "--shard", shard]).config(&config).run().stdout.contains("only");
    let shard = ["0/2", "1/2"].into_iter().find(|shard| owner(shard)).unwrap();
    let ran = Run::new(["watch", "--shard", shard, "--for", "300ms"]).config(&config).run();
    ran.expect_code(0);
    assert!(ran.took.as_millis() >= 300, "{:?}", ran.took);
    assert!(ran.stderr.contains(&format!("no probe belongs to shard {shard}")), "{}", ran.stderr);
    let lines: String = ran
        .files()
        .into_iter()
        .filter_map(|(path, bytes)| {
            path.extension().is_some_and(|kind| kind == "jsonl").then(|| String::from_utf8(bytes).unwrap())
        })
        .collect();
    assert!(lines.contains("\"kind\":\"plan\"") && lines.contains("\"of\":2"), "{lines}");
}

#[test]
fn a_list_of_targets_may_be_several_files_each_with_a_byte_order_mark() {
    let server = crate::origin::healthy();
    let (one, two) = (server.url("/a"), server.url("/b"));
    let list = format!("\u{feff}{one}\r\n\u{feff}{two}\n\u{feff}# the end\n\u{feff}\n");
    let ran = Run::new(["check", "-", "--format", "ndjson"]).stdin(list).run();
    ran.expect_code(0);
    assert_eq!(ran.json_lines().len(), 2, "{}", ran.stdout);
}
