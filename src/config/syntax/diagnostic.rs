//! What is wrong with a probe file, in a form that lets its author correct it: the span, the probe, the problem, and
//! what to write instead.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use crate::config::syntax::source::{Source, SourceError};
use crate::model::SafeText;
use crate::model::text::{command_hashes, is_hidden};

/// Maximum number of problems shown at once; the rest are counted.
const MOST_SHOWN: usize = 100;

/// The longest message, in characters.
const LONGEST_MESSAGE: usize = 500;

/// Every problem of a configuration. Its `Display` is the plain rendering of them all.
#[derive(Debug)]
pub struct ConfigError {
    problems: Vec<Problem>,
    /// Whether one of them is that there are no probes.
    lacks_probes: bool,
}

/// One problem.
#[derive(Clone, Debug)]
pub struct Problem {
    /// The file it is in; absent for the command line.
    pub file: Option<PathBuf>,
    /// The line, from 1; 0 if the problem concerns the file as a whole.
    pub line: usize,
    /// The column in characters, from 1; 0 if the problem concerns the file as a whole.
    pub column: usize,
    /// What is wrong, with the probe's name, in one line.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    excerpt: Option<Excerpt>,
}

/// The line of a problem, and which bytes of it are marked.
#[derive(Clone, Debug)]
struct Excerpt {
    text: String,
    span: Range<usize>,
}

impl ConfigError {
    pub(crate) fn new(problems: Vec<Problem>) -> ConfigError {
        ConfigError { problems, lacks_probes: false }
    }

    pub(crate) fn lacking_probes(self, lacks_probes: bool) -> ConfigError {
        ConfigError { lacks_probes, ..self }
    }

    /// Whether the only problem is that there are no probes.
    pub(crate) fn only_lacks_probes(&self) -> bool {
        self.lacks_probes && self.problems.len() == 1
    }

    /// The problems, in the order of the file.
    #[must_use]
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The error of a file that cannot be read at all.
    pub(crate) fn of_source(path: &Path, error: &SourceError) -> ConfigError {
        let problem = match error {
            SourceError::Absent => {
                let problem = Problem::about_argument(&format!("the probe file {} does not exist", path.display()));
                // Of a load generator, -c is how many connections it opens.
                let is_number = path.to_str().is_some_and(|path| path.parse::<u64>().is_ok());
                if is_number { problem.with_help("-c names the probe file; --count N makes N passes") } else { problem }
            }
            error => Problem::about_file(path, &error.to_string()),
        };
        ConfigError::new(vec![problem])
    }

    /// The error for a file of another kind.
    pub(crate) fn of_file(path: &Path, sentence: &str, help: &str) -> ConfigError {
        ConfigError::new(vec![Problem::about_file(path, sentence).with_help(help)])
    }

    /// Every problem as a diagnostic of a few lines, with the source line.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let shown: Vec<String> =
            self.problems.iter().take(MOST_SHOWN).map(|problem| problem.render(&renderer)).collect();
        let mut text = shown.join("\n\n");
        if let Some(more) = self.problems.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
            text.push_str("\n\nerror: and ");
            text.push_str(&more.to_string());
            text.push_str(" more problems");
        }
        text
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for ConfigError {}

impl Problem {
    /// A problem of the file as a whole; `sentence` continues its name.
    pub(crate) fn about_file(path: &Path, sentence: &str) -> Problem {
        Problem {
            file: Some(path.to_owned()),
            line: 0,
            column: 0,
            message: clean(&format!("{} {sentence}", path.display())),
            help: None,
            excerpt: None,
        }
    }

    /// A problem of the command line.
    pub(crate) fn about_argument(message: &str) -> Problem {
        Problem { file: None, line: 0, column: 0, message: clean(message), help: None, excerpt: None }
    }

    /// A problem at a span. `masked` are the spans of secrets, which are not shown.
    pub(crate) fn at(source: &Source, span: &Range<usize>, message: &str, masked: &[Range<usize>]) -> Problem {
        let line = source.line_at(span.start);
        let start = span.start.clamp(line.range.start, line.range.end) - line.range.start;
        let end = span.end.clamp(line.range.start + start, line.range.end) - line.range.start;
        let raw = &source.text[line.range.clone()];
        let column = raw[..raw.floor_char_boundary(start)].chars().count() + 1;
        Problem {
            file: Some(source.path.clone()),
            line: line.number,
            column,
            message: clean(message),
            help: None,
            excerpt: Some(Excerpt { text: shown_line(raw, line.range.start, masked), span: start..end.max(start) }),
        }
    }

    /// The same with advice.
    #[must_use]
    pub(crate) fn with_help(mut self, help: &str) -> Problem {
        self.help = Some(clean(help));
        self
    }

    fn render(&self, renderer: &Renderer) -> String {
        let mut group =
            Level::ERROR.primary_title(self.message.as_str()).elements(self.excerpt.iter().map(|excerpt| {
                let path = self.file.as_deref().map(|path| clean(&path.display().to_string()));
                Snippet::source(excerpt.text.as_str())
                    .line_start(self.line)
                    .path(path)
                    .annotation(AnnotationKind::Primary.span(excerpt.span.clone()))
            }));
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(help.as_str()));
        }
        renderer.render(&[group])
    }
}

fn clean(text: &str) -> String {
    SafeText::clean(text, LONGEST_MESSAGE).as_str().to_owned()
}

/// A line that is safe to show. Every replacement has as many bytes as the original, so that the marks below the line
/// stay in place.
fn shown_line(raw: &str, begins_at: usize, masked: &[Range<usize>]) -> String {
    let ends_at = begins_at + raw.len();
    let masked: Vec<&Range<usize>> =
        masked.iter().filter(|secret| secret.start < ends_at && secret.end > begins_at).collect();
    let mut hashes = command_hashes(raw).peekable();
    let mut shown = String::with_capacity(raw.len());
    for (in_line, character) in raw.char_indices() {
        let at = begins_at + in_line;
        let is_command = hashes.next_if_eq(&in_line).is_some();
        if masked.iter().any(|secret| secret.contains(&at)) {
            shown.extend(std::iter::repeat_n('*', character.len_utf8()));
        } else if (is_hidden(character) && character != '\t') || is_command {
            shown.extend(std::iter::repeat_n('?', character.len_utf8()));
        } else {
            shown.push(character);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_diagnostic_shows_the_place_and_the_advice() {
        let source = Source::new(Path::new("probes.toml"), "a = 1\n  timout = \"5s\"\n".to_owned());
        let problem = Problem::at(&source, &(8..14), "probe \"home\": unknown key `timout`", &[])
            .with_help("did you mean `timeout`?");
        assert_eq!((problem.line, problem.column), (2, 3));
        let expected = "\
error: probe \"home\": unknown key `timout`
 --> probes.toml:2:3
  |
2 |   timout = \"5s\"
  |   ^^^^^^
  |
  = help: did you mean `timeout`?";
        assert_eq!(ConfigError::new(vec![problem]).to_string(), expected);
    }

    #[test]
    fn a_secret_and_an_escape_sequence_are_not_shown() {
        let text = "password = \"hunter2\" # \u{1b}[31m ##[error]";
        let source = Source::new(Path::new("p.toml"), text.to_owned());
        let problem = Problem::at(&source, &(0..8), "bad\nnews", std::slice::from_ref(&(12..19)));
        let shown = ConfigError::new(vec![problem]).to_string();
        assert!(shown.contains("1 | password = \"*******\" # ?[31m #?[error]"), "{shown}");
        assert!(shown.starts_with("error: bad\\nnews\n"), "{shown}");
    }

    #[test]
    fn more_problems_than_a_person_reads_are_counted() {
        let problems = vec![Problem::about_argument("one"); MOST_SHOWN + 2];
        assert!(ConfigError::new(problems).to_string().ends_with("error: and 2 more problems"));
    }
}
