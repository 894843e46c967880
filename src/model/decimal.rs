//! A number as JSON writes it, compared by its exact value. A floating-point number of 64 bits
//! cannot tell 9007199254740993 from 9007199254740992.

use std::cmp::Ordering;

/// Maximum number of digits of an exponent; a longer one saturates.
const EXPONENT_DIGITS: usize = 30;

/// A decimal number. Numbers of equal value are equal: `1`, `1.0` and `10e-1`.
#[derive(Clone, Debug)]
pub(crate) struct Decimal<'t> {
    is_negative: bool,
    /// The digits before and after the point, without zeros around them.
    whole: &'t str,
    fraction: &'t str,
    /// The power of ten of the first digit that is not zero.
    magnitude: i128,
}

impl<'t> Decimal<'t> {
    /// Reads a number as JSON writes it. The text is known to be one.
    pub(crate) fn of(text: &'t str) -> Decimal<'t> {
        let (is_negative, text) = match text.strip_prefix('-') {
            Some(text) => (true, text),
            None => (false, text),
        };
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let whole = whole.trim_start_matches('0');
        let fraction = fraction.trim_end_matches('0');
        let (whole, fraction, leading) = if whole.is_empty() {
            let significant = fraction.trim_start_matches('0');
            ("", significant, -(length(fraction) - length(significant)) - 1)
        } else if fraction.is_empty() {
            (whole.trim_end_matches('0'), "", length(whole) - 1)
        } else {
            (whole, fraction, length(whole) - 1)
        };
        let is_zero = whole.is_empty() && fraction.is_empty();
        let magnitude = if is_zero { 0 } else { exponent_of(exponent) + leading };
        Decimal { is_negative: is_negative && !is_zero, whole, fraction, magnitude }
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.is_empty()
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.bytes().chain(self.fraction.bytes())
    }

    /// Number of digits after the decimal point; zero or negative for an integer.
    pub(crate) fn decimals(&self) -> i128 {
        if self.is_zero() { 0 } else { length(self.whole) + length(self.fraction) - 1 - self.magnitude }
    }

    /// Whether the value is an integer, however it is written.
    pub(crate) fn is_integer(&self) -> bool {
        self.decimals() <= 0
    }

    /// The remainder of the division by this number, from 0 on; none if the value is no integer.
    pub(crate) fn modulo(&self, divisor: u64) -> Option<u64> {
        let (divisor, mut zeros) = (u128::from(divisor), u128::try_from(-self.decimals()).ok()?);
        let mut rest = self.digits().fold(0, |rest, digit| (rest * 10 + u128::from(digit - b'0')) % divisor);
        let mut power = 10 % divisor;
        while zeros > 0 {
            if zeros % 2 == 1 {
                rest = rest * power % divisor;
            }
            (power, zeros) = (power * power % divisor, zeros / 2);
        }
        let rest = if self.is_negative && rest > 0 { divisor - rest } else { rest };
        u64::try_from(rest).ok()
    }

    /// The value, if it is an integer from 0 to 2^64 - 1.
    pub(crate) fn integer(&self) -> Option<u64> {
        let zeros = u32::try_from(-self.decimals()).ok()?;
        let digits =
            self.digits().try_fold(0_u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
        digits?.checked_mul(10_u64.checked_pow(zeros)?).filter(|_| !self.is_negative)
    }

    /// −1, 0 or 1.
    fn sign(&self) -> i8 {
        match (self.is_zero(), self.is_negative) {
            (true, _) => 0,
            (false, true) => -1,
            (false, false) => 1,
        }
    }
}

impl PartialEq for Decimal<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal<'_> {}

impl PartialOrd for Decimal<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Decimal<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_sign = self.sign().cmp(&other.sign());
        if by_sign.is_ne() || self.is_zero() {
            return by_sign;
        }
        // Neither side has trailing zeros, so of two numbers with a common prefix the longer is larger.
        let by_size = self.magnitude.cmp(&other.magnitude).then_with(|| self.digits().cmp(other.digits()));
        if self.is_negative { by_size.reverse() } else { by_size }
    }
}

fn length(text: &str) -> i128 {
    text.len() as i128
}

/// The value of an exponent; more than 30 digits saturate.
fn exponent_of(text: &str) -> i128 {
    let (is_negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = digits.trim_start_matches('0');
    let size = if digits.len() > EXPONENT_DIGITS {
        i128::MAX / 4
    } else {
        digits.bytes().fold(0, |value, digit| value * 10 + i128::from(digit - b'0'))
    };
    if is_negative { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_equal_value_are_equal_however_they_are_written() {
        for (one, other) in [
            ("1", "1.0"),
            ("100", "1e2"),
            ("100", "1.00E+2"),
            ("0.1", "1e-1"),
            ("0.10", "0.1"),
            ("-0", "0"),
            ("0", "0e99"),
            ("0.0012", "12e-4"),
            ("120", "0.12e3"),
            ("1e1000000000000", "10e999999999999"),
        ] {
            assert_eq!(Decimal::of(one), Decimal::of(other), "{one} {other}");
        }
    }

    #[test]
    fn remainders_are_those_of_the_exact_value() {
        for (text, divisor, rest) in [
            ("9007199254740993", 2, Some(1)),
            ("9007199254740993", 3, Some(0)),
            ("-7", 3, Some(2)),
            ("-9", 3, Some(0)),
            ("120", 7, Some(1)),
            ("0.12e3", 7, Some(1)),
            ("1e400", 7, Some(4)),
            ("1e1000000000000", 2, Some(0)),
            ("0", 5, Some(0)),
            ("1.5", 1, None),
            ("1e-400", 1, None),
        ] {
            assert_eq!(Decimal::of(text).modulo(divisor), rest, "{text} {divisor}");
        }
        let integers = ["120.0", "1.5", "-1", "18446744073709551615", "18446744073709551616", "1e400"];
        let found = integers.map(|text| Decimal::of(text).integer());
        assert_eq!(found, [Some(120), None, None, Some(u64::MAX), None, None]);
    }

    #[test]
    fn decimals_are_those_of_the_value() {
        for (text, decimals) in
            [("0", 0), ("7", 0), ("70", -1), ("0.01", 2), ("1e-2", 2), ("12.50", 1), ("12.5e1", 0), ("1.0", 0)]
        {
            assert_eq!(Decimal::of(text).decimals(), decimals, "{text}");
            assert_eq!(Decimal::of(text).is_integer(), decimals <= 0, "{text}");
        }
    }

    #[test]
    fn numbers_are_in_the_order_of_their_values() {
        let ordered = [
            "-1e400",
            "-9007199254740993",
            "-9007199254740992",
            "-1.5",
            "-1",
            "-0.1",
            "-1e-400",
            "0",
            "1e-400",
            "0.1",
            "0.10000000000000000001",
            "0.3",
            "0.30000000000000004",
            "1",
            "1.05",
            "1.5",
            "9",
            "10",
            "11",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551615",
            "18446744073709551616",
            "1e308",
            "1e400",
            "1e999999999999999999999999999999999999999",
        ];
        for (place, one) in ordered.iter().enumerate() {
            for (other_place, other) in ordered.iter().enumerate() {
                assert_eq!(Decimal::of(one).cmp(&Decimal::of(other)), place.cmp(&other_place), "{one} {other}");
            }
        }
    }
}
