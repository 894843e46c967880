//! `uptick report --format site=DIR` and `--format badge=FILE` as a user meets them.

use std::fs;
use std::path::Path;

use crate::origin::{healthy, probe, refusing};
use crate::reporting::report;
use crate::support::run::{Ran, Run};

/// A folder with a configuration and a journal in which `home` is up and `gone` is not.
fn recorded() -> Ran {
    recorded_with(&[])
}

/// The same, with more lines for `home`.
fn recorded_with(more: &[&str]) -> Ran {
    let server = healthy();
    let config = probe("home", &server.url("/"), &[&["surface = \"web\""], more].concat())
        + &probe("gone", &refusing(), &["surface = \"The App\""]);
    let ran = Run::new(["check", "--record", "-q", "--count", "8"]).config(&config).run();
    ran.expect_code(1);
    ran
}

/// The names in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_site_is_a_folder_that_a_later_report_keeps_up_to_date() {
    let recorded = recorded();
    let site = recorded.folder.path().join("public");
    let format = format!("site={}", site.display());
    let ran = report(recorded.folder.path(), &["--format", &format]);
    ran.expect_code(1);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "cron has nothing to mail");
    let top = [
        "badge",
        "badge.json",
        "badge.svg",
        "feed.xml",
        "incidents.html",
        "index.html",
        "surface",
        "uptick-files.json",
    ];
    assert_eq!(names(&site), top);
    let surfaces = names(&site.join("surface"));
    assert!(surfaces.len() == 2 && surfaces[0].starts_with("the-app-") && surfaces[1] == "web.html", "{surfaces:?}");
    assert!(read(&site.join("index.html")).contains("<h1>The App is down; web is up</h1>"));

    // Foreign files stay; the page of a removed surface is deleted.
    fs::write(site.join("robots.txt"), "mine").unwrap();
    fs::write(site.join("surface/notes.html"), "mine").unwrap();
    report(recorded.folder.path(), &["--format", &format, "--surface", "web"]).expect_code(0);
    assert_eq!(names(&site.join("surface")), ["notes.html", "web.html"]);
    assert_eq!(read(&site.join("robots.txt")), "mine");
    assert!(!read(&site.join("index.html")).contains("The App"));
}

#[test]
fn a_file_of_someone_else_is_not_replaced() {
    let recorded = recorded();
    let site = recorded.folder.path().join("public");
    fs::create_dir(&site).unwrap();
    fs::write(site.join("index.html"), "mine").unwrap();
    let ran = report(recorded.folder.path(), &["--format", &format!("site={}", site.display())]);
    let said = &ran.expect_code(2).stderr;
    assert!(said.contains("public/index.html was not written by uptick and is not replaced"), "{said}");
    assert_eq!(names(&site), ["index.html"]);
    assert_eq!(read(&site.join("index.html")), "mine");
}

#[test]
fn no_page_has_a_secret_and_urls_only_where_they_are_asked_for() {
    let recorded = recorded_with(&["auth.basic = { user = \"me\", password = \"hunter2\" }"]);
    let all = |site: &Path| -> String {
        let folders = [site.to_owned(), site.join("surface"), site.join("badge")];
        let files = folders.iter().flat_map(|folder| names(folder).into_iter().map(|name| folder.join(name)));
        files.filter(|path| path.is_file()).map(|path| read(&path).replace("http://www.w3.org/", "")).collect()
    };
    let site = recorded.folder.path().join("plain");
    report(recorded.folder.path(), &["--format", "site", "-o", site.to_str().unwrap()]).expect_code(1);
    let plain = all(&site);
    for inside in ["hunter2", "home", "gone", "127.0.0.1", "http"] {
        // The tag of the content security policy has the attribute `http-equiv`, which is not a
        // URL.
        assert!(!plain.replace("http-equiv", "").contains(inside), "{inside}");
    }
    let site = recorded.folder.path().join("asked");
    let base = ["--site-urls", "--site-base", "https://status.example.com"];
    report(recorded.folder.path(), &[&base[..], &["--format", &format!("site={}", site.display())]].concat())
        .expect_code(1);
    let asked = all(&site);
    assert!(asked.contains("http://127.0.0.1:") && asked.contains("home") && !asked.contains("hunter2"));
    assert!(read(&site.join("feed.xml")).contains("href=\"https://status.example.com/feed.xml\""));
}

#[test]
fn a_badge_alone_is_one_file_and_what_makes_no_sense_is_refused() {
    let recorded = recorded();
    let badge = recorded.folder.path().join("badge.svg");
    let format = format!("badge={}", badge.display());
    report(recorded.folder.path(), &["--format", &format, "--surface", "web"]).expect_code(0);
    assert!(read(&badge).contains("aria-label=\"web: up 100%\""), "{}", read(&badge));
    report(recorded.folder.path(), &["--format", &format]).expect_code(1);
    assert!(read(&badge).contains("aria-label=\"status: down\""), "{}", read(&badge));
    for (arguments, expected) in [
        (&["--format", "site"][..], "a site is a folder of files: write --format site=DIR"),
        (&["--site-urls"], "--site-urls is about a site: add --format site=DIR"),
        (&["--site-base", "https://x.test"], "--site-base is about a site"),
        (&["--format", "site=x", "--site-base", "x.test"], "it is not the address of a folder"),
        (&["--format", "site=none/x"], "cannot write to none/x"),
        (&["--format", "site=probes.toml"], "cannot write to probes.toml"),
    ] {
        let refused = report(recorded.folder.path(), arguments);
        assert!(refused.expect_code(2).stderr.contains(expected), "{arguments:?}: {}", refused.stderr);
    }
}
