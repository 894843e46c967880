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

/// `2025-03-10T09:00:00Z`, `2025-03-10T09:00`, `2025-03-10`; without an offset it is UTC.
pub(super) fn instant(text: &str) -> Result<Timestamp, String> {
    if let Ok(instant) = Timestamp::from_str(text) {
        return Ok(instant);
    }
    let civil = civil::DateTime::from_str(text)
        .map_err(|_| "it is not an instant: write for example 2025-03-10T09:00:00Z or 2025-03-10".to_owned())?;
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
    fn an_instant_without_an_offset_is_utc() {
        let nine: Timestamp = "2025-03-10T09:00:00Z".parse().unwrap();
        for text in ["2025-03-10T09:00:00Z", "2025-03-10T09:00", "2025-03-10T10:00+01:00", "2025-03-10 09:00:00"] {
            assert_eq!(instant(text), Ok(nine), "{text}");
        }
        assert!(instant("2025-03-10").is_ok());
        assert!(instant("yesterday").is_err());
    }
}
