//! A histogram in the classic buckets of Prometheus.

use std::time::Duration;

use crate::window::Histogram;

/// The upper bounds of the classic buckets: those of client libraries, extended to a minute.
pub(crate) const CLASSIC_BOUNDS: [Duration; 14] = [
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(15),
    Duration::from_secs(30),
    Duration::from_mins(1),
];

/// The number of samples at or below each of `CLASSIC_BOUNDS`. The last bucket, `+Inf`, is the count of all samples.
#[must_use]
pub fn classic(histogram: &Histogram) -> Vec<(Duration, u64)> {
    let mut samples = histogram.centres().peekable();
    let mut count = 0;
    let mut within = |bound: Duration| {
        while let Some((_, more)) = samples.next_if(|(time, _)| *time <= bound) {
            count += more;
        }
        (bound, count)
    };
    CLASSIC_BOUNDS.iter().map(|bound| within(*bound)).collect()
}
