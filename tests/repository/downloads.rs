//! The installation step of the GitHub Action and of the GitLab job: it downloads a release from a
//! local server, and installs nothing whose checksum differs from the released one.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use sha2::{Digest as _, Sha256};

use crate::support::server::{Server, answer};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The files of a release on a server: an archive, and the text of its SHA256SUMS.
struct Release {
    archive: Vec<u8>,
    sums: String,
}

impl Release {
    /// A release whose program prints its version, packed as packaging/build.sh packs it.
    fn new() -> Release {
        let folder = tempfile::tempdir().unwrap();
        let name = name();
        fs::create_dir(folder.path().join(&name)).unwrap();
        let program = folder.path().join(&name).join("uptick");
        fs::write(&program, format!("#!/bin/sh\necho uptick {VERSION}\n")).unwrap();
        assert!(Command::new("chmod").arg("755").arg(&program).status().unwrap().success());
        let packed = Command::new("tar").arg("-C").arg(folder.path()).args(["-czf", "-", &name]).output().unwrap();
        assert!(packed.status.success());
        let archive = packed.stdout;
        let sums = format!("{}  {name}.tar.gz\n", checksum(&archive));
        Release { archive, sums }
    }

    fn serve(self) -> Server {
        Server::start(move |conn| {
            let request = String::from_utf8_lossy(&conn.request()).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let content = match path.strip_prefix(&format!("/releases/v{VERSION}/")) {
                Some("SHA256SUMS") => Some(self.sums.clone().into_bytes()),
                Some(file) if file == format!("{}.tar.gz", name()) => Some(self.archive.clone()),
                _ => None,
            };
            conn.send(content.map_or_else(|| answer(404, &[], ""), |content| answer(200, &[], content)));
        })
    }
}

fn name() -> String {
    format!("uptick-{VERSION}-{}-unknown-linux-musl", std::env::consts::ARCH)
}

fn checksum(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines of a YAML block after its first line `head`, without the indentation.
fn block<'t>(text: &'t str, head: &str, indentation: &str) -> String {
    let (_, rest) = text.split_once(head).unwrap_or_else(|| panic!("{head:?} is not there"));
    let lines = rest.lines().take_while(|line: &&'t str| line.is_empty() || line.starts_with(indentation));
    lines.map(|line| line.strip_prefix(indentation).unwrap_or_default().to_owned() + "\n").collect()
}

/// The result of an installation step.
struct Installed {
    output: Output,
    folder: tempfile::TempDir,
}

impl Installed {
    fn said(&self) -> String {
        String::from_utf8_lossy(&[self.output.stdout.as_slice(), &self.output.stderr].concat()).into_owned()
    }

    fn is_unpacked(&self) -> bool {
        let found = |folder: &Path| folder.join("uptick").exists();
        found(&self.folder.path().join("uptick")) || found(&self.folder.path().join(name()))
    }
}

/// Runs a step as its runner does, in an environment without an installed uptick.
fn run(script: &str, variables: &[(&str, &str)]) -> Installed {
    let folder = tempfile::tempdir().unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-eo", "pipefail"]).current_dir(folder.path()).env_clear();
    bash.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    bash.env("RUNNER_TEMP", folder.path()).env("GITHUB_PATH", folder.path().join("path"));
    bash.env("ACTION", Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci/github-action"));
    bash.envs(variables.iter().copied());
    bash.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = bash.spawn().unwrap();
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    Installed { output: child.wait_with_output().unwrap(), folder }
}

fn action(base: &str, sha256: &str) -> Installed {
    let text = fs::read_to_string("examples/ci/github-action/action.yml").unwrap();
    let version = block(&text, "  version:\n", "    ");
    let version = version.lines().find_map(|line| line.strip_prefix("default: ")).unwrap().to_owned();
    let script = block(&text, "      run: |\n", "        ");
    run(&script, &[("BASE_URL", base), ("VERSION", &version), ("SHA256", sha256)])
}

/// Runs the step of the GitLab job, which is written for x86-64 only.
fn gitlab_job(base: &str) -> Installed {
    let text = fs::read_to_string("examples/ci/gitlab-ci.yml").unwrap();
    let version = block(&text, "  variables:\n", "    ");
    let version = version.lines().find_map(|line| line.strip_prefix("UPTICK_VERSION: ")).unwrap().replace('"', "");
    let script = block(&text, "  before_script:\n    - |\n", "      ") + "uptick --version\n";
    run(&script, &[("UPTICK_RELEASES", base), ("UPTICK_VERSION", &version)])
}

/// The installation steps to test on this machine, each with its name for messages.
fn steps(base: &str) -> Vec<(&'static str, Installed)> {
    if cfg!(not(target_arch = "x86_64")) {
        return vec![("the action", action(base, ""))];
    }
    vec![("the action", action(base, "")), ("the GitLab job", gitlab_job(base))]
}

#[test]
fn a_release_with_its_checksum_is_installed() {
    let server = Release::new().serve();
    for (step, installed) in steps(&server.url("/releases")) {
        assert!(installed.output.status.success(), "{step}: {}", installed.said());
        assert!(installed.said().contains(&format!("uptick {VERSION}")), "{step}: {}", installed.said());
        assert!(installed.is_unpacked(), "{step}");
    }
    let installed = action(&server.url("/releases/"), "");
    let path = fs::read_to_string(installed.folder.path().join("path")).unwrap();
    assert_eq!(PathBuf::from(path.trim_end()), installed.folder.path().join("uptick"));
}

#[test]
fn a_release_with_another_checksum_is_not_installed() {
    let mut release = Release::new();
    release.sums = release.sums.replace(&checksum(&release.archive), &checksum(b"another archive"));
    let server = release.serve();
    for (step, installed) in steps(&server.url("/releases")) {
        assert!(!installed.output.status.success(), "{step}: {}", installed.said());
        assert!(!installed.is_unpacked(), "{step}: {}", installed.said());
    }
}

#[test]
fn a_release_that_its_checksums_do_not_name_is_not_installed() {
    let mut release = Release::new();
    release.sums = release.sums.replace(".tar.gz", ".zip");
    let server = release.serve();
    for (step, installed) in steps(&server.url("/releases")) {
        assert!(!installed.output.status.success(), "{step}: {}", installed.said());
        assert!(!installed.is_unpacked(), "{step}: {}", installed.said());
    }
}

/// An attacker who can replace a release can also replace its SHA256SUMS, but not a checksum
/// written in the workflow.
#[test]
fn the_checksum_of_the_workflow_is_above_that_of_the_release() {
    let release = Release::new();
    let right = checksum(&release.archive);
    let server = release.serve();
    let installed = action(&server.url("/releases"), &right);
    assert!(installed.output.status.success(), "{}", installed.said());
    let installed = action(&server.url("/releases"), &checksum(b"another archive"));
    assert!(!installed.output.status.success() && !installed.is_unpacked(), "{}", installed.said());
}

#[test]
fn where_releases_are_is_asked_for() {
    for (step, installed) in steps("") {
        assert!(!installed.output.status.success(), "{step}");
        assert!(installed.said().contains("say where releases"), "{step}: {}", installed.said());
    }
    let installed = action("http://releases.example.com", "");
    assert!(installed.said().contains("must begin with https://"), "{}", installed.said());
    let server = Release::new().serve();
    let installed = action(&server.url("/elsewhere"), "");
    assert!(!installed.output.status.success(), "{}", installed.said());
    assert!(installed.said().contains("cannot be downloaded"), "{}", installed.said());
}
