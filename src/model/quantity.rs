//! Quantities as text: durations ("1m 30s"), sizes ("1MiB"), objectives ("99.9% over 30d") and
//! ratios of counts ("4 of 10"). Each is read here and written here, for the probe file, the
//! command line and the conditions of `--fail-on` alike.

use std::num::NonZeroU32;
use std::time::Duration;

use jiff::{Span, SpanRelativeTo};

use super::{LatencyObjective, Objective};

/// Why a text is not the quantity that it should be. The text continues "it is not a duration: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// The text is empty.
    #[error("it is empty")]
    Empty,
    /// A minus sign, or a time before now.
    #[error("it is negative")]
    Negative,
    /// More than a hundred years.
    #[error("it is longer than a hundred years")]
    TooLong,
    /// More than 64 bits.
    #[error("it is too large")]
    TooLarge,
    /// A time that must not be zero.
    #[error("it is zero")]
    Zero,
    /// A unit alone.
    #[error("a number is missing before its unit")]
    NumberMissing,
    /// A number alone.
    #[error("its unit is missing: ms, s, m, h, d or w")]
    UnitMissing,
    /// A unit of time that is not known, or has no fixed length.
    #[error("its unit is not one of ms, s, m, h, d and w")]
    TimeUnit,
    /// A unit of size that is not known.
    #[error("its unit is not one of B, kB, KiB, MB, MiB, GB and GiB")]
    SizeUnit,
    /// Digits and points that are no number.
    #[error("its number is not a number")]
    Number,
    /// 0 % or 100 %.
    #[error("its percentage is not between 0 and 100: no service can promise all or nothing")]
    Percentage,
    /// Not an objective.
    #[error("it is not of the form `99.9% {0} …`")]
    PercentForm(&'static str),
    /// Not a ratio of counts.
    #[error("it is not of the form `4 of 10`")]
    CountForm,
    /// A count above its total: 11 of 10.
    #[error("its first number is larger than its second")]
    MoreThanAll,
}

/// The longest duration that means anything here: a hundred years.
const LONGEST: Duration = Duration::from_hours(100 * 366 * 24);

/// Reads a duration: "30s", "500ms", "1m 30s", "1.5h", "7d", "30 minutes", "PT30S". A day has 24
/// hours, a week seven days; months and years have no fixed length.
///
/// # Errors
/// What is wrong with it.
pub fn duration(text: &str) -> Result<Duration, QuantityError> {
    let text = text.trim();
    let span: Span = text.parse().map_err(|_| why_no_duration(text))?;
    let time = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| why_no_duration(text))?;
    if time.is_negative() {
        return Err(QuantityError::Negative);
    }
    Some(time.unsigned_abs()).filter(|time| *time <= LONGEST).ok_or(QuantityError::TooLong)
}

/// Reads a duration that must be above zero.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn positive_duration(text: &str) -> Result<Duration, QuantityError> {
    duration(text).and_then(|time| if time.is_zero() { Err(QuantityError::Zero) } else { Ok(time) })
}

/// What is wrong with a text that is not a duration.
fn why_no_duration(text: &str) -> QuantityError {
    if text.is_empty() {
        return QuantityError::Empty;
    }
    if text.starts_with('-') {
        return QuantityError::Negative;
    }
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return if text.starts_with('.') { QuantityError::Number } else { QuantityError::NumberMissing };
    }
    let is_word = |word: &&str| word.starts_with(char::is_alphabetic);
    let mut words = text.split(|c: char| !c.is_alphabetic()).filter(is_word);
    let is_unit = |word: &str| {
        let span = format!("1{word}").parse::<Span>();
        span.is_ok_and(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()).is_ok())
    };
    if words.any(|word| !is_unit(word)) {
        return QuantityError::TimeUnit;
    }
    if text.ends_with(|c: char| c.is_ascii_digit()) {
        return QuantityError::UnitMissing;
    }
    let numbers = text.split(|c: char| !c.is_ascii_digit() && c != '.');
    if numbers.into_iter().any(|number| number.ends_with('.') || number.matches('.').count() > 1) {
        return QuantityError::Number;
    }
    if text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() > 9) {
        return QuantityError::TooLong;
    }
    QuantityError::Number
}

/// The units that a duration is written in, with their length in nanoseconds, longest first.
const UNITS: [(&str, u64); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Writes a duration as a probe file has it: `1m 30s`.
#[must_use]
pub fn show_duration(time: Duration) -> String {
    let mut rest = time.as_nanos();
    let mut words = Vec::new();
    for (unit, nanoseconds) in &UNITS {
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
/// What is wrong with it.
pub fn bytes(text: &str) -> Result<u64, QuantityError> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let wrong = if number.is_empty() { QuantityError::NumberMissing } else { QuantityError::TooLarge };
    let number: u64 = number.parse().map_err(|_| wrong)?;
    let unit = unit.trim_start();
    let unit = if unit.is_empty() { "B" } else { unit };
    let Some((_, factor)) = SIZES.iter().find(|(name, _)| *name == unit) else {
        return Err(QuantityError::SizeUnit);
    };
    number.checked_mul(*factor).ok_or(QuantityError::TooLarge)
}

/// Writes a size as [`bytes()`] reads it: "1MiB".
pub(crate) fn show_bytes(bytes: u64) -> String {
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
pub fn objective(text: &str) -> Result<Objective, QuantityError> {
    let (ratio, over) = percent_and(text, "over")?;
    Ok(Objective { ratio, over })
}

/// Reads "95% under 800ms".
///
/// # Errors
/// What is wrong with it.
pub fn latency_objective(text: &str) -> Result<LatencyObjective, QuantityError> {
    let (ratio, under) = percent_and(text, "under")?;
    Ok(LatencyObjective { ratio, under })
}

fn percent_and(text: &str, word: &'static str) -> Result<(f64, Duration), QuantityError> {
    let form = QuantityError::PercentForm(word);
    let (percent, rest) = text.split_once('%').ok_or(form)?;
    let rest = rest.trim_start().strip_prefix(word).ok_or(form)?;
    let percent: f64 = percent.trim().parse().map_err(|_| QuantityError::Number)?;
    if !(percent > 0.0 && percent < 100.0) {
        return Err(QuantityError::Percentage);
    }
    Ok((percent_text(text).unwrap_or(percent / 100.0), positive_duration(rest)?))
}

/// The ratio nearest to the percentage as it is written: 99.9 / 100 is not 0.999 in binary.
fn percent_text(text: &str) -> Option<f64> {
    let percent = text.split_once('%')?.0.trim();
    percent.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.').then(|| format!("{percent}e-2").parse().ok())?
}

/// Writes an objective as [`objective`] reads it.
pub(crate) fn show_objective(objective: &Objective) -> String {
    format!("{}% over {}", show_percent(objective.ratio), show_duration(objective.over))
}

/// Writes a latency objective as [`latency_objective`] reads it.
pub(crate) fn show_latency_objective(objective: &LatencyObjective) -> String {
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
pub(crate) fn count_of(text: &str) -> Result<(NonZeroU32, NonZeroU32), QuantityError> {
    let (count, of) = text.split_once("of").ok_or(QuantityError::CountForm)?;
    let number = |text: &str| text.trim().parse::<NonZeroU32>().map_err(|_| QuantityError::CountForm);
    let (count, of) = (number(count)?, number(of)?);
    if count > of {
        return Err(QuantityError::MoreThanAll);
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
            ("5 s", 5_000_000_000),
            ("30 minutes", 1_800_000_000_000),
            ("2w", 1_209_600_000_000_000),
            ("PT30S", 30_000_000_000),
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
            ("", QuantityError::Empty),
            ("-5s", QuantityError::Negative),
            ("5s ago", QuantityError::Negative),
            ("30", QuantityError::UnitMissing),
            ("1m 30", QuantityError::UnitMissing),
            ("2w 3", QuantityError::UnitMissing),
            ("30 minutes 5", QuantityError::UnitMissing),
            ("5parsecs", QuantityError::TimeUnit),
            ("1e400s", QuantityError::TimeUnit),
            ("1 month", QuantityError::TimeUnit),
            ("101y", QuantityError::TimeUnit),
            ("s", QuantityError::NumberMissing),
            ("soon", QuantityError::NumberMissing),
            ("1.s", QuantityError::Number),
            ("1.2.3s", QuantityError::Number),
            ("1000000000h", QuantityError::TooLong),
            ("99999999999999999999999s", QuantityError::TooLong),
        ];
        for (text, error) in cases {
            assert_eq!(duration(text), Err(error), "{text}");
        }
        assert_eq!(positive_duration("0s"), Err(QuantityError::Zero));
    }

    #[test]
    fn sizes_are_read_and_written() {
        assert_eq!(bytes("1MiB"), Ok(1 << 20));
        assert_eq!(bytes("20 kB"), Ok(20_000));
        assert_eq!(bytes("512"), Ok(512));
        assert_eq!(bytes("1mb"), Err(QuantityError::SizeUnit));
        assert_eq!(bytes("99999999999999999999"), Err(QuantityError::TooLarge));
        assert_eq!(bytes("18446744073709551615GiB"), Err(QuantityError::TooLarge));
        assert_eq!((show_bytes(1 << 20), show_bytes(1500)), ("1MiB".to_owned(), "1500".to_owned()));
    }

    #[test]
    fn objectives_are_read_and_written() {
        let read = objective("99.9% over 30d").unwrap();
        assert_eq!(read.over, Duration::from_hours(720));
        assert_eq!(show_objective(&read), "99.9% over 30d");
        assert_eq!(show_latency_objective(&latency_objective("95 % under 800ms").unwrap()), "95% under 800ms");
        assert_eq!(objective("100% over 30d"), Err(QuantityError::Percentage));
        assert_eq!(objective("99.9% under 30d"), Err(QuantityError::PercentForm("over")));
        assert!(objective("NaN% over 30d").is_err());
    }

    #[test]
    fn a_count_of_a_count_is_read() {
        let n = |number| NonZeroU32::new(number).unwrap();
        assert_eq!(count_of("4 of 10"), Ok((n(4), n(10))));
        assert_eq!(count_of("11 of 10"), Err(QuantityError::MoreThanAll));
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
