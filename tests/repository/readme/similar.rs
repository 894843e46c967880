//! Compares two answers, ignoring what differs from run to run: times, instants, numbers, and the
//! blanks that align them.

/// Compares an answer with the shown one; `None` accepts any answer.
///
/// # Errors
///
/// The first lines that differ.
pub(crate) fn similar(shown: Option<&str>, answer: &str) -> Result<(), String> {
    let Some(shown) = shown else { return Ok(()) };
    let (shown, answer) = (lines(shown), lines(answer));
    for (at, line) in shown.iter().enumerate() {
        match answer.get(at) {
            Some(other) if other == line => {}
            Some(other) => return Err(format!("shown: {line}\nis:    {other}")),
            None => return Err(format!("shown: {line}\nand then nothing more is said")),
        }
    }
    match answer.get(shown.len()) {
        Some(more) => Err(format!("not shown: {more}")),
        None => Ok(()),
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(plain).filter(|line| !line.is_empty()).collect()
}

/// Replaces numbers, with their units and the blanks around them, by `#`, and each bar or sparkline
/// by `|`.
fn plain(line: &str) -> String {
    let mut out = String::new();
    // The program prints a time below a second in words.
    for word in line.replace("under a second", "1 s").split_whitespace() {
        let word = if word.chars().all(is_bar) { "|".to_owned() } else { numbers_gone(word) };
        let unit = word.trim_end_matches([',', ';', ')']);
        if matches!(unit, "ns" | "µs" | "ms" | "s" | "min" | "h" | "-") {
            // Punctuation after the unit stays, behind the number.
            out.truncate(out.trim_end().len());
            out.push_str(&word[unit.len()..]);
        } else {
            out.push_str(&word);
        }
        out.push(' ');
    }
    // A value that is printed as `-` in one run and as a number in another counts as a value in
    // both.
    out.replace("# # ", "# ").trim_end().to_owned()
}

fn numbers_gone(word: &str) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_digit() {
            let end = rest.find(|c: char| !(c.is_ascii_digit() || ".,:-TZ+".contains(c))).unwrap_or(rest.len());
            rest = &rest[end..];
            for unit in ["ns", "µs", "ms", "min", "s", "h", "%"] {
                if let Some(after) = rest.strip_prefix(unit)
                    && !after.starts_with(|c: char| c.is_alphabetic())
                {
                    rest = after;
                    break;
                }
            }
            out.push('#');
        } else {
            out.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    out
}

fn is_bar(c: char) -> bool {
    ('▁'..='█').contains(&c) || c == '·' || c == '░'
}

#[test]
fn what_differs_from_run_to_run_is_passed_over_and_nothing_else() {
    assert!(similar(Some("✓ home  200 h1  9.8ms\n"), "✓ home   200 h1   11.3ms\n").is_ok());
    assert!(similar(Some("in 13.1 ms\n"), "in 950 µs\n").is_ok());
    assert!(similar(Some("at 2026-11-24 07:22:51 ▂▂▂▅\n"), "at 2027-01-01 00:00:00 ▂▂\n").is_ok());
    assert!(similar(None, "anything\n").is_ok());
    assert!(similar(Some("✓ home\n"), "✗ home\n").is_err());
    assert!(similar(Some("connect_refused\n"), "connect_timeout\n").is_err());
    assert!(similar(Some("one\n"), "one\ntwo\n").is_err());
    assert!(similar(Some("one\ntwo\n"), "one\n").is_err());
}
