//! The numbers of a JSON Schema, and those of the documents that must match it. The library compares 64-bit floats,
//! which cannot tell 9007199254740993 from 9007199254740992, nor that 0.3 is a multiple of 0.1. So both are shifted by
//! as many decimals as `multipleOf` has, and each number of a document becomes the float that compares with those of
//! the schema as its exact value does.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Number;

use super::super::decimal::Decimal;
use super::multiples::Multiples;

/// Maximum number of decimals of a `multipleOf`.
const DECIMALS: u32 = 12;

/// A number that a schema compares with.
#[derive(Debug)]
struct KnownNumber {
    /// As it is written.
    source: String,
    /// As it is compared.
    shifted: String,
    /// Whether it is compared as an integer of 64 bits with others of that kind, and not by size.
    is_exact: bool,
}

/// The numbers that a schema compares with.
#[derive(Debug, Default)]
pub(super) struct SchemaNumbers {
    /// The decimals by which all numbers are shifted.
    shift: u32,
    /// Keyed by the bits of the float that the library sees.
    known: HashMap<u64, Vec<KnownNumber>>,
    /// Whether the schema requires a number to be an integer, or a multiple.
    asks_for_integers: bool,
    /// What it requires numbers to be multiples of, shifted.
    multiples: Multiples,
}

impl SchemaNumbers {
    /// For a schema whose `multipleOf`s have at most this many decimals.
    ///
    /// # Errors
    /// There are more decimals than can be compared.
    pub(super) fn shifted_by(decimals: i128) -> Result<SchemaNumbers, String> {
        let shift = u32::try_from(decimals.max(0)).ok().filter(|shift| *shift <= DECIMALS);
        let shift = shift.ok_or_else(|| format!("`multipleOf` has more than {DECIMALS} decimals"))?;
        Ok(SchemaNumbers { shift, ..SchemaNumbers::default() })
    }

    /// Notes that a number must be an integer.
    pub(super) fn integer(&mut self) {
        self.asks_for_integers = true;
        if self.shift > 0 {
            self.multiples.add(&Decimal::of(&self.shifted("1")));
        }
    }

    /// What every integer is a multiple of, if numbers are shifted.
    pub(super) fn one(&self) -> Option<Number> {
        (self.shift > 0).then(|| number_of(&self.shifted("1")))
    }

    /// A bound of the schema, as it is compared.
    ///
    /// # Errors
    /// It cannot be told apart from another number.
    pub(super) fn bound(&mut self, source: &str) -> Result<Number, String> {
        self.know(source, false)
    }

    /// A number that another must be a multiple of.
    ///
    /// # Errors
    /// It cannot be told apart from another number.
    pub(super) fn multiple(&mut self, source: &str) -> Result<Number, String> {
        self.asks_for_integers = true;
        self.multiples.add(&Decimal::of(&self.shifted(source)));
        self.know(source, false)
    }

    /// A number that another must be equal to.
    ///
    /// # Errors
    /// It cannot be told apart from another number.
    pub(super) fn literal(&mut self, source: &str) -> Result<Number, String> {
        self.know(source, true)
    }

    fn know(&mut self, source: &str, by_value: bool) -> Result<Number, String> {
        let shifted = self.shifted(source).into_owned();
        let number = number_of(&shifted);
        let is_exact = by_value && is_integer_of_64_bits(&number);
        let same = self.known.entry(bits(float(&number))).or_default();
        let value = Decimal::of(&shifted);
        for other in same.iter().filter(|other| !(is_exact && other.is_exact)) {
            if Decimal::of(&other.shifted) != value {
                return Err(format!("its numbers {source} and {} are too close to be told apart", other.source));
            }
        }
        same.push(KnownNumber { source: source.to_owned(), shifted, is_exact });
        Ok(number)
    }

    /// A number of a document, as it is compared; none if no float stands for it.
    pub(super) fn of(&self, source: &str) -> Option<Number> {
        let shifted = self.shifted(source);
        let value = Decimal::of(&shifted);
        let compared = self.compared(source)?;
        if self.multiples.agree(float(&compared), &value) {
            return Some(compared);
        }
        // The neighbours among the numbers of the schema: what lies between them compares alike.
        let (mut above, mut below): (Option<&KnownNumber>, Option<&KnownNumber>) = (None, None);
        for known in self.known.values().flatten() {
            let number = Decimal::of(&known.shifted);
            if number < value && above.is_none_or(|other| number > Decimal::of(&other.shifted)) {
                above = Some(known);
            } else if number > value && below.is_none_or(|other| number < Decimal::of(&other.shifted)) {
                below = Some(known);
            } else if number == value {
                return None;
            }
        }
        let image = |known: Option<&KnownNumber>| known.map(|known| float(&number_of(&known.shifted)));
        self.multiples.stand_in(&value, image(above), image(below)).and_then(Number::from_f64)
    }

    /// A number of a document, as it compares with those of the schema by size.
    fn compared(&self, source: &str) -> Option<Number> {
        let shifted = self.shifted(source);
        let number = number_of(&shifted);
        let (value, image) = (Decimal::of(&shifted), float(&number));
        let is_integer = value.is_integer();
        let stands_for = if let Some(same) = self.known.get(&bits(image)) {
            let is_one_of_them = same.iter().any(|known| Decimal::of(&known.shifted) == value);
            if is_one_of_them || is_integer_of_64_bits(&number) && same.iter().all(|known| known.is_exact) {
                return Some(number);
            }
            if same.iter().all(|known| value < Decimal::of(&known.shifted)) {
                image.next_down()
            } else if same.iter().all(|known| value > Decimal::of(&known.shifted)) {
                image.next_up()
            } else {
                return None;
            }
        } else if self.asks_for_integers && image.fract() == 0.0 && !is_integer {
            let is_above = value > Decimal::of(&format!("{image:.0}"));
            if is_above { image.next_up() } else { image.next_down() }
        } else {
            return Some(number);
        };
        let is_told_apart = !self.known.contains_key(&bits(stands_for));
        let is_of_its_kind = !self.asks_for_integers || (stands_for.fract() == 0.0) == is_integer;
        Number::from_f64(stands_for).filter(|_| is_told_apart && is_of_its_kind)
    }

    /// Whether a number of a document is a multiple of one of the schema, by their exact values; none if they have too
    /// many digits for that.
    pub(super) fn is_multiple(&self, source: &str, of: &Number) -> Option<bool> {
        let exact = |text: &str| {
            let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
            let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
            let decimals = i64::try_from(fraction.len()).ok()?.checked_sub(exponent.parse().ok()?)?;
            let digits: i128 = format!("{whole}{fraction}").parse().ok()?;
            Some((digits, decimals))
        };
        let (number, of) = (exact(&self.shifted(source))?, exact(&self.shifted(self.source_of(of)?))?);
        let places = number.1.max(of.1);
        let whole = |(digits, decimals): (i128, i64)| {
            digits.checked_mul(10_i128.checked_pow(u32::try_from(places.checked_sub(decimals)?).ok()?)?)
        };
        whole(number)?.checked_rem(whole(of)?).map(|rest| rest == 0)
    }

    /// A number of the schema as it is written there.
    pub(super) fn source_of(&self, number: &Number) -> Option<&str> {
        Some(&self.known.get(&bits(float(number)))?.first()?.source)
    }

    /// A number times the power of ten by which all are shifted.
    fn shifted<'t>(&self, source: &'t str) -> Cow<'t, str> {
        if self.shift == 0 {
            return source.into();
        }
        let (digits, exponent) = source.split_once(['e', 'E']).unwrap_or((source, "0"));
        // An exponent out of range stays out of range.
        let exponent: Option<i64> = exponent.parse().ok();
        exponent
            .map_or(source.into(), |exponent| format!("{digits}e{}", exponent.saturating_add(self.shift.into())).into())
    }
}

/// A JSON number as the library sees it: a 64-bit integer, or else the nearest float.
pub(super) fn number_of(text: &str) -> Number {
    let integer = text.parse().map(Number::from_i128).ok().flatten();
    let float = || text.parse().ok().and_then(|float: f64| Number::from_f64(float.clamp(f64::MIN, f64::MAX)));
    integer.or_else(float).unwrap_or_else(|| Number::from(0))
}

fn is_integer_of_64_bits(number: &Number) -> bool {
    number.is_i64() || number.is_u64()
}

fn float(number: &Number) -> f64 {
    number.as_f64().unwrap_or_default()
}

/// The bits of a float; both zeros have the same.
fn bits(float: f64) -> u64 {
    (float + 0.0).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_compares_with_those_of_the_schema_as_its_exact_value_does() {
        let mut numbers = SchemaNumbers::default();
        let bound = float(&numbers.bound("9007199254740992").expect("a bound"));
        let of = |text: &str| float(&numbers.of(text).expect("a float"));
        assert!(of("9007199254740993") > bound && of("9007199254740991") < bound);
        assert!(of("9007199254740992.5") > bound);
        for same in ["9007199254740992", "9007199254740992.0", "9.007199254740992e15"] {
            assert!(of(same).total_cmp(&bound).is_eq(), "{same}");
        }
        assert!(of("0.30000000000000004") > 0.3, "what is near no bound is as it is");
    }

    #[test]
    fn what_cannot_be_told_apart_is_refused() {
        let mut numbers = SchemaNumbers::default();
        numbers.bound("1e20").expect("a bound");
        assert!(numbers.bound("100000000000000000001").is_err());
        numbers.bound("100000000000000000000.0").expect("the same value");
        let mut literals = SchemaNumbers::default();
        for id in ["9007199254740992", "9007199254740993"] {
            literals.literal(id).expect("integers of 64 bits are exact");
        }
        assert_eq!(literals.of("9007199254740993"), Some(Number::from(9_007_199_254_740_993_u64)));
        assert!(SchemaNumbers::shifted_by(13).is_err());
    }

    #[test]
    fn decimals_of_a_multiple_shift_all_numbers() {
        let mut numbers = SchemaNumbers::shifted_by(2).expect("few decimals");
        assert!(float(&numbers.multiple("0.01").expect("a multiple")).total_cmp(&1.0).is_eq());
        let of = |text: &str| numbers.of(text).as_ref().map(float);
        assert_eq!([of("19.99"), of("1999e-2"), of("-0.07")], [Some(1999.0), Some(1999.0), Some(-7.0)]);
        assert!(of("19.999").is_some_and(|shifted| (shifted.fract() - 0.9).abs() < 1e-9));
        let number = numbers.multiple("0.25").expect("a multiple");
        assert_eq!(numbers.is_multiple("12345678901234567.75", &number), Some(true));
        assert_eq!(numbers.is_multiple("12345678901234567.7", &number), Some(false));
        assert_eq!(numbers.is_multiple("1e2", &number), Some(true));
        assert_eq!(numbers.is_multiple("1e999999", &number), None);
    }

    #[test]
    fn what_is_no_integer_is_none_to_the_library() {
        let numbers = SchemaNumbers { asks_for_integers: true, ..SchemaNumbers::default() };
        let is_integer = |text: &str| numbers.of(text).as_ref().map(|number| float(number).fract() == 0.0);
        assert_eq!(is_integer("1.00000000000000000001"), Some(false));
        assert_eq!(is_integer("1e-400"), Some(false));
        assert_eq!([is_integer("1.0"), is_integer("1e400"), is_integer("10e-1")], [Some(true); 3]);
        assert_eq!(is_integer("123456789012345678.5"), None);
    }
}
