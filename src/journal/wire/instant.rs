//! Instants in a line: RFC 3339, UTC, milliseconds. A report reads two million of them, so the one
//! format that uptick writes has its own parser.

use jiff::Timestamp;

use crate::model::timestamp;

use super::error::LineError;

/// Parses `2025-03-10T09:31:00.250Z`, or any other RFC 3339 instant to the millisecond.
pub(super) fn read(text: &str) -> Result<Timestamp, LineError> {
    match millisecond(text.as_bytes()) {
        Some(millisecond) => Timestamp::from_millisecond(millisecond).map_err(|_| LineError::Corrupt),
        None => timestamp::read(text).map_err(|_| LineError::Corrupt),
    }
}

/// The milliseconds since the epoch; `None` if the text is not in the format that uptick writes or
/// is not a real date.
#[inline]
fn millisecond(text: &[u8]) -> Option<i64> {
    let shape = text.len() == 24
        && text[4] == b'-'
        && text[7] == b'-'
        && text[10] == b'T'
        && text[13] == b':'
        && text[16] == b':'
        && text[19] == b'.'
        && text[23] == b'Z';
    if !shape {
        return None;
    }
    let year = digits(&text[0..4])?;
    let month = digits(&text[5..7])?;
    let day = digits(&text[8..10])?;
    let (hour, minute, second) = (digits(&text[11..13])?, digits(&text[14..16])?, digits(&text[17..19])?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = days_since_epoch(year, month, day)?;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1000 + digits(&text[20..23])?)
}

#[inline]
fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))
}

/// The days from 1970-01-01 to a date of the Gregorian calendar; `None` if there is no such date.
/// Years are counted from March, so that the leap day is the last day of a year; 400 years have
/// 146,097 days.
#[inline]
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=longest).contains(&day) {
        return None;
    }
    let year = if month <= 2 { year - 1 } else { year };
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year.rem_euclid(400) * 365 + year.rem_euclid(400) / 4 - year.rem_euclid(400) / 100 + day_of_year;
    Some(year.div_euclid(400) * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_that_does_not_exist_is_refused() {
        for text in
            ["2025-02-29T00:00:00.000Z", "2025-13-01T00:00:00.000Z", "2025-04-31T00:00:00.000Z", "yesterday", ""]
        {
            assert_eq!(read(text), Err(LineError::Corrupt), "{text}");
        }
    }

    #[test]
    fn another_shape_of_the_same_instant_is_read() {
        assert_eq!(read("2025-03-10T10:31:00+01:00"), read("2025-03-10T09:31:00.000Z"));
    }

    proptest::proptest! {
        #[test]
        fn every_instant_is_read_as_jiff_reads_it(millisecond in -62_135_596_800_000_i64..253_402_300_799_999) {
            let instant = Timestamp::from_millisecond(millisecond).expect("an instant");
            let text = crate::model::timestamp::text(instant);
            proptest::prop_assert_eq!(super::millisecond(text.as_bytes()), Some(millisecond));
            proptest::prop_assert_eq!(read(&text), Ok(instant));
        }
    }
}
