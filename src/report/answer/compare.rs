//! Compares surfaces: is one worse than another, or is the difference chance?

use crate::report::document::comparison::Comparison;
use crate::report::document::rows::SurfaceRow;
use crate::report::statistics::{SIGNIFICANT, fisher, ratio};

/// The most surfaces that are compared, those with the highest failed ratio: the number of pairs
/// grows with the square.
const COMPARED: usize = 20;

/// Compares each pair of surfaces that have judged checks, except control targets.
pub(crate) fn compare(surfaces: &[SurfaceRow]) -> Vec<Comparison> {
    let mut judged: Vec<&SurfaceRow> =
        surfaces.iter().filter(|row| !row.control && row.figures.failed_ratio.is_some()).collect();
    if judged.len() > COMPARED {
        let share = |row: &SurfaceRow| row.figures.failed_ratio.unwrap_or_default();
        judged.sort_by(|a, b| share(b).total_cmp(&share(a)).then_with(|| a.surface.cmp(&b.surface)));
        judged.truncate(COMPARED);
        judged.sort_by(|a, b| a.surface.cmp(&b.surface));
    }
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

/// Rounds a probability to the three significant digits that documents have, so that no output
/// depends on the last bits.
fn significant_digits(p: f64) -> f64 {
    format!("{p:.2e}").parse().unwrap_or(p)
}
