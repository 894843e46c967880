//! Completion scripts: what clap generates from the command line, extended by names of the nearest
//! probe file, for which a script calls uptick.

use std::io;
use std::io::Write;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::command::Cli;

/// Completes names of probes where a target is typed, and names of surfaces and tags after their
/// options.
const BASH: &str = r#"
_uptick_with_names() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD-1]}" kind=""
    case "$prev" in
        --surface) kind=surfaces ;;
        --tag) kind=tags ;;
        --explain|--probe) kind=probes ;;
        *)
            _uptick "$@"
            case "${COMP_WORDS[1]} $cur" in
                *" -"*) return 0 ;;
                "check "*|"watch "*|"validate "*) [[ "$prev" == -* ]] || kind=probes ;;
            esac
            ;;
    esac
    if [[ -n "$kind" ]]; then
        # Not by compgen -W, which runs what stands between $( and ) in a name.
        local name
        COMPREPLY=()
        while IFS= read -r name; do
            [[ "$name" == "$cur"* ]] && COMPREPLY+=("$(printf '%q' "$name")")
        done < <(uptick completions --names "$kind" 2>/dev/null)
    fi
}
complete -F _uptick_with_names -o bashdefault -o default uptick
"#;

/// The same for zsh: functions that clap's script is changed to call. A file is a target only after `@`.
const ZSH: &str = r#"
(( $+functions[_uptick_probes] )) || _uptick_probes() {
    if compset -P @; then _files; return; fi
    compadd -- "${(@f)$(uptick completions --names probes 2>/dev/null)}"
}
(( $+functions[_uptick_surfaces] )) || _uptick_surfaces() {
    compadd -- "${(@f)$(uptick completions --names surfaces 2>/dev/null)}"
}
(( $+functions[_uptick_tags] )) || _uptick_tags() {
    compadd -- "${(@f)$(uptick completions --names tags 2>/dev/null)}"
}
"#;

/// The same for fish.
const FISH: &str = r#"
complete -c uptick -n "__fish_seen_subcommand_from check watch validate" -f -a "(uptick completions --names probes 2>/dev/null)"
complete -c uptick -n "__fish_seen_subcommand_from check watch validate report" -l surface -x -a "(uptick completions --names surfaces 2>/dev/null)"
complete -c uptick -n "__fish_seen_subcommand_from check watch validate report" -l tag -x -a "(uptick completions --names tags 2>/dev/null)"
"#;

/// Writes a completion script.
///
/// # Errors
/// Errors of `out`.
pub(crate) fn write_completions(shell: Shell, out: &mut dyn Write) -> io::Result<()> {
    // The generator panics if its writer fails; writing to memory does not fail.
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "uptick", &mut script);
    let script = String::from_utf8_lossy(&script);
    match shell {
        Shell::Bash => write!(out, "{script}{BASH}"),
        Shell::Fish => write!(out, "{script}{FISH}"),
        Shell::Zsh => {
            // The first line (`#compdef`) must stay the first.
            let (first, rest) = script.split_once('\n').unwrap_or(("", &script));
            write!(out, "{first}\n{ZSH}")?;
            rest.lines().try_for_each(|line| writeln!(out, "{}", with_names(line)))
        }
        _ => out.write_all(script.as_bytes()),
    }
}

/// A line of clap's script for zsh, changed to complete names instead of files.
fn with_names(line: &str) -> String {
    let line = line
        .replace(":SURFACE:_default", ":SURFACE:_uptick_surfaces")
        .replace(":TAG:_default", ":TAG:_uptick_tags")
        .replace(":PROBE:_default", ":PROBE:_uptick_probes");
    if line.starts_with("'*::targets") && line.contains("Names of probes") {
        line.replace(":_default'", ":_uptick_probes'")
    } else if line.starts_with("'*::") {
        // What stands first among the words is a command to `_default`.
        line.replace(":_default'", ":_files'")
    } else {
        line
    }
}
