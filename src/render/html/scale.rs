//! Scales: from values to positions on a chart, and the round values that an axis labels.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A position as an attribute, with one decimal: a tenth of a unit is invisible.
pub(crate) fn coordinate(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    // Never "-0".
    format!("{}", if rounded == 0.0 { 0.0 } else { rounded })
}

/// A count as a floating-point number, for computing positions.
#[expect(clippy::cast_precision_loss, reason = "counts and microseconds stay far below 2^52")]
pub(super) const fn number(n: u64) -> f64 {
    n as f64
}

/// A linear scale.
#[derive(Clone, Copy, Debug)]
pub(super) struct LinearScale {
    pub(super) from: f64,
    pub(super) to: f64,
    /// The positions of `from` and `to`.
    pub(super) start: f64,
    pub(super) end: f64,
}

impl LinearScale {
    /// The position of a value, clamped to the chart.
    pub(super) fn at(&self, value: f64) -> f64 {
        let span = self.to - self.from;
        let share = if span > 0.0 { (value - self.from) / span } else { 0.0 };
        self.start + share.clamp(0.0, 1.0) * (self.end - self.start)
    }
}

/// A logarithmic scale of values above zero.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogScale(LinearScale);

impl LogScale {
    pub(super) fn new(from: f64, to: f64, start: f64, end: f64) -> LogScale {
        let from = from.max(f64::MIN_POSITIVE);
        LogScale(LinearScale { from: from.log10(), to: to.max(from * 1.001).log10(), start, end })
    }

    pub(super) fn at(&self, value: f64) -> f64 {
        self.0.at(value.max(f64::MIN_POSITIVE).log10())
    }

    /// Round values on the scale: powers of ten, and their multiples by 2 and 5 if the scale is
    /// short.
    pub(super) fn ticks(&self) -> Vec<f64> {
        let (low, high) = (self.0.from, self.0.to);
        let steps: &[f64] = if high - low > 2.5 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let mut ticks = Vec::new();
        let mut decade = low.floor();
        while decade <= high {
            let values = steps.iter().map(|step| step * 10f64.powf(decade));
            ticks.extend(values.filter(|value| (low - 1e-9..=high + 1e-9).contains(&value.log10())));
            decade += 1.0;
        }
        ticks
    }
}

/// Round values from 0 to at least `highest`: 0, 20, 40, 60. About `most` steps.
pub(super) fn ticks_to(highest: f64, most: u32) -> Vec<f64> {
    let highest = highest.max(1.0);
    let raw = highest / f64::from(most.max(1));
    let magnitude = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * magnitude).find(|step| *step >= raw - 1e-9);
    let step = step.unwrap_or(raw).max(1.0);
    let mut ticks = vec![0.0];
    while ticks[ticks.len() - 1] < highest - 1e-9 {
        ticks.push(ticks[ticks.len() - 1] + step);
    }
    ticks
}

/// The time scale that all charts share.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeScale {
    scale: LinearScale,
}

/// The possible steps between two labelled instants, in seconds.
const STEPS: [i64; 17] =
    [1, 2, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800];

impl TimeScale {
    pub(super) fn new(from: Timestamp, to: Timestamp, start: f64, end: f64) -> TimeScale {
        TimeScale { scale: LinearScale { from: milliseconds(from), to: milliseconds(to), start, end } }
    }

    /// The position of an instant, clamped to the chart.
    pub(super) fn at(&self, instant: Timestamp) -> f64 {
        self.scale.at(milliseconds(instant))
    }

    /// Instants to label, about `most` of them, with their labels.
    pub(super) fn ticks(&self, most: u32, zone: &TimeZone) -> Vec<(Timestamp, String)> {
        let span = (self.scale.to - self.scale.from) / 1000.0;
        let step = STEPS.into_iter().find(|step| span / seconds(*step) <= f64::from(most));
        let step = step.unwrap_or(STEPS[STEPS.len() - 1]);
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a date")]
        let (first, last) = ((self.scale.from / 1000.0).ceil() as i64, (self.scale.to / 1000.0).floor() as i64);
        let mut at = first.div_euclid(step) * step;
        let mut ticks = Vec::new();
        while at <= last && ticks.len() < 100 {
            if at >= first
                && let Ok(instant) = Timestamp::from_second(at)
            {
                ticks.push((instant, name_of(instant, step, zone)));
            }
            at += step;
        }
        ticks
    }
}

/// `14:00`, at midnight the day, with seconds if the steps are short.
fn name_of(at: Timestamp, step: i64, zone: &TimeZone) -> String {
    let at = at.to_zoned_datetime(zone.clone());
    let format = if at.time() == jiff::civil::Time::midnight() {
        "%-d %b"
    } else if step < 60 {
        "%H:%M:%S"
    } else {
        "%H:%M"
    };
    at.strftime(format).to_string()
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a date stay far below 2^52")]
fn milliseconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64
}

#[expect(clippy::cast_precision_loss, reason = "a step is small")]
const fn seconds(step: i64) -> f64 {
    step as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_names_round_values() {
        assert_eq!(ticks_to(57.0, 4), [0.0, 20.0, 40.0, 60.0]);
        assert_eq!(ticks_to(0.0, 4), [0.0, 1.0]);
        assert_eq!(ticks_to(3.0, 4), [0.0, 1.0, 2.0, 3.0]);
        assert_eq!(LogScale::new(3.0, 40.0, 0.0, 1.0).ticks(), [5.0, 10.0, 20.0]);
    }

    #[test]
    fn a_day_names_every_third_hour() {
        let at = |text: &str| text.parse().expect("an instant");
        let times = TimeScale::new(at("2025-03-10T00:00:00Z"), at("2025-03-11T00:00:00Z"), 0.0, 240.0);
        let names: Vec<String> = times.ticks(9, &TimeZone::UTC).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["10 Mar", "03:00", "06:00", "09:00", "12:00", "15:00", "18:00", "21:00", "11 Mar"]);
        assert!((times.at(at("2025-03-10T12:00:00Z")) - 120.0).abs() < 1e-9);
    }

    #[test]
    fn a_place_has_one_decimal_and_no_negative_zero() {
        assert_eq!(coordinate(12.34), "12.3");
        assert_eq!(coordinate(-0.01), "0");
        assert_eq!(coordinate(7.0), "7");
    }
}
