//! The `multipleOf`s of a schema. The library divides 64-bit floats, by which every number beyond 2^53 is even. So a
//! number for which that division goes wrong is replaced by a smaller one with the same remainders.

use super::super::decimal::Decimal;

/// Below this, a float has all integers.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// The largest number of which all remainders are kept.
const LARGEST_PERIOD: u64 = 1 << 50;

/// What numbers have to be multiples of.
#[derive(Debug, Default)]
pub(super) struct Multiples(Vec<u64>);

impl Multiples {
    /// Adds a divisor. One that no float stands for exactly is left to the library.
    pub(super) fn add(&mut self, divisor: &Decimal<'_>) {
        self.0.extend(divisor.integer().filter(|divisor| (1..LARGEST_PERIOD).contains(divisor)));
    }

    /// Whether the library finds of this float what is true of the value.
    pub(super) fn agree(&self, float: f64, value: &Decimal<'_>) -> bool {
        self.0.iter().all(|divisor| {
            let has_no_rest = (float / as_float(*divisor)).fract() == 0.0;
            has_no_rest == (value.modulo(*divisor) == Some(0))
        })
    }

    /// A float between two others with the same remainders as the value; none if there is none.
    pub(super) fn stand_in(&self, value: &Decimal<'_>, above: Option<f64>, below: Option<f64>) -> Option<f64> {
        let period = self.0.iter().try_fold(1, |all, divisor| least_common_multiple(all, *divisor))?;
        // Many periods at once keep different numbers apart.
        let periods = [LARGEST_PERIOD / period * period, period];
        periods.into_iter().find_map(|period| {
            // What is no integer is no multiple either.
            let rest = value.modulo(period).map_or(0.5, as_float);
            let period = as_float(period);
            let float = match (above, below) {
                (Some(above), _) => rest + (((above - rest) / period).floor() + 1.0) * period,
                (None, Some(below)) => rest + (((below - rest) / period).ceil() - 1.0) * period,
                (None, None) => rest,
            };
            let is_between = above.is_none_or(|above| float > above) && below.is_none_or(|below| float < below);
            (is_between && float.abs() < EXACT && self.agree(float, value)).then_some(float)
        })
    }
}

fn least_common_multiple(one: u64, other: u64) -> Option<u64> {
    let (mut divisor, mut rest) = (one, other);
    while rest > 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (one / divisor).checked_mul(other).filter(|multiple| *multiple <= LARGEST_PERIOD)
}

/// A number of at most 2^50 as a float, which is exact.
#[expect(clippy::cast_precision_loss, reason = "there is none below 2^53")]
fn as_float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn multiples(divisors: &[&str]) -> Multiples {
        let mut multiples = Multiples::default();
        divisors.iter().for_each(|divisor| multiples.add(&Decimal::of(divisor)));
        multiples
    }

    #[test]
    fn a_stand_in_has_the_same_remainders_and_lies_between() {
        let of = multiples(&["2", "3", "10"]);
        for text in ["9007199254740993", "9007199254740994", "-36028797018963970", "1e400", "123456789012345678901.5"] {
            let value = Decimal::of(text);
            for (above, below) in [(None, None), (Some(10.0), None), (None, Some(-7.0)), (Some(100.0), Some(131.0))] {
                let float = of.stand_in(&value, above, below).expect("a float");
                assert!(of.agree(float, &value), "{text}: {float}");
                assert!(above.is_none_or(|above| float > above) && below.is_none_or(|below| float < below), "{float}");
            }
            assert_eq!(of.stand_in(&value, Some(1e17), None), None, "floats there are too far apart");
        }
    }

    #[test]
    fn what_a_float_gets_wrong_is_found() {
        assert!(!multiples(&["2"]).agree(9_007_199_254_740_992.0, &Decimal::of("9007199254740993")));
        assert!(multiples(&["2"]).agree(9_007_199_254_740_992.0, &Decimal::of("9007199254740992")));
        assert!(multiples(&[]).stand_in(&Decimal::of("7"), None, None).is_some());
        assert_eq!(multiples(&["999999999989", "999999999961"]).stand_in(&Decimal::of("7"), None, None), None);
    }
}
