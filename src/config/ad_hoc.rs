//! The configuration of `uptick check URL…`: no file, every key at its default.

use std::sync::Arc;

use crate::config::loaded::{Config, Settings};
use crate::config::reader::ConfigReader;
use crate::config::syntax::diagnostic::ConfigError;
use crate::config::syntax::tree::Span;
use crate::config::value::interpolate::TextUse;
use crate::config::value::url;
use crate::config::value::url::Target;
use crate::model::{Probe, Redactor, Request, Retries, Step, Surface, Surfaces};

/// The surface of a URL of the command line.
const SURFACE: &str = "web";

pub(crate) fn config(urls: &[String]) -> Result<Config, ConfigError> {
    let env = |_: &str| None;
    let mut reader = ConfigReader::new(&env);
    let mut probes: Vec<Arc<Probe>> = Vec::with_capacity(urls.len());
    for (at, url) in urls.iter().enumerate() {
        // There is no file: the number of the argument is enough of a span to tell two apart.
        let span = Span { file: at, start: 0, end: 0 };
        reader.owner = None;
        // A dollar sign on the command line was the shell's to fill in.
        let raw = url.replace("${", "$${");
        let shown = crate::model::SafeText::clean(url, 100);
        let Some(target) = url::target_of_text(&mut reader, &format!("{shown}"), &raw, &span, url::WEB, TextUse::Text)
        else {
            continue;
        };
        let probe = probe(target, &probes);
        probes.push(Arc::new(probe));
    }
    if urls.is_empty() {
        reader.problem_at_large("no URL is given", None);
    }
    reader.finish()?;
    let redactor = Redactor::new(std::mem::take(&mut reader.secrets));
    let surfaces = Surfaces::from([(SURFACE.to_owned(), Surface::default())]);
    Ok(Config { surfaces, redactor, ..Config::of(Settings::default(), probes) })
}

fn probe(target: Target, before: &[Arc<Probe>]) -> Probe {
    let request = Request { auth: target.auth, ..Request::get(target.url) };
    let mut probe = Probe::plain("", SURFACE, "", Probe::INTERVAL);
    probe.retries.delay = Retries::DELAY;
    probe.steps = vec![Step::of(request)];
    probe.name = unique(&probe.shown_url(), before);
    probe
}

/// The URL as a name: the same URL a second time is `https://example.com/ (2)`.
fn unique(url: &str, before: &[Arc<Probe>]) -> String {
    let is_taken = |name: &str| before.iter().any(|probe| probe.name == name);
    let url = crate::model::SafeText::clean(url, 190).as_str().to_owned();
    let numbered = (2..).map(|number| format!("{url} ({number})"));
    std::iter::once(url.clone()).chain(numbered).find(|name| !is_taken(name)).unwrap_or(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(urls: &[&str]) -> Result<Config, ConfigError> {
        config(&urls.iter().map(|url| (*url).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_url_is_its_own_name_and_is_asked_in_its_plain_form() {
        let config = urls(&["https://Example.com", "http://0x7f000001:8080/a", "https://example.com/"]).unwrap();
        let names: Vec<&str> = config.probes.iter().map(|probe| probe.name.as_str()).collect();
        assert_eq!(names, ["https://example.com/", "http://127.0.0.1:8080/a", "https://example.com/ (2)"]);
    }

    #[test]
    fn a_secret_in_a_url_is_not_in_its_name() {
        let config = urls(&["https://me:hunter22@x.test/?token=abcdef&a=1"]).unwrap();
        assert_eq!(config.probes[0].name, "https://x.test/?token=${TOKEN}&a=1");
        let shown = config.redactor.redact("hunter22 abcdef me:hunter22");
        assert_eq!(shown, "[redacted] [redacted] [redacted]");
        assert!(config.probes[0].steps[0].request.auth.is_some());
    }

    #[test]
    fn every_text_that_is_not_a_url_is_named() {
        let error = urls(&["example.com", "https://ok.test", "ftp://x.test"]).unwrap_err().to_string();
        let expected = "\
error: `example.com` has no scheme
 |
 = help: did you mean https://example.com?

error: `ftp://x.test` has a scheme that is not http or https";
        assert_eq!(error, expected);
    }
}
