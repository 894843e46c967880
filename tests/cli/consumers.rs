//! No consumer of a run's findings holds up a check: neither a reader that has stopped, nor a
//! paused terminal, nor a disk that hangs.

use std::fs;
use std::process::Command;

use crate::live::{ENDS_SOON, RunInProgress, recorded, until};
use crate::origin::{hanging, healthy, probe, refusing};
use crate::support::killed_on_drop::KilledOnDrop;
use crate::support::run::Run;

/// Probes whose checks fail, each with a message of some 12 KiB.
fn verbose(count: usize, url: &str) -> String {
    let texts: Vec<String> = (0..24).map(|n| format!("\"{}{n}\"", "y".repeat(250))).collect();
    let expected = format!("expect.body-contains = [{}]", texts.join(", "));
    (0..count).map(|n| probe(&format!("probe-{n}"), url, &[&expected])).collect()
}

#[test]
fn a_stopped_reader_of_ndjson_stops_no_check_and_what_it_did_not_read_is_counted() {
    let server = healthy();
    let arguments = ["check", "--format", "ndjson", "--record", "--count", "30", "--fail-on", "never"];
    // Nothing reads the pipe of its stdout until it has ended.
    let live = RunInProgress::start(Run::new(arguments).config(&verbose(20, &server.url("/"))));
    let ended = live.end();
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert_eq!(recorded(ended.run.folder()), [600, 0, 600, 0, 0], "{}", ended.stderr);
    let said = ended.stderr.lines().find(|line| line.contains("not written")).unwrap_or_default();
    let dropped = said.split_whitespace().find_map(|word| word.parse::<usize>().ok()).unwrap_or_default();
    // The last line in the pipe may be cut short; such a line counts as not written.
    let read = ended.stdout.matches('\n').count();
    assert_eq!(dropped + read, 600, "{dropped} dropped, {read} read");
}

#[test]
fn a_stopped_reader_leaves_signals_alive() {
    let server = healthy();
    let arguments = ["check", "--format", "ndjson", "--record", "--for", "10m", "--every", "1ms"];
    let live = RunInProgress::start(Run::new(arguments).config(&verbose(10, &server.url("/"))));
    until("more was found than a pipe holds", || server.connections() >= 600);
    live.signal("INT");
    let ended = live.end();
    assert_eq!(ended.code, 130, "{}", ended.stderr);
    assert!(ended.after < ENDS_SOON, "{:?}", ended.after);
    assert!(recorded(ended.run.folder())[0] >= 590);
}

#[test]
fn a_paused_terminal_stops_no_check() {
    let server = healthy();
    let name = |n: usize| format!("a-probe-with-quite-a-long-name-{n}");
    let probes: String = (0..10).map(|n| probe(&name(n), &server.url("/"), &[])).collect();
    let config = "[defaults]\ninterval = \"50ms\"\ntimeout = \"40ms\"\n".to_owned() + &probes;
    // Nothing reads the pipe of its stderr until it has ended.
    let live = RunInProgress::start(Run::new(["watch", "-v", "--no-record"]).config(&config));
    until("more was said than a pipe holds", || server.connections() >= 1_200);
    live.signal("TERM");
    let ended = live.end();
    assert_eq!(ended.code, 143);
    assert!(ended.after < ENDS_SOON, "{:?}", ended.after);
}

#[test]
fn a_signal_ends_the_wait_for_receivers_and_backends() {
    let server = healthy();
    let site = probe("home", &server.url("/"), &[]);
    let silent = hanging();
    let heartbeat = format!("[settings]\nheartbeat = \"{}\"\n", silent.url("/ping"));
    let alert = format!(
        "[[alert]]\nname = \"ops\"\nwebhook = \"{}\"\n{}",
        silent.url("/alert"),
        probe("gone", &refusing(), &[]).replace("[[probe]]", "[[probe]]\nsurface = \"web\""),
    );
    let write = silent.url("/write");
    let cases: [(&[&str], String); 3] = [
        (&["check"], heartbeat + &site),
        (&["check", "--count", "4", "--record"], alert),
        (&["check", "--remote-write", &write], site.clone()),
    ];
    for (arguments, config) in cases {
        let before = silent.requests().len();
        let live = RunInProgress::start(Run::new(arguments).config(&config));
        until("it waits", || silent.requests().len() > before);
        live.signal("INT");
        let ended = live.end();
        assert_eq!(ended.code, 130, "{arguments:?}: {}", ended.stderr);
        assert!(ended.after < ENDS_SOON, "{arguments:?}: {:?}", ended.after);
    }
}

#[test]
fn a_signal_ends_the_wait_for_the_journal() {
    let server = healthy();
    let run = Run::new(["check", "--record"]).config(&probe("home", &server.url("/"), &[]));
    let journal = run.folder().join("uptick-journal");
    fs::create_dir(&journal).unwrap();
    // Another process holds the lock, and the run waits for it.
    let holder = Command::new("flock").arg(journal.join("lock")).args(["-c", "exec sleep 60"]).spawn().unwrap();
    let holder = KilledOnDrop::from(holder);
    until("it is held", || {
        let free = Command::new("flock").arg("-n").arg(journal.join("lock")).arg("true").status().unwrap();
        !free.success()
    });
    let live = RunInProgress::start(run);
    until("it was asked", || server.connections() >= 1);
    live.signal("TERM");
    let ended = live.end();
    drop(holder);
    assert_eq!(ended.code, 143, "{}", ended.stderr);
    assert!(ended.after < ENDS_SOON, "{:?}", ended.after);
    assert!(ended.stderr.contains("not in it"), "what is lost is said: {}", ended.stderr);
}
