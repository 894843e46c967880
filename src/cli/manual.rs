//! What is made of the command line itself: the manual page and the completion scripts.

use std::io;
use std::io::Write;

use clap::CommandFactory as _;

use crate::cli::command::Cli;

/// Writes a completion script.
///
/// # Errors
/// What `out` says.
pub fn write_completions(shell: clap_complete::Shell, out: &mut dyn Write) -> io::Result<()> {
    // The generator panics where its writer fails; memory does not.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "uptick", &mut script);
    out.write_all(&script)
}

/// Writes the manual page, in roff: one page with every command, since the program is one.
///
/// # Errors
/// What `out` says.
pub fn write_manual(out: &mut dyn Write) -> io::Result<()> {
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
    page.render_extra_section(out)?;
    page.render_version_section(out)
}
