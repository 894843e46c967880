//! Lines of a table of cron: when a command runs, perhaps as whom, and the command.

use crate::import::shell_words::Word;

/// The fields of an expression: minute, hour, day, month, weekday.
const FIELDS: usize = 5;

/// The names that stand for all fields.
const WHOLE: [&str; 8] = ["@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// When cron runs a command, and the command without that. A user may stand in front of the programs that are looked for.
pub(crate) fn command(mut words: Vec<Word>, is_looked_for: impl Fn(&str) -> bool) -> (Option<String>, Vec<Word>) {
    let is_short = words.first().is_some_and(|word| WHOLE.contains(&word.text.as_str()));
    let length = if is_short { 1 } else { FIELDS };
    let is_line = words.len() > length && (is_short || words[..length].iter().all(is_field));
    if !is_line {
        return (None, words);
    }
    let command = words.split_off(length);
    let is_of_user = command.len() > 2 && !is_looked_for(&command[0].text) && is_looked_for(&command[1].text);
    let schedule: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    (Some(schedule.join(" ")), command.into_iter().skip(usize::from(is_of_user)).collect())
}

fn is_field(word: &Word) -> bool {
    const LETTERS: &str = "0123456789*/,-";
    const NAMES: [&str; 19] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", "sun", "mon", "tue", "wed",
        "thu", "fri", "sat",
    ];
    let mut parts = word.text.split(|c| LETTERS.contains(c)).filter(|part| !part.is_empty());
    !word.quoted && parts.all(|part| NAMES.contains(&part.to_ascii_lowercase().as_str()))
}
