//! A strip as text: `3412U9998U10003*3+20000Da`. It does not know which class a letter stands for
//! by itself: the letters number the names of the window's failures in alphabetical order.
//!
//! ```text
//! strip   = *run
//! run     = [delta] ["*" count ["+" span]] verdict [class]
//! delta   = ["-"] digits      milliseconds since the run before began (the first: since the window's from); absent: 0
//! verdict = "U" up / "D" down / "X" unknown / "M" missed
//! class   = *"z" ("a".."y")   "a".."y" the 1st to 25th name, "za".."zy" the 26th to 50th, "zza".. the 51st on; absent: no class
//! count   = digits            checks in the run; absent: 1
//! span    = digits            milliseconds from the first to the last check of the run; absent: 0
//! ```

use std::fmt::Write as _;

use jiff::Timestamp;
use smallvec::SmallVec;

use crate::model::{FailureClass, Verdict};

use super::{Entry, Strip};

/// Why a text is not a strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a strip of verdicts")]
pub struct StripError;

/// Instants further than this from the epoch are no instants, in milliseconds (the year 9999).
const FURTHEST_MS: i64 = 253_402_300_799_999;

impl Strip {
    /// Appends the strip as text. `classes` are those of the window, in the order of their names;
    /// a class that is not among them is written as none.
    pub fn write_text(&self, from: Timestamp, classes: &[FailureClass], out: &mut String) {
        let mut before = from.as_millisecond();
        for entry in &self.entries {
            if entry.from_ms != before {
                let _ = write!(out, "{}", entry.from_ms - before);
            }
            before = entry.from_ms;
            if entry.count != 1 || entry.to_ms != entry.from_ms {
                let _ = write!(out, "*{}", entry.count);
            }
            if entry.to_ms != entry.from_ms {
                let _ = write!(out, "+{}", entry.to_ms - entry.from_ms);
            }
            out.push(letter(entry.verdict));
            if let Some(at) = entry.class.and_then(|class| classes.iter().position(|other| *other == class)) {
                push_number(at, out);
            }
        }
    }

    /// Reads a strip from its text.
    ///
    /// # Errors
    /// [`StripError`], where the text is not one.
    pub fn from_text(text: &str, from: Timestamp, classes: &[FailureClass]) -> Result<Strip, StripError> {
        let mut rest = Cursor(text.as_bytes());
        let mut before = from.as_millisecond();
        let mut entries: SmallVec<[Entry; 2]> = SmallVec::new();
        while !rest.0.is_empty() {
            let entry = read_run(&mut rest, before, classes)?;
            before = entry.from_ms;
            entries.push(entry);
        }
        if !entries.is_sorted() {
            entries.sort();
        }
        Ok(Strip { entries })
    }
}

fn read_run(rest: &mut Cursor<'_>, before: i64, classes: &[FailureClass]) -> Result<Entry, StripError> {
    let back = rest.take(b'-');
    let delta = rest.number()?;
    let from_ms =
        if back { before.checked_sub(delta.ok_or(StripError)?) } else { before.checked_add(delta.unwrap_or(0)) };
    let from_ms = from_ms.filter(|at| at.abs() <= FURTHEST_MS).ok_or(StripError)?;
    let (mut count, mut span) = (1, 0);
    if rest.take(b'*') {
        count =
            rest.number()?.and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0).ok_or(StripError)?;
        if rest.take(b'+') {
            span = rest.number()?.ok_or(StripError)?;
        }
    }
    let verdict = match rest.byte() {
        Some(b'U') => Verdict::Up,
        Some(b'D') => Verdict::Down,
        Some(b'X') => Verdict::Unknown,
        Some(b'M') => Verdict::Missed,
        _ => return Err(StripError),
    };
    let class = match rest.class_number()? {
        Some(at) => Some(*classes.get(at).ok_or(StripError)?),
        None => None,
    };
    let to_ms = from_ms.checked_add(span).filter(|at| *at <= FURTHEST_MS).ok_or(StripError)?;
    Ok(Entry { from_ms, to_ms, verdict, class, count })
}

const fn letter(verdict: Verdict) -> char {
    match verdict {
        Verdict::Up => 'U',
        Verdict::Down => 'D',
        Verdict::Unknown => 'X',
        Verdict::Missed => 'M',
    }
}

/// The letters that stand for a number by themselves; each `z` before them counts this many more.
const SINGLE_LETTERS: usize = 25;

fn push_number(at: usize, out: &mut String) {
    for _ in 0..at / SINGLE_LETTERS {
        out.push('z');
    }
    out.push(char::from(b'a' + u8::try_from(at % SINGLE_LETTERS).unwrap_or(0)));
}

/// What is left of the text.
struct Cursor<'t>(&'t [u8]);

impl Cursor<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn take(&mut self, wanted: u8) -> bool {
        let found = self.0.first() == Some(&wanted);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    /// A number, where one stands here.
    fn number(&mut self) -> Result<Option<i64>, StripError> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        // Fifteen digits hold every millisecond up to the year 33658, and cannot overflow.
        if digits > 15 {
            return Err(StripError);
        }
        let (number, rest) = self.0.split_at(digits);
        self.0 = rest;
        Ok((digits > 0).then(|| number.iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'))))
    }

    fn class_number(&mut self) -> Result<Option<usize>, StripError> {
        let skipped = self.0.iter().take_while(|byte| **byte == b'z').count();
        match self.0.get(skipped) {
            Some(letter @ b'a'..=b'y') => {
                self.0 = &self.0[skipped + 1..];
                Ok(Some(skipped * SINGLE_LETTERS + usize::from(letter - b'a')))
            }
            _ if skipped > 0 => Err(StripError),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millisecond: i64) -> Timestamp {
        Timestamp::from_millisecond(millisecond).expect("an instant")
    }

    #[test]
    fn a_strip_reads_as_the_page_says() {
        let classes = [FailureClass::ConnectTimeout, FailureClass::Status];
        let text = "U9998U10003*3+20000Db-40000M";
        let strip = Strip::from_text(text, at(60_000), &classes).expect("a strip");
        let runs: Vec<_> = strip.runs().map(|run| (run.from.as_millisecond(), run.verdict, run.count)).collect();
        assert_eq!(
            runs,
            [
                (40_001, Verdict::Missed, 1),
                (60_000, Verdict::Up, 1),
                (69_998, Verdict::Up, 1),
                (80_001, Verdict::Down, 3)
            ]
        );
        assert_eq!(strip.runs().next_back().and_then(|run| run.class), Some(FailureClass::Status));
    }

    #[test]
    fn every_class_has_a_number() {
        let mut strip = Strip::default();
        for (second, class) in (0..).zip(FailureClass::ALL) {
            strip.push(at(second * 1000), class.verdict(), Some(*class));
        }
        let mut text = String::new();
        strip.write_text(at(0), FailureClass::ALL, &mut text);
        assert_eq!(Strip::from_text(&text, at(0), FailureClass::ALL), Ok(strip), "{text}");
    }

    #[test]
    fn what_is_not_a_strip_is_refused() {
        for text in ["1", "Q", "*U", "*0U", "*2+U", "*2", "-U", "Dz", "Db", "9999999999999999U", "*99999999999U", "é"]
        {
            assert_eq!(Strip::from_text(text, at(0), &[FailureClass::Status]), Err(StripError), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-0-9UDXMa-z*+]{0,40}") {
            let _ = Strip::from_text(&text, at(0), FailureClass::ALL);
        }
    }
}
