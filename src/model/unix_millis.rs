//! An instant as whole milliseconds since 1970, in eight bytes: a report adds up millions of them. A length of
//! time is a bare number of milliseconds, so that neither can be taken for the other.

use std::ops::{Add, AddAssign, Sub};

use jiff::Timestamp;

/// Milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Earlier than any instant of a check.
    pub(crate) const MIN: UnixMillis = UnixMillis(i64::MIN);
    /// Later than any instant of a check.
    pub(crate) const MAX: UnixMillis = UnixMillis(i64::MAX);

    pub(crate) const fn saturating_add(self, ms: i64) -> UnixMillis {
        UnixMillis(self.0.saturating_add(ms))
    }

    pub(crate) const fn saturating_sub(self, ms: i64) -> UnixMillis {
        UnixMillis(self.0.saturating_sub(ms))
    }

    /// The milliseconds from an instant to this one, as many as an `i64` holds.
    pub(crate) const fn saturating_since(self, earlier: UnixMillis) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The same instant for documents; one that jiff cannot hold becomes the nearest that it can.
    pub(crate) fn timestamp(self) -> Timestamp {
        Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
    }

    /// The number of the step that contains it, where step 0 begins at 1970.
    pub(crate) const fn div_euclid(self, step: i64) -> i64 {
        self.0.div_euclid(step)
    }

    /// How far it is into that step, in milliseconds.
    pub(crate) const fn rem_euclid(self, step: i64) -> i64 {
        self.0.rem_euclid(step)
    }

    /// The latest multiple of a step since 1970 that is not later.
    pub(crate) const fn floor(self, step: i64) -> UnixMillis {
        UnixMillis(self.0.saturating_sub(self.0.rem_euclid(step)))
    }
}

impl From<Timestamp> for UnixMillis {
    fn from(at: Timestamp) -> UnixMillis {
        UnixMillis(at.as_millisecond())
    }
}

impl Add<i64> for UnixMillis {
    type Output = UnixMillis;

    fn add(self, ms: i64) -> UnixMillis {
        UnixMillis(self.0 + ms)
    }
}

impl AddAssign<i64> for UnixMillis {
    fn add_assign(&mut self, ms: i64) {
        self.0 += ms;
    }
}

impl Sub<i64> for UnixMillis {
    type Output = UnixMillis;

    fn sub(self, ms: i64) -> UnixMillis {
        UnixMillis(self.0 - ms)
    }
}

impl Sub for UnixMillis {
    type Output = i64;

    fn sub(self, earlier: UnixMillis) -> i64 {
        self.0 - earlier.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_begin_at_1970_also_before_it() {
        assert_eq!(UnixMillis(-1).floor(60_000), UnixMillis(-60_000));
        assert_eq!(UnixMillis(119_999).floor(60_000), UnixMillis(60_000));
        assert_eq!((UnixMillis(-1).div_euclid(60_000), UnixMillis(-1).rem_euclid(60_000)), (-1, 59_999));
    }

    #[test]
    fn an_instant_that_no_timestamp_holds_becomes_the_nearest() {
        assert_eq!(UnixMillis::MAX.timestamp(), Timestamp::MAX);
        assert_eq!(UnixMillis::MIN.timestamp(), Timestamp::MIN);
        assert_eq!(UnixMillis::from(UnixMillis(1_741_600_860_250).timestamp()), UnixMillis(1_741_600_860_250));
    }
}
