//! Where output goes: standard output, and files that are checked before the run and replaced as a
//! whole.

use std::io;
use std::io::Write;
use std::path::Path;

use crate::cli::FormatOutput;
use crate::commands::process::exit::CliError;
use crate::commands::process::output_file::OutputFile;

/// The outputs of one command, each with its format.
#[derive(Debug)]
pub(crate) struct Outputs<F> {
    /// The format on standard output; `None` if nothing is written there.
    pub stdout: Option<F>,
    files: Vec<(F, OutputFile)>,
}

impl<F: Copy + PartialEq> Outputs<F> {
    /// Opens the files that the options name. Without options the answer goes to standard output in
    /// the format `default`.
    pub(crate) fn open(formats: &[FormatOutput<F>], file: Option<&Path>, default: F) -> Result<Outputs<F>, CliError> {
        let mut outputs = Outputs { stdout: None, files: Vec::new() };
        let whole = [FormatOutput { format: default, file: None }];
        let formats = if formats.is_empty() { &whole[..] } else { formats };
        let mut file = file;
        for asked in formats {
            let format = asked.format;
            match asked.file.as_deref().or_else(|| file.take()) {
                Some(path) => {
                    let failed = |error| CliError::Usage(format!("cannot write {}: {error}", path.display()));
                    let opened = OutputFile::open(path).map_err(failed)?;
                    if outputs.files.iter().any(|(_, other)| other.is_same_file(&opened)) {
                        let path = path.display();
                        return Err(CliError::Usage(format!(
                            "two formats would write {path}; give each a file of its own"
                        )));
                    }
                    outputs.files.push((format, opened));
                }
                None if outputs.stdout.is_none() => outputs.stdout = Some(format),
                None => {
                    let message = "only one format can go to standard output; \
                                   give the others a file: --format junit=report.xml";
                    return Err(CliError::usage(message));
                }
            }
        }
        if let Some(file) = file {
            let file = file.display();
            return Err(CliError::Usage(format!(
                "every format has a file, so that nothing is left for --output {file}: remove it"
            )));
        }
        Ok(outputs)
    }

    /// No output at all.
    pub(crate) const fn none() -> Outputs<F> {
        Outputs { stdout: None, files: Vec::new() }
    }

    /// Whether any output has this format.
    #[must_use]
    pub(crate) fn has(&self, format: F) -> bool {
        self.stdout == Some(format) || self.files.iter().any(|(of_file, _)| *of_file == format)
    }

    /// Writes every file, even if another one fails, and returns the first error. A pipe without a
    /// reader is no error.
    pub(crate) fn write_files(
        self,
        mut write: impl FnMut(F, &mut dyn Write) -> io::Result<()>,
    ) -> Result<(), CliError> {
        let mut first = Ok(());
        for (format, file) in self.files {
            let path = file.path().to_path_buf();
            let written = file.write(|out| write(format, out));
            match written.map_err(|error| CliError::io(&path.display().to_string(), &error)) {
                Ok(()) | Err(CliError::BrokenPipe) => {}
                failed => first = first.and(failed),
            }
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    const fn output(format: char, file: Option<PathBuf>) -> FormatOutput<char> {
        FormatOutput { format, file }
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answer");
        let formats = [output('j', Some(path.clone()))];
        let outputs = Outputs::open(&formats, None, 'h').unwrap();
        assert!(!path.exists());
        let failed = outputs.write_files(|_, out| {
            out.write_all(b"half")?;
            Err(io::Error::other("scripted"))
        });
        assert!(failed.is_err() && !path.exists());
        assert_eq!(folder.path().read_dir().unwrap().count(), 0, "the draft is gone as well");
        let outputs = Outputs::open(&formats, None, 'h').unwrap();
        outputs.write_files(|_, out| out.write_all(b"whole")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn one_format_alone_goes_to_the_standard_output() {
        let outputs = Outputs::open(&[], None, 'h').unwrap();
        assert_eq!(outputs.stdout, Some('h'));
        let two = [output('j', None), output('h', None)];
        assert!(matches!(Outputs::open(&two, None, 'h'), Err(CliError::Usage(_))));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a");
        let outputs = Outputs::open(&two, Some(&file), 'h').unwrap();
        assert_eq!(outputs.stdout, Some('h'), "-o takes the first format that has no file");
    }

    #[test]
    fn no_output_is_lost_to_another_and_no_file_is_left_without_one() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| Some(folder.path().join(name));
        std::os::unix::fs::symlink("a", folder.path().join("link")).unwrap();
        for other in ["a", "./a", "link"] {
            let twice = [output('j', file("a")), output('h', file(other))];
            let Err(CliError::Usage(why)) = Outputs::open(&twice, None, 'h') else { panic!("{other} is taken twice") };
            assert!(why.contains("give each a file of its own"), "{why}");
        }
        let null = [output('j', Some("/dev/null".into())), output('h', Some("/dev/null".into()))];
        assert!(Outputs::open(&null, None, 'h').is_ok());
        let Err(CliError::Usage(why)) = Outputs::open(&[output('j', file("a"))], file("b").as_deref(), 'h') else {
            panic!("nothing is left for b");
        };
        assert!(why.contains("nothing is left for --output"), "{why}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_said_before_anything_is_probed() {
        let formats = [output('j', Some("/nonexistent/folder/x".into()))];
        assert!(matches!(Outputs::open(&formats, None, 'h'), Err(CliError::Usage(_))));
    }

    #[test]
    fn a_file_that_fails_costs_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| Some(folder.path().join(name));
        let formats = [output('a', path("a")), output('b', path("b")), output('c', path("c"))];
        let outputs = Outputs::open(&formats, None, 'h').unwrap();
        let written = outputs.write_files(|format, out| match format {
            'a' => Err(io::Error::other("scripted")),
            _ => out.write_all(b"whole"),
        });
        assert!(matches!(written, Err(CliError::Runtime(_))));
        assert!(!folder.path().join("a").exists() && folder.path().join("b").exists());
        assert!(folder.path().join("c").exists());
    }
}
