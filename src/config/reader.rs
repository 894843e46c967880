//! What everything that reads the tree shares: the files, the problems found so far, the
//! environment, the secrets met. It does not know what any key means.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::diagnostic::{ConfigError, Problem};
use super::source::Source;
use super::tree::Place;
use crate::model::{Redactor, Secret, is_secret_name};

/// The environment: the value of a variable, where it has one.
pub(super) type Environment<'e> = &'e dyn Fn(&str) -> Option<String>;

/// The one thing that is passed along while a configuration is read.
pub(super) struct Reader<'e> {
    pub(super) env: Environment<'e>,
    /// The files read, in order; a [`Place`] counts into it.
    pub(super) sources: Vec<Arc<Source>>,
    /// What problems are about: `probe "home"`.
    pub(super) owner: Option<String>,
    /// What the keys of a matrix stand for in the probe being read.
    pub(super) matrix: BTreeMap<String, String>,
    /// The captures of earlier steps, and of the session.
    pub(super) captures: BTreeSet<String>,
    /// Whether an earlier step could not be read, so that a capture may be one of it.
    pub(super) captures_anything: bool,
    pub(super) warnings: Vec<String>,
    pub(super) secrets: Vec<Secret>,
    /// The values of the secrets and the warnings, each once.
    kept: BTreeSet<String>,
    warned: BTreeSet<String>,
    /// Places of texts that are secrets: they are not shown in a diagnostic.
    masked: Vec<Place>,
    found: Vec<Found>,
    /// Problems of files that could not be read at all.
    unread: Vec<Problem>,
    seen: BTreeSet<(Option<Place>, String)>,
    /// Files named by `${file:…}`, so that a hundred probes read one token once.
    pub(super) files: RefCell<BTreeMap<PathBuf, Result<String, String>>>,
}

/// A problem before its place is turned into a line.
struct Found {
    place: Option<Place>,
    owner: Option<String>,
    message: String,
    help: Option<String>,
}

impl<'e> Reader<'e> {
    pub(super) fn new(env: Environment<'e>) -> Reader<'e> {
        Reader {
            env,
            sources: Vec::new(),
            owner: None,
            matrix: BTreeMap::new(),
            captures: BTreeSet::new(),
            captures_anything: false,
            warnings: Vec::new(),
            secrets: Vec::new(),
            kept: BTreeSet::new(),
            warned: BTreeSet::new(),
            masked: Vec::new(),
            found: Vec::new(),
            unread: Vec::new(),
            seen: BTreeSet::new(),
            files: RefCell::default(),
        }
    }

    /// A problem at a place.
    pub(super) fn problem(&mut self, place: &Place, message: impl Into<String>) {
        self.add(Some(place.clone()), message.into(), None);
    }

    /// A problem at a place, with advice.
    pub(super) fn advise(&mut self, place: &Place, message: impl Into<String>, help: impl Into<String>) {
        self.add(Some(place.clone()), message.into(), Some(help.into()));
    }

    /// A problem that has no place: of the first file as a whole, or of the command line.
    pub(super) fn problem_at_large(&mut self, message: impl Into<String>, help: Option<&str>) {
        self.add(None, message.into(), help.map(str::to_owned));
    }

    /// The same problem at the same place is one, however many probes inherit it.
    fn add(&mut self, place: Option<Place>, message: String, help: Option<String>) {
        if self.seen.insert((place.clone(), message.clone())) {
            self.found.push(Found { place, owner: self.owner.clone(), message, help });
        }
    }

    /// A warning about the probe being read.
    pub(super) fn warn(&mut self, message: &str) {
        let warning = match &self.owner {
            Some(owner) => format!("{owner}: {message}"),
            None => message.to_owned(),
        };
        if self.warned.insert(warning.clone()) {
            self.warnings.push(warning);
        }
    }

    /// Takes a secret into keeping for the redactor.
    pub(super) fn keep_secret(&mut self, value: &str) {
        if self.kept.insert(value.to_owned()) {
            self.secrets.push(Secret::new(value));
        }
    }

    /// Hides a text of the file in every diagnostic.
    pub(super) fn mask(&mut self, place: &Place) {
        self.masked.push(place.clone());
    }

    /// The text of the file at a place.
    pub(super) fn text_at(&self, place: &Place) -> &str {
        self.sources.get(place.file).and_then(|source| source.text.get(place.span())).unwrap_or_default()
    }

    /// The folder that paths in a file are relative to.
    pub(super) fn folder_of(&self, place: &Place) -> PathBuf {
        let parent = self.sources.get(place.file).and_then(|source| source.path.parent());
        parent.unwrap_or(Path::new("")).to_owned()
    }

    /// The line a place stands in, from 1; 0 for the command line.
    pub(super) fn line_of(&self, place: &Place) -> usize {
        self.sources.get(place.file).map_or(0, |source| source.line_at(place.start).number)
    }

    /// Takes the problems of another file over, one that could not be read.
    pub(super) fn take(&mut self, error: ConfigError) {
        self.unread.extend(error.into_problems());
    }

    /// Mistakes of syntax of a file.
    pub(super) fn syntax_mistakes(&mut self, file: usize, mistakes: Vec<(Range<usize>, String)>) {
        for (span, message) in mistakes {
            self.mask_line(file, span.start);
            self.problem(&Place { file, start: span.start, end: span.end }, format!("this is not TOML: {message}"));
        }
    }

    /// Hides what may be a secret in a line that is not TOML, where nothing is known but the text.
    fn mask_line(&mut self, file: usize, at: usize) {
        let Some(source) = self.sources.get(file) else { return };
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
        for (from, to) in hidden.into_iter().filter(|(from, to)| from < to) {
            self.masked.push(Place { file, start: start + from, end: start + to });
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// Every problem found, in the order of the files.
    pub(super) fn finish(&mut self) -> Result<(), ConfigError> {
        if self.found.is_empty() && self.unread.is_empty() {
            return Ok(());
        }
        let mut found = std::mem::take(&mut self.found);
        found.sort_by(|a, b| a.place.cmp(&b.place));
        // A secret may also stand where it is not one: in a name, which messages begin with.
        let redactor = Redactor::new(self.secrets.iter().cloned());
        for found in &mut found {
            found.owner = found.owner.take().map(|owner| redactor.redact(&owner));
            found.message = redactor.redact(&found.message);
            found.help = found.help.take().map(|help| redactor.redact(&help));
        }
        let mut problems = std::mem::take(&mut self.unread);
        let mut masked: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
        for place in &self.masked {
            masked.entry(place.file).or_default().push(place.span());
        }
        problems.extend(found.into_iter().map(|found| self.tell(found, &masked)));
        Err(ConfigError::new(problems))
    }

    fn tell(&self, found: Found, masked: &BTreeMap<usize, Vec<Range<usize>>>) -> Problem {
        let source = found.place.as_ref().and_then(|place| Some((place, self.sources.get(place.file)?)));
        let problem = match (source, self.sources.first()) {
            (Some((place, source)), _) => {
                let message = match found.owner {
                    Some(owner) => format!("{owner}: {}", found.message),
                    None => found.message,
                };
                let masked = masked.get(&place.file).map(Vec::as_slice).unwrap_or_default();
                Problem::at(source, &place.span(), &message, masked)
            }
            (None, Some(source)) => Problem::about_file(&source.path, &found.message),
            (None, None) => Problem::about_argument(&found.message),
        };
        match found.help {
            Some(help) => problem.with_help(&help),
            None => problem,
        }
    }
}
