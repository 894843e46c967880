//! Quantities as text: durations ("1m 30s"), sizes ("1MiB"), objectives ("99.9% over 30d") and
//! ratios of counts ("4 of 10"). Each is read here and written here, and nothing else is known.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::model::{LatencyObjective, Objective};

/// The units of time with their length in nanoseconds, longest first.
const UNITS: [(&str, u64); 8] = [
    ("w", 7 * 86_400_000_000_000),
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Other spellings of the units of time.
const UNIT_SPELLINGS: [(&str, &str); 22] = [
    ("week", "w"),
    ("weeks", "w"),
    ("day", "d"),
    ("days", "d"),
    ("hr", "h"),
    ("hrs", "h"),
    ("hour", "h"),
    ("hours", "h"),
    ("min", "m"),
    ("mins", "m"),
    ("minute", "m"),
    ("minutes", "m"),
    ("sec", "s"),
    ("secs", "s"),
    ("second", "s"),
    ("seconds", "s"),
    ("msec", "ms"),
    ("millis", "ms"),
    ("millisecond", "ms"),
    ("milliseconds", "ms"),
    ("µs", "us"),
    ("μs", "us"),
];

/// The longest duration that means anything here: a hundred years.
const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);

/// Reads a duration: numbers with units, largest first or in any order: "30s", "1m 30s", "1.5h".
///
/// # Errors
/// What is wrong with it, without the text itself.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err("it is empty".to_owned());
    }
    if rest.starts_with('-') {
        return Err("it is negative".to_owned());
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, after) = rest.split_at(digits);
        if after.starts_with(' ') && !number.is_empty() {
            return Err("a space stands between a number and its unit".to_owned());
        }
        let letters = after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len());
        let (unit, after) = after.split_at(letters);
        total = total.checked_add(part(number, unit)?).filter(|total| *total <= LONGEST).ok_or_else(too_long)?;
        rest = after.trim_start_matches([' ', ',']);
    }
    Ok(total)
}

fn too_long() -> String {
    "it is longer than a hundred years".to_owned()
}

/// One number with its unit.
fn part(number: &str, unit: &str) -> Result<Duration, String> {
    if number.is_empty() {
        return Err("a number is missing before its unit".to_owned());
    }
    if unit.is_empty() {
        return Err("its unit is missing: ms, s, m, h or d".to_owned());
    }
    let unit = UNIT_SPELLINGS.iter().find(|(spelling, _)| *spelling == unit).map_or(unit, |(_, unit)| *unit);
    let Some((_, nanoseconds)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err("its unit is not one of ms, s, m, h and d".to_owned());
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() || number.ends_with('.') || fraction.contains('.') {
        return Err("its number is not a number".to_owned());
    }
    let whole: u64 = whole.parse().map_err(|_| too_long())?;
    // Digits past the nanosecond of a week are of no account.
    let fraction = &fraction[..fraction.len().min(15)];
    let scale = 10u128.pow(u32::try_from(fraction.len()).unwrap_or(0));
    let fraction: u128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| too_long())? };
    let nanoseconds = u128::from(*nanoseconds);
    let total = u128::from(whole) * nanoseconds + fraction * nanoseconds / scale;
    u64::try_from(total).map(Duration::from_nanos).map_err(|_| too_long())
}

/// Writes a duration as a probe file has it: `1m 30s`.
#[must_use]
pub fn show_duration(time: Duration) -> String {
    let mut rest = time.as_nanos();
    let mut words = Vec::new();
    for (unit, nanoseconds) in UNITS.iter().filter(|(unit, _)| *unit != "w") {
        let count = rest / u128::from(*nanoseconds);
        rest %= u128::from(*nanoseconds);
        if count > 0 {
            words.push(format!("{count}{unit}"));
        }
    }
    if words.is_empty() { "0s".to_owned() } else { words.join(" ") }
}

/// The units of size with their length in bytes.
const SIZES: [(&str, u64); 8] = [
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("MiB", 1 << 20),
    ("GB", 1_000_000_000),
    ("GiB", 1 << 30),
];

/// Reads a size: "512", "1MiB", "20 kB".
///
/// # Errors
/// What is wrong with it, without the text itself.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().map_err(|_| {
        if number.is_empty() { "a number is missing before its unit" } else { "it is too large" }.to_owned()
    })?;
    let unit = unit.trim_start();
    let unit = if unit.is_empty() { "B" } else { unit };
    let Some((_, factor)) = SIZES.iter().find(|(name, _)| *name == unit) else {
        return Err("its unit is not one of B, kB, KiB, MB, MiB, GB and GiB".to_owned());
    };
    number.checked_mul(*factor).ok_or_else(|| "it is too large".to_owned())
}

/// Writes a size as [`bytes`] reads it: "1MiB".
pub(super) fn show_bytes(bytes: u64) -> String {
    let whole = |factor: u64| bytes >= factor && bytes.is_multiple_of(factor);
    match SIZES.iter().rev().find(|(name, factor)| (name.ends_with("iB")) && whole(*factor)) {
        Some((unit, factor)) => format!("{}{unit}", bytes / factor),
        None => bytes.to_string(),
    }
}

/// Reads "99.9% over 30d".
///
/// # Errors
/// What is wrong with it.
pub(super) fn objective(text: &str) -> Result<Objective, String> {
    let (ratio, over) = percent_and(text, "over")?;
    Ok(Objective { ratio, over })
}

/// Reads "95% under 800ms".
///
/// # Errors
/// What is wrong with it.
pub(super) fn latency_objective(text: &str) -> Result<LatencyObjective, String> {
    let (ratio, under) = percent_and(text, "under")?;
    Ok(LatencyObjective { ratio, under })
}

fn percent_and(text: &str, word: &str) -> Result<(f64, Duration), String> {
    let shape = || format!("it is not of the shape `99.9% {word} …`");
    let (percent, rest) = text.split_once('%').ok_or_else(shape)?;
    let rest = rest.trim_start().strip_prefix(word).ok_or_else(shape)?;
    let percent: f64 = percent.trim().parse().map_err(|_| "its percentage is not a number".to_owned())?;
    if !(percent > 0.0 && percent < 100.0) {
        return Err("its percentage is not between 0 and 100: no service can promise all or nothing".to_owned());
    }
    let time = duration(rest)?;
    if time.is_zero() {
        return Err("its time is zero".to_owned());
    }
    Ok((percent / 100.0, time))
}

/// Writes an objective as [`objective`] reads it.
pub(super) fn show_objective(objective: &Objective) -> String {
    format!("{}% over {}", show_percent(objective.ratio), show_duration(objective.over))
}

/// Writes a latency objective as [`latency_objective`] reads it.
pub(super) fn show_latency_objective(objective: &LatencyObjective) -> String {
    format!("{}% under {}", show_percent(objective.ratio), show_duration(objective.under))
}

/// A ratio in percent, without the noise of binary fractions.
fn show_percent(ratio: f64) -> String {
    let text = format!("{:.9}", ratio * 100.0);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Reads "4 of 10": a count and the larger count it is out of.
///
/// # Errors
/// What is wrong with it.
pub(super) fn count_of(text: &str) -> Result<(NonZeroU32, NonZeroU32), String> {
    let shape = || "it is not of the shape `4 of 10`".to_owned();
    let (count, of) = text.split_once("of").ok_or_else(shape)?;
    let number = |text: &str| text.trim().parse::<NonZeroU32>().map_err(|_| shape());
    let (count, of) = (number(count)?, number(of)?);
    if count > of {
        return Err("its first number is larger than its second".to_owned());
    }
    Ok((count, of))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        let cases = [
            ("30s", 30_000_000_000),
            ("500ms", 500_000_000),
            ("1m 30s", 90_000_000_000),
            ("1m30s", 90_000_000_000),
            ("2h", 7_200_000_000_000),
            ("1.5s", 1_500_000_000),
            ("30minutes", 1_800_000_000_000),
            ("1h, 5min", 3_900_000_000_000),
            ("250µs", 250_000),
            ("0s", 0),
        ];
        for (text, nanoseconds) in cases {
            assert_eq!(duration(text), Ok(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_duration_is_told_why() {
        let cases = [
            ("", "it is empty"),
            ("-5s", "it is negative"),
            ("30", "its unit is missing: ms, s, m, h or d"),
            ("5 s", "a space stands between a number and its unit"),
            ("5parsecs", "its unit is not one of ms, s, m, h and d"),
            ("s", "a number is missing before its unit"),
            ("1.s", "its number is not a number"),
            ("1.2.3s", "its number is not a number"),
            ("1e400s", "its unit is not one of ms, s, m, h and d"),
            ("1000000000h", "it is longer than a hundred years"),
            ("99999999999999999999999s", "it is longer than a hundred years"),
            ("101y", "its unit is not one of ms, s, m, h and d"),
        ];
        for (text, message) in cases {
            assert_eq!(duration(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn sizes_are_read_and_written() {
        assert_eq!(bytes("1MiB"), Ok(1 << 20));
        assert_eq!(bytes("20 kB"), Ok(20_000));
        assert_eq!(bytes("512"), Ok(512));
        assert_eq!(bytes("1mb"), Err("its unit is not one of B, kB, KiB, MB, MiB, GB and GiB".to_owned()));
        assert_eq!(bytes("99999999999999999999"), Err("it is too large".to_owned()));
        assert_eq!(bytes("18446744073709551615GiB"), Err("it is too large".to_owned()));
        assert_eq!((show_bytes(1 << 20), show_bytes(1500)), ("1MiB".to_owned(), "1500".to_owned()));
    }

    #[test]
    fn objectives_are_read_and_written() {
        let read = objective("99.9% over 30d").unwrap();
        assert_eq!(read.over, Duration::from_hours(720));
        assert_eq!(show_objective(&read), "99.9% over 30d");
        assert_eq!(show_latency_objective(&latency_objective("95 % under 800ms").unwrap()), "95% under 800ms");
        assert!(objective("100% over 30d").unwrap_err().starts_with("its percentage is not between"));
        assert!(objective("99.9% under 30d").unwrap_err().starts_with("it is not of the shape"));
        assert!(objective("NaN% over 30d").is_err());
    }

    #[test]
    fn a_count_of_a_count_is_read() {
        let n = |number| NonZeroU32::new(number).unwrap();
        assert_eq!(count_of("4 of 10"), Ok((n(4), n(10))));
        assert_eq!(count_of("11 of 10"), Err("its first number is larger than its second".to_owned()));
        assert!(count_of("0 of 10").is_err());
        assert!(count_of("4/10").is_err());
    }

    proptest::proptest! {
        #[test]
        fn a_duration_that_was_written_is_read_back(nanoseconds in 0u64..3_000_000_000_000_000_000) {
            let time = Duration::from_nanos(nanoseconds);
            proptest::prop_assert_eq!(duration(&show_duration(time)), Ok(time));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = (duration(&text), bytes(&text), objective(&text), count_of(&text));
        }

        #[test]
        fn a_size_that_was_written_is_read_back(size: u64) {
            proptest::prop_assert_eq!(bytes(&show_bytes(size)), Ok(size));
        }
    }
}
