//! What a window keeps of one check, beside the instant at which it was due.

use std::num::NonZero;

use crate::model::{FailureClass, Verdict};

/// What a strip keeps of one check. Its order sorts checks of the same instant: any total order would do to make
/// merging commutative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CheckResult {
    /// What was found.
    pub verdict: Verdict,
    /// The class of the failure, if there was one.
    pub class: Option<FailureClass>,
    /// The code that the failure came with, as 503 with `status`; see [`crate::model::Outcome::code`].
    pub code: Option<NonZero<u16>>,
    /// The class that the check itself found, if `class` is `control_failed`.
    pub own_class: Option<FailureClass>,
    /// Whether it was up after an attempt that failed.
    pub flaky: bool,
    /// Whether a `warn.*` of the probe was not met.
    pub warned: bool,
}

impl CheckResult {
    /// A result of which only verdict and class are known.
    #[must_use]
    pub const fn new(verdict: Verdict, class: Option<FailureClass>) -> CheckResult {
        CheckResult { verdict, class, code: None, own_class: None, flaky: false, warned: false }
    }

    /// The code that the failure came with, and the class that the check itself found.
    pub(super) fn own_code(self) -> Option<(FailureClass, NonZero<u16>)> {
        self.own_class.or(self.class).zip(self.code)
    }
}
