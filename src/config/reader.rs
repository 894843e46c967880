//! State shared by everything that reads the tree: the files, the problems found so far, the environment, the secrets
//! found. It does not know what any key means.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::advice;
use crate::config::missing::{MissingValue, ValueUser};
use crate::config::pending::{PendingMissing, PendingProblem, Warning};
use crate::config::syntax::diagnostic::{ConfigError, Problem};
use crate::config::syntax::source::{Source, SourceError};
use crate::config::syntax::tree::Span;
use crate::model::{Expect, MessageText, Protocol, Redactor, Secret, Shared, Transport, is_secret_name, message};

/// The environment: the value of a variable, if it has one.
pub(crate) type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The state that is passed along while a configuration is read.
pub(crate) struct ConfigReader<'e> {
    pub(crate) env: Environment<'e>,
    /// The files read, in order; a [`Span`] holds an index into it.
    pub(crate) sources: Vec<Arc<Source>>,
    /// The arguments of the command line, which are read like a file.
    arguments: Vec<Argument>,
    /// The prefix of problems: `probe "home"`.
    pub(crate) owner: Option<String>,
    /// What the keys of a matrix stand for in the probe being read.
    pub(crate) matrix: BTreeMap<String, String>,
    /// The expectations of probes without their own, by the tables that set them and by protocol.
    pub(crate) common_expectations: BTreeMap<(Vec<usize>, Protocol), Shared<Expect>>,
    /// The transport of the probe before: most probes of a file have equal ones.
    pub(crate) last_transport: Shared<Transport>,
    /// The captures of earlier steps, and of the session.
    pub(crate) captures: BTreeSet<String>,
    /// Whether an earlier step could not be read, so that any capture may be one of it.
    pub(crate) captures_anything: bool,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) secrets: Vec<Secret>,
    /// The values of the secrets and the warnings, each once.
    kept: BTreeSet<String>,
    warned: BTreeSet<Warning>,
    /// Spans of secret texts, which no diagnostic shows.
    masked: Vec<Span>,
    /// The user of the values that are being read.
    pub(crate) user: ValueUser,
    missing: Vec<PendingMissing>,
    found: Vec<PendingProblem>,
    lacks_probes: bool,
    /// Problems of files that could not be read at all.
    unread: Vec<Problem>,
    seen: BTreeSet<(Option<Span>, MessageText)>,
    /// Files named by `${file:…}`, so that a hundred probes read one token once.
    pub(crate) files: RefCell<BTreeMap<PathBuf, Result<String, SourceError>>>,
}

/// An argument of the command line.
struct Argument {
    /// Its name in messages: `--expect-status`; empty for a target.
    name: String,
    /// A target, safe to show.
    target: String,
    /// Whether its value is on the command line, where others can read it.
    is_visible: bool,
}

impl<'e> ConfigReader<'e> {
    pub(crate) fn new(env: Environment<'e>) -> ConfigReader<'e> {
        ConfigReader {
            env,
            sources: Vec::new(),
            arguments: Vec::new(),
            owner: None,
            matrix: BTreeMap::new(),
            common_expectations: BTreeMap::new(),
            last_transport: Shared::default(),
            captures: BTreeSet::new(),
            captures_anything: false,
            warnings: Vec::new(),
            secrets: Vec::new(),
            kept: BTreeSet::new(),
            warned: BTreeSet::new(),
            masked: Vec::new(),
            user: ValueUser::File,
            missing: Vec::new(),
            found: Vec::new(),
            lacks_probes: false,
            unread: Vec::new(),
            seen: BTreeSet::new(),
            files: RefCell::default(),
        }
    }

    /// The span of an argument of the command line.
    pub(crate) fn argument(&mut self, name: &str, is_visible: bool) -> Span {
        self.arguments.push(Argument { name: name.to_owned(), target: String::new(), is_visible });
        Span::of_argument(self.arguments.len() - 1)
    }

    /// The span of a target of the command line, which is shown without what may be a secret in it.
    pub(crate) fn target(&mut self, url: &str, is_visible: bool) -> Span {
        let shown = url.split(['?', '#']).next().unwrap_or_default();
        let shown = match shown.split_once("://") {
            Some((scheme, rest)) => format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host)),
            None => shown.rsplit_once('@').map_or(shown, |(_, host)| host).to_owned(),
        };
        self.arguments.push(Argument { name: String::new(), target: shown, is_visible });
        Span::of_argument(self.arguments.len() - 1)
    }

    /// The name of the argument at a span, for messages.
    pub(crate) fn argument_name(&self, span: &Span) -> String {
        self.argument_at(span).map(|argument| argument.name.clone()).unwrap_or_default()
    }

    fn argument_at(&self, span: &Span) -> Option<&Argument> {
        self.arguments.get(span.start).filter(|_| span.is_argument())
    }

    /// Warns of a secret in plain text.
    pub(crate) fn warn_of_open_secret(&mut self, name: &str, span: &Span) {
        let Some(argument) = self.argument_at(span) else {
            self.warn(&format!("`{name}` is a secret in plain text; take it from the environment: ${{secret:NAME}}"));
            return;
        };
        if argument.is_visible {
            let of = if argument.name.is_empty() { "a URL" } else { &argument.name };
            self.warn(&format!(
                "{of}: `{name}` is a secret, and everyone on this machine can read a command line; take it from the \
                 environment: '${{secret:NAME}}' in single quotes"
            ));
        }
    }

    /// A problem at a span of the file.
    pub(crate) fn problem(&mut self, span: &Span, message: impl Into<MessageText>) {
        self.add(Some(span.clone()), message.into(), None);
    }

    /// A problem at a span, with advice.
    pub(crate) fn advise(&mut self, span: &Span, message: impl Into<MessageText>, help: impl Into<MessageText>) {
        self.add(Some(span.clone()), message.into(), Some(help.into()));
    }

    /// A problem at a span, with advice if there is some.
    pub(crate) fn problem_with_help(
        &mut self,
        span: &Span,
        message: impl Into<MessageText>,
        help: Option<MessageText>,
    ) {
        self.add(Some(span.clone()), message.into(), help);
    }

    /// Records a missing value: a problem of what uses it.
    pub(crate) fn missing(&mut self, span: &Span, written: &str, message: MessageText, help: Option<MessageText>) {
        match self.user {
            ValueUser::File => self.problem_with_help(span, message, help),
            // Each probe with these defaults reports it.
            ValueUser::Defaults => {}
            _ => {
                let problem = PendingProblem { span: Some(span.clone()), owner: self.owner.clone(), message, help };
                let (user, written) = (self.user.clone(), written.to_owned());
                let is_known = |known: &PendingMissing| known.user == user && known.problem.span == problem.span;
                if !self.missing.iter().any(is_known) {
                    self.missing.push(PendingMissing { user, written, problem });
                }
            }
        }
    }

    /// Whether a value of what is being read is missing.
    pub(crate) fn lacks_values(&self) -> bool {
        self.missing.iter().any(|missing| missing.user == self.user)
    }

    /// What a session lacks, the probe that uses it lacks too.
    pub(crate) fn lacks_what_session_lacks(&mut self, session: &str) {
        let is_of_session =
            |missing: &&PendingMissing| matches!(&missing.user, ValueUser::Session(name) if name == session);
        let inherited: Vec<PendingMissing> = self.missing.iter().filter(is_of_session).cloned().collect();
        self.missing.extend(inherited.into_iter().map(|missing| PendingMissing { user: self.user.clone(), ..missing }));
    }

    /// The missing values, once everything else is valid.
    pub(crate) fn take_missing(&mut self) -> Vec<MissingValue> {
        let redactor = Redactor::new(self.secrets.iter().cloned());
        let masked = self.masked_by_file();
        let missing = std::mem::take(&mut self.missing);
        missing
            .into_iter()
            .map(|PendingMissing { user, written, problem }| MissingValue {
                user,
                written,
                problem: self.locate(problem.redacted(&redactor), &masked),
            })
            .collect()
    }

    /// A problem without a span: of the first file as a whole, or of the command line.
    pub(crate) fn problem_at_large(&mut self, message: impl Into<MessageText>, help: Option<&'static str>) {
        self.add(None, message.into(), help.map(Into::into));
    }

    /// The problem that no file has a probe.
    pub(crate) fn lack_of_probes(&mut self) {
        self.lacks_probes = true;
        let is_empty = self.sources.first().is_some_and(|source| source.text.trim().is_empty());
        let message = if is_empty { "is empty" } else { "has no probes" };
        self.problem_at_large(message, Some("add a [[probe]]; `uptick init` writes an example file"));
    }

    /// Records a problem once per span, however many probes inherit it.
    fn add(&mut self, span: Option<Span>, message: MessageText, help: Option<MessageText>) {
        if self.seen.insert((span.clone(), message.clone())) {
            self.found.push(PendingProblem { span, owner: self.owner.clone(), message, help });
        }
    }

    /// A warning about the probe being read.
    pub(crate) fn warn(&mut self, message: &str) {
        let warning = Warning { owner: self.owner.clone(), message: message.to_owned() };
        if self.warned.insert(warning.clone()) {
            self.warnings.push(warning);
        }
    }

    /// The warnings, without secrets.
    pub(crate) fn take_warnings(&mut self, redactor: &Redactor) -> Vec<String> {
        let warnings = std::mem::take(&mut self.warnings);
        warnings.into_iter().map(|warning| warning.text(redactor)).collect()
    }

    /// Adds a secret for the redactor.
    pub(crate) fn keep_secret(&mut self, value: &str) {
        if self.kept.insert(value.to_owned()) {
            self.secrets.push(Secret::new(value));
        }
    }

    /// Hides a text of the file in every diagnostic.
    pub(crate) fn mask(&mut self, span: &Span) {
        self.masked.push(span.clone());
    }

    /// The text of the file at a span.
    pub(crate) fn text_at(&self, span: &Span) -> &str {
        self.sources.get(span.file).and_then(|source| source.text.get(span.range())).unwrap_or_default()
    }

    /// The folder that paths in a file are relative to.
    pub(crate) fn folder_of(&self, span: &Span) -> PathBuf {
        self.sources.get(span.file).map(|source| source.folder.clone()).unwrap_or_default()
    }

    /// The file of a span, as an absolute path.
    pub(crate) fn file_of(&self, span: &Span) -> Option<Arc<Path>> {
        self.sources.get(span.file).filter(|source| source.is_file).map(|source| Arc::clone(&source.location))
    }

    /// The line that a span starts in, from 1; 0 for the command line.
    pub(crate) fn line_of(&self, span: &Span) -> usize {
        self.sources.get(span.file).map_or(0, |source| source.line_at(span.start).number)
    }

    /// An included file that cannot be read.
    pub(crate) fn unreadable(&mut self, path: &Path, error: &SourceError) {
        self.unread.push(Problem::about_file(path, &error.to_string()));
    }

    /// Syntax errors of a file.
    pub(crate) fn syntax_mistakes(&mut self, file: usize, mistakes: Vec<(Range<usize>, String)>) {
        let mut advised = BTreeSet::new();
        let mut mistakes = mistakes;
        mistakes.sort_by_key(|(span, _)| span.start);
        for (span, message) in mistakes {
            let is_open = !self.mask_line(file, span.start);
            let line = self.sources.get(file).map(|source| source.line_at(span.start));
            let text = line.as_ref().and_then(|line| self.sources.get(file)?.text.get(line.range.clone()));
            let help = text.and_then(|text| advice::toml_line(text, is_open));
            // One mistake can cause several errors: advice is given once per line.
            let is_first = line.is_some_and(|line| advised.insert(line.number));
            let span = Span { file, start: span.start, end: span.end };
            match help {
                // What to write says more than what the parser expected.
                Some(help) if is_first => {
                    self.problem_with_help(&span, message!("this is not TOML"), Some(help.into()));
                }
                Some(_) => {}
                None => self.problem_with_help(&span, message!("this is not TOML: {message}"), None),
            }
        }
    }

    /// Hides what may be a secret in a line that is not TOML. Returns whether anything was hidden.
    fn mask_line(&mut self, file: usize, at: usize) -> bool {
        let Some(source) = self.sources.get(file) else { return false };
        let Range { start, end } = source.line_at(at).range;
        let line = &source.text[start..end];
        let mut hidden: Vec<(usize, usize)> = Vec::new();
        let after_secret_name = line.match_indices('=').find(|(equals, _)| {
            let before = line[..*equals].trim_end_matches([' ', '\t', '"', '\'']);
            let word = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_').next();
            word.is_some_and(|word| is_secret_name(word) || word == "bearer")
        });
        hidden.extend(after_secret_name.map(|(equals, _)| (equals + 1, line.len())));
        if let (Some(scheme), Some(userinfo)) = (line.find("://"), line.rfind('@')) {
            hidden.push((scheme + 3, userinfo));
        }
        hidden.retain(|(from, to)| from < to);
        let spans = hidden.iter().map(|(from, to)| Span { file, start: start + from, end: start + to });
        self.masked.extend(spans);
        !hidden.is_empty()
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Every problem found, in the order of the files.
    pub(crate) fn finish(&mut self) -> Result<(), ConfigError> {
        if self.found.is_empty() && self.unread.is_empty() {
            return Ok(());
        }
        // Missing values are reported with the rest: nothing of the file can be used anyway.
        for PendingMissing { problem: PendingProblem { span, owner, message, help }, .. } in
            std::mem::take(&mut self.missing)
        {
            self.owner = owner;
            self.add(span, message, help);
        }
        self.owner = None;
        let mut found = std::mem::take(&mut self.found);
        found.sort_by(|a, b| a.span.cmp(&b.span));
        let redactor = Redactor::new(self.secrets.iter().cloned());
        let mut problems = std::mem::take(&mut self.unread);
        let masked = self.masked_by_file();
        problems.extend(found.into_iter().map(|found| self.locate(found.redacted(&redactor), &masked)));
        Err(ConfigError::new(problems).lacking_probes(self.lacks_probes))
    }

    fn masked_by_file(&self) -> BTreeMap<usize, Vec<Range<usize>>> {
        let mut masked: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
        for span in &self.masked {
            masked.entry(span.file).or_default().push(span.range());
        }
        masked
    }

    fn locate(&self, found: PendingProblem, masked: &BTreeMap<usize, Vec<Range<usize>>>) -> Problem {
        let source = found.span.as_ref().and_then(|span| Some((span, self.sources.get(span.file)?)));
        let argument = found.span.as_ref().and_then(|span| self.argument_at(span));
        let problem = match (source, self.sources.first()) {
            _ if let Some(argument) = argument => {
                let said = [argument.name.as_str(), argument.target.as_str(), found.message.as_str()];
                Problem::about_argument(
                    &said.into_iter().filter(|said| !said.is_empty()).collect::<Vec<_>>().join(": "),
                )
            }
            (Some((span, source)), _) => {
                let message = match found.owner {
                    Some(owner) => format!("{owner}: {}", found.message),
                    None => found.message.to_string(),
                };
                let masked = masked.get(&span.file).map(Vec::as_slice).unwrap_or_default();
                Problem::at(source, &span.range(), &message, masked)
            }
            (None, Some(source)) => Problem::about_file(&source.path, found.message.as_str()),
            (None, None) => Problem::about_argument(found.message.as_str()),
        };
        match found.help {
            Some(help) => problem.with_help(help.as_str()),
            None => problem,
        }
    }
}
