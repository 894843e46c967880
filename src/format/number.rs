//! Counts, ratios, and lists of names.

use crate::model::SafeText;

/// `12,345`
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 check`, `12 checks`
pub(crate) fn counted(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", count(n)) }
}

/// ` in 2 waves`; empty for one.
pub(crate) fn in_waves(n: usize) -> String {
    if n > 1 { format!(" in {n} waves") } else { String::new() }
}

/// A ratio in per cent: `31.5%`, `0.03%`, `99.97%`. It is `0%` or `100%` only if that is exact.
pub(crate) fn ratio(value: f64) -> String {
    format!("{}%", percentage(value))
}

/// A ratio for a table cell; `-` if there is none.
pub(crate) fn ratio_cell(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), ratio)
}

/// A confidence interval of a ratio: `30.1–32.4%`.
pub(crate) fn interval([low, high]: [f64; 2]) -> String {
    format!("{}–{}%", percentage(low), percentage(high))
}

/// A ratio in per cent without the sign, for a number of percentage points: `31.5`.
pub(crate) fn percentage(value: f64) -> String {
    if value <= 0.0 {
        return "0".to_owned();
    }
    if value >= 1.0 {
        return "100".to_owned();
    }
    let percent = value * 100.0;
    let from_edge = percent.min(100.0 - percent);
    for (decimals, least) in [(1_usize, 1.0), (2, 0.1), (3, 0.01), (4, 0.001), (5, 0.000_1)] {
        if from_edge >= least {
            let text = format!("{percent:.decimals$}");
            return text.trim_end_matches('0').trim_end_matches('.').to_owned();
        }
    }
    if percent < 50.0 { "<0.0001".to_owned() } else { ">99.9999".to_owned() }
}

/// An availability, rounded down so that it is never overstated: `86%`, `99.871%`.
pub(crate) fn ratio_floor(value: f64) -> String {
    /// More than the rounding error of a ratio, and less than one check of a billion: 0.57 × 100 is 56.99….
    const EPSILON: f64 = 1e-6;
    let percent = value * 100.0;
    let scale = if percent < 99.0 { 10.0 } else { 1000.0 };
    format!("{}%", (percent * scale + EPSILON).floor() / scale)
}

/// The used share of an error budget: `41%`, `26 times over`.
pub(crate) fn budget(used: f64) -> String {
    if used >= 9.95 {
        format!("{used:.0} times over")
    } else if used > 1.0 {
        format!("{used:.1} times over")
    } else {
        ratio(used)
    }
}

/// `iad, lhr, sjc`: every name, however many there are.
pub(crate) fn plain_list(names: &[SafeText]) -> String {
    names.iter().map(SafeText::as_str).collect::<Vec<_>>().join(", ")
}

/// `app`, `app and web`, `app, web and api`; of more than four, `app, web, api, cdn and 3 more`.
pub(crate) fn list(names: &[&str]) -> String {
    const NAMED: usize = 4;
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        _ if names.len() > NAMED => format!("{} and {} more", names[..NAMED].join(", "), names.len() - NAMED),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// `app`, `app or web`, `app, web or api`
pub(crate) fn alternatives(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_thousands_apart() {
        assert_eq!([0, 999, 1_000, 12_345_678].map(count), ["0", "999", "1,000", "12,345,678"]);
        assert_eq!([counted(1, "check"), counted(2_995, "check")], ["1 check", "2,995 checks"]);
    }

    #[test]
    fn a_ratio_is_never_rounded_to_all_or_nothing() {
        for (value, text) in [
            (0.0, "0%"),
            (1.0, "100%"),
            (0.315, "31.5%"),
            (0.031_6, "3.2%"),
            (0.000_3, "0.03%"),
            (0.5, "50%"),
            (0.999, "99.9%"),
            (0.9995, "99.95%"),
            (0.999_7, "99.97%"),
            (0.999_999, "99.9999%"),
            (1e-9, "<0.0001%"),
        ] {
            assert_eq!(ratio(value), text);
        }
        assert_eq!(interval([0.301, 0.324]), "30.1–32.4%");
        assert_eq!(interval([0.0, 1.0]), "0–100%");
        assert_eq!(ratio_cell(None), "-");
    }

    #[test]
    fn an_availability_is_never_rounded_up() {
        for (value, text) in [(0.860_89, "86%"), (0.9519, "95.1%"), (0.9989, "99.89%"), (0.999_99, "99.999%")] {
            assert_eq!(ratio_floor(value), text);
        }
        for percent in 0..99_u32 {
            assert_eq!(ratio_floor(f64::from(percent) / 100.0), format!("{percent}%"), "nor down where it is whole");
        }
    }

    #[test]
    fn a_budget_past_its_end_is_counted_in_budgets() {
        for (used, text) in [(0.41, "41%"), (1.0, "100%"), (2.64, "2.6 times over"), (26.4, "26 times over")] {
            assert_eq!(budget(used), text);
        }
    }

    #[test]
    fn many_names_are_cut() {
        assert_eq!(list(&["app", "web"]), "app and web");
        assert_eq!(list(&["a", "b", "c", "d", "e", "f"]), "a, b, c, d and 2 more");
        assert_eq!(alternatives(&["a".to_owned(), "b".to_owned(), "c".to_owned()]), "a, b or c");
    }
}
