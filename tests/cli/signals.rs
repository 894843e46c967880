//! The first signal ends a run in good order, the second ends it at once; what was measured is
//! kept.

use std::fs;
use std::time::Duration;

use crate::live::{ENDS_SOON, RunInProgress, journal_lines, recorded, until};
use crate::origin::{hanging, healthy, probe, refusing};
use crate::support::run::Run;

/// How long checks in progress may still take after a first signal; a second one ends them at once.
const GRACE: Duration = Duration::from_secs(2);

#[test]
fn an_interrupted_check_keeps_what_it_measured_and_says_how_it_ended() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (good, hanging) = (healthy(), hanging());
        let config = probe("good", &good.url("/"), &[]) + &probe("stuck", &hanging.url("/"), &["timeout = \"29s\""]);
        let live = RunInProgress::start(Run::new(["check", "--record", "--format", "json"]).config(&config));
        until("both are asked", || good.connections() == 1 && !hanging.requests().is_empty());
        live.signal(signal);
        let ended = live.end();
        assert_eq!(ended.code, code, "{}", ended.stderr);
        assert!(ended.after < ENDS_SOON, "{signal}: {:?}", ended.after);
        assert_eq!(recorded(ended.run.folder()), [2, 1, 0, 1, 0]);
        assert!(ended.stdout.contains("interrupted"), "{}", ended.stdout);
    }
}

#[test]
fn checks_that_can_end_within_the_grace_do() {
    let slow = crate::support::server::Server::start(|conn| {
        conn.request();
        conn.wait(Duration::from_millis(700));
        conn.send(crate::support::server::ok("late"));
    });
    let live = RunInProgress::start(Run::new(["check", "--record"]).config(&probe("slow", &slow.url("/"), &[])));
    until("it is asked", || !slow.requests().is_empty());
    live.signal("INT");
    let ended = live.end();
    assert_eq!(ended.code, 130);
    assert_eq!(recorded(ended.run.folder()), [1, 1, 0, 0, 0], "{}", ended.stdout);
}

#[test]
fn a_second_signal_ends_it_at_once_with_the_journal_whole() {
    let hanging = hanging();
    let config = probe("stuck", &hanging.url("/"), &["timeout = \"29s\""]);
    let mut live =
        RunInProgress::start(Run::new(["watch"]).config(&config.replace("timeout", "interval = \"30s\"\ntimeout")));
    // The first check is due anywhere in the first 30 s; a signal must not have to wait for it.
    live.listens();
    assert!(live.is_running());
    live.signal("TERM");
    live.signal("TERM");
    let ended = live.end();
    assert_eq!(ended.code, 143);
    assert!(ended.after < GRACE, "{:?}", ended.after);
    journal_lines(ended.run.folder());
}

#[test]
fn a_second_signal_does_not_wait_for_the_grace() {
    let hanging = hanging();
    let config = probe("stuck", &hanging.url("/"), &["timeout = \"29s\""]);
    let mut live = RunInProgress::start(Run::new(["check", "--record"]).config(&config));
    until("it is asked", || !hanging.requests().is_empty());
    live.signal("INT");
    std::thread::sleep(Duration::from_millis(300));
    assert!(live.is_running(), "the grace lasts longer than that");
    live.signal("INT");
    let ended = live.end();
    assert_eq!(ended.code, 130);
    assert!(ended.after < GRACE, "{:?}", ended.after);
    journal_lines(ended.run.folder());
}

#[test]
fn a_process_that_is_killed_leaves_a_journal_that_is_whole() {
    let good = healthy();
    let config = "[settings]\nwindow = \"1s\"\n[defaults]\ninterval = \"50ms\"\ntimeout = \"40ms\"\n".to_owned()
        + &probe("good", &good.url("/"), &[]);
    let live = RunInProgress::start(Run::new(["watch", "-q"]).config(&config));
    until("a window is recorded", || recorded(live.folder())[1] > 0);
    let folder = live.folder().to_path_buf();
    live.signal("KILL");
    let ended = live.end();
    assert_eq!(ended.code, 137);
    let [scheduled, up, down, unknown, missed] = recorded(&folder);
    assert_eq!(scheduled, up + down + unknown + missed);
}

#[test]
fn a_limit_on_the_size_of_files_costs_the_journal_and_not_the_verdict() {
    let server = healthy();
    let config = probe("home", &server.url("/"), &[]) + &probe("gone", &refusing(), &[]);
    let ran =
        Run::new(["check", "--record", "--format", "tap"]).config(&config).through(["prlimit", "--fsize=0"]).run();
    ran.expect_code(1);
    assert!(ran.stdout.contains("ok 1") && ran.stdout.contains("not ok 2"), "{}", ran.stdout);
    assert!(ran.stderr.contains("not in the journal"), "{}", ran.stderr);
}

#[test]
fn a_named_pipe_in_the_place_of_a_file_of_ours_holds_nothing_up() {
    let server = healthy();
    let hook = "[[alert]]\nname = \"ops\"\nwebhook = \"http://127.0.0.1:9/\"\nretries = 0\n";
    for name in ["lock", "last-good.json", "alerts.json", "alerts.lock", "alerts.json.new", "instance.lock", "spool"] {
        let arguments = ["check", "--record", "--single-instance", "--format", "tap"];
        let run = Run::new(arguments).config(&(probe("home", &server.url("/"), &[]) + hook));
        let journal = run.folder().join("uptick-journal");
        fs::create_dir(&journal).unwrap();
        let made = std::process::Command::new("mkfifo").arg(journal.join(name)).status().unwrap();
        assert!(made.success());
        let ran = run.run();
        assert!([0, 3].contains(&ran.code()), "{name}: {}: {}", ran.code(), ran.stderr);
        assert!(ran.stdout.contains("ok 1") || name == "instance.lock", "{name}: {}", ran.stdout);
        if ran.code() == 3 {
            assert!(ran.stderr.contains(name), "{name}: {}", ran.stderr);
        }
    }
}
