//! `-h`: an overview of a command's options, by group, and examples. It fits on a screen; `--help`
//! explains each option.

use clap::{Arg, ArgAction, Command};

use crate::cli::groups;

/// The most columns that are used.
const WIDEST: usize = 100;

/// The rows of a screen.
const ROWS: usize = 24;

/// The most examples that are shown.
const EXAMPLES: usize = 3;

/// The columns of the command in an example.
const COMMAND: usize = 41;

/// The columns of the heading of a group.
const HEADING: usize = 12;

/// The options of a command, its first examples, and where to find more.
pub(super) fn overview(command: &Command, examples: &str, columns: usize) -> String {
    let columns = columns.min(WIDEST);
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name()).to_owned();
    let mut text = format!("{about}\n\nUsage: {name} [OPTIONS]{}\n\n", positionals(command));
    for (heading, options) in groups(command) {
        text.push_str(&group(&heading, &options, columns));
    }
    text.push_str("\nExamples:\n");
    let commands = examples.lines().filter(|line| line.starts_with("  uptick"));
    let room = ROWS.saturating_sub(text.lines().count() + 2).clamp(1, EXAMPLES);
    commands.take(room).for_each(|line| text.push_str(&example(line, columns)));
    text.push_str(&format!("\n{name} --help: what each option means; uptick man: the manual\n"));
    text
}

/// An example with its explanation, if there is room for that.
fn example(line: &str, columns: usize) -> String {
    let (command, meaning) = line.trim().split_once("  ").unwrap_or((line.trim(), ""));
    let whole = format!("  {command:COMMAND$}  {}", meaning.trim());
    if whole.chars().count() <= columns { format!("{}\n", whole.trim_end()) } else { format!("  {command}\n") }
}

fn positionals(command: &Command) -> String {
    command.get_positionals().map(|argument| format!(" [{}]...", value_name(argument))).collect()
}

/// The options by their headings, in the order of the command line.
fn groups(command: &Command) -> Vec<(String, Vec<String>)> {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    let is_shown = |option: &&Arg| !option.is_positional() && !option.is_hide_set() && !option.is_hide_short_help_set();
    for option in command.get_arguments().filter(is_shown) {
        if matches!(option.get_id().as_str(), "help" | "version") {
            continue;
        }
        let heading = option.get_help_heading().unwrap_or("Options");
        match groups.iter_mut().find(|(known, _)| known == heading) {
            Some((_, options)) => options.push(spelled(option)),
            None => groups.push((heading.to_owned(), vec![spelled(option)])),
        }
    }
    groups.sort_by_key(|(heading, _)| groups::ALL.iter().position(|known| known == heading));
    groups
}

/// `-H 'NAME: VALUE'`, `--json JSON`, `-k`: the shortest spelling, with its value.
fn spelled(option: &Arg) -> String {
    let name = match (option.get_short(), option.get_long()) {
        (Some(short), _) => format!("-{short}"),
        (None, long) => format!("--{}", long.unwrap_or_default()),
    };
    match option.get_action() {
        ArgAction::Set | ArgAction::Append => format!("{name} {}", value_name(option)),
        _ => name,
    }
}

fn value_name(argument: &Arg) -> String {
    let names: Vec<String> = argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect();
    names.join(" ")
}

/// A heading, and beside it the options of its group.
fn group(heading: &str, options: &[String], columns: usize) -> String {
    let room = columns.saturating_sub(HEADING).max(20);
    let mut lines = vec![String::new()];
    for option in options {
        let line = lines.last_mut().filter(|line| line.is_empty() || line.len() + 2 + option.len() <= room);
        match line {
            Some(line) if line.is_empty() => line.push_str(option),
            Some(line) => {
                line.push_str("  ");
                line.push_str(option);
            }
            None => lines.push(option.clone()),
        }
    }
    let heads = std::iter::once(heading).chain(std::iter::repeat(""));
    heads.zip(lines).map(|(head, line)| format!("{head:HEADING$}{line}\n")).collect()
}
