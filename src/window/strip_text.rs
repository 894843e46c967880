//! A strip as text: `3412U10000U10000*3+20000Da`. A strip alone does not say which failure a letter stands for: the
//! letters number the window's kinds of failures.
//!
//! ```text
//! strip   = *run
//! run     = [delta] ["*" count ["+" span]] verdict [class] ["~" class]
//! delta   = ["-"] digits      milliseconds since the first check of the run before (the first: since the window's from); absent: 0
//! count   = digits            checks in the run; absent: 1
//! span    = digits            milliseconds from the first to the last check of the run; absent: 0
//! verdict = "U" up / "F" up and flaky / "W" up with a warning / "V" up, flaky and with a warning /
//!           "D" down / "X" unknown / "M" missed
//! class   = *"z" ("a" to "y") "a" to "y" the 1st to 25th kind of failure, "za" to "zy" the 26th to 50th, "zza" the 51st;
//!           absent: no failure. After "~": what the check itself found, if the controls failed too
//! ```

use std::fmt::Write as _;
use std::num::NonZero;

use jiff::Timestamp;
use smallvec::SmallVec;

use crate::model::{FailureClass, Verdict};

use super::check_result::CheckResult;
use super::strip::{CHECKS_LIMIT, Strip};
use super::strip_run::Entry;

/// A kind of failure that a window counts: the class, and the code that it came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FailureKind {
    pub(crate) class: FailureClass,
    pub(crate) code: Option<NonZero<u16>>,
}

impl FailureKind {
    /// The kind of failure of a check that has a class.
    pub(crate) const fn of(class: FailureClass, code: Option<NonZero<u16>>) -> FailureKind {
        FailureKind { class, code }
    }
}

/// Why a text is not a strip.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a strip of verdicts")]
pub struct StripError;

/// Instants further than this from the epoch are invalid, in milliseconds (the year 9999).
const FURTHEST_MS: i64 = 253_402_300_799_999;

impl Strip {
    /// Appends the strip as text. `kinds` are the window's kinds of failures in the order of the format; one that is
    /// not among them is written as no failure.
    pub(crate) fn write_text(&self, from: Timestamp, kinds: &[FailureKind], out: &mut String) {
        let mut before = from.as_millisecond();
        for entry in &self.entries {
            if entry.from_ms != before {
                let _ = write!(out, "{}", entry.from_ms - before);
            }
            before = entry.from_ms;
            if entry.count != 1 || entry.span_ms != 0 {
                let _ = write!(out, "*{}", entry.count);
            }
            if entry.span_ms != 0 {
                let _ = write!(out, "+{}", entry.span_ms);
            }
            out.push(letter(entry.result));
            write_kinds(entry.result, kinds, out);
        }
    }

    /// Whether the text has a verdict or a symbol that readers of version 1 do not know.
    pub(crate) fn is_of_version_2(&self) -> bool {
        self.entries.iter().any(|entry| entry.result.flaky || entry.result.warned || entry.result.own_class.is_some())
    }

    /// Reads a strip from its text.
    ///
    /// # Errors
    /// [`StripError`], if the text is not one.
    pub(crate) fn from_text(text: &str, from: Timestamp, kinds: &[FailureKind]) -> Result<Strip, StripError> {
        let mut rest = Cursor(text.as_bytes());
        let mut before = from.as_millisecond();
        let (mut entries, mut checks): (SmallVec<[Entry; 2]>, u64) = (SmallVec::new(), 0);
        while !rest.0.is_empty() {
            let entry = read_run(&mut rest, before, kinds)?;
            before = entry.from_ms;
            checks += u64::from(entry.count);
            if checks > CHECKS_LIMIT {
                return Err(StripError);
            }
            entries.push(entry);
        }
        if !entries.is_sorted() {
            entries.sort();
        }
        Ok(Strip { entries })
    }
}

fn read_run(rest: &mut Cursor<'_>, before: i64, kinds: &[FailureKind]) -> Result<Entry, StripError> {
    let back = rest.take(b'-');
    let delta = rest.number()?;
    let from_ms =
        if back { before.checked_sub(delta.ok_or(StripError)?) } else { before.checked_add(delta.unwrap_or(0)) };
    let from_ms = from_ms.filter(|at| at.abs() <= FURTHEST_MS).ok_or(StripError)?;
    let (mut count, mut span_ms) = (1, 0);
    if rest.take(b'*') {
        count =
            rest.number()?.and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0).ok_or(StripError)?;
        if rest.take(b'+') {
            span_ms = rest.number()?.and_then(|span| u32::try_from(span).ok()).ok_or(StripError)?;
        }
    }
    let (verdict, flaky, warned) = match rest.byte() {
        Some(b'U') => (Verdict::Up, false, false),
        Some(b'F') => (Verdict::Up, true, false),
        Some(b'W') => (Verdict::Up, false, true),
        Some(b'V') => (Verdict::Up, true, true),
        Some(b'D') => (Verdict::Down, false, false),
        Some(b'X') => (Verdict::Unknown, false, false),
        Some(b'M') => (Verdict::Missed, false, false),
        _ => return Err(StripError),
    };
    let kind = rest.kind(kinds)?;
    let own = if rest.take(b'~') { Some(rest.kind(kinds)?.ok_or(StripError)?) } else { None };
    if from_ms.checked_add(i64::from(span_ms)).is_none_or(|end| end > FURTHEST_MS) {
        return Err(StripError);
    }
    let code = own.or(kind).and_then(|kind| kind.code);
    let (class, own_class) = (kind.map(|kind| kind.class), own.map(|kind| kind.class));
    Ok(Entry { from_ms, span_ms, result: CheckResult { verdict, class, code, own_class, flaky, warned }, count })
}

const fn letter(result: CheckResult) -> char {
    match (result.verdict, result.flaky, result.warned) {
        (Verdict::Up, false, false) => 'U',
        (Verdict::Up, true, false) => 'F',
        (Verdict::Up, false, true) => 'W',
        (Verdict::Up, true, true) => 'V',
        (Verdict::Down, ..) => 'D',
        (Verdict::Unknown, ..) => 'X',
        (Verdict::Missed, ..) => 'M',
    }
}

/// Appends the letters of a check's failure, and of the check's own failure if the controls failed.
fn write_kinds(result: CheckResult, kinds: &[FailureKind], out: &mut String) {
    let number = |kind: FailureKind| kinds.iter().position(|other| *other == kind);
    let code = if result.own_class.is_some() { None } else { result.code };
    if let Some(at) = result.class.and_then(|class| number(FailureKind::of(class, code))) {
        push_number(at, out);
    }
    if let Some(at) = result.own_class.and_then(|class| number(FailureKind::of(class, result.code))) {
        out.push('~');
        push_number(at, out);
    }
}

/// The number of letters that stand for a number by themselves; each `z` before one adds this many.
const SINGLE_LETTERS: usize = 25;

fn push_number(at: usize, out: &mut String) {
    for _ in 0..at / SINGLE_LETTERS {
        out.push('z');
    }
    out.push(char::from(b'a' + u8::try_from(at % SINGLE_LETTERS).unwrap_or(0)));
}

/// The rest of the text.
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

    /// Reads a number, if there is one here.
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

    /// Reads the letters of a kind of failure; none if there are none here.
    fn kind(&mut self, kinds: &[FailureKind]) -> Result<Option<FailureKind>, StripError> {
        let skipped = self.0.iter().take_while(|byte| **byte == b'z').count();
        match self.0.get(skipped) {
            Some(letter @ b'a'..=b'y') => {
                self.0 = &self.0[skipped + 1..];
                let number = skipped * SINGLE_LETTERS + usize::from(letter - b'a');
                kinds.get(number).copied().map(Some).ok_or(StripError)
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

    fn kind(class: FailureClass) -> FailureKind {
        FailureKind::of(class, None)
    }

    #[test]
    fn a_strip_reads_as_the_page_says() {
        let kinds = [kind(FailureClass::ConnectTimeout), FailureKind::of(FailureClass::Status, NonZero::new(503))];
        let text = "U9998U10003*3+20000Db-40000M";
        let strip = Strip::from_text(text, at(60_000), &kinds).expect("a strip");
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
        let last = strip.runs().next_back().expect("a run");
        assert_eq!((last.class, last.code), (Some(FailureClass::Status), NonZero::new(503)));
    }

    #[test]
    fn what_the_check_itself_found_stands_beside_the_verdict_of_the_controls() {
        let kinds = [kind(FailureClass::ControlFailed), FailureKind::of(FailureClass::Status, NonZero::new(503))];
        let strip = Strip::from_text("Xa~b10V5W5F", at(0), &kinds).expect("a strip");
        let first = strip.runs().next().expect("a run");
        assert_eq!((first.class, first.own_class), (Some(FailureClass::ControlFailed), Some(FailureClass::Status)));
        assert_eq!(first.code, NonZero::new(503));
        let mut text = String::new();
        strip.write_text(at(0), &kinds, &mut text);
        assert_eq!(text, "Xa~b10V5W5F");
        assert!(strip.is_of_version_2());
    }

    #[test]
    fn every_class_has_a_number() {
        let kinds: Vec<FailureKind> = FailureClass::ALL.iter().copied().map(kind).collect();
        let mut strip = Strip::default();
        for (second, class) in (0..).zip(FailureClass::ALL) {
            strip.push(at(second * 1000), CheckResult::new(class.verdict(), Some(*class)));
        }
        let mut text = String::new();
        strip.write_text(at(0), &kinds, &mut text);
        assert_eq!(Strip::from_text(&text, at(0), &kinds), Ok(strip), "{text}");
    }

    #[test]
    fn the_checks_of_a_strip_are_bounded_all_runs_together() {
        let kinds = [kind(FailureClass::Status)];
        for (text, is_read) in [
            ("*1000000+86400000Da", true),
            ("*1000001+86400000Da", false),
            ("*4000000000+3590000U", false),
            ("*600000+1U*400000+1Da", true),
            ("*600000+1U*400000+1DaM", false),
        ] {
            assert_eq!(Strip::from_text(text, at(0), &kinds).is_ok(), is_read, "{text}");
        }
    }

    #[test]
    fn what_is_not_a_strip_is_refused() {
        for text in
            ["1", "Q", "*U", "*0U", "*2+U", "*2", "-U", "Dz", "Db", "X~", "9999999999999999U", "*99999999999U", "é"]
        {
            assert_eq!(Strip::from_text(text, at(0), &[kind(FailureClass::Status)]), Err(StripError), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[-0-9UFWVDXMa-z*+~]{0,40}") {
            let kinds: Vec<FailureKind> = FailureClass::ALL.iter().copied().map(kind).collect();
            let _ = Strip::from_text(&text, at(0), &kinds);
        }
    }
}
