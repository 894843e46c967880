//! `--format FORMAT[=FILE]`. Parsing, help and completions all use the formats that `render`
//! defines.

use std::ffi::OsStr;
use std::marker::PhantomData;
use std::path::PathBuf;

use clap::builder::{PathBufValueParser, PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::model::suggest;
use crate::render::{CheckFormat, ReportFormat};

/// A format, and where to write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormatOutput<F> {
    /// The format.
    pub format: F,
    /// The file; `None` for standard output.
    pub file: Option<PathBuf>,
}

/// A format of a command.
pub(super) trait Format: Copy + Send + Sync + 'static {
    /// Every format.
    const ALL: &'static [Self];
    /// The name on the command line.
    fn name(self) -> &'static str;
    /// Its purpose, in a few words.
    fn meaning(self) -> &'static str;
}

impl Format for CheckFormat {
    const ALL: &'static [Self] = &CheckFormat::ALL;

    fn name(self) -> &'static str {
        self.name()
    }

    fn meaning(self) -> &'static str {
        self.meaning()
    }
}

impl Format for ReportFormat {
    const ALL: &'static [Self] = &ReportFormat::ALL;

    fn name(self) -> &'static str {
        self.name()
    }

    fn meaning(self) -> &'static str {
        self.meaning()
    }
}

/// A file to write to. The name of a format, also with a file behind it, is what `--format` takes.
pub(super) fn output_file<F: Format>() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| {
        let given = path.to_string_lossy().into_owned();
        let first = given.split('=').next().unwrap_or_default();
        match F::ALL.iter().find(|format| first == format.name()) {
            Some(_) => Err(format!("this is a format: write --format {given}; a file of this name is ./{given}")),
            None => Ok(path),
        }
    })
}

/// Parses `junit` or `junit=report.xml`.
#[derive(Clone, Copy, Debug)]
pub(super) struct FormatParser<F>(PhantomData<fn() -> F>);

impl<F: Format> FormatParser<F> {
    pub(super) const NEW: FormatParser<F> = FormatParser(PhantomData);

    fn names() -> impl Iterator<Item = &'static str> {
        F::ALL.iter().map(|format| format.name())
    }
}

impl<F: Format> TypedValueParser for FormatParser<F> {
    type Value = FormatOutput<F>;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<FormatOutput<F>, clap::Error> {
        let text = value.to_string_lossy();
        let (name, file) = match text.split_once('=') {
            Some((name, file)) => (name, Some(file)),
            None => (&*text, None),
        };
        let mut error = clap::Error::new(ErrorKind::InvalidValue).with_cmd(command);
        let argument = argument.map_or_else(|| "--format".to_owned(), ToString::to_string);
        error.insert(ContextKind::InvalidArg, ContextValue::String(argument));
        let Some(format) = F::ALL.iter().find(|format| format.name() == name) else {
            error.insert(ContextKind::InvalidValue, ContextValue::String(name.to_owned()));
            error.insert(ContextKind::ValidValue, ContextValue::Strings(Self::names().map(str::to_owned).collect()));
            if let Some(near) = suggest::nearest(name, Self::names()) {
                error.insert(ContextKind::SuggestedValue, ContextValue::String(near.to_owned()));
            }
            return Err(error);
        };
        if file == Some("") {
            let message = format!("a file name must follow `{name}=`\n");
            return Err(clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command));
        }
        Ok(FormatOutput { format: *format, file: file.map(PathBuf::from) })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(F::ALL.iter().map(|format| PossibleValue::new(format.name()).help(format.meaning()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<FormatOutput<CheckFormat>, String> {
        let parser = FormatParser::<CheckFormat>::NEW;
        parser.parse_ref(&clap::Command::new("uptick"), None, OsStr::new(text)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_format_may_name_its_file() {
        assert_eq!(
            read("junit=a=b.xml"),
            Ok(FormatOutput { format: CheckFormat::Junit, file: Some("a=b.xml".into()) })
        );
        assert_eq!(read("human"), Ok(FormatOutput { format: CheckFormat::Human, file: None }));
        assert!(read("junit=").unwrap_err().contains("a file name must follow"));
    }

    #[test]
    fn an_unknown_format_is_told_with_the_nearest_and_all() {
        let error = read("jnuit").unwrap_err();
        assert!(error.contains("junit") && error.contains("markdown"), "{error}");
    }
}
