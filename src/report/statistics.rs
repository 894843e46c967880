//! Statistics of small samples: intervals, tests and what a sample can prove. Pure formulas with
//! their sources; the module knows no surface and no check. Tests compare them with published
//! values and with an independent implementation (`tests/interoperability/`).

#[cfg(test)]
pub(crate) mod chance;

/// The confidence level of every interval and bound.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// The 97.5th percentile of the standard normal distribution: two-sided 95 %.
const Z_TWO_SIDED: f64 = 1.959_963_984_540_054;

/// The 95th percentile of the standard normal distribution: one-sided 95 %.
const Z_ONE_SIDED: f64 = 1.644_853_626_951_472_7;

/// The significance level: a p-value up to this is called a difference.
pub(crate) const SIGNIFICANT: f64 = 0.05;

/// A count as an `f64` to compute with. Counts of checks stay far below 2^52.
#[expect(clippy::cast_precision_loss, reason = "counts of checks stay far below 2^52")]
#[must_use]
pub const fn number(count: u64) -> f64 {
    count as f64
}

/// `k / n`; `None` if `n` is 0.
#[must_use]
pub fn ratio(k: u64, n: u64) -> Option<f64> {
    (n > 0).then(|| number(k) / number(n))
}

/// Wilson's 95 % score interval of `k` among `n`, within [0, 1]; `None` if `n` is 0. Wilson,
/// Journal of the American Statistical Association 22 (1927). Unlike the normal interval `p ± z·σ`
/// it has a width even if `k` is 0.
#[must_use]
pub(crate) fn wilson(k: u64, n: u64) -> Option<[f64; 2]> {
    let (centre, spread) = score(k, n, Z_TWO_SIDED)?;
    let low = if k == 0 { 0.0 } else { (centre - spread).max(0.0) };
    let high = if k == n { 1.0 } else { (centre + spread).min(1.0) };
    Some([low, high])
}

/// The centre and half width of the score interval; `None` if `n` is 0.
fn score(k: u64, n: u64, z: f64) -> Option<(f64, f64)> {
    let p = ratio(k, n)?;
    let n = number(n);
    let scale = 1.0 + z * z / n;
    let centre = (p + z * z / (2.0 * n)) / scale;
    let spread = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt() / scale;
    Some((centre, spread))
}

/// The lower 95 % confidence bound on availability, given `down` failures among `checks`: exact if
/// none failed (0.05^(1/n)), otherwise the lower end of Wilson's one-sided interval. `None` if
/// `checks` is 0.
#[must_use]
pub(crate) fn availability_shown(checks: u64, down: u64) -> Option<f64> {
    if checks > 0 && down == 0 {
        return Some((1.0 - CONFIDENCE).powf(1.0 / number(checks)));
    }
    let up = checks.saturating_sub(down);
    score(up, checks, Z_ONE_SIDED).map(|(centre, spread)| if up == 0 { 0.0 } else { (centre - spread).max(0.0) })
}

/// The least number of checks, all of them up, that shows an availability of `ratio` with 95 %
/// confidence: ln 0.05 / ln `ratio`. The same number bounds a percentile from above (order
/// statistics): a 99th percentile needs 299 samples. `ratio` lies in (0, 1).
#[must_use]
pub(crate) fn checks_to_show(ratio: f64) -> u64 {
    let checks = ((1.0 - CONFIDENCE).ln() / ratio.ln()).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and `as` saturates")]
    let checks = checks as u64;
    checks.max(1)
}

/// The two-sided p-value of Fisher's exact test on `a` failures of `a_n` against `b` of `b_n`: the
/// probability, if both failure rates are equal, of a table no likelier than this one. Fisher,
/// Journal of the Royal Statistical Society 85 (1922).
#[must_use]
pub(crate) fn fisher(a: u64, a_n: u64, b: u64, b_n: u64) -> f64 {
    let (failures, total) = (a + b, a_n + b_n);
    let (lowest, highest) = (failures.saturating_sub(b_n), failures.min(a_n));
    let ways = |n: u64, k: u64| ln_choose(number(n), number(k));
    let log = |x: u64| ways(a_n, x) + ways(b_n, failures - x) - ways(total, failures);
    // Tables that differ from the observed one by rounding alone count as equally likely.
    let observed = log(a) + 1e-7;
    let is_unlikely = |x: u64| log(x) <= observed;
    let likeliest = u128::from(failures + 1) * u128::from(a_n + 1) / u128::from(total + 2);
    let likeliest = u64::try_from(likeliest).unwrap_or(u64::MAX).clamp(lowest, highest);
    // Towards both ends tables become ever less likely.
    let below = first(lowest, likeliest + 1, |x| !is_unlikely(x));
    let above = first(likeliest + 1, highest + 1, is_unlikely);
    let of_next = |x: u64| {
        let up = number(failures - x) * number(a_n - x);
        up / (number(x + 1) * (number(b_n) - number(failures) + number(x + 1)))
    };
    let lower = (lowest..below).rev().scan(None, |term: &mut Option<f64>, x| {
        *term = Some(term.map_or_else(|| log(x).exp(), |term| term / of_next(x)));
        *term
    });
    let upper = (above..=highest).scan(None, |term: &mut Option<f64>, x| {
        *term = Some(term.map_or_else(|| log(x).exp(), |term| term * of_next(x - 1)));
        *term
    });
    (sum_of_falling(lower) + sum_of_falling(upper)).min(1.0)
}

/// The first number of a range that something holds for, if it holds for all that follow; the end
/// of the range if there is none.
fn first(from: u64, to: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut from, mut to) = (from, to);
    while from < to {
        let middle = from + (to - from) / 2;
        if holds(middle) { to = middle } else { from = middle + 1 }
    }
    from
}

/// The sum of terms that fall ever faster, without those that no longer change it.
fn sum_of_falling(terms: impl Iterator<Item = f64>) -> f64 {
    let mut sum = 0.0;
    for term in terms {
        if term <= sum * 1e-18 {
            break;
        }
        sum += term;
    }
    sum
}

/// The natural logarithm of the binomial coefficient `n` over `k`; `k` is a whole number.
pub(crate) fn ln_choose(n: f64, k: f64) -> f64 {
    /// Up to this `k` the product is faster and cannot overflow.
    const FEW: f64 = 12.0;
    if k <= FEW {
        let mut ways = 1.0;
        let mut i = 0.0;
        while i < k {
            ways *= (n - i) / (i + 1.0);
            i += 1.0;
        }
        return ways.ln();
    }
    ln_gamma(n + 1.0) - ln_gamma(k + 1.0) - ln_gamma(n - k + 1.0)
}

/// The natural logarithm of the gamma function for `x` ≥ 1: steps `x` up to 10, then sums the first
/// terms of Stirling's series (Abramowitz and Stegun 6.1.41), whose remainder is below 1e-12 there.
fn ln_gamma(x: f64) -> f64 {
    let mut shift = 0.0;
    let mut x = x;
    while x < 10.0 {
        shift += x.ln();
        x += 1.0;
    }
    let inverse = 1.0 / (x * x);
    let series =
        1.0 / 12.0 - inverse * (1.0 / 360.0 - inverse * (1.0 / 1260.0 - inverse * (1.0 / 1680.0 - inverse / 1188.0)));
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series / x - shift
}

/// The highest count that is still usual if `expected` failures are expected: the least `k` whose
/// Poisson tail P(X > k) is below 0.1 %. One more is unusual.
#[must_use]
pub(crate) fn poisson_high(expected: f64) -> u64 {
    const TAIL: f64 = 0.001;
    /// Beyond this mean the normal approximation, with the z of 99.9 %, is accurate enough.
    const LARGE: f64 = 500.0;
    if expected.is_nan() || expected <= 0.0 {
        return 0;
    }
    if expected > LARGE {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and `as` saturates")]
        return (expected + 3.090_232_306_167_813 * expected.sqrt()).ceil() as u64;
    }
    let mut probability = (-expected).exp();
    let mut within = probability;
    let mut k = 0;
    while 1.0 - within >= TAIL {
        k += 1;
        probability *= expected / number(k);
        within += probability;
    }
    k
}

/// The median: the middle value, or the mean of the middle two; `None` if there is no value. Sorts
/// `values`.
#[must_use]
pub fn median(values: &mut [f64]) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// Rounds a number to the six decimals that documents have, so that no output depends on the last
/// bits.
#[must_use]
pub(crate) fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn close(actual: f64, expected: f64, within: f64) {
        assert!((actual - expected).abs() <= within, "{actual} is not {expected} ± {within}");
    }

    #[test]
    fn wilson_gives_the_published_intervals() {
        for (k, n, low, high) in [
            (0, 1, 0.0, 0.7935),
            (3, 3, 0.4385, 1.0),
            (1, 5, 0.0362, 0.6245),
            (0, 10, 0.0, 0.2775),
            (10, 10, 0.7225, 1.0),
            (6, 60, 0.0466, 0.2015),
            (30, 60, 0.37735, 0.62265),
            (0, 288, 0.0, 0.0132),
            (0, 1440, 0.0, 0.00266),
        ] {
            let [actual_low, actual_high] = wilson(k, n).expect("an interval");
            close(actual_low, low, 5e-5);
            close(actual_high, high, 5e-5);
        }
        assert_eq!(wilson(0, 0), None);
    }

    #[test]
    fn fisher_gives_the_published_values() {
        close(fisher(6, 10, 3, 10), 0.370, 1e-3);
        close(fisher(12, 20, 6, 20), 0.111, 1e-3);
        close(fisher(34, 60, 20, 60), 0.017, 1e-3);
        // Fisher's lady tasting tea: three of four right.
        close(fisher(3, 4, 1, 4), 0.485_714_285_714, 1e-10);
        close(fisher(0, 10, 0, 10), 1.0, 1e-12);
    }

    #[test]
    fn fisher_takes_no_longer_for_many_checks() {
        let n = 4_000_000_000;
        close(fisher(0, n, 0, n), 1.0, 1e-12);
        close(fisher(n / 2, n, n / 2, n), 1.0, 1e-3);
        close(fisher(n, n, 0, n), 0.0, 1e-12);
        // Like Fisher's normal approximation, z = 2: 4.55 %.
        let (more, spread) = (n / 2 + 44_721 * 2, 1e-3);
        close(fisher(more, n, n / 2, n), 0.0455, spread);
    }

    #[test]
    fn clean_samples_prove_what_the_table_says() {
        for (ratio, checks) in
            [(0.9, 29), (0.95, 59), (0.99, 299), (0.995, 598), (0.999, 2_995), (0.9999, 29_956), (0.5, 5)]
        {
            assert_eq!(checks_to_show(ratio), checks, "{ratio}");
            assert!(availability_shown(checks, 0).is_some_and(|shown| shown >= ratio));
            assert!(availability_shown(checks - 1, 0).is_some_and(|shown| shown < ratio));
        }
        close(availability_shown(20, 0).expect("a bound"), 0.8609, 1e-4);
        assert_eq!(availability_shown(0, 0), None);
        assert_eq!(availability_shown(5, 5), Some(0.0));
    }

    #[test]
    fn an_unusual_count_has_a_tail_below_a_thousandth() {
        for (expected, unusual) in [(0.6, 5), (1.0, 6), (3.0, 11), (10.0, 22)] {
            assert_eq!(poisson_high(expected) + 1, unusual, "{expected}");
        }
        assert_eq!(poisson_high(0.0), 0);
    }

    #[test]
    fn the_median_of_two_lies_between_them() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&mut [4.0, 1.0]), Some(2.5));
    }

    /// Values of scipy and statsmodels, generated by `tests/interoperability/statistics.py`.
    #[test]
    fn an_independent_implementation_agrees() {
        let fixture: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/interoperability/statistics.json")).expect("a fixture");
        let whole = |value: &serde_json::Value| value.as_u64().expect("a count");
        let real = |value: &serde_json::Value| value.as_f64().expect("a number");
        let rows = |name: &str| fixture[name].as_array().expect("rows").clone();
        for row in rows("wilson") {
            let [low, high] = wilson(whole(&row[0]), whole(&row[1])).expect("an interval");
            close(low, real(&row[2]), 1e-12);
            close(high, real(&row[3]), 1e-12);
        }
        for row in rows("fisher") {
            let p = fisher(whole(&row[0]), whole(&row[1]), whole(&row[2]), whole(&row[3]));
            let expected = real(&row[4]);
            assert!((p - expected).abs() <= 1e-9 + expected * 1e-7, "{row}: {p}");
        }
        for row in rows("poisson_high") {
            assert_eq!(poisson_high(real(&row[0])), whole(&row[1]), "{row}");
        }
        for row in rows("availability_shown") {
            close(availability_shown(whole(&row[0]), whole(&row[1])).expect("a bound"), real(&row[2]), 1e-12);
        }
        for row in rows("ln_gamma") {
            close(ln_gamma(real(&row[0])), real(&row[1]), 1e-10 * real(&row[1]).abs().max(1.0));
        }
        assert!(rows("fisher").len() > 100 && rows("wilson").len() > 100);
    }

    proptest::proptest! {
        #[test]
        fn an_interval_holds_its_ratio(n in 1u64..10_000, k in 0u64..10_000) {
            let k = k.min(n);
            let [low, high] = wilson(k, n).expect("an interval");
            let p = ratio(k, n).expect("a ratio");
            proptest::prop_assert!(0.0 <= low && low <= p + 1e-12 && p <= high + 1e-12 && high <= 1.0);
        }

        #[test]
        fn fisher_does_not_care_which_comes_first(a in 0u64..60, b in 0u64..60, more in 0u64..60, still in 0u64..60) {
            let (one, other) = (fisher(a, a + more, b, b + still), fisher(b, b + still, a, a + more));
            proptest::prop_assert!((one - other).abs() < 1e-9 && (0.0..=1.0).contains(&one));
        }
    }
}
