//! Secrets to search for in output. Each has a core that no escaping changes, so that a leak is
//! found however the output escapes the rest.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::run::{Ran, Run};

/// The number of secrets.
pub const COUNT: usize = 12;

/// The n-th secret. It starts and ends with letters and digits; in between are characters that
/// URLs, JSON, XML, shells and Markdown escape differently.
pub fn secret(n: usize) -> String {
    format!("{}/+&=<\"\\ ~|`%{}", head(n), tail(n))
}

/// The n-th secret with only characters that are allowed both in a user name and in a path.
pub fn tame(n: usize) -> String {
    format!("{}-._{}", head(n), tail(n))
}

fn head(n: usize) -> String {
    format!("hEad{n:02}qZ7w")
}

fn tail(n: usize) -> String {
    format!("tAil{n:02}Kx9v")
}

/// The forms of any secret that are found in a text, in any encoding: exact, partial, URL-encoded,
/// JSON-escaped, or as base64 at any alignment.
pub fn found_in(text: &[u8]) -> Vec<String> {
    let forms: Vec<String> = (0..COUNT).flat_map(forms).collect();
    let found = aho_corasick::AhoCorasick::new(&forms).unwrap();
    let places: std::collections::BTreeSet<usize> =
        found.find_iter(text).map(|found| found.pattern().as_usize()).collect();
    places.into_iter().map(|place| forms[place].clone()).collect()
}

/// The numbers of the secrets of which any part is in a text.
pub fn numbers_in(text: &[u8]) -> Vec<usize> {
    let found = found_in(text);
    (0..COUNT).filter(|n| forms(*n).iter().any(|form| found.contains(form))).collect()
}

/// The forms of one secret whose presence is a leak. Escaping does not change its core.
fn forms(n: usize) -> Vec<String> {
    let mut forms = vec![head(n), tail(n)];
    for core in [head(n), tail(n)] {
        for alignment in 0..3 {
            let bytes = [&vec![0u8; alignment], core.as_bytes()].concat();
            // Characters that depend on neighbouring bytes are left out.
            let (first, last) = ([0, 2, 3][alignment], bytes.len() * 8 / 6);
            forms.push(STANDARD_NO_PAD.encode(&bytes)[first..last].to_owned());
            forms.push(URL_SAFE_NO_PAD.encode(&bytes)[first..last].to_owned());
        }
        forms.push(core.bytes().map(|byte| format!("%{byte:02X}")).collect::<Vec<_>>().concat());
        forms.push(core.bytes().map(|byte| format!("\\u{:04x}", u16::from(byte))).collect::<Vec<_>>().concat());
    }
    forms
}

/// A request in every encoding in which a server may send it back.
pub fn encodings(request: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = String::from_utf8_lossy(request).into_owned();
    let url: String = url::form_urlencoded::byte_serialize(request).collect();
    // As encodeURIComponent, but with lower-case hexadecimal digits, as some servers write it.
    let mut lower = String::new();
    for &byte in request {
        if byte.is_ascii_alphanumeric() || b"-_.!~*'()".contains(&byte) {
            lower.push(char::from(byte));
        } else {
            let _ = write!(lower, "%{byte:02x}");
        }
    }
    let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;").replace('/', "&#x2F;");
    let json = serde_json::to_string(&text).unwrap();
    vec![
        ("exact", request.to_vec()),
        ("url", url.into_bytes()),
        ("percent", lower.into_bytes()),
        ("base64", base64::engine::general_purpose::STANDARD.encode(request).into_bytes()),
        ("base64 of urls", URL_SAFE_NO_PAD.encode(request).into_bytes()),
        ("html", html.into_bytes()),
        ("json", json.as_bytes()[1..json.len() - 1].to_vec()),
    ]
}

/// Gives a run the secrets in its environment, and one of them in a file.
pub fn entrusted(run: Run) -> Run {
    let run = (0..COUNT).fold(run, |run, n| {
        // This one is used in a path, where a URL writes it unchanged, and it must not lead
        // elsewhere.
        run.env(&format!("S{n:02}"), &if n == 7 { tame(n) } else { secret(n) })
    });
    run.file("secret.txt", secret(11))
}

/// Fails on any trace of a secret in the output and the files of a run, except for the file it came
/// from.
#[track_caller]
pub fn assert_secret(ran: &Ran) {
    let mut texts = vec![("stdout".to_owned(), ran.stdout.clone().into_bytes())];
    texts.push(("stderr".to_owned(), ran.stderr.clone().into_bytes()));
    texts.extend(
        ran.files()
            .into_iter()
            .filter(|(path, _)| !path.ends_with("secret.txt"))
            .map(|(path, bytes)| (path.display().to_string(), bytes)),
    );
    for (name, text) in texts {
        let found = found_in(&text);
        if !found.is_empty() {
            let text = String::from_utf8_lossy(&text).into_owned();
            let at = text.find(&found[0]).unwrap_or_default();
            let from = text.floor_char_boundary(at.saturating_sub(600));
            let until = text.floor_char_boundary(at + 300);
            panic!("{found:?} in {name}: …{}…", &text[from..until]);
        }
    }
}

/// Fails on any trace of a secret in reports made from a journal.
#[track_caller]
pub fn assert_secret_in_reports(journal: &str, file: &str) {
    for format in ["human", "json", "html", "markdown", "csv", "prometheus"] {
        let ran = entrusted(Run::new(["report", "--format", format, "-vv", journal])).config(file).run();
        assert!(ran.stdout.contains("default"), "{format} names the surface: {}{}", ran.stdout, ran.stderr);
        assert_secret(&ran);
    }
}
