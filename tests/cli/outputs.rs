//! Formats and files.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use crate::origin::{healthy, probe, refusing};
use crate::support::run::Run;

const FORMATS: [&str; 9] = ["human", "json", "ndjson", "junit", "tap", "github", "nagios", "prometheus", "markdown"];

#[test]
fn several_formats_go_to_several_places_in_one_run() {
    let server = healthy();
    let files: Vec<String> = FORMATS.iter().map(|format| format!("{format}=out/{format}")).collect();
    let mut arguments = vec!["check", "--format", "human"];
    for file in &files {
        arguments.extend(["--format", file]);
    }
    let run = Run::new(arguments).config(&probe("home", &server.url("/"), &[]));
    fs::create_dir(run.folder().join("out")).unwrap();
    let ran = run.run();
    ran.expect_code(0);
    assert_eq!(server.connections(), 1, "one run, however many formats");
    assert!(ran.stdout.contains("home"));
    for format in FORMATS {
        let text = fs::read_to_string(ran.folder.path().join("out").join(format)).unwrap();
        assert!(text.contains("home") || text.contains("UP"), "{format}: {text}");
        assert!(!text.contains('\u{1b}'), "{format} is plain");
    }
    assert_eq!(fs::read_dir(ran.folder.path().join("out")).unwrap().count(), FORMATS.len(), "no drafts are left");
}

#[test]
fn a_control_target_that_fails_fails_no_pipeline() {
    let server = healthy();
    let control = format!("[[control]]\nname = \"internet\"\nurl = \"{}\"\n", refusing());
    let config = probe("home", &server.url("/"), &[]) + &control;
    for (format, skipped) in [
        ("junit", "<skipped message=\"a control target failed: connect_refused"),
        ("tap", "ok 2 - control / internet # SKIP a control target failed: connect_refused"),
        ("github", "::warning "),
    ] {
        let ran = Run::new(["check", "--format", format]).config(&config).run();
        ran.expect_code(0);
        assert!(ran.stdout.contains(skipped), "{format}: {}", ran.stdout);
        for failed in ["<failure", "<error", "not ok", "::error"] {
            assert!(!ran.stdout.contains(failed), "{format}: {}", ran.stdout);
        }
    }
    // If nothing else is checked, the control alone decides the verdict.
    let ran = Run::new(["check", "--format", "tap", "internet"]).config(&config).run();
    assert!(ran.stdout.contains("not ok 1 - control / internet"), "{}", ran.stdout);
}

#[test]
fn limits_of_latency_are_warning_and_critical_in_performance_data() {
    let server = healthy();
    let config =
        probe("home", &server.url("/"), &["warn.latency = { total = \"4s\" }", "expect.latency = { total = \"8s\" }"])
            + &probe("plain", &server.url("/"), &[]);
    let ran = Run::new(["check", "--format", "nagios"]).config(&config).run();
    let data = ran.expect_code(0).stdout.split_once('|').map(|(_, data)| data.to_owned()).unwrap_or_default();
    let of = |name: &str| data.split(' ').find(|part| part.starts_with(&format!("'{name}'="))).unwrap().to_owned();
    assert!(of("home").ends_with("s;4;8;0"), "{data}");
    assert!(of("plain").ends_with("s;;;0"), "{data}");
}

#[test]
fn each_format_by_name_goes_to_stdout() {
    for format in FORMATS {
        let server = healthy();
        let config = probe("home", &server.url("/"), &[]) + &probe("gone", &refusing(), &[]);
        let ran = Run::new(["check", "--format", format]).config(&config).run();
        ran.expect_code(if format == "nagios" { 2 } else { 1 });
        assert!(ran.stdout.contains("connect_refused") || ran.stdout.contains("refused"), "{format}: {}", ran.stdout);
    }
}

#[test]
fn an_output_file_takes_the_answer() {
    let server = healthy();
    let ran = Run::new(["check", "--format", "json", "-o", "answer.json"])
        .config(&probe("home", &server.url("/"), &[]))
        .run();
    ran.expect_code(0);
    assert_eq!(ran.stdout, "");
    let text = fs::read_to_string(ran.folder.path().join("answer.json")).unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["schema"], "uptick.check/1");
}

#[test]
fn a_place_that_cannot_be_written_is_said_before_anything_is_probed() {
    let server = healthy();
    let config = probe("home", &server.url("/"), &[]);
    for arguments in [
        &["check", "--format", "json=missing/answer.json"][..],
        &["check", "-o", "missing/answer.json"],
        &["check", "--format", "json", "--format", "human"],
    ] {
        let ran = Run::new(arguments).config(&config).run();
        ran.expect_code(2);
        assert!(ran.stderr.starts_with("error: "), "{}", ran.stderr);
    }
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_job_summary_of_github_is_added_to() {
    let config = probe("gone", &refusing(), &[]);
    let run = Run::new(["check", "--format", "github"]).config(&config).file("summary.md", "# before\n");
    let ran = run.env("GITHUB_STEP_SUMMARY", "summary.md").run();
    ran.expect_code(1);
    assert!(ran.stdout.contains("::error file=") && ran.stdout.contains("probes.toml"), "{}", ran.stdout);
    let summary = fs::read_to_string(ran.folder.path().join("summary.md")).unwrap();
    assert!(summary.starts_with("# before\n") && summary.contains("connect_refused"), "{summary}");
    let other =
        Run::new(["check"]).config(&config).file("summary.md", "").env("GITHUB_STEP_SUMMARY", "summary.md").run();
    assert_eq!(fs::read_to_string(other.folder.path().join("summary.md")).unwrap(), "", "only where github is asked");
}

#[test]
fn the_journal_is_private_whatever_the_umask() {
    let server = healthy();
    let config = probe("home", &server.url("/"), &[]) + &probe("gone", &refusing(), &[]);
    for umask in ["000", "077"] {
        let run = Run::new(["check", "--record"]).config(&config);
        let ran = run.through(["sh", "-c", &format!("umask {umask}; exec \"$0\" \"$@\"")]).run();
        ran.expect_code(1);
        let journal = ran.folder.path().join("uptick-journal");
        let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&journal), 0o700);
        let mut files = 0;
        for entry in fs::read_dir(&journal).unwrap() {
            let path = entry.unwrap().path();
            assert_eq!(mode(&path), if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
            files += 1;
        }
        assert!(files > 0);
    }
}

#[test]
fn the_journal_lies_beside_the_configuration_or_where_it_is_told() {
    let server = healthy();
    let config = probe("home", &server.url("/"), &[]);
    let has_lines = |folder: &std::path::Path| {
        let files = fs::read_dir(folder).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
        files.iter().any(|file| file.path().extension().is_some_and(|extension| extension == "jsonl"))
    };
    let beside = Run::new(["check", "--record"]).config(&config).run();
    assert!(has_lines(&beside.folder.path().join("uptick-journal")));
    let told = Run::new(["check", "--record", "--journal", "told"]).config(&config).env("UPTICK_JOURNAL", "no").run();
    assert!(has_lines(&told.folder.path().join("told")) && !told.folder.path().join("no").exists());
    let told = Run::new(["check", "--record"]).config(&config).env("UPTICK_JOURNAL", "variable").run();
    assert!(has_lines(&told.folder.path().join("variable")));
    let service = Run::new(["check", "--record"]).config(&config);
    let state = service.folder().join("state").display().to_string();
    let service = service.env("STATE_DIRECTORY", &format!("{state}:/elsewhere")).run();
    assert!(has_lines(&service.folder.path().join("state/uptick-journal")));
    let unrecorded = Run::new(["check"]).config(&config).run();
    assert!(!unrecorded.folder.path().join("uptick-journal").exists());
}

#[test]
fn an_annotation_points_to_the_file_of_the_probe_from_the_root_of_the_repository() {
    let main = format!("include = \"team.d/*.toml\"\n{}", probe("main", &refusing(), &[]));
    let included = format!("# the team's\n\n{}", probe("team", &refusing(), &[]));
    for (folder, config) in [("", "monitoring/probes.toml"), ("monitoring", "probes.toml")] {
        let mut run = Run::new(["check", "--format", "github", "-c", config]);
        let root = run.folder().to_owned();
        fs::create_dir_all(root.join("monitoring/team.d")).unwrap();
        fs::write(root.join("monitoring/probes.toml"), &main).unwrap();
        fs::write(root.join("monitoring/team.d/team.toml"), &included).unwrap();
        run = run.env("GITHUB_WORKSPACE", root.to_str().unwrap());
        let output = run.command().current_dir(root.join(folder)).output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(stdout.contains("::error file=monitoring/probes.toml,line=2,title=main "), "{folder}: {stdout}");
        assert!(stdout.contains("::error file=monitoring/team.d/team.toml,line=3,title=team "), "{folder}: {stdout}");
    }
}

/// Runs `uptick check home` with its standard output appended to the file `log`, which has a line already.
fn check_into_a_log(arguments: &[&str]) -> (String, std::process::Output) {
    let server = healthy();
    let run = Run::new(arguments).config(&probe("home", &server.url("/"), &[]));
    let log = run.folder().join("log");
    fs::write(&log, "earlier\n").unwrap();
    let file = fs::File::options().append(true).open(&log).unwrap();
    let output = run.command().stdout(file).output().unwrap();
    (fs::read_to_string(log).unwrap(), output)
}

#[test]
fn the_descriptors_of_the_process_are_written_to_and_never_replaced() {
    let device = fs::symlink_metadata("/dev/stdout").unwrap().file_type();
    for name in ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        for option in [&["-o", name, "--format", "json"][..], &["--format", &format!("json={name}")]] {
            let (log, output) = check_into_a_log(&[&["check"], option].concat());
            assert_eq!(output.status.code(), Some(0), "{name}: {output:?}");
            let answer = log.strip_prefix("earlier\n").unwrap_or_else(|| panic!("{name} {option:?}: {log}"));
            let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
            assert_eq!(answer["verdict"], "up");
        }
    }
    let now = fs::symlink_metadata("/dev/stdout").unwrap().file_type();
    assert_eq!(now, device, "the link to the standard output is the one of before");
}

#[test]
fn the_log_that_standard_output_goes_to_can_be_named_as_well() {
    let (log, output) = check_into_a_log(&["check", "--format", "human", "--format", "tap=log"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(log.starts_with("earlier\n") && log.contains("ok 1") && log.contains("UP"), "{log}");
}

#[test]
fn a_file_that_is_mounted_alone_is_written_through() {
    let server = healthy();
    let script = "touch answer.json && mount --bind answer.json answer.json 2>/dev/null || exit 77; exec \"$@\"";
    let run = Run::new(["check", "--format", "json", "-o", "answer.json"])
        .config(&probe("home", &server.url("/"), &[]))
        .through(["unshare", "-rm", "sh", "-c", script, "sh"]);
    let ran = run.run();
    if matches!(ran.code(), 1 | 77) && server.connections() == 0 {
        eprintln!("not tested: this machine lets nobody mount: {}", ran.stderr);
        return;
    }
    ran.expect_code(0);
    let text = fs::read_to_string(ran.folder.path().join("answer.json")).unwrap();
    assert!(text.contains("uptick.check/1"), "{text}");
    assert_eq!(fs::read_dir(ran.folder.path()).unwrap().count(), 2, "no drafts are left");
}

#[test]
fn a_job_summary_that_cannot_be_written_is_said_before_anything_is_probed() {
    let server = healthy();
    let ran = Run::new(["check", "--format", "github"])
        .config(&probe("home", &server.url("/"), &[]))
        .env("GITHUB_STEP_SUMMARY", "/nonexistent/summary.md")
        .run();
    ran.expect_code(2);
    assert!(ran.stderr.contains("GITHUB_STEP_SUMMARY"), "{}", ran.stderr);
    assert_eq!(server.connections(), 0);
}
