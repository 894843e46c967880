//! Numbers, instants and spans as a newspaper prints them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::bracket::Bracket;

/// `2,995`
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A ratio in percent, without the sign: `71`, `5.4`, `0.21`.
pub(super) fn percent(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let decimals = if percent == 0.0 || percent >= 10.0 {
        0
    } else if percent >= 1.0 {
        1
    } else {
        2
    };
    // Less than all is never printed as all, and more than nothing never as nothing.
    let text = format!("{percent:.decimals$}");
    match text.as_str() {
        "100" if ratio < 1.0 => "99.9".to_owned(),
        "0.00" => "0.01".to_owned(),
        "10.0" => "10".to_owned(),
        _ => text,
    }
}

/// An interval of a ratio: `[64-77%]`.
pub(super) fn interval([low, high]: [f64; 2]) -> String {
    format!("[{}-{}%]", percent(low), percent(high))
}

/// An availability in percent, rounded down so that nothing is claimed that was not shown: `86`, `99.8`, `99.97`.
pub(super) fn availability(ratio: f64) -> String {
    let percent = ratio * 100.0;
    let decimals =
        [(99.99, 3), (99.9, 2), (90.0, 1)].into_iter().find(|(from, _)| percent >= *from).map_or(0, |(_, d)| d);
    let scale = 10_f64.powi(decimals);
    let floored = (percent * scale).floor() / scale;
    let text = format!("{floored:.*}", usize::try_from(decimals).unwrap_or_default());
    text.strip_suffix(".0").map_or_else(|| text.clone(), ToOwned::to_owned)
}

/// An objective in percent as people write it: `99.9`.
pub(super) fn objective(ratio: f64) -> String {
    let text = format!("{:.4}", ratio * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A span of time: `45 s`, `57 min`, `2 h 05 min`, `3 d 4 h`.
pub(super) fn span(ms: i64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        ..1 => format!("{ms} ms"),
        1..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// Microseconds: `412 ms`, `9.8 s`.
pub(super) fn micros(us: u64) -> String {
    match us {
        ..1_000 => format!("{us} µs"),
        1_000..1_000_000 => format!("{} ms", us / 1_000),
        _ => format!("{}.{} s", us / 1_000_000, us % 1_000_000 / 100_000),
    }
}

/// An instant in UTC, with its day where that is not the day of `beside`: `13:31:00`.
pub(super) fn instant(at: Timestamp, beside: Timestamp) -> String {
    let of = |at: Timestamp| at.to_zoned_datetime(TimeZone::UTC);
    let fraction =
        if at.subsec_millisecond() == 0 { String::new() } else { format!(".{:03}", at.subsec_millisecond()) };
    if of(at).date() == of(beside).date() {
        format!("{}{fraction}", of(at).strftime("%H:%M:%S"))
    } else {
        format!("{}{fraction}", of(at).strftime("%Y-%m-%d %H:%M:%S"))
    }
}

/// A bracket in UTC: `13:31:00-13:32:00 UTC`. Fractions of a second only where they matter.
pub(super) fn bracket(bracket: &Bracket, beside: Timestamp) -> String {
    let whole = |at: Timestamp| Timestamp::from_second(at.as_millisecond().div_euclid(1_000)).unwrap_or(at);
    let Some(after) = bracket.after else { return format!("{} UTC or earlier", instant(whole(bracket.by), beside)) };
    let wide = bracket.width().is_some_and(|width| width.as_secs() >= 5);
    let (after, by) = if wide { (whole(after), whole(bracket.by)) } else { (after, bracket.by) };
    let by_text = instant(by, after);
    format!("{}-{by_text} UTC", instant(after, beside))
}

/// `app`, `app and web`, `app, web and api`; many are cut.
pub(super) fn list(names: &[&str]) -> String {
    /// So many are named.
    const NAMED: usize = 4;
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        _ if names.len() > NAMED => format!("{} and {} more", names[..NAMED].join(", "), names.len() - NAMED),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// The same with "or".
pub(super) fn choice(names: &[String]) -> String {
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
        assert_eq!([0, 999, 2_995, 1_234_567].map(count), ["0", "999", "2,995", "1,234,567"]);
    }

    #[test]
    fn percentages_have_the_digits_that_say_something() {
        for (ratio, text) in [
            (0.0, "0"),
            (0.713, "71"),
            (0.0541, "5.4"),
            (0.002, "0.20"),
            (1.0, "100"),
            (0.9999, "99.9"),
            (0.000_01, "0.01"),
            (0.0999, "10"),
        ] {
            assert_eq!(percent(ratio), text, "{ratio}");
        }
    }

    #[test]
    fn an_availability_is_never_rounded_up() {
        for (ratio, text) in
            [(0.8609, "86"), (0.9519, "95.1"), (0.9989, "99.8"), (0.999_05, "99.90"), (0.999_99, "99.999")]
        {
            assert_eq!(availability(ratio), text, "{ratio}");
        }
        assert_eq!([0.999, 0.9995, 0.99].map(objective), ["99.9", "99.95", "99"]);
    }

    #[test]
    fn spans_have_at_most_two_units() {
        for (ms, text) in [
            (250, "250 ms"),
            (45_000, "45 s"),
            (3_420_000, "57 min"),
            (7_500_000, "2 h 05 min"),
            (273_600_000, "3 d 4 h"),
        ] {
            assert_eq!(span(ms), text);
        }
    }

    #[test]
    fn a_bracket_names_the_day_only_where_it_is_another() {
        let at = |text: &str| text.parse::<Timestamp>().expect("an instant");
        let onset = Bracket { after: Some(at("2025-03-10T13:31:00.120Z")), by: at("2025-03-10T13:32:00.400Z") };
        assert_eq!(bracket(&onset, at("2025-03-10T18:00:00Z")), "13:31:00-13:32:00 UTC");
        assert_eq!(bracket(&onset, at("2025-03-11T18:00:00Z")), "2025-03-10 13:31:00-13:32:00 UTC");
        let fast = Bracket { after: Some(at("2025-03-10T13:31:00.120Z")), by: at("2025-03-10T13:31:00.400Z") };
        assert_eq!(bracket(&fast, at("2025-03-10T18:00:00Z")), "13:31:00.120-13:31:00.400 UTC");
        assert_eq!(bracket(&Bracket { after: None, ..onset }, onset.by), "13:32:00 UTC or earlier");
    }

    #[test]
    fn many_names_are_cut() {
        assert_eq!(list(&["app", "web"]), "app and web");
        assert_eq!(list(&["a", "b", "c", "d", "e", "f"]), "a, b, c, d and 2 more");
    }
}
