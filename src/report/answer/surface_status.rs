//! How a surface stands at the end of the range, for the verdict and its sentence.

use crate::model::{Bracket, SafeText};
use crate::report::document::answer::{MainFailure, State};
use crate::report::series::slowness::{Slow, Tail};

/// A surface's checks in its open wave, or in the whole window where none is open.
#[derive(Clone, Debug)]
pub(crate) struct SurfaceStatus {
    pub(crate) surface: SafeText,
    /// Its name for people.
    pub(crate) label: SafeText,
    pub(crate) state: State,
    /// The start of the open wave.
    pub(crate) since: Option<Bracket>,
    pub(crate) judged: u64,
    pub(crate) failed: u64,
    pub(crate) ci95: Option<[f64; 2]>,
    /// The latest checks of the open wave.
    pub(crate) now: (u64, u64),
    /// What mostly fails now.
    pub(crate) kind: Option<MainFailure>,
    /// Vantages that see it failing.
    pub(crate) vantages: Vec<SafeText>,
    /// Vantages of which it cannot be told.
    pub(crate) unclear: Vec<SafeText>,
    pub(crate) slow: Option<Slow>,
    /// Since when answers take far longer than usual, where that is what makes it degraded.
    pub(crate) slow_since: Option<Bracket>,
    pub(crate) tail: Option<Tail>,
}
