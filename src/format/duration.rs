//! Durations with about three significant digits.

use std::time::Duration;

/// `310 µs`, `4.2 ms`, `105 ms`, `1.31 s`, `2 min 05 s`, `57 min`, `3 h 20 min`, `4 d 2 h`.
pub(crate) fn duration(time: Duration) -> String {
    spaced(time, " ")
}

/// The same without a space between number and unit, for the cells of a table.
fn compact_duration(time: Duration) -> String {
    spaced(time, "")
}

/// A duration for a table cell; `-` if there is none.
pub(crate) fn duration_cell(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), compact_duration)
}

/// A duration in milliseconds; a negative one is written as zero.
pub(crate) fn milliseconds(ms: i64) -> String {
    duration(Duration::from_millis(u64::try_from(ms).unwrap_or_default()))
}

/// How long something has lasted, as it is said aloud: `under a second`, `27 s`, `57 min`.
pub(crate) fn lasting(ms: i64) -> String {
    if ms < 1_000 { "under a second".to_owned() } else { milliseconds(ms - ms % 1_000) }
}

fn spaced(time: Duration, space: &str) -> String {
    // Integers throughout: a rounded 999.96 ms must not become "1000 ms".
    let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let rounded = |unit: u64| (us.saturating_add(unit / 2)) / unit;
    if us < 1_000 {
        return format!("{us}{space}µs");
    }
    // A whole number of seconds is a limit or an interval: nobody wrote "30.0 s" in a file.
    if us < 60_000_000 && us % 1_000_000 == 0 {
        return format!("{}{space}s", us / 1_000_000);
    }
    if rounded(100) < 1_000 {
        return format!("{}.{}{space}ms", rounded(100) / 10, rounded(100) % 10);
    }
    if rounded(1_000) < 1_000 {
        return format!("{}{space}ms", rounded(1_000));
    }
    if rounded(10_000) < 1_000 {
        return format!("{}.{:02}{space}s", rounded(10_000) / 100, rounded(10_000) % 100);
    }
    if rounded(100_000) < 600 {
        return format!("{}.{}{space}s", rounded(100_000) / 10, rounded(100_000) % 10);
    }
    let seconds = rounded(1_000_000);
    let minutes = rounded(60_000_000);
    let hours = rounded(3_600_000_000);
    let two = |whole: u64, unit: &str, rest: u64, small: &str| match rest {
        0 => format!("{whole}{space}{unit}"),
        _ => format!("{whole}{space}{unit} {rest:02}{space}{small}"),
    };
    if seconds < 600 {
        two(seconds / 60, "min", seconds % 60, "s")
    } else if minutes < 60 {
        format!("{minutes}{space}min")
    } else if minutes < 48 * 60 {
        two(minutes / 60, "h", minutes % 60, "min")
    } else if hours.is_multiple_of(24) {
        format!("{}{space}d", hours / 24)
    } else {
        format!("{}{space}d {}{space}h", hours / 24, hours % 24)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_like_a_person_would_write_them() {
        for (us, text) in [
            (0, "0 µs"),
            (310, "310 µs"),
            (4_200, "4.2 ms"),
            (99_949, "99.9 ms"),
            (99_950, "100 ms"),
            (105_800, "106 ms"),
            (999_499, "999 ms"),
            (999_500, "1.00 s"),
            (30_000_000, "30 s"),
            (1_310_000, "1.31 s"),
            (9_995_000, "10.0 s"),
            (59_940_000, "59.9 s"),
            (59_960_000, "1 min"),
            (125_000_000, "2 min 05 s"),
            (3_425_000_000, "57 min"),
            (3_600_000_000, "1 h"),
            (7_500_000_000, "2 h 05 min"),
            (12_000_000_000, "3 h 20 min"),
            (86_400_000_000 * 7, "7 d"),
            (86_400_000_000 * 4 + 7_200_000_000, "4 d 2 h"),
        ] {
            assert_eq!(duration(Duration::from_micros(us)), text);
        }
        assert_eq!(milliseconds(-5), "0 µs");
        assert_eq!([24, 999, 1_000, 27_310].map(lasting), ["under a second", "under a second", "1 s", "27 s"]);
        assert_eq!([duration_cell(None), duration_cell(Some(Duration::from_micros(4_200)))], ["-", "4.2ms"]);
    }
}
