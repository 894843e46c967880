//! The manual page, generated from the command line itself.

use std::io;
use std::io::Write;

use clap::CommandFactory as _;

use crate::cli::command::Cli;
use crate::cli::{environment, examples};

/// Writes the manual page in roff: one page for all commands.
///
/// # Errors
/// Errors of `out`.
pub(crate) fn write_manual(out: &mut dyn Write) -> io::Result<()> {
    let mut command = Cli::command();
    command.build();
    let page = clap_mangen::Man::new(command.clone());
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_description_section(out)?;
    page.render_options_section(out)?;
    for command in command.get_subcommands().filter(|command| command.get_name() != "help") {
        let mut text = Vec::new();
        let section = clap_mangen::Man::new(command.clone());
        section.render_description_section(&mut text)?;
        section.render_synopsis_section(&mut text)?;
        section.render_options_section(&mut text)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        let heading = format!("\n.SH \"UPTICK {}\"", command.get_name().to_uppercase());
        let text = text.replace("\n.SH ", "\n.SS ").replacen("\n.SS DESCRIPTION", &heading, 1);
        out.write_all(text.as_bytes())?;
    }
    let examples = command.get_subcommands().map(|command| examples::of(command.get_name()));
    let examples = examples.flat_map(|examples| examples.lines().skip(1)).collect::<Vec<_>>().join("\n");
    lines("EXAMPLES", &examples, out)?;
    terms("FILES", FILES.iter().copied(), out)?;
    let variables: Vec<(String, &str)> =
        environment::VARIABLES.iter().map(|entry| (entry.names.join(", "), entry.meaning)).collect();
    terms("ENVIRONMENT", variables.iter().map(|(names, meaning)| (names.as_str(), *meaning)), out)?;
    let statuses = examples::EXIT_STATUS.lines().skip(1).collect::<Vec<_>>().join("\n");
    lines("EXIT STATUS", &statuses, out)?;
    page.render_version_section(out)
}

/// The files that the program reads and writes.
const FILES: &[(&str, &str)] = &[
    (
        "probes.toml",
        "The probe file: the nearest one from the working directory upwards. Its keys are those of `uptick schema probes`.",
    ),
    (
        "uptick-journal/",
        "The journal, beside the probe file: one file of JSON Lines a day, with folder mode 0700 and file mode 0600.",
    ),
    ("uptick-outbox/", "Results that wait to be uploaded to a journal in object storage."),
    ("~/.cache/uptick/", "Copies of journals in object storage; may be removed at any time."),
];

/// A section of terms with their meanings.
fn terms<'t>(
    heading: &str,
    mut terms: impl Iterator<Item = (&'t str, &'t str)>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, ".SH \"{heading}\"")?;
    terms.try_for_each(|(term, meaning)| writeln!(out, ".TP\n\\fB{}\\fR\n{}", roff(term), roff(meaning)))
}

/// A section of lines that are not filled.
fn lines(heading: &str, lines: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, ".SH \"{heading}\"\n.nf")?;
    lines.lines().try_for_each(|line| writeln!(out, "{}", roff(line)))?;
    writeln!(out, ".fi")
}

/// Escapes text for roff.
fn roff(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    if text.starts_with(['.', '\'']) { format!("\\&{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page() -> String {
        let mut page = Vec::new();
        write_manual(&mut page).unwrap();
        String::from_utf8(page).unwrap()
    }

    #[test]
    fn the_manual_has_every_section_that_a_reader_looks_for() {
        let page = page();
        for section in ["EXAMPLES", "FILES", "ENVIRONMENT", "EXIT STATUS", "UPTICK CHECK"] {
            assert!(page.contains(&format!(".SH \"{section}\"\n")), "{section}");
        }
        assert!(!page.contains("EXTRA") && page.contains("75   with \\-\\-single\\-instance"), "{page}");
    }

    #[test]
    fn the_manual_names_every_variable_and_every_command_has_an_example() {
        let (page, command) = (page(), Cli::command());
        for subcommand in command.get_subcommands() {
            let name = subcommand.get_name();
            let has_own_words = matches!(name, "help" | "man" | "schema");
            assert!(has_own_words || examples::of(name).contains(&format!("  uptick {name}")), "{name}");
            for variable in subcommand.get_arguments().filter_map(clap::Arg::get_env) {
                assert!(page.contains(&*variable.to_string_lossy()), "{variable:?}");
            }
        }
    }
}
