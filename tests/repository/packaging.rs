//! The tools that read the files of packages and examples accept them: systemd its units,
//! Kubernetes its manifests, GitHub and GitLab their pipelines, Docker its Dockerfile. If a tool is
//! not installed, the test prints `skipped:`; `.ci/run` installs them all.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

const BINARY: &str = env!("CARGO_BIN_EXE_uptick");
const UNITS: [&str; 4] = ["uptick.service", "uptick@.service", "uptick-check.service", "uptick-check.timer"];

/// Runs a tool and panics if it fails; prints `skipped:` if it is not installed.
#[track_caller]
fn accepts(program: &str, arguments: &[&str]) {
    match Command::new(program).args(arguments).output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            // `writeln!` is not captured by the test harness, so that a skip is visible.
            let _ = writeln!(std::io::stderr(), "skipped: {program} is not on this machine");
        }
        Err(error) => panic!("{program}: {error}"),
        Ok(output) => {
            let said = [output.stdout, output.stderr].concat();
            assert!(output.status.success(), "{program} {arguments:?}:\n{}", String::from_utf8_lossy(&said));
        }
    }
}

/// The units as installed, except that the program is this build, so that systemd finds it.
fn units(folder: &Path) -> Vec<PathBuf> {
    let write = |name: &&str| {
        let unit = fs::read_to_string(Path::new("packaging/systemd").join(name)).unwrap();
        let path = folder.join(name);
        fs::write(&path, unit.replace("/usr/bin/uptick", BINARY)).unwrap();
        path
    };
    UNITS.iter().map(write).collect()
}

#[test]
fn systemd_accepts_the_units() {
    let folder = tempfile::tempdir().unwrap();
    let paths = units(folder.path());
    let mut arguments = vec!["verify", "--man=no"];
    arguments.extend(paths.iter().map(|path| path.to_str().unwrap()));
    accepts("systemd-analyze", &arguments);
}

#[test]
fn the_services_are_as_shut_in_as_a_prober_can_be() {
    let folder = tempfile::tempdir().unwrap();
    for path in units(folder.path()).iter().filter(|path| path.extension().unwrap() == "service") {
        // An exposure of 1.3 (the threshold is in tenths): the rest is the network, which a prober
        // needs.
        accepts("systemd-analyze", &["security", "--offline=true", "--threshold=13", path.to_str().unwrap()]);
    }
}

#[test]
fn both_services_are_shut_in_alike() {
    let read = |name: &str| fs::read_to_string(Path::new("packaging/systemd").join(name)).unwrap();
    let walls = |unit: &str| -> Vec<String> {
        let from = unit.find("StateDirectory=").unwrap();
        let to = unit.find("[Install]").unwrap_or(unit.len());
        unit[from..to].trim().lines().map(str::to_owned).collect()
    };
    let own = walls(&read("uptick.service"));
    assert_eq!(own, walls(&read("uptick-check.service")));
    let of_a_shard = walls(&read("uptick@.service"));
    assert_eq!(own, of_a_shard.iter().map(|line| line.replace("/%i", "")).collect::<Vec<_>>());
}

#[test]
fn everybody_means_the_same_user_and_he_is_made() {
    let users = fs::read_to_string("packaging/users/uptick.conf").unwrap();
    let made: Vec<&str> = users.lines().filter_map(|line| line.strip_prefix("u ")?.split(' ').next()).collect();
    assert_eq!(made, ["uptick"]);
    for unit in UNITS.iter().filter(|unit| unit.ends_with(".service")) {
        let unit = fs::read_to_string(Path::new("packaging/systemd").join(unit)).unwrap();
        let user: Vec<&str> = unit.lines().filter_map(|line| line.strip_prefix("User=")).collect();
        // With a dynamic user, the state would be in a folder that cron, as the same user, cannot
        // enter.
        assert!(user == made && !unit.contains("DynamicUser"), "{unit}");
    }
    let crontab = fs::read_to_string("examples/cron/crontab").unwrap();
    let jobs = crontab.lines().filter(|line| line.contains("/usr/bin/uptick"));
    let users: Vec<&str> = jobs.map(|line| line.split_whitespace().nth(5).unwrap()).collect();
    assert_eq!(users, ["uptick"; 3]);
    assert!(crontab.contains("UPTICK_JOURNAL=/var/lib/uptick/uptick-journal"));
    let folder = tempfile::tempdir().unwrap();
    let root = format!("--root={}", folder.path().display());
    let own = |name: &str| fs::canonicalize(Path::new("packaging/users").join(name)).unwrap().display().to_string();
    fs::create_dir(folder.path().join("etc")).unwrap();
    accepts("systemd-sysusers", &[&root, &own("uptick.conf")]);
    accepts("systemd-tmpfiles", &["--create", &root, &own("uptick-tmpfiles.conf")]);
    if let Ok(passwd) = fs::read_to_string(folder.path().join("etc/passwd")) {
        assert!(passwd.starts_with("uptick:") && passwd.contains(":/var/lib/uptick:"), "{passwd}");
        assert!(folder.path().join("var/lib/uptick").is_dir());
    }
}

#[test]
fn what_the_crontab_says_of_compaction_is_what_it_does() {
    let rules = uptick::journal::CompactRules::default();
    let days = |time: std::time::Duration| time.as_secs() / 86_400;
    let (hourly, daily) = (days(rules.hourly_after), days(rules.daily_after));
    let said = format!("windows older than {hourly} days become hourly, older than {daily} days daily");
    assert!(fs::read_to_string("examples/cron/crontab").unwrap().contains(&said), "{said}");
    let compact = Command::new(BINARY).args(["compact", "--help"]).output().unwrap();
    let help = String::from_utf8_lossy(&compact.stdout).into_owned();
    assert!(
        help.contains(&format!("[default: {hourly}d]")) && help.contains(&format!("[default: {daily}d]")),
        "{help}"
    );
}

#[test]
fn nagios_and_icinga_accept_their_examples() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let within = |name: &str| folder.path().join(name).display().to_string();
    let example = |name: &str| fs::canonicalize(Path::new("examples").join(name)).unwrap().display().to_string();
    // Nagios drops root's rights before it checks whether it can write here.
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(within("resource.cfg"), "").unwrap();
    let files = ["log_file", "object_cache_file", "status_file", "temp_file", "lock_file", "command_file"];
    let mut main: String = files.iter().map(|name| format!("{name}={}\n", within(name))).collect();
    main += &format!("resource_file={}\ncheck_result_path={}\n", within("resource.cfg"), folder.path().display());
    main += &format!("cfg_file={}\n", example("nagios/uptick.cfg"));
    fs::write(within("nagios.cfg"), main).unwrap();
    accepts("nagios4", &["-v", &within("nagios.cfg")]);
    let main = format!("include <itl>\ninclude \"{}\"\n", example("icinga/uptick.conf"));
    fs::write(within("icinga2.conf"), main).unwrap();
    let data = format!("DataDir={}", within("data"));
    let cache = format!("VarsPath={}", within("vars"));
    accepts(
        "icinga2",
        &[
            "daemon",
            "-C",
            "-c",
            &within("icinga2.conf"),
            "--define",
            "NodeName=here",
            "--define",
            &data,
            "--define",
            &cache,
        ],
    );
}

#[test]
fn kubernetes_accepts_the_manifests() {
    let files = ["cronjob.yaml", "cronjob-shards.yaml", "deployment.yaml", "shards.yaml"];
    let files = files.map(|name| format!("examples/kubernetes/{name}"));
    let files = files.each_ref().map(String::as_str);
    accepts("kubernetes-validate", &[&["--strict"], &files[..]].concat());
}

#[test]
fn the_pipelines_are_what_github_and_gitlab_read() {
    for (schema, file) in [
        ("vendor.github-actions", "examples/ci/github-action/action.yml"),
        ("vendor.github-workflows", "examples/ci/github-workflow.yml"),
        ("vendor.github-workflows", ".github/workflows/ci.yml"),
        ("vendor.github-workflows", ".github/workflows/release.yml"),
        ("vendor.gitlab-ci", "examples/ci/gitlab-ci.yml"),
    ] {
        accepts("check-jsonschema", &["--builtin-schema", schema, file]);
    }
    // actionlint checks expressions, contexts, permissions, and the shell code of the steps.
    let workflows = [".github/workflows/ci.yml", ".github/workflows/release.yml", "examples/ci/github-workflow.yml"];
    accepts("actionlint", &workflows);
}

#[test]
fn the_scripts_and_the_dockerfile_pass_their_linters() {
    let scripts = [
        ".ci/run",
        ".ci/first-hour",
        "fuzz/run",
        "packaging/build.sh",
        "packaging/install.sh",
        "packaging/debian/postinst",
    ];
    accepts("shellcheck", &scripts);
    accepts("hadolint", &["packaging/docker/Dockerfile"]);
}

#[test]
fn an_editor_accepts_the_probe_file_by_its_schema() {
    let schema = format!("file://{}/schemas/probes.json", env!("CARGO_MANIFEST_DIR"));
    accepts("taplo", &["check", "--schema", &schema, "probes.toml", "src/config/template.toml"]);
}

/// The shell code of the action is inside YAML, which shellcheck does not read.
#[test]
fn the_steps_of_the_action_pass_shellcheck() {
    let action = fs::read_to_string("examples/ci/github-action/action.yml").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let steps: Vec<&str> = action.split("      run: |\n").skip(1).collect();
    assert_eq!(steps.len(), 2);
    for (at, step) in steps.iter().enumerate() {
        let lines = step.lines().take_while(|line| line.is_empty() || line.starts_with("        "));
        let script = lines.map(str::trim_start).collect::<Vec<_>>().join("\n");
        let path = folder.path().join(format!("step-{at}.sh"));
        fs::write(&path, format!("#!/bin/bash\nset -e\n{script}\n")).unwrap();
        accepts("shellcheck", &[path.to_str().unwrap()]);
    }
}

#[test]
fn the_image_is_built_from_files_that_suffice() {
    let dockerfile = fs::read_to_string("packaging/docker/Dockerfile").unwrap();
    let ignored = fs::read_to_string(".dockerignore").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut copied = 0;
    for line in dockerfile.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from")) {
        let words: Vec<&str> = line.split_whitespace().skip(1).collect();
        let (_, sources) = words.split_last().unwrap();
        for source in sources {
            assert!(ignored.lines().any(|line| line == format!("!{source}")), "{source} is not in .dockerignore");
            let status = Command::new("cp").arg("-r").arg(source).arg(folder.path()).status().unwrap();
            assert!(status.success());
            copied += 1;
        }
    }
    assert!(copied >= 4);
    let manifest = folder.path().join("Cargo.toml");
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--no-deps", "--format-version", "1", "--manifest-path"])
        .arg(&manifest)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_debian_package_names_files_that_exist() {
    let manifest = fs::read_to_string("Cargo.toml").unwrap();
    let (_, package) = manifest.split_once("[package.metadata.deb]").unwrap();
    let mut found = 0;
    for line in package.lines().take_while(|line| *line != "]") {
        let Some(asset) = line.trim().strip_prefix("[\"") else { continue };
        let source = asset.split('"').next().unwrap();
        if !source.starts_with("target/") {
            let source = source.split("/*").next().unwrap();
            assert!(Path::new(source).exists(), "{source}");
            found += 1;
        }
    }
    assert!(found >= 5, "{found}");
}

#[test]
fn a_configuration_that_cannot_be_read_is_not_tried_again() {
    for unit in ["uptick.service", "uptick@.service"] {
        let unit = fs::read_to_string(Path::new("packaging/systemd").join(unit)).unwrap();
        // systemd compares only the status of ExecStart= with these.
        assert!(unit.contains("\nRestartPreventExitStatus=2\n") && !unit.contains("\nExecStartPre="), "{unit}");
    }
}

#[test]
fn a_unit_of_a_shard_runs_its_part_or_nothing() {
    let unit = fs::read_to_string("packaging/systemd/uptick@.service").unwrap();
    let (_, arguments) = unit.split_once("ExecStart=/usr/bin/uptick ").unwrap();
    let arguments = arguments.lines().next().unwrap().replace("%i", "2");
    let run = |shards: &str| {
        let arguments = arguments.replace("${UPTICK_SHARDS}", shards);
        let mut command = Command::new(BINARY);
        command.args(arguments.split(' ')).args(["--for", "100ms", "--config", "missing.toml"]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(run("4").contains("missing.toml"), "{}", run("4"));
    assert!(run("").contains("--shard"), "{}", run(""));
    assert!(run("2").contains("--shard"), "{}", run("2"));
}

#[test]
fn a_pod_that_finds_something_down_ends_no_other() {
    let manifest = fs::read_to_string("examples/kubernetes/cronjob-shards.yaml").unwrap();
    let limits: Vec<&str> = manifest.lines().map(str::trim).filter(|line| line.starts_with("backoffLimit")).collect();
    assert_eq!(limits, ["backoffLimitPerIndex: 0"]);
}

/// The arguments of every uptick command in the units, the crontabs, the manifests and the
/// pipelines.
fn commands() -> Vec<Vec<String>> {
    let mut commands = Vec::new();
    let words = |text: &str| -> Vec<String> { text.split_whitespace().map(str::to_owned).collect() };
    for unit in &UNITS[..2] {
        let text = fs::read_to_string(Path::new("packaging/systemd").join(unit)).unwrap();
        let lines = text.lines().filter(|line| line.starts_with("ExecStart"));
        commands.extend(lines.filter_map(|line| line.split_once("/usr/bin/uptick ")).map(|(_, rest)| words(rest)));
    }
    for file in ["examples/cron/crontab", "examples/status-page/crontab", "examples/ci/gitlab-ci.yml"] {
        let text = fs::read_to_string(file).unwrap();
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        commands.extend(lines.filter_map(|line| {
            let (_, rest) = line.split_once("/usr/bin/uptick ").or_else(|| line.split_once("- uptick "))?;
            Some(words(rest))
        }));
    }
    for file in ["examples/kubernetes/cronjob.yaml", "examples/kubernetes/deployment.yaml"] {
        let text = fs::read_to_string(file).unwrap();
        let arguments = text.lines().filter_map(|line| line.trim().strip_prefix("args: [")?.strip_suffix(']'));
        let word = |word: &str| word.trim().trim_matches('"').to_owned();
        commands.extend(arguments.map(|list| list.split(',').map(word).collect()));
    }
    commands
}

#[test]
fn every_command_line_in_the_examples_is_understood() {
    let folder = tempfile::tempdir().unwrap();
    let commands = commands();
    assert!(commands.len() >= 10, "{}", commands.len());
    for arguments in commands {
        let output = Command::new(BINARY)
            .args(&arguments)
            .current_dir(folder.path())
            .env("UPTICK_CONFIG", "missing.toml")
            .env("UPTICK_JOURNAL", "missing")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // The command fails because the configuration is missing, not because of its arguments.
        assert!(!said.contains("Usage:") && !said.contains("unexpected"), "uptick {arguments:?}: {said}");
        assert!(!said.contains("unknown format"), "uptick {arguments:?}: {said}");
    }
}

#[test]
fn the_configuration_in_the_manifest_is_valid() {
    let manifest = fs::read_to_string("examples/kubernetes/deployment.yaml").unwrap();
    let (_, inner) = manifest.split_once("  probes.toml: |\n").unwrap();
    let lines = inner.lines().take_while(|line| line.is_empty() || line.starts_with("    "));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("probes.toml");
    fs::write(&path, lines.map(str::trim_start).collect::<Vec<_>>().join("\n")).unwrap();
    let output = Command::new(BINARY).args(["validate", "--config"]).arg(&path).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
