//! Results go to stdout, messages to stderr, and either may be closed.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::live::recorded;
use crate::origin::{healthy, probe, refusing};
use crate::support::killed_on_drop::KilledOnDrop;
use crate::support::run::{Ran, Run};
use crate::support::server;
use crate::support::server::Server;

const ESCAPE: char = '\u{1b}';

/// Runs on its own terminal and returns what the terminal was sent.
fn on_a_terminal(arguments: &[&str], environment: &[(&str, &str)], config: &str) -> String {
    let line = arguments.join(" ");
    let mut run = Run::new([""]).config(config);
    let binary = crate::support::run::binary();
    // `script` gives the command a terminal; `Run` would append its own arguments to those of
    // `script`.
    run = run.through(["sh", "-c", &format!("exec script --quiet --return --command '{binary} {line}' /dev/null")]);
    run = run.env("TERM", "xterm-256color");
    for (name, value) in environment {
        run = run.env(name, value);
    }
    run.run().stdout
}

#[test]
fn a_piped_answer_is_plain_and_nothing_else_is_said() {
    let server = healthy();
    let ran = Run::new(["check"]).config(&probe("home", &server.url("/"), &[])).run();
    ran.expect_code(0);
    assert!(ran.stdout.contains("home") && !ran.stdout.contains(ESCAPE), "{}", ran.stdout);
    assert_eq!(ran.stderr, "");
}

#[test]
fn quiet_says_nothing_when_all_is_well_and_everything_when_not() {
    let server = healthy();
    let up = Run::new(["check", "-q"]).config(&probe("home", &server.url("/"), &[])).run();
    up.expect_code(0);
    assert_eq!((up.stdout.as_str(), up.stderr.as_str()), ("", ""));
    let down = Run::new(["check", "-q"]).config(&probe("home", &refusing(), &[])).run();
    down.expect_code(1);
    assert!(down.stdout.contains("connect_refused"), "{}", down.stdout);
}

#[test]
fn a_quiet_stream_has_only_what_is_not_up() {
    let server = healthy();
    let both = format!("{}{}", probe("home", &server.url("/"), &[]), probe("shop", &refusing(), &[]));
    let ran = Run::new(["check", "-q", "--format", "ndjson", "--count", "2"]).config(&both).run();
    ran.expect_code(1);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{}", ran.stdout);
    assert!(lines.iter().all(|line| line.contains("\"shop\"")), "{}", ran.stdout);
}

#[test]
fn quiet_commands_that_write_a_file_have_no_notes() {
    let server = healthy();
    let home = tempfile::tempdir().unwrap();
    let to = |name: &str| home.path().join(name).to_string_lossy().into_owned();
    let made = Run::new(["init", "-q", &server.url("/"), &to("probes.toml")]).run();
    made.expect_code(0);
    std::fs::write(home.path().join("curl.sh"), "curl -H \"Authorization: Bearer $TOKEN\" https://x.test/\n").unwrap();
    let imported = Run::new(["import", "-q", &to("curl.sh"), "-o", &to("imported.toml")]).run();
    imported.expect_code(0);
    for ran in [made, imported] {
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    }
}

#[test]
fn colour_is_for_terminals_and_can_be_had_and_refused() {
    let server = healthy();
    let config = probe("home", &server.url("/"), &[]);
    let coloured = |text: &str| text.contains("\u{1b}[3") || text.contains("\u{1b}[1") || text.contains("\u{1b}[9");
    // The progress display also uses escapes; CI switches it off so that only colour is found.
    let shown = on_a_terminal(&["check"], &[("CI", "1")], &config);
    assert!(shown.contains("home") && coloured(&shown), "{shown:?}");
    for environment in [&[("CI", "1"), ("NO_COLOR", "1")][..], &[("TERM", "dumb")]] {
        let shown = on_a_terminal(&["check"], environment, &config);
        assert!(shown.contains("home") && !shown.contains(ESCAPE), "{environment:?}: {shown:?}");
    }
    let shown = on_a_terminal(&["check", "--color", "never"], &[("CI", "1")], &config);
    assert!(shown.contains("home") && !shown.contains(ESCAPE), "{shown:?}");
    let shown = on_a_terminal(&["check"], &[("CI", "1"), ("NO_COLOR", "")], &config);
    assert!(coloured(&shown), "an empty NO_COLOR is not set: {shown:?}");
    let piped = Run::new(["check", "--color", "always"]).config(&config).env("NO_COLOR", "1").run();
    assert!(coloured(&piped.stdout), "{}", piped.stdout);
}

#[test]
fn progress_is_drawn_on_a_terminal_alone() {
    let server = Server::start(|conn| {
        conn.request();
        conn.wait(Duration::from_millis(150));
        conn.send(server::ok("late"));
    });
    let config = probe("home", &server.url("/"), &[]);
    let arguments = ["check", "--count", "3"];
    let shown = on_a_terminal(&arguments, &[], &config);
    assert!(shown.contains("of 3 checks"), "{shown:?}");
    for environment in [("CI", "true"), ("TERM", "dumb")] {
        let shown = on_a_terminal(&arguments, &[environment], &config);
        assert!(shown.contains("home") && !shown.contains("of 3 checks"), "{environment:?}: {shown:?}");
    }
    let piped = Run::new(arguments).config(&config).run();
    assert_eq!(piped.stderr, "");
}

/// Runs with the reading end of stdout or stderr closed before the program writes anything.
fn unread(run: &Run, stdout: bool, stderr: bool) -> i32 {
    let mut command: Command = run.command();
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if stdout {
        drop(child.stdout.take());
    }
    if stderr {
        drop(child.stderr.take());
    }
    child.wait_with_output().unwrap().status.code().unwrap_or(-1)
}

#[test]
fn when_nobody_reads_the_answer_the_verdict_and_the_records_stay() {
    let server = healthy();
    let url = server.url("/");
    let config = probe("home", &url, &[]) + &probe("gone", &refusing(), &["timeout = \"1s\""]);
    for format in ["human", "json", "ndjson", "junit"] {
        let run = Run::new(["check", "--count", "50", "--record", "--format", format]).config(&config);
        assert_eq!(unread(&run, true, true), 1, "{format}");
        assert_eq!(recorded(run.folder()), [100, 50, 50, 0, 0], "{format}");
    }
}

#[test]
fn streams_that_are_closed_from_the_start_are_no_trouble() {
    let server = healthy();
    let config = probe("home", &server.url("/"), &[]);
    for closed in ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"] {
        let run = Run::new(["check", "--record"]).config(&config);
        let run = run.through(["sh", "-c", &format!("exec \"$0\" \"$@\" {closed}")]);
        let ran: Ran = run.run();
        ran.expect_code(0);
        assert_eq!(recorded(ran.folder.path()), [1, 1, 0, 0, 0], "{closed}");
    }
}

#[test]
fn a_full_disk_behind_stdout_is_said() {
    let server = healthy();
    let run = Run::new(["check"]).config(&probe("home", &server.url("/"), &[]));
    let ran = run.through(["sh", "-c", "exec \"$0\" \"$@\" >/dev/full"]).run();
    ran.expect_code(3);
    assert!(ran.stderr.contains("standard output"), "{}", ran.stderr);
}

#[test]
fn a_verdict_outweighs_an_output_that_could_not_be_written() {
    let (up, down) = (healthy(), refusing());
    let full = ["sh", "-c", "exec \"$0\" \"$@\" >/dev/full"];
    for (format, url, code) in [
        ("human", down.clone(), 1),
        ("json", down.clone(), 1),
        ("ndjson", down, 1),
        ("ndjson", up.url("/"), 3),
        ("json", up.url("/"), 3),
    ] {
        let run = Run::new(["check", "--format", format]).config(&probe("home", &url, &[]));
        let ran = run.through(full).run();
        ran.expect_code(code);
        assert!(ran.stderr.contains("standard output"), "{format}: {}", ran.stderr);
    }
    let both = ["check", "--format", "json=/dev/full", "--format", "human"];
    let ran = Run::new(both).config(&probe("home", &up.url("/"), &[])).run();
    ran.expect_code(3);
    assert!(ran.stdout.contains("UP"), "what can be written is: {}", ran.stdout);
}

#[test]
fn a_plugin_whose_results_are_not_recorded_says_unknown_in_its_line_too() {
    let server = healthy();
    let run = Run::new(["check", "--record", "--format", "nagios", "--journal", "taken"]).file("taken", "a file");
    let ran = run.config(&probe("home", &server.url("/"), &[])).run();
    ran.expect_code(3);
    assert!(ran.stdout.starts_with("UPTICK UNKNOWN"), "{}", ran.stdout);
}

/// The lines of the passes: those that begin with a time of day.
fn pass_lines(text: &str) -> Vec<&str> {
    let is_time = |line: &&str| line.as_bytes().get(2) == Some(&b':') && line.as_bytes().get(5) == Some(&b':');
    text.lines().filter(is_time).collect()
}

#[test]
fn passes_that_are_apart_are_a_line_each_also_in_a_pipe() {
    let (server, gone) = (healthy(), refusing());
    let config = probe("home", &server.url("/"), &[]) + &probe("gone", &gone, &[]);
    let ran = Run::new(["check", "--every", "20ms", "--count", "3"]).config(&config).run();
    ran.expect_code(1);
    let lines = pass_lines(&ran.stdout);
    assert_eq!(lines.len(), 3, "{}", ran.stdout);
    let says = |line: &&str| line.contains("✗ 1 down, 1 up  gone: connect_refused in connect: ");
    assert!(lines.iter().all(says), "{}", ran.stdout);
    assert!(!ran.stderr.contains("Ctrl-C"), "it is bounded: {}", ran.stderr);
    let up = Run::new(["check", &server.url("/"), "--every", "20ms", "--count", "2"]).run();
    assert!(pass_lines(&up.stdout).iter().all(|line| line.contains("✓ 200 h1 in ")), "{}", up.stdout);
}

#[test]
fn a_run_without_end_says_how_to_end_it_and_is_summed_up_then() {
    let server = healthy();
    let run = Run::new(["check", &server.url("/"), "--every", "20ms"]);
    let mut command = run.command();
    let mut child = KilledOnDrop::from(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    out.read_line(&mut first).unwrap();
    assert_eq!(pass_lines(&first).len(), 1, "the first pass is told before the run ends: {first}");
    assert!(Command::new("kill").args(["-s", "INT", &child.id().to_string()]).status().unwrap().success());
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(rest.contains("\n✓ UP  "), "{rest}");
    assert!(said.contains("Ctrl-C") && said.contains("--count"), "{said}");
}

#[test]
fn quiet_documents_and_files_have_no_lines_of_passes() {
    let server = healthy();
    let url = server.url("/");
    for options in [&["-q"][..], &["--format", "json"], &["-o", "answer.txt"]] {
        let ran = Run::new([&["check", &url, "--every", "20ms", "--count", "2"], options].concat()).run();
        ran.expect_code(0);
        assert_eq!(pass_lines(&ran.stdout).len(), 0, "{options:?}: {}", ran.stdout);
    }
}
