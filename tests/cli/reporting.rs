//! `uptick report` and `uptick compact` as a user meets them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::origin::{healthy, probe, refusing};
use crate::support::run::{Ran, Run};
use crate::support::server::{Server, answer};

/// A folder with a configuration and a journal in which `home` is up and `gone` is not.
fn recorded() -> Ran {
    recorded_at("local")
}

/// The same, recorded at this vantage.
fn recorded_at(vantage: &str) -> Ran {
    let server = healthy();
    let config = probe("home", &server.url("/"), &["surface = \"web\""])
        + &probe("gone", &refusing(), &["surface = \"app\"", "tags = [\"late\"]"]);
    let ran = Run::new(["check", "--record", "-q", "--count", "8", "--vantage", vantage]).config(&config).run();
    ran.expect_code(1);
    ran
}

/// Runs `uptick report` on the journal of a folder.
pub(crate) fn report(folder: &Path, arguments: &[&str]) -> Ran {
    asked(folder, arguments).run()
}

/// The same run, not yet started.
fn asked(folder: &Path, arguments: &[&str]) -> Run {
    let journal = folder.join("uptick-journal").display().to_string();
    let config = fs::read_to_string(folder.join("probes.toml")).unwrap();
    Run::new([&["report", &journal], arguments].concat()).config(&config)
}

#[test]
fn a_report_ends_as_a_check_would_or_as_it_is_asked_to() {
    let recorded = recorded();
    let ran = report(recorded.folder.path(), &[]);
    ran.expect_code(1);
    for part in ["app", "web", "connect_refused", "vantage"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    report(recorded.folder.path(), &["--fail-on", "down"]).expect_code(1);
    report(recorded.folder.path(), &["--fail-on", "flaky"]).expect_code(1);
    for condition in ["never", "failed > 100%", "slo"] {
        report(recorded.folder.path(), &["--fail-on", condition]).expect_code(0);
    }
    let quiet = report(recorded.folder.path(), &["-q", "--fail-on", "never"]);
    assert_eq!((quiet.code(), quiet.stdout.as_str()), (0, ""), "quiet is about the exit status");
}

#[test]
fn a_condition_on_times_means_the_same_in_a_check_and_in_the_report_on_it() {
    // One of four answers takes 200 ms.
    let server = Server::start(|connection| {
        connection.request();
        if connection.number().is_multiple_of(4) {
            connection.wait(Duration::from_millis(200));
        }
        connection.send(answer(200, &[("Connection", "close")], "ok"));
    });
    let conditions = ["p95 > 150ms", "p99 > 150ms", "p80 > 150ms", "max > 150ms", "p50 > 150ms", "p95 > 1h"];
    let options = conditions.iter().flat_map(|condition| ["--fail-on", condition]);
    let count = ["check", "--record", "--count", "40", "--format", "json"];
    let ran = Run::new(count.into_iter().chain(options)).config(&probe("home", &server.url("/"), &[])).run();
    for (condition, is_met) in conditions.into_iter().zip([true, true, true, true, false, false]) {
        let condition_met = format!("\"condition\": \"{condition}\"");
        assert_eq!(ran.stdout.contains(&condition_met), is_met, "{condition}: {}", ran.stdout);
        let told = report(ran.folder.path(), &["--fail-on", condition, "--brief"]);
        assert_eq!(told.code(), i32::from(is_met), "{condition}: {}", told.stdout);
        assert_eq!(told.stdout.contains(" of 40 up checks ("), is_met, "{condition}: {}", told.stdout);
    }
}

#[test]
fn a_failing_state_that_fails_no_report_is_explained_in_every_format() {
    let recorded = recorded();
    let why = "what fails is within what --fail-on allows";
    for (format, expected) in [
        ("brief", format!("; {why}")),
        ("human", format!("PASSES        {why}")),
        ("markdown", format!("- passes: {why}")),
        ("html", format!("Passes: {why}")),
        ("csv", format!(",{why}\r\n")),
        ("json", "\"availability_judged\": false".to_owned()),
    ] {
        let report = |asked: &[&str]| report(recorded.folder.path(), &[asked, &["--format", format]].concat());
        let passes = report(&["--fail-on", "never"]);
        passes.expect_code(0);
        assert!(passes.stdout.contains(&expected), "{format}: {expected} is not in\n{}", passes.stdout);
        for fails in [&["--fail-on", "down"][..], &["--fail-on", "max > 1h"], &[]] {
            let fails = report(fails);
            fails.expect_code(1);
            assert!(!fails.stdout.contains(why), "{format}: {}", fails.stdout);
        }
    }
}

#[test]
fn a_condition_that_is_met_is_in_every_format_of_a_report() {
    let recorded = recorded();
    let asked = ["--surface", "web", "--fail-on", "max > 1us"];
    for (format, expected) in [
        ("brief", "; fails on max > 1µs: "),
        ("human", "FAILS ON      max > 1µs: "),
        ("markdown", "## ✗ FAILS, UP"),
        ("markdown", "- ✗ `fails on max > 1µs: "),
        ("html", "Fails on max &gt; 1µs: "),
        ("json", "\"conditions_met\": ["),
        ("csv", ",fails,"),
        ("csv", ",\"max > 1µs: "),
        ("prometheus", "uptick_window_conditions_met "),
    ] {
        let ran = report(recorded.folder.path(), &[&asked[..], &["--format", format]].concat());
        ran.expect_code(1);
        assert!(ran.stdout.contains(expected), "{format}: {expected} is not in\n{}", ran.stdout);
    }
    let quiet = report(recorded.folder.path(), &[&asked[..], &["-q"]].concat());
    quiet.expect_code(1);
    assert_eq!(quiet.stdout.lines().count(), 1, "{}", quiet.stdout);
}

#[test]
fn a_report_has_its_instants_in_the_zone_that_is_asked_for() {
    let recorded = recorded();
    let brief = report(recorded.folder.path(), &["--brief", "--tz", "Asia/Kathmandu"]);
    assert!(brief.expect_code(1).stdout.contains(" +0545 "), "{}", brief.stdout);
    let html = report(recorded.folder.path(), &["--format", "html", "--tz", "Asia/Kathmandu"]);
    assert!(html.stdout.contains("began between (Asia/Kathmandu)"), "the zone is named");
    let json = report(recorded.folder.path(), &["--format", "json", "--tz", "Asia/Kathmandu"]).json();
    assert_eq!(json["window"]["zone"], "Asia/Kathmandu");
    assert!(json["window"]["from"].as_str().unwrap().ends_with('Z'), "{}", json["window"]);
    let refused = report(recorded.folder.path(), &["--tz", "Mars/Olympus"]);
    assert!(
        refused.expect_code(2).stderr.contains("write for example Europe/Berlin, local or UTC"),
        "{}",
        refused.stderr
    );
}

#[test]
fn text_is_in_the_zone_of_this_machine_and_a_document_in_utc() {
    let recorded = recorded();
    let nepal = |arguments: &[&str]| asked(recorded.folder.path(), arguments).env("TZ", "Asia/Kathmandu").run().stdout;
    let html_too = ["--format", "human", "--format", "html=page.html"];
    for (arguments, is_local) in [
        (&["--brief"][..], true),
        (&[], true),
        (&["--brief", "--utc"], false),
        (&["--brief", "--tz", "UTC"], false),
        (&["--format", "markdown"], false),
        (&["--format", "json"], false),
        (&html_too, false),
    ] {
        let said = nepal(arguments);
        assert_eq!((said.contains("+0545"), said.contains(" UTC")), (is_local, !is_local), "{arguments:?}: {said}");
    }
    // Typed times are in the same zone whatever the format: the last hour by this machine's clock
    // contains the checks.
    let clock = jiff::Timestamp::now().to_zoned_datetime(jiff::tz::TimeZone::get("Asia/Kathmandu").unwrap());
    let from = (clock - jiff::Span::new().hours(1)).strftime("%Y-%m-%dT%H:%M").to_string();
    for format in ["human", "json"] {
        let ran = asked(recorded.folder.path(), &["--from", &from, "--format", format]);
        ran.env("TZ", "Asia/Kathmandu").run().expect_code(1);
    }
    let utc = asked(recorded.folder.path(), &["--from", &from, "--utc"]).env("TZ", "Asia/Kathmandu").run();
    assert_eq!(utc.expect_code(2).stderr, "error: --from is in the future\n");
    let reversed = asked(recorded.folder.path(), &["--from", "2025-03-10", "--to", "2025-03-09"]).run();
    assert_eq!(reversed.expect_code(2).stderr, "error: --from must be earlier than --to\n");
}

#[test]
fn a_report_can_be_about_one_surface_or_tag() {
    let recorded = recorded();
    let web = report(recorded.folder.path(), &["--surface", "web"]);
    web.expect_code(0);
    assert!(!web.stdout.contains("connect_refused"), "{}", web.stdout);
    let tagged = report(recorded.folder.path(), &["--tag", "late"]);
    assert!(tagged.expect_code(1).stdout.contains("connect_refused"), "{}", tagged.stdout);
    assert!(!tagged.stdout.contains("web"), "{}", tagged.stdout);
}

#[test]
fn a_surface_or_tag_that_nobody_knows_is_a_slip_of_the_pen() {
    let recorded = recorded();
    let refused = |arguments: &[&str], told: &str| {
        let ran = report(recorded.folder.path(), arguments);
        assert_eq!((ran.expect_code(2).stdout.as_str(), ran.stderr.trim_end()), ("", told), "{arguments:?}");
    };
    refused(&["--surface", "webb"], "error: no probe has the surface \"webb\"; did you mean \"web\"?");
    refused(&["--surface", "unheard-of"], "error: no probe has the surface \"unheard-of\"; known: app, web");
    refused(&["--tag", "lat"], "error: no probe has the tag \"lat\"; did you mean \"late\"?");
    refused(&["--tag", "late", "--tag", "x"], "error: no probe has the tag \"x\"; known: late");
    let journal = recorded.folder.path().join("uptick-journal").display().to_string();
    let bare = Run::new(["report", &journal, "--surface", "webb"]).run();
    assert!(bare.expect_code(2).stderr.contains("did you mean \"web\"?"), "the journal knows: {}", bare.stderr);
    // A surface that is configured but was never probed is known too.
    let config = fs::read_to_string(recorded.folder.path().join("probes.toml")).unwrap();
    let later = config + &probe("later", &refusing(), &["surface = \"images\""]);
    Run::new(["report", &journal, "--surface", "images"]).config(&later).run().expect_code(3);
}

#[test]
fn the_same_journals_give_the_same_bytes_in_every_format_and_order() {
    let recorded = ["london", "paris", "tokyo"].map(recorded_at);
    let [london, paris, tokyo] = recorded.each_ref().map(|ran| ran.folder.path().join("uptick-journal"));
    let config = fs::read_to_string(recorded[0].folder.path().join("probes.toml")).unwrap();
    let to = jiff::Timestamp::now().to_string();
    let bytes = |format: &str, journals: [&Path; 3]| {
        let journals = journals.map(|journal| journal.display().to_string());
        let [first, second, third] = journals.each_ref().map(String::as_str);
        let asked = ["report", first, second, third, "--to", &to, "--format", format];
        let ran = Run::new(asked).config(&config).run();
        assert!(!ran.expect_code(1).stdout.is_empty(), "{format}: {}", ran.stderr);
        ran.stdout.clone()
    };
    for format in ["human", "brief", "json", "html", "markdown", "csv", "prometheus"] {
        let told = bytes(format, [&london, &paris, &tokyo]);
        assert_eq!(told, bytes(format, [&london, &paris, &tokyo]), "{format} twice");
        assert_eq!(told, bytes(format, [&tokyo, &london, &paris]), "{format} in another order");
        assert_eq!(told, bytes(format, [&paris, &tokyo, &london]), "{format} in another order");
    }
}

#[test]
fn brief_is_the_first_line() {
    let recorded = recorded();
    let ran = report(recorded.folder.path(), &["--brief"]);
    ran.expect_code(1);
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    assert!(ran.stdout.starts_with("DOWN  app since "), "{}", ran.stdout);
    let document = report(recorded.folder.path(), &["--format", "json"]).json();
    // The duration has grown between the two reports; it is printed from one second on.
    let lead = |line: &str| line.split(" or earlier").next().map(str::to_owned);
    assert_eq!(document["verdict"]["headline"].as_str().and_then(lead), lead(&ran.stdout));
    assert_eq!(document["coverage"]["ratio"], 1.0, "passes by hand have no schedule to fall short of");
}

#[test]
fn every_format_of_a_report_can_be_had_at_once() {
    let recorded = recorded();
    let files: Vec<String> =
        ["json", "html", "markdown", "csv", "prometheus"].iter().map(|format| format!("{format}={format}")).collect();
    let mut arguments = vec!["--format", "human"];
    for file in &files {
        arguments.extend(["--format", file]);
    }
    let ran = report(recorded.folder.path(), &arguments);
    ran.expect_code(1);
    for format in ["json", "html", "markdown", "csv", "prometheus"] {
        let text = fs::read_to_string(ran.folder.path().join(format)).unwrap();
        assert!(text.contains("app"), "{format}: {text}");
    }
}

#[test]
fn a_journal_that_is_not_there_is_2_and_one_that_is_empty_is_3() {
    let nowhere = Run::new(["report", "nowhere"]).run();
    nowhere.expect_code(2);
    assert!(nowhere.stderr.contains("nowhere"), "{}", nowhere.stderr);
    let empty = Run::new(["report", "empty"]);
    fs::create_dir(empty.folder().join("empty")).unwrap();
    empty.run().expect_code(3);
}

#[test]
fn usage_errors_of_a_report_are_2() {
    let recorded = recorded();
    for arguments in [&["--format", "yaml"][..], &["--since", "1h", "--from", "2025-03-10"], &["--from", "yesterday"]] {
        report(recorded.folder.path(), arguments).expect_code(2);
    }
}

#[test]
fn compaction_changes_no_word_of_a_brief_report() {
    let recorded = recorded();
    let journal = recorded.folder.path().join("uptick-journal").display().to_string();
    let span = ["--from", "2020-01-01", "--to", "2040-01-01", "--brief"];
    let before = report(recorded.folder.path(), &span).stdout;
    Run::new(["compact", &journal, "-q", "--hourly-after", "1s", "--daily-after", "2s"]).run().expect_code(0);
    assert_eq!(report(recorded.folder.path(), &span).stdout, before);
}

#[test]
fn a_time_zone_that_does_not_exist_is_told_once() {
    let recorded = recorded();
    for (zone, options, is_told) in [
        ("Europe/Nowhere", &[][..], true),
        ("Europe/Nowhere", &["--utc"], false),
        ("Europe/Nowhere", &["--tz", "Asia/Tokyo"], false),
        ("Europe/Berlin", &[], false),
        ("CET-1CEST,M3.5.0,M10.5.0/3", &[], false),
        ("", &[], false),
    ] {
        let ran = asked(recorded.folder.path(), options).env("TZ", zone).run();
        ran.expect_code(1);
        let told = "warning: TZ: \"Europe/Nowhere\" is not a time zone, so times are in UTC";
        assert_eq!(ran.stderr.matches(told).count(), usize::from(is_told), "{zone}: {}", ran.stderr);
    }
}
