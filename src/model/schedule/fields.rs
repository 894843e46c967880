//! Mistakes in the fields of a cron expression that its parser takes or tells in words of its own. It reads the names of
//! months and days wherever they stand: `JAN` as a weekday would be a Monday.

/// The names of the months, in order.
const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/// The names of the days of the week, in order.
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// The names that stand for a whole expression.
const WHOLE: &[&str] = &["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// What is wrong with an expression without its time zone, if it is one of these mistakes.
pub(super) fn mistake(pattern: &str) -> Option<String> {
    let fields: Vec<&str> = pattern.split_whitespace().collect();
    let first = fields.first().copied().unwrap_or_default();
    if first.contains('=') {
        return Some("its time zone stands last, as a word of its own".to_owned());
    }
    if first.starts_with('@') {
        return whole(first);
    }
    if !(5..=6).contains(&fields.len()) {
        return Some(format!("it has {} fields; a cron expression has 5, or 6 with seconds first", fields.len()));
    }
    if fields.iter().any(|field| field.split(',').any(str::is_empty)) {
        return Some("a list in it has an empty part: write one comma between two values".to_owned());
    }
    let [minutes @ .., day, month, weekday] = &fields[..] else { return None };
    minutes
        .iter()
        .find_map(|field| unknown(field, &[], "", "a minute or an hour: they have numbers alone"))
        .or_else(|| unknown(day, &[], "LW", "a day of the month: write 1 to 31, or L for the last"))
        .or_else(|| unknown(month, MONTHS, "", "a month: write 1 to 12, or JAN to DEC"))
        .or_else(|| unknown(weekday, DAYS, "L", "a day of the week: write 0 to 7, or SUN to SAT"))
        .or_else(|| reversed(month, MONTHS))
        .or_else(|| reversed(weekday, DAYS))
}

/// What is wrong with a name that stands for a whole expression.
fn whole(name: &str) -> Option<String> {
    if name.eq_ignore_ascii_case("@every") {
        return Some("write `interval` for what is due every so often".to_owned());
    }
    let is_known = WHOLE.iter().any(|known| known.eq_ignore_ascii_case(name));
    (!is_known).then(|| format!("`{name}` is not one of {}", WHOLE.join(", ")))
}

/// The first word of a field that is neither one of these names, in any case, nor made of these letters.
fn unknown(field: &str, names: &[&str], letters: &str, meaning: &str) -> Option<String> {
    let words = field.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let is_known = |word: &str| {
        let word = word.to_ascii_uppercase();
        word.chars().all(|letter| letters.contains(letter))
            || names.iter().any(|name| word.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest == letters))
    };
    let mut unknown = words.filter(|word| !is_known(word));
    unknown.next().map(|word| format!("`{word}` is not {meaning}"))
}

/// A range of names that ends before it begins. Saturday to Sunday is one to the parser: both 0 and 7 are a Sunday.
fn reversed(field: &str, names: &[&str]) -> Option<String> {
    let place = |word: &str| names.iter().position(|name| name.eq_ignore_ascii_case(word));
    let backwards = |part: &&str| {
        let range = part.split('/').next().and_then(|range| range.split_once('-'));
        let ends = range.and_then(|(from, to)| Some((place(from)?, place(to)?)));
        ends.is_some_and(|(from, to)| from > to && !(to == 0 && names.len() == DAYS.len()))
    };
    field
        .split(',')
        .find(backwards)
        .map(|part| format!("the range {part} ends before it begins: write two, with a comma"))
}
