//! Mistakes in the fields of a cron expression that its parser takes or tells in words of its own. It reads the names of
//! months and days wherever they stand: `JAN` as a weekday would be a Monday.

/// The names of the months, in order.
const MONTHS: &[&str] = &["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/// The names of the days of the week, in order.
const DAYS: &[&str] = &["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
/// One field: the values that it takes.
struct Field {
    what: &'static str,
    first: u32,
    last: u32,
    /// Names for the values from `first` on.
    names: &'static [&'static str],
    /// Letters with a meaning of their own.
    letters: &'static str,
}

/// The fields in order. The seconds may be absent.
const FIELDS: [Field; 6] = [
    Field { what: "a second: write 0 to 59", first: 0, last: 59, names: &[], letters: "" },
    Field { what: "a minute: write 0 to 59", first: 0, last: 59, names: &[], letters: "" },
    Field { what: "an hour: write 0 to 23", first: 0, last: 23, names: &[], letters: "" },
    Field {
        what: "a day of the month: write 1 to 31, or L for the last",
        first: 1,
        last: 31,
        names: &[],
        letters: "LW",
    },
    Field { what: "a month: write 1 to 12, or JAN to DEC", first: 1, last: 12, names: MONTHS, letters: "" },
    Field { what: "a day of the week: write 0 to 7, or SUN to SAT", first: 0, last: 7, names: DAYS, letters: "L" },
];

impl Field {
    fn refuses(&self, word: &str) -> String {
        format!("`{word}` is not {}", self.what)
    }

    /// The number that a value stands for.
    fn place(&self, value: &str) -> Option<u32> {
        let named = (self.first..).zip(self.names).find(|(_, name)| name.eq_ignore_ascii_case(value));
        named.map(|(number, _)| number).or_else(|| value.parse().ok().filter(|_| !value.starts_with('+')))
    }

    /// Whether a range ends before it begins. Saturday to Sunday does not: both 0 and 7 are a Sunday.
    fn is_reversed(&self, from: &str, to: &str) -> bool {
        let ends = self.place(from).zip(self.place(to));
        ends.is_some_and(|(from, to)| from > to && !(to == 0 && self.last == 7))
    }
}

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
    let kinds = &FIELDS[FIELDS.len() - fields.len()..];
    let mut each = fields.iter().zip(kinds);
    each.find_map(|(field, kind)| {
        unknown(field, kind)
            .or_else(|| of_list(field))
            .or_else(|| field.split(',').find_map(|part| of_part(part, kind)))
    })
}

/// What is wrong with a name that stands for a whole expression.
fn whole(name: &str) -> Option<String> {
    if name.eq_ignore_ascii_case("@every") {
        return Some("write `interval` for what is due every so often".to_owned());
    }
    let is_known = WHOLE.iter().any(|known| known.eq_ignore_ascii_case(name));
    (!is_known).then(|| format!("`{name}` is not one of {}", WHOLE.join(", ")))
}

/// The first word of a field that is neither one of its names, in any case, nor made of its letters.
fn unknown(field: &str, kind: &Field) -> Option<String> {
    let words = field.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty());
    let is_known = |word: &str| {
        let word = word.to_ascii_uppercase();
        let of_name =
            |name: &&str| word.strip_prefix(*name).is_some_and(|rest| rest.is_empty() || rest == kind.letters);
        word.chars().all(|letter| kind.letters.contains(letter)) || kind.names.iter().any(of_name)
    };
    let mut unknown = words.filter(|word| !is_known(word));
    unknown.next().map(|word| kind.refuses(word))
}

/// What is wrong with a list whose parts are fine: one of them is already every value.
fn of_list(field: &str) -> Option<String> {
    let every = field.split(',').find(|part| matches!(*part, "*" | "?")).filter(|_| field.contains(','))?;
    Some(format!("`{every}` in the list `{field}` stands for every value: write `{every}` alone, or the other values"))
}

/// What is wrong with one part of a list: `5`, `1-5`, `*/15`, `10-50/20`.
fn of_part(part: &str, kind: &Field) -> Option<String> {
    let (range, step) = part.split_once('/').map_or((part, None), |(range, step)| (range, Some(step)));
    let ends: Vec<&str> = range.split('-').collect();
    let of_ends = match ends[..] {
        ["*" | "?"] => None,
        [value] => of_value(value, kind),
        ["", _] | [_, ""] => Some(kind.refuses(range)),
        [from, to] => of_value(from, kind).or_else(|| of_value(to, kind)).or_else(|| {
            kind.is_reversed(from, to)
                .then(|| format!("the range {range} ends before it begins: write two, with a comma"))
        }),
        _ => Some(format!("`{range}` is not a range: write two values, as 1-5")),
    };
    of_ends.or_else(|| of_step(part, range, step?, kind))
}

/// What is wrong with the step of a part.
fn of_step(part: &str, range: &str, step: &str, kind: &Field) -> Option<String> {
    let (first, last) = (kind.first, kind.last);
    let instead = match step.parse::<u32>() {
        Err(_) => "is not a number: write it as */5".to_owned(),
        Ok(0) => "is 0: write 1 or more".to_owned(),
        Ok(step) if step > last - first => format!("is larger than the range {first} to {last}: write {first}"),
        Ok(step) if !range.contains(['*', '?', '-']) => {
            let is_name = range.contains(char::is_alphabetic);
            let end = kind.names.last().filter(|_| is_name).map_or_else(|| last.to_string(), |name| (*name).to_owned());
            return Some(format!("`{part}` has a step without a range: write */{step} or {range}-{end}/{step}"));
        }
        Ok(_) => return None,
    };
    Some(format!("the step of `{part}` {instead}"))
}

/// What is wrong with one value. Forms with letters or `#` are left to the parser.
fn of_value(value: &str, kind: &Field) -> Option<String> {
    if let Some((_, nth)) = value.split_once('#') {
        let is_known = nth.eq_ignore_ascii_case("L") || matches!(nth.parse(), Ok(1..=5_u8));
        return (!is_known)
            .then(|| format!("`{value}`: a month has a day of the week five times at most: write #1 to #5, or #L"));
    }
    let is_word = value.contains(char::is_alphabetic);
    let is_known = is_word || kind.place(value).is_some_and(|number| (kind.first..=kind.last).contains(&number));
    (!is_known).then(|| kind.refuses(value))
}
