//! Parses values of options: durations, instants, shares.

use std::str::FromStr as _;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, civil};

use crate::format;
use crate::model::quantity;

/// `500ms`, `30s`, `1m 30s`, `24h`, `30d`; a day has 24 hours.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    quantity::positive_duration(text).map_err(|why| {
        // A number alone may be an hour, and is rather a time without its unit.
        if !text.bytes().all(|byte| byte.is_ascii_digit()) && instant(text).is_ok() {
            return "it is an instant and not a duration: that is for --from".to_owned();
        }
        format!("it is not a duration: {why}; write for example 500ms, 30s, \"1m 30s\", 24h or 7d")
    })
}

/// An instant as written. Without an offset it is in a time zone that other options choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenInstant {
    /// With an offset.
    Exact(Timestamp),
    /// A date, or a date with a time of day.
    Civil(civil::DateTime),
    /// The most recent such time of day.
    TimeOfDay(civil::Time),
}

impl WrittenInstant {
    /// The instant in a time zone. A time of day is the last one before `now`.
    pub(crate) fn in_zone(self, zone: &TimeZone, now: Timestamp) -> Timestamp {
        // If a change of clocks makes a time ambiguous, the earlier one counts.
        let of_day = |date: civil::Date, time: civil::Time| zone.to_timestamp(date.to_datetime(time)).ok();
        match self {
            WrittenInstant::Exact(instant) => instant,
            WrittenInstant::Civil(civil) => {
                let bound = if civil.year() > 1970 { Timestamp::MAX } else { Timestamp::MIN };
                zone.to_timestamp(civil).unwrap_or(bound)
            }
            WrittenInstant::TimeOfDay(time) => {
                let today = now.to_zoned_datetime(zone.clone()).date();
                let days = [Some(today), today.yesterday().ok()].into_iter().flatten();
                let last = days.filter_map(|date| of_day(date, time)).find(|instant| *instant <= now);
                last.unwrap_or(now)
            }
        }
    }
}

/// `2025-03-10T09:00:00Z`, `2025-03-10T09:00`, `2025-03-10`, `22:20`
pub(super) fn instant(text: &str) -> Result<WrittenInstant, String> {
    if let Ok(instant) = Timestamp::from_str(text) {
        return Ok(WrittenInstant::Exact(instant));
    }
    // A date with a time would also parse as a time.
    if !text.contains('-') {
        if let Some(Ok(time)) = text.strip_suffix('Z').map(civil::Time::from_str) {
            let of_utc = WrittenInstant::TimeOfDay(time).in_zone(&TimeZone::UTC, Timestamp::now());
            return Ok(WrittenInstant::Exact(of_utc));
        }
        if let Ok(time) = civil::Time::from_str(text) {
            return Ok(WrittenInstant::TimeOfDay(time));
        }
    }
    civil::DateTime::from_str(text).map(WrittenInstant::Civil).map_err(|_| {
        "it is not an instant: write for example 2025-03-10T09:00:00Z, 2025-03-10, or 22:20 for the last time of the \
         day; with Z it is in UTC"
            .to_owned()
    })
}

/// `Europe/Berlin`, `UTC`, `local`
pub(super) fn zone(text: &str) -> Result<TimeZone, String> {
    if text.eq_ignore_ascii_case("local") {
        return Ok(format::named_zone());
    }
    TimeZone::get(text).map_err(|_| {
        let city = format!("/{}", text.to_ascii_lowercase().replace(' ', "_"));
        let named = jiff::tz::db().available().find(|zone| zone.as_str().to_ascii_lowercase().ends_with(&city));
        let example = named.map_or_else(|| "Europe/Berlin".to_owned(), |zone| zone.to_string());
        format!("it is not a time zone: write for example {example}, local or UTC")
    })
}

/// `127.0.0.1:9115`, `[::]:9115`
#[cfg(feature = "prometheus-server")]
pub(super) fn socket_address(text: &str) -> Result<std::net::SocketAddr, String> {
    text.parse().map_err(|_| {
        let port = text.trim_start_matches(':').parse::<u16>().unwrap_or(9115);
        format!("it is not an address with a port: write 127.0.0.1:{port} for this machine, [::]:{port} for all")
    })
}

/// `https://status.example.com/`; a missing slash at the end is added.
pub(super) fn base_url(text: &str) -> Result<url::Url, String> {
    let folder = if text.ends_with('/') { text.to_owned() } else { format!("{text}/") };
    match url::Url::parse(&folder) {
        Ok(url) if matches!(url.scheme(), "http" | "https") && url.query().is_none() && url.fragment().is_none() => {
            Ok(url)
        }
        _ => Err("it is not the address of a folder: write for example https://status.example.com/".to_owned()),
    }
}

/// A whole number, at least 1.
pub(super) fn count(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| "it is not a whole number from 1 on".to_owned())
}

/// A number from 0 to 1.
pub(super) fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("it is not a number from 0 to 1: 0.1 is a tenth".to_owned()),
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

    /// The instant that a text means in a time zone.
    fn read(text: &str, zone: &str, now: Timestamp) -> Timestamp {
        instant(text).unwrap().in_zone(&TimeZone::get(zone).unwrap(), now)
    }

    #[test]
    fn a_time_of_the_day_is_the_last_one() {
        let now: Timestamp = "2025-03-10T21:00:00Z".parse().unwrap();
        for (text, zone, expected) in [
            ("20:59", "UTC", "2025-03-10T20:59:00Z"),
            ("21:00:00", "UTC", "2025-03-10T21:00:00Z"),
            ("22:20", "UTC", "2025-03-09T22:20:00Z"),
            ("22:20", "Europe/Berlin", "2025-03-09T21:20:00Z"),
            ("21:59", "Europe/Berlin", "2025-03-10T20:59:00Z"),
            ("2025-03-10T10:00+01:00", "America/New_York", "2025-03-10T09:00:00Z"),
        ] {
            assert_eq!(read(text, zone, now), expected.parse().unwrap(), "{text} {zone}");
        }
        assert!(instant("25:20").is_err_and(|why| why.contains("22:20")));
        assert!(matches!(instant("22:20Z"), Ok(WrittenInstant::Exact(_))));
    }

    #[test]
    fn an_instant_without_an_offset_is_one_of_the_time_zone() {
        let nine: Timestamp = "2025-03-10T09:00:00Z".parse().unwrap();
        for text in ["2025-03-10T09:00:00Z", "2025-03-10T09:00", "2025-03-10T10:00+01:00", "2025-03-10 09:00:00"] {
            assert_eq!(read(text, "UTC", nine), nine, "{text}");
        }
        assert_eq!(read("2025-03-10T10:00", "Europe/Berlin", nine), nine);
        assert_eq!(read("2025-03-10", "Europe/Berlin", nine), "2025-03-09T23:00:00Z".parse().unwrap());
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
