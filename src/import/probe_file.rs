//! Writes the probe file: drafts as TOML, read back before anybody else reads them.

use std::collections::BTreeSet;
use std::path::Path;

use crate::config;
use crate::config::{FILE_NAME, SCHEMA_LINE};
use crate::import::draft::ProbeDraft;
use crate::import::error::ImportError;
use crate::import::secrets::Secrets;
use crate::model::SafeText;

/// The longest comment, in characters.
const LONGEST_NOTE: usize = 300;

/// The longest name of a probe, in characters.
const LONGEST_NAME: usize = 120;

/// A probe file made from files of other tools.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// The text of the probe file.
    pub text: String,
    /// How many probes it has.
    pub probes: usize,
    /// How many are only comments in it, because uptick cannot check them.
    pub left_out: usize,
    /// How many settings could not be carried over.
    pub not_carried: usize,
    /// The environment variables that must be set before the file is used.
    pub variables: Vec<String>,
}

/// Where a probe file comes from; its first comment.
#[derive(Debug)]
pub(crate) struct Origin {
    pub(crate) title: &'static str,
    pub(crate) sources: Vec<String>,
}

/// Writes a probe file. An error if any draft is invalid.
pub(crate) fn write_all(
    drafts: Vec<ProbeDraft>,
    origin: &Origin,
    secrets: &Secrets,
    folder: &Path,
) -> Result<Imported, ImportError> {
    let written = write(drafts, origin, secrets, folder)?;
    let refused = written.text.lines().find_map(|line| line.strip_prefix("# left out: "));
    match refused {
        Some(why) => Err(ImportError::of_file("a URL", &format!("cannot be asked: {why}"))),
        None => Ok(written),
    }
}

/// Writes the probe file and reads it back. Drafts that are invalid become comments.
pub(crate) fn write(
    drafts: Vec<ProbeDraft>,
    origin: &Origin,
    secrets: &Secrets,
    folder: &Path,
) -> Result<Imported, ImportError> {
    let mut blocks = named(drafts, secrets);
    let path = folder.join(FILE_NAME);
    let refused = |text: &str| problems(&path, text);
    if refused(&whole(&blocks, origin)).is_some() {
        for block in blocks.iter_mut().filter(|block| block.left_out.is_none()) {
            let alone = format!("{}\n{}", defaults(), block.toml);
            block.left_out = refused(&alone);
        }
    }
    let probes = blocks.iter().filter(|block| block.left_out.is_none()).count();
    if probes == 0 {
        let reason =
            blocks.iter().find_map(|block| Some(format!("probe {:?}: {}", block.name, block.left_out.as_ref()?)));
        let reason = reason.unwrap_or_default();
        return Err(ImportError::of_file(
            &origin.sources.join(", "),
            &format!("holds nothing that can be checked: {reason}"),
        ));
    }
    let text = whole(&blocks, origin);
    if let Some(problem) = refused(&text) {
        return Err(ImportError::of_file(
            &origin.sources.join(", "),
            &format!("cannot be written as one probe file: {problem}"),
        ));
    }
    let is_lost = |note: &&String| note.starts_with("not carried over");
    let not_carried = blocks.iter().map(|block| block.notes.iter().filter(is_lost).count()).sum();
    Ok(Imported { probes, left_out: blocks.len() - probes, not_carried, variables: variables(&text), text })
}

/// A draft as text, with its notes.
struct Block {
    name: String,
    toml: String,
    notes: Vec<String>,
    left_out: Option<String>,
}

fn named(drafts: Vec<ProbeDraft>, secrets: &Secrets) -> Vec<Block> {
    let mut taken = BTreeSet::new();
    let mut blocks = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let name = SafeText::clean(&secrets.without(&draft.name), LONGEST_NAME);
        let name = name.as_str().trim().replace("${", "$${");
        let name = if name.is_empty() { "probe".to_owned() } else { name };
        let numbered = (2_u32..).map(|number| format!("{name} ({number})"));
        let free = std::iter::once(name.clone()).chain(numbered).find(|name| !taken.contains(name));
        let name = free.unwrap_or(name);
        taken.insert(name.clone());
        let toml = draft.toml(&name);
        blocks.push(Block { name, toml, notes: draft.notes().to_vec(), left_out: draft.left_out });
    }
    blocks
}

fn defaults() -> &'static str {
    "[defaults]\nsurface = \"web\"\n"
}

/// The text of the file.
fn whole(blocks: &[Block], origin: &Origin) -> String {
    let mut text = format!("{SCHEMA_LINE}\n# {}\n", origin.title);
    for source in &origin.sources {
        comment(&mut text, "  ", source);
    }
    let used = blocks.iter().filter(|block| block.left_out.is_none()).map(|block| block.toml.as_str());
    let used: String = used.collect();
    let needed = variables(&used);
    if !needed.is_empty() {
        text.push_str("#\n# Set these before it is used; secrets were taken out of the files:\n");
        for name in &needed {
            let scheme = if begins_url(name, &used) { "https://" } else { "" };
            comment(&mut text, "  ", &format!("export {name}={scheme}…"));
        }
    }
    text.push('\n');
    text.push_str(defaults());
    for block in blocks {
        text.push('\n');
        match &block.left_out {
            None => text.push_str(&block.toml),
            Some(why) => {
                comment(&mut text, "", &format!("left out: {why}"));
                block.toml.lines().for_each(|line| text.push_str(&format!("# {line}\n")));
            }
        }
        block.notes.iter().for_each(|note| comment(&mut text, "", note));
    }
    text
}

/// Adds a comment of one line, whatever the note contains.
fn comment(text: &mut String, indent: &str, note: &str) {
    let note = SafeText::clean(note, LONGEST_NOTE);
    text.push_str(&format!("# {indent}{}\n", note.as_str()));
}

/// What is wrong with the text as a probe file, in one line; `None` if it is valid, whether the variables that have a
/// default are set or not.
fn problems(path: &Path, text: &str) -> Option<String> {
    let set = |name: &str| Some(stand_in(name, text).to_owned());
    let has_default = |name: &str| text.contains(&format!("${{{name}:-")) && !text.contains(&format!("${{{name}}}"));
    let unset = |name: &str| if has_default(name) { None } else { set(name) };
    let with_defaults = || if text.contains(":-") { config::load_text(path, text, &unset).err() } else { None };
    let error = config::load_text(path, text, &set).err().or_else(with_defaults)?;
    let problem = error.problems().first()?;
    // A message starts with the name of its probe, which is right below in the file.
    let message = problem.message.strip_prefix("probe \"").and_then(|rest| rest.split_once("\": "));
    let message = message.map_or(problem.message.as_str(), |(_, message)| message);
    let help = problem.help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
    Some(format!("{message}{help}"))
}

/// A placeholder for a variable of a probe file, which may not be set here, so that the file is checked as if it were
/// set.
fn stand_in(name: &str, text: &str) -> &'static str {
    if ["", ":-http", ":-https"].iter().any(|default| text.contains(&format!("url = \"${{{name}{default}}}://"))) {
        "https"
    } else if begins_url(name, text) || (is_url(name) && text.contains(&format!("\"${{{name}"))) {
        "https://stand-in.invalid"
    } else if name.to_ascii_uppercase().contains("PORT") {
        "8443"
    } else {
        "stand-in"
    }
}

/// Whether a URL of a probe file begins with a variable that has to contain its scheme.
fn begins_url(name: &str, text: &str) -> bool {
    let begins = ["url", "proxy"].map(|key| format!("{key} = \"${{{name}"));
    let mut rests = begins.iter().flat_map(|begin| text.split(begin.as_str()).skip(1));
    rests.any(|rest| {
        let behind = rest.split_once('}').filter(|(default, _)| default.is_empty() || default.starts_with(":-"));
        behind.is_some_and(|(_, behind)| !behind.starts_with("://"))
    })
}

/// Whether a variable is called as if it contained a URL.
fn is_url(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    ["URL", "URI", "ENDPOINT"].iter().any(|word| upper.contains(word))
}

/// The variables without a default in a probe file, in order.
fn variables(text: &str) -> Vec<String> {
    let mut names = BTreeSet::new();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    for inside in lines.flat_map(|line| line.split("${").skip(1).zip(line.split("${"))) {
        let (inside, before) = inside;
        let Some((name, _)) = inside.split_once('}') else { continue };
        let name = name.strip_prefix("secret:").unwrap_or(name);
        let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !before.ends_with('$') && is_name {
            names.insert(name.to_owned());
        }
    }
    names.into_iter().collect()
}
