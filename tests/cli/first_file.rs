//! `uptick init` and imports: a first probe file made from what URLs answer and from files of other
//! tools.

use std::fs;

use crate::origin::{probe, refusing};
use crate::support::run::Run;
use crate::support::server::{Server, answer};

/// A page, a JSON endpoint, and nothing else.
fn shop() -> Server {
    Server::start(|conn| {
        let request = String::from_utf8_lossy(&conn.request()).into_owned();
        let path = request.split_whitespace().nth(1).unwrap_or_default().to_owned();
        let json = [("content-type", "application/json; charset=utf-8")];
        let reply = match path.split('?').next().unwrap_or_default() {
            "/" => answer(200, &[("content-type", "text/html")], "<!doctype html><title>A shop</title>"),
            "/health" => answer(200, &json, "{\n  \"time\": \"12:00\",\n  \"status\": \"ok\"\n}"),
            "/old" => answer(302, &[("location", "/")], ""),
            "/moody" => answer(200, &json, format!("{{\"status\": \"{}\"}}", conn.number())),
            _ => answer(404, &[], "no"),
        };
        conn.send(reply);
    })
}

#[test]
fn init_expects_of_a_url_what_it_answered() {
    let server = shop();
    let urls = ["/", "/health?token=swordfish", "/old", "/absent"].map(|path| server.url(path));
    let ran = Run::new(["init"].into_iter().chain(urls.iter().map(String::as_str))).run();
    ran.expect_code(0);
    let written = fs::read_to_string(ran.folder.path().join("probes.toml")).unwrap();
    for line in [
        "#:schema probes.schema.json",
        "expect.body-contains = \"A shop\"",
        "expect.header = { content-type = \"text/html\" }",
        "expect.json = [{ path = \"$.status\", equals = \"ok\" }]",
        "expect.header = { content-type = \"application/json\" }",
        "expect.status = 404",
    ] {
        assert!(written.lines().any(|other| other == line), "{line}\n{written}");
    }
    let final_url = format!("# not assumed: that redirects lead to expect.final-url = \"{}\"", server.url("/"));
    assert!(written.contains(&final_url), "{written}");
    assert!(!written.contains("swordfish"), "{written}");
    let variable = written.lines().find_map(|line| line.strip_prefix("#   export ")?.strip_suffix("=…")).unwrap();
    assert!(ran.stderr.contains(variable), "{}", ran.stderr);
    Run::new(["check"]).config(&written).env(variable, "swordfish").run().expect_code(0);
}

#[test]
fn init_does_not_expect_what_changes_from_answer_to_answer() {
    let ran = Run::new(["init", &shop().url("/moody")]).run();
    ran.expect_code(0);
    let written = fs::read_to_string(ran.folder.path().join("probes.toml")).unwrap();
    assert!(written.contains("# not assumed: its type and content"), "{written}");
    assert!(!written.contains("\nexpect.json"), "{written}");
}

#[test]
fn init_writes_a_probe_of_a_url_that_is_down_and_says_so() {
    let ran = Run::new(["init", "own.toml", &refusing()]).run();
    ran.expect_code(0);
    let written = fs::read_to_string(ran.folder.path().join("own.toml")).unwrap();
    assert!(written.contains("# it was not up when it was asked: connect_refused"), "{written}");
    assert!(ran.stderr.contains("1 of 1 URL not up: nothing is expected of it yet"), "{}", ran.stderr);
}

#[test]
fn init_asks_nobody_where_it_could_not_write() {
    let server = shop();
    Run::new(["init", &server.url("/")]).config("mine").run().expect_code(2);
    Run::new(["init", "a.toml", "b.toml", &server.url("/")]).run().expect_code(2);
    Run::new(["init", "ftp://127.0.0.1/"]).run().expect_code(2);
    assert_eq!(server.connections(), 0);
}

#[test]
fn import_writes_to_standard_output_or_to_a_file_that_is_not_there() {
    let curl = "curl -sSf -L http://127.0.0.1:9/health";
    let ran = Run::new(["import", "-"]).stdin(curl).run();
    ran.expect_code(0);
    assert!(ran.stdout.contains("url = \"http://127.0.0.1:9/health\""), "{}", ran.stdout);
    assert!(ran.stderr.starts_with("note: 1 probe"), "{}", ran.stderr);
    Run::new(["validate"]).config(&ran.stdout).run().expect_code(0);
    let into = ["import", "-", "-o", "probes.toml"];
    let refused = Run::new(into).config("mine").stdin(curl).run();
    assert!(refused.expect_code(2).stderr.contains("exists and was not changed"), "{}", refused.stderr);
    assert_eq!(fs::read_to_string(refused.folder.path().join("probes.toml")).unwrap(), "mine");
    let forced = Run::new(into.into_iter().chain(["--force", "-q"])).config("mine").stdin(curl).run();
    assert!(forced.expect_code(0).stderr.is_empty(), "{}", forced.stderr);
    assert_ne!(fs::read_to_string(forced.folder.path().join("probes.toml")).unwrap(), "mine");
}

#[test]
fn import_says_what_is_wrong_with_a_file_and_where() {
    let bad = Run::new(["import", "a.json"]).file("a.json", "{\n\"log\": [\n").run();
    assert!(bad.expect_code(2).stderr.starts_with("error: a.json:3:1: this is not JSON"), "{}", bad.stderr);
    let own = Run::new(["import", "probes.toml"]).config(&probe("a", "http://127.0.0.1/", &[])).run();
    assert!(own.expect_code(2).stderr.contains("a probe file needs no import"), "{}", own.stderr);
    for arguments in [&["import"][..], &["import", "-", "-"], &["import", "absent"], &["import", "."]] {
        let ran = Run::new(arguments).run();
        assert!(!ran.expect_code(2).stderr.is_empty() && ran.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_check_is_saved_under_a_name_and_the_file_stays_as_it_is() {
    let server = shop();
    let before = "# mine\n".to_owned() + &probe("a", &server.url("/"), &["interval   = \"1m\" # odd"]);
    let url = server.url("/health?token=swordfish");
    let ran = Run::new(["check", &url, "--save", "health"]).config(&before).run();
    ran.expect_code(0);
    let after = fs::read_to_string(ran.folder.path().join("probes.toml")).unwrap();
    let added = after.strip_prefix(before.as_str()).unwrap_or_else(|| panic!("{after}"));
    assert!(added.starts_with("\n[[probe]]\nname = \"health\"\n"), "{added}");
    assert!(!added.contains("swordfish") && added.contains("${secret:HEALTH_TOKEN}"), "{added}");
    assert!(ran.stderr.contains("added probe \"health\"") && ran.stderr.contains("HEALTH_TOKEN"), "{}", ran.stderr);
    assert_eq!(server.connections(), 1, "it is checked too");
    Run::new(["check"]).config(&after).env("HEALTH_TOKEN", "swordfish").run().expect_code(0);
}

#[test]
fn a_name_that_is_taken_or_two_urls_save_nothing_and_ask_nobody() {
    let server = shop();
    let before = probe("a", &server.url("/"), &[]);
    let url = server.url("/health");
    for arguments in [
        &["check", url.as_str(), "--save", "a"][..],
        &["check", "a", "--save", "b"],
        &["check", "--save", "b"],
        &["check", url.as_str(), url.as_str(), "--save", "b"],
    ] {
        let ran = Run::new(arguments).config(&before).run();
        ran.expect_code(2);
        assert_eq!(fs::read_to_string(ran.folder.path().join("probes.toml")).unwrap(), before, "{arguments:?}");
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn a_check_is_saved_into_a_file_that_is_not_there() {
    let server = shop();
    let ran = Run::new(["check", &server.url("/"), "--save", "home", "-c", "new.toml"]).run();
    ran.expect_code(0);
    let written = fs::read_to_string(ran.folder.path().join("new.toml")).unwrap();
    assert!(written.starts_with("#:schema probes.schema.json\n\n[[probe]]\nname = \"home\"\n"), "{written}");
}

#[test]
fn what_comes_next_names_a_file_that_no_command_finds_itself() {
    let usual = Run::new(["init"]).run();
    assert_eq!(usual.stdout, "wrote probes.toml; next: uptick validate, then uptick check\n");
    let other = Run::new(["init", "other.toml"]).run();
    assert_eq!(
        other.stdout,
        "wrote other.toml; next: uptick validate -c other.toml, then uptick check -c other.toml\n"
    );
}

#[test]
fn a_journal_to_compact_that_does_not_exist_is_a_usage_error_as_in_a_report() {
    for command in ["compact", "report"] {
        let ran = Run::new([command, "absent"]).run();
        ran.expect_code(2);
        assert!(ran.stderr.contains("error: no journal at absent"), "{command}: {}", ran.stderr);
    }
}

#[test]
fn what_is_saved_is_what_this_run_checks_under_its_name_and_nothing_is_saved_by_a_run_that_cannot_begin() {
    let server = shop();
    let file = "[defaults]\nexpect.status = [404]\n";
    let check = |more: &[&str]| {
        let words = ["check", &server.url("/"), "--save", "home", "--record"];
        Run::new(words.into_iter().chain(more.iter().copied())).config(file).run()
    };
    let ran = check(&[]);
    ran.expect_code(0);
    let (folder, written) = (ran.folder.path(), fs::read_to_string(ran.folder.path().join("probes.toml")).unwrap());
    let again =
        Run::new(["check", "home", "--format", "json", "-c"].into_iter().chain(folder.join("probes.toml").to_str()));
    again.run().expect_code(0);
    let journal = folder.join("uptick-journal");
    let report = Run::new(["report", "--format", "json"].into_iter().chain(journal.to_str())).run().json();
    assert_eq!(report["probes"][0]["probe"], "home", "{written}");
    let refused = check(&["--format", "json=missing/folder"]);
    refused.expect_code(2);
    assert_eq!(fs::read_to_string(refused.folder.path().join("probes.toml")).unwrap(), file);
}

#[test]
fn data_that_is_read_is_sent_as_it_is() {
    let seen = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let note = std::sync::Arc::clone(&seen);
    let server = Server::start(move |conn| {
        *note.lock().unwrap() = String::from_utf8_lossy(&conn.request()).into_owned();
        conn.send(answer(200, &[], "ok"));
    });
    let data = "{\"a\": \"${file:secret.txt} ${secret:TOKEN} $${x}\"}";
    let url = server.url("/");
    for words in [vec!["-d", "@-"], vec!["--json", "@-"], vec!["-d", "@data"]] {
        let run = Run::new(["check", &url].into_iter().chain(words)).file("secret.txt", "swordfish");
        run.file("data", data).env("TOKEN", "swordfish").stdin(data).run().expect_code(0);
        assert!(seen.lock().unwrap().ends_with(data), "{}", seen.lock().unwrap());
    }
    let list = format!("{}?a=${{secret:TOKEN}}\n", server.url("/"));
    Run::new(["check", "-"]).env("TOKEN", "swordfish").stdin(list).run();
    assert!(!seen.lock().unwrap().contains("swordfish"), "{}", seen.lock().unwrap());
}

#[test]
fn init_takes_no_file_of_another_tool_for_a_host() {
    let ran = Run::new(["init", "gatus.yaml"]).run();
    ran.expect_code(2);
    assert!(ran.stderr.contains("uptick import gatus.yaml"), "{}", ran.stderr);
}
