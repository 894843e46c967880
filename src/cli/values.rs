//! Values of options: durations, instants, shares, outputs.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp, civil};

/// A format, and where to write it; without a file to the standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// The format's name.
    pub format: String,
    /// The file.
    pub file: Option<PathBuf>,
}

/// `junit` or `junit=report.xml`
pub(super) fn output(text: &str) -> Result<Output, String> {
    let (format, file) = match text.split_once('=') {
        Some((_, "")) => return Err("a file name must follow the `=`".to_owned()),
        Some((format, file)) => (format, Some(PathBuf::from(file))),
        None => (text, None),
    };
    Ok(Output { format: format.to_owned(), file })
}

/// `500ms`, `30s`, `1m 30s`, `24h`, `30d`; a day has 24 hours.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration; write for example 500ms, 30s, 1m 30s, 24h or 7d");
    let span = Span::from_str(text).map_err(|_| wrong())?;
    let days = jiff::SpanRelativeTo::days_are_24_hours();
    let time = span.to_duration(days).map_err(|_| wrong())?;
    if time <= SignedDuration::ZERO {
        return Err("a duration must be above zero".to_owned());
    }
    Ok(time.unsigned_abs())
}

/// `2025-03-10T09:00:00Z`, `2025-03-10T09:00`, `2025-03-10`; without an offset it is UTC.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    if let Ok(instant) = Timestamp::from_str(text) {
        return Ok(instant);
    }
    let civil = civil::DateTime::from_str(text)
        .map_err(|_| format!("`{text}` is no instant; write for example 2025-03-10T09:00:00Z or 2025-03-10"))?;
    TimeZone::UTC.to_timestamp(civil).map_err(|error| error.to_string())
}

/// A number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err(format!("`{text}` is no number from 0 to 1")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("7d"), Ok(Duration::from_hours(7 * 24)));
        for wrong in ["", "5", "5 parsecs", "0s", "-3s", "1e400s"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_instant_without_an_offset_is_utc() {
        let nine: Timestamp = "2025-03-10T09:00:00Z".parse().unwrap();
        for text in ["2025-03-10T09:00:00Z", "2025-03-10T09:00", "2025-03-10T10:00+01:00", "2025-03-10 09:00:00"] {
            assert_eq!(instant(text), Ok(nine), "{text}");
        }
        assert!(instant("2025-03-10").is_ok());
        assert!(instant("yesterday").is_err());
    }

    #[test]
    fn an_output_may_name_its_file() {
        assert_eq!(output("junit=a=b.xml"), Ok(Output { format: "junit".into(), file: Some("a=b.xml".into()) }));
        assert_eq!(output("human"), Ok(Output { format: "human".into(), file: None }));
        assert!(output("junit=").is_err());
    }
}
