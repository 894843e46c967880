//! A probe of the command line, added to a probe file: `check URL --save NAME`. It is added at the end, and every
//! existing byte of the file stays.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config::explain::explain;
use crate::config::keys::json_schema::SCHEMA_LINE;
use crate::config::loaded::{Config, Settings};
use crate::config::reader::Environment;
use crate::config::syntax::diagnostic::ConfigError;
use crate::config::value::interpolate::variable_name;
use crate::config::value::toml_text::quoted;
use crate::model::{Probe, REDACTED, Request, Retries, Step};

/// Keys whose values are the file's to say, and no part of what a check of the command line asks for.
const OF_THE_FILE: &[&str] = &["name", "surface", "interval", "schedule"];

/// A probe file with one probe added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SavedProbe {
    /// The text of the whole file.
    pub text: String,
    /// The variables that must be set for it: the file holds none of its secrets.
    pub variables: Vec<String>,
    /// The keys that it has from the file's `[defaults]` and that the probe itself lacks.
    pub inherited: Vec<String>,
}

/// Reads a text as the probe file; these variables may be unset.
pub(crate) type ParseConfig<'r> = &'r dyn Fn(&str, &[String]) -> Result<Config, ConfigError>;

/// The file's text with the probe added under a name. `text` is none if there is no file yet.
///
/// # Errors
/// Why the file cannot have it, as a whole message.
pub(crate) fn with_probe(
    config: &Config,
    probe: &Probe,
    name: &str,
    path: &Path,
    text: Option<&str>,
    env: Environment,
    read: ParseConfig,
) -> Result<SavedProbe, String> {
    // A variable that is set and whose value is a secret here was written as a reference: it keeps its name.
    let is_own = |variable: &str| env(variable).is_some_and(|value| config.redactor.redact(&value) != value);
    let (mut toml, mut variables) = own_lines(config, probe, name, &is_own);
    if toml.contains(REDACTED) {
        return Err("it has a secret where no variable is possible: write the probe by hand".to_owned());
    }
    let before = match text {
        Some(text) if text.is_empty() || text.ends_with('\n') => text.to_owned(),
        Some(text) if text.contains("\r\n") => format!("{text}\r\n"),
        Some(text) => format!("{text}\n"),
        None => format!("{SCHEMA_LINE}\n"),
    };
    if text.is_some_and(|text| !text.trim().is_empty()) {
        match read(&before, &variables) {
            Ok(known) if known.probes.iter().any(|probe| probe.name == name) => {
                return Err(format!("{} has a probe of the name {}", path.display(), quoted(name)));
            }
            Ok(_) => {}
            // A file without probes is not an error here.
            Err(error) if error.only_lacks_probes() => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    let line_ends = if before.contains("\r\n") { "\r\n" } else { "\n" };
    let whole = |toml: &str| format!("{before}{}", format!("\n{toml}").replace('\n', line_ends));
    // What the file's `[defaults]` make of it, as lines.
    let read_back = |toml: &str, variables: &[String]| -> Result<String, String> {
        let config = read(&whole(toml), variables).map_err(|error| error.to_string())?;
        let saved = config.probes.iter().find(|saved| saved.name == name);
        Ok(saved.map(|saved| explain(&config, saved)).unwrap_or_default())
    };
    // Where the file's defaults differ from those that were left out, the probe has its own value. How often it is
    // checked is the file's to say: a check of the command line has no interval.
    let (theirs, ours) = (read_back(&toml, &variables)?, explain(config, probe));
    let (written, theirs) = (keys(&toml), theirs.lines().collect::<BTreeSet<&str>>());
    let is_overridden = |line: &&str| {
        let is_own = |key: &str| !OF_THE_FILE.contains(&key) && !written.contains(key);
        key_of(line).is_some_and(is_own) && !theirs.contains(line)
    };
    let overridden: Vec<&str> = ours.lines().filter(is_overridden).collect();
    let overridden: Vec<String> =
        overridden.into_iter().map(|line| named_secrets(line, name, &is_own, &mut variables) + "\n").collect();
    toml.push_str(&overridden.concat());
    let (theirs, ours) = (read_back(&toml, &variables)?, ours.lines().collect::<BTreeSet<&str>>());
    let differs = |line: &&str| !ours.contains(line) && !line.contains("${secret:");
    let inherited = theirs.lines().filter(differs).filter_map(key_of).filter(|key| !OF_THE_FILE.contains(key));
    let inherited = inherited.map(str::to_owned).collect();
    Ok(SavedProbe { text: whole(&toml), variables, inherited })
}

/// The keys of lines of TOML.
fn keys(lines: &str) -> BTreeSet<&str> {
    lines.lines().filter_map(key_of).collect()
}

fn key_of(line: &str) -> Option<&str> {
    line.split_once(" = ").map(|(key, _)| key)
}

/// The lines of a probe that differ from the defaults, and the variables in them.
fn own_lines(config: &Config, probe: &Probe, name: &str, is_own: &dyn Fn(&str) -> bool) -> (String, Vec<String>) {
    let mut plain = Probe::plain("", "", "", Probe::INTERVAL);
    plain.retries.delay = Retries::DELAY;
    plain.steps =
        probe.steps.first().map(|step| Step::of(Request::get(step.request.url.clone()))).into_iter().collect();
    let nothing = Config::of(Settings::default(), Vec::new());
    let defaults = explain(&nothing, &plain);
    let defaults: BTreeSet<&str> = defaults.lines().filter(|line| !line.starts_with("surface = ")).collect();
    let whole = explain(config, probe);
    let mut variables = Vec::new();
    let mut lines = vec!["[[probe]]".to_owned(), format!("name = {}", quoted(&name.replace("${", "$${")))];
    for line in whole.lines() {
        let is_said = line.starts_with("name = ") || line.starts_with("[[") || line.starts_with('#');
        if is_said || line.is_empty() || defaults.contains(line) && !line.starts_with("url = ") {
            continue;
        }
        lines.push(named_secrets(line, name, is_own, &mut variables));
    }
    (lines.join("\n") + "\n", variables)
}

/// A line whose secrets are variables of this probe: `TOKEN` becomes `HOME_TOKEN` in the probe home. Variables that the
/// user named stay as they are.
fn named_secrets(line: &str, name: &str, is_own: &dyn Fn(&str) -> bool, variables: &mut Vec<String>) -> String {
    const OPEN: &str = "${secret:";
    let mut pieces = line.split(OPEN);
    let mut named = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let (field, rest) = piece.split_once('}').unwrap_or((piece, ""));
        if is_own(field) {
            named.push_str(&format!("{OPEN}{field}}}{rest}"));
            continue;
        }
        let prefix = variable_name(name);
        let prefix = if prefix.starts_with(|c: char| c.is_ascii_digit()) { format!("P_{prefix}") } else { prefix };
        let variable = format!("{prefix}_{field}");
        named.push_str(&format!("{OPEN}{variable}}}{rest}"));
        if !variables.contains(&variable) {
            variables.push(variable);
        }
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn saved(url: &str, name: &str, text: Option<&str>) -> Result<SavedProbe, String> {
        let config = crate::config::from_urls(&[url.to_owned()]).unwrap();
        config::with_probe(&config, &config.probes[0], name, Path::new("probes.toml"), text, &|_| None)
    }

    #[test]
    fn a_probe_is_added_and_the_rest_stays_as_it_is() {
        let before =
            "# mine\n[defaults]   # odd   layout\ninterval=\"1m\"\n\n[[probe]]\nname = 'a'\nurl = \"http://a/\" # here";
        let after = saved("https://x.test/health", "health", Some(before)).unwrap();
        let expected =
            format!("{before}\n\n[[probe]]\nname = \"health\"\nsurface = \"web\"\nurl = \"https://x.test/health\"\n");
        assert_eq!(after.text, expected);
        assert!(after.variables.is_empty());
    }

    #[test]
    fn the_defaults_of_the_file_change_nothing_of_the_probe_that_it_can_say() {
        let defaults = "[defaults]\nexpect.status = [404]\nredirects = \"none\"\ntimeout = \"2s\"\ninterval = \"1m\"\n\
                        headers.x-team = \"shop\"\n";
        let after = saved("https://x.test/", "home", Some(defaults)).unwrap();
        let read = config::load_text(Path::new("probes.toml"), &after.text, &|_| None).unwrap();
        let (home, given) =
            (&read.probes[0], &crate::config::from_urls(&["https://x.test/".to_owned()]).unwrap().probes[0]);
        assert_eq!(home.timeout, given.timeout, "{}", after.text);
        assert_ne!(home.schedule, given.schedule, "how often is the file's to say: {}", after.text);
        let (of_file, of_command) = (&home.steps[0], &given.steps[0]);
        assert_eq!(of_file.expect.status, of_command.expect.status, "{}", after.text);
        assert_eq!(of_file.request.redirects, of_command.request.redirects, "{}", after.text);
        assert_eq!(after.inherited, ["headers"], "{}", after.text);
    }

    #[test]
    fn secrets_are_variables_of_the_probe() {
        let after = saved("https://me:hunter22@x.test/?token=abcdef", "my api", None).unwrap();
        assert_eq!(after.variables, ["MY_API_TOKEN", "MY_API_PASSWORD"]);
        assert!(!after.text.contains("hunter22") && !after.text.contains("abcdef"), "{}", after.text);
        assert!(after.text.contains("token=${secret:MY_API_TOKEN}"), "{}", after.text);
    }

    #[test]
    fn a_file_with_a_short_secret_is_read_again_when_its_variable_is_set() {
        let after = saved("https://me:abc@x.test/?sort_key=id", "home", None).unwrap();
        assert_eq!(after.variables, ["HOME_PASSWORD"]);
        assert!(!after.text.contains("abc") && after.text.contains("sort_key=id"), "{}", after.text);
        let env = |_: &str| Some("abc".to_owned());
        let read = config::load_text(Path::new("probes.toml"), &after.text, &env).unwrap();
        assert_eq!(read.warnings.len(), 1, "{:?}", read.warnings);
    }

    #[test]
    fn the_secrets_of_other_probes_need_not_be_set() {
        let first = saved("https://x.test/?token=abcdef", "first", None).unwrap();
        let second = saved("https://y.test/?token=abcdef", "second", Some(&first.text)).unwrap();
        assert!(
            second.text.starts_with(&first.text) && second.text.contains("${secret:SECOND_TOKEN}"),
            "{}",
            second.text
        );
        assert!(saved("https://y.test/", "first", Some(&first.text)).unwrap_err().contains("has a probe of the name"));
    }

    #[test]
    fn a_probe_has_the_line_ends_of_its_file() {
        let after = saved("https://x.test/", "b", Some("[[probe]]\r\nname = \"a\"\r\nurl = \"http://a/\"")).unwrap();
        assert!(after.text.ends_with(
            "\"http://a/\"\r\n\r\n[[probe]]\r\nname = \"b\"\r\nsurface = \"web\"\r\nurl = \"https://x.test/\"\r\n"
        ));
        assert_eq!(after.text.matches('\n').count(), after.text.matches("\r\n").count());
    }

    #[test]
    fn a_name_that_is_taken_and_a_file_that_cannot_be_read_are_refused() {
        let taken = saved("https://x.test/", "a", Some("[[probe]]\nname = \"a\"\nurl = \"http://a/\"\n")).unwrap_err();
        assert_eq!(taken, "probes.toml has a probe of the name \"a\"");
        assert!(saved("https://x.test/", "b", Some("[[probe]\n")).unwrap_err().contains("not TOML"));
        assert!(saved("https://x.test/", " b", None).is_err());
        assert!(saved("https://x.test/", "b", Some("# nothing yet\n[settings]\nwindow = \"1m\"\n")).is_ok());
    }
}
