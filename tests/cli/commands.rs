//! Commands that probe nothing.

use std::fs;
use std::io::Write as _;
use std::process::Command;

use crate::origin::{healthy, probe};
use crate::support::run::Run;

const COMMANDS: [&str; 12] = [
    "check",
    "watch",
    "report",
    "validate",
    "demo",
    "init",
    "import",
    "schema",
    "compact",
    "export",
    "completions",
    "man",
];

#[test]
fn validate_lists_what_would_be_probed_and_sends_nothing() {
    let server = healthy();
    let config = "[surface.web]\nlabel = \"Web\"\n".to_owned()
        + &probe("home", &server.url("/start"), &["surface = \"web\""])
        + &probe("api", &server.url("/api"), &["interval = \"15s\""]);
    let ran = Run::new(["validate"]).config(&config).run();
    ran.expect_code(0);
    for part in ["home", "api", "/start", "15s", "2 probes"] {
        assert!(ran.stdout.contains(part), "{part}: {}", ran.stdout);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn validate_names_every_problem_at_once() {
    let wrong = "[[probe]]\nname = \"a\"\nurl = \"http://127.0.0.1/\"\ntimout = \"1s\"\n\
                 [[probe]]\nname = \"b\"\nurl = \"http://127.0.0.1/\"\ninterval = \"soon\"\n";
    let ran = Run::new(["validate"]).config(wrong).run();
    ran.expect_code(2);
    assert!(ran.stderr.contains("probes.toml:4:") && ran.stderr.contains("timeout"), "{}", ran.stderr);
    assert!(ran.stderr.contains("probes.toml:8:"), "{}", ran.stderr);
}

#[test]
fn explain_fills_everything_in_and_keeps_secrets_to_itself() {
    let config = "[defaults]\ntimeout = \"7s\"\n".to_owned()
        + &probe("api", "http://127.0.0.1/", &["auth.bearer = \"${secret:PROBE_TOKEN}\""]);
    let ran = Run::new(["validate", "--explain", "api"]).config(&config).env("PROBE_TOKEN", "tuppence-coloured").run();
    ran.expect_code(0);
    assert!(ran.stdout.contains("7s") && ran.stdout.contains("interval"), "{}", ran.stdout);
    assert!(ran.stdout.contains("PROBE_TOKEN"), "{}", ran.stdout);
    assert!(!ran.stdout.contains("tuppence-coloured"), "{}", ran.stdout);
    let unknown =
        Run::new(["validate", "--explain", "apo"]).config(&config).env("PROBE_TOKEN", "tuppence-coloured").run();
    assert!(unknown.expect_code(2).stderr.contains("did you mean \"api\"?"), "{}", unknown.stderr);
}

#[test]
fn explain_of_a_websocket_leaves_http_3_to_the_probes_that_speak_it() {
    let config = "[defaults]\nhttp-version = \"3\"\n".to_owned()
        + &probe("socket", "wss://127.0.0.1/", &[])
        + &probe("page", "https://127.0.0.1/", &[]);
    for (name, version) in [("socket", "\"auto\""), ("page", "\"3\"")] {
        let ran = Run::new(["validate", "--explain", name]).config(&config).run();
        ran.expect_code(0);
        assert!(ran.stdout.contains(&format!("http-version = {version}")), "{}", ran.stdout);
        Run::new(["validate"]).config(&ran.stdout).run().expect_code(0);
    }
}

#[test]
fn init_writes_a_file_that_is_valid_and_never_writes_over_one() {
    let ran = Run::new(["init"]).run();
    ran.expect_code(0);
    let path = ran.folder.path().join("probes.toml");
    let written = fs::read_to_string(&path).unwrap();
    assert!(written.contains("[[probe]]"));
    let valid = Run::new(["validate"]).config(&written).run();
    valid.expect_code(0);
    let again = Run::new(["init"]).config("mine").run();
    again.expect_code(2);
    assert_eq!(fs::read_to_string(again.folder.path().join("probes.toml")).unwrap(), "mine");
    let named = Run::new(["init", "other.toml"]).run();
    named.expect_code(0);
    assert!(named.folder.path().join("other.toml").exists());
}

#[test]
fn completions_are_scripts_that_their_shells_read() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ran = Run::new(["completions", shell]).run();
        ran.expect_code(0);
        for command in COMMANDS {
            assert!(ran.stdout.contains(command), "{shell}: {command}");
        }
        let script = ran.folder.path().join("script");
        fs::write(&script, &ran.stdout).unwrap();
        if let Ok(status) = Command::new(shell).arg("-n").arg(&script).status() {
            assert!(status.success(), "{shell} does not read it");
        }
    }
    Run::new(["completions", "cmd"]).run().expect_code(2);
    // zsh takes the first of several words for a command, and offers commands, unless it is told what it is.
    let zsh = Run::new(["completions", "zsh"]).run().stdout;
    assert!(zsh.lines().filter(|line| line.starts_with("'*::")).all(|line| !line.contains(":_default'")), "{zsh}");
    let fish = Run::new(["completions", "fish"]).run().stdout;
    assert!(fish.contains("-f -a \"(uptick completions --names probes"), "a target is no file: {fish}");
}

#[test]
fn the_manual_names_every_command_and_every_exit_status() {
    let ran = Run::new(["man"]).run();
    ran.expect_code(0);
    for part in COMMANDS.iter().chain(&["130", "143", "probes.toml", ".TH uptick 1", "otlp\\-json"]) {
        assert!(ran.stdout.contains(part), "{part}");
    }
    for command in COMMANDS {
        let heading = format!(".SH \"UPTICK {}\"", command.to_uppercase());
        assert_eq!(ran.stdout.matches(&heading).count(), 1, "{heading}");
    }
    let page = ran.folder.path().join("uptick.1");
    fs::write(&page, &ran.stdout).unwrap();
    let shown = Command::new("man").args(["--warnings", "--local-file"]).arg(&page).env("LC_ALL", "C.UTF-8").output();
    if let Ok(output) = shown {
        assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    } else {
        let _ = writeln!(std::io::stderr(), "skipped: man is not on this machine");
    }
}

#[test]
fn help_and_version_are_answers() {
    for arguments in [&["--help"][..], &["check", "--help"], &["--version"]] {
        let ran = Run::new(arguments).run();
        ran.expect_code(0);
        assert!(ran.stdout.contains("uptick") && ran.stderr.is_empty());
    }
    let help = Run::new(["check", "--help"]).run().stdout;
    for status in ["0 ", "1 ", "2 ", "3 ", "130", "143"] {
        assert!(help.contains(status), "{status}: {help}");
    }
}

#[test]
fn an_answer_that_nobody_reads_is_no_error() {
    for arguments in [&["man"][..], &["completions", "bash"], &["schema", "report"], &["--help"]] {
        let mut child = Run::new(arguments).command().spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn a_bug_report_has_what_decides_how_checks_are_made_and_no_secret() {
    for arguments in [&["--version", "-v"][..], &["-V", "--verbose"], &["-Vv"]] {
        let proxy = "http://user:s3cr3t-proxy@proxy.test/";
        let ran = Run::new(arguments).env("HTTPS_PROXY", proxy).env("RES_OPTIONS", "ndots:3 rotate").run();
        ran.expect_code(0);
        assert!(ran.stdout.starts_with(&format!("uptick {}\n", env!("CARGO_PKG_VERSION"))), "{}", ran.stdout);
        for fact in ["features: ", "tls: ", "rustls", "roots: ", "ndots 3", "rotate", "open files: ", "HTTPS_PROXY"] {
            assert!(ran.stdout.contains(fact), "{fact}: {}", ran.stdout);
        }
        assert!(!ran.stdout.contains("s3cr3t"), "{}", ran.stdout);
    }
    let plain = Run::new(["--version"]).run();
    assert_eq!(plain.stdout, format!("uptick {}\n", env!("CARGO_PKG_VERSION")));
    Run::new(["--version", "-v", "check"]).run().expect_code(0);
}

#[test]
fn the_short_help_of_every_command_fits_a_screen_with_groups_and_examples() {
    for command in COMMANDS {
        let ran = Run::new([command, "-h"]).env("COLUMNS", "80").run();
        ran.expect_code(0);
        let lines = ran.stdout.lines().count();
        // A command with few options explains each; one with many lists the names by group.
        let most = if ["check", "watch", "report", "validate", "export"].contains(&command) { 24 } else { 40 };
        assert!(lines <= most, "{command}: {lines} lines\n{}", ran.stdout);
        assert!(ran.stdout.lines().all(|line| most > 24 || line.chars().count() <= 80), "{}", ran.stdout);
    }
    let short = Run::new(["check", "-h"]).env("COLUMNS", "80").run().stdout;
    let headings = ["Targets", "Request", "Must hold", "Passes", "Output", "Record", "Examples:"];
    let at: Vec<Option<usize>> = headings.iter().map(|heading| short.find(&format!("\n{heading}"))).collect();
    assert!(at.is_sorted() && at.iter().all(Option::is_some), "{short}");
    let long = Run::new(["check", "--help"]).run().stdout;
    for part in ["Examples:", "--wait 60s", "75 ", "--expect-body-matches"] {
        assert!(long.contains(part), "{part}: {long}");
    }
}

#[test]
fn a_completion_runs_nothing_that_stands_in_a_name() {
    let run = Run::new(["completions", "bash"])
        .config("[[probe]]\nname = \"$(touch pwned)\"\nurl = \"http://127.0.0.1:1/\"\n");
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_uptick")).parent().unwrap();
    let script = format!(
        "PATH={}:$PATH; source <(uptick completions bash); COMP_WORDS=(uptick check ''); COMP_CWORD=2; \
         _uptick_with_names uptick '' check; echo \"${{#COMPREPLY[*]}}\"",
        folder.display()
    );
    let Ok(output) = Command::new("bash").args(["-c", &script]).current_dir(run.folder()).output() else { return };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n", "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!run.folder().join("pwned").exists());
}

#[test]
fn an_argument_that_is_no_text_is_a_usage_error() {
    use std::os::unix::ffi::OsStrExt as _;
    for format in ["human", "nagios"] {
        let run = Run::new(["check", "--format", format]);
        let output = run.command().arg(std::ffi::OsStr::from_bytes(b"\xff")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(if format == "nagios" { 3 } else { 2 }), "{said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn completions_name_formats_probes_surfaces_and_tags_of_the_nearest_file() {
    let config = "[[probe]]\nname = \"home page\"\nsurface = \"web\"\ntags = [\"slow\"]\nurl = \"${NOT_SET}\"\n";
    for (kind, name) in [("probes", "home page\n"), ("surfaces", "web\n"), ("tags", "slow\n")] {
        let ran = Run::new(["completions", "--names", kind]).config(config).run();
        ran.expect_code(0);
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), (name, ""));
    }
    let without_file = Run::new(["completions", "--names", "probes"]).run();
    without_file.expect_code(0);
    assert_eq!((without_file.stdout.as_str(), without_file.stderr.as_str()), ("", ""));
    let run = Run::new(["completions", "bash"]).config(config);
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_uptick")).parent().unwrap();
    let script = format!(
        "PATH={}:$PATH; source <(uptick completions bash)\n\
         complete_word() {{ COMP_WORDS=(uptick \"$@\"); COMP_CWORD=$#; \
         _uptick_with_names uptick \"${{!#}}\" \"${{COMP_WORDS[$#-1]}}\"; echo \"${{COMPREPLY[*]}}\"; }}\n\
         complete_word check h; complete_word report --surface w; complete_word check --format j; \
         complete_word check --rec",
        folder.display()
    );
    let Ok(output) = Command::new("bash").args(["-c", &script]).current_dir(run.folder()).output() else { return };
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "home\\ page\nweb\njson junit\n--record\n", "{}", String::from_utf8_lossy(&output.stderr));
}
