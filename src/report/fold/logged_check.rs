//! One check as the log keeps it, and its packed form of eight bytes.

use std::num::NonZero;

use crate::model::{FailureClass, UnixMillis, Verdict};

/// Bits of a packed check that hold the result; the other 44 bits hold the instant, which suffices
/// until 2527.
const FOUND_BITS: u32 = 20;
const FOUND_MASK: u64 = (1 << FOUND_BITS) - 1;
/// The positions of the verdict, the set-aside flag and the code within the result bits; the class
/// has the lowest bits.
const VERDICT_SHIFT: u32 = 18;
const ASIDE_SHIFT: u32 = 17;
const CODE_SHIFT: u32 = 7;
const CLASS_MASK: u64 = 0x7f;
const CODE_MASK: u64 = 0x3ff;

/// One check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LoggedCheck {
    /// When it was due. In journals of format version 1: when it began.
    pub(crate) at: UnixMillis,
    /// What was found.
    pub(crate) verdict: Verdict,
    /// The class of the failure as the check found it, before it was set aside.
    pub(crate) class: Option<FailureClass>,
    /// The status code of the failure.
    pub(crate) code: Option<NonZero<u16>>,
    /// Whether the failure is not counted against the target, because the control targets failed
    /// too.
    pub(crate) is_set_aside: bool,
}

impl LoggedCheck {
    /// The class under which it counts: that of a failed control if it is set aside.
    pub(crate) const fn counted_class(&self) -> Option<FailureClass> {
        if self.is_set_aside { Some(FailureClass::ControlFailed) } else { self.class }
    }
}

/// The bits that encode a verdict.
const fn verdict_code(verdict: Verdict) -> u64 {
    match verdict {
        Verdict::Up => 0,
        Verdict::Down => 1,
        Verdict::Unknown => 2,
        Verdict::Missed => 3,
    }
}

/// The instant of a packed check.
pub(super) const fn began(packed: u64) -> UnixMillis {
    UnixMillis((packed >> FOUND_BITS).cast_signed())
}

/// The result bits of a packed check.
pub(super) const fn found(packed: u64) -> u64 {
    packed & FOUND_MASK
}

/// The packed check of an instant and result bits.
pub(super) const fn packed(at: UnixMillis, found: u64) -> u64 {
    at.0.cast_unsigned() << FOUND_BITS | found
}

/// Whether two packed checks that differ by this number have the same result and different
/// instants: the result is in the low bits.
pub(super) const fn is_distance(difference: u64) -> bool {
    difference > 0 && difference & FOUND_MASK == 0
}

/// Packs a check. An instant before 1970 becomes 1970.
pub(super) fn pack(check: &LoggedCheck) -> u64 {
    let class = check.class.map_or(0, |class| class as u64 + 1);
    // No protocol has codes of more than three digits.
    let code = check.code.map_or(0, |code| u64::from(code.get()).min(CODE_MASK));
    check.at.0.max(0).cast_unsigned() << FOUND_BITS
        | verdict_code(check.verdict) << VERDICT_SHIFT
        | u64::from(check.is_set_aside) << ASIDE_SHIFT
        | code << CODE_SHIFT
        | class
}

/// Unpacks a check. A code above 1023 was packed as 1023.
pub(super) fn unpack(packed: u64) -> LoggedCheck {
    const VERDICTS: [Verdict; 4] = [Verdict::Up, Verdict::Down, Verdict::Unknown, Verdict::Missed];
    let verdict = VERDICTS[(packed >> VERDICT_SHIFT & 3) as usize];
    let class = (packed & CLASS_MASK).checked_sub(1);
    let class = class.and_then(|class| FailureClass::ALL.get(usize::try_from(class).ok()?));
    LoggedCheck {
        at: began(packed),
        verdict,
        class: class.copied(),
        code: u16::try_from(packed >> CODE_SHIFT & CODE_MASK).ok().and_then(NonZero::new),
        is_set_aside: packed >> ASIDE_SHIFT & 1 == 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_verdict_and_class_comes_back() {
        for verdict in [Verdict::Up, Verdict::Down, Verdict::Unknown, Verdict::Missed] {
            for class in FailureClass::ALL.iter().map(|class| Some(*class)).chain([None]) {
                for (code, is_set_aside) in [(None, false), (NonZero::new(503), true), (NonZero::new(999), false)] {
                    let check = LoggedCheck { at: UnixMillis(1_741_600_860_250), verdict, class, code, is_set_aside };
                    assert_eq!(unpack(pack(&check)), check);
                }
            }
        }
    }
}
