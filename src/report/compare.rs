//! Is one surface worse than another, or is it chance?

use serde::Serialize;

use super::SurfaceRow;
use super::statistics::{fisher, ratio};

use crate::model::SafeText;

/// Two surfaces compared by Fisher's exact test, two-sided.
#[derive(Clone, Debug, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Comparison {
    /// `fisher_exact`
    pub test: &'static str,
    /// The surface with the higher failed ratio.
    pub a: SafeText,
    /// Its failed and judged checks.
    pub a_failed: u64,
    /// Its judged checks.
    pub a_judged: u64,
    /// The other.
    pub b: SafeText,
    /// Its failed checks.
    pub b_failed: u64,
    /// Its judged checks.
    pub b_judged: u64,
    /// The probability of a difference as large as this by chance.
    pub p: f64,
    /// Whether it is small enough to say that `a` is worse: p ≤ 0.05.
    pub significant: bool,
    /// `app is worse than web` or `cannot tell app from web`, with their labels.
    pub reading: String,
}

/// A difference this unlikely by chance is called one.
pub(super) const SIGNIFICANT: f64 = 0.05;

/// Compares each pair of surfaces that have judged checks, control targets left out.
pub(super) fn compare(surfaces: &[SurfaceRow]) -> Vec<Comparison> {
    let judged: Vec<&SurfaceRow> =
        surfaces.iter().filter(|row| !row.control && row.figures.failed_ratio.is_some()).collect();
    let pairs = judged.iter().enumerate().flat_map(|(at, a)| judged[at + 1..].iter().map(move |b| (*a, *b)));
    pairs.map(|(a, b)| pair(a, b)).collect()
}

fn pair(a: &SurfaceRow, b: &SurfaceRow) -> Comparison {
    let counts = |row: &SurfaceRow| (row.figures.down, row.figures.up + row.figures.down);
    let share = |row: &SurfaceRow| ratio(counts(row).0, counts(row).1).unwrap_or_default();
    let (worse, better) = if share(b) > share(a) { (b, a) } else { (a, b) };
    let ((a_failed, a_judged), (b_failed, b_judged)) = (counts(worse), counts(better));
    let p = fisher(a_failed, a_judged, b_failed, b_judged);
    let significant = p <= SIGNIFICANT && share(worse) > share(better);
    let reading = if significant {
        format!("{} is worse than {}", worse.label(), better.label())
    } else {
        format!("cannot tell {} from {}", worse.label(), better.label())
    };
    Comparison {
        test: "fisher_exact",
        a: worse.surface.clone(),
        a_failed,
        a_judged,
        b: better.surface.clone(),
        b_failed,
        b_judged,
        p: significant_digits(p),
        significant,
        reading,
    }
}

/// A probability as documents have it: three significant digits, so that no byte depends on the last bit.
fn significant_digits(p: f64) -> f64 {
    format!("{p:.2e}").parse().unwrap_or(p)
}
