//! Values of options: durations, instants, shares.

use std::str::FromStr as _;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use crate::model::quantity;

/// `500ms`, `30s`, `1m 30s`, `24h`, `30d`; a day has 24 hours.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    quantity::positive_duration(text)
        .map_err(|why| format!("it is not a duration: {why}; write for example 500ms, 30s, \"1m 30s\", 24h or 7d"))
}

/// `2025-03-10T09:00:00Z`, `2025-03-10T09:00`, `2025-03-10`, `22:20`; without an offset it is UTC, as in a report.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    instant_before(text, Timestamp::now())
}

/// The same, where a time of the day is the last one before `now`.
fn instant_before(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    if let Ok(instant) = Timestamp::from_str(text) {
        return Ok(instant);
    }
    let of_day = |date: civil::Date, time: civil::Time| TimeZone::UTC.to_timestamp(date.to_datetime(time));
    // A date with a time is read as a time too.
    let time = (!text.contains('-')).then(|| civil::Time::from_str(text.strip_suffix('Z').unwrap_or(text)));
    if let Some(Ok(time)) = time {
        let today = now.to_zoned_datetime(TimeZone::UTC).date();
        let days = [Some(today), today.yesterday().ok()].into_iter().flatten();
        let last = days.filter_map(|date| of_day(date, time).ok()).find(|instant| *instant <= now);
        return last.ok_or_else(|| "it is out of range".to_owned());
    }
    let civil = civil::DateTime::from_str(text).map_err(|_| {
        "it is not an instant: write for example 2025-03-10T09:00:00Z, 2025-03-10, or 22:20 for the last time of the \
         day, in UTC"
            .to_owned()
    })?;
    TimeZone::UTC.to_timestamp(civil).map_err(|error| error.to_string())
}

/// `Europe/Berlin`, `UTC`
pub(super) fn zone(text: &str) -> Result<TimeZone, String> {
    TimeZone::get(text).map_err(|_| "it is not a time zone: write for example Europe/Berlin or UTC".to_owned())
}

/// `127.0.0.1:9115`, `[::]:9115`
#[cfg(feature = "prometheus-server")]
pub(super) fn socket_address(text: &str) -> Result<std::net::SocketAddr, String> {
    text.parse().map_err(|_| {
        let port = text.trim_start_matches(':').parse::<u16>().unwrap_or(9115);
        format!("it is not an address with a port: write 127.0.0.1:{port} for this machine, [::]:{port} for all")
    })
}

/// `https://status.example.com/`, with the slash that makes a folder of it.
pub(super) fn base_url(text: &str) -> Result<url::Url, String> {
    let folder = if text.ends_with('/') { text.to_owned() } else { format!("{text}/") };
    match url::Url::parse(&folder) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none() => {
            Ok(url)
        }
        _ => Err("it is not the address of a folder: write for example https://status.example.com/".to_owned()),
    }
}

/// A number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("it is not a number from 0 to 1".to_owned()),
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
        for wrong in ["", "5", "5 parsecs", "0s", "-3s", "1e400s", "1 month"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_time_of_the_day_is_the_last_one() {
        let now: Timestamp = "2025-03-10T21:00:00Z".parse().unwrap();
        for (text, instant) in [
            ("20:59", "2025-03-10T20:59:00Z"),
            ("21:00:00", "2025-03-10T21:00:00Z"),
            ("22:20", "2025-03-09T22:20:00Z"),
            ("22:20Z", "2025-03-09T22:20:00Z"),
            ("2025-03-10T10:00+01:00", "2025-03-10T09:00:00Z"),
        ] {
            assert_eq!(instant_before(text, now), Ok(instant.parse().unwrap()), "{text}");
        }
        assert!(instant_before("25:20", now).is_err_and(|why| why.contains("22:20")));
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
    fn an_address_of_a_folder_ends_with_a_slash() {
        let url = |text: &str| base_url(text).map(String::from);
        assert_eq!(url("https://x.test/status"), Ok("https://x.test/status/".to_owned()));
        assert_eq!(url("http://x.test"), Ok("http://x.test/".to_owned()));
        for wrong in ["", "x.test", "ftp://x.test/", "https://x.test/?a=b", "javascript:alert(1)"] {
            assert!(url(wrong).is_err(), "{wrong}");
        }
    }
}
