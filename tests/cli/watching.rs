//! `uptick watch`: start, reload, end.

use std::fs;
use std::time::Duration;

use crate::live::{ENDS_SOON, RunInProgress, recorded, until};
use crate::origin::{healthy, probe};
use crate::support::run::Run;
use crate::support::server::{Server, answer};

/// A watch without a controlling terminal that still receives SIGHUP, however the tests are run.
fn service() -> Run {
    Run::new(["watch"]).through(["env", "--default-signal=HUP", "setsid"])
}

const FAST: &str = "[defaults]\ninterval = \"100ms\"\ntimeout = \"90ms\"\n";

#[test]
fn a_watch_probes_on_its_interval_until_it_is_told_and_records() {
    let server = healthy();
    let live =
        RunInProgress::start(Run::new(["watch"]).config(&(FAST.to_owned() + &probe("home", &server.url("/"), &[]))));
    until("ten checks", || server.connections() >= 10);
    live.signal("TERM");
    let ended = live.end();
    assert_eq!(ended.code, 143, "{}", ended.stderr);
    assert!(ended.after < ENDS_SOON);
    let [scheduled, up, down, unknown, missed] = recorded(ended.run.folder());
    assert_eq!(scheduled, up + down + unknown + missed);
    assert!(up >= 9 && down == 0, "{up} up, {down} down");
    assert!(ended.stdout.contains("home"), "the watch is summed up: {}", ended.stdout);
}

#[test]
fn a_watch_ends_by_itself_after_the_time_given() {
    let server = healthy();
    let config = FAST.to_owned() + &probe("home", &server.url("/"), &[]);
    let ran = Run::new(["watch", "--for", "550ms", "--no-record"]).config(&config).run();
    ran.expect_code(0);
    assert!((4..=6).contains(&server.connections()), "{}", server.connections());
    assert!(!ran.folder.path().join("uptick-journal").exists());
}

#[test]
fn the_configuration_is_read_again_on_sighup() {
    let (first, second) = (healthy(), healthy());
    let config = FAST.to_owned() + &probe("first", &first.url("/"), &[]);
    let live = RunInProgress::start(service().config(&config));
    until("the first is asked", || first.connections() >= 2);
    assert_eq!(second.connections(), 0);
    let more = config.clone() + &probe("second", &second.url("/"), &[]);
    fs::write(live.folder().join("probes.toml"), more).unwrap();
    live.signal("HUP");
    until("the second is asked", || second.connections() >= 2);
    let before = first.connections();
    until("the first is still asked", || first.connections() >= before + 2);
    live.signal("INT");
    let ended = live.end();
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(ended.stderr.contains("configuration reloaded"), "{}", ended.stderr);
    let [scheduled, up, down, unknown, missed] = recorded(ended.run.folder());
    assert_eq!((scheduled, down), (up + unknown + missed, 0), "a reload loses nothing and breaks nothing");
}

#[test]
fn a_reload_says_what_it_does_not_change() {
    let server = healthy();
    let config = FAST.to_owned() + &probe("first", &server.url("/"), &[]);
    let live = RunInProgress::start(service().config(&config));
    until("it is asked", || server.connections() >= 2);
    let more = config.clone() + "[[alert]]\nname = \"ops\"\nwebhook = \"http://127.0.0.1:1/\"\n";
    fs::write(live.folder().join("probes.toml"), more).unwrap();
    live.signal("HUP");
    let before = server.connections();
    until("it is still asked", || server.connections() >= before + 2);
    live.signal("INT");
    let ended = live.end();
    assert!(ended.stderr.contains("warning: a reload changes probes alone"), "{}", ended.stderr);
    assert!(ended.stderr.contains("[[alert]]"), "{}", ended.stderr);
}

#[test]
fn a_check_under_way_keeps_the_time_for_its_retries_when_the_configuration_is_read_again() {
    let server = Server::start(|conn| {
        if conn.number() > 1 {
            conn.request();
            conn.send(answer(200, &[], "x"));
        }
    });
    let retrying = ["retries = { attempts = 1, delay = \"2s\" }", "timeout = \"1s\"", "interval = \"5s\""];
    let live = RunInProgress::start(service().config(&probe("home", &server.url("/"), &retrying)));
    until("it is asked", || server.connections() == 1);
    live.signal("HUP");
    until("it is asked once more", || server.connections() == 2);
    live.signal("INT");
    let ended = live.end();
    let [scheduled, up, _, unknown, missed] = recorded(ended.run.folder());
    assert_eq!((scheduled, up, unknown, missed), (1, 1, 0, 0), "{}", ended.stderr);
}

#[test]
fn a_configuration_that_cannot_be_read_again_leaves_the_old_one_in_force() {
    let server = healthy();
    let config = FAST.to_owned() + &probe("home", &server.url("/"), &[]);
    let mut live = RunInProgress::start(service().config(&config));
    until("it is asked", || server.connections() >= 2);
    fs::write(live.folder().join("probes.toml"), config.replace("url", "ulr")).unwrap();
    live.signal("HUP");
    let before = server.connections();
    until("it is asked on", || server.connections() >= before + 3);
    assert!(live.is_running());
    live.signal("INT");
    let ended = live.end();
    assert_eq!(ended.code, 130);
    assert!(ended.stderr.contains("ulr") && ended.stderr.contains("the old one stays in use"), "{}", ended.stderr);
}

#[test]
fn one_run_alone_holds_a_journal_where_that_is_asked_for() {
    let server = healthy();
    let config = FAST.to_owned() + &probe("home", &server.url("/"), &[]);
    let live = RunInProgress::start(Run::new(["watch", "--single-instance"]).config(&config));
    until("it is asked", || server.connections() >= 1);
    let journal = live.folder().join("uptick-journal").display().to_string();
    let other = Run::new(["check", "--record", "--single-instance", "--journal", &journal]).config(&config).run();
    other.expect_code(75);
    live.signal("INT");
    live.end();
    let later = Run::new(["check", "--record", "--single-instance", "--journal", &journal]).config(&config).run();
    later.expect_code(0);
}

#[test]
fn without_a_terminal_a_change_of_state_is_a_line_of_log() {
    let server = Server::start(|conn| {
        let number = conn.number();
        conn.request();
        let status = if (3..6).contains(&number) { 503 } else { 200 };
        conn.send(answer(status, &[], "x"));
    });
    let live = RunInProgress::start(
        Run::new(["watch", "--no-record"]).config(&(FAST.to_owned() + &probe("home", &server.url("/"), &[]))),
    );
    until("it is well again", || server.connections() >= 9);
    live.signal("INT");
    let ended = live.end();
    // A note at the end may name the check that is still under way.
    let log: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("default home ")).collect();
    assert_eq!(log.len(), 2, "down, and up again: {}", ended.stderr);
    assert!(log[0].contains("down") && log[0].contains("status") && log[1].contains("up"), "{log:?}");
}

#[test]
fn the_end_of_its_terminal_ends_a_watch_and_an_ignored_hangup_does_not() {
    let server = healthy();
    let config = FAST.to_owned() + &probe("home", &server.url("/"), &[]);
    // `script` gives the watch its own terminal, like a shell that is closed later.
    let binary = crate::support::run::binary();
    let command = format!("trap '' TERM; {binary} watch; echo $? > ended");
    let line = ["sh", "-c", &format!("exec env --default-signal=HUP script --quiet --command \"{command}\" /dev/null")];
    let run = Run::new([""]).config(&config).through(line).env("SHELL", "/bin/sh");
    let folder = run.folder().to_path_buf();
    let live = RunInProgress::start(run);
    until("it is asked", || server.connections() >= 3);
    live.signal("KILL");
    until("the watch ended and said how", || {
        fs::read_to_string(folder.join("uptick-journal/lock")).is_ok() && recorded(&folder)[1] >= 3
    });
    let asked = server.connections();
    drop(live.end());
    std::thread::sleep(Duration::from_millis(300));
    assert!(server.connections() <= asked + 1, "it goes on without its terminal");

    let mut nohup = RunInProgress::start(Run::new(["watch"]).config(&config).through(["nohup", "setsid"]));
    let asked = server.connections();
    until("it is asked", || server.connections() >= asked + 2);
    nohup.signal("HUP");
    let asked = server.connections();
    until("it goes on", || server.connections() >= asked + 3);
    assert!(nohup.is_running());
    nohup.signal("INT");
    let ended = nohup.end();
    assert_eq!(ended.code, 130);
    assert!(!ended.stderr.contains("reloaded"), "an ignored signal stays ignored: {}", ended.stderr);
}

#[test]
fn a_watch_that_ends_before_it_has_asked_a_probe_does_not_call_it_up() {
    let server = healthy();
    let config = format!(
        "{}{}",
        probe("often", &server.url("/"), &["interval = \"200ms\""]),
        probe("rarely", &server.url("/"), &["interval = \"12h\""])
    );
    let ran = Run::new(["watch", "--for", "1500ms"]).config(&config).run();
    assert!(ran.stdout.contains("1 of 2 probes up, 1 not checked"), "{}", ran.stdout);
}
