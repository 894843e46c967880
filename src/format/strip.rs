//! The symbols of strips: one for each cell of adjacent checks, the same in a pass, on the watch board and in a report.
//! They differ by height and shape, not by colour alone.

/// What the checks of one cell found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StripCell {
    /// All judged checks were up.
    Up,
    /// Below 10% of them failed.
    FewFailed,
    /// Below 50% of them failed.
    SomeFailed,
    /// At least 50% of them failed.
    MostFailed,
    /// None was judged, and at least one was unknown.
    Unknown,
    /// None was run.
    NoData,
}

/// The legend for strips whose cells hold many checks.
pub(crate) const STRIP_LEGEND: &str = "▂ all up  ▒ below 10% failed  ▓ below 50%  █ 50% or more  ? unknown  · no data";

/// The legend for strips with one check per cell.
pub(crate) const CHECK_LEGEND: &str = "▂ up  █ down  ? unknown  · not run";

impl StripCell {
    /// The cell of this many judged checks, of which `failed` failed, and of `unknown` others.
    pub(crate) const fn of(judged: u64, failed: u64, unknown: u64) -> StripCell {
        match (judged, failed) {
            (0, _) if unknown > 0 => StripCell::Unknown,
            (0, _) => StripCell::NoData,
            (_, 0) => StripCell::Up,
            _ if failed * 10 < judged => StripCell::FewFailed,
            _ if failed * 2 < judged => StripCell::SomeFailed,
            _ => StripCell::MostFailed,
        }
    }

    pub(crate) const fn sign(self) -> &'static str {
        match self {
            StripCell::Up => "▂",
            StripCell::FewFailed => "▒",
            StripCell::SomeFailed => "▓",
            StripCell::MostFailed => "█",
            StripCell::Unknown => "?",
            StripCell::NoData => "·",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_never_hidden_by_the_good_checks_around_it() {
        let signs = |judged, failed, unknown| StripCell::of(judged, failed, unknown).sign();
        assert_eq!(signs(1, 0, 0), "▂");
        assert_eq!(signs(1, 1, 0), "█");
        assert_eq!(signs(1_000, 1, 9), "▒");
        assert_eq!((signs(10, 1, 0), signs(10, 4, 0), signs(10, 5, 0)), ("▓", "▓", "█"));
        assert_eq!((signs(0, 0, 1), signs(0, 0, 0)), ("?", "·"));
    }

    #[test]
    fn the_legends_name_every_sign_that_can_occur() {
        let all = [(9, 0, 0), (99, 1, 0), (9, 4, 0), (9, 9, 0), (0, 0, 1), (0, 0, 0)];
        for (judged, failed, unknown) in all {
            assert!(STRIP_LEGEND.contains(StripCell::of(judged, failed, unknown).sign()));
        }
        for (judged, failed, unknown) in [(1, 0, 0), (1, 1, 0), (0, 0, 1), (0, 0, 0)] {
            assert!(CHECK_LEGEND.contains(StripCell::of(judged, failed, unknown).sign()));
        }
    }
}
