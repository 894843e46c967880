//! The first signal ends a run in good order, the second at once; what was measured stays.

use std::time::Duration;

use crate::live::{ENDS_SOON, Live, journal_lines, recorded, until};
use crate::origin::{hanging, healthy, probe};
use crate::support::run::Run;

/// What a first signal leaves to checks under way; a second one does not.
const GRACE: Duration = Duration::from_secs(2);

#[test]
fn an_interrupted_check_keeps_what_it_measured_and_says_how_it_ended() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let (good, hanging) = (healthy(), hanging());
        let config = probe("good", &good.url("/"), &[]) + &probe("stuck", &hanging.url("/"), &["timeout = \"29s\""]);
        let live = Live::start(Run::new(["check", "--record", "--format", "json"]).config(&config));
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
    let live = Live::start(Run::new(["check", "--record"]).config(&probe("slow", &slow.url("/"), &[])));
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
    let mut live = Live::start(Run::new(["watch"]).config(&config.replace("timeout", "interval = \"30s\"\ntimeout")));
    // The probe's place in its interval is anywhere in the first 30 s; a signal needs no check.
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
    let mut live = Live::start(Run::new(["check", "--record"]).config(&config));
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
    let live = Live::start(Run::new(["watch", "-q"]).config(&config));
    until("a window is recorded", || recorded(live.folder())[1] > 0);
    let folder = live.folder().to_path_buf();
    live.signal("KILL");
    let ended = live.end();
    assert_eq!(ended.code, 137);
    let [scheduled, up, down, unknown, missed] = recorded(&folder);
    assert_eq!(scheduled, up + down + unknown + missed);
}
