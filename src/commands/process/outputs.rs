//! Where answers go: standard output, and files that are opened before the run and appear whole.

use std::fs::File;
use std::io;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use crate::cli::FormatOutput;
use crate::commands::process::draft;
use crate::commands::process::exit::CliError;

/// The outputs of one command, each with its format.
#[derive(Debug)]
pub(crate) struct Outputs<F> {
    /// What goes to the standard output.
    pub stdout: Option<F>,
    files: Vec<(F, FileOutput)>,
}

impl<F: Copy + PartialEq> Outputs<F> {
    /// Opens what the options name; without any the answer goes to the standard output as `default`.
    pub(crate) fn open(formats: &[FormatOutput<F>], file: Option<&Path>, default: F) -> Result<Outputs<F>, CliError> {
        let mut outputs = Outputs { stdout: None, files: Vec::new() };
        let usage = |message: String| CliError::Usage(format!("error: {message}"));
        let whole = [FormatOutput { format: default, file: None }];
        let formats = if formats.is_empty() { &whole[..] } else { formats };
        let mut file = file;
        for asked in formats {
            let format = asked.format;
            match asked.file.as_deref().or_else(|| file.take()) {
                Some(path) => outputs.files.push((format, FileOutput::open(path)?)),
                None if outputs.stdout.is_none() => outputs.stdout = Some(format),
                None => {
                    let message = "only one format can go to the standard output; \
                                   give the others a file: --format junit=report.xml";
                    return Err(usage(message.to_owned()));
                }
            }
        }
        Ok(outputs)
    }

    /// Whether a format is among them.
    #[must_use]
    pub(crate) fn has(&self, format: F) -> bool {
        self.stdout == Some(format) || self.files.iter().any(|(of_file, _)| *of_file == format)
    }

    /// Writes every file and lets it appear under its name. A pipe that nobody reads is passed over.
    pub(crate) fn write_files(
        self,
        mut write: impl FnMut(F, &mut dyn Write) -> io::Result<()>,
    ) -> Result<(), CliError> {
        for (format, file) in self.files {
            let path = file.path().to_path_buf();
            let written = file.write(|out| write(format, out));
            match written.map_err(|error| CliError::io(&path.display().to_string(), &error)) {
                Ok(()) | Err(CliError::BrokenPipe) => {}
                Err(stop) => return Err(stop),
            }
        }
        Ok(())
    }
}

/// A file that an answer goes to.
#[derive(Debug)]
enum FileOutput {
    /// A new file that takes its name when it is whole: a reader never sees half of it.
    Whole { path: PathBuf, draft: NamedTempFile },
    /// Something that is there and is no plain file, such as `/dev/stderr` or a pipe.
    Direct { path: PathBuf, file: File },
}

impl FileOutput {
    fn open(path: &Path) -> Result<FileOutput, CliError> {
        let failed = |error: io::Error| CliError::Usage(format!("error: cannot write {}: {error}", path.display()));
        let special = path.metadata().is_ok_and(|meta| !meta.is_file());
        let path = path.to_path_buf();
        if special {
            let file = File::options().write(true).open(&path).map_err(failed)?;
            return Ok(FileOutput::Direct { path, file });
        }
        let draft = draft::beside(&path, draft::PLAIN_MODE).map_err(failed)?;
        Ok(FileOutput::Whole { path, draft })
    }

    fn path(&self) -> &Path {
        match self {
            FileOutput::Whole { path, .. } | FileOutput::Direct { path, .. } => path,
        }
    }

    fn write(self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
        match self {
            FileOutput::Direct { file, .. } => {
                let mut out = BufWriter::new(file);
                write(&mut out)?;
                out.flush()
            }
            FileOutput::Whole { path, mut draft } => {
                let mut out = BufWriter::new(draft.as_file_mut());
                write(&mut out)?;
                out.flush()?;
                drop(out);
                draft.persist(path).map(drop).map_err(|error| error.error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
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
    fn a_folder_that_is_not_there_is_said_before_anything_is_probed() {
        let formats = [output('j', Some("/nonexistent/folder/x".into()))];
        assert!(matches!(Outputs::open(&formats, None, 'h'), Err(CliError::Usage(_))));
    }
}
