//! Windows to export, with times from known distributions.

use std::sync::Arc;

use jiff::Timestamp;
use uptick::window::Window;

/// The window of a probe whose checks were up, took these microseconds, and ended just now.
pub(crate) fn window(vantage: &str, probe: &str, micros: &[u64]) -> Window {
    let names = [vantage, probe, "web"].map(Arc::from);
    let mut window = Window::empty(&names[0], &names[1], &names[2], false);
    window.to = Timestamp::now();
    window.from = window.to.checked_sub(jiff::SignedDuration::from_mins(1)).unwrap();
    window.counts.up = micros.len() as u64;
    for micros in micros {
        window.latency.total.record_micros(*micros);
        window.latency.connect.record_micros(micros / 10);
        window.lag.record_micros(100);
    }
    window
}

/// Log-normal times with a slow tail; the same seed always gives the same times.
pub(crate) struct Times {
    seed: u64,
    median: f64,
    spread: f64,
}

impl Times {
    pub(crate) fn new(seed: u64, median_us: f64, spread: f64) -> Times {
        Times { seed, median: median_us, spread }
    }

    /// The next number of a uniform distribution between 0 and 1 (`SplitMix64`).
    #[expect(clippy::cast_precision_loss, reason = "53 bits are what a double holds")]
    fn even(&mut self) -> f64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        ((z >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }
}

impl Iterator for Times {
    type Item = u64;

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive time of minutes at most")]
    fn next(&mut self) -> Option<u64> {
        let (one, other) = (self.even(), self.even());
        let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * other).cos();
        let slow = if self.even() < 0.005 { 10.0 } else { 1.0 };
        Some((self.median * (self.spread * normal).exp() * slow).round() as u64)
    }
}

/// Five vantages and their times, each with its own distribution.
pub(crate) fn fleet() -> Vec<(&'static str, Vec<u64>)> {
    let places =
        [("fra", 20e3, 0.3), ("iad", 45e3, 0.4), ("sin", 90e3, 0.5), ("gru", 140e3, 0.35), ("syd", 260e3, 0.6)];
    let times = |(seed, (vantage, median, spread))| (vantage, Times::new(seed, median, spread).take(20_000).collect());
    (1..).zip(places).map(times).collect()
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a hundred thousand times of minutes at most"
)]
/// The quantile `q` of sorted microseconds, in seconds.
pub(crate) fn exact(sorted: &[u64], q: f64) -> f64 {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted[rank.saturating_sub(1)] as f64 / 1e6
}
